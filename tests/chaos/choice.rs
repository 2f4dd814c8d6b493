//! Everything that follows from the seed of a run: what is read, how, and with which faults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use genesys_cloud_core::{Client, Paginator, Scheme};
use genesys_cloud_mock::{
    ExpectedOutcome, FaultKind, FaultPlan, JobScenario, Lie, RateLimit, Scenario,
};
use serde_json::Value;

use crate::rng::Rng;
use crate::subject::{List, Subjects, Submit, Tree};

/// Distinguishes the random numbers for stops from all others.
const STOPS: u64 = 1 << 62;

/// Distinguishes the random numbers for lies from all others.
const LIES: u64 = 1 << 60;

/// Distinguishes the random numbers for trees from all others.
const TREES: u64 = 1 << 58;

/// What is read, and how it behaves without faults.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    Scenario(&'a List, Scenario),
    Long(&'a List, u64),
    Job(&'a Submit, JobScenario),
    Lie(Liar<'a>, Lie),
    /// A list whose request selects a page, by the parameter of this name.
    Start(&'a List, &'static str),
    Tree(&'a Arc<Tree>, TreeChoice),
}

/// How a tree is read.
#[derive(Clone, Copy)]
pub(crate) struct TreeChoice {
    /// The lengths of the lists, outermost first; of two lists, the first two.
    pub(crate) lengths: [u64; 3],
    pub(crate) concurrency: usize,
    pub(crate) is_ordered: bool,
    /// Percentage of parents that have disappeared since they were listed.
    pub(crate) gone: u64,
    pub(crate) gone_seed: u64,
}

/// What the org lies about.
#[derive(Clone, Copy)]
pub(crate) enum Liar<'a> {
    List(&'a List),
    Job(&'a Submit),
}

impl Liar<'_> {
    pub(crate) fn operation(self) -> &'static str {
        match self {
            Self::List(list) => list.operation,
            Self::Job(submit) => submit.operation,
        }
    }

    /// The scheme of the list, or the kind of the job.
    pub(crate) fn kind(self) -> String {
        match self {
            Self::List(list) => format!("{:?}", list.scheme),
            Self::Job(submit) => format!("job, {}", submit.kind()),
        }
    }

    pub(crate) fn open(self, client: &Client) -> Paginator<Value> {
        match self {
            Self::List(list) => list.open(client),
            Self::Job(submit) => submit.open(client),
        }
    }
}

/// Which faults occur.
#[derive(Debug)]
pub(crate) enum FaultMode {
    /// Random faults.
    Random(FaultPlan),
    /// The same fault for every request from this one on, until it is repaired.
    Permanent(FaultKind, u64),
    /// Insertions and deletions of records, with random faults.
    Moving(FaultPlan),
    /// A lie, with random faults.
    Lie(FaultPlan),
}

/// The settings of the client, and how it is used.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) prefetch: usize,
    /// Percentage of futures of a next item that are dropped while pending.
    pub(crate) dropped: u64,
    /// Percentage of steps followed by a stop and a resume from a checkpoint saved then.
    pub(crate) stopped: u64,
    /// Percentage of steps followed by the end of the process and a resume from the last saved checkpoint.
    pub(crate) killed: u64,
    /// Whether to resume with another page size.
    pub(crate) resizes: bool,
    /// Whether duplicates are removed by id.
    pub(crate) dedupes: bool,
    pub(crate) max_retries: u32,
    pub(crate) max_rate_limit_wait: Duration,
    pub(crate) logs_in: bool,
    pub(crate) token_lifetime: Duration,
    pub(crate) limit: Option<RateLimit>,
}

pub(crate) struct Choice<'a> {
    pub(crate) seed: u64,
    pub(crate) subject: Subject<'a>,
    pub(crate) usage: Usage,
    pub(crate) fault_mode: FaultMode,
}

impl<'a> Choice<'a> {
    pub(crate) fn of(seed: u64, subjects: &'a Subjects) -> Self {
        let mut rng = Rng::new(seed);
        let subject = Subject::of(&mut rng, subjects);
        let mut usage = Usage::of(&mut rng);
        let mut fault_mode = FaultMode::of(&mut rng, subject);
        let mut rng = Rng::new(seed ^ STOPS);
        usage.stopped = *rng.one_of(&[0, 0, 0, 2, 10, 40]);
        if subject.can_move() && rng.percent(60) {
            usage.dedupes = rng.percent(50);
            fault_mode = FaultMode::moving(&mut rng);
        }
        let mut rng = Rng::new(seed ^ TREES);
        if rng.percent(20) {
            let tree = rng.one_of(&subjects.trees);
            let subject = Subject::Tree(tree, TreeChoice::of(&mut rng, tree));
            usage.killed = *rng.one_of(&[0, 0, 2, 10]);
            let fault_mode = TreeChoice::faults(&mut rng);
            return Self { seed, subject, usage, fault_mode };
        }
        let mut rng = Rng::new(seed ^ LIES);
        if rng.percent(50) {
            let (liar, lie) = Liar::of(&mut rng, subjects);
            usage.killed = *rng.one_of(&[0, 0, 2, 10]);
            // Logins are tested elsewhere.
            (usage.logs_in, usage.token_lifetime) = (false, Duration::from_secs(1 << 32));
            let fault_mode = FaultMode::Lie(
                match rng.percent(30) && lie.expected() != ExpectedOutcome::NotRepeated {
                    true => FaultMode::passing(&mut rng),
                    false => FaultPlan::new(),
                },
            );
            return Self { seed, subject: Subject::Lie(liar, lie), usage, fault_mode };
        }
        if let Subject::Long(list, _) = subject
            && rng.percent(30)
            && list.scenarios.contains(&Scenario::ManyPages)
            && let starts = list.starts()
            && !starts.is_empty()
        {
            let name = starts[rng.below(starts.len() as u64) as usize];
            let subject = Subject::Start(list, name);
            (usage.logs_in, usage.token_lifetime) = (false, Duration::from_secs(1 << 32));
            return Self { seed, subject, usage, fault_mode };
        }
        let is_still = !matches!(fault_mode, FaultMode::Moving(_));
        usage.resizes = rng.percent(30) && is_still && matches!(subject, Subject::Long(..));
        Self { seed, subject, usage, fault_mode }
    }

    /// The operation that submits or lists.
    pub(crate) fn operation(&self) -> &'static str {
        match self.subject {
            Subject::Scenario(list, _) | Subject::Long(list, _) | Subject::Start(list, _) => {
                list.operation
            }
            Subject::Job(submit, _) => submit.operation,
            Subject::Lie(liar, _) => liar.operation(),
            Subject::Tree(tree, _) => tree.child().operation,
        }
    }

    /// The list, unless it is a job.
    pub(crate) fn list(&self) -> Option<&'static str> {
        match self.subject {
            Subject::Scenario(..) | Subject::Long(..) | Subject::Lie(Liar::List(_), _) => {
                Some(self.operation())
            }
            _ => None,
        }
    }
}

impl<'a> Liar<'a> {
    /// Chooses a list or job, and a lie that it supports.
    fn of(rng: &mut Rng, subjects: &'a Subjects) -> (Self, Lie) {
        if rng.percent(25) {
            let submit = rng.one_of(&subjects.submits);
            return (Self::Job(submit), *rng.one_of(&submit.lies));
        }
        let lists: &Vec<List> = rng.one_of(&subjects.schemes);
        let list = rng.one_of(lists.as_slice());
        (Self::List(list), *rng.one_of(&list.lies))
    }
}

impl<'a> Subject<'a> {
    fn of(rng: &mut Rng, subjects: &'a Subjects) -> Self {
        if rng.percent(20) {
            let submit = rng.one_of(&subjects.submits);
            return Self::Job(submit, *rng.one_of(&submit.scenarios));
        }
        let lists: &Vec<List> = rng.one_of(&subjects.schemes);
        let list = rng.one_of(lists.as_slice());
        // The first condition excludes lists with a cap and lists of one page.
        let may_be_long = list.is_paged && !list.is_capped && list.scheme != Scheme::LimitOnly;
        match may_be_long && rng.percent(50) {
            true => Self::Long(list, rng.below(300)),
            false => Self::Scenario(list, *rng.one_of(&list.scenarios)),
        }
    }

    /// Whether insertions and deletions move later records to other pages.
    fn can_move(self) -> bool {
        let Self::Long(list, _) = self else { return false };
        matches!(
            list.scheme,
            Scheme::PageNumber
                | Scheme::PageNumberNoTotal
                | Scheme::PageNumberNoEnvelope
                | Scheme::BodyPageNumber
                | Scheme::BodyPageNumberNested
                | Scheme::BodyPagingTotalHits
                | Scheme::Q64Search
                | Scheme::ScimStartIndex
        )
    }

    /// Whether each page is the result of a separate job.
    pub(crate) fn has_jobs_for_pages(self) -> bool {
        matches!(self, Self::Job(submit, _) if submit.operation.contains("Workitems"))
    }

    /// Whether the scenario itself breaks connections.
    pub(crate) fn has_faults(self) -> bool {
        match self {
            Self::Scenario(_, scenario) => {
                matches!(scenario, Scenario::DroppedConnection | Scenario::ConnectionReset)
            }
            Self::Job(_, scenario) => {
                matches!(scenario, JobScenario::TransientErrors | JobScenario::ExpiredLink)
            }
            Self::Long(..) | Self::Lie(..) | Self::Start(..) | Self::Tree(..) => false,
        }
    }
}

impl TreeChoice {
    fn of(rng: &mut Rng, tree: &Tree) -> Self {
        let (outer, items) = (rng.below(13), rng.below(60));
        let lengths = match tree.depth() {
            1 => [outer, items, 0],
            _ => [outer % 5, 1 + rng.below(4), items],
        };
        Self {
            lengths,
            concurrency: 1 + rng.below(8) as usize,
            is_ordered: rng.percent(70),
            gone: *rng.one_of(&[0, 0, 10, 40]),
            gone_seed: rng.number(),
        }
    }
}

impl Usage {
    fn of(rng: &mut Rng) -> Self {
        let limit = rng.percent(30).then(|| {
            let (calls, time) = (10 + rng.below(60), Duration::from_secs(10 + rng.below(51)));
            let limit = match rng.percent(50) {
                true => RateLimit::window(calls, time),
                false => RateLimit::bucket(calls, time),
            };
            // At most a tenth of the limit.
            limit.others(if rng.percent(50) { 0 } else { calls * 6 / time.as_secs().max(1) })
        });
        let logs_in = rng.percent(80);
        let life = *rng.one_of(&[300, 3_600, 86_400]);
        Self {
            prefetch: *rng.one_of(&[0, 0, 1, 2, 4, 8]),
            dropped: *rng.one_of(&[0, 10, 50]),
            stopped: 0,
            killed: 0,
            resizes: false,
            dedupes: false,
            max_retries: *rng.one_of(&[0, 1, 5, 5]),
            max_rate_limit_wait: Duration::from_secs(*rng.one_of(&[0, 180, 180, 180])),
            logs_in,
            // A given token can't be renewed.
            token_lifetime: Duration::from_secs(if logs_in { life } else { 1 << 32 }),
            limit,
        }
    }
}

impl FaultMode {
    fn of(rng: &mut Rng, subject: Subject<'_>) -> Self {
        // A permanent fault can't be distinguished from those of the scenario.
        if rng.percent(20) && !subject.has_faults() {
            // Lists that change have their own mode.
            let moves = |kind| matches!(kind, FaultKind::RecordInserted | FaultKind::RecordDeleted);
            let kinds: Vec<FaultKind> =
                FaultKind::ALL.iter().copied().filter(|kind| !moves(*kind)).collect();
            return Self::Permanent(*rng.one_of(&kinds), 1 + rng.below(6));
        }
        let skew = *rng.one_of(&[0, 0, 3_600, -3_600, 50_000, -50_000]);
        Self::Random(FaultPlan::random(rng.number()).clock_skew(skew))
    }

    /// Faults after which the same request succeeds.
    fn passing(rng: &mut Rng) -> FaultPlan {
        let kinds = [FaultKind::ServiceUnavailable, FaultKind::CutInBody, FaultKind::RateLimited];
        let plan = FaultPlan::seeded(rng.number());
        kinds.into_iter().fold(plan, |plan, kind| plan.rate(kind, rng.below(6) as f64 / 100.0))
    }

    fn moving(rng: &mut Rng) -> Self {
        let mut rate = |kind, most| (kind, rng.below(most) as f64 / 100.0);
        let rates = [
            rate(FaultKind::RecordInserted, 30),
            rate(FaultKind::RecordDeleted, 30),
            rate(FaultKind::ServiceUnavailable, 10),
            rate(FaultKind::CutInBody, 10),
        ];
        let plan = FaultPlan::seeded(rng.number());
        Self::Moving(rates.into_iter().fold(plan, |plan, (kind, rate)| plan.rate(kind, rate)))
    }
}

impl fmt::Display for Choice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject {
            Subject::Scenario(list, scenario) => {
                write!(f, "{} ({:?}), {scenario:?}", list.operation, list.scheme)?;
            }
            Subject::Long(list, records) => {
                write!(f, "{} ({:?}), {records} records", list.operation, list.scheme)?;
            }
            Subject::Job(submit, scenario) => write!(f, "{}, {scenario:?}", submit.operation)?,
            Subject::Start(list, name) => {
                write!(f, "{} ({:?}), with {name}", list.operation, list.scheme)?;
            }
            Subject::Lie(liar, lie) => {
                write!(f, "{} ({}), {lie:?}", liar.operation(), liar.kind())?
            }
            Subject::Tree(tree, shape) => {
                let lists: Vec<&str> = tree.lists().map(|list| list.operation).collect();
                write!(f, "{}, {shape}", lists.join(" > "))?;
            }
        }
        write!(f, "; {:?}; {:?}", self.usage, self.fault_mode)
    }
}
