use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The schema of a value, or a reference to a definition.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Schema {
    /// The name of the definition it refers to. If set, nothing else is.
    #[serde(rename = "$ref")]
    pub reference: Option<String>,
    /// The JSON type, if the document states one.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// The format, such as `date-time`, `int64` or `uri`.
    pub format: Option<String>,
    /// The values in the document; the service may send others.
    #[serde(rename = "enum")]
    pub values: Vec<Value>,
    /// The schema of the elements of an array.
    pub items: Option<Box<Schema>>,
    /// The fields of an object, in the order of the document.
    #[serde(deserialize_with = "properties")]
    pub properties: Vec<(String, Schema)>,
    /// The schema of the values of a map.
    pub additional_properties: Option<Box<Schema>>,
    /// The fields that the document calls required.
    pub required: Vec<String>,
    /// The description from the document.
    pub description: Option<String>,
    /// Whether the field is read-only.
    pub read_only: bool,
    /// The regular expression a string must match.
    pub pattern: Option<String>,
    /// The minimum of a number.
    pub minimum: Option<f64>,
    /// The maximum of a number.
    pub maximum: Option<f64>,
    /// The minimum length of a string.
    pub min_length: Option<u64>,
    /// The maximum length of a string.
    pub max_length: Option<u64>,
}

impl Schema {
    /// Returns the schema of a field of an object.
    pub fn property(&self, name: &str) -> Option<&Schema> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, schema)| schema)
    }
}

/// A JSON type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// A string.
    String,
    /// A list of items.
    Array,
    /// An object or a map.
    Object,
    /// The contents of a file.
    File,
}

/// Deserializes an object as pairs, since a map would lose the order of the document.
fn properties<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, Schema)>, D::Error> {
    ordered(deserializer)
}

pub(crate) fn ordered<'de, D, V>(deserializer: D) -> Result<Vec<(String, V)>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Pairs<V>(std::marker::PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Pairs<V> {
        type Value = Vec<(String, V)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(0));
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }

    deserializer.deserialize_map(Pairs(std::marker::PhantomData))
}
