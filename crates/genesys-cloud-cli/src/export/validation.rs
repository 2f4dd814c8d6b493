//! Validates what applies to exports only, and not to `call`.

use std::path::Path;

use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{Results, lenient};
#[cfg(feature = "parquet")]
use genesys_cloud_sinks::Names;
use genesys_cloud_sinks::{Format, OnBadValue};
use serde_json::Value;

use super::output::Output;
use super::range::Range;
#[cfg(feature = "parquet")]
use crate::arguments::{ColumnNames, Nested};
use crate::capabilities;
use crate::failure::Failure;
use crate::locations::{Destination, Folder};
use crate::parameters::Given;
use crate::settings::{ExportSettings, FormSettings, ReadSettings};

/// Returns the format in `--format`, or else of the file extension. Rejects an unknown extension: it would promise
/// another format.
pub(super) fn format(form: &FormSettings, output: &Output) -> Result<Format, Failure> {
    let name = output.name();
    if output.folder().is_some() {
        return Ok(form.format.unwrap_or_else(Format::of_folder));
    }
    if let (Some(format), Some(named)) = (form.format, name.and_then(Format::from_path))
        && format != named
    {
        return Err(Failure::usage(format!(
            "--format {format} does not match --out {}, which is {named}",
            output.destination
        ))
        .advise("omit --format, or choose another name"));
    }
    match (form.format.or(name.and_then(Format::from_path)), name) {
        (None, Some(name)) => match name.extension() {
            Some(end) => Err(Failure::usage(format!(
                "--out {}: no format for the extension .{}",
                output.destination,
                end.to_string_lossy()
            ))
            .advise(format!("use a name such as {}, or add --format", example(name)))),
            None => Ok(Format::default()),
        },
        (format, _) => Ok(format.unwrap_or_default()),
    }
}

/// Rejects options that have no effect for this output.
pub(super) fn options_of_output(form: &FormSettings, output: &Output) -> Result<(), Failure> {
    #[cfg(feature = "buckets")]
    if form.part_size.is_some()
        && !matches!(
            output.destination,
            Destination::Bucket(_) | Destination::Folder(Folder::Bucket(_))
        )
    {
        return Err(Failure::usage("`--part-size` needs an output in a bucket")
            .advise("add `--out s3://bucket/key`"));
    }
    if let Some(option) = form.option_of_parquet()
        && !output.is_table()
        && !format(form, output)?.is_grouped()
    {
        return Err(
            Failure::usage(format!("`{option}` needs Parquet")).advise("add `--format parquet`")
        );
    }
    Ok(())
}

/// Returns whether the output has nested types.
#[cfg(feature = "parquet")]
pub(super) fn has_nested_types(
    form: &FormSettings,
    is_unchecked: bool,
    output: &Output,
) -> Result<bool, Failure> {
    // Fields that are not checked have no type.
    let is_text = is_unchecked && !form.fields.is_empty();
    if is_text && form.nested == Some(Nested::Types) {
        return Err(Failure::usage(
            "`--nested types` can't be used with `--fields` and `--unchecked`, whose fields have no types",
        )
        .advise("omit `--unchecked`, or use `--nested text`"));
    }
    let is_text = is_text || form.nested == Some(Nested::Text);
    Ok(!is_text && !output.is_table() && format(form, output)?.is_grouped())
}

/// Returns the names of columns.
#[cfg(feature = "parquet")]
pub(super) fn names(form: &FormSettings) -> Names {
    match form.names {
        Some(ColumnNames::Snake) => Names::Snake,
        Some(ColumnNames::Api) | None => Names::Api,
    }
}

fn example(out: &Path) -> String {
    let end = match out.extension().and_then(|end| end.to_str()) {
        Some("gz") => "jsonl.gz",
        _ => "jsonl",
    };
    // Strip both extensions of `u.jsonl.xz`.
    let plain = out.with_extension("");
    let stem = if Format::from_path(&plain).is_some() { plain.with_extension("") } else { plain };
    format!("{}.{end}", stem.display())
}

/// Rejects options that do not apply to a folder, which has one file per window of a time range.
pub(super) fn options_of_folder(settings: &ExportSettings, folder: &Folder) -> Result<(), Failure> {
    let form = &settings.form;
    let why = if settings.reading.limit.is_some() {
        "--limit: a folder has complete windows only; choose a shorter --interval"
    } else if settings.state.is_some() {
        "--state: the state of an export to a folder is in the folder"
    } else if settings.range.as_ref().is_some_and(|range| !range.overlap.is_zero()) {
        "--overlap: the windows of a folder do not overlap"
    } else if settings.download.is_some() {
        "--download: download the files in an export to one file, not to a folder of windows"
    } else if form.rejects.is_some() {
        "--rejects: each file of a folder has its own rejects file, in the folder .genesys-cloud beside it"
    } else if form.on_bad_value != OnBadValue::Fail && !matches!(folder, Folder::Local(_)) {
        "--on-bad-value: the rejects files of a folder in a bucket have no place; choose a local folder"
    } else {
        return match &settings.range {
            Some(_) => Ok(()),
            None => Err(Failure::usage(format!(
                "--out {folder}: a folder has one file per window of a time range"
            ))
            .advise("add `--interval`, such as --interval yesterday")
            .advise("or name a file, such as --out queues.jsonl")),
        };
    };
    Err(Failure::usage(why))
}

/// Rejects options about records if the results of a job are files.
pub(super) fn options_of_files(settings: &ExportSettings) -> Result<(), Failure> {
    let (form, reading) = (&settings.form, &settings.reading);
    let of_records = [
        ("--interval", settings.range.is_some()),
        ("--page-size", reading.page_size.is_some()),
        ("--limit", reading.limit.is_some()),
        ("--fields", !form.fields.is_empty()),
        ("--with", !form.with.is_empty()),
        ("--format", form.format.is_some()),
        ("--row-group", form.row_group.is_some()),
        ("--nested", form.nested.is_some()),
        ("--names", form.names.is_some()),
        ("--on-bad-value", form.on_bad_value != OnBadValue::Fail),
        ("--rejects", form.rejects.is_some()),
        ("--explode", !settings.explode.paths.is_empty()),
        ("--download", settings.download.is_some()),
    ];
    if let Some((option, _)) = of_records.iter().find(|(_, given)| *given) {
        return Err(Failure::usage(format!(
            "{option}: the results of this job are files, which are written unchanged"
        )));
    }
    match (&settings.destination, settings.is_dry_run) {
        (Destination::File(_), _) | (Destination::Stdout, true) => Ok(()),
        _ => Err(Failure::usage("the results of this job are files; name a local file with --out")),
    }
}

/// Rejects options about jobs for other operations, and waits for data whose availability the API does not report.
pub(super) fn options_of_jobs(
    reading: &ReadSettings,
    entry: &Entry,
    kind: &OperationKind,
) -> Result<(), Failure> {
    let family = match kind {
        OperationKind::Job(family) => Some(family),
        _ => None,
    };
    if reading.deadline.is_some() && family.is_none() {
        return Err(Failure::usage(format!("--deadline: {} is not a job", entry.id)));
    }
    if reading.wait_for_data.is_some() && family.and_then(|it| it.availability()).is_none() {
        return Err(Failure::usage(format!(
            "--wait-for-data: the API does not report when the data of {} is available",
            entry.id
        )));
    }
    Ok(())
}

/// Drops options about jobs that are for another list of a tree.
pub(super) fn drop_options_of_jobs(reading: &mut ReadSettings, kind: &OperationKind) {
    let family = match kind {
        OperationKind::Job(family) => Some(family),
        _ => None,
    };
    if family.is_none() {
        reading.deadline = None;
    }
    if family.and_then(|it| it.availability()).is_none() {
        reading.wait_for_data = None;
    }
}

/// Rejects a page size outside the documented bounds, before any call.
pub(super) fn page_size(
    reading: &ReadSettings,
    kind: &OperationKind,
    given: &Given,
) -> Result<(), Failure> {
    let (listing, is_sent_here) = match kind {
        OperationKind::List(listing) => (listing.as_ref(), true),
        OperationKind::Job(family) => match family.results() {
            Results::List(_, listing) | Results::Status(listing) => {
                (listing, family.is_job_per_page())
            }
            _ => return Ok(()),
        },
        OperationKind::Single | OperationKind::Accepted => return Ok(()),
    };
    let Some(size) = listing.page_size() else { return Ok(()) };
    let given = || {
        let param = given.params.iter().rfind(|(name, _)| name == size.name());
        let param = param.map(|(_, value)| value.clone());
        let pointer = format!("/{}", size.name().replace('.', "/"));
        let field = given.body.as_ref().and_then(|body| lenient::at(body.get(), &pointer));
        let value = if size.place().is_in_body() { field.map(str::to_owned) } else { param };
        value?.parse::<u64>().ok()
    };
    let (source, wanted) = match reading.page_size {
        Some(items) => ("--page-size", Some(items)),
        None => (size.name(), if is_sent_here { given() } else { None }),
    };
    let Some(items) = wanted else { return Ok(()) };
    let least = size.minimum().unwrap_or(1).max(1);
    let bounds = match size.maximum() {
        _ if items < least => format!("at least {least}"),
        Some(most) if items > most => format!("at most {most}"),
        _ => return Ok(()),
    };
    Err(Failure::usage(format!("{source} must be {bounds} for this operation, not {items}"))
        .advise("omit it for the largest page size that the operation is known to allow"))
}

/// Rejects parameters that select a later page: earlier pages would be missing from an output that claims to be
/// complete.
pub(super) fn starts_at_the_first_page(
    kind: &OperationKind,
    entry: &Entry,
    given: &Given,
) -> Result<(), Failure> {
    let Some(listing) = capabilities::pages(kind) else { return Ok(()) };
    // A required parameter selects what is listed; only its value may show that it starts at a later page.
    let is_needed = |name: &str| entry.parameters.iter().any(|it| it.required && it.name == name);
    let params = given.params.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let in_body =
        listing.token_in().iter().filter(|place| place.is_in_body()).filter_map(|place| {
            let pointer = format!("/{}", place.name().replace('.', "/"));
            let value = given.body.as_ref().and_then(|body| lenient::at(body.get(), &pointer))?;
            match serde_json::from_str(value).unwrap_or_default() {
                Value::Null => None,
                Value::String(text) => Some((place.name(), text)),
                other => Some((place.name(), other.to_string())),
            }
        });
    let found = params.chain(in_body).find(|(name, value)| {
        let is_first = listing.chooses_first_page(name, value).unwrap_or_else(|| is_needed(name));
        listing.chooses_page(name) && !is_first
    });
    match found {
        None => Ok(()),
        // The parameter contains more than the page.
        Some((name, _)) if is_needed(name) => Err(Failure::usage(format!(
            "`{name}` requests a later page, but an export reads all pages from the first"
        ))
        .advise("omit the page")),
        Some((name, _)) => Err(Failure::usage(format!(
            "`{name}` is set by the export, which reads all pages from the first"
        ))
        .advise("use --page-size for the number of records per page, and --limit for the maximum in total")),
    }
}

/// Rejects a value that is given both by an option and as a parameter or in the body.
pub(super) fn is_given_once(
    reading: &ReadSettings,
    kind: &OperationKind,
    range: Option<&Range>,
    given: &Given,
) -> Result<(), Failure> {
    let twice = |option: &str, name: &str| {
        Failure::usage(format!(
            "{option} sets `{name}`, which is also given directly; omit one of them"
        ))
    };
    if let (Some(_), Some(size)) = (reading.page_size, capabilities::page_size(kind))
        && is_given(given, size.name(), size.place().is_in_body())
    {
        return Err(twice("--page-size", size.name()));
    }
    match range {
        Some(range) if is_given(given, range.name(), range.is_in_body()) => {
            Err(twice("--interval", range.name()))
        }
        _ => Ok(()),
    }
}

/// Returns whether a parameter or body field is given.
fn is_given(given: &Given, name: &str, is_in_body: bool) -> bool {
    let pointer = format!("/{}", name.replace('.', "/"));
    match is_in_body {
        true => given.body.as_ref().is_some_and(|body| lenient::at(body.get(), &pointer).is_some()),
        false => given.params.iter().any(|(known, _)| known == name),
    }
}
