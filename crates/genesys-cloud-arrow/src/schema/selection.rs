//! The fields to read.

use super::SchemaError;
use crate::shape::{FieldShape, Shape};

/// A field that is selected, as the indexes of the fields on its path.
type Steps = Vec<usize>;

/// Selects fields, in the order of their first mention. The fields of one struct stay together.
pub(super) fn select<'a>(
    fields: &[FieldShape],
    paths: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<FieldShape>, SchemaError> {
    let mut selected: Vec<Steps> = Vec::new();
    for path in paths {
        let steps = find(fields, path)?;
        if selected.contains(&steps) {
            return Err(SchemaError::Repeated { path: path.to_owned() });
        }
        selected.push(steps);
    }
    if selected.is_empty() {
        return Err(SchemaError::Empty);
    }
    let selected: Vec<&[usize]> = selected.iter().map(Vec::as_slice).collect();
    Ok(kept(fields, &selected))
}

/// Returns the fields without those at the paths.
pub(super) fn without<'a>(
    fields: &[FieldShape],
    paths: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<FieldShape>, SchemaError> {
    let mut removed: Vec<Steps> = Vec::new();
    for path in paths {
        let steps = find(fields, path)?;
        if removed.contains(&steps) {
            return Err(SchemaError::Repeated { path: path.to_owned() });
        }
        removed.push(steps);
    }
    let removed: Vec<&[usize]> = removed.iter().map(Vec::as_slice).collect();
    let left = left(fields, &removed);
    if left.is_empty() { Err(SchemaError::Empty) } else { Ok(left) }
}

fn left(fields: &[FieldShape], removed: &[&[usize]]) -> Vec<FieldShape> {
    let field = |(at, field): (usize, &FieldShape)| {
        let below = removed.iter().filter_map(|steps| steps.split_first());
        let below: Vec<&[usize]> =
            below.filter(|(first, _)| **first == at).map(|(_, rest)| rest).collect();
        match below.iter().any(|rest| rest.is_empty()) {
            true => None,
            false => Some(FieldShape { shape: left_of(&field.shape, &below)?, ..field.clone() }),
        }
    };
    fields.iter().enumerate().filter_map(field).collect()
}

/// Returns what is left of a shape; `None` if a struct has no field left.
fn left_of(shape: &Shape, removed: &[&[usize]]) -> Option<Shape> {
    match shape {
        Shape::Struct(fields) if !removed.is_empty() => {
            Some(left(fields, removed)).filter(|fields| !fields.is_empty()).map(Shape::Struct)
        }
        Shape::List(element) => Some(Shape::List(Box::new(left_of(element, removed)?))),
        other => Some(other.clone()),
    }
}

/// Returns the shape of the field at a path.
pub(super) fn shape<'f>(fields: &'f [FieldShape], path: &str) -> Result<&'f Shape, SchemaError> {
    let steps = find(fields, path)?;
    let (mut fields, mut shape) = (Some(fields), None);
    for step in steps {
        shape = fields.and_then(|fields| fields.get(step)).map(|field| &field.shape);
        fields = shape.and_then(members);
    }
    shape.ok_or(SchemaError::Empty)
}

/// Finds a field by names of the API or of columns, joined by dots. A name may contain dots.
fn find(fields: &[FieldShape], path: &str) -> Result<Steps, SchemaError> {
    if path.is_empty() {
        return Err(SchemaError::Empty);
    }
    let (mut known, mut rest, mut steps) = (fields, path, Steps::new());
    loop {
        let parent = &path[..path.len() - rest.len()];
        let length = |name: &str| {
            let after = rest.strip_prefix(name)?;
            (after.is_empty() || after.starts_with('.')).then_some(name.len())
        };
        let found = known.iter().enumerate();
        let found = found.filter_map(|(at, it)| Some((at, length(&it.api).max(length(&it.name))?)));
        let Some((at, length)) = found.max_by_key(|(at, length)| (*length, usize::MAX - at)) else {
            return Err(SchemaError::Unknown {
                path: path.to_owned(),
                name: rest.split('.').next().unwrap_or_default().to_owned(),
                parent: parent.to_owned(),
                known: known.iter().map(|it| it.name.clone()).collect(),
            });
        };
        steps.push(at);
        rest = rest[length..].strip_prefix('.').unwrap_or_default();
        if length == path.len() - parent.len() {
            return Ok(steps);
        }
        let inner = known.get(at).and_then(|it| members(&it.shape));
        known = inner.ok_or_else(|| SchemaError::NoFields {
            path: path.to_owned(),
            parent: path[..parent.len() + length].to_owned(),
        })?;
    }
}

/// Returns the fields of a struct, or of the structs in a list.
fn members(shape: &Shape) -> Option<&[FieldShape]> {
    match shape {
        Shape::Struct(fields) => Some(fields),
        Shape::List(element) => members(element),
        _ => None,
    }
}

fn kept(fields: &[FieldShape], selected: &[&[usize]]) -> Vec<FieldShape> {
    let mut order: Vec<usize> = Vec::new();
    for steps in selected {
        if let Some(first) = steps.first().filter(|first| !order.contains(first)) {
            order.push(*first);
        }
    }
    let field = |at: usize| {
        let field = fields.get(at)?;
        let below = selected.iter().filter_map(|steps| steps.split_first());
        let below: Vec<&[usize]> =
            below.filter(|(first, _)| **first == at).map(|(_, rest)| rest).collect();
        // A field that is selected as a whole has all of its fields.
        let shape = match below.iter().any(|rest| rest.is_empty()) {
            true => field.shape.clone(),
            false => within(&field.shape, &below),
        };
        Some(FieldShape { shape, ..field.clone() })
    };
    order.into_iter().filter_map(field).collect()
}

fn within(shape: &Shape, selected: &[&[usize]]) -> Shape {
    match shape {
        Shape::Struct(fields) => Shape::Struct(kept(fields, selected)),
        Shape::List(element) => Shape::List(Box::new(within(element, selected))),
        other => other.clone(),
    }
}
