use std::collections::BTreeMap;
use std::fmt;

use super::kind::{Door, FaultKind, Reach};
use crate::rng::mix;

/// Which requests go wrong, and how: by chance, or at places that are given.
///
/// What happens follows from the seed and from the order of the requests: the same requests in the same
/// order meet the same faults. Requests for operations of the API are counted that bear a good token, from 1.
/// Logins are counted by themselves, and so are downloads of files; only such faults happen to them as can.
///
/// ```
/// use genesys_cloud_mock::{FaultKind, FaultPlan, MockOrg};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // One call in ten is answered with 503, one in twenty gets no reply, and the third a 429.
/// let plan = FaultPlan::seeded(7)
///     .rate(FaultKind::ServiceUnavailable, 0.1)
///     .rate(FaultKind::ResetBeforeReply, 0.05)
///     .at(3, FaultKind::RateLimited);
/// let org = MockOrg::builder().faults(plan).start().await?;
/// // .. your client reads a list ..
/// let injected = org.injected();
/// println!("{injected}: {} requests have to be repeated", injected.repetitions());
/// # assert_eq!(injected.total(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "nothing goes wrong before a plan is given to an org"]
pub struct FaultPlan {
    seed: u64,
    rates: Vec<(FaultKind, f64)>,
    at: BTreeMap<u64, FaultKind>,
    from: u64,
    most: Option<u64>,
    most_in_a_row: Option<u64>,
    clock_skew: i64,
}

impl FaultPlan {
    /// A plan in which nothing goes wrong yet, with the seed 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// A plan in which nothing goes wrong yet. What its rates hit follows from the seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// A plan made up from the seed: one to six kinds of faults, each at a rate of up to 10 %, of those
    /// after which the same request succeeds. A client should lose nothing to it.
    pub fn random(seed: u64) -> Self {
        let mut plan = Self::seeded(seed);
        let kinds: Vec<FaultKind> =
            FaultKind::ALL.iter().copied().filter(|kind| kind.passes()).collect();
        let draw = |place: u64| mix(mix(seed) ^ place);
        for place in 0..1 + draw(0) % 6 {
            let kind = kinds[(draw(2 * place + 1) % kinds.len() as u64) as usize];
            plan = plan.rate(kind, 0.1 * unit(draw(2 * place + 2)));
        }
        plan
    }

    /// Lets this share of requests go wrong in this way, from 0 to 1; 1 is every request that it can
    /// happen to. The shares of several kinds add up, and no request goes wrong in two ways.
    pub fn rate(mut self, kind: FaultKind, share: f64) -> Self {
        self.rates.push((kind, share));
        self
    }

    /// Lets one request go wrong, whatever the rates; the first is number 1. If this can't happen to it, as
    /// to a request without a token of a page, nothing does.
    pub fn at(mut self, request: u64, kind: FaultKind) -> Self {
        self.at.insert(request, kind);
        self
    }

    /// Spares all requests before this one, and all logins and downloads before the first of them.
    pub fn from(mut self, request: u64) -> Self {
        self.from = request;
        self
    }

    /// Ends after so many faults.
    pub fn most(mut self, faults: u64) -> Self {
        self.most = Some(faults);
        self
    }

    /// Lets a request pass after so many faults in a row.
    pub fn most_in_a_row(mut self, faults: u64) -> Self {
        self.most_in_a_row = Some(faults);
        self
    }

    /// Lets the clock of the service be wrong by so many seconds, ahead if they are more than 0. The
    /// header `date`, dates in `Retry-After` and those of jobs show it, and so does `expires_in` of a login, which is then too
    /// high or, down to 0, too low.
    pub fn clock_skew(mut self, seconds: i64) -> Self {
        self.clock_skew = seconds;
        self
    }
}

impl FaultKind {
    /// Whether the same request succeeds afterwards, and the list is the same.
    fn passes(self) -> bool {
        let moves = matches!(self, Self::RecordInserted | Self::RecordDeleted);
        !moves && self != Self::PageTokensExpired
    }
}

/// What has gone wrong so far by a [`FaultPlan`], from [`MockOrg::injected`](crate::MockOrg::injected).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Injected {
    /// How many calls of operations went wrong, by kind.
    pub calls: BTreeMap<FaultKind, u64>,
    /// How many logins went wrong, by kind.
    pub logins: BTreeMap<FaultKind, u64>,
    /// How many downloads went wrong, by kind.
    pub downloads: BTreeMap<FaultKind, u64>,
    /// How many calls were refused as they were more than the rate limit allows; no plan is behind that.
    pub limited: u64,
    /// How many calls were refused as their token had ended, or never was one; no plan is behind that.
    pub unauthorized: u64,
}

impl Injected {
    /// How many requests went wrong in this way.
    pub fn count(&self, kind: FaultKind) -> u64 {
        self.all().filter(|(known, _)| *known == kind).map(|(_, count)| count).sum()
    }

    /// How many requests went wrong in any way, those included that no plan is behind.
    pub fn total(&self) -> u64 {
        self.planned() + self.limited + self.unauthorized
    }

    fn planned(&self) -> u64 {
        self.all().map(|(_, count)| count).sum()
    }

    /// How many requests a client has to send again, logins and downloads included: one for each fault that
    /// [calls for it](FaultKind::calls_for_repetition), and a login more for each 401.
    pub fn repetitions(&self) -> u64 {
        let refused = self.count(FaultKind::Unauthorized) + self.unauthorized;
        self.repeated_calls() + repeated(&self.logins) + repeated(&self.downloads) + refused
    }

    /// The same for calls of operations alone.
    pub fn repeated_calls(&self) -> u64 {
        repeated(&self.calls) + self.limited + self.unauthorized
    }

    /// All that a plan is behind: how many requests went wrong in which way. A kind may come several times.
    pub fn all(&self) -> impl Iterator<Item = (FaultKind, u64)> {
        let calls = self.calls.iter().chain(&self.logins).chain(&self.downloads);
        calls.map(|(kind, count)| (*kind, *count))
    }
}

/// How many requests have to be sent again.
fn repeated(faults: &BTreeMap<FaultKind, u64>) -> u64 {
    faults.iter().filter(|(kind, _)| kind.calls_for_repetition()).map(|(_, count)| count).sum()
}

/// One kind after the other with its count, and `none` if there were none.
impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        let mut say = |what: &str, count: u64| {
            let comma = if std::mem::take(&mut first) { "" } else { ", " };
            write!(f, "{comma}{count} {what}")
        };
        for (kind, count) in &self.calls {
            say(kind.name(), *count)?;
        }
        for (kind, count) in &self.logins {
            say(&format!("{} at the login", kind.name()), *count)?;
        }
        for (kind, count) in &self.downloads {
            say(&format!("{} in a download", kind.name()), *count)?;
        }
        if self.limited > 0 {
            say("over the limit", self.limited)?;
        }
        if self.unauthorized > 0 {
            say("without a good token", self.unauthorized)?;
        }
        if first { f.write_str("none") } else { Ok(()) }
    }
}

/// A plan, and how far it is.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plan: FaultPlan,
    calls: u64,
    logins: u64,
    downloads: u64,
    in_a_row: u64,
    injected: Injected,
}

/// What makes the chances of logins differ from those of calls, and those of downloads from both.
const LOGINS: u64 = 1 << 63;
const DOWNLOADS: u64 = 1 << 62;

impl Faults {
    pub(crate) fn new(plan: FaultPlan) -> Self {
        Self { plan, ..Self::default() }
    }

    pub(crate) fn clock_skew(&self) -> i64 {
        self.plan.clock_skew
    }

    /// A call is refused for its token.
    pub(crate) fn note_unauthorized(&mut self) {
        self.injected.unauthorized += 1;
    }

    pub(crate) fn injected(&self) -> Injected {
        self.injected.clone()
    }

    /// What goes wrong with the next request, which is counted.
    pub(crate) fn next(&mut self, request: Reach) -> Option<FaultKind> {
        let number = match request.door {
            Door::Operation => &mut self.calls,
            Door::Login => &mut self.logins,
            Door::File => &mut self.downloads,
        };
        *number += 1;
        let number = *number;
        let kind = self.planned(number, request);
        match kind {
            Some(kind) => {
                self.in_a_row += 1;
                let injected = &mut self.injected;
                let counts = match request.door {
                    Door::Operation => &mut injected.calls,
                    Door::Login => &mut injected.logins,
                    Door::File => &mut injected.downloads,
                };
                *counts.entry(kind).or_default() += 1;
            }
            None => self.in_a_row = 0,
        }
        kind
    }

    fn planned(&self, number: u64, request: Reach) -> Option<FaultKind> {
        let plan = &self.plan;
        // What is not counted with the calls is spared until the next of them is not.
        let (place, call) = match request.door {
            Door::Operation => (number, number),
            Door::Login => (number | LOGINS, self.calls + 1),
            Door::File => (number | DOWNLOADS, self.calls + 1),
        };
        if let Some(kind) = plan.at.get(&place) {
            return Some(*kind).filter(|kind| kind.reaches(request));
        }
        let injected = self.injected.planned();
        if call < plan.from
            || plan.most.is_some_and(|most| injected >= most)
            || plan.most_in_a_row.is_some_and(|most| self.in_a_row >= most)
        {
            return None;
        }
        let mut chance = unit(mix(mix(plan.seed) ^ mix(place)));
        for (kind, share) in &plan.rates {
            if chance < *share {
                return Some(*kind).filter(|kind| kind.reaches(request));
            }
            chance -= share;
        }
        None
    }
}

/// A number in `0.0..1.0`.
fn unit(number: u64) -> f64 {
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Reach = Reach { door: Door::Operation, has_page_token: false, is_counted: false };
    const LOGIN: Reach = Reach { door: Door::Login, ..CALL };
    const FILE: Reach = Reach { door: Door::File, ..CALL };

    fn run(plan: &FaultPlan, requests: usize) -> Vec<Option<FaultKind>> {
        let mut faults = Faults::new(plan.clone());
        (0..requests).map(|_| faults.next(CALL)).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        for seed in 0..100 {
            let plan = FaultPlan::random(seed);
            assert_eq!(run(&plan, 500), run(&FaultPlan::random(seed), 500));
        }
        assert_ne!(run(&FaultPlan::random(1), 500), run(&FaultPlan::random(2), 500));
    }

    #[test]
    fn rates_hit_as_often_as_they_say() {
        let plan = FaultPlan::seeded(3)
            .rate(FaultKind::BadGateway, 0.2)
            .rate(FaultKind::ServiceUnavailable, 0.1);
        let faults = run(&plan, 10_000);
        let count = |kind| faults.iter().filter(|fault| **fault == Some(kind)).count();
        assert!((1_900..2_100).contains(&count(FaultKind::BadGateway)));
        assert!((900..1_100).contains(&count(FaultKind::ServiceUnavailable)));
    }

    #[test]
    fn faults_are_bounded_as_the_plan_says() {
        let always = FaultPlan::new().rate(FaultKind::BadGateway, 1.0);
        let hits = |plan: FaultPlan| {
            let faults = run(&plan, 8);
            faults.iter().map(|fault| if fault.is_some() { 'x' } else { '.' }).collect::<String>()
        };
        assert_eq!(hits(always.clone()), "xxxxxxxx");
        assert_eq!(hits(always.clone().from(4)), "...xxxxx");
        assert_eq!(hits(always.clone().most(3)), "xxx.....");
        assert_eq!(hits(always.most_in_a_row(2)), "xx.xx.xx");
        let twice = FaultPlan::new().at(2, FaultKind::RateLimited).at(5, FaultKind::BadGateway);
        assert_eq!(hits(twice), ".x..x...");
    }

    #[test]
    fn only_what_can_happen_to_a_request_does() {
        let plan = |kind| Faults::new(FaultPlan::new().rate(kind, 1.0));
        for (kind, request, happens) in [
            (FaultKind::PageTokenRefused, CALL, false),
            (FaultKind::PageTokenRefused, Reach { has_page_token: true, ..CALL }, true),
            (FaultKind::RecordDeleted, CALL, false),
            (FaultKind::RecordDeleted, Reach { is_counted: true, ..CALL }, true),
            (FaultKind::HugeBody, LOGIN, false),
            (FaultKind::RateLimited, LOGIN, true),
            (FaultKind::RateLimited, FILE, false),
            (FaultKind::ResetInBody, FILE, true),
        ] {
            let mut faults = plan(kind);
            assert_eq!(faults.next(request).is_some(), happens, "{kind:?}, {request:?}");
            assert_eq!(faults.injected().total(), u64::from(happens));
        }
    }

    #[test]
    fn what_has_gone_wrong_is_told() {
        let mut faults = Faults::new(FaultPlan::new().at(1, FaultKind::Unauthorized));
        assert_eq!(faults.injected().to_string(), "none");
        faults.next(CALL);
        let mut injected = faults.injected();
        injected.logins.insert(FaultKind::RateLimited, 2);
        injected.downloads.insert(FaultKind::CutInBody, 3);
        injected.calls.insert(FaultKind::SlowBody, 4);
        injected.limited = 1;
        assert_eq!(
            injected.to_string(),
            "4 SlowBody, 1 Unauthorized, 2 RateLimited at the login, 3 CutInBody in a download, 1 over the limit"
        );
        // Twice for the 401: the call and the login.
        assert_eq!((injected.total(), injected.repetitions()), (11, 8));
    }
}
