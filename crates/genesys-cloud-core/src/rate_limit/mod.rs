//! The rate limiter of a client. Every attempt of a call waits here for its turn before it is sent.
//!
//! [`limiter`] makes the decisions; this module does the waiting. A waiting call wakes up when something changes (a
//! response arrives, a call is dropped) or when its delay ends. Only the head of a queue watches the clock.

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
pub(crate) use self::pacer::FailFast;
use crate::error::{Error, ErrorLimit};
use crate::operation::Operation;
use crate::response::ResponseHead;
use crate::wait::{Wait, WaitObserver, WaitReason};

/// Keeps a client within its rate limits.
pub(crate) struct RateLimiter {
    shared: Mutex<Shared>,
    wait_observer: WaitObserver,
}

/// The state of the rate limit on a client's token, from the last response that reported it. Returned by
/// [`Client::rate_limit`](crate::Client::rate_limit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// Calls allowed per window. `None` if the API reports only the remaining calls.
    pub allowed: Option<u64>,
    /// Calls left in this window, after those of other programs with the same token. Equals `allowed` once the window
    /// has ended.
    pub left: u64,
    /// Time until the window ends, usually in whole seconds. Zero once it has ended.
    pub resets_in: Duration,
}

impl RateLimit {
    fn of(headers: WindowHeaders, age: Duration) -> Self {
        let WindowHeaders { allowed, usage, resets_in } = headers;
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
    /// The last rate limit headers, and when they arrived.
    latest: Option<(WindowHeaders, Instant)>,
    waiters: HashMap<Ticket, Arc<Notify>>,
}

impl Shared {
    /// Wakes all waiting calls, since their delays have changed.
    fn wake_all(&self) {
        self.waiters.values().for_each(|waiter| waiter.notify_one());
    }

    fn wake(&self, now: Instant) {
        for ticket in self.limiter.awake(now) {
            if let Some(waiter) = self.waiters.get(&ticket) {
                waiter.notify_one();
            }
        }
    }
}

impl RateLimiter {
    pub(crate) fn new(caps: Caps, wait_observer: WaitObserver) -> Self {
        // Does not read the clock of the runtime: a client may be built outside of one.
        let limiter = Limiter::new(caps);
        let shared = Shared { limiter, latest: None, waiters: HashMap::new() };
        Self { shared: Mutex::new(shared), wait_observer }
    }

    /// Returns the state of the token's limit, if it is known.
    pub(crate) fn current(&self) -> Option<RateLimit> {
        self.lock().latest.map(|(headers, at)| RateLimit::of(headers, at.elapsed()))
    }

    /// Returns a ticket behind all earlier calls. Retries keep the ticket of their call.
    pub(crate) fn begin(&self) -> Ticket {
        self.lock().limiter.ticket()
    }

    /// Waits for the turn of a call. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// If the API asks for a longer wait than the client allows.
    pub(crate) async fn turn<'a>(
        &'a self,
        ticket: Ticket,
        operation: &'a Operation,
    ) -> Result<Permit<'a>, Refused> {
        let entry = QueueEntry::join(self, ticket, operation.id());
        let mut reported = None;
        loop {
            let now = Instant::now();
            let turn = {
                let mut shared = self.lock();
                let turn = shared.limiter.poll(ticket, operation.id(), now);
                if turn == Turn::Go {
                    shared.waiters.remove(&ticket);
                    shared.wake(now);
                }
                if let Turn::Refused { remaining } = turn
                    && let Some((_, fail_fast)) = shared.limiter.closed(operation.id(), now)
                {
                    return Err(Refused { error: fail_fast.error.clone(), remaining });
                }
                turn
            };
            let Turn::Wait { until, reason, expected } = turn else { return Ok(entry.take(now)) };
            if let Some(reason) = reason.filter(|reason| reported != Some(*reason)) {
                reported = Some(reason);
                self.wait_observer.notify(&Wait { operation: operation.id(), reason, expected });
            }
            let woken = entry.notify.notified();
            match until {
                // Poll again, whether the time is up or the state has changed.
                Some(until) => drop(tokio::time::timeout_at(until, woken).await),
                None => woken.await,
            }
        }
    }

    /// Waits for a time that the limiter does not decide, such as a retry backoff.
    pub(crate) async fn pause(&self, operation: &Operation, reason: WaitReason, time: Duration) {
        self.wait_observer.notify(&Wait {
            operation: operation.id(),
            reason,
            expected: Some(time),
        });
        tokio::time::sleep(time).await;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rejection of a call before it is sent.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The error of an earlier call, whose response asked for the wait.
    pub(crate) error: Arc<Error>,
    /// The rest of that wait.
    pub(crate) remaining: Duration,
}

/// A position in a queue; dropping it leaves the queue.
struct QueueEntry<'a> {
    rate_limiter: &'a RateLimiter,
    ticket: Ticket,
    operation: &'a str,
    notify: Arc<Notify>,
    taken: bool,
}

impl<'a> QueueEntry<'a> {
    fn join(rate_limiter: &'a RateLimiter, ticket: Ticket, operation: &'a str) -> Self {
        let notify = Arc::new(Notify::new());
        let mut shared = rate_limiter.lock();
        shared.limiter.join(ticket, operation);
        shared.waiters.insert(ticket, notify.clone());
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

impl Drop for QueueEntry<'_> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut shared = self.rate_limiter.lock();
        shared.limiter.leave(self.ticket, self.operation);
        shared.waiters.remove(&self.ticket);
        shared.wake(Instant::now());
    }
}

/// The right to send one request. If it is dropped without a response, the API may still have counted the request.
pub(crate) struct Permit<'a> {
    rate_limiter: &'a RateLimiter,
    operation: &'a str,
    sent_at: Instant,
    settled: bool,
}

impl Permit<'_> {
    /// Records a response to a request with the token of this serial number.
    pub(crate) fn answered(self, serial: u64, head: &ResponseHead) {
        self.settle(&match head.status.as_u16() {
            401 => Outcome::Unauthorized,
            _ => Outcome::Answered { serial, headers: WindowHeaders::of(head) },
        });
    }

    /// Records a 429. `pause` is how long no call may be sent, if known. With `fail_fast`, calls fail during the pause
    /// instead of waiting.
    pub(crate) fn limited(
        self,
        serial: u64,
        head: &ResponseHead,
        limit: Option<&ErrorLimit>,
        pause: Option<Duration>,
        fail_fast: Option<&FailFast>,
    ) {
        let headers = WindowHeaders::of(head);
        self.settle(&Outcome::Limited { serial, headers, pause, fail_fast, limit });
    }

    fn settle(mut self, outcome: &Outcome<'_>) {
        self.settle_at(outcome, Instant::now());
    }

    fn settle_at(&mut self, outcome: &Outcome<'_>, now: Instant) {
        self.settled = true;
        let mut shared = self.rate_limiter.lock();
        if let Outcome::Answered { headers, .. } | Outcome::Limited { headers, .. } = outcome {
            shared.latest = headers.map(|headers| (headers, now)).or(shared.latest);
        }
        let was_unknown = shared.limiter.is_limit_unknown();
        shared.limiter.settle(self.operation, self.sent_at, outcome, now);
        let is_known_now = was_unknown && !shared.limiter.is_limit_unknown();
        match outcome {
            Outcome::Limited { pause: Some(_), .. } => shared.wake_all(),
            _ if is_known_now => shared.wake_all(),
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
mod current {
    use super::*;

    #[test]
    fn reported_usage_holds_until_the_window_ends() {
        let window = Duration::from_secs(10);
        for (allowed, usage, age, left, resets_in) in [
            (Some(300), Usage::Used(100), 4, 200, 6),
            (Some(300), Usage::Used(400), 0, 0, 10),
            (Some(300), Usage::Used(100), 11, 300, 0),
            (Some(300), Usage::Left(7), 0, 7, 10),
            (None, Usage::Left(7), 11, 7, 0),
        ] {
            let headers = WindowHeaders { allowed, usage, resets_in: window };
            let limit = RateLimit::of(headers, Duration::from_secs(age));
            let resets_in = Duration::from_secs(resets_in);
            assert_eq!(limit, RateLimit { allowed, left, resets_in }, "{usage:?}");
        }
    }
}
