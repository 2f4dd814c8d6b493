//! Compares a document with its catalogue.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::document::{Document, Operation, definition, fields, list, referred, values};

/// The differences of `operations.jsonl` and `definitions.jsonl`. Missing defaults are marked, because a fixup
/// removes defaults that are not among the enum values.
pub(crate) fn compare(document: &Document, operations: &str, definitions: &str) -> Vec<String> {
    let mut differences = Vec::new();
    let mut seen = BTreeSet::new();
    for line in operations.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let id = line["id"].as_str().unwrap_or_default();
        if !seen.insert(id.to_owned()) {
            differences.push(format!("{id}: is listed twice"));
        }
        match document.operations.get(id) {
            None => differences.push(format!("{id}: the document does not have it")),
            Some(operation) => {
                let due = expected(document, operation);
                for (key, due) in due {
                    let found = line.get(&key).map(without_prose);
                    differ(
                        &format!("{id}, {key}"),
                        &due,
                        &found.unwrap_or_default(),
                        &mut differences,
                    );
                }
            }
        }
    }
    for id in document.operations.keys().filter(|id| !seen.contains(*id)) {
        differences.push(format!("{id}: the catalogue does not have it"));
    }

    let mut left: BTreeSet<&str> = document.reached.iter().map(String::as_str).collect();
    for line in definitions.lines() {
        let mut line: Map<String, Value> = serde_json::from_str(line).expect("a line of JSON");
        let name = line.remove("name").unwrap_or_default();
        let name = name.as_str().unwrap_or_default();
        if !left.remove(name) {
            differences.push(format!("{name}: no operation of the document reaches it"));
            continue;
        }
        let due = normal(document, &document.json["definitions"][name]);
        differ(name, &due, &without_prose(&Value::Object(line)), &mut differences);
    }
    differences
        .extend(left.into_iter().map(|name| format!("{name}: the catalogue does not have it")));
    differences
}

/// Lists where two values differ.
fn differ(place: &str, due: &Value, found: &Value, differences: &mut Vec<String>) {
    match (due, found) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                let (one, other) = (one.get(key), other.get(key));
                let (one, other) = (one.unwrap_or(&Value::Null), other.unwrap_or(&Value::Null));
                differ(&format!("{place}.{key}"), one, other, differences);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differ(&format!("{place}[{index}]"), one, other, differences);
            }
        }
        _ if due == found => {}
        _ => differences.push(format!("{place}: {found} for {due}")),
    }
}

fn expected(document: &Document, operation: &Operation) -> Vec<(String, Value)> {
    let parameters = operation.parameters.iter().map(|parameter| {
        let mut entry = object(&normal(document, &parameter.json));
        entry.insert("name".to_owned(), parameter.name.clone().into());
        entry.insert("in".to_owned(), parameter.place.clone().into());
        entry.remove("readOnly");
        if parameter.required {
            entry.insert("required".to_owned(), true.into());
        }
        if parameter.json["type"] == "array" {
            let by = parameter.joined_by.as_deref().unwrap_or("multi");
            entry.insert("collectionFormat".to_owned(), by.into());
        }
        for key in ["default", "minimum", "maximum"] {
            if let Some(value) = parameter.json.get(key) {
                entry.insert(key.to_owned(), value.clone());
            }
        }
        Value::Object(entry)
    });
    let body = operation.body_schema.as_ref().map_or(Value::Null, |schema| {
        let required = operation.body.as_ref().is_some_and(|(_, required)| *required);
        json!({ "required": required, "schema": normal(document, schema) })
    });
    let replies = operation.replies.iter().map(|(status, _)| {
        let key = if *status == 0 { "default".to_owned() } else { status.to_string() };
        let schema = operation.reply_schemas.get(status);
        (key, schema.map_or(Value::Null, |schema| normal(document, schema)))
    });
    let permissions = &operation.json["x-inin-requires-permissions"];
    let flag =
        |key: &str| if operation.json[key] == true { Value::Bool(true) } else { Value::Null };
    let any = permissions["type"] == "ANY" && list(&permissions["permissions"]).len() > 1;
    let named = list(&permissions["permissions"]);
    [
        ("method", operation.method.clone().into()),
        ("path", operation.path.clone().into()),
        ("parameters", Value::Array(parameters.collect())),
        ("body", body),
        ("replies", Value::Object(replies.collect())),
        ("permissions", if named.is_empty() { Value::Null } else { named.to_vec().into() }),
        ("any_permission", if any { Value::Bool(true) } else { Value::Null }),
        ("deprecated", flag("deprecated")),
        ("preview", flag("x-genesys-preview")),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

/// A schema in the format of the catalogue.
fn normal(document: &Document, schema: &Value) -> Value {
    if let Some(name) = referred(schema) {
        return with_flags(json!({ "$ref": definition(&document.json, name).0 }), schema);
    }
    let parts = list(&schema["allOf"]);
    if let ([part], None) = (parts, schema.get("properties")) {
        return normal(document, part);
    }
    let formatted = |kind: &str| {
        let mut entry = json!({ "type": kind });
        if let Some(format) = schema.get("format") {
            entry["format"] = format.clone();
        }
        entry
    };
    let kind = schema["type"].as_str().unwrap_or("object");
    let normal = match kind {
        "boolean" | "file" => json!({ "type": kind }),
        "string" if !values(schema).is_empty() => {
            json!({ "type": "string", "enum": list(&schema["enum"]) })
        }
        "string" if schema["format"] == "binary" => json!({ "type": "file" }),
        "integer" | "number" | "string" => formatted(kind),
        "array" => json!({ "type": "array", "items": normal(document, &schema["items"]) }),
        _ if schema.get("oneOf").is_some() || schema.get("anyOf").is_some() => {
            json!({ "type": "object" })
        }
        _ => {
            let fields: BTreeMap<String, Value> = fields(&document.json, schema, 64);
            let values = &schema["additionalProperties"];
            if !fields.is_empty() {
                let properties =
                    fields.iter().map(|(name, field)| (name.clone(), normal(document, field)));
                let mut entry =
                    json!({ "type": "object", "properties": Value::Object(properties.collect()) });
                if !list(&schema["required"]).is_empty() {
                    entry["required"] = schema["required"].clone();
                }
                entry
            } else if values.is_object() {
                json!({ "type": "object", "additionalProperties": normal(document, values) })
            } else {
                json!({ "type": "object" })
            }
        }
    };
    with_flags(normal, schema)
}

fn with_flags(mut normal: Value, schema: &Value) -> Value {
    if schema["readOnly"] == true {
        normal["readOnly"] = true.into();
    }
    normal
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A value without the descriptions of schemas.
fn without_prose(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let is_prose = |key: &str, value: &Value| key == "description" && value.is_string();
            let kept = entries.iter().filter(|(key, value)| !is_prose(key, value));
            Value::Object(kept.map(|(key, value)| (key.clone(), without_prose(value))).collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(without_prose).collect()),
        other => other.clone(),
    }
}

/// Counts operations with a tag of one of these kinds.
pub(crate) fn tagged(operations: &str, kinds: &[&str]) -> usize {
    let kind = |line: &str| -> String {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        line["tag"]["kind"].as_str().unwrap_or_default().to_owned()
    };
    operations.lines().filter(|line| kinds.contains(&kind(line).as_str())).count()
}
