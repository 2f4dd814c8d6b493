//! What the records of an operation look like, and which of their fields are written.

use genesys_cloud_catalogue::{Catalogue, Operation as Entry, Schema};
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{JobSpec, ListSpec, ResultLocation, Results};
use genesys_cloud_sinks::{Columns, FieldError};

use crate::failure::Failure;
use crate::resolve::{nearest, quoted};

/// The columns of a table of records: those that `--fields` names, or all that the document has.
pub(crate) fn columns(
    fields: &[String],
    item: Option<&Schema>,
    unchecked: bool,
) -> Result<Columns, Failure> {
    match fields {
        [] => Ok(Columns::of(item)),
        fields => {
            Columns::chosen(fields, item, unchecked).map_err(|error| refused("--fields", &error))
        }
    }
}

/// Refuses a path of an option that no record has.
pub(crate) fn check(option: &str, item: &Schema, path: &str) -> Result<(), Failure> {
    genesys_cloud_sinks::find(item, path).map(drop).map_err(|error| refused(option, &error))
}

fn refused(option: &str, error: &FieldError) -> Failure {
    let failure = Failure::usage(format!("{option}: {error}"));
    match error {
        FieldError::Empty => failure.advise("names are parted by one comma each, such as id,name"),
        FieldError::InList { list, .. } => failure.advise(format!("take it whole, as `{list}`")),
        FieldError::Unknown { name, parent, known, .. } => {
            let whole = |name: String| format!("{parent}{name}");
            let names = || known.iter().cloned();
            let near: Vec<String> = nearest(name, names(), 2).into_iter().map(whole).collect();
            failure.advise(match near.is_empty() {
                false => format!("did you mean {}?", quoted(&near)),
                true => {
                    format!("they have {}", names().map(whole).collect::<Vec<_>>().join(", "))
                }
            })
        }
        _ => failure,
    }
}

/// What the records look like that an operation lists, or that its jobs result in. `None` if the document
/// does not say.
pub(crate) fn item(entry: &Entry, kind: &OperationKind) -> Option<&'static Schema> {
    let catalogue = Catalogue::embedded();
    let entry = catalogue.operation(&entry.id)?;
    match kind {
        OperationKind::List(listing) => listed(entry, listing),
        OperationKind::Job(family) => of_job(entry, family),
        OperationKind::Single | OperationKind::Accepted => None,
    }
    .map(|schema| catalogue.resolve(schema))
}

fn listed(entry: &'static Entry, listing: &ListSpec) -> Option<&'static Schema> {
    element(at(entry.reply()?, listing.items())?)
}

fn of_job(submit: &'static Entry, family: &JobSpec) -> Option<&'static Schema> {
    let catalogue = Catalogue::embedded();
    let status = || family.status().and_then(|call| catalogue.operation(call.operation().id()));
    match family.results() {
        Results::List(call, listing) => {
            listed(catalogue.operation(call.operation().id())?, listing)
        }
        Results::Status(listing) => listed(status()?, listing),
        Results::Response(places) => places.iter().find_map(|place| {
            let ResultLocation::Items(path) = place else { return None };
            let mut replies =
                status().into_iter().chain([submit]).filter_map(|entry| entry.reply());
            let found = replies.find_map(|reply| at(reply, path))?;
            Some(element(found).unwrap_or(found))
        }),
        _ => None,
    }
}

/// What stands at a path of a reply.
fn at(schema: &'static Schema, path: &str) -> Option<&'static Schema> {
    let catalogue = Catalogue::embedded();
    let mut names = path.split('.').filter(|name| *name != "[]");
    names.try_fold(catalogue.resolve(schema), |schema, name| {
        Some(catalogue.resolve(schema.property(name)?))
    })
}

fn element(list: &'static Schema) -> Option<&'static Schema> {
    Catalogue::embedded().resolve(list).items.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use genesys_cloud_core::specs;

    use crate::resolve;

    fn item_of(name: &str) -> Option<&'static Schema> {
        let entry = resolve::operation(name).expect(name);
        item(entry, &specs::kind(Catalogue::embedded(), entry).expect("a kind"))
    }

    #[test]
    fn the_records_of_lists_and_jobs_are_known() {
        for (operation, field) in [
            ("routing.queues", "memberCount"),
            ("postAnalyticsConversationsDetailsJobs", "conversationId"),
            ("postAuditsQuery", "id"),
        ] {
            let item = item_of(operation).expect(operation);
            assert!(item.property(field).is_some(), "{operation}");
        }
        let catalogue = Catalogue::embedded();
        let ways =
            catalogue.operations().filter_map(|it| Some((it, specs::kind(catalogue, it).ok()?)));
        let known = ways.filter(|(entry, kind)| item(entry, kind).is_some()).count();
        assert!(known > 700, "{known}");
    }

    #[test]
    fn fields_are_checked() {
        let item = item_of("routing.queues");
        for (fields, advice) in [
            (&["naem"][..], "did you mean `name`?"),
            (&["division.nam"], "did you mean `division.name`?"),
            (&["division.zzzzzzzz"], "they have division.id, "),
        ] {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            let failure = columns(&fields, item, false).expect_err("no such field");
            assert!(failure.advice()[0].contains(advice), "{:?}", failure.advice());
        }
    }
}
