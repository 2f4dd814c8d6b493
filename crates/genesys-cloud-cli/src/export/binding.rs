//! The parameters of a list that a parent sets, and their values.

use genesys_cloud_catalogue::Location;
use genesys_cloud_core::{Request, lenient};
use genesys_cloud_sinks::Column;

/// A parameter that a parent sets.
#[derive(Clone)]
pub(super) struct Binding {
    pub(super) parameter: String,
    location: Location,
    pub(super) origin: Origin,
    /// The field that records get.
    pub(super) column: Column,
    /// Its name in JSON, with quotes.
    pub(super) json_name: String,
}

/// Where the value of a parameter comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The path of a field of the parent (0), or of its parent (1).
    Field(usize, String),
    /// A column of the file, by its position among those that are bound.
    Column(usize),
    /// The same value for all parents.
    Value(Scalar),
}

/// A value as text for a request, and as JSON for a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) json: String,
}

impl Scalar {
    pub(super) fn of_text(text: String) -> Self {
        let json = serde_json::Value::from(text.as_str()).to_string();
        Self { text, json }
    }

    /// `None` if the value is null, a list or an object.
    pub(super) fn of_json(json: &str) -> Option<Self> {
        match json.as_bytes().first()? {
            b'"' => Some(Self::of_text(lenient::text(json, true)?.0.into_owned())),
            b'{' | b'[' | b'n' => None,
            _ => Some(Self { text: json.to_owned(), json: json.to_owned() }),
        }
    }
}

impl Binding {
    pub(super) fn new((name, location): (&str, Location), origin: Origin, column: Column) -> Self {
        let json_name = serde_json::Value::from(&*column.path).to_string();
        Self { parameter: name.to_owned(), location, origin, column, json_name }
    }

    /// Sets the parameter.
    pub(super) fn set(&self, request: &mut Request, value: Option<&Scalar>) {
        match (self.location, value) {
            (Location::Query, Some(value)) => {
                request.set_query(self.parameter.clone(), value.text.clone());
            }
            (Location::Header, Some(value)) => {
                request.set_header(&self.parameter, value.text.clone());
            }
            // Without a value, sending the request fails.
            (_, value) => {
                let text = value.map(|value| value.text.clone()).unwrap_or_default();
                request.set_path(self.parameter.clone(), text);
            }
        }
    }
}
