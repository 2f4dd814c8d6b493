//! Constructs that codegen cannot represent: one rule per kind, one note per place.
//!
//! Documents are rarely perfect, and users still want bindings of everything else. So an unsupported construct is not
//! an error: a rule degrades it and a note records where, and nothing is lost silently. `--strict` turns notes into
//! errors; the pinned document is always read that way.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write as _};
use std::mem;

use anyhow::{Result, bail};

use crate::json::Json;

macro_rules! rules {
    ($($rule:ident = $name:literal: $does:literal,)*) => {
        /// How codegen degrades a construct.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $does] $rule,)*
        }

        impl Rule {
            pub const ALL: &[Self] = &[$(Self::$rule,)*];

            /// The name in reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }

            /// What happens to the construct.
            pub fn does(self) -> &'static str {
                match self {
                    $(Self::$rule => $does,)*
                }
            }
        }
    };
}

rules! {
    Version = "version": "A later version of OpenAPI 3 is read as 3.1.",
    WrongKind = "wrong-kind": "A part that has the wrong kind of JSON value is ignored.",
    Reference = "reference": "A `$ref` to an unknown target, another file or itself is ignored. As a schema, it is free-form JSON.",
    BesideRef = "beside-ref": "Before OpenAPI 3.1, keywords beside a `$ref` are ignored, except descriptions and readOnly.",
    Servers = "servers": "Of several servers, the path of the first is used. All calls go to the configured host.",
    Path = "path": "A path without a leading slash gets one. Operations of a path whose braces don't match are left out.",
    PathParameter = "path-parameter": "A placeholder without a parameter is a string parameter. A path parameter without a placeholder is left out.",
    Method = "method": "Operations of methods other than GET, HEAD, POST, PUT, PATCH and DELETE are left out.",
    Webhook = "webhook": "Webhooks and callbacks are left out: the API makes these calls.",
    OperationId = "operation-id": "An operationId that is missing, a duplicate or without Latin letters is replaced by one made from method and path.",
    Replies = "replies": "An operation without `responses` returns any response. A response whose code is not an HTTP status is ignored.",
    LeftOut = "left-out": "An operation is left out if a parameter or body that it requires can't be sent.",
    Parameter = "parameter": "A parameter that can't be sent (without a name, in a form or cookie) is left out.",
    ParameterText = "parameter-text": "A parameter that is neither a value nor a list of values is a string that the caller encodes.",
    ParameterStyle = "parameter-style": "A list of an unknown style is joined by commas.",
    Repeated = "repeated": "Of parameters with the same name and place, the last is used. Of several bodies, the first.",
    ClientHeader = "client-header": "A header that the client sets itself is not a parameter.",
    BodyMedia = "body-media": "A body in a format other than JSON is left out.",
    ReplyMedia = "reply-media": "Of several formats of a response, JSON is used.",
    UnknownType = "unknown-type": "A schema without a known type is free-form JSON.",
    Alternatives = "alternatives": "Alternatives (oneOf, anyOf) of different kinds are free-form JSON.",
    Field = "field": "A field with different types in parts of its record is free-form JSON.",
    AllOf = "all-of": "A part of an allOf that does not fit the others, or refers back to itself, is ignored.",
    MapPart = "map-part": "Additional keys of a record with properties (additionalProperties, patternProperties) have no type.",
    Conditional = "conditional": "Fields in conditional schemas (if, then, else, dependentSchemas) are ignored.",
    Tuple = "tuple": "A list with element types by position is a list of free-form JSON.",
    EnumValue = "enum-value": "An enum value of another type than the enum is ignored.",
    Circle = "circle": "A definition that consists only of itself is free-form JSON.",
    Depth = "depth": "Lists and maps nested more than 32 levels deep are free-form JSON below that.",
    Discriminator = "discriminator": "A discriminator that does not name records is ignored.",
    Keyword = "keyword": "Keywords that do not apply to the type of a schema are ignored.",
    Tag = "tag": "A list with an unknown way of paging is an ordinary operation.",
    Job = "job": "A job without the required facts is an ordinary operation.",
    Name = "name": "An operation that can't be named in Rust is left out.",
    Fixup = "fixup": "A known error of the document is fixed.",
    Renamed = "renamed": "Of two types with the same Rust name, one is renamed.",
}

impl Rule {
    /// Whether it loses nothing, so that `--strict` accepts it.
    pub fn is_harmless(self) -> bool {
        matches!(self, Self::Fixup | Self::Renamed)
    }
}

/// One place to which a rule was applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    pub rule: Rule,
    /// The place in the document, as a JSON pointer; empty for the document as a whole.
    pub pointer: String,
    /// The construct.
    pub what: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => write!(f, "{}", self.what),
            pointer => write!(f, "#{pointer}: {}", self.what),
        }
    }
}

/// The notes on a document.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    notes: Vec<Note>,
}

/// The maximum number of notes printed per rule.
const PRINTED: usize = 5;

impl Notes {
    pub fn add(&mut self, rule: Rule, pointer: impl Into<String>, what: impl Into<String>) {
        self.notes.push(Note { rule, pointer: pointer.into(), what: what.into() });
    }

    /// Removes duplicates: a shared part of the document is read several times.
    pub fn dedup(&mut self) {
        let mut seen = HashSet::new();
        self.notes.retain(|note| seen.insert(note.clone()));
    }

    pub fn extend(&mut self, notes: impl IntoIterator<Item = Note>) {
        self.notes.extend(notes);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter()
    }

    pub fn len(&self) -> usize {
        self.notes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// The notes on something that is lost or changed.
    fn losses(&self) -> Self {
        let losses = self.notes.iter().filter(|note| !note.rule.is_harmless());
        Self { notes: losses.cloned().collect() }
    }

    /// Fails if the document has anything that codegen can't represent.
    pub fn refuse(&self) -> Result<()> {
        let losses = self.losses();
        if losses.is_empty() {
            return Ok(());
        }
        bail!("codegen can't represent all of the document:\n{}", losses.summary().trim_end())
    }

    /// Formats the notes by rule, the first few of each.
    pub fn summary(&self) -> String {
        let mut by_rule: BTreeMap<Rule, Vec<&Note>> = BTreeMap::new();
        for note in &self.notes {
            by_rule.entry(note.rule).or_default().push(note);
        }
        let mut text = String::new();
        for (rule, notes) in by_rule {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{} ({}): {}", rule.name(), notes.len(), rule.does());
            for note in notes.iter().take(PRINTED) {
                let _ = writeln!(text, "  {}", printable(&note.to_string()));
            }
            if notes.len() > PRINTED {
                let _ = writeln!(text, "  and {} more", notes.len() - PRINTED);
            }
        }
        text
    }

    /// All notes as JSON, one per line.
    pub fn json_lines(&self, file: &str) -> String {
        let mut text = String::new();
        for note in &self.notes {
            let entries = [
                ("rule", note.rule.name()),
                ("file", file),
                ("pointer", &note.pointer),
                ("note", &note.what),
            ];
            let entries = entries
                .map(|(key, value)| (key.to_owned(), Json::String(value.to_owned())))
                .into_iter();
            text.push_str(&Json::Object(entries.collect()).compact());
            text.push('\n');
        }
        text
    }
}

impl IntoIterator for Notes {
    type Item = Note;
    type IntoIter = std::vec::IntoIter<Note>;

    fn into_iter(mut self) -> Self::IntoIter {
        mem::take(&mut self.notes).into_iter()
    }
}

/// Makes a text safe to print on one line: no control characters, and bounded, since a document may contain anything.
pub fn printable(text: &str) -> String {
    /// The maximum length in characters.
    const LONGEST: usize = 300;
    let mut line: String = text
        .chars()
        .take(LONGEST)
        .map(|letter| if is_invisible(letter) { '\u{fffd}' } else { letter })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push_str("..");
    }
    line
}

/// Whether a character must not be printed: control characters, and bidirectional ones, which rustc rejects in source.
pub fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Escapes a name as a segment of a JSON pointer.
pub fn segment(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
