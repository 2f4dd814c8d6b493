//! How fast calls may follow each other, and how carefully where that is not known.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;

/// Timers fire up to a millisecond late. What is lost by that is made up for within this time, or a rate
/// of some hundred calls a second could not be kept.
pub(super) const SLACK: Duration = Duration::from_millis(20);

/// Why a call can't go yet, and when to look again. Without a time, that is when an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delay<R> {
    pub(super) until: Option<Instant>,
    pub(super) reason: R,
}

/// Spaces calls evenly, but for as many as may go early.
#[derive(Clone, Debug)]
pub(super) struct Pacer {
    /// When the next call is due.
    due: Instant,
    /// How long before that it may go.
    early: Duration,
}

impl Pacer {
    pub(super) fn new(due: Instant, early: Duration) -> Self {
        Self { due, early }
    }

    /// When the next call may go, if that is not now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        (self.due > now + self.early).then(|| self.due - self.early)
    }

    /// A call goes now, and the next one is due so long after it.
    pub(super) fn take(&mut self, spacing: Duration, now: Instant) {
        // What was not taken in time is not saved up.
        self.due = self.due.max(now) + spacing;
    }
}

/// Calls that go ahead while it is not known how many may: a few at once, and then one more every second,
/// so that one that takes long does not hold up the others.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    most: u64,
    in_flight: u64,
    since: Option<Instant>,
}

impl Probes {
    pub(super) fn new(most: u64) -> Self {
        Self { most, in_flight: 0, since: None }
    }

    /// When the next one may go, if that is not now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        let since = self.since?;
        let seconds = now.saturating_duration_since(since).as_secs();
        (self.in_flight >= self.most.saturating_add(seconds))
            .then(|| since + Duration::from_secs(seconds + 1))
    }

    pub(super) fn take(&mut self, now: Instant) {
        if self.in_flight == 0 {
            self.since = Some(now);
        }
        self.in_flight += 1;
    }

    /// One of them is back, with news or without.
    pub(super) fn back(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Twice as many may go from now on.
    pub(super) fn widen(&mut self) -> u64 {
        self.most = self.most.saturating_mul(2);
        self.most
    }
}

/// So many calls at once after a pause show that it was long enough.
const OPEN: u64 = 32;

/// Is shut for as long as the API asks in a 429. Afterwards one call goes, then two, then four, so that
/// those who wait do not all call at the same moment.
#[derive(Clone, Debug, Default)]
pub(super) struct SlowStart {
    shut_until: Option<Instant>,
    scouts: Option<Probes>,
    /// Set if it is shut for longer than calls wait.
    closure: Option<Closure>,
}

/// A wait that is longer than the client allows, so that calls fail instead.
#[derive(Clone, Debug)]
pub(crate) struct Closure {
    /// The answer that asked for it.
    pub(crate) error: Arc<Error>,
    /// How long the client waits. Once no more than that is left, calls wait.
    pub(crate) patience: Duration,
}

impl SlowStart {
    pub(super) fn shut(&mut self, until: Instant, closure: Option<&Closure>) {
        if self.shut_until.is_none_or(|shut_until| shut_until < until) {
            self.shut_until = Some(until);
        }
        if let Some(closure) = closure {
            self.closure = Some(closure.clone());
        }
        self.scouts = Some(Probes::new(1));
    }

    /// For how long calls are refused rather than held, and why. `None` if they are not.
    pub(super) fn closed(&self, now: Instant) -> Option<(Duration, &Closure)> {
        let closure = self.closure.as_ref()?;
        let remaining = self.shut_until?.saturating_duration_since(now);
        (remaining > closure.patience).then_some((remaining, closure))
    }

    /// When to look again, if a call can't pass now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        let shut = self.shut_until.filter(|until| *until > now);
        shut.or_else(|| self.scouts.as_ref()?.wait(now))
    }

    pub(super) fn is_open(&self) -> bool {
        self.scouts.is_none()
    }

    pub(super) fn take(&mut self, now: Instant) {
        if let Some(scouts) = &mut self.scouts {
            scouts.take(now);
        }
    }

    /// A call that was sent at that time is back. What was sent before the gate was shut tells nothing.
    pub(super) fn back(&mut self, sent_at: Instant, was_allowed: bool) {
        let after = self.shut_until.is_none_or(|until| sent_at >= until);
        if let Some(scouts) = self.scouts.as_mut().filter(|_| after) {
            scouts.back();
            if was_allowed && scouts.widen() > OPEN {
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
    fn a_pace_makes_up_for_late_timers_and_saves_nothing_up() {
        let start = Instant::now();
        let mut pace = Pacer::new(start, SLACK);
        // (when the call comes, how long it must wait)
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
            assert_eq!(pace.wait(now), wait.map(|wait| now + ms(wait)), "at {at}");
            if wait.is_none() {
                pace.take(ms(10), now);
            }
        }
    }

    #[test]
    fn scouts_go_a_few_at_once_and_then_one_a_second() {
        let start = Instant::now();
        let mut scouts = Probes::new(2);
        for (at, wait) in [
            (0, None),
            (100, None),
            (100, Some(1000)),
            (999, Some(1000)),
            (1000, None),
            (1000, Some(2000)),
            (2500, None),
        ] {
            assert_eq!(scouts.wait(start + ms(at)), wait.map(|at| start + ms(at)), "at {at}");
            if wait.is_none() {
                scouts.take(start + ms(at));
            }
        }
        scouts.back();
        scouts.back();
        assert_eq!(scouts.wait(start + ms(2500)), None);
    }

    #[test]
    fn a_gate_opens_step_by_step() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut gate = SlowStart::default();
        assert!(gate.is_open() && gate.wait(start).is_none());
        gate.shut(at(42), None);
        gate.shut(at(7), None);
        assert_eq!(gate.wait(at(41)), Some(at(42)));
        // What was sent before tells nothing of what comes after.
        gate.back(at(1), true);
        assert_eq!(gate.wait(at(41)), Some(at(42)));

        let now = at(42);
        for most in [1, 2, 4, 8, 16, 32] {
            // Each of the last ones back lets two go.
            let mut passed = 0;
            while gate.wait(now).is_none() {
                gate.take(now);
                passed += 1;
            }
            assert_eq!(passed, if most == 1 { 1 } else { most / 2 + 1 }, "{most}");
            gate.back(now, true);
        }
        assert!(gate.is_open());
    }

    #[test]
    fn a_gate_stays_narrow_while_calls_fail() {
        let now = Instant::now();
        let mut gate = SlowStart::default();
        gate.shut(now, None);
        for _ in 0..100 {
            assert_eq!(gate.wait(now), None);
            gate.take(now);
            assert!(gate.wait(now).is_some());
            gate.back(now, false);
        }
        assert!(!gate.is_open());
    }
}
