//! Records of several types, distinguished by a field.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use super::record::{ReadFields, Record, ShowFields, write_unknown};
use super::{Form, Json, UnknownFields, Wire, Written};

/// Maximum nesting of such records. Each is parsed from its own text, for which the JSON parser counts its depth from
/// zero.
const DEEPEST: u32 = 32;

/// A record of one of several types, distinguished by a field.
///
/// A record of a type that these bindings do not have is kept as JSON and written back.
pub trait Variants: Sized + fmt::Debug {
    /// The JSON field that names the type of a record.
    const FIELD: &'static str;

    /// Reads a record of the named type. `None` if the document does not list the type.
    #[doc(hidden)]
    fn read_variant(value: &str, json: &str) -> Option<serde_json::Result<Self>>;

    #[doc(hidden)]
    fn write_variant<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Returns the variant that keeps a record of an unknown type.
    fn unrecognized(json: Json) -> Self;
}

/// Reads and writes generated types.
#[doc(hidden)]
#[derive(Debug)]
pub struct VariantsForm;

impl<T: Variants> Form<T> for VariantsForm {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let raw = Json::read(deserializer)?;
        let json = raw.as_str();
        if !json.starts_with('{') {
            return Err(D::Error::custom("expected an object"));
        }
        let value = type_named(json, T::FIELD).map_err(D::Error::custom)?;
        match value.and_then(|value| T::read_variant(&value, json)) {
            Some(read) => read.map_err(D::Error::custom),
            None => Ok(T::unrecognized(raw)),
        }
    }

    fn write<S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        value.write_variant(serializer)
    }

    fn absent() -> Option<T> {
        Some(empty_variant())
    }

    fn from_text(_: &str) -> Option<T> {
        None
    }
}

/// Returns an object that names no type.
#[doc(hidden)]
pub fn empty_variant<T: Variants>() -> T {
    T::unrecognized(Json::from(Value::Object(serde_json::Map::new())))
}

/// Reads the field that names the type. Of duplicate keys, the last one counts.
fn type_named(json: &str, field: &str) -> serde_json::Result<Option<String>> {
    struct Find<'a>(&'a str);

    impl<'de> Visitor<'de> for Find<'_> {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(key) = map.next_key::<String>()? {
                if key == self.0 {
                    found = match map.next_value()? {
                        Value::String(text) => Some(text),
                        _ => None,
                    };
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }

    serde_json::Deserializer::from_str(json).deserialize_map(Find(field))
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Reads a record of one type. `field` is the discriminator.
#[doc(hidden)]
pub fn read_variant<T: Wire + Record>(json: &str, field: &str) -> serde_json::Result<Box<T>> {
    struct Level;

    impl Drop for Level {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }

    if DEPTH.get() == DEEPEST {
        return Err(serde_json::Error::custom("records are nested too deeply"));
    }
    DEPTH.set(DEPTH.get() + 1);
    let _level = Level;
    let mut record = T::read(&mut serde_json::Deserializer::from_str(json)).map(Box::new)?;
    record.read_fields(&mut Without(field));
    Ok(record)
}

/// Removes the discriminator from the unknown fields, since not every record has it as a field.
struct Without<'a>(&'a str);

impl ReadFields for Without<'_> {
    fn field<T: Wire>(&mut self, _: &mut Option<T>) {}

    fn unknown(&mut self, fields: &mut UnknownFields) {
        fields.remove(self.0);
    }
}

/// Writes a record, and adds the discriminator if the record does not have it.
#[doc(hidden)]
pub fn write_variant<T: Record, S: Serializer>(
    record: &T,
    field: &'static str,
    value: &'static str,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    struct Writer<M: SerializeMap> {
        map: M,
        /// The discriminator, until it has been written.
        missing: Option<(&'static str, &'static str)>,
        error: Option<M::Error>,
    }

    impl<'a, M: SerializeMap> ShowFields<'a> for Writer<M> {
        fn field<T: Wire>(&mut self, _: &'static str, wire: &'static str, value: &'a Option<T>) {
            let is_missing = self.missing.is_some_and(|(field, _)| field == wire);
            if self.error.is_some() || (value.is_none() && !is_missing) {
                return;
            }
            let missing = self.missing.take_if(|_| is_missing);
            self.error = match (value, missing) {
                (Some(value), _) => self.map.serialize_entry(wire, &Written(value)).err(),
                (None, Some((field, value))) => self.map.serialize_entry(field, value).err(),
                (None, None) => None,
            };
        }

        fn unknown(&mut self, fields: &'a UnknownFields) {
            if self.error.is_none() {
                self.error = write_unknown(&mut self.map, fields).err();
            }
        }
    }

    let map = serializer.serialize_map(None)?;
    let mut writer = Writer { map, missing: Some((field, value)), error: None };
    record.show_fields(&mut writer);
    if let Some(error) = writer.error {
        return Err(error);
    }
    if let Some((field, value)) = writer.missing {
        writer.map.serialize_entry(field, value)?;
    }
    writer.map.end()
}

/// Defines a type of several records, distinguished by a field.
///
/// ```
/// genesys_cloud_core::record! {
///     pub struct Desk {
///         pub kind: Option<String> = "kind",
///         pub seats: Option<i64> = "seats",
///     }
/// }
/// genesys_cloud_core::variants! {
///     /// A place to sit.
///     pub enum Place by "kind" {
///         Desk(Desk) = "desk",
///     }
/// }
///
/// let place: Place = serde_json::from_str(r#"{"seats": 2, "kind": "desk"}"#)?;
/// assert!(matches!(&place, Place::Desk(desk) if desk.seats == Some(2)));
/// let other: Place = serde_json::from_str(r#"{"kind":"sofa"}"#)?;
/// assert_eq!(serde_json::to_string(&other)?, r#"{"kind":"sofa"}"#);
/// // The field is always written.
/// let place = Place::Desk(Box::new(Desk { seats: Some(4), ..Desk::default() }));
/// assert_eq!(serde_json::to_string(&place)?, r#"{"kind":"desk","seats":4}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[macro_export]
macro_rules! variants {
    (
        $(#[$meta:meta])*
        pub enum $name:ident by $field:literal { $($variant:ident($type:ty) = $value:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = $value]
                $variant(::std::boxed::Box<$type>),
            )*
            /// A record of a type that the API document did not list when these bindings were made.
            Unrecognized($crate::Json),
        }

        impl ::core::default::Default for $name {
            #[inline]
            fn default() -> Self {
                $crate::generated::empty_variant()
            }
        }

        impl $crate::Variants for $name {
            const FIELD: &'static str = $field;

            #[inline]
            fn read_variant(
                value: &str,
                json: &str,
            ) -> ::core::option::Option<$crate::generated::JsonResult<Self>> {
                ::core::option::Option::Some(match value {
                    $($value => $crate::generated::read_variant::<$type>(json, $field).map(Self::$variant),)*
                    _ => return ::core::option::Option::None,
                })
            }

            #[inline]
            fn write_variant<S: $crate::generated::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                match self {
                    $(
                        Self::$variant(record) => {
                            $crate::generated::write_variant(&**record, $field, $value, serializer)
                        }
                    )*
                    Self::Unrecognized(json) => $crate::Wire::write(json, serializer),
                }
            }

            #[inline]
            fn unrecognized(json: $crate::Json) -> Self {
                Self::Unrecognized(json)
            }
        }

        impl $crate::generated::Generated for $name {
            type Form = $crate::generated::VariantsForm;
        }

        $crate::__serde_through_wire!($name);
        $crate::__variants_schema!($name { $($type,)* });
    };
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "the macros make public types")]
mod tests {
    crate::record! {
        pub struct Node {
            pub kind: Option<String> = "kind",
            pub next: Option<Box<Tree>> = "next",
        }
    }

    crate::variants! {
        pub enum Tree by "kind" {
            Node(Node) = "node",
        }
    }

    fn nested(levels: usize) -> String {
        let begin = r#"{"kind":"node","next":"#.repeat(levels);
        format!("{begin}null{}", "}".repeat(levels))
    }

    #[test]
    fn nested_records_are_read_up_to_a_maximum_depth() {
        let tree: Tree = serde_json::from_str(&nested(32)).expect("32 levels");
        assert_eq!(serde_json::to_string(&tree).expect("JSON").matches("node").count(), 32);
        for levels in [33, 100_000] {
            let error = serde_json::from_str::<Tree>(&nested(levels)).expect_err("too deep");
            assert!(error.to_string().contains("nested too deeply"), "{error}");
        }
        // A failure resets the depth.
        assert!(serde_json::from_str::<Tree>(&nested(32)).is_ok());
    }

    crate::record! {
        pub struct Leaf {
            pub size: Option<i64> = "size",
        }
    }

    crate::variants! {
        pub enum Plain by "kind" {
            Leaf(Leaf) = "leaf",
        }
    }

    #[test]
    fn a_record_may_lack_the_discriminator() {
        let json = r#"{"size":1,"new":[1],"kind":"leaf"}"#;
        let read: Plain = serde_json::from_str(json).expect("a leaf");
        let mut leaf = Leaf { size: Some(1), ..Leaf::default() };
        leaf.unknown_fields.insert("new", serde_json::json!([1]).into());
        assert_eq!(read, Plain::Leaf(Box::new(leaf)));
        assert_eq!(serde_json::to_string(&read).expect("JSON"), json);
        assert_ne!(read, Plain::default());
    }

    #[test]
    fn unknown_types_are_kept_and_other_values_rejected() {
        for json in [r#"{}"#, r#"{"kind":5}"#, r#"{"a":[1.5],"kind":null}"#, r#"{"kind":"leaf"}"#] {
            let tree: Tree = serde_json::from_str(json).expect(json);
            assert!(matches!(tree, Tree::Unrecognized(_)), "{json}");
            assert_eq!(serde_json::to_string(&tree).expect("JSON"), json);
        }
        for json in ["5", "[]", "\"node\""] {
            assert!(serde_json::from_str::<Tree>(json).is_err(), "{json}");
        }
        // The last of two discriminators counts.
        let twice = r#"{"kind":"leaf","kind":"node"}"#;
        assert!(matches!(serde_json::from_str::<Tree>(twice), Ok(Tree::Node(_))));
        // Also works from a `Value`.
        let value = serde_json::json!({ "kind": "node", "next": { "kind": "leaf" } });
        assert!(matches!(serde_json::from_value::<Tree>(value), Ok(Tree::Node(_))));
    }
}
