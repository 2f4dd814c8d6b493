//! CSV (RFC 4180) with a header.

use std::borrow::Cow;

use genesys_cloud_core::lenient;
use serde_json::Value;
use serde_json::value::RawValue;

use super::jsonl::{line, unreadable};
use super::losses::{Loss, Losses};
use super::projection::Projection;
use crate::columns::{ColumnKind, Columns};
use crate::encode::Encode;
use crate::error::SinkError;
use crate::reject::Rejected;

/// The value for null in a table of one column, where readers would skip an empty line.
const LONE_NULL: &str = "NULL";

/// Writes records as CSV. A missing or null field is empty, and an empty string is `""`. Lists, maps and deeper objects
/// are JSON. Integers and dates are normalized.
///
/// In a table of one column, null is `NULL`, and the string "NULL" is quoted.
#[derive(Default)]
pub(super) struct Csv {
    projection: Projection,
    kinds: Vec<ColumnKind>,
    losses: Losses,
}

impl Encode for Csv {
    fn begin(&mut self, columns: &Columns, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let paths = || columns.all().iter().map(|column| column.path.as_str());
        self.projection = Projection::new(paths(), !columns.are_chosen());
        self.kinds = columns.all().iter().map(|column| column.kind).collect();
        self.losses = Losses::of(columns);
        for (index, path) in paths().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            cell(path, out);
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn resume(&mut self, columns: &Columns, state: &Value) -> Result<(), SinkError> {
        self.begin(columns, &mut Vec::new())?;
        self.losses.resume(state)
    }

    fn record(
        &mut self,
        record: &RawValue,
        out: &mut Vec<u8>,
    ) -> Result<Option<Rejected>, SinkError> {
        let found = self.projection.select(record).map_err(unreadable)?;
        let is_lone = self.kinds.len() == 1;
        for (index, (value, kind)) in found.into_iter().zip(&self.kinds).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let loss = match value.map(RawValue::get).filter(|json| *json != "null") {
                Some(json) => write(*kind, json, is_lone, out),
                None if is_lone => {
                    out.extend_from_slice(LONE_NULL.as_bytes());
                    None
                }
                None => None,
            };
            if let Some(loss) = loss {
                self.losses.add(index, loss);
            }
        }
        out.extend_from_slice(b"\r\n");
        Ok(None)
    }

    fn commit(&mut self, _: bool, _: &mut Vec<u8>) -> Result<Option<Value>, SinkError> {
        Ok(Some(self.losses.saved()))
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.projection.notes();
        notes.extend(self.losses.notes());
        notes
    }
}

/// Writes a value other than null.
fn write(kind: ColumnKind, json: &str, is_lone: bool, out: &mut Vec<u8>) -> Option<Loss> {
    let text = match json.as_bytes().first() {
        _ if kind == ColumnKind::JsonText => {
            cell(json, out);
            return None;
        }
        Some(b'"') => match lenient::text(json, true) {
            Some((text, false)) => text,
            Some((text, true)) => {
                cell(&text, out);
                return Some(Loss::Replaced);
            }
            None => Cow::Borrowed(json),
        },
        Some(b'{' | b'[') => {
            let clean = lenient::clean(json, true);
            let mut plain = Vec::with_capacity(clean.len());
            line(&clean, &mut plain);
            cell(&String::from_utf8_lossy(&plain), out);
            let is_odd = !matches!(kind, ColumnKind::Json | ColumnKind::Text);
            let replaced = matches!(clean, Cow::Owned(_)).then_some(Loss::Replaced);
            return replaced.or(is_odd.then_some(Loss::Odd));
        }
        _ => Cow::Borrowed(json),
    };
    let (text, loss) = match normal(kind, json, &text) {
        Normal::Unchanged => (text, None),
        Normal::Changed(other) => (Cow::Owned(other), None),
        Normal::Odd => (text, Some(Loss::Odd)),
    };
    match text.is_empty() || is_lone && text == LONE_NULL {
        true => quoted(&text, out),
        false => cell(&text, out),
    }
    loss
}

/// The normalized form of a value.
enum Normal {
    Unchanged,
    Changed(String),
    /// The value has another type.
    Odd,
}

fn normal(kind: ColumnKind, json: &str, text: &str) -> Normal {
    let is = |is: bool| if is { Normal::Unchanged } else { Normal::Odd };
    let or_odd = |text: Option<String>| text.map_or(Normal::Odd, Normal::Changed);
    match kind {
        ColumnKind::Text | ColumnKind::Json | ColumnKind::JsonText => Normal::Unchanged,
        ColumnKind::Integer if is_plain_integer(json) => Normal::Unchanged,
        ColumnKind::Integer => or_odd(lenient::integer(json).map(|number| number.to_string())),
        // Numbers stay unchanged, even if a double can't represent them.
        ColumnKind::Number => is(json.starts_with(|it: char| it == '-' || it.is_ascii_digit())
            || lenient::number(json).is_some()),
        ColumnKind::Boolean if matches!(json, "true" | "false") => Normal::Unchanged,
        ColumnKind::Boolean => or_odd(lenient::flag(json).map(|flag| flag.to_string())),
        ColumnKind::DateTime if is_rfc3339(text) => Normal::Unchanged,
        ColumnKind::DateTime => match lenient::instant(json) {
            Some(read) if json.starts_with('"') && (read.is_far || read.is_finer) => {
                Normal::Unchanged
            }
            read => or_odd(read.map(|read| lenient::instant_text(&read.value))),
        },
        ColumnKind::Date => match lenient::date(json) {
            Some(read) if json.starts_with('"') && read.is_far => Normal::Unchanged,
            // Only this form of a date has this length.
            Some(_) if text.len() == "2024-05-01".len() => Normal::Unchanged,
            read => or_odd(read.map(|read| lenient::date_text(&read.value))),
        },
    }
}

/// Returns whether all tools parse this text as an integer.
fn is_plain_integer(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())
}

/// Returns whether a string is an RFC 3339 date-time.
fn is_rfc3339(text: &str) -> bool {
    let form = b"0000-00-00T00:00:00";
    let Some((begin, end)) = text.as_bytes().split_at_checked(form.len()) else { return false };
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        form => byte == form,
    };
    let offset = match end.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|it| it.is_ascii_digit()).count();
            &fraction[digits..]
        }
        None => end,
    };
    let is_offset = match offset {
        b"Z" => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|it| it.is_ascii_digit()),
        _ => false,
    };
    is_offset && begin.iter().zip(form).all(fits)
}

/// Writes a cell, quoted if necessary.
fn cell(text: &str, out: &mut Vec<u8>) {
    let parts = |byte: u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    let is_padded = text.starts_with(' ') || text.ends_with(' ');
    match is_padded || text.bytes().any(parts) {
        true => quoted(text, out),
        false => out.extend_from_slice(text.as_bytes()),
    }
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &Columns, records: &[&str]) -> (String, Csv) {
        let (mut encoder, mut out) = (Csv::default(), Vec::new());
        encoder.begin(columns, &mut out).expect("a header");
        for record in records {
            let record = RawValue::from_string((*record).to_owned()).expect("a record");
            encoder.record(&record, &mut out).expect("a row");
        }
        (String::from_utf8(out).expect("text"), encoder)
    }

    fn chosen(fields: &[&str]) -> Columns {
        let fields: Vec<String> = fields.iter().map(|it| (*it).to_owned()).collect();
        Columns::chosen(&fields, None, false).expect("columns")
    }

    #[test]
    fn quotes_cells_if_necessary() {
        let (text, _) = table(
            &chosen(&["id", "name", "n", "list", "o.x"]),
            &[
                r#"{"id":"1","name":"a,b \"c\"","n":1.50,"list":[1,"x"],"o":{"x":true}}"#,
                r#"{"n":null,"id":"","name":"line\nbreak","o":null}"#,
                r#"{"name":" pad ","id":"\u00fc"}"#,
            ],
        );
        let expected = "id,name,n,list,o.x\r\n\
            1,\"a,b \"\"c\"\"\",1.50,\"[1,\"\"x\"\"]\",true\r\n\
            \"\",\"line\nbreak\",,,\r\n\
            ü,\" pad \",,,\r\n";
        assert_eq!(text, expected);
    }

    /// Python's csv.DictReader, pandas and DuckDB skip empty lines.
    #[test]
    fn null_in_a_table_of_one_column_is_not_an_empty_line() {
        let records = [r#"{"a":null}"#, "{}", r#"{"a":""}"#, r#"{"a":"NULL"}"#, r#"{"a":"null"}"#];
        let (text, _) = table(&chosen(&["a"]), &records);
        assert_eq!(text, "a\r\nNULL\r\nNULL\r\n\"\"\r\n\"NULL\"\r\nnull\r\n");
        let (text, _) = table(&chosen(&["a", "b"]), &records);
        assert_eq!(text, "a,b\r\n,\r\n,\r\n\"\",\r\nNULL,\r\nnull,\r\n");
    }

    #[test]
    fn normalizes_values_by_type() {
        use ColumnKind::{Boolean, Date, DateTime, Integer, Json, Number, Text};
        for (kind, json, expected) in [
            (Integer, "25", "25"),
            (Integer, "25.0", "25"),
            (Integer, "1e3", "1000"),
            (Integer, r#""12""#, "12"),
            (Integer, "9007199254740993.0", "9007199254740993"),
            (Integer, "12345678901234567890", "12345678901234567890"),
            (Number, "1.50", "1.50"),
            (Number, "31.245270191439438", "31.245270191439438"),
            (Number, r#""1.5""#, "1.5"),
            (Boolean, "true", "true"),
            (Boolean, r#""True""#, "true"),
            (DateTime, r#""2024-05-01T12:30:00.000Z""#, "2024-05-01T12:30:00.000Z"),
            (DateTime, r#""2024-05-01T14:30:00+02:00""#, "2024-05-01T14:30:00+02:00"),
            (DateTime, r#""2024-05-01T12:30:00.1234567891Z""#, "2024-05-01T12:30:00.1234567891Z"),
            (DateTime, r#""2024-05-01 12:30""#, "2024-05-01T12:30:00.000Z"),
            (DateTime, r#""2024-05-01T14:30:00.000+0200""#, "2024-05-01T12:30:00.000Z"),
            (DateTime, "1714566600000", "2024-05-01T12:30:00.000Z"),
            (DateTime, "1714566600000.0", "2024-05-01T12:30:00.000Z"),
            (DateTime, r#""+292278994-08-17T07:12:55.807Z""#, "+292278994-08-17T07:12:55.807Z"),
            (DateTime, "9223372036854775807", "+292278994-08-17T07:12:55.807Z"),
            (Date, r#""2024-05-01""#, "2024-05-01"),
            (Date, r#""2024-05-01T23:30:00.000-0700""#, "2024-05-01"),
            (Date, "1714566600000", "2024-05-01"),
            (Text, "25.0", "25.0"),
            (Json, "1.50", "1.50"),
            (
                Json,
                r#"{"a":12345678901234567890, "a":1.50}"#,
                r#""{""a"":12345678901234567890, ""a"":1.50}""#,
            ),
        ] {
            let mut out = Vec::new();
            assert_eq!(write(kind, json, false, &mut out), None, "{json}");
            assert_eq!(String::from_utf8(out).expect("text"), expected, "{kind:?} {json}");
        }
        for (kind, json, expected) in [
            (Integer, "2.5", "2.5"),
            (Integer, r#""x""#, "x"),
            (Number, "true", "true"),
            (Boolean, "1", "1"),
            (DateTime, r#""soon""#, "soon"),
            (DateTime, "[]", "[]"),
            (Date, r#""""#, r#""""#),
        ] {
            let mut out = Vec::new();
            assert_eq!(write(kind, json, false, &mut out), Some(Loss::Odd), "{json}");
            assert_eq!(String::from_utf8(out).expect("text"), expected, "{kind:?} {json}");
        }
    }

    #[test]
    fn replaces_and_counts_invalid_characters() {
        let columns = chosen(&["a", "b"]);
        let records = [
            r#"{"a":"x\ud83d y","b":{"\udc00":["\u0000"]}}"#,
            r#"{"a":"nul \u0000","x\ud83d":1}"#,
            r#"{"a":"\ud83d\ude00"}"#,
        ];
        let (text, mut encoder) = table(&columns, &records);
        let expected = "a,b\r\n\
            x\u{fffd} y,\"{\"\"\\ufffd\"\":[\"\"\\ufffd\"\"]}\"\r\n\
            nul \u{fffd},\r\n\
            \u{1f600},\r\n";
        assert_eq!(text, expected);
        assert!(encoder.notes()[0].contains("(a 2, b 1)"), "{:?}", encoder.notes());
        // Counts continue after a resume.
        let form = encoder.commit(false, &mut Vec::new()).expect("a commit").expect("a form");
        let mut resumed = Csv::default();
        resumed.resume(&columns, &form).expect("resumed");
        assert_eq!(resumed.notes(), encoder.notes());
    }

    #[test]
    fn the_header_has_the_columns_of_the_document() {
        let item = genesys_cloud_catalogue::Catalogue::embedded().definition("NamedEntity");
        let columns = Columns::of(item);
        let (text, encoder) = table(&columns, &[r#"{"name":"n","shoeSize":4}"#, "{}"]);
        let mut lines = text.split("\r\n");
        let header = lines.next().expect("a header");
        assert!(header.starts_with("id,name"), "{header}");
        let commas = header.matches(',').count();
        assert!(lines.take(2).all(|line| line.matches(',').count() == commas), "{text}");
        assert!(encoder.notes()[0].contains("shoeSize"));
    }
}
