//! JSON that keeps the order of objects, and a pretty form that diffs well.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// A JSON value whose objects keep the order of their keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses a JSON text, with or without a byte order mark. A duplicate key is an error, since either value could be
    /// meant.
    pub fn parse(text: &str) -> Result<Self> {
        let error = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(json) => return Ok(json),
            Err(error) => error,
        };
        if error.to_string().starts_with("recursion limit") {
            let place = format!("line {} column {}", error.line(), error.column());
            bail!("the JSON is nested more than 127 levels deep, at {place}");
        }
        Err(error).context("not valid JSON")
    }

    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// Returns the entries of an object. Callers handle other kinds: treating them as an empty object would lose the
    /// value silently.
    pub fn as_object(&self) -> Option<&[(String, Json)]> {
        match self {
            Self::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The value on one line.
    pub fn compact(&self) -> String {
        let mut out = String::new();
        self.write_compact(&mut out, false);
        out
    }

    fn write_compact(&self, out: &mut String, spaced: bool) {
        let (comma, colon) = if spaced { (", ", ": ") } else { (",", ":") };
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => {
                // Writing to a string can't fail.
                let _ = write!(out, "{number}");
            }
            Self::String(text) => write_string(out, text),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push_str(comma);
                    }
                    element.write_compact(out, spaced);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push_str(comma);
                    }
                    write_string(out, key);
                    out.push_str(colon);
                    value.write_compact(out, spaced);
                }
                out.push('}');
            }
        }
    }

    /// The value on several lines: an entry that fits is on one line, such as a parameter or a property, and others
    /// have one line per entry.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.write_pretty(&mut out, 0);
        out.push('\n');
        out
    }

    fn write_pretty(&self, out: &mut String, depth: usize) {
        /// The maximum width of a value on one line, with its indentation.
        const WIDTH: usize = 120;
        let mut line = String::new();
        self.write_compact(&mut line, true);
        let elements = self.as_array().unwrap_or_default();
        let entries = self.as_object().unwrap_or_default();
        let branches = !elements.is_empty() || !entries.is_empty();
        if !branches || (depth >= 3 && line.len() + depth <= WIDTH) {
            out.push_str(&line);
            return;
        }
        let (open, close) = if matches!(self, Self::Array(_)) { ('[', ']') } else { ('{', '}') };
        out.push(open);
        let indent = |out: &mut String, depth: usize| {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', depth));
        };
        for (index, element) in elements.iter().enumerate() {
            out.push_str(if index > 0 { "," } else { "" });
            indent(out, depth + 1);
            element.write_pretty(out, depth + 1);
        }
        for (index, (key, value)) in entries.iter().enumerate() {
            out.push_str(if index > 0 { "," } else { "" });
            indent(out, depth + 1);
            write_string(out, key);
            out.push_str(": ");
            value.write_pretty(out, depth + 1);
        }
        indent(out, depth);
        out.push(close);
    }
}

fn write_string(out: &mut String, text: &str) {
    // Serializing a string can't fail.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
                Number::from_f64(value)
                    .map(Json::Number)
                    .ok_or_else(|| E::custom("a number that is not finite"))
            }

            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::String(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Json, E> {
                Ok(Json::String(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    elements.push(element);
                }
                Ok(Json::Array(elements))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut entries: Vec<(String, Json)> = Vec::new();
                let mut known = std::collections::HashSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    if !known.insert(key.clone()) {
                        return Err(A::Error::custom(format!("duplicate key `{key}`")));
                    }
                    entries.push((key, map.next_value()?));
                }
                Ok(Json::Object(entries))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
