//! What is due of a job.

use genesys_cloud::{
    DoneWhen, Error, Family, FileForm, JobState, Reason, Results, ResultsAt, Verdict,
};
use genesys_cloud_mock::{JobEnd, JobScenario, JobTruth, RecordedRequest, Scenario};

use crate::job_run::{Outcome, Way};

/// What kind of result the jobs of a family have.
pub(crate) fn kind(family: &Family) -> String {
    if *family.done_when() == DoneWhen::Not202 {
        return "same URL until not 202".to_owned();
    }
    if !family.is_pollable() {
        return "notification only".to_owned();
    }
    let places = match family.results() {
        Results::List(_, listing) => return format!("operation, {}", listing.scheme().name()),
        Results::Status(listing) => return format!("status, {}", listing.scheme().name()),
        Results::Reply(places) => places,
        _ => return "nothing".to_owned(),
    };
    let is_inline = |place: &ResultsAt| matches!(place, ResultsAt::Items(_));
    match (places.iter().any(is_inline), places.iter().all(is_inline)) {
        _ if is_whole(family) => "status is the result",
        (true, true) => "inline",
        (true, false) => "inline or files",
        (false, _) => "files",
    }
    .to_owned()
}

/// Whether the reply that tells of the end is the result.
fn is_whole(family: &Family) -> bool {
    matches!(family.results(), Results::Reply(places)
        if matches!(&places[..], [ResultsAt::Items(path)] if path == "[]"))
}

/// Whether the results are files that are handed out as they are.
fn is_bytes(family: &Family) -> bool {
    matches!(family.results(), Results::Reply(places)
        if places.iter().all(|it| matches!(it, ResultsAt::Files(_, FileForm::Bytes))))
}

/// A job in a scenario.
pub(crate) struct Case<'a> {
    pub(crate) operation: &'a str,
    pub(crate) family: &'a Family,
    pub(crate) scenario: JobScenario,
    pub(crate) way: Way,
    /// How many polls find it running.
    pub(crate) polls: u32,
    pub(crate) truth: &'a JobTruth,
    /// What could be got if its files could.
    pub(crate) whole: Option<&'a JobTruth>,
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
        self.check_errors(&outcome.errors)?;
        self.check_items(outcome)?;
        self.check_states(outcome)?;
        if downloads.iter().any(|request| request.bearer) {
            return Err("a file was asked for with the token".to_owned());
        }
        if self.scenario == JobScenario::ForeignLink && !downloads.is_empty() {
            return Err("files were asked for".to_owned());
        }
        self.check_requests(outcome, requests)
    }

    /// How it has to end.
    fn end(&self) -> JobEnd {
        match self.way {
            Way::Cancelled => JobEnd::Cancelled,
            _ => self.truth.end,
        }
    }

    /// Whether a page is a redirect, which is no page of items.
    fn is_refused(&self) -> bool {
        self.scenario == JobScenario::RedirectWithBody && self.way != Way::Pages
    }

    fn check_errors(&self, errors: &[Error]) -> Result<(), String> {
        let is_due = |error: &Error| match self.end() {
            _ if self.is_refused() => error.is_paging(),
            JobEnd::Succeeded | JobEnd::PartlySucceeded => false,
            JobEnd::Failed => {
                let tells = |message: &String| {
                    error.to_string().contains(message.trim_end_matches('.'))
                };
                let is_told = self.truth.message.as_ref().is_none_or(tells);
                error.is_job_failed()
                    && !error.is_job_cancelled()
                    && !error.is_job_expired()
                    && is_told
            }
            JobEnd::Cancelled => error.is_job_cancelled(),
            JobEnd::Expired => error.is_job_expired(),
            JobEnd::Undeliverable => error.is_download() || error.is_transport(),
            JobEnd::Untold => {
                let topic = self.family.topic().or(self.family.note());
                let is_named = topic.is_some_and(|topic| error.to_string().contains(topic));
                error.is_job_not_pollable() && is_named
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

    fn check_items(&self, outcome: &Outcome) -> Result<(), String> {
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
        } else if is_whole(self.family) && due.is_empty() {
            if came.len() != 1 {
                return Err(format!("{} items came where the status is the one", came.len()));
            }
        } else if came != due {
            let (came, due) = (came.len(), due.len());
            return Err(format!("{came} items came where {due} are due, or others"));
        }
        if self.way == Way::Saved && outcome.files != self.truth.files {
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
        let runs = |state: &JobState| matches!(state, JobState::Pending | JobState::Held);
        if *last != due || !before.iter().all(runs) {
            return Err(format!("the states told are {:?}", outcome.told));
        }
        Ok(())
    }

    /// One submit, and no more polls than it takes.
    fn check_requests(
        &self,
        outcome: &Outcome,
        requests: &[RecordedRequest],
    ) -> Result<(), String> {
        let count = |operation: &str| {
            let of = |it: &&RecordedRequest| it.operation.as_deref() == Some(operation);
            requests.iter().filter(of).count()
        };
        let pages = match self.family.results() {
            Results::List(_, listing) | Results::Status(listing)
                if !listing.scheme().name().starts_with("Unpaged") =>
            {
                self.truth.records.len().div_ceil(Scenario::PAGE_SIZE as usize).max(1)
            }
            _ => 1,
        };
        let jobs = if self.family.is_job_per_page() { pages } else { 1 };
        let polls = self.polls(outcome) * jobs;
        let status = self.family.status().map(|status| status.operation().id());
        let repeats = *self.family.done_when() == DoneWhen::Not202;
        let submits = if repeats { polls } else { jobs };
        let submitted = count(self.operation);
        if submitted != submits {
            return Err(format!("it was submitted {submitted} times where {submits} are due"));
        }
        if let Some(status) = status {
            let listed = match self.family.results() {
                Results::Status(_) if is_good(self.end()) => pages,
                _ => 0,
            };
            let polled = count(status);
            if polled != polls + listed {
                let due = polls + listed;
                return Err(format!("it was polled {polled} times where {due} are due"));
            }
        }
        if let (Results::List(call, _), true) = (self.family.results(), is_good(self.end())) {
            let (listed, due) = (count(call.operation().id()), pages);
            if listed != due && !self.is_refused() {
                return Err(format!("{listed} pages were asked for where {due} are due"));
            }
        }
        Ok(())
    }

    /// How often it has to be asked how it stands.
    fn polls(&self, outcome: &Outcome) -> usize {
        if !self.family.is_pollable() || self.scenario == JobScenario::InlineAtOnce {
            return 0;
        }
        let least = if self.scenario == JobScenario::TransientErrors { 3 } else { 0 };
        let mut polls = (self.polls + 1).max(least) as usize + usize::from(outcome.was_held);
        if self.way == Way::Cancelled {
            return 2;
        }
        // URLs of files are asked for again where they may have expired.
        let has_files = !self.truth.files.is_empty() || self.whole.is_some();
        if has_files && matches!(self.way, Way::Statuses | Way::Saved) {
            polls += 1;
        }
        if has_files && self.way == Way::Saved && is_good(self.end()) {
            polls += 1;
        }
        if self.scenario == JobScenario::ExpiredLink && self.way == Way::Paginate {
            polls += 1;
        }
        polls
    }
}

/// Whether all results come of a job that ends so.
fn is_good(end: JobEnd) -> bool {
    matches!(end, JobEnd::Succeeded | JobEnd::PartlySucceeded)
}
