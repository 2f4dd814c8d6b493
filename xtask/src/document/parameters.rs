//! Parameters of operations, converted to what bindings can send.

use std::collections::HashSet;

use super::media;
use super::read::Reader;
use super::source::{Format, Node};
use super::{Body, Bounds, Kind, ListStyle, Location, Object, Parameter, Schema};
use crate::notes::Rule;

/// The parameters and body of an operation.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) list: Vec<Parameter>,
    pub(super) body: Option<Body>,
    /// A required parameter or body that can't be sent.
    pub(super) missing: Option<String>,
}

/// How OpenAPI serializes an object in a query.
#[derive(Clone, Copy, PartialEq)]
enum Fields {
    /// As separate parameters.
    Exploded,
    /// As `name[field]`.
    Deep,
    /// As one value.
    Joined,
}

/// Headers that the client and its connection set. OpenAPI ignores parameters with the first three names.
const CLIENT_HEADERS: [&str; 8] = [
    "accept",
    "content-type",
    "authorization",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "accept-encoding",
];

impl<'a> Reader<'_, 'a> {
    /// The parameters of an operation, which override those of its path.
    pub(super) fn parameters(
        &self,
        path: &str,
        operation: &Node<'a>,
        shared: &[Node<'a>],
    ) -> Taken {
        let mut taken = Taken::default();
        for level in [shared.to_vec(), self.source.list(operation, "parameters")] {
            let mut seen = HashSet::new();
            let mut body = None;
            for node in level {
                let Some(node) = self.source.follow(&node) else { continue };
                if !node.json.is_object() {
                    self.source.note_kind(&node, "an object");
                    continue;
                }
                let is_body = self.source.format == Format::Swagger2
                    && node.json.get("in").and_then(|it| it.as_str()) == Some("body");
                if !is_body {
                    self.parameter(path, &node, &mut seen, &mut taken);
                } else if body.is_some() {
                    self.source.note(Rule::Repeated, &node, "a second body");
                } else {
                    body = self.swagger_body(operation, &node, &mut taken.missing);
                }
            }
            taken.body = body.or(taken.body);
        }
        self.declare_placeholders(path, operation, &mut taken.list);
        taken
    }

    /// The body in Swagger 2.0, which is a parameter there.
    fn swagger_body(
        &self,
        operation: &Node<'a>,
        node: &Node<'a>,
        missing: &mut Option<String>,
    ) -> Option<Body> {
        let source = self.source;
        let required = source.flag(node, "required");
        let holder = if operation.has("consumes") { operation } else { &source.root };
        let formats = source.texts(holder, "consumes");
        let schema = match node.get("schema") {
            Some(schema) => self.schemas.schema(&schema),
            None => {
                source.note(Rule::UnknownType, node, "the body has no schema");
                Kind::Any.into()
            }
        };
        let is_json = formats.is_empty() || formats.iter().any(|it| media::is_json(it));
        if is_json && schema.kind != Kind::Binary {
            return Some(Body { required, schema });
        }
        let format = if is_json { "a file".to_owned() } else { formats.join(", ") };
        self.leave_out_body(node, &format, required, missing);
        None
    }

    pub(super) fn leave_out_body(
        &self,
        node: &Node<'a>,
        format: &str,
        required: bool,
        missing: &mut Option<String>,
    ) {
        self.source.note(Rule::BodyMedia, node, format!("the body is {format}"));
        if required {
            *missing = Some(format!("a body that is {format}"));
        }
    }

    fn parameter(
        &self,
        path: &str,
        node: &Node<'a>,
        seen: &mut HashSet<(String, Location)>,
        taken: &mut Taken,
    ) {
        let source = self.source;
        let required = source.flag(node, "required");
        let mut leave_out = |why: String, name: &str| {
            source.note(Rule::Parameter, node, why);
            if required {
                taken.missing = Some(format!("the parameter `{name}`"));
            }
        };
        let Some(name) = source.text(node, "name").filter(|name| !name.is_empty()) else {
            return leave_out("it has no name".to_owned(), "");
        };
        let is_named = path.contains(&format!("{{{name}}}"));
        let location = match source.text(node, "in") {
            Some("path") if !is_named => {
                // The path has no placeholder for it.
                let what = format!("the path has no placeholder `{name}`");
                return source.note(Rule::PathParameter, node, what);
            }
            Some("path") => Location::Path,
            Some("query") => Location::Query,
            Some("header") => Location::Header,
            other if is_named && !matches!(other, Some("formData" | "cookie")) => {
                let what =
                    format!("`{name}` is a placeholder of the path, but its `in` is not `path`");
                source.note(Rule::PathParameter, node, what);
                Location::Path
            }
            Some(other) => {
                return leave_out(format!("`{name}` has the unsupported `in: {other}`"), name);
            }
            None => return leave_out(format!("`{name}` has no `in`"), name),
        };
        if location == Location::Header {
            if CLIENT_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                return source.note(Rule::ClientHeader, node, format!("`{name}`"));
            }
            if !name.bytes().all(is_token) {
                return leave_out(format!("`{name}` is not a valid header name"), name);
            }
        }
        if !seen.insert((name.to_owned(), location)) {
            source.note(Rule::Repeated, node, format!("`{name}` in {}", location.as_str()));
        }
        for parameter in self.forms(name, location, required, node) {
            taken
                .list
                .retain(|it| (&it.name, it.location) != (&parameter.name, parameter.location));
            taken.list.push(parameter);
        }
    }

    /// Converts a parameter to what can be serialized; an object may become several parameters.
    fn forms(
        &self,
        name: &str,
        location: Location,
        required: bool,
        node: &Node<'a>,
    ) -> Vec<Parameter> {
        let source = self.source;
        let (list, fields) = self.style(location, node);
        let stated = self.schema_of_parameter(name, node);
        let mut schema = match &stated {
            // In Swagger 2.0, a shared parameter is not a definition.
            Some(stated) if stated.at == node.at => self.schemas.schema_here(stated, false),
            Some(stated) => self.schemas.schema(stated),
            None => Kind::Text { format: None }.into(),
        };
        let text = |what: &str| {
            source.note(Rule::ParameterText, node, format!("`{name}` is {what}"));
            Kind::Text { format: None }
        };
        match self.schemas.followed(&schema.kind) {
            Kind::Object(object) if location == Location::Query && fields != Fields::Joined => {
                return self.fields(name, required, &object, fields, node);
            }
            Kind::Map(_) if location == Location::Query && fields != Fields::Joined => {
                let what =
                    format!("`{name}` represents parameters of any name; set them with `query`");
                source.note(Rule::Parameter, node, what);
                return Vec::new();
            }
            Kind::Object(_) => schema.kind = text("an object"),
            Kind::Map(_) => schema.kind = text("a map"),
            Kind::Any => schema.kind = text("of no known type"),
            Kind::Binary => schema.kind = text("a file"),
            Kind::List(_) if location != Location::Query => schema.kind = text("a list"),
            Kind::List(items) => match self.schemas.followed(&items.kind) {
                Kind::List(_) | Kind::Object(_) | Kind::Map(_) | Kind::Any | Kind::Binary => {
                    schema.kind = Kind::List(Box::new(text("a list of complex values").into()));
                }
                _ => {}
            },
            _ => {}
        }
        // A reference has the description of its definition.
        let stated = stated.map(|it| match it.json.get("$ref") {
            Some(_) => source.follow(&it).unwrap_or(it),
            None => it,
        });
        let default = stated.as_ref().and_then(|stated| stated.json.get("default").cloned());
        let bounds = stated.as_ref().map(|stated| Bounds::of(stated.json));
        schema.bounds = schema.bounds.and(bounds.unwrap_or_default());
        let values = schema.description.take();
        let description = source.described(node, "description");
        let parameter = Parameter {
            name: name.to_owned(),
            location,
            required: required || location == Location::Path,
            description: description_with_values(description, values, stated.as_ref(), node),
            schema,
            list,
            default,
        };
        vec![parameter]
    }

    /// The schema of a parameter; `None` if it is a string that the caller encodes.
    fn schema_of_parameter(&self, name: &str, node: &Node<'a>) -> Option<Node<'a>> {
        let source = self.source;
        if source.format == Format::Swagger2 {
            return Some(node.clone());
        }
        if let Some(schema) = node.get("schema") {
            return Some(schema);
        }
        // The Swagger 2.0 form, in an OpenAPI 3 document.
        if node.has("type") {
            return Some(node.clone());
        }
        let formats = source.object(node, "content");
        let what = match formats.first() {
            Some((format, _)) => format!("`{name}` is text in the format {format}"),
            None => format!("`{name}` has no schema"),
        };
        source.note(Rule::ParameterText, node, what);
        None
    }

    /// How lists and objects are serialized.
    fn style(&self, location: Location, node: &Node<'a>) -> (ListStyle, Fields) {
        let source = self.source;
        let unknown = |key: &str, style: &str| {
            source.note(Rule::ParameterStyle, node, format!("{key} `{style}`"));
            (ListStyle::Joined(','), Fields::Joined)
        };
        if source.format == Format::Swagger2 {
            let list = match source.text(node, "collectionFormat") {
                None | Some("csv") => ListStyle::Joined(','),
                Some("multi") => ListStyle::Repeated,
                Some("pipes") => ListStyle::Joined('|'),
                Some("ssv") => ListStyle::Joined(' '),
                Some("tsv") => ListStyle::Joined('\t'),
                Some(other) => return unknown("collectionFormat", other),
            };
            return (list, Fields::Joined);
        }
        let is_query = location == Location::Query;
        match source.text(node, "style") {
            None | Some("form") if is_query => {
                match node.has("explode") && !source.flag(node, "explode") {
                    true => (ListStyle::Joined(','), Fields::Joined),
                    false => (ListStyle::Repeated, Fields::Exploded),
                }
            }
            None | Some("form" | "simple") => (ListStyle::Joined(','), Fields::Joined),
            Some("pipeDelimited") => (ListStyle::Joined('|'), Fields::Joined),
            Some("spaceDelimited") => (ListStyle::Joined(' '), Fields::Joined),
            Some("deepObject") if is_query => (ListStyle::Repeated, Fields::Deep),
            Some(other) => unknown("style", other),
        }
    }

    /// Converts the fields of an object to parameters.
    fn fields(
        &self,
        name: &str,
        required: bool,
        object: &Object,
        fields: Fields,
        node: &Node<'a>,
    ) -> Vec<Parameter> {
        let parameter = |(field, schema): &(String, Schema)| {
            let mut schema = schema.clone();
            let followed = self.schemas.followed(&schema.kind);
            let is_value = !matches!(
                followed,
                Kind::Any | Kind::Binary | Kind::List(_) | Kind::Map(_) | Kind::Object(_)
            );
            if !is_value {
                let what = format!("`{field}` of `{name}` is not a value");
                self.source.note(Rule::ParameterText, node, what);
                schema.kind = Kind::Text { format: None };
            }
            Parameter {
                name: match fields {
                    Fields::Deep => format!("{name}[{field}]"),
                    _ => field.clone(),
                },
                location: Location::Query,
                required: required && object.required.contains(field),
                description: schema.description.take(),
                schema,
                list: ListStyle::Repeated,
                default: None,
            }
        };
        object.properties.iter().map(parameter).collect()
    }

    /// Adds a parameter for each undeclared placeholder of the path.
    fn declare_placeholders(
        &self,
        path: &str,
        operation: &Node<'a>,
        parameters: &mut Vec<Parameter>,
    ) {
        for name in super::placeholders(path) {
            let is_declared = |it: &Parameter| it.location == Location::Path && it.name == name;
            if parameters.iter().any(is_declared) {
                continue;
            }
            let what = format!("`{{{name}}}` of {path} is not declared");
            self.source.note(Rule::PathParameter, operation, what);
            parameters.push(Parameter {
                name: name.to_owned(),
                location: Location::Path,
                required: true,
                description: None,
                schema: Kind::Text { format: None }.into(),
                list: ListStyle::Joined(','),
                default: None,
            });
        }
    }
}

/// The description of a parameter, or else of its schema. In Swagger 2.0 they are the same.
fn description_with_values(
    own: Option<String>,
    of_schema: Option<String>,
    stated: Option<&Node<'_>>,
    node: &Node<'_>,
) -> Option<String> {
    let is_one = stated.is_some_and(|stated| stated.at == node.at);
    match own {
        Some(_) if is_one => of_schema,
        Some(own) => match stated.and_then(|it| super::schemas::values_text(it)) {
            Some(values) => Some(format!("{own}\n\n{values}")),
            None => Some(own),
        },
        None => of_schema,
    }
}

/// Whether a byte is valid in a header name.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
