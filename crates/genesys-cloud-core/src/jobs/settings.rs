//! What may be set of a job before it is submitted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::available::DataWait;
use super::run::Run;
use crate::request::Request;
use crate::schedule::Schedule;

/// Changes a request before it is sent.
type Change = Arc<dyn Fn(&mut Request) + Send + Sync>;

/// How a job is waited for, and what is asked of the operation that lists its results.
#[derive(Clone, Default)]
pub(crate) struct JobSettings {
    pub(crate) deadline: Option<Duration>,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) results: Option<Change>,
    /// How long to wait for the data before the job is submitted.
    pub(crate) data: Option<DataWait>,
}

impl JobSettings {
    /// What the other says counts, where it says anything.
    pub(crate) fn take_over(&mut self, other: &Self) {
        self.deadline = other.deadline.or(self.deadline);
        self.schedule = other.schedule.or(self.schedule);
        if let Some(results) = &other.results {
            self.results = Some(results.clone());
        }
        if let Some(data) = &other.data {
            self.data = Some(data.clone());
        }
    }

    /// Has a job waited for as this says.
    pub(super) fn apply(&self, run: &mut Run) {
        if let Some(deadline) = self.deadline {
            run.deadline = deadline;
        }
        if let Some(schedule) = self.schedule {
            run.reschedule(schedule);
        }
    }

    /// The request that lists the results, as it is to be.
    pub(super) fn changed(&self, mut request: Request) -> Request {
        if let Some(change) = &self.results {
            change(&mut request);
        }
        request
    }
}

impl fmt::Debug for JobSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobSettings")
            .field("deadline", &self.deadline)
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}
