//! Who may call when: the decisions, without any waiting. Time comes in with every question.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::adaptive::AdaptiveRate;
use super::headers::{Usage, WindowHeaders};
use super::operation_limits::{self, OperationLimits};
use super::pacer::{Closure, Delay, Pacer, Probes, SLACK, SlowStart};
use super::window::Window;
use crate::error::ErrorLimit;
use crate::wait::WaitReason;

/// At the start, no more than so many calls find out how things stand.
const FIRST_SCOUTS: u64 = 4;

/// What a client takes for itself.
#[derive(Clone, Debug)]
pub(crate) struct Caps {
    /// How many calls of each window are left to others.
    pub(crate) reserve: u64,
    /// The least time between two calls, on average.
    pub(crate) spacing: Option<Duration>,
    /// How many calls may be under way.
    pub(crate) concurrent: u64,
}

/// The place of a call in the queue, in the order of their beginning. A call that is repeated keeps its.
pub(super) type Ticket = u64;

/// What a call is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Go. It counts as under way until it is [settled](Limiter::settle).
    Go,
    /// Ask again at that time, and whenever woken.
    Wait {
        until: Option<Instant>,
        /// Why, unless it is only that others come first.
        reason: Option<WaitReason>,
        /// How long that is going to take, about.
        expected: Option<Duration>,
    },
    /// Fail: the API asks for a longer wait than the client allows. This is what is left of it.
    Refused { remaining: Duration },
}

/// How a call ended, as far as limits go.
#[derive(Debug)]
pub(super) enum Outcome<'a> {
    /// No answer came, or nobody waited for it.
    Unanswered,
    /// The API did not accept the token, and so did not look at limits.
    Unauthorized,
    Answered {
        serial: u64,
        standing: Option<WindowHeaders>,
    },
    Limited {
        serial: u64,
        standing: Option<WindowHeaders>,
        /// How long no call is to be sent. `None` if that is not known.
        pause: Option<Duration>,
        /// Set if the call does not wait for that, and no other is to.
        closure: Option<&'a Closure>,
        limit: Option<&'a ErrorLimit>,
    },
}

/// What is known of the limit on the token.
#[derive(Debug)]
enum Known {
    /// Nothing yet.
    Unknown(Probes),
    /// Answers come, and do not tell: what can be known is what 429s show.
    Untold(AdaptiveRate),
    Window(Window),
}

pub(super) struct Limiter {
    caps: Caps,
    tickets: Ticket,
    in_flight: u64,
    known: Known,
    /// Shut by a 429 that concerns all calls with the token.
    gate: SlowStart,
    /// The client's own rate, from its first call on.
    pace: Option<Pacer>,
    families: OperationLimits,
    /// Those who wait, by operation. Kept while there are any, in order.
    lanes: HashMap<String, BTreeSet<Ticket>>,
    waiting: u64,
}

impl Limiter {
    pub(super) fn new(caps: Caps) -> Self {
        Self {
            caps,
            pace: None,
            tickets: 0,
            in_flight: 0,
            known: Known::Unknown(Probes::new(FIRST_SCOUTS)),
            gate: SlowStart::default(),
            families: OperationLimits::default(),
            lanes: HashMap::new(),
            waiting: 0,
        }
    }

    /// A place behind all others.
    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        self.tickets
    }

    pub(super) fn join(&mut self, ticket: Ticket, operation: &str) {
        let lane = match self.lanes.get_mut(operation) {
            Some(lane) => lane,
            None => self.lanes.entry(operation.to_owned()).or_default(),
        };
        if lane.insert(ticket) {
            self.waiting += 1;
        }
    }

    /// Gives up a place.
    pub(super) fn leave(&mut self, ticket: Ticket, operation: &str) {
        let Some(lane) = self.lanes.get_mut(operation) else { return };
        if lane.remove(&ticket) {
            self.waiting -= 1;
        }
        if lane.is_empty() {
            self.lanes.remove(operation);
        }
    }

    /// The longest time for which a call is refused rather than held, and why.
    pub(super) fn closed(&self, operation: &str, now: Instant) -> Option<(Duration, &Closure)> {
        let of_lane = self.families.closed(operation, now);
        of_lane.into_iter().chain(self.gate.closed(now)).max_by_key(|(remaining, _)| *remaining)
    }

    /// Whether a call that has joined may go now.
    pub(super) fn poll(&mut self, ticket: Ticket, operation: &str, now: Instant) -> Turn {
        if let Some((remaining, _)) = self.closed(operation, now) {
            return Turn::Refused { remaining };
        }
        let in_lane = self.families.obstacle(operation, now);
        let obstacle = in_lane.or_else(|| self.obstacle(now));
        let is_first = match in_lane {
            // It waits for its lane alone, and only the first of the lane needs to look.
            Some(_) => self.first_of(operation) == Some(ticket),
            None => self.first(now) == Some(ticket),
        };
        match obstacle {
            None if is_first => {
                self.take(ticket, operation, now);
                Turn::Go
            }
            None => Turn::Wait { until: None, reason: None, expected: None },
            Some(obstacle) => {
                let Delay { until, reason } = obstacle;
                let ahead = match in_lane {
                    Some(_) => self.ahead_of(ticket, |other| self.families.share(operation, other)),
                    None => self.ahead_of(ticket, |_| true),
                };
                let due = self.due(ahead, operation, obstacle, now);
                let expected = due.map(|due| due.saturating_duration_since(now));
                let until = until.filter(|_| is_first);
                Turn::Wait { until, reason: Some(reason), expected }
            }
        }
    }

    fn take(&mut self, ticket: Ticket, operation: &str, now: Instant) {
        self.leave(ticket, operation);
        self.gate.take(now);
        self.families.take(operation, now);
        match &mut self.known {
            Known::Unknown(scouts) => scouts.take(now),
            Known::Untold(guess) => guess.take(now),
            Known::Window(window) => window.take(self.in_flight, now),
        }
        if let Some(spacing) = self.caps.spacing {
            self.pace.get_or_insert_with(|| Pacer::new(now, SLACK.min(spacing))).take(spacing, now);
        }
        self.in_flight += 1;
    }

    /// What keeps every call with the token from going.
    fn obstacle(&self, now: Instant) -> Option<Delay<WaitReason>> {
        let until = |until, reason| Delay { until: Some(until), reason };
        if self.in_flight >= self.caps.concurrent {
            return Some(Delay { until: None, reason: WaitReason::ConcurrentRequests });
        }
        if let Some(wait) = self.gate.wait(now) {
            return Some(until(wait, WaitReason::RateLimited));
        }
        let known = match &self.known {
            Known::Unknown(scouts) => scouts.wait(now).map(|at| until(at, WaitReason::Unknown)),
            Known::Untold(guess) => guess.wait(now).map(|at| until(at, WaitReason::Spread)),
            Known::Window(window) => window.obstacle(self.in_flight, now),
        };
        known.or_else(|| {
            let wait = self.pace.as_ref()?.wait(now)?;
            Some(until(wait, WaitReason::RequestsPerSecond))
        })
    }

    /// How many calls wait in these lanes that go before one with this ticket.
    fn ahead_of(&self, ticket: Ticket, is_counted: impl Fn(&str) -> bool) -> u64 {
        let lanes = self.lanes.iter().filter(|(operation, _)| is_counted(operation));
        let ahead = lanes.map(|(_, lane)| match lane.last() {
            // As a rule it is the last of all.
            Some(last) if *last < ticket => lane.len(),
            Some(last) if *last == ticket => lane.len() - 1,
            _ => lane.range(..ticket).count(),
        });
        ahead.sum::<usize>() as u64
    }

    /// About when a call can go that has this many ahead of it. `None` if that depends on the answers to calls under way.
    fn due(
        &self,
        ahead: u64,
        operation: &str,
        obstacle: Delay<WaitReason>,
        now: Instant,
    ) -> Option<Instant> {
        let from = match obstacle.reason {
            WaitReason::Unknown if ahead == 0 => return None,
            // The window knows, and so does the next one.
            WaitReason::Budget | WaitReason::Unknown | WaitReason::ConcurrentRequests => now,
            _ => obstacle.until?,
        };
        let by_limit = match &self.known {
            Known::Window(window) => window.due(ahead, self.in_flight, from, now),
            Known::Untold(guess) => later(from, guess.spacing(), ahead),
            Known::Unknown(_) => Some(from),
        };
        let own = self.caps.spacing.unwrap_or_default().max(self.families.spacing(operation));
        let due = by_limit.into_iter().chain(later(from, own, ahead)).max();
        // What answers decide takes some time.
        due.filter(|due| *due > now)
    }

    /// The first of all whose lane is free.
    fn first(&self, now: Instant) -> Option<Ticket> {
        let free = self.lanes.iter().filter(|(operation, _)| {
            self.families.is_empty() || self.families.obstacle(operation, now).is_none()
        });
        free.filter_map(|(_, lane)| lane.first()).min().copied()
    }

    fn first_of(&self, operation: &str) -> Option<Ticket> {
        self.lanes.get(operation)?.first().copied()
    }

    /// Those who are to ask again after something has changed: the first of all, who goes or watches the
    /// time for all others, and the first of each lane that has a limit of its own.
    pub(super) fn awake(&self, now: Instant) -> Vec<Ticket> {
        let mut awake: Vec<Ticket> = self.first(now).into_iter().collect();
        if !self.families.is_empty() {
            let limited = self.lanes.iter().filter(|(operation, _)| self.families.has(operation));
            awake.extend(limited.filter_map(|(_, lane)| lane.first()));
        }
        awake
    }

    /// Whether nothing is known of the limit on the token.
    pub(super) const fn is_ignorant(&self) -> bool {
        matches!(self.known, Known::Unknown(_))
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.waiting == 0 && self.lanes.is_empty()
    }

    /// A call that went at that time is back.
    pub(super) fn settle(
        &mut self,
        operation: &str,
        sent_at: Instant,
        outcome: &Outcome<'_>,
        now: Instant,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let was_allowed = matches!(outcome, Outcome::Answered { .. });
        self.gate.back(sent_at, was_allowed);
        self.families.back(operation, sent_at, was_allowed);
        if let (Known::Untold(guess), true) = (&mut self.known, was_allowed) {
            guess.passed();
        }
        match outcome {
            Outcome::Unanswered | Outcome::Unauthorized => {
                self.learn(None, None, sent_at, now);
            }
            Outcome::Answered { serial, standing } => {
                self.learn(Some(*serial), standing.as_ref(), sent_at, now);
            }
            Outcome::Limited { serial, standing, pause, closure, limit } => {
                self.learn(Some(*serial), standing.as_ref(), sent_at, now);
                let limits_token = match limit.and_then(|limit| limit.key.as_deref()) {
                    Some(key) => operation_limits::limits_token(key),
                    None => self.is_used_up(standing.as_ref(), now),
                };
                let Some(until) = pause.and_then(|pause| now.checked_add(pause)) else { return };
                if limits_token {
                    self.gate.shut(until, *closure);
                    // A limit of a day says nothing of the rate.
                    if let (Known::Untold(guess), None) = (&mut self.known, closure) {
                        guess.refused(sent_at, until);
                    }
                } else {
                    self.families.shut(operation, *limit, until, *closure);
                }
            }
        }
    }

    fn learn(
        &mut self,
        answered: Option<u64>,
        standing: Option<&WindowHeaders>,
        sent_at: Instant,
        now: Instant,
    ) {
        match (&mut self.known, answered, standing) {
            (Known::Window(window), Some(serial), Some(standing)) => {
                window.learn(standing, sent_at, serial, now);
            }
            (_, Some(serial), Some(standing)) => {
                let window = Window::new(self.caps.reserve, serial, standing, now);
                self.known = Known::Window(window);
            }
            (Known::Window(window), answered, _) => {
                if !window.learn_nothing(sent_at, answered.is_some(), now) {
                    self.known = Known::Untold(AdaptiveRate::default());
                }
            }
            (Known::Unknown(_), Some(_), None) => {
                self.known = Known::Untold(AdaptiveRate::default());
            }
            (Known::Unknown(scouts), ..) => scouts.back(),
            (Known::Untold(_), ..) => {}
        }
    }

    /// Whether it is the calls of the token as a whole that were too many, for all that is known.
    fn is_used_up(&self, standing: Option<&WindowHeaders>, now: Instant) -> bool {
        match (standing, &self.known) {
            (Some(WindowHeaders { usage: Usage::Left(left), .. }), _) => *left == 0,
            (Some(WindowHeaders { usage: Usage::Used(used), allowed: Some(allowed), .. }), _) => {
                used >= allowed
            }
            (_, Known::Window(window)) => window.is_used_up(self.in_flight, now),
            _ => true,
        }
    }
}

/// This point in time and a number of spacings.
fn later(from: Instant, spacing: Duration, times: u64) -> Option<Instant> {
    from.checked_add(spacing.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX)))
}
