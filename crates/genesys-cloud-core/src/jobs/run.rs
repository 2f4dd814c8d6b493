//! One job, whatever the type of its results: submitted, asked how it stands, waited for.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::cancel::CancelOnDrop;
use super::family::{DoneWhen, Family, JobCall, JobId, JobState, Results, ResultsAt};
use super::fields::Fields;
use super::schedule::Schedule;
use super::status::{JobStatus, is_further_on};
use super::tally::Tally;
use crate::client::Client;
use crate::error::{Error, JobEnd};
use crate::operation::Operation;
use crate::reply::{DecodeError, RawReply};
use crate::request::Request;
use crate::retry::chance;

/// How long a job is waited for unless it is said.
const DEADLINE: Duration = Duration::from_hours(1);

/// How many pages of a list of jobs are looked through for one.
const MOST_PAGES: u64 = 100;

/// A job that was submitted.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(super) client: Client,
    pub(super) family: Family,
    /// The submit, without its body.
    pub(super) request: Request,
    pub(super) id: Option<String>,
    /// When it was submitted, by the server's clock where that is told.
    pub(super) submitted: DateTime<Utc>,
    pub(super) schedule: Schedule,
    pub(super) deadline: Duration,
    /// What was said of it last.
    pub(super) last: Option<JobStatus>,
    /// Cancels it once nothing holds this any more.
    pub(super) cancel_on_drop: Option<Arc<CancelOnDrop>>,
    /// What counts its calls.
    pub(super) tally: Tally,
    /// How long it had run when this was made, and when that was.
    ran: Duration,
    made: Instant,
    /// When it is to be asked again.
    due: Instant,
    /// Whether the server has said when.
    told: bool,
}

impl Run {
    /// A job that was submitted before.
    pub(super) fn known(
        client: Client,
        family: Family,
        request: Request,
        id: Option<String>,
        submitted: DateTime<Utc>,
    ) -> Self {
        let made = Instant::now();
        Self {
            client,
            family,
            request: request.without_body(),
            id,
            submitted,
            schedule: Schedule::new(),
            deadline: DEADLINE,
            last: None,
            cancel_on_drop: None,
            tally: Tally::default(),
            ran: (Utc::now() - submitted).to_std().unwrap_or_default(),
            made,
            due: made,
            told: false,
        }
    }

    pub(super) async fn submit(
        client: Client,
        request: Request,
        family: Family,
        tally: Tally,
    ) -> Result<Self, Error> {
        let before = Utc::now();
        let reply = tally.execute(&client, &request).await?;
        let submitted = reply.head.date().unwrap_or(before);
        let mut run = Self::known(client, family, request, None, submitted);
        (run.tally, run.ran) = (tally, Duration::ZERO);
        run.id = match &run.family.id() {
            JobId::Field(path) => {
                // A reply that is no JSON has no id, which is told below where one is needed.
                Fields::of(&reply).ok().and_then(|fields| fields.text(path))
            }
            JobId::Path(name) => run.request.path_value(name).map(str::to_owned),
            JobId::Header(name) => reply.head.url_end(name),
            JobId::Nowhere => None,
        };
        let retry_after = reply.head.retry_after();
        if run.family.results_at_once() || *run.family.done_when() == DoneWhen::Not202 {
            let status = JobStatus::read(&run.family, reply.clone(), None, submitted)?;
            let status = match &run.id {
                None if holds_results(&run.family, &status) => status.done(),
                _ => status,
            };
            run.last = (status.is_final() || !run.family.is_pollable()).then_some(status);
        }
        if let (None, None, JobId::Field(path)) = (&run.id, &run.last, run.family.id())
            && run.family.status().is_some()
        {
            let why = format!("it has no `{path}`, the id of the job");
            return Err(Error::decode(&reply, &DecodeError::new(why)));
        }
        run.put_off(retry_after);
        let operation = run.request.operation().id();
        tracing::debug!(operation, family = run.family.name(), id = run.id, "job submitted");
        Ok(run)
    }

    /// Whether it can be asked how it stands.
    pub(super) fn can_be_asked(&self) -> bool {
        let status = self.family.status();
        let has_id = |status: &JobCall| status.id().is_none() || self.id.is_some();
        status.map_or(*self.family.done_when() == DoneWhen::Not202, has_id)
    }

    /// Forgets what was said of it, if it can be asked again: URLs of files expire within minutes.
    pub(super) fn forget_links(&mut self) {
        if self.can_be_asked() {
            self.last = None;
        }
    }

    /// The operation that tells how it stands, for errors.
    pub(super) fn operation(&self) -> &Operation {
        self.family.status().map_or(self.request.operation(), JobCall::operation)
    }

    /// A request for an operation on this job.
    pub(super) fn ask(&self, call: &JobCall) -> Request {
        let mut request = Request::new(call.operation().clone());
        for (name, value) in self.request.path_values() {
            request.set_path(name.to_owned(), value);
        }
        if let (Some(name), Some(id)) = (call.id.clone(), &self.id) {
            request.set_path(name, id);
        }
        for (name, value) in call.query() {
            request.add_query(name.clone(), value.as_ref());
        }
        request
    }

    /// Asks once how it stands.
    pub(super) async fn poll(&mut self) -> Result<JobStatus, Error> {
        let mut request = match self.family.status() {
            Some(status) => self.ask(status),
            None if *self.family.done_when() == DoneWhen::Not202 => self.request.clone(),
            None => return Err(self.not_pollable()),
        };
        let mut reply = self.execute(&request).await;
        if let Some(list) = self.family.status().and_then(JobCall::list) {
            let mut page = 1;
            while let Ok(listed) = &reply
                && page < MOST_PAGES
                && is_further_on(listed, list, self.id.as_deref(), page)
            {
                page += 1;
                request.set_query("pageNumber", page.to_string());
                reply = self.execute(&request).await;
            }
        }
        let retry_after = match &reply {
            Ok(reply) => reply.head.retry_after(),
            Err(error) => error.retry_after(),
        };
        self.put_off(retry_after);
        let status = JobStatus::read(&self.family, reply?, self.id.as_deref(), self.submitted)?;
        tracing::debug!(
            family = self.family.name(),
            id = self.id,
            state = ?status.state(),
            name = status.name(),
            "job polled"
        );
        if status.state() == JobState::Pending
            && let (Some(name), Some(before)) = (status.name(), &self.last)
            && before.name() != Some(name)
        {
            tracing::info!(family = self.family.name(), id = self.id, name, "job moved on");
        }
        if let (true, Some(cancel)) = (status.is_final(), &self.cancel_on_drop) {
            cancel.leave();
        }
        self.last = Some(status.clone());
        Ok(status)
    }

    fn put_off(&mut self, retry_after: Option<Duration>) {
        let now = Instant::now();
        let run = self.ran + now.duration_since(self.made);
        let pause = self.schedule.pause(run, chance());
        self.told = retry_after.is_some_and(|told| told > pause);
        let pause = pause.max(retry_after.unwrap_or_default());
        self.due = later(now, pause);
    }

    /// Asks how it stands when that is due. Errors that may pass are passed over.
    pub(super) async fn next_status(&mut self, until: Instant) -> Result<JobStatus, Error> {
        let mut failure = None;
        loop {
            let now = Instant::now();
            if now > until || (self.told && self.due > until) {
                return Err(self.unfinished(failure));
            }
            // The last time is when the deadline is.
            tokio::time::sleep_until(self.due.min(until)).await;
            match self.poll().await {
                Ok(status) => return Ok(status),
                Err(error) if error.may_pass() => {
                    let family = self.family.name();
                    tracing::warn!(family, id = self.id, %error, "job not polled");
                    if Instant::now() >= until {
                        return Err(self.unfinished(Some(error)));
                    }
                    failure = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until it is done.
    pub(super) async fn wait(&mut self) -> Result<JobStatus, Error> {
        let until = later(Instant::now(), self.deadline);
        if let Some(last) = self.last.clone().filter(JobStatus::is_final) {
            return self.judged(last);
        }
        if !self.family.is_pollable() {
            return Err(self.not_pollable());
        }
        loop {
            let status = self.next_status(until).await?;
            if status.state() != JobState::Pending {
                return self.judged(status);
            }
            if Instant::now() >= until {
                return Err(self.unfinished(None));
            }
        }
    }

    /// A status that has results, or the error that tells why there are none.
    fn judged(&self, status: JobStatus) -> Result<JobStatus, Error> {
        let (end, what, advice) = match status.state() {
            JobState::Pending | JobState::Succeeded | JobState::PartlySucceeded => {
                return Ok(status);
            }
            JobState::Held => (JobEnd::Held, "waits for you", None),
            JobState::Failed => (JobEnd::Failed, "failed", None),
            JobState::Cancelled => (JobEnd::Cancelled, "was cancelled", None),
            JobState::Expired => (JobEnd::Expired, "has expired", Some("submit it again")),
        };
        let mut why = format!("{} {what}", self.called());
        if let Some(name) = status.name() {
            why += &format!(" ({name})");
        }
        if let Some(message) = status.message() {
            why += &format!(": {}", message.trim_end_matches('.'));
        }
        let error = Error::job(end, self.operation(), why).with_answer(status.reply());
        Err(match (advice, self.family.note()) {
            (Some(advice), _) => error.advise(advice),
            (None, Some(note)) if end == JobEnd::Held => error.advise(note.to_owned()),
            _ => error,
        })
    }

    /// Refuses results that are gone, and tells of those that soon will be.
    pub(super) fn check_expiry(&self, status: &JobStatus) -> Result<(), Error> {
        let Some(expires) = status.expires() else { return Ok(()) };
        let (family, id) = (self.family.name(), self.id.as_deref());
        if status.has_expired() {
            let why = format!("the results of {} were deleted at {expires}", self.called());
            let error = Error::job(JobEnd::Expired, self.operation(), why);
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
        Error::job(JobEnd::Expired, operation, why).advise("submit it again")
    }

    pub(super) async fn cancel(&self) -> Result<(), Error> {
        let Some(cancel) = self.family.cancel() else {
            let why = "jobs of this kind can't be cancelled".to_owned();
            return Err(Error::invalid_request(self.operation(), why));
        };
        self.execute(&self.ask(cancel)).await.map(drop)
    }

    /// Makes a call for it, and counts that.
    pub(super) async fn execute(&self, request: &Request) -> Result<RawReply, Error> {
        self.tally.execute(&self.client, request).await
    }

    /// It in words.
    fn called(&self) -> String {
        self.id.as_ref().map_or_else(|| "the job".to_owned(), |id| format!("job {id}"))
    }

    pub(super) fn unfinished(&self, failure: Option<Error>) -> Error {
        let mut why = format!("{} has not ended within {:?}", self.called(), self.deadline);
        if let Some(name) = self.last.as_ref().and_then(JobStatus::name) {
            why += &format!(" (it is {name})");
        }
        if failure.is_some() {
            why += ", and could not be asked how it stands";
        }
        let error = Error::job(JobEnd::Unfinished, self.operation(), why)
            .advise("it runs on: wait for it again, or save it for later");
        match failure {
            Some(failure) => error.caused_by(failure),
            None => error,
        }
    }

    fn not_pollable(&self) -> Error {
        let Some(topic) = self.family.topic() else {
            let why = format!("the API has no way to ask how {} stands", self.called());
            let error = Error::job(JobEnd::NotPollable, self.operation(), why);
            return match self.family.note() {
                Some(note) => error.advise(note.to_owned()),
                None => error,
            };
        };
        let why = format!("the API tells of the end of {} by a notification alone", self.called());
        let error = Error::job(JobEnd::NotPollable, self.operation(), why);
        error.advise(format!("subscribe to the topic {topic}"))
    }
}

/// So long after a point in time. What can't be told is never reached.
pub(super) fn later(than: Instant, by: Duration) -> Instant {
    than.checked_add(by).unwrap_or(than + Duration::from_hours(99_999))
}

/// Whether a reply to a submit that names no job is the result itself.
fn holds_results(family: &Family, status: &JobStatus) -> bool {
    let Ok(fields) = Fields::of(status.reply()) else { return false };
    match family.results() {
        Results::Reply(places) => places.iter().any(|place| match place {
            ResultsAt::Items(path) | ResultsAt::Files(path, _) => {
                path != "[]" && !fields.all(path).is_empty()
            }
        }),
        Results::Nothing => true,
        Results::List(..) | Results::Status(_) => false,
    }
}
