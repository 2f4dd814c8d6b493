//! What is due of a job.

use std::collections::HashSet;

use genesys_cloud::endpoint::{Completion, FileForm, JobId, JobSpec, ResultLocation, Results};
use genesys_cloud::{Error, ErrorKind, JobState, Reason, Verdict};
use genesys_cloud_catalogue::{Catalogue, Location};
use genesys_cloud_mock::{ExpectedJob, JobEnd, JobScenario, RecordedRequest};

use crate::job_run::{Outcome, Way};

/// What kind of result the jobs of a family have.
pub(crate) fn kind(family: &JobSpec) -> String {
    if *family.done_when() == Completion::Not202 {
        return "same URL until not 202".to_owned();
    }
    if !family.is_pollable() {
        return "notification only".to_owned();
    }
    let places = match family.results() {
        Results::List(_, listing) => return format!("operation, {}", listing.scheme().name()),
        Results::Status(listing) => return format!("status, {}", listing.scheme().name()),
        Results::Response(places) => places,
        _ => return "nothing".to_owned(),
    };
    let is_inline = |place: &ResultLocation| matches!(place, ResultLocation::Items(_));
    match (places.iter().any(is_inline), places.iter().all(is_inline)) {
        _ if is_whole(family) => "status is the result",
        (true, true) => "inline",
        (true, false) => "inline or files",
        (false, _) => "files",
    }
    .to_owned()
}

/// Whether the reply that tells of the end is the result.
pub(crate) fn is_whole(family: &JobSpec) -> bool {
    matches!(family.results(), Results::Response(places)
        if matches!(&places[..], [ResultLocation::Items(path)] if path == "[]"))
}

/// Whether the results are files that are handed out as they are.
pub(crate) fn is_bytes(family: &JobSpec) -> bool {
    matches!(family.results(), Results::Response(places)
        if places.iter().all(|it| matches!(it, ResultLocation::Files(_, FileForm::Bytes))))
}

/// Whether jobs of a family have a state that says that they were cancelled.
pub(crate) fn can_be_cancelled(family: &JobSpec) -> bool {
    family.states().iter().any(|(_, state)| *state == JobState::Cancelled)
}

/// The parameters that the operation which lists the results requires and the submit does not have.
pub(crate) fn required(family: &JobSpec) -> Vec<&'static str> {
    let Results::List(call, _) = family.results() else { return Vec::new() };
    let operation = Catalogue::embedded().operation(call.operation().id());
    let parameters = operation.into_iter().flat_map(|it| it.parameters_in(Location::Query));
    parameters.filter(|it| it.required).map(|it| it.name.as_str()).collect()
}

/// Why the jobs of a family are not driven through a scenario that the fake org has for them.
pub(crate) fn left_out(family: &JobSpec, scenario: JobScenario) -> Option<&'static str> {
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
    (is_about_files && is_whole(family))
        .then_some("the reply is the result; the file that it names is left to the caller")
}

/// A job in a scenario.
pub(crate) struct Case<'a> {
    pub(crate) operation: &'a str,
    pub(crate) family: &'a JobSpec,
    pub(crate) scenario: JobScenario,
    pub(crate) way: Way,
    /// How many polls find it running.
    pub(crate) polls: u32,
    pub(crate) truth: &'a ExpectedJob,
    /// What could be got if its files could.
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
        if self.way == Way::Cancelled && !can_be_cancelled(self.family) {
            return self.check_cancel(outcome, requests);
        }
        self.check_errors(&outcome.errors)?;
        self.check_items(outcome)?;
        self.check_states(outcome)?;
        if self.way == Way::Cancelled {
            self.check_cancel(outcome, requests)?;
        }
        if downloads.iter().any(|request| request.bearer) {
            return Err("a file was asked for with the token".to_owned());
        }
        if self.scenario == JobScenario::ForeignLink && !downloads.is_empty() {
            return Err("files were asked for".to_owned());
        }
        self.check_requests(requests)
    }

    /// How it has to end.
    fn end(&self) -> JobEnd {
        match self.way {
            Way::Cancelled => JobEnd::Cancelled,
            _ => self.truth.end,
        }
    }

    /// Whether a page is a redirect, which is no page of items.
    fn is_redirect(&self) -> bool {
        self.scenario == JobScenario::RedirectWithBody && self.way != Way::Pages
    }

    /// Whether the results are not to be had without what only the caller knows.
    fn is_asked_for_more(&self) -> bool {
        let by_paginate = matches!(self.way, Way::Paginate | Way::Dropped);
        by_paginate && is_good(self.truth.end) && !required(self.family).is_empty()
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
                let tells =
                    |message: &String| error.to_string().contains(message.trim_end_matches('.'));
                let is_told = self.truth.message.as_ref().is_none_or(tells);
                error.kind() == ErrorKind::JobFailed && is_told
            }
            JobEnd::Cancelled => error.kind() == ErrorKind::JobCancelled,
            JobEnd::Expired => error.kind() == ErrorKind::JobExpired,
            JobEnd::Undeliverable => error.kind() == ErrorKind::Download || error.is_transport(),
            JobEnd::Untold => {
                let topic = self.family.topic().or(self.family.note());
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
        let came = &outcome.keys;
        let text = |files: &[bytes::Bytes]| -> String {
            files.iter().flatten().copied().map(char::from).collect()
        };
        if let Some(whole) = self.whole {
            let is_begin = match is_bytes(self.family) {
                true => text(&whole.files).starts_with(&came.concat()),
                false => whole.records.starts_with(came),
            };
            return is_begin.then_some(()).ok_or("other items came than are due".to_owned());
        }
        let is_good = is_good(self.end()) && !self.is_refused();
        let due = &self.truth.records;
        if !is_good {
            return match came.len() {
                0 => Ok(()),
                count => Err(format!("{count} items came where none is due")),
            };
        }
        if is_bytes(self.family) {
            if came.concat() != text(&self.truth.files) {
                return Err("other bytes came than those of the files".to_owned());
            }
        } else if came != due && !(self.is_one() && came.len() == 1) {
            let (came, due) = (came.len(), due.len());
            return Err(format!("{came} items came where {due} are due, or others"));
        }
        // A reply that is the result may name a file, which is left to the caller.
        let has_files = self.way == Way::Saved && !is_whole(self.family);
        if has_files && outcome.files != self.truth.files {
            let (came, due) = (outcome.files.len(), self.truth.files.len());
            return Err(format!("{came} files came where {due} are due, or others"));
        }
        let is_partial = self.end() == JobEnd::PartlySucceeded;
        match outcome.verdict {
            Some(Verdict::Truncated(Reason::PartlySucceeded)) if is_partial => Ok(()),
            Some(Verdict::Unknown(Reason::InFiles { .. })) if self.way == Way::Pages => Ok(()),
            Some(Verdict::Complete) if !is_partial => Ok(()),
            Some(verdict) => Err(format!("the verdict is {verdict}")),
            None => Err("there is no verdict".to_owned()),
        }
    }

    /// Whether the one item is a reply, or a part of one, that the fake org takes for no result.
    fn is_one(&self) -> bool {
        let is_reply = matches!(self.family.results(), Results::Response(_));
        let is_none = self.truth.records.is_empty() && self.scenario != JobScenario::EmptyResult;
        // Of a reply that is the result it may know a list; what it knows as one result has to be that.
        is_whole(self.family) && self.truth.records.len() != 1 || is_reply && is_none
    }

    /// It was cancelled by one call.
    fn check_cancel(&self, outcome: &Outcome, requests: &[RecordedRequest]) -> Result<(), String> {
        let cancel = self.family.cancel().map(|cancel| cancel.operation().id());
        let calls = requests.iter().filter(|it| it.operation.as_deref() == cancel).count();
        match outcome.errors.iter().find(|error| error.kind() != ErrorKind::JobCancelled) {
            _ if calls != 1 => Err(format!("it was cancelled {calls} times")),
            Some(error) => Err(error.to_string()),
            None => Ok(()),
        }
    }

    /// All states but the last are pending ones, and the last is the end.
    fn check_states(&self, outcome: &Outcome) -> Result<(), String> {
        if self.way != Way::Statuses || !self.family.is_pollable() {
            return Ok(());
        }
        let due = match self.end() {
            JobEnd::PartlySucceeded => JobState::PartlySucceeded,
            JobEnd::Failed => JobState::Failed,
            JobEnd::Cancelled => JobState::Cancelled,
            // What its end is said to be before its results are gone.
            _ => JobState::Succeeded,
        };
        let (last, before) = outcome.told.split_last().ok_or("no status was told")?;
        let runs = |state: &JobState| matches!(state, JobState::Pending | JobState::AwaitingInput);
        if *last != due || !before.iter().all(runs) {
            return Err(format!("the states told are {:?}", outcome.told));
        }
        Ok(())
    }

    /// One submit, and no more polls than it takes.
    fn check_requests(&self, requests: &[RecordedRequest]) -> Result<(), String> {
        let of = |operation: &str| -> Vec<&RecordedRequest> {
            let of = |it: &&RecordedRequest| it.operation.as_deref() == Some(operation);
            requests.iter().filter(of).collect()
        };
        let polls = self.polls();
        let submitted = of(self.operation);
        // A job that chooses its page is submitted once for each.
        let jobs = if self.family.is_job_per_page() { submitted.len() } else { 1 };
        let due = match self.family.done_when() {
            Completion::Not202 => polls,
            _ => jobs,
        };
        if submitted.len() != due {
            let submitted = submitted.len();
            return Err(format!("it was submitted {submitted} times where {due} are due"));
        }
        if self.family.is_job_per_page() && !are_different(&submitted) {
            return Err("a page was submitted twice".to_owned());
        }
        let Some(status) = self.family.status() else { return Ok(()) };
        let mut polled = of(status.operation().id());
        let listed = match self.family.results() {
            Results::List(call, _) => of(call.operation().id()),
            // It tells how the job stands, and then lists.
            Results::Status(_) => polled.split_off((polls * jobs).min(polled.len())),
            _ => Vec::new(),
        };
        if polled.len() != polls * jobs {
            let (polled, due) = (polled.len(), polls * jobs);
            return Err(format!("it was polled {polled} times where {due} are due"));
        }
        // Results that are gone are asked for by each poll.
        if !are_different(&listed) && !self.is_refused() && self.end() != JobEnd::Expired {
            return Err("a page was asked for twice".to_owned());
        }
        Ok(())
    }

    /// How often it has to be asked how it stands.
    fn polls(&self) -> usize {
        if !self.family.is_pollable() {
            return 0;
        }
        if self.scenario == JobScenario::InlineAtOnce {
            // A reply that is no job has no id by which URLs could be asked for again.
            let has_id = *self.family.id() != JobId::Field("job.id".into());
            let has_files = !self.truth.files.is_empty();
            return usize::from(has_id && has_files && self.way == Way::Statuses);
        }
        let least = if self.scenario == JobScenario::TransientErrors { 3 } else { 0 };
        let mut polls =
            (self.polls + 1).max(least) as usize + usize::from(self.truth.held.is_some());
        if self.way == Way::Cancelled {
            return 2;
        }
        let is_repeated = *self.family.done_when() == Completion::Not202;
        // That the first reply which was no error was the result is not kept.
        if self.way == Way::Saved && is_repeated && self.scenario == JobScenario::TransientErrors {
            return polls + 1;
        }
        if self.way == Way::Saved && is_repeated && self.polls == 0 {
            return 2;
        }
        // URLs of files are asked for again where they may have expired.
        let has_files =
            !is_whole(self.family) && (!self.truth.files.is_empty() || self.whole.is_some());
        if has_files && matches!(self.way, Way::Statuses | Way::Saved) {
            polls += 1;
        }
        if has_files && self.way == Way::Saved && is_good(self.end()) {
            polls += 1;
        }
        // The status has a new URL each time, but an address of the API leads to the first one once.
        let is_address = matches!(self.family.results(), Results::Response(places)
            if matches!(&places[..], [ResultLocation::Files(path, _)] if path.ends_with("selfUri")));
        let is_first = self.way == Way::Paginate || is_address;
        if self.scenario == JobScenario::ExpiredLink && is_first {
            polls += 1;
        }
        polls
    }
}

/// Whether all results come of a job that ends so.
fn is_good(end: JobEnd) -> bool {
    matches!(end, JobEnd::Succeeded | JobEnd::PartlySucceeded)
}

fn are_different(requests: &[&RecordedRequest]) -> bool {
    let different: HashSet<_> = requests.iter().map(|it| (&it.path, &it.query, &it.body)).collect();
    different.len() == requests.len()
}
