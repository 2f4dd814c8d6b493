use genesys_cloud_catalogue::{Catalogue, Operation};

use crate::classify::classify;

/// How the service pages a list.
///
/// The scheme of an operation is derived from its parameters and response alone, independently of the client,
/// so that each can be checked against the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `pageNumber` and `pageSize` in; `pageCount` and `total` out.
    PageNumber,
    /// `pageNumber` in; the list ends where `nextUri` is missing.
    PageNumberNoTotal,
    /// `pageNumber` in; only the items out.
    PageNumberNoEnvelope,
    /// `after` in; out as part of `nextUri`.
    AfterInNextUri,
    /// `after` in and out.
    AfterField,
    /// `cursor` or `after` in; `cursors.after` out.
    CursorsObject,
    /// `cursor` in and out.
    CursorField,
    /// `cursor` in; out as part of `nextUri`.
    CursorInNextUri,
    /// `nextPage` in; out as part of `nextUri`.
    NextPageInNextUri,
    /// `afterSourceType` and `afterSourceId` in; out as part of `nextUri`.
    CompositeAfterInNextUri,
    /// `pageNumber` in the body.
    BodyPageNumber,
    /// `pageNumber` in the body; the page is under `results`.
    BodyPageNumberNested,
    /// `paging` in the body; `totalHits` out.
    BodyPagingTotalHits,
    /// `after` in the body and out.
    BodyAfter,
    /// `cursor` in the body and out.
    BodyCursor,
    /// An encoded search in `q64`.
    Q64Search,
    /// `startIndex` and `count`.
    ScimStartIndex,
    /// One job per page.
    JobSelectsPage,
    /// A job that sets the page size of its results.
    JobSetsPageSize,
    /// The id or the date of the last item, in `after` or `before`.
    IdOrDateWindow,
    /// A page size in; `nextUri` is the only link to more.
    PageSizeOnlyNextUri,
    /// A page size or limit in; no second page.
    LimitOnly,
    /// Nothing in; `nextUri` is the only link to more.
    NextUriOnlyEnvelope,
    /// Nothing in; `cursors` without a use.
    CursorsOnlyEnvelope,
    /// `after` and `before` are times to filter by, and `nextUri` always returns the same page.
    DateWindowHomonym,
    /// Nothing in; page counts, and a `nextUri` that returns the same page.
    UnpagedWithEnvelope,
    /// All `entities` in one response.
    UnpagedEntities,
    /// A bare array.
    UnpagedBareArray,
    /// All items of a POST in one response, in another field.
    UnpagedPostResults,
    /// All items of a GET in one response, in another field.
    UnpagedOtherArray,
    /// All SCIM `Resources` in one response.
    UnpagedScimEnvelope,
}

impl Scheme {
    /// Returns the scheme of an operation. `None` if it does not return a list.
    pub fn of(catalogue: &Catalogue, operation: &Operation) -> Option<Self> {
        classify(catalogue, operation)
    }

    /// Returns whether a response may have only a part of the list.
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
