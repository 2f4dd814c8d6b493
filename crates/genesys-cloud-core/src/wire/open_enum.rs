//! Enums that keep unknown values.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

use super::Form;
use crate::param::Param;

/// An enum of text values that the API may extend at any time.
///
/// Values that the API document did not list when these bindings were made are kept in `Unrecognized` and written back
/// unchanged. Values are compared by their text.
pub trait OpenEnum: Clone + fmt::Debug + 'static {
    /// The values that the API document lists.
    const VALUES: &'static [&'static str];

    /// The variants of [`VALUES`](Self::VALUES), in the same order.
    #[doc(hidden)]
    const VARIANTS: &'static [Self];

    /// Returns the value as in JSON.
    fn as_str(&self) -> &str;

    /// Returns the variant that keeps an unknown value.
    fn unrecognized(value: String) -> Self;

    /// Returns the variant of a listed value.
    fn known(value: &str) -> Option<Self> {
        let index = Self::VALUES.iter().position(|known| *known == value)?;
        Self::VARIANTS.get(index).cloned()
    }

    /// Returns the variant of any value.
    fn of(value: &str) -> Self {
        Self::known(value).unwrap_or_else(|| Self::unrecognized(value.to_owned()))
    }
}

impl<T: OpenEnum> Param for T {
    fn to_param(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_str())
    }
}

/// Reads and writes generated enums.
#[doc(hidden)]
#[derive(Debug)]
pub struct EnumForm;

impl<T: OpenEnum> Form<T> for EnumForm {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        struct Text<T>(PhantomData<T>);

        impl<T: OpenEnum> Visitor<'_> for Text<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text value")
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
                Ok(T::of(value))
            }

            fn visit_string<E: Error>(self, value: String) -> Result<T, E> {
                Ok(T::known(&value).unwrap_or_else(|| T::unrecognized(value)))
            }
        }

        deserializer.deserialize_str(Text(PhantomData))
    }

    fn write<S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.as_str())
    }

    fn absent() -> Option<T> {
        None
    }

    fn from_text(text: &str) -> Option<T> {
        Some(T::of(text))
    }
}

/// Defines an [`OpenEnum`] with the values of the document.
///
/// ```
/// genesys_cloud_core::open_enum! {
///     /// The state of a call.
///     pub enum CallState {
///         Alerting = "alerting",
///         Connected = "connected",
///     }
/// }
///
/// assert_eq!(CallState::from("connected"), CallState::Connected);
/// assert_eq!(CallState::from("parked").as_str(), "parked");
/// ```
#[macro_export]
macro_rules! open_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($variant:ident = $wire:tt,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = $wire]
                $variant,
            )*
            /// A value that the API document did not list when these bindings were made.
            Unrecognized(::std::string::String),
        }

        impl $name {
            /// Returns the value as in JSON.
            #[inline]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Unrecognized(value) => value,
                }
            }
        }

        impl $crate::OpenEnum for $name {
            const VALUES: &'static [&'static str] = &[$($wire,)*];
            const VARIANTS: &'static [Self] = &[$(Self::$variant,)*];

            #[inline]
            fn as_str(&self) -> &str {
                self.as_str()
            }

            #[inline]
            fn unrecognized(value: ::std::string::String) -> Self {
                Self::Unrecognized(value)
            }
        }

        impl ::core::cmp::PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl ::core::cmp::Eq for $name {}

        impl ::core::hash::Hash for $name {
            #[inline]
            fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl ::core::fmt::Display for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::core::convert::From<&str> for $name {
            #[inline]
            fn from(value: &str) -> Self {
                $crate::OpenEnum::of(value)
            }
        }

        impl $crate::generated::Generated for $name {
            type Form = $crate::generated::EnumForm;
        }

        $crate::__serde_through_wire!($name);
        $crate::__open_enum_schema!($name);
    };
}
