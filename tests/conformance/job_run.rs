//! One submit in one scenario.

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use genesys_cloud::endpoint::{Completion, JobSpec};
use genesys_cloud::{Client, Download, Error, ErrorKind, JobState, Verdict};
use genesys_cloud_mock::{Expected, ExpectedJob, JobPace, JobScenario, MockOrg, Scenario};
use serde_json::Value;

use crate::job::{Handle, Read, Submit};
use crate::job_case::{Case, can_be_cancelled, is_whole, kind, left_out, required};
use crate::table::Table;

/// How a job is gone about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By `paginate`.
    Paginate,
    /// The same, where `next` is dropped once while it waits, and asked again.
    Dropped,
    /// By `paginate`, page by page, with the files that pages stand in.
    Pages,
    /// By `submit`, its `statuses`, and its `results`.
    Statuses,
    /// By `submit`, saved, loaded, waited for, and read; its files also as they are.
    Saved,
    /// By `submit`, cancelled once it runs.
    Cancelled,
}

/// How many polls find a job running, where it does.
pub(crate) const POLLS: u32 = 2;

/// How often a client may repeat a call.
const PATIENT: u32 = 3;

/// So often may a job go on after an error.
const PATIENCE: usize = 2;

/// What came of a job.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) keys: Vec<String>,
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) errors: Vec<Error>,
    /// The states that were told.
    pub(crate) told: Vec<JobState>,
    /// The one in which it was done.
    pub(crate) state: Option<JobState>,
    /// Whether it had to wait for the caller.
    pub(crate) was_held: bool,
    /// What else went wrong.
    pub(crate) wrong: Vec<String>,
    pub(crate) verdict: Option<Verdict>,
}

/// Drives the jobs of a submit through all scenarios that they may go through.
pub(crate) async fn all(submit: &Submit, table: &mut Table) {
    let operation = submit.operation;
    let (org, client) = org().await;
    let scenarios = match org.job_scenarios(operation) {
        Ok(scenarios) => scenarios,
        Err(why) => return table.note("none", "none", operation, Err(why.to_string())),
    };
    let family = match (submit.submit)(&client).await {
        Ok(job) => job.spec().clone(),
        Err(why) => return table.note("none", "none", operation, Err(why.to_string())),
    };
    let kind = kind(&family);
    // Where the status lists jobs, others are few: it is read each time.
    if let Some(status) = family.status().filter(|status| status.list().is_some())
        && let Err(why) = org.set_list(status.operation().id(), 3)
    {
        return table.note(&kind, "none", operation, Err(why.to_string()));
    }
    let patient = client_of(&org, PATIENT);
    for scenario in scenarios {
        if let Some(why) = left_out(&family, scenario) {
            table.leave_out(operation, why);
            continue;
        }
        // A submit that fails is not submitted again by the job.
        let is_submit = *family.done_when() == Completion::Not202;
        let client = match scenario {
            JobScenario::TransientErrors if is_submit => &patient,
            _ => &client,
        };
        for way in ways(&family, scenario) {
            org.reset();
            let run = one(submit, &family, (scenario, way), &org, client);
            let result = match tokio::time::timeout(FOREVER / 2, run).await {
                Ok(result) => result,
                Err(_) => Err("it hangs".to_owned()),
            };
            table.requests += org.request_count();
            let result = result.map_err(|why| format!("{way:?}: {why}"));
            table.note(&kind, &format!("{scenario:?}"), operation, result);
        }
    }
}

fn ways(family: &JobSpec, scenario: JobScenario) -> Vec<Way> {
    let mut ways = vec![Way::Paginate];
    if scenario == JobScenario::RedirectWithBody {
        ways.push(Way::Pages);
    }
    if !family.is_job_per_page() {
        ways.push(Way::Statuses);
        // Results that came at once are not saved.
        ways.extend((scenario != JobScenario::InlineAtOnce).then_some(Way::Saved));
    }
    if scenario == JobScenario::Slow {
        ways.push(Way::Dropped);
        ways.extend(family.cancel().map(|_| Way::Cancelled));
    }
    ways
}

/// Far longer than any job: while the clock is paused, it moves on whenever nothing else does.
pub(crate) const FOREVER: Duration = Duration::from_secs(100_000_000);

async fn org() -> (MockOrg, Client) {
    let org = MockOrg::builder().job_lifetime(4 * FOREVER).start().await.expect("an org");
    // What fails is seen by the job, and done again there.
    let client = client_of(&org, 0);
    (org, client)
}

/// A client that repeats calls so often.
pub(crate) fn client_of(org: &MockOrg, retries: u32) -> Client {
    let client = Client::builder().api_url(org.url()).access_token(org.access_token());
    let wait = Duration::from_mins(retries.into());
    let client = client.max_retries(retries).max_rate_limit_wait(wait);
    let client = client.timeout(FOREVER).connect_timeout(FOREVER).read_timeout(FOREVER);
    client.build().expect("a client")
}

async fn one(
    submit: &Submit,
    family: &JobSpec,
    (scenario, way): (JobScenario, Way),
    org: &MockOrg,
    client: &Client,
) -> Result<(), String> {
    let operation = submit.operation;
    let mocked =
        |result: Result<(), genesys_cloud_mock::Error>| result.map_err(|it| it.to_string());
    // What there would be to get, if it could be got.
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
    let truth = org.expected_job(operation).map_err(|it| it.to_string())?;
    let driver = Driver { submit, family, org, client, truth: &truth };
    let outcome = driver.drive(way).await;
    let case =
        Case { operation, family, scenario, way, polls, truth: &truth, whole: whole.as_ref() };
    case.check(&outcome, &org.requests(), &org.downloads())
}

pub(crate) struct Driver<'a> {
    pub(crate) submit: &'a Submit,
    pub(crate) family: &'a JobSpec,
    pub(crate) org: &'a MockOrg,
    pub(crate) client: &'a Client,
    pub(crate) truth: &'a ExpectedJob,
}

impl Driver<'_> {
    pub(crate) async fn drive(&self, way: Way) -> Outcome {
        let mut outcome = Outcome::default();
        match way {
            Way::Paginate | Way::Dropped => {
                let results = (self.submit.paginate)(self.client).page_size(Scenario::PAGE_SIZE);
                self.read(results, way == Way::Dropped, &mut outcome).await;
            }
            Way::Pages => self.read_pages(&mut outcome).await,
            Way::Statuses | Way::Saved | Way::Cancelled => {
                match (self.submit.submit)(self.client).await {
                    Ok(job) => self.go_about(job, way, &mut outcome).await,
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
                    if error.kind() == ErrorKind::JobAwaitingInput && !outcome.was_held =>
                {
                    self.release(outcome);
                }
                Some(Err(error)) => {
                    // A page whose job failed is a new job when it is asked for again.
                    let is_over = self.family.is_job_per_page();
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

    /// Reads page by page, and the files of pages that stand in files.
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

    async fn go_about(&self, mut job: Box<dyn Handle>, way: Way, outcome: &mut Outcome) {
        match way {
            Way::Cancelled => {
                if let Err(error) = job.poll().await {
                    outcome.errors.push(error);
                }
                if let Err(error) = job.cancel().await {
                    outcome.errors.push(error);
                }
                if !can_be_cancelled(self.family) {
                    return;
                }
            }
            Way::Saved => {
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
            _ => self.follow(&mut *job, outcome).await,
        }
        let mut waited = job.wait().await;
        let is_held = |error: &Error| error.kind() == ErrorKind::JobAwaitingInput;
        if waited.as_ref().is_err_and(is_held) && !outcome.was_held {
            self.release(outcome);
            waited = job.wait().await;
        }
        match waited {
            Ok(status) => outcome.state = Some(status.state()),
            Err(error) => return outcome.errors.push(error),
        }
        let results = job.results(&required(self.family)).page_size(Scenario::PAGE_SIZE);
        self.read(results, false, outcome).await;
        if way == Way::Saved && !self.truth.files.is_empty() && !is_whole(self.family) {
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

    /// Hears of all its statuses.
    async fn follow(&self, job: &mut dyn Handle, outcome: &mut Outcome) {
        let mut statuses = job.statuses();
        while let Some(status) = statuses.next().await {
            match status {
                Ok(status) => {
                    outcome.told.push(status.state());
                    if status.state() == JobState::AwaitingInput && !outcome.was_held {
                        self.release(outcome);
                    }
                }
                // It is told again to those who wait.
                Err(_) => return,
            }
        }
    }

    /// Does what the job waits for.
    fn release(&self, outcome: &mut Outcome) {
        outcome.was_held = true;
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
