//! One job, whatever the type of its results: submitted, asked how it stands, waited for.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::cancel::CancelOnDrop;
use super::end::Late;
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

/// How long a job is waited for unless it is said.
const DEADLINE: Duration = Duration::from_hours(1);

/// How long before the deadline a job is asked the last time, so that the answer is there by then. At most a
/// tenth of the time that there is.
const LAST_ANSWER: Duration = Duration::from_secs(2);

/// So long after the submit a 404 may mean that the service which tells of the job has not heard of it yet.
const NEW: Duration = Duration::from_secs(30);

/// How many pages of a list of jobs are looked through for one.
const MOST_PAGES: u64 = 100;

/// A job that was submitted.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(super) client: Client,
    pub(super) family: JobSpec,
    /// The submit, without its body.
    pub(super) request: Request,
    pub(super) id: Option<String>,
    /// When it was submitted, by the server's clock where that is told.
    pub(super) submitted: DateTime<Utc>,
    pub(super) schedule: Schedule,
    pub(super) deadline: Duration,
    /// What was said of it last.
    pub(super) last: Option<JobStatus>,
    /// When it and its results are deleted, as was said last.
    expires: Option<DateTime<Utc>>,
    /// The end of the interval that it searches, if its data becomes available with a delay.
    pub(super) asked_until: Option<DateTime<Utc>>,
    /// Whether it was submitted through this, and has not been told of since.
    is_new: bool,
    /// Cancels it once nothing holds this any more.
    pub(super) cancel_on_drop: Option<Arc<CancelOnDrop>>,
    /// What counts its calls.
    pub(super) calls: CallCounter,
    /// How long it had run when this was made, and when that was.
    ran: Duration,
    made: Instant,
    /// Whether the first is by one clock alone, and so not off.
    is_timed: bool,
    /// When it is to be asked again.
    due: Instant,
    /// Whether the server has said when.
    told: bool,
}

/// Until when a job is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Until {
    /// When it is asked the last time.
    last: Instant,
    /// When what is under way is given up.
    end: Instant,
}

impl Until {
    pub(super) fn is_last(&self) -> bool {
        Instant::now() >= self.last
    }
}

impl Run {
    /// A job that was submitted before.
    pub(super) fn from_static(
        client: Client,
        family: JobSpec,
        request: Request,
        id: Option<String>,
        submitted: DateTime<Utc>,
        expires: Option<DateTime<Utc>>,
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
            expires,
            asked_until: None,
            is_new: false,
            cancel_on_drop: None,
            calls: CallCounter::default(),
            ran: (Utc::now() - submitted).to_std().unwrap_or_default(),
            made,
            is_timed: false,
            due: made,
            told: false,
        }
    }

    pub(super) async fn submit(
        client: Client,
        request: Request,
        family: JobSpec,
        calls: CallCounter,
    ) -> Result<Self, Error> {
        let before = Utc::now();
        // A second one would be another job.
        let request = request.once();
        let is_repeatable = request.operation().is_repeatable();
        let asked_until = family.asked_until(&request);
        // The same advice wherever the job is lost.
        let lost = |family: &JobSpec, error: Error| match is_repeatable {
            true => error,
            false => error.outcome_unknown(how_to_look(family)),
        };
        // No await after this one: the caller saves the job as soon as this returns.
        let reply = calls.execute(&client, &request).await.map_err(|error| {
            let has_come = error.status().is_some_and(|status| (200..300).contains(&status));
            if has_come || error.is_outcome_unknown() { lost(&family, error) } else { error }
        })?;
        let submitted = reply.head.date().unwrap_or(before);
        let mut run = Self::from_static(client, family, request, None, submitted, None);
        (run.calls, run.ran) = (calls, Duration::ZERO);
        (run.is_timed, run.is_new) = (true, true);
        run.asked_until = asked_until;
        run.id = match &run.family.id() {
            JobId::Field(path) => {
                // A reply that is no JSON has no id, which is told below where one is needed.
                JsonText::of(&reply).ok().and_then(|fields| fields.text(path))
            }
            JobId::Path(name) => run.request.path_value(name).map(str::to_owned),
            JobId::Header(name) => reply.head.url_end(name),
            JobId::Nowhere => None,
        };
        let retry_after = reply.head.retry_after();
        if run.family.results_at_once() || *run.family.done_when() == Completion::Not202 {
            let status = JobStatus::read(&run.family, reply.clone(), None, submitted);
            let status = status.map_err(|error| lost(&run.family, error))?;
            let status = match &run.id {
                None if holds_results(&run.family, &status) => status.done(),
                _ => status,
            };
            if status.is_final() || !run.family.is_pollable() {
                run.expires = status.expires();
                run.last = Some(status);
            }
        }
        if let (None, None, JobId::Field(path)) = (&run.id, &run.last, run.family.id())
            && run.family.status().is_some()
        {
            let why = format!("it has no `{path}`, the id of the job");
            return Err(lost(&run.family, Error::decode(&reply, &DecodeError::new(why))));
        }
        run.put_off(retry_after);
        let operation = run.request.operation().id();
        let (family, id) = (run.family.name(), run.shown_id());
        tracing::debug!(operation, family, id = id.as_deref(), "job submitted");
        Ok(run)
    }

    /// Whether it can be asked how it stands.
    pub(super) fn can_be_asked(&self) -> bool {
        let status = self.family.status();
        let has_id = |status: &JobOperation| status.id().is_none() || self.id.is_some();
        status.map_or(*self.family.done_when() == Completion::Not202, has_id)
    }

    /// Forgets what was said of it, if it can be asked again, and has it asked at once: URLs of files expire
    /// within minutes, and the pause after a long job is longer.
    pub(super) fn forget_links(&mut self) {
        if self.forget() && !self.told {
            self.due = Instant::now();
        }
    }

    /// Forgets what was said of it, if it can be asked again.
    pub(super) fn forget(&mut self) -> bool {
        let can_be_asked = self.can_be_asked();
        if can_be_asked {
            self.last = None;
        }
        can_be_asked
    }

    /// When it and its results are deleted, as far as it is known.
    pub(super) fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires.or_else(|| {
            let lifetime = chrono::TimeDelta::from_std(self.family.lifetime()?).ok()?;
            self.submitted.checked_add_signed(lifetime)
        })
    }

    /// How long it is until it is to be asked again.
    pub(super) fn due_in(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// Until when it is waited for, from now on.
    pub(super) fn until(&self) -> Until {
        let end = later(Instant::now(), self.deadline);
        Until { last: end - (self.deadline / 10).min(LAST_ANSWER), end }
    }

    /// The operation that tells how it stands, for errors.
    pub(super) fn operation(&self) -> &Operation {
        self.family.status().map_or(self.request.operation(), JobOperation::operation)
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

    /// Asks once how it stands. Given up on the way, it has changed nothing.
    pub(super) async fn poll(&mut self) -> Result<JobStatus, Error> {
        if !self.can_be_asked() {
            return Err(self.not_pollable());
        }
        let mut request = match self.family.status() {
            Some(status) => self.ask(status),
            None => self.request.clone(),
        };
        let mut reply = self.execute(&request).await;
        if let Some(list) = self.family.status().and_then(JobOperation::list) {
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
        if let Ok(reply) = &reply {
            self.time(reply.head.date());
        }
        let retry_after = match &reply {
            Ok(reply) => reply.head.retry_after(),
            Err(error) => error.retry_after(),
        };
        self.put_off(retry_after);
        let reply = reply.map_err(|error| self.unknown(error))?;
        let status = JobStatus::read(&self.family, reply, self.id.as_deref(), self.submitted)?;
        tracing::debug!(
            family = self.family.name(),
            id = self.shown_id().as_deref(),
            state = ?status.state(),
            name = status.name().map(|name| self.shown(name)).as_deref(),
            "job polled"
        );
        if status.state() == JobState::Pending
            && let (Some(name), Some(before)) = (status.name(), &self.last)
            && before.name() != Some(name)
        {
            let (family, id, name) = (self.family.name(), self.shown_id(), self.shown(name));
            tracing::info!(family, id = id.as_deref(), name = &*name, "job moved on");
        }
        if let (true, Some(cancel)) = (status.is_final(), &self.cancel_on_drop) {
            cancel.leave();
        }
        self.is_new = false;
        self.expires = status.expires().or(self.expires);
        self.last = Some(status.clone());
        Ok(status)
    }

    /// Corrects how long a job has run that was submitted elsewhere: the server's clock tells, ours may be off.
    fn time(&mut self, now: Option<DateTime<Utc>>) {
        if let (false, Some(now)) = (self.is_timed, now) {
            let run = (now - self.submitted).to_std().unwrap_or_default();
            self.ran = run.saturating_sub(self.made.elapsed());
            self.is_timed = true;
        }
    }

    /// Applies what is set in the options.
    pub(super) fn apply(&mut self, options: &JobOptions) {
        if let Some(deadline) = options.deadline {
            self.deadline = deadline;
        }
        if let Some(schedule) = options.schedule {
            self.reschedule(schedule);
        }
    }

    /// Changes when it is polled, the first time too.
    pub(super) fn reschedule(&mut self, schedule: Schedule) {
        self.schedule = schedule;
        if self.is_new && !self.told {
            self.due = later(self.made, schedule.pause(self.ran, chance()));
        }
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
    pub(super) async fn next_status(&mut self, until: Until) -> Result<JobStatus, Error> {
        runtime::current(Some(self.operation()))?;
        let mut failure = None;
        loop {
            if self.told && self.due > until.end {
                return Err(self.unfinished(Late::Told, failure));
            }
            if Instant::now() >= until.end {
                return Err(self.unfinished(Late::Time, failure));
            }
            let at = if self.told { self.due } else { self.due.min(until.last) };
            tokio::time::sleep_until(at).await;
            let Ok(asked) = tokio::time::timeout_at(until.end, self.poll()).await else {
                return Err(self.unfinished(Late::Call, failure));
            };
            match asked {
                Err(error) if self.may_pass(&error) => {
                    let family = self.family.name();
                    let id = self.shown_id();
                    tracing::warn!(family, id = id.as_deref(), %error, "job not polled");
                    if until.is_last() {
                        return Err(self.unfinished(Late::Time, Some(error)));
                    }
                    failure = Some(error);
                }
                asked => return asked,
            }
        }
    }

    /// Whether asking again may do better than a call that failed so.
    fn may_pass(&self, error: &Error) -> bool {
        let is_unseen =
            self.is_new && self.made.elapsed() < NEW && error.kind() == ErrorKind::NotFound;
        error.is_transient() || is_unseen
    }

    /// Waits until it is done.
    pub(super) async fn wait(&mut self) -> Result<JobStatus, Error> {
        if let Some(last) = self.last.clone().filter(JobStatus::is_final) {
            return self.judged(last);
        }
        if !self.can_be_asked() {
            return Err(self.not_pollable());
        }
        let until = self.until();
        loop {
            let status = self.next_status(until).await?;
            if status.state() != JobState::Pending {
                return self.judged(status);
            }
            if until.is_last() {
                return Err(self.unfinished(Late::Time, None));
            }
        }
    }

    /// Has the API cancel it. What has ended by itself needs none.
    pub(super) async fn cancel(&mut self) -> Result<(), Error> {
        let Some(cancel) = self.family.cancel() else {
            let why = "jobs of this kind can't be cancelled".to_owned();
            return Err(Error::invalid_request(self.operation(), why));
        };
        // The API might delete its results.
        if self.last.as_ref().is_some_and(JobStatus::is_final) {
            return Ok(());
        }
        if cancel.id().is_some() && self.id.is_none() {
            return Err(self.nameless("it can't be cancelled"));
        }
        let Err(error) = self.execute(&self.ask(cancel)).await else { return Ok(()) };
        // An attempt before, whose reply was lost, has done it.
        if error.kind() == ErrorKind::NotFound && error.attempts() > 1 {
            return Ok(());
        }
        let may_have_ended = error.is_refused_by(&[400, 404, 409, 410]);
        if may_have_ended && self.poll().await.is_ok_and(|status| status.is_final()) {
            return Ok(());
        }
        Err(error)
    }

    /// Makes a call for it, and counts that.
    pub(super) async fn execute(&self, request: &Request) -> Result<RawResponse, Error> {
        self.calls.execute(&self.client, request).await
    }
}

/// How to check for a job that may exist and whose id is unknown.
pub(super) fn how_to_look(family: &JobSpec) -> String {
    let how = match family.status() {
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

/// Whether a reply to a submit that names no job is the result itself.
fn holds_results(family: &JobSpec, status: &JobStatus) -> bool {
    let Ok(fields) = JsonText::of(status.reply()) else { return false };
    match family.results() {
        Results::Response(places) => places.iter().any(|place| match place {
            ResultLocation::Items(path) | ResultLocation::Files(path, _) => {
                path != "[]" && !fields.all(path).is_empty()
            }
        }),
        Results::Nothing => true,
        Results::List(..) | Results::Status(_) => false,
    }
}
