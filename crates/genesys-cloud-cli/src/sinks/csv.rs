//! CSV as RFC 4180 has it, with a header.

use serde_json::value::RawValue;

use super::jsonl::{Text, line, unreadable};
use super::pick::Picker;
use super::{Encode, SinkError};
use crate::columns::Columns;

/// A table. A field that is missing or null is empty, an empty text is `""`; lists, maps and deeper objects
/// are JSON.
#[derive(Default)]
pub(super) struct Csv {
    picker: Picker,
}

impl Encode for Csv {
    fn begin(&mut self, columns: &Columns, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let paths = || columns.all().iter().map(|column| column.path.as_str());
        self.picker = Picker::new(paths(), !columns.are_chosen());
        for (index, path) in paths().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            cell(path, out);
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn record(&mut self, record: &RawValue, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let found = self.picker.pick(record).map_err(unreadable)?;
        for (index, value) in found.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let Some(value) = value else { continue };
            match value.get().as_bytes().first() {
                Some(b'n') => {}
                Some(b'"') => {
                    let text = Text::of(value).map_err(unreadable)?;
                    match text.is_empty() {
                        true => out.extend_from_slice(b"\"\""),
                        false => cell(&text, out),
                    }
                }
                Some(b'{' | b'[') => {
                    let mut json = Vec::with_capacity(value.get().len());
                    line(value, &mut json)?;
                    cell(&String::from_utf8_lossy(&json), out);
                }
                _ => out.extend_from_slice(value.get().as_bytes()),
            }
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        self.picker.notes()
    }
}

/// Writes a cell, in quotes where it has what parts cells and lines.
fn cell(text: &str, out: &mut Vec<u8>) {
    let parts = |byte: u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    let is_padded = text.starts_with(' ') || text.ends_with(' ');
    if !is_padded && !text.bytes().any(parts) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
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

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let fields = ["id", "name", "n", "list", "o.x"].map(str::to_owned);
        let columns = Columns::chosen(&fields, None, false).expect("columns");
        let (text, _) = table(
            &columns,
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

    #[test]
    fn the_header_is_that_of_the_document_whatever_comes() {
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
