//! The values of a column in a row group.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{NaiveDate, Timelike as _};
use genesys_cloud_core::lenient;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;
use serde_json::value::RawValue;

use crate::columns::ColumnKind;
use crate::jsonl::line;
use crate::losses::Loss;

const DAY_ZERO: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");

/// The values of a column.
pub(super) struct Cells {
    kind: ColumnKind,
    /// 1 if the row has a value, else 0.
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    /// Concatenated strings, and the end of each.
    Texts(Vec<u8>, Vec<usize>),
    Long(Vec<i64>),
    Short(Vec<i32>),
    Doubles(Vec<f64>),
    Booleans(Vec<bool>),
}

impl Cells {
    pub(super) fn new(kind: ColumnKind) -> Self {
        let values = match kind {
            ColumnKind::Text | ColumnKind::Json | ColumnKind::JsonText => {
                Values::Texts(Vec::new(), Vec::new())
            }
            ColumnKind::Integer | ColumnKind::DateTime => Values::Long(Vec::new()),
            ColumnKind::Date => Values::Short(Vec::new()),
            ColumnKind::Number => Values::Doubles(Vec::new()),
            ColumnKind::Boolean => Values::Booleans(Vec::new()),
        };
        Self { kind, levels: Vec::new(), values }
    }

    /// Adds the value of a row, and returns how it was changed. Fails with a description of a value that does not fit.
    pub(super) fn push(&mut self, value: Option<&RawValue>) -> Result<Option<Loss>, &'static str> {
        let Some(json) = value.map(RawValue::get).filter(|json| *json != "null") else {
            self.levels.push(0);
            return Ok(None);
        };
        let mut loss = None;
        match &mut self.values {
            Values::Texts(texts, ends) if self.kind == ColumnKind::JsonText => {
                texts.extend_from_slice(json.as_bytes());
                ends.push(texts.len());
            }
            Values::Texts(texts, ends) => {
                let text = lenient::text(json, false).filter(|_| self.kind == ColumnKind::Text);
                let is_replaced = match text {
                    Some((text, is_replaced)) => {
                        texts.extend_from_slice(text.as_bytes());
                        is_replaced
                    }
                    None => {
                        let clean = lenient::clean(json, false);
                        line(&clean, texts);
                        matches!(clean, Cow::Owned(_))
                    }
                };
                loss = is_replaced.then_some(Loss::Replaced);
                ends.push(texts.len());
            }
            Values::Long(longs) if self.kind == ColumnKind::DateTime => {
                let time = lenient::instant(json).ok_or_else(|| describe_time(json))?;
                let is_finer = time.is_finer || !time.value.nanosecond().is_multiple_of(1000);
                loss = match time.is_far {
                    true => Some(Loss::Far),
                    false => is_finer.then_some(Loss::Cut),
                };
                longs.push(time.value.timestamp_micros());
            }
            Values::Long(longs) => {
                longs.push(lenient::integer(json).ok_or_else(|| describe(json))?)
            }
            Values::Short(days) => {
                let date = lenient::date(json).ok_or_else(|| describe_time(json))?;
                let days_since = (date.value - DAY_ZERO).num_days();
                loss = date.is_far.then_some(Loss::Far);
                days.push(i32::try_from(days_since).map_err(|_| describe(json))?);
            }
            Values::Doubles(doubles) => {
                doubles.push(lenient::number(json).ok_or_else(|| describe(json))?);
            }
            Values::Booleans(booleans) => {
                booleans.push(lenient::flag(json).ok_or_else(|| describe(json))?);
            }
        }
        self.levels.push(1);
        Ok(loss)
    }

    /// Removes the value of the last row.
    pub(super) fn pop(&mut self) {
        if self.levels.pop() != Some(1) {
            return;
        }
        match &mut self.values {
            Values::Texts(texts, ends) => {
                ends.pop();
                texts.truncate(ends.last().copied().unwrap_or(0));
            }
            Values::Long(values) => drop(values.pop()),
            Values::Short(values) => drop(values.pop()),
            Values::Doubles(values) => drop(values.pop()),
            Values::Booleans(values) => drop(values.pop()),
        }
    }

    /// Writes and clears the values.
    pub(super) fn write(
        &mut self,
        column: &mut SerializedColumnWriter<'_>,
    ) -> Result<(), ParquetError> {
        let levels = std::mem::take(&mut self.levels);
        let levels = Some(&levels[..]);
        match &mut self.values {
            Values::Texts(texts, ends) => {
                let texts = Bytes::from(std::mem::take(texts));
                let mut begin = 0;
                let cut = std::mem::take(ends).into_iter().map(|end| {
                    let text = texts.slice(begin..end);
                    begin = end;
                    ByteArray::from(text)
                });
                let cut: Vec<ByteArray> = cut.collect();
                column.typed::<ByteArrayType>().write_batch(&cut, levels, None)?;
            }
            Values::Long(longs) => {
                column.typed::<Int64Type>().write_batch(&std::mem::take(longs), levels, None)?;
            }
            Values::Short(days) => {
                column.typed::<Int32Type>().write_batch(&std::mem::take(days), levels, None)?;
            }
            Values::Doubles(doubles) => {
                column.typed::<DoubleType>().write_batch(&std::mem::take(doubles), levels, None)?;
            }
            Values::Booleans(booleans) => {
                column.typed::<BoolType>().write_batch(&std::mem::take(booleans), levels, None)?;
            }
        }
        Ok(())
    }
}

/// Describes a value without its content.
fn describe(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        _ => "a number of another type or out of range",
    }
}

fn describe_time(json: &str) -> &'static str {
    match json.starts_with('"') {
        true => "a string that is not a valid time",
        false => describe(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_or_rejects_values_by_type() {
        use ColumnKind::{Boolean, Date, DateTime, Integer, Json, Number, Text};
        for (kind, fits, refused) in [
            (Text, &[r#""a""#, "1", "[1, 2]", "true", "null"][..], &[][..]),
            (Json, &[r#""a""#, "1", r#"{"a": 1}"#], &[]),
            (
                Integer,
                &["1", "-7", "3.0", "1e3", r#""12""#, "9223372036854775807", "9007199254740993.0"],
                &["1.5", r#""x""#, r#""""#, "9223372036854775808", "true", "[]"],
            ),
            (
                Number,
                &["1", "1.5", "-2e3", r#""1.5""#],
                &[r#""x""#, "1e999", "[]", "9007199254740993"],
            ),
            (Boolean, &["true", "false", r#""true""#], &[r#""yes""#, "1"]),
            (
                DateTime,
                &[
                    r#""2024-05-01T12:30:00.000Z""#,
                    r#""2024-05-01 12:30:00+0200""#,
                    r#""2024-05-01""#,
                    "1714566600000",
                    "1714566600000.0",
                ],
                &[r#""""#, r#""soon""#, "true", "{}"],
            ),
            (
                Date,
                &[r#""2024-05-01""#, r#""2024-05-01T12:30:00.000+0000""#, "1714566600000"],
                &[r#""soon""#, "[]"],
            ),
        ] {
            let mut cells = Cells::new(kind);
            let raw = |text: &&str| RawValue::from_string((*text).to_owned()).expect("JSON");
            for text in fits {
                assert_eq!(cells.push(Some(&raw(text))), Ok(None), "{kind:?} {text}");
            }
            for text in refused {
                assert!(cells.push(Some(&raw(text))).is_err(), "{kind:?} {text}");
            }
            assert_eq!(cells.levels.len(), fits.len());
            fits.iter().for_each(|_| cells.pop());
            let is_empty = match &cells.values {
                Values::Texts(texts, ends) => texts.is_empty() && ends.is_empty(),
                Values::Long(values) => values.is_empty(),
                Values::Short(values) => values.is_empty(),
                Values::Doubles(values) => values.is_empty(),
                Values::Booleans(values) => values.is_empty(),
            };
            assert!(is_empty && cells.levels.is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn reports_changed_values() {
        use ColumnKind::{Date, DateTime, Json, Text};
        for (kind, json, loss) in [
            (Text, r#""x\ud83d""#, Some(Loss::Replaced)),
            (Text, r#""x\u0000""#, None),
            (Json, r#"{"\ud83d":1}"#, Some(Loss::Replaced)),
            (Json, r#"{"a":1.50}"#, None),
            (DateTime, r#""2024-05-01T12:30:00.123456Z""#, None),
            (DateTime, r#""2024-05-01T12:30:00.123456000000Z""#, None),
            (DateTime, r#""2024-05-01T12:30:00.123456789Z""#, Some(Loss::Cut)),
            (DateTime, r#""2024-05-01T12:30:00.123456000001Z""#, Some(Loss::Cut)),
            (DateTime, r#""+292278994-08-17T07:12:55.807Z""#, Some(Loss::Far)),
            (DateTime, "9223372036854775807", Some(Loss::Far)),
            (Date, r#""-292275055-05-16""#, Some(Loss::Far)),
        ] {
            let mut cells = Cells::new(kind);
            let raw = RawValue::from_string(json.to_owned()).expect("JSON");
            assert_eq!(cells.push(Some(&raw)), Ok(loss), "{json}");
            if let (Values::Long(longs), Some(Loss::Cut)) = (&cells.values, loss) {
                assert_eq!(longs, &[1_714_566_600_123_456], "{json}");
            }
        }
    }
}
