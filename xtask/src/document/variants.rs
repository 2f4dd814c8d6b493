//! Discriminators: a property that states the type of a record.
//!
//! The types are those in `oneOf` or `anyOf`, or else the definitions with the record in their `allOf`. They are known
//! once all definitions have been read.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::schemas::Schemas;
use super::source::Node;
use super::{Kind, Object, Variants};
use crate::json::Json;
use crate::notes::Rule;

/// A definition with a discriminator.
pub(super) struct Discriminated<'a> {
    definition: String,
    discriminator: Discriminator<'a>,
}

pub(super) struct Discriminator<'a> {
    node: Node<'a>,
    property: &'a str,
    /// Definitions by mapped value.
    mapping: Vec<(String, String)>,
    /// The definitions in `oneOf` or `anyOf`.
    listed: Vec<String>,
}

impl<'a> Schemas<'_, 'a> {
    /// The discriminator of a schema.
    pub(super) fn discriminator(&self, node: &Node<'a>) -> Option<Discriminator<'a>> {
        let source = self.source;
        let found = node.get("discriminator")?;
        let property = match found.json {
            // Swagger 2.0.
            Json::String(property) => property.as_str(),
            Json::Object(_) => match source.text(&found, "propertyName") {
                Some(property) => property,
                None => {
                    source.note(Rule::Discriminator, &found, "it has no `propertyName`");
                    return None;
                }
            },
            _ => {
                source.note_kind(&found, "an object");
                return None;
            }
        };
        let mut mapping = Vec::new();
        let values = if found.json.is_object() { source.object(&found, "mapping") } else { vec![] };
        for (value, target) in values {
            let name = target.json.as_str().and_then(|target| {
                let by_name = || source.definition(target).map(|_| target);
                source.definition_name(target).or_else(by_name)
            });
            match name {
                Some(name) => mapping.push((value.to_owned(), name.to_owned())),
                None => {
                    let what = format!("`{value}` maps to no definition");
                    source.note(Rule::Discriminator, &target, what);
                }
            }
        }
        let mut listed = Vec::new();
        for variant in ["oneOf", "anyOf"].into_iter().flat_map(|key| source.list(node, key)) {
            let reference = variant.json.get("$ref").and_then(Json::as_str);
            match reference.and_then(|reference| source.definition_name(reference)) {
                Some(name) => listed.push(name.to_owned()),
                None if variant.json.text("type") == Some("null") => {}
                None => source.note(Rule::Discriminator, &variant, "a type without a name"),
            }
        }
        Some(Discriminator { node: found, property, mapping, listed })
    }

    /// The kind of a schema with a discriminator: for now, a record of the shared fields.
    pub(super) fn discriminated(
        &self,
        node: &Node<'a>,
        is_top: bool,
        discriminator: Discriminator<'a>,
        shared: Object,
    ) -> Kind {
        if !is_top {
            return Kind::Reference(self.definition_of(node));
        }
        let definition = self.current.borrow().clone();
        self.discriminated.borrow_mut().push(Discriminated { definition, discriminator });
        Kind::Object(shared)
    }

    /// Finds the types of each discriminator.
    pub(super) fn find_variants(&self) {
        let discriminated = self.discriminated.take();
        if discriminated.is_empty() {
            return;
        }
        let subtypes = self.subtypes();
        let bases: BTreeSet<String> =
            discriminated.iter().map(|it| it.definition.clone()).collect();
        for Discriminated { definition, discriminator } in &discriminated {
            let definitions = self.types(definition, discriminator, &subtypes, &bases);
            let kinds: Vec<Kind> = definitions
                .iter()
                .map(|(_, name)| self.followed(&Kind::Reference(name.clone())))
                .collect();
            let mut done = self.done.borrow_mut();
            let Some(schema) = done.get_mut(definition) else { continue };
            let Kind::Object(object) = &mut schema.kind else { continue };
            if definitions.is_empty() {
                let source = self.source;
                source.note(Rule::Discriminator, &discriminator.node, "no types are known");
                if object.properties.is_empty() {
                    schema.kind = Kind::Any;
                }
                continue;
            }
            if object.properties.is_empty() {
                let common = self.common_fields(&discriminator.node.at, kinds);
                object.properties = common.properties;
            }
            let property = discriminator.property.to_owned();
            object.variants = Some(Variants { property, definitions });
        }
    }

    /// The types of a definition, by value of its discriminator.
    fn types(
        &self,
        definition: &str,
        discriminator: &Discriminator<'a>,
        subtypes: &HashMap<String, Vec<String>>,
        bases: &BTreeSet<String>,
    ) -> Vec<(String, String)> {
        let mut names = discriminator.listed.clone();
        if names.is_empty() {
            names = below(definition, subtypes);
        }
        // A mapping may name a type that is not listed.
        let more = discriminator.mapping.iter().map(|(_, name)| name.clone());
        let more: Vec<String> = more.filter(|name| !names.contains(name)).collect();
        names.extend(more);
        let mut values = BTreeSet::new();
        let mut types = Vec::new();
        for name in names {
            let mapped = discriminator.mapping.iter().filter(|(_, it)| *it == name);
            let mut mapped: Vec<String> = mapped.map(|(value, _)| value.clone()).collect();
            if mapped.is_empty() {
                mapped.push(self.value_of(&name));
            }
            let Some(record) = self.record_of(&name).filter(|it| !bases.contains(it)) else {
                if name != definition {
                    let what = format!("`{name}` is not a plain record");
                    self.source.note(Rule::Discriminator, &discriminator.node, what);
                }
                continue;
            };
            let new = mapped.into_iter().filter(|value| values.insert(value.clone()));
            types.extend(new.map(|value| (value, record.clone())));
        }
        types
    }

    /// The value of a definition without a mapping.
    fn value_of(&self, name: &str) -> String {
        let node = self.source.definition(name);
        let stated = node.as_ref().and_then(|node| {
            ["x-discriminator-value", "x-ms-discriminator-value"]
                .into_iter()
                .find_map(|key| node.json.text(key))
        });
        stated.unwrap_or(name).to_owned()
    }

    /// Resolves a definition to that of a record.
    fn record_of(&self, name: &str) -> Option<String> {
        let done = self.done.borrow();
        let mut followed = BTreeSet::new();
        let mut name = name;
        loop {
            match &done.get(name)?.kind {
                Kind::Object(_) => return Some(name.to_owned()),
                Kind::Reference(next) if followed.insert(next.as_str()) => name = next,
                _ => return None,
            }
        }
    }

    /// The definitions with each definition in their `allOf`.
    fn subtypes(&self) -> HashMap<String, Vec<String>> {
        let mut subtypes: HashMap<String, Vec<String>> = HashMap::new();
        for name in self.done.borrow().keys() {
            let Some(node) = self.source.definition(name) else { continue };
            let parts = node.json.get("allOf").and_then(Json::as_array).unwrap_or_default();
            let references = parts.iter().filter_map(|part| part.get("$ref")?.as_str());
            for base in references.filter_map(|it| self.source.definition_name(it)) {
                subtypes.entry(base.to_owned()).or_default().push(name.clone());
            }
        }
        subtypes
    }
}

/// All definitions derived from one, the nearest first.
fn below(definition: &str, subtypes: &HashMap<String, Vec<String>>) -> Vec<String> {
    let mut found = Vec::new();
    let mut known = BTreeSet::from([definition.to_owned()]);
    let mut ahead = VecDeque::from([definition.to_owned()]);
    while let Some(name) = ahead.pop_front() {
        for subtype in subtypes.get(&name).into_iter().flatten() {
            if known.insert(subtype.clone()) {
                found.push(subtype.clone());
                ahead.push_back(subtype.clone());
            }
        }
    }
    found
}
