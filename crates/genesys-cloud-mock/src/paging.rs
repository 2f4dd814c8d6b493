//! The schemes as data: where a request says which page it wants, and what its reply can say
//! of the next one.

mod cap;
mod page;
mod page_request;
mod search;
mod token;

pub(crate) use cap::refusal as cap_refusal;
pub(crate) use page::{Neighbour, Page, Window};
pub(crate) use page_request::{PageRequest, Position};
pub(crate) use token::{Place, Tokens};

use crate::scheme::Scheme;

/// Where a request says which page it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// `pageNumber`, wherever the operation takes it.
    Number,
    /// `paging` in the body.
    Paging,
    /// A token under the first of these names that the operation takes. Where it takes none,
    /// the first name stands in `nextUri` alone.
    Token(&'static [&'static str]),
    /// Two parameters that only together are a token.
    Pair([&'static str; 2]),
    /// A whole search, encoded.
    Search,
    /// `startIndex`, from 1.
    Index,
    /// The id of an item next to the page.
    Neighbour,
    /// The first page is all there is to get.
    First,
    /// The reply is the whole list.
    Whole,
}

impl Ask {
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
            Scheme::IdOrDateWindow => Self::Neighbour,
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

    /// Whether the place of the next page comes out of the reply.
    pub(crate) fn is_linked(self) -> bool {
        matches!(self, Self::Token(_) | Self::Pair(_))
    }

    /// Whether a page begins after a record, and not at a number: then what is added or
    /// removed before it moves nothing.
    pub(crate) fn follows_records(self) -> bool {
        self.is_linked() || self == Self::Neighbour
    }
}
