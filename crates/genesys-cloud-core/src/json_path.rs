//! Reads values of JSON text by path, without deserializing the rest.
//!
//! A path is names joined by dots, such as `results.items`. A path through a list applies to each element.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::ErrorBody;
use crate::lenient;
use crate::response::{DecodeError, RawResponse};
use crate::wire::{Wire as _, without_mark};

/// How many nested lists a path follows. A response could nest them without limit.
const MAX_LISTS: u32 = 16;

/// JSON text, such as the body of a response.
#[derive(Clone, Copy)]
pub(crate) struct JsonText<'a>(&'a str);

impl<'a> JsonText<'a> {
    /// The body of a response. An empty one counts as null.
    pub(crate) fn of(response: &'a RawResponse) -> Result<Self, DecodeError> {
        Self::of_body(response.body())
    }

    pub(crate) fn of_body(body: &'a [u8]) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(body)
            .map_err(|error| DecodeError::new(format!("the response is not UTF-8: {error}")))?;
        let text = without_mark(text);
        if text.trim_ascii().is_empty() {
            return Ok(Self("null"));
        }
        let _: &RawValue = serde_json::from_str(text)?;
        Ok(Self(text))
    }

    /// Text that is known to be JSON.
    pub(crate) const fn text_of(json: &'a str) -> Self {
        Self(json)
    }

    pub(crate) fn is_null(self) -> bool {
        self.0.trim_ascii() == "null"
    }

    pub(crate) const fn json_text(self) -> &'a str {
        self.0
    }

    /// Whether it is an object that can't be an item: an error body or an empty object.
    pub(crate) fn is_no_item(self) -> bool {
        match serde_json::from_str(self.0) {
            Ok(Value::Object(fields)) => fields.is_empty() || ErrorBody::is_all_of(&fields),
            _ => false,
        }
    }

    /// Whether it is an error body of the API or a gateway.
    pub(crate) fn is_error(self) -> bool {
        match serde_json::from_str(self.0) {
            Ok(Value::Object(fields)) => {
                let has_error = fields.get("status").is_some_and(Value::is_number)
                    || fields.contains_key("errorMessage");
                has_error && ErrorBody::is_all_of(&fields)
            }
            _ => false,
        }
    }

    /// All values at a path, except nulls. `[]` is the path of the text itself.
    pub(crate) fn all(self, path: &str) -> Vec<&'a str> {
        let mut found = Vec::new();
        let path = if path == "[]" { "" } else { path };
        self.collect(path, MAX_LISTS, &mut found);
        found
    }

    fn collect(self, path: &str, lists: u32, found: &mut Vec<&'a str>) {
        if self.0.trim_ascii() == "null" {
            return;
        }
        if path.is_empty() {
            found.push(self.0);
            return;
        }
        if let Some(elements) = self.elements() {
            let Some(lists) = lists.checked_sub(1) else { return };
            elements.into_iter().for_each(|element| element.collect(path, lists, found));
            return;
        }
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        let Ok(mut fields) = serde_json::from_str::<HashMap<Cow<'_, str>, &'a RawValue>>(self.0)
        else {
            return;
        };
        if let Some(value) = fields.remove(name) {
            Self(value.get()).collect(rest, lists, found);
        }
    }

    /// The elements, if this is a list.
    pub(crate) fn elements(self) -> Option<Vec<Self>> {
        let elements: Vec<&'a RawValue> = serde_json::from_str(self.0).ok()?;
        Some(elements.into_iter().map(|element| Self(element.get())).collect())
    }

    /// The elements of the list at a path.
    pub(crate) fn list(self, path: &str) -> Option<Vec<Self>> {
        self.json(path).and_then(|list| Self(list).elements())
    }

    /// The first value at a path, as JSON text.
    pub(crate) fn json(self, path: &str) -> Option<&'a str> {
        self.all(path).into_iter().next()
    }

    /// The first string, number or boolean at a path, as text.
    pub(crate) fn text(self, path: &str) -> Option<String> {
        self.texts(path).into_iter().next()
    }

    /// All strings, numbers and booleans at a path, as text. The path can end at a list of them.
    pub(crate) fn texts(self, path: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for value in self.all(path) {
            match Self(value).elements() {
                Some(elements) => texts.extend(elements.into_iter().filter_map(Self::scalar)),
                None => texts.extend(Self(value).scalar()),
            }
        }
        texts
    }

    /// The string or list of strings at a path that does not cross a list. `None` if the path is absent or null.
    ///
    /// # Errors
    /// If a value is not a string, or is blank. The error names it.
    pub(crate) fn strict_texts(self, path: &str) -> Result<Option<Vec<String>>, String> {
        let Some(value) = self.json(path) else { return Ok(None) };
        let text = |value: Self, place: String| match serde_json::from_str(value.0) {
            Ok(Value::String(text)) if text.trim().is_empty() => Err(format!("{place} is empty")),
            Ok(Value::String(text)) => Ok(text),
            Ok(Value::Null) => Err(format!("{place} is null")),
            _ => Err(format!("{place} is not a string")),
        };
        let texts: Result<Vec<_>, _> = match Self(value).elements() {
            Some(elements) => elements
                .into_iter()
                .enumerate()
                .map(|(at, element)| text(element, format!("{path}[{at}]")))
                .collect(),
            None => text(Self(value), path.to_owned()).map(|text| vec![text]),
        };
        texts.map(Some)
    }

    fn scalar(self) -> Option<String> {
        let json = self.0.trim_ascii();
        match json.as_bytes().first()? {
            b'"' => {
                let (text, _) = lenient::text(json, false)?;
                Some(text.into_owned()).filter(|text| !text.trim().is_empty())
            }
            b'{' | b'[' | b'n' => None,
            // Numbers keep their text, whatever their length.
            _ => Some(json.to_owned()),
        }
    }

    /// The date-time at a path, in any format that the API uses.
    pub(crate) fn instant(self, path: &str) -> Option<DateTime<Utc>> {
        let value = self.json(path)?;
        DateTime::<Utc>::read(&mut serde_json::Deserializer::from_str(value)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_values_by_path() {
        let text = r#"{"id":"a","n":7,"flag":true,"none":null,"empty":" ","job":{"id":"b","s":"x\ny"},
            "list":[{"url":"u"},{},{"url":null},{"url":"v"}],"urls":["p","q"],"deep":{"a":[{"b":{"c":1}}]}}"#;
        for (path, texts) in [
            ("id", vec!["a"]),
            ("n", vec!["7"]),
            ("flag", vec!["true"]),
            ("none", vec![]),
            ("empty", vec![]),
            ("missing", vec![]),
            ("job", vec![]),
            ("job.id", vec!["b"]),
            ("job.s", vec!["x\ny"]),
            ("job.id.x", vec![]),
            ("none.id", vec![]),
            ("list.url", vec!["u", "v"]),
            ("urls", vec!["p", "q"]),
            ("deep.a.b.c", vec!["1"]),
        ] {
            assert_eq!(JsonText(text).texts(path), texts, "{path}");
        }
        assert_eq!(JsonText(r#""FULFILLED""#).texts("[]"), ["FULFILLED"]);
        assert_eq!(JsonText("null").texts("[]"), Vec::<String>::new());
        assert_eq!(JsonText(r#"{"a":[1]}"#).json("a"), Some("[1]"));
        let at = JsonText(r#"{"t":"2026-05-01T10:00:00Z"}"#).instant("t").expect("an instant");
        assert_eq!(at.to_rfc3339(), "2026-05-01T10:00:00+00:00");
        assert_eq!(JsonText(r#"{"t":"soon"}"#).instant("t"), None);
    }

    #[test]
    fn strict_texts_rejects_other_values() {
        for (text, found) in [
            (r#"{"u":"a"}"#, Ok(Some(vec!["a"]))),
            (r#"{"u":["a","b"]}"#, Ok(Some(vec!["a", "b"]))),
            (r#"{"u":[]}"#, Ok(Some(vec![]))),
            (r#"{"u":null}"#, Ok(None)),
            ("{}", Ok(None)),
            (r#"{"u":["a",null]}"#, Err("u[1] is null")),
            (r#"{"u":["a","b",""]}"#, Err("u[2] is empty")),
            (r#"{"u":[{},"a"]}"#, Err("u[0] is not a string")),
            (r#"{"u":[7]}"#, Err("u[0] is not a string")),
            (r#"{"u":" "}"#, Err("u is empty")),
            (r#"{"u":{"url":"a"}}"#, Err("u is not a string")),
        ] {
            let texts = JsonText(text).strict_texts("u");
            let expected = found.map(|found: Option<Vec<&str>>| {
                found.map(|texts| texts.into_iter().map(str::to_owned).collect())
            });
            assert_eq!(texts, expected.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn follows_a_limited_depth_of_lists() {
        for (depth, found) in [(2, true), (16, true), (17, false), (100_000, false)] {
            let json = format!("{}{{\"id\":7}}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(JsonText(&json).text("id").is_some(), found, "{depth}");
        }
    }
}
