//! How much of a list the API allows to be read.

use std::borrow::Cow;
use std::fmt;

use super::Text;
use crate::request::Request;

/// How much of a list the API allows to be read. Pages beyond it are not requested, since the API would refuse them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    pub(in crate::paging) most: Most,
    condition: Option<(Text, Text)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::paging) enum Most {
    Pages(u64),
    Items(u64),
}

impl Cap {
    /// Allows this many pages, counted from the first of the list.
    pub const fn pages(most: u64) -> Self {
        Self { most: Most::Pages(most), condition: None }
    }

    /// Allows this many items, counted from the first of the list: for numbered pages, page number times page size.
    pub const fn items(most: u64) -> Self {
        Self { most: Most::Items(most), condition: None }
    }

    /// Applies the cap only if a query parameter has this value, as for `users?state=inactive`.
    #[must_use]
    pub fn where_query(
        self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { condition: Some((name.into(), value.into())), ..self }
    }

    /// [`where_query`](Self::where_query) in generated code.
    #[doc(hidden)]
    pub const fn known_where_query(self, name: &'static str, value: &'static str) -> Self {
        let most = self.most;
        // A `const fn` cannot drop it.
        std::mem::forget(self);
        Self { most, condition: Some((Cow::Borrowed(name), Cow::Borrowed(value))) }
    }

    pub(in crate::paging) fn holds_for(&self, request: &Request) -> bool {
        let condition = self.condition.as_ref();
        condition.is_none_or(|(name, value)| request.query(name) == Some(value))
    }
}

/// `1000 items`, `5 pages where state=inactive`
impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.most {
            Most::Pages(most) => write!(f, "{most} pages")?,
            Most::Items(most) => write!(f, "{most} items")?,
        }
        match &self.condition {
            Some((name, value)) => write!(f, " where {name}={value}"),
            None => Ok(()),
        }
    }
}
