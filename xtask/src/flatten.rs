//! Flattens a document for progenitor: every object and every enum gets its own definition, and no other schema has
//! one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use heck::ToUpperCamelCase;

use crate::document::{Document, Kind, Object, Schema};
use crate::names::{self, Case};
use crate::notes::{Note, Notes, Rule};

/// The maximum nesting of lists and maps in a schema.
const DEPTH: usize = 32;

/// Flattens the document, and notes each type that could not be named after its place.
pub fn flatten(document: &mut Document) -> Notes {
    let mut notes = Notes::default();
    let is_type = |schema: &Schema| matches!(schema.kind, Kind::Object(_) | Kind::Enum(_));
    let mut aliases = std::mem::take(&mut document.definitions);
    let originals: Vec<String> = aliases.keys().cloned().collect();
    document.definitions = aliases.extract_if(.., |_, schema| is_type(schema)).collect();
    rename_definitions(document, &mut aliases, &mut notes);
    let taken = originals
        .iter()
        .chain(document.definitions.keys())
        .map(|name| rust_type(name).to_lowercase())
        .chain(names::RESERVED_TYPES.iter().map(|name| name.to_lowercase()))
        .collect();
    let mut hoist = Hoist { taken, last: HashMap::new(), hoisted: BTreeMap::new(), notes };

    // An inline type in an alias is named after the alias, once, rather than after each reference to it.
    for (name, alias) in &mut aliases {
        hoist.children(alias, name);
    }
    let section = document.section.clone();
    let aliases = Aliases { section: &section, aliases, resolved: BTreeMap::new() };
    let aliases = aliases.resolve(&mut hoist.notes);
    let definitions = document.definitions.values_mut().chain(hoist.hoisted.values_mut());
    let operations = document.operations.iter_mut().flat_map(|operation| operation.schemas_mut());
    definitions.chain(operations).for_each(|schema| replace(schema, &aliases));
    hoist.cut_document(document);

    let mut definitions = std::mem::take(&mut document.definitions);
    for (name, schema) in &mut definitions {
        hoist.children(schema, name);
    }
    for operation in &mut document.operations {
        let owner = operation.id.to_upper_camel_case();
        for parameter in &mut operation.parameters {
            let name = format!("{owner}{}", parameter.name.to_upper_camel_case());
            // The enum of a list is named after the parameter too: callers pass its values one by one.
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
    hoist.notes
}

/// The Rust name that progenitor gives the type of a definition.
fn rust_type(definition: &str) -> String {
    names::identifier(definition, Case::Pascal)
}

/// Renames definitions that would share a Rust name, or whose name generated code uses.
fn rename_definitions(
    document: &mut Document,
    aliases: &mut BTreeMap<String, Schema>,
    notes: &mut Notes,
) {
    let mut keys: Vec<&str> = document.definitions.keys().map(String::as_str).collect();
    // `Queue` keeps its name before `QUEUE` does.
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
        return;
    }
    notes.extend(renamed.iter().map(|(name, new)| Note {
        rule: Rule::Renamed,
        pointer: document.definition_pointer(name),
        what: format!("definition `{name}` is `{new}`: `{}` is another type", rust_type(name)),
    }));

    fn replace(schema: &mut Schema, renamed: &BTreeMap<String, String>) {
        if let Kind::Reference(name) = &mut schema.kind
            && let Some(new) = renamed.get(name)
        {
            new.clone_into(name);
        }
        if let Kind::Object(Object { variants: Some(variants), .. }) = &mut schema.kind {
            for (_, name) in &mut variants.definitions {
                if let Some(new) = renamed.get(name) {
                    new.clone_into(name);
                }
            }
        }
        schema.children_mut().into_iter().for_each(|child| replace(child, renamed));
    }

    document.definitions = std::mem::take(&mut document.definitions)
        .into_iter()
        .map(|(name, schema)| (renamed.get(&name).cloned().unwrap_or(name), schema))
        .collect();
    let definitions = document.definitions.values_mut().chain(aliases.values_mut());
    let operations = document.operations.iter_mut().flat_map(|operation| operation.schemas_mut());
    definitions.chain(operations).for_each(|schema| replace(schema, &renamed));
}

/// Replaces each reference to an alias by the schema it stands for.
fn replace(schema: &mut Schema, aliases: &BTreeMap<String, Schema>) {
    if let Kind::Reference(name) = &schema.kind
        && let Some(target) = aliases.get(name)
    {
        schema.kind = target.kind.clone();
        schema.bounds = schema.bounds.and(target.bounds);
        schema.description = schema.description.take().or_else(|| target.description.clone());
        return;
    }
    schema.children_mut().into_iter().for_each(|child| replace(child, aliases));
}

/// Definitions that are neither objects nor enums. Each refers to at most one other, since the types within them have
/// become definitions.
struct Aliases<'a> {
    section: &'a str,
    aliases: BTreeMap<String, Schema>,
    resolved: BTreeMap<String, Schema>,
}

impl Aliases<'_> {
    /// Follows each chain of aliases to its end and resolves it from there.
    fn resolve(mut self, notes: &mut Notes) -> BTreeMap<String, Schema> {
        let pointer =
            |section: &str, name: &str| format!("{section}/{}", crate::notes::segment(name));
        for name in self.aliases.keys().cloned().collect::<Vec<_>>() {
            let mut chain: Vec<String> = Vec::new();
            let mut known: HashSet<String> = HashSet::new();
            let mut next = Some(name);
            while let Some(name) = next.take() {
                if self.resolved.contains_key(&name) {
                    break;
                }
                let Some(alias) = self.aliases.get(&name) else { break };
                if !known.insert(name.clone()) {
                    notes.add(
                        Rule::Circle,
                        pointer(self.section, &name),
                        format!("`{name}` consists only of itself"),
                    );
                    self.resolved.insert(name, Kind::Any.into());
                    break;
                }
                alias.references(&mut |other| next = Some(other.to_owned()));
                chain.push(name);
            }
            for name in chain.into_iter().rev() {
                if self.resolved.contains_key(&name) {
                    continue;
                }
                let mut schema = self.aliases[&name].clone();
                replace(&mut schema, &self.resolved);
                if cut(&mut schema, DEPTH) {
                    notes.add(Rule::Depth, pointer(self.section, &name), format!("`{name}`"));
                }
                self.resolved.insert(name, schema);
            }
        }
        self.resolved
    }
}

/// Replaces lists and maps below the maximum depth by free-form JSON.
fn cut(schema: &mut Schema, depth: usize) -> bool {
    match (&mut schema.kind, depth) {
        (Kind::List(_) | Kind::Map(_), 0) => {
            schema.kind = Kind::Any;
            true
        }
        (Kind::List(inner) | Kind::Map(inner), depth) => cut(inner, depth - 1),
        (Kind::Object(object), _) => {
            object.properties.iter_mut().fold(false, |any, (_, it)| cut(it, DEPTH) || any)
        }
        _ => false,
    }
}

/// Moves inline objects and enums to definitions named after their place.
struct Hoist {
    /// The type names in use, in lower case.
    taken: BTreeSet<String>,
    /// The last numeric suffix of each name.
    last: HashMap<String, usize>,
    hoisted: BTreeMap<String, Schema>,
    notes: Notes,
}

impl Hoist {
    fn cut_document(&mut self, document: &mut Document) {
        for (name, schema) in document.definitions.iter_mut().chain(&mut self.hoisted) {
            if cut(schema, DEPTH) {
                let at = format!("{}/{}", document.section, crate::notes::segment(name));
                self.notes.add(Rule::Depth, at, format!("`{name}`"));
            }
        }
        for operation in &mut document.operations {
            // `count` visits every schema, so all of them are cut.
            let cuts =
                operation.schemas_mut().filter_map(|it| cut(it, DEPTH).then_some(())).count();
            if cuts > 0 {
                self.notes.add(Rule::Depth, operation.at.as_str(), operation.place());
            }
        }
    }

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

    /// Returns the name, with a numeric suffix if it is taken.
    fn free(&mut self, name: String) -> String {
        let mut free = name.clone();
        let last = self.last.entry(rust_type(&name).to_lowercase()).or_default();
        while !self.taken.insert(rust_type(&free).to_lowercase()) {
            *last += 1;
            free = match *last {
                1 => format!("{name}Value"),
                number => format!("{name}Value{number}"),
            };
        }
        if free != name {
            self.notes.add(
                Rule::Renamed,
                "",
                format!("inline type `{name}` is `{free}`: another type has its name"),
            );
        }
        free
    }
}
