//! Edits JSON as text: a field is found or replaced without parsing the rest, so numbers, the order of fields and
//! duplicate names are unchanged.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of an object, in order.
pub(crate) type Entries<'a> = Vec<(Cow<'a, [u8]>, &'a str)>;

/// Returns the JSON text at a JSON pointer.
pub(crate) fn get<'a>(json: &'a str, pointer: &str) -> Option<&'a str> {
    let root: &RawValue = serde_json::from_str(json).ok()?;
    let mut names = pointer.split('/').skip(1);
    names.try_fold(root.get(), |level, name| child(level, &unescaped(name)))
}

/// Sets the field at a JSON pointer to a value, which is JSON text. With `create`, adds enclosing objects that are
/// missing or null.
///
/// # Errors
/// If the text is not JSON, or the enclosing object is missing.
pub(crate) fn set(json: &str, pointer: &str, value: &str, create: bool) -> Result<String, String> {
    let root: &RawValue = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let (parent, field) =
        pointer.rsplit_once('/').ok_or("a JSON pointer starts with `/`, such as `/manager`")?;
    let field = unescaped(field);
    let steps: Vec<String> = parent.split('/').skip(1).map(unescaped).collect();
    let mut level = root.get();
    for (at, step) in steps.iter().enumerate() {
        let missing = || nested(steps[at + 1..].iter().chain([&field]), value);
        match child(level, step) {
            Some("null") if create => return replaced(json, child(level, step), &missing()),
            Some(inner) => level = inner,
            None if create && is_object(level) => return inserted(json, level, step, &missing()),
            None => return Err(format!("`{parent}` is not in the body")),
        }
    }
    if !is_object(level) {
        return Err(format!("`{parent}` is not an object"));
    }
    match child(level, &field) {
        None => inserted(json, level, &field, value),
        existing => replaced(json, existing, value),
    }
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

fn is_object(json: &str) -> bool {
    json.starts_with('{')
}

/// Returns a field or an element. Of duplicate fields, the last one counts, as in records.
fn child<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    if is_object(json) {
        let mut fields = entries(json).ok()?.into_iter().rev();
        return fields.find(|(known, _)| **known == *name.as_bytes()).map(|(_, value)| value);
    }
    let at: usize = name.parse().ok().filter(|_| json.starts_with('['))?;
    let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    elements.get(at).map(|element| element.get())
}

/// Returns nested objects with these names around a value.
fn nested<'a>(names: impl DoubleEndedIterator<Item = &'a String>, value: &str) -> String {
    names.rev().fold(value.to_owned(), |inner, name| format!("{{{}:{inner}}}", quoted(name)))
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

fn replaced(json: &str, part: Option<&str>, by: &str) -> Result<String, String> {
    let (begin, part) = part.and_then(|part| Some((offset(json, part)?, part))).ok_or(NOT_FOUND)?;
    Ok([&json[..begin], by, &json[begin + part.len()..]].concat())
}

fn inserted(json: &str, object: &str, name: &str, value: &str) -> Result<String, String> {
    let last = entries(object).map_err(|error| error.to_string())?.pop();
    let (at, comma) = match last {
        Some((_, last)) => (offset(json, last).map(|at| at + last.len()), ","),
        None => (offset(json, object).map(|at| at + 1), ""),
    };
    let at = at.ok_or(NOT_FOUND)?;
    Ok(format!("{}{comma}{}:{value}{}", &json[..at], quoted(name), &json[at..]))
}

const NOT_FOUND: &str = "the field was not found in the body";

/// Returns the offset of a slice in the text that it was borrowed from.
fn offset(text: &str, part: &str) -> Option<usize> {
    let offset = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    text.get(offset..)?.starts_with(part).then_some(offset)
}

/// Returns the fields of an object, or an error for any other value.
pub(crate) fn entries(object: &str) -> Result<Entries<'_>, serde_json::Error> {
    struct Fields;

    impl<'a> Visitor<'a> for Fields {
        type Value = Entries<'a>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(name) = map.next_key_seed(Name)? {
                entries.push((name, map.next_value::<&'a RawValue>()?.get()));
            }
            Ok(entries)
        }
    }

    serde_json::Deserializer::from_str(object).deserialize_map(Fields)
}

/// Reads a field name as bytes, so that it is not validated and unpaired surrogates are not an error.
#[derive(Debug)]
pub struct Name;

impl<'a> DeserializeSeed<'a> for Name {
    type Value = Cow<'a, [u8]>;

    fn deserialize<D: serde::Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_bytes(self)
    }
}

impl<'a> Visitor<'a> for Name {
    type Value = Cow<'a, [u8]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_bytes<E>(self, name: &'a [u8]) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.as_bytes().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_the_rest_unchanged() {
        let body = r#"{ "a" : 31.245270191439438, "b":[1.50,{"c":12345678901234567890}],
            "x\ud83d": 1e400, "d":null, "a": 7 }"#;
        for (pointer, value, old, new) in [
            ("/a", "null", r#""a": 7 "#, r#""a": null "#),
            ("/b/1/c", "1.0", "12345678901234567890", "1.0"),
            ("/d", r#""x""#, r#""d":null"#, r#""d":"x""#),
            ("/d/e~1f/g", "1", r#""d":null"#, r#""d":{"e/f":{"g":1}}"#),
            ("/new", "true", r#""a": 7 "#, r#""a": 7,"new":true "#),
            ("/n/m", "[]", r#""a": 7 "#, r#""a": 7,"n":{"m":[]} "#),
        ] {
            let set = set(body, pointer, value, true).expect(pointer);
            assert_eq!(set, body.replacen(old, new, 1), "{pointer}");
            assert_ne!(set, body);
            assert_eq!(get(&set, pointer), Some(value), "{pointer}");
        }
        assert_eq!(get(body, "/b/0"), Some("1.50"));
        assert_eq!(get(body, "/b/2"), None);
        assert_eq!(get(body, "/b/1/c/d"), None);
    }
}
