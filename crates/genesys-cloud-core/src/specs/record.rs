//! The schema of records.

use genesys_cloud_catalogue::{Catalogue, Operation as Entry, Schema};

use super::OperationKind;
use crate::jobs::{JobSpec, ResultLocation, Results};
use crate::paging::ListSpec;

/// Returns the schema of the records that an operation lists, or that its jobs produce. `None` if the document does not
/// describe them. It may be a reference: see [`Catalogue::resolve`].
pub fn record<'a>(
    catalogue: &'a Catalogue,
    entry: &'a Entry,
    kind: &OperationKind,
) -> Option<&'a Schema> {
    match kind {
        OperationKind::List(spec) => listed(catalogue, entry, spec),
        OperationKind::Job(spec) => of_job(catalogue, entry, spec),
        OperationKind::Single | OperationKind::Accepted => None,
    }
}

fn listed<'a>(catalogue: &'a Catalogue, entry: &'a Entry, spec: &ListSpec) -> Option<&'a Schema> {
    element(at(catalogue, entry.reply()?, spec.items())?)
}

fn of_job<'a>(catalogue: &'a Catalogue, submit: &'a Entry, spec: &JobSpec) -> Option<&'a Schema> {
    let status = || spec.status().and_then(|call| catalogue.operation(call.operation().id()));
    match spec.results() {
        Results::List(call, list) => {
            listed(catalogue, catalogue.operation(call.operation().id())?, list)
        }
        Results::Status(list) => listed(catalogue, status()?, list),
        Results::Response(locations) => locations.iter().find_map(|location| {
            let ResultLocation::Items(path) = location else { return None };
            let mut replies =
                status().into_iter().chain([submit]).filter_map(|entry| entry.reply());
            let found = replies.find_map(|reply| at(catalogue, reply, path))?;
            Some(element(found).unwrap_or(found))
        }),
        _ => None,
    }
}

/// Returns the schema at a path of a response.
fn at<'a>(catalogue: &'a Catalogue, schema: &'a Schema, path: &str) -> Option<&'a Schema> {
    let mut names = path.split('.').filter(|name| *name != "[]");
    names.try_fold(catalogue.resolve(schema), |schema, name| {
        Some(catalogue.resolve(schema.property(name)?))
    })
}

fn element(list: &Schema) -> Option<&Schema> {
    list.items.as_deref()
}
