//! What an export is refused for that a single call is not.

use std::path::Path;

use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::{Listing, Results};
use serde_json::Value;

use super::Output;
use crate::arguments::Export;
use crate::failure::Failure;
use crate::parameters::Given;
use crate::sinks::Format;
use crate::tags::Way;

/// The form of the output: as the option says, or else the name of the file. A name that ends in something
/// else is refused, since it would promise another form.
pub(super) fn format(export: &Export, output: &Output) -> Result<Format, Failure> {
    let name = output.name();
    match (export.format.or(name.and_then(Format::of_path)), name) {
        (None, Some(name)) => match name.extension() {
            Some(end) => Err(Failure::usage(format!(
                "--out {output}: records are not written as .{}, or the name does not say what is compressed",
                end.to_string_lossy()
            ))
            .advise(format!("a name such as {} says it, or --format jsonl", example(name)))),
            None => Ok(Format::default()),
        },
        (format, _) => Ok(format.unwrap_or_default()),
    }
}

fn example(out: &Path) -> String {
    let end = match out.extension().and_then(|end| end.to_str()) {
        Some("gz") => "jsonl.gz",
        _ => "jsonl",
    };
    // Of `u.jsonl.xz`, what is before both.
    let plain = out.with_extension("");
    let stem = if Format::of_path(&plain).is_some() { plain.with_extension("") } else { plain };
    format!("{}.{end}", stem.display())
}

/// Refuses to wait for data of which nothing tells whether it is there.
pub(super) fn waits_for_data(export: &Export, entry: &Entry, way: &Way) -> Result<(), Failure> {
    let tells = matches!(way, Way::Job(family) if family.availability().is_some());
    match export.wait_for_data {
        Some(_) if !tells => Err(Failure::usage(format!(
            "--wait-for-data: nothing tells up to when the data of {} is available",
            entry.id
        ))),
        _ => Ok(()),
    }
}

/// Refuses a place to begin at: what comes before it would be missing from an output that passes for whole.
pub(super) fn begins_at_the_beginning(way: &Way, given: &Given) -> Result<(), Failure> {
    let listing = match way {
        Way::List(listing) => listing.as_ref(),
        Way::Job(family) => match family.results() {
            Results::List(_, listing) if family.is_job_per_page() => listing,
            _ => return Ok(()),
        },
        Way::Single | Way::Accepted => return Ok(()),
    };
    // The one is the search itself, the other a date to begin with.
    if given.unchecked || matches!(listing.scheme().name(), "Q64Search" | "IdOrDateWindow") {
        return Ok(());
    }
    match listing.token_in().iter().find(|place| is_set(listing, place.name(), given)) {
        None => Ok(()),
        Some(place) => Err(Failure::usage(format!(
            "`{}` is set by the export, which reads all pages from the first",
            place.name()
        ))
        .advise("--page-size sets how many records a page has, --limit after how many it ends")),
    }
}

fn is_set(listing: &Listing, name: &str, given: &Given) -> bool {
    let in_body = listing.token_in().iter().any(|place| place.name() == name && place.is_in_body());
    if !in_body {
        return given.params.iter().any(|(known, value)| known == name && value != "1");
    }
    let pointer = format!("/{}", name.replace('.', "/"));
    let value = given.body.as_ref().and_then(|body| body.pointer(&pointer));
    !matches!(value, None | Some(Value::Null)) && value != Some(&Value::from(1))
}
