//! What an export of an operation takes: one answer for `describe` and `export`.

use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::{Family, FileForm, Listing, PageSize, Results, ResultsAt};

use crate::tags::{self, Error, IntervalTag, Way};

/// How the jobs run, if their results are files that are not lists of records.
pub(crate) fn files(way: &Way) -> Option<&Family> {
    let Way::Job(family) = way else { return None };
    let is_bytes = |place: &ResultsAt| matches!(place, ResultsAt::Files(_, FileForm::Bytes));
    let Results::Reply(places) = family.results() else { return None };
    places.iter().all(is_bytes).then_some(family.as_ref())
}

/// Where an export sets the interval of `--interval`. `None` if it can't.
pub(crate) fn interval(way: &Way, entry: &Entry) -> Result<Option<IntervalTag>, Error> {
    match way {
        // A file of a job can't be joined to those of other intervals.
        Way::Job(_) if files(way).is_none() => tags::interval(entry),
        Way::List(_) => tags::interval(entry),
        _ => Ok(None),
    }
}

/// Whether an export sets a parameter, or a field of the body, by itself, since it chooses the page.
pub(crate) fn chooses_page(way: &Way, entry: &Entry, name: &str) -> bool {
    // What the operation can't do without says what is listed, not only where.
    let is_needed = entry.parameters.iter().any(|it| it.required && it.name == name);
    !is_needed && pages(way).is_some_and(|listing| listing.chooses_page(name))
}

/// The list whose pages the operation itself, or the submit of a job, chooses.
pub(crate) fn pages(way: &Way) -> Option<&Listing> {
    match way {
        Way::List(listing) => Some(listing.as_ref()),
        Way::Job(family) => match family.results() {
            Results::List(_, listing) if family.is_job_per_page() => Some(listing),
            _ => None,
        },
        Way::Single | Way::Accepted => None,
    }
}

/// What `--page-size` sets in a request of the operation itself.
pub(crate) fn page_size(way: &Way) -> Option<&PageSize> {
    pages(way).and_then(Listing::page_size)
}
