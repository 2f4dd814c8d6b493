//! Reads a list or job while requests fail.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt as _;
use genesys_cloud_core::{Checkpoint, Client, Error, ErrorKind, OnStale, Paginator, Report};
use genesys_cloud_mock::{
    Expected, ExpectedEnd, FaultKind, FaultPlan, Injected, JobEnd, MockOrg, Scenario,
};
use serde_json::Value;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::choice::{Choice, FaultMode, Subject};
use crate::clock::{Clock, Hook};
use crate::rng::Rng;

/// After this many errors, a run is considered endless.
pub(crate) const PATIENCE: usize = 500;

/// Far longer than all waits within one request.
const READ_TIMEOUT: Duration = Duration::from_secs(3_600);
const TIMEOUT: Duration = Duration::from_secs(4_000);

/// The maximum time without logins after an operation refused a new token.
pub(crate) const SUSPENSION: Duration = Duration::from_secs(3_600);

/// How long the fake org keeps a job, in seconds.
pub(crate) const JOB_LIFE: u64 = 86_400;

/// Reading bodies of a gigabyte would take too long.
const MAX_BODY: usize = 1 << 20;

/// What a run must read.
#[derive(Clone)]
pub(crate) struct Expectation {
    pub(crate) records: Vec<String>,
    /// The expectation of the org, for a list.
    pub(crate) list: Option<Expected>,
    /// Whether the list is broken, so that it ends with an error.
    pub(crate) is_broken: bool,
}

/// The outcome of a run.
pub(crate) struct Outcome {
    pub(crate) keys: Vec<String>,
    /// Whether all items have an id.
    pub(crate) has_ids: bool,
    pub(crate) errors: Vec<Error>,
    pub(crate) report: Report,
    /// How often it was stopped and resumed.
    pub(crate) stops: u64,
    /// How often it started over, without the items read before.
    pub(crate) restarts: u64,
    /// The records that exist at the end.
    pub(crate) left: Vec<String>,
    /// Calls of operations, and logins.
    pub(crate) calls: u64,
    pub(crate) logins: u64,
    pub(crate) injected: Injected,
    /// How much time passed, in seconds.
    pub(crate) passed: u64,
}

/// A run in progress.
struct Reader<'a> {
    org: &'a MockOrg,
    /// The faults injected before they stopped.
    injected: Option<Injected>,
    list: Paginator<Value>,
    /// Opens the list, to read it from the start or to resume.
    open: &'a dyn Fn() -> Paginator<Value>,
    /// Percentage of pending futures that are dropped.
    dropped: u64,
    /// Percentage of steps followed by a stop.
    stopped: u64,
    is_job: bool,
    /// The page size, and whether each stop changes it.
    page_size: Rc<Cell<u64>>,
    resizes: bool,
    /// Returns the nearest page size that the operation accepts.
    nearest: &'a dyn Fn(u64) -> u64,
    /// How much time passed, in seconds.
    passed: Rc<Cell<u64>>,
    stops: u64,
    restarts: u64,
    rng: Rng,
    keys: Vec<String>,
    has_ids: bool,
    errors: Vec<Error>,
    items: Rc<Cell<u64>>,
}

/// Reads without faults.
pub(crate) async fn read_baseline(choice: &Choice<'_>) -> Result<(Outcome, Expectation), String> {
    let org = MockOrg::builder().seed(choice.seed).start().await.map_err(text)?;
    set_up(choice, &org)?;
    let expected = expectation(choice, &org)?;
    let outcome = read(choice, &org, None, &expected).await?;
    Ok((outcome, expected))
}

/// Reads with faults.
pub(crate) async fn read_with_faults(
    choice: &Choice<'_>,
    expected: &Expectation,
) -> Result<Outcome, String> {
    let mut org = MockOrg::builder().seed(choice.seed).token_lifetime(choice.usage.token_lifetime);
    if let Some(limit) = choice.usage.limit {
        org = org.rate_limit(limit);
    }
    let org = org.start().await.map_err(text)?;
    set_up(choice, &org)?;
    read(choice, &org, Some(&choice.fault_mode), expected).await
}

/// Sets up the org for this choice.
fn set_up(choice: &Choice<'_>, org: &MockOrg) -> Result<(), String> {
    match choice.subject {
        Subject::Scenario(list, scenario) => org.scenario(list.operation, scenario),
        Subject::Long(list, records) => org.set_list(list.operation, records),
        Subject::Job(submit, scenario) => {
            org.job_scenario(submit.operation, scenario).and_then(|()| match submit.is_listed() {
                // As many results as the list has.
                true => Ok(()),
                // Enough for several pages of a file.
                false => org.set_job_records(submit.operation, choice.seed % 700),
            })
        }
        Subject::Lie(liar, lie) => org.lie(liar.operation(), lie),
        Subject::Start(list, _) => org.scenario(list.operation, Scenario::ManyPages),
        Subject::Tree(..) => Ok(()),
    }
    .map_err(text)
}

fn expectation(choice: &Choice<'_>, org: &MockOrg) -> Result<Expectation, String> {
    match choice.subject {
        Subject::Scenario(list, _) | Subject::Long(list, _) => {
            let expected = org.expected(list.operation).map_err(text)?;
            let is_broken = expected.end == ExpectedEnd::Broken;
            Ok(Expectation { records: expected.records.clone(), list: Some(expected), is_broken })
        }
        Subject::Job(submit, _) => {
            let expected = org.expected_job(submit.operation).map_err(text)?;
            if expected.end != JobEnd::Succeeded {
                return Err(format!("the job is expected to end as {:?}", expected.end));
            }
            Ok(Expectation { records: expected.records, list: None, is_broken: false })
        }
        // Such runs have a separate check.
        Subject::Lie(..) | Subject::Start(..) | Subject::Tree(..) => {
            Ok(Expectation { records: Vec::new(), list: None, is_broken: false })
        }
    }
}

pub(crate) fn client(choice: &Choice<'_>, org: &MockOrg, hook: Hook) -> Result<Client, String> {
    let usage = &choice.usage;
    let builder = Client::builder().api_url(org.url()).login_url(org.url());
    let builder = match usage.logs_in {
        true => builder.credentials(org.client_id(), org.client_secret()),
        false => builder.access_token(org.access_token()),
    };
    builder
        .timeout(TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .connect_timeout(TIMEOUT)
        .max_body(MAX_BODY)
        .max_retries(usage.max_retries)
        .max_rate_limit_wait(usage.max_rate_limit_wait)
        .on_wait(move |wait| hook.report(wait))
        .build()
        .map_err(text)
}

async fn read(
    choice: &Choice<'_>,
    org: &MockOrg,
    fault_mode: Option<&FaultMode>,
    expected: &Expectation,
) -> Result<Outcome, String> {
    let items = Rc::new(Cell::new(0));
    let (clock, hook) = Clock::new(Rc::clone(&items));
    let passed = Rc::clone(&clock.passed);
    let client = client(choice, org, hook)?;
    let nearest = |size| org.nearest_page_size(choice.operation(), size).unwrap_or(size);
    let page_size = Rc::new(Cell::new(nearest(Scenario::PAGE_SIZE)));
    let open = || {
        let list = match choice.subject {
            Subject::Scenario(list, _) | Subject::Long(list, _) | Subject::Start(list, _) => {
                list.open(&client)
            }
            Subject::Job(submit, _) => submit.open(&client),
            Subject::Lie(liar, _) => liar.open(&client),
            Subject::Tree(tree, _) => tree.open(0, &client, &[]),
        };
        let list = list.page_size(page_size.get() as usize).prefetch(choice.usage.prefetch);
        if choice.usage.dedupes { list.dedupe_by("id") } else { list }
    };
    let mut reader = Reader {
        org,
        injected: None,
        list: open(),
        open: &open,
        dropped: if fault_mode.is_some() { choice.usage.dropped } else { 0 },
        // After a resume, a checkpoint holds too little history to detect every cycle.
        stopped: if fault_mode.is_some() && !expected.is_broken { choice.usage.stopped } else { 0 },
        is_job: matches!(choice.subject, Subject::Job(..)),
        page_size: Rc::clone(&page_size),
        resizes: fault_mode.is_some() && choice.usage.resizes,
        nearest: &nearest,
        passed: Rc::clone(&passed),
        stops: 0,
        restarts: 0,
        rng: Rng::new(!choice.seed),
        keys: Vec::new(),
        has_ids: true,
        errors: Vec::new(),
        items,
    };
    let result = tokio::select! {
        biased;
        result = reader.all(fault_mode) => result,
        () = clock.run(org) => Err("the run hangs".to_owned()),
    };
    let injected = reader.injected.take().unwrap_or_else(|| org.injected());
    result.map_err(|why| format!("{why}; injected: {injected}"))?;
    let requests = org.requests();
    let logins = requests.iter().filter(|request| request.path == "/oauth/token").count() as u64;
    Ok(Outcome {
        report: reader.list.report(),
        stops: reader.stops,
        restarts: reader.restarts,
        left: expectation(choice, org)?.records,
        keys: reader.keys,
        has_ids: reader.has_ids,
        errors: reader.errors,
        calls: requests.len() as u64 - logins,
        logins,
        injected,
        passed: passed.get(),
    })
}

impl Reader<'_> {
    async fn all(&mut self, fault_mode: Option<&FaultMode>) -> Result<(), String> {
        match fault_mode {
            None | Some(FaultMode::Lie(_)) => {}
            Some(FaultMode::Random(plan) | FaultMode::Moving(plan)) => {
                self.org.inject(plan.clone())
            }
            Some(FaultMode::Permanent(kind, from)) => {
                self.org.inject(FaultPlan::new().rate(*kind, 1.0).starting_at(*from));
                while self.errors.is_empty() {
                    if !self.step().await? {
                        return Ok(());
                    }
                }
                // The error persists, and no further items are returned.
                let (keys, errors) = (self.keys.len(), self.errors.len());
                for again in 1..=2 {
                    self.step().await?;
                    let is_broken =
                        self.errors.iter().any(|error| error.kind() == ErrorKind::Paging);
                    if !is_broken && (self.keys.len(), self.errors.len()) != (keys, errors + again)
                    {
                        return Err(format!("{kind:?} persists, but the list continues"));
                    }
                }
                // The fault is repaired.
                self.injected = Some(self.org.injected());
                self.org.inject(FaultPlan::new());
                if *kind == FaultKind::PageTokensExpired {
                    // These tokens stay expired.
                    self.restart()?;
                }
            }
        }
        while self.step().await? {
            if self.has_lost_job() {
                match (self.keys.is_empty(), self.restarts) {
                    (true, _) => self.list = (self.open)(),
                    // The job was that of one page; resuming submits a new one.
                    (false, 0) => self.stop(OnStale::Fail)?,
                    // The job was that of the whole list, which starts over.
                    (false, _) => self.restart()?,
                }
            }
            let is_gone = self.errors.last().is_some_and(|error| {
                // A stop before the first page of a list that starts over resumes at the place before.
                self.has_expired(error)
                    || self.injected.is_some() && error.kind() == ErrorKind::StaleCheckpoint
            });
            if is_gone {
                // The results stay gone.
                self.restart()?;
            }
            if self.errors.len() > PATIENCE {
                return Err(format!("the run does not end; {}", self.errors[PATIENCE]));
            }
        }
        Ok(())
    }

    /// Whether the API has accepted a job but its response was lost: the list returns the same error again, and
    /// does not submit the job a second time.
    fn has_lost_job(&self) -> bool {
        let [.., before, last] = &self.errors[..] else { return false };
        // Each call with a response has its own correlation id.
        let is_same = last.correlation_id() == before.correlation_id();
        let is_repeated = is_same && (last.correlation_id().is_some() || last.is_outcome_unknown());
        is_repeated && !last.is_rate_limited() && (self.keys.is_empty() || self.is_job)
    }

    /// Whether the results of the job have expired.
    fn has_expired(&self, error: &Error) -> bool {
        let is_reported = error.kind() == ErrorKind::JobExpired
            || self.is_job && error.kind() == ErrorKind::StaleCheckpoint;
        is_reported && self.passed.get() >= JOB_LIFE
    }

    /// Saves a checkpoint and resumes from it, as another process would.
    fn stop(&mut self, on_stale: OnStale) -> Result<(), String> {
        if self.resizes {
            let page_size = 1 + self.rng.below(3 * Scenario::PAGE_SIZE);
            self.page_size.set((self.nearest)(page_size));
        }
        let saved = serde_json::to_string(&self.list.checkpoint()).map_err(text)?;
        let checkpoint: Checkpoint = serde_json::from_str(&saved).map_err(text)?;
        if checkpoint.items() != self.keys.len() as u64 {
            let (items, read) = (checkpoint.items(), self.keys.len());
            return Err(format!("a checkpoint counts {items} items, but {read} arrived"));
        }
        self.list = (self.open)().on_stale(on_stale).resume(&checkpoint);
        self.stops += 1;
        Ok(())
    }

    /// Resumes where the API has lost the position: the list starts over.
    fn restart(&mut self) -> Result<(), String> {
        self.restarts += 1;
        self.stop(OnStale::Restart)
    }

    /// Reads the next item, or stops first. Returns false at the end.
    async fn step(&mut self) -> Result<bool, String> {
        if self.rng.percent(self.stopped) {
            self.stop(OnStale::Fail)?;
        }
        if self.errors.last().is_some_and(|error| error.kind() == ErrorKind::Authentication) {
            // For a while, the client makes no login for an operation that refused a new token.
            sleep(SUSPENSION).await;
        }
        if let Some(error) = self.errors.last() {
            wait_as_advised(error).await;
        }
        while self.rng.percent(self.dropped) {
            let patience = self.rng.below(8);
            let next = tokio::select! {
                biased;
                next = self.list.next() => Some(next),
                () = turns(patience) => None,
            };
            if let Some(next) = next {
                return Ok(self.note(next));
            }
            if self.rng.percent(self.stopped) {
                self.stop(OnStale::Fail)?;
            }
        }
        let next = self.list.next().await;
        Ok(self.note(next))
    }

    fn note(&mut self, next: Option<Result<Value, Error>>) -> bool {
        match next {
            Some(Ok(item)) => {
                self.keys.push(Expected::key(&item));
                self.has_ids &= item.get("id").is_some_and(Value::is_string);
                self.items.set(self.items.get() + 1);
            }
            Some(Err(error)) => self.errors.push(error),
            None => return false,
        }
        true
    }
}

/// Waits as long as the API requires; no request is sent before.
pub(crate) async fn wait_as_advised(error: &Error) {
    if let Some(delay) = error.retry_after().filter(|_| error.is_rate_limited()) {
        sleep(delay).await;
    }
}

/// Yields to the runtime this many times.
pub(crate) async fn turns(count: u64) {
    for _ in 0..count {
        yield_now().await;
    }
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
