//! One run: a list or a job is read while requests go wrong.

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

use crate::chance::Chance;
use crate::choice::{Choice, Subject, Trouble};
use crate::clock::{Clock, Hook};

/// So many errors, and a run is not going to end.
const PATIENCE: usize = 500;

/// Far longer than all the waits that can fall into one request.
const READ_TIMEOUT: Duration = Duration::from_secs(3_600);
const TIMEOUT: Duration = Duration::from_secs(4_000);

/// The longest that a client makes no login after such a refusal.
const SUSPENSION: Duration = Duration::from_secs(3_600);

/// So long the fake org keeps a job, in seconds.
pub(crate) const JOB_LIFE: u64 = 86_400;

/// Bodies of a gigabyte must not take the time that it takes to read them.
const MAX_BODY: usize = 1 << 20;

/// What a run has to come to.
#[derive(Clone)]
pub(crate) struct Due {
    pub(crate) records: Vec<String>,
    /// Of a list, what it has.
    pub(crate) truth: Option<Expected>,
    /// Whether the list leads nowhere, so that it ends with an error.
    pub(crate) is_broken: bool,
}

/// What a run came to.
pub(crate) struct Came {
    pub(crate) keys: Vec<String>,
    /// Whether all items have an id.
    pub(crate) has_ids: bool,
    pub(crate) errors: Vec<Error>,
    pub(crate) report: Report,
    /// How often it was stopped, and gone on with from what had been saved.
    pub(crate) stops: u64,
    /// How often it was read anew, without what had come.
    pub(crate) restarts: u64,
    /// The records that are there at the end.
    pub(crate) left: Vec<String>,
    /// Requests for operations, and logins.
    pub(crate) calls: u64,
    pub(crate) logins: u64,
    pub(crate) injected: Injected,
    /// How much time went by, in seconds.
    pub(crate) passed: u64,
}

/// A run under way.
struct Reading<'a> {
    org: &'a MockOrg,
    /// What was injected before all was well again.
    injected: Option<Injected>,
    list: Paginator<Value>,
    /// Makes it, to be read from its beginning or from elsewhere.
    open: &'a dyn Fn() -> Paginator<Value>,
    /// Of a hundred pending futures, so many are dropped.
    dropped: u64,
    /// Of a hundred steps, so many are followed by a stop.
    stopped: u64,
    is_job: bool,
    /// The size of pages, and whether each stop changes it.
    page_size: Rc<Cell<u64>>,
    resizes: bool,
    /// The page size nearest to another that the operation takes.
    nearest: &'a dyn Fn(u64) -> u64,
    /// How much time went by, in seconds.
    passed: Rc<Cell<u64>>,
    stops: u64,
    restarts: u64,
    chance: Chance,
    keys: Vec<String>,
    has_ids: bool,
    errors: Vec<Error>,
    items: Rc<Cell<u64>>,
}

/// Reads without faults.
pub(crate) async fn calm(choice: &Choice<'_>) -> Result<(Came, Due), String> {
    let org = MockOrg::builder().seed(choice.seed).start().await.map_err(text)?;
    stage(choice, &org)?;
    let due = due(choice, &org)?;
    let came = read(choice, &org, None, &due).await?;
    Ok((came, due))
}

/// Reads with faults.
pub(crate) async fn troubled(choice: &Choice<'_>, due: &Due) -> Result<Came, String> {
    let mut org = MockOrg::builder().seed(choice.seed).token_lifetime(choice.way.token_lifetime);
    if let Some(limit) = choice.way.limit {
        org = org.rate_limit(limit);
    }
    let org = org.start().await.map_err(text)?;
    stage(choice, &org)?;
    read(choice, &org, Some(&choice.trouble), due).await
}

/// Lets the org behave as was chosen.
fn stage(choice: &Choice<'_>, org: &MockOrg) -> Result<(), String> {
    match choice.subject {
        Subject::Scenario(list, scenario) => org.scenario(list.operation, scenario),
        Subject::Long(list, records) => org.set_list(list.operation, records),
        Subject::Job(submit, scenario) => {
            org.job_scenario(submit.operation, scenario).and_then(|()| match submit.is_listed() {
                // As many as its list has.
                true => Ok(()),
                // Some pages of a file.
                false => org.set_job_records(submit.operation, choice.seed % 700),
            })
        }
        Subject::Lie(liar, lie) => org.lie(liar.operation(), lie),
        Subject::Start(list, _) => org.scenario(list.operation, Scenario::ManyPages),
    }
    .map_err(text)
}

fn due(choice: &Choice<'_>, org: &MockOrg) -> Result<Due, String> {
    match choice.subject {
        Subject::Scenario(list, _) | Subject::Long(list, _) => {
            let truth = org.expected(list.operation).map_err(text)?;
            let is_broken = truth.end == ExpectedEnd::Broken;
            Ok(Due { records: truth.records.clone(), truth: Some(truth), is_broken })
        }
        Subject::Job(submit, _) => {
            let truth = org.expected_job(submit.operation).map_err(text)?;
            if truth.end != JobEnd::Succeeded {
                return Err(format!("the job is to end as {:?}", truth.end));
            }
            Ok(Due { records: truth.records, truth: None, is_broken: false })
        }
        // Such runs have a check of their own.
        Subject::Lie(..) | Subject::Start(..) => {
            Ok(Due { records: Vec::new(), truth: None, is_broken: false })
        }
    }
}

pub(crate) fn client(choice: &Choice<'_>, org: &MockOrg, hook: Hook) -> Result<Client, String> {
    let way = &choice.way;
    let builder = Client::builder().api_url(org.url()).login_url(org.url());
    let builder = match way.logs_in {
        true => builder.credentials(org.client_id(), org.client_secret()),
        false => builder.access_token(org.access_token()),
    };
    builder
        .timeout(TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .connect_timeout(TIMEOUT)
        .max_body(MAX_BODY)
        .max_retries(way.max_retries)
        .max_rate_limit_wait(way.max_rate_limit_wait)
        .on_wait(move |wait| hook.tell(wait))
        .build()
        .map_err(text)
}

async fn read(
    choice: &Choice<'_>,
    org: &MockOrg,
    trouble: Option<&Trouble>,
    expected: &Due,
) -> Result<Came, String> {
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
        };
        let list = list.page_size(page_size.get() as usize).prefetch(choice.way.prefetch);
        if choice.way.dedupes { list.dedupe_by("id") } else { list }
    };
    let mut reading = Reading {
        org,
        injected: None,
        list: open(),
        open: &open,
        dropped: if trouble.is_some() { choice.way.dropped } else { 0 },
        // Of where a list has been, a checkpoint has too little to tell each time that it goes in circles.
        stopped: if trouble.is_some() && !expected.is_broken { choice.way.stopped } else { 0 },
        is_job: matches!(choice.subject, Subject::Job(..)),
        page_size: Rc::clone(&page_size),
        resizes: trouble.is_some() && choice.way.resizes,
        nearest: &nearest,
        passed: Rc::clone(&passed),
        stops: 0,
        restarts: 0,
        chance: Chance::new(!choice.seed),
        keys: Vec::new(),
        has_ids: true,
        errors: Vec::new(),
        items,
    };
    let result = tokio::select! {
        biased;
        result = reading.all(trouble) => result,
        () = clock.run(org) => Err("it hangs".to_owned()),
    };
    let injected = reading.injected.take().unwrap_or_else(|| org.injected());
    result.map_err(|why| format!("{why}; injected: {injected}"))?;
    let requests = org.requests();
    let logins = requests.iter().filter(|request| request.path == "/oauth/token").count() as u64;
    Ok(Came {
        report: reading.list.report(),
        stops: reading.stops,
        restarts: reading.restarts,
        left: due(choice, org)?.records,
        keys: reading.keys,
        has_ids: reading.has_ids,
        errors: reading.errors,
        calls: requests.len() as u64 - logins,
        logins,
        injected,
        passed: passed.get(),
    })
}

impl Reading<'_> {
    async fn all(&mut self, trouble: Option<&Trouble>) -> Result<(), String> {
        match trouble {
            None | Some(Trouble::Lie(_)) => {}
            Some(Trouble::Storm(plan) | Trouble::Moving(plan)) => self.org.inject(plan.clone()),
            Some(Trouble::Endless(kind, from)) => {
                self.org.inject(FaultPlan::new().rate(*kind, 1.0).from(*from));
                while self.errors.is_empty() {
                    if !self.step().await? {
                        return Ok(());
                    }
                }
                // It stays an error, and nothing is handed out that is not in its turn.
                let (keys, errors) = (self.keys.len(), self.errors.len());
                for again in 1..=2 {
                    self.step().await?;
                    let is_broken =
                        self.errors.iter().any(|error| error.kind() == ErrorKind::Paging);
                    if !is_broken && (self.keys.len(), self.errors.len()) != (keys, errors + again)
                    {
                        return Err(format!("{kind:?} goes on, and the list does so as well"));
                    }
                }
                // All is well again.
                self.injected = Some(self.org.injected());
                self.org.inject(FaultPlan::new());
                if *kind == FaultKind::PageTokensExpired {
                    // For these tokens it never is.
                    self.restart()?;
                }
            }
        }
        while self.step().await? {
            if self.has_lost_job() {
                match (self.keys.is_empty(), self.restarts) {
                    (true, _) => self.list = (self.open)(),
                    // It was the job of one page: whoever goes on has seen to it.
                    (false, 0) => self.stop(OnStale::Fail)?,
                    // It was the job of a list that is read anew.
                    (false, _) => self.restart()?,
                }
            }
            let is_gone = self.errors.last().is_some_and(|error| {
                // A stop before the first page of a list that is read anew leads to the place before.
                self.has_expired(error)
                    || self.injected.is_some() && error.kind() == ErrorKind::StaleCheckpoint
            });
            if is_gone {
                // The results are gone, for as long as they are asked for.
                self.restart()?;
            }
            if self.errors.len() > PATIENCE {
                return Err(format!("it does not end; {}", self.errors[PATIENCE]));
            }
        }
        Ok(())
    }

    /// Whether the API has accepted a job and its answer was lost: the same list tells so again, and does not
    /// submit the job a second time.
    fn has_lost_job(&self) -> bool {
        let [.., before, last] = &self.errors[..] else { return false };
        // Each call has a correlation id of its own, where a reply came.
        let is_same = last.correlation_id() == before.correlation_id();
        let is_told_again =
            is_same && (last.correlation_id().is_some() || last.is_outcome_unknown());
        is_told_again && !last.is_rate_limited() && (self.keys.is_empty() || self.is_job)
    }

    /// Whether the results of the job are gone: more time went by than the API keeps them.
    fn has_expired(&self, error: &Error) -> bool {
        let is_told = error.kind() == ErrorKind::JobExpired
            || self.is_job && error.kind() == ErrorKind::StaleCheckpoint;
        is_told && self.passed.get() >= JOB_LIFE
    }

    /// Stops, and goes on from what was saved, as another process would.
    fn stop(&mut self, on_stale: OnStale) -> Result<(), String> {
        if self.resizes {
            let page_size = 1 + self.chance.below(3 * Scenario::PAGE_SIZE);
            self.page_size.set((self.nearest)(page_size));
        }
        let saved = serde_json::to_string(&self.list.checkpoint()).map_err(text)?;
        let checkpoint: Checkpoint = serde_json::from_str(&saved).map_err(text)?;
        if checkpoint.items() != self.keys.len() as u64 {
            let (items, came) = (checkpoint.items(), self.keys.len());
            return Err(format!("a checkpoint counts {items} items where {came} came"));
        }
        self.list = (self.open)().on_stale(on_stale).resume(&checkpoint);
        self.stops += 1;
        Ok(())
    }

    /// The same where the API has forgotten the place: it is read anew, without what came.
    fn restart(&mut self) -> Result<(), String> {
        self.restarts += 1;
        self.stop(OnStale::Restart)
    }

    /// Asks for the next item, or stops first. False at the end.
    async fn step(&mut self) -> Result<bool, String> {
        if self.chance.percent(self.stopped) {
            self.stop(OnStale::Fail)?;
        }
        if self.errors.last().is_some_and(|error| error.kind() == ErrorKind::Authentication) {
            // For a while no login is made for an operation that refused a new token as well.
            sleep(SUSPENSION).await;
        }
        if let Some(error) = self.errors.last() {
            wait_as_advised(error).await;
        }
        while self.chance.percent(self.dropped) {
            let patience = self.chance.below(8);
            let came = tokio::select! {
                biased;
                came = self.list.next() => Some(came),
                () = turns(patience) => None,
            };
            if let Some(came) = came {
                return Ok(self.note(came));
            }
            if self.chance.percent(self.stopped) {
                self.stop(OnStale::Fail)?;
            }
        }
        let came = self.list.next().await;
        Ok(self.note(came))
    }

    fn note(&mut self, came: Option<Result<Value, Error>>) -> bool {
        match came {
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

/// Waits as long as the API asks for, as until then no request is sent.
pub(crate) async fn wait_as_advised(error: &Error) {
    if let Some(delay) = error.retry_after().filter(|_| error.is_rate_limited()) {
        sleep(delay).await;
    }
}

/// So many turns of the runtime.
pub(crate) async fn turns(count: u64) {
    for _ in 0..count {
        yield_now().await;
    }
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
