//! Writes records as they are at some time.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::entities::{Entities, RecordState};
use crate::identity::Identity;
use crate::shape::{RecordContext, References, Scope, Shape, Times};
use crate::timestamp::Timestamp;

/// The fields with the time of creation.
const CREATED: [&str; 4] = ["dateCreated", "createdDate", "creationDate", "createdTime"];

/// The fields with the time of the last change.
const MODIFIED: [&str; 6] = [
    "dateModified",
    "modifiedDate",
    "dateUpdated",
    "modificationDate",
    "lastUpdated",
    "updatedDate",
];

/// Writes the records of a collection.
#[derive(Debug, Clone)]
pub(crate) struct EntityWriter {
    pub(crate) entities: Arc<Entities>,
    /// The positions of the records to list, in ascending order.
    pub(crate) positions: Arc<Vec<u64>>,
    /// The start of the timeline. All records that never changed are older.
    pub(crate) start: Timestamp,
    pub(crate) references: Arc<References>,
    /// The path of the collection.
    pub(crate) path: String,
    /// The parents of the collection: the names of path parameters, and their ids.
    pub(crate) parents: Vec<(String, String)>,
    /// If its records show those of another list.
    pub(crate) shown: Option<Shown>,
    /// The names of the fields to leave out.
    pub(crate) hidden: Vec<String>,
}

/// How records show those of another list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    /// The type of the records of the other list.
    pub(crate) record_type: usize,
    /// Distinguishes the fields of records that join the same record with different parents.
    pub(crate) salt: u64,
}

impl EntityWriter {
    /// Writes a record as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>, shape: &Shape, index: u64) {
        let identity = Identity::new(self.entities.list(), index);
        let id = identity.id();
        let context = RecordContext {
            id: id.as_bytes(),
            number: index,
            seed: identity.seed() ^ self.shown.map_or(0, |shown| shown.salt),
            list_path: Some(&self.path),
            scope: Scope {
                times: Times::Before(self.start),
                references: Some(&self.references),
                subject: self.shown.map(|shown| (shown.record_type, identity)),
            },
            hidden: &self.hidden,
        };
        let state = self.entities.state(index);
        if state.is_none() && !self.parents.iter().any(|(name, _)| refers(shape, name)) {
            return shape.write(out, context);
        }
        let mut written = Vec::new();
        shape.write(&mut written, context);
        let Ok(Value::Object(mut record)) = serde_json::from_slice(&written) else {
            return out.extend_from_slice(&written);
        };
        if let Some(state) = &state {
            apply(&mut record, shape, state);
            if self.shown.is_some() {
                apply_inside(&mut record, shape, &id.to_string(), state);
            }
        }
        for (name, id) in &self.parents {
            if shape.field(name).is_some() {
                record.insert(name.clone(), id.as_str().into());
            } else if let Some(parent) = name.strip_suffix("Id")
                && let Some(Value::Object(parent)) = record.get_mut(parent)
            {
                parent.insert("id".to_owned(), id.as_str().into());
            }
        }
        record.retain(|name, _| !self.hidden.contains(name));
        out.extend_from_slice(Value::Object(record).to_string().as_bytes());
    }

    /// Returns a record.
    pub(crate) fn value(&self, shape: &Shape, index: u64) -> Value {
        let mut out = Vec::new();
        self.write(&mut out, shape, index);
        serde_json::from_slice(&out).unwrap_or_default()
    }
}

/// Whether records of a shape have a field for the parent named by a path parameter.
fn refers(shape: &Shape, parameter: &str) -> bool {
    let parent = parameter.strip_suffix("Id").and_then(|parent| shape.field(parent));
    shape.field(parameter).is_some() || matches!(parent, Some(Shape::Object(_)))
}

/// Sets the fields of a record that was created or changed, where it is inside another one.
fn apply_inside(outer: &mut Map<String, Value>, shape: &Shape, id: &str, state: &RecordState) {
    for (name, inner) in outer {
        if let (Some(shape), Value::Object(inner)) = (shape.field(name), inner)
            && inner.get("id").is_some_and(|it| it == id)
        {
            apply(inner, shape, state);
        }
    }
}

/// Sets the fields of a record that was created or changed.
fn apply(record: &mut Map<String, Value>, shape: &Shape, state: &RecordState) {
    let known = |name: &&String| shape.field(name).is_some();
    for (name, value) in state.fields.iter().filter(|(name, _)| known(name)) {
        record.insert(name.clone(), value.clone());
    }
    let mut date = |names: &[&str], at: Option<Timestamp>| {
        for (name, at) in names.iter().filter_map(|name| Some((name, at?))) {
            if shape.field(name).is_some_and(Shape::is_date_time) {
                record.insert((*name).to_owned(), at.text().into());
            }
        }
    };
    date(&CREATED, state.created);
    date(&MODIFIED, state.modified.or(state.created));
    if let Some(version) = record.get("version").and_then(Value::as_u64) {
        let version = if state.created.is_some() { 0 } else { version };
        record.insert("version".to_owned(), (version + state.changes).into());
    }
}

/// The fields of a generated change.
pub(super) fn update(number: u64) -> Map<String, Value> {
    Map::from_iter([("description".to_owned(), format!("Change {number}").into())])
}

/// The fields of a request that a record keeps: all but those that the service sets.
pub(super) fn writable(body: &[u8]) -> Map<String, Value> {
    let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(body) else {
        return Map::new();
    };
    let is_set_by_service = |name: &str| {
        matches!(name, "id" | "selfUri" | "version")
            || CREATED.contains(&name)
            || MODIFIED.contains(&name)
    };
    fields.retain(|name, _| !is_set_by_service(name));
    fields
}
