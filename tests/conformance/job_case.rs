//! What is expected of a job.

use std::collections::HashSet;

use genesys_cloud::endpoint::{Completion, FileForm, JobId, JobSpec, ResultLocation, Results};
use genesys_cloud::{Error, ErrorKind, JobState, Reason, Verdict};
use genesys_cloud_catalogue::{Catalogue, Location};
use genesys_cloud_mock::{ExpectedJob, JobEnd, JobScenario, RecordedRequest};

use crate::job_run::{Mode, Outcome};

/// The kind of results of the jobs of a spec.
pub(crate) fn kind(spec: &JobSpec) -> String {
    if *spec.done_when() == Completion::Not202 {
        return "same URL until not 202".to_owned();
    }
    if !spec.is_pollable() {
        return "notification only".to_owned();
    }
    let places = match spec.results() {
        Results::List(_, listing) => return format!("operation, {}", listing.scheme().name()),
        Results::Status(listing) => return format!("status, {}", listing.scheme().name()),
        Results::Response(places) => places,
        _ => return "nothing".to_owned(),
    };
    let is_inline = |place: &ResultLocation| matches!(place, ResultLocation::Items(_));
    match (places.iter().any(is_inline), places.iter().all(is_inline)) {
        _ if is_whole(spec) => "status is the result",
        (true, true) => "inline",
        (true, false) => "inline or files",
        (false, _) => "files",
    }
    .to_owned()
}

/// Whether the last status response is itself the result.
pub(crate) fn is_whole(spec: &JobSpec) -> bool {
    matches!(spec.results(), Results::Response(places)
        if matches!(&places[..], [ResultLocation::Items(path)] if path == "[]"))
}

/// Whether the results are files returned as bytes.
pub(crate) fn is_bytes(spec: &JobSpec) -> bool {
    matches!(spec.results(), Results::Response(places)
        if places.iter().all(|it| matches!(it, ResultLocation::Files(_, FileForm::Bytes))))
}

/// Whether the jobs have a state for "cancelled".
pub(crate) fn can_be_cancelled(spec: &JobSpec) -> bool {
    spec.states().iter().any(|(_, state)| *state == JobState::Cancelled)
}

/// The parameters that the operation with the results requires but the submit does not have.
pub(crate) fn required(spec: &JobSpec) -> Vec<&'static str> {
    let Results::List(call, _) = spec.results() else { return Vec::new() };
    let operation = Catalogue::embedded().operation(call.operation().id());
    let parameters = operation.into_iter().flat_map(|it| it.parameters_in(Location::Query));
    parameters.filter(|it| it.required).map(|it| it.name.as_str()).collect()
}

/// The reason to skip a scenario that the fake org supports.
pub(crate) fn left_out(spec: &JobSpec, scenario: JobScenario) -> Option<&'static str> {
    let is_about_files = matches!(
        scenario,
        JobScenario::Download
            | JobScenario::GzipDownload
            | JobScenario::DroppedDownload
            | JobScenario::DownloadWithoutRange
            | JobScenario::ShortDownload
            | JobScenario::ExpiredLink
            | JobScenario::ForeignLink
    );
    (is_about_files && is_whole(spec))
        .then_some("the response is the result; the caller downloads the file that it names")
}

/// A job in a scenario.
pub(crate) struct Case<'a> {
    pub(crate) operation: &'a str,
    pub(crate) spec: &'a JobSpec,
    pub(crate) scenario: JobScenario,
    pub(crate) mode: Mode,
    /// How many polls find it running.
    pub(crate) polls: u32,
    pub(crate) expected: &'a ExpectedJob,
    /// What its files would contain, if they could be downloaded.
    pub(crate) whole: Option<&'a ExpectedJob>,
}

impl Case<'_> {
    pub(crate) fn check(
        &self,
        outcome: &Outcome,
        requests: &[RecordedRequest],
        downloads: &[RecordedRequest],
    ) -> Result<(), String> {
        if let Some(why) = outcome.wrong.first() {
            return Err(why.clone());
        }
        if self.mode == Mode::Cancelled && !can_be_cancelled(self.spec) {
            return self.check_cancel(outcome, requests);
        }
        self.check_errors(&outcome.errors)?;
        self.check_items(outcome)?;
        self.check_states(outcome)?;
        if self.mode == Mode::Cancelled {
            self.check_cancel(outcome, requests)?;
        }
        if downloads.iter().any(|request| request.bearer) {
            return Err("a file was requested with the token".to_owned());
        }
        if self.scenario == JobScenario::ForeignLink && !downloads.is_empty() {
            return Err("files were requested".to_owned());
        }
        self.check_requests(requests)
    }

    /// How it must end.
    fn end(&self) -> JobEnd {
        match self.mode {
            Mode::Cancelled => JobEnd::Cancelled,
            _ => self.expected.end,
        }
    }

    /// Whether a page is a redirect instead of a page of items.
    fn is_redirect(&self) -> bool {
        self.scenario == JobScenario::RedirectWithBody && self.mode != Mode::Pages
    }

    /// Whether the results require parameters that only the caller knows.
    fn is_asked_for_more(&self) -> bool {
        let by_paginate = matches!(self.mode, Mode::Paginate | Mode::Dropped);
        by_paginate && is_good(self.expected.end) && !required(self.spec).is_empty()
    }

    fn is_refused(&self) -> bool {
        self.is_redirect() || self.is_asked_for_more()
    }

    pub(crate) fn check_errors(&self, errors: &[Error]) -> Result<(), String> {
        let is_due = |error: &Error| match self.end() {
            _ if self.is_redirect() => error.kind() == ErrorKind::Paging,
            _ if self.is_asked_for_more() => error.status() == Some(400),
            JobEnd::Succeeded | JobEnd::PartlySucceeded => false,
            JobEnd::Failed => {
                let has_message =
                    |message: &String| error.to_string().contains(message.trim_end_matches('.'));
                let is_reported = self.expected.message.as_ref().is_none_or(has_message);
                error.kind() == ErrorKind::JobFailed && is_reported
            }
            JobEnd::Cancelled => error.kind() == ErrorKind::JobCancelled,
            JobEnd::Expired => error.kind() == ErrorKind::JobExpired,
            JobEnd::Undeliverable => error.kind() == ErrorKind::Download || error.is_transport(),
            JobEnd::NotificationOnly => {
                let topic = self.spec.topic().or(self.spec.note());
                let is_named = topic.is_some_and(|topic| error.to_string().contains(topic));
                error.kind() == ErrorKind::JobNotPollable && is_named
            }
            _ => false,
        };
        let goes_well = is_good(self.end()) && !self.is_refused();
        if errors.is_empty() != goes_well || !errors.iter().all(is_due) {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Err(format!("errors: [{}]", errors.join("; ")));
        }
        Ok(())
    }

    pub(crate) fn check_items(&self, outcome: &Outcome) -> Result<(), String> {
        let items = &outcome.keys;
        let text = |files: &[bytes::Bytes]| -> String {
            files.iter().flatten().copied().map(char::from).collect()
        };
        if let Some(whole) = self.whole {
            let is_begin = match is_bytes(self.spec) {
                true => text(&whole.files).starts_with(&items.concat()),
                false => whole.records.starts_with(items),
            };
            return is_begin
                .then_some(())
                .ok_or("the items differ from the expected ones".to_owned());
        }
        let is_good = is_good(self.end()) && !self.is_refused();
        let expected = &self.expected.records;
        if !is_good {
            return match items.len() {
                0 => Ok(()),
                count => Err(format!("{count} items instead of none")),
            };
        }
        if is_bytes(self.spec) {
            if items.concat() != text(&self.expected.files) {
                return Err("the bytes differ from those of the files".to_owned());
            }
        } else if items != expected && !(self.is_one() && items.len() == 1) {
            let (items, expected) = (items.len(), expected.len());
            return Err(format!("{items} items instead of {expected}, or different ones"));
        }
        // A response that is the result may name a file, which the caller downloads.
        let has_files = self.mode == Mode::Saved && !is_whole(self.spec);
        if has_files && outcome.files != self.expected.files {
            let (items, expected) = (outcome.files.len(), self.expected.files.len());
            return Err(format!("{items} files instead of {expected}, or different ones"));
        }
        let is_partial = self.end() == JobEnd::PartlySucceeded;
        match outcome.verdict {
            Some(Verdict::Truncated(Reason::PartlySucceeded)) if is_partial => Ok(()),
            Some(Verdict::Unknown(Reason::InFiles { .. })) if self.mode == Mode::Pages => Ok(()),
            Some(Verdict::Complete) if !is_partial => Ok(()),
            Some(verdict) => Err(format!("the verdict is {verdict}")),
            None => Err("no verdict".to_owned()),
        }
    }

    /// Whether the only item is a response, or part of one, that the fake org does not consider a result.
    fn is_one(&self) -> bool {
        let is_reply = matches!(self.spec.results(), Results::Response(_));
        let is_none = self.expected.records.is_empty() && self.scenario != JobScenario::EmptyResult;
        // The fake org may see a list in a response that is the result; a single result must match.
        is_whole(self.spec) && self.expected.records.len() != 1 || is_reply && is_none
    }

    /// It was cancelled by one call.
    fn check_cancel(&self, outcome: &Outcome, requests: &[RecordedRequest]) -> Result<(), String> {
        let cancel = self.spec.cancel().map(|cancel| cancel.operation().id());
        let calls = requests.iter().filter(|it| it.operation.as_deref() == cancel).count();
        match outcome.errors.iter().find(|error| error.kind() != ErrorKind::JobCancelled) {
            _ if calls != 1 => Err(format!("the job was cancelled {calls} times")),
            Some(error) => Err(error.to_string()),
            None => Ok(()),
        }
    }

    /// All states but the last are pending, and the last is the expected end.
    fn check_states(&self, outcome: &Outcome) -> Result<(), String> {
        if self.mode != Mode::Statuses || !self.spec.is_pollable() {
            return Ok(());
        }
        let expected = match self.end() {
            JobEnd::PartlySucceeded => JobState::PartlySucceeded,
            JobEnd::Failed => JobState::Failed,
            JobEnd::Cancelled => JobState::Cancelled,
            // The state before the results expired.
            _ => JobState::Succeeded,
        };
        let (last, before) = outcome.states.split_last().ok_or("no status was reported")?;
        let runs = |state: &JobState| matches!(state, JobState::Pending | JobState::AwaitingInput);
        if *last != expected || !before.iter().all(runs) {
            return Err(format!("the states are {:?}", outcome.states));
        }
        Ok(())
    }

    /// One submit, and only the necessary polls.
    fn check_requests(&self, requests: &[RecordedRequest]) -> Result<(), String> {
        let of = |operation: &str| -> Vec<&RecordedRequest> {
            let of = |it: &&RecordedRequest| it.operation.as_deref() == Some(operation);
            requests.iter().filter(of).collect()
        };
        let polls = self.polls();
        let submitted = of(self.operation);
        // A job that selects a page is submitted once per page.
        let jobs = if self.spec.is_job_per_page() { submitted.len() } else { 1 };
        let expected = match self.spec.done_when() {
            Completion::Not202 => polls,
            _ => jobs,
        };
        if submitted.len() != expected {
            let submitted = submitted.len();
            return Err(format!("the job was submitted {submitted} times instead of {expected}"));
        }
        if self.spec.is_job_per_page() && !are_different(&submitted) {
            return Err("a page was submitted twice".to_owned());
        }
        let Some(status) = self.spec.status() else { return Ok(()) };
        let mut polled = of(status.operation().id());
        let listed = match self.spec.results() {
            Results::List(call, _) => of(call.operation().id()),
            // The operation returns the status first, and then the list.
            Results::Status(_) => polled.split_off((polls * jobs).min(polled.len())),
            _ => Vec::new(),
        };
        if polled.len() != polls * jobs {
            let (polled, expected) = (polled.len(), polls * jobs);
            return Err(format!("the job was polled {polled} times instead of {expected}"));
        }
        // Each poll requests expired results again.
        if !are_different(&listed) && !self.is_refused() && self.end() != JobEnd::Expired {
            return Err("a page was requested twice".to_owned());
        }
        Ok(())
    }

    /// How often the job must be polled.
    fn polls(&self) -> usize {
        if !self.spec.is_pollable() {
            return 0;
        }
        if self.scenario == JobScenario::InlineAtOnce {
            // A response that is not a job has no id with which to request new URLs.
            let has_id = *self.spec.id() != JobId::Field("job.id".into());
            let has_files = !self.expected.files.is_empty();
            return usize::from(has_id && has_files && self.mode == Mode::Statuses);
        }
        let least = if self.scenario == JobScenario::TransientErrors { 3 } else { 0 };
        let mut polls = (self.polls + 1).max(least) as usize
            + usize::from(self.expected.awaiting_input.is_some());
        if self.mode == Mode::Cancelled {
            return 2;
        }
        let is_repeated = *self.spec.done_when() == Completion::Not202;
        // The saved job does not contain a result that came with the first successful response.
        if self.mode == Mode::Saved && is_repeated && self.scenario == JobScenario::TransientErrors
        {
            return polls + 1;
        }
        if self.mode == Mode::Saved && is_repeated && self.polls == 0 {
            return 2;
        }
        // File URLs are requested again where they may have expired.
        let has_files =
            !is_whole(self.spec) && (!self.expected.files.is_empty() || self.whole.is_some());
        if has_files && matches!(self.mode, Mode::Statuses | Mode::Saved) {
            polls += 1;
        }
        if has_files && self.mode == Mode::Saved && is_good(self.end()) {
            polls += 1;
        }
        // Each status has a new URL, but an address of the API always redirects to the first one.
        let is_address = matches!(self.spec.results(), Results::Response(places)
            if matches!(&places[..], [ResultLocation::Files(path, _)] if path.ends_with("selfUri")));
        let is_first = self.mode == Mode::Paginate || is_address;
        if self.scenario == JobScenario::ExpiredLink && is_first {
            polls += 1;
        }
        polls
    }
}

/// Whether a job that ends like this has all results.
fn is_good(end: JobEnd) -> bool {
    matches!(end, JobEnd::Succeeded | JobEnd::PartlySucceeded)
}

fn are_different(requests: &[&RecordedRequest]) -> bool {
    let different: HashSet<_> = requests.iter().map(|it| (&it.path, &it.query, &it.body)).collect();
    different.len() == requests.len()
}
