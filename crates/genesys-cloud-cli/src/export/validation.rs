//! What an export is refused for and a single call is not.

use std::path::Path;

use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{Results, lenient};
use genesys_cloud_sinks::{Format, OnBadValue};
use serde_json::Value;

use super::output::Output;
use super::range::Range;
use crate::capabilities;
use crate::failure::Failure;
use crate::locations::Destination;
use crate::parameters::Given;
use crate::settings::{ExportSettings, FormSettings, ReadSettings};

/// The form of the output: as the option says, or else the name of the file. A name that ends in something
/// else is refused, since it would promise another form.
pub(super) fn format(form: &FormSettings, output: &Output) -> Result<Format, Failure> {
    let name = output.name();
    if let (Some(format), Some(named)) = (form.format, name.and_then(Format::from_path))
        && format != named
    {
        return Err(Failure::usage(format!(
            "--format {format}: the name of --out {} says {named}",
            output.destination
        ))
        .advise("leave --format out, or choose another name"));
    }
    match (form.format.or(name.and_then(Format::from_path)), name) {
        (None, Some(name)) => match name.extension() {
            Some(end) => Err(Failure::usage(format!(
                "--out {}: records are not written as .{}, or the name does not say what is compressed",
                output.destination,
                end.to_string_lossy()
            ))
            .advise(format!("a name such as {} says it, or --format jsonl", example(name)))),
            None => Ok(Format::default()),
        },
        (format, _) => Ok(format.unwrap_or_default()),
    }
}

/// Refuses options that do nothing for an output of this kind.
pub(super) fn options_of_output(form: &FormSettings, output: &Output) -> Result<(), Failure> {
    #[cfg(feature = "buckets")]
    if form.part_size.is_some() && !matches!(output.destination, Destination::Bucket(_)) {
        return Err(Failure::usage("--part-size is for an object in a bucket")
            .advise("--out s3://bucket/key"));
    }
    if form.row_group.is_some() && !output.is_table() && !format(form, output)?.is_grouped() {
        return Err(Failure::usage("--row-group is for Parquet").advise("--format parquet"));
    }
    Ok(())
}

fn example(out: &Path) -> String {
    let end = match out.extension().and_then(|end| end.to_str()) {
        Some("gz") => "jsonl.gz",
        _ => "jsonl",
    };
    // Of `u.jsonl.xz`, what is before both.
    let plain = out.with_extension("");
    let stem = if Format::from_path(&plain).is_some() { plain.with_extension("") } else { plain };
    format!("{}.{end}", stem.display())
}

/// Refuses options that say something about records, where a job results in files.
pub(super) fn options_of_files(settings: &ExportSettings) -> Result<(), Failure> {
    let (form, reading) = (&settings.form, &settings.reading);
    let of_records = [
        ("--interval", settings.range.is_some()),
        ("--page-size", reading.page_size.is_some()),
        ("--limit", reading.limit.is_some()),
        ("--fields", !form.fields.is_empty()),
        ("--format", form.format.is_some()),
        ("--row-group", form.row_group.is_some()),
        ("--on-bad-value", form.on_bad_value != OnBadValue::Fail),
        ("--rejects", form.rejects.is_some()),
    ];
    if let Some((option, _)) = of_records.iter().find(|(_, given)| *given) {
        return Err(Failure::usage(format!(
            "{option}: the jobs of this operation result in files, which are written as they are"
        )));
    }
    match (&settings.destination, settings.is_dry_run) {
        (Destination::File(_), _) | (Destination::Stdout, true) => Ok(()),
        _ => Err(Failure::usage(
            "the jobs of this operation result in files; name a file on this machine with --out",
        )),
    }
}

/// Refuses options of jobs where there is no job, or where the API does not report what they wait for.
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
        return Err(Failure::usage(format!(
            "--deadline: {} is not a job, so there is nothing to wait for",
            entry.id
        )));
    }
    if reading.wait_for_data.is_some() && family.and_then(|it| it.availability()).is_none() {
        return Err(Failure::usage(format!(
            "--wait-for-data: the API does not report how far the data of {} is available",
            entry.id
        )));
    }
    Ok(())
}

/// Refuses a page size that the operation is known not to take, before anything is sent.
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
        .advise("without --page-size, pages are as large as the operation is known to allow"))
}

/// Refuses parameters that choose a page: what comes before it would be missing from an output that passes for whole.
pub(super) fn begins_at_the_beginning(
    kind: &OperationKind,
    entry: &Entry,
    given: &Given,
) -> Result<(), Failure> {
    let Some(listing) = capabilities::pages(kind) else { return Ok(()) };
    // What the operation can't do without says what is listed, and only a value that can be read says where it begins.
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
        // It holds more than the page.
        Some((name, _)) if is_needed(name) => Err(Failure::usage(format!(
            "`{name}` asks for a later page, but the export reads all pages from the first"
        ))
        .advise("leave the page out of it")),
        Some((name, _)) => Err(Failure::usage(format!(
            "`{name}` is set by the export, which reads all pages from the first"
        ))
        .advise("--page-size sets how many records a page has, --limit after how many it ends")),
    }
}

/// Refuses what is given twice: by an option, and as a parameter or in the body.
pub(super) fn is_given_once(
    reading: &ReadSettings,
    kind: &OperationKind,
    range: Option<&Range>,
    given: &Given,
) -> Result<(), Failure> {
    let twice = |option: &str, name: &str| {
        Failure::usage(format!(
            "{option} sets `{name}`, which is given already; leave one of them out"
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

/// Whether a parameter, or a field of the body, is given.
fn is_given(given: &Given, name: &str, is_in_body: bool) -> bool {
    let pointer = format!("/{}", name.replace('.', "/"));
    match is_in_body {
        true => given.body.as_ref().is_some_and(|body| lenient::at(body.get(), &pointer).is_some()),
        false => given.params.iter().any(|(known, _)| known == name),
    }
}
