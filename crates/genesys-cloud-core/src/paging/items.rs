//! Deserializes the list of items in a page, up to a maximum length.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

/// Reads a list of at most this many items and drops nulls. A null instead of the list is an empty list.
///
/// The limit on the body size does not suffice: two bytes of JSON can become an item of a kilobyte.
pub(super) struct Items<'a, E> {
    pub(super) most: usize,
    pub(super) found: &'a Found,
    pub(super) element: fn() -> E,
}

/// Results of reading a list, besides its items.
#[derive(Default)]
pub(super) struct Found {
    /// Number of nulls.
    pub(super) nulls: Cell<u64>,
    /// The fault of the page, if it is not a serde error.
    pub(super) flaw: Cell<Option<Flaw>>,
}

/// Why a page is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    TooManyItems,
    /// The list or the token occurs twice, so that it is unknown which one is valid.
    ListTwice,
    TokenTwice,
}

/// An item, or `None` for a null.
struct Nullable<E>(E);

impl<'de, E: DeserializeSeed<'de>> DeserializeSeed<'de> for Nullable<E> {
    type Value = Option<E::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, E: DeserializeSeed<'de>> Visitor<'de> for Nullable<E> {
    type Value = Option<E::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item")
    }

    fn visit_none<X>(self) -> Result<Self::Value, X> {
        Ok(None)
    }

    fn visit_unit<X>(self) -> Result<Self::Value, X> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

impl<E> Clone for Items<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Items<'_, E> {}

impl<'de, E: DeserializeSeed<'de>> DeserializeSeed<'de> for Items<'_, E> {
    type Value = Option<Vec<E::Value>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, E: DeserializeSeed<'de>> Visitor<'de> for Items<'_, E> {
    type Value = Option<Vec<E::Value>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_none<X>(self) -> Result<Self::Value, X> {
        Ok(None)
    }

    fn visit_unit<X>(self) -> Result<Self::Value, X> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (mut items, mut nulls) = (Vec::new(), 0);
        while let Some(item) = list.next_element_seed(Nullable((self.element)()))? {
            if items.len() + nulls >= self.most {
                self.found.flaw.set(Some(Flaw::TooManyItems));
                return Err(A::Error::custom("there are too many items"));
            }
            match item {
                Some(item) => items.push(item),
                None => nulls += 1,
            }
        }
        self.found.nulls.set(nulls as u64);
        Ok(Some(items))
    }
}
