//! How far a range has been read, to go on from there later.

mod form;

use std::collections::{BTreeMap, HashMap};

use super::plan::{Plan, WindowState};
use super::report::WindowsReport;
use crate::interval::Interval;
use crate::paging::ListPoint;
use crate::saved_job::SavedJob;

pub(crate) use form::RangeForm;

/// A place in a range, between two of its items.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RangePoint {
    pub(super) plan: Plan,
    /// The windows that had begun and not ended, by their place in the plan.
    pub(super) lists: BTreeMap<usize, WindowPoint>,
    /// The ids of the items that were handed out last, as hashes, the last one last.
    pub(super) known: Vec<u64>,
    /// How many more there were.
    pub(super) forgotten: u64,
    /// The most that a window may say that it holds, where that is known.
    pub(super) most: Option<u64>,
    /// What was read, without the windows that had not ended.
    pub(super) report: WindowsReport,
}

/// A place in a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WindowPoint {
    pub(super) list: ListPoint,
    /// How many items without an id had been handed out of it.
    pub(super) without_id: u64,
}

impl RangePoint {
    /// The operationId of the call.
    pub(crate) fn operation(&self) -> &str {
        self.plan.operation()
    }

    pub(crate) const fn items(&self) -> u64 {
        self.report.items
    }

    /// The jobs of the windows that had begun, in their order.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &SavedJob> {
        self.lists.values().filter_map(|window| window.list.job.as_ref())
    }

    pub(crate) const fn has_ended(&self) -> bool {
        self.report.ended
    }

    /// The same place, for a range that has gone on since: knows the jobs that were submitted meanwhile, and the
    /// windows that were split. `fresh` gives the beginning of a window.
    ///
    /// What ended meanwhile has not ended here.
    pub(super) fn knowing(&self, now: &Self, fresh: impl Fn(Interval) -> ListPoint) -> Self {
        let mut this =
            Self { plan: now.plan.clone(), lists: BTreeMap::new(), most: now.most, ..self.clone() };
        (this.report.splits, this.report.worst) = (now.report.splits, now.report.worst);
        // Those that are in both, by their place there.
        let mut before: HashMap<Interval, Vec<usize>> = HashMap::new();
        for (at, window) in self.plan.windows().iter().enumerate().rev() {
            before.entry(window.interval()).or_default().push(at);
        }
        let mut split = self.lists.clone();
        for (at, window) in now.plan.windows().iter().enumerate() {
            let known = before.get_mut(&window.interval()).and_then(Vec::pop);
            let state = known.map_or(WindowState::Todo, |known| self.plan.windows()[known].state());
            this.plan.set(at, state);
            let mut place = known.and_then(|known| split.remove(&known));
            if let Some(job) = now.lists.get(&at).and_then(|window| window.list.job.clone()) {
                // Unless it has begun since, or its job was run again.
                let known = place.take().filter(|place| place.list.has_no_other_job(&job));
                let mut known = known.unwrap_or_else(|| WindowPoint {
                    list: fresh(window.interval()),
                    without_id: 0,
                });
                known.list.job = Some(job);
                place = Some(known);
                this.plan.set(at, WindowState::Running);
            }
            if let Some(place) = place {
                this.lists.insert(at, place);
            }
        }
        // They are read no further.
        split.values().for_each(|window| this.report.add(&window.list.report()));
        this
    }
}

/// What a range goes on from: a [`Plan`] or a [`Checkpoint`](crate::Checkpoint); see [`Windows::resume`](super::Windows::resume).
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

impl WindowsFrom {
    /// A place that was saved. `None`: what was saved is of one list.
    pub(crate) fn saved(point: Option<Box<RangePoint>>) -> Self {
        Self(Origin::Point(point))
    }
}
