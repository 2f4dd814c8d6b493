//! The model of an API document, independent of its format.

mod bounds;
mod canonical;
mod compose;
pub mod fuzzing;
mod media;
mod parameters;
mod read;
mod schemas;
mod servers;
mod source;
mod variants;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};

pub use bounds::Bounds;
pub use canonical::canonical;
pub use read::read;

use crate::json::Json;
use crate::notes::segment;

/// The operations and definitions of one API document.
#[derive(Clone, Debug)]
pub struct Document {
    pub operations: Vec<Operation>,
    pub definitions: BTreeMap<String, Schema>,
    /// The JSON pointer of the definitions.
    pub section: String,
}

#[derive(Clone, Debug)]
pub struct Operation {
    pub id: String,
    /// The JSON pointer of the operation.
    pub at: String,
    pub method: Method,
    pub path: String,
    pub tags: Vec<String>,
    pub summary: Option<String>,
    pub description: Option<String>,
    pub deprecated: bool,
    pub preview: bool,
    pub permissions: Vec<String>,
    /// Whether one of the permissions is enough.
    pub any_permission: bool,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    /// Success responses: 2xx, 3xx and `default`, in the order of the document.
    pub replies: Vec<Reply>,
}

impl Operation {
    /// Names the operation in messages.
    pub fn place(&self) -> String {
        format!("{} ({})", self.route(), self.id)
    }

    /// Method and path.
    pub fn route(&self) -> String {
        format!("{} {}", self.method.as_str(), self.path)
    }

    pub fn query(&self, name: &str) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.location == Location::Query && parameter.name == name)
    }

    /// The schema of the first 2xx response that has one.
    pub fn reply_schema(&self) -> Option<&Schema> {
        self.replies
            .iter()
            .filter(|reply| reply.is_success())
            .find_map(|reply| reply.schema.as_ref())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Whether the method is read-only by definition.
    pub fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    pub const ALL: [Self; 6] =
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: String,
    pub location: Location,
    pub required: bool,
    pub description: Option<String>,
    pub schema: Schema,
    /// How a list is serialized.
    pub list: ListStyle,
    pub default: Option<Json>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Location {
    Path,
    Query,
    Header,
}

impl Location {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListStyle {
    /// `name=value` for each value.
    Repeated,
    /// One `name=value` with the values joined.
    Joined(char),
}

#[derive(Clone, Debug)]
pub struct Body {
    pub required: bool,
    pub schema: Schema,
}

#[derive(Clone, Debug)]
pub struct Reply {
    /// `None` is the response `default`.
    pub status: Option<u16>,
    pub schema: Option<Schema>,
}

impl Reply {
    pub fn is_success(&self) -> bool {
        self.status.is_none_or(|status| (200..300).contains(&status))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub kind: Kind,
    pub description: Option<String>,
    pub read_only: bool,
    pub bounds: Bounds,
}

impl From<Kind> for Schema {
    fn from(kind: Kind) -> Self {
        Self { kind, description: None, read_only: false, bounds: Bounds::default() }
    }
}

impl Schema {
    pub fn reference(name: impl Into<String>) -> Self {
        Kind::Reference(name.into()).into()
    }

    /// The object's properties, or none.
    pub fn properties(&self) -> &[(String, Schema)] {
        match &self.kind {
            Kind::Object(object) => &object.properties,
            _ => &[],
        }
    }

    pub fn property(&self, name: &str) -> Option<&Schema> {
        self.properties().iter().find(|(known, _)| known == name).map(|(_, schema)| schema)
    }

    /// The schemas directly within this one.
    pub fn children_mut(&mut self) -> Vec<&mut Schema> {
        match &mut self.kind {
            Kind::List(inner) | Kind::Map(inner) => vec![inner],
            Kind::Object(object) => {
                object.properties.iter_mut().map(|(_, schema)| schema).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Calls `visit` with the name of each definition that the schema refers to.
    pub fn references<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        match &self.kind {
            Kind::Reference(name) => visit(name),
            Kind::List(inner) | Kind::Map(inner) => inner.references(visit),
            Kind::Object(object) => {
                object.properties.iter().for_each(|(_, schema)| schema.references(visit));
                let variants = object.variants.iter().flat_map(|it| &it.definitions);
                variants.for_each(|(_, definition)| visit(definition));
            }
            _ => {}
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Free-form JSON: no schema, or an object without properties.
    Any,
    Reference(String),
    Boolean,
    Integer {
        format: Option<String>,
    },
    Number {
        format: Option<String>,
    },
    Text {
        format: Option<String>,
    },
    Enum(Vec<String>),
    List(Box<Schema>),
    Map(Box<Schema>),
    Object(Object),
    /// A body that is not JSON.
    Binary,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct Object {
    pub properties: Vec<(String, Schema)>,
    pub required: Vec<String>,
    /// The types of a discriminator; the properties are those they share.
    pub variants: Option<Variants>,
}

/// The types of a record with a discriminator.
#[derive(Clone, Debug, PartialEq)]
pub struct Variants {
    /// The discriminating property.
    pub property: String,
    /// The definitions, by value of the property.
    pub definitions: Vec<(String, String)>,
}

/// The names of the placeholders of a path.
pub fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).map(|rest| rest.split_once('}').map_or(rest, |(name, _)| name))
}

impl Document {
    /// Returns the JSON pointer of a definition.
    pub fn definition_pointer(&self, name: &str) -> String {
        format!("{}/{}", self.section, segment(name))
    }

    /// Returns the schema at a path below another: names of fields, joined by dots.
    pub fn at<'a>(&'a self, schema: &'a Schema, path: &str) -> Option<&'a Schema> {
        path.split('.').try_fold(schema, |schema, name| self.resolve(schema).property(name))
    }

    /// Returns the operation of this method at `{path}/{any parameter}{end}`, regardless of the names of the path
    /// parameters.
    pub fn below(&self, method: Method, path: &str, end: &str) -> Option<&Operation> {
        let is_parameter = |segment: &str| segment.starts_with('{');
        let alike =
            |one: &str, other: &str| one == other || is_parameter(one) && is_parameter(other);
        let is_below = |it: &&Operation| {
            let rest = it.path.strip_suffix(end).and_then(|rest| rest.rsplit_once('/'));
            rest.is_some_and(|(above, last)| {
                let mut wanted = path.split('/');
                is_parameter(last)
                    && above.split('/').all(|one| wanted.next().is_some_and(|it| alike(one, it)))
                    && wanted.next().is_none()
            })
        };
        self.operations.iter().filter(|it| it.method == method).find(is_below)
    }

    /// Follows references to a schema; in a cycle of references, stops at any of them.
    pub fn resolve<'a>(&'a self, mut schema: &'a Schema) -> &'a Schema {
        for _ in 0..=self.definitions.len() {
            match &schema.kind {
                Kind::Reference(name) => match self.definitions.get(name) {
                    Some(definition) => schema = definition,
                    None => break,
                },
                _ => break,
            }
        }
        schema
    }

    /// Returns the definitions that the operations use.
    pub fn reached<'a>(
        &'a self,
        operations: impl IntoIterator<Item = &'a Operation>,
    ) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut ahead = Vec::new();
        for operation in operations {
            operation.schemas().for_each(|schema| schema.references(&mut |name| ahead.push(name)));
        }
        while let Some(name) = ahead.pop() {
            if let Some((name, schema)) = self.definitions.get_key_value(name)
                && reached.insert(name.as_str())
            {
                schema.references(&mut |name| ahead.push(name));
            }
        }
        reached
    }

    /// Checks the invariants of a parsed document, which fixups may break: references resolve, operationIds are unique,
    /// each placeholder of a path has a parameter, and every parameter can be serialized.
    pub fn check(&self) -> Result<()> {
        let mut ids: BTreeMap<&str, &Operation> = BTreeMap::new();
        for operation in &self.operations {
            if let Some(other) = ids.insert(&operation.id, operation) {
                bail!(
                    "duplicate operationId `{}`: {} {} and {} {}",
                    operation.id,
                    other.method.as_str(),
                    other.path,
                    operation.method.as_str(),
                    operation.path,
                );
            }
            if !operation.id.contains(|letter: char| letter.is_ascii_alphanumeric()) {
                bail!("{}: the operationId has no letters", operation.place());
            }
            for (place, schema) in operation.placed_schemas() {
                self.check_references(schema, &format!("{}, {place}", operation.place()))?;
            }
            for parameter in &operation.parameters {
                self.check_parameter(parameter).with_context(|| {
                    format!("{}, parameter `{}`", operation.place(), parameter.name)
                })?;
            }
            let in_path: BTreeSet<&str> = placeholders(&operation.path).collect();
            let declared: BTreeSet<&str> = operation
                .parameters
                .iter()
                .filter(|parameter| parameter.location == Location::Path)
                .map(|parameter| parameter.name.as_str())
                .collect();
            if let Some(name) = in_path.difference(&declared).next() {
                bail!(
                    "{}: the placeholder `{{{name}}}` of the path has no parameter",
                    operation.place()
                );
            }
        }
        for (name, schema) in &self.definitions {
            self.check_references(schema, &format!("definition `{name}`"))?;
        }
        Ok(())
    }

    fn check_parameter(&self, parameter: &Parameter) -> Result<()> {
        let mut schema = self.resolve(&parameter.schema);
        if let Kind::List(items) = &schema.kind {
            if parameter.location != Location::Query {
                bail!("lists are not supported in a {}", parameter.location.as_str());
            }
            schema = self.resolve(items);
        }
        match schema.kind {
            Kind::List(_) => bail!("a list of lists can't be written into a URL"),
            Kind::Object(_) => bail!("an object can't be written into a URL"),
            _ => Ok(()),
        }
    }

    fn check_references(&self, schema: &Schema, place: &str) -> Result<()> {
        match &schema.kind {
            Kind::Reference(name) if !self.definitions.contains_key(name) => {
                bail!("{place}: `$ref` to `{name}`, which is undefined");
            }
            Kind::List(inner) | Kind::Map(inner) => self.check_references(inner, place),
            Kind::Object(object) => {
                for (_, name) in object.variants.iter().flat_map(|it| &it.definitions) {
                    if !self.definitions.contains_key(name) {
                        bail!("{place}: the variant `{name}` is undefined");
                    }
                }
                object.properties.iter().try_for_each(|(name, inner)| {
                    self.check_references(inner, &format!("{place}, property `{name}`"))
                })
            }
            _ => Ok(()),
        }
    }
}

impl Operation {
    /// The schemas of parameters, body and responses.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        self.placed_schemas().map(|(_, schema)| schema)
    }

    fn placed_schemas(&self) -> impl Iterator<Item = (String, &Schema)> {
        let parameters = self
            .parameters
            .iter()
            .map(|parameter| (format!("parameter `{}`", parameter.name), &parameter.schema));
        let body = self.body.iter().map(|body| ("body".to_owned(), &body.schema));
        let replies = self.replies.iter().filter_map(|reply| {
            let status = reply.status.map_or("default".to_owned(), |status| status.to_string());
            Some((format!("response {status}"), reply.schema.as_ref()?))
        });
        parameters.chain(body).chain(replies)
    }

    pub fn schemas_mut(&mut self) -> impl Iterator<Item = &mut Schema> {
        let parameters = self.parameters.iter_mut().map(|parameter| &mut parameter.schema);
        let body = self.body.iter_mut().map(|body| &mut body.schema);
        let replies = self.replies.iter_mut().filter_map(|reply| reply.schema.as_mut());
        parameters.chain(body).chain(replies)
    }
}
