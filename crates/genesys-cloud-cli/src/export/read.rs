//! The list that is exported, whatever it comes from.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::StreamExt as _;
use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::{
    Checkpoint, Client, Error, OnStale, Paginator, RawItem, Reason, Request, Resumable, Verdict,
    Windows,
};
use serde_json::value::RawValue;

use super::Job;
use crate::arguments::Stale;
use crate::find;
use crate::screen::Gauge;
use crate::tags::Way;

/// A page that is larger is read in smaller ones, in bytes.
const MAX_PAGE_BYTES: usize = 32 << 20;

/// A record as the API sent it.
pub(super) type Raw = Box<RawValue>;

/// A list, or what a range of time holds, while it is read.
pub(super) enum Reader {
    List(Box<Paginator<RawItem>>),
    Range { windows: Box<Windows<RawItem>>, limit: Option<u64> },
}

/// What comes next.
pub(super) enum Next {
    Record(Result<Option<RawItem>, Error>),
    /// A job was submitted.
    Job,
}

/// What was read so far.
pub(super) struct Read {
    pub(super) records: u64,
    pub(super) pages: u64,
    pub(super) calls: u64,
    pub(super) repeated: u64,
    pub(super) waited: Duration,
    pub(super) total: Option<u64>,
    pub(super) page_size: Option<u64>,
    pub(super) pieces: Option<(u64, u64)>,
    pub(super) duplicates: u64,
    pub(super) nulls: u64,
    /// Up to when the data was available.
    pub(super) available_until: Option<String>,
    pub(super) verdict: Verdict,
}

impl Reader {
    /// The list from its beginning, or from where it was when this checkpoint was made.
    pub(super) fn new(client: &Client, job: &Job<'_>, from: Option<&Checkpoint>) -> Self {
        let request = job.request.clone();
        let make = maker(client.clone(), job.way.clone());
        let export = job.export;
        let Some(range) = &job.range else {
            let list = make(request).prefetch(export.prefetch);
            let mut list = list.max_page_bytes(MAX_PAGE_BYTES);
            if let Some(size) = export.page_size {
                list = list.page_size(count(size));
            }
            if let Some(limit) = export.limit {
                list = list.limit(count(limit));
            }
            if let Some(deadline) = export.deadline {
                list = list.job_deadline(deadline);
            }
            if let Some(deadline) = export.wait_for_data {
                list = list.wait_for_data(deadline);
            }
            if let Some(from) = from {
                list = list.resume(from);
            }
            if export.on_stale == Stale::Restart {
                list = list.on_stale(OnStale::Restart);
            }
            return Self::List(Box::new(list));
        };
        let mut windows = range.windows(request, make).prefetch(export.prefetch);
        windows = windows.concurrency(export.concurrency.into()).max_page_bytes(MAX_PAGE_BYTES);
        if let Some(size) = export.page_size {
            windows = windows.page_size(count(size));
        }
        if let Some(deadline) = export.deadline {
            windows = windows.job_deadline(deadline);
        }
        if let Some(deadline) = export.wait_for_data {
            windows = windows.wait_for_data(deadline);
        }
        if let Some(from) = from {
            windows = windows.resume(from);
        }
        if export.on_stale == Stale::Restart {
            windows = windows.on_stale(OnStale::Restart);
        }
        Self::Range { windows: Box::new(windows), limit: export.limit }
    }

    /// The ids of the jobs that are waited for or read. Empty where the API gave none.
    pub(super) fn jobs(&self) -> Vec<String> {
        let jobs = match self {
            Self::List(list) => Resumable::jobs(list.as_ref()),
            Self::Range { windows, .. } => Resumable::jobs(windows.as_ref()),
        };
        jobs.iter().map(|job| job.id().unwrap_or_default().to_owned()).collect()
    }

    /// What the user should know in the end.
    pub(super) fn notes(&self) -> Vec<String> {
        let forgotten = match self {
            Self::List(_) => 0,
            Self::Range { windows, .. } => windows.report().ids_forgotten,
        };
        match forgotten {
            0 => Vec::new(),
            ids => vec![format!(
                "the ids of {ids} records were forgotten: one that came again since is written twice"
            )],
        }
    }

    /// Waits for the next record, or for a job that is not among the known ones.
    pub(super) async fn next(&mut self, known: &[String]) -> Next {
        poll_fn(|cx| {
            let polled = match self {
                Self::List(list) => list.poll_next_unpin(cx),
                Self::Range { windows, limit } => {
                    if limit.is_some_and(|limit| windows.report().items >= limit) {
                        return Poll::Ready(Next::Record(Ok(None)));
                    }
                    windows.poll_next_unpin(cx)
                }
            };
            match polled {
                Poll::Ready(next) => Poll::Ready(Next::Record(next.transpose())),
                Poll::Pending if self.jobs().iter().any(|job| !known.contains(job)) => {
                    Poll::Ready(Next::Job)
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    pub(super) fn read(&self) -> Read {
        match self {
            Self::List(list) => {
                let report = list.report();
                Read {
                    records: report.items,
                    pages: report.pages,
                    calls: report.requests,
                    repeated: report.repeated,
                    waited: report.waited,
                    total: report.last_total,
                    page_size: report.page_size_granted.or(report.page_size_asked),
                    pieces: None,
                    duplicates: report.duplicates,
                    nulls: report.nulls,
                    available_until: report.available_until.map(text),
                    verdict: report.verdict(),
                }
            }
            Self::Range { windows, limit } => {
                let report = windows.report();
                let is_limited = limit.is_some_and(|limit| report.items >= limit);
                Read {
                    records: report.items,
                    pages: report.pages,
                    calls: report.requests,
                    repeated: report.repeated,
                    waited: report.waited,
                    total: None,
                    page_size: None,
                    pieces: Some((report.pieces_done, report.pieces)),
                    duplicates: report.duplicates,
                    nulls: report.nulls,
                    available_until: report.available_until.map(text),
                    verdict: match report.verdict() {
                        Verdict::Unknown(Reason::Unfinished) if is_limited => {
                            Verdict::Truncated(Reason::Limit)
                        }
                        verdict => verdict,
                    },
                }
            }
        }
    }

    /// An earlier place, which knows the jobs that were submitted since.
    pub(super) fn knowing_jobs(&self, earlier: &Checkpoint) -> Result<Checkpoint, Error> {
        match self {
            Self::List(list) => list.place_knowing_jobs(earlier),
            Self::Range { windows, .. } => windows.place_knowing_jobs(earlier),
        }
    }

    /// How far it is: up to the last record that was handed out.
    pub(super) fn checkpoint(&self) -> Result<Checkpoint, Error> {
        match self {
            Self::List(list) => Ok(list.checkpoint()),
            Self::Range { windows, .. } => windows.checkpoint(),
        }
    }

    pub(super) fn gauge(&self, operation: &Entry, limit: Option<u64>) -> Gauge {
        let Read { records, pages, total, pieces, .. } = self.read();
        let total = match (total, limit) {
            (Some(total), Some(limit)) => Some(total.min(limit)),
            (total, _) => total,
        };
        let (id, operation) = (operation.id.clone(), find::rust_name(operation));
        Gauge { id, operation, records, total, pages, pieces }
    }

    /// How many pieces a range has before any of them is read.
    pub(super) fn pieces(&self) -> Result<Option<usize>, Error> {
        match self {
            Self::List(_) => Ok(None),
            Self::Range { windows, .. } => windows.plan().map(|plan| Some(plan.pieces().len())),
        }
    }
}

/// As the core takes it: more than it can count is no limit.
fn count(of: u64) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Makes the list of a request.
fn maker(client: Client, way: Way) -> impl Fn(Request) -> Paginator<RawItem> + Send + 'static {
    move |request| match &way {
        Way::Job(family) => Paginator::raw_of_job(&client, request, family.as_ref().clone()),
        Way::List(listing) => Paginator::raw(&client, request, listing.as_ref().clone()),
        Way::Single | Way::Accepted => unreachable!("only lists and jobs are exported"),
    }
}
