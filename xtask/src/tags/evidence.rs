//! The input of the rules: the parameters, body and response of an operation.

use genesys_cloud_catalogue::tags::{Interval, PageSize, Place};

use super::usually;
use crate::document::{Bounds, Document, Kind, Operation, Schema};
use crate::json::Json;

pub(super) struct Evidence<'a> {
    pub(super) document: &'a Document,
    pub(super) operation: &'a Operation,
    reply: Option<&'a Schema>,
    body: Option<&'a Schema>,
    /// The path of the items in the response.
    pub(super) items: Option<String>,
}

/// Fields with the items of a list, the likeliest first.
const ITEM_FIELDS: [&str; 12] = [
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
    "auditMessages",
];

/// Query parameters for the page size, the likeliest first.
const SIZE_PARAMETERS: [&str; 6] =
    ["pageSize", "page_size", "limit", "count", "maxResults", "per_page"];

/// Query parameters that only select a page.
const PAGE_PARAMETERS: [&str; 6] =
    ["pageNumber", "pageSize", "cursor", "nextPage", "startIndex", "q64"];

/// Parameters and fields that `seen` lists.
const TELLING: [&str; 34] = [
    "pageNumber",
    "pageSize",
    "paging",
    "pageCount",
    "total",
    "totalHits",
    "nextUri",
    "nextPage",
    "after",
    "before",
    "afterSourceType",
    "afterSourceId",
    "cursor",
    "cursors",
    "limit",
    "maxResults",
    "q64",
    "startIndex",
    "count",
    "itemsPerPage",
    "totalResults",
    "pagination",
    "continuation_token",
    "continuationToken",
    "next_page_token",
    "nextPageToken",
    "next_token",
    "nextToken",
    "next_cursor",
    "nextCursor",
    "page_size",
    "page_token",
    "pageToken",
    "job",
];

impl<'a> Evidence<'a> {
    pub(super) fn of(document: &'a Document, operation: &'a Operation) -> Self {
        let reply = operation.reply_schema().map(|schema| document.resolve(schema));
        let body = operation.body.as_ref().map(|body| document.resolve(&body.schema));
        let items = reply.and_then(|reply| find_items(document, reply));
        Self { document, operation, reply, body, items }
    }

    /// Whether the operation has this query parameter.
    pub(super) fn query(&self, name: &str) -> bool {
        self.operation.query(name).is_some()
    }

    /// Whether the request body has this field.
    pub(super) fn sent(&self, field: &str) -> bool {
        self.body.is_some_and(|body| body.property(field).is_some())
    }

    /// Whether the response has the field at this path.
    pub(super) fn received(&self, path: &str) -> bool {
        self.reply.is_some_and(|reply| self.document.at(reply, path).is_some())
    }

    /// Whether the response has a list at this path.
    pub(super) fn lists_in(&self, path: &str) -> bool {
        self.items.as_deref() == Some(path)
    }

    /// A parameter that selects a page.
    pub(super) fn page_parameter(&self) -> Option<&'static str> {
        PAGE_PARAMETERS.into_iter().find(|name| self.query(name))
    }

    /// The parameter or field of the body that takes an interval as text.
    pub(super) fn interval(&self) -> Option<Interval> {
        const NAME: &str = "interval";
        let is_text =
            |schema: &Schema| matches!(self.document.resolve(schema).kind, Kind::Text { .. });
        let query = self.operation.query(NAME).filter(|it| is_text(&it.schema));
        let body = self.body.and_then(|body| body.property(NAME)).filter(|it| is_text(it));
        let place = match (query, body) {
            (Some(_), _) => Place::Query,
            (None, Some(_)) => Place::Body,
            (None, None) => return None,
        };
        Some(Interval { place, name: NAME.to_owned(), days: None, id: None })
    }

    pub(super) fn page_size(&self) -> Option<PageSize> {
        for name in SIZE_PARAMETERS {
            if let Some(parameter) = self.operation.query(name) {
                let default = parameter.default.as_ref().and_then(whole);
                let size = self.size(name.to_owned(), Place::Query, &parameter.schema);
                // The default is a valid size.
                return Some(usually(size, default));
            }
        }
        let body = self.body?;
        let paging = body.property("paging").map(|paging| self.document.resolve(paging));
        let (owner, before) = paging.map_or((body, ""), |paging| (paging, "paging."));
        let name = ["pageSize", "page_size"].into_iter().find(|it| owner.property(it).is_some())?;
        Some(self.size(format!("{before}{name}"), Place::Body, owner.property(name)?))
    }

    fn size(&self, name: String, place: Place, schema: &Schema) -> PageSize {
        let resolved = self.document.resolve(schema);
        // A page has at least one item, whatever the bound says.
        let bounds = schema.bounds.and(resolved.bounds);
        let positive = |bound: Option<i64>, least: i64| {
            bound.filter(|bound| *bound >= least).and_then(|bound| u64::try_from(bound).ok())
        };
        let Bounds { minimum, maximum } = bounds;
        PageSize {
            name,
            place,
            text: matches!(resolved.kind, Kind::Text { .. }),
            usual: None,
            maximum: positive(maximum, minimum.unwrap_or(1).max(1)),
            minimum: positive(minimum, 2),
        }
    }

    /// The field of the response with the date up to which the data is available.
    pub(super) fn available(&self) -> Option<String> {
        let is_date = |schema: &Schema| {
            let kind = &self.document.resolve(schema).kind;
            matches!(kind, Kind::Text { format: Some(format) } if format == "date-time")
        };
        let fields = self.reply.map_or(&[][..], Schema::properties).iter();
        let mut fields =
            fields.filter(|(name, schema)| name.starts_with("dataAvailab") && is_date(schema));
        fields.next().map(|(name, _)| name.clone())
    }

    /// Lists what matters for paging, for people.
    pub(super) fn seen(&self) -> Vec<String> {
        let named = |what: &str, has: &dyn Fn(&str) -> bool| {
            let names: Vec<&str> = TELLING.into_iter().filter(|name| has(name)).collect();
            (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
        };
        let items = self.items.as_ref().map(|items| match items.as_str() {
            "[]" => "response: is a list".to_owned(),
            path => format!("response: list in {path}"),
        });
        [
            named("query", &|name| self.query(name)),
            named("body", &|name| self.sent(name)),
            named("response", &|name| self.received(name)),
            items,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A whole number, which some documents state as a string.
fn whole(json: &Json) -> Option<u64> {
    match json {
        Json::Number(number) => number.as_u64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn find_items(document: &Document, reply: &Schema) -> Option<String> {
    if matches!(reply.kind, Kind::List(_)) {
        return Some("[]".to_owned());
    }
    for name in ITEM_FIELDS {
        let Some(field) = reply.property(name).map(|field| document.resolve(field)) else {
            continue;
        };
        match &field.kind {
            Kind::List(_) => return Some(name.to_owned()),
            // The document gives `results` of some searches as free-form JSON; it is a list.
            Kind::Any if name == "results" => return Some(name.to_owned()),
            Kind::Object(_) if name == "results" && field.property("entities").is_some() => {
                return Some("results.entities".to_owned());
            }
            _ => {}
        }
    }
    None
}

/// The schema of one item of a list.
pub fn item_schema<'a>(
    document: &'a Document,
    operation: &'a Operation,
    items: &str,
) -> Option<&'a Schema> {
    let reply = operation.reply_schema()?;
    let list = if items == "[]" { reply } else { document.at(reply, items)? };
    let schema = document.resolve(list);
    match &schema.kind {
        Kind::List(items) => Some(items),
        // The document gives the list as free-form JSON.
        Kind::Any => Some(schema),
        _ => None,
    }
}
