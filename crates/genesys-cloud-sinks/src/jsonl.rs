//! JSON lines: one record per line.

use serde_json::value::RawValue;

use super::projection::Projection;
use crate::columns::Columns;
use crate::encode::Encode;
use crate::error::SinkError;
use crate::reject::Rejected;

/// Writes records unchanged, or objects with the selected fields.
#[derive(Default)]
pub(super) struct Jsonl {
    /// The selected fields, if any, with their names as JSON followed by a colon.
    chosen: Option<(Projection, Vec<String>)>,
}

impl Encode for Jsonl {
    fn begin(&mut self, columns: &Columns, _: &mut Vec<u8>) -> Result<(), SinkError> {
        self.chosen = columns.are_chosen().then(|| {
            let paths = || columns.all().iter().map(|column| column.path.as_str());
            let names = paths().map(|path| format!("{}:", serde_json::Value::from(path)));
            (Projection::new(paths(), false), names.collect())
        });
        Ok(())
    }

    fn record(
        &mut self,
        record: &RawValue,
        out: &mut Vec<u8>,
    ) -> Result<Option<Rejected>, SinkError> {
        match &mut self.chosen {
            None => line(record.get(), out),
            Some((projection, names)) => {
                let found = projection.select(record).map_err(unreadable)?;
                out.push(b'{');
                let mut is_first = true;
                for (name, value) in names.iter().zip(found) {
                    let Some(value) = value else { continue };
                    if !std::mem::replace(&mut is_first, false) {
                        out.push(b',');
                    }
                    out.extend_from_slice(name.as_bytes());
                    line(value.get(), out);
                }
                out.push(b'}');
            }
        }
        out.push(b'\n');
        Ok(None)
    }
}

/// Appends JSON without line breaks between its tokens.
pub fn line(text: &str, out: &mut Vec<u8>) {
    if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none() {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut in_text = false;
    let mut escaped = false;
    out.extend(text.bytes().filter(|byte| {
        let keep = in_text || !byte.is_ascii_whitespace();
        match byte {
            b'"' if !escaped => in_text = !in_text,
            _ => {}
        }
        escaped = in_text && *byte == b'\\' && !escaped;
        keep
    }));
}

pub(super) fn unreadable(error: serde_json::Error) -> SinkError {
    SinkError::new(format!("can't read a record: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(record: &str, fields: &[&str]) -> String {
        let columns = match fields {
            [] => Columns::default(),
            fields => {
                let fields: Vec<String> = fields.iter().map(|it| (*it).to_owned()).collect();
                Columns::chosen(&fields, None, false).expect("columns")
            }
        };
        let (mut encoder, mut out) = (Jsonl::default(), Vec::new());
        encoder.begin(&columns, &mut out).expect("a beginning");
        let record = RawValue::from_string(record.to_owned()).expect("a record");
        encoder.record(&record, &mut out).expect("a line");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn writes_a_record_unchanged_on_one_line() {
        assert_eq!(written(r#"{"b": 1, "a":"ü"}"#, &[]), "{\"b\": 1, \"a\":\"ü\"}\n");
        let folded = "{\n  \"a b\": [1,\r\n 2],\n  \"c\": \"x \\\" \\\\\" }";
        assert_eq!(written(folded, &[]), "{\"a b\":[1,2],\"c\":\"x \\\" \\\\\"}\n");
    }

    #[test]
    fn writes_fields_in_the_order_of_the_selection() {
        let record = r#"{"a":1,"b":{"c":"x"},"d":null}"#;
        assert_eq!(
            written(record, &["d", "b.c", "e", "a"]),
            "{\"d\":null,\"b.c\":\"x\",\"a\":1}\n"
        );
        assert_eq!(written(record, &["e"]), "{}\n");
    }

    #[test]
    fn writes_values_unchanged() {
        let record = r#"{"a":1.50,"b":12345678901234567890,"c":"x\ud83d \u0000","d":{"\udc00":1e400},"a":2}"#;
        assert_eq!(written(record, &[]), format!("{record}\n"));
        let fields = r#"{"d":{"\udc00":1e400},"c":"x\ud83d \u0000","b":12345678901234567890}"#;
        assert_eq!(written(record, &["d", "c", "b"]), format!("{fields}\n"));
    }
}
