//! Lists in the schema of records.

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};

use super::ExplodeError;
use crate::columns::properties;

/// Maximum number of lists to find, and of names in the path of one.
const MOST_LISTS: usize = 60;
const DEEPEST: usize = 6;

/// Returns the paths of the lists in records, and in the elements of these lists, the shortest first. Leaves out those
/// that are deeper than six names or within a type that contains itself.
pub fn lists(item: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    let mut level = vec![(String::new(), item, Vec::new())];
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for (prefix, schema, above) in level {
            for (name, property) in properties(schema) {
                let mut above: Vec<&str> = above.clone();
                let path = format!("{prefix}{name}");
                let element = element(property);
                let inner = element.unwrap_or(property);
                if element.is_some() && found.len() < MOST_LISTS {
                    found.push(path.clone());
                }
                if let Some(known) = inner.reference.as_deref() {
                    if above.contains(&known) {
                        continue;
                    }
                    above.push(known);
                }
                next.push((format!("{path}."), inner, above));
            }
        }
        level = next;
    }
    found
}

/// Returns the schema of the elements if this is a list. It may be a reference.
pub(super) fn element(schema: &Schema) -> Option<&Schema> {
    Catalogue::embedded().resolve(schema).items.as_deref()
}

/// A list on a path.
pub(super) struct Step<'a> {
    /// The names from the record, or from the element of the list before.
    pub(super) names: Vec<String>,
    pub(super) element: &'a Schema,
}

/// Returns the lists on a path.
///
/// # Errors
/// If the path does not end at a list.
pub(super) fn steps<'a>(item: &'a Schema, path: &str) -> Result<Vec<Step<'a>>, ExplodeError> {
    if path.is_empty() {
        return Err(ExplodeError::Empty);
    }
    let catalogue = Catalogue::embedded();
    let (mut schema, mut steps, mut names) = (item, Vec::new(), Vec::new());
    let mut rest = path;
    while !rest.is_empty() {
        let known = properties(schema);
        let parent = &path[..path.len() - rest.len()];
        let walked = parent.trim_end_matches('.');
        if known.is_empty() {
            return Err(ExplodeError::NotAList { path: walked.to_owned(), found: what(schema) });
        }
        let name = next_name(schema, rest);
        let Some((_, property)) = known.iter().find(|(known, _)| known == name) else {
            return Err(ExplodeError::Unknown {
                path: path.to_owned(),
                name: name.to_owned(),
                parent: parent.to_owned(),
                known: known.iter().map(|(name, _)| name.clone()).collect(),
            });
        };
        names.push(name.to_owned());
        rest = rest[name.len()..].trim_start_matches('.');
        schema = property;
        if let Some(element) = element(property) {
            steps.push(Step { names: std::mem::take(&mut names), element });
            schema = element;
        }
    }
    match names.is_empty() {
        true => Ok(steps),
        false => Err(ExplodeError::NotAList {
            path: path.to_owned(),
            found: what(catalogue.resolve(schema)),
        }),
    }
}

/// Returns the names of a path. A name may contain dots.
pub(super) fn names(item: &Schema, path: &str) -> Vec<String> {
    let (mut schema, mut rest, mut names) = (Some(item), path, Vec::new());
    while !rest.is_empty() {
        let name = schema.map_or_else(|| first(rest), |schema| next_name(schema, rest));
        let known = schema.map(properties).unwrap_or_default();
        schema = known.iter().find(|(known, _)| known == name).map(|(_, schema)| schema);
        names.push(name.to_owned());
        rest = rest[name.len()..].strip_prefix('.').unwrap_or_default();
    }
    names
}

/// Returns a schema without these fields, given by their names.
pub(super) fn without<'a>(
    schema: &Schema,
    fields: impl IntoIterator<Item = &'a [String]>,
) -> Schema {
    let mut schema = Catalogue::embedded().resolve(schema).clone();
    fields.into_iter().for_each(|names| remove(&mut schema, names));
    schema
}

fn remove(schema: &mut Schema, names: &[String]) {
    let Some((first, rest)) = names.split_first() else { return };
    if rest.is_empty() {
        schema.properties.retain(|(name, _)| name != first);
    } else if let Some((_, inner)) = schema.properties.iter_mut().find(|(name, _)| name == first) {
        // Other fields with this type keep it.
        let mut own = Catalogue::embedded().resolve(inner).clone();
        remove(&mut own, rest);
        *inner = own;
    }
}

/// Returns the longest name of a field that the path starts with.
fn next_name<'p>(schema: &Schema, rest: &'p str) -> &'p str {
    let is_next = |name: &&(String, Schema)| {
        rest.strip_prefix(&*name.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let longest = properties(schema).iter().filter(is_next).max_by_key(|(name, _)| name.len());
    longest.map_or_else(|| first(rest), |(name, _)| &rest[..name.len()])
}

fn first(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

/// Returns the field with the ID of an element: `id`, or named after it, such as `sessionId`.
pub(super) fn id<'a>(element: &'a Schema, singular: &str) -> Option<&'a (String, Schema)> {
    let is_id = |name: &str| name == "id" || name == format!("{singular}Id");
    properties(element).iter().find(|(name, _)| is_id(name))
}

/// Describes a schema that is not a list.
fn what(schema: &Schema) -> &'static str {
    let schema = Catalogue::embedded().resolve(schema);
    match schema.kind {
        Some(Kind::Boolean) => "a boolean",
        Some(Kind::Integer | Kind::Number) => "a number",
        Some(Kind::String) => "a string",
        _ if !schema.properties.is_empty() => "an object",
        _ if schema.additional_properties.is_some() => "a map",
        _ => "a value that the API document does not describe",
    }
}
