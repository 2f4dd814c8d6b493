//! Errors of plans.

use std::fmt;

/// The faults of a plan, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    pub(super) name: String,
    pub(super) faults: Vec<Fault>,
}

/// One fault of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    line: usize,
    column: usize,
    text: String,
    advice: Option<String>,
}

impl PlanError {
    /// Returns the faults. There is at least one.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl Fault {
    pub(super) fn new((line, column): (usize, usize), wrong: Wrong) -> Self {
        let Wrong { text, advice } = wrong;
        Self { line, column, text, advice }
    }

    /// Returns the line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns what is wrong.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what to do.
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}

/// All faults, each on its own line with file, line and column.
impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Fault { line, column, text, advice }) in self.faults.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{line}:{column}: {text}", self.name)?;
            if let Some(advice) = advice {
                write!(f, "; {advice}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for PlanError {}

/// What is wrong at some place, and what to do.
#[derive(Debug)]
pub(super) struct Wrong {
    text: String,
    advice: Option<String>,
}

impl Wrong {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), advice: None }
    }

    pub(super) fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

/// Describes an unknown name with similar ones, or else all names.
pub(super) fn unknown(text: String, name: &str, known: &[String]) -> Wrong {
    let near = nearest(name, known.iter().cloned(), 2);
    let wrong = Wrong::new(text);
    match (near.is_empty(), known) {
        (false, _) => wrong.advise(format!("did you mean {}?", quoted(&near))),
        (true, []) => wrong,
        (true, known) => wrong.advise(format!("expected one of {}", known.join(", "))),
    }
}

/// Returns similar names, the most similar first.
pub(super) fn nearest(
    name: &str,
    names: impl IntoIterator<Item = String>,
    most: usize,
) -> Vec<String> {
    let wanted = name.to_lowercase();
    let bound = (wanted.chars().count() / 3).max(2);
    let distance = |known: &String| strsim::osa_distance(&wanted, &known.to_lowercase());
    let mut near: Vec<(usize, String)> =
        names.into_iter().map(|known| (distance(&known), known)).collect();
    near.retain(|(distance, _)| *distance <= bound);
    near.sort();
    near.dedup();
    near.into_iter().take(most).map(|(_, name)| name).collect()
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}
