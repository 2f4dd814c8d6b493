//! Decisions after failures, as tables.

use super::*;
use crate::error::ErrorKind;
use crate::operation::{Method, Operation};
use crate::response::{RawResponse, ResponseHead};

const POLICY: Policy = Policy { max_retries: 3, max_rate_limit_wait: Duration::from_secs(180) };

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn again(seconds: f64) -> Next {
    Next::Again(s(seconds))
}

const TOO_LONG: Next = Next::GiveUp(Reason::Wait { allowed: Duration::from_secs(180) });

/// Returns the decisions after successive failures, each with the `Retry-After` of the API in seconds.
fn decisions(is_repeatable: bool, chance: f64, failures: &[(Failure, Option<f64>)]) -> Vec<Next> {
    let retries = Retries::new(POLICY);
    let mut attempts = retries.begin(is_repeatable);
    let decide =
        |&(failure, asked): &(Failure, Option<f64>)| attempts.decide(failure, asked.map(s), chance);
    failures.iter().map(decide).collect()
}

#[test]
fn decides_by_failure_and_retry_after() {
    use Failure::{Broken, Final, Limited, TimedOut, Unavailable, Unsent};
    let stop = Next::GiveUp(Reason::Final);
    let unsafe_ = Next::GiveUp(Reason::NotRepeatable);
    let spent = Next::GiveUp(Reason::Retries);
    for (is_repeatable, chance, failures, expected) in [
        // Full jitter: from zero to a maximum that doubles.
        (true, 1.0, vec![(Unavailable, None); 4], vec![again(1.0), again(2.0), again(4.0), spent]),
        (true, 0.0, vec![(Broken, None); 2], vec![again(0.0), again(0.0)]),
        (true, 0.5, vec![(TimedOut, None), (Unsent, None)], vec![again(0.5), again(1.0)]),
        (true, 0.5, vec![(Final, None)], vec![stop]),
        (true, 0.5, vec![(Final, Some(1.0))], vec![stop]),
        // `Retry-After` is honored.
        (true, 0.5, vec![(Unavailable, Some(7.0))], vec![again(7.0)]),
        (true, 0.5, vec![(Unavailable, Some(0.0))], vec![again(0.5)]),
        (true, 0.5, vec![(Unavailable, Some(180.0))], vec![again(180.0)]),
        (true, 0.5, vec![(Unavailable, Some(181.0))], vec![TOO_LONG]),
        (true, 0.5, vec![(Unavailable, Some(100.0)); 2], vec![again(100.0), TOO_LONG]),
        // Calls that may have had an effect are not retried, others are.
        (false, 0.5, vec![(Unavailable, None)], vec![unsafe_]),
        (false, 0.5, vec![(Broken, None)], vec![unsafe_]),
        (false, 0.5, vec![(TimedOut, None)], vec![unsafe_]),
        (false, 0.5, vec![(Unsent, None)], vec![again(0.5)]),
        (false, 0.5, vec![(Limited, Some(42.0))], vec![again(42.0)]),
        // Rate limits have a total time instead of a number of retries.
        (
            false,
            0.5,
            vec![(Limited, Some(42.0)); 5],
            vec![again(42.0), again(42.0), again(42.0), again(42.0), TOO_LONG],
        ),
        (false, 0.5, vec![(Limited, Some(180.0))], vec![again(180.0)]),
        (false, 0.5, vec![(Limited, Some(180.5))], vec![TOO_LONG]),
        (false, 0.5, vec![(Limited, Some(1e15))], vec![TOO_LONG]),
        // The backoff grows if `Retry-After` was too short.
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
        // Rate limits and other failures are counted separately.
        (
            true,
            1.0,
            vec![(Limited, Some(5.0)), (Broken, None), (Limited, Some(5.0)), (Broken, None)],
            vec![again(5.0), again(1.0), again(5.0), again(2.0)],
        ),
    ] {
        assert_eq!(decisions(is_repeatable, chance, &failures), expected, "{failures:?}");
    }
}

#[test]
fn a_client_without_retries_still_waits_for_rate_limits() {
    let retries = Retries::new(Policy { max_retries: 0, ..POLICY });
    let mut attempts = retries.begin(true);
    let stop = Next::GiveUp(Reason::Final);
    assert_eq!(attempts.decide(Failure::Unavailable, None, 0.5), stop);
    assert_eq!(attempts.decide(Failure::Limited, Some(s(1.0)), 0.5), again(1.0));
    // The outcome is unknown with or without retries.
    let next = retries.begin(false).decide(Failure::Unavailable, None, 0.5);
    assert_eq!(next, Next::GiveUp(Reason::NotRepeatable));

    let retries = Retries::new(Policy { max_rate_limit_wait: Duration::ZERO, ..POLICY });
    let next = retries.begin(true).decide(Failure::Limited, Some(s(1.0)), 0.5);
    assert_eq!(next, Next::GiveUp(Reason::Wait { allowed: Duration::ZERO }));
}

#[test]
fn an_unusable_response_has_the_retries_of_any_call() {
    let response = RawResponse {
        operation: Operation::from_static("getThings", Method::Get, "/things"),
        head: ResponseHead::new(http::StatusCode::OK, http::HeaderMap::new()),
        body: bytes::Bytes::from_static(b"null"),
    };
    let error = || Error::not_a_page(&response, "page 2 is not a page".to_owned());
    let retries = Retries::new(POLICY);
    for repeated in 0..POLICY.max_retries {
        let next = retries.begin_again(true, repeated).after_unusable(&error());
        assert!(matches!(next, Next::Again(_)), "{repeated}: {next:?}");
    }
    let next = retries.begin_again(true, POLICY.max_retries).after_unusable(&error());
    assert_eq!(next, Next::GiveUp(Reason::Retries));
    let next = retries.begin_again(false, 0).after_unusable(&error());
    assert_eq!(next, Next::GiveUp(Reason::NotRepeatable));

    // The advice names the setting only if the client waits at all.
    let advice = |allowed| Reason::Wait { allowed }.advise(error()).to_string();
    assert!(advice(s(180.0)).contains("waits at most 180 s"), "{}", advice(s(180.0)));
    assert!(!advice(Duration::ZERO).contains("waits at most"), "{}", advice(Duration::ZERO));
}

#[test]
fn an_outage_uses_up_the_quota_and_successes_refill_it() {
    let retries = Retries::new(POLICY);
    let repeats = || {
        let mut attempts = retries.begin(true);
        let decide = |_| {
            attempts.begun();
            attempts.decide(Failure::Unavailable, None, 0.0)
        };
        (0..4).map(decide).filter(|next| matches!(next, Next::Again(_))).count()
    };
    let repeated: usize = (0..1_000).map(|_| repeats()).sum();
    assert_eq!(repeated as u32, QUOTA / COST);
    assert_eq!(
        retries.begin(true).decide(Failure::TimedOut, None, 0.0),
        Next::GiveUp(Reason::Quota)
    );
    // A rate limit is not an outage.
    assert_eq!(retries.begin(true).decide(Failure::Limited, Some(s(1.0)), 0.0), again(1.0));

    for _ in 0..COST {
        retries.begin(true).answered();
    }
    // A successful retry refunds its cost.
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

#[test]
fn every_end_of_a_call_refunds_what_it_should() {
    let response = |status| RawResponse {
        operation: Operation::from_static("getThings", Method::Get, "/things"),
        head: ResponseHead::new(http::StatusCode::from_u16(status).expect("a status"), {
            let mut headers = http::HeaderMap::new();
            if status == 429 {
                headers.insert("retry-after", http::HeaderValue::from_static("999"));
            }
            headers
        }),
        body: bytes::Bytes::new(),
    };
    type End<'a> = &'a dyn Fn(Attempts<'_>);
    let ends: [(&str, End<'_>, u32); 6] = [
        ("dropped before the retry", &|attempts| drop(attempts), 0),
        ("dropped during the retry", &|mut attempts| attempts.begun(), COST),
        ("answered", &|mut attempts| attempts.answered(), 0),
        (
            "rejected",
            &|mut attempts| {
                attempts.begun();
                attempts.after(&Error::refused(&response(404)));
            },
            0,
        ),
        (
            "limited for too long",
            &|mut attempts| {
                attempts.begun();
                let next = attempts.after(&Error::refused(&response(429)));
                assert_eq!(next, TOO_LONG);
            },
            0,
        ),
        (
            "failed again",
            &|mut attempts| {
                attempts.begun();
                attempts.after(&Error::refused(&response(500)));
            },
            COST,
        ),
    ];
    for (end, finish, lost) in ends {
        let retries = Retries::new(POLICY);
        let mut attempts = retries.begin(true);
        attempts.decide(Failure::Unavailable, None, 0.0);
        finish(attempts);
        assert_eq!(QUOTA - *retries.quota(), lost, "{end}");
    }
    // Unusable responses cost until one is usable.
    let retries = Retries::new(POLICY);
    let error = Error::not_a_page(&response(200), "page 2 is not a page".to_owned());
    for repeated in 0..2 {
        let mut attempts = retries.begin_again(true, repeated);
        attempts.after_unusable(&error);
        attempts.begun();
        attempts.answered();
    }
    assert_eq!(QUOTA - *retries.quota(), 2 * COST - 2, "each response earns one");
    retries.usable_after(2);
    assert_eq!(*retries.quota(), QUOTA);
}

#[test]
fn renewals_are_retried_without_limit_and_quota() {
    let response = |status, retry_after| {
        let mut headers = http::HeaderMap::new();
        if let Some(retry_after) = retry_after {
            headers.insert("retry-after", http::HeaderValue::from_static(retry_after));
        }
        let head =
            ResponseHead::new(http::StatusCode::from_u16(status).expect("a status"), headers);
        let operation = Operation::from_static("login", Method::Post, "/oauth/token");
        Error::refused(&RawResponse { operation, head, body: bytes::Bytes::new() })
    };
    let retries = Retries::new(Policy { max_retries: 0, ..POLICY });
    for (status, retry_after, failures, range) in [
        (503, None, 0, 1.0..=2.0),
        (503, None, 1, 2.0..=4.0),
        (503, None, 9, 15.0..=30.0),
        (503, None, u32::MAX, 15.0..=30.0),
        (503, Some("7"), 0, 7.0..=7.0),
        (429, Some("180"), 0, 180.0..=180.0),
    ] {
        let next = retries.begin(true).after_renewal(&response(status, retry_after), failures);
        let Next::Again(wait) = next else { panic!("{status}: {next:?}") };
        assert!(range.contains(&wait.as_secs_f64()), "{status}, {failures}: {wait:?}");
    }
    for (status, retry_after) in [(429, Some("181")), (400, None), (401, None), (500, None)] {
        let next = retries.begin(true).after_renewal(&response(status, retry_after), 0);
        assert!(matches!(next, Next::GiveUp(_)), "{status}: {next:?}");
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
async fn an_unknown_host_name_is_final_until_a_response_has_arrived() {
    let http = reqwest::Client::builder().no_proxy().dns_resolver(NoSuchHost).build();
    let sent = http.expect("a client").get("http://api.example").send().await;
    let operation = Operation::from_static("getThings", Method::Get, "/things");
    let error = Error::unanswered(&operation, sent.expect_err("no host"));
    assert!(
        error.kind() == ErrorKind::Connect && !error.is_timeout() && !error.is_connection_fault()
    );
    assert_eq!(Failure::of(&error, false), Failure::Final);
    assert_eq!(Failure::of(&error, true), Failure::Unsent);
}

#[test]
fn classifies_statuses_and_codes() {
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
fn chance_is_uniform() {
    let chances: Vec<f64> = (0..1_000).map(|_| chance()).collect();
    assert!(chances.iter().all(|chance| (0.0..1.0).contains(chance)));
    for tenth in 0..10 {
        let from = f64::from(tenth) / 10.0;
        let within = chances.iter().filter(|chance| (from..from + 0.1).contains(*chance));
        assert!((40..200).contains(&within.count()), "{tenth}");
    }
}
