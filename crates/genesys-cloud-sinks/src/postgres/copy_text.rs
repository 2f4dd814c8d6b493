//! Encodes records as rows of COPY in text format.

use std::borrow::Cow;

use chrono::{
    DateTime, Datelike as _, NaiveDate, NaiveDateTime, SecondsFormat, Timelike as _, Utc,
};
use genesys_cloud_core::lenient;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio_postgres::types::Type;

use crate::SinkError;
use crate::jsonl::unreadable;
use crate::losses::{Loss, Losses};
use crate::projection::Projection;
use crate::reject::Unfit;
use genesys_cloud_core::Fault;

/// Maximum precision of a time in PostgreSQL, in digits of a second.
const MOST_DIGITS: u32 = 6;

/// The earliest year in PostgreSQL: 4713 BC.
const FIRST_YEAR: i32 = -4712;

/// How to write the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// JSON, without what PostgreSQL can't read.
    Json,
    /// JSON, unchanged.
    JsonText,
    /// An integer, which the API may write as `25.0`.
    Whole,
    /// A number with these bits of precision.
    Float(u32),
    Flag,
    /// A date-time with these digits of a second.
    Instant(u32),
    /// A date-time in UTC, for a column without a time zone.
    Local(u32),
    Day,
    /// Text that PostgreSQL parses.
    Plain,
}

impl Cell {
    /// Selects the cell for a type and modifier. `is_exact`: whether the text of JSON is kept where the type can do so.
    fn of(kind: &Type, modifier: i32, is_exact: bool) -> Self {
        let digits = u32::try_from(modifier).unwrap_or(MOST_DIGITS).min(MOST_DIGITS);
        match *kind {
            Type::JSON if is_exact => Self::JsonText,
            Type::JSON | Type::JSONB => Self::Json,
            Type::INT2 | Type::INT4 | Type::INT8 => Self::Whole,
            Type::FLOAT4 => Self::Float(f32::MANTISSA_DIGITS),
            Type::FLOAT8 => Self::Float(f64::MANTISSA_DIGITS),
            Type::BOOL => Self::Flag,
            Type::TIMESTAMPTZ => Self::Instant(digits),
            Type::TIMESTAMP => Self::Local(digits),
            Type::DATE => Self::Day,
            _ => Self::Plain,
        }
    }

    /// Converts a value for the column; `None` to let PostgreSQL parse it. Fails with a description if it does not fit.
    fn converted(self, json: &str) -> Result<Option<(String, Option<Loss>)>, &'static str> {
        let text = |text: String| Ok(Some((text, None)));
        match self {
            Self::Json | Self::JsonText | Self::Plain => Ok(None),
            // The usual case.
            Self::Whole if json.bytes().all(|it| it.is_ascii_digit()) => Ok(None),
            Self::Flag if matches!(json, "true" | "false") => Ok(None),
            Self::Whole => match lenient::integer(json) {
                Some(number) => text(number.to_string()),
                None => Ok(None),
            },
            Self::Float(bits) => match is_exact(json, bits) {
                true => Ok(None),
                false => Err("an integer that the column can't represent exactly"),
            },
            Self::Flag => match lenient::flag(json) {
                Some(flag) => text(flag.to_string()),
                None => Ok(None),
            },
            // PostgreSQL would accept `now` and `today`.
            Self::Instant(digits) | Self::Local(digits) => {
                let read = lenient::instant(json).ok_or("not a date-time")?;
                if read.is_far || read.value.year() < FIRST_YEAR {
                    return Ok(Some((infinite(read.value.year()), Some(Loss::Far))));
                }
                let (time, is_cut) = cut(read.value, digits);
                let loss = (is_cut || read.is_finer).then_some(Loss::Cut);
                let is_local = matches!(self, Self::Local(_));
                let written = if is_local { local(time.naive_utc()) } else { instant(time) };
                Ok(Some((written, loss)))
            }
            Self::Day => {
                let read = lenient::date(json).ok_or("not a date")?;
                match read.is_far || read.value.year() < FIRST_YEAR {
                    true => Ok(Some((infinite(read.value.year()), Some(Loss::Far)))),
                    false => text(day(read.value)),
                }
            }
        }
    }
}

/// Returns whether these bits represent an integer exactly. True for other numbers.
fn is_exact(json: &str, bits: u32) -> bool {
    match json.trim_matches('"').parse::<i128>() {
        Ok(whole) => {
            let whole = whole.unsigned_abs();
            whole == 0 || u128::BITS - whole.leading_zeros() - whole.trailing_zeros() <= bits
        }
        // An integer of more digits than an i128 is never exact.
        Err(_) => json.contains(|it: char| !it.is_ascii_digit() && it != '-'),
    }
}

fn infinite(year: i32) -> String {
    if year > 0 { "infinity" } else { "-infinity" }.to_owned()
}

/// Truncates a time to these digits of a second. Returns whether it had more.
fn cut(time: DateTime<Utc>, digits: u32) -> (DateTime<Utc>, bool) {
    let unit = 10_u32.pow(9 - digits.min(9));
    let more = time.nanosecond() % unit;
    (time.with_nanosecond(time.nanosecond() - more).unwrap_or(time), more > 0)
}

/// Returns the year for PostgreSQL, and the suffix for the era.
fn year(year: i32) -> (i32, &'static str) {
    if year > 0 { (year, "") } else { (1 - year, " BC") }
}

fn instant(time: DateTime<Utc>) -> String {
    if let 1..=9999 = time.year() {
        return time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    }
    let (year, era) = year(time.year());
    format!("{year:04}-{}Z{era}", time.format("%m-%dT%H:%M:%S%.f"))
}

fn local(time: NaiveDateTime) -> String {
    let (year, era) = year(time.year());
    format!("{year:04}-{}{era}", time.format("%m-%d %H:%M:%S%.f"))
}

fn day(date: NaiveDate) -> String {
    let (year, era) = year(date.year());
    format!("{year:04}-{}{era}", date.format("%m-%d"))
}

/// A column to write.
pub(super) struct Filled<'a> {
    /// The path of its field.
    pub(super) path: &'a str,
    pub(super) kind: &'a Type,
    /// The modifier of the type, such as the precision of a time; negative if none.
    pub(super) modifier: i32,
    /// Whether the text of JSON is kept as it is.
    pub(super) is_exact: bool,
}

/// Encodes records as rows.
#[derive(Default)]
pub(super) struct Rows {
    projection: Projection,
    paths: Vec<String>,
    cells: Vec<Cell>,
    losses: Losses,
    /// Whether the database encoding does not have all characters.
    is_narrow: bool,
}

impl Rows {
    /// Creates an encoder. `watch`: whether to note fields without a column. `is_narrow`: whether the database encoding
    /// does not have all characters.
    pub(super) fn new<'a>(
        columns: impl IntoIterator<Item = Filled<'a>>,
        watch: bool,
        is_narrow: bool,
    ) -> Self {
        let columns = columns.into_iter();
        let (paths, cells): (Vec<&str>, Vec<Cell>) =
            columns.map(|it| (it.path, Cell::of(it.kind, it.modifier, it.is_exact))).unzip();
        Self {
            projection: Projection::new(paths.iter().copied(), watch),
            losses: Losses::new(paths.iter().copied()),
            paths: paths.into_iter().map(str::to_owned).collect(),
            cells,
            is_narrow,
        }
    }

    /// Resumes from the counts of a commit.
    pub(super) fn resume(&mut self, losses: &Value) -> Result<(), SinkError> {
        self.losses.resume(losses)
    }

    /// Adds the row of a record, with null in these columns. Adds nothing on error.
    pub(super) fn add(
        &mut self,
        record: &RawValue,
        nulls: &[usize],
        out: &mut Vec<u8>,
    ) -> Result<(), SinkError> {
        let begin = out.len();
        let found = self.projection.select(record).map_err(unreadable)?;
        // Almost always empty, without an allocation.
        let mut lost = Vec::new();
        for (at, (value, cell)) in found.into_iter().zip(&self.cells).enumerate() {
            if at > 0 {
                out.push(b'\t');
            }
            let json = value.map(RawValue::get).filter(|json| *json != "null");
            let Some(json) = json.filter(|_| !nulls.contains(&at)) else {
                out.extend_from_slice(b"\\N");
                continue;
            };
            match write(*cell, json, self.is_narrow, out) {
                Ok(loss) => lost.extend(loss.map(|loss| (at, loss))),
                Err(what) => {
                    out.truncate(begin);
                    return Err(self.unfit(at, what));
                }
            }
        }
        out.push(b'\n');
        lost.into_iter().for_each(|(at, loss)| self.losses.add(at, loss));
        Ok(())
    }

    /// Creates the error of a value that does not fit its column.
    fn unfit(&self, column: usize, what: &str) -> SinkError {
        let field = self.paths.get(column).cloned().unwrap_or_default();
        let text = format!(
            "`{field}` is {what}; omit the field with --fields, or add --on-bad-value null or skip"
        );
        let fault = Fault { field: Some(field), reason: what.to_owned() };
        SinkError::of_value(text, Unfit { column: Some(column), fault })
    }

    /// Returns the non-ASCII fields of a record with their columns, one of which the database encoding may lack.
    pub(super) fn beyond_ascii(&mut self, record: &RawValue) -> Vec<(usize, String)> {
        let Ok(found) = self.projection.select(record) else { return Vec::new() };
        let texts = found.into_iter().enumerate().filter_map(|(at, value)| {
            let json = value?.get();
            let text = lenient::text(json, true).map_or(Cow::Borrowed(json), |(text, _)| text);
            (!text.is_ascii()).then(|| (at, text.into_owned()))
        });
        texts.collect()
    }

    /// Returns the counts of changed values for a commit.
    pub(super) fn lost(&self) -> Value {
        self.losses.saved()
    }

    /// Returns notes about the records.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.projection.notes();
        notes.extend(self.losses.notes());
        notes
    }
}

/// Writes a value, and returns how it was changed. Fails with a description if it does not fit.
fn write(
    cell: Cell,
    json: &str,
    is_narrow: bool,
    out: &mut Vec<u8>,
) -> Result<Option<Loss>, &'static str> {
    if cell == Cell::JsonText {
        escape(json, out);
        return Ok(None);
    }
    if let Some((text, loss)) = cell.converted(json)? {
        escape(&text, out);
        return Ok(loss);
    }
    let (text, is_replaced) = match lenient::text(json, true).filter(|_| cell != Cell::Json) {
        Some(text) => text,
        None => {
            let clean = lenient::clean(json, true);
            let is_replaced = matches!(clean, Cow::Owned(_));
            (clean, is_replaced)
        }
    };
    match is_replaced && is_narrow {
        // Such a database does not have the replacement character either.
        true => escape(&text.replace(['\u{fffd}'], "?").replace("\\ufffd", "?"), out),
        false => escape(&text, out),
    }
    Ok(is_replaced.then_some(Loss::Replaced))
}

/// Escapes a string for COPY.
pub(super) fn escape(text: &str, out: &mut Vec<u8>) {
    let parts = |byte: u8| matches!(byte, b'\\' | b'\n' | b'\r' | b'\t');
    if !text.bytes().any(parts) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(kinds: &[Type]) -> Rows {
        let filled = |(path, kind)| Filled { path, kind, modifier: -1, is_exact: false };
        Rows::new(["a", "b", "c.d"].into_iter().zip(kinds).map(filled), true, false)
    }

    fn row(kinds: &[Type], record: &str) -> Result<String, String> {
        let record = RawValue::from_string(record.to_owned()).expect("a record");
        let mut out = b"before\n".to_vec();
        let added = rows(kinds).add(&record, &[], &mut out);
        let row = out.strip_prefix(b"before\n").expect("what was there");
        assert!(added.is_ok() || row.is_empty(), "a failed row adds nothing");
        added.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(row.to_vec()).expect("text"))
    }

    #[test]
    fn writes_values_by_column_type() {
        for (kind, json, text) in [
            (Type::TEXT, r#""a\tb\\c\nd""#, r"a\tb\\c\nd"),
            (Type::TEXT, "null", r"\N"),
            (Type::TEXT, r#""null""#, "null"),
            (Type::TEXT, r#""\\N""#, r"\\N"),
            (Type::TEXT, r#""\\.""#, r"\\."),
            (Type::TEXT, r#"{"x": "\n"}"#, r#"{"x": "\\n"}"#),
            (Type::TEXT, "true", "true"),
            (Type::TEXT, "1.50", "1.50"),
            (Type::UUID, r#""71a34cde""#, "71a34cde"),
            (Type::JSONB, r#""x""#, r#""x""#),
            (Type::JSONB, "[1,\n2]", r"[1,\n2]"),
            (Type::JSONB, "12345678901234567890.50", "12345678901234567890.50"),
            (Type::NUMERIC, "12345678901234567890.50", "12345678901234567890.50"),
            (Type::INT8, "25.0", "25"),
            (Type::INT8, "25", "25"),
            (Type::INT8, "1e3", "1000"),
            (Type::INT8, r#""12""#, "12"),
            (Type::INT8, "9007199254740993.0", "9007199254740993"),
            (Type::INT4, "2.5", "2.5"),
            (Type::INT8, "\"x\"", "x"),
            (Type::BOOL, r#""TRUE""#, "true"),
            (Type::BOOL, "1", "1"),
            (Type::FLOAT8, "1.50", "1.50"),
            (Type::FLOAT8, "-9007199254740994", "-9007199254740994"),
            (Type::FLOAT8, r#""NaN""#, "NaN"),
            (Type::FLOAT4, "16777216", "16777216"),
            (Type::TIMESTAMPTZ, r#""2024-05-01T14:30+0200""#, "2024-05-01T12:30:00Z"),
            (Type::TIMESTAMPTZ, r#""2024-05-01 12:30:00.000+0000""#, "2024-05-01T12:30:00Z"),
            (Type::TIMESTAMPTZ, "1714566600123", "2024-05-01T12:30:00.123Z"),
            (Type::TIMESTAMPTZ, "1714566600123.0", "2024-05-01T12:30:00.123Z"),
            (Type::TIMESTAMPTZ, r#""+10000-01-01T00:00:00Z""#, "10000-01-01T00:00:00Z"),
            (Type::TIMESTAMPTZ, r#""-0043-03-15T00:00:00.5Z""#, "0044-03-15T00:00:00.500Z BC"),
            (Type::TIMESTAMP, r#""2024-05-01T14:30:00+02:00""#, "2024-05-01 12:30:00"),
            (Type::DATE, r#""2024-05-01T23:30:00-07:00""#, "2024-05-01"),
            (Type::DATE, "1714566600000", "2024-05-01"),
        ] {
            let record = format!("{{\"c\":{{\"d\":1}},\"a\":{json}}}");
            let kinds = [kind.clone(), Type::TEXT, Type::INT8];
            assert_eq!(row(&kinds, &record), Ok(format!("{text}\t\\N\t1\n")), "{kind} {json}");
        }
        let none = row(&[Type::TEXT, Type::TEXT, Type::TEXT], "[]");
        assert_eq!(none.as_deref(), Ok("\\N\t\\N\t\\N\n"));
    }

    #[test]
    fn rejects_values_that_do_not_fit_the_column() {
        for (kind, json, why) in [
            (Type::FLOAT8, "9007199254740993", "represent exactly"),
            (Type::FLOAT4, "16777217", "represent exactly"),
            (Type::TIMESTAMPTZ, "\"soon\"", "not a date-time"),
            (Type::TIMESTAMPTZ, "\"now\"", "not a date-time"),
            (Type::TIMESTAMP, "true", "not a date-time"),
            (Type::DATE, "\"today\"", "not a date"),
        ] {
            let kinds = [Type::TEXT, kind, Type::INT8];
            let record = format!("{{\"a\":\"x\",\"b\":{json},\"c\":{{\"d\":1}}}}");
            let error = row(&kinds, &record).expect_err("it does not fit");
            assert!(error.starts_with("`b` is ") && error.contains(why), "{error}");
            let record = RawValue::from_string(record).expect("a record");
            let mut out = Vec::new();
            rows(&kinds).add(&record, &[1], &mut out).expect("a row without it");
            assert_eq!(out, b"x\t\\N\t1\n");
        }
    }

    #[test]
    fn replaces_truncates_and_counts_values_out_of_range() {
        for (kind, modifier, json, text, loss) in [
            (Type::TEXT, -1, r#""x\u0000""#, "x\u{fffd}", Some(Loss::Replaced)),
            (Type::TEXT, -1, r#""x\ud83d""#, "x\u{fffd}", Some(Loss::Replaced)),
            (Type::JSONB, -1, r#"{"\ud83d":1}"#, r#"{"\\ufffd":1}"#, Some(Loss::Replaced)),
            (Type::TEXT, -1, r#""\ud83d\ude00""#, "\u{1f600}", None),
            (
                Type::TIMESTAMPTZ,
                -1,
                r#""2024-05-01T12:30:00.1234569Z""#,
                "2024-05-01T12:30:00.123456Z",
                Some(Loss::Cut),
            ),
            (
                Type::TIMESTAMP,
                3,
                r#""2024-05-01T12:30:00.999900Z""#,
                "2024-05-01 12:30:00.999",
                Some(Loss::Cut),
            ),
            (
                Type::TIMESTAMP,
                0,
                r#""2024-05-01T12:30:00.9Z""#,
                "2024-05-01 12:30:00",
                Some(Loss::Cut),
            ),
            (
                Type::TIMESTAMPTZ,
                3,
                r#""2024-05-01T12:30:00.123Z""#,
                "2024-05-01T12:30:00.123Z",
                None,
            ),
            (
                Type::TIMESTAMPTZ,
                -1,
                r#""+292278994-08-17T07:12:55.807Z""#,
                "infinity",
                Some(Loss::Far),
            ),
            (Type::TIMESTAMP, -1, "-9223372036854775808", "-infinity", Some(Loss::Far)),
            (Type::DATE, -1, r#""-292275055-05-16""#, "-infinity", Some(Loss::Far)),
        ] {
            let mut out = Vec::new();
            let written = write(Cell::of(&kind, modifier, false), json, false, &mut out);
            assert_eq!(written, Ok(loss), "{json}");
            assert_eq!(String::from_utf8(out).expect("text"), text, "{json}");
        }
        let mut out = Vec::new();
        write(Cell::Plain, r#""x\ud83d""#, true, &mut out).expect("written");
        assert_eq!(out, b"x?", "an encoding without U+FFFD");
        let mut rows = rows(&[Type::TEXT]);
        rows.resume(&serde_json::json!({ "replaced": { "a": 4 } })).expect("resumed");
        let record = RawValue::from_string(r#"{"a":"x\u0000"}"#.to_owned()).expect("a record");
        rows.add(&record, &[], &mut Vec::new()).expect("a row");
        assert!(rows.notes()[0].ends_with("(a 5)"), "{:?}", rows.notes());
    }
}
