//! The results of all runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

#[derive(Default)]
pub(crate) struct Table {
    /// By scheme and scenario: how many operations passed and failed.
    cells: BTreeMap<(String, String), (usize, usize)>,
    /// By scheme, and by scenario: the operations that were run.
    operations: BTreeMap<String, BTreeSet<String>>,
    /// The scenario and message of each failure.
    failures: Vec<(String, String)>,
    /// Operations that skipped a scenario, by reason.
    left_out: BTreeMap<&'static str, BTreeSet<String>>,
    pub(crate) requests: u64,
    /// Whether the scenarios are lies.
    is_of_lies: bool,
}

impl Table {
    /// Creates a table of lies, which are caught or not.
    pub(crate) fn of_lies() -> Self {
        Self { is_of_lies: true, ..Self::default() }
    }

    pub(crate) fn note(
        &mut self,
        scheme: &str,
        scenario: &str,
        operation: &str,
        result: Result<(), String>,
    ) {
        let (passed, failed) =
            self.cells.entry((scheme.to_owned(), scenario.to_owned())).or_default();
        for row in [scheme, scenario] {
            self.operations.entry(row.to_owned()).or_default().insert(operation.to_owned());
        }
        match result {
            Ok(()) => *passed += 1,
            Err(why) => {
                *failed += 1;
                let why = format!("{operation} ({scheme}), {scenario}: {why}");
                self.failures.push((scenario.to_owned(), why));
            }
        }
    }

    pub(crate) fn leave_out(&mut self, operation: &str, why: &'static str) {
        self.left_out.entry(why).or_default().insert(operation.to_owned());
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (key, (passed, failed)) in other.cells {
            let cell = self.cells.entry(key).or_default();
            cell.0 += passed;
            cell.1 += failed;
        }
        for (row, operations) in other.operations {
            self.operations.entry(row).or_default().extend(operations);
        }
        self.failures.extend(other.failures);
        for (why, operations) in other.left_out {
            self.left_out.entry(why).or_default().extend(operations);
        }
        self.requests += other.requests;
    }

    pub(crate) fn has_failed(&self) -> bool {
        !self.failures.is_empty()
    }

    pub(crate) fn as_matrix(&self) -> Matrix<'_> {
        Matrix(self)
    }

    /// Prints failures, up to `shown` per scenario, and counts.
    fn sum_up(&self, f: &mut fmt::Formatter<'_>, shown: usize) -> fmt::Result {
        let mut of_each: BTreeMap<&str, usize> = BTreeMap::new();
        let mut left_out = 0;
        for (scenario, why) in &self.failures {
            let count = of_each.entry(scenario).or_default();
            *count += 1;
            match *count <= shown {
                true => writeln!(f, "FAILED {why}")?,
                false => left_out += 1,
            }
        }
        if left_out > 0 {
            writeln!(f, "and {left_out} more")?;
        }
        for (why, operations) in &self.left_out {
            let names: Vec<&str> = operations.iter().map(String::as_str).collect();
            writeln!(f, "not all scenarios: {}: {why}", names.join(", "))?;
        }
        let counts = self.cells.values();
        let (passed, failed) =
            counts.fold((0, 0), |(a, b), (passed, failed)| (a + passed, b + failed));
        match self.is_of_lies {
            true => {
                let lies = passed + failed;
                writeln!(f, "{lies} lies, {passed} caught, {} requests", self.requests)
            }
            false => writeln!(f, "{passed} passed, {failed} failed, {} requests", self.requests),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |wanted: &dyn Fn(&(String, String)) -> bool| {
            let cells = self.cells.iter().filter(|(key, _)| wanted(key));
            cells.fold((0, 0), |(a, b), (_, (passed, failed))| (a + passed, b + failed))
        };
        let (what, [first, second]) = match self.is_of_lies {
            true => ("lie", ["lied", "caught"]),
            false => ("scenario", ["passed", "failed"]),
        };
        for (title, by) in [("scheme", 0), (what, 1)] {
            writeln!(f, "{title:<34}{:>10}{first:>10}{second:>10}", "operations")?;
            let name = |key: &(String, String)| if by == 0 { key.0.clone() } else { key.1.clone() };
            let mut names: Vec<String> = self.cells.keys().map(name).collect();
            names.sort();
            names.dedup();
            for wanted in names {
                let (passed, failed) = count(&|key| name(key) == wanted);
                let operations = self.operations.get(&wanted).map_or(0, BTreeSet::len);
                let (first, second) = match self.is_of_lies {
                    true => (passed + failed, passed),
                    false => (passed, failed),
                };
                writeln!(f, "{wanted:<34}{operations:>10}{first:>10}{second:>10}")?;
            }
            writeln!(f)?;
        }
        self.sum_up(f, 4)
    }
}

/// Kinds of results from left to right, and scenarios from top to bottom.
pub(crate) struct Matrix<'a>(&'a Table);

impl fmt::Display for Matrix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(table) = self;
        let kinds: BTreeSet<&String> = table.cells.keys().map(|(kind, _)| kind).collect();
        let scenarios: BTreeSet<&String> = table.cells.keys().map(|(_, it)| it).collect();
        let letters = || ('a'..='z').zip(&kinds);
        for (letter, kind) in letters() {
            let operations = table.operations.get(*kind).map_or(0, BTreeSet::len);
            writeln!(f, "{letter}  {kind}: {operations} submits")?;
        }
        write!(f, "\n{:<22}", "runs/failed")?;
        letters().try_for_each(|(letter, _)| write!(f, "{letter:>8}"))?;
        writeln!(f)?;
        for scenario in scenarios {
            write!(f, "{scenario:<22}")?;
            for kind in &kinds {
                match table.cells.get(&((*kind).clone(), scenario.clone())) {
                    Some((passed, 0)) => write!(f, "{passed:>8}")?,
                    Some((passed, failed)) => {
                        write!(f, "{:>8}", format!("{}/{failed}", passed + failed))?;
                    }
                    None => write!(f, "{:>8}", "-")?,
                }
            }
            writeln!(f)?;
        }
        writeln!(f)?;
        table.sum_up(f, usize::MAX)
    }
}
