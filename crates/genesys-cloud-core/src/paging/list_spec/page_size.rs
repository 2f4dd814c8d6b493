//! The parameter for the size of pages.

use std::borrow::Cow;

use super::ParamLocation;

/// The parameter that sets how many items a page holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSize {
    place: ParamLocation,
    text: bool,
    usual: Option<u64>,
    maximum: Option<u64>,
    minimum: Option<u64>,
}

impl PageSize {
    /// A query parameter that the API document gives as an integer.
    pub const fn integer(name: &'static str) -> Self {
        Self {
            place: ParamLocation::query(name),
            text: false,
            usual: None,
            maximum: None,
            minimum: None,
        }
    }

    /// A query parameter that the API document gives as text. In a query the two are written alike.
    pub const fn text(name: &'static str) -> Self {
        Self {
            place: ParamLocation::query(name),
            text: true,
            usual: None,
            maximum: None,
            minimum: None,
        }
    }

    /// A query parameter whose name and form are known at run time only.
    pub fn new(name: impl Into<Cow<'static, str>>, text: bool) -> Self {
        Self {
            place: ParamLocation::new(name, false),
            text,
            usual: None,
            maximum: None,
            minimum: None,
        }
    }

    /// The same as a field of the body, its name being a path such as `paging.pageSize`.
    #[must_use]
    pub const fn in_body(mut self) -> Self {
        self.place.in_body = true;
        self
    }

    /// The value to send unless the caller sets one. It is one that the API is known to grant, where no maximum
    /// is known.
    #[must_use]
    pub const fn usually(mut self, items: u64) -> Self {
        self.usual = Some(items);
        self
    }

    /// The largest value that the operation is known to allow.
    #[must_use]
    pub const fn at_most(mut self, maximum: u64) -> Self {
        self.maximum = Some(maximum);
        self
    }

    /// The smallest value that the operation is known to allow.
    #[must_use]
    pub const fn at_least(mut self, minimum: u64) -> Self {
        self.minimum = Some(minimum);
        self
    }

    /// The name of the parameter, such as `pageSize`.
    pub fn name(&self) -> &str {
        self.place.name()
    }

    /// Where it goes.
    pub const fn place(&self) -> &ParamLocation {
        &self.place
    }

    /// Whether the API document gives it as text.
    pub const fn is_text(&self) -> bool {
        self.text
    }

    /// The value to send unless the caller sets one: one that the API is known to grant, where that is not the
    /// maximum.
    pub const fn usual(&self) -> Option<u64> {
        self.usual
    }

    /// The largest value that the operation is known to allow.
    pub const fn maximum(&self) -> Option<u64> {
        self.maximum
    }

    /// The smallest value that the operation is known to allow.
    pub const fn minimum(&self) -> Option<u64> {
        self.minimum
    }

    /// Why the operation does not take pages of so many items, and what it takes instead.
    pub(in crate::paging) fn refusal(&self, items: u64) -> Option<(String, String)> {
        let name = self.name();
        let least = self.minimum.unwrap_or(1).max(1);
        if items < least {
            let why = format!("{name} must be at least {least}, not {items}");
            return Some((why, format!("set a `page_size` of at least {least}")));
        }
        let most = self.maximum.filter(|most| items > *most)?;
        let why = format!("{name} must be at most {most}, not {items}");
        Some((
            why,
            format!("set a `page_size` of at most {most}, or none to get the largest pages"),
        ))
    }
}
