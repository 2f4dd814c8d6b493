//! Reads trees of lists while requests fail, parents disappear, and the reader is stopped and killed.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use futures::StreamExt as _;
use genesys_cloud_core::{
    Checkpoint, Client, Error, ErrorKind, Nested, NestedItem, NestedReport, Paginator,
};
use genesys_cloud_mock::Scenario;
use genesys_cloud_mock::{Call, CannedResponse, Expected, Fault, FaultPlan, Injected, MockOrg};
use serde_json::Value;
use tokio::time::sleep;

use crate::check::ends_in;
use crate::choice::{Choice, FaultMode, TreeChoice};
use crate::clock::Clock;
use crate::rng::Rng;
use crate::run::{PATIENCE, SUSPENSION, client, text, turns, wait_as_advised};
use crate::subject::Tree;
use crate::tally::Tally;

/// How often a reader is killed. Without a saved checkpoint in between, it would never finish.
const KILLS: u64 = 10;

/// Percentage of items after which a checkpoint is saved, if the reader is killed at times.
const SAVED: u64 = 20;

/// Distinguishes the random numbers of such a run from all others.
const TREES: u64 = 1 << 59;

/// An item: the values of the path parameters, and the key of the record.
type Item = (Vec<String>, String);

/// Refuses the lists of parents that have disappeared.
struct Gone {
    operation: &'static str,
    paths: Vec<String>,
}

impl Fault for Gone {
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        let is_gone =
            call.operation.id == self.operation && self.paths.contains(&call.request.path);
        is_gone.then(|| CannedResponse::error(404, "not.found", "gone"))
    }
}

/// What a run must read.
struct Truth {
    items: Vec<Item>,
    /// How many parents exist, and how many have disappeared since they were listed.
    parents: u64,
    gone: Vec<String>,
}

impl Truth {
    fn of(tree: &Tree, choice: TreeChoice, org: &MockOrg) -> Result<Self, String> {
        let mut parents = vec![Vec::new()];
        for (list, link) in tree.parents() {
            let mut with_parent = Vec::new();
            for values in parents {
                let path = tree.path(list, &values);
                for record in org.expected_records(list.operation, &path).map_err(text)? {
                    let record: Value = serde_json::from_str(&record).map_err(text)?;
                    let value = link.value(&record).ok_or("a record without its link")?;
                    with_parent.push([&values[..], &[value]].concat());
                }
            }
            parents = with_parent;
        }
        let child = tree.child();
        let records = org.expected(child.operation).map_err(text)?.records;
        let (mut items, mut gone) = (Vec::new(), Vec::new());
        let mut rng = Rng::new(choice.gone_seed);
        let count = parents.len() as u64;
        for values in parents {
            if rng.percent(choice.gone) {
                gone.push(tree.path(child, &values));
            } else {
                items.extend(records.iter().map(|key| (values.clone(), key.clone())));
            }
        }
        Ok(Self { items, parents: count, gone })
    }
}

/// A tree that is being read.
enum Opened {
    OfOne(Nested<Value, Value>),
    OfTwo(Nested<NestedItem<Value, Value>, Value>),
}

impl Opened {
    fn of(
        tree: &Arc<Tree>,
        client: &Client,
        choice: &Choice<'_>,
        shape: TreeChoice,
        size: u64,
    ) -> Self {
        let prefetch = choice.usage.prefetch;
        let below = move |level: usize| {
            let (tree, client) = (Arc::clone(tree), client.clone());
            move |values: &[String]| -> Paginator<Value> {
                let list = tree.open(level, &client, values);
                match level == tree.depth() {
                    true => list.page_size(size as usize).prefetch(prefetch),
                    false => list,
                }
            }
        };
        let outer = tree.open(0, client, &[]);
        let of = Arc::clone(tree);
        let first = below(1);
        let first = outer.nest(move |record: &Value| first(&of.values(&[record])));
        if tree.depth() == 1 {
            return Self::OfOne(shape.apply(first));
        }
        let (of, second) = (Arc::clone(tree), below(2));
        Self::OfTwo(shape.apply(first.nest(move |item: &NestedItem<Value, Value>| {
            second(&of.values(&[&item.parent, &item.item]))
        })))
    }

    async fn next(&mut self, tree: &Tree) -> Option<Result<Item, Error>> {
        match self {
            Self::OfOne(nested) => Some(
                nested
                    .next()
                    .await?
                    .map(|item| (tree.values(&[&item.parent]), Expected::key(&item.item))),
            ),
            Self::OfTwo(nested) => Some(nested.next().await?.map(|item| {
                let parents = [&*item.parent.parent, &item.parent.item];
                (tree.values(&parents), Expected::key(&item.item))
            })),
        }
    }

    fn report(&self) -> NestedReport {
        match self {
            Self::OfOne(nested) => nested.report(),
            Self::OfTwo(nested) => nested.report(),
        }
    }

    fn save(&self) -> Result<String, String> {
        let checkpoint = match self {
            Self::OfOne(nested) => nested.checkpoint(),
            Self::OfTwo(nested) => nested.checkpoint(),
        };
        serde_json::to_string(&checkpoint.map_err(text)?).map_err(text)
    }

    fn resume(self, checkpoint: &Checkpoint) -> Self {
        match self {
            Self::OfOne(nested) => Self::OfOne(nested.resume(checkpoint)),
            Self::OfTwo(nested) => Self::OfTwo(nested.resume(checkpoint)),
        }
    }
}

/// The outcome of a run.
pub(crate) struct Outcome {
    pub(crate) items: Vec<Item>,
    pub(crate) errors: Vec<Error>,
    report: NestedReport,
    calls: u64,
    pub(crate) injected: Injected,
    pub(crate) stops: u64,
    pub(crate) kills: u64,
    /// How much time passed, in seconds.
    pub(crate) passed: u64,
}

/// Executes a run, and returns what is wrong.
pub(crate) async fn check(
    choice: &Choice<'_>,
    (tree, shape): (&Arc<Tree>, TreeChoice),
    tally: &mut Tally,
) -> Result<(), String> {
    let without = read(choice, (tree, shape), false).await;
    let (truth, without) = without.map_err(|why| format!("without faults: {why}"))?;
    let checked = check_outcome(choice, shape, &truth, (&without, &without));
    checked.map_err(|why| format!("without faults: {why}"))?;
    let (truth, with) = read(choice, (tree, shape), true).await?;
    tally.add_tree(&with);
    check_outcome(choice, shape, &truth, (&without, &with)).map_err(|why| {
        let errors: Vec<String> = with.errors.iter().map(ToString::to_string).collect();
        let Outcome { injected, stops, kills, items, .. } = &with;
        format!(
            "{why}\n    injected: {injected}; {stops} stops, {kills} kills, {} items of {}, {} parents gone of {}\n    errors: {}",
            items.len(),
            truth.items.len(),
            truth.gone.len(),
            truth.parents,
            errors.join("\n        ")
        )
    })
}

/// Reads the tree, with or without faults. Parents disappear in both cases.
async fn read(
    choice: &Choice<'_>,
    (tree, shape): (&Arc<Tree>, TreeChoice),
    has_faults: bool,
) -> Result<(Truth, Outcome), String> {
    let usage = &choice.usage;
    let lists = shape.lengths.into_iter().zip(tree.lists());
    let build = || {
        let org = MockOrg::builder().seed(choice.seed).token_lifetime(usage.token_lifetime);
        lists.clone().fold(org, |org, (length, list)| org.list(list.operation, length))
    };
    let plain = build().start().await.map_err(text)?;
    let truth = Truth::of(tree, shape, &plain)?;
    let gone = Gone { operation: tree.child().operation, paths: truth.gone.clone() };
    let mut org = build().fault(gone);
    if let Some(limit) = usage.limit.filter(|_| has_faults) {
        org = org.rate_limit(limit);
    }
    let org = org.start().await.map_err(text)?;
    if let (true, FaultMode::Random(plan)) = (has_faults, &choice.fault_mode) {
        org.inject(plan.clone());
    }
    let items = Rc::new(Cell::new(0));
    let (clock, hook) = Clock::new(Rc::clone(&items));
    let passed = Rc::clone(&clock.passed);
    let client = client(choice, &org, hook)?;
    let size = org.nearest_page_size(tree.child().operation, Scenario::PAGE_SIZE).map_err(text)?;
    let open = || Opened::of(tree, &client, choice, shape, size);
    let opened = open();
    let saved = (opened.save()?, 0);
    let mut reader = Reader {
        choice,
        tree,
        open: &open,
        opened,
        saved,
        has_faults,
        rng: Rng::new(choice.seed ^ TREES),
        read: Vec::new(),
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
    result.map_err(|why| format!("{why}; injected: {}", org.injected()))?;
    let logins = org.requests().iter().filter(|it| it.path == "/oauth/token").count() as u64;
    let outcome = Outcome {
        report: reader.opened.report(),
        items: reader.read,
        errors: reader.errors,
        calls: org.request_count() - logins,
        injected: org.injected(),
        stops: reader.stops,
        kills: reader.kills,
        passed: passed.get(),
    };
    Ok((truth, outcome))
}

struct Reader<'a> {
    choice: &'a Choice<'a>,
    tree: &'a Tree,
    open: &'a dyn Fn() -> Opened,
    opened: Opened,
    /// The last saved checkpoint, and the number of items read by then.
    saved: (String, usize),
    has_faults: bool,
    rng: Rng,
    read: Vec<Item>,
    errors: Vec<Error>,
    items: Rc<Cell<u64>>,
    stops: u64,
    kills: u64,
}

impl Reader<'_> {
    async fn all(&mut self) -> Result<(), String> {
        loop {
            if self.has_faults {
                self.interrupt()?;
            }
            match self.next().await {
                Some(Ok(item)) => {
                    self.read.push(item);
                    self.items.set(self.items.get() + 1);
                }
                Some(Err(error)) => {
                    wait_as_advised(&error).await;
                    if error.kind() == ErrorKind::Authentication {
                        // For a while, the client makes no login for an operation that refused a new token.
                        sleep(SUSPENSION).await;
                    }
                    self.errors.push(error);
                }
                None => return Ok(()),
            }
            if self.errors.len() > PATIENCE {
                return Err(format!("the run does not end; {}", self.errors[PATIENCE]));
            }
        }
    }

    /// Stops or kills the reader by chance, and resumes as another process would.
    fn interrupt(&mut self) -> Result<(), String> {
        let usage = &self.choice.usage;
        if self.rng.percent(usage.stopped) {
            self.saved = (self.opened.save()?, self.read.len());
            self.stops += 1;
        } else if self.kills < KILLS && self.rng.percent(usage.killed) {
            // Items since the last checkpoint are lost.
            self.read.truncate(self.saved.1);
            self.kills += 1;
        } else {
            if usage.killed > 0 && self.rng.percent(SAVED) {
                self.saved = (self.opened.save()?, self.read.len());
            }
            return Ok(());
        }
        let checkpoint: Checkpoint = serde_json::from_str(&self.saved.0).map_err(text)?;
        if checkpoint.items() != self.read.len() as u64 {
            let (items, read) = (checkpoint.items(), self.read.len());
            return Err(format!("a checkpoint counts {items} items, but {read} arrived"));
        }
        self.opened = (self.open)().resume(&checkpoint);
        Ok(())
    }

    async fn next(&mut self) -> Option<Result<Item, Error>> {
        let dropped = if self.has_faults { self.choice.usage.dropped } else { 0 };
        while self.rng.percent(dropped) {
            let patience = self.rng.below(8);
            tokio::select! {
                biased;
                next = self.opened.next(self.tree) => return next,
                () = turns(patience) => {}
            }
        }
        self.opened.next(self.tree).await
    }
}

/// Each record of each parent arrived once, in order, and no parent that disappeared was missed or tolerated silently.
fn check_outcome(
    choice: &Choice<'_>,
    shape: TreeChoice,
    truth: &Truth,
    (without, with): (&Outcome, &Outcome),
) -> Result<(), String> {
    let Outcome { items, errors, report, injected, .. } = with;
    if let Some(error) = errors.iter().find(|error| !is_explained(injected, error)) {
        return Err(format!("no fault explains this error: {error:?}"));
    }
    let is_whole = match shape.is_ordered {
        true => *items == truth.items,
        false => {
            let set = |items: &[Item]| items.iter().cloned().collect::<BTreeSet<Item>>();
            items.len() == truth.items.len() && set(items) == set(&truth.items)
        }
    };
    if !is_whole {
        let differs = items.iter().zip(&truth.items).position(|(one, other)| one != other);
        let (read, expected) = (items.len(), truth.items.len());
        let at = differs.unwrap_or(read.min(expected));
        return Err(format!("{read} items instead of {expected}; the first difference is at {at}"));
    }
    let gone = truth.gone.len() as u64;
    let counts = (report.items, report.parents_done, report.not_found);
    if counts != (items.len() as u64, truth.parents - gone, gone) {
        return Err(format!("the report counts {counts:?}"));
    }
    let mut skipped: Vec<&String> = report.skipped.iter().map(|it| &it.path).collect();
    let mut named: Vec<&String> = truth.gone.iter().collect();
    skipped.sort();
    named.sort();
    if skipped != named {
        return Err(format!("the report names {skipped:?} instead of {named:?}"));
    }
    let (verdict, expected) = (report.verdict(), without.report.verdict());
    if verdict != expected {
        return Err(format!("the verdict is {verdict}, but without faults {expected}"));
    }
    // Each open list, and those of parents, request their pages again.
    let each = shape.concurrency as u64 * (2 + choice.usage.prefetch as u64) + 4;
    let required = injected.required_call_retries();
    let most = without.calls + required + required / 20 + (with.stops + with.kills) * each;
    match with.calls > most {
        true => Err(format!(
            "{} requests, where {} succeed and {required} fail",
            with.calls, without.calls
        )),
        false => Ok(()),
    }
}

/// Whether the injected faults explain this error.
fn is_explained(injected: &Injected, error: &Error) -> bool {
    injected.all().any(|(kind, _)| ends_in(kind, error))
        || injected.limited > 0 && error.is_rate_limited()
        || injected.unauthorized > 0 && error.kind() == ErrorKind::Authentication
}

impl fmt::Display for TreeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = if self.is_ordered { "in order" } else { "unordered" };
        let Self { lengths, concurrency, gone, .. } = self;
        write!(
            f,
            "lists of {lengths:?}, {concurrency} at a time, {order}, {gone} % of parents gone"
        )
    }
}

impl TreeChoice {
    fn apply<P: Send + Sync + 'static>(self, nested: Nested<P, Value>) -> Nested<P, Value> {
        let nested = nested.concurrency(self.concurrency);
        if self.is_ordered { nested } else { nested.unordered() }
    }

    /// Faults after which the same request succeeds.
    pub(crate) fn faults(rng: &mut Rng) -> FaultMode {
        FaultMode::Random(FaultPlan::random(rng.number()))
    }
}
