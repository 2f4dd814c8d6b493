//! Records: JSON objects of named fields, each of which may be absent.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::{Form, Seed, Wire, Written};

/// A JSON object of named fields.
///
/// Reading: every field may be absent or `null`, unknown fields are ignored, and of a field that stands
/// there twice the last counts. Writing: only the fields that are set.
pub trait Record: Default {
    /// The name of the definition in the API document.
    const NAME: &'static str;

    /// The fields as they stand on the wire, in the order of the document.
    const FIELDS: &'static [&'static str];

    #[doc(hidden)]
    fn read_fields(&mut self, fields: &mut impl ReadFields);

    #[doc(hidden)]
    fn show_fields(&self, fields: &mut impl ShowFields);
}

/// Is offered the fields of a record one after the other, to fill them.
///
/// Neither this nor [`ShowFields`] returns a result: an error is kept and told at the end, which saves
/// the compiler a branch for each of the API's 40,000 fields.
#[doc(hidden)]
pub trait ReadFields {
    fn field<T: Wire>(&mut self, value: &mut Option<T>);
}

/// Is shown the fields of a record one after the other: the name in Rust, the name on the wire, and
/// what is set.
#[doc(hidden)]
pub trait ShowFields {
    fn field<T: Wire>(&mut self, name: &'static str, wire: &'static str, value: &Option<T>);
}

/// How the generated records are read and written.
#[doc(hidden)]
#[derive(Debug)]
pub struct RecordForm;

impl<R: Record + fmt::Debug> Form<R> for RecordForm {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<R, D::Error> {
        read_record(deserializer)
    }

    fn write<S: Serializer>(record: &R, serializer: S) -> Result<S::Ok, S::Error> {
        write_record(record, serializer)
    }

    fn absent() -> Option<R> {
        Some(R::default())
    }

    fn from_text(_: &str) -> Option<R> {
        None
    }
}

fn read_record<'de, R: Record, D: Deserializer<'de>>(deserializer: D) -> Result<R, D::Error> {
    /// Fills a record in its place: to hand it up by value through the deserializer, which copies it at
    /// every step, would cost a stack of kilobytes for each record within a record.
    struct Fields<'a, R>(&'a mut R);

    impl<'de, R: Record> Visitor<'de> for Fields<'_, R> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an object ({})", R::NAME)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
            let mut reader = Reader { map, fields: R::FIELDS, at: 0, due: 0, error: None };
            reader.read_key();
            while reader.due < R::FIELDS.len() {
                reader.at = 0;
                self.0.read_fields(&mut reader);
            }
            match reader.error {
                None => Ok(()),
                Some((at, error)) => Err(in_field(R::FIELDS.get(at), error)),
            }
        }
    }

    let mut record = R::default();
    deserializer.deserialize_map(Fields(&mut record))?;
    Ok(record)
}

/// Goes through the fields of a record and the keys of a JSON object side by side. The API mostly sends
/// fields in the order of its document, so that one pass over the record is enough; a key that stands
/// before its place costs another pass.
struct Reader<A, E> {
    map: A,
    fields: &'static [&'static str],
    /// The field that is offered next.
    at: usize,
    /// The field whose value the JSON holds next; beyond all fields at the end.
    due: usize,
    /// What went wrong, and in which field; beyond all fields where it was in none of them.
    error: Option<(usize, E)>,
}

impl<'de, A: MapAccess<'de>> Reader<A, A::Error> {
    /// Reads keys up to the first that the record has.
    fn read_key(&mut self) {
        self.due = usize::MAX;
        loop {
            let key = FieldIndex { fields: self.fields, expected: self.at };
            match self.map.next_key_seed(key) {
                Ok(Some(Some(index))) => {
                    self.due = index;
                    return;
                }
                Ok(Some(None)) => {
                    if let Err(error) = self.map.next_value::<IgnoredAny>() {
                        self.error = Some((usize::MAX, error));
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    self.error = Some((usize::MAX, error));
                    return;
                }
            }
        }
    }
}

impl<'de, A: MapAccess<'de>> ReadFields for Reader<A, A::Error> {
    #[inline]
    fn field<T: Wire>(&mut self, value: &mut Option<T>) {
        let due = self.at == self.due;
        self.at += 1;
        if due {
            match self.map.next_value_seed(Seed::new()) {
                Ok(read) => {
                    *value = read;
                    self.read_key();
                }
                Err(error) => {
                    self.error = Some((self.due, error));
                    self.due = usize::MAX;
                }
            }
        }
    }
}

/// Names the field of an error, and so the way to it where records stand within records.
#[cold]
fn in_field<E: Error>(field: Option<&&str>, error: E) -> E {
    match field {
        // serde_json takes line and column from the end of the text.
        Some(field) => E::custom(format_args!("{field}: {error}")),
        None => error,
    }
}

/// Finds a field by its name, the expected one first.
struct FieldIndex {
    fields: &'static [&'static str],
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for FieldIndex {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldIndex {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let (before, after) = self.fields.split_at(self.expected);
        let found = after.iter().position(|field| *field == name);
        Ok(found
            .map(|index| self.expected + index)
            .or_else(|| before.iter().position(|field| *field == name)))
    }
}

fn write_record<R: Record, S: Serializer>(record: &R, serializer: S) -> Result<S::Ok, S::Error> {
    struct Writer<M: SerializeMap> {
        map: M,
        error: Option<M::Error>,
    }

    impl<M: SerializeMap> ShowFields for Writer<M> {
        fn field<T: Wire>(&mut self, _: &'static str, wire: &'static str, value: &Option<T>) {
            if let (Some(value), None) = (value, &self.error) {
                self.error = self.map.serialize_entry(wire, &Written(value)).err();
            }
        }
    }

    let mut writer = Writer { map: serializer.serialize_map(None)?, error: None };
    record.show_fields(&mut writer);
    match writer.error {
        Some(error) => Err(error),
        None => writer.map.end(),
    }
}

/// Shows the fields of a record that are set, and leaves out the others.
#[doc(hidden)]
pub fn debug_record<R: Record>(record: &R, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    struct Shown<'a, 'b>(fmt::DebugStruct<'a, 'b>);

    impl ShowFields for Shown<'_, '_> {
        fn field<T: Wire>(&mut self, name: &'static str, _: &'static str, value: &Option<T>) {
            if let Some(value) = value {
                self.0.field(name, value);
            }
        }
    }

    let mut shown = Shown(f.debug_struct(R::NAME));
    record.show_fields(&mut shown);
    shown.0.finish()
}

/// Makes a [`Record`] from the fields of the document.
///
/// ```
/// genesys_cloud_core::record! {
///     /// A place to wait.
///     pub struct Lobby {
///         /// Its name.
///         pub name: Option<String> = "name",
///         pub seat_count: Option<i64> = "seatCount",
///     }
/// }
///
/// let lobby: Lobby = serde_json::from_str(r#"{"name": "East", "seatCount": null, "new": 1}"#)?;
/// assert_eq!(lobby.name.as_deref(), Some("East"));
/// assert_eq!(serde_json::to_string(&lobby)?, r#"{"name":"East"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[macro_export]
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* pub $field:ident: Option<$type:ty> = $wire:tt,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: ::core::option::Option<$type>,)*
        }

        impl ::core::default::Default for $name {
            #[inline]
            fn default() -> Self {
                Self { $($field: ::core::option::Option::None,)* }
            }
        }

        impl ::core::fmt::Debug for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::generated::debug_record(self, f)
            }
        }

        impl $crate::Record for $name {
            const NAME: &'static str = stringify!($name);
            const FIELDS: &'static [&'static str] = &[$($wire,)*];

            #[inline]
            fn read_fields(&mut self, fields: &mut impl $crate::generated::ReadFields) {
                $(fields.field(&mut self.$field);)*
            }

            #[inline]
            fn show_fields(&self, fields: &mut impl $crate::generated::ShowFields) {
                $(fields.field(stringify!($field), $wire, &self.$field);)*
            }
        }

        impl $crate::generated::Generated for $name {
            type Form = $crate::generated::RecordForm;
        }

        $crate::__serde_through_wire!($name);
        $crate::__record_schema!($name { $($wire: $type,)* });
    };
}
