//! How an operation lists.

use serde::{Deserialize, Serialize};

use super::TagKind;

/// How a reply lists, and how to get from page to page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListTag {
    /// How the list pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// The path of the items in the reply: field names joined by dots, or `[]` for a bare array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// The parameter that sets how many items a page has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<PageSize>,
    /// Where the number or the token of a page goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_in: Vec<ParamLocation>,
    /// Where a reply has what leads to the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_out: Option<NextToken>,
    /// How far the API lets the list be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// The path that runs the same query as a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<String>,
    /// How many hours the token of a page is good for, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_hours: Option<u64>,
    /// How a reply is recognized as a page.
    #[serde(flatten)]
    pub reply: PageReply,
}

/// What the document says of a reply that is a page, beyond what all pages have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageReply {
    /// Fields that a page may have, beside those that the runtime knows anyway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Whether items need not be JSON objects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub values: bool,
    /// Whether a 204 is documented.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_content: bool,
}

/// The parameter that sets how many items a page has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSize {
    /// The name of a query parameter, or the path of a field of the body.
    pub name: String,
    /// Where it goes.
    pub place: Place,
    /// Whether the document gives it as text.
    pub text: bool,
    /// What to ask for unless the caller says otherwise, where it is more than is usual of the scheme
    /// and no maximum is documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<u64>,
    /// The largest page, where it is documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u64>,
    /// The smallest page, where it is documented.
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

/// The part of a request that a parameter goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// After the question mark.
    Query,
    /// A field of the JSON body.
    Body,
}

/// Where a reply has what leads to the next page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextToken {
    /// The path of a field of the reply.
    pub path: String,
    /// What the field holds.
    pub form: TokenForm,
}

/// What the field that leads to the next page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenForm {
    /// The token.
    Field,
    /// A link that is followed as a whole.
    Link,
    /// A link with the token as a parameter of the same name.
    InLink,
    /// The token, in the last item of the page.
    LastItem,
    /// Nothing to follow: the list ends where the field is missing.
    Mark,
}

/// How far the API lets a list be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// The most pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// The most items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// A query parameter and the value with which the cap holds.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<(String, String)>,
}

/// The parameter that takes a time range as text, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Where it goes.
    pub place: Place,
    /// The name of a query parameter, or the path of a field of the body.
    pub name: String,
    /// The longest interval that is taken, in days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
    /// The path of an item's id, where an item is the same in every interval that has it.
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
    /// A field that holds the token.
    pub fn field(path: &str) -> Self {
        Self { path: path.to_owned(), form: TokenForm::Field }
    }

    /// A field that holds a link with the token in it.
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
        /// A way of paging, or of not paging. What each does is documented at the type of the same name
        /// in the runtime.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[allow(missing_docs)] // The runtime documents each.
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

            /// What kind of call an operation of this scheme is, unless something else is known of it.
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
