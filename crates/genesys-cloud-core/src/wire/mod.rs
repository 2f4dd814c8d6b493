//! Conversion between JSON and the typed values of the API.
//!
//! The API's document is stricter than its responses, so all types are read leniently, through the trait [`Wire`].
//! Generated code describes the fields of a record and the values of an enum with [`record!`](crate::record) and
//! [`open_enum!`](crate::open_enum); the behavior is implemented here.

mod convert;
mod date;
mod decode;
mod finite;
mod json;
pub(crate) mod number;
mod open_enum;
mod record;
mod scalar;
mod schema;
pub(crate) mod stamp;
mod text;
mod unknown;
mod variants;

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

pub use convert::{AsText, convert_text};
pub(crate) use decode::reread;
pub(crate) use finite::not_finite;
pub use json::Json;
pub use open_enum::{EnumForm, OpenEnum};
pub use record::{ReadFields, Record, RecordForm, ShowFields, debug_record, records_equal};
#[cfg(feature = "schemars")]
pub use schema::{FieldSchema, VariantSchema, open_enum_schema, record_schema, variants_schema};
pub(crate) use stamp::parse_instant;
pub(crate) use text::{mended, without_mark};
pub use unknown::UnknownFields;
pub use variants::{Variants, VariantsForm, empty_variant, read_variant, write_variant};

/// A value in the JSON of the API, which is read leniently.
///
/// Unlike plain serde, `25.0`, `1e3` and `"25"` are integers, `"true"` is a boolean, dates and times are read in every
/// form that the API sends, and `null` is an absent field, an empty collection or an empty record. An enum keeps unknown
/// values, and unpaired surrogates in a text become U+FFFD. A number that does not fit and a value of another kind, such
/// as an object instead of a number, are errors.
pub trait Wire: Sized + fmt::Debug + PartialEq + 'static {
    /// Reads a value.
    ///
    /// # Errors
    /// If the JSON does not represent this type.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Writes the value.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Returns the value for an empty response, or for `null` in a list or map. `None` if these are errors.
    fn absent() -> Option<Self> {
        None
    }

    /// Returns the value for a response in plain text. `None` if that is an error.
    fn from_text(_text: &str) -> Option<Self> {
        None
    }
}

/// A generated type, and its kind.
///
/// Declaring the kind as a type, instead of forwarding four functions for each of the API's 8,000 types, keeps compile
/// times short.
#[doc(hidden)]
pub trait Generated: Sized + fmt::Debug + PartialEq + 'static {
    type Form: Form<Self>;
}

/// The implementation of [`Wire`] for one kind of generated type.
#[doc(hidden)]
pub trait Form<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error>;
    fn write<S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error>;
    fn absent() -> Option<T>;
    fn from_text(text: &str) -> Option<T>;
}

impl<T: Generated> Wire for T {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::Form::read(deserializer)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::Form::write(self, serializer)
    }

    fn absent() -> Option<Self> {
        T::Form::absent()
    }

    fn from_text(text: &str) -> Option<Self> {
        T::Form::from_text(text)
    }
}

/// Reads a [`Wire`] value as a serde seed.
pub(crate) struct Seed<T>(PhantomData<T>);

impl<T> Seed<T> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Wire> DeserializeSeed<'de> for Seed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer)
    }
}

/// Serializes a [`Wire`] value.
pub(crate) struct Written<'a, T>(pub(crate) &'a T);

impl<T: Wire> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// Reads an element of a list or map. `null` reads as an empty value.
pub(crate) struct Element<T>(PhantomData<T>);

impl<T> Element<T> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Wire> DeserializeSeed<'de> for Element<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_option(self)
    }
}

/// Avoids an `Option`, from which a record of several kilobytes would have to be copied.
impl<'de, T: Wire> Visitor<'de> for Element<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<T, E> {
        match T::absent() {
            Some(absent) => Ok(absent),
            // Without an empty value, the type returns its own error.
            None => T::read(().into_deserializer()),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Optional<T>(PhantomData<T>);

        impl<'de, T: Wire> Visitor<'de> for Optional<T> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or null")
            }

            fn visit_none<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Self::Value, D::Error> {
                T::read(deserializer).map(Some)
            }
        }

        deserializer.deserialize_option(Optional(PhantomData))
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => serializer.serialize_some(&Written(value)),
            None => serializer.serialize_none(),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn from_text(text: &str) -> Option<Self> {
        T::from_text(text).map(Some)
    }
}

/// `Box` goes through [`Generated`] because of coherence: a downstream crate could implement that trait for it.
impl<T: Wire> Generated for Box<T> {
    type Form = BoxForm;
}

#[doc(hidden)]
#[derive(Debug)]
pub struct BoxForm;

impl<T: Wire> Form<Box<T>> for BoxForm {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<T>, D::Error> {
        T::read(deserializer).map(Box::new)
    }

    fn write<S: Serializer>(value: &Box<T>, serializer: S) -> Result<S::Ok, S::Error> {
        (**value).write(serializer)
    }

    fn absent() -> Option<Box<T>> {
        T::absent().map(Box::new)
    }

    fn from_text(text: &str) -> Option<Box<T>> {
        T::from_text(text).map(Box::new)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);

        impl<'de, T: Wire> Visitor<'de> for List<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element_seed(Element::new())? {
                    items.push(item);
                }
                Ok(items)
            }
        }

        deserializer.deserialize_seq(List(PhantomData))
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        for item in self {
            list.serialize_element(&Written(item))?;
        }
        list.end()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Wire> Wire for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);

        impl<'de, T: Wire> Visitor<'de> for Map<T> {
            type Value = BTreeMap<String, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some(key) = map.next_key()? {
                    entries.insert(key, map.next_value_seed(Element::new())?);
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_map(Map(PhantomData))
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self {
            map.serialize_entry(key, &Written(value))?;
        }
        map.end()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

/// Implements serde's traits through [`Wire`].
#[doc(hidden)]
#[macro_export]
macro_rules! __serde_through_wire {
    ($name:ident) => {
        impl<'de> $crate::generated::serde::Deserialize<'de> for $name {
            #[inline]
            fn deserialize<D: $crate::generated::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                <Self as $crate::Wire>::read(deserializer)
            }
        }

        impl $crate::generated::serde::Serialize for $name {
            #[inline]
            fn serialize<S: $crate::generated::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                <Self as $crate::Wire>::write(self, serializer)
            }
        }
    };
}
