use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use genesys_cloud_catalogue::{Catalogue, Operation, Schema};
use serde_json::Value;

use crate::jobs::JobSpecs;
use crate::listing::Listing;
use crate::response::CannedResponse;
use crate::rng::hash;
use crate::routes::{Route, Routes};
use crate::scheme::Scheme;
use crate::shape::Shape;

/// The page size where neither the document nor Genesys support states another.
const DEFAULT_PAGE_SIZE: u64 = 25;
/// The largest page where no limit is known.
const DEFAULT_PAGE_SIZE_LIMIT: u64 = 500;

/// What all orgs share, computed once: the operations, how each one pages, and what it returns.
#[derive(Debug)]
pub(crate) struct Api {
    routes: Routes,
    endpoints: Vec<Endpoint>,
    job_specs: JobSpecs,
}

/// What the org knows about one operation.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Its index in the table of endpoints.
    pub(crate) index: usize,
    pub(crate) operation: &'static Operation,
    pub(crate) scheme: Option<Scheme>,
    /// Distinguishes its records from those of other operations.
    pub(crate) salt: u64,
    page_size_bounds: Option<PageSizeBounds>,
    success_response: OnceLock<SuccessResponse>,
}

/// The page sizes that an operation accepts.
#[derive(Clone, Copy, Debug)]
struct PageSizeBounds {
    least: u64,
    largest: u64,
    /// Whether a size out of bounds is refused. Otherwise the service silently uses the nearest allowed size.
    refuses: bool,
}

/// The response of an operation when nothing goes wrong.
#[derive(Debug)]
pub(crate) struct SuccessResponse {
    pub(crate) status: u16,
    pub(crate) body: SuccessBody,
    /// Whether it links to media.
    pub(crate) has_media: bool,
}

#[derive(Debug)]
pub(crate) enum SuccessBody {
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
        let endpoints = catalogue.operations().enumerate().map(|(index, operation)| {
            let route = (operation.method.as_str(), operation.path.as_str());
            Endpoint {
                index,
                operation,
                scheme: Scheme::of(catalogue, operation),
                salt: hash(&operation.id),
                page_size_bounds: bounds.get(&route).copied(),
                success_response: OnceLock::new(),
            }
        });
        let endpoints: Vec<_> = endpoints.collect();
        let job_specs = JobSpecs::find(catalogue, &endpoints);
        Self { routes: Routes::new(catalogue.operations()), endpoints, job_specs }
    }

    pub(crate) fn job_specs(&self) -> &JobSpecs {
        &self.job_specs
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

    /// Finds an operation by any name that the catalogue accepts.
    pub(crate) fn find(&self, name: &str) -> Option<&Endpoint> {
        let wanted = Catalogue::embedded().operation(name)?;
        self.endpoints.iter().find(|endpoint| endpoint.operation.id == wanted.id)
    }
}

impl Endpoint {
    pub(crate) fn nearest_page_size(&self, size: u64) -> u64 {
        self.page_size_bounds.map_or(size, |bounds| size.clamp(bounds.least, bounds.largest))
    }

    /// Refuses a page size that is out of bounds, for the operations where the service does so.
    pub(crate) fn check_page_size(&self, size: Option<u64>) -> Result<(), CannedResponse> {
        let bounds = self.page_size_bounds.filter(|bounds| bounds.refuses).zip(size);
        match bounds {
            Some((PageSizeBounds { least, largest, .. }, size))
                if !(least..=largest).contains(&size) =>
            {
                let message =
                    format!("The page size must be between {least} and {largest}, not {size}.");
                Err(CannedResponse::bad_request(&message))
            }
            _ => Ok(()),
        }
    }

    /// Returns the default page size and the largest one.
    pub(crate) fn page_sizes(&self) -> (u64, u64) {
        let stated = ["pageSize", "limit", "count"].into_iter().find_map(|name| {
            // Some defaults are numbers in strings.
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

    /// The schema of the response.
    pub(crate) fn schema(&self) -> Option<&'static Schema> {
        let (_, schema) = outcome(self.operation);
        schema.map(|schema| Catalogue::embedded().resolve(schema))
    }

    pub(crate) fn success_response(&self) -> &SuccessResponse {
        self.success_response.get_or_init(|| {
            let catalogue = Catalogue::embedded();
            let (status, schema) = outcome(self.operation);
            let body = match schema {
                None => SuccessBody::Empty,
                Some(schema) => match Listing::of(catalogue, schema) {
                    Some(listing) => SuccessBody::Listing(listing),
                    None => SuccessBody::Record(Shape::of(catalogue, schema)),
                },
            };
            let has_media = match &body {
                SuccessBody::Listing(listing) => listing.has_media(),
                SuccessBody::Record(shape) => shape.has_media(),
                SuccessBody::Empty => false,
            };
            SuccessResponse { status, body, has_media }
        })
    }
}

/// Returns the success response of an operation, preferably one with a body.
fn outcome(operation: &Operation) -> (u16, Option<&Schema>) {
    let successes = || {
        let statuses =
            operation.replies.iter().filter_map(|response| Some((response.status?, response)));
        statuses.filter(|(status, _)| (200..300).contains(status))
    };
    if let Some((status, response)) = successes().find(|(_, response)| response.schema.is_some()) {
        return (status, response.schema.as_ref());
    }
    let fallback = if operation.reply().is_some() { 200 } else { 204 };
    (successes().next().map_or(fallback, |(status, _)| status), operation.reply())
}

/// The documented bounds, one operation per line, below a header line.
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
