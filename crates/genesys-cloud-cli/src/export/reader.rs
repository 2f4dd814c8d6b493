//! The reader of an export, for lists, time ranges and files.

use std::future::poll_fn;
use std::task::{Context, Poll};

use chrono::{DateTime, SecondsFormat, Utc};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use genesys_cloud_catalogue::{Catalogue, Operation as Entry};
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{
    Checkpoint, Client, Error, ErrorKind, Paginator, RawItem, ReadOptions, Reason, Request,
    Resumable, SavedJob, Verdict, Windows,
};
use serde_json::value::RawValue;

use super::added_fields::AddedFields;
use super::branches::{Branches, KeyedLists, Outer, Parent, nested};
use super::counts::{ParentCounts, ReadCounts};
use super::files::{self, FileEvent, FilePart};
use super::source::{Parents, Source, Tree};
use super::state::Position;

use crate::capabilities;
use crate::failure::{Exit, Failure};
use crate::reporter::Progress;
use crate::resolve;
use crate::settings::ReadSettings;

/// Maximum size of a page in bytes. A larger page is read in smaller ones.
const MAX_PAGE_BYTES: usize = 32 << 20;

/// A record as the API sent it.
pub(super) type Raw = Box<RawValue>;

/// Reads records or files.
pub(super) struct Reader {
    entry: &'static Entry,
    input: Input,
    added: AddedFields,
}

/// A list, the windows of a time range, the lists of all parents, or the files of a job.
enum Input {
    List(Box<Paginator<RawItem>>),
    Range(Box<Windows<RawItem>>),
    Tree(Box<dyn Branches>),
    Files(Box<Files>),
}

/// The files of a job.
struct Files {
    events: BoxStream<'static, Result<FileEvent, Failure>>,
    job: Option<SavedJob>,
    is_partial: bool,
    verdict: Verdict,
}

/// The next item to deliver.
pub(super) enum Next {
    Record(Raw),
    /// A job was submitted.
    Job,
    /// Part of the files of a job.
    File(FilePart),
    End,
}

impl Input {
    /// Reads a list, a time range, or the lists of all parents.
    fn of_records(client: &Client, source: &Source, from: Option<&Checkpoint>) -> Self {
        let request = source.request.clone();
        let make = maker(client.clone(), source.kind.clone());
        if let Some(tree) = &source.tree {
            return Self::Tree(of_tree(client, source, tree, from));
        }
        let options = options(&source.reading);
        match &source.range {
            None => {
                let list = make(request).with_options(&options);
                Input::List(Box::new(match from {
                    Some(from) => list.resume(from),
                    None => list,
                }))
            }
            Some(range) => {
                let windows = range.windows(request, make).with_options(&options);
                Input::Range(Box::new(match from {
                    Some(from) => windows.resume(from),
                    None => windows,
                }))
            }
        }
    }
}

/// Converts the settings to options of the core.
fn options(reading: &ReadSettings) -> ReadOptions {
    let count = |of: u64| usize::try_from(of).unwrap_or(usize::MAX);
    let mut options = ReadOptions::new().prefetch(reading.prefetch).on_stale(reading.on_stale);
    options = options.max_page_bytes(MAX_PAGE_BYTES);
    if let Some(size) = reading.page_size {
        options = options.page_size(count(size));
    }
    if let Some(limit) = reading.limit {
        options = options.limit(count(limit));
    }
    if let Some(deadline) = reading.deadline {
        options = options.job_deadline(deadline);
    }
    if let Some(deadline) = reading.wait_for_data {
        options = options.wait_for_data(deadline);
    }
    options
}

impl Reader {
    /// Reads from the start, or resumes, and adds fields to each record.
    pub(super) fn new(
        client: &Client,
        source: &Source,
        added: AddedFields,
        from: Option<Position<'_>>,
    ) -> Self {
        let entry = source.entry;
        let input = match capabilities::files(&source.kind) {
            Some(family) => {
                let job = from.and_then(Position::job).cloned();
                let events = files::events(client, source, family, job.clone());
                let verdict = Verdict::Unknown(Reason::Unfinished);
                Input::Files(Box::new(Files { events, job, is_partial: false, verdict }))
            }
            None => Input::of_records(client, source, from.and_then(Position::checkpoint)),
        };
        Self { entry, input, added }
    }

    /// Returns the IDs of jobs that are running or being read. An ID is empty if the API returned none.
    pub(super) fn jobs(&self) -> Vec<String> {
        let jobs = match &self.input {
            Input::List(list) => Resumable::jobs(list.as_ref()),
            Input::Range(windows) => Resumable::jobs(windows.as_ref()),
            Input::Tree(branches) => branches.jobs(),
            Input::Files(files) => files.job.iter().cloned().collect(),
        };
        jobs.iter().map(|job| job.id().unwrap_or_default().to_owned()).collect()
    }

    /// Returns notes for the report.
    pub(super) fn notes(&self) -> Vec<String> {
        let forgotten = match &self.input {
            Input::List(_) | Input::Files(_) | Input::Tree(_) => 0,
            Input::Range(windows) => windows.report().ids_forgotten,
        };
        match forgotten {
            0 => Vec::new(),
            ids => vec![format!(
                "the IDs of {ids} records were forgotten; later duplicates of them are written twice"
            )],
        }
    }

    /// Waits for the next item, or for a job that is not in `known`. Cancel-safe.
    pub(super) async fn next(&mut self, known: &[String]) -> Result<Next, Failure> {
        poll_fn(|cx| {
            let json = |record| json(record, &self.added);
            let polled = match &mut self.input {
                Input::List(list) => list.poll_next_unpin(cx).map(|next| Some(next?.map(json))),
                Input::Range(windows) => {
                    windows.poll_next_unpin(cx).map(|next| Some(next?.map(json)))
                }
                Input::Files(files) => return files.poll_next(cx),
                Input::Tree(branches) => branches.poll_next(cx, &self.added),
            };
            match polled {
                Poll::Ready(Some(Ok(record))) => {
                    Poll::Ready(record.map(Next::Record).map_err(|error| {
                        Failure::new(Exit::Failed, format!("can't read a record: {error}"))
                    }))
                }
                Poll::Ready(Some(Err(error))) => Poll::Ready(Err(self.failure(&error))),
                Poll::Ready(None) => Poll::Ready(Ok(Next::End)),
                Poll::Pending if self.jobs().iter().any(|job| !known.contains(job)) => {
                    Poll::Ready(Ok(Next::Job))
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Describes an error of the list, or of its parents.
    fn failure(&self, error: &Error) -> Failure {
        if let (Input::Tree(_), ErrorKind::InvalidRequest) = (&self.input, error.kind()) {
            return Failure::new(
                Exit::Failed,
                format!("can't read the list of a parent: {error:#}"),
            )
            .advise(
                "the parent has no value for this parameter; choose other parents or another field",
            );
        }
        let entry = error.operation().and_then(|id| Catalogue::embedded().operation(id));
        let failure = Failure::of_call(error, entry.or(Some(self.entry)));
        match &self.input {
            Input::Tree(branches) => match branches.report().failed {
                Some(path) => failure.advise(format!("the list that failed is {path}")),
                None => failure,
            },
            _ => failure,
        }
    }

    pub(super) fn read(&self) -> ReadCounts {
        match &self.input {
            Input::Tree(branches) => {
                let report = branches.report();
                let verdict = report.verdict();
                ReadCounts {
                    records: report.items,
                    pages: report.pages,
                    calls: report.requests,
                    retries: report.retries,
                    waited: report.waited,
                    duplicates: report.duplicates,
                    nulls: report.nulls,
                    parents: Some(ParentCounts {
                        opened: report.parents,
                        done: report.parents_done,
                        missing: report.not_found,
                        forbidden: report.forbidden,
                        skipped: report.skipped,
                    }),
                    ..ReadCounts::nothing(verdict)
                }
            }
            Input::List(list) => {
                let report = list.report();
                ReadCounts {
                    records: report.items,
                    pages: report.pages,
                    calls: report.requests,
                    retries: report.retries,
                    waited: report.waited,
                    total: report.last_total,
                    page_size: report.page_size_granted.or(report.page_size_requested),
                    duplicates: report.duplicates,
                    nulls: report.nulls,
                    available_until: report.available_until.map(text),
                    ..ReadCounts::nothing(report.verdict())
                }
            }
            Input::Range(windows) => {
                let report = windows.report();
                ReadCounts {
                    records: report.items,
                    pages: report.pages,
                    calls: report.requests,
                    retries: report.retries,
                    waited: report.waited,
                    windows: Some((report.windows_done, report.windows)),
                    duplicates: report.duplicates,
                    nulls: report.nulls,
                    available_until: report.available_until.map(text),
                    ..ReadCounts::nothing(report.verdict())
                }
            }
            Input::Files(files) => ReadCounts::nothing(files.verdict),
        }
    }

    /// Adds the jobs submitted since to an earlier checkpoint.
    pub(super) fn knowing_jobs(&self, earlier: &Checkpoint) -> Result<Checkpoint, Failure> {
        let checkpoint = match &self.input {
            Input::List(list) => list.checkpoint_with_jobs(earlier),
            Input::Range(windows) => windows.checkpoint_with_jobs(earlier),
            Input::Tree(branches) => branches.checkpoint_with_jobs(earlier),
            Input::Files(_) => Ok(earlier.clone()),
        };
        checkpoint.map_err(|error| self.failure(&error))
    }

    /// Returns a checkpoint after the last delivered record. `None` if the results are files.
    pub(super) fn checkpoint(&self) -> Result<Option<Checkpoint>, Failure> {
        let checkpoint = match &self.input {
            Input::List(list) => Ok(list.checkpoint()),
            Input::Range(windows) => windows.checkpoint(),
            Input::Tree(branches) => branches.checkpoint(),
            Input::Files(_) => return Ok(None),
        };
        checkpoint.map(Some).map_err(|error| self.failure(&error))
    }

    /// Returns the job whose results are files, once it is submitted.
    pub(super) fn job(&self) -> Option<&SavedJob> {
        match &self.input {
            Input::Files(files) => files.job.as_ref(),
            _ => None,
        }
    }

    /// Returns whether reading may stop here. While a job is being submitted, its ID would be lost.
    pub(super) fn may_stop(&self) -> bool {
        match &self.input {
            Input::Files(files) => files.job.is_some(),
            Input::List(_) | Input::Range(_) | Input::Tree(_) => true,
        }
    }

    /// Returns the list, unless this reads a time range or files.
    pub(super) fn into_list(self) -> Option<Paginator<RawItem>> {
        match self.input {
            Input::List(list) => Some(*list),
            _ => None,
        }
    }

    pub(super) fn progress(&self, limit: Option<u64>) -> Progress {
        let ReadCounts { records, pages, total, windows, parents, .. } = self.read();
        let parents = parents.map(|it| it.done);
        let total = match (total, limit) {
            (Some(total), Some(limit)) => Some(total.min(limit)),
            (total, _) => total,
        };
        let (id, operation) = (self.entry.id.clone(), resolve::rust_name(self.entry));
        Progress { id, operation, records, total, pages, windows, parents }
    }

    /// Returns the number of windows before any is read.
    pub(super) fn window_count(&self) -> Result<Option<usize>, Error> {
        match &self.input {
            Input::List(_) | Input::Files(_) | Input::Tree(_) => Ok(None),
            Input::Range(windows) => windows.plan().map(|plan| Some(plan.windows().len())),
        }
    }
}

impl Files {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next, Failure>> {
        self.events.poll_next_unpin(cx).map(|event| {
            Ok(match event.transpose()? {
                Some(FileEvent::Job(job)) => {
                    self.job = Some(job);
                    Next::Job
                }
                Some(FileEvent::Ready { files, is_partial }) => {
                    self.is_partial = is_partial;
                    Next::File(FilePart::Count(files))
                }
                Some(FileEvent::Part(part)) => Next::File(part),
                None => {
                    self.verdict = match self.is_partial {
                        true => Verdict::Truncated(Reason::PartlySucceeded),
                        false => Verdict::Complete,
                    };
                    Next::End
                }
            })
        })
    }
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Reads a list for each parent.
fn of_tree(
    client: &Client,
    source: &Source,
    tree: &Tree,
    from: Option<&Checkpoint>,
) -> Box<dyn Branches> {
    match &tree.parents {
        Parents::File(rows) => branches(client, source, rows.rows.clone(), from),
        Parents::List(parents) => {
            let request = parents.request.clone();
            let lists = lists(client, parents);
            let by = parents.tree.as_ref();
            match by.map(|outer| (outer, &outer.parents)) {
                Some((outer, Parents::File(rows))) => {
                    branches(client, source, nested(rows.rows.clone(), outer, request, lists), from)
                }
                Some((outer, Parents::List(first))) => match Input::of_records(client, first, None)
                {
                    Input::List(list) => {
                        let list = distinct(*list, outer);
                        branches(client, source, nested(list, outer, request, lists), from)
                    }
                    Input::Range(windows) => {
                        branches(client, source, nested(*windows, outer, request, lists), from)
                    }
                    Input::Tree(_) | Input::Files(_) => {
                        unreachable!("planned with two lists of parents at most")
                    }
                },
                None => match Input::of_records(client, parents, None) {
                    Input::List(list) => branches(client, source, distinct(*list, tree), from),
                    Input::Range(windows) => branches(client, source, *windows, from),
                    Input::Tree(_) | Input::Files(_) => {
                        unreachable!("planned as a list or a range")
                    }
                },
            }
        }
    }
}

/// Reads a list of records for each of these parents.
fn branches<P: Parent>(
    client: &Client,
    source: &Source,
    parents: impl Outer<P>,
    from: Option<&Checkpoint>,
) -> Box<dyn Branches> {
    let Some(tree) = &source.tree else { unreachable!("planned with parents") };
    let nested = nested(parents, tree, source.request.clone(), lists(client, source));
    Box::new(KeyedLists::new(nested, tree, (source.reading.limit, from)))
}

/// Drops duplicate parents, whose lists would be read twice.
fn distinct(list: Paginator<RawItem>, tree: &Tree) -> Paginator<RawItem> {
    match tree.only_field() {
        Some(path) => list.dedupe_by(path),
        None => list,
    }
}

/// Returns a function that makes the list of a request, with all options but the limit of records.
fn lists(
    client: &Client,
    source: &Source,
) -> impl Fn(Request) -> Paginator<RawItem> + Send + 'static {
    let make = maker(client.clone(), source.kind.clone());
    let options = options(&ReadSettings { limit: None, ..source.reading.clone() });
    move |request| make(request).with_options(&options)
}

/// Returns a record with the added fields.
fn json(record: RawItem, added: &AddedFields) -> Result<Raw, String> {
    if added.is_empty() {
        return record.into_json().map_err(|error| error.to_string());
    }
    let record = record.json().map_err(|error| error.to_string())?;
    RawValue::from_string(added.add("", record.get())).map_err(|error| error.to_string())
}

/// Returns a function that makes the list of a request.
fn maker(
    client: Client,
    kind: OperationKind,
) -> impl Fn(Request) -> Paginator<RawItem> + Send + 'static {
    move |request| match &kind {
        OperationKind::Job(family) => {
            Paginator::raw_from_job(&client, request, family.as_ref().clone())
        }
        OperationKind::List(listing) => Paginator::raw(&client, request, listing.as_ref().clone()),
        OperationKind::Single | OperationKind::Accepted => {
            unreachable!("only lists and jobs are exported")
        }
    }
}
