//! The windows of a time range and their states. Pure: makes no calls.

#[cfg(test)]
mod tests;
mod wire_format;

use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound as _, TimeDelta};

use crate::interval::{Interval, in_words};
use crate::paging::RequestFingerprint;

pub(super) use wire_format::PlanForm;

/// The most windows of a plan. Each costs at least one call.
const MAX_WINDOWS: u128 = 100_000;

/// The windows of a time range and how far each has been read, from [`Windows::plan`](crate::Windows::plan).
///
/// Serialize it to continue in another process: with all that is left ([`Windows::resume`](crate::Windows::resume)), or
/// with one window ([`only`](Self::only)). It contains no records, and only hashes of the call's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Of the call for the whole range.
    pub(super) subject: Arc<RequestFingerprint>,
    range: Interval,
    /// In whole milliseconds, at most as long as the range.
    overlap: Duration,
    /// Each lies in the range and is not empty. Together they cover the range, unless this is a part of a plan.
    /// Without an `overlap` they are disjoint.
    windows: Vec<Window>,
    /// Whether it has only some of the windows of another plan.
    is_part: bool,
}

/// Why a window can't be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsplit {
    /// The halves would be shorter than allowed.
    TooShort,
    /// The plan has [`MAX_WINDOWS`] already.
    TooMany,
}

/// One part of a time range, read as a separate list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    interval: Interval,
    state: WindowState,
}

/// How far a window has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WindowState {
    /// It has not been started.
    Todo,
    /// It has been started. A window that ended incomplete stays in this state.
    Running,
    /// All of its items have been yielded.
    Done,
}

impl Window {
    /// Returns the time that it covers, including the overlap.
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns how far it has been read.
    pub const fn state(&self) -> WindowState {
        self.state
    }
}

impl Plan {
    /// Cuts a range into windows of length `span`. The last one may be shorter. Each begins `overlap` before the end
    /// of the previous one. The error says what is wrong.
    pub(super) fn new(
        subject: Arc<RequestFingerprint>,
        range: Interval,
        span: Duration,
        overlap: Duration,
    ) -> Result<Self, String> {
        let (start, end) = (range.start(), range.end());
        if end < start {
            return Err(format!("the range {range} ends before it begins"));
        }
        let step = span.as_millis().saturating_sub(overlap.as_millis());
        if step == 0 {
            let (span, overlap) = (in_words(span), in_words(overlap));
            return Err(format!("the span ({span}) must be longer than the overlap ({overlap})"));
        }
        if range.length().as_millis() / step >= MAX_WINDOWS {
            let span = in_words(span);
            return Err(format!("{range} has more than {MAX_WINDOWS} windows of {span}"));
        }
        let (span, overlap_by) = (delta(span), delta(overlap));
        let mut windows: Vec<Window> = Vec::new();
        let mut from = start;
        while windows.last().map_or(start, |last| last.interval.end()) < end {
            let to = from.checked_add_signed(span).unwrap_or(end).min(end);
            windows.push(Window::todo(Interval::new(from, to)));
            from = to.checked_sub_signed(overlap_by).unwrap_or(start);
        }
        // A longer overlap would give the same windows.
        let overlap = whole_millis(overlap).min(range.length());
        Ok(Self { subject, range, overlap, windows, is_part: false })
    }

    /// Returns the whole range.
    pub const fn range(&self) -> Interval {
        self.range
    }

    /// Returns the operationId of the operation that reads it.
    pub fn operation(&self) -> &str {
        &self.subject.operation
    }

    /// Returns the windows in the order in which they are read: by time, except that the halves of a split window may
    /// overlap the windows after it.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Returns whether all windows are done.
    pub fn is_done(&self) -> bool {
        self.windows.iter().all(|window| window.state == WindowState::Done)
    }

    /// Returns a plan with only the window at `index` of [`windows`](Self::windows), to be read from its start whatever
    /// its state. The plan is empty if the index is out of range.
    #[must_use]
    pub fn only(&self, index: usize) -> Self {
        let window = self.windows.get(index).map(|window| Window::todo(window.interval));
        Self { windows: window.into_iter().collect(), is_part: true, ..self.clone() }
    }

    pub(super) fn windows_done(&self) -> u64 {
        self.windows.iter().filter(|window| window.state == WindowState::Done).count() as u64
    }

    /// Makes the running windows `Todo` again.
    pub(super) fn reset(&mut self) {
        for window in &mut self.windows {
            if window.state == WindowState::Running {
                window.state = WindowState::Todo;
            }
        }
    }

    /// The index of the next window to read.
    pub(super) fn next(&self) -> Option<usize> {
        self.windows.iter().position(|window| window.state == WindowState::Todo)
    }

    pub(super) fn set(&mut self, index: usize, state: WindowState) {
        if let Some(window) = self.windows.get_mut(index) {
            window.state = state;
        }
    }

    /// Replaces a window with its two halves, neither shorter than `minimum`.
    pub(super) fn split(&mut self, index: usize, minimum: Duration) -> Result<(), Unsplit> {
        if self.windows.len() as u128 >= MAX_WINDOWS {
            return Err(Unsplit::TooMany);
        }
        let whole = self.windows.get(index).map(Window::interval);
        let halves = whole.and_then(|whole| halves(whole, self.overlap, minimum));
        let halves = halves.ok_or(Unsplit::TooShort)?;
        self.windows.splice(index..=index, halves.map(Window::todo));
        Ok(())
    }

    /// Splits all `Todo` windows of at least `length`, except those for which `keep` returns true. Splits none if the
    /// plan could get too long. Returns the old indices of the split windows.
    pub(super) fn split_all(
        &mut self,
        length: Duration,
        minimum: Duration,
        keep: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let mut split = Vec::new();
        if 2 * self.windows.len() as u128 > MAX_WINDOWS {
            return split;
        }
        let mut windows = Vec::with_capacity(2 * self.windows.len());
        for (at, window) in self.windows.iter().enumerate() {
            let is_todo = window.state == WindowState::Todo && !keep(at);
            let is_long = is_todo && window.interval.length() >= length;
            match is_long.then(|| halves(window.interval, self.overlap, minimum)).flatten() {
                Some(halves) => {
                    split.push(at);
                    windows.extend(halves.map(Window::todo));
                }
                None => windows.push(*window),
            }
        }
        self.windows = windows;
        split
    }
}

impl Window {
    const fn todo(interval: Interval) -> Self {
        Self { interval, state: WindowState::Todo }
    }
}

/// The two halves of an interval, neither shorter than `minimum`. Their overlap is limited so that both are shorter
/// than the whole.
///
/// The second half begins a whole number of days after the first, or else of hours or minutes, so that daily and hourly
/// aggregates are not cut in two.
fn halves(whole: Interval, overlap: Duration, minimum: Duration) -> Option<[Interval; 2]> {
    let (start, end) = (whole.start(), whole.end());
    let minimum = delta(minimum.max(Duration::from_millis(1)));
    let half = (end - start).num_milliseconds() / 2;
    let up_to = |unit: i64| start + TimeDelta::milliseconds(half - half % unit);
    let [minutes, exactly] = [up_to(60_000), up_to(1)];
    // Some services accept only whole seconds.
    let middle = [up_to(86_400_000), up_to(3_600_000), minutes, exactly.trunc_subsecs(0), exactly]
        .into_iter()
        .find(|middle| *middle - start >= minimum && end - *middle >= minimum)?;
    // In whole milliseconds, or the second half could begin where the first does.
    let max_overlap = TimeDelta::milliseconds((middle - start).num_milliseconds() / 2);
    let overlap = delta(overlap).min(max_overlap);
    Some([Interval::new(start, middle), Interval::new(middle - overlap, end)])
}

fn whole_millis(duration: Duration) -> Duration {
    u64::try_from(duration.as_millis()).map_or(Duration::MAX, Duration::from_millis)
}

/// Rounds down to milliseconds and saturates.
fn delta(duration: Duration) -> TimeDelta {
    let millis = i64::try_from(duration.as_millis()).ok();
    millis.and_then(TimeDelta::try_milliseconds).unwrap_or(TimeDelta::MAX)
}
