//! Decides which call may be sent when. Does no waiting; the current time is a parameter.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::adaptive::AdaptiveRate;
use super::headers::{Usage, WindowHeaders};
use super::operation_limits::{self, OperationLimits};
use super::pacer::{Delay, FailFast, Pacer, Probes, SLACK, SlowStart};
use super::window::Window;
use crate::error::ErrorLimit;
use crate::wait::WaitReason;

/// Number of calls that may be sent before the first response reports the limit.
const INITIAL_PROBES: u64 = 4;

/// The limits that the client sets itself.
#[derive(Clone, Debug)]
pub(crate) struct Caps {
    /// Calls per window left to other programs.
    pub(crate) reserve: u64,
    /// Minimum time between two calls, on average.
    pub(crate) spacing: Option<Duration>,
    /// Maximum number of concurrent requests.
    pub(crate) concurrent: u64,
}

/// The position of a call, in the order in which calls began. Retries keep it.
pub(super) type Ticket = u64;

/// The decision for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Send it. It counts as in flight until [settled](Limiter::settle).
    Go,
    /// Poll again at `until`, and whenever woken.
    Wait {
        until: Option<Instant>,
        /// `None` if the call only waits behind others.
        reason: Option<WaitReason>,
        /// The estimated time to wait.
        expected: Option<Duration>,
    },
    /// Fail, because the API asks for a longer wait than the client allows.
    Refused { remaining: Duration },
}

/// The result of an attempt, as far as the limiter is concerned.
#[derive(Debug)]
pub(super) enum Outcome<'a> {
    /// No response came, or the call was dropped.
    Unanswered,
    /// A 401: the API rejected the token before checking limits.
    Unauthorized,
    Answered {
        serial: u64,
        headers: Option<WindowHeaders>,
    },
    Limited {
        serial: u64,
        headers: Option<WindowHeaders>,
        /// How long no call may be sent, if known.
        pause: Option<Duration>,
        /// Set if calls fail during the pause instead of waiting.
        fail_fast: Option<&'a FailFast>,
        limit: Option<&'a ErrorLimit>,
    },
}

/// What is known about the limit on the token.
#[derive(Debug)]
enum TokenLimit {
    /// No response yet.
    Unknown(Probes),
    /// Responses report no limit; 429s are the only evidence.
    Unreported(AdaptiveRate),
    Window(Window),
}

pub(super) struct Limiter {
    caps: Caps,
    tickets: Ticket,
    in_flight: u64,
    token_limit: TokenLimit,
    /// Closed by a 429 that applies to all calls with the token.
    slow_start: SlowStart,
    /// The client's own rate limit, created by its first call.
    pacer: Option<Pacer>,
    operation_limits: OperationLimits,
    /// Waiting calls by operation. Empty queues are removed.
    queues: HashMap<String, BTreeSet<Ticket>>,
    waiting: u64,
}

impl Limiter {
    pub(super) fn new(caps: Caps) -> Self {
        Self {
            caps,
            pacer: None,
            tickets: 0,
            in_flight: 0,
            token_limit: TokenLimit::Unknown(Probes::new(INITIAL_PROBES)),
            slow_start: SlowStart::default(),
            operation_limits: OperationLimits::default(),
            queues: HashMap::new(),
            waiting: 0,
        }
    }

    /// Returns a ticket behind all others.
    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        self.tickets
    }

    pub(super) fn join(&mut self, ticket: Ticket, operation: &str) {
        let queue = match self.queues.get_mut(operation) {
            Some(queue) => queue,
            None => self.queues.entry(operation.to_owned()).or_default(),
        };
        if queue.insert(ticket) {
            self.waiting += 1;
        }
    }

    /// Leaves the queue without being sent.
    pub(super) fn leave(&mut self, ticket: Ticket, operation: &str) {
        let Some(queue) = self.queues.get_mut(operation) else { return };
        if queue.remove(&ticket) {
            self.waiting -= 1;
        }
        if queue.is_empty() {
            self.queues.remove(operation);
        }
    }

    /// Returns the longest time for which a call fails instead of waiting, and the reason.
    pub(super) fn closed(&self, operation: &str, now: Instant) -> Option<(Duration, &FailFast)> {
        let of_operation = self.operation_limits.closed(operation, now);
        of_operation
            .into_iter()
            .chain(self.slow_start.closed(now))
            .max_by_key(|(remaining, _)| *remaining)
    }

    /// Decides whether a call that has joined may be sent now.
    pub(super) fn poll(&mut self, ticket: Ticket, operation: &str, now: Instant) -> Turn {
        if let Some((remaining, _)) = self.closed(operation, now) {
            return Turn::Refused { remaining };
        }
        let operation_delay = self.operation_limits.delay(operation, now);
        let delay = operation_delay.or_else(|| self.delay(now));
        let is_first = match operation_delay {
            // Only the head of this operation's queue needs to check.
            Some(_) => self.head_of(operation) == Some(ticket),
            None => self.head(now) == Some(ticket),
        };
        match delay {
            None if is_first => {
                self.take(ticket, operation, now);
                Turn::Go
            }
            None => Turn::Wait { until: None, reason: None, expected: None },
            Some(delay) => {
                let Delay { until, reason } = delay;
                let ahead = match operation_delay {
                    Some(_) => {
                        self.ahead_of(ticket, |other| self.operation_limits.share(operation, other))
                    }
                    None => self.ahead_of(ticket, |_| true),
                };
                let due = self.due(ahead, operation, delay, now);
                let expected = due.map(|due| due.saturating_duration_since(now));
                let until = until.filter(|_| is_first);
                Turn::Wait { until, reason: Some(reason), expected }
            }
        }
    }

    fn take(&mut self, ticket: Ticket, operation: &str, now: Instant) {
        self.leave(ticket, operation);
        self.slow_start.take(now);
        self.operation_limits.take(operation, now);
        match &mut self.token_limit {
            TokenLimit::Unknown(probes) => probes.take(now),
            TokenLimit::Unreported(adaptive) => adaptive.take(now),
            TokenLimit::Window(window) => window.take(self.in_flight, now),
        }
        if let Some(spacing) = self.caps.spacing {
            self.pacer
                .get_or_insert_with(|| Pacer::new(now, SLACK.min(spacing)))
                .take(spacing, now);
        }
        self.in_flight += 1;
    }

    /// Returns the delay that applies to all calls with the token.
    fn delay(&self, now: Instant) -> Option<Delay<WaitReason>> {
        let until = |until, reason| Delay { until: Some(until), reason };
        if self.in_flight >= self.caps.concurrent {
            return Some(Delay { until: None, reason: WaitReason::ConcurrentRequests });
        }
        if let Some(wait) = self.slow_start.wait(now) {
            return Some(until(wait, WaitReason::TooManyRequests));
        }
        let known = match &self.token_limit {
            TokenLimit::Unknown(probes) => {
                probes.wait(now).map(|at| until(at, WaitReason::LimitUnknown))
            }
            TokenLimit::Unreported(adaptive) => {
                adaptive.wait(now).map(|at| until(at, WaitReason::Pacing))
            }
            TokenLimit::Window(window) => window.delay(self.in_flight, now),
        };
        known.or_else(|| {
            let wait = self.pacer.as_ref()?.wait(now)?;
            Some(until(wait, WaitReason::RequestsPerSecond))
        })
    }

    /// Counts the calls ahead of this ticket in the selected queues.
    fn ahead_of(&self, ticket: Ticket, is_counted: impl Fn(&str) -> bool) -> u64 {
        let queues = self.queues.iter().filter(|(operation, _)| is_counted(operation));
        let ahead = queues.map(|(_, queue)| match queue.last() {
            // Fast path: usually it is the last.
            Some(last) if *last < ticket => queue.len(),
            Some(last) if *last == ticket => queue.len() - 1,
            _ => queue.range(..ticket).count(),
        });
        ahead.sum::<usize>() as u64
    }

    /// Estimates when a call with `ahead` calls before it can be sent. `None` if that depends on responses to calls in
    /// flight.
    fn due(
        &self,
        ahead: u64,
        operation: &str,
        delay: Delay<WaitReason>,
        now: Instant,
    ) -> Option<Instant> {
        let from = match delay.reason {
            WaitReason::LimitUnknown if ahead == 0 => return None,
            // The window computes the time itself, including the windows that follow.
            WaitReason::LimitReached
            | WaitReason::LimitUnknown
            | WaitReason::ConcurrentRequests => now,
            _ => delay.until?,
        };
        let by_limit = match &self.token_limit {
            TokenLimit::Window(window) => window.due(ahead, self.in_flight, from, now),
            TokenLimit::Unreported(adaptive) => later(from, adaptive.spacing(), ahead),
            TokenLimit::Unknown(_) => Some(from),
        };
        let own =
            self.caps.spacing.unwrap_or_default().max(self.operation_limits.spacing(operation));
        let due = by_limit.into_iter().chain(later(from, own, ahead)).max();
        // Never zero: such a call waits for a response.
        due.filter(|due| *due > now)
    }

    /// Returns the first call whose operation is not limited.
    fn head(&self, now: Instant) -> Option<Ticket> {
        let free = self.queues.iter().filter(|(operation, _)| {
            self.operation_limits.is_empty()
                || self.operation_limits.delay(operation, now).is_none()
        });
        free.filter_map(|(_, queue)| queue.first()).min().copied()
    }

    fn head_of(&self, operation: &str) -> Option<Ticket> {
        self.queues.get(operation)?.first().copied()
    }

    /// Returns the calls to wake after a change: the first of all, which goes or watches the clock for the others, and
    /// the head of each queue whose operation has its own limit.
    pub(super) fn awake(&self, now: Instant) -> Vec<Ticket> {
        let mut awake: Vec<Ticket> = self.head(now).into_iter().collect();
        if !self.operation_limits.is_empty() {
            let limited =
                self.queues.iter().filter(|(operation, _)| self.operation_limits.has(operation));
            awake.extend(limited.filter_map(|(_, queue)| queue.first()));
        }
        awake
    }

    /// Whether nothing is known about the limit on the token.
    pub(super) const fn is_limit_unknown(&self) -> bool {
        matches!(self.token_limit, TokenLimit::Unknown(_))
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.waiting == 0 && self.queues.is_empty()
    }

    /// Records the outcome of a call that was sent at `sent_at`.
    pub(super) fn settle(
        &mut self,
        operation: &str,
        sent_at: Instant,
        outcome: &Outcome<'_>,
        now: Instant,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let was_allowed = matches!(outcome, Outcome::Answered { .. });
        self.slow_start.completed(sent_at, was_allowed);
        self.operation_limits.completed(operation, sent_at, was_allowed);
        if let (TokenLimit::Unreported(adaptive), true) = (&mut self.token_limit, was_allowed) {
            adaptive.passed();
        }
        match outcome {
            Outcome::Unanswered | Outcome::Unauthorized => {
                self.observe(None, None, sent_at, now);
            }
            Outcome::Answered { serial, headers } => {
                self.observe(Some(*serial), headers.as_ref(), sent_at, now);
            }
            Outcome::Limited { serial, headers, pause, fail_fast, limit } => {
                self.observe(Some(*serial), headers.as_ref(), sent_at, now);
                let limits_token = match limit.and_then(|limit| limit.key.as_deref()) {
                    Some(key) => operation_limits::limits_token(key),
                    None => self.is_used_up(headers.as_ref(), now),
                };
                let Some(until) = pause.and_then(|pause| now.checked_add(pause)) else { return };
                if limits_token {
                    self.slow_start.close(until, *fail_fast);
                    // A limit per day is no evidence for the rate per second.
                    if let (TokenLimit::Unreported(adaptive), None) =
                        (&mut self.token_limit, fail_fast)
                    {
                        adaptive.limited(sent_at, until);
                    }
                } else {
                    self.operation_limits.close(operation, *limit, until, *fail_fast);
                }
            }
        }
    }

    fn observe(
        &mut self,
        answered: Option<u64>,
        headers: Option<&WindowHeaders>,
        sent_at: Instant,
        now: Instant,
    ) {
        match (&mut self.token_limit, answered, headers) {
            (TokenLimit::Window(window), Some(serial), Some(headers)) => {
                window.observe(headers, sent_at, serial, now);
            }
            (_, Some(serial), Some(headers)) => {
                let window = Window::new(self.caps.reserve, serial, headers, now);
                self.token_limit = TokenLimit::Window(window);
            }
            (TokenLimit::Window(window), answered, _) => {
                if !window.observe_no_headers(sent_at, answered.is_some(), now) {
                    self.token_limit = TokenLimit::Unreported(AdaptiveRate::default());
                }
            }
            (TokenLimit::Unknown(_), Some(_), None) => {
                self.token_limit = TokenLimit::Unreported(AdaptiveRate::default());
            }
            (TokenLimit::Unknown(probes), ..) => probes.completed(),
            (TokenLimit::Unreported(_), ..) => {}
        }
    }

    /// Whether a 429 without a known limit is due to the token's limit rather than the operation's.
    fn is_used_up(&self, headers: Option<&WindowHeaders>, now: Instant) -> bool {
        match (headers, &self.token_limit) {
            (Some(WindowHeaders { usage: Usage::Left(left), .. }), _) => *left == 0,
            (Some(WindowHeaders { usage: Usage::Used(used), allowed: Some(allowed), .. }), _) => {
                used >= allowed
            }
            (_, TokenLimit::Window(window)) => window.is_used_up(self.in_flight, now),
            _ => true,
        }
    }
}

/// Returns `from` plus `times` spacings.
fn later(from: Instant, spacing: Duration, times: u64) -> Option<Instant> {
    from.checked_add(spacing.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX)))
}
