//! Reads a list or job while the org lies, and stops and kills the reader: nothing may be lost silently.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use futures::StreamExt as _;
use genesys_cloud_core::{Checkpoint, Client, Error, OnStale, Paginator, Reason, Verdict};
use genesys_cloud_mock::{Expected, ExpectedOutcome, FaultPlan, Lie, MockOrg, Scenario, Trigger};
use serde_json::Value;

use crate::choice::{Choice, Liar};
use crate::clock::Clock;
use crate::rng::Rng;
use crate::run::{client, text, turns, wait_as_advised};
use crate::tally::Tally;

/// The org stops lying after this many errors.
const ERRORS: usize = 3;

/// How often to resume a list that ended early, once the org is honest.
const AGAIN: u32 = 3;

/// How often a reader is killed. Without a saved checkpoint in between, it would never finish.
const KILLS: u64 = 10;

/// Distinguishes the random numbers of such a run from all others.
const LIES: u64 = 1 << 61;

/// A list that is read while the org lies.
struct Reader<'a> {
    choice: &'a Choice<'a>,
    lie: Lie,
    org: &'a MockOrg,
    /// Another org, and its client.
    other: &'a (MockOrg, Client),
    open: &'a dyn Fn(&Client) -> Paginator<Value>,
    client: &'a Client,
    list: Paginator<Value>,
    /// The last saved checkpoint, and the number of items read by then.
    saved: (String, usize),
    /// The reader stops after this many items, if the lie takes effect between two reads.
    stop_after: Option<usize>,
    is_honest: bool,
    rng: Rng,
    keys: Vec<String>,
    errors: Vec<Error>,
    items: Rc<Cell<u64>>,
    stops: u64,
    kills: u64,
}

/// Executes a run, and returns what is wrong.
pub(crate) async fn check(
    choice: &Choice<'_>,
    (liar, lie): (Liar<'_>, Lie),
    plan: &FaultPlan,
    tally: &mut Tally,
) -> Result<(), String> {
    let usage = &choice.usage;
    let org = MockOrg::builder().seed(choice.seed).token_lifetime(usage.token_lifetime);
    let org = org.start().await.map_err(text)?;
    let other = MockOrg::builder().seed(!choice.seed).token_lifetime(usage.token_lifetime);
    let other = other.start().await.map_err(text)?;
    let operation = liar.operation();
    org.lie(operation, lie).map_err(text)?;
    let page_size = org.nearest_page_size(operation, Scenario::PAGE_SIZE).map_err(text)?;
    let before = expected(liar, &org)?;
    org.inject(plan.clone());
    let items = Rc::new(Cell::new(0));
    let (clock, hook) = Clock::new(Rc::clone(&items));
    let client = client(choice, &org, hook.clone())?;
    let other_client = self::client(choice, &other, hook)?;
    let other = (other, other_client);
    let open = |client: &Client| {
        let list = liar.open(client).page_size(page_size as usize);
        list.prefetch(usage.prefetch)
    };
    let list = open(&client);
    let saved = (serde_json::to_string(&list.checkpoint()).map_err(text)?, 0);
    let mut rng = Rng::new(choice.seed ^ LIES);
    let is_stopped = lie.trigger() == Trigger::WhileStopped;
    let stop_after = is_stopped.then(|| 1 + rng.below(before.len().max(2) as u64 - 1) as usize);
    let mut reader = Reader {
        choice,
        lie,
        org: &org,
        other: &other,
        open: &open,
        client: &client,
        list,
        saved,
        stop_after,
        is_honest: false,
        rng,
        keys: Vec::new(),
        errors: Vec::new(),
        items,
        stops: 0,
        kills: 0,
    };
    let result = tokio::select! {
        biased;
        result = reader.all() => result,
        () = clock.run(&org) => Err("the run hangs".to_owned()),
    };
    let lies = org.lies_sent();
    let result = result.and_then(|()| reader.check(liar, &before));
    tally.lied(liar.kind(), lies, result.is_ok());
    result.map_err(|why| {
        let errors: Vec<String> = reader.errors.iter().map(ToString::to_string).collect();
        let Reader { stops, kills, keys, .. } = &reader;
        format!(
            "{why}\n    lies: {lies}; injected: {}; {stops} stops, {kills} kills, {} items\n    errors: {}",
            org.injected(),
            keys.len(),
            errors.join("\n        ")
        )
    })
}

/// The records that exist.
fn expected(liar: Liar<'_>, org: &MockOrg) -> Result<Vec<String>, String> {
    match liar {
        Liar::List(list) => Ok(org.expected(list.operation).map_err(text)?.records),
        Liar::Job(submit) => Ok(org.expected_job(submit.operation).map_err(text)?.records),
    }
}

impl Reader<'_> {
    async fn all(&mut self) -> Result<(), String> {
        let mut again = 0;
        loop {
            self.interrupt().await?;
            match self.next().await {
                Some(Ok(item)) => {
                    self.keys.push(Expected::key(&item));
                    self.items.set(self.items.get() + 1);
                }
                Some(Err(error)) => {
                    wait_as_advised(&error).await;
                    self.errors.push(error);
                    if self.is_honest {
                        again += 1;
                        if again > AGAIN {
                            return Ok(());
                        }
                        // The user starts it again.
                        self.stop()?;
                    } else if self.errors.len() >= ERRORS {
                        if self.lie.expected() == ExpectedOutcome::NotRepeated {
                            return Ok(());
                        }
                        self.end_lies();
                    }
                }
                None if self.is_left_off() && again < AGAIN => {
                    again += 1;
                    self.end_lies();
                    self.stop()?;
                }
                None => return Ok(()),
            }
        }
    }

    /// Whether the list ended where it can be resumed.
    fn is_left_off(&self) -> bool {
        let verdict = self.list.report().verdict();
        matches!(
            verdict,
            Verdict::Unknown(Reason::Unfinished) | Verdict::Truncated(Reason::Contradiction)
        )
    }

    fn end_lies(&mut self) {
        self.org.stop_lying();
        self.org.inject(FaultPlan::new());
        self.is_honest = true;
    }

    /// Stops or kills the reader, by chance or for the lie.
    async fn interrupt(&mut self) -> Result<(), String> {
        let usage = &self.choice.usage;
        if self.stop_after.is_some_and(|count| self.keys.len() >= count) {
            self.stop_after = None;
            return self.stop_for_lie().await;
        }
        // Only the reader that made a submit knows that its outcome is unknown.
        if self.lie.expected() == ExpectedOutcome::NotRepeated {
            return Ok(());
        }
        if self.rng.percent(usage.stopped) {
            self.stop()?;
        } else if self.kills < KILLS && self.rng.percent(usage.killed) {
            self.kill()?;
        }
        Ok(())
    }

    /// Saves a checkpoint and resumes from it, as another process would.
    fn stop(&mut self) -> Result<(), String> {
        let saved = serde_json::to_string(&self.list.checkpoint()).map_err(text)?;
        self.saved = (saved, self.keys.len());
        self.stops += 1;
        self.resume_from_saved()
    }

    /// Resumes from the last saved checkpoint; later items are lost.
    fn kill(&mut self) -> Result<(), String> {
        self.keys.truncate(self.saved.1);
        self.kills += 1;
        self.resume_from_saved()
    }

    fn resume_from_saved(&mut self) -> Result<(), String> {
        let checkpoint: Checkpoint = serde_json::from_str(&self.saved.0).map_err(text)?;
        if checkpoint.items() != self.keys.len() as u64 {
            let (items, read) = (checkpoint.items(), self.keys.len());
            return Err(format!("a checkpoint counts {items} items, but {read} arrived"));
        }
        let mut list = (self.open)(self.client);
        if self.is_honest && self.errors.last().is_some_and(Error::is_outcome_unknown) {
            // The user has looked for the job, and wants another one.
            list = list.on_stale(OnStale::Restart);
        }
        self.list = list.resume(&checkpoint);
        Ok(())
    }

    /// Stops, triggers the lie, and resumes.
    async fn stop_for_lie(&mut self) -> Result<(), String> {
        let operation = self.choice.operation();
        self.stop()?;
        self.org.lie_while_stopped(operation).map_err(text)?;
        if !self.lie.is_another_org() {
            return Ok(());
        }
        let checkpoint: Checkpoint = serde_json::from_str(&self.saved.0).map_err(text)?;
        let (org, client) = self.other;
        let next = (self.open)(client).resume(&checkpoint).next().await;
        match (next, org.request_count()) {
            (Some(Err(error)), 0) => {
                self.errors.push(error);
                Ok(())
            }
            (Some(Err(error)), sent) => Err(format!("{sent} requests to another org: {error}")),
            _ => Err("the checkpoint was accepted by another org".to_owned()),
        }
    }

    async fn next(&mut self) -> Option<Result<Value, Error>> {
        while self.rng.percent(self.choice.usage.dropped) {
            let patience = self.rng.below(8);
            tokio::select! {
                biased;
                next = self.list.next() => return next,
                () = turns(patience) => {}
            }
        }
        self.list.next().await
    }

    fn check(&self, liar: Liar<'_>, before: &[String]) -> Result<(), String> {
        let report = self.list.report();
        if report.items != self.keys.len() as u64 {
            return Err(format!("the report counts {} items", report.items));
        }
        let after = expected(liar, self.org)?;
        let verdict = report.verdict();
        let all: HashSet<&String> = before.iter().chain(&after).collect();
        if self.keys.iter().any(|key| !all.contains(key)) {
            return Err("some items are not in the list".to_owned());
        }
        if verdict == Verdict::Complete {
            self.check_whole(before, &after).map_err(|why| format!("complete, but {why}"))?;
        }
        let lies = self.org.lies_sent();
        let is_whole = || match self.keys == before {
            true if matches!(verdict, Verdict::Complete | Verdict::Unknown(Reason::OneWindow)) => {
                Ok(())
            }
            true => Err(format!("the verdict is {verdict}")),
            false => Err(format!("{} items are expected", before.len())),
        };
        match self.lie.expected() {
            _ if lies == 0 && !self.is_honest => is_whole(),
            ExpectedOutcome::Error if self.errors.is_empty() => Err("no error".to_owned()),
            // The job's earlier responses may be gone.
            ExpectedOutcome::Error if matches!(liar, Liar::Job(_)) => Ok(()),
            ExpectedOutcome::Error | ExpectedOutcome::Refused => is_whole(),
            ExpectedOutcome::Complete | ExpectedOutcome::Recovered => {
                self.check_errors().and_then(|()| is_whole())
            }
            ExpectedOutcome::AllRecords => match self.keys == before {
                true => self.check_errors(),
                false => Err(format!("{} items are expected", before.len())),
            },
            ExpectedOutcome::Unknown if verdict == Verdict::Complete && !self.is_honest => {
                Err("the verdict is complete".to_owned())
            }
            ExpectedOutcome::NotRepeated => {
                let submits = self.org.requests_for(liar.operation()).len();
                match submits {
                    1 => Ok(()),
                    _ => Err(format!("the job was submitted {submits} times")),
                }
            }
            _ => Ok(()),
        }
    }

    /// The only errors are those of faults, and of requests that a client must not repeat.
    fn check_errors(&self) -> Result<(), String> {
        let usage = &self.choice.usage;
        let is_impatient = usage.max_retries == 0 || usage.max_rate_limit_wait.is_zero();
        let may_fail = self.lie.expected() == ExpectedOutcome::Recovered && is_impatient;
        let is_explained = self.org.injected().total() > 0 || self.is_honest || may_fail;
        match self.errors.first() {
            Some(error) if !is_explained => Err(format!("nothing explains this error: {error:?}")),
            _ => Ok(()),
        }
    }

    /// All records that existed throughout arrived, and none more often than in the list.
    fn check_whole(&self, before: &[String], after: &[String]) -> Result<(), String> {
        let count = |keys: &[String]| {
            keys.iter().fold(HashMap::new(), |mut counts: HashMap<String, u64>, key| {
                *counts.entry(key.clone()).or_default() += 1;
                counts
            })
        };
        let (seen, before, after) = (count(&self.keys), count(before), count(after));
        let of = |counts: &HashMap<String, u64>, key| counts.get(key).copied().unwrap_or(0);
        let stayed = before.iter().map(|(key, times)| (key, of(&after, key).min(*times)));
        let missing: u64 = stayed.map(|(key, times)| times.saturating_sub(of(&seen, key))).sum();
        let most = |key| of(&before, key).max(of(&after, key));
        let doubled: u64 = seen.iter().map(|(key, n)| n.saturating_sub(most(key))).sum();
        let unsent = match self.choice.list() {
            Some(operation) => self.org.unsent(operation).map_err(text)?,
            None => Vec::new(),
        };
        let unsent = unsent.iter().filter(|key| before.contains_key(*key)).count();
        match missing + doubled + unsent as u64 {
            0 => Ok(()),
            _ => Err(format!(
                "{missing} items are missing, {unsent} were never sent, {doubled} are repeated"
            )),
        }
    }
}
