//! The JSON of `describe --json` and `operations --json`. Fields may be added, but none is renamed or removed.

use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation as Entry, Parameter, Schema};
use genesys_cloud_core::ListSpec;
use genesys_cloud_core::specs::{self, OperationKind};
use serde_json::{Map, Value, json};

use crate::capabilities;
use crate::failure::Failure;
use crate::record;
use crate::resolve;

/// Returns the kind of an operation in one word.
pub(super) fn kind_word(kind: &OperationKind) -> &'static str {
    match kind {
        OperationKind::List(_) => "list",
        OperationKind::Job(_) => "job",
        OperationKind::Single | OperationKind::Accepted => "call",
    }
}

/// Summarizes an operation.
pub(super) fn summary(entry: &Entry, kind: &OperationKind) -> Value {
    json!({
        "name": resolve::rust_name(entry),
        "operationId": entry.id,
        "method": entry.method,
        "path": entry.path,
        "group": entry.group,
        "kind": kind_word(kind),
        "summary": entry.summary,
        "deprecated": entry.deprecated,
        "preview": entry.preview,
        "permissions": entry.permissions,
        "anyPermission": entry.any_permission,
    })
}

/// Describes an operation.
pub(super) fn operation(entry: &Entry) -> Result<Value, Failure> {
    let refused = |error: specs::Error| Failure::usage(error.to_string());
    let kind = specs::kind(Catalogue::embedded(), entry).map_err(refused)?;
    let interval = capabilities::interval(&kind, entry).map_err(refused)?;
    let mut whole = summary(entry, &kind);
    let set_by = |name: &str| {
        let is_interval = interval.as_ref().is_some_and(|it| it.place.name() == name);
        match (capabilities::chooses_page(&kind, entry, name), is_interval) {
            (true, _) => Value::from("export"),
            (false, true) => Value::from("--interval"),
            (false, false) => Value::Null,
        }
    };
    whole["parameters"] =
        entry.parameters.iter().map(|it| parameter(it, set_by(&it.name))).collect();
    whole["body"] = json!(entry.body.as_ref().map(|body| {
        json!({ "required": body.required, "schema": schema(&body.schema), "fields": fields(&body.schema) })
    }));
    whole["interval"] = json!(interval.map(|known| {
        json!({
            "name": known.place.name(),
            "in": if known.place.is_in_body() { "body" } else { "query" },
            "maxDays": known.span.map(|span| span.as_secs() / 86_400),
            "id": known.id,
        })
    }));
    whole["list"] = match &kind {
        OperationKind::List(listing) => list(listing),
        _ => Value::Null,
    };
    whole["job"] = match &kind {
        OperationKind::Job(family) => json!({
            "family": family.name(),
            "hours": family.lifetime().map(|it| it.as_secs() / 3_600),
            "status": family.status().map(|call| call.operation().id().to_owned()),
            "note": family.note(),
        }),
        _ => Value::Null,
    };
    let item = record::item(entry, &kind);
    whole["record"] = json!(item.map(|item| json!({ "fields": fields(item) })));
    whole["response"] =
        json!(entry.reply().map(|it| json!({ "schema": schema(it), "fields": fields(it) })));
    Ok(whole)
}

/// Describes a type.
pub(super) fn definition(name: &str, schema: &Schema) -> Value {
    json!({
        "name": name,
        "description": schema.description,
        "schema": self::schema(schema),
        "fields": fields(schema),
    })
}

fn list(listing: &ListSpec) -> Value {
    json!({
        "scheme": listing.scheme().name(),
        "items": listing.items(),
        "pageSize": listing.page_size().map(|size| json!({
            "name": size.name(),
            "minimum": size.minimum(),
            "maximum": size.maximum(),
            "usual": size.usual(),
        })),
        "cap": listing.cap().map(ToString::to_string),
    })
}

fn parameter(it: &Parameter, set_by: Value) -> Value {
    let listed = it.items.as_ref().map_or(&it.values, |items| &items.values);
    json!({
        "name": it.name,
        "in": match it.location {
            Location::Path => "path",
            Location::Header => "header",
            _ => "query",
        },
        "required": it.required,
        "type": kind_name(it.kind),
        "format": it.format,
        "items": it.items.as_ref().map(schema),
        "values": listed,
        "default": it.default,
        "maximum": it.maximum,
        "description": it.description,
        "setBy": set_by,
    })
}

/// Lists the fields of an object in the order of the document.
fn fields(of: &Schema) -> Value {
    let resolved = Catalogue::embedded().resolve(of);
    let field = |(name, it): &(String, Schema)| {
        json!({
            "name": name,
            "required": resolved.required.contains(name),
            "readOnly": it.read_only,
            "description": it.description,
            "schema": schema(it),
        })
    };
    resolved.properties.iter().map(field).collect()
}

/// Writes a schema as JSON Schema. A reference names a type: `genesys-cloud describe NAME`.
fn schema(it: &Schema) -> Value {
    if let Some(name) = &it.reference {
        return json!({ "$ref": name });
    }
    let mut known = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        known.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("type", it.kind.map(|kind| kind_name(kind).into()));
    set("format", it.format.as_deref().map(Value::from));
    set("enum", (!it.values.is_empty()).then(|| it.values.clone().into()));
    set("items", it.items.as_deref().map(schema));
    set("additionalProperties", it.additional_properties.as_deref().map(schema));
    set("minimum", it.minimum.map(Value::from));
    set("maximum", it.maximum.map(Value::from));
    set("minLength", it.min_length.map(Value::from));
    set("maxLength", it.max_length.map(Value::from));
    set("pattern", it.pattern.as_deref().map(Value::from));
    let properties = it.properties.iter().map(|(name, it)| (name.clone(), schema(it)));
    let properties: Map<String, Value> = properties.collect();
    set("properties", (!properties.is_empty()).then(|| properties.into()));
    set("required", (!it.required.is_empty()).then(|| it.required.clone().into()));
    known.into()
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Integer => "integer",
        Kind::Number => "number",
        Kind::String => "string",
        Kind::Array => "array",
        Kind::File => "file",
        _ => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_the_json_are_stable() {
        let names = |value: &Value| value.as_object().expect("an object").keys().cloned().collect();
        let queues = operation(resolve::operation("routing.queues").expect("it")).expect("JSON");
        let mut known: Vec<String> = names(&queues);
        known.sort();
        assert_eq!(
            known.join(" "),
            "anyPermission body deprecated group interval job kind list method name operationId parameters path \
             permissions preview record response summary"
        );
        let parameters = queues["parameters"].as_array().expect("a list");
        let number = parameters.iter().find(|it| it["name"] == "pageNumber").expect("it");
        assert_eq!(number["setBy"], "export");
        let mut known: Vec<String> = names(number);
        known.sort();
        assert_eq!(
            known.join(" "),
            "default description format in items maximum name required setBy type values"
        );
        assert_eq!(queues["list"]["pageSize"]["name"], "pageSize");
        assert_eq!(queues["record"]["fields"][0]["name"], "id");
        let audits = operation(resolve::operation("postAuditsQuery").expect("it")).expect("JSON");
        assert_eq!(audits["job"]["family"], "audits-query");
        assert_eq!(audits["interval"]["in"], "body");
        assert_eq!(audits["interval"]["maxDays"], 31);
    }

    #[test]
    fn every_reference_names_a_type() {
        fn check(value: &Value) {
            match value {
                Value::Object(fields) => {
                    if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
                        assert!(Catalogue::embedded().definition(name).is_some(), "{name}");
                    }
                    fields.values().for_each(check);
                }
                Value::Array(items) => items.iter().for_each(check),
                _ => {}
            }
        }
        for entry in Catalogue::embedded().operations() {
            check(&operation(entry).expect(&entry.id));
        }
    }
}
