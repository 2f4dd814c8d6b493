//! Reads Swagger 2.0, as Genesys publishes it, and OpenAPI 3.0.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use super::{
    Body, Bounds, Document, Kind, ListStyle, Location, Method, Object, Operation, Parameter, Reply,
    Schema,
};
use crate::json::Json;

/// Reads a document from its JSON text.
pub fn read(text: &str) -> Result<Document> {
    let root = Json::parse(text)?;
    if !root.is_object() {
        bail!("not an API document: the text holds {}, where an object is due", root.kind());
    }
    let format = match (root.get("swagger"), root.get("openapi")) {
        (Some(version), None) if version.as_str() == Some("2.0") => Format::Swagger2,
        (None, Some(version)) if version.as_str().is_some_and(is_3_0) => Format::OpenApi3,
        (Some(version), None) => {
            bail!(
                "`swagger`: version {} is not known; Swagger 2.0 and OpenAPI 3.0 are",
                version.compact()
            )
        }
        (None, Some(version)) => {
            bail!(
                "`openapi`: version {} is not known; Swagger 2.0 and OpenAPI 3.0 are",
                version.compact()
            )
        }
        (Some(_), Some(_)) => bail!("the document claims to be both `swagger` and `openapi`"),
        (None, None) => {
            bail!("not an API document: neither `swagger` nor `openapi` says which format it has")
        }
    };
    Reader { root: &root, format }.document()
}

fn is_3_0(version: &str) -> bool {
    version == "3.0" || version.starts_with("3.0.")
}

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Swagger2,
    OpenApi3,
}

/// Which way a body goes.
#[derive(Clone, Copy)]
enum Sent {
    Request,
    Reply,
}

struct Reader<'a> {
    root: &'a Json,
    format: Format,
}

impl<'a> Reader<'a> {
    fn document(&self) -> Result<Document> {
        let mut schemas = BTreeMap::new();
        for (name, schema) in self.definitions().map_or(&[][..], Json::entries) {
            schemas.insert(name.clone(), self.schema(schema, &format!("definition `{name}`"))?);
        }
        let paths = self.root.get("paths").context("not an API document: it has no `paths`")?;
        let mut operations = Vec::new();
        for (path, item) in paths.entries() {
            if !path.starts_with('/') {
                bail!("paths: `{path}` does not start with `/`");
            }
            let shared = item.get("parameters").map_or(&[][..], Json::elements);
            for (key, operation) in item.entries() {
                if matches!(key.as_str(), "parameters" | "summary" | "description" | "servers")
                    || key.starts_with("x-")
                {
                    continue;
                }
                let place = format!("{} {path}", key.to_uppercase());
                let Some(method) = Method::ALL
                    .into_iter()
                    .find(|method| method.as_str().eq_ignore_ascii_case(key))
                else {
                    bail!("{place}: this method is not supported");
                };
                operations.push(self.operation(method, path, shared, operation, &place)?);
            }
        }
        // What comes out depends on what the document says, not on the order in which it says it.
        operations.sort_by(|a, b| (&a.path, a.method).cmp(&(&b.path, b.method)));
        Ok(Document { operations, definitions: schemas })
    }

    fn definitions(&self) -> Option<&'a Json> {
        match self.format {
            Format::Swagger2 => self.root.get("definitions"),
            Format::OpenApi3 => self.root.get("components")?.get("schemas"),
        }
    }

    fn operation(
        &self,
        method: Method,
        path: &str,
        shared: &'a [Json],
        json: &'a Json,
        place: &str,
    ) -> Result<Operation> {
        // Users of the other SDKs know an operation by the name that the vendor key gives.
        let id = json
            .text("x-purecloud-method-name")
            .or_else(|| json.text("operationId"))
            .with_context(|| format!("{place}: the operation has no operationId"))?;
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut body = None;
        for parameter in shared.iter().chain(json.get("parameters").map_or(&[][..], Json::elements))
        {
            let parameter = self.follow(parameter, "parameters", place)?;
            let name = parameter
                .text("name")
                .with_context(|| format!("{place}: a parameter has no name"))?;
            let place = format!("{place}, parameter `{name}`");
            let location = match parameter.text("in") {
                Some("path") => Location::Path,
                Some("query") => Location::Query,
                Some("header") => Location::Header,
                Some("body") if self.format == Format::Swagger2 => {
                    let schema = parameter
                        .get("schema")
                        .with_context(|| format!("{place}: the body has no schema"))?;
                    let schema = self.schema(schema, &place)?;
                    if schema.kind == Kind::Binary {
                        bail!("{place}: a body that is not JSON is not supported");
                    }
                    body = Some(Body { required: parameter.is_true("required"), schema });
                    continue;
                }
                Some(other @ ("formData" | "cookie")) => {
                    bail!("{place}: parameters in `{other}` are not supported")
                }
                Some(other) => {
                    bail!("{place}: `in` is `{other}`, which is no place for a parameter")
                }
                None => bail!("{place}: it does not say where the parameter goes (`in`)"),
            };
            if location == Location::Path && !path.contains(&format!("{{{name}}}")) {
                // There is nowhere to write it; the document of 2018 has one such.
                continue;
            }
            let parameter = self.parameter(name, location, parameter, &place)?;
            // What an operation says of a parameter wins over what its path says.
            parameters.retain(|known| (&known.name, known.location) != (&parameter.name, location));
            parameters.push(parameter);
        }
        if let Some(json) = json.get("requestBody") {
            let json = self.follow(json, "requestBodies", place)?;
            let place = format!("{place}, request body");
            let schema = self.json_content(json, Sent::Request, &place)?;
            body = schema.map(|schema| Body { required: json.is_true("required"), schema });
        }
        let replies = json
            .get("responses")
            .with_context(|| format!("{place}: the operation has no `responses`"))?;
        Ok(Operation {
            id: id.to_owned(),
            method,
            path: path.to_owned(),
            tags: json
                .get("tags")
                .map_or(&[][..], Json::elements)
                .iter()
                .filter_map(|tag| tag.as_str().map(str::to_owned))
                .collect(),
            summary: described(json, "summary"),
            description: described(json, "description"),
            deprecated: json.is_true("deprecated"),
            preview: json.is_true("x-genesys-preview"),
            permissions: json
                .get("x-inin-requires-permissions")
                .and_then(|required| required.get("permissions"))
                .map_or(&[][..], Json::elements)
                .iter()
                .filter_map(|permission| permission.as_str().map(str::to_owned))
                .collect(),
            any_permission: json
                .get("x-inin-requires-permissions")
                .and_then(|required| required.text("type"))
                == Some("ANY"),
            parameters,
            body,
            replies: self.replies(replies, place)?,
        })
    }

    fn parameter(
        &self,
        name: &str,
        location: Location,
        json: &'a Json,
        place: &str,
    ) -> Result<Parameter> {
        let (schema, list) = match self.format {
            Format::Swagger2 => {
                let list = match json.text("collectionFormat") {
                    None | Some("csv") => ListStyle::Joined(','),
                    Some("multi") => ListStyle::Repeated,
                    Some("pipes") => ListStyle::Joined('|'),
                    Some("ssv") => ListStyle::Joined(' '),
                    Some("tsv") => ListStyle::Joined('\t'),
                    Some(other) => bail!("{place}: collectionFormat `{other}` is not known"),
                };
                (json, list)
            }
            Format::OpenApi3 => {
                let exploded = json.get("explode") != Some(&Json::Bool(false));
                let list = match json.text("style") {
                    None | Some("form") if location == Location::Query && exploded => {
                        ListStyle::Repeated
                    }
                    None | Some("form" | "simple") => ListStyle::Joined(','),
                    Some("pipeDelimited") => ListStyle::Joined('|'),
                    Some("spaceDelimited") => ListStyle::Joined(' '),
                    Some(other) => bail!("{place}: style `{other}` is not supported"),
                };
                let schema = json
                    .get("schema")
                    .with_context(|| format!("{place}: the parameter has no schema"))?;
                (schema, list)
            }
        };
        let default = schema.get("default").cloned();
        Ok(Parameter {
            name: name.to_owned(),
            location,
            required: json.is_true("required") || location == Location::Path,
            description: described(json, "description"),
            schema: self.schema(schema, place)?,
            list,
            default,
        })
    }

    fn replies(&self, json: &'a Json, place: &str) -> Result<Vec<Reply>> {
        let mut replies = Vec::new();
        for (code, reply) in json.entries() {
            let status = match code.as_str() {
                "default" => None,
                "2XX" if json.get("200").is_some() => continue,
                "2XX" => Some(200),
                "1XX" | "3XX" | "4XX" | "5XX" => continue,
                code if code.starts_with("x-") => continue,
                code => Some(
                    code.parse::<u16>()
                        .ok()
                        .filter(|code| (100..600).contains(code))
                        .with_context(|| format!("{place}: `{code}` is not an HTTP status"))?,
                ),
            };
            if status.is_some_and(|status| !(200..400).contains(&status)) {
                continue;
            }
            let place = format!("{place}, reply {code}");
            let reply = self.follow(reply, "responses", &place)?;
            let schema = match self.format {
                Format::Swagger2 => {
                    reply.get("schema").map(|schema| self.schema(schema, &place)).transpose()?
                }
                Format::OpenApi3 => self.json_content(reply, Sent::Reply, &place)?,
            };
            replies.push(Reply { status, schema });
        }
        // Beside other replies, `default` describes the errors.
        if replies.iter().any(|reply| reply.status.is_some()) {
            replies.retain(|reply| reply.status.is_some());
        }
        replies.sort_by_key(|reply| reply.status);
        Ok(replies)
    }

    /// The schema of the JSON form of an OpenAPI 3 body or reply.
    fn json_content(&self, json: &'a Json, sent: Sent, place: &str) -> Result<Option<Schema>> {
        let rank = |media: &str| match media {
            _ if media.starts_with("application/json") => 0,
            _ if media.ends_with("+json") => 1,
            "*/*" => 2,
            _ => 3,
        };
        let content = json.get("content").map_or(&[][..], Json::entries);
        let Some((media, form)) = content.iter().min_by_key(|(media, _)| (rank(media), media))
        else {
            return Ok(None);
        };
        if rank(media) < 3 {
            return form.get("schema").map(|schema| self.schema(schema, place)).transpose();
        }
        match sent {
            Sent::Request => {
                bail!("{place}: a body of type `{media}` is not supported, only JSON is")
            }
            Sent::Reply if media.starts_with("text/") => {
                Ok(Some(Kind::Text { format: None }.into()))
            }
            Sent::Reply => Ok(Some(Kind::Binary.into())),
        }
    }

    /// Follows a `$ref` to a shared parameter, body or reply.
    fn follow(&self, json: &'a Json, section: &str, place: &str) -> Result<&'a Json> {
        let Some(reference) = json.text("$ref") else { return Ok(json) };
        let (prefix, shared) = match self.format {
            Format::Swagger2 => (format!("#/{section}/"), self.root.get(section)),
            Format::OpenApi3 => (
                format!("#/components/{section}/"),
                self.root.get("components").and_then(|components| components.get(section)),
            ),
        };
        reference.strip_prefix(&prefix).and_then(|name| shared?.get(name)).with_context(|| {
            format!("{place}: `$ref` to `{reference}`, which the document does not define")
        })
    }

    fn schema(&self, json: &'a Json, place: &str) -> Result<Schema> {
        if !json.is_object() {
            bail!("{place}: a schema is an object, this is {}", json.kind());
        }
        Ok(Schema {
            kind: self.kind(json, place)?,
            description: described(json, "description"),
            read_only: json.is_true("readOnly"),
            bounds: Bounds::of(json),
        })
    }

    fn kind(&self, json: &'a Json, place: &str) -> Result<Kind> {
        self.kind_within(json, place, &[])
    }

    /// The kind of a schema that stands in the `allOf` of these definitions.
    fn kind_within(&self, json: &'a Json, place: &str, within: &[&str]) -> Result<Kind> {
        if let Some(reference) = json.text("$ref") {
            let prefix = match self.format {
                Format::Swagger2 => "#/definitions/",
                Format::OpenApi3 => "#/components/schemas/",
            };
            return match reference.strip_prefix(prefix) {
                Some(name) => Ok(Kind::Reference(name.to_owned())),
                None => {
                    bail!("{place}: `$ref` to `{reference}`, which the document does not define")
                }
            };
        }
        let format = json.text("format").map(str::to_owned);
        let kind = json.get("type").map(|kind| {
            kind.as_str()
                .with_context(|| format!("{place}: `type` is {}, where a text is due", kind.kind()))
        });
        Ok(match kind.transpose()? {
            Some("boolean") => Kind::Boolean,
            Some("integer") => Kind::Integer { format },
            Some("number") => Kind::Number { format },
            Some("file") => Kind::Binary,
            Some("string") if format.as_deref() == Some("binary") => Kind::Binary,
            Some("string") => {
                let values: Vec<String> = json
                    .get("enum")
                    .map_or(&[][..], Json::elements)
                    .iter()
                    .filter_map(|value| value.as_str().map(str::to_owned))
                    .collect();
                if values.is_empty() { Kind::Text { format } } else { Kind::Enum(values) }
            }
            Some("array") => match json.get("items") {
                Some(items) => {
                    Kind::List(Box::new(self.schema(items, &format!("{place}, items"))?))
                }
                None => bail!("{place}: an array that does not say what its items are"),
            },
            Some("object") | None => self.object(json, place, within)?,
            Some(other) => bail!("{place}: `type` is `{other}`, which is not known"),
        })
    }

    fn object(&self, json: &'a Json, place: &str, within: &[&str]) -> Result<Kind> {
        let mut object = Object::default();
        if let Some(parts) = json.get("allOf") {
            // One reference in an `allOf` is how OpenAPI 3.0 adds a description to a `$ref`.
            if let ([part], None) = (parts.elements(), json.get("properties")) {
                return self.kind_within(part, place, within);
            }
            for part in parts.elements() {
                if let Kind::Object(part) = self.followed_kind(part, place, within)? {
                    object.merge(part);
                }
            }
        }
        if json.get("oneOf").is_some() || json.get("anyOf").is_some() {
            // Which of them arrives can't be told from the outside: such a value is kept as JSON.
            return Ok(Kind::Any);
        }
        let mut own = Object::default();
        for (name, schema) in json.get("properties").map_or(&[][..], Json::entries) {
            let schema = self.schema(schema, &format!("{place}, property `{name}`"))?;
            own.properties.push((name.clone(), schema));
        }
        own.required = json
            .get("required")
            .map_or(&[][..], Json::elements)
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        object.merge(own);
        if !object.properties.is_empty() {
            return Ok(Kind::Object(object));
        }
        Ok(match json.get("additionalProperties") {
            Some(values) if values.is_object() => {
                Kind::Map(Box::new(self.schema(values, &format!("{place}, values"))?))
            }
            _ => Kind::Any,
        })
    }

    /// The kind of a schema with its reference followed, for `allOf`.
    fn followed_kind(&self, json: &'a Json, place: &str, within: &[&str]) -> Result<Kind> {
        match self.kind_within(json, place, within)? {
            Kind::Reference(name) => {
                if within.contains(&name.as_str()) {
                    bail!("{place}: the `allOf` of `{name}` leads back to itself");
                }
                let definition =
                    self.definitions().and_then(|known| known.get(&name)).with_context(|| {
                        format!("{place}: `$ref` to `{name}`, which the document does not define")
                    })?;
                self.followed_kind(definition, place, &[within, &[name.as_str()]].concat())
            }
            kind => Ok(kind),
        }
    }
}

impl Object {
    fn merge(&mut self, other: Self) {
        for (name, schema) in other.properties {
            self.properties.retain(|(known, _)| *known != name);
            self.properties.push((name, schema));
        }
        self.required.extend(other.required);
    }
}

/// A description, unless it is blank.
fn described(json: &Json, key: &str) -> Option<String> {
    let text = json.text(key)?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
