//! How operations list.

use serde::{Deserialize, Serialize};

use super::TagKind;

/// How an operation lists and pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListTag {
    /// The scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// The path of the items in the response: field names joined by dots, or `[]` for a bare array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// The page-size parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<PageSize>,
    /// Where the page number or token goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_in: Vec<ParamLocation>,
    /// Where a response has the token or link of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_out: Option<NextToken>,
    /// The cap on the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// The path that runs the same query as a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<String>,
    /// How many hours a page token is valid, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_hours: Option<u64>,
    /// How to recognize a page.
    #[serde(flatten)]
    pub reply: PageResponse,
}

/// How to recognize a response as a page, beyond what all pages have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageResponse {
    /// Fields that a page may have, in addition to those that the core knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Whether items need not be JSON objects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub values: bool,
    /// Whether a 204 is documented.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_content: bool,
}

/// The page-size parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSize {
    /// The name of a query parameter, or the path of a field of the body.
    pub name: String,
    /// Where it goes.
    pub place: Place,
    /// Whether it is a string in the document.
    pub text: bool,
    /// The default to request, if it exceeds the default of the scheme and no maximum is documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<u64>,
    /// The documented maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u64>,
    /// The documented minimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<u64>,
}

/// A parameter in the query or in the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParamLocation {
    /// The name of a query parameter, or the path of a field of the body.
    pub name: String,
    /// Where it goes.
    pub place: Place,
}

/// The part of a request that has a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The query string.
    Query,
    /// A field of the JSON body.
    Body,
}

/// Where a response has the token or link of the next page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextToken {
    /// The path of a field of the response.
    pub path: String,
    /// The content of the field.
    pub form: TokenForm,
}

/// The content of the field with the token or link of the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenForm {
    /// The token.
    Field,
    /// A link to follow.
    Link,
    /// A link with the token as a parameter of the same name.
    InLink,
    /// The token, in the last item of the page.
    LastItem,
    /// No token: the list ends when the field is missing.
    Mark,
}

/// The maximum number of pages or items that the API returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// The maximum number of pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// The maximum number of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// The query parameter and value for which the cap applies.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<(String, String)>,
}

/// The parameter that takes a time range as text, and its limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Where it goes.
    pub place: Place,
    /// The name of a query parameter, or the path of a field of the body.
    pub name: String,
    /// The longest accepted interval, in days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
    /// The path of an item's id, if an item is the same in every interval that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Place {
    /// The name in the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Body => "body",
        }
    }
}

impl ParamLocation {
    /// A query parameter.
    pub fn query(name: &str) -> Self {
        Self { name: name.to_owned(), place: Place::Query }
    }

    /// A field of the body.
    pub fn body(name: &str) -> Self {
        Self { name: name.to_owned(), place: Place::Body }
    }
}

impl NextToken {
    /// A field with the token.
    pub fn field(path: &str) -> Self {
        Self { path: path.to_owned(), form: TokenForm::Field }
    }

    /// A field with a link that has the token.
    pub fn in_link(path: &str) -> Self {
        Self { path: path.to_owned(), form: TokenForm::InLink }
    }

    /// A field that is missing in the last page.
    pub fn mark(path: &str) -> Self {
        Self { path: path.to_owned(), form: TokenForm::Mark }
    }
}

impl TokenForm {
    /// The name in the catalogue.
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

macro_rules! schemes {
    ($($(#[$meta:meta])* $scheme:ident: $kind:ident;)*) => {
        /// A way of paging, or of listing without pages. The type of the same name in `genesys-cloud-core` documents
        /// each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[allow(missing_docs)] // The core documents each.
        pub enum Scheme {
            $($scheme,)*
        }

        impl Scheme {
            /// All schemes.
            pub const ALL: &[Self] = &[$(Self::$scheme),*];

            /// The name in the catalogue.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$scheme => stringify!($scheme),)*
                }
            }

            /// Returns the default kind of call of this scheme.
            pub fn kind(self) -> TagKind {
                match self {
                    $(Self::$scheme => TagKind::$kind,)*
                }
            }
        }
    };
}

schemes! {
    PageNumber: Paged;
    PageNumberNoTotal: Paged;
    PageNumberNoEnvelope: Paged;
    AfterInNextUri: Paged;
    AfterField: Paged;
    CursorsObject: Paged;
    CursorField: Paged;
    CursorInNextUri: Paged;
    NextPageInNextUri: Paged;
    CompositeAfterInNextUri: Paged;
    BodyPageNumber: Paged;
    BodyPageNumberNested: Paged;
    BodyPagingTotalHits: Paged;
    BodyAfter: Paged;
    BodyCursor: Paged;
    Q64Search: Paged;
    ScimStartIndex: Paged;
    JobSelectsPage: Job;
    JobSetsPageSize: Job;
    IdOrDateWindow: Paged;
    PageSizeOnlyNextUri: Paged;
    LimitOnly: Paged;
    NextUriOnlyEnvelope: List;
    CursorsOnlyEnvelope: List;
    DateWindowHomonym: Paged;
    ContinuationToken: Paged;
    UnpagedWithEnvelope: List;
    UnpagedEntities: List;
    UnpagedBareArray: List;
    UnpagedPostResults: List;
    UnpagedOtherArray: List;
    UnpagedScimEnvelope: List;
}
