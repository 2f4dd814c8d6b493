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
    /// The HTTP method, in capitals.
    pub method: String,
    /// The path with its parameters in braces, such as `/api/v2/users/{userId}`.
    pub path: String,
    /// The API group, as the client names it.
    pub group: String,
    /// The name of the operation in its group, as the client spells it.
    pub rust: String,
    /// Path, query and header parameters, in the order of the document.
    pub parameters: Vec<Parameter>,
    /// The body of the request, if it takes one.
    pub body: Option<Body>,
    /// The successful replies, in the order of the document.
    #[serde(deserialize_with = "replies")]
    pub replies: Vec<Reply>,
    /// What it does, in a sentence, where the document says so.
    pub summary: Option<String>,
    /// What a client has to be allowed to call it.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// Whether one of the permissions is enough, where there are several.
    #[serde(default)]
    pub any_permission: bool,
    /// Whether the service is going to drop it.
    #[serde(default)]
    pub deprecated: bool,
    /// Whether the service may still change it without notice.
    #[serde(default)]
    pub preview: bool,
    tag: Option<Box<RawValue>>,
}

impl Operation {
    /// The parameter of this name, wherever it goes.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// The parameters that go to one place.
    pub fn parameters_in(&self, location: Location) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.location == location)
    }

    /// What the first successful reply that has a body looks like.
    pub fn reply(&self) -> Option<&Schema> {
        self.replies.iter().find_map(|reply| reply.schema.as_ref())
    }

    /// How the operation lists, pages or runs as a job; `None` if the catalogue doesn't say.
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
    /// The name as it goes over the wire.
    pub name: String,
    /// Where in the request it goes.
    #[serde(rename = "in")]
    pub location: Location,
    /// Whether the service refuses a request without it.
    #[serde(default)]
    pub required: bool,
    /// The type of the value.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// `date`, `int32` and the like.
    pub format: Option<String>,
    /// What each element of an array looks like.
    pub items: Option<Schema>,
    /// How an array is written: `multi` repeats the name, `csv` joins with commas.
    #[serde(rename = "collectionFormat")]
    pub collection_format: Option<String>,
    /// The values the document knows.
    #[serde(default, rename = "enum")]
    pub values: Vec<Value>,
    /// What the service takes when the parameter is not there.
    pub default: Option<Value>,
    /// The largest number allowed.
    pub maximum: Option<f64>,
    /// What it means, where the document says so.
    pub description: Option<String>,
}

/// Where in a request a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Location {
    /// In place of its name in braces in the path.
    Path,
    /// After the question mark.
    Query,
    /// As a header.
    Header,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Body {
    /// Whether the service refuses a request without it.
    #[serde(default)]
    pub required: bool,
    /// What it looks like.
    pub schema: Schema,
}

/// A successful reply of an operation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// The HTTP status; `None` where the document has only a `default` reply.
    pub status: Option<u16>,
    /// What the body looks like; `None` if there is none.
    pub schema: Option<Schema>,
}

fn replies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Reply>, D::Error> {
    let pairs: Vec<(String, Option<Schema>)> = ordered(deserializer)?;
    Ok(pairs
        .into_iter()
        .map(|(status, schema)| Reply { status: status.parse().ok(), schema })
        .collect())
}
