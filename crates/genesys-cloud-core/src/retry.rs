//! Which failures lead to another attempt, and when. Decides alone: nothing is sent or waited for here.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// The first wait is up to this long, each further one up to twice as long, to the longest.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// No host is believed to want no call for longer than this: a wrong `Retry-After` would stop a client for good.
pub(crate) const LONGEST_CLOSURE: Duration = Duration::from_secs(24 * 3_600);

/// What repetitions cost a client, in the measure in which each success brings it 1. These are the values of
/// the retry quota in aws-sdk-js-v3 (`packages/middleware-retry/src/constants.ts`).
const QUOTA: u32 = 500;
const COST: u32 = 5;
const COST_OF_TIMEOUT: u32 = 10;

/// What a user may set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// How often a call is repeated after failures other than rate limits.
    pub(crate) max_retries: u32,
    /// How long the API may have a call wait in all.
    pub(crate) max_rate_limit_wait: Duration,
}

/// The repetitions of all calls of a client.
#[derive(Debug)]
pub(crate) struct Retries {
    policy: Policy,
    /// What repetitions are paid from. An outage uses it up, and is not made worse by every call being
    /// sent six times.
    quota: Mutex<u32>,
    /// Whether any answer has come to this client: then its URLs and certificates are right, and a
    /// connection that does not come about is a fault that may pass.
    has_answer: AtomicBool,
}

/// What an error status means for a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A rate limit refused the request. Nothing was done.
    Limited,
    /// The service is unavailable. The request may have been carried out. A retry may succeed.
    Unavailable,
    /// A server fault. An immediate retry is likely to fail again; a later one may succeed.
    Faulty,
    /// A retry would get the same reply.
    Final,
}

/// The error statuses that are not final; the first match counts. Calls, logins, jobs, downloads and lists all use
/// this table.
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

/// Why an attempt failed, as far as another one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Refused by a rate limit, so that nothing was done.
    Limited,
    /// Nothing of it reached the host.
    Unsent,
    /// The service could not answer; whether it did something is open.
    Unavailable,
    /// The connection broke; whether something was done is open.
    Broken,
    TimedOut,
    /// An answer that stands.
    Final,
}

/// What is to be done after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another one, no sooner than that.
    Again(Duration),
    GiveUp(Reason),
}

/// Why there is no other attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It would end in the same way, or the client makes none.
    Final,
    /// It could do twice what is to be done once.
    NotRepeatable,
    /// There have been as many as there may be.
    Retries,
    /// Too many calls of the client fail.
    Quota,
    /// The API wants a longer wait than is allowed.
    Wait { allowed: Duration },
}

impl Reason {
    /// The same error, with what can be done about it if this is why it stands.
    pub(crate) fn advise(self, error: Error) -> Error {
        match self {
            Self::Final | Self::Retries => error,
            Self::NotRepeatable => error.outcome_unknown(
                "it may have been done nevertheless, and is not repeated by itself, as that could do it \
                 twice: look before you call again",
            ),
            Self::Quota => error.advise(
                "it was not repeated, since too many calls of this client fail: try again later",
            ),
            // A client that waits for nothing has no setting to be pointed at.
            Self::Wait { allowed } if allowed.is_zero() => error,
            Self::Wait { allowed } => {
                let when = match error.retry_after() {
                    Some(wait) => format!("in {} s", wait.as_secs()),
                    None => "later".to_owned(),
                };
                error.advise(format!(
                    "call again {when}: the client waits for at most {} s (`max_rate_limit_wait`)",
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

    /// Those of one call.
    pub(crate) fn begin(&self, is_repeatable: bool) -> Attempts<'_> {
        self.begin_again(is_repeatable, 0)
    }

    /// Those of a call with an unusable reply that was already retried this often.
    pub(crate) fn begin_again(&self, is_repeatable: bool, repeated: u32) -> Attempts<'_> {
        let (limited, paused, paid, pending) = (0, Duration::ZERO, 0, 0);
        Attempts { retries: self, is_repeatable, repeated, limited, paused, paid, pending }
    }

    /// A reply could be used after this many that could not: what the repetitions have cost comes back.
    pub(crate) fn usable_after(&self, repeated: u32) {
        self.refund(repeated.saturating_mul(COST));
    }

    /// Whether the API asks for a longer wait than calls make, so that none is to be sent before.
    pub(crate) fn closes(&self, error: &Error) -> bool {
        let allowed = self.policy.max_rate_limit_wait;
        error.is_rate_limited() && error.retry_after().is_some_and(|wait| wait > allowed)
    }

    /// How long the API may have a call wait.
    pub(crate) const fn patience(&self) -> Duration {
        self.policy.max_rate_limit_wait
    }

    /// The error of a call that is not sent, since an earlier one was answered with this and the wait goes on.
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
    /// Repetitions after failures, and after rate limits.
    repeated: u32,
    limited: u32,
    /// How long the API has had the call wait.
    paused: Duration,
    /// What the repetitions have cost. It comes back with an answer.
    paid: u32,
    /// What was paid for an attempt that has not begun. It comes back if that is given up.
    pending: u32,
}

impl Attempts<'_> {
    /// The next attempt is sent now.
    pub(crate) fn begun(&mut self) {
        self.pending = 0;
    }

    /// An answer came that stands: it shows that the service is there.
    pub(crate) fn answered(&mut self) {
        self.retries.has_answer.store(true, Ordering::Relaxed);
        self.pending = 0;
        self.retries.refund(std::mem::take(&mut self.paid).max(1));
    }

    /// The call ends with a rate limit, which is no outage.
    pub(crate) fn limited(&mut self) {
        self.pending = 0;
        self.retries.refund(std::mem::take(&mut self.paid));
    }

    /// Decides what to do after an unusable successful reply. The quota spent on it is not refunded by the next reply,
    /// which may be unusable too.
    pub(crate) fn after_unusable(&mut self, error: &Error) -> Next {
        let next = self.after(error);
        self.paid = 0;
        next
    }

    /// What is to be done after this failure.
    pub(crate) fn after(&mut self, error: &Error) -> Next {
        let has_answer = &self.retries.has_answer;
        let failure = Failure::of(error, has_answer.load(Ordering::Relaxed));
        if let Some(status) = error.status() {
            has_answer.store(true, Ordering::Relaxed);
            // A final refusal shows that the service is up.
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

    /// What is to be done after the failed renewal of a token that is still good, after this many others: nobody waits
    /// for it, so that it costs nothing of the quota and has no number.
    pub(crate) fn after_renewal(&mut self, error: &Error, failures: u32) -> Next {
        let failure = Failure::of(error, true);
        if failure == Failure::Final {
            return Next::GiveUp(Reason::Final);
        }
        let own = backoff(failures.saturating_add(1), 0.5 + chance() / 2.0);
        let wait = error.retry_after().unwrap_or_default().max(own);
        let allowed = self.retries.policy.max_rate_limit_wait;
        if self.retries.closes(error) {
            return Next::GiveUp(Reason::Wait { allowed });
        }
        Next::Again(wait)
    }

    /// `chance` is evenly spread over `0.0..1.0`.
    fn decide(&mut self, failure: Failure, retry_after: Option<Duration>, chance: f64) -> Next {
        let policy = self.retries.policy;
        let allowed = policy.max_rate_limit_wait;
        if failure == Failure::Limited {
            // Where the API says when, that counts. If it was wrong before, the waits grow nevertheless.
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
        let cost = if failure == Failure::TimedOut { COST_OF_TIMEOUT } else { COST };
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

/// A repetition that is given up before it is sent costs nothing.
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

/// A part of the longest wait before this repetition, counted from 0.
fn backoff(repetition: u32, part: f64) -> Duration {
    let longest = FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(repetition));
    longest.min(LONGEST_BACKOFF).mul_f64(part)
}

/// A number in `0.0..1.0`. Clients that failed at the same moment must not all come again at another.
pub(crate) fn chance() -> f64 {
    let bits = RandomState::new().hash_one(());
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
