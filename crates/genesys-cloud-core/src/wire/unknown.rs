//! Unknown fields of records.

use std::collections::{BTreeMap, btree_map};
use std::fmt;

use super::Json;

/// The fields of a JSON object that the type of the record does not have.
///
/// They are written back with the record, so that changing a record and sending it back loses nothing. An empty
/// collection does not allocate.
///
/// ```
/// # genesys_cloud_core::record! {
/// #     pub struct Lobby {
/// #         pub name: Option<String> = "name",
/// #     }
/// # }
/// let mut lobby: Lobby = serde_json::from_str(r#"{"name": "East", "floor": 3}"#)?;
/// assert_eq!(lobby.unknown_fields.get("floor").map(|it| it.as_str()), Some("3"));
/// lobby.name = Some("West".to_owned());
/// lobby.unknown_fields.insert("floor", serde_json::json!(4).into());
/// assert_eq!(serde_json::to_string(&lobby)?, r#"{"name":"West","floor":4}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[allow(
    clippy::box_collection,
    reason = "nearly all records have none: one pointer rather than three"
)]
pub struct UnknownFields(Option<Box<BTreeMap<String, Json>>>);

impl UnknownFields {
    /// Creates an empty collection.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Returns whether there are no unknown fields.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the number of fields.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |fields| fields.len())
    }

    /// Returns the value of a field.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.as_ref()?.get(name)
    }

    /// Sets a field and returns its old value. Do not use the name of a field that the record has: the JSON would have
    /// it twice.
    pub fn insert(&mut self, name: impl Into<String>, value: Json) -> Option<Json> {
        self.0.get_or_insert_default().insert(name.into(), value)
    }

    /// Removes a field and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let fields = self.0.as_mut()?;
        let value = fields.remove(name);
        if fields.is_empty() {
            self.0 = None;
        }
        value
    }

    /// Iterates over the fields, sorted by name.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.0.as_ref().map(|fields| fields.iter()))
    }

    /// Moves all fields of `other` here, and replaces existing ones.
    pub(crate) fn append(&mut self, other: &mut Self) {
        match (&mut self.0, other.0.take()) {
            (Some(fields), Some(mut other)) => fields.append(&mut other),
            (fields @ None, other) => *fields = other,
            (Some(_), None) => {}
        }
    }
}

impl fmt::Debug for UnknownFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a UnknownFields {
    type Item = (&'a str, &'a Json);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// An iterator over [`UnknownFields`].
#[derive(Clone, Debug)]
pub struct Iter<'a>(Option<btree_map::Iter<'a, String, Json>>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a Json);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.0.as_mut()?.next()?;
        Some((name, value))
    }
}
