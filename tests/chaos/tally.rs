//! The figures of many runs.

use std::collections::BTreeMap;
use std::fmt;

use genesys_cloud_mock::FaultKind;

use crate::run::Came;

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    items: u64,
    errors: u64,
    faults: BTreeMap<FaultKind, u64>,
    limited: u64,
    /// How many of the faults were in downloads.
    in_downloads: u64,
    /// Of the runs in which they are compared: all requests, those more than without faults, and how many
    /// faults called for one.
    calls: u64,
    extra: u64,
    due: u64,
    stops: u64,
    /// Of the runs in which records came and went: how many, and what became of records.
    moving: u64,
    missed: u64,
    doubled: u64,
    /// By scheme: in how many runs the org lied, and in how many of them that was noticed or did no harm.
    lies: BTreeMap<String, (u64, u64)>,
    /// Simulated, in seconds.
    passed: u64,
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, came: &Came) {
        self.items += came.keys.len() as u64;
        self.errors += came.errors.len() as u64;
        self.passed += came.passed;
        self.stops += came.stops;
        self.limited += came.injected.limited;
        self.in_downloads += came.injected.downloads.values().sum::<u64>();
        for (kind, count) in came.injected.all() {
            *self.faults.entry(kind).or_default() += count;
        }
    }

    pub(crate) fn calls(&mut self, calls: u64, extra: u64, due: u64) {
        self.calls += calls;
        self.extra += extra;
        self.due += due;
    }

    pub(crate) fn moved(&mut self, missed: u64, doubled: u64) {
        self.moving += 1;
        self.missed += missed;
        self.doubled += doubled;
    }

    pub(crate) fn lied(&mut self, scheme: String, told: u64, is_caught: bool) {
        if told > 0 {
            let (told, caught) = self.lies.entry(scheme).or_default();
            *told += 1;
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
        self.due += other.due;
        self.stops += other.stops;
        self.moving += other.moving;
        self.missed += other.missed;
        self.doubled += other.doubled;
        self.passed += other.passed;
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (scheme, (told, caught)) in other.lies {
            let of = self.lies.entry(scheme).or_default();
            *of = (of.0 + told, of.1 + caught);
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
        writeln!(f, "{:<26}{:>10}", "of all, in downloads", self.in_downloads)?;
        writeln!(f, "\n{:<26}{:>10}{:>10}", "runs with lies", "told", "caught")?;
        for (scheme, (told, caught)) in &self.lies {
            writeln!(f, "{scheme:<26}{told:>10}{caught:>10}")?;
        }
        let all = self.lies.values().fold((0, 0), |all, of| (all.0 + of.0, all.1 + of.1));
        writeln!(f, "{:<26}{:>10}{:>10}", "all", all.0, all.1)?;
        let ratio = match self.due {
            0 => 0.0,
            due => 100.0 * self.extra as f64 / due as f64,
        };
        writeln!(
            f,
            "\n{} runs: {} items, {} errors, {} stops, {} hours went by",
            self.runs,
            self.items,
            self.errors,
            self.stops,
            self.passed / 3_600,
        )?;
        writeln!(
            f,
            "{} requests in storms, {} more than without faults, of which {} called for one: {ratio:.1} %",
            self.calls, self.extra, self.due,
        )?;
        writeln!(
            f,
            "{} lists moved: {} records were missed and {} came twice, and all were told",
            self.moving, self.missed, self.doubled,
        )?;
        write!(f, "{} failed", self.failures.len())
    }
}
