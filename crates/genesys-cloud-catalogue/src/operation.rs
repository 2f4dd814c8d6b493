use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, Place};
use crate::schema::{Kind, Schema, ordered};
use crate::tags::Tag;

/// One operation of the API.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Operation {
    /// The operationId of the API document.
    pub id: String,
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path with its parameters in braces, such as `/api/v2/users/{userId}`.
    pub path: String,
    /// The API group: the name of the client's method.
    pub group: String,
    /// The name of the operation's method in its group.
    pub rust: String,
    /// Path, query and header parameters, in the order of the document.
    pub parameters: Vec<Parameter>,
    /// The request body, if it takes one.
    pub body: Option<Body>,
    /// The success responses, in the order of the document.
    #[serde(deserialize_with = "replies")]
    pub replies: Vec<Reply>,
    /// The summary from the document.
    pub summary: Option<String>,
    /// The permissions required to call it.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// Whether one of several permissions is enough.
    #[serde(default)]
    pub any_permission: bool,
    /// Whether it is deprecated.
    #[serde(default)]
    pub deprecated: bool,
    /// Whether it is a preview, which may change without notice.
    #[serde(default)]
    pub preview: bool,
    tag: Option<Box<RawValue>>,
}

impl Operation {
    /// Returns the parameter of this name, in any location.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// Returns the parameters of one location.
    pub fn parameters_in(&self, location: Location) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.location == location)
    }

    /// Returns the schema of the first success response with a body.
    pub fn reply(&self) -> Option<&Schema> {
        self.replies.iter().find_map(|reply| reply.schema.as_ref())
    }

    /// Returns how the operation lists, pages or runs as a job; `None` if the catalogue does not state it.
    ///
    /// # Errors
    /// If the tag is not in the format of this version.
    pub fn tag(&self) -> Result<Option<Tag>, Error> {
        self.tag
            .as_deref()
            .map(|tag| serde_json::from_str(tag.get()))
            .transpose()
            .map_err(|source| Error::json(Place::Tag { operation: self.id.clone() }, source))
    }
}

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Parameter {
    /// The name on the wire.
    pub name: String,
    /// Its place in the request.
    #[serde(rename = "in")]
    pub location: Location,
    /// Whether it is required.
    #[serde(default)]
    pub required: bool,
    /// The type of the value.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The format, such as `date` or `int32`.
    pub format: Option<String>,
    /// The schema of the elements of an array.
    pub items: Option<Schema>,
    /// How an array is serialized: `multi` repeats the name, `csv` joins with commas.
    #[serde(rename = "collectionFormat")]
    pub collection_format: Option<String>,
    /// The values in the document.
    #[serde(default, rename = "enum")]
    pub values: Vec<Value>,
    /// The default value.
    pub default: Option<Value>,
    /// The maximum of a number.
    pub maximum: Option<f64>,
    /// The description from the document.
    pub description: Option<String>,
}

/// The place of a parameter in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Location {
    /// A placeholder of the path.
    Path,
    /// The query string.
    Query,
    /// A header.
    Header,
}

/// A request body.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Body {
    /// Whether it is required.
    #[serde(default)]
    pub required: bool,
    /// The schema.
    pub schema: Schema,
}

/// A success response of an operation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// The HTTP status; `None` if the document only has a `default` response.
    pub status: Option<u16>,
    /// The schema of the body; `None` without a body.
    pub schema: Option<Schema>,
}

fn replies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Reply>, D::Error> {
    let pairs: Vec<(String, Option<Schema>)> = ordered(deserializer)?;
    Ok(pairs
        .into_iter()
        .map(|(status, schema)| Reply { status: status.parse().ok(), schema })
        .collect())
}
