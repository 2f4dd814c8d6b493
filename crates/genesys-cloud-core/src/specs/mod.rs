//! Builds operations, list specs and job specs from the catalogue, to run any list or job by name without the generated
//! bindings.
//!
//! ```
//! use genesys_cloud_catalogue::Catalogue;
//! use genesys_cloud_core::specs::{self, OperationKind};
//!
//! # fn main() -> Result<(), specs::Error> {
//! let catalogue = Catalogue::embedded();
//! let entry = catalogue.operation("routing.queues").expect("an operation of the API");
//! let operation = specs::operation(entry)?;
//! assert_eq!(operation.path(), "/api/v2/routing/queues");
//!
//! let OperationKind::List(spec) = specs::kind(catalogue, entry)? else { panic!("a list") };
//! assert_eq!(spec.items(), "entities");
//! # Ok(())
//! # }
//! ```

mod job;
mod list;
mod record;

use std::fmt;
use std::time::Duration;

use genesys_cloud_catalogue::tags::{self, Tag, TagKind};
use genesys_cloud_catalogue::{Catalogue, Operation as Entry};

use crate::jobs::JobSpec;
use crate::operation::{Method, Operation};
use crate::paging::{ListSpec, ParamLocation};

pub use job::job_spec;
pub use record::record;

/// The kind of an operation, with the spec for a paginator or a job.
///
/// Exhaustive on purpose, like the [`tags`] of the catalogue: a tool that does not handle a new kind should
/// not compile, rather than read a list incompletely.
#[derive(Clone, Debug, PartialEq)]
pub enum OperationKind {
    /// A single response.
    Single,
    /// A list, in pages or in one response.
    List(Box<ListSpec>),
    /// The submit of a job.
    Job(Box<JobSpec>),
    /// Starts work whose state can't be polled.
    Accepted,
}

/// The parameter of an operation for a time range that can be read in windows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IntervalSpec {
    /// The query parameter, or the field of the body.
    pub place: ParamLocation,
    /// The longest interval that the operation accepts, if documented.
    pub span: Option<Duration>,
    /// The path of a record's id, if a record is the same in every interval that has it.
    pub id: Option<String>,
}

/// An error in an entry of the catalogue.
#[derive(Debug)]
pub struct Error(Cause);

#[derive(Debug)]
enum Cause {
    Catalogue(genesys_cloud_catalogue::Error),
    Invalid(String),
}

impl Error {
    fn new(message: impl Into<String>) -> Self {
        Self(Cause::Invalid(message.into()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Catalogue(source) => source.fmt(f),
            Cause::Invalid(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            // Its own message is the message of this error.
            Cause::Catalogue(source) => std::error::Error::source(source),
            Cause::Invalid(_) => None,
        }
    }
}

impl From<genesys_cloud_catalogue::Error> for Error {
    fn from(error: genesys_cloud_catalogue::Error) -> Self {
        Self(Cause::Catalogue(error))
    }
}

/// Returns the operation of an entry.
///
/// # Errors
/// If its tag can't be read, or its method is unknown.
pub fn operation(entry: &Entry) -> Result<Operation, Error> {
    let tag = tag(entry)?;
    let operation = Operation::new(entry.id.clone(), method(entry)?, entry.path.clone());
    let operation = operation.also_accepting(accepted(entry));
    Ok(if tag.reads { operation.reads() } else { operation })
}

/// Returns the kind of an operation.
///
/// # Errors
/// If its tag can't be read, or the catalogue lacks its job family.
pub fn kind(catalogue: &Catalogue, entry: &Entry) -> Result<OperationKind, Error> {
    let tag = tag(entry)?;
    Ok(match (tag.kind, tag.family) {
        (TagKind::Single, _) => OperationKind::Single,
        (TagKind::Accepted, _) => OperationKind::Accepted,
        (TagKind::List | TagKind::Paged, _) => {
            OperationKind::List(Box::new(list::list_spec(&tag.list)?))
        }
        (TagKind::Job, Some(name)) => OperationKind::Job(Box::new(job_spec(catalogue, &name)?)),
        (TagKind::Job, None) => {
            return Err(Error::new(format!("{}: a job without a family", entry.id)));
        }
    })
}

/// Returns the parameter of a list or a job for a time range, or `None`.
///
/// # Errors
/// If its tag can't be read.
pub fn interval(entry: &Entry) -> Result<Option<IntervalSpec>, Error> {
    Ok(tag(entry)?.interval.map(|known| IntervalSpec {
        place: ParamLocation::new(known.name, known.place == tags::Place::Body),
        span: known.days.map(|days| Duration::from_secs(86_400 * days)),
        id: known.id,
    }))
}

fn tag(entry: &Entry) -> Result<Tag, Error> {
    entry.tag()?.ok_or_else(|| Error::new(format!("{}: the catalogue has no tag for it", entry.id)))
}

fn method(entry: &Entry) -> Result<Method, Error> {
    Ok(match entry.method.as_str() {
        "DELETE" => Method::Delete,
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "PATCH" => Method::Patch,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        other => return Err(Error::new(format!("{}: unknown method {other}", entry.id))),
    })
}

/// The redirects that are accepted as responses: those in the API document, and the statuses between them.
fn accepted(entry: &Entry) -> &'static [u16] {
    const REDIRECTS: [u16; 9] = [300, 301, 302, 303, 304, 305, 306, 307, 308];
    let statuses = entry.replies.iter().filter_map(|reply| reply.status);
    let places = statuses.filter_map(|status| REDIRECTS.iter().position(|it| *it == status));
    match (places.clone().min(), places.max()) {
        (Some(first), Some(last)) => REDIRECTS.get(first..=last).unwrap_or_default(),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use genesys_cloud_catalogue::tags::Scheme as Tagged;

    use super::*;
    use crate::paging::Scheme;

    #[test]
    fn every_operation_of_the_catalogue_has_a_spec() {
        let catalogue = Catalogue::embedded();
        let (mut lists, mut jobs) = (0, 0);
        for entry in catalogue.operations() {
            let operation =
                operation(entry).unwrap_or_else(|error| panic!("{}: {error}", entry.id));
            assert_eq!(operation.id(), entry.id);
            match kind(catalogue, entry).unwrap_or_else(|error| panic!("{}: {error}", entry.id)) {
                OperationKind::List(_) => lists += 1,
                OperationKind::Job(_) => jobs += 1,
                OperationKind::Single | OperationKind::Accepted => {}
            }
        }
        assert!(lists > 800 && jobs > 100, "{lists} lists, {jobs} jobs");
        for name in catalogue.family_names() {
            job_spec(catalogue, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn the_runtime_knows_every_scheme_of_a_tag() {
        for scheme in Tagged::ALL {
            // It only describes the page size of a submit. The results have the scheme of their operation.
            if *scheme == Tagged::JobSetsPageSize {
                continue;
            }
            assert_eq!(Scheme::named(scheme.name()).map(Scheme::name), Some(scheme.name()));
        }
    }

    #[test]
    fn accepts_the_redirects_of_the_document() {
        let statuses = |name| {
            let entry = Catalogue::embedded().operation(name).expect(name);
            accepted(entry)
        };
        assert_eq!(statuses("getRoutingQueues"), [0_u16; 0]);
        let others: Vec<&[u16]> =
            Catalogue::embedded().operations().map(accepted).filter(|it| !it.is_empty()).collect();
        assert!(others.iter().all(|it| matches!(it, [302] | [304])), "{others:?}");
        assert_eq!(others.len(), 5);
    }

    #[test]
    fn a_malformed_entry_is_an_error() {
        let catalogue = |method: &str, tag: &str| {
            let line = format!(
                r#"{{"id":"walk","method":"{method}","path":"/walk","group":"g","rust":"walk","parameters":[],"replies":{{}}{tag}}}"#
            );
            Catalogue::from_jsonl(line, "").expect("an operation")
        };
        let error = |method: &str, tag: &str| {
            let catalogue = catalogue(method, tag);
            let entry = catalogue.operation("walk").expect("an operation");
            let error = operation(entry).err().or_else(|| kind(&catalogue, entry).err());
            error.map(|error| error.to_string())
        };
        let texts = [
            ("GET", r#","tag":{"kind":"single"}"#, None),
            ("GET", "", Some("walk: the catalogue has no tag for it")),
            ("LOCK", r#","tag":{"kind":"single"}"#, Some("walk: unknown method LOCK")),
            ("GET", r#","tag":{"kind":"paged"}"#, Some("a list without a scheme")),
            ("POST", r#","tag":{"kind":"job"}"#, Some("walk: a job without a family")),
            (
                "POST",
                r#","tag":{"kind":"job","family":"walks"}"#,
                Some("the catalogue has no family `walks`"),
            ),
            ("GET", r#","tag":{"kind":"other"}"#, Some("tag of walk: invalid catalogue entry")),
        ];
        for (method, tag, expected) in texts {
            assert_eq!(error(method, tag).as_deref(), expected, "{method} {tag}");
        }
    }
}
