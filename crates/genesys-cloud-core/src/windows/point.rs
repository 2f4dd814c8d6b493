//! How far a range has been read, to go on from there later.

mod form;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::Plan;
use super::report::WindowsReport;
use crate::checkpoint::Checkpoint;
use crate::jobs::SavedJob;
use crate::paging::{ListPoint, Subject};

pub(crate) use form::RangeForm;

/// A place in a range, between two of its items.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RangePoint {
    /// The call, with the whole range for its interval.
    pub(crate) subject: Arc<Subject>,
    pub(super) plan: Plan,
    /// The pieces that had begun and not ended, by their place in the plan.
    pub(super) lists: BTreeMap<usize, ListPoint>,
    /// The ids of the items that were handed out last, as hashes, the last one last.
    pub(super) known: Vec<u64>,
    /// How many more there were.
    pub(super) forgotten: u64,
    /// The most that a piece may say that it holds, where that is known.
    pub(super) most: Option<u64>,
    /// What was read, without the pieces that had not ended.
    pub(super) report: WindowsReport,
}

impl RangePoint {
    pub(crate) const fn items(&self) -> u64 {
        self.report.items
    }

    /// The jobs of the pieces that had begun, in their order.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &SavedJob> {
        self.lists.values().filter_map(|list| list.job.as_ref())
    }

    pub(crate) const fn has_ended(&self) -> bool {
        self.report.ended
    }
}

/// What a range goes on from: a [`Plan`] or a [`Checkpoint`]; see [`Windows::resume`](super::Windows::resume).
#[derive(Clone, Debug)]
pub struct WindowsFrom(pub(super) Origin);

#[derive(Clone, Debug)]
pub(super) enum Origin {
    Plan(Plan),
    /// `None` where it is of no range.
    Point(Option<Box<RangePoint>>),
}

impl From<Plan> for WindowsFrom {
    fn from(plan: Plan) -> Self {
        Self(Origin::Plan(plan))
    }
}

impl From<&Checkpoint> for WindowsFrom {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self(Origin::Point(checkpoint.range().cloned().map(Box::new)))
    }
}
