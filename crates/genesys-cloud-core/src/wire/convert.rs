//! Conversions from types that the API returns to types that it accepts.

/// Converts a record to one with a subset of its fields. Unknown fields are carried over.
///
/// A field of a different type is followed by its conversion: `into` (a record), `text` (an enum or a text), `list(..)`,
/// `map(..)`, `boxed(..)` (into a box) and `unboxed(..)` (out of one).
///
/// ```
/// # use genesys_cloud_core::{convert, record};
/// record! {
///     pub struct Desk {
///         pub id: Option<String> = "id",
///         pub owner: Option<Box<Owner>> = "owner",
///         pub made: Option<i64> = "made",
///     }
/// }
/// record! {
///     pub struct Owner {
///         pub id: Option<String> = "id",
///     }
/// }
/// record! {
///     pub struct WritableDesk {
///         pub id: Option<String> = "id",
///         pub owner: Option<WritableOwner> = "owner",
///     }
/// }
/// record! {
///     pub struct WritableOwner {
///         pub id: Option<String> = "id",
///     }
/// }
/// convert! { Desk => WritableDesk { id, owner: unboxed(into) } }
/// convert! { Owner => WritableOwner { id } }
///
/// let desk: Desk = serde_json::from_str(r#"{"id":"d","owner":{"id":"o","new":1},"made":7}"#)?;
/// let desk = WritableDesk::from(desk);
/// assert_eq!(serde_json::to_string(&desk)?, r#"{"id":"d","owner":{"id":"o","new":1}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! convert {
    ($from:ident => $to:ident { $($field:ident $(: $how:ident $(($($inner:tt)*))?)?),* $(,)? }) => {
        impl ::core::convert::From<$from> for $to {
            #[inline]
            fn from(it: $from) -> Self {
                Self {
                    $($field: $crate::convert!(@field (it.$field) $($how $(($($inner)*))?)?),)*
                    unknown_fields: it.unknown_fields,
                }
            }
        }
    };

    (@field ($value:expr)) => { $value };
    (@field ($value:expr) $($how:tt)+) => { $value.map(|value| $crate::convert!(@value value $($how)+)) };

    (@value $value:ident into) => { ::core::convert::From::from($value) };
    (@value $value:ident text) => { $crate::generated::convert_text(&$value) };
    (@value $value:ident list($($how:tt)+)) => {
        $value.into_iter().map(|value| $crate::convert!(@value value $($how)+)).collect()
    };
    (@value $value:ident map($($how:tt)+)) => {
        $value
            .into_iter()
            .map(|(name, value)| (name, $crate::convert!(@value value $($how)+)))
            .collect()
    };
    (@value $value:ident boxed($($how:tt)+)) => {
        ::std::boxed::Box::new($crate::convert!(@value $value $($how)+))
    };
    (@value $value:ident unboxed($($how:tt)+)) => {{
        let value = *$value;
        $crate::convert!(@value value $($how)+)
    }};
    (@value $value:ident same) => { $value };
}

/// Converts an enum or a text to another.
#[doc(hidden)]
pub fn convert_text<T: for<'a> From<&'a str>>(value: &impl AsText) -> T {
    T::from(value.as_text())
}

/// An enum or a text.
#[doc(hidden)]
pub trait AsText {
    fn as_text(&self) -> &str;
}

impl AsText for String {
    fn as_text(&self) -> &str {
        self
    }
}

impl<T: super::OpenEnum> AsText for T {
    fn as_text(&self) -> &str {
        self.as_str()
    }
}
