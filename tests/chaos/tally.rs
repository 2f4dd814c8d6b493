//! Statistics of many runs.

use std::collections::BTreeMap;
use std::fmt;

use genesys_cloud_mock::{FaultKind, Injected};

use crate::run::Outcome;
use crate::tree::Outcome as TreeOutcome;

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    items: u64,
    errors: u64,
    faults: BTreeMap<FaultKind, u64>,
    limited: u64,
    /// The faults in downloads.
    in_downloads: u64,
    /// In the runs that compare them: all requests, those beyond the run without faults, and those required by
    /// faults.
    calls: u64,
    extra: u64,
    required: u64,
    stops: u64,
    /// The runs of trees, and how often they were killed.
    trees: u64,
    kills: u64,
    /// The runs with insertions and deletions, and their effect on records.
    moving: u64,
    missed: u64,
    doubled: u64,
    /// By scheme: the runs in which the org lied, and those in which the lie was detected or harmless.
    lies: BTreeMap<String, (u64, u64)>,
    /// Simulated time, in seconds.
    passed: u64,
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.items += outcome.keys.len() as u64;
        self.errors += outcome.errors.len() as u64;
        self.passed += outcome.passed;
        self.stops += outcome.stops;
        self.injected(&outcome.injected);
    }

    fn injected(&mut self, injected: &Injected) {
        self.limited += injected.limited;
        self.in_downloads += injected.downloads.values().sum::<u64>();
        for (kind, count) in injected.all() {
            *self.faults.entry(kind).or_default() += count;
        }
    }

    pub(crate) fn add_tree(&mut self, outcome: &TreeOutcome) {
        self.trees += 1;
        self.items += outcome.items.len() as u64;
        self.errors += outcome.errors.len() as u64;
        self.passed += outcome.passed;
        self.stops += outcome.stops;
        self.kills += outcome.kills;
        self.injected(&outcome.injected);
    }

    pub(crate) fn calls(&mut self, calls: u64, extra: u64, required: u64) {
        self.calls += calls;
        self.extra += extra;
        self.required += required;
    }

    pub(crate) fn moved(&mut self, missed: u64, doubled: u64) {
        self.moving += 1;
        self.missed += missed;
        self.doubled += doubled;
    }

    pub(crate) fn lied(&mut self, scheme: String, lies: u64, is_caught: bool) {
        if lies > 0 {
            let (lied, caught) = self.lies.entry(scheme).or_default();
            *lied += 1;
            *caught += u64::from(is_caught);
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.runs += other.runs;
        self.items += other.items;
        self.errors += other.errors;
        self.limited += other.limited;
        self.in_downloads += other.in_downloads;
        self.calls += other.calls;
        self.extra += other.extra;
        self.required += other.required;
        self.stops += other.stops;
        self.trees += other.trees;
        self.kills += other.kills;
        self.moving += other.moving;
        self.missed += other.missed;
        self.doubled += other.doubled;
        self.passed += other.passed;
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (scheme, (lied, caught)) in other.lies {
            let of = self.lies.entry(scheme).or_default();
            *of = (of.0 + lied, of.1 + caught);
        }
        self.failures.extend(other.failures);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, count) in &self.faults {
            writeln!(f, "{:<26}{count:>10}", kind.name())?;
        }
        writeln!(f, "{:<26}{:>10}", "over the rate limit", self.limited)?;
        writeln!(f, "{:<26}{:>10}", "of these, in downloads", self.in_downloads)?;
        writeln!(f, "\n{:<26}{:>10}{:>10}", "runs with lies", "lied", "caught")?;
        for (scheme, (lied, caught)) in &self.lies {
            writeln!(f, "{scheme:<26}{lied:>10}{caught:>10}")?;
        }
        let all = self.lies.values().fold((0, 0), |all, of| (all.0 + of.0, all.1 + of.1));
        writeln!(f, "{:<26}{:>10}{:>10}", "all", all.0, all.1)?;
        let ratio = match self.required {
            0 => 0.0,
            required => 100.0 * self.extra as f64 / required as f64,
        };
        writeln!(
            f,
            "\n{} runs, {} of them trees, killed {} times: {} items, {} errors, {} stops, {} simulated hours",
            self.runs,
            self.trees,
            self.kills,
            self.items,
            self.errors,
            self.stops,
            self.passed / 3_600,
        )?;
        writeln!(
            f,
            "{} requests with faults, {} more than without; faults required {}: {ratio:.1} %",
            self.calls, self.extra, self.required,
        )?;
        writeln!(
            f,
            "{} lists changed: {} records missed and {} repeated, all reported",
            self.moving, self.missed, self.doubled,
        )?;
        write!(f, "{} failed", self.failures.len())
    }
}
