//! Reads request bodies and validates them against the API document.

use std::io::Read as _;

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};
use genesys_cloud_core::lenient;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::locations::BodySource;
use crate::resolve::{nearest, quoted};

/// Maximum depth of validation.
const DEEPEST: usize = 64;

/// Reads the body that an option names. It is sent unchanged.
pub(crate) fn read(source: &BodySource, option: &str) -> Result<Box<RawValue>, Failure> {
    let (name, text) = match source {
        BodySource::Stdin => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text).map(|_| text);
            ("standard input".to_owned(), read)
        }
        BodySource::File(path) => (path.display().to_string(), std::fs::read_to_string(path)),
    };
    let text =
        text.map_err(|error| Failure::usage(format!("{option}: can't read {name}: {error}")))?;
    serde_json::from_str(lenient::without_mark(&text))
        .map_err(|error| Failure::usage(format!("{option}: {name} is not JSON: {error}")))
}

/// Finds fields that the document does not have, or has with another type. Leaves missing fields and invalid values to
/// the API, because the document is stricter than the service.
pub(crate) fn faults(schema: &Schema, body: &RawValue) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, body.get(), ("", 0), &mut faults);
    faults
}

fn check(schema: &Schema, json: &str, (path, depth): (&str, usize), faults: &mut Vec<String>) {
    let schema = Catalogue::embedded().resolve(schema);
    let is = match schema.kind {
        _ if json == "null" => return,
        Some(Kind::Array) => json.starts_with('['),
        Some(Kind::Boolean) => matches!(json, "true" | "false"),
        Some(Kind::Integer) => number(json).is_some_and(|number| number.fract() == 0.0),
        Some(Kind::Number) => number(json).is_some(),
        Some(Kind::String) => json.starts_with('"'),
        // A schema without properties allows any value.
        _ if schema.properties.is_empty() && schema.additional_properties.is_none() => return,
        _ => json.starts_with('{'),
    };
    if !is {
        let field = match path {
            "" => "the body must be".to_owned(),
            path => format!("`{path}` of the body takes"),
        };
        let wanted = match schema.kind {
            Some(Kind::Array) => "a list",
            Some(Kind::Boolean) => "true or false",
            Some(Kind::Integer) => "an integer",
            Some(Kind::Number) => "a number",
            Some(Kind::String) => "a string",
            _ => "an object",
        };
        faults.push(format!("{field} {wanted}, not {}", kind_of(json)));
        return;
    }
    if depth == DEEPEST {
        return;
    }
    let items = schema.items.as_deref().filter(|_| json.starts_with('['));
    let elements: Vec<&RawValue> =
        items.and_then(|_| serde_json::from_str(json).ok()).unwrap_or_default();
    for (index, item) in elements.into_iter().enumerate() {
        if let Some(schema) = items {
            check(schema, item.get(), (&format!("{path}[{index}]"), depth + 1), faults);
        }
    }
    for (name, field) in lenient::fields(json).unwrap_or_default() {
        let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match (schema.property(&name), schema.additional_properties.as_deref()) {
            (Some(schema), _) | (None, Some(schema)) => {
                check(schema, field, (&inner, depth + 1), faults);
            }
            (None, None) => faults.push(unknown(schema, &name, &inner)),
        }
    }
}

/// Parses a number, which may exceed the range of a double.
fn number(json: &str) -> Option<f64> {
    let is_number = json.starts_with(|it: char| it == '-' || it.is_ascii_digit());
    json.parse().ok().filter(|_| is_number)
}

fn unknown(schema: &Schema, name: &str, path: &str) -> String {
    let names = schema.properties.iter().map(|(name, _)| name.clone());
    let near = nearest(name, names.clone(), 2);
    match near.is_empty() {
        false => format!("the body has no field `{path}`; did you mean {}?", quoted(&near)),
        true => format!(
            "the body has no field `{path}`; expected one of {}",
            names.collect::<Vec<_>>().join(", ")
        ),
    }
}

fn kind_of(json: &str) -> String {
    match json.as_bytes().first() {
        Some(b'[') => "a list".to_owned(),
        Some(b'{') => "an object".to_owned(),
        // A string may be long.
        Some(b'"') => "a string".to_owned(),
        _ => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resolve;

    #[test]
    fn reads_a_body_unchanged() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("body.json");
        let text = r#"{"a": 1.50, "a": 12345678901234567890, "b": "\ud83d", "c": 1e400}"#;
        std::fs::write(&path, format!("\u{feff}{text}\n")).expect("a file");
        let body = read(&BodySource::File(path.clone()), "--body").expect("a body");
        assert_eq!(body.get(), text);
        // Unusual but valid JSON does not break validation.
        let entry = resolve::operation("postAnalyticsConversationsDetailsQuery").expect("it");
        let schema = &entry.body.as_ref().expect("a body").schema;
        let found = faults(schema, &body);
        assert_eq!(found.len(), 4, "{found:?}");
        std::fs::write(&path, "{").expect("a file");
        assert!(read(&BodySource::File(path.clone()), "--body").is_err());
    }

    #[test]
    fn finds_unknown_fields_and_wrong_types() {
        let entry = resolve::operation("postAnalyticsConversationsDetailsQuery").expect("it");
        let schema = &entry.body.as_ref().expect("a body").schema;
        for (body, expected) in [
            (json!({}), None),
            (json!({"interval": "a/b", "paging": {"pageSize": 10}, "order": null}), None),
            (json!([1]), Some("the body must be an object, not a list")),
            (json!("x"), Some("the body must be an object, not a string")),
            (json!({"intreval": "a"}), Some("no field `intreval`; did you mean `interval`?")),
            (json!({"interval": 5}), Some("`interval` of the body takes a string, not 5")),
            (json!({"paging": {"size": 1}}), Some("no field `paging.size`")),
            (json!({"paging": {"pageSize": 1.5}}), Some("takes an integer, not 1.5")),
            (
                json!({"segmentFilters": [{"type": "and"}, {"tipe": "and"}]}),
                Some("`segmentFilters[1].tipe`; did you mean `type`?"),
            ),
            (json!({"segmentFilters": {}}), Some("`segmentFilters` of the body takes a list")),
        ] {
            let raw = serde_json::value::to_raw_value(&body).expect("JSON");
            let faults = faults(schema, &raw);
            match expected {
                None => assert!(faults.is_empty(), "{body}: {faults:?}"),
                Some(part) => assert!(faults[0].contains(part), "{body}: {faults:?}"),
            }
        }
    }
}
