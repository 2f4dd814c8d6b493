//! A position in a range, from which it can be resumed.

mod wire_format;

use std::collections::{BTreeMap, HashMap};

use super::plan::{Plan, WindowState};
use super::report::WindowsReport;
use crate::interval::Interval;
use crate::paging::ListPoint;
use crate::saved_job::SavedJob;

pub(crate) use wire_format::RangeForm;

/// A position between two items of a range.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RangePoint {
    pub(super) plan: Plan,
    /// The windows that had been started and not closed, by their index in the plan.
    pub(super) lists: BTreeMap<usize, WindowPoint>,
    /// Hashes of the ids of the last items delivered, in order of delivery.
    pub(super) recent_ids: Vec<u64>,
    /// How many earlier ids were dropped.
    pub(super) ids_forgotten: u64,
    /// The most items that the API lists of a window, if known.
    pub(super) max_items: Option<u64>,
    /// What was read of the closed windows.
    pub(super) report: WindowsReport,
}

/// A position in a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WindowPoint {
    pub(super) list: ListPoint,
    /// How many items without an id it had delivered.
    pub(super) without_id: u64,
}

impl RangePoint {
    /// The operationId of the operation that reads it.
    pub(crate) fn operation(&self) -> &str {
        self.plan.operation()
    }

    pub(crate) const fn items(&self) -> u64 {
        self.report.items
    }

    /// The jobs of the started windows, in order.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &SavedJob> {
        self.lists.values().filter_map(|window| window.list.job.as_ref())
    }

    pub(crate) const fn has_ended(&self) -> bool {
        self.report.ended
    }

    /// The same position, updated with the jobs submitted and the windows split since. `now` is the current position
    /// of the range, and `start_of` gives the start of a window. Windows that ended since count as not ended.
    pub(super) fn with_jobs_of(
        &self,
        now: &Self,
        start_of: impl Fn(Interval) -> ListPoint,
    ) -> Self {
        let mut this = Self {
            plan: now.plan.clone(),
            lists: BTreeMap::new(),
            max_items: now.max_items,
            ..self.clone()
        };
        (this.report.splits, this.report.worst) = (now.report.splits, now.report.worst);
        // The old indices of the windows. Several may have the same interval.
        let mut before: HashMap<Interval, Vec<usize>> = HashMap::new();
        for (at, window) in self.plan.windows().iter().enumerate().rev() {
            before.entry(window.interval()).or_default().push(at);
        }
        let mut rest = self.lists.clone();
        for (at, window) in now.plan.windows().iter().enumerate() {
            let old = before.get_mut(&window.interval()).and_then(Vec::pop);
            let state = old.map_or(WindowState::Todo, |old| self.plan.windows()[old].state());
            this.plan.set(at, state);
            let mut point = old.and_then(|old| rest.remove(&old));
            if let Some(job) = now.lists.get(&at).and_then(|window| window.list.job.clone()) {
                // A window that was started since, or whose job was run again, has no position in this job.
                let of_job = point.take().filter(|point| point.list.has_no_other_job(&job));
                let mut of_job = of_job.unwrap_or_else(|| WindowPoint {
                    list: start_of(window.interval()),
                    without_id: 0,
                });
                of_job.list.job = Some(job);
                point = Some(of_job);
                this.plan.set(at, WindowState::Running);
            }
            if let Some(point) = point {
                this.lists.insert(at, point);
            }
        }
        // The rest are windows that were split: they are not read further.
        rest.values().for_each(|window| this.report.add(&window.list.report()));
        this
    }
}

/// What a range resumes from: a [`Plan`] or a [`Checkpoint`](crate::Checkpoint). See
/// [`Windows::resume`](super::Windows::resume).
#[derive(Clone, Debug)]
pub struct WindowsFrom(pub(super) Origin);

#[derive(Clone, Debug)]
pub(super) enum Origin {
    Plan(Plan),
    /// `None` if the checkpoint is of a single list.
    Point(Option<Box<RangePoint>>),
}

impl From<Plan> for WindowsFrom {
    fn from(plan: Plan) -> Self {
        Self(Origin::Plan(plan))
    }
}

impl WindowsFrom {
    /// From a checkpoint, with `None` if it is of a single list.
    pub(crate) fn saved(point: Option<Box<RangePoint>>) -> Self {
        Self(Origin::Point(point))
    }
}
