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
use super::tree::{Parents, Tree};
use super::{results_parameters, validation};
use crate::body;
use crate::capabilities;
use crate::failure::Failure;
use crate::locations::BodySource;
use crate::locations::{ReportLocation, StateLocation};
use crate::parameters::{self, Given};
use crate::record;
use crate::resolve;
use crate::settings::{Accept, ExportSettings, Key, RangeSettings, ReadSettings, Start, Unique};

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
    /// The parameters as given.
    pub(super) params: Vec<(String, String)>,
    /// The parents, for each of which it is read, if any.
    pub(super) tree: Option<Tree>,
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

/// The input of a call.
pub(super) struct Call<'a> {
    pub(super) params: Vec<(String, String)>,
    pub(super) body: Option<&'a BodySource>,
    pub(super) range: Option<&'a RangeSettings>,
}

/// The options that set the input of a call, for messages.
struct Options {
    param: &'static str,
    body: &'static str,
}

impl Source {
    /// Resolves the source and the columns of its records.
    fn new(settings: &ExportSettings) -> Result<(Self, Columns), Failure> {
        let call = &settings.call;
        let entry = resolve::operation(&call.operation)?;
        let kind = Self::kind(entry)?;
        let kind = results_parameters::set(kind, settings, entry)?;
        let tree = Tree::new(settings, (entry, &kind))?;
        let mut reading = settings.reading.clone();
        match tree.as_ref().is_some_and(Tree::has_jobs) {
            true => validation::drop_options_of_jobs(&mut reading, &kind),
            false => validation::options_of_jobs(&reading, entry, &kind)?,
        }
        // The range of a tree is that of its parents.
        let range = settings.range.as_ref().filter(|_| tree.is_none());
        let input = Call { params: call.params.clone(), body: call.body.as_ref(), range };
        let options = Options { param: "--param", body: "--body" };
        let mut source = Self::of(settings, (entry, kind), input, (reading, tree), options)?;
        source.results_params.clone_from(&settings.results_params);
        let item = record::item(entry, &source.kind);
        let unique = range.map(|range| &range.unique);
        if let (Some(Unique::Field(field)), Some(item), false) = (unique, item, call.unchecked) {
            record::check("--unique", item, field)?;
        }
        let added = source.tree.as_ref().map(Tree::columns).unwrap_or_default();
        let columns = record::columns(&settings.form.fields, &added, item, call.unchecked)?;
        Ok((source, columns))
    }

    /// Resolves a list of parents.
    pub(super) fn of_parents(
        settings: &ExportSettings,
        entry: &'static Entry,
        call: Call<'_>,
        tree: Option<Tree>,
    ) -> Result<Self, Failure> {
        let kind = Self::kind(entry)?;
        if capabilities::files(&kind).is_some() {
            let name = resolve::rust_name(entry);
            return Err(Failure::usage(format!("--for-each: the results of {name} are files")));
        }
        let mut reading = ReadSettings { page_size: None, limit: None, ..settings.reading.clone() };
        validation::drop_options_of_jobs(&mut reading, &kind);
        let options = Options { param: "--for-each-param", body: "--for-each-body" };
        if let (Some(Unique::Field(field)), Some(item)) =
            (call.range.map(|range| &range.unique), record::item(entry, &kind))
        {
            record::check("--unique", item, field)?;
        }
        Self::of(settings, (entry, kind), call, (reading, tree), options)
    }

    fn of(
        settings: &ExportSettings,
        (entry, kind): (&'static Entry, OperationKind),
        call: Call<'_>,
        (reading, tree): (ReadSettings, Option<Tree>),
        options: Options,
    ) -> Result<Self, Failure> {
        let Call { params, body, range } = call;
        let range = range.map(|range| Range::new(range, entry, &kind)).transpose()?;
        let bound = tree.iter().flat_map(|tree| &tree.bindings).map(|it| it.parameter.clone());
        let given = Given {
            params,
            body: body.map(|source| body::read(source, options.body)).transpose()?,
            unchecked: settings.call.unchecked,
            later: range.iter().map(|range| range.name().to_owned()).chain(bound).collect(),
            option: options.param,
            body_option: options.body,
            takes_interval: capabilities::interval(&kind, entry).is_ok_and(|it| it.is_some()),
        };
        let request = parameters::request(entry, &given)?;
        validation::starts_at_the_first_page(&kind, entry, &given)?;
        validation::is_given_once(&reading, &kind, range.as_ref(), &given)?;
        validation::page_size(&reading, &kind, &given)?;
        let (params, results_params) = (given.params, Vec::new());
        Ok(Self { entry, kind, request, params, tree, range, reading, results_params })
    }

    /// Returns how an operation is read. Fails if it has no records.
    pub(super) fn kind(entry: &Entry) -> Result<OperationKind, Failure> {
        let kind = specs::kind(Catalogue::embedded(), entry);
        let kind = kind.map_err(|error| Failure::usage(error.to_string()))?;
        check_exportable(entry, &kind)?;
        Ok(kind)
    }

    /// Returns the list and those of its parents, the innermost first.
    pub(super) fn lists(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |list| list.parents())
    }

    /// Returns the list of parents, if it has one.
    pub(super) fn parents(&self) -> Option<&Self> {
        match &self.tree.as_ref()?.parents {
            Parents::List(parents) => Some(parents),
            Parents::File(_) => None,
        }
    }

    /// Returns the time range, which may be that of a list of parents.
    pub(super) fn time_range(&self) -> Option<&Range> {
        self.lists().find_map(|list| list.range.as_ref())
    }

    /// The same, to change it.
    pub(super) fn time_range_mut(&mut self) -> Option<&mut Range> {
        if self.range.is_some() {
            return self.range.as_mut();
        }
        match &mut self.tree.as_mut()?.parents {
            Parents::List(parents) => parents.time_range_mut(),
            Parents::File(_) => None,
        }
    }

    /// Returns a checksum of the request, so that only the same export is resumed.
    pub(super) fn fingerprint(&self) -> String {
        let mut sum = Checksum::new();
        let mut request = self.request.clone();
        for binding in self.tree.iter().flat_map(|tree| &tree.bindings) {
            request.set_path(binding.parameter.clone(), "*");
        }
        // An invalid request fails when it is sent.
        let target = request.target().unwrap_or_default();
        let interval = self.range.as_ref().map(|range| range.interval.to_string());
        for part in [&self.entry.id, &target, &interval.unwrap_or_default()] {
            sum.add(part.as_bytes());
            sum.add(&[0]);
        }
        sum.add(self.request.body().map(|body| &body[..]).unwrap_or_default());
        if let Some(tree) = &self.tree {
            sum.add(tree.fingerprint().as_bytes());
        }
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
        let key = key(settings.table.upsert.as_ref(), source, &columns)?;
        output.choose_table(&resolve::rust_name(source.entry).replace('.', "_"), settings, key)?;
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

/// Returns the fields that identify rows to update. Empty without an upsert.
fn key(wanted: Option<&Key>, source: &Source, columns: &Columns) -> Result<Vec<String>, Failure> {
    let fields = match wanted {
        None => return Ok(Vec::new()),
        Some(Key::Fields(fields)) => fields.clone(),
        Some(Key::Known) => {
            let added = source.tree.iter().flat_map(Tree::columns).map(|column| column.path);
            added.chain(["id".to_owned()]).collect()
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
