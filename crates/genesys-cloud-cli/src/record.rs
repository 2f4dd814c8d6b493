//! The schema of an operation's records, and the fields to write.

use clap::ValueEnum as _;
use genesys_cloud_catalogue::{Catalogue, Operation as Entry, Schema};
use genesys_cloud_core::specs::{self, OperationKind};
use genesys_cloud_sinks::{Column, Columns, FieldError};
#[cfg(feature = "parquet")]
use genesys_cloud_sinks::{Names, SchemaError};

use crate::arguments::ExportField;
use crate::failure::Failure;
use crate::resolve::{nearest, quoted};

/// Advice for an empty field name.
const EMPTY: &str = "separate names with commas, such as id,name";

/// Returns the columns: the fields that `--fields` names, or all fields in the document. `keys` are the fields that each
/// record gets from its parent, and `with` those of `--with`, which follow all others.
pub(crate) fn columns(
    fields: &[String],
    (keys, with): (&[Column], &[Column]),
    item: Option<&Schema>,
    unchecked: bool,
) -> Result<Columns, Failure> {
    match fields {
        [] => Ok(Columns::of(item).after(keys).followed_by(with)),
        fields => Columns::chosen_with(fields, &[keys, with].concat(), item, unchecked)
            .map(|columns| columns.followed_by(with))
            .map_err(|error| refused("--fields", &error)),
    }
}

/// Returns the columns with nested types, for Parquet. See [`columns`].
#[cfg(feature = "parquet")]
pub(crate) fn typed_columns(
    fields: &[String],
    added: (&[Column], &[Column]),
    item: Option<&Schema>,
    names: Names,
) -> Result<Columns, Failure> {
    Columns::typed(fields, added, item, names).map_err(|error| mistyped(&error))
}

/// Describes an error of `--fields` with nested types.
#[cfg(feature = "parquet")]
pub(crate) fn mistyped(error: &SchemaError) -> Failure {
    let failure = Failure::usage(format!("--fields: {error}"));
    match error {
        SchemaError::Empty => failure.advise(EMPTY),
        SchemaError::Unknown { path, .. } if ExportField::from_str(path, false).is_ok() => {
            failure.advise(format!("add --with {path}"))
        }
        SchemaError::Unknown { name, parent, known, .. } => {
            failure.advise(known_fields(name, parent, known))
        }
        SchemaError::NoFields { .. } => {
            failure.advise("to select within a map or JSON text, add --nested text")
        }
        _ => failure,
    }
}

/// Checks that records have the field that an option names.
pub(crate) fn check(option: &str, item: &Schema, path: &str) -> Result<(), Failure> {
    genesys_cloud_sinks::find(item, path).map(drop).map_err(|error| refused(option, &error))
}

/// Describes an error of a field that an option names.
pub(crate) fn refused(option: &str, error: &FieldError) -> Failure {
    let failure = Failure::usage(format!("{option}: {error}"));
    match error {
        FieldError::Empty => failure.advise(EMPTY),
        FieldError::InList { list, .. } => {
            failure.advise(format!("write the whole list: `{list}`"))
        }
        FieldError::Unknown { path, .. } if ExportField::from_str(path, false).is_ok() => {
            failure.advise(format!("add --with {path}"))
        }
        FieldError::Unknown { name, parent, known, .. } => {
            failure.advise(known_fields(name, parent, known))
        }
        _ => failure,
    }
}

/// Suggests known fields instead of an unknown one.
fn known_fields(name: &str, parent: &str, known: &[String]) -> String {
    let whole = |name: String| format!("{parent}{name}");
    let names = || known.iter().cloned();
    let near: Vec<String> = nearest(name, names(), 2).into_iter().map(whole).collect();
    match near.is_empty() {
        false => format!("did you mean {}?", quoted(&near)),
        true => format!("expected one of {}", names().map(whole).collect::<Vec<_>>().join(", ")),
    }
}

/// Returns the schema of the records that an operation lists, or that its jobs produce. `None` if the document does not
/// describe them.
pub(crate) fn item(entry: &Entry, kind: &OperationKind) -> Option<&'static Schema> {
    definition(entry, kind).map(|(_, schema)| schema)
}

/// Returns the same schema with its name, which is `Record` if it has none.
pub(crate) fn definition(
    entry: &Entry,
    kind: &OperationKind,
) -> Option<(&'static str, &'static Schema)> {
    let catalogue = Catalogue::embedded();
    let entry = catalogue.operation(&entry.id)?;
    let schema = specs::record(catalogue, entry, kind)?;
    Some((schema.reference.as_deref().unwrap_or("Record"), catalogue.resolve(schema)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve;

    fn item_of(name: &str) -> Option<&'static Schema> {
        let entry = resolve::operation(name).expect(name);
        item(entry, &specs::kind(Catalogue::embedded(), entry).expect("a kind"))
    }

    #[test]
    fn finds_the_records_of_lists_and_jobs() {
        for (operation, field) in [
            ("routing.queues", "memberCount"),
            ("postAnalyticsConversationsDetailsJobs", "conversationId"),
            ("postAuditsQuery", "id"),
        ] {
            let item = item_of(operation).expect(operation);
            assert!(item.property(field).is_some(), "{operation}");
        }
        let catalogue = Catalogue::embedded();
        let kinds =
            catalogue.operations().filter_map(|it| Some((it, specs::kind(catalogue, it).ok()?)));
        let known = kinds.filter(|(entry, kind)| item(entry, kind).is_some()).count();
        assert!(known > 700, "{known}");
    }

    #[test]
    fn rejects_unknown_fields() {
        let item = item_of("routing.queues");
        for (fields, advice) in [
            (&["naem"][..], "did you mean `name`?"),
            (&["division.nam"], "did you mean `division.name`?"),
            (&["division.zzzzzzzz"], "expected one of division.id, "),
        ] {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            let failure = columns(&fields, (&[], &[]), item, false).expect_err("no such field");
            assert!(failure.advice()[0].contains(advice), "{:?}", failure.advice());
        }
    }
}
