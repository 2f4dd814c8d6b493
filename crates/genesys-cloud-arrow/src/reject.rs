//! What happens to values that do not fit their column.

use genesys_cloud_core::Fault;
use serde_json::value::RawValue;

/// What was wrong with a record that was skipped, or that has nulls instead of bad values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// The values that do not fit. Of a record that is skipped, the first one.
    pub faults: Vec<Fault>,
    /// Whether the record was skipped.
    pub is_skipped: bool,
}

/// A record that was skipped, or that has nulls instead of bad values.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Rejected<'a> {
    /// The position of the record in the list; the first one has 0.
    pub index: u64,
    /// The record as the API sent it. It may be long and contain personal data.
    pub record: &'a RawValue,
    /// The values that do not fit. Of a record that is skipped, the first one.
    pub faults: &'a [Fault],
    /// Whether the record was skipped.
    pub is_skipped: bool,
}

/// Counts of values that were changed to fit their column. They are not faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// Texts with half of a surrogate pair, which became U+FFFD.
    pub replaced: u64,
    /// Times with more digits than microseconds, which were truncated.
    pub truncated: u64,
    /// Times out of range, which became the largest or smallest time.
    pub clamped: u64,
}

/// How a value was changed to fit its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Replaced,
    Truncated,
    Clamped,
}

impl Changes {
    pub(crate) fn add(&mut self, change: Change) {
        *match change {
            Change::Replaced => &mut self.replaced,
            Change::Truncated => &mut self.truncated,
            Change::Clamped => &mut self.clamped,
        } += 1;
    }
}
