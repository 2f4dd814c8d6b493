//! Which options an export of an operation supports, for both `describe` and `export`.

use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::specs::{self, Error, IntervalSpec, OperationKind};
use genesys_cloud_core::{FileForm, JobSpec, ListSpec, PageSize, ResultLocation, Results};

/// Returns the job spec if the results are files that are not lists of records.
pub(crate) fn files(kind: &OperationKind) -> Option<&JobSpec> {
    let OperationKind::Job(family) = kind else { return None };
    let is_bytes =
        |location: &ResultLocation| matches!(location, ResultLocation::Files(_, FileForm::Bytes));
    let Results::Response(locations) = family.results() else { return None };
    locations.iter().all(is_bytes).then_some(family.as_ref())
}

/// Returns where an export sets `--interval`. `None` if the operation does not support it.
pub(crate) fn interval(kind: &OperationKind, entry: &Entry) -> Result<Option<IntervalSpec>, Error> {
    match kind {
        // Result files of several intervals can't be concatenated.
        OperationKind::Job(_) if files(kind).is_none() => specs::interval(entry),
        OperationKind::List(_) => specs::interval(entry),
        _ => Ok(None),
    }
}

/// Returns whether a parameter or body field selects the page, so that the export sets it.
pub(crate) fn chooses_page(kind: &OperationKind, entry: &Entry, name: &str) -> bool {
    // A required parameter selects what is listed, not only the page.
    let is_needed = entry.parameters.iter().any(|it| it.required && it.name == name);
    !is_needed && pages(kind).is_some_and(|listing| listing.chooses_page(name))
}

/// Returns the list whose page is selected in a request of the operation itself.
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

/// Returns the page-size parameter in a request of the operation itself.
pub(crate) fn page_size(kind: &OperationKind) -> Option<&PageSize> {
    pages(kind).and_then(ListSpec::page_size)
}
