//! The page size parameter.

use std::borrow::Cow;

use super::ParamLocation;

/// The parameter for the number of items per page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSize {
    place: ParamLocation,
    text: bool,
    usual: Option<u64>,
    maximum: Option<u64>,
    minimum: Option<u64>,
}

impl PageSize {
    /// Creates a query parameter that is an integer in the API document.
    pub const fn integer(name: &'static str) -> Self {
        Self {
            place: ParamLocation::query(name),
            text: false,
            usual: None,
            maximum: None,
            minimum: None,
        }
    }

    /// Creates a query parameter that is a string in the API document. In a query, both look the same.
    pub const fn text(name: &'static str) -> Self {
        Self {
            place: ParamLocation::query(name),
            text: true,
            usual: None,
            maximum: None,
            minimum: None,
        }
    }

    /// Creates a query parameter from a name and type known only at run time.
    pub fn new(name: impl Into<Cow<'static, str>>, text: bool) -> Self {
        Self {
            place: ParamLocation::new(name, false),
            text,
            usual: None,
            maximum: None,
            minimum: None,
        }
    }

    /// Moves the parameter to the body, where its name is a path such as `paging.pageSize`.
    #[must_use]
    pub const fn in_body(mut self) -> Self {
        self.place.in_body = true;
        self
    }

    /// Sets the default value: one that the API is known to grant, for an operation without a known maximum.
    #[must_use]
    pub const fn usually(mut self, items: u64) -> Self {
        self.usual = Some(items);
        self
    }

    /// Sets the largest value that the operation allows.
    #[must_use]
    pub const fn at_most(mut self, maximum: u64) -> Self {
        self.maximum = Some(maximum);
        self
    }

    /// Sets the smallest value that the operation allows.
    #[must_use]
    pub const fn at_least(mut self, minimum: u64) -> Self {
        self.minimum = Some(minimum);
        self
    }

    /// Returns the name of the parameter, such as `pageSize`.
    pub fn name(&self) -> &str {
        self.place.name()
    }

    /// Returns where the parameter is in a request.
    pub const fn place(&self) -> &ParamLocation {
        &self.place
    }

    /// Returns whether the parameter is a string in the API document.
    pub const fn is_text(&self) -> bool {
        self.text
    }

    /// Returns the default value, if it is not the maximum.
    pub const fn usual(&self) -> Option<u64> {
        self.usual
    }

    /// Returns the largest value that the operation allows, if known.
    pub const fn maximum(&self) -> Option<u64> {
        self.maximum
    }

    /// Returns the smallest value that the operation allows, if known.
    pub const fn minimum(&self) -> Option<u64> {
        self.minimum
    }

    /// Why the operation does not accept this page size, and what it accepts instead.
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
            format!(
                "set a `page_size` of at most {most}, or leave it out to get the largest pages"
            ),
        ))
    }
}
