//! `cargo xtask operations`: what codegen knows about each operation.

mod diff;
mod explain;
mod jobs;
mod summary;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};

pub use diff::diff;
pub use explain::explain;
pub use jobs::jobs;
pub use summary::summary;

use crate::codegen::{self, Stages};
use crate::document::{Document, Kind, Operation};
use crate::emit;
use crate::flatten::flatten;
use crate::model::{Model, Tagged};
use crate::tags::{Cap, Interval, Tag, item_schema, size_type};

#[derive(Args)]
pub struct Options {
    /// Output format: a count per scheme, or tab-separated columns with a line per operation.
    #[arg(long, value_enum, default_value_t = Format::Summary)]
    format: Format,
    /// Show the tag of an operation and the evidence for it. Give its operationId, `METHOD /path` or Rust name
    /// (`routing.queues`).
    #[arg(long, value_name = "OPERATION", conflicts_with_all = ["format", "diff"])]
    explain: Option<String>,
    /// List the job families: how jobs are submitted, polled and cancelled, and where their results are.
    #[arg(long, conflicts_with_all = ["format", "diff", "explain"])]
    jobs: bool,
    /// Compare two API documents: operations added or removed, lists that page differently, and job families that
    /// changed.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with_all = ["format", "spec"])]
    diff: Vec<PathBuf>,
    /// API document to read instead of the pinned one.
    #[arg(long, value_name = "PATH")]
    spec: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Summary,
    Tsv,
}

/// Runs `cargo xtask operations`.
pub fn run(workspace: &Path, options: &Options, out: &mut impl Write) -> Result<()> {
    let exceptions = codegen::exceptions(workspace)?;
    let flat = |spec: Option<&Path>| -> Result<(Document, bool)> {
        let mut loaded = codegen::load(workspace, spec, &mut Stages::quiet())?;
        flatten(&mut loaded.document);
        Ok((loaded.document, loaded.is_pinned))
    };
    if let [old, new] = &options.diff[..] {
        let ((old, _), (new, _)) = (flat(Some(old))?, flat(Some(new))?);
        let tagged = |document| Tagged::of(document, &exceptions, false);
        return diff((&old, &tagged(&old)?), (&new, &tagged(&new)?), out);
    }
    if options.explain.is_none() && matches!(options.format, Format::Tsv) {
        let mut stages = Stages::quiet();
        let loaded = codegen::load(workspace, options.spec.as_deref(), &mut stages)?;
        let generated =
            codegen::generate(loaded.document, &exceptions, loaded.is_pinned, &mut stages)?;
        return tsv(&generated.model, out);
    }
    let (document, is_pinned) = flat(options.spec.as_deref())?;
    let tagged = Tagged::of(&document, &exceptions, is_pinned)?;
    if options.jobs {
        return jobs(&tagged, out);
    }
    match &options.explain {
        Some(name) => explain(&document, &tagged, name, out),
        None => {
            summary(&tagged, out)?;
            tagged.notes.iter().try_for_each(|note| writeln!(out, "{}", note.what))?;
            Ok(())
        }
    }
}

const COLUMNS: [&str; 20] = [
    "method",
    "path",
    "operation_id",
    "group",
    "rust",
    "tag",
    "scheme",
    "items",
    "item_type",
    "token_in",
    "token_out",
    "page_size",
    "page_size_type",
    "page_size_max",
    "cap",
    "interval",
    "jobs",
    "reads",
    "family",
    "parents",
];

/// Writes a header and a line per operation, with tab-separated columns; `-` is an empty column.
pub fn tsv(model: &Model, out: &mut impl Write) -> Result<()> {
    writeln!(out, "{}", COLUMNS.join("\t"))?;
    let mut rows: Vec<_> = model.operations().collect();
    rows.sort_by(|(_, a), (_, b)| {
        (&a.operation.path, a.operation.method).cmp(&(&b.operation.path, b.operation.method))
    });
    for (group, bound) in rows {
        let (operation, tag) = (&bound.operation, &bound.tag);
        let size = tag.list.page_size.as_ref();
        let columns = [
            Some(operation.method.as_str().to_owned()),
            Some(operation.path.clone()),
            Some(operation.id.clone()),
            Some(group.name.clone()),
            Some(format!("{}.{}", group.name, bound.method)),
            Some(tag.kind.as_str().to_owned()),
            tag.list.scheme.map(|scheme| scheme.name().to_owned()),
            tag.list.items.clone(),
            bound.item_type.as_ref().map(|kind| emit::rust(kind, "")),
            token_in_text(tag),
            token_out_text(tag),
            page_size_text(tag),
            size.map(|size| size_type(size).to_owned()),
            size.and_then(|size| size.maximum).map(|maximum| maximum.to_string()),
            tag.list.cap.as_ref().map(cap_text),
            tag.interval.as_ref().map(interval_text),
            tag.list.jobs.clone(),
            reads(operation, tag).then(|| "yes".to_owned()),
            tag.family.clone(),
            parents_text(tag),
        ];
        let columns: Vec<String> =
            columns.into_iter().map(|column| column.unwrap_or_else(|| "-".to_owned())).collect();
        writeln!(out, "{}", columns.join("\t"))?;
    }
    Ok(())
}

/// `queueId=getRoutingQueues.id` for each path parameter of a list; `jobId=-` for one without a parent.
fn parents_text(tag: &Tag) -> Option<String> {
    let parents = tag.parents.iter().map(|parent| match &parent.list {
        Some(list) => format!("{}={}.{}", parent.parameter, list.operation, list.field),
        None => format!("{}=-", parent.parameter),
    });
    let parents: Vec<String> = parents.collect();
    (!parents.is_empty()).then(|| parents.join(" "))
}

fn token_in_text(tag: &Tag) -> Option<String> {
    let places = tag.list.token_in.iter();
    let places: Vec<String> =
        places.map(|place| format!("{} {}", place.place.as_str(), place.name)).collect();
    (!places.is_empty()).then(|| places.join(" + "))
}

fn token_out_text(tag: &Tag) -> Option<String> {
    tag.list.token_out.as_ref().map(|out| format!("{} {}", out.form.as_str(), out.path))
}

fn page_size_text(tag: &Tag) -> Option<String> {
    tag.list.page_size.as_ref().map(|size| format!("{} {}", size.place.as_str(), size.name))
}

fn cap_text(cap: &Cap) -> String {
    let most = match (cap.pages, cap.items) {
        (Some(pages), _) => format!("{pages} pages"),
        (None, items) => format!("{} items", items.unwrap_or_default()),
    };
    match &cap.condition {
        None => most,
        Some((name, value)) => format!("{most} where {name}={value}"),
    }
}

fn interval_text(interval: &Interval) -> String {
    let days = interval.days.map(|days| format!(", at most {days} days")).unwrap_or_default();
    let id = interval.id.as_ref().map(|id| format!(", ids in {id}")).unwrap_or_default();
    format!("{} {}{days}{id}", interval.place.as_str(), interval.name)
}

/// Whether a call can be repeated because it is read-only.
fn reads(operation: &Operation, tag: &Tag) -> bool {
    operation.method.is_read() || tag.reads
}

/// The type of the items, as named in the document.
fn item_name(document: &Document, operation: &Operation, items: &str) -> Option<String> {
    let schema = item_schema(document, operation, items)?;
    Some(match &schema.kind {
        Kind::Reference(name) => name.clone(),
        Kind::Text { .. } | Kind::Enum(_) => "string".to_owned(),
        Kind::Integer { .. } => "integer".to_owned(),
        Kind::Number { .. } => "number".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
        Kind::List(_) => "list".to_owned(),
        Kind::Map(_) => "map".to_owned(),
        Kind::Any | Kind::Object(_) | Kind::Binary => "JSON".to_owned(),
    })
}

/// Whether an error is a closed pipe, as with `| head`.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
