//! The one limiter of a client: every request to the API waits here for its turn, just before it is sent.
//!
//! [`limiter`] decides, and this module waits. Who waits is woken by a change (an answer, a call that is
//! given up) or by the clock; only the first in the queue watches the clock.

mod adaptive;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod headers;
mod limiter;
mod operation_limits;
mod pacer;
#[cfg(test)]
mod tests;
mod window;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use self::headers::{Usage, WindowHeaders};
pub(crate) use self::limiter::Caps;
use self::limiter::{Limiter, Outcome, Ticket, Turn};
pub(crate) use self::pacer::Closure;
use crate::error::{Error, ErrorLimit};
use crate::operation::Operation;
use crate::response::ResponseHead;
use crate::wait::{Wait, WaitObserver, WaitReason};

/// Keeps a client within its rate limits.
pub(crate) struct RateLimiter {
    shared: Mutex<Shared>,
    wait_observer: WaitObserver,
}

/// Where a client stands in the rate limit on its token, as the last answer that told it has it: from
/// [`Client::rate_limit`](crate::Client::rate_limit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many calls a window allows. `None` if only the rest was told.
    pub allowed: Option<u64>,
    /// How many calls of the window are left, those of other programs with the same token taken off. As many
    /// as a window allows, once it has ended.
    pub left: u64,
    /// The time to the end of the window, in whole seconds as a rule. Zero once it has ended.
    pub resets_in: Duration,
}

impl RateLimit {
    fn of(standing: WindowHeaders, age: Duration) -> Self {
        let WindowHeaders { allowed, usage, resets_in } = standing;
        let left = match (usage, allowed) {
            (_, Some(allowed)) if age >= resets_in => allowed,
            (Usage::Used(used), allowed) => allowed.unwrap_or(0).saturating_sub(used),
            (Usage::Left(left), _) => left,
        };
        Self { allowed, left, resets_in: resets_in.saturating_sub(age) }
    }
}

struct Shared {
    limiter: Limiter,
    /// What the last answer told, and when.
    told: Option<(WindowHeaders, Instant)>,
    sleepers: HashMap<Ticket, Arc<Notify>>,
}

impl Shared {
    /// Wakes all sleepers: what they know about their wait is out of date.
    fn wake_all(&self) {
        self.sleepers.values().for_each(|sleeper| sleeper.notify_one());
    }

    fn wake(&self, now: Instant) {
        for ticket in self.limiter.awake(now) {
            if let Some(sleeper) = self.sleepers.get(&ticket) {
                sleeper.notify_one();
            }
        }
    }
}

impl RateLimiter {
    pub(crate) fn new(caps: Caps, wait_observer: WaitObserver) -> Self {
        // The clock of a runtime is not asked here: a client may be made outside of one.
        let limiter = Limiter::new(caps);
        let shared = Shared { limiter, told: None, sleepers: HashMap::new() };
        Self { shared: Mutex::new(shared), wait_observer }
    }

    /// Where the token stands, as far as it was told.
    pub(crate) fn standing(&self) -> Option<RateLimit> {
        self.lock().told.map(|(standing, told)| RateLimit::of(standing, told.elapsed()))
    }

    /// A call begins: it queues behind all others that have, and so do its repetitions.
    pub(crate) fn begin(&self) -> Ticket {
        self.lock().limiter.ticket()
    }

    /// Waits for the turn of a call. Dropping the future gives the place back.
    ///
    /// # Errors
    /// When the API asks for a longer wait than the client allows.
    pub(crate) async fn turn<'a>(
        &'a self,
        ticket: Ticket,
        operation: &'a Operation,
    ) -> Result<Permit<'a>, Refused> {
        let place = Place::join(self, ticket, operation.id());
        let mut told = None;
        loop {
            let now = Instant::now();
            let turn = {
                let mut shared = self.lock();
                let turn = shared.limiter.poll(ticket, operation.id(), now);
                if turn == Turn::Go {
                    shared.sleepers.remove(&ticket);
                    shared.wake(now);
                }
                if let Turn::Refused { remaining } = turn
                    && let Some((_, closure)) = shared.limiter.closed(operation.id(), now)
                {
                    return Err(Refused { error: closure.error.clone(), remaining });
                }
                turn
            };
            let Turn::Wait { until, reason, expected } = turn else { return Ok(place.take(now)) };
            if let Some(reason) = reason.filter(|reason| told != Some(*reason)) {
                told = Some(reason);
                self.wait_observer.tell(&Wait { operation: operation.id(), reason, expected });
            }
            let woken = place.notify.notified();
            match until {
                // Whether the time is up or something has changed, it is asked again.
                Some(until) => drop(tokio::time::timeout_at(until, woken).await),
                None => woken.await,
            }
        }
    }

    /// Waits for a time that is not the limiter's to decide, such as that before a repetition.
    pub(crate) async fn pause(&self, operation: &Operation, reason: WaitReason, time: Duration) {
        self.wait_observer.tell(&Wait { operation: operation.id(), reason, expected: Some(time) });
        tokio::time::sleep(time).await;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is not to be sent.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The answer to an earlier call that asked for the wait.
    pub(crate) error: Arc<Error>,
    /// How much of it is left.
    pub(crate) remaining: Duration,
}

/// A place in the queue.
struct Place<'a> {
    rate_limiter: &'a RateLimiter,
    ticket: Ticket,
    operation: &'a str,
    notify: Arc<Notify>,
    taken: bool,
}

impl<'a> Place<'a> {
    fn join(rate_limiter: &'a RateLimiter, ticket: Ticket, operation: &'a str) -> Self {
        let notify = Arc::new(Notify::new());
        let mut shared = rate_limiter.lock();
        shared.limiter.join(ticket, operation);
        shared.sleepers.insert(ticket, notify.clone());
        Self { rate_limiter, ticket, operation, notify, taken: false }
    }

    fn take(mut self, now: Instant) -> Permit<'a> {
        self.taken = true;
        Permit {
            rate_limiter: self.rate_limiter,
            operation: self.operation,
            sent_at: now,
            settled: false,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut shared = self.rate_limiter.lock();
        shared.limiter.leave(self.ticket, self.operation);
        shared.sleepers.remove(&self.ticket);
        shared.wake(Instant::now());
    }
}

/// A request that may be sent, or is under way. Dropped without an answer, it counts as one that the API
/// may have seen.
pub(crate) struct Permit<'a> {
    rate_limiter: &'a RateLimiter,
    operation: &'a str,
    sent_at: Instant,
    settled: bool,
}

impl Permit<'_> {
    /// The API answered, to a token of this serial number.
    pub(crate) fn answered(self, serial: u64, head: &ResponseHead) {
        self.settle(&match head.status.as_u16() {
            401 => Outcome::Unauthorized,
            _ => Outcome::Answered { serial, standing: WindowHeaders::of(head) },
        });
    }

    /// The API answered with a 429. `pause` is how long no call is to be sent, if that is known. With a `closure`, calls
    /// are not held for that time, but fail.
    pub(crate) fn limited(
        self,
        serial: u64,
        head: &ResponseHead,
        limit: Option<&ErrorLimit>,
        pause: Option<Duration>,
        closure: Option<&Closure>,
    ) {
        let standing = WindowHeaders::of(head);
        self.settle(&Outcome::Limited { serial, standing, pause, closure, limit });
    }

    fn settle(mut self, outcome: &Outcome<'_>) {
        self.settle_at(outcome, Instant::now());
    }

    fn settle_at(&mut self, outcome: &Outcome<'_>, now: Instant) {
        self.settled = true;
        let mut shared = self.rate_limiter.lock();
        if let Outcome::Answered { standing, .. } | Outcome::Limited { standing, .. } = outcome {
            shared.told = standing.map(|standing| (standing, now)).or(shared.told);
        }
        let was_ignorant = shared.limiter.is_ignorant();
        shared.limiter.settle(self.operation, self.sent_at, outcome, now);
        let is_news = was_ignorant && !shared.limiter.is_ignorant();
        match outcome {
            Outcome::Limited { pause: Some(_), .. } => shared.wake_all(),
            _ if is_news => shared.wake_all(),
            _ => shared.wake(now),
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.settle_at(&Outcome::Unanswered, Instant::now());
        }
    }
}

#[cfg(test)]
mod standing {
    use super::*;

    #[test]
    fn what_was_told_holds_until_the_window_ends() {
        let window = Duration::from_secs(10);
        for (allowed, usage, age, left, resets_in) in [
            (Some(300), Usage::Used(100), 4, 200, 6),
            (Some(300), Usage::Used(400), 0, 0, 10),
            (Some(300), Usage::Used(100), 11, 300, 0),
            (Some(300), Usage::Left(7), 0, 7, 10),
            (None, Usage::Left(7), 11, 7, 0),
        ] {
            let standing = WindowHeaders { allowed, usage, resets_in: window };
            let limit = RateLimit::of(standing, Duration::from_secs(age));
            let resets_in = Duration::from_secs(resets_in);
            assert_eq!(limit, RateLimit { allowed, left, resets_in }, "{usage:?}");
        }
    }
}
