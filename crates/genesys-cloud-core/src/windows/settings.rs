//! How a range is read.

use std::time::Duration;

use super::point::Origin;
use crate::error::Error;
use crate::interval::Interval;
use crate::options::ReadOptions;
use crate::paging::Paginator;

/// Makes the list of an interval.
pub(super) type MakeList<T> = Box<dyn Fn(Interval) -> Paginator<T> + Send>;

/// Whether an error means that a window is too large.
pub(super) type SplitWhen = Box<dyn Fn(&Error) -> bool + Send>;

/// The settings of a range, as the caller chose them.
pub(super) struct Settings {
    pub(super) range: Interval,
    pub(super) span: Duration,
    pub(super) overlap: Duration,
    /// No window is split into shorter ones.
    pub(super) minimum: Duration,
    /// How many windows are read at a time.
    pub(super) concurrency: usize,
    /// The options of the lists; some of them are for the whole range.
    pub(super) options: ReadOptions,
    pub(super) split_when: Option<SplitWhen>,
    /// What to resume from.
    pub(super) resumed: Option<Origin>,
}
