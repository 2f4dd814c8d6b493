//! Runs one submit in one scenario.

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use genesys_cloud::endpoint::{Completion, JobSpec};
use genesys_cloud::{Client, Download, Error, ErrorKind, JobState, Verdict};
use genesys_cloud_mock::{Expected, ExpectedJob, JobPace, JobScenario, MockOrg, Scenario};
use serde_json::Value;

use crate::job::{Handle, Read, Submit};
use crate::job_case::{Case, can_be_cancelled, is_whole, kind, left_out, required};
use crate::table::Table;

/// How a job is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// With `paginate`.
    Paginate,
    /// With `paginate`; each `next` is dropped once while pending, and called again.
    Dropped,
    /// With `paginate`, page by page, including pages in files.
    Pages,
    /// With `submit`, `statuses` and `results`.
    Statuses,
    /// With `submit`; saved, loaded, awaited and read, including its files as bytes.
    Saved,
    /// With `submit`; cancelled while running.
    Cancelled,
}

/// How many polls find a job running, where applicable.
pub(crate) const POLLS: u32 = 2;

/// The number of retries of a patient client.
const PATIENT: u32 = 3;

/// How many errors a reader accepts.
const PATIENCE: usize = 2;

/// The outcome of a job.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) keys: Vec<String>,
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) errors: Vec<Error>,
    /// The states reported.
    pub(crate) states: Vec<JobState>,
    /// The state in which it was done.
    pub(crate) state: Option<JobState>,
    /// Whether it waited for the caller.
    pub(crate) had_to_wait: bool,
    /// Other problems.
    pub(crate) wrong: Vec<String>,
    pub(crate) verdict: Option<Verdict>,
}

/// Runs the jobs of a submit in all scenarios that they support.
pub(crate) async fn all(submit: &Submit, table: &mut Table) {
    let operation = submit.operation;
    let (org, client) = org().await;
    let scenarios = match org.job_scenarios(operation) {
        Ok(scenarios) => scenarios,
        Err(why) => return table.note("none", "none", operation, Err(why.to_string())),
    };
    let spec = match (submit.submit)(&client).await {
        Ok(job) => job.spec().clone(),
        Err(why) => return table.note("none", "none", operation, Err(why.to_string())),
    };
    let kind = kind(&spec);
    // Where the status lists jobs, the list is short, because every poll reads it.
    if let Some(status) = spec.status().filter(|status| status.list().is_some())
        && let Err(why) = org.set_list(status.operation().id(), 3)
    {
        return table.note(&kind, "none", operation, Err(why.to_string()));
    }
    let patient = client_of(&org, PATIENT);
    for scenario in scenarios {
        if let Some(why) = left_out(&spec, scenario) {
            table.leave_out(operation, why);
            continue;
        }
        // Only the client retries a failed submit; the job does not.
        let is_submit = *spec.done_when() == Completion::Not202;
        let client = match scenario {
            JobScenario::TransientErrors if is_submit => &patient,
            _ => &client,
        };
        for mode in modes(&spec, scenario) {
            org.reset();
            let run = one(submit, &spec, (scenario, mode), &org, client);
            let result = match tokio::time::timeout(FOREVER / 2, run).await {
                Ok(result) => result,
                Err(_) => Err("the run hangs".to_owned()),
            };
            table.requests += org.request_count();
            let result = result.map_err(|why| format!("{mode:?}: {why}"));
            table.note(&kind, &format!("{scenario:?}"), operation, result);
        }
    }
}

fn modes(spec: &JobSpec, scenario: JobScenario) -> Vec<Mode> {
    let mut modes = vec![Mode::Paginate];
    if scenario == JobScenario::RedirectWithBody {
        modes.push(Mode::Pages);
    }
    if !spec.is_job_per_page() {
        modes.push(Mode::Statuses);
        // Results from the response to the submit are not saved.
        modes.extend((scenario != JobScenario::InlineAtOnce).then_some(Mode::Saved));
    }
    if scenario == JobScenario::Slow {
        modes.push(Mode::Dropped);
        modes.extend(spec.cancel().map(|_| Mode::Cancelled));
    }
    modes
}

/// Far longer than any job: a paused clock advances whenever nothing else happens.
pub(crate) const FOREVER: Duration = Duration::from_secs(100_000_000);

async fn org() -> (MockOrg, Client) {
    let org = MockOrg::builder().job_lifetime(4 * FOREVER).start().await.expect("an org");
    // The job sees failed calls, and repeats them.
    let client = client_of(&org, 0);
    (org, client)
}

/// Creates a client with this many retries.
pub(crate) fn client_of(org: &MockOrg, retries: u32) -> Client {
    let client = Client::builder().api_url(org.url()).access_token(org.access_token());
    let wait = Duration::from_mins(retries.into());
    let client = client.max_retries(retries).max_rate_limit_wait(wait);
    let client = client.timeout(FOREVER).connect_timeout(FOREVER).read_timeout(FOREVER);
    client.build().expect("a client")
}

async fn one(
    submit: &Submit,
    spec: &JobSpec,
    (scenario, mode): (JobScenario, Mode),
    org: &MockOrg,
    client: &Client,
) -> Result<(), String> {
    let operation = submit.operation;
    let mocked =
        |result: Result<(), genesys_cloud_mock::Error>| result.map_err(|it| it.to_string());
    // What the job would return, if it could be downloaded.
    let mut whole = None;
    if matches!(scenario, JobScenario::ShortDownload | JobScenario::ForeignLink) {
        mocked(org.job_scenario(operation, JobScenario::Download))?;
        whole = org.expected_job(operation).ok();
    }
    mocked(org.job_scenario(operation, scenario))?;
    let polls = match scenario {
        JobScenario::Quick | JobScenario::InlineAtOnce => 0,
        _ => POLLS,
    };
    mocked(org.job_pace(operation, JobPace::Polls(polls)))?;
    let expected = org.expected_job(operation).map_err(|it| it.to_string())?;
    let driver = Driver { submit, spec, org, client, expected: &expected };
    let outcome = driver.drive(mode).await;
    let case =
        Case { operation, spec, scenario, mode, polls, expected: &expected, whole: whole.as_ref() };
    case.check(&outcome, &org.requests(), &org.downloads())
}

pub(crate) struct Driver<'a> {
    pub(crate) submit: &'a Submit,
    pub(crate) spec: &'a JobSpec,
    pub(crate) org: &'a MockOrg,
    pub(crate) client: &'a Client,
    pub(crate) expected: &'a ExpectedJob,
}

impl Driver<'_> {
    pub(crate) async fn drive(&self, mode: Mode) -> Outcome {
        let mut outcome = Outcome::default();
        match mode {
            Mode::Paginate | Mode::Dropped => {
                let results = (self.submit.paginate)(self.client).page_size(Scenario::PAGE_SIZE);
                self.read(results, mode == Mode::Dropped, &mut outcome).await;
            }
            Mode::Pages => self.read_pages(&mut outcome).await,
            Mode::Statuses | Mode::Saved | Mode::Cancelled => {
                match (self.submit.submit)(self.client).await {
                    Ok(job) => self.drive_job(job, mode, &mut outcome).await,
                    Err(error) => outcome.errors.push(error),
                }
            }
        }
        outcome
    }

    /// Reads item by item.
    async fn read(&self, mut results: Box<dyn Read>, is_dropped: bool, outcome: &mut Outcome) {
        let mut errors = 0;
        loop {
            let at_once = if is_dropped { results.next().now_or_never() } else { None };
            let next = match at_once {
                Some(next) => next,
                None => results.next().await,
            };
            match next {
                Some(Ok(key)) => outcome.keys.push(key),
                Some(Err(error))
                    if error.kind() == ErrorKind::JobAwaitingInput && !outcome.had_to_wait =>
                {
                    self.release(outcome);
                }
                Some(Err(error)) => {
                    // After a failed page, the next request submits a new job.
                    let is_over = self.spec.is_job_per_page();
                    errors += if is_over { PATIENCE } else { 1 };
                    outcome.errors.push(error);
                }
                None => break,
            }
            if errors >= PATIENCE {
                break;
            }
        }
        outcome.verdict = Some(results.report().verdict());
    }

    /// Reads page by page, and downloads pages that are files.
    async fn read_pages(&self, outcome: &mut Outcome) {
        let results = (self.submit.paginate)(self.client).page_size(Scenario::PAGE_SIZE);
        let mut pages = results.pages();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) => return outcome.errors.push(error),
            };
            outcome.keys.extend(page.items().iter().map(Expected::key));
            let Some(download) = page.download() else { continue };
            let file = match download {
                Ok(download) => whole(download).await,
                Err(error) => Err(error),
            };
            match file {
                Ok(file) => {
                    let file: Value = serde_json::from_slice(&file).unwrap_or_default();
                    let items = file["entities"].as_array().map(Vec::as_slice);
                    outcome.keys.extend(items.unwrap_or_default().iter().map(Expected::key));
                }
                Err(error) => return outcome.errors.push(error),
            }
        }
        outcome.verdict = Some(pages.report().verdict());
    }

    async fn drive_job(&self, mut job: Box<dyn Handle>, mode: Mode, outcome: &mut Outcome) {
        match mode {
            Mode::Cancelled => {
                if let Err(error) = job.poll().await {
                    outcome.errors.push(error);
                }
                if let Err(error) = job.cancel().await {
                    outcome.errors.push(error);
                }
                if !can_be_cancelled(self.spec) {
                    return;
                }
            }
            Mode::Saved => {
                let saved = serde_json::to_string(&job.save()).unwrap_or_default();
                let saved = serde_json::from_str(&saved).map_err(|error| error.to_string());
                let loaded = saved.and_then(|saved| {
                    let loaded = (self.submit.load)(self.client, saved);
                    loaded.map_err(|error| error.to_string())
                });
                match loaded {
                    Ok(loaded) if loaded.id() == job.id() => job = loaded,
                    Ok(_) => return outcome.wrong.push("the loaded job has another id".to_owned()),
                    Err(why) => return outcome.wrong.push(why),
                }
            }
            _ => self.collect_statuses(&mut *job, outcome).await,
        }
        let mut waited = job.wait().await;
        let awaits_input = |error: &Error| error.kind() == ErrorKind::JobAwaitingInput;
        if waited.as_ref().is_err_and(awaits_input) && !outcome.had_to_wait {
            self.release(outcome);
            waited = job.wait().await;
        }
        match waited {
            Ok(status) => outcome.state = Some(status.state()),
            Err(error) => return outcome.errors.push(error),
        }
        let results = job.results(&required(self.spec)).page_size(Scenario::PAGE_SIZE);
        self.read(results, false, outcome).await;
        if mode == Mode::Saved && !self.expected.files.is_empty() && !is_whole(self.spec) {
            match job.downloads().await {
                Ok(downloads) => {
                    for download in downloads {
                        match whole(download).await {
                            Ok(file) => outcome.files.push(file),
                            Err(error) => outcome.errors.push(error),
                        }
                    }
                }
                Err(error) => outcome.errors.push(error),
            }
        }
    }

    /// Collects all statuses.
    async fn collect_statuses(&self, job: &mut dyn Handle, outcome: &mut Outcome) {
        let mut statuses = job.statuses();
        while let Some(status) = statuses.next().await {
            match status {
                Ok(status) => {
                    outcome.states.push(status.state());
                    if status.state() == JobState::AwaitingInput && !outcome.had_to_wait {
                        self.release(outcome);
                    }
                }
                // `wait` returns the error again.
                Err(_) => return,
            }
        }
    }

    /// Does what the job waits for.
    fn release(&self, outcome: &mut Outcome) {
        outcome.had_to_wait = true;
        if let Err(why) = self.org.release_jobs(self.submit.operation) {
            outcome.wrong.push(why.to_string());
        }
    }
}

async fn whole(mut download: Download) -> Result<Vec<u8>, Error> {
    let mut file = Vec::new();
    while let Some(part) = download.try_next().await? {
        file.extend_from_slice(&part);
    }
    Ok(file)
}
