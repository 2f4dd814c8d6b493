//! Paging schemes: how a request selects a page, and how a response points to the next one.

mod cap;
mod page;
mod page_request;
mod search;
mod token;

pub(crate) use cap::refusal as cap_refusal;
pub(crate) use page::{Neighbor, Page, Window, WriteRecord};
pub(crate) use page_request::{PageRequest, Position};
pub(crate) use search::decode as decode_search;
pub(crate) use token::{PageOffset, Tokens};

use crate::scheme::Scheme;

/// How a request selects a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageSelector {
    /// `pageNumber`, in the query or the body.
    Number,
    /// `paging` in the body.
    Paging,
    /// A token in the first of these parameters that the operation takes. If it takes none, only `nextUri` has
    /// the first name.
    Token(&'static [&'static str]),
    /// Two parameters that together are a token.
    Pair([&'static str; 2]),
    /// An encoded search, which contains the page number.
    Search,
    /// `startIndex`, from 1.
    Index,
    /// The id of an item next to the page.
    Neighbor,
    /// Not at all: only the first page is available.
    First,
    /// Not at all: the response is the whole list.
    Whole,
}

impl PageSelector {
    pub(crate) fn of(scheme: Scheme) -> Self {
        match scheme {
            Scheme::PageNumber
            | Scheme::PageNumberNoTotal
            | Scheme::PageNumberNoEnvelope
            | Scheme::BodyPageNumber
            | Scheme::BodyPageNumberNested
            | Scheme::JobSelectsPage => Self::Number,
            Scheme::BodyPagingTotalHits => Self::Paging,
            Scheme::AfterInNextUri
            | Scheme::AfterField
            | Scheme::BodyAfter
            | Scheme::PageSizeOnlyNextUri => Self::Token(&["after"]),
            Scheme::CursorsObject => Self::Token(&["cursor", "after"]),
            Scheme::CursorField | Scheme::CursorInNextUri | Scheme::BodyCursor => {
                Self::Token(&["cursor"])
            }
            Scheme::NextPageInNextUri => Self::Token(&["nextPage"]),
            Scheme::CompositeAfterInNextUri => Self::Pair(["afterSourceType", "afterSourceId"]),
            Scheme::Q64Search => Self::Search,
            Scheme::ScimStartIndex => Self::Index,
            Scheme::IdOrDateWindow => Self::Neighbor,
            Scheme::LimitOnly | Scheme::NextUriOnlyEnvelope => Self::First,
            Scheme::JobSetsPageSize
            | Scheme::CursorsOnlyEnvelope
            | Scheme::DateWindowHomonym
            | Scheme::UnpagedWithEnvelope
            | Scheme::UnpagedEntities
            | Scheme::UnpagedBareArray
            | Scheme::UnpagedPostResults
            | Scheme::UnpagedOtherArray
            | Scheme::UnpagedScimEnvelope => Self::Whole,
        }
    }

    /// Whether the token of the next page comes from the response.
    pub(crate) fn is_linked(self) -> bool {
        matches!(self, Self::Token(_) | Self::Pair(_))
    }

    /// Whether a page begins after a record instead of at a number. Insertions and deletions before it then
    /// move nothing.
    pub(crate) fn follows_records(self) -> bool {
        self.is_linked() || self == Self::Neighbor
    }
}
