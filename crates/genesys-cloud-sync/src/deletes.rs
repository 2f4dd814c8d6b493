//! The decision whether rows that were not read may be deleted.

use std::fmt;

use genesys_cloud_core::Verdict;
use serde::{Deserialize, Serialize};

/// What happens to the row of a record that was deleted in the org.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Deletes {
    /// The row stays as it is.
    Keep,
    /// The row stays, with the time in `_deleted_at`.
    #[default]
    Mark,
    /// The row is removed.
    Remove,
}

impl Deletes {
    /// All choices, as written in a plan.
    pub(crate) const NAMES: [(&'static str, Self); 3] =
        [("keep", Self::Keep), ("mark", Self::Mark), ("remove", Self::Remove)];
}

/// The largest share of rows that a run may delete.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxDeletes(f64);

impl MaxDeletes {
    /// Creates a limit in percent, from 0 to 100. `None` outside these bounds.
    pub fn percent(percent: f64) -> Option<Self> {
        (0.0..=100.0).contains(&percent).then_some(Self(percent))
    }

    /// Any number of rows.
    pub const UNLIMITED: Self = Self(100.0);
}

/// 20 %.
impl Default for MaxDeletes {
    fn default() -> Self {
        Self(20.0)
    }
}

impl fmt::Display for MaxDeletes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

/// What is known about the rows that were not read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Whether everything in the scope was read.
    pub verdict: Verdict,
    /// Records that could not be attributed to a row, because they have no key. One of them may be a row that seems to
    /// be missing.
    pub without_key: u64,
    /// Rows in the scope that are not deleted.
    pub existing: u64,
    /// Those of them that were not read.
    pub missing: u64,
}

/// Whether missing rows are deleted, and why not.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// They are marked or removed. There may be none.
    Delete,
    /// The plan keeps them.
    KeptByPlan,
    /// The list may be incomplete.
    Unproven(Verdict),
    /// Records without a key were read.
    WithoutKey(u64),
    /// There are more than [`MaxDeletes`] allows.
    TooMany {
        /// Missing rows.
        missing: u64,
        /// Rows in the scope.
        existing: u64,
        /// The limit.
        limit: MaxDeletes,
    },
}

impl Decision {
    /// Decides about the missing rows of a scope.
    ///
    /// They are deleted only if the scope was read completely, and only as many as the limit allows.
    pub fn of(deletes: Deletes, evidence: Evidence, limit: MaxDeletes) -> Self {
        let Evidence { verdict, without_key, existing, missing } = evidence;
        match verdict {
            _ if deletes == Deletes::Keep => Self::KeptByPlan,
            Verdict::Complete if without_key > 0 => Self::WithoutKey(without_key),
            Verdict::Complete if is_above(missing, existing, limit) => {
                Self::TooMany { missing, existing, limit }
            }
            Verdict::Complete => Self::Delete,
            verdict => Self::Unproven(verdict),
        }
    }

    /// Returns whether missing rows are deleted.
    pub fn is_delete(self) -> bool {
        self == Self::Delete
    }

    /// Returns whether rows are missing that a later run may still delete.
    pub(crate) fn is_withheld(self) -> bool {
        matches!(self, Self::TooMany { .. } | Self::WithoutKey(_))
    }
}

fn is_above(missing: u64, existing: u64, limit: MaxDeletes) -> bool {
    missing as f64 * 100.0 > limit.0 * existing as f64
}

/// Says why missing rows are kept.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delete => f.write_str("deleted rows were proven"),
            Self::KeptByPlan => f.write_str("the plan keeps deleted rows"),
            Self::Unproven(verdict) => write!(f, "nothing was deleted: the list is {verdict}"),
            Self::WithoutKey(records) => {
                write!(f, "nothing was deleted: {records} records have no key")
            }
            Self::TooMany { missing, existing, limit } => write!(
                f,
                "nothing was deleted: {missing} of {existing} rows are missing, more than `max_deletes` ({limit})"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use genesys_cloud_core::Reason;

    use super::*;

    #[test]
    fn rows_are_deleted_only_on_proof_and_within_the_limit() {
        let complete = Verdict::Complete;
        let twenty = MaxDeletes::default();
        let none = MaxDeletes::percent(0.0).expect("a limit");
        let too_many = |missing, existing, limit| Decision::TooMany { missing, existing, limit };
        for (deletes, verdict, without_key, existing, missing, limit, expected) in [
            (Deletes::Mark, complete, 0, 100, 20, twenty, Decision::Delete),
            (Deletes::Remove, complete, 0, 100, 20, twenty, Decision::Delete),
            (Deletes::Mark, complete, 0, 100, 21, twenty, too_many(21, 100, twenty)),
            (Deletes::Remove, complete, 0, 100, 100, twenty, too_many(100, 100, twenty)),
            (Deletes::Mark, complete, 0, 100, 100, MaxDeletes::UNLIMITED, Decision::Delete),
            (Deletes::Mark, complete, 0, 100, 0, none, Decision::Delete),
            (Deletes::Mark, complete, 0, 100, 1, none, too_many(1, 100, none)),
            (Deletes::Mark, complete, 0, 0, 0, none, Decision::Delete),
            (Deletes::Mark, complete, 2, 100, 1, twenty, Decision::WithoutKey(2)),
            (Deletes::Keep, complete, 0, 100, 1, twenty, Decision::KeptByPlan),
            (Deletes::Keep, complete, 0, 100, 100, twenty, Decision::KeptByPlan),
        ] {
            let evidence = Evidence { verdict, without_key, existing, missing };
            assert_eq!(Decision::of(deletes, evidence, limit), expected, "{evidence:?}");
        }
        for verdict in [
            Verdict::Truncated(Reason::Cap),
            Verdict::Drifted(Reason::Moved),
            Verdict::Unknown(Reason::Unfinished),
        ] {
            let evidence = Evidence { verdict, without_key: 0, existing: 100, missing: 1 };
            for deletes in [Deletes::Mark, Deletes::Remove] {
                let decision = Decision::of(deletes, evidence, MaxDeletes::UNLIMITED);
                assert_eq!(decision, Decision::Unproven(verdict));
            }
        }
    }

    #[test]
    fn a_limit_is_a_percentage() {
        for percent in [-1.0, 100.5, f64::NAN, f64::INFINITY] {
            assert_eq!(MaxDeletes::percent(percent), None);
        }
        assert_eq!(MaxDeletes::percent(12.5).map(|it| it.to_string()).as_deref(), Some("12.5 %"));
    }
}
