//! The settings of a range.

use std::time::Duration;

use super::checkpoint_state::Origin;
use crate::error::Error;
use crate::interval::Interval;
use crate::options::ReadOptions;
use crate::paging::Paginator;

/// Makes the list of an interval.
pub(super) type MakeList<T> = Box<dyn Fn(Interval) -> Paginator<T> + Send>;

/// Whether an error means that a window is too large.
pub(super) type SplitWhen = Box<dyn Fn(&Error) -> bool + Send>;

/// The settings of a range.
pub(super) struct Settings {
    pub(super) range: Interval,
    pub(super) span: Duration,
    pub(super) overlap: Duration,
    /// The shortest window that a split makes.
    pub(super) minimum: Duration,
    /// How many windows are read at a time.
    pub(super) concurrency: usize,
    /// The options of the windows' lists. Some apply to the whole range.
    pub(super) options: ReadOptions,
    pub(super) split_when: Option<SplitWhen>,
    /// What to resume from.
    pub(super) resumed: Option<Origin>,
}
