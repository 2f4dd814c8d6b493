//! Records: JSON objects with optional fields.

use std::any::Any;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::{Form, Seed, UnknownFields, Wire, Written};

/// A JSON object with named fields.
///
/// Reading: every field may be absent or `null`, and the last of duplicate fields counts. Fields that the type does not
/// have are kept as [`UnknownFields`].
///
/// Writing: the fields that are set, followed by the unknown ones. A field that was `null` is omitted, like one that was
/// absent: a PUT treats both as a field without a value. To send `null`, use
/// [`Request::set_null`](crate::Request::set_null).
pub trait Record: Default {
    /// The name of the definition in the API document.
    const NAME: &'static str;

    /// The JSON names of the fields, in the order of the document.
    const FIELDS: &'static [&'static str];

    #[doc(hidden)]
    fn read_fields(&mut self, fields: &mut impl ReadFields);

    #[doc(hidden)]
    fn show_fields<'a>(&'a self, fields: &mut impl ShowFields<'a>);
}

/// Visits the fields of a record to fill them. The unknown fields come last.
///
/// Neither this nor [`ShowFields`] returns a result: the error is returned at the end, which saves the compiler a branch
/// for each of the API's 40,000 fields.
#[doc(hidden)]
pub trait ReadFields {
    fn field<T: Wire>(&mut self, value: &mut Option<T>);

    fn unknown(&mut self, fields: &mut UnknownFields);
}

/// Visits the fields of a record: the Rust name, the JSON name and the value. The unknown fields come last.
#[doc(hidden)]
pub trait ShowFields<'a> {
    fn field<T: Wire>(&mut self, name: &'static str, wire: &'static str, value: &'a Option<T>);

    fn unknown(&mut self, fields: &'a UnknownFields);
}

/// Reads and writes generated records.
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
    /// Fills a record in place. Returned by value, it would be copied at every step, with kilobytes of stack for each
    /// level of nesting.
    struct Fields<'a, R>(&'a mut R);

    impl<'de, R: Record> Visitor<'de> for Fields<'_, R> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an object ({})", R::NAME)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
            let unknown = UnknownFields::new();
            let mut reader = Reader { map, fields: R::FIELDS, at: 0, due: 0, unknown, error: None };
            reader.read_key();
            while reader.due < R::FIELDS.len() || !reader.unknown.is_empty() {
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

/// Walks the fields of a record and the keys of a JSON object in parallel. The API mostly sends fields in the order of
/// its document, so one pass over the record is usually enough. A key out of order costs another pass.
struct Reader<A, E> {
    map: A,
    fields: &'static [&'static str],
    /// The next field of the record.
    at: usize,
    /// The field that the next JSON value belongs to; out of range at the end.
    due: usize,
    /// The fields that the record does not have.
    unknown: UnknownFields,
    /// The error and its field; out of range if it belongs to none.
    error: Option<(usize, E)>,
}

impl<'de, A: MapAccess<'de>> Reader<A, A::Error> {
    /// Reads keys up to the first that the record has, and collects unknown fields.
    fn read_key(&mut self) {
        self.due = usize::MAX;
        loop {
            let key = FieldIndex { fields: self.fields, expected: self.at };
            match self.map.next_key_seed(key) {
                Ok(Some(Key::Field(index))) => {
                    self.due = index;
                    return;
                }
                Ok(Some(Key::Unknown(name))) => match self.map.next_value() {
                    Ok(value) => {
                        self.unknown.insert(name, value);
                    }
                    Err(error) => {
                        self.error = Some((usize::MAX, error));
                        return;
                    }
                },
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

    fn unknown(&mut self, fields: &mut UnknownFields) {
        fields.append(&mut self.unknown);
    }
}

/// Prepends the field to an error, so that nested records produce a path.
#[cold]
fn in_field<E: Error>(field: Option<&&str>, error: E) -> E {
    match field {
        // serde_json parses line and column from the end of the message.
        Some(field) => E::custom(format_args!("{field}: {error}")),
        None => error,
    }
}

/// Finds a field by name, starting with the expected one.
struct FieldIndex {
    fields: &'static [&'static str],
    expected: usize,
}

/// A key of a JSON object.
enum Key {
    /// The index of the field.
    Field(usize),
    Unknown(String),
}

impl<'de> DeserializeSeed<'de> for FieldIndex {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldIndex {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let (before, after) = self.fields.split_at(self.expected);
        let found = after.iter().position(|field| *field == name);
        let found = found
            .map(|index| self.expected + index)
            .or_else(|| before.iter().position(|field| *field == name));
        Ok(found.map_or_else(|| Key::Unknown(name.to_owned()), Key::Field))
    }
}

fn write_record<R: Record, S: Serializer>(record: &R, serializer: S) -> Result<S::Ok, S::Error> {
    struct Writer<M: SerializeMap> {
        map: M,
        error: Option<M::Error>,
    }

    impl<'a, M: SerializeMap> ShowFields<'a> for Writer<M> {
        fn field<T: Wire>(&mut self, _: &'static str, wire: &'static str, value: &'a Option<T>) {
            if let (Some(value), None) = (value, &self.error) {
                self.error = self.map.serialize_entry(wire, &Written(value)).err();
            }
        }

        fn unknown(&mut self, fields: &'a UnknownFields) {
            if self.error.is_none() {
                self.error = write_unknown(&mut self.map, fields).err();
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

/// Writes unknown fields into the object of their record.
pub(super) fn write_unknown<M: SerializeMap>(
    map: &mut M,
    fields: &UnknownFields,
) -> Result<(), M::Error> {
    fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))
}

/// Whether two records have the same fields, including unknown ones.
#[doc(hidden)]
pub fn records_equal<R: Record>(one: &R, other: &R) -> bool {
    /// The fields of the first record.
    struct Fields<'a> {
        known: Vec<&'a dyn Any>,
        unknown: Option<&'a UnknownFields>,
    }

    impl<'a> ShowFields<'a> for Fields<'a> {
        fn field<T: Wire>(&mut self, _: &'static str, _: &'static str, value: &'a Option<T>) {
            self.known.push(value);
        }

        fn unknown(&mut self, fields: &'a UnknownFields) {
            self.unknown = Some(fields);
        }
    }

    struct Compare<'a> {
        with: Fields<'a>,
        at: usize,
        are_equal: bool,
    }

    impl<'a> ShowFields<'a> for Compare<'_> {
        fn field<T: Wire>(&mut self, _: &'static str, _: &'static str, value: &'a Option<T>) {
            let other = self.with.known.get(self.at).and_then(|it| it.downcast_ref());
            self.at += 1;
            self.are_equal = self.are_equal && other == Some(value);
        }

        fn unknown(&mut self, fields: &'a UnknownFields) {
            self.are_equal = self.are_equal && self.with.unknown == Some(fields);
        }
    }

    let mut with = Fields { known: Vec::with_capacity(R::FIELDS.len()), unknown: None };
    one.show_fields(&mut with);
    let mut compare = Compare { with, at: 0, are_equal: true };
    other.show_fields(&mut compare);
    compare.are_equal
}

/// Formats the fields of a record that are set.
#[doc(hidden)]
pub fn debug_record<R: Record>(record: &R, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    struct Shown<'a, 'b>(fmt::DebugStruct<'a, 'b>);

    impl<'a> ShowFields<'a> for Shown<'_, '_> {
        fn field<T: Wire>(&mut self, name: &'static str, _: &'static str, value: &'a Option<T>) {
            if let Some(value) = value {
                self.0.field(name, value);
            }
        }

        fn unknown(&mut self, fields: &'a UnknownFields) {
            if !fields.is_empty() {
                self.0.field("unknown_fields", fields);
            }
        }
    }

    let mut shown = Shown(f.debug_struct(R::NAME));
    record.show_fields(&mut shown);
    shown.0.finish()
}

/// Defines a [`Record`] with the fields of the document.
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
/// assert_eq!(serde_json::to_string(&lobby)?, r#"{"name":"East","new":1}"#);
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
            /// Fields that the API sent and this type does not have. They are written back.
            pub unknown_fields: $crate::UnknownFields,
        }

        impl ::core::default::Default for $name {
            #[inline]
            fn default() -> Self {
                Self {
                    $($field: ::core::option::Option::None,)*
                    unknown_fields: $crate::UnknownFields::new(),
                }
            }
        }

        impl ::core::cmp::PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                $crate::generated::records_equal(self, other)
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
                fields.unknown(&mut self.unknown_fields);
            }

            #[inline]
            fn show_fields<'a>(&'a self, fields: &mut impl $crate::generated::ShowFields<'a>) {
                $(fields.field(stringify!($field), $wire, &self.$field);)*
                fields.unknown(&self.unknown_fields);
            }
        }

        impl $crate::generated::Generated for $name {
            type Form = $crate::generated::RecordForm;
        }

        $crate::__serde_through_wire!($name);
        $crate::__record_schema!($name { $($wire: $type,)* });
    };
}
