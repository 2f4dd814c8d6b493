//! What an export reads, whatever it comes from.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{
    Checkpoint, Client, Error, Paginator, RawItem, ReadOptions, Reason, Request, Resumable,
    SavedJob, Verdict, Windows,
};
use serde_json::value::RawValue;

use super::files::{self, FileEvent, FilePart};
use super::plan::Source;
use super::state::Place;
use crate::capabilities;
use crate::failure::Failure;
use crate::reporter::Progress;
use crate::resolve;
use crate::settings::ReadSettings;

/// A page that is larger is read in smaller ones, in bytes.
const MAX_PAGE_BYTES: usize = 32 << 20;

/// A record as the API sent it.
pub(super) type Raw = Box<RawValue>;

/// Reads what an export delivers.
pub(super) struct Reader {
    entry: &'static Entry,
    input: Input,
}

/// A list, what a range of time holds, or the files of a job.
enum Input {
    List(Box<Paginator<RawItem>>),
    Range(Box<Windows<RawItem>>),
    Files(Box<Files>),
}

/// The files of a job while they are read.
struct Files {
    events: BoxStream<'static, Result<FileEvent, Failure>>,
    job: Option<SavedJob>,
    is_partial: bool,
    verdict: Verdict,
}

/// What comes next.
pub(super) enum Next {
    Record(RawItem),
    /// A job was submitted.
    Job,
    /// Part of the files of a job.
    File(FilePart),
    End,
}

/// What was read so far.
pub(super) struct ReadCounts {
    pub(super) records: u64,
    pub(super) pages: u64,
    pub(super) calls: u64,
    pub(super) retries: u64,
    pub(super) waited: Duration,
    pub(super) total: Option<u64>,
    pub(super) page_size: Option<u64>,
    pub(super) windows: Option<(u64, u64)>,
    pub(super) duplicates: u64,
    pub(super) nulls: u64,
    /// Up to when the data was available.
    pub(super) available_until: Option<String>,
    pub(super) verdict: Verdict,
}

impl Input {
    /// A list or a range.
    fn of_records(client: &Client, source: &Source, from: Option<&Checkpoint>) -> Self {
        let request = source.request.clone();
        let make = maker(client.clone(), source.kind.clone());
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

/// How lists and ranges are read.
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
    /// Reads from the beginning, or from this place.
    pub(super) fn new(client: &Client, source: &Source, from: Option<Place<'_>>) -> Self {
        let entry = source.entry;
        let input = match capabilities::files(&source.kind) {
            Some(family) => {
                let job = from.and_then(Place::job).cloned();
                let events = files::events(client, source, family, job.clone());
                let verdict = Verdict::Unknown(Reason::Unfinished);
                Input::Files(Box::new(Files { events, job, is_partial: false, verdict }))
            }
            None => Input::of_records(client, source, from.and_then(Place::checkpoint)),
        };
        Self { entry, input }
    }

    /// The ids of the jobs that are waited for or read. Empty where the API gave none.
    pub(super) fn jobs(&self) -> Vec<String> {
        let jobs = match &self.input {
            Input::List(list) => Resumable::jobs(list.as_ref()),
            Input::Range(windows) => Resumable::jobs(windows.as_ref()),
            Input::Files(files) => files.job.iter().cloned().collect(),
        };
        jobs.iter().map(|job| job.id().unwrap_or_default().to_owned()).collect()
    }

    /// What the user should know in the end.
    pub(super) fn notes(&self) -> Vec<String> {
        let forgotten = match &self.input {
            Input::List(_) | Input::Files(_) => 0,
            Input::Range(windows) => windows.report().ids_forgotten,
        };
        match forgotten {
            0 => Vec::new(),
            ids => vec![format!(
                "the ids of {ids} records were forgotten: one that came again since is written twice"
            )],
        }
    }

    /// Waits for what comes next, or for a job that is not among the known ones. A future that is dropped loses
    /// nothing.
    pub(super) async fn next(&mut self, known: &[String]) -> Result<Next, Failure> {
        let entry = self.entry;
        poll_fn(|cx| {
            let polled = match &mut self.input {
                Input::List(list) => list.poll_next_unpin(cx),
                Input::Range(windows) => windows.poll_next_unpin(cx),
                Input::Files(files) => return files.poll_next(cx),
            };
            match polled {
                Poll::Ready(Some(Ok(record))) => Poll::Ready(Ok(Next::Record(record))),
                Poll::Ready(Some(Err(error))) => {
                    Poll::Ready(Err(Failure::of_call(&error, Some(entry))))
                }
                Poll::Ready(None) => Poll::Ready(Ok(Next::End)),
                Poll::Pending if self.jobs().iter().any(|job| !known.contains(job)) => {
                    Poll::Ready(Ok(Next::Job))
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    pub(super) fn read(&self) -> ReadCounts {
        match &self.input {
            Input::List(list) => {
                let report = list.report();
                ReadCounts {
                    records: report.items,
                    pages: report.pages,
                    calls: report.requests,
                    retries: report.retries,
                    waited: report.waited,
                    total: report.last_total,
                    page_size: report.page_size_granted.or(report.page_size_asked),
                    windows: None,
                    duplicates: report.duplicates,
                    nulls: report.nulls,
                    available_until: report.available_until.map(text),
                    verdict: report.verdict(),
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
                    total: None,
                    page_size: None,
                    windows: Some((report.windows_done, report.windows)),
                    duplicates: report.duplicates,
                    nulls: report.nulls,
                    available_until: report.available_until.map(text),
                    verdict: report.verdict(),
                }
            }
            Input::Files(files) => ReadCounts::nothing(files.verdict),
        }
    }

    /// An earlier place, which knows the jobs that were submitted since.
    pub(super) fn knowing_jobs(&self, earlier: &Checkpoint) -> Result<Checkpoint, Failure> {
        let place = match &self.input {
            Input::List(list) => list.checkpoint_with_jobs(earlier),
            Input::Range(windows) => windows.checkpoint_with_jobs(earlier),
            Input::Files(_) => Ok(earlier.clone()),
        };
        place.map_err(|error| Failure::of_call(&error, Some(self.entry)))
    }

    /// How far it is: up to the last record that was delivered. `None` where the results of a job are files.
    pub(super) fn checkpoint(&self) -> Result<Option<Checkpoint>, Failure> {
        let checkpoint = match &self.input {
            Input::List(list) => Ok(list.checkpoint()),
            Input::Range(windows) => windows.checkpoint(),
            Input::Files(_) => return Ok(None),
        };
        checkpoint.map(Some).map_err(|error| Failure::of_call(&error, Some(self.entry)))
    }

    /// The job whose results are files, once it is known.
    pub(super) fn job(&self) -> Option<&SavedJob> {
        match &self.input {
            Input::Files(files) => files.job.as_ref(),
            _ => None,
        }
    }

    /// Whether reading may stop here: not while a job is submitted whose ID would be lost.
    pub(super) fn may_stop(&self) -> bool {
        match &self.input {
            Input::Files(files) => files.job.is_some(),
            Input::List(_) | Input::Range(_) => true,
        }
    }

    /// The list, if it is one.
    pub(super) fn into_list(self) -> Option<Paginator<RawItem>> {
        match self.input {
            Input::List(list) => Some(*list),
            _ => None,
        }
    }

    pub(super) fn progress(&self, limit: Option<u64>) -> Progress {
        let ReadCounts { records, pages, total, windows, .. } = self.read();
        let total = match (total, limit) {
            (Some(total), Some(limit)) => Some(total.min(limit)),
            (total, _) => total,
        };
        let (id, operation) = (self.entry.id.clone(), resolve::rust_name(self.entry));
        Progress { id, operation, records, total, pages, windows }
    }

    /// How many windows a range has before any of them is read.
    pub(super) fn window_count(&self) -> Result<Option<usize>, Error> {
        match &self.input {
            Input::List(_) | Input::Files(_) => Ok(None),
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

impl ReadCounts {
    /// No records, of a job whose results are files.
    fn nothing(verdict: Verdict) -> Self {
        Self {
            records: 0,
            pages: 0,
            calls: 0,
            retries: 0,
            waited: Duration::ZERO,
            total: None,
            page_size: None,
            windows: None,
            duplicates: 0,
            nulls: 0,
            available_until: None,
            verdict,
        }
    }
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Makes the list of a request.
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
