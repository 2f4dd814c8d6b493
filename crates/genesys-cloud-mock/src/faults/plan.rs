use std::collections::BTreeMap;
use std::fmt;

use super::kind::{FaultKind, RequestKind, RequestTraits};
use crate::rng::mix;

/// Which requests fail, and how: at random, or at given requests.
///
/// Faults depend on the seed and the order of the requests: the same requests in the same order get the same
/// faults. Calls of operations with a valid token are numbered from 1. Logins and downloads are numbered
/// separately, and get only the faults that apply to them.
///
/// ```
/// use genesys_cloud_mock::{FaultKind, FaultPlan, MockOrg};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // One call in ten is answered with 503, one in twenty gets no response, and the third gets a 429.
/// let plan = FaultPlan::seeded(7)
///     .rate(FaultKind::ServiceUnavailable, 0.1)
///     .rate(FaultKind::ResetBeforeResponse, 0.05)
///     .at(3, FaultKind::RateLimited);
/// let org = MockOrg::builder().faults(plan).start().await?;
/// // .. your client reads a list ..
/// let injected = org.injected();
/// println!("{injected}: {} retries are required", injected.required_retries());
/// # assert_eq!(injected.total(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "a plan does nothing until it is given to an org"]
pub struct FaultPlan {
    seed: u64,
    rates: Vec<(FaultKind, f64)>,
    at: BTreeMap<u64, FaultKind>,
    starting_at: u64,
    max_faults: Option<u64>,
    max_consecutive: Option<u64>,
    clock_skew: i64,
}

impl FaultPlan {
    /// Creates a plan without faults, with seed 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a plan without faults. The seed selects the requests that its rates affect.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Creates a random plan: one to six kinds of faults, each at a rate of up to 10 %, after which the same
    /// request succeeds. A client should lose nothing.
    pub fn random(seed: u64) -> Self {
        let mut plan = Self::seeded(seed);
        let kinds: Vec<FaultKind> =
            FaultKind::ALL.iter().copied().filter(|kind| kind.passes()).collect();
        let draw = |index: u64| mix(mix(seed) ^ index);
        for index in 0..1 + draw(0) % 6 {
            let kind = kinds[(draw(2 * index + 1) % kinds.len() as u64) as usize];
            plan = plan.rate(kind, 0.1 * unit(draw(2 * index + 2)));
        }
        plan
    }

    /// Makes a share of requests fail, from 0 to 1, where 1 is every request that the fault applies to. The
    /// shares of several kinds add up, and a request has at most one fault.
    pub fn rate(mut self, kind: FaultKind, share: f64) -> Self {
        self.rates.push((kind, share));
        self
    }

    /// Makes one request fail, regardless of the rates; the first is number 1. If the fault does not apply to
    /// the request, it succeeds.
    pub fn at(mut self, request: u64, kind: FaultKind) -> Self {
        self.at.insert(request, kind);
        self
    }

    /// Starts with this request. Logins and downloads before it do not fail either.
    pub fn starting_at(mut self, request: u64) -> Self {
        self.starting_at = request;
        self
    }

    /// Stops after this many faults.
    pub fn max_faults(mut self, faults: u64) -> Self {
        self.max_faults = Some(faults);
        self
    }

    /// Lets a request pass after this many consecutive faults.
    pub fn max_consecutive(mut self, faults: u64) -> Self {
        self.max_consecutive = Some(faults);
        self
    }

    /// Sets the clock of the service ahead by this many seconds, or back if negative. This affects the `date`
    /// header, dates in `Retry-After` and in jobs, and `expires_in` of logins, which becomes too high or, down
    /// to 0, too low.
    pub fn clock_skew(mut self, seconds: i64) -> Self {
        self.clock_skew = seconds;
        self
    }
}

impl FaultKind {
    /// Whether the same request then succeeds, with an unchanged list.
    fn passes(self) -> bool {
        let moves = matches!(self, Self::RecordInserted | Self::RecordDeleted);
        !moves && self != Self::PageTokensExpired
    }
}

/// The faults injected by a [`FaultPlan`], from [`MockOrg::injected`](crate::MockOrg::injected).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Injected {
    /// Failed calls of operations, by kind.
    pub calls: BTreeMap<FaultKind, u64>,
    /// Failed logins, by kind.
    pub logins: BTreeMap<FaultKind, u64>,
    /// Failed downloads, by kind.
    pub downloads: BTreeMap<FaultKind, u64>,
    /// Calls refused because of the rate limit, apart from the plan.
    pub limited: u64,
    /// Calls refused because their access token was expired or unknown, apart from the plan.
    pub unauthorized: u64,
}

impl Injected {
    /// Returns how many requests failed in this way.
    pub fn count(&self, kind: FaultKind) -> u64 {
        self.all().filter(|(known, _)| *known == kind).map(|(_, count)| count).sum()
    }

    /// Returns how many requests failed in any way, including those apart from the plan.
    pub fn total(&self) -> u64 {
        self.planned() + self.limited + self.unauthorized
    }

    fn planned(&self) -> u64 {
        self.all().map(|(_, count)| count).sum()
    }

    /// Returns how many requests a client has to repeat, including logins and downloads: one for each fault
    /// that [requires it](FaultKind::requires_retry), and one more login for each 401.
    pub fn required_retries(&self) -> u64 {
        let refused = self.count(FaultKind::Unauthorized) + self.unauthorized;
        self.required_call_retries() + repeated(&self.logins) + repeated(&self.downloads) + refused
    }

    /// Like [`required_retries`](Self::required_retries), for calls of operations only.
    pub fn required_call_retries(&self) -> u64 {
        repeated(&self.calls) + self.limited + self.unauthorized
    }

    /// Returns the planned faults by kind. A kind may occur several times.
    pub fn all(&self) -> impl Iterator<Item = (FaultKind, u64)> {
        let calls = self.calls.iter().chain(&self.logins).chain(&self.downloads);
        calls.map(|(kind, count)| (*kind, *count))
    }
}

/// The number of requests that have to be repeated.
fn repeated(faults: &BTreeMap<FaultKind, u64>) -> u64 {
    faults.iter().filter(|(kind, _)| kind.requires_retry()).map(|(_, count)| count).sum()
}

/// The kinds with their counts, or `none`.
impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        let mut push = |what: &str, count: u64| {
            let comma = if std::mem::take(&mut first) { "" } else { ", " };
            write!(f, "{comma}{count} {what}")
        };
        for (kind, count) in &self.calls {
            push(kind.name(), *count)?;
        }
        for (kind, count) in &self.logins {
            push(&format!("{} at login", kind.name()), *count)?;
        }
        for (kind, count) in &self.downloads {
            push(&format!("{} in a download", kind.name()), *count)?;
        }
        if self.limited > 0 {
            push("over the limit", self.limited)?;
        }
        if self.unauthorized > 0 {
            push("without a valid token", self.unauthorized)?;
        }
        if first { f.write_str("none") } else { Ok(()) }
    }
}

/// A plan and its progress.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plan: FaultPlan,
    calls: u64,
    logins: u64,
    downloads: u64,
    in_a_row: u64,
    injected: Injected,
}

/// Distinguish the random numbers of logins and downloads from those of calls.
const LOGINS: u64 = 1 << 63;
const DOWNLOADS: u64 = 1 << 62;

impl Faults {
    pub(crate) fn new(plan: FaultPlan) -> Self {
        Self { plan, ..Self::default() }
    }

    pub(crate) fn clock_skew(&self) -> i64 {
        self.plan.clock_skew
    }

    /// Records a call that was refused for its access token.
    pub(crate) fn note_unauthorized(&mut self) {
        self.injected.unauthorized += 1;
    }

    pub(crate) fn injected(&self) -> Injected {
        self.injected.clone()
    }

    /// Counts the next request, and returns its fault.
    pub(crate) fn next(&mut self, request: RequestTraits) -> Option<FaultKind> {
        let number = match request.kind {
            RequestKind::Operation => &mut self.calls,
            RequestKind::Login => &mut self.logins,
            RequestKind::File => &mut self.downloads,
        };
        *number += 1;
        let number = *number;
        let kind = self.planned(number, request);
        match kind {
            Some(kind) => {
                self.in_a_row += 1;
                let injected = &mut self.injected;
                let counts = match request.kind {
                    RequestKind::Operation => &mut injected.calls,
                    RequestKind::Login => &mut injected.logins,
                    RequestKind::File => &mut injected.downloads,
                };
                *counts.entry(kind).or_default() += 1;
            }
            None => self.in_a_row = 0,
        }
        kind
    }

    fn planned(&self, number: u64, request: RequestTraits) -> Option<FaultKind> {
        let plan = &self.plan;
        // Logins and downloads start to fail with the next call.
        let (index, call) = match request.kind {
            RequestKind::Operation => (number, number),
            RequestKind::Login => (number | LOGINS, self.calls + 1),
            RequestKind::File => (number | DOWNLOADS, self.calls + 1),
        };
        if let Some(kind) = plan.at.get(&index) {
            return Some(*kind).filter(|kind| kind.applies_to(request));
        }
        let injected = self.injected.planned();
        if call < plan.starting_at
            || plan.max_faults.is_some_and(|most| injected >= most)
            || plan.max_consecutive.is_some_and(|most| self.in_a_row >= most)
        {
            return None;
        }
        let mut random = unit(mix(mix(plan.seed) ^ mix(index)));
        for (kind, share) in &plan.rates {
            if random < *share {
                return Some(*kind).filter(|kind| kind.applies_to(request));
            }
            random -= share;
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

    const CALL: RequestTraits =
        RequestTraits { kind: RequestKind::Operation, has_page_token: false, is_counted: false };
    const LOGIN: RequestTraits = RequestTraits { kind: RequestKind::Login, ..CALL };
    const FILE: RequestTraits = RequestTraits { kind: RequestKind::File, ..CALL };

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
    fn faults_occur_at_the_given_rates() {
        let plan = FaultPlan::seeded(3)
            .rate(FaultKind::BadGateway, 0.2)
            .rate(FaultKind::ServiceUnavailable, 0.1);
        let faults = run(&plan, 10_000);
        let count = |kind| faults.iter().filter(|fault| **fault == Some(kind)).count();
        assert!((1_900..2_100).contains(&count(FaultKind::BadGateway)));
        assert!((900..1_100).contains(&count(FaultKind::ServiceUnavailable)));
    }

    #[test]
    fn faults_keep_the_bounds_of_the_plan() {
        let always = FaultPlan::new().rate(FaultKind::BadGateway, 1.0);
        let hits = |plan: FaultPlan| {
            let faults = run(&plan, 8);
            faults.iter().map(|fault| if fault.is_some() { 'x' } else { '.' }).collect::<String>()
        };
        assert_eq!(hits(always.clone()), "xxxxxxxx");
        assert_eq!(hits(always.clone().starting_at(4)), "...xxxxx");
        assert_eq!(hits(always.clone().max_faults(3)), "xxx.....");
        assert_eq!(hits(always.max_consecutive(2)), "xx.xx.xx");
        let twice = FaultPlan::new().at(2, FaultKind::RateLimited).at(5, FaultKind::BadGateway);
        assert_eq!(hits(twice), ".x..x...");
    }

    #[test]
    fn only_applicable_faults_occur() {
        let plan = |kind| Faults::new(FaultPlan::new().rate(kind, 1.0));
        for (kind, request, happens) in [
            (FaultKind::PageTokenRefused, CALL, false),
            (FaultKind::PageTokenRefused, RequestTraits { has_page_token: true, ..CALL }, true),
            (FaultKind::RecordDeleted, CALL, false),
            (FaultKind::RecordDeleted, RequestTraits { is_counted: true, ..CALL }, true),
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
    fn displays_the_injected_faults() {
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
            "4 SlowBody, 1 Unauthorized, 2 RateLimited at login, 3 CutInBody in a download, 1 over the limit"
        );
        // The 401 requires two retries: the call and the login.
        assert_eq!((injected.total(), injected.required_retries()), (11, 8));
    }
}
