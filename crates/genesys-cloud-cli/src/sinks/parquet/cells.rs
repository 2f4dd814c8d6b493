//! The values of a column between two row groups.

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use genesys_cloud_core::Wire as _;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;
use serde_json::value::RawValue;

use crate::columns::ColumnKind;
use crate::sinks::jsonl::{Text, line};

/// The largest whole number up to which a double has all of them.
const EXACT: f64 = 9_007_199_254_740_992.0;

const DAY_ZERO: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");

/// The values of a column.
pub(super) struct Cells {
    kind: ColumnKind,
    /// 1 where a row has a value, 0 where not.
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    /// One behind the other, and where each ends.
    Texts(Vec<u8>, Vec<usize>),
    Long(Vec<i64>),
    Short(Vec<i32>),
    Doubles(Vec<f64>),
    Booleans(Vec<bool>),
}

impl Cells {
    pub(super) fn new(kind: ColumnKind) -> Self {
        let values = match kind {
            ColumnKind::Text | ColumnKind::Json => Values::Texts(Vec::new(), Vec::new()),
            ColumnKind::Integer | ColumnKind::DateTime => Values::Long(Vec::new()),
            ColumnKind::Date => Values::Short(Vec::new()),
            ColumnKind::Number => Values::Doubles(Vec::new()),
            ColumnKind::Boolean => Values::Booleans(Vec::new()),
        };
        Self { kind, levels: Vec::new(), values }
    }

    /// Takes in the value of a row. If it does not fit: what it is.
    pub(super) fn push(&mut self, value: Option<&RawValue>) -> Result<(), &'static str> {
        let Some(value) = value.filter(|value| value.get() != "null") else {
            self.levels.push(0);
            return Ok(());
        };
        match &mut self.values {
            Values::Texts(texts, ends) => {
                match self.kind {
                    ColumnKind::Text if value.get().starts_with('"') => {
                        let text = Text::of(value).map_err(|_| what(value))?;
                        texts.extend_from_slice(text.as_bytes());
                    }
                    _ => line(value, texts).map_err(|_| what(value))?,
                }
                ends.push(texts.len());
            }
            Values::Long(longs) if self.kind == ColumnKind::DateTime => {
                let mut reader = serde_json::Deserializer::from_str(value.get());
                let time = DateTime::<Utc>::read(&mut reader).map_err(|_| no_time(value))?;
                longs.push(time.timestamp_micros());
            }
            Values::Long(longs) => longs.push(whole(value.get()).ok_or(what(value))?),
            Values::Short(days) => {
                let text = Text::of(value).map_err(|_| what(value))?;
                let date: NaiveDate = text.parse().map_err(|_| no_time(value))?;
                let days_since = (date - DAY_ZERO).num_days();
                days.push(i32::try_from(days_since).map_err(|_| what(value))?);
            }
            Values::Doubles(doubles) => {
                doubles.push(double(value.get()).ok_or(what(value))?);
            }
            Values::Booleans(booleans) => {
                booleans.push(value.get().parse().map_err(|_| what(value))?);
            }
        }
        self.levels.push(1);
        Ok(())
    }

    /// Writes them, and has none any more.
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

/// A whole number, however it is written: `3`, `3.0` or `3e0`.
fn whole(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
    })
}

/// A number. Of whole ones, those that a double has exactly.
fn double(text: &str) -> Option<f64> {
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let number: f64 = text.parse().ok().filter(|it: &f64| is_number && it.is_finite())?;
    let is_exact = text.parse().is_ok_and(|whole: i128| number as i128 == whole);
    (is_exact || text.contains(['.', 'e', 'E'])).then_some(number)
}

/// What a value is, for people: without what it says.
fn what(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'"') => "a text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        _ => "a number that is out of bounds or of another kind",
    }
}

fn no_time(value: &RawValue) -> &'static str {
    match value.get().starts_with('"') {
        true => "a text that is no such time",
        false => what(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_or_are_refused() {
        use ColumnKind::{Boolean, Date, DateTime, Integer, Json, Number, Text};
        for (kind, fits, refused) in [
            (Text, &[r#""a""#, "1", "[1, 2]", "true", "null"][..], &[][..]),
            (Json, &[r#""a""#, "1", r#"{"a": 1}"#], &[]),
            (
                Integer,
                &["1", "-7", "3.0", "9223372036854775807"],
                &["1.5", "\"1\"", "9223372036854775808", "true"],
            ),
            (Number, &["1", "1.5", "-2e3"], &["\"1\"", "1e999", "[]", "9007199254740993"]),
            (Boolean, &["true", "false"], &["\"true\"", "1"]),
            (
                DateTime,
                &["\"2024-05-01T12:30:00.000Z\"", "\"2024-05-01T12:30:00+0200\"", "1714566600000"],
                &["\"\"", "\"soon\"", "1.5", "{}"],
            ),
            (Date, &["\"2024-05-01\""], &["\"2024-05-01T12:30:00Z\"", "7"]),
        ] {
            let mut cells = Cells::new(kind);
            let raw = |text: &&str| RawValue::from_string((*text).to_owned()).expect("JSON");
            for text in fits {
                assert_eq!(cells.push(Some(&raw(text))), Ok(()), "{kind:?} {text}");
            }
            for text in refused {
                assert!(cells.push(Some(&raw(text))).is_err(), "{kind:?} {text}");
            }
            assert_eq!(cells.levels.len(), fits.len());
        }
    }
}
