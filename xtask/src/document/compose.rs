//! Records, maps and composed schemas (`allOf`, `oneOf`, `anyOf`).

use std::collections::{HashMap, HashSet};

use super::schemas::Schemas;
use super::source::Node;
use super::{Kind, Object, Schema};
use crate::json::Json;
use crate::notes::Rule;

/// Keywords that state the type of a value. A schema without any of them only restricts values.
const STATING: [&str; 13] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "discriminator",
    "enum",
    "items",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "properties",
    "type",
];

/// What the alternatives of a schema have in common.
enum Alternatives {
    /// No alternatives.
    None,
    /// All are of this kind.
    One(Kind),
    /// All are records: their fields.
    Fields(Object),
    /// They are of different kinds.
    Mixed,
}

/// The parts of a schema, while they are combined.
#[derive(Default)]
struct Parts {
    object: Object,
    /// Each part as stated.
    stated: Vec<Kind>,
    /// A part that is not a record.
    other: Option<Kind>,
}

impl<'a> Schemas<'_, 'a> {
    /// A schema that is an object, or composed of others.
    pub(super) fn record(&self, node: &Node<'a>, is_top: bool) -> Kind {
        let source = self.source;
        if let Some(part) = self.sole_part(node).filter(|_| !node.has("discriminator")) {
            return self.kind(&part, false);
        }
        if !is_top && self.is_reading() && self.refers_to_parts(node) {
            return Kind::Reference(self.definition_of(node));
        }
        let mut parts = Parts::default();
        if let Some(reference) = node.json.get("$ref").and_then(Json::as_str) {
            let kind = self.reference(node, reference);
            self.add(&mut parts, node, kind);
        }
        for part in source.list(node, "allOf") {
            let kind = self.kind(&part, false);
            self.add(&mut parts, &part, kind);
        }
        let own = self.own(node);
        let discriminator = self.discriminator(node);
        if let Some(discriminator) = discriminator {
            parts.object.extend(own);
            parts.object.dedup();
            return self.discriminated(node, is_top, discriminator, parts.object);
        }
        for key in ["oneOf", "anyOf"] {
            let is_alone = own.properties.is_empty() && parts.stated.is_empty();
            match self.alternatives(node, key) {
                Alternatives::None => {}
                Alternatives::One(kind) => self.add(&mut parts, node, kind),
                Alternatives::Fields(object) if !is_alone => {
                    parts.stated.push(Kind::Any);
                    parts.object.extend(object);
                }
                Alternatives::Fields(_) | Alternatives::Mixed => {
                    source.note(Rule::Alternatives, node, format!("`{key}`"));
                    return Kind::Any;
                }
            }
        }
        if let (true, [stated]) = (own.properties.is_empty(), &parts.stated[..]) {
            return stated.clone();
        }
        parts.object.extend(own);
        self.finished(node, parts)
    }

    /// The only part of a schema that consists of one part. OpenAPI 3.0 describes a `$ref` like this, and 3.1 a
    /// nullable value.
    fn sole_part(&self, node: &Node<'a>) -> Option<Node<'a>> {
        let own = ["$ref", "properties", "additionalProperties", "patternProperties"];
        if own.iter().any(|key| node.has(key)) {
            return None;
        }
        let parts = ["allOf", "oneOf", "anyOf"].into_iter().filter(|key| node.has(key));
        let mut parts = parts.flat_map(|key| self.source.list(node, key)).filter(is_stated);
        let first = parts.next()?;
        parts.next().is_none().then_some(first)
    }

    /// Whether parts of a schema are definitions.
    fn refers_to_parts(&self, node: &Node<'a>) -> bool {
        let parts = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|key| node.json.get(key));
        let parts = parts.filter_map(Json::as_array).flatten().chain([node.json]);
        parts
            .filter_map(|part| part.get("$ref")?.as_str())
            .any(|reference| self.source.definition_name(reference).is_some())
    }

    /// Adds a part.
    fn add(&self, parts: &mut Parts, node: &Node<'a>, stated: Kind) {
        let Some(kind) = self.complete(&stated) else {
            return self.source.note(Rule::AllOf, node, "it refers back to itself");
        };
        match kind {
            // It only describes or restricts the value.
            Kind::Any => return,
            Kind::Object(object) => parts.object.extend(object),
            kind => match &parts.other {
                None | Some(Kind::Text { .. }) => parts.other = Some(kind),
                Some(other) if *other == kind => {}
                Some(Kind::Enum(_)) if matches!(kind, Kind::Text { .. }) => {}
                Some(_) => self.source.note(Rule::AllOf, node, "a part of another type"),
            },
        }
        parts.stated.push(stated);
    }

    /// The schema's own properties.
    fn own(&self, node: &Node<'a>) -> Object {
        let mut own = Object::default();
        for (name, schema) in self.source.object(node, "properties") {
            own.properties.push((name.to_owned(), self.schema(&schema)));
        }
        let is_list = node.json.get("required").is_some_and(|it| it.as_array().is_some());
        if is_list || !own.properties.is_empty() {
            own.required = self.source.texts(node, "required");
        }
        own
    }

    /// Combines the parts.
    fn finished(&self, node: &Node<'a>, mut parts: Parts) -> Kind {
        let source = self.source;
        self.note_conditions(node);
        let map = self.map(node);
        parts.object.dedup();
        if parts.object.properties.is_empty() {
            return parts.other.or(map).unwrap_or(Kind::Any);
        }
        if map.is_some_and(|kind| kind != Kind::Map(Box::new(Kind::Any.into()))) {
            source.note(Rule::MapPart, node, "it has properties too");
        }
        match parts.other {
            None => {}
            Some(Kind::Map(_)) => source.note(Rule::MapPart, node, "a part of it is a map"),
            Some(_) => source.note(Rule::AllOf, node, "a part of it is not a record"),
        }
        Kind::Object(parts.object)
    }

    /// The map type of a schema, from its additional properties.
    fn map(&self, node: &Node<'a>) -> Option<Kind> {
        let source = self.source;
        let map = |values: Schema| Some(Kind::Map(Box::new(values)));
        let patterns = source.object(node, "patternProperties");
        match (node.get("additionalProperties"), &patterns[..]) {
            (Some(values), []) => match values.json {
                Json::Bool(_) => None,
                Json::Object(_) => map(self.schema(&values)),
                _ => {
                    source.note_kind(&values, "a schema");
                    None
                }
            },
            (None | Some(Node { json: Json::Bool(_), .. }), [(_, values)]) => {
                map(self.schema(values))
            }
            (None, []) => None,
            _ => {
                source.note(Rule::MapPart, node, "values of several types");
                map(Kind::Any.into())
            }
        }
    }

    fn note_conditions(&self, node: &Node<'a>) {
        let has_fields = |json: &Json| json.get("properties").is_some();
        for key in ["if", "then", "else"] {
            if let Some(condition) = node.get(key).filter(|it| has_fields(it.json)) {
                self.source.note(Rule::Conditional, &condition, format!("`{key}`"));
            }
        }
        for (name, condition) in self.source.object(node, "dependentSchemas") {
            self.source.note(
                Rule::Conditional,
                &condition,
                format!("conditional fields of `{name}`"),
            );
        }
    }

    /// Compares the alternatives under a key.
    fn alternatives(&self, node: &Node<'a>, key: &str) -> Alternatives {
        let mut variants = Vec::new();
        for variant in self.source.list(node, key) {
            match variant.json {
                Json::Object(_) if !is_stated(&variant) => {}
                Json::Object(_) => variants.push(self.kind(&variant, false)),
                Json::Bool(true) => variants.push(Kind::Any),
                Json::Bool(false) => {}
                _ => self.source.note_kind(&variant, "a schema"),
            }
        }
        let Some((first, rest)) = variants.split_first() else { return Alternatives::None };
        if rest.iter().all(|kind| kind == first) {
            return Alternatives::One(first.clone());
        }
        let kinds: Vec<Kind> = variants.iter().map(|kind| self.followed(kind)).collect();
        if let Some(text) = common_text(&kinds) {
            return Alternatives::One(text);
        }
        match kinds.iter().all(|kind| matches!(kind, Kind::Object(_))) {
            true => Alternatives::Fields(self.common_fields(&node.at, kinds)),
            false => Alternatives::Mixed,
        }
    }

    /// The union of the fields of several records, any of which may arrive.
    pub(super) fn common_fields(&self, at: &str, kinds: Vec<Kind>) -> Object {
        let mut all = Object::default();
        let mut known: HashMap<String, usize> = HashMap::new();
        for kind in kinds {
            let Kind::Object(object) = kind else { continue };
            for (name, schema) in object.properties {
                let Some(index) = known.get(&name) else {
                    known.insert(name.clone(), all.properties.len());
                    all.properties.push((name, schema));
                    continue;
                };
                let (_, first) = &mut all.properties[*index];
                if first.kind == schema.kind {
                    continue;
                }
                first.kind = common_text(&[first.kind.clone(), schema.kind]).unwrap_or_else(|| {
                    self.source.note_at(Rule::Field, at, format!("`{name}`"));
                    Kind::Any
                });
            }
        }
        all
    }
}

/// Whether a part states a type other than null.
fn is_stated(part: &Node<'_>) -> bool {
    let is_null = part.json.text("type") == Some("null")
        || part.json.get("const") == Some(&Json::Null)
        || part.json.get("enum") == Some(&Json::Array(vec![Json::Null]));
    !is_null && (!part.json.is_object() || STATING.iter().any(|key| part.has(key)))
}

/// The common kind of values that are all strings. Enums accept values that they do not list.
fn common_text(kinds: &[Kind]) -> Option<Kind> {
    let mut all: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for kind in kinds {
        match kind {
            Kind::Enum(values) => {
                all.extend(values.iter().filter(|it| seen.insert(it.as_str())).cloned());
            }
            Kind::Text { .. } => {}
            _ => return None,
        }
    }
    Some(if all.is_empty() { Kind::Text { format: None } } else { Kind::Enum(all) })
}

impl Object {
    /// Appends the fields of another object.
    fn extend(&mut self, other: Self) {
        self.properties.extend(other.properties);
        self.required.extend(other.required);
    }

    /// Keeps the last of duplicate fields.
    fn dedup(&mut self) {
        let mut seen = HashSet::new();
        self.properties.reverse();
        self.properties.retain(|(name, _)| seen.insert(name.clone()));
        self.properties.reverse();
    }
}
