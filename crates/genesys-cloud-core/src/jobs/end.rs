//! How waiting for a job ends, in words.

use std::borrow::Cow;

use chrono::Utc;

use super::run::Run;
use super::spec::JobState;
use super::status::JobStatus;
use crate::error::{Error, ErrorKind, excerpt};
use crate::operation::Operation;

/// The statuses for an unknown or deleted job.
pub(super) const GONE: [u16; 2] = [404, 410];

/// Why a job is not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// The time for it is over.
    Time,
    /// So it is, in the midst of a call.
    Call,
    /// The API does not want it asked again before that.
    Told,
}

impl Run {
    /// A status that has results, or the error that tells why there are none.
    pub(super) fn judged(&self, status: JobStatus) -> Result<JobStatus, Error> {
        let (end, what, advice) = match status.state() {
            JobState::Pending | JobState::Succeeded | JobState::PartlySucceeded => {
                return Ok(status);
            }
            JobState::AwaitingInput => (ErrorKind::JobAwaitingInput, "waits for you", None),
            JobState::Failed => {
                (ErrorKind::JobFailed, "failed", Some("submit it again, or ask for less"))
            }
            JobState::Cancelled => {
                (ErrorKind::JobCancelled, "was cancelled", Some("submit it again"))
            }
            JobState::Expired => (ErrorKind::JobExpired, "has expired", Some("submit it again")),
        };
        let mut why = format!("{} {what}", self.called());
        if let Some(name) = status.name() {
            why += &format!(" ({})", excerpt(name));
        }
        if let Some(message) = status.message() {
            why += &format!(": {}", message.trim_end_matches('.'));
        }
        let error = Error::job(end, self.operation(), why).with_answer(status.reply());
        Err(match (advice, self.family.note()) {
            (Some(advice), _) => error.advise(advice),
            (None, Some(note)) if end == ErrorKind::JobAwaitingInput => {
                error.advise(note.to_owned())
            }
            _ => error,
        })
    }

    /// Refuses results that are gone, and tells of those that soon will be.
    pub(super) fn check_expiry(&self, status: &JobStatus) -> Result<(), Error> {
        let Some(expires) = status.expires() else { return Ok(()) };
        let (family, id) = (self.family.name(), self.shown_id());
        let id = id.as_deref();
        if status.has_expired() {
            let why = format!("the results of {} were deleted at {expires}", self.called());
            let error = Error::job(ErrorKind::JobExpired, self.operation(), why);
            return Err(error.with_answer(status.reply()).advise("submit it again"));
        }
        let left = expires - status.now();
        if left < chrono::TimeDelta::hours(1) {
            let minutes = left.num_minutes();
            tracing::warn!(family, id, %expires, minutes, "the results of a job expire soon");
        }
        Ok(())
    }

    /// Its results were there, and this operation has them no more.
    pub(super) fn gone(&self, operation: &Operation) -> Error {
        let why = format!("the results of {} are gone", self.called());
        Error::job(ErrorKind::JobExpired, operation, why).advise("submit it again")
    }

    /// What is to be said of a call that asked how it stands and failed.
    pub(super) fn unknown(&self, error: Error) -> Error {
        if !error.is_refused_by(&GONE) {
            return error;
        }
        match self.expires() {
            Some(expires) if expires <= Utc::now() => {
                let why = format!("{} and its results were deleted at {expires}", self.called());
                let gone = Error::job(ErrorKind::JobExpired, self.operation(), why);
                gone.advise("submit it again").caused_by(error)
            }
            _ => error.advise(format!(
                "the API does not know {}: it was deleted, or submitted in another organization",
                self.called()
            )),
        }
    }

    pub(super) fn unfinished(&self, late: Late, failure: Option<Error>) -> Error {
        let deadline = self.deadline;
        let mut why = match late {
            Late::Time | Late::Call => {
                format!("{} has not ended within {deadline:?}", self.called())
            }
            Late::Told => format!("{} has not ended", self.called()),
        };
        if let Some(name) = self.last.as_ref().and_then(JobStatus::name) {
            why += &format!(" (it is {})", excerpt(&self.shown(name)));
        }
        match late {
            Late::Told => {
                let seconds = self.due_in().as_secs();
                why += &format!(
                    ", and the API wants it asked again in {seconds} s, past the deadline of {deadline:?}"
                );
            }
            Late::Call => why += ", and the last call that asked how it stands was not answered",
            Late::Time if failure.is_some() => why += ", and could not be asked how it stands",
            Late::Time => {}
        }
        let error = Error::job(ErrorKind::JobUnfinished, self.operation(), why)
            .advise("it runs on: wait for it again, or save it for later");
        match failure {
            Some(failure) => error.caused_by(failure),
            None => error,
        }
    }

    /// Why it can't be asked how it stands.
    pub(super) fn not_pollable(&self) -> Error {
        let error = |why| Error::job(ErrorKind::JobNotPollable, self.operation(), why);
        if self.family.is_pollable() {
            return self.nameless("it can't be asked how it stands");
        }
        let Some(topic) = self.family.topic() else {
            let error = error(format!("the API has no way to ask how {} stands", self.called()));
            return match self.family.note() {
                Some(note) => error.advise(note.to_owned()),
                None => error,
            };
        };
        let why = format!("the API tells of the end of {} by a notification alone", self.called());
        error(why).advise(format!("subscribe to the topic {topic}"))
    }

    /// Nothing can be done for want of its id.
    pub(super) fn nameless(&self, so: &str) -> Error {
        let why = format!("the reply to the submit named no id of the job, so that {so}");
        Error::job(ErrorKind::JobNotPollable, self.operation(), why).advise(
            "what came with that reply is not saved: see whether the work was done before you submit it \
             again",
        )
    }

    /// It in words.
    fn called(&self) -> String {
        match &self.id {
            Some(id) => format!("job {}", excerpt(&self.shown(id))),
            None => "the job".to_owned(),
        }
    }

    /// A text of the server without credentials that it may have echoed.
    pub(super) fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.client.secrets().redact(text)
    }

    /// Its id in traces.
    pub(super) fn shown_id(&self) -> Option<Cow<'_, str>> {
        self.id.as_deref().map(|id| self.shown(id))
    }
}
