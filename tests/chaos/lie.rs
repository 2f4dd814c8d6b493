//! One run in which the org lies, and readers are stopped and killed: nothing may be lost in silence.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use futures::StreamExt as _;
use genesys_cloud_core::{Checkpoint, Client, Error, OnStale, Paginator, Reason, Verdict};
use genesys_cloud_mock::{Due, Expected, FaultPlan, Lie, MockOrg, Moment, Scenario};
use serde_json::Value;

use crate::chance::Chance;
use crate::choice::{Choice, Liar};
use crate::clock::Clock;
use crate::run::{client, text, turns, wait_as_advised};
use crate::tally::Tally;

/// After so many errors the org tells the truth again.
const ERRORS: usize = 3;

/// So often it is gone on with where a list ended too early, once the org tells the truth.
const AGAIN: u32 = 3;

/// So often a reader is killed. Where nothing is saved in between, it would never come to its end.
const KILLS: u64 = 10;

/// What makes the chances of such a run differ from all others.
const LIES: u64 = 1 << 61;

/// A list that is read while the org lies.
struct Reading<'a> {
    choice: &'a Choice<'a>,
    lie: Lie,
    org: &'a MockOrg,
    /// Another org, and a client of it.
    other: &'a (MockOrg, Client),
    open: &'a dyn Fn(&Client) -> Paginator<Value>,
    client: &'a Client,
    list: Paginator<Value>,
    /// What was saved last, with how many items had come.
    saved: (String, usize),
    /// After so many items it is stopped, if the lie is one for which it has to be.
    due_stop: Option<usize>,
    is_honest: bool,
    chance: Chance,
    keys: Vec<String>,
    errors: Vec<Error>,
    items: Rc<Cell<u64>>,
    stops: u64,
    kills: u64,
}

/// Does a run, and tells what is wrong.
pub(crate) async fn check(
    choice: &Choice<'_>,
    (liar, lie): (Liar<'_>, Lie),
    plan: &FaultPlan,
    tally: &mut Tally,
) -> Result<(), String> {
    let way = &choice.way;
    let org = MockOrg::builder().seed(choice.seed).token_lifetime(way.token_lifetime);
    let org = org.start().await.map_err(text)?;
    let other = MockOrg::builder().seed(!choice.seed).token_lifetime(way.token_lifetime);
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
        list.prefetch(way.prefetch)
    };
    let list = open(&client);
    let saved = (serde_json::to_string(&list.checkpoint()).map_err(text)?, 0);
    let mut chance = Chance::new(choice.seed ^ LIES);
    let is_stopped = lie.moment() == Moment::WhileStopped;
    let due_stop = is_stopped.then(|| 1 + chance.below(before.len().max(2) as u64 - 1) as usize);
    let mut reading = Reading {
        choice,
        lie,
        org: &org,
        other: &other,
        open: &open,
        client: &client,
        list,
        saved,
        due_stop,
        is_honest: false,
        chance,
        keys: Vec::new(),
        errors: Vec::new(),
        items,
        stops: 0,
        kills: 0,
    };
    let result = tokio::select! {
        biased;
        result = reading.all() => result,
        () = clock.run(&org) => Err("it hangs".to_owned()),
    };
    let told = org.lies_told();
    let result = result.and_then(|()| reading.check(liar, &before));
    tally.lied(liar.kind(), told, result.is_ok());
    result.map_err(|why| {
        let errors: Vec<String> = reading.errors.iter().map(ToString::to_string).collect();
        let Reading { stops, kills, keys, .. } = &reading;
        format!(
            "{why}\n    told: {told}; injected: {}; {stops} stops, {kills} kills, {} items\n    errors: {}",
            org.injected(),
            keys.len(),
            errors.join("\n        ")
        )
    })
}

/// What there is to get.
fn expected(liar: Liar<'_>, org: &MockOrg) -> Result<Vec<String>, String> {
    match liar {
        Liar::List(list) => Ok(org.expected(list.operation).map_err(text)?.records),
        Liar::Job(submit) => Ok(org.expected_job(submit.operation).map_err(text)?.records),
    }
}

impl Reading<'_> {
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
                        // Someone begins it again.
                        self.stop()?;
                    } else if self.errors.len() >= ERRORS {
                        if self.lie.due() == Due::NotRepeated {
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

    /// Whether it ended where it can be gone on with.
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

    /// Stops or kills it, if it is to be.
    async fn interrupt(&mut self) -> Result<(), String> {
        let way = &self.choice.way;
        if self.due_stop.is_some_and(|due| self.keys.len() >= due) {
            self.due_stop = None;
            return self.stop_for_lie().await;
        }
        // A submit that is in doubt is in doubt for the reader that made it.
        if self.lie.due() == Due::NotRepeated {
            return Ok(());
        }
        if self.chance.percent(way.stopped) {
            self.stop()?;
        } else if self.kills < KILLS && self.chance.percent(way.killed) {
            self.kill()?;
        }
        Ok(())
    }

    /// Stops, and goes on from what was saved, as another process would.
    fn stop(&mut self) -> Result<(), String> {
        let saved = serde_json::to_string(&self.list.checkpoint()).map_err(text)?;
        self.saved = (saved, self.keys.len());
        self.stops += 1;
        self.go_on()
    }

    /// The same from what was saved earlier: what has come since is lost.
    fn kill(&mut self) -> Result<(), String> {
        self.keys.truncate(self.saved.1);
        self.kills += 1;
        self.go_on()
    }

    fn go_on(&mut self) -> Result<(), String> {
        let checkpoint: Checkpoint = serde_json::from_str(&self.saved.0).map_err(text)?;
        if checkpoint.items() != self.keys.len() as u64 {
            let (items, came) = (checkpoint.items(), self.keys.len());
            return Err(format!("a checkpoint counts {items} items where {came} came"));
        }
        let mut list = (self.open)(self.client);
        if self.is_honest && self.errors.last().is_some_and(Error::is_outcome_unknown) {
            // Someone has looked for the job, and wants another one.
            list = list.on_stale(OnStale::Restart);
        }
        self.list = list.resume(&checkpoint);
        Ok(())
    }

    /// Stops, and lets happen meanwhile what the lie is about.
    async fn stop_for_lie(&mut self) -> Result<(), String> {
        let operation = self.choice.operation();
        self.stop()?;
        self.org.lie_while_stopped(operation).map_err(text)?;
        if !self.lie.is_another_org() {
            return Ok(());
        }
        let checkpoint: Checkpoint = serde_json::from_str(&self.saved.0).map_err(text)?;
        let (org, client) = self.other;
        let came = (self.open)(client).resume(&checkpoint).next().await;
        match (came, org.request_count()) {
            (Some(Err(error)), 0) => {
                self.errors.push(error);
                Ok(())
            }
            (Some(Err(error)), sent) => Err(format!("{sent} requests to another org: {error}")),
            _ => Err("it is gone on with in another org".to_owned()),
        }
    }

    async fn next(&mut self) -> Option<Result<Value, Error>> {
        while self.chance.percent(self.choice.way.dropped) {
            let patience = self.chance.below(8);
            tokio::select! {
                biased;
                came = self.list.next() => return came,
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
            return Err("items came that are not in the list".to_owned());
        }
        if verdict == Verdict::Complete {
            self.check_whole(before, &after).map_err(|why| format!("complete, but {why}"))?;
        }
        let told = self.org.lies_told();
        let is_whole = || match self.keys == before {
            true if matches!(verdict, Verdict::Complete | Verdict::Unknown(Reason::OneWindow)) => {
                Ok(())
            }
            true => Err(format!("the verdict is {verdict}")),
            false => Err(format!("{} items are due", before.len())),
        };
        match self.lie.due() {
            _ if told == 0 && !self.is_honest => is_whole(),
            Due::Error if self.errors.is_empty() => Err("no error".to_owned()),
            // What a job was asked of meanwhile may be gone.
            Due::Error if matches!(liar, Liar::Job(_)) => Ok(()),
            Due::Error | Due::Refused => is_whole(),
            Due::Whole | Due::Recovered => self.check_errors().and_then(|()| is_whole()),
            Due::Read => match self.keys == before {
                true => self.check_errors(),
                false => Err(format!("{} items are due", before.len())),
            },
            Due::Unknown if verdict == Verdict::Complete && !self.is_honest => {
                Err("it is complete".to_owned())
            }
            Due::NotRepeated => {
                let submits = self.org.requests_for(liar.operation()).len();
                match submits {
                    1 => Ok(()),
                    _ => Err(format!("it was submitted {submits} times")),
                }
            }
            _ => Ok(()),
        }
    }

    /// No errors came but those of faults, and of what a client must not ask for again.
    fn check_errors(&self) -> Result<(), String> {
        let way = &self.choice.way;
        let is_impatient = way.max_retries == 0 || way.max_rate_limit_wait.is_zero();
        let may_fail = self.lie.due() == Due::Recovered && is_impatient;
        let is_explained = self.org.injected().total() > 0 || self.is_honest || may_fail;
        match self.errors.first() {
            Some(error) if !is_explained => Err(format!("nothing ends in this error: {error:?}")),
            _ => Ok(()),
        }
    }

    /// All that was there all the time came, and nothing more often than the list has it.
    fn check_whole(&self, before: &[String], after: &[String]) -> Result<(), String> {
        let count = |keys: &[String]| {
            keys.iter().fold(HashMap::new(), |mut counts: HashMap<String, u64>, key| {
                *counts.entry(key.clone()).or_default() += 1;
                counts
            })
        };
        let (came, before, after) = (count(&self.keys), count(before), count(after));
        let of = |counts: &HashMap<String, u64>, key| counts.get(key).copied().unwrap_or(0);
        let stayed = before.iter().map(|(key, times)| (key, of(&after, key).min(*times)));
        let missing: u64 = stayed.map(|(key, times)| times.saturating_sub(of(&came, key))).sum();
        let most = |key| of(&before, key).max(of(&after, key));
        let doubled: u64 = came.iter().map(|(key, n)| n.saturating_sub(most(key))).sum();
        let unsent = match self.choice.list() {
            Some(operation) => self.org.unsent(operation).map_err(text)?,
            None => Vec::new(),
        };
        let unsent = unsent.iter().filter(|key| before.contains_key(*key)).count();
        match missing + doubled + unsent as u64 {
            0 => Ok(()),
            _ => Err(format!(
                "{missing} items are missing, {unsent} were never sent, {doubled} came twice"
            )),
        }
    }
}
