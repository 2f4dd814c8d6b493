//! The fields that an export adds to each record: before its own fields those of its parent, and after them those of the
//! export.

use genesys_cloud_core::lenient;
use genesys_cloud_sinks::{Column, ColumnKind, Columns};
use serde_json::Value;

use super::source::{Source, Tree};
use super::state::Run;
use crate::arguments::ExportField;
use crate::failure::Failure;

/// The field of a record that is not an object.
const VALUE: &str = "value";

impl ExportField {
    fn column(self) -> Column {
        let kind = match self {
            Self::LoadedAt => ColumnKind::DateTime,
            Self::RunId | Self::Source => ColumnKind::Text,
            Self::Raw => ColumnKind::JsonText,
        };
        Column { path: self.name().to_owned(), kind }
    }

    /// Returns whether the value differs in each export, whatever the record.
    fn is_of_export(self) -> bool {
        matches!(self, Self::LoadedAt | Self::RunId)
    }
}

/// Validates the fields of `--with`, and returns their columns.
pub(super) fn columns(with: &[ExportField]) -> Result<Vec<Column>, Failure> {
    match with.iter().enumerate().find(|(at, field)| with[..*at].contains(field)) {
        Some((_, field)) => {
            Err(Failure::usage(format!("--with: `{}` is given twice", field.name())))
        }
        None => Ok(with.iter().copied().map(ExportField::column).collect()),
    }
}

/// Marks the columns whose values differ in each export.
pub(super) fn mark(columns: Columns, with: &[ExportField]) -> Columns {
    let fields = with.iter().filter(|field| field.is_of_export());
    columns.of_export(fields.map(|field| field.name().to_owned()))
}

/// Returns whether the columns say nothing about the records.
pub(super) fn are_all_of_export(columns: &Columns) -> bool {
    let source = ExportField::Source.name();
    columns.all().iter().all(|it| columns.is_of_export(&it.path) || it.path == source)
}

/// The fields that an export adds to each record.
#[derive(Default)]
pub(super) struct AddedFields {
    /// The names of all added fields, plain and as JSON.
    names: Vec<(String, String)>,
    /// The fields of the export, such as `"_run_id":"1"`.
    of_export: String,
    /// Whether records get their own text.
    has_raw: bool,
}

impl AddedFields {
    /// Returns the fields that parents and `--with` add.
    pub(super) fn new(source: &Source, with: &[ExportField], run: &Run) -> Self {
        let keys = source.tree.iter().flat_map(Tree::columns).map(|column| column.path);
        let names = keys.chain(with.iter().map(|field| field.name().to_owned()));
        let names = names.map(|name| {
            let json = Value::from(&*name).to_string();
            (name, json)
        });
        let fields = with.iter().filter_map(|field| {
            let value = match field {
                ExportField::LoadedAt => Value::from(run.began()),
                ExportField::RunId => Value::from(&*run.id),
                ExportField::Source => Value::from(&*source.entry.id),
                ExportField::Raw => return None,
            };
            Some(format!("\"{}\":{value}", field.name()))
        });
        Self {
            of_export: fields.collect::<Vec<_>>().join(","),
            has_raw: with.contains(&ExportField::Raw),
            names: names.collect(),
        }
    }

    /// Returns whether records stay as they are, unless they have a parent.
    pub(super) fn is_empty(&self) -> bool {
        self.of_export.is_empty() && !self.has_raw
    }

    /// Adds the fields to a record. `keys` are the fields of its parent, such as `"queueId":"1"`. A record that is not an
    /// object becomes the field `value`.
    pub(super) fn add(&self, keys: &str, record: &str) -> String {
        let inner = record.strip_prefix('{').and_then(|it| it.trim_end().strip_suffix('}'));
        let Some(inner) = inner else {
            return self.joined(keys, &["\"", VALUE, "\":", record], record);
        };
        // The API may send a field that its document does not have. An escape may hide its name.
        let may_repeat =
            inner.contains("\\u") || self.names.iter().any(|(_, json)| inner.contains(&**json));
        if may_repeat && let Some(own) = self.own_fields(record) {
            return self.joined(keys, &[&own], record);
        }
        let inner = if inner.trim_start().is_empty() { &[][..] } else { &[inner] };
        self.joined(keys, inner, record)
    }

    /// Returns the fields of a record that has fields with the names of added ones, without these.
    fn own_fields(&self, record: &str) -> Option<String> {
        let is_added = |name: &str| self.names.iter().any(|(added, _)| added == name);
        let all = lenient::fields(record)?;
        if !all.iter().any(|(name, _)| is_added(name)) {
            return None;
        }
        let own = all.iter().filter(|(name, _)| !is_added(name));
        let own = own.map(|(name, value)| format!("{}:{value}", Value::from(&**name)));
        Some(own.collect::<Vec<_>>().join(","))
    }

    /// Joins the fields in one allocation.
    fn joined(&self, keys: &str, own: &[&str], record: &str) -> String {
        let comma = |is_due: bool| if is_due { "," } else { "" };
        let has_own = own.iter().any(|part| !part.is_empty());
        let has_before = !keys.is_empty() || has_own;
        let (raw_name, raw) = if self.has_raw { ("\"_raw\":", record) } else { ("", "") };
        let before = ["{", keys, comma(!keys.is_empty() && has_own)];
        let after = [
            comma(has_before && !self.of_export.is_empty()),
            &self.of_export,
            comma((has_before || !self.of_export.is_empty()) && self.has_raw),
            raw_name,
            raw,
            "}",
        ];
        let parts = || before.iter().chain(own).chain(&after);
        let mut text = String::with_capacity(parts().map(|part| part.len()).sum());
        parts().for_each(|part| text.push_str(part));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(names: &[&str], of_export: &str, has_raw: bool) -> AddedFields {
        let names = names.iter().map(|name| ((*name).to_owned(), format!("\"{name}\"")));
        AddedFields { names: names.collect(), of_export: of_export.to_owned(), has_raw }
    }

    fn check(added: &AddedFields, keys: &str, record: &str, wanted: &str) {
        let text = added.add(keys, record);
        assert_eq!(text, wanted);
        assert_eq!(text.capacity(), text.len(), "one allocation");
        serde_json::from_str::<Value>(&text).expect("JSON");
    }

    #[test]
    fn records_get_the_values_of_their_parent_first() {
        let added = added(&["queueId", "n"], "", false);
        let keys = r#""queueId":"a\"b","n":7"#;
        for (record, wanted) in [
            (r#"{"id":"x"}"#, r#"{"queueId":"a\"b","n":7,"id":"x"}"#),
            ("{ }", r#"{"queueId":"a\"b","n":7}"#),
            (r#""text""#, r#"{"queueId":"a\"b","n":7,"value":"text"}"#),
            // A field of the API with this name is replaced, however it is spelled.
            (r#"{"queueId":"other","id":1}"#, r#"{"queueId":"a\"b","n":7,"id":1}"#),
            (r#"{"id":1,"\u006e":[2]}"#, r#"{"queueId":"a\"b","n":7,"id":1}"#),
            (r#"{"n":1}"#, r#"{"queueId":"a\"b","n":7}"#),
            (r#"{"inner":{"n":1}}"#, r#"{"queueId":"a\"b","n":7,"inner":{"n":1}}"#),
        ] {
            check(&added, keys, record, wanted);
        }
    }

    #[test]
    fn records_get_the_fields_of_the_export_last() {
        let export = added(&["_run_id"], r#""_run_id":"1""#, false);
        let raw = added(&["_raw"], "", true);
        let both = added(&["k", "_run_id", "_raw"], r#""_run_id":"1""#, true);
        for (added, keys, record, wanted) in [
            (&export, "", r#"{"id":"x"}"#, r#"{"id":"x","_run_id":"1"}"#),
            (&export, "", "{}", r#"{"_run_id":"1"}"#),
            (&export, "", "7", r#"{"value":7,"_run_id":"1"}"#),
            (&export, "", r#"{"_run_id":2,"id":1}"#, r#"{"id":1,"_run_id":"1"}"#),
            // The text of the record is exactly what the API sent.
            (
                &raw,
                "",
                r#"{"a": 1.50, "a":2 }"#,
                r#"{"a": 1.50, "a":2 ,"_raw":{"a": 1.50, "a":2 }}"#,
            ),
            (&raw, "", "{}", r#"{"_raw":{}}"#),
            (&raw, "", r#"{"_raw":1}"#, r#"{"_raw":{"_raw":1}}"#),
            (&both, r#""k":1"#, r#"{"id":2}"#, r#"{"k":1,"id":2,"_run_id":"1","_raw":{"id":2}}"#),
            (&both, r#""k":1"#, r#"{"k":2}"#, r#"{"k":1,"_run_id":"1","_raw":{"k":2}}"#),
            (&both, "", "{}", r#"{"_run_id":"1","_raw":{}}"#),
        ] {
            check(added, keys, record, wanted);
        }
    }
}
