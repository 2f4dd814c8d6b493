//! Pages read by an extractor of the caller.

use std::fmt;

use super::cursor_state::{PageInfo, Token};
use super::list_spec::ListSpec;
use super::scheme::Advance;
use crate::page_identity::fingerprint_of_body;
use crate::response::RawResponse;

/// A page as returned by an extractor for [`Paginator::with_extractor`](crate::Paginator::with_extractor).
///
/// Set only what the response states. A list continues by [`with_next`](Self::with_next), or by page number if the
/// [`ListSpec`] does; without any count, a numbered list is read until a page is empty.
#[derive(Clone)]
pub struct ExtractedPage<T> {
    items: Vec<T>,
    info: PageInfo,
}

impl<T> ExtractedPage<T> {
    /// Creates a page with these items.
    pub fn new(items: Vec<T>) -> Self {
        Self { items, info: PageInfo::default() }
    }

    /// Sets the token of the next page, or the link to it if the [`ListSpec`] has one
    /// ([`NextToken::link`](crate::NextToken::link), [`NextToken::in_link`](crate::NextToken::in_link)). `None` or an
    /// empty token marks the last page.
    #[must_use]
    pub fn with_next(mut self, token: impl Into<Option<String>>) -> Self {
        let token = token.into().filter(|token| !token.trim().is_empty());
        self.info.token = token.map(Token::Text);
        self
    }

    /// Sets the total number of items of the list.
    #[must_use]
    pub fn with_total(mut self, items: impl Into<Option<u64>>) -> Self {
        self.info.total = items.into();
        self
    }

    /// Sets the number of pages of the list.
    #[must_use]
    pub fn with_page_count(mut self, pages: impl Into<Option<u64>>) -> Self {
        self.info.page_count = pages.into();
        self
    }

    /// Sets the number of this page, from 1.
    #[must_use]
    pub fn with_page_number(mut self, number: impl Into<Option<u64>>) -> Self {
        self.info.page_number = number.into();
        self
    }

    /// Sets the page size.
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

/// Shows only the number of items: they may be many, and contain personal data.
impl<T> fmt::Debug for ExtractedPage<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtractedPage").field("items", &self.items.len()).finish_non_exhaustive()
    }
}
