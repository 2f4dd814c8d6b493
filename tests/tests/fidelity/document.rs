//! The facts in a Swagger 2.0 document, read only with `serde_json`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// The type that a schema describes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Boolean,
    Integer,
    Number,
    Text,
    DateTime,
    Date,
    LocalDateTime,
    /// Any JSON.
    Json,
    Bytes,
    Enum(Vec<String>),
    List(Box<Shape>),
    Map(Box<Shape>),
    /// A definition by name, or an object by location, with its fields.
    Record(String),
}

pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
    /// The separator of list values; `None` if the parameter is repeated.
    pub(crate) joined_by: Option<String>,
    pub(crate) json: Value,
}

pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<(Shape, bool)>,
    pub(crate) body_schema: Option<Value>,
    /// By status; 0 is `default`.
    pub(crate) replies: Vec<(u64, Option<Shape>)>,
    /// The schemas of the responses.
    pub(crate) reply_schemas: BTreeMap<u64, Value>,
    pub(crate) json: Value,
}

pub(crate) struct Document {
    pub(crate) json: Value,
    /// By id.
    pub(crate) operations: BTreeMap<String, Operation>,
    /// Fields by record: definitions, and objects within them.
    pub(crate) records: BTreeMap<String, BTreeMap<String, Shape>>,
    /// The definitions that operations use.
    pub(crate) reached: BTreeSet<String>,
}

const METHODS: [&str; 6] = ["delete", "get", "head", "patch", "post", "put"];

/// The maximum length of a chain of references.
const CHAIN: usize = 64;

impl Document {
    pub(crate) fn read(text: &str) -> Self {
        let json: Value = serde_json::from_str(text).expect("JSON");
        let mut document = Self {
            operations: BTreeMap::new(),
            records: BTreeMap::new(),
            reached: BTreeSet::new(),
            json: Value::Null,
        };
        let entries = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let base = json["basePath"].as_str().unwrap_or_default().trim_end_matches('/').to_owned();
        for (path, item) in entries(&json["paths"]) {
            if path.starts_with("x-") {
                continue;
            }
            let (path, item) = (format!("{base}{path}"), follow(&json, &item));
            for method in METHODS {
                let Some(operation) = item.get(method) else { continue };
                let operation = document.operation(&json, &path, method, &item, operation);
                document.operations.insert(operation.id.clone(), operation);
            }
        }
        document.json = json;
        document
    }

    fn operation(
        &mut self,
        json: &Value,
        path: &str,
        method: &str,
        item: &Value,
        operation: &Value,
    ) -> Operation {
        let id = operation["operationId"].as_str().expect("an id").to_owned();
        let mut all: Vec<Value> = Vec::new();
        for parameter in list(&item["parameters"]).iter().chain(list(&operation["parameters"])) {
            let parameter = follow(json, parameter);
            let same =
                |other: &Value| ["name", "in"].iter().all(|key| other[*key] == parameter[*key]);
            // Parameters of an operation override those of its path.
            match all.iter_mut().find(|other| same(other)) {
                Some(other) => *other = parameter,
                None => all.push(parameter),
            }
        }
        let mut parameters = Vec::new();
        let (mut body, mut body_schema) = (None, None);
        for parameter in all {
            let required = parameter["required"] == true;
            let place = parameter["in"].as_str().unwrap_or_default();
            if place == "body" {
                let shape = self.shape(json, &parameter["schema"], &format!("{id}Body"));
                body = Some((shape, required));
                body_schema = Some(parameter["schema"].clone());
                continue;
            }
            let name = parameter["name"].as_str().unwrap_or_default();
            if place == "path" && !path.contains(&format!("{{{name}}}")) {
                continue;
            }
            let by = match parameter["collectionFormat"].as_str() {
                Some("multi") => None,
                Some("pipes") => Some("|"),
                Some("ssv") => Some(" "),
                Some("tsv") => Some("\t"),
                _ => Some(","),
            };
            parameters.push(Parameter {
                name: name.to_owned(),
                place: place.to_owned(),
                required: required || place == "path",
                shape: self.shape(json, &parameter, &format!("{id}.{name}")),
                joined_by: by.map(str::to_owned),
                json: parameter,
            });
        }
        let (mut replies, mut reply_schemas) = (Vec::new(), BTreeMap::new());
        for (status, reply) in operation["responses"].as_object().unwrap_or(&Map::new()) {
            let status = match status.as_str() {
                "default" => 0,
                status => status.parse().unwrap_or(u64::MAX),
            };
            if !(status == 0 || (200..400).contains(&status)) {
                continue;
            }
            let reply = follow(json, reply);
            let place = format!("{id}Reply{status}");
            let shape = reply.get("schema").map(|schema| self.shape(json, schema, &place));
            reply_schemas.extend(reply.get("schema").map(|schema| (status, schema.clone())));
            replies.push((status, shape));
        }
        replies.sort_by_key(|(status, _)| *status);
        // Next to other responses, `default` describes errors.
        if replies.iter().any(|(status, _)| *status > 0) {
            replies.retain(|(status, _)| *status > 0);
            reply_schemas.remove(&0);
        }
        Operation {
            id,
            method: method.to_uppercase(),
            path: path.to_owned(),
            parameters,
            body,
            body_schema,
            replies,
            reply_schemas,
            json: operation.clone(),
        }
    }

    /// The shape of a schema at this location. Stores the records found.
    fn shape(&mut self, json: &Value, schema: &Value, place: &str) -> Shape {
        if let Some(name) = referred(schema) {
            let (name, definition) = definition(json, name);
            assert!(definition.is_object(), "{place}: no definition {name}");
            let is_new = self.reached.insert(name.clone());
            // A record may contain itself.
            if !is_new && is_record(json, definition) {
                return Shape::Record(name);
            }
            return self.shape(json, definition, &name);
        }
        let parts = list(&schema["allOf"]);
        if let ([part], None) = (parts, schema.get("properties")) {
            return self.shape(json, part, place);
        }
        if schema.get("oneOf").is_some() || schema.get("anyOf").is_some() {
            return Shape::Json;
        }
        match schema["type"].as_str() {
            Some("boolean") => Shape::Boolean,
            Some("integer") => Shape::Integer,
            Some("number") => Shape::Number,
            Some("file") => Shape::Bytes,
            Some("string") => match schema["format"].as_str() {
                _ if !values(schema).is_empty() => Shape::Enum(values(schema)),
                Some("date-time") => Shape::DateTime,
                Some("date") => Shape::Date,
                Some("local-date-time") => Shape::LocalDateTime,
                Some("binary") => Shape::Bytes,
                _ => Shape::Text,
            },
            Some("array") => {
                Shape::List(Box::new(self.shape(json, &schema["items"], &format!("{place}[]"))))
            }
            _ => {
                let fields = fields(json, schema, CHAIN);
                if fields.is_empty() {
                    let values = &schema["additionalProperties"];
                    return match values.is_object() {
                        true => {
                            Shape::Map(Box::new(self.shape(json, values, &format!("{place}{{}}"))))
                        }
                        false => Shape::Json,
                    };
                }
                if !self.records.contains_key(place) {
                    self.records.insert(place.to_owned(), BTreeMap::new());
                    let fields = fields
                        .iter()
                        .map(|(name, field)| {
                            (name.clone(), self.shape(json, field, &format!("{place}.{name}")))
                        })
                        .collect();
                    self.records.insert(place.to_owned(), fields);
                }
                Shape::Record(place.to_owned())
            }
        }
    }

    /// The schema at a path of field names, with references resolved.
    pub(crate) fn at<'a>(&'a self, schema: &'a Value, path: &[String]) -> Option<&'a Value> {
        path.iter().try_fold(self.resolved(schema), |schema, name| {
            Some(self.resolved(schema["properties"].get(name)?))
        })
    }

    pub(crate) fn resolved<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        for _ in 0..CHAIN {
            match referred(schema) {
                Some(name) => schema = definition(&self.json, name).1,
                None => break,
            }
        }
        schema
    }

    /// The schema of the response of an operation.
    pub(crate) fn reply<'a>(&self, operation: &'a Operation) -> Option<&'a Value> {
        let mut schemas = operation.reply_schemas.iter();
        schemas.find(|(status, _)| **status < 300).map(|(_, schema)| schema)
    }
}

/// The definition that a schema refers to. A property may also be called `$ref`.
pub(crate) fn referred(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}

/// The definition of this name, in the spelling of a reference.
pub(crate) fn definition<'a>(json: &'a Value, name: &str) -> (String, &'a Value) {
    let name = name.replace("%20", " ").replace("~1", "/").replace("~0", "~");
    let definition = json["definitions"].get(&name).unwrap_or(&Value::Null);
    (name, definition)
}

/// Whether a definition is an object with fields.
fn is_record(json: &Value, definition: &Value) -> bool {
    let is_object = definition["type"] == "object" || definition.get("type").is_none();
    is_object && referred(definition).is_none() && !fields(json, definition, CHAIN).is_empty()
}

/// The fields of an object, including those of its parts.
pub(crate) fn fields(json: &Value, schema: &Value, depth: usize) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for part in list(&schema["allOf"]) {
        let mut part = part;
        for _ in 0..depth {
            match referred(part) {
                Some(name) => part = definition(json, name).1,
                None => break,
            }
        }
        all.extend(fields(json, part, depth.saturating_sub(1)));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        all.insert(name.clone(), field.clone());
    }
    all
}

/// The values of an enum, without duplicates.
pub(crate) fn values(schema: &Value) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for value in list(&schema["enum"]).iter().filter_map(Value::as_str) {
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }
    values
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Resolves a reference to a shared parameter or response.
fn follow(json: &Value, value: &Value) -> Value {
    let mut value = value;
    for _ in 0..CHAIN {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { break };
        match json.pointer(reference.trim_start_matches('#')) {
            Some(target) => value = target,
            None => break,
        }
    }
    value.clone()
}
