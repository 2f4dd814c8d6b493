//! What kind of call an operation is: a single entity, a list, or a list in pages, and of which scheme.
//!
//! The rules read parameters and reply schemas only. They stand in one ordered table, `RULES`: the
//! first that applies decides.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::document::{Document, Kind, Location, Method, Operation, Schema};

/// The tag of one operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tag {
    pub kind: TagKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// Where the items stand in the reply: field names joined by dots, or `[]` for a bare array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<PageSize>,
    /// The rule that decided.
    #[serde(skip)]
    pub rule: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TagKind {
    /// One entity, or an action.
    Single,
    /// A list in one reply.
    List,
    /// A list in pages.
    Paged,
}

impl Tag {
    /// The tag with another scheme, as an exception states it.
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        Self {
            kind: scheme.kind(),
            scheme: Some(scheme),
            rule: "exception in openapi/operations.toml",
            ..self
        }
    }
}

impl TagKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::List => "list",
            Self::Paged => "paged",
        }
    }
}

/// The parameter that sets how many items a page holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageSize {
    pub name: String,
    pub place: &'static str,
    /// Whether the document gives it as text.
    pub text: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<i64>,
}

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
    UnpagedWithEnvelope,
    UnpagedEntities,
    UnpagedBareArray,
    UnpagedPostResults,
    UnpagedOtherArray,
    UnpagedScimEnvelope,
}

impl Scheme {
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    fn kind(self) -> TagKind {
        match self {
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
}

/// What the rules look at.
struct Evidence<'a> {
    document: &'a Document,
    operation: &'a Operation,
    reply: Option<&'a Schema>,
    body: Option<&'a Schema>,
    items: Option<Items>,
}

/// Where a reply keeps its items.
#[derive(Clone, Debug, PartialEq)]
struct Items {
    path: String,
}

/// The fields that hold the items of a list, the likeliest first.
const ITEM_FIELDS: [&str; 11] = [
    "entities",
    "conversations",
    "userDetails",
    "results",
    "Resources",
    "data",
    "items",
    "values",
    "resources",
    "users",
    "messages",
];

type Rule = (&'static str, fn(&Evidence<'_>) -> Option<Scheme>);

/// In order: the first that answers decides.
const RULES: &[Rule] = &[
    ("query `startIndex` and `count`", |e| {
        (e.query("startIndex") && e.query("count")).then_some(Scheme::ScimStartIndex)
    }),
    ("query `afterSourceId`", |e| {
        e.query("afterSourceId").then_some(Scheme::CompositeAfterInNextUri)
    }),
    ("body `paging`", |e| e.sent("paging").then_some(Scheme::BodyPagingTotalHits)),
    ("body `pageNumber`", |e| {
        e.sent("pageNumber").then(|| {
            if e.operation.path.ends_with("/jobs") {
                Scheme::JobSelectsPage
            } else if e.items.as_ref().is_some_and(|items| items.path == "results.entities") {
                Scheme::BodyPageNumberNested
            } else {
                Scheme::BodyPageNumber
            }
        })
    }),
    ("body `pageSize` of a job", |e| {
        (e.sent("pageSize") && e.operation.path.ends_with("/jobs"))
            .then_some(Scheme::JobSetsPageSize)
    }),
    ("body `after`, reply `after`", |e| {
        (e.sent("after") && e.received("after")).then_some(Scheme::BodyAfter)
    }),
    ("body `cursor`, reply `cursor`", |e| {
        (e.sent("cursor") && e.received("cursor")).then_some(Scheme::BodyCursor)
    }),
    ("query `q64`", |e| (e.query("q64") && e.items.is_some()).then_some(Scheme::Q64Search)),
    ("query `cursor`", |e| {
        if !e.query("cursor") {
            None
        } else if e.received("cursor") {
            Some(Scheme::CursorField)
        } else if e.received("cursors") {
            Some(Scheme::CursorsObject)
        } else if e.query("pageNumber") {
            Some(Scheme::PageNumber)
        } else {
            e.received("nextUri").then_some(Scheme::CursorInNextUri)
        }
    }),
    ("query `after`", |e| {
        if !e.query("after") {
            None
        } else if e.received("cursors") {
            Some(Scheme::CursorsObject)
        } else if e.received("after") {
            Some(Scheme::AfterField)
        } else if e.query("pageNumber") {
            Some(Scheme::PageNumber)
        } else if e.received("nextUri") {
            Some(Scheme::AfterInNextUri)
        } else {
            (e.query("before") && (e.query("limit") || e.query("maxResults")))
                .then_some(Scheme::IdOrDateWindow)
        }
    }),
    ("query `nextPage`, reply `nextUri` without `pageNumber`", |e| {
        (e.query("nextPage") && e.received("nextUri") && !e.received("pageNumber"))
            .then_some(Scheme::NextPageInNextUri)
    }),
    ("query `pageNumber`", |e| {
        if !e.query("pageNumber") || e.items.is_none() {
            None
        } else if e.received("pageCount") || e.received("total") {
            Some(Scheme::PageNumber)
        } else if e.received("nextUri") {
            Some(Scheme::PageNumberNoTotal)
        } else {
            Some(Scheme::PageNumberNoEnvelope)
        }
    }),
    ("query `pageSize` or `limit` alone", |e| {
        if !(e.query("pageSize") || e.query("limit")) || e.items.is_none() {
            None
        } else if e.received("nextUri") {
            Some(Scheme::PageSizeOnlyNextUri)
        } else {
            Some(Scheme::LimitOnly)
        }
    }),
    ("page fields in the reply, none in the request", |e| {
        (e.items.is_some()
            && ["pageCount", "pageNumber", "pageSize"].iter().all(|field| e.received(field)))
        .then_some(Scheme::UnpagedWithEnvelope)
    }),
    ("`nextUri` in the reply, nothing to page by in the request", |e| {
        (e.items.is_some() && e.received("nextUri")).then_some(Scheme::NextUriOnlyEnvelope)
    }),
    ("`cursors` in the reply, nothing to page by in the request", |e| {
        (e.items.is_some() && e.received("cursors")).then_some(Scheme::CursorsOnlyEnvelope)
    }),
    ("an array in the reply", |e| {
        let items = e.items.as_ref()?;
        Some(match (items.path.as_str(), e.operation.method) {
            ("[]", _) => Scheme::UnpagedBareArray,
            ("entities", _) => Scheme::UnpagedEntities,
            ("Resources", _) => Scheme::UnpagedScimEnvelope,
            (_, Method::Post) => Scheme::UnpagedPostResults,
            _ => Scheme::UnpagedOtherArray,
        })
    }),
];

/// The tag of an operation.
pub fn tag(document: &Document, operation: &Operation) -> Result<Tag> {
    let single =
        |rule| Tag { kind: TagKind::Single, scheme: None, items: None, page_size: None, rule };
    // Other methods may return the envelope of a list, as an echo of what they changed.
    if !matches!(operation.method, Method::Get | Method::Post) {
        return Ok(single("method"));
    }
    let evidence = Evidence::of(document, operation);
    let Some((rule, scheme)) =
        RULES.iter().find_map(|(name, rule)| Some((*name, rule(&evidence)?)))
    else {
        return Ok(single("no list in the reply"));
    };
    if scheme == Scheme::PageNumber && evidence.items.is_none() {
        bail!("{}: paged by {rule}, but the reply has no list that is known", operation.place());
    }
    Ok(Tag {
        kind: scheme.kind(),
        scheme: Some(scheme),
        items: evidence.items.as_ref().map(|items| items.path.clone()),
        page_size: evidence.page_size(),
        rule,
    })
}

/// The schema of one item of a list.
pub fn item_schema<'a>(
    document: &'a Document,
    operation: &'a Operation,
    items: &str,
) -> Option<&'a Schema> {
    let mut schema = document.resolve(operation.reply_schema()?);
    if items != "[]" {
        for field in items.split('.') {
            schema = document.resolve(schema.property(field)?);
        }
    }
    match &schema.kind {
        Kind::List(items) => Some(items),
        // Lists that the document gives as JSON of any kind.
        Kind::Any => Some(schema),
        _ => None,
    }
}

impl<'a> Evidence<'a> {
    fn of(document: &'a Document, operation: &'a Operation) -> Self {
        let reply = operation.reply_schema().map(|schema| document.resolve(schema));
        let body = operation.body.as_ref().map(|body| document.resolve(&body.schema));
        let items = reply.and_then(|reply| find_items(document, reply));
        Self { document, operation, reply, body, items }
    }

    fn query(&self, name: &str) -> bool {
        self.operation.query(name).is_some()
    }

    fn sent(&self, field: &str) -> bool {
        self.body.is_some_and(|body| body.property(field).is_some())
    }

    fn received(&self, field: &str) -> bool {
        self.reply.is_some_and(|reply| reply.property(field).is_some())
    }

    fn page_size(&self) -> Option<PageSize> {
        for name in ["pageSize", "limit", "count", "maxResults"] {
            if let Some(parameter) = self.operation.query(name) {
                debug_assert_eq!(parameter.location, Location::Query);
                return Some(PageSize {
                    name: name.to_owned(),
                    place: "query",
                    text: matches!(parameter.schema.kind, Kind::Text { .. }),
                    maximum: parameter.maximum,
                });
            }
        }
        let body = self.body?;
        let paging = body.property("paging").map(|paging| self.document.resolve(paging));
        let (name, owner) = match paging {
            Some(paging) => ("paging.pageSize", paging),
            None => ("pageSize", body),
        };
        let text = matches!(owner.property("pageSize")?.kind, Kind::Text { .. });
        Some(PageSize { name: name.to_owned(), place: "body", text, maximum: None })
    }
}

fn find_items(document: &Document, reply: &Schema) -> Option<Items> {
    if matches!(reply.kind, Kind::List(_)) {
        return Some(Items { path: "[]".to_owned() });
    }
    for name in ITEM_FIELDS {
        let Some(field) = reply.property(name).map(|field| document.resolve(field)) else {
            continue;
        };
        match &field.kind {
            Kind::List(_) => return Some(Items { path: name.to_owned() }),
            // `results` of some searches is a list that the document gives as JSON of any kind.
            Kind::Any if name == "results" => return Some(Items { path: name.to_owned() }),
            Kind::Object(_) if name == "results" && field.property("entities").is_some() => {
                return Some(Items { path: "results.entities".to_owned() });
            }
            _ => {}
        }
    }
    None
}
