//! Pages that a function of the caller's own reads.

use std::fmt;

use super::cursor_state::{PageInfo, Token};
use super::list_spec::ListSpec;
use super::scheme::Advance;
use crate::page_identity::fingerprint_of_body;
use crate::response::RawResponse;

/// What a response holds of a list, as an extractor of your own finds it; for
/// [`Paginator::with_extractor`](crate::Paginator::with_extractor).
///
/// Only what the response says need be told. What leads on is [`with_next`](Self::with_next), or, where the
/// [`ListSpec`] counts pages, their number: without either a numbered list is read until a page is empty.
#[derive(Clone)]
pub struct ExtractedPage<T> {
    items: Vec<T>,
    info: PageInfo,
}

impl<T> ExtractedPage<T> {
    /// The items of one page, none if it is empty.
    pub fn new(items: Vec<T>) -> Self {
        Self { items, info: PageInfo::default() }
    }

    /// The token of the next page, or the link to it where the [`ListSpec`] says that it is one
    /// ([`NextToken::link`](crate::NextToken::link), [`NextToken::in_link`](crate::NextToken::in_link)).
    /// `None`, or one that is empty, on the last page.
    #[must_use]
    pub fn with_next(mut self, token: impl Into<Option<String>>) -> Self {
        let token = token.into().filter(|token| !token.trim().is_empty());
        self.info.token = token.map(Token::Text);
        self
    }

    /// How many items the list holds.
    #[must_use]
    pub fn with_total(mut self, items: impl Into<Option<u64>>) -> Self {
        self.info.total = items.into();
        self
    }

    /// How many pages the list has.
    #[must_use]
    pub fn with_page_count(mut self, pages: impl Into<Option<u64>>) -> Self {
        self.info.page_count = pages.into();
        self
    }

    /// The number of this page, from 1.
    #[must_use]
    pub fn with_page_number(mut self, number: impl Into<Option<u64>>) -> Self {
        self.info.page_number = number.into();
        self
    }

    /// How many items a page holds at most.
    #[must_use]
    pub fn with_page_size(mut self, items: impl Into<Option<u64>>) -> Self {
        self.info.page_size = items.into();
        self
    }

    pub(super) fn read_from(self, response: &RawResponse, spec: &ListSpec) -> (Vec<T>, PageInfo) {
        let Self { items, mut info } = self;
        (info.items, info.has_list) = (items.len() as u64, true);
        if !items.is_empty() && !matches!(spec.scheme().spec().advance, Advance::Once(_)) {
            info.fingerprint = Some(fingerprint_of_body(response.body()));
        }
        (items, info)
    }
}

/// Leaves the items out: they are many, and may be personal data.
impl<T> fmt::Debug for ExtractedPage<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtractedPage").field("items", &self.items.len()).finish_non_exhaustive()
    }
}
