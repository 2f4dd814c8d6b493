//! The plan of an export: its source, windows, output and state. Finds all errors that can be found before the first
//! call.

use std::path::PathBuf;
use std::time::Duration;

use genesys_cloud_catalogue::{Catalogue, Operation as Entry};
use genesys_cloud_core::specs::{self, OperationKind};
use genesys_cloud_core::{Request, Results};
use genesys_cloud_sinks::checksum::Checksum;
use genesys_cloud_sinks::{Columns, Format, OnBadValue};

use super::output::Output;
use super::range::Range;
use super::{results_parameters, validation};
use crate::body;
use crate::capabilities;
use crate::failure::Failure;
use crate::locations::{ReportLocation, StateLocation};
use crate::parameters::{self, Given};
use crate::record;
use crate::resolve;
use crate::settings::{Accept, ExportSettings, ReadSettings, Start, Unique};

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
}

/// What to read.
pub(super) struct Source {
    pub(super) entry: &'static Entry,
    pub(super) kind: OperationKind,
    pub(super) request: Request,
    /// The time range, if any.
    pub(super) range: Option<Range>,
    pub(super) reading: ReadSettings,
    /// Parameters of the operation that lists the results of a job.
    pub(super) results_params: Vec<(String, String)>,
}

/// What to write.
pub(super) enum Delivery {
    Records(Records),
    /// The result files of a job, unchanged.
    Files,
}

/// How to write records.
pub(super) struct Records {
    pub(super) columns: Columns,
    /// The fields in `--fields`; empty for all.
    pub(super) fields: Vec<String>,
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
        let (source, columns) = Source::new(&settings)?;
        let mut output = Output::new(&settings);
        let delivery = match capabilities::files(&source.kind) {
            Some(_) => {
                validation::options_of_files(&settings)?;
                Delivery::Files
            }
            None => Delivery::Records(Records::new(&settings, &source, columns, &mut output)?),
        };
        let ExportSettings { state, start, max_age, report, accept, is_dry_run, .. } = settings;
        Ok(Self { source, delivery, output, state, start, max_age, report, accept, is_dry_run })
    }
}

impl Source {
    /// Resolves the source and the columns of its records.
    fn new(settings: &ExportSettings) -> Result<(Self, Columns), Failure> {
        let call = &settings.call;
        let entry = resolve::operation(&call.operation)?;
        let kind = specs::kind(Catalogue::embedded(), entry);
        let kind = kind.map_err(|error| Failure::usage(error.to_string()))?;
        check_exportable(entry, &kind)?;
        validation::options_of_jobs(&settings.reading, entry, &kind)?;
        let kind = results_parameters::set(kind, settings, entry)?;
        let range =
            settings.range.as_ref().map(|range| Range::new(range, entry, &kind)).transpose()?;
        let given = Given {
            params: call.params.clone(),
            body: call.body.as_ref().map(body::read).transpose()?,
            unchecked: call.unchecked,
            later: range.iter().map(|range| range.name().to_owned()).collect(),
            takes_interval: capabilities::interval(&kind, entry).is_ok_and(|it| it.is_some()),
            ..Given::default()
        };
        let request = parameters::request(entry, &given)?;
        validation::starts_at_the_first_page(&kind, entry, &given)?;
        validation::is_given_once(&settings.reading, &kind, range.as_ref(), &given)?;
        validation::page_size(&settings.reading, &kind, &given)?;
        let item = record::item(entry, &kind);
        let unique = settings.range.as_ref().map(|range| &range.unique);
        if let (Some(Unique::Field(field)), Some(item), false) = (unique, item, call.unchecked) {
            record::check("--unique", item, field)?;
        }
        let columns = record::columns(&settings.form.fields, item, call.unchecked)?;
        let reading = settings.reading.clone();
        let results_params = settings.results_params.clone();
        Ok((Self { entry, kind, request, range, reading, results_params }, columns))
    }

    /// Returns a checksum of the request, so that only the same export is resumed.
    pub(super) fn fingerprint(&self) -> String {
        let mut sum = Checksum::new();
        // An invalid request fails when it is sent.
        let target = self.request.target().unwrap_or_default();
        let interval = self.range.as_ref().map(|range| range.interval.to_string());
        for part in [&self.entry.id, &target, &interval.unwrap_or_default()] {
            sum.add(part.as_bytes());
            sum.add(&[0]);
        }
        sum.add(self.request.body().map(|body| &body[..]).unwrap_or_default());
        sum.text()
    }
}

impl Records {
    fn new(
        settings: &ExportSettings,
        source: &Source,
        columns: Columns,
        output: &mut Output,
    ) -> Result<Self, Failure> {
        let form = &settings.form;
        output.choose_table(&resolve::rust_name(source.entry).replace('.', "_"), settings)?;
        if let Some(key) = &settings.table.upsert
            && !columns.all().iter().any(|column| column.path == *key)
        {
            return Err(Failure::usage(format!("--upsert: the output has no field `{key}`")));
        }
        if settings.state.is_some()
            && let Some(why) = output.keeps_no_state()
        {
            return Err(Failure::usage(format!("--state: {why}")));
        }
        validation::options_of_output(form, output)?;
        let format = validation::format(form, output)?;
        let format = form.row_group.map_or(format, |records| format.row_group(records));
        if (format.is_table() || output.is_table()) && columns.all().is_empty() {
            return Err(Failure::usage(format!(
                "the API document does not describe the records of {}, so their columns are unknown",
                source.entry.id
            ))
            .advise("name the columns with --fields, or write jsonl"));
        }
        let (fields, rejects) = (form.fields.clone(), form.rejects.clone());
        let (batch, on_bad_value) = (form.batch, form.on_bad_value);
        Ok(Self { columns, fields, format, batch, on_bad_value, rejects })
    }
}

/// Rejects operations without records to export.
fn check_exportable(entry: &Entry, kind: &OperationKind) -> Result<(), Failure> {
    let name = resolve::rust_name(entry);
    match kind {
        OperationKind::List(_) => Ok(()),
        OperationKind::Job(family) => match family.results() {
            Results::Nothing => Err(Failure::usage(format!("{name}: its jobs have no results"))),
            _ => Ok(()),
        },
        OperationKind::Single | OperationKind::Accepted => {
            Err(Failure::usage(format!("{name} does not return a list"))
                .advise(format!("`genesys-cloud call {name}` makes one call")))
        }
    }
}

/// Validates an export without a call.
#[cfg(test)]
pub(crate) fn check(settings: ExportSettings) -> Result<(), Failure> {
    Plan::new(settings).map(drop)
}
