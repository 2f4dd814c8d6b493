//! Brings a document into the form that progenitor turns into small types: every object and every enum
//! is a definition of its own, and a definition is nothing else.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use heck::ToUpperCamelCase;

use crate::document::{Document, Kind, Schema};
use crate::names::{self, Case};

/// How many definitions deep a list of lists or a map of maps may be stated.
const DEPTH: usize = 32;

/// Flattens the document and returns what was named otherwise than its place says.
pub fn flatten(document: &mut Document) -> Result<Vec<String>> {
    let originals: BTreeSet<String> = document.definitions.keys().cloned().collect();
    resolve_aliases(document)?;
    let renamed = rename_definitions(document);
    let taken = originals
        .iter()
        .chain(document.definitions.keys())
        .map(|name| rust_type(name).to_lowercase())
        .chain(names::RESERVED_TYPES.iter().map(|name| name.to_lowercase()))
        .collect();
    let mut hoist = Hoist { taken, hoisted: BTreeMap::new(), renamed };

    let mut definitions = std::mem::take(&mut document.definitions);
    for (name, schema) in &mut definitions {
        hoist.children(schema, name);
    }
    for operation in &mut document.operations {
        let owner = operation.id.to_upper_camel_case();
        for parameter in &mut operation.parameters {
            let name = format!("{owner}{}", parameter.name.to_upper_camel_case());
            // The enum of a list is named after the parameter too: callers give its values one by one.
            let schema = match &mut parameter.schema.kind {
                Kind::List(items) => items,
                _ => &mut parameter.schema,
            };
            hoist.schema(schema, name);
        }
        if let Some(body) = &mut operation.body {
            hoist.schema(&mut body.schema, format!("{owner}Body"));
        }
        for reply in &mut operation.replies {
            let status = reply.status.filter(|status| *status != 200).map(|code| code.to_string());
            if let Some(schema) = &mut reply.schema {
                hoist.schema(schema, format!("{owner}{}Reply", status.unwrap_or_default()));
            }
        }
    }
    definitions.append(&mut hoist.hoisted);
    document.definitions = definitions;
    Ok(hoist.renamed)
}

/// The name that progenitor gives to the type of a definition.
fn rust_type(definition: &str) -> String {
    names::identifier(definition, Case::Pascal)
}

/// Gives definitions of one name in Rust, and those whose name generated code uses, a name of their own.
fn rename_definitions(document: &mut Document) -> Vec<String> {
    let mut keys: Vec<&str> = document.definitions.keys().map(String::as_str).collect();
    // `Queue` has the first claim to its name, before `QUEUE`.
    keys.sort_by_key(|name| rust_type(name) != *name);
    let distinct =
        names::distinct(keys.iter().copied(), Case::Pascal, &names::RESERVED_TYPES, "type");
    let renamed: BTreeMap<String, String> = keys
        .into_iter()
        .zip(distinct)
        .filter(|(name, new)| name != new)
        .map(|(name, new)| (name.to_owned(), rust_type(&new)))
        .collect();
    if renamed.is_empty() {
        return Vec::new();
    }

    fn replace(schema: &mut Schema, renamed: &BTreeMap<String, String>) {
        if let Kind::Reference(name) = &mut schema.kind
            && let Some(new) = renamed.get(name)
        {
            new.clone_into(name);
        }
        schema.children_mut().into_iter().for_each(|child| replace(child, renamed));
    }

    document.definitions = std::mem::take(&mut document.definitions)
        .into_iter()
        .map(|(name, schema)| (renamed.get(&name).cloned().unwrap_or(name), schema))
        .collect();
    let definitions = document.definitions.values_mut();
    let operations = document.operations.iter_mut().flat_map(|operation| operation.schemas_mut());
    definitions.chain(operations).for_each(|schema| replace(schema, &renamed));
    let note = |(name, new): (&String, &String)| {
        format!("definition `{name}` is `{new}`: `{}` is another type", rust_type(name))
    };
    renamed.iter().map(note).collect()
}

/// Puts what a definition stands for in the place of each reference to it, unless it is an object or an
/// enum, which become types of their own.
fn resolve_aliases(document: &mut Document) -> Result<()> {
    let is_type = |schema: &Schema| matches!(schema.kind, Kind::Object(_) | Kind::Enum(_));
    let aliases: BTreeMap<String, Schema> = document
        .definitions
        .iter()
        .filter(|(_, schema)| !is_type(schema))
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect();
    document.definitions.retain(|_, schema| is_type(schema));

    fn replace(
        schema: &mut Schema,
        aliases: &BTreeMap<String, Schema>,
        within: &mut Vec<String>,
    ) -> Result<()> {
        if let Kind::Reference(name) = &schema.kind
            && let Some(target) = aliases.get(name)
        {
            if within.contains(name) {
                bail!("definition `{name}` is made of nothing but itself");
            }
            if within.len() == DEPTH {
                bail!("definition `{name}`: lists and maps are stated more than {DEPTH} deep");
            }
            within.push(name.clone());
            schema.kind = target.kind.clone();
            schema.bounds = schema.bounds.and(target.bounds);
            schema.description = schema.description.take().or_else(|| target.description.clone());
            replace(schema, aliases, within)?;
            within.pop();
            return Ok(());
        }
        schema.children_mut().into_iter().try_for_each(|child| replace(child, aliases, within))
    }

    let definitions = document.definitions.values_mut();
    let operations = document.operations.iter_mut().flat_map(|operation| operation.schemas_mut());
    definitions.chain(operations).try_for_each(|schema| replace(schema, &aliases, &mut Vec::new()))
}

/// Moves inline objects and enums to definitions named after their place.
struct Hoist {
    /// The names of types in use, in lower case.
    taken: BTreeSet<String>,
    hoisted: BTreeMap<String, Schema>,
    renamed: Vec<String>,
}

impl Hoist {
    fn children(&mut self, schema: &mut Schema, owner: &str) {
        match &mut schema.kind {
            Kind::Object(object) => {
                for (name, property) in &mut object.properties {
                    let name = format!("{}{}", rust_type(owner), name.to_upper_camel_case());
                    self.schema(property, name);
                }
            }
            Kind::List(items) => self.schema(items, format!("{owner}Item")),
            Kind::Map(values) => self.schema(values, format!("{owner}Value")),
            _ => {}
        }
    }

    fn schema(&mut self, schema: &mut Schema, name: String) {
        if !matches!(schema.kind, Kind::Object(_) | Kind::Enum(_)) {
            self.children(schema, &name);
            return;
        }
        let name = self.free(name);
        let mut definition = schema.clone();
        self.children(&mut definition, &name);
        schema.kind = Kind::Reference(name.clone());
        self.hoisted.insert(name, definition);
    }

    /// The name, or the next one that no definition has.
    fn free(&mut self, name: String) -> String {
        let mut free = name.clone();
        for number in 1.. {
            if self.taken.insert(rust_type(&free).to_lowercase()) {
                break;
            }
            free =
                if number == 1 { format!("{name}Value") } else { format!("{name}Value{number}") };
        }
        if free != name {
            self.renamed
                .push(format!("inline type `{name}` is `{free}`: another type has its name"));
        }
        free
    }
}
