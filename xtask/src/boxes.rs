//! Boxes large records within other records.
//!
//! A struct reserves space for every field whether it is set or not: nested records would grow to 40 kB, mostly
//! empty, and be moved for each item of a list.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Model, TypeModel, TypeShape};
use crate::progenitor::RustType;

/// The size in bytes above which a record is boxed. References to other entities (id, name, link) are smaller.
const LARGE: usize = 128 + UNKNOWN_FIELDS;

/// Boxes the fields that hold a large record.
pub fn box_large_records(model: &mut Model) {
    let mut sizes = Sizes { types: BTreeMap::new(), known: BTreeMap::new() };
    for known in types(model) {
        sizes.types.insert(known.name.clone(), fields_of(known));
    }
    for name in sizes.types.keys().cloned().collect::<Vec<_>>() {
        sizes.measure(&name);
    }
    let groups = model.groups.values_mut().flat_map(|group| &mut group.types);
    for known in groups.chain(&mut model.common) {
        let TypeShape::Record(fields) = &mut known.shape else { continue };
        for field in fields {
            if let RustType::Named(name) = &field.kind
                && sizes.is_large(name)
            {
                field.kind = RustType::Boxed(Box::new(field.kind.clone()));
            }
        }
    }
}

fn types(model: &Model) -> impl Iterator<Item = &TypeModel> {
    model.groups.values().flat_map(|group| &group.types).chain(&model.common)
}

/// The types of a record's fields; none for an enum.
fn fields_of(known: &TypeModel) -> Option<Vec<RustType>> {
    match &known.shape {
        TypeShape::Record(fields) => Some(fields.iter().map(|field| field.kind.clone()).collect()),
        _ => None,
    }
}

struct Sizes {
    types: BTreeMap<String, Option<Vec<RustType>>>,
    /// The measured records, in bytes.
    known: BTreeMap<String, usize>,
}

impl Sizes {
    fn is_large(&self, name: &str) -> bool {
        self.known.get(name).is_some_and(|bytes| *bytes > LARGE)
    }

    /// Measures a named type, with its large fields boxed. This terminates because recursive types are already boxed
    /// where they recur. It does not recurse: chains of records may be long.
    fn measure(&mut self, name: &str) {
        let mut ahead = vec![(name.to_owned(), false)];
        let mut begun = BTreeSet::new();
        while let Some((name, is_ready)) = ahead.pop() {
            if self.known.contains_key(&name) {
                continue;
            }
            let Some(Some(fields)) = self.types.get(&name) else { continue };
            if is_ready {
                let bytes: usize = fields.iter().map(|kind| self.field(kind)).sum();
                self.known.insert(name, bytes + UNKNOWN_FIELDS);
                continue;
            }
            let within: Vec<String> = fields
                .iter()
                .filter_map(|kind| match kind {
                    RustType::Named(name) if !self.known.contains_key(name) => Some(name.clone()),
                    _ => None,
                })
                .collect();
            if !begun.insert(name.clone()) {
                continue;
            }
            ahead.push((name, true));
            ahead.extend(within.into_iter().map(|name| (name, false)));
        }
    }

    /// The size of an optional field.
    fn field(&self, kind: &RustType) -> usize {
        match kind {
            RustType::Boolean => 1,
            RustType::Integer
            | RustType::Number
            | RustType::LocalDateTime
            | RustType::DateTime
            | RustType::Value => 16,
            RustType::Date => 8,
            RustType::Text | RustType::List(_) => TEXT,
            RustType::Map(_) => 32,
            RustType::Boxed(_) => BOX,
            RustType::Named(name) => {
                let bytes = self.known.get(name).copied().unwrap_or(TEXT);
                if bytes > LARGE { BOX } else { bytes }
            }
        }
    }
}

/// The size of a text, a list or an enum.
const TEXT: usize = 24;

const BOX: usize = 8;

/// The size of the unknown fields of a record.
const UNKNOWN_FIELDS: usize = 8;
