//! What an export of an operation takes: one answer for `describe` and `export`.

use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::specs::{self, Error, IntervalSpec, OperationKind};
use genesys_cloud_core::{FileForm, JobSpec, ListSpec, PageSize, ResultLocation, Results};

/// How the jobs run, if their results are files that are not lists of records.
pub(crate) fn files(kind: &OperationKind) -> Option<&JobSpec> {
    let OperationKind::Job(family) = kind else { return None };
    let is_bytes =
        |place: &ResultLocation| matches!(place, ResultLocation::Files(_, FileForm::Bytes));
    let Results::Response(places) = family.results() else { return None };
    places.iter().all(is_bytes).then_some(family.as_ref())
}

/// Where an export sets the interval of `--interval`. `None` if it can't.
pub(crate) fn interval(kind: &OperationKind, entry: &Entry) -> Result<Option<IntervalSpec>, Error> {
    match kind {
        // A file of a job can't be joined to those of other intervals.
        OperationKind::Job(_) if files(kind).is_none() => specs::interval(entry),
        OperationKind::List(_) => specs::interval(entry),
        _ => Ok(None),
    }
}

/// Whether an export sets a parameter, or a field of the body, by itself, since it chooses the page.
pub(crate) fn chooses_page(kind: &OperationKind, entry: &Entry, name: &str) -> bool {
    // What the operation can't do without says what is listed, not only where.
    let is_needed = entry.parameters.iter().any(|it| it.required && it.name == name);
    !is_needed && pages(kind).is_some_and(|listing| listing.chooses_page(name))
}

/// The list whose pages the operation itself, or the submit of a job, chooses.
pub(crate) fn pages(kind: &OperationKind) -> Option<&ListSpec> {
    match kind {
        OperationKind::List(listing) => Some(listing.as_ref()),
        OperationKind::Job(family) => match family.results() {
            Results::List(_, listing) if family.is_job_per_page() => Some(listing),
            _ => None,
        },
        OperationKind::Single | OperationKind::Accepted => None,
    }
}

/// What `--page-size` sets in a request of the operation itself.
pub(crate) fn page_size(kind: &OperationKind) -> Option<&PageSize> {
    pages(kind).and_then(ListSpec::page_size)
}
