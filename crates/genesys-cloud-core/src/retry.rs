//! Which failures lead to another attempt, and when. Decides alone: nothing is sent or waited for here.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;

/// The first wait is up to this long, each further one up to twice as long, to the longest.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

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
        Attempts {
            retries: self,
            is_repeatable,
            repeated: 0,
            limited: 0,
            paused: Duration::ZERO,
            paid: 0,
        }
    }

    /// Those of a call with an unusable reply that was already retried this often.
    pub(crate) fn begin_again(&self, is_repeatable: bool, repeated: u32) -> Attempts<'_> {
        Attempts { repeated, ..self.begin(is_repeatable) }
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
    paid: u32,
}

impl Attempts<'_> {
    /// An answer came that stands: it shows that the service is there.
    pub(crate) fn answered(&mut self) {
        self.retries.has_answer.store(true, Ordering::Relaxed);
        let mut quota = self.retries.quota();
        *quota = QUOTA.min(*quota + std::mem::take(&mut self.paid).max(1));
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
        self.decide(failure, error.retry_after(), chance())
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
        self.paused += asked;
        let wait = backoff(self.repeated, chance).max(asked);
        self.repeated += 1;
        Next::Again(wait)
    }
}

impl Failure {
    fn of(error: &Error, has_answer: bool) -> Self {
        if error.is_rate_limited() {
            return Self::Limited;
        }
        if error.is_connect() {
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
mod tests {
    use super::*;
    use crate::operation::{Method, Operation};
    use crate::reply::{Head, RawReply};

    const POLICY: Policy = Policy { max_retries: 3, max_rate_limit_wait: Duration::from_secs(180) };

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn again(seconds: f64) -> Next {
        Next::Again(s(seconds))
    }

    const TOO_LONG: Next = Next::GiveUp(Reason::Wait { allowed: Duration::from_secs(180) });

    /// What follows from failures one after the other, each with what the API asks for, in seconds.
    fn course(is_repeatable: bool, chance: f64, failures: &[(Failure, Option<f64>)]) -> Vec<Next> {
        let retries = Retries::new(POLICY);
        let mut attempts = retries.begin(is_repeatable);
        let decide = |&(failure, asked): &(Failure, Option<f64>)| {
            attempts.decide(failure, asked.map(s), chance)
        };
        failures.iter().map(decide).collect()
    }

    #[test]
    fn failures_and_what_follows() {
        use Failure::{Broken, Final, Limited, TimedOut, Unavailable, Unsent};
        let stop = Next::GiveUp(Reason::Final);
        let unsafe_ = Next::GiveUp(Reason::NotRepeatable);
        let spent = Next::GiveUp(Reason::Retries);
        for (is_repeatable, chance, failures, expected) in [
            // Full jitter: from nothing to twice as much each time.
            (
                true,
                1.0,
                vec![(Unavailable, None); 4],
                vec![again(1.0), again(2.0), again(4.0), spent],
            ),
            (true, 0.0, vec![(Broken, None); 2], vec![again(0.0), again(0.0)]),
            (true, 0.5, vec![(TimedOut, None), (Unsent, None)], vec![again(0.5), again(1.0)]),
            (true, 0.5, vec![(Final, None)], vec![stop]),
            (true, 0.5, vec![(Final, Some(1.0))], vec![stop]),
            // What the API asks for counts.
            (true, 0.5, vec![(Unavailable, Some(7.0))], vec![again(7.0)]),
            (true, 0.5, vec![(Unavailable, Some(0.0))], vec![again(0.5)]),
            (true, 0.5, vec![(Unavailable, Some(180.0))], vec![again(180.0)]),
            (true, 0.5, vec![(Unavailable, Some(181.0))], vec![TOO_LONG]),
            (true, 0.5, vec![(Unavailable, Some(100.0)); 2], vec![again(100.0), TOO_LONG]),
            // What may have been done is not done again, and what was not is.
            (false, 0.5, vec![(Unavailable, None)], vec![unsafe_]),
            (false, 0.5, vec![(Broken, None)], vec![unsafe_]),
            (false, 0.5, vec![(TimedOut, None)], vec![unsafe_]),
            (false, 0.5, vec![(Unsent, None)], vec![again(0.5)]),
            (false, 0.5, vec![(Limited, Some(42.0))], vec![again(42.0)]),
            // Rate limits have a budget of time instead of a count.
            (
                false,
                0.5,
                vec![(Limited, Some(42.0)); 5],
                vec![again(42.0), again(42.0), again(42.0), again(42.0), TOO_LONG],
            ),
            (false, 0.5, vec![(Limited, Some(180.0))], vec![again(180.0)]),
            (false, 0.5, vec![(Limited, Some(180.5))], vec![TOO_LONG]),
            (false, 0.5, vec![(Limited, Some(1e15))], vec![TOO_LONG]),
            // Waits that turn out too short grow.
            (
                false,
                1.0,
                vec![(Limited, Some(0.0)); 12],
                [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]
                    .map(again)
                    .into_iter()
                    .chain([TOO_LONG; 2])
                    .collect(),
            ),
            (false, 0.0, vec![(Limited, None); 3], vec![again(0.5), again(1.0), again(2.0)]),
            (false, 1.0, vec![(Limited, None); 3], vec![again(1.0), again(2.0), again(4.0)]),
            // Each kind has its own count.
            (
                true,
                1.0,
                vec![(Limited, Some(5.0)), (Broken, None), (Limited, Some(5.0)), (Broken, None)],
                vec![again(5.0), again(1.0), again(5.0), again(2.0)],
            ),
        ] {
            assert_eq!(course(is_repeatable, chance, &failures), expected, "{failures:?}");
        }
    }

    #[test]
    fn a_client_without_retries_still_waits_for_rate_limits() {
        let retries = Retries::new(Policy { max_retries: 0, ..POLICY });
        let mut attempts = retries.begin(true);
        let stop = Next::GiveUp(Reason::Final);
        assert_eq!(attempts.decide(Failure::Unavailable, None, 0.5), stop);
        assert_eq!(attempts.decide(Failure::Limited, Some(s(1.0)), 0.5), again(1.0));
        // That the outcome is unknown does not depend on it.
        let next = retries.begin(false).decide(Failure::Unavailable, None, 0.5);
        assert_eq!(next, Next::GiveUp(Reason::NotRepeatable));

        let retries = Retries::new(Policy { max_rate_limit_wait: Duration::ZERO, ..POLICY });
        let next = retries.begin(true).decide(Failure::Limited, Some(s(1.0)), 0.5);
        assert_eq!(next, Next::GiveUp(Reason::Wait { allowed: Duration::ZERO }));
    }

    #[test]
    fn a_reply_that_stays_unusable_is_requested_again_as_often_as_any_call() {
        let reply = RawReply {
            operation: Operation::known("getThings", Method::Get, "/things"),
            head: Head::new(http::StatusCode::OK, http::HeaderMap::new()),
            body: bytes::Bytes::from_static(b"null"),
        };
        let error = || Error::not_a_page(&reply, "page 2 is not a page".to_owned());
        let retries = Retries::new(POLICY);
        for repeated in 0..POLICY.max_retries {
            let next = retries.begin_again(true, repeated).after_unusable(&error());
            assert!(matches!(next, Next::Again(_)), "{repeated}: {next:?}");
        }
        let next = retries.begin_again(true, POLICY.max_retries).after_unusable(&error());
        assert_eq!(next, Next::GiveUp(Reason::Retries));
        let next = retries.begin_again(false, 0).after_unusable(&error());
        assert_eq!(next, Next::GiveUp(Reason::NotRepeatable));

        // Only a client that waits at all is pointed to its setting.
        let advice = |allowed| Reason::Wait { allowed }.advise(error()).to_string();
        assert!(advice(s(180.0)).contains("waits for at most 180 s"), "{}", advice(s(180.0)));
        assert!(!advice(Duration::ZERO).contains("waits for"), "{}", advice(Duration::ZERO));
    }

    #[test]
    fn an_outage_uses_the_quota_up_and_successes_fill_it() {
        let retries = Retries::new(POLICY);
        let repeats = || {
            let mut attempts = retries.begin(true);
            let decide = |_| attempts.decide(Failure::Unavailable, None, 0.0);
            (0..3).map(decide).filter(|next| matches!(next, Next::Again(_))).count()
        };
        let repeated: usize = (0..1_000).map(|_| repeats()).sum();
        assert_eq!(repeated as u32, QUOTA / COST);
        assert_eq!(
            retries.begin(true).decide(Failure::TimedOut, None, 0.0),
            Next::GiveUp(Reason::Quota)
        );
        // A rate limit is no outage.
        assert_eq!(retries.begin(true).decide(Failure::Limited, Some(s(1.0)), 0.0), again(1.0));

        for _ in 0..COST {
            retries.begin(true).answered();
        }
        // What a repetition has cost comes back if it helped.
        for _ in 0..100 {
            let mut attempts = retries.begin(true);
            assert_eq!(attempts.decide(Failure::Unavailable, None, 0.0), again(0.0));
            attempts.answered();
        }
        for _ in 0..10 * QUOTA {
            retries.begin(true).answered();
        }
        assert_eq!(*retries.quota(), QUOTA);
    }

    struct NoSuchHost;

    impl reqwest::dns::Resolve for NoSuchHost {
        fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
            Box::pin(async { Err("no such host".into()) })
        }
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_wrong_until_a_reply_has_come() {
        let http = reqwest::Client::builder().no_proxy().dns_resolver(NoSuchHost).build();
        let sent = http.expect("a client").get("http://api.example").send().await;
        let operation = Operation::known("getThings", Method::Get, "/things");
        let error = Error::unanswered(&operation, sent.expect_err("no host"));
        assert!(error.is_connect() && !error.is_timeout() && !error.is_connection_fault());
        assert_eq!(Failure::of(&error, false), Failure::Final);
        assert_eq!(Failure::of(&error, true), Failure::Unsent);
    }

    #[test]
    fn statuses_and_what_they_mean() {
        let busy = Some("architect.database.throughput.exceeded");
        for (statuses, code, meaning) in [
            (&[429][..], None, Meaning::Limited),
            (&[408, 502, 503, 504], None, Meaning::Unavailable),
            (&[500], busy, Meaning::Unavailable),
            (&[500, 501, 505, 599], None, Meaning::Faulty),
            (&[500], Some("internal.server.error"), Meaning::Faulty),
            (&[200, 304, 400, 401, 403, 404, 409, 410, 413, 414, 431], None, Meaning::Final),
        ] {
            for status in statuses {
                assert_eq!(Meaning::of(*status, code), meaning, "{status} {code:?}");
            }
        }
    }

    #[test]
    fn chance_is_spread() {
        let chances: Vec<f64> = (0..1_000).map(|_| chance()).collect();
        assert!(chances.iter().all(|chance| (0.0..1.0).contains(chance)));
        for tenth in 0..10 {
            let from = f64::from(tenth) / 10.0;
            let within = chances.iter().filter(|chance| (from..from + 0.1).contains(*chance));
            assert!((40..200).contains(&within.count()), "{tenth}");
        }
    }
}
