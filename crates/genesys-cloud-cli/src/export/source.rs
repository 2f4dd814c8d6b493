//! What to read: a list, a job or a time range, once or for each of its parents.

use std::fmt::Write as _;

use genesys_cloud_catalogue::{Catalogue, Operation as Entry};
use genesys_cloud_core::specs::{self, OperationKind};
use genesys_cloud_core::{OnRefused, Request, Results};
use genesys_cloud_sinks::Column;
use genesys_cloud_sinks::checksum::Checksum;

use super::binding::{Binding, Origin, Scalar};
use super::range::Range;
use super::validation;
use crate::body;
use crate::capabilities;
use crate::failure::Failure;
use crate::locations::BodySource;
use crate::parameters::{self, Given};
use crate::record;
use crate::resolve;
use crate::settings::{ExportSettings, RangeSettings, ReadSettings, Unique};

/// What to read.
#[derive(Clone)]
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

/// The parents of a list.
#[derive(Clone)]
pub(super) struct Tree {
    pub(super) parents: Parents,
    /// The parameters of the list that they set, in the order of the document.
    pub(super) bindings: Vec<Binding>,
    /// Number of lists to read concurrently.
    pub(super) concurrency: usize,
    pub(super) on_missing: OnRefused,
    pub(super) on_forbidden: OnRefused,
}

/// Where parents come from.
#[derive(Clone)]
pub(super) enum Parents {
    /// A list, a job or a time range.
    List(Box<Source>),
    File(Rows),
}

/// Parents from a file, with the values of the bindings.
#[derive(Clone)]
pub(super) struct Rows {
    pub(super) name: String,
    pub(super) rows: Vec<Vec<Scalar>>,
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
    /// Resolves the list to export.
    pub(super) fn new(
        settings: &ExportSettings,
        (entry, kind): (&'static Entry, OperationKind),
        call: Call<'_>,
        (reading, tree): (ReadSettings, Option<Tree>),
    ) -> Result<Self, Failure> {
        let options = Options { param: "--param", body: "--body" };
        let source = Self::of(settings, (entry, kind), call, (reading, tree), options)?;
        Ok(Self { results_params: settings.results_params.clone(), ..source })
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

impl Tree {
    /// Returns whether one of the lists of parents is a job.
    pub(super) fn has_jobs(&self) -> bool {
        match &self.parents {
            Parents::List(source) => {
                source.lists().any(|it| matches!(it.kind, OperationKind::Job(_)))
            }
            Parents::File(_) => false,
        }
    }

    /// Returns the field of the parent, if it is the only value of the parent that the list is read with.
    pub(super) fn only_field(&self) -> Option<&str> {
        let fields = self.bindings.iter().map(|binding| &binding.origin);
        let mut fields = fields.filter_map(|origin| match origin {
            Origin::Field(0, path) => Some(&**path),
            _ => None,
        });
        fields.next().filter(|_| fields.next().is_none())
    }

    /// Returns the fields that each record gets.
    pub(super) fn columns(&self) -> Vec<Column> {
        self.bindings.iter().map(|binding| binding.column.clone()).collect()
    }

    /// Returns a checksum of the parents, so that only the same tree is resumed.
    pub(super) fn fingerprint(&self) -> String {
        let mut text = String::new();
        for Binding { parameter, origin, .. } in &self.bindings {
            // A string can't fail.
            let _ = write!(text, "{parameter}={origin:?};");
        }
        let mut sum = Checksum::new();
        sum.add(text.as_bytes());
        match &self.parents {
            Parents::List(source) => sum.add(source.fingerprint().as_bytes()),
            Parents::File(rows) => {
                for value in rows.rows.iter().flatten() {
                    sum.add(value.json.as_bytes());
                    sum.add(&[0]);
                }
            }
        }
        sum.text()
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
