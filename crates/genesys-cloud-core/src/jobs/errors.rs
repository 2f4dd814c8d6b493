//! The errors of jobs.

use std::borrow::Cow;

use chrono::Utc;

use super::poller::Poller;
use super::spec::JobState;
use super::status::JobStatus;
use crate::error::{Error, ErrorKind, excerpt};
use crate::operation::Operation;

/// The statuses for an unknown or deleted job.
pub(super) const GONE: [u16; 2] = [404, 410];

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timeout {
    /// The deadline has passed.
    Deadline,
    /// The deadline passed during a poll.
    DuringCall,
    /// A `Retry-After` ends after the deadline.
    RetryAfter,
}

impl Poller {
    /// Returns the status, or the error if it means that there will be no results.
    pub(super) fn result_of(&self, status: JobStatus) -> Result<JobStatus, Error> {
        let (end, what, advice) = match status.state() {
            JobState::Pending | JobState::Succeeded | JobState::PartlySucceeded => {
                return Ok(status);
            }
            JobState::AwaitingInput => (ErrorKind::JobAwaitingInput, "is waiting for input", None),
            JobState::Failed => {
                (ErrorKind::JobFailed, "failed", Some("submit it again, or narrow the query"))
            }
            JobState::Cancelled => {
                (ErrorKind::JobCancelled, "was cancelled", Some("submit it again"))
            }
            JobState::Expired => (ErrorKind::JobExpired, "has expired", Some("submit it again")),
        };
        let mut why = format!("{} {what}", self.describe());
        if let Some(name) = status.name() {
            why += &format!(" ({})", excerpt(name));
        }
        if let Some(message) = status.message() {
            why += &format!(": {}", message.trim_end_matches('.'));
        }
        let error = Error::job(end, self.operation(), why).with_answer(status.response());
        Err(match (advice, self.spec.note()) {
            (Some(advice), _) => error.advise(advice),
            (None, Some(note)) if end == ErrorKind::JobAwaitingInput => {
                error.advise(note.to_owned())
            }
            _ => error,
        })
    }

    /// Fails if the results have expired, and logs a warning if they soon will.
    pub(super) fn check_expiry(&self, status: &JobStatus) -> Result<(), Error> {
        let Some(expires) = status.expires() else { return Ok(()) };
        let (family, id) = (self.spec.name(), self.redacted_id());
        let id = id.as_deref();
        if status.has_expired() {
            let why = format!("the results of {} were deleted at {expires}", self.describe());
            let error = Error::job(ErrorKind::JobExpired, self.operation(), why);
            return Err(error.with_answer(status.response()).advise("submit it again"));
        }
        let left = expires - status.now();
        if left < chrono::TimeDelta::hours(1) {
            let minutes = left.num_minutes();
            tracing::warn!(family, id, %expires, minutes, "the results of the job expire soon");
        }
        Ok(())
    }

    /// The error for results that the operation no longer has.
    pub(super) fn gone(&self, operation: &Operation) -> Error {
        let why = format!("the results of {} are gone", self.describe());
        Error::job(ErrorKind::JobExpired, operation, why).advise("submit it again")
    }

    /// Explains a failed poll if the API does not know the job.
    pub(super) fn explain_unknown(&self, error: Error) -> Error {
        if !error.is_refused_by(&GONE) {
            return error;
        }
        match self.expires() {
            Some(expires) if expires <= Utc::now() => {
                let why = format!("{} and its results were deleted at {expires}", self.describe());
                let gone = Error::job(ErrorKind::JobExpired, self.operation(), why);
                gone.advise("submit it again").caused_by(error)
            }
            _ => error.advise(format!(
                "the API does not know {}: it was deleted, or submitted in another organization",
                self.describe()
            )),
        }
    }

    pub(super) fn unfinished(&self, timeout: Timeout, failure: Option<Error>) -> Error {
        let deadline = self.deadline;
        let mut why = match timeout {
            Timeout::Deadline | Timeout::DuringCall => {
                format!("{} did not finish within {deadline:?}", self.describe())
            }
            Timeout::RetryAfter => format!("{} did not finish", self.describe()),
        };
        if let Some(name) = self.last.as_ref().and_then(JobStatus::name) {
            why += &format!(" (it is {})", excerpt(&self.redacted(name)));
        }
        match timeout {
            Timeout::RetryAfter => {
                let seconds = self.due_in().as_secs();
                why += &format!(
                    ", and the API allows the next poll in {seconds} s, after the deadline of {deadline:?}"
                );
            }
            Timeout::DuringCall => why += ", and the last poll was not answered",
            Timeout::Deadline if failure.is_some() => why += ", and the last poll failed",
            Timeout::Deadline => {}
        }
        let error = Error::job(ErrorKind::JobUnfinished, self.operation(), why)
            .advise("still running; wait again, or save the job");
        match failure {
            Some(failure) => error.caused_by(failure),
            None => error,
        }
    }

    /// The error for a job whose status can't be requested.
    pub(super) fn not_pollable(&self) -> Error {
        let error = |why| Error::job(ErrorKind::JobNotPollable, self.operation(), why);
        if self.spec.is_pollable() {
            return self.without_id("it can't be polled");
        }
        let Some(topic) = self.spec.topic() else {
            let error =
                error(format!("the API has no operation for the status of {}", self.describe()));
            return match self.spec.note() {
                Some(note) => error.advise(note.to_owned()),
                None => error,
            };
        };
        let why = format!("the API reports the end of {} only by notification", self.describe());
        error(why).advise(format!("subscribe to the topic {topic}"))
    }

    /// The error for a job without an id.
    pub(super) fn without_id(&self, so: &str) -> Error {
        let why = format!("the response to the submit had no job id, so {so}");
        Error::job(ErrorKind::JobNotPollable, self.operation(), why).advise(
            "its results, if any, are not saved: check whether the work was done before you submit it \
             again",
        )
    }

    /// Names the job in messages.
    fn describe(&self) -> String {
        match &self.id {
            Some(id) => format!("job {}", excerpt(&self.redacted(id))),
            None => "the job".to_owned(),
        }
    }

    /// A text of the server, without credentials that it may echo.
    pub(super) fn redacted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.client.secrets().redact(text)
    }

    /// Its id for logs.
    pub(super) fn redacted_id(&self) -> Option<Cow<'_, str>> {
        self.id.as_deref().map(|id| self.redacted(id))
    }
}
