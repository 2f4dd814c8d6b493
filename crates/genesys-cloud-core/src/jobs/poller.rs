//! Submits, polls, awaits and cancels one job. Not generic over the type of the results.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::cancel::CancelOnDrop;
use super::errors::Timeout;
use super::spec::{Completion, JobId, JobOperation, JobSpec, JobState, ResultLocation, Results};
use super::status::{JobStatus, is_further_on};
use crate::call_counter::CallCounter;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::json_path::JsonText;
use crate::operation::Operation;
use crate::options::{JobOptions, later};
use crate::request::Request;
use crate::response::{DecodeError, RawResponse};
use crate::retry::chance;
use crate::runtime;
use crate::schedule::Schedule;

/// How long to wait for a job by default.
const DEFAULT_DEADLINE: Duration = Duration::from_hours(1);

/// The last poll is this long before the deadline, so that its response arrives in time. At most a tenth of the
/// whole wait.
const LAST_POLL_MARGIN: Duration = Duration::from_secs(2);

/// For this long after the submit, a 404 may mean that the status service does not know the job yet.
const NOT_FOUND_GRACE: Duration = Duration::from_secs(30);

/// The most pages of a list of jobs that are searched for one job.
const MAX_PAGES: u64 = 100;

/// A submitted job.
#[derive(Clone, Debug)]
pub(crate) struct Poller {
    pub(super) client: Client,
    pub(super) spec: JobSpec,
    /// The submit, without its body.
    pub(super) request: Request,
    pub(super) id: Option<String>,
    /// When it was submitted, by the server's clock if the response had a date.
    pub(super) submitted: DateTime<Utc>,
    pub(super) schedule: Schedule,
    pub(super) deadline: Duration,
    /// The last status.
    pub(super) last: Option<JobStatus>,
    /// When it and its results are deleted, by the last status that said so.
    expires: Option<DateTime<Utc>>,
    /// The end of the interval that it searches, if the data becomes available with a delay.
    pub(super) asked_until: Option<DateTime<Utc>>,
    /// Whether it was submitted by this poller and no poll has succeeded yet.
    is_new: bool,
    /// Cancels the job when the last clone is dropped.
    pub(super) cancel_on_drop: Option<Arc<CancelOnDrop>>,
    pub(super) calls: CallCounter,
    /// How long the job had been running at `made`.
    ran: Duration,
    made: Instant,
    /// Whether `ran` was measured by a single clock and needs no correction.
    is_timed: bool,
    /// When to poll next.
    due: Instant,
    /// Whether `due` comes from a `Retry-After`.
    due_by_server: bool,
}

/// The end of a wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Until {
    /// The time of the last poll.
    last: Instant,
    /// When a poll in progress is abandoned.
    end: Instant,
}

impl Until {
    pub(super) fn is_last(&self) -> bool {
        Instant::now() >= self.last
    }
}

impl Poller {
    /// The poller of a job that was submitted before.
    pub(super) fn for_submitted(
        client: Client,
        spec: JobSpec,
        request: Request,
        id: Option<String>,
        submitted: DateTime<Utc>,
        expires: Option<DateTime<Utc>>,
    ) -> Self {
        let made = Instant::now();
        Self {
            client,
            spec,
            request: request.without_body(),
            id,
            submitted,
            schedule: Schedule::new(),
            deadline: DEFAULT_DEADLINE,
            last: None,
            expires,
            asked_until: None,
            is_new: false,
            cancel_on_drop: None,
            calls: CallCounter::default(),
            ran: (Utc::now() - submitted).to_std().unwrap_or_default(),
            made,
            is_timed: false,
            due: made,
            due_by_server: false,
        }
    }

    pub(super) async fn submit(
        client: Client,
        request: Request,
        spec: JobSpec,
        calls: CallCounter,
    ) -> Result<Self, Error> {
        let before = Utc::now();
        // A retry could submit a second job.
        let request = request.once();
        let is_repeatable = request.operation().is_repeatable();
        let asked_until = spec.asked_until(&request);
        let lost = |spec: &JobSpec, error: Error| match is_repeatable {
            true => error,
            false => error.outcome_unknown(how_to_check(spec)),
        };
        // No await after this one: the caller saves the job as soon as this returns.
        let response = calls.execute(&client, &request).await.map_err(|error| {
            let has_arrived = error.status().is_some_and(|status| (200..300).contains(&status));
            if has_arrived || error.is_outcome_unknown() { lost(&spec, error) } else { error }
        })?;
        let submitted = response.head.date().unwrap_or(before);
        let mut poller = Self::for_submitted(client, spec, request, None, submitted, None);
        (poller.calls, poller.ran) = (calls, Duration::ZERO);
        (poller.is_timed, poller.is_new) = (true, true);
        poller.asked_until = asked_until;
        poller.id = match &poller.spec.id() {
            JobId::Field(path) => {
                // A missing id is an error below, if one is needed.
                JsonText::of(&response).ok().and_then(|fields| fields.text(path))
            }
            JobId::Path(name) => poller.request.path_value(name).map(str::to_owned),
            JobId::Header(name) => response.head.url_end(name),
            JobId::Nowhere => None,
        };
        let retry_after = response.head.retry_after();
        if poller.spec.results_at_once() || *poller.spec.done_when() == Completion::Not202 {
            let status = JobStatus::read(&poller.spec, response.clone(), None, submitted);
            let status = status.map_err(|error| lost(&poller.spec, error))?;
            let status = match &poller.id {
                None if holds_results(&poller.spec, &status) => status.done(),
                _ => status,
            };
            if status.is_final() || !poller.spec.is_pollable() {
                poller.expires = status.expires();
                poller.last = Some(status);
            }
        }
        if let (None, None, JobId::Field(path)) = (&poller.id, &poller.last, poller.spec.id())
            && poller.spec.status().is_some()
        {
            let why = format!("it has no `{path}`, the id of the job");
            return Err(lost(&poller.spec, Error::decode(&response, &DecodeError::new(why))));
        }
        poller.set_due(retry_after);
        let operation = poller.request.operation().id();
        let (family, id) = (poller.spec.name(), poller.redacted_id());
        tracing::debug!(operation, family, id = id.as_deref(), "job submitted");
        Ok(poller)
    }

    /// Whether its status can be requested.
    pub(super) fn can_be_polled(&self) -> bool {
        let status = self.spec.status();
        let has_id = |status: &JobOperation| status.id().is_none() || self.id.is_some();
        status.map_or(*self.spec.done_when() == Completion::Not202, has_id)
    }

    /// Forgets the last status if it can be polled again, and polls at once: URLs of files expire within minutes, and
    /// the pause after a long job is longer.
    pub(super) fn forget_links(&mut self) {
        if self.forget() && !self.due_by_server {
            self.due = Instant::now();
        }
    }

    /// Forgets the last status, if it can be polled again. Returns whether it can.
    pub(super) fn forget(&mut self) -> bool {
        let can_be_polled = self.can_be_polled();
        if can_be_polled {
            self.last = None;
        }
        can_be_polled
    }

    /// When it and its results are deleted, if known.
    pub(super) fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires.or_else(|| {
            let lifetime = chrono::TimeDelta::from_std(self.spec.lifetime()?).ok()?;
            self.submitted.checked_add_signed(lifetime)
        })
    }

    /// The time until the next poll.
    pub(super) fn due_in(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// The end of a wait that starts now.
    pub(super) fn until(&self) -> Until {
        let end = later(Instant::now(), self.deadline);
        Until { last: end - (self.deadline / 10).min(LAST_POLL_MARGIN), end }
    }

    /// The status operation, or the submit if there is none. Names the job in errors.
    pub(super) fn operation(&self) -> &Operation {
        self.spec.status().map_or(self.request.operation(), JobOperation::operation)
    }

    /// A request for an operation on this job.
    pub(super) fn ask(&self, call: &JobOperation) -> Request {
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

    /// Polls once. Dropping the future changes nothing.
    pub(super) async fn poll(&mut self) -> Result<JobStatus, Error> {
        if !self.can_be_polled() {
            return Err(self.not_pollable());
        }
        let mut request = match self.spec.status() {
            Some(status) => self.ask(status),
            None => self.request.clone(),
        };
        let mut response = self.execute(&request).await;
        if let Some(list) = self.spec.status().and_then(JobOperation::list) {
            let mut page = 1;
            while let Ok(listed) = &response
                && page < MAX_PAGES
                && is_further_on(listed, list, self.id.as_deref(), page)
            {
                page += 1;
                request.set_query("pageNumber", page.to_string());
                response = self.execute(&request).await;
            }
        }
        if let Ok(response) = &response {
            self.correct_ran(response.head.date());
        }
        let retry_after = match &response {
            Ok(response) => response.head.retry_after(),
            Err(error) => error.retry_after(),
        };
        self.set_due(retry_after);
        let response = response.map_err(|error| self.explain_unknown(error))?;
        let status = JobStatus::read(&self.spec, response, self.id.as_deref(), self.submitted)?;
        tracing::debug!(
            family = self.spec.name(),
            id = self.redacted_id().as_deref(),
            state = ?status.state(),
            name = status.name().map(|name| self.redacted(name)).as_deref(),
            "job polled"
        );
        if status.state() == JobState::Pending
            && let (Some(name), Some(before)) = (status.name(), &self.last)
            && before.name() != Some(name)
        {
            let (family, id, name) = (self.spec.name(), self.redacted_id(), self.redacted(name));
            tracing::info!(family, id = id.as_deref(), name = &*name, "job state changed");
        }
        if let (true, Some(cancel)) = (status.is_final(), &self.cancel_on_drop) {
            cancel.disarm();
        }
        self.is_new = false;
        self.expires = status.expires().or(self.expires);
        self.last = Some(status.clone());
        Ok(status)
    }

    /// Corrects `ran` of a job that was submitted elsewhere by the server's clock: ours may be off.
    fn correct_ran(&mut self, now: Option<DateTime<Utc>>) {
        if let (false, Some(now)) = (self.is_timed, now) {
            let ran = (now - self.submitted).to_std().unwrap_or_default();
            self.ran = ran.saturating_sub(self.made.elapsed());
            self.is_timed = true;
        }
    }

    /// Applies the options that are set.
    pub(super) fn apply(&mut self, options: &JobOptions) {
        if let Some(deadline) = options.deadline {
            self.deadline = deadline;
        }
        if let Some(schedule) = options.schedule {
            self.reschedule(schedule);
        }
    }

    /// Changes the schedule, including the first poll.
    pub(super) fn reschedule(&mut self, schedule: Schedule) {
        self.schedule = schedule;
        if self.is_new && !self.due_by_server {
            self.due = later(self.made, schedule.pause(self.ran, chance()));
        }
    }

    fn set_due(&mut self, retry_after: Option<Duration>) {
        let now = Instant::now();
        let ran = self.ran + now.duration_since(self.made);
        let pause = self.schedule.pause(ran, chance());
        self.due_by_server = retry_after.is_some_and(|wait| wait > pause);
        let pause = pause.max(retry_after.unwrap_or_default());
        self.due = later(now, pause);
    }

    /// Polls when that is due. Transient errors are retried until the deadline.
    pub(super) async fn next_status(&mut self, until: Until) -> Result<JobStatus, Error> {
        runtime::current(Some(self.operation()))?;
        let mut failure = None;
        loop {
            if self.due_by_server && self.due > until.end {
                return Err(self.unfinished(Timeout::RetryAfter, failure));
            }
            if Instant::now() >= until.end {
                return Err(self.unfinished(Timeout::Deadline, failure));
            }
            let at = if self.due_by_server { self.due } else { self.due.min(until.last) };
            tokio::time::sleep_until(at).await;
            let Ok(polled) = tokio::time::timeout_at(until.end, self.poll()).await else {
                return Err(self.unfinished(Timeout::DuringCall, failure));
            };
            match polled {
                Err(error) if self.may_recover(&error) => {
                    let family = self.spec.name();
                    let id = self.redacted_id();
                    tracing::warn!(family, id = id.as_deref(), %error, "polling the job failed");
                    if until.is_last() {
                        return Err(self.unfinished(Timeout::Deadline, Some(error)));
                    }
                    failure = Some(error);
                }
                polled => return polled,
            }
        }
    }

    /// Whether polling again may succeed after this error.
    fn may_recover(&self, error: &Error) -> bool {
        let is_unknown_yet = self.is_new
            && self.made.elapsed() < NOT_FOUND_GRACE
            && error.kind() == ErrorKind::NotFound;
        error.is_transient() || is_unknown_yet
    }

    /// Waits until the job is done.
    pub(super) async fn wait(&mut self) -> Result<JobStatus, Error> {
        if let Some(last) = self.last.clone().filter(JobStatus::is_final) {
            return self.result_of(last);
        }
        if !self.can_be_polled() {
            return Err(self.not_pollable());
        }
        let until = self.until();
        loop {
            let status = self.next_status(until).await?;
            if status.state() != JobState::Pending {
                return self.result_of(status);
            }
            if until.is_last() {
                return Err(self.unfinished(Timeout::Deadline, None));
            }
        }
    }

    /// Cancels the job, unless it has ended.
    pub(super) async fn cancel(&mut self) -> Result<(), Error> {
        let Some(cancel) = self.spec.cancel() else {
            let why = "jobs of this kind can't be cancelled".to_owned();
            return Err(Error::invalid_request(self.operation(), why));
        };
        // The API might delete its results.
        if self.last.as_ref().is_some_and(JobStatus::is_final) {
            return Ok(());
        }
        if cancel.id().is_some() && self.id.is_none() {
            return Err(self.without_id("it can't be cancelled"));
        }
        let Err(error) = self.execute(&self.ask(cancel)).await else { return Ok(()) };
        // An earlier attempt, whose response was lost, has cancelled it.
        if error.kind() == ErrorKind::NotFound && error.attempts() > 1 {
            return Ok(());
        }
        let may_have_ended = error.is_refused_by(&[400, 404, 409, 410]);
        if may_have_ended && self.poll().await.is_ok_and(|status| status.is_final()) {
            return Ok(());
        }
        Err(error)
    }

    /// Makes and counts a call for the job.
    pub(super) async fn execute(&self, request: &Request) -> Result<RawResponse, Error> {
        self.calls.execute(&self.client, request).await
    }
}

/// How to check for a job that may exist and whose id is unknown.
pub(super) fn how_to_check(spec: &JobSpec) -> String {
    let how = match spec.status() {
        Some(status) if status.list().is_some() || status.id().is_none() => {
            format!("check {} before you submit it again", status.operation())
        }
        Some(status) => format!(
            "its id, which {} needs, is unknown: check whether the work was done before you submit it again",
            status.operation()
        ),
        None => "check whether the work was done before you submit it again".to_owned(),
    };
    format!("the job may exist and is not submitted again automatically; {how}")
}

/// Whether a response to a submit without an id is the result itself.
fn holds_results(spec: &JobSpec, status: &JobStatus) -> bool {
    let Ok(fields) = JsonText::of(status.response()) else { return false };
    match spec.results() {
        Results::Response(places) => places.iter().any(|place| match place {
            ResultLocation::Items(path) | ResultLocation::Files(path, _) => {
                path != "[]" && !fields.all(path).is_empty()
            }
        }),
        Results::Nothing => true,
        Results::List(..) | Results::Status(_) => false,
    }
}
