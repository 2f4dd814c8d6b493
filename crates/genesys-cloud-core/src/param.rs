//! Values in paths, queries and headers.

use std::borrow::Cow;

use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};

use crate::wire::OpenEnum;
use crate::wire::stamp::{date_text, instant_text};

/// A value of a path parameter, a query parameter or a header.
///
/// Date-times are written in the documented form, `2024-05-01T12:30:00.000Z`, with up to nine digits if they are more
/// precise.
pub trait Param {
    /// Returns the text of the value, not percent-encoded.
    fn to_param(&self) -> Cow<'_, str>;
}

impl Param for &str {
    fn to_param(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl Param for &String {
    fn to_param(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl Param for String {
    fn to_param(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl Param for bool {
    fn to_param(&self) -> Cow<'_, str> {
        Cow::Borrowed(if *self { "true" } else { "false" })
    }
}

impl Param for i64 {
    fn to_param(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

impl Param for f64 {
    fn to_param(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

impl Param for DateTime<Utc> {
    fn to_param(&self) -> Cow<'_, str> {
        Cow::Owned(instant_text(self))
    }
}

impl Param for NaiveDate {
    fn to_param(&self) -> Cow<'_, str> {
        Cow::Owned(date_text(self))
    }
}

impl Param for NaiveDateTime {
    fn to_param(&self) -> Cow<'_, str> {
        Cow::Owned(self.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
    }
}

/// A value for an optional parameter of type `T`: a `T`, a type that converts to it, or an [`Option`] of these. `None`
/// omits the parameter.
///
/// ```
/// use genesys_cloud_core::IntoOption;
///
/// fn name(value: impl IntoOption<String>) -> Option<String> {
///     value.into_option()
/// }
///
/// assert_eq!(name("Support*").as_deref(), Some("Support*"));
/// assert_eq!(name(Some("Support*")).as_deref(), Some("Support*"));
/// assert_eq!(name(None::<&str>), None);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value of a parameter of type `{T}`",
    note = "convert it, or pass an `Option`"
)]
pub trait IntoOption<T> {
    /// Returns the value, if any.
    fn into_option(self) -> Option<T>;
}

impl<T, V: IntoOption<T>> IntoOption<T> for Option<V> {
    fn into_option(self) -> Option<T> {
        self.and_then(V::into_option)
    }
}

impl<T: OpenEnum> IntoOption<T> for T {
    fn into_option(self) -> Option<T> {
        Some(self)
    }
}

impl<T: OpenEnum> IntoOption<T> for &str {
    fn into_option(self) -> Option<T> {
        Some(T::of(self))
    }
}

impl<Z: TimeZone> IntoOption<DateTime<Utc>> for DateTime<Z> {
    fn into_option(self) -> Option<DateTime<Utc>> {
        Some(self.to_utc())
    }
}

macro_rules! into_option {
    ($($type:ty: $($from:ty)*;)*) => {
        $($(impl IntoOption<$type> for $from {
            fn into_option(self) -> Option<$type> {
                Some(self.into())
            }
        })*)*
    };
}

into_option! {
    String: String &String &str Box<str> Cow<'_, str> char;
    bool: bool;
    i64: i64 i32 i16 i8 u32 u16 u8;
    f64: f64 f32 i32 i16 i8 u32 u16 u8;
    DateTime<Utc>: SystemTime;
    NaiveDate: NaiveDate;
    NaiveDateTime: NaiveDateTime;
}
