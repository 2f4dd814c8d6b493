//! How far the API lets a list be read.

use std::borrow::Cow;
use std::fmt;

use super::Text;
use crate::request::Request;

/// How far the API lets a list be read. What lies beyond is not asked for: the API would refuse.
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
    /// So many pages, counted from the first of the list.
    pub const fn pages(most: u64) -> Self {
        Self { most: Most::Pages(most), condition: None }
    }

    /// So many items, counted from the first of the list: page number times page size, where pages
    /// have numbers.
    pub const fn items(most: u64) -> Self {
        Self { most: Most::Items(most), condition: None }
    }

    /// Holds only where a query parameter has this value, as for `users?state=inactive`.
    #[must_use]
    pub fn where_query(
        self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { condition: Some((name.into(), value.into())), ..self }
    }

    /// The same for generated code.
    #[doc(hidden)]
    pub const fn known_where_query(self, name: &'static str, value: &'static str) -> Self {
        let most = self.most;
        // What a constant is made from must not need to be dropped.
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
