//! JSON Schemas of records and enums, with the feature `schemars`.

#[cfg(feature = "schemars")]
mod enabled {
    use schemars::{Schema, SchemaGenerator, json_schema};
    use serde_json::{Map, Value};

    /// The schema of one field, created with that of its record.
    #[doc(hidden)]
    pub type FieldSchema = (&'static str, fn(&mut SchemaGenerator) -> Schema);

    #[doc(hidden)]
    pub fn record_schema(generator: &mut SchemaGenerator, fields: &[FieldSchema]) -> Schema {
        let properties: Map<String, Value> = fields
            .iter()
            .map(|(name, schema)| ((*name).to_owned(), schema(generator).to_value()))
            .collect();
        json_schema!({ "type": "object", "properties": properties })
    }

    #[doc(hidden)]
    pub type VariantSchema = fn(&mut SchemaGenerator) -> Schema;

    /// Allows an object of any other type, which is kept too.
    #[doc(hidden)]
    pub fn variants_schema(generator: &mut SchemaGenerator, types: &[VariantSchema]) -> Schema {
        let mut all: Vec<Value> = types.iter().map(|it| it(generator).to_value()).collect();
        all.push(serde_json::json!({ "type": "object" }));
        json_schema!({ "anyOf": all })
    }

    /// Lists the values as examples rather than as an `enum`, since unknown values are kept too.
    #[doc(hidden)]
    pub fn open_enum_schema(values: &[&str]) -> Schema {
        json_schema!({ "type": "string", "examples": values })
    }
}

#[cfg(feature = "schemars")]
pub use enabled::{FieldSchema, VariantSchema, open_enum_schema, record_schema, variants_schema};

#[cfg(feature = "schemars")]
#[doc(hidden)]
#[macro_export]
macro_rules! __record_schema {
    ($name:ident { $($wire:tt: $type:ty,)* }) => {
        impl $crate::generated::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(stringify!($name))
            }

            fn json_schema(
                generator: &mut $crate::generated::schemars::SchemaGenerator,
            ) -> $crate::generated::schemars::Schema {
                const FIELDS: &[$crate::generated::FieldSchema] = &[$((
                    $wire,
                    $crate::generated::schemars::SchemaGenerator::subschema_for::<
                        ::core::option::Option<$type>,
                    >,
                ),)*];
                $crate::generated::record_schema(generator, FIELDS)
            }
        }
    };
}

#[cfg(not(feature = "schemars"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __record_schema {
    ($($fields:tt)*) => {};
}

#[cfg(feature = "schemars")]
#[doc(hidden)]
#[macro_export]
macro_rules! __open_enum_schema {
    ($name:ident) => {
        impl $crate::generated::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(stringify!($name))
            }

            fn json_schema(
                _: &mut $crate::generated::schemars::SchemaGenerator,
            ) -> $crate::generated::schemars::Schema {
                $crate::generated::open_enum_schema(<Self as $crate::OpenEnum>::VALUES)
            }
        }
    };
}

#[cfg(not(feature = "schemars"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __open_enum_schema {
    ($name:ident) => {};
}

#[cfg(feature = "schemars")]
#[doc(hidden)]
#[macro_export]
macro_rules! __variants_schema {
    ($name:ident { $($type:ty,)* }) => {
        impl $crate::generated::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(stringify!($name))
            }

            fn json_schema(
                generator: &mut $crate::generated::schemars::SchemaGenerator,
            ) -> $crate::generated::schemars::Schema {
                const TYPES: &[$crate::generated::VariantSchema] = &[$(
                    $crate::generated::schemars::SchemaGenerator::subschema_for::<$type>,
                )*];
                $crate::generated::variants_schema(generator, TYPES)
            }
        }
    };
}

#[cfg(not(feature = "schemars"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __variants_schema {
    ($($types:tt)*) => {};
}
