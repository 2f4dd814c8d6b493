//! Options for the job whose results a list reads.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::request::Request;
use crate::schedule::Schedule;

/// Changes a request before it is sent.
type Change = Arc<dyn Fn(&mut Request) + Send + Sync>;

/// How to wait for a job, and how to request its results.
#[derive(Clone, Default)]
pub(crate) struct JobOptions {
    pub(crate) deadline: Option<Duration>,
    pub(crate) schedule: Option<Schedule>,
    /// Changes the request that lists the results.
    pub(crate) results: Option<Change>,
    /// How long to wait for the data before submitting the job.
    pub(crate) data: Option<DataWait>,
}

impl JobOptions {
    /// Applies the options that are set in `other`.
    pub(super) fn override_with(&mut self, other: &Self) {
        self.deadline = other.deadline.or(self.deadline);
        self.schedule = other.schedule.or(self.schedule);
        if let Some(results) = &other.results {
            self.results = Some(results.clone());
        }
        if let Some(data) = &other.data {
            self.data = Some(data.clone());
        }
    }

    /// Applies the caller's changes to the request that lists the results.
    pub(crate) fn changed(&self, mut request: Request) -> Request {
        if let Some(change) = &self.results {
            change(&mut request);
        }
        request
    }
}

impl fmt::Debug for JobOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobOptions")
            .field("deadline", &self.deadline)
            .field("schedule", &self.schedule)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

/// A limit on the time spent waiting for data. Clones share one deadline.
#[derive(Clone, Debug)]
pub(crate) struct DataWait {
    pub(crate) allowed: Duration,
    end: Arc<OnceLock<Instant>>,
}

impl DataWait {
    pub(crate) fn new(allowed: Duration) -> Self {
        Self { allowed, end: Arc::default() }
    }

    /// The deadline. The time starts with the first call.
    pub(crate) fn end(&self) -> Instant {
        *self.end.get_or_init(|| later(Instant::now(), self.allowed))
    }
}

/// `than + by`, or a time that is never reached if that is out of range.
pub(crate) fn later(than: Instant, by: Duration) -> Instant {
    than.checked_add(by).unwrap_or(than + Duration::from_hours(99_999))
}
