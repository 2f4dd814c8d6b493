//! Decides which failed attempts are retried, and when. Sends nothing and does not wait.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// Upper bound of the first backoff. It doubles with each retry, up to the maximum.
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// Upper bound on a pause, since a wrong `Retry-After` could stop a client for good.
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(24 * 3_600);

/// The retry quota of a client: retries cost tokens, successes earn 1. The values are those of aws-sdk-js-v3
/// (`packages/middleware-retry/src/constants.ts`).
const QUOTA: u32 = 500;
const COST: u32 = 5;
const TIMEOUT_COST: u32 = 10;

/// Settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Maximum number of retries per call, without rate limits.
    pub(crate) max_retries: u32,
    /// Maximum total wait per call that the API may demand.
    pub(crate) max_rate_limit_wait: Duration,
}

/// The retry state shared by all calls of a client.
#[derive(Debug)]
pub(crate) struct Retries {
    policy: Policy,
    /// The tokens left. In an outage they run out, so that calls are not sent six times each.
    quota: Mutex<u32>,
    /// Whether any response has arrived. If so, URLs and certificates are right, and a failure to connect is likely
    /// temporary.
    has_answer: AtomicBool,
}

/// What an error status means for retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A rate limit refused the request. Nothing was done.
    Limited,
    /// The service is unavailable. The request may have been carried out. A retry may succeed.
    Unavailable,
    /// A server fault. An immediate retry is likely to fail again; a later one may succeed.
    Faulty,
    /// A retry would get the same response.
    Final,
}

/// The error statuses that are not final; the first match applies. Used by calls, logins, jobs, downloads and lists.
const STATUSES: &[(RangeInclusive<u16>, Meaning)] = &[
    // A gateway timed out waiting for the request.
    (408..=408, Meaning::Unavailable),
    (429..=429, Meaning::Limited),
    (502..=504, Meaning::Unavailable),
    (500..=599, Meaning::Faulty),
];

/// The error codes that override the meaning of the status.
const CODES: &[(&str, Meaning)] = &[
    // "Database too busy. Please try again", a 500.
    ("architect.database.throughput.exceeded", Meaning::Unavailable),
];

impl Meaning {
    pub(crate) fn of(status: u16, code: Option<&str>) -> Self {
        let by_code = CODES.iter().find(|(known, _)| Some(*known) == code);
        let by_status = || STATUSES.iter().find(|(statuses, _)| statuses.contains(&status));
        let by_status = || by_status().map_or(Self::Final, |(_, meaning)| *meaning);
        by_code.map_or_else(by_status, |(_, meaning)| *meaning)
    }
}

/// Why an attempt failed, as far as retries are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Rejected by a rate limit, without effect.
    Limited,
    /// Never reached the host.
    Unsent,
    /// The service was unavailable. The request may have had an effect.
    Unavailable,
    /// The connection broke. The request may have had an effect.
    Broken,
    TimedOut,
    /// A valid response that a retry would not change.
    Final,
}

/// The decision after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Retry after this time at the earliest.
    Again(Duration),
    GiveUp(Reason),
}

/// Why a call is not retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A retry would end in the same way, or retries are disabled.
    Final,
    /// A retry could do the work twice.
    NotRepeatable,
    /// The maximum number of retries is reached.
    Retries,
    /// Too many calls of the client are failing.
    Quota,
    /// The API asks for a longer wait than allowed.
    Wait { allowed: Duration },
}

impl Reason {
    /// Adds advice to the final error of a call.
    pub(crate) fn advise(self, error: Error) -> Error {
        match self {
            Self::Final | Self::Retries => error,
            Self::NotRepeatable => error.outcome_unknown(
                "the request may have been carried out, and a retry could repeat its effect: check before you send \
                 it again",
            ),
            Self::Quota => error.advise(
                "not retried, because too many calls of this client are failing: try again later",
            ),
            // A program that disabled waiting needs no hint at the setting.
            Self::Wait { allowed } if allowed.is_zero() => error,
            Self::Wait { allowed } => {
                let when = match error.retry_after() {
                    Some(wait) => format!("in {} s", wait.as_secs()),
                    None => "later".to_owned(),
                };
                error.advise(format!(
                    "call again {when}: the client waits at most {} s (`max_rate_limit_wait`)",
                    allowed.as_secs()
                ))
            }
        }
    }
}

impl Retries {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, quota: Mutex::new(QUOTA), has_answer: AtomicBool::new(false) }
    }

    /// Starts the attempts of one call.
    pub(crate) fn begin(&self, is_repeatable: bool) -> Attempts<'_> {
        self.begin_again(is_repeatable, 0)
    }

    /// Continues a call with an unusable response that was already retried `repeated` times.
    pub(crate) fn begin_again(&self, is_repeatable: bool, repeated: u32) -> Attempts<'_> {
        let (limited, paused, paid, pending) = (0, Duration::ZERO, 0, 0);
        Attempts { retries: self, is_repeatable, repeated, limited, paused, paid, pending }
    }

    /// Records a usable response after `repeated` unusable ones: their cost is refunded.
    pub(crate) fn usable_after(&self, repeated: u32) {
        self.refund(repeated.saturating_mul(COST));
    }

    /// Whether the API asks for a longer wait than calls make, so that calls fail until then.
    pub(crate) fn fails_fast(&self, error: &Error) -> bool {
        let allowed = self.policy.max_rate_limit_wait;
        error.is_rate_limited() && error.retry_after().is_some_and(|wait| wait > allowed)
    }

    /// Maximum wait per call that the API may demand.
    pub(crate) const fn max_wait(&self) -> Duration {
        self.policy.max_rate_limit_wait
    }

    /// Returns the error of a call that is not sent, because an earlier one got `error` and its wait is not over.
    pub(crate) fn held_back(&self, error: &Error, remaining: Duration) -> Error {
        let allowed = self.policy.max_rate_limit_wait;
        Reason::Wait { allowed }.advise(error.held_back(remaining))
    }

    fn refund(&self, cost: u32) {
        let mut quota = self.quota();
        *quota = QUOTA.min(quota.saturating_add(cost));
    }

    fn quota(&self) -> MutexGuard<'_, u32> {
        self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The attempts of one call.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    retries: &'a Retries,
    is_repeatable: bool,
    /// Retries after failures, and retries after rate limits.
    repeated: u32,
    limited: u32,
    /// Total wait demanded by the API.
    paused: Duration,
    /// The cost of the retries, refunded by a response.
    paid: u32,
    /// The cost of a retry not sent yet, refunded if it is dropped.
    pending: u32,
}

impl Attempts<'_> {
    /// Records that the next attempt is being sent.
    pub(crate) fn begun(&mut self) {
        self.pending = 0;
    }

    /// Records a final response: the service is up.
    pub(crate) fn answered(&mut self) {
        self.retries.has_answer.store(true, Ordering::Relaxed);
        self.pending = 0;
        self.retries.refund(std::mem::take(&mut self.paid).max(1));
    }

    /// Records that the call ends with a rate limit, which is not an outage.
    pub(crate) fn limited(&mut self) {
        self.pending = 0;
        self.retries.refund(std::mem::take(&mut self.paid));
    }

    /// Decides what to do after an unusable successful response. The next response does not refund its cost, because it
    /// may be unusable too.
    pub(crate) fn after_unusable(&mut self, error: &Error) -> Next {
        let next = self.after(error);
        self.paid = 0;
        next
    }

    /// Decides what to do after a failed attempt.
    pub(crate) fn after(&mut self, error: &Error) -> Next {
        let has_answer = &self.retries.has_answer;
        let failure = Failure::of(error, has_answer.load(Ordering::Relaxed));
        if let Some(status) = error.status() {
            has_answer.store(true, Ordering::Relaxed);
            // A final error response shows that the service is up.
            if failure == Failure::Final && Meaning::of(status, error.code()) == Meaning::Final {
                self.answered();
            }
        }
        let next = self.decide(failure, error.retry_after(), chance());
        if failure == Failure::Limited && matches!(next, Next::GiveUp(_)) {
            self.limited();
        }
        next
    }

    /// Decides when to retry a failed renewal of a token that is still valid, after `failures` others. No call waits
    /// for it, so it costs no quota and has no maximum.
    pub(crate) fn after_renewal(&mut self, error: &Error, failures: u32) -> Next {
        let failure = Failure::of(error, true);
        if failure == Failure::Final {
            return Next::GiveUp(Reason::Final);
        }
        let own = backoff(failures.saturating_add(1), 0.5 + chance() / 2.0);
        let wait = error.retry_after().unwrap_or_default().max(own);
        let allowed = self.retries.policy.max_rate_limit_wait;
        if self.retries.fails_fast(error) {
            return Next::GiveUp(Reason::Wait { allowed });
        }
        Next::Again(wait)
    }

    /// `chance` is uniformly distributed over `0.0..1.0`.
    fn decide(&mut self, failure: Failure, retry_after: Option<Duration>, chance: f64) -> Next {
        let policy = self.retries.policy;
        let allowed = policy.max_rate_limit_wait;
        if failure == Failure::Limited {
            // Honor `Retry-After`, but back off further if it was too short before.
            let own = match (retry_after, self.limited) {
                (Some(_), 0) => Duration::ZERO,
                (Some(_), again) => backoff(again - 1, 0.5 + chance / 2.0),
                (None, again) => backoff(again, 0.5 + chance / 2.0),
            };
            let wait = retry_after.unwrap_or_default().max(own);
            if self.paused.saturating_add(wait) > allowed {
                return Next::GiveUp(Reason::Wait { allowed });
            }
            self.limited += 1;
            self.paused += wait;
            return Next::Again(wait);
        }
        if failure == Failure::Final {
            return Next::GiveUp(Reason::Final);
        }
        if !self.is_repeatable && failure != Failure::Unsent {
            return Next::GiveUp(Reason::NotRepeatable);
        }
        if policy.max_retries == 0 {
            return Next::GiveUp(Reason::Final);
        }
        if self.repeated >= policy.max_retries {
            return Next::GiveUp(Reason::Retries);
        }
        let asked = retry_after.unwrap_or_default();
        if self.paused.saturating_add(asked) > allowed {
            return Next::GiveUp(Reason::Wait { allowed });
        }
        let cost = if failure == Failure::TimedOut { TIMEOUT_COST } else { COST };
        let mut quota = self.retries.quota();
        let Some(rest) = quota.checked_sub(cost) else { return Next::GiveUp(Reason::Quota) };
        *quota = rest;
        self.paid += cost;
        self.pending = cost;
        self.paused += asked;
        let wait = backoff(self.repeated, chance).max(asked);
        self.repeated += 1;
        Next::Again(wait)
    }
}

/// Refunds a retry that was never sent.
impl Drop for Attempts<'_> {
    fn drop(&mut self) {
        if self.pending > 0 {
            self.retries.refund(self.pending);
        }
    }
}

impl Failure {
    fn of(error: &Error, has_answer: bool) -> Self {
        if error.is_rate_limited() {
            return Self::Limited;
        }
        if error.kind() == ErrorKind::Connect {
            let may_pass = has_answer || error.is_timeout() || error.is_connection_fault();
            return if may_pass { Self::Unsent } else { Self::Final };
        }
        if error.is_transport() {
            return if error.is_timeout() { Self::TimedOut } else { Self::Broken };
        }
        if error.is_passing() {
            return Self::Unavailable;
        }
        match error.status().map(|status| Meaning::of(status, error.code())) {
            Some(Meaning::Unavailable) => Self::Unavailable,
            _ => Self::Final,
        }
    }
}

/// Returns a part of the maximum backoff before this retry, counted from 0.
fn backoff(repetition: u32, part: f64) -> Duration {
    let longest = INITIAL_BACKOFF.saturating_mul(2_u32.saturating_pow(repetition));
    longest.min(MAX_BACKOFF).mul_f64(part)
}

/// Returns a random number in `0.0..1.0`, so that clients that failed together do not retry together.
pub(crate) fn chance() -> f64 {
    let bits = RandomState::new().hash_one(());
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
