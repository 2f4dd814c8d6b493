//! Pacing of calls, and cautious starts where the limit is unknown.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;

/// Timers fire up to a millisecond late. Calls catch up within this time; otherwise a rate of several hundred calls per
/// second could not be reached.
pub(super) const SLACK: Duration = Duration::from_millis(20);

/// Why a call cannot be sent yet, and when to check again. Without a time, it waits for a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delay<R> {
    pub(super) until: Option<Instant>,
    pub(super) reason: R,
}

/// Spaces calls evenly, with a small burst.
#[derive(Clone, Debug)]
pub(super) struct Pacer {
    /// When the next call is due.
    due: Instant,
    /// How much earlier than that it may be sent.
    early: Duration,
}

impl Pacer {
    pub(super) fn new(due: Instant, early: Duration) -> Self {
        Self { due, early }
    }

    /// Returns when the next call may be sent, if not now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        (self.due > now + self.early).then(|| self.due - self.early)
    }

    /// Records that a call is sent now; the next is due `spacing` later.
    pub(super) fn take(&mut self, spacing: Duration, now: Instant) {
        // Unused time is not saved up.
        self.due = self.due.max(now) + spacing;
    }
}

/// Calls sent while the limit is unknown: a few at once, then one more per second, so that a slow response does not hold
/// up the others.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    max: u64,
    in_flight: u64,
    since: Option<Instant>,
}

impl Probes {
    pub(super) fn new(max: u64) -> Self {
        Self { max, in_flight: 0, since: None }
    }

    /// Returns when the next one may be sent, if not now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        let since = self.since?;
        let seconds = now.saturating_duration_since(since).as_secs();
        (self.in_flight >= self.max.saturating_add(seconds))
            .then(|| since + Duration::from_secs(seconds + 1))
    }

    pub(super) fn take(&mut self, now: Instant) {
        if self.in_flight == 0 {
            self.since = Some(now);
        }
        self.in_flight += 1;
    }

    /// Records that one has ended, with or without a response.
    pub(super) fn completed(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Doubles the number of concurrent probes.
    pub(super) fn double(&mut self) -> u64 {
        self.max = self.max.saturating_mul(2);
        self.max
    }
}

/// With this many concurrent calls after a pause, the pause was long enough.
const FULLY_OPEN: u64 = 32;

/// Closed for as long as a 429 demands. Afterwards it admits one call, then two, then four, so that waiting calls do
/// not all start at once.
#[derive(Clone, Debug, Default)]
pub(super) struct SlowStart {
    closed_until: Option<Instant>,
    probes: Option<Probes>,
    /// Set if the pause is longer than calls wait.
    fail_fast: Option<FailFast>,
}

/// A pause that is longer than the client waits, so that calls fail immediately.
#[derive(Clone, Debug)]
pub(crate) struct FailFast {
    /// The error of the response that asked for it.
    pub(crate) error: Arc<Error>,
    /// The longest wait of the client. Once no more than this is left, calls wait again.
    pub(crate) max_wait: Duration,
}

impl SlowStart {
    pub(super) fn close(&mut self, until: Instant, fail_fast: Option<&FailFast>) {
        if self.closed_until.is_none_or(|closed_until| closed_until < until) {
            self.closed_until = Some(until);
        }
        if let Some(fail_fast) = fail_fast {
            self.fail_fast = Some(fail_fast.clone());
        }
        self.probes = Some(Probes::new(1));
    }

    /// Returns how long calls fail instead of waiting, and the reason.
    pub(super) fn closed(&self, now: Instant) -> Option<(Duration, &FailFast)> {
        let fail_fast = self.fail_fast.as_ref()?;
        let remaining = self.closed_until?.saturating_duration_since(now);
        (remaining > fail_fast.max_wait).then_some((remaining, fail_fast))
    }

    /// Returns when to check again, if a call cannot be sent now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        let closed = self.closed_until.filter(|until| *until > now);
        closed.or_else(|| self.probes.as_ref()?.wait(now))
    }

    pub(super) fn is_open(&self) -> bool {
        self.probes.is_none()
    }

    pub(super) fn take(&mut self, now: Instant) {
        if let Some(probes) = &mut self.probes {
            probes.take(now);
        }
    }

    /// Records the end of a call. Calls sent before the pause are no evidence.
    pub(super) fn completed(&mut self, sent_at: Instant, was_allowed: bool) {
        let after = self.closed_until.is_none_or(|until| sent_at >= until);
        if let Some(probes) = self.probes.as_mut().filter(|_| after) {
            probes.completed();
            if was_allowed && probes.double() > FULLY_OPEN {
                *self = Self::default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_pacer_catches_up_on_late_timers_and_saves_nothing_up() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start, SLACK);
        // (when the call arrives, how long it must wait)
        for (at, wait) in [
            (0, None),
            (0, None),
            (0, None),
            (0, Some(10)),
            (10, None),
            (10, Some(10)),
            (50, None),
            (50, None),
            (50, None),
            (50, Some(10)),
        ] {
            let now = start + ms(at);
            assert_eq!(pacer.wait(now), wait.map(|wait| now + ms(wait)), "at {at}");
            if wait.is_none() {
                pacer.take(ms(10), now);
            }
        }
    }

    #[test]
    fn sends_a_few_probes_at_once_and_then_one_per_second() {
        let start = Instant::now();
        let mut probes = Probes::new(2);
        for (at, wait) in [
            (0, None),
            (100, None),
            (100, Some(1000)),
            (999, Some(1000)),
            (1000, None),
            (1000, Some(2000)),
            (2500, None),
        ] {
            assert_eq!(probes.wait(start + ms(at)), wait.map(|at| start + ms(at)), "at {at}");
            if wait.is_none() {
                probes.take(start + ms(at));
            }
        }
        probes.completed();
        probes.completed();
        assert_eq!(probes.wait(start + ms(2500)), None);
    }

    #[test]
    fn slow_start_opens_step_by_step() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut slow_start = SlowStart::default();
        assert!(slow_start.is_open() && slow_start.wait(start).is_none());
        slow_start.close(at(42), None);
        slow_start.close(at(7), None);
        assert_eq!(slow_start.wait(at(41)), Some(at(42)));
        // A call sent before the pause is no evidence.
        slow_start.completed(at(1), true);
        assert_eq!(slow_start.wait(at(41)), Some(at(42)));

        let now = at(42);
        for max in [1, 2, 4, 8, 16, 32] {
            // Each success admits two.
            let mut passed = 0;
            while slow_start.wait(now).is_none() {
                slow_start.take(now);
                passed += 1;
            }
            assert_eq!(passed, if max == 1 { 1 } else { max / 2 + 1 }, "{max}");
            slow_start.completed(now, true);
        }
        assert!(slow_start.is_open());
    }

    #[test]
    fn slow_start_stays_narrow_while_calls_fail() {
        let now = Instant::now();
        let mut slow_start = SlowStart::default();
        slow_start.close(now, None);
        for _ in 0..100 {
            assert_eq!(slow_start.wait(now), None);
            slow_start.take(now);
            assert!(slow_start.wait(now).is_some());
            slow_start.completed(now, false);
        }
        assert!(!slow_start.is_open());
    }
}
