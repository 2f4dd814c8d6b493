use genesys_cloud_catalogue::{Catalogue, Operation};

use crate::classify::classify;

/// How the service hands out a list.
///
/// An operation's scheme is told from its parameters and its reply alone. The org knows
/// nothing of how a client sees the operation, so each can be checked against the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `pageNumber` and `pageSize` in, `pageCount` and `total` out.
    PageNumber,
    /// `pageNumber` in; only the absence of `nextUri` tells the end.
    PageNumberNoTotal,
    /// `pageNumber` in; nothing out but the items.
    PageNumberNoEnvelope,
    /// `after` in, and out inside `nextUri`.
    AfterInNextUri,
    /// `after` in and out.
    AfterField,
    /// `cursor` or `after` in, `cursors.after` out.
    CursorsObject,
    /// `cursor` in and out.
    CursorField,
    /// `cursor` in, and out inside `nextUri`.
    CursorInNextUri,
    /// `nextPage` in, and out inside `nextUri`.
    NextPageInNextUri,
    /// `afterSourceType` and `afterSourceId` in, and out inside `nextUri`.
    CompositeAfterInNextUri,
    /// `pageNumber` in the body.
    BodyPageNumber,
    /// `pageNumber` in the body; the whole page under `results`.
    BodyPageNumberNested,
    /// `paging` in the body, `totalHits` out.
    BodyPagingTotalHits,
    /// `after` in the body and out.
    BodyAfter,
    /// `cursor` in the body and out.
    BodyCursor,
    /// A whole search, encoded, in `q64`.
    Q64Search,
    /// `startIndex` and `count`.
    ScimStartIndex,
    /// One job for each page.
    JobSelectsPage,
    /// A job whose results come in pages of the size it was submitted with.
    JobSetsPageSize,
    /// The id or the date of the last item, in `after` or `before`.
    IdOrDateWindow,
    /// A page size in; the only way on is `nextUri`.
    PageSizeOnlyNextUri,
    /// A page size or a limit in, and no way on: what comes first is all there is to get.
    LimitOnly,
    /// Nothing in; the only way on is `nextUri`.
    NextUriOnlyEnvelope,
    /// Nothing in; a `cursors` that leads nowhere.
    CursorsOnlyEnvelope,
    /// `after` and `before` are times to filter by, and a `nextUri` that never ends leads to the
    /// same page again.
    DateWindowHomonym,
    /// Nothing in; page counts and a `nextUri` that leads to the same page again.
    UnpagedWithEnvelope,
    /// All `entities` at once.
    UnpagedEntities,
    /// A bare array.
    UnpagedBareArray,
    /// All items of a query that was posted at once, in a field of another name.
    UnpagedPostResults,
    /// All items of a GET at once, in a field of another name.
    UnpagedOtherArray,
    /// All SCIM `Resources` at once.
    UnpagedScimEnvelope,
}

impl Scheme {
    /// The scheme of an operation; `None` if it does not hand out a list.
    pub fn of(catalogue: &Catalogue, operation: &Operation) -> Option<Self> {
        classify(catalogue, operation)
    }

    /// Whether one reply may hold less than the whole list.
    pub fn is_paged(self) -> bool {
        !matches!(
            self,
            Self::CursorsOnlyEnvelope
                | Self::DateWindowHomonym
                | Self::UnpagedWithEnvelope
                | Self::UnpagedEntities
                | Self::UnpagedBareArray
                | Self::UnpagedPostResults
                | Self::UnpagedOtherArray
                | Self::UnpagedScimEnvelope
        )
    }
}
