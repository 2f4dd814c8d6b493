//! Scalar values next to the items of a page.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cursor_state::Token;
use crate::wire::number;
use crate::wire::stamp::Stamp;

/// A value next to the items. Any value is accepted: a malformed count is treated as missing and does not make the page
/// unreadable.
pub(super) enum Scalar<'de> {
    Integer(u64),
    Negative(i64),
    Number(f64),
    Text(Cow<'de, str>),
    /// `null`, `false`, or an empty array or object.
    None,
    Other,
}

impl Scalar<'_> {
    /// The value as a count, written as `25`, `25.0` or `"25"`.
    pub(super) fn count(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Number(number) => number::whole(*number)?.try_into().ok(),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Negative(_) | Self::None | Self::Other => None,
        }
    }

    /// The value as a point in time.
    pub(super) fn instant(&self) -> Option<DateTime<Utc>> {
        let stamp = match self {
            Self::Text(text) => Stamp::parse(text),
            Self::Integer(millis) => Some(Stamp::of_millis((*millis).try_into().ok()?)),
            Self::Negative(millis) => Some(Stamp::of_millis(*millis)),
            Self::Number(millis) => Stamp::of_fraction(*millis),
            Self::None | Self::Other => None,
        };
        stamp.map(|stamp| stamp.instant().value)
    }

    /// The value as a token or link. `None` if it is empty.
    pub(super) fn token(self) -> Option<Token> {
        match self {
            Self::Text(text) if text.trim().is_empty() => None,
            Self::Text(text) => Some(Token::Text(text.into_owned())),
            Self::Integer(number) => Some(Token::Number(number.into())),
            Self::Negative(number) => Some(Token::Number(number.into())),
            Self::None => None,
            Self::Number(_) | Self::Other => Some(Token::Odd),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Integer(number))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Negative(number))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(number))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E>(self, yes: bool) -> Result<Self::Value, E> {
                Ok(if yes { Scalar::Other } else { Scalar::None })
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::None)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                if seq.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(Scalar::None);
                }
                IgnoredAny.visit_seq(seq).map(|_| Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                if map.next_entry::<IgnoredAny, IgnoredAny>()?.is_none() {
                    return Ok(Scalar::None);
                }
                IgnoredAny.visit_map(map).map(|_| Scalar::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}
