//! Derives the paging scheme of an operation from its parameters and response.

use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation, Schema};

use crate::scheme::Scheme;

/// Operations whose parameters and response suggest another scheme than the one that the service uses.
const EXCEPTIONS: &[(&str, Scheme)] = &[
    // `pageNumber` and `pageSize` are deprecated here: one response has all units.
    ("GET /api/v2/workforcemanagement/managementunits", Scheme::UnpagedWithEnvelope),
    // `after` and `before` are timestamps to filter by, and `nextUri` is always present.
    ("GET /api/v2/organizations/limits/changerequests", Scheme::DateWindowHomonym),
    // A search with its page under `results`, like those that take the page number in the body.
    ("GET /api/v2/contentmanagement/query", Scheme::BodyPageNumberNested),
    // The query of the submit selects the page.
    (
        "POST /api/v2/integrations/speech/nuance/{nuanceIntegrationId}/bots/jobs",
        Scheme::JobSelectsPage,
    ),
];

/// The field that holds the list, most likely first.
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

pub(crate) fn classify(catalogue: &Catalogue, operation: &Operation) -> Option<Scheme> {
    let route = format!("{} {}", operation.method, operation.path);
    if let Some((_, scheme)) = EXCEPTIONS.iter().find(|(exception, _)| *exception == route) {
        return Some(*scheme);
    }
    if !matches!(operation.method.as_str(), "GET" | "POST") {
        // A change may return a page of what it changed; it has no second page.
        return None;
    }
    Signature::of(catalogue, operation).scheme()
}

/// Where a response has its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemLocation<'a> {
    /// The response is the list.
    Reply,
    /// In this field, or in a field of it if it is itself a page.
    Field(&'a str, Option<&'a str>),
}

impl<'a> ItemLocation<'a> {
    /// Finds the list in a resolved response.
    pub(crate) fn of(catalogue: &'a Catalogue, response: &'a Schema) -> Option<Self> {
        if response.kind == Some(Kind::Array) {
            return Some(Self::Reply);
        }
        if let Some(field) = item_field(catalogue, response) {
            // An entity with `users` or `messages` is not a list of them.
            let is_entity = response.property("id").is_some() && field != "entities";
            return (!is_entity).then_some(Self::Field(field, None));
        }
        let results = catalogue.resolve(response.property("results")?);
        if let Some(field) = item_field(catalogue, results) {
            return Some(Self::Field("results", Some(field)));
        }
        // Hits of mixed types are not described: the document only says that they are in an object.
        let searches = ["pageCount", "cursor"].iter().any(|it| response.property(it).is_some());
        let untyped = results.kind == Some(Kind::Object) && results.properties.is_empty();
        (searches && untyped).then_some(Self::Field("results", None))
    }
}

/// The field of a response that holds its list.
fn item_field<'a>(catalogue: &'a Catalogue, response: &'a Schema) -> Option<&'a str> {
    let is_list = |name: &&&str| {
        let field = response.property(name).map(|field| catalogue.resolve(field));
        field.is_some_and(|field| field.kind == Some(Kind::Array))
    };
    ITEM_FIELDS.iter().find(is_list).copied()
}

/// The parameters, body and response of an operation.
struct Signature<'a> {
    operation: &'a Operation,
    body: Option<&'a Schema>,
    response: Option<&'a Schema>,
    items: Option<ItemLocation<'a>>,
}

impl<'a> Signature<'a> {
    fn of(catalogue: &'a Catalogue, operation: &'a Operation) -> Self {
        let body = operation.body.as_ref().map(|body| catalogue.resolve(&body.schema));
        let response = operation.reply().map(|response| catalogue.resolve(response));
        let items = response.and_then(|response| ItemLocation::of(catalogue, response));
        Self { operation, body, response, items }
    }

    fn query(&self, name: &str) -> bool {
        self.operation.parameters_in(Location::Query).any(|parameter| parameter.name == name)
    }

    fn body(&self, name: &str) -> bool {
        self.body.is_some_and(|body| body.property(name).is_some())
    }

    fn response(&self, name: &str) -> bool {
        self.response.is_some_and(|response| response.property(name).is_some())
    }

    fn lists(&self) -> bool {
        self.items.is_some()
    }

    fn lists_in(&self, name: &str) -> bool {
        self.items == Some(ItemLocation::Field(name, None))
    }

    /// The order matters: an operation may take parameters of several schemes.
    fn scheme(&self) -> Option<Scheme> {
        if self.query("startIndex") && self.query("count") {
            return Some(Scheme::ScimStartIndex);
        }
        if self.query("afterSourceId") {
            return Some(Scheme::CompositeAfterInNextUri);
        }
        self.scheme_of_body()
            .or_else(|| self.scheme_of_query())
            .or_else(|| self.scheme_of_response())
    }

    fn scheme_of_body(&self) -> Option<Scheme> {
        let is_job = self.operation.path.ends_with("/jobs");
        let has_page = self.body("pageNumber");
        let is_nested = matches!(self.items, Some(ItemLocation::Field("results", Some(_))));
        first_of([
            (self.body("paging"), Scheme::BodyPagingTotalHits),
            (has_page && is_job, Scheme::JobSelectsPage),
            (has_page && is_nested, Scheme::BodyPageNumberNested),
            (has_page, Scheme::BodyPageNumber),
            (self.body("pageSize") && is_job, Scheme::JobSetsPageSize),
            (self.body("after") && self.response("after"), Scheme::BodyAfter),
            (self.body("cursor") && self.response("cursor"), Scheme::BodyCursor),
        ])
    }

    fn scheme_of_query(&self) -> Option<Scheme> {
        let (cursor, after, page) =
            (self.query("cursor"), self.query("after"), self.query("pageNumber"));
        let next_uri = self.response("nextUri");
        let counts = self.response("pageCount") || self.response("total");
        let next_page = self.query("nextPage") && !self.response("pageNumber");
        let size = self.query("pageSize") || self.query("limit");
        first_of([
            (self.query("q64"), Scheme::Q64Search),
            (cursor && self.response("cursor"), Scheme::CursorField),
            (cursor && self.response("cursors"), Scheme::CursorsObject),
            (cursor && page, Scheme::PageNumber),
            (cursor && next_uri, Scheme::CursorInNextUri),
            (after && self.response("cursors"), Scheme::CursorsObject),
            (after && self.response("after"), Scheme::AfterField),
            (after && page, Scheme::PageNumber),
            (after && next_uri, Scheme::AfterInNextUri),
            (next_page && next_uri, Scheme::NextPageInNextUri),
            (page && self.lists() && counts, Scheme::PageNumber),
            (page && self.lists() && next_uri, Scheme::PageNumberNoTotal),
            (page && self.lists(), Scheme::PageNumberNoEnvelope),
            (self.window(), Scheme::IdOrDateWindow),
            (size && self.lists() && next_uri, Scheme::PageSizeOnlyNextUri),
            (size && self.lists() && !page, Scheme::LimitOnly),
        ])
    }

    /// The document gives one of these a response without a list, so only the request can decide.
    fn window(&self) -> bool {
        self.query("before") && (self.query("limit") || self.query("maxResults"))
    }

    /// The scheme of an operation whose request does not select a page.
    fn scheme_of_response(&self) -> Option<Scheme> {
        let lists = self.lists();
        let counts = ["pageCount", "pageNumber", "pageSize"].iter().all(|it| self.response(it));
        first_of([
            (lists && counts, Scheme::UnpagedWithEnvelope),
            (lists && self.response("nextUri"), Scheme::NextUriOnlyEnvelope),
            (lists && self.response("cursors"), Scheme::CursorsOnlyEnvelope),
            (self.items == Some(ItemLocation::Reply), Scheme::UnpagedBareArray),
            (self.lists_in("Resources"), Scheme::UnpagedScimEnvelope),
            (self.lists_in("entities"), Scheme::UnpagedEntities),
            (lists && self.operation.method == "POST", Scheme::UnpagedPostResults),
            (lists, Scheme::UnpagedOtherArray),
        ])
    }
}

/// Returns the first scheme whose condition holds.
fn first_of<const N: usize>(rules: [(bool, Scheme); N]) -> Option<Scheme> {
    rules.into_iter().find(|(holds, _)| *holds).map(|(_, scheme)| scheme)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Counts the operations of each scheme in the embedded document. A new document may change a number; a
    /// change of the rules should not.
    #[test]
    fn finds_every_list_of_the_document() {
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
            (Scheme::JobSetsPageSize, 20),
            (Scheme::CursorsObject, 15),
            (Scheme::AfterField, 10),
            (Scheme::Q64Search, 9),
            (Scheme::NextUriOnlyEnvelope, 8),
            (Scheme::PageNumberNoEnvelope, 6),
            (Scheme::BodyAfter, 5),
            (Scheme::NextPageInNextUri, 5),
            (Scheme::BodyPageNumberNested, 4),
            (Scheme::ScimStartIndex, 4),
            (Scheme::UnpagedScimEnvelope, 4),
            (Scheme::JobSelectsPage, 3),
            (Scheme::IdOrDateWindow, 3),
            (Scheme::BodyPagingTotalHits, 2),
            (Scheme::CompositeAfterInNextUri, 2),
            (Scheme::PageNumberNoTotal, 2),
            (Scheme::LimitOnly, 2),
            (Scheme::PageSizeOnlyNextUri, 2),
            (Scheme::CursorsOnlyEnvelope, 2),
            (Scheme::BodyCursor, 1),
            (Scheme::CursorInNextUri, 1),
            (Scheme::DateWindowHomonym, 1),
            (Scheme::UnpagedEntities, 184),
            (Scheme::UnpagedPostResults, 73),
            (Scheme::UnpagedBareArray, 49),
            (Scheme::UnpagedWithEnvelope, 48),
            (Scheme::UnpagedOtherArray, 15),
        ];
        for (scheme, count) in expected {
            assert_eq!(counts.get(&scheme), Some(&count), "{scheme:?}");
        }
        assert_eq!(counts, HashMap::from(expected));
    }
}
