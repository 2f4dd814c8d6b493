//! Selects fields of a record in one pass, without parsing the rest.

use std::collections::BTreeSet;
use std::fmt;

use genesys_cloud_core::lenient::Name;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Maximum number of unknown field names to keep.
const MOST_UNKNOWN: usize = 20;

/// The fields to select, as a tree of their names.
#[derive(Debug, Default)]
pub(super) struct Projection {
    root: Node,
    columns: usize,
    /// Names of top-level fields without a column, if watched.
    unknown: Option<BTreeSet<String>>,
}

#[derive(Debug, Default)]
struct Node {
    column: Option<usize>,
    inner: Vec<(String, Node)>,
}

impl Node {
    /// Finds the field of a name that contains dots, as in SCIM. A path also has dots between names.
    fn named_with_dots(&self, name: &[u8]) -> Option<&Self> {
        if !name.contains(&b'.') {
            return None;
        }
        let mut parts = name.split(|it| *it == b'.');
        parts.try_fold(self, |node, part| {
            let found = node.inner.iter().find(|(known, _)| known.as_bytes() == part);
            found.map(|(_, node)| node)
        })
    }
}

impl Projection {
    /// Selects fields by their paths. `watch`: whether to note fields that are not selected.
    pub(super) fn new<'a>(paths: impl IntoIterator<Item = &'a str>, watch: bool) -> Self {
        let mut projection = Self { unknown: watch.then(BTreeSet::new), ..Self::default() };
        for path in paths {
            let mut node = &mut projection.root;
            for name in path.split('.') {
                let at = match node.inner.iter().position(|(known, _)| known == name) {
                    Some(at) => at,
                    None => {
                        node.inner.push((name.to_owned(), Node::default()));
                        node.inner.len() - 1
                    }
                };
                node = &mut node.inner[at].1;
            }
            node.column = Some(projection.columns);
            projection.columns += 1;
        }
        projection
    }

    /// Returns the JSON of each field, or `None` if the record does not have it or is not an object.
    pub(super) fn select<'a>(
        &mut self,
        record: &'a RawValue,
    ) -> Result<Vec<Option<&'a RawValue>>, serde_json::Error> {
        let mut found = vec![None; self.columns];
        select(&self.root, record, &mut found, &mut self.unknown)?;
        Ok(found)
    }

    /// Returns a note about fields without a column.
    pub(super) fn notes(&self) -> Vec<String> {
        unknown_note(self.unknown.iter().flatten().map(String::as_str)).into_iter().collect()
    }
}

/// Returns a note about fields without a column, if there are any.
pub(super) fn unknown_note<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| {
        format!(
            "records have fields that are not in the API document and have no column: {}; \
             name them with --fields and --unchecked, or write jsonl",
            names.join(", ")
        )
    })
}

fn select<'a>(
    node: &Node,
    value: &'a RawValue,
    found: &mut [Option<&'a RawValue>],
    unknown: &mut Option<BTreeSet<String>>,
) -> Result<(), serde_json::Error> {
    if !value.get().starts_with('{') {
        return Ok(());
    }
    let mut reader = serde_json::Deserializer::from_str(value.get());
    reader.deserialize_map(Fields { node, found, unknown })
}

struct Fields<'n, 'f, 'a> {
    node: &'n Node,
    found: &'f mut [Option<&'a RawValue>],
    unknown: &'f mut Option<BTreeSet<String>>,
}

impl<'a> Visitor<'a> for Fields<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let known = &self.node.inner;
        // Fields mostly have the order of the document.
        let mut next = 0;
        while let Some(name) = map.next_key_seed(Name)? {
            let is_it = |(it, _): &(String, Node)| it.as_bytes() == &*name;
            let in_order = known.get(next..).into_iter().flatten().position(is_it);
            let at = in_order.map(|at| next + at).or_else(|| known.iter().position(is_it));
            next = at.map_or(next, |at| at + 1);
            let node = at.map(|at| &known[at].1).or_else(|| self.node.named_with_dots(&name));
            let Some(node) = node else {
                note(self.unknown, &name);
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value: &'a RawValue = map.next_value()?;
            if let Some(column) = node.column {
                self.found[column] = Some(value);
            } else if !value.get().starts_with(['{', 'n']) {
                // Its columns are for nested fields, but the value is not an object.
                note(self.unknown, &name);
            }
            if !node.inner.is_empty() {
                select(node, value, self.found, &mut None).map_err(serde::de::Error::custom)?;
            }
        }
        Ok(())
    }
}

fn note(unknown: &mut Option<BTreeSet<String>>, name: &[u8]) {
    let Some(names) = unknown.as_mut().filter(|it| it.len() < MOST_UNKNOWN) else { return };
    let name = String::from_utf8_lossy(name);
    if !names.contains(&*name) {
        names.insert(name.into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_fields_in_any_order() {
        let record = r#"{"b":{"y":1,"x":"two","z":null},"new":1,"a":[1, 2],"a\u0062":7}"#;
        let record = RawValue::from_string(record.to_owned()).expect("a record");
        let mut projection = Projection::new(["a", "b.x", "b", "ab", "b.x.w", "c"], true);
        let found = projection.select(&record).expect("fields");
        let found: Vec<Option<&str>> = found.iter().map(|it| it.map(RawValue::get)).collect();
        let whole = r#"{"y":1,"x":"two","z":null}"#;
        assert_eq!(found, [Some("[1, 2]"), Some("\"two\""), Some(whole), Some("7"), None, None]);
        let record = RawValue::from_string(r#"{"b":null,"a":1}"#.to_owned()).expect("a record");
        projection.select(&record).expect("fields");
        assert!(projection.notes()[0].contains("no column: new;"), "{:?}", projection.notes());
        let mut projection = Projection::new(["b.x"], true);
        let record = RawValue::from_string(r#"{"b":"no object"}"#.to_owned()).expect("a record");
        projection.select(&record).expect("fields");
        assert!(projection.notes()[0].contains("no column: b;"), "{:?}", projection.notes());
        let record = RawValue::from_string(r#"{"x\ud83d":1,"b":{"x":2,"\ude00":3}}"#.to_owned());
        let record = record.expect("a record");
        assert_eq!(projection.select(&record).expect("fields")[0].map(RawValue::get), Some("2"));
        assert!(
            projection.notes()[0].contains("no column: b, x\u{fffd}"),
            "{:?}",
            projection.notes()
        );
        let record = r#"{"urn:2.0:User":{"org":"a"},"urn:3.0":1,"b.x":2}"#.to_owned();
        let record = RawValue::from_string(record).expect("a record");
        let mut projection =
            Projection::new(["urn:2.0:User.org", "urn:2.0:User.more", "b.x"], true);
        let found = projection.select(&record).expect("fields");
        let found: Vec<Option<&str>> = found.iter().map(|it| it.map(RawValue::get)).collect();
        assert_eq!(found, [Some("\"a\""), None, Some("2")]);
        assert!(projection.notes()[0].contains("no column: urn:3.0;"), "{:?}", projection.notes());
        let number = RawValue::from_string("7".to_owned()).expect("a number");
        assert_eq!(projection.select(&number).expect("nothing").iter().flatten().count(), 0);
    }
}
