//! The plan of an export: its source, windows, output and state. Finds all errors that can be found before the first
//! call.

use std::path::PathBuf;
use std::time::Duration;

use chrono::Utc;
use genesys_cloud_sinks::{ChildTables, Columns, Format, OnBadValue};

use super::downloads::DownloadPlan;
use super::output::Output;
use super::partition::{Part, Partition};
use super::source::{Call, Source, Tree};
use super::window::FolderWindow;
use super::{added_fields, child_tables, results_parameters, tree, validation};
use crate::arguments::ExportField;
use crate::capabilities;
use crate::failure::Failure;
use crate::locations::{Destination, Folder, ReportLocation, StateLocation};
use crate::record;
use crate::resolve;
use crate::settings::{Accept, DownloadSettings, ExportSettings, Key, Start, Unique};

/// A validated export.
pub(super) struct Plan {
    pub(super) source: Source,
    pub(super) delivery: Delivery,
    pub(super) output: Output,
    /// Location of the state, if not beside the output.
    pub(super) state: Option<StateLocation>,
    pub(super) start: Start,
    /// Maximum age of an export to resume.
    pub(super) max_age: Option<Duration>,
    pub(super) report: ReportLocation,
    pub(super) accept: Accept,
    /// Whether to only show what the export would do.
    pub(super) is_dry_run: bool,
    /// The files of records to download, if any.
    pub(super) download: Option<DownloadPlan>,
    /// How the range is divided, if the output is a folder.
    pub(super) partition: Option<Partition>,
    /// The window of a folder that this writes, if it is not a whole export.
    pub(super) window: Option<FolderWindow>,
}

/// What to write.
#[derive(Clone)]
pub(super) enum Delivery {
    Records(Box<Records>),
    /// The result files of a job, unchanged.
    Files,
}

/// How to write records.
#[derive(Clone)]
pub(super) struct Records {
    pub(super) columns: Columns,
    /// The child tables, if any.
    pub(super) children: Option<ChildTables>,
    /// The fields in `--fields`; empty for all.
    pub(super) fields: Vec<String>,
    /// The fields that the export adds to each record.
    pub(super) with: Vec<ExportField>,
    pub(super) format: Format,
    /// Maximum number of records per batch.
    pub(super) batch: usize,
    pub(super) on_bad_value: OnBadValue,
    /// The file in `--rejects`.
    pub(super) rejects: Option<PathBuf>,
}

impl Plan {
    /// Plans and validates an export.
    pub(super) fn new(settings: ExportSettings) -> Result<Self, Failure> {
        let mut output = Output::new(&settings);
        let (source, columns, children) = source(&settings, &output)?;
        let delivery = match capabilities::files(&source.kind) {
            Some(_) => {
                validation::options_of_files(&settings)?;
                Delivery::Files
            }
            None => {
                let columns = (columns, children);
                let records = Records::new(&settings, &source, columns, &mut output)?;
                Delivery::Records(Box::new(records))
            }
        };
        let partition = match (&delivery, output.folder()) {
            (Delivery::Records(records), Some(folder)) => {
                Some(partition(&settings, &source, folder, &records.columns)?)
            }
            _ => None,
        };
        let download = match (&settings.download, &delivery) {
            (Some(download), Delivery::Records(records)) => {
                Some(downloads(&settings, download, &source, &records.columns)?)
            }
            _ => None,
        };
        let ExportSettings { state, start, max_age, report, accept, is_dry_run, .. } = settings;
        Ok(Self {
            source,
            delivery,
            output,
            state,
            start,
            max_age,
            report,
            accept,
            is_dry_run,
            download,
            partition,
            window: None,
        })
    }

    /// Returns the export of one window of the folder. `part`: its interval; `destination`: its file.
    pub(super) fn of_window(
        &self,
        part: &Part,
        destination: Destination,
        start: Start,
        window: FolderWindow,
    ) -> Self {
        let mut source = self.source.clone();
        if let Some(range) = source.time_range_mut() {
            range.narrow(part.interval);
        }
        Self {
            source,
            delivery: self.delivery.clone(),
            output: self.output.to(destination),
            state: None,
            start,
            max_age: None,
            report: ReportLocation::Nowhere,
            accept: self.accept,
            is_dry_run: false,
            // Rejected with a folder.
            download: None,
            partition: None,
            window: Some(window),
        }
    }
}

/// Resolves the source, the columns of its records and their child tables.
#[cfg_attr(not(feature = "parquet"), expect(unused_variables))]
fn source(
    settings: &ExportSettings,
    output: &Output,
) -> Result<(Source, Columns, Option<ChildTables>), Failure> {
    let call = &settings.call;
    let entry = resolve::operation(&call.operation)?;
    let kind = Source::kind(entry)?;
    let kind = results_parameters::set(kind, settings, entry)?;
    if let (Destination::Folder(folder), None) = (&settings.destination, capabilities::files(&kind))
    {
        validation::options_of_folder(settings, folder)?;
    }
    let tree = tree::plan(settings, (entry, &kind))?;
    let mut reading = settings.reading.clone();
    match tree.as_ref().is_some_and(Tree::has_jobs) {
        true => validation::drop_options_of_jobs(&mut reading, &kind),
        false => validation::options_of_jobs(&reading, entry, &kind)?,
    }
    // The range of a tree is that of its parents.
    let range = settings.range.as_ref().filter(|_| tree.is_none());
    let input = Call { params: call.params.clone(), body: call.body.as_ref(), range };
    let source = Source::new(settings, (entry, kind), input, (reading, tree))?;
    let item = record::item(entry, &source.kind);
    let unique = range.map(|range| &range.unique);
    if let (Some(Unique::Field(field)), Some(item), false) = (unique, item, call.unchecked) {
        record::check("--unique", item, field)?;
    }
    let keys = source.tree.as_ref().map(Tree::columns).unwrap_or_default();
    let with = added_fields::columns(&settings.form.with)?;
    let added = (&keys[..], &with[..]);
    let upsert = settings.table.upsert.as_ref();
    let mut children = child_tables::plan(&settings.explode, &source, upsert, call.unchecked)?;
    let mut fields = settings.form.fields.clone();
    if let Some(children) = &mut children {
        fields = children
            .choose(&fields, call.unchecked)
            .map_err(|error| record::refused("--fields", &error))?;
    }
    // Result files are written as they are, under any name.
    #[cfg(feature = "parquet")]
    if capabilities::files(&source.kind).is_none()
        && validation::has_nested_types(&settings.form, call.unchecked, output)?
    {
        let names = validation::names(&settings.form);
        if let Some(children) = &mut children {
            children.with_types(names).map_err(|error| record::mistyped(&error))?;
        }
        let item = children.as_ref().map(ChildTables::record).or(item);
        let columns = record::typed_columns(&fields, added, item, names)?;
        let columns = added_fields::mark(columns, &settings.form.with);
        return Ok((source, columns, children));
    }
    let item = children.as_ref().map(ChildTables::record).or(item);
    let columns = record::columns(&fields, added, item, call.unchecked)?;
    let columns = added_fields::mark(columns, &settings.form.with);
    Ok((source, columns, children))
}

/// Plans the downloads of the files that records refer to.
fn downloads(
    settings: &ExportSettings,
    download: &DownloadSettings,
    source: &Source,
    columns: &Columns,
) -> Result<DownloadPlan, Failure> {
    let known = match &settings.table.upsert {
        Some(Key::Fields(fields)) => fields.clone(),
        _ => {
            let id = source.range.as_ref().and_then(|range| range.id.clone());
            let added = source.tree.iter().flat_map(Tree::columns).map(|column| column.path);
            added.chain([id.unwrap_or_else(|| "id".to_owned())]).collect()
        }
    };
    let item = record::item(source.entry, &source.kind);
    DownloadPlan::new(download, known, columns, (item, settings.call.unchecked))
}

/// Chooses the windows of a folder. Fails if the range does not consist of whole ones.
fn partition(
    settings: &ExportSettings,
    source: &Source,
    folder: &Folder,
    columns: &Columns,
) -> Result<Partition, Failure> {
    let range = settings.range.as_ref().zip(source.time_range());
    let Some((given, range)) = range else {
        return Err(Failure::usage(format!("--out {folder}: the list has no time range")));
    };
    let partition = Partition::new(given, range.id.as_deref(), columns)?;
    partition.parts(range.interval, Utc::now())?;
    Ok(partition)
}

impl Records {
    fn new(
        settings: &ExportSettings,
        source: &Source,
        (columns, children): (Columns, Option<ChildTables>),
        output: &mut Output,
    ) -> Result<Self, Failure> {
        let form = &settings.form;
        let key = key(settings.table.upsert.as_ref(), source, &columns)?;
        output.choose_table(&resolve::rust_name(source.entry).replace('.', "_"), settings, key)?;
        if settings.range.as_ref().is_some_and(|range| range.partition.is_some())
            && output.folder().is_none()
        {
            return Err(Failure::usage("`--partition` needs a folder")
                .advise("add `--out FOLDER/`, with a slash at the end"));
        }
        if settings.state.is_some()
            && let Some(why) = output.keeps_no_state()
        {
            return Err(Failure::usage(format!("--state: {why}")));
        }
        validation::options_of_output(form, output)?;
        let format = validation::format(form, output)?;
        let format = form.row_group.map_or(format, |records| format.row_group(records));
        #[cfg(feature = "parquet")]
        let format = format.names(validation::names(form));
        if (format.is_table() || output.is_table()) && added_fields::are_all_of_export(&columns) {
            return Err(Failure::usage(format!(
                "the API document does not describe the records of {}, so their columns are unknown",
                source.entry.id
            ))
            .advise("name the columns with --fields, or write jsonl"));
        }
        let (fields, with, rejects) =
            (form.fields.clone(), form.with.clone(), form.rejects.clone());
        let (batch, on_bad_value) = (form.batch, form.on_bad_value);
        if let Some(children) = &children {
            output.add_children(children)?;
        }
        Ok(Self { columns, children, fields, with, format, batch, on_bad_value, rejects })
    }
}

/// Returns the fields that identify rows to update. Empty without an upsert.
fn key(wanted: Option<&Key>, source: &Source, columns: &Columns) -> Result<Vec<String>, Failure> {
    let fields = match wanted {
        None => return Ok(Vec::new()),
        Some(Key::Fields(fields)) => fields.clone(),
        Some(Key::Known) => {
            let known = child_tables::known_key(source);
            let has_id = known.len() > source.tree.as_ref().map_or(0, |tree| tree.bindings.len());
            // Without a known ID, the error names the usual one.
            let usual = Some("id".to_owned()).filter(|_| !has_id);
            known.into_iter().chain(usual).collect()
        }
    };
    for (at, field) in fields.iter().enumerate() {
        if fields[..at].contains(field) {
            return Err(Failure::usage(format!("--upsert: `{field}` is given twice")));
        }
        if !columns.all().iter().any(|column| column.path == *field) {
            let failure = Failure::usage(format!("--upsert: the output has no field `{field}`"));
            return Err(match wanted {
                Some(Key::Known) if source.tree.is_some() => failure.advise(
                    "name the fields that identify a record, such as --upsert queueId,userId",
                ),
                _ => failure,
            });
        }
    }
    Ok(fields)
}

/// Validates an export without a call.
#[cfg(test)]
pub(crate) fn check(settings: ExportSettings) -> Result<(), Failure> {
    Plan::new(settings).map(drop)
}
