//! Schemas, and the order of definitions: a definition is read after those that it is composed of.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use heck::ToUpperCamelCase as _;

use super::source::{Format, Node, Source};
use super::variants::Discriminated;
use super::{Bounds, Kind, Schema};
use crate::json::Json;
use crate::notes::Rule;

pub(super) struct Schemas<'s, 'a> {
    pub(super) source: &'s Source<'a>,
    /// The definitions that have been read.
    pub(super) done: RefCell<BTreeMap<String, Schema>>,
    /// Schemas that become definitions because something refers to them, not yet read.
    ahead: RefCell<VecDeque<(String, Node<'a>)>>,
    /// Their names, by JSON pointer.
    named: RefCell<HashMap<String, String>>,
    taken: RefCell<BTreeSet<String>>,
    /// Whether definitions are being read, so that parts of one may not be known yet.
    is_reading: Cell<bool>,
    /// The definition that is being read.
    pub(super) current: RefCell<String>,
    /// The definitions whose types a discriminator tells apart.
    pub(super) discriminated: RefCell<Vec<Discriminated<'a>>>,
}

/// Keywords beside a `$ref` that only describe it.
const DESCRIBING: [&str; 13] = [
    "$comment",
    "$ref",
    "default",
    "deprecated",
    "description",
    "example",
    "examples",
    "externalDocs",
    "nullable",
    "readOnly",
    "summary",
    "title",
    "writeOnly",
];

impl<'s, 'a> Schemas<'s, 'a> {
    pub(super) fn new(source: &'s Source<'a>) -> Self {
        Self {
            source,
            done: RefCell::default(),
            ahead: RefCell::default(),
            named: RefCell::default(),
            taken: RefCell::default(),
            is_reading: Cell::new(false),
            current: RefCell::default(),
            discriminated: RefCell::default(),
        }
    }

    /// Reads all definitions iteratively, since chains of references may be long.
    pub(super) fn read_definitions(&self) {
        let mut definitions = self.definitions();
        // Sorted, so that the output does not depend on the order of the document.
        definitions.sort_by_key(|(name, _)| *name);
        self.is_reading.set(true);
        self.taken.borrow_mut().extend(definitions.iter().map(|(name, _)| (*name).to_owned()));
        let mut begun: HashSet<&'a str> = HashSet::new();
        for (name, node) in definitions {
            if !begun.insert(name) {
                continue;
            }
            let mut stack = vec![(name, self.parts(node.json), node)];
            while let Some((name, parts, node)) = stack.last_mut() {
                match parts.pop() {
                    Some(part) if begun.insert(part) => {
                        if let Some(node) = self.source.definition(part) {
                            stack.push((part, self.parts(node.json), node));
                        }
                    }
                    Some(_) => {}
                    None => {
                        self.read_definition(name, node);
                        stack.pop();
                    }
                }
            }
        }
        self.is_reading.set(false);
        self.read_ahead();
        self.find_variants();
    }

    /// Whether definitions are being read, so that parts of one may not be known yet.
    pub(super) fn is_reading(&self) -> bool {
        self.is_reading.get()
    }

    /// All definitions, once everything that refers to them has been read.
    pub(super) fn finish(&self) -> BTreeMap<String, Schema> {
        self.read_ahead();
        self.find_variants();
        self.done.take()
    }

    fn read_ahead(&self) {
        loop {
            let next = self.ahead.borrow_mut().pop_front();
            let Some((name, node)) = next else { return };
            self.read_definition(&name, &node);
        }
    }

    fn read_definition(&self, name: &str, node: &Node<'a>) {
        name.clone_into(&mut self.current.borrow_mut());
        let schema = self.schema_here(node, true);
        self.done.borrow_mut().insert(name.to_owned(), schema);
    }

    fn definitions(&self) -> Vec<(&'a str, Node<'a>)> {
        let source = self.source;
        let mut holder = source.root.clone();
        let (last, above) = match source.format.definitions() {
            [above @ .., last] => (last, above),
            [] => return Vec::new(),
        };
        for key in above {
            match holder.get(key) {
                Some(found) if found.json.is_object() => holder = found,
                Some(found) => {
                    source.note_kind(&found, "an object");
                    return Vec::new();
                }
                None => return Vec::new(),
            }
        }
        source.object(&holder, last)
    }

    /// The definitions that a schema is composed of: the references in its `allOf`, `oneOf` and `anyOf`, but not those
    /// of its properties. See [`definition_of`](Self::definition_of).
    fn parts(&self, json: &'a Json) -> Vec<&'a str> {
        let mut parts = Vec::new();
        let mut ahead = vec![json];
        while let Some(json) = ahead.pop() {
            let is_discriminated = json.get("discriminator").is_some();
            for (key, value) in json.as_object().unwrap_or_default() {
                // The types of a discriminator are not parts of the record.
                if is_discriminated && matches!(key.as_str(), "oneOf" | "anyOf") {
                    continue;
                }
                match (key.as_str(), value) {
                    ("$ref", Json::String(reference)) => {
                        parts.extend(self.source.definition_name(reference));
                    }
                    ("allOf" | "oneOf" | "anyOf", Json::Array(elements)) => ahead.extend(elements),
                    _ => {}
                }
            }
        }
        // The caller pops from the end.
        parts.reverse();
        parts
    }

    /// The kind of a schema after following references; free-form JSON if they do not resolve.
    pub(super) fn followed(&self, kind: &Kind) -> Kind {
        self.complete(kind).unwrap_or(Kind::Any)
    }

    /// Like [`followed`](Self::followed), but `None` if it is not known yet.
    pub(super) fn complete(&self, kind: &Kind) -> Option<Kind> {
        let mut followed = HashSet::new();
        let mut kind = kind.clone();
        while let Kind::Reference(name) = kind {
            kind = self.done.borrow().get(&name)?.kind.clone();
            if !followed.insert(name) {
                return Some(Kind::Any);
            }
        }
        Some(kind)
    }

    pub(super) fn schema(&self, node: &Node<'a>) -> Schema {
        match self.source.is_referred_to(node) {
            true => Schema::reference(self.definition_of(node)),
            false => self.schema_here(node, false),
        }
    }

    /// Reads a schema in place, without making it a definition. `is_top`: it is the schema of a definition.
    pub(super) fn schema_here(&self, node: &Node<'a>, is_top: bool) -> Schema {
        match node.json {
            // Any value is valid.
            Json::Bool(true) => return Kind::Any.into(),
            Json::Object(_) => {}
            Json::Bool(false) => {
                self.source.note(Rule::UnknownType, node, "no value is valid");
                return Kind::Any.into();
            }
            _ => {
                self.source.note_kind(node, "a schema");
                return Kind::Any.into();
            }
        }
        let kind = self.kind(node, is_top);
        let mut description = self.source.described(node, "description");
        if let (Some(values), Kind::Integer { .. } | Kind::Number { .. } | Kind::Boolean) =
            (values_text(node), &kind)
        {
            description =
                Some(description.map_or(values.clone(), |text| format!("{text}\n\n{values}")));
        }
        let read_only = self.source.flag(node, "readOnly");
        Schema { kind, description, read_only, bounds: Bounds::of(node.json) }
    }

    /// The kind of a schema. `is_top`: it is the schema of a definition.
    pub(super) fn kind(&self, node: &Node<'a>, is_top: bool) -> Kind {
        let source = self.source;
        if !node.json.is_object() {
            return self.schema(node).kind;
        }
        if let Some(reference) = node.json.get("$ref").and_then(Json::as_str) {
            let beside: Vec<&str> = node
                .json
                .as_object()
                .unwrap_or_default()
                .iter()
                .map(|(key, _)| key.as_str())
                .filter(|key| !DESCRIBING.contains(key) && !key.starts_with("x-"))
                .collect();
            if beside.is_empty() {
                return self.reference(node, reference);
            }
            if source.format == Format::OpenApi31 {
                return self.record(node, is_top);
            }
            source.note(Rule::BesideRef, node, beside.join(", "));
            return self.reference(node, reference);
        }
        if let Some(value) = node.json.get("const") {
            return constant(value);
        }
        let Some(name) = self.type_name(node) else { return self.untyped(node, is_top) };
        match name {
            "boolean" => self.value(node, Kind::Boolean),
            "integer" => self.value(node, Kind::Integer { format: self.format(node) }),
            "number" => self.value(node, Kind::Number { format: self.format(node) }),
            "string" => self.text_kind(node),
            "file" => Kind::Binary,
            "array" => self.items(node),
            "object" => self.record(node, is_top),
            // One of several types.
            "null" => Kind::Any,
            other => {
                source.note(Rule::UnknownType, node, format!("`type` is `{other}`"));
                self.untyped(node, is_top)
            }
        }
    }

    /// The type that a schema states, other than null; `None` if it states no type or several.
    fn type_name(&self, node: &Node<'a>) -> Option<&'a str> {
        let stated = node.get("type")?;
        let names: Vec<&'a str> = match stated.json {
            Json::String(name) => vec![name],
            Json::Array(_) => {
                let names = self.source.list(node, "type");
                names.iter().filter_map(|it| it.json.as_str()).collect()
            }
            _ => {
                self.source.note_kind(&stated, "a string");
                return None;
            }
        };
        let names: Vec<&str> = names.into_iter().filter(|name| *name != "null").collect();
        match names[..] {
            [name] => Some(name),
            [] => None,
            _ => {
                let what = format!("`type` is one of {}", names.join(", "));
                self.source.note(Rule::Alternatives, node, what);
                // Its other keywords apply to only one of the types.
                Some("null")
            }
        }
    }

    fn format(&self, node: &Node<'a>) -> Option<String> {
        self.source.text(node, "format").map(str::to_owned)
    }

    /// Infers the kind of a schema without a type from its keywords.
    fn untyped(&self, node: &Node<'a>, is_top: bool) -> Kind {
        let fields = ["properties", "allOf", "oneOf", "anyOf", "additionalProperties"];
        if fields.iter().any(|key| node.has(key)) {
            return self.record(node, is_top);
        }
        if node.has("items") || node.has("prefixItems") {
            return self.items(node);
        }
        let values = node.get("enum").and_then(|it| it.json.as_array()).unwrap_or_default();
        let mut kinds = values.iter().filter(|it| **it != Json::Null).map(constant);
        let Some(first) = kinds.next() else { return Kind::Any };
        if matches!(first, Kind::Enum(_)) && kinds.clone().all(|it| matches!(it, Kind::Enum(_))) {
            return self.text_kind(node);
        }
        if kinds.all(|kind| kind == first) {
            return first;
        }
        self.source.note(Rule::EnumValue, node, "values of different types");
        Kind::Any
    }

    /// A value that is neither a list nor an object.
    fn value(&self, node: &Node<'a>, kind: Kind) -> Kind {
        let foreign = ["properties", "items", "additionalProperties"];
        let foreign: Vec<&str> = foreign.into_iter().filter(|key| node.has(key)).collect();
        if !foreign.is_empty() {
            self.source.note(Rule::Keyword, node, foreign.join(", "));
        }
        // `type: string` with a reference to an enum in `allOf`.
        for part in
            ["allOf", "oneOf", "anyOf"].into_iter().flat_map(|key| self.source.list(node, key))
        {
            let stated = self.kind(&part, false);
            match (&kind, self.followed(&stated)) {
                (Kind::Text { .. }, Kind::Enum(_)) => return stated,
                (_, Kind::Any) => {}
                (Kind::Text { .. }, Kind::Text { .. }) => {}
                (kind, other) if *kind == other => {}
                _ => self.source.note(Rule::AllOf, &part, "a value of another type"),
            }
        }
        kind
    }

    fn text_kind(&self, node: &Node<'a>) -> Kind {
        let format = self.format(node);
        if format.as_deref() == Some("binary") {
            return Kind::Binary;
        }
        let mut values = Vec::new();
        for value in self.source.list(node, "enum") {
            match value.json {
                Json::String(text) => values.push(text.clone()),
                // Null: the value may be absent.
                Json::Null => {}
                other => self.source.note(Rule::EnumValue, &value, other.compact()),
            }
        }
        match values.is_empty() {
            true => self.value(node, Kind::Text { format }),
            false => self.value(node, Kind::Enum(values)),
        }
    }

    fn items(&self, node: &Node<'a>) -> Kind {
        let source = self.source;
        let any = || Kind::List(Box::new(Kind::Any.into()));
        if node.has("properties") {
            source.note(Rule::Keyword, node, "properties");
        }
        if let Some(tuple) = node.get("prefixItems") {
            source.note(Rule::Tuple, &tuple, "`prefixItems`");
            return any();
        }
        match node.get("items") {
            Some(Node { json: Json::Array(_), at }) => {
                source.note_at(Rule::Tuple, &at, "`items` is a list");
                any()
            }
            // No element is valid: the list is empty.
            Some(Node { json: Json::Bool(false), .. }) => any(),
            Some(items) => Kind::List(Box::new(self.schema(&items))),
            None => {
                if source.format != Format::OpenApi31 {
                    source.note(Rule::UnknownType, node, "a list without `items`");
                }
                any()
            }
        }
    }

    pub(super) fn reference(&self, node: &Node<'a>, reference: &str) -> Kind {
        if let Some(name) = self.source.definition_name(reference) {
            return Kind::Reference(name.to_owned());
        }
        match self.source.target(reference) {
            Some(target) if target.json.is_object() && target.at != node.at => {
                Kind::Reference(self.definition_of(&target))
            }
            _ => {
                self.source.note(Rule::Reference, node, format!("`$ref` to `{reference}`"));
                Kind::Any
            }
        }
    }

    /// Makes a definition of a schema that something refers to, named after its place.
    pub(super) fn definition_of(&self, node: &Node<'a>) -> String {
        const STRUCTURE: [&str; 11] = [
            "$defs",
            "components",
            "content",
            "definitions",
            "paths",
            "properties",
            "responses",
            "schema",
            "schemas",
            "allOf",
            "api",
        ];
        if let Some(name) = self.named.borrow().get(&node.at) {
            return name.clone();
        }
        // The names that inline types have elsewhere.
        let word = |word| match word {
            "items" => "Item",
            "additionalProperties" => "Value",
            word => word,
        };
        // Formats of bodies and responses do not describe their content.
        let words = node.at.split('/').filter(|it| !STRUCTURE.contains(it) && !it.contains("json"));
        let words: Vec<&str> = words.map(word).collect();
        let base = words.join(" ").replace("~1", " ").replace("~0", " ").to_upper_camel_case();
        let base = if base.is_empty() { "Schema".to_owned() } else { base };
        let mut name = base.clone();
        let mut number = 2;
        while !self.taken.borrow_mut().insert(name.clone()) {
            name = format!("{base}{number}");
            number += 1;
        }
        self.named.borrow_mut().insert(node.at.clone(), name.clone());
        self.ahead.borrow_mut().push_back((name.clone(), node.clone()));
        name
    }
}

/// The kind of a constant.
fn constant(value: &Json) -> Kind {
    match value {
        Json::String(text) => Kind::Enum(vec![text.clone()]),
        Json::Bool(_) => Kind::Boolean,
        Json::Number(number) if number.is_f64() => Kind::Number { format: None },
        Json::Number(_) => Kind::Integer { format: None },
        Json::Null | Json::Array(_) | Json::Object(_) => Kind::Any,
    }
}

/// The allowed values of a number, for its description: bindings only have string enums.
pub(super) fn values_text(node: &Node<'_>) -> Option<String> {
    /// The maximum number of values listed.
    const LISTED: usize = 30;
    let constant = node.json.get("const").map(std::slice::from_ref);
    let values = constant.or_else(|| node.json.get("enum")?.as_array())?;
    let mut texts: Vec<String> = values
        .iter()
        .filter(|value| **value != Json::Null)
        .map(|value| value.as_str().map_or_else(|| value.compact(), str::to_owned))
        .collect();
    let is_any_boolean = ["true", "false"].iter().all(|it| texts.iter().any(|text| text == it));
    if texts.is_empty() || is_any_boolean {
        return None;
    }
    let more = texts.len().saturating_sub(LISTED);
    texts.truncate(LISTED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Some(match &texts[..] {
        [one] => format!("Always {one}."),
        _ => format!("One of {}{more}.", texts.join(", ")),
    })
}
