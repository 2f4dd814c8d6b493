use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation, Schema};

/// How the service hands out a list that does not fit in one reply.
///
/// An operation's scheme is told from its parameters and its reply alone. The org knows
/// nothing of how a client sees the operation, so each can be checked against the other.
/// Only [`Scheme::PageNumber`] is imitated so far; other lists come in one page.
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
    /// The id or the date of the last item, in `after` or `before`.
    IdOrDateWindow,
}

/// Operations whose parameters and reply tell something else than what the service does.
const EXCEPTIONS: &[(&str, Option<Scheme>)] = &[
    // `pageNumber` and `pageSize` are deprecated here: all units come at once.
    ("GET /api/v2/workforcemanagement/managementunits", None),
    // `after` and `before` are timestamps to filter by, and `nextUri` never ends.
    ("GET /api/v2/organizations/limits/changerequests", None),
    // A search whose page stands under `results`, like those that take it in the body.
    ("GET /api/v2/contentmanagement/query", Some(Scheme::BodyPageNumberNested)),
    // The page is chosen when the job is submitted, here in the query.
    (
        "POST /api/v2/integrations/speech/nuance/{nuanceIntegrationId}/bots/jobs",
        Some(Scheme::JobSelectsPage),
    ),
];

/// Where a list stands in a reply, the likeliest field first.
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

impl Scheme {
    /// The scheme an operation pages by; `None` if it answers in one piece.
    pub fn of(catalogue: &Catalogue, operation: &Operation) -> Option<Self> {
        let route = format!("{} {}", operation.method, operation.path);
        if let Some((_, scheme)) = EXCEPTIONS.iter().find(|(exception, _)| *exception == route) {
            return *scheme;
        }
        if !matches!(operation.method.as_str(), "GET" | "POST") {
            // A change may answer with a page of what it changed; there is no second one.
            return None;
        }
        let sides = Sides::of(catalogue, operation);
        sides.scheme(&operation.path)
    }
}

/// The field of a reply that holds its list.
pub(crate) fn item_field<'a>(catalogue: &'a Catalogue, reply: &'a Schema) -> Option<&'a str> {
    let is_list = |name: &&&str| {
        let field = reply.property(name).map(|field| catalogue.resolve(field));
        field.is_some_and(|field| field.kind == Some(Kind::Array))
    };
    ITEM_FIELDS.iter().find(is_list).copied()
}

/// What goes in and what comes out of an operation.
struct Sides<'a> {
    catalogue: &'a Catalogue,
    operation: &'a Operation,
    body: Option<&'a Schema>,
    reply: Option<&'a Schema>,
}

impl<'a> Sides<'a> {
    fn of(catalogue: &'a Catalogue, operation: &'a Operation) -> Self {
        let body = operation.body.as_ref().map(|body| catalogue.resolve(&body.schema));
        let reply = operation.reply().map(|reply| catalogue.resolve(reply));
        Self { catalogue, operation, body, reply }
    }

    fn query(&self, name: &str) -> bool {
        self.operation.parameters_in(Location::Query).any(|parameter| parameter.name == name)
    }

    fn body(&self, name: &str) -> bool {
        self.body.is_some_and(|body| body.property(name).is_some())
    }

    fn reply(&self, name: &str) -> bool {
        self.reply.is_some_and(|reply| reply.property(name).is_some())
    }

    fn lists(&self) -> bool {
        self.reply.is_some_and(|reply| {
            reply.kind == Some(Kind::Array) || item_field(self.catalogue, reply).is_some()
        })
    }

    /// The order matters: an operation may take parameters of several schemes.
    fn scheme(&self, path: &str) -> Option<Scheme> {
        if self.query("startIndex") && self.query("count") {
            return Some(Scheme::ScimStartIndex);
        }
        if self.query("afterSourceId") {
            return Some(Scheme::CompositeAfterInNextUri);
        }
        self.scheme_of_body(path).or_else(|| self.scheme_of_query())
    }

    fn scheme_of_body(&self, path: &str) -> Option<Scheme> {
        let results = self.reply.and_then(|reply| reply.property("results"));
        let nested = results.map(|results| self.catalogue.resolve(results));
        let is_nested = nested.is_some_and(|results| results.property("entities").is_some());
        let has_page = self.body("pageNumber");
        first_of([
            (self.body("paging"), Scheme::BodyPagingTotalHits),
            (has_page && path.ends_with("/jobs"), Scheme::JobSelectsPage),
            (has_page && is_nested, Scheme::BodyPageNumberNested),
            (has_page, Scheme::BodyPageNumber),
            (self.body("after") && self.reply("after"), Scheme::BodyAfter),
            (self.body("cursor") && self.reply("cursor"), Scheme::BodyCursor),
        ])
    }

    fn scheme_of_query(&self) -> Option<Scheme> {
        let (cursor, after, page) =
            (self.query("cursor"), self.query("after"), self.query("pageNumber"));
        let next_uri = self.reply("nextUri");
        let counts = self.reply("pageCount") || self.reply("total");
        let next_page = self.query("nextPage") && !self.reply("pageNumber");
        first_of([
            (self.query("q64"), Scheme::Q64Search),
            (cursor && self.reply("cursor"), Scheme::CursorField),
            (cursor && self.reply("cursors"), Scheme::CursorsObject),
            (cursor && page, Scheme::PageNumber),
            (cursor && next_uri, Scheme::CursorInNextUri),
            (after && self.reply("cursors"), Scheme::CursorsObject),
            (after && self.reply("after"), Scheme::AfterField),
            (after && page, Scheme::PageNumber),
            (after && next_uri, Scheme::AfterInNextUri),
            (next_page && next_uri, Scheme::NextPageInNextUri),
            (page && self.lists() && counts, Scheme::PageNumber),
            (page && self.lists() && next_uri, Scheme::PageNumberNoTotal),
            (page && self.lists(), Scheme::PageNumberNoEnvelope),
            (self.window(), Scheme::IdOrDateWindow),
        ])
    }

    /// The document gives one of these a reply without a list, so only the request can tell.
    fn window(&self) -> bool {
        self.query("before") && (self.query("limit") || self.query("maxResults"))
    }
}

/// The first scheme whose signs are there.
fn first_of<const N: usize>(rules: [(bool, Scheme); N]) -> Option<Scheme> {
    rules.into_iter().find(|(holds, _)| *holds).map(|(_, scheme)| scheme)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// How many operations of the embedded document page in each way. A new document may
    /// change a number; a change of the rules should not.
    #[test]
    fn the_rules_find_as_many_operations_as_the_document_has() {
        let catalogue = Catalogue::embedded();
        let mut counts = HashMap::new();
        for operation in catalogue.operations() {
            if let Some(scheme) = Scheme::of(catalogue, operation) {
                *counts.entry(scheme).or_insert(0) += 1;
            }
        }
        let expected = [
            (Scheme::PageNumber, 287),
            (Scheme::AfterInNextUri, 80),
            (Scheme::BodyPageNumber, 30),
            (Scheme::CursorField, 25),
            (Scheme::CursorsObject, 15),
            (Scheme::AfterField, 10),
            (Scheme::Q64Search, 9),
            (Scheme::PageNumberNoEnvelope, 6),
            (Scheme::BodyAfter, 5),
            (Scheme::NextPageInNextUri, 5),
            (Scheme::BodyPageNumberNested, 4),
            (Scheme::ScimStartIndex, 4),
            (Scheme::JobSelectsPage, 3),
            (Scheme::IdOrDateWindow, 3),
            (Scheme::BodyPagingTotalHits, 2),
            (Scheme::CompositeAfterInNextUri, 2),
            (Scheme::PageNumberNoTotal, 2),
            (Scheme::BodyCursor, 1),
            (Scheme::CursorInNextUri, 1),
        ];
        assert_eq!(counts, HashMap::from(expected));
    }
}
