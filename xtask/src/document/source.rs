//! Access to the JSON of a document: each part with its JSON pointer, and a note on each value of the wrong kind.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use percent_encoding::percent_decode_str;

use crate::json::Json;
use crate::notes::{Notes, Rule, segment};

#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Format {
    Swagger2,
    OpenApi3,
    OpenApi31,
}

impl Format {
    /// The path of the definitions.
    pub(super) fn definitions(self) -> &'static [&'static str] {
        match self {
            Self::Swagger2 => &["definitions"],
            Self::OpenApi3 | Self::OpenApi31 => &["components", "schemas"],
        }
    }
}

/// A part of the document and its place.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) json: &'a Json,
    /// As a JSON pointer.
    pub(super) at: String,
}

impl<'a> Node<'a> {
    /// The value under a key; `None` if this is not an object. See [`Source::entries`].
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        Some(Self { json: self.json.get(key)?, at: format!("{}/{}", self.at, segment(key)) })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.json.get(key).is_some()
    }

    /// A value within this node, such as an element of a list.
    fn below(&self, json: &'a Json, key: &str) -> Self {
        Self { json, at: format!("{}/{}", self.at, segment(key)) }
    }
}

pub(super) struct Source<'a> {
    pub(super) root: Node<'a>,
    pub(super) format: Format,
    /// The definitions by name.
    definitions: HashMap<&'a str, &'a Json>,
    /// The places, other than definitions, that a `$ref` refers to.
    referred_to: HashSet<String>,
    notes: RefCell<Notes>,
}

impl<'a> Source<'a> {
    pub(super) fn new(root: &'a Json, format: Format, notes: Notes) -> Self {
        let section = format.definitions();
        let found = section.iter().try_fold(root, |json, key| json.get(key));
        let entries = found.and_then(Json::as_object).unwrap_or_default();
        let mut source = Self {
            root: Node { json: root, at: String::new() },
            format,
            definitions: entries.iter().map(|(name, json)| (name.as_str(), json)).collect(),
            referred_to: HashSet::new(),
            notes: RefCell::new(notes),
        };
        source.referred_to = source.find_referred_to();
        source
    }

    fn find_referred_to(&self) -> HashSet<String> {
        let mut references: HashSet<&str> = HashSet::new();
        let mut ahead = vec![self.root.json];
        while let Some(json) = ahead.pop() {
            match json {
                Json::Array(elements) => ahead.extend(elements),
                Json::Object(entries) => {
                    for (key, value) in entries {
                        match value {
                            Json::String(reference) if key == "$ref" => {
                                references.insert(reference);
                            }
                            value => ahead.push(value),
                        }
                    }
                }
                _ => {}
            }
        }
        references.retain(|reference| self.definition_name(reference).is_none());
        references.into_iter().filter_map(|it| self.target(it)).map(|target| target.at).collect()
    }

    /// Whether a `$ref` refers to a place that is not a definition.
    pub(super) fn is_referred_to(&self, node: &Node<'a>) -> bool {
        self.referred_to.contains(&node.at)
    }

    pub(super) fn into_notes(self) -> Notes {
        let mut notes = self.notes.into_inner();
        notes.dedup();
        notes
    }

    pub(super) fn note(&self, rule: Rule, node: &Node<'a>, what: impl Into<String>) {
        self.notes.borrow_mut().add(rule, node.at.as_str(), what);
    }

    /// Adds a note on the place of this pointer.
    pub(super) fn note_at(&self, rule: Rule, at: &str, what: impl Into<String>) {
        self.notes.borrow_mut().add(rule, at, what);
    }

    /// Notes that a value has the wrong kind.
    pub(super) fn note_kind(&self, node: &Node<'a>, expected: &str) {
        self.note(
            Rule::WrongKind,
            node,
            format!("expected {expected}, found {}", node.json.kind()),
        );
    }

    /// The entries of an object.
    pub(super) fn entries(&self, node: &Node<'a>) -> Vec<(&'a str, Node<'a>)> {
        match node.json.as_object() {
            Some(entries) => {
                entries.iter().map(|(key, value)| (key.as_str(), node.below(value, key))).collect()
            }
            None => {
                self.note_kind(node, "an object");
                Vec::new()
            }
        }
    }

    /// The entries of the object under a key; empty if it is missing.
    pub(super) fn object(&self, node: &Node<'a>, key: &str) -> Vec<(&'a str, Node<'a>)> {
        node.get(key).map(|found| self.entries(&found)).unwrap_or_default()
    }

    /// The elements of the list under a key; empty if it is missing.
    pub(super) fn list(&self, node: &Node<'a>, key: &str) -> Vec<Node<'a>> {
        let Some(found) = node.get(key) else { return Vec::new() };
        match found.json.as_array() {
            Some(elements) => elements
                .iter()
                .enumerate()
                .map(|(index, element)| found.below(element, &index.to_string()))
                .collect(),
            None => {
                self.note_kind(&found, "a list");
                Vec::new()
            }
        }
    }

    /// The text under a key.
    pub(super) fn text(&self, node: &Node<'a>, key: &str) -> Option<&'a str> {
        let found = node.get(key)?;
        let text = found.json.as_str();
        if text.is_none() {
            self.note_kind(&found, "a string");
        }
        text
    }

    /// The texts in the list under a key.
    pub(super) fn texts(&self, node: &Node<'a>, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.list(node, key) {
            match element.json.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => self.note_kind(&element, "a string"),
            }
        }
        texts
    }

    /// Whether the value under a key is true.
    pub(super) fn flag(&self, node: &Node<'a>, key: &str) -> bool {
        match node.get(key) {
            None => false,
            Some(Node { json: Json::Bool(value), .. }) => *value,
            Some(other) => {
                self.note_kind(&other, "a boolean");
                false
            }
        }
    }

    /// The description under a key, unless it is blank.
    pub(super) fn described(&self, node: &Node<'a>, key: &str) -> Option<String> {
        let text = self.text(node, key)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub(super) fn definition(&self, name: &str) -> Option<Node<'a>> {
        let (name, json) = self.definitions.get_key_value(name)?;
        let section = self.format.definitions().join("/");
        Some(Node { json, at: format!("/{section}/{}", segment(name)) })
    }

    /// The name of the definition that a reference names, if it names one.
    pub(super) fn definition_name(&self, reference: &str) -> Option<&'a str> {
        let tokens = tokens(reference)?;
        let (name, section) = tokens.split_last()?;
        if section != self.format.definitions() {
            return None;
        }
        self.definitions.get_key_value(name.as_str()).map(|(name, _)| *name)
    }

    /// The target of a reference within the document.
    pub(super) fn target(&self, reference: &str) -> Option<Node<'a>> {
        let tokens = tokens(reference)?;
        let json = tokens.iter().try_fold(self.root.json, |json, token| match json {
            Json::Array(elements) => elements.get(token.parse::<usize>().ok()?),
            json => json.get(token),
        })?;
        let at = tokens.iter().map(|token| format!("/{}", segment(token))).collect();
        Some(Node { json, at })
    }

    /// Follows the chain of `$ref`s of a parameter, body, response or path; `None` if it does not resolve.
    pub(super) fn follow(&self, node: &Node<'a>) -> Option<Node<'a>> {
        let mut followed = HashSet::new();
        let mut here = node.clone();
        while let Some(reference) = here.json.get("$ref").and_then(Json::as_str) {
            let next = self.target(reference).filter(|_| followed.insert(reference));
            let Some(next) = next else {
                self.note(Rule::Reference, node, format!("`$ref` to `{reference}`"));
                return None;
            };
            here = next;
        }
        Some(here)
    }
}

/// The keys of a reference within the document.
fn tokens(reference: &str) -> Option<Vec<String>> {
    let pointer = percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let unescaped = |token: &str| token.replace("~1", "/").replace("~0", "~");
    Some(pointer.strip_prefix('/')?.split('/').map(unescaped).collect())
}
