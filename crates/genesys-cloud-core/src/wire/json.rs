//! JSON without a schema, as text.

use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{Wire, mended};

/// Any JSON value, kept as the text that the API sent.
///
/// Used for fields for which the API document has no schema. It is written back unchanged: numbers keep all their digits,
/// and objects the order of their fields. Two values are equal if their texts are.
///
/// ```
/// use genesys_cloud_core::Json;
///
/// let json: Json = r#"{"id": 12345678901234567890}"#.parse()?;
/// assert_eq!(json.as_str(), r#"{"id": 12345678901234567890}"#);
/// let value: serde_json::Value = json.parse()?;
/// assert!(value["id"].is_number());
/// assert_eq!(Json::from(serde_json::json!([1, 2])).as_str(), "[1,2]");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Serializes a value.
    ///
    /// # Errors
    /// If the value cannot be serialized as JSON.
    pub fn new(value: &(impl Serialize + ?Sized)) -> serde_json::Result<Self> {
        to_raw_value(value).map(Self)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Parses the text as a value of another type, such as [`serde_json::Value`]. Unpaired surrogates become U+FFFD.
    ///
    /// # Errors
    /// If the text is not JSON of that type.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_str())
            .or_else(|error| serde_json::from_str(&mended(self.as_str(), false)).map_err(|_| error))
    }

    /// Returns whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.as_str() == "null"
    }
}

/// Returns `null`.
impl Default for Json {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

/// Compares values rather than texts.
impl PartialEq<Value> for Json {
    fn eq(&self, other: &Value) -> bool {
        self.parse::<Value>().is_ok_and(|value| value == *other)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Json {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> serde_json::Result<Self> {
        RawValue::from_string(text.to_owned()).map(Self)
    }
}

impl From<Box<RawValue>> for Json {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw)
    }
}

impl From<Json> for Box<RawValue> {
    fn from(json: Json) -> Self {
        json.0
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        // Cannot fail: a `Value` has only text keys and finite numbers.
        to_raw_value(&value).map(Self).unwrap_or_default()
    }
}

impl From<&str> for Json {
    /// Returns a JSON string with this text. To parse JSON, use [`str::parse`].
    fn from(text: &str) -> Self {
        Self::from(Value::from(text))
    }
}

/// For a newtype with this name, serde_json passes the JSON text to the visitor, as a map with one entry. Other formats,
/// and serde's buffers, pass the value.
pub(super) const RAW: &str = "$serde_json::private::RawValue";

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Json, A::Error> {
                Box::deserialize(MapAccessDeserializer::new(map)).map(Json)
            }

            fn visit_newtype_struct<D>(self, deserializer: D) -> Result<Json, D::Error>
            where
                D: Deserializer<'de>,
            {
                let value = Value::deserialize(deserializer)?;
                to_raw_value(&value).map(Json).map_err(D::Error::custom)
            }
        }

        deserializer.deserialize_newtype_struct(RAW, Text)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Wire for Json {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(Self::from(text))
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Json {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnyValue".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[test]
    fn keeps_the_text() {
        let text = r#"{"b": 12345678901234567890123, "a":[1.50, "\ud800"], "b":1e400}"#;
        let json: Json = serde_json::from_str(text).expect("JSON");
        assert_eq!(json.as_str(), text);
        assert_eq!(serde_json::to_string(&[&json]).expect("JSON"), format!("[{text}]"));
        let json: Json = serde_json::from_str(" [1 , 2]\n").expect("JSON");
        assert_eq!(json.as_str(), "[1 , 2]");
        assert!("[1".parse::<Json>().is_err() && "1 2".parse::<Json>().is_err());
    }

    #[test]
    fn parses_as_any_type() {
        let json: Json = r#"["a\ud800"]"#.parse().expect("JSON");
        assert_eq!(json.parse::<Vec<String>>().expect("texts"), ["a\u{fffd}"]);
        assert!(json.parse::<i64>().is_err());
        assert_eq!("{\"a\" :1}".parse::<Json>().expect("JSON"), json!({ "a": 1 }));
        assert_ne!(Json::default(), json!({}));
        assert!(Json::default().is_null());
        assert_eq!(Json::from("a\"").as_str(), r#""a\"""#);
        assert_eq!(Json::new(&[Some(1), None]).expect("JSON").to_string(), "[1,null]");
    }

    /// Some formats have no text, such as the buffer of a flattened record.
    #[test]
    fn deserializes_from_any_serde_format() {
        #[derive(Deserialize)]
        struct Outer {
            #[serde(flatten)]
            inner: Inner,
        }

        #[derive(Deserialize)]
        struct Inner {
            any: Vec<Json>,
        }

        let text = r#"{"any": [null, 1, 1.5, "a", [true], {"b": {}}]}"#;
        let outer: Outer = serde_json::from_str(text).expect("a record");
        let texts: Vec<&str> = outer.inner.any.iter().map(Json::as_str).collect();
        assert_eq!(texts, ["null", "1", "1.5", "\"a\"", "[true]", r#"{"b":{}}"#]);
        let value: Json = serde_json::from_value(json!({ "a": [1] })).expect("JSON");
        assert_eq!(value.as_str(), r#"{"a":[1]}"#);
        assert_eq!(serde_json::to_value(&value).expect("JSON"), json!({ "a": [1] }));
        let read: Json = serde_json::from_reader(text.as_bytes()).expect("JSON");
        assert_eq!(read.as_str(), text);
    }
}
