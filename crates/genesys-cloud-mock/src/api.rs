use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use genesys_cloud_catalogue::{Catalogue, Operation, Schema};
use serde_json::Value;

use crate::jobs::Families;
use crate::listing::Listing;
use crate::reply::CannedReply;
use crate::rng::hash;
use crate::routes::{Route, Routes};
use crate::scheme::Scheme;
use crate::shape::Shape;

/// The page size where neither the document nor the service's staff names another.
const DEFAULT_PAGE_SIZE: u64 = 25;
/// The most records on a page where no limit is known.
const DEFAULT_PAGE_SIZE_LIMIT: u64 = 500;

/// Everything orgs have in common, worked out once: which operations there are, how each
/// pages, and what it answers.
#[derive(Debug)]
pub(crate) struct Api {
    routes: Routes,
    endpoints: Vec<Endpoint>,
    families: Families,
}

/// What the org knows of one operation.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Its place in the table.
    pub(crate) place: usize,
    pub(crate) operation: &'static Operation,
    pub(crate) scheme: Option<Scheme>,
    /// What makes its records differ from those of other operations.
    pub(crate) salt: u64,
    page_size_bounds: Option<PageSizeBounds>,
    answer: OnceLock<Answer>,
}

/// How many records a page of an operation may have.
#[derive(Clone, Copy, Debug)]
struct PageSizeBounds {
    least: u64,
    largest: u64,
    /// Whether a size beyond is refused. Otherwise the service silently takes the next one that it allows.
    refuses: bool,
}

/// What an operation answers when nothing goes wrong.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: AnswerBody,
}

#[derive(Debug)]
pub(crate) enum AnswerBody {
    Listing(Listing),
    Record(Shape),
    Empty,
}

static EMBEDDED: LazyLock<Api> = LazyLock::new(|| Api::new(Catalogue::embedded()));

impl Api {
    pub(crate) fn embedded() -> &'static Self {
        &EMBEDDED
    }

    fn new(catalogue: &'static Catalogue) -> Self {
        let bounds = page_size_bounds();
        let endpoints = catalogue.operations().enumerate().map(|(place, operation)| {
            let route = (operation.method.as_str(), operation.path.as_str());
            Endpoint {
                place,
                operation,
                scheme: Scheme::of(catalogue, operation),
                salt: hash(&operation.id),
                page_size_bounds: bounds.get(&route).copied(),
                answer: OnceLock::new(),
            }
        });
        let endpoints: Vec<_> = endpoints.collect();
        let families = Families::find(catalogue, &endpoints);
        Self { routes: Routes::new(catalogue.operations()), endpoints, families }
    }

    pub(crate) fn families(&self) -> &Families {
        &self.families
    }

    pub(crate) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    pub(crate) fn endpoint(&self, index: usize) -> &Endpoint {
        &self.endpoints[index]
    }

    pub(crate) fn route<'a>(&self, method: &str, path: &'a str) -> Route<'a> {
        self.routes.find(method, path)
    }

    /// The operation of this name, in any of the forms the catalogue takes.
    pub(crate) fn find(&self, name: &str) -> Option<&Endpoint> {
        let wanted = Catalogue::embedded().operation(name)?;
        self.endpoints.iter().find(|endpoint| endpoint.operation.id == wanted.id)
    }
}

impl Endpoint {
    pub(crate) fn nearest_page_size(&self, size: u64) -> u64 {
        self.page_size_bounds.map_or(size, |bounds| size.clamp(bounds.least, bounds.largest))
    }

    /// Refuses a page size as the service does where it does not take the next one that it allows.
    pub(crate) fn check_page_size(&self, size: Option<u64>) -> Result<(), CannedReply> {
        let bounds = self.page_size_bounds.filter(|bounds| bounds.refuses).zip(size);
        match bounds {
            Some((PageSizeBounds { least, largest, .. }, size))
                if !(least..=largest).contains(&size) =>
            {
                let message =
                    format!("The page size must be between {least} and {largest}, not {size}.");
                Err(CannedReply::bad_request(&message))
            }
            _ => Ok(()),
        }
    }

    /// The page size of a request that names none, and the most a page may have.
    pub(crate) fn page_sizes(&self) -> (u64, u64) {
        let stated = ["pageSize", "limit", "count"].into_iter().find_map(|name| {
            // Some are numbers in texts.
            match self.operation.parameter(name)?.default.as_ref()? {
                Value::String(text) => text.parse().ok(),
                value => value.as_u64(),
            }
        });
        let default = stated.unwrap_or(DEFAULT_PAGE_SIZE);
        match self.page_size_bounds {
            Some(bounds) => (default.clamp(bounds.least, bounds.largest), bounds.largest),
            None => (default, DEFAULT_PAGE_SIZE_LIMIT.max(default)),
        }
    }

    /// What the reply looks like.
    pub(crate) fn schema(&self) -> Option<&'static Schema> {
        let (_, schema) = outcome(self.operation);
        schema.map(|schema| Catalogue::embedded().resolve(schema))
    }

    pub(crate) fn answer(&self) -> &Answer {
        self.answer.get_or_init(|| {
            let catalogue = Catalogue::embedded();
            let (status, schema) = outcome(self.operation);
            let body = match schema {
                None => AnswerBody::Empty,
                Some(schema) => match Listing::of(catalogue, schema) {
                    Some(listing) => AnswerBody::Listing(listing),
                    None => AnswerBody::Record(Shape::of(catalogue, schema)),
                },
            };
            Answer { status, body }
        })
    }
}

/// The reply of a request that succeeds: one with a body, if the document has one.
fn outcome(operation: &Operation) -> (u16, Option<&Schema>) {
    let successes = || {
        let statuses = operation.replies.iter().filter_map(|reply| Some((reply.status?, reply)));
        statuses.filter(|(status, _)| (200..300).contains(status))
    };
    if let Some((status, reply)) = successes().find(|(_, reply)| reply.schema.is_some()) {
        return (status, reply.schema.as_ref());
    }
    let fallback = if operation.reply().is_some() { 200 } else { 204 };
    (successes().next().map_or(fallback, |(status, _)| status), operation.reply())
}

/// The documented bounds, an operation in a line, under a heading.
fn page_size_bounds() -> HashMap<(&'static str, &'static str), PageSizeBounds> {
    include_str!("../data/page-size-limits.tsv")
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let route = (columns.next()?, columns.next()?);
            let (least, largest) = (columns.next()?.parse().ok()?, columns.next()?.parse().ok()?);
            let refuses = columns.next()? == "refused";
            Some((route, PageSizeBounds { least, largest, refuses }))
        })
        .collect()
}
