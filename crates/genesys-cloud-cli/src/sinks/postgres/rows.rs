//! Records as rows of COPY in its text format.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use genesys_cloud_core::Wire;
use serde_json::value::RawValue;
use tokio_postgres::types::Type;

use crate::sinks::SinkError;
use crate::sinks::jsonl::unreadable;
use crate::sinks::pick::Picker;

/// How the values of a column are written. PostgreSQL reads all else from its text by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// JSON, as it came.
    Json,
    /// A whole number, which the API may write as `25.0`.
    Whole,
    /// A point in time, in any of the forms that the API has.
    Instant,
    /// The same in UTC, for a column that knows no zone.
    Local,
    Day,
    Plain,
}

impl Cell {
    fn of(kind: &Type) -> Self {
        match *kind {
            Type::JSON | Type::JSONB => Self::Json,
            Type::INT2 | Type::INT4 | Type::INT8 => Self::Whole,
            Type::TIMESTAMPTZ => Self::Instant,
            Type::TIMESTAMP => Self::Local,
            Type::DATE => Self::Day,
            _ => Self::Plain,
        }
    }

    /// The value as the column takes it best; `None` to leave that to PostgreSQL.
    fn converted(self, json: &str) -> Option<String> {
        fn read<T: Wire>(json: &str) -> Option<T> {
            T::read(&mut serde_json::Deserializer::from_str(json)).ok()
        }
        let instant = || read::<DateTime<Utc>>(json);
        match self {
            Self::Json | Self::Plain => None,
            Self::Whole if json.bytes().any(|it| matches!(it, b'.' | b'e' | b'E')) => {
                read::<i64>(json).map(|number| number.to_string())
            }
            Self::Whole => None,
            Self::Instant => Some(instant()?.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Local => Some(instant()?.naive_utc().to_string()),
            Self::Day => read::<NaiveDate>(json).map(|day| day.to_string()),
        }
    }
}

/// Makes rows of records.
#[derive(Default)]
pub(super) struct Rows {
    picker: Picker,
    cells: Vec<Cell>,
    /// How many values had what PostgreSQL can't hold.
    replaced: u64,
}

impl Rows {
    /// For these fields and the types of their columns. `watch`: whether fields that have no column are noted.
    pub(super) fn new<'a>(
        fields: impl IntoIterator<Item = (&'a str, &'a Type)>,
        watch: bool,
        replaced: u64,
    ) -> Self {
        let (paths, cells): (Vec<&str>, Vec<Cell>) =
            fields.into_iter().map(|(path, kind)| (path, Cell::of(kind))).unzip();
        Self { picker: Picker::new(paths, watch), cells, replaced }
    }

    /// Adds the row of a record.
    pub(super) fn add(&mut self, record: &RawValue, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let found = self.picker.pick(record).map_err(unreadable)?;
        for (at, (value, cell)) in found.into_iter().zip(&self.cells).enumerate() {
            if at > 0 {
                out.push(b'\t');
            }
            match value.map(RawValue::get).filter(|json| *json != "null") {
                None => out.extend_from_slice(b"\\N"),
                Some(json) => {
                    let clean = storable(json);
                    self.replaced += u64::from(matches!(clean, Cow::Owned(_)));
                    write(*cell, &clean, out)?;
                }
            }
        }
        out.push(b'\n');
        Ok(())
    }

    pub(super) fn replaced(&self) -> u64 {
        self.replaced
    }

    /// What the user should know of the records.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = self.picker.notes();
        if self.replaced > 0 {
            notes.push(format!(
                "{} values had characters that PostgreSQL can't hold, such as NUL: U+FFFD is in their place",
                self.replaced
            ));
        }
        notes
    }
}

fn write(cell: Cell, json: &str, out: &mut Vec<u8>) -> Result<(), SinkError> {
    if let Some(text) = cell.converted(json) {
        escape(&text, out);
    } else if json.starts_with('"') && cell != Cell::Json {
        escape(&text(json)?, out);
    } else {
        escape(json, out);
    }
    Ok(())
}

/// What a JSON text says.
fn text(json: &str) -> Result<Cow<'_, str>, SinkError> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(json).map(|text| text.0).map_err(unreadable)
}

/// Writes a text so that COPY takes it for one value.
fn escape(text: &str, out: &mut Vec<u8>) {
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

/// JSON with U+FFFD in the place of each character that PostgreSQL can't hold: NUL, and halves of surrogate
/// pairs, which are no characters at all. In JSON they are written as escapes alone.
fn storable(json: &str) -> Cow<'_, str> {
    if !json.contains("\\u0000") && !json.contains("\\ud") && !json.contains("\\uD") {
        return Cow::Borrowed(json);
    }
    let mut clean = String::with_capacity(json.len());
    let mut is_changed = false;
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        clean.push_str(&rest[..at]);
        rest = &rest[at..];
        let (length, is_bad) = match unit(rest) {
            // Any other escape is a backslash and one character, which is ASCII.
            None => (2.min(rest.len()), false),
            Some(0) => (6, true),
            Some(0xd800..0xdc00) => match rest.get(6..).and_then(unit) {
                Some(0xdc00..0xe000) => (12, false),
                _ => (6, true),
            },
            Some(0xdc00..0xe000) => (6, true),
            Some(_) => (6, false),
        };
        clean.push_str(if is_bad { "\\ufffd" } else { &rest[..length] });
        is_changed |= is_bad;
        rest = &rest[length..];
    }
    clean.push_str(rest);
    if is_changed { Cow::Owned(clean) } else { Cow::Borrowed(json) }
}

/// The code unit of an escape that the text begins with.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kinds: &[Type], record: &str) -> String {
        let paths = ["a", "b", "c.d"];
        let mut rows = Rows::new(paths.into_iter().zip(kinds), true, 0);
        let record = RawValue::from_string(record.to_owned()).expect("a record");
        let mut out = Vec::new();
        rows.add(&record, &mut out).expect("a row");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_value_is_written_as_its_column_takes_it() {
        for (kind, json, text) in [
            (Type::TEXT, r#""a\tb\\c\nd""#, r"a\tb\\c\nd"),
            (Type::TEXT, "null", r"\N"),
            (Type::TEXT, r#""null""#, "null"),
            (Type::TEXT, r#""\\N""#, r"\\N"),
            (Type::TEXT, r#""\\.""#, r"\\."),
            (Type::TEXT, r#"{"x": "\n"}"#, r#"{"x": "\\n"}"#),
            (Type::TEXT, "true", "true"),
            (Type::UUID, r#""71a34cde""#, "71a34cde"),
            (Type::JSONB, r#""x""#, r#""x""#),
            (Type::JSONB, "[1,\n2]", r"[1,\n2]"),
            (Type::INT8, "25.0", "25"),
            (Type::INT8, "25", "25"),
            (Type::INT4, "2.5", "2.5"),
            (Type::INT8, "\"x\"", "x"),
            (Type::FLOAT8, "1.50", "1.50"),
            (Type::TIMESTAMPTZ, r#""2024-05-01T14:30+0200""#, "2024-05-01T12:30:00Z"),
            (Type::TIMESTAMPTZ, "1714566600123", "2024-05-01T12:30:00.123Z"),
            (Type::TIMESTAMP, r#""2024-05-01T14:30:00+02:00""#, "2024-05-01 12:30:00"),
            (Type::TIMESTAMPTZ, "\"soon\"", "soon"),
            (Type::DATE, r#""2024-05-01T23:30:00-07:00""#, "2024-05-01"),
        ] {
            let record = format!("{{\"c\":{{\"d\":1}},\"a\":{json}}}");
            let kinds = [kind.clone(), Type::TEXT, Type::INT8];
            assert_eq!(row(&kinds, &record), format!("{text}\t\\N\t1\n"), "{kind} {json}");
        }
        assert_eq!(row(&[Type::TEXT, Type::TEXT, Type::TEXT], "[]"), "\\N\t\\N\t\\N\n");
    }

    #[test]
    fn what_postgresql_can_not_hold_is_replaced_and_counted() {
        for (json, clean) in [
            (r#""a\u0000b""#, r#""a\ufffdb""#),
            (r#""\\u0000""#, r#""\\u0000""#),
            (r#""\\\u0000""#, r#""\\\ufffd""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ud83dx""#, r#""\ufffdx""#),
            (r#""\ude00\uD83D""#, r#""\ufffd\ufffd""#),
            (r#""\u00e9 ü \uD83D\n""#, r#""\u00e9 ü \ufffd\n""#),
            (r#"{"k\u0000":["\u0000"]}"#, r#"{"k\ufffd":["\ufffd"]}"#),
        ] {
            assert_eq!(storable(json), clean, "{json}");
            assert_eq!(matches!(storable(json), Cow::Owned(_)), json != clean);
        }
        let kind = Type::TEXT;
        let mut rows = Rows::new([("a", &kind)], false, 4);
        let record = RawValue::from_string(r#"{"a":"x\u0000"}"#.to_owned()).expect("a record");
        let mut out = Vec::new();
        rows.add(&record, &mut out).expect("a row");
        assert_eq!((out.as_slice(), rows.replaced()), ("x\u{fffd}\n".as_bytes(), 5));
    }
}
