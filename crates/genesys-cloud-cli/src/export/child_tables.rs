//! The child tables of an export: which lists, with which keys, and where they go.

use std::path::Path;

use genesys_cloud_catalogue::{Operation as Entry, Schema};
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_sinks::{
    ChildTables, Column, ColumnKind, Columns, Compression, ExplodeError, Format, lists,
};

use genesys_cloud_sinks::checksum::Checksum;

use super::source::{Source, Tree};
use crate::capabilities;
use crate::failure::Failure;
use crate::locations::Destination;
use crate::record;
use crate::resolve::{nearest, quoted, rust_name};
use crate::settings::{ExplodeSettings, Key};

/// Maximum number of lists in a message.
const MOST_NAMED: usize = 20;

/// Returns the fields that are known to identify a record: those that its parents add, and its ID.
pub(super) fn known_key(source: &Source) -> Vec<String> {
    let added = source.tree.iter().flat_map(Tree::columns).map(|column| column.path);
    added.chain(known_id(source.entry, &source.kind)).collect()
}

/// Returns the field with the ID of a record, if it is known.
fn known_id(entry: &Entry, kind: &OperationKind) -> Option<String> {
    let item = record::item(entry, kind)?;
    let of_range = capabilities::interval(kind, entry).ok().flatten().and_then(|it| it.id);
    let is_field = |name: &String| item.property(name).is_some();
    of_range.filter(is_field).or_else(|| Some("id".to_owned()).filter(is_field))
}

/// Plans the child tables. `None` without `--explode`.
pub(super) fn plan(
    settings: &ExplodeSettings,
    source: &Source,
    upsert: Option<&Key>,
    unchecked: bool,
) -> Result<Option<ChildTables>, Failure> {
    if settings.paths.is_empty() {
        return Ok(None);
    }
    let name = rust_name(source.entry);
    let Some((of, item)) = record::definition(source.entry, &source.kind) else {
        return Err(Failure::usage(format!(
            "--explode: the API document does not describe the records of {name}, so their lists are unknown"
        )));
    };
    let key = key(settings, (source, item), upsert, unchecked)?;
    ChildTables::new(item, of, key.all(), &settings.paths)
        .map(Some)
        .map_err(|error| refused(&error, item, &name))
}

/// Returns the columns that identify a record.
fn key(
    settings: &ExplodeSettings,
    (source, item): (&Source, &Schema),
    upsert: Option<&Key>,
    unchecked: bool,
) -> Result<Columns, Failure> {
    let (option, fields) = match (&settings.key[..], upsert) {
        ([], Some(Key::Fields(fields))) => ("--upsert", fields.clone()),
        ([], _) => ("--explode-key", known_key(source)),
        (fields, _) => ("--explode-key", fields.to_vec()),
    };
    let added = source.tree.as_ref().map(Tree::columns).unwrap_or_default();
    if fields.len() == added.len() && settings.key.is_empty() && upsert.is_none() {
        let is_id = |column: &&Column| column.path.ends_with("Id") || column.path == "name";
        let columns = Columns::of(Some(item));
        let ids: Vec<&str> =
            columns.all().iter().filter(is_id).map(|column| column.path.as_str()).collect();
        let failure = Failure::usage(format!(
            "--explode: the field that identifies a record of {} is not known",
            rust_name(source.entry)
        ));
        return Err(failure.advise(match ids.first() {
            Some(first) => format!(
                "set it with --explode-key, such as --explode-key {first}; fields that may be IDs: {}",
                ids.join(", ")
            ),
            None => "set it with --explode-key FIELD".to_owned(),
        }));
    }
    let columns = Columns::chosen_with(&fields, &added, Some(item), unchecked)
        .map_err(|error| record::refused(option, &error))?;
    match columns.all().iter().find(|column| column.kind == ColumnKind::Json && !unchecked) {
        Some(column) => Err(Failure::usage(format!(
            "{option}: `{}` is not a scalar, so it can't be a key",
            column.path
        ))),
        None => Ok(columns),
    }
}

/// Describes a path that is not a list, with those that are.
fn refused(error: &ExplodeError, item: &Schema, name: &str) -> Failure {
    let failure = Failure::usage(format!("--explode: {error}"));
    let all = lists(item);
    if all.is_empty() {
        return failure.advise(format!("records of {name} have no lists"));
    }
    let (wrong, within) = match error {
        ExplodeError::Unknown { path, parent, .. } => (path.as_str(), parent.as_str()),
        ExplodeError::NotAList { path, .. } => {
            (path.as_str(), path.rsplit_once('.').map_or("", |(parent, _)| parent))
        }
        _ => ("", ""),
    };
    let near = match error {
        ExplodeError::Unknown { .. } => nearest(wrong, all.iter().cloned(), 2),
        _ => Vec::new(),
    };
    if !near.is_empty() {
        return failure.advise(format!("did you mean {}?", quoted(&near)));
    }
    // Those in the same object, or all.
    let mut choices: Vec<&str> =
        all.iter().map(String::as_str).filter(|path| path.starts_with(within)).collect();
    if choices.is_empty() {
        choices = all.iter().map(String::as_str).collect();
    }
    let more = if choices.len() > MOST_NAMED { ", .." } else { "" };
    choices.truncate(MOST_NAMED);
    failure.advise(format!("expected one of {}{more}", choices.join(", ")))
}

/// Returns a checksum of the tables and their columns.
pub(super) fn fingerprint(tables: &ChildTables) -> String {
    let mut sum = Checksum::new();
    for table in tables.all() {
        sum.add(table.path().as_bytes());
        for column in table.columns().all() {
            sum.add(&[0]);
            sum.add(column.path.as_bytes());
        }
        sum.add(&[1]);
    }
    sum.text()
}

/// Returns the output of a child table beside that of the records.
pub(super) fn beside(output: &Destination, path: &str) -> Result<Destination, Failure> {
    match output {
        Destination::File(out) => {
            let name = out.file_name().unwrap_or_default().to_string_lossy();
            Ok(Destination::File(out.with_file_name(named(&name, path))))
        }
        #[cfg(feature = "buckets")]
        Destination::Bucket(url) => {
            let text = url.to_string();
            let (folder, name) = text.rsplit_once('/').unwrap_or(("", &text));
            let child = format!("{folder}/{}", named(name, path));
            let parsed = child.parse();
            parsed.map(Destination::Bucket).map_err(|why| Failure::usage(format!("{child}: {why}")))
        }
        other => Err(Failure::usage(format!("--explode: {other} can't have child tables"))
            .advise("name a file, an object in a bucket, or a database with --out")),
    }
}

/// Returns the name of the file of a child table: `c.participants.jsonl` for `c.jsonl`.
fn named(name: &str, path: &str) -> String {
    // A list may have a name that a file can't have.
    let is_plain = |it: char| it.is_alphanumeric() || matches!(it, '.' | '-' | '_');
    let path: String = path.chars().map(|it| if is_plain(it) { it } else { '_' }).collect();
    let extensions = match Format::from_path(Path::new(name)) {
        Some(format) if format.compression() != Compression::None => 2,
        _ => 1,
    };
    let dots = name.char_indices().rev().filter(|(at, it)| *it == '.' && *at > 0);
    match dots.map(|(at, _)| at).nth(extensions - 1) {
        Some(at) => format!("{}.{path}{}", &name[..at], &name[at..]),
        None => format!("{name}.{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_table_is_beside_the_output() {
        for (out, child) in [
            ("lake/c.jsonl", "lake/c.a.b.jsonl"),
            ("c.jsonl.gz", "c.a.b.jsonl.gz"),
            ("2024.05.csv", "2024.05.a.b.csv"),
            ("c.txt", "c.a.b.txt"),
            ("c", "c.a.b"),
            (".hidden", ".hidden.a.b"),
            #[cfg(feature = "buckets")]
            ("s3://bucket/lake/c.parquet", "s3://bucket/lake/c.a.b.parquet"),
            #[cfg(feature = "buckets")]
            ("gs://bucket/c.csv.gz", "gs://bucket/c.a.b.csv.gz"),
        ] {
            let out: Destination = out.parse().expect(out);
            assert_eq!(beside(&out, "a.b").expect(child).to_string(), child);
        }
        assert_eq!(named("c.jsonl", "urn:a/b"), "c.urn_a_b.jsonl");
        assert!(beside(&Destination::Stdout, "a").is_err());
    }
}
