//! The ways in which lists of the API page, or do not, and what the operations of each share.

use serde::{Deserialize, Serialize};

use super::TagKind;

/// A way of paging, or of not paging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Scheme {
    PageNumber,
    PageNumberNoTotal,
    PageNumberNoEnvelope,
    AfterInNextUri,
    AfterField,
    CursorsObject,
    CursorField,
    CursorInNextUri,
    NextPageInNextUri,
    CompositeAfterInNextUri,
    BodyPageNumber,
    BodyPageNumberNested,
    BodyPagingTotalHits,
    BodyAfter,
    BodyCursor,
    Q64Search,
    ScimStartIndex,
    JobSelectsPage,
    JobSetsPageSize,
    IdOrDateWindow,
    PageSizeOnlyNextUri,
    LimitOnly,
    NextUriOnlyEnvelope,
    CursorsOnlyEnvelope,
    DateWindowHomonym,
    ContinuationToken,
    UnpagedWithEnvelope,
    UnpagedEntities,
    UnpagedBareArray,
    UnpagedPostResults,
    UnpagedOtherArray,
    UnpagedScimEnvelope,
}

/// Where the number or token of a page goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The name of a query parameter, or the path of a field of the body.
    pub name: String,
    pub place: PlaceKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceKind {
    Query,
    Body,
}

impl PlaceKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Body => "body",
        }
    }
}

impl Place {
    pub fn query(name: &str) -> Self {
        Self { name: name.to_owned(), place: PlaceKind::Query }
    }

    pub fn body(name: &str) -> Self {
        Self { name: name.to_owned(), place: PlaceKind::Body }
    }
}

/// Where a reply has what leads to the next page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenOut {
    /// The path of a field of the reply.
    pub path: String,
    pub form: TokenForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenForm {
    /// The field is the token.
    Field,
    /// The field is a link that is followed as a whole.
    Link,
    /// The token is a parameter of a link, of the same name.
    InLink,
    /// The field is the token; it stands in the last item of the page.
    LastItem,
    /// The field leads nowhere: that it is missing tells the end.
    Mark,
}

impl TokenForm {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Link => "link",
            Self::InLink => "in_link",
            Self::LastItem => "last_item",
            Self::Mark => "mark",
        }
    }
}

impl TokenOut {
    pub fn field(path: &str) -> Self {
        Self { path: path.to_owned(), form: TokenForm::Field }
    }

    fn in_link(path: &str) -> Self {
        Self { path: path.to_owned(), form: TokenForm::InLink }
    }

    fn mark(path: &str) -> Self {
        Self { path: path.to_owned(), form: TokenForm::Mark }
    }
}

impl Scheme {
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    pub fn kind(self) -> TagKind {
        match self {
            Self::JobSelectsPage | Self::JobSetsPageSize => TagKind::Job,
            Self::NextUriOnlyEnvelope
            | Self::CursorsOnlyEnvelope
            | Self::UnpagedWithEnvelope
            | Self::UnpagedEntities
            | Self::UnpagedBareArray
            | Self::UnpagedPostResults
            | Self::UnpagedOtherArray
            | Self::UnpagedScimEnvelope => TagKind::List,
            _ => TagKind::Paged,
        }
    }

    /// Where the number or token of a page usually goes. The runtime knows this of its own: only what
    /// differs is written into the bindings.
    pub fn token_in(self) -> Vec<Place> {
        let query = |name| vec![Place::query(name)];
        let body = |name| vec![Place::body(name)];
        match self {
            Self::PageNumber | Self::PageNumberNoTotal | Self::PageNumberNoEnvelope => {
                query("pageNumber")
            }
            Self::AfterInNextUri | Self::AfterField | Self::IdOrDateWindow => query("after"),
            Self::CursorsObject | Self::CursorField | Self::CursorInNextUri => query("cursor"),
            Self::NextPageInNextUri => query("nextPage"),
            Self::CompositeAfterInNextUri => {
                vec![Place::query("afterSourceType"), Place::query("afterSourceId")]
            }
            Self::BodyPageNumber | Self::BodyPageNumberNested | Self::JobSelectsPage => {
                body("pageNumber")
            }
            Self::BodyPagingTotalHits => body("paging.pageNumber"),
            Self::BodyAfter => body("after"),
            Self::BodyCursor => body("cursor"),
            Self::Q64Search => query("q64"),
            Self::ScimStartIndex => query("startIndex"),
            _ => Vec::new(),
        }
    }

    /// Where a reply usually has what leads to the next page.
    pub fn token_out(self) -> Option<TokenOut> {
        match self {
            Self::PageNumber | Self::PageNumberNoTotal | Self::BodyPageNumber => {
                Some(TokenOut::mark("nextUri"))
            }
            Self::BodyPageNumberNested => Some(TokenOut::mark("results.nextUri")),
            Self::AfterInNextUri
            | Self::CursorInNextUri
            | Self::NextPageInNextUri
            | Self::CompositeAfterInNextUri => Some(TokenOut::in_link("nextUri")),
            Self::AfterField | Self::BodyAfter => Some(TokenOut::field("after")),
            Self::CursorsObject => Some(TokenOut::field("cursors.after")),
            Self::CursorField | Self::BodyCursor => Some(TokenOut::field("cursor")),
            Self::Q64Search => Some(TokenOut::in_link("nextPage")),
            Self::PageSizeOnlyNextUri => {
                Some(TokenOut { path: "nextUri".to_owned(), form: TokenForm::Link })
            }
            Self::IdOrDateWindow => {
                Some(TokenOut { path: "id".to_owned(), form: TokenForm::LastItem })
            }
            _ => None,
        }
    }
}
