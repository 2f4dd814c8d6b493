//! How a range of time is read: in which windows, and how far it has come. No calls are made here.

mod saved;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound as _, TimeDelta};

use crate::interval::{Interval, in_words};
use crate::paging::RequestFingerprint;

pub(super) use saved::PlanForm;

/// No plan has more windows: each costs a call at least.
const MAX_WINDOWS: u128 = 100_000;

/// How a range of time is read in windows, and which of them have been: from
/// [`Windows::plan`](crate::Windows::plan).
///
/// It can be written and read with serde, to go on in another process, with all that is left
/// ([`Windows::resume`](crate::Windows::resume)) or with one window alone ([`only`](Self::only)). It holds no
/// records, and of the parameters of the call hashes only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The call, with the whole range for its interval, and where it goes.
    pub(super) subject: Arc<RequestFingerprint>,
    range: Interval,
    /// In whole milliseconds, and no longer than the range.
    overlap: Duration,
    /// Each lies in the range and is not empty. Together they cover the range, unless this is a part of a plan.
    /// They touch each other only if there is an overlap.
    windows: Vec<Window>,
    /// Whether it has some windows of another plan only.
    is_part: bool,
}

/// Why a window can't be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsplit {
    /// The halves would be shorter than is allowed.
    TooShort,
    /// The plan has as many windows as a plan may have.
    TooMany,
}

/// A part of a range of time that is read as a list of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    interval: Interval,
    state: WindowState,
}

/// How far the reading of a window has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WindowState {
    /// It has not begun.
    Todo,
    /// It has begun. One that stays so was not read as a whole.
    Running,
    /// All of its items have been handed out.
    Done,
}

impl Window {
    /// The time that it covers, the overlap included.
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// How far its reading has come.
    pub const fn state(&self) -> WindowState {
        self.state
    }
}

impl Plan {
    /// Cuts a range into windows of this length, the last one may be shorter, each of which begins so much
    /// before the end of the one before it. The error says what is wrong.
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
        // A longer overlap makes no other windows.
        let overlap = whole_millis(overlap).min(range.length());
        Ok(Self { subject, range, overlap, windows, is_part: false })
    }

    /// The range that is read.
    pub const fn range(&self) -> Interval {
        self.range
    }

    /// The operationId of the operation that reads it.
    pub fn operation(&self) -> &str {
        &self.subject.operation
    }

    /// Its windows, in the order in which they are read: that of time, but for what the halves of a window that was
    /// split share with the windows after it.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Whether all of its windows are done.
    pub fn is_done(&self) -> bool {
        self.windows.iter().all(|window| window.state == WindowState::Done)
    }

    /// The same with one of its [`windows`](Self::windows) alone, to be read whatever has been read of it. With
    /// none, if there is no such window.
    #[must_use]
    pub fn only(&self, window: usize) -> Self {
        let window = self.windows.get(window).map(|window| Window::todo(window.interval));
        Self { windows: window.into_iter().collect(), is_part: true, ..self.clone() }
    }

    /// How many windows are done.
    pub(super) fn done(&self) -> u64 {
        self.windows.iter().filter(|window| window.state == WindowState::Done).count() as u64
    }

    /// Forgets what was begun and not ended.
    pub(super) fn reset(&mut self) {
        for window in &mut self.windows {
            if window.state == WindowState::Running {
                window.state = WindowState::Todo;
            }
        }
    }

    /// The window to be read next, if one is.
    pub(super) fn next(&self) -> Option<usize> {
        self.windows.iter().position(|window| window.state == WindowState::Todo)
    }

    pub(super) fn set(&mut self, window: usize, state: WindowState) {
        if let Some(window) = self.windows.get_mut(window) {
            window.state = state;
        }
    }

    /// Puts the two halves of a window in its place, none of which is shorter than this.
    pub(super) fn split(&mut self, window: usize, minimum: Duration) -> Result<(), Unsplit> {
        if self.windows.len() as u128 >= MAX_WINDOWS {
            return Err(Unsplit::TooMany);
        }
        let whole = self.windows.get(window).map(Window::interval);
        let halves = whole.and_then(|whole| halves(whole, self.overlap, minimum));
        let halves = halves.ok_or(Unsplit::TooShort)?;
        self.windows.splice(window..=window, halves.map(Window::todo));
        Ok(())
    }

    /// Splits all windows of this length or more that have not begun, but for some, if the plan does not get too
    /// long by that. Gives where those stood.
    pub(super) fn split_all(
        &mut self,
        length: Duration,
        minimum: Duration,
        but: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let mut split = Vec::new();
        if 2 * self.windows.len() as u128 > MAX_WINDOWS {
            return split;
        }
        let mut windows = Vec::with_capacity(2 * self.windows.len());
        for (at, window) in self.windows.iter().enumerate() {
            let is_todo = window.state == WindowState::Todo && !but(at);
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

/// The two halves of an interval, none of which is shorter than this. They overlap, but so little that each is
/// shorter than the whole.
///
/// The second begins whole days after the first, or else hours or minutes: what is summed up by the day or the
/// hour would be cut in two otherwise.
fn halves(whole: Interval, overlap: Duration, minimum: Duration) -> Option<[Interval; 2]> {
    let (start, end) = (whole.start(), whole.end());
    let minimum = delta(minimum.max(Duration::from_millis(1)));
    let half = (end - start).num_milliseconds() / 2;
    let up_to = |unit: i64| start + TimeDelta::milliseconds(half - half % unit);
    let [minutes, exactly] = [up_to(60_000), up_to(1)];
    // Some services take whole seconds alone.
    let middle = [up_to(86_400_000), up_to(3_600_000), minutes, exactly.trunc_subsecs(0), exactly]
        .into_iter()
        .find(|middle| *middle - start >= minimum && end - *middle >= minimum)?;
    // In whole milliseconds, or the second half would begin where the first does.
    let most = TimeDelta::milliseconds((middle - start).num_milliseconds() / 2);
    let overlap = delta(overlap).min(most);
    Some([Interval::new(start, middle), Interval::new(middle - overlap, end)])
}

fn whole_millis(duration: Duration) -> Duration {
    u64::try_from(duration.as_millis()).map_or(Duration::MAX, Duration::from_millis)
}

/// In whole milliseconds.
fn delta(duration: Duration) -> TimeDelta {
    let millis = i64::try_from(duration.as_millis()).ok();
    millis.and_then(TimeDelta::try_milliseconds).unwrap_or(TimeDelta::MAX)
}
