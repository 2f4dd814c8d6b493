//! All that follows from the seed of a run: what is read, in which way, and what goes wrong.

use std::fmt;
use std::time::Duration;

use genesys_cloud_core::{Client, Paginator, Scheme};
use genesys_cloud_mock::{Due, FaultKind, FaultPlan, JobScenario, Lie, RateLimit, Scenario};
use serde_json::Value;

use crate::chance::Chance;
use crate::subject::{List, Subjects, Submit};

/// What makes the chances of stops differ from all others.
const STOPS: u64 = 1 << 62;

/// The same for lies.
const LIES: u64 = 1 << 60;

/// What is read, and how it is while nothing goes wrong.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    Scenario(&'a List, Scenario),
    Long(&'a List, u64),
    Job(&'a Submit, JobScenario),
    Lie(Liar<'a>, Lie),
    /// Its request has a parameter of this name, which chooses a page.
    Start(&'a List, &'static str),
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

    /// The scheme of the list, or that it is a job.
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

/// What goes wrong.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Now and then, whatever can.
    Storm(FaultPlan),
    /// One thing, from a request on, until it is mended.
    Endless(FaultKind, u64),
    /// Records come and go, and now and then something else goes wrong.
    Moving(FaultPlan),
    /// The org lies, and now and then something else goes wrong.
    Lie(FaultPlan),
}

/// How the client is set up, and how it is used.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) prefetch: usize,
    /// Of a hundred futures of a next item, so many are dropped while they are pending.
    pub(crate) dropped: u64,
    /// Of a hundred steps, so many are followed by a stop, after which it is gone on with from what was saved.
    pub(crate) stopped: u64,
    /// Of a hundred steps, so many are followed by the end of the process, after which it is gone on with from what
    /// was saved at the last stop.
    pub(crate) killed: u64,
    /// Whether it is gone on with in pages of another size.
    pub(crate) resizes: bool,
    /// Whether items whose id has come are left out.
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
    pub(crate) way: Way,
    pub(crate) trouble: Trouble,
}

impl<'a> Choice<'a> {
    pub(crate) fn of(seed: u64, subjects: &'a Subjects) -> Self {
        let mut chance = Chance::new(seed);
        let subject = Subject::of(&mut chance, subjects);
        let mut way = Way::of(&mut chance);
        let mut trouble = Trouble::of(&mut chance, subject);
        let mut chance = Chance::new(seed ^ STOPS);
        way.stopped = *chance.one_of(&[0, 0, 0, 2, 10, 40]);
        if subject.can_move() && chance.percent(60) {
            way.dedupes = chance.percent(50);
            trouble = Trouble::moving(&mut chance);
        }
        let mut chance = Chance::new(seed ^ LIES);
        if chance.percent(50) {
            let (liar, lie) = Liar::of(&mut chance, subjects);
            way.killed = *chance.one_of(&[0, 0, 2, 10]);
            // Logins are another matter.
            (way.logs_in, way.token_lifetime) = (false, Duration::from_secs(1 << 32));
            let trouble = Trouble::Lie(match chance.percent(30) && lie.due() != Due::NotRepeated {
                true => Trouble::passing(&mut chance),
                false => FaultPlan::new(),
            });
            return Self { seed, subject: Subject::Lie(liar, lie), way, trouble };
        }
        if let Subject::Long(list, _) = subject
            && chance.percent(30)
            && list.scenarios.contains(&Scenario::ManyPages)
            && let starts = list.starts()
            && !starts.is_empty()
        {
            let name = starts[chance.below(starts.len() as u64) as usize];
            let subject = Subject::Start(list, name);
            (way.logs_in, way.token_lifetime) = (false, Duration::from_secs(1 << 32));
            return Self { seed, subject, way, trouble };
        }
        let is_still = !matches!(trouble, Trouble::Moving(_));
        way.resizes = chance.percent(30) && is_still && matches!(subject, Subject::Long(..));
        Self { seed, subject, way, trouble }
    }

    /// What is submitted or listed.
    pub(crate) fn operation(&self) -> &'static str {
        match self.subject {
            Subject::Scenario(list, _) | Subject::Long(list, _) | Subject::Start(list, _) => {
                list.operation
            }
            Subject::Job(submit, _) => submit.operation,
            Subject::Lie(liar, _) => liar.operation(),
        }
    }

    /// The list, if it is one.
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
    /// Something that can lie, and a lie of it.
    fn of(chance: &mut Chance, subjects: &'a Subjects) -> (Self, Lie) {
        if chance.percent(25) {
            let submit = chance.one_of(&subjects.submits);
            return (Self::Job(submit), *chance.one_of(&submit.lies));
        }
        let lists: &Vec<List> = chance.one_of(&subjects.schemes);
        let list = chance.one_of(lists.as_slice());
        (Self::List(list), *chance.one_of(&list.lies))
    }
}

impl<'a> Subject<'a> {
    fn of(chance: &mut Chance, subjects: &'a Subjects) -> Self {
        if chance.percent(20) {
            let submit = chance.one_of(&subjects.submits);
            return Self::Job(submit, *chance.one_of(&submit.scenarios));
        }
        let lists: &Vec<List> = chance.one_of(&subjects.schemes);
        let list = chance.one_of(lists.as_slice());
        // Of the first a client can't get at more than one page, or than so many items.
        let may_be_long = list.is_paged && !list.is_capped && list.scheme != Scheme::LimitOnly;
        match may_be_long && chance.percent(50) {
            true => Self::Long(list, chance.below(300)),
            false => Self::Scenario(list, *chance.one_of(&list.scenarios)),
        }
    }

    /// Whether records that come and go shift the pages behind them.
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

    /// Whether each page is the result of a job of its own.
    pub(crate) fn has_jobs_for_pages(self) -> bool {
        matches!(self, Self::Job(submit, _) if submit.operation.contains("Workitems"))
    }

    /// Whether connections end by the scenario itself.
    pub(crate) fn has_faults(self) -> bool {
        match self {
            Self::Scenario(_, scenario) => {
                matches!(scenario, Scenario::DroppedConnection | Scenario::ConnectionReset)
            }
            Self::Job(_, scenario) => {
                matches!(scenario, JobScenario::TransientErrors | JobScenario::ExpiredLink)
            }
            Self::Long(..) | Self::Lie(..) | Self::Start(..) => false,
        }
    }
}

impl Way {
    fn of(chance: &mut Chance) -> Self {
        let limit = chance.percent(30).then(|| {
            let (calls, time) = (10 + chance.below(60), Duration::from_secs(10 + chance.below(51)));
            let limit = match chance.percent(50) {
                true => RateLimit::window(calls, time),
                false => RateLimit::bucket(calls, time),
            };
            // At most a tenth of what is allowed.
            limit.others(if chance.percent(50) { 0 } else { calls * 6 / time.as_secs().max(1) })
        });
        let logs_in = chance.percent(80);
        let life = *chance.one_of(&[300, 3_600, 86_400]);
        Self {
            prefetch: *chance.one_of(&[0, 0, 1, 2, 4, 8]),
            dropped: *chance.one_of(&[0, 10, 50]),
            stopped: 0,
            killed: 0,
            resizes: false,
            dedupes: false,
            max_retries: *chance.one_of(&[0, 1, 5, 5]),
            max_rate_limit_wait: Duration::from_secs(*chance.one_of(&[0, 180, 180, 180])),
            logs_in,
            // Nobody renews a token that was given.
            token_lifetime: Duration::from_secs(if logs_in { life } else { 1 << 32 }),
            limit,
        }
    }
}

impl Trouble {
    fn of(chance: &mut Chance, subject: Subject<'_>) -> Self {
        // What a scenario adds of its own can't be told from the fault that goes on.
        if chance.percent(20) && !subject.has_faults() {
            // What a client can get out of a list that moves is another question.
            let moves = |kind| matches!(kind, FaultKind::RecordInserted | FaultKind::RecordDeleted);
            let kinds: Vec<FaultKind> =
                FaultKind::ALL.iter().copied().filter(|kind| !moves(*kind)).collect();
            return Self::Endless(*chance.one_of(&kinds), 1 + chance.below(6));
        }
        let skew = *chance.one_of(&[0, 0, 3_600, -3_600, 50_000, -50_000]);
        Self::Storm(FaultPlan::random(chance.number()).clock_skew(skew))
    }

    /// Faults after which the same request succeeds.
    fn passing(chance: &mut Chance) -> FaultPlan {
        let kinds = [FaultKind::ServiceUnavailable, FaultKind::CutInBody, FaultKind::RateLimited];
        let plan = FaultPlan::seeded(chance.number());
        kinds.into_iter().fold(plan, |plan, kind| plan.rate(kind, chance.below(6) as f64 / 100.0))
    }

    fn moving(chance: &mut Chance) -> Self {
        let mut rate = |kind, most| (kind, chance.below(most) as f64 / 100.0);
        let rates = [
            rate(FaultKind::RecordInserted, 30),
            rate(FaultKind::RecordDeleted, 30),
            rate(FaultKind::ServiceUnavailable, 10),
            rate(FaultKind::CutInBody, 10),
        ];
        let plan = FaultPlan::seeded(chance.number());
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
        }
        write!(f, "; {:?}; {:?}", self.way, self.trouble)
    }
}
