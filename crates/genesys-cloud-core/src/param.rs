//! How a value is written into a path, a query or a header.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use crate::wire::stamp::{date_text, instant_text};

/// A value that can stand in a path, a query or a header.
///
/// Date-times are written as the API documents them, `2024-05-01T12:30:00.000Z`, and to the nanosecond where they are
/// finer.
pub trait Param {
    /// The text of the value, not yet percent-encoded.
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
