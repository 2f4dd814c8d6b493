//! Bodies of requests as a user gives them, checked against the document.

use std::io::Read as _;

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};
use serde_json::Value;

use crate::failure::Failure;
use crate::find::{nearest, quoted};

/// Reads a body from a file, or from standard input if its name is `-`.
pub(crate) fn read(file: &str) -> Result<Value, Failure> {
    let place = if file == "-" { "standard input" } else { file };
    let text = match file {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        }
        file => std::fs::read_to_string(file),
    };
    let text = text.map_err(|error| match file.trim_start().starts_with(['{', '[']) {
        // It may hold what is not to be told.
        true => {
            Failure::usage("--body: it takes a file, or - for standard input, and not the JSON")
                .advise("of a shell such as bash: --body - <<< '{}'")
        }
        false => Failure::usage(format!("--body: can't read {place}: {error}")),
    })?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("--body: {place} is not JSON: {error}")))
}

/// What the document knows nothing of, or has as something else. That a field is missing is left to the API to
/// tell, and so are values: the document says more of them than holds.
pub(crate) fn faults(schema: &Schema, body: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, body, "", &mut faults);
    faults
}

fn check(schema: &Schema, value: &Value, path: &str, faults: &mut Vec<String>) {
    let schema = Catalogue::embedded().resolve(schema);
    let is = match schema.kind {
        _ if value.is_null() => return,
        Some(Kind::Array) => value.is_array(),
        Some(Kind::Boolean) => value.is_boolean(),
        Some(Kind::Integer) => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        Some(Kind::Number) => value.is_number(),
        Some(Kind::String) => value.is_string(),
        // What has no properties may be anything.
        _ if schema.properties.is_empty() && schema.additional_properties.is_none() => return,
        _ => value.is_object(),
    };
    if !is {
        let place = match path {
            "" => "the body is".to_owned(),
            path => format!("`{path}` of the body takes"),
        };
        let wanted = match schema.kind {
            Some(Kind::Array) => "a list",
            Some(Kind::Boolean) => "true or false",
            Some(Kind::Integer) => "a whole number",
            Some(Kind::Number) => "a number",
            Some(Kind::String) => "a text",
            _ => "an object",
        };
        faults.push(format!("{place} {wanted}, not {}", word(value)));
        return;
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(schema) = schema.items.as_deref() {
                    check(schema, item, &format!("{path}[{index}]"), faults);
                }
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match (schema.property(name), schema.additional_properties.as_deref()) {
                    (Some(schema), _) | (None, Some(schema)) => {
                        check(schema, field, &inner, faults);
                    }
                    (None, None) => faults.push(unknown(schema, name, &inner)),
                }
            }
        }
        _ => {}
    }
}

fn unknown(schema: &Schema, name: &str, path: &str) -> String {
    let names = schema.properties.iter().map(|(name, _)| name.clone());
    let near = nearest(name, names.clone(), 2);
    match near.is_empty() {
        false => format!("the body has no field `{path}`; did you mean {}?", quoted(&near)),
        true => format!(
            "the body has no field `{path}` there, but {}",
            names.collect::<Vec<_>>().join(", ")
        ),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        // A text may be long.
        Value::String(_) => "a text".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::find;

    #[test]
    fn what_the_document_does_not_know_is_told() {
        let entry = find::operation("postAnalyticsConversationsDetailsQuery").expect("it");
        let schema = &entry.body.as_ref().expect("a body").schema;
        for (body, expected) in [
            (json!({}), None),
            (json!({"interval": "a/b", "paging": {"pageSize": 10}, "order": null}), None),
            (json!([1]), Some("the body is an object, not a list")),
            (json!("x"), Some("the body is an object, not a text")),
            (json!({"intreval": "a"}), Some("no field `intreval`; did you mean `interval`?")),
            (json!({"interval": 5}), Some("`interval` of the body takes a text, not 5")),
            (json!({"paging": {"size": 1}}), Some("no field `paging.size`")),
            (json!({"paging": {"pageSize": 1.5}}), Some("takes a whole number, not 1.5")),
            (
                json!({"segmentFilters": [{"type": "and"}, {"tipe": "and"}]}),
                Some("`segmentFilters[1].tipe`; did you mean `type`?"),
            ),
            (json!({"segmentFilters": {}}), Some("`segmentFilters` of the body takes a list")),
        ] {
            let faults = faults(schema, &body);
            match expected {
                None => assert!(faults.is_empty(), "{body}: {faults:?}"),
                Some(part) => assert!(faults[0].contains(part), "{body}: {faults:?}"),
            }
        }
    }
}
