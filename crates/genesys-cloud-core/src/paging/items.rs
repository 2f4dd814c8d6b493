//! The list of items in a page, as long as it may be.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

/// Reads a list of no more items than this, each by a seed of its own. What is null is none.
///
/// A body is bounded in bytes, but two bytes of it can make an item of a kilobyte.
pub(super) struct Items<'a, E> {
    pub(super) most: usize,
    /// Set where there are more.
    pub(super) too_many: &'a Cell<bool>,
    pub(super) element: fn() -> E,
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
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed((self.element)())? {
            if items.len() >= self.most {
                self.too_many.set(true);
                return Err(A::Error::custom("there are too many items"));
            }
            items.push(item);
        }
        Ok(Some(items))
    }
}
