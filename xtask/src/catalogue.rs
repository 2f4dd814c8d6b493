//! Writes the API as data, one operation or definition per line: for tools that call operations by name, and for the
//! fake org.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Number;

use crate::document::{Document, Kind, ListStyle, Schema};
use crate::jobs;
use crate::json::Json;
use crate::model::{Bound, Model};

/// Returns `operations.jsonl` and `definitions.jsonl` of a document before flattening.
pub fn files(document: &Document, model: &Model) -> (String, String) {
    let bound: BTreeMap<&str, (&str, &Bound)> = model
        .operations()
        .map(|(group, bound)| (bound.operation.id.as_str(), (group.name.as_str(), bound)))
        .collect();
    let mut operations: Vec<_> = document.operations.iter().collect();
    operations.sort_by(|a, b| (&a.path, a.method).cmp(&(&b.path, b.method)));
    let mut lines = String::new();
    for operation in operations {
        let Some((group, bound)) = bound.get(operation.id.as_str()) else { continue };
        let mut entries = vec![
            ("method", text(operation.method.as_str())),
            ("path", text(&operation.path)),
            ("id", text(&operation.id)),
            ("group", text(group)),
            ("rust", text(&bound.method)),
        ];
        if let Some(summary) = operation.summary.as_ref().or(operation.description.as_ref()) {
            entries.push(("summary", text(summary)));
        }
        for (key, is) in [("deprecated", operation.deprecated), ("preview", operation.preview)] {
            if is {
                entries.push((key, Json::Bool(true)));
            }
        }
        if !operation.permissions.is_empty() {
            entries.push(("permissions", texts(&operation.permissions)));
            if operation.any_permission && operation.permissions.len() > 1 {
                entries.push(("any_permission", Json::Bool(true)));
            }
        }
        let parameters = operation.parameters.iter().map(|parameter| {
            let mut entries =
                vec![("name", text(&parameter.name)), ("in", text(parameter.location.as_str()))];
            if parameter.required {
                entries.push(("required", Json::Bool(true)));
            }
            let mut parts = schema(&parameter.schema);
            if parts.iter().any(|(key, _)| key == "items") {
                let style = match parameter.list {
                    ListStyle::Repeated => "multi".to_owned(),
                    ListStyle::Joined(by) => by.to_string(),
                };
                parts.push(("collectionFormat".to_owned(), Json::String(style)));
            }
            if let Some(default) = &parameter.default {
                parts.push(("default".to_owned(), default.clone()));
            }
            let bounds = parameter.schema.bounds;
            for (key, bound) in [("minimum", bounds.minimum), ("maximum", bounds.maximum)] {
                if let Some(bound) = bound {
                    parts.push((key.to_owned(), Json::Number(Number::from(bound))));
                }
            }
            object(entries, parts)
        });
        entries.push(("parameters", Json::Array(parameters.collect())));
        if let Some(body) = &operation.body {
            let parts = vec![
                ("required", Json::Bool(body.required)),
                ("schema", object(vec![], schema(&body.schema))),
            ];
            entries.push(("body", object(parts, vec![])));
        }
        let replies = operation.replies.iter().map(|reply| {
            let status = reply.status.map_or("default".to_owned(), |status| status.to_string());
            let schema =
                reply.schema.as_ref().map_or(Json::Null, |known| object(vec![], schema(known)));
            (status, schema)
        });
        entries.push(("replies", Json::Object(replies.collect())));
        // A tag is plain data: serializing it can't fail.
        let tag = serde_json::to_string(&bound.tag.tag).ok().and_then(|tag| Json::parse(&tag).ok());
        entries.push(("tag", tag.unwrap_or(Json::Null)));
        lines.push_str(&object(entries, vec![]).compact());
        lines.push('\n');
    }

    let reached = document.reached(&document.operations);
    let mut definitions = String::new();
    for (name, definition) in &document.definitions {
        if reached.contains(name.as_str()) {
            definitions.push_str(&object(vec![("name", text(name))], schema(definition)).compact());
            definitions.push('\n');
        }
    }
    (lines, definitions)
}

/// Returns `families.jsonl`: how jobs run.
pub fn families(model: &Model) -> Result<String> {
    let mut lines = String::new();
    for family in &model.families.families {
        lines.push_str(&jobs::line(family, |id| model.operation(id))?);
        lines.push('\n');
    }
    Ok(lines)
}

fn text(text: &str) -> Json {
    Json::String(text.to_owned())
}

fn texts(values: &[String]) -> Json {
    Json::Array(values.iter().map(|value| text(value)).collect())
}

fn object(entries: Vec<(&str, Json)>, more: Vec<(String, Json)>) -> Json {
    let entries = entries.into_iter().map(|(key, value)| (key.to_owned(), value));
    Json::Object(entries.chain(more).collect())
}

/// The fields of a schema, with references shortened to the name of the definition.
fn schema(of: &Schema) -> Vec<(String, Json)> {
    let formatted = |kind: &str, format: &Option<String>| {
        let mut entries = vec![("type", text(kind))];
        if let Some(format) = format {
            entries.push(("format", text(format)));
        }
        entries
    };
    let mut entries = match &of.kind {
        Kind::Any => vec![("type", text("object"))],
        Kind::Reference(name) => vec![("$ref", text(name))],
        Kind::Boolean => vec![("type", text("boolean"))],
        Kind::Integer { format } => formatted("integer", format),
        Kind::Number { format } => formatted("number", format),
        Kind::Text { format } => formatted("string", format),
        Kind::Enum(values) => vec![("type", text("string")), ("enum", texts(values))],
        Kind::List(items) => {
            vec![("type", text("array")), ("items", object(vec![], schema(items)))]
        }
        Kind::Map(values) => {
            vec![("type", text("object")), ("additionalProperties", object(vec![], schema(values)))]
        }
        Kind::Binary => vec![("type", text("file"))],
        Kind::Object(known) => {
            let properties = known
                .properties
                .iter()
                .map(|(name, property)| (name.clone(), object(vec![], schema(property))))
                .collect();
            let mut entries =
                vec![("type", text("object")), ("properties", Json::Object(properties))];
            if let Some(variants) = &known.variants {
                let mapping = variants.definitions.iter();
                let mapping = mapping.map(|(value, name)| (value.clone(), text(name))).collect();
                let discriminator = vec![
                    ("propertyName", text(&variants.property)),
                    ("mapping", Json::Object(mapping)),
                ];
                entries.push(("discriminator", object(discriminator, vec![])));
            }
            if !known.required.is_empty() {
                entries.push(("required", texts(&known.required)));
            }
            entries
        }
    };
    if let Some(description) = &of.description {
        entries.push(("description", text(description)));
    }
    if of.read_only {
        entries.push(("readOnly", Json::Bool(true)));
    }
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
