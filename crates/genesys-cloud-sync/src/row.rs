//! Rows as they are staged, and the part of the org that a run has read.

use std::sync::Arc;

use genesys_cloud_core::lenient;
use serde_json::value::RawValue;

use crate::canonical;
use crate::range::DayRange;

/// A record to compare with its row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The values of the key as a JSON array, in a canonical form.
    pub key: String,
    /// A hash of the record that is equal for equal records.
    pub hash: u128,
    /// Where it was read.
    pub place: Place,
    /// The record as the API sent it, with the values of its parent as its first fields.
    pub record: Box<RawValue>,
}

/// The part of the org in which a record was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The list.
    List,
    /// The list of a parent, named by its values as a JSON array.
    Parent(Arc<str>),
    /// These days.
    Days(DayRange),
}

/// A parent whose list was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentRead {
    /// Its values as a JSON array, as in [`Place::Parent`].
    pub key: Arc<str>,
    /// Whether its list was read completely.
    pub is_complete: bool,
}

/// The part of the org that was read. Rows outside of it are never deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing was read completely.
    Nothing,
    /// The whole list.
    List,
    /// The lists of the staged parents that are complete. If `has_all_parents`, also those of all parents that were
    /// not staged: they no longer exist.
    Parents {
        /// Whether the list of parents was read completely.
        has_all_parents: bool,
    },
    /// These days. A row belongs to them if one of the ranges includes all of its days.
    Days(Vec<DayRange>),
}

/// Returns the key of a record. `None` if it lacks one of the fields, or one is not a single value.
pub(crate) fn key_of(record: &str, fields: &[String]) -> Option<String> {
    let mut key = String::from("[");
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            key.push(',');
        }
        let value = lenient::at(record, &format!("/{}", field.replace('.', "/")))?;
        key.push_str(&canonical::scalar(value)?);
    }
    key.push(']');
    Some(key)
}

/// Adds the values of a parent to a record, as the first fields. They replace fields of the same names. A record that is
/// not an object becomes the field `value`.
pub(crate) fn with_parent(record: &str, names: &[String], values: &[String]) -> String {
    let named = |name: &str| serde_json::Value::from(name).to_string();
    let mut text = String::with_capacity(record.len() + 64);
    text.push('{');
    let mut add = |name: &str, value: &str| {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&named(name));
        text.push(':');
        text.push_str(value);
    };
    names.iter().zip(values).for_each(|(name, value)| add(name, value));
    match lenient::fields(record) {
        Some(fields) => {
            let own = fields.iter().filter(|(name, _)| !names.contains(name));
            own.for_each(|(name, value)| add(name, value));
        }
        None => add("value", record),
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_canonical() {
        let fields = ["id".to_owned(), "user.id".to_owned()];
        for (record, key) in [
            (r#"{"id":"a","user":{"id":7}}"#, Some(r#"["a",7]"#)),
            (r#"{"user":{"id": 7},"id":"\u0061"}"#, Some(r#"["a",7]"#)),
            (r#"{"id":"a","user":{}}"#, None),
            (r#"{"id":null,"user":{"id":7}}"#, None),
            (r#"{"id":["a"],"user":{"id":7}}"#, None),
            ("7", None),
        ] {
            assert_eq!(key_of(record, &fields).as_deref(), key, "{record}");
        }
    }

    #[test]
    fn records_get_the_values_of_their_parent() {
        let (names, values) = (["queueId".to_owned()], [r#""q""#.to_owned()]);
        for (record, expected) in [
            (r#"{"id":1}"#, r#"{"queueId":"q","id":1}"#),
            ("{ }", r#"{"queueId":"q"}"#),
            (r#"{"queueId":"other","id":1}"#, r#"{"queueId":"q","id":1}"#),
            (r#""text""#, r#"{"queueId":"q","value":"text"}"#),
        ] {
            assert_eq!(with_parent(record, &names, &values), expected);
        }
    }
}
