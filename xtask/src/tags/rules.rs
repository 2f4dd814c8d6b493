//! The rules, in order: the first that matches decides.

use super::evidence::Evidence;
use super::{NextToken, ParamLocation, Scheme, TagKind, usual_token_in, usual_token_out};
use crate::document::{Document, Method, Operation};

type Rule = (&'static str, fn(&Evidence<'_>) -> Option<Scheme>);

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
            } else if e.lists_in("results.entities") {
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
    ("body `after`, response `after`", |e| {
        (e.sent("after") && e.received("after")).then_some(Scheme::BodyAfter)
    }),
    ("body `cursor`, response `cursor`", |e| {
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
    ("query `nextPage`, response `nextUri` without `pageNumber`", |e| {
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
    ("a token in the response, and a parameter that takes it", |e| {
        (e.items.is_some() && continuation(e).is_some()).then_some(Scheme::ContinuationToken)
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
    ("page fields in the response, none in the request", |e| {
        (e.items.is_some()
            && ["pageCount", "pageNumber", "pageSize"].iter().all(|field| e.received(field)))
        .then_some(Scheme::UnpagedWithEnvelope)
    }),
    ("`nextUri` in the response, nothing to page by in the request", |e| {
        (e.items.is_some() && e.received("nextUri")).then_some(Scheme::NextUriOnlyEnvelope)
    }),
    ("`cursors` in the response, nothing to page by in the request", |e| {
        (e.items.is_some() && e.received("cursors")).then_some(Scheme::CursorsOnlyEnvelope)
    }),
    ("an array in the response", |e| {
        Some(match (e.items.as_deref()?, e.operation.method) {
            ("[]", _) => Scheme::UnpagedBareArray,
            ("entities", _) => Scheme::UnpagedEntities,
            ("Resources", _) => Scheme::UnpagedScimEnvelope,
            (_, Method::Post) => Scheme::UnpagedPostResults,
            _ => Scheme::UnpagedOtherArray,
        })
    }),
];

pub(super) fn decide(evidence: &Evidence<'_>) -> Option<(&'static str, Scheme)> {
    RULES.iter().find_map(|(name, rule)| Some((*name, rule(evidence)?)))
}

/// Fields with a token for the next page: at the top of the response, or in its `pagination`.
const TOKEN_FIELDS: [&str; 9] = [
    "continuation_token",
    "continuationToken",
    "next_page_token",
    "nextPageToken",
    "next_token",
    "nextToken",
    "next_cursor",
    "nextCursor",
    "next",
];

/// Parameters for a token whose field has another name.
const TOKEN_PARAMETERS: [&str; 9] = [
    "continuation_token",
    "continuationToken",
    "page_token",
    "pageToken",
    "next_token",
    "nextToken",
    "cursor",
    "token",
    "after",
];

/// Where the token goes and comes from, for a list that pages by a token and matches no other rule.
fn continuation(e: &Evidence<'_>) -> Option<(ParamLocation, NextToken)> {
    let fields = ["", "pagination.", "paging."]
        .into_iter()
        .flat_map(|before| TOKEN_FIELDS.map(|field| (field, format!("{before}{field}"))));
    let (field, path) = fields.into_iter().find(|(_, path)| e.received(path))?;
    let names = || std::iter::once(field).chain(TOKEN_PARAMETERS);
    let place = names().find(|name| e.query(name)).map(ParamLocation::query);
    let place = place.or_else(|| names().find(|name| e.sent(name)).map(ParamLocation::body))?;
    Some((place, NextToken::field(&path)))
}

/// The token parameters and field of an operation, if they differ from the default of its scheme.
pub(super) fn token_places(
    scheme: Scheme,
    e: &Evidence<'_>,
) -> Option<(Vec<ParamLocation>, Option<NextToken>)> {
    match scheme {
        // Four operations call the parameter `after` instead of `cursor`.
        Scheme::CursorsObject if !e.query("cursor") => {
            Some((vec![ParamLocation::query("after")], usual_token_out(scheme)))
        }
        Scheme::ContinuationToken => {
            let (place, token_out) = continuation(e)?;
            Some((vec![place], Some(token_out)))
        }
        // Some have counts and no links.
        _ if usual_token_out(scheme).is_some_and(|out| !e.received(&out.path)) => match scheme {
            Scheme::PageNumber | Scheme::BodyPageNumber | Scheme::BodyPageNumberNested => {
                Some((usual_token_in(scheme), None))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Path segments of a POST that is a query, too long for a GET.
const ASKING: [&str; 3] = ["query", "search", "retrieve"];

/// Whether a POST is read-only: its path is that of a query, and it does not start a job.
pub(super) fn reads(e: &Evidence<'_>) -> bool {
    let path = &e.operation.path;
    let asks = path.split('/').any(|word| ASKING.contains(&word));
    let starts_job = path.ends_with("/jobs")
        || ["job", "jobId", "operationId", "executionId"].iter().any(|it| e.received(it))
        || e.document.below(Method::Get, path, "/results").is_some();
    asks && !starts_job
}

/// Why a response that contains a list is not one.
pub(super) fn not_a_list(e: &Evidence<'_>, scheme: Scheme, reads: bool) -> Option<&'static str> {
    let is_post = e.operation.method == Method::Post;
    if is_post && !reads && scheme.kind() == TagKind::List {
        return Some("a POST that is not known to be read-only: the list shows what it did");
    }
    let own_field = !matches!(e.items.as_deref(), Some("entities" | "[]" | "Resources"));
    let unpaged = matches!(scheme, Scheme::UnpagedPostResults | Scheme::UnpagedOtherArray);
    (unpaged && own_field && e.received("id")).then_some("an entity with a list field")
}

/// Finds the path that runs the same query as a job: `../jobs` for `../query`, or `../query/jobs`.
pub(super) fn jobs(document: &Document, operation: &Operation) -> Option<String> {
    let base = operation.path.strip_suffix("/query")?;
    [format!("{base}/jobs"), format!("{}/jobs", operation.path)].into_iter().find(|path| {
        document.operations.iter().any(|it| it.method == Method::Post && it.path == *path)
    })
}
