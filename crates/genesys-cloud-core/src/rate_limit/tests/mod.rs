//! The limiter against a simulated API, in simulated time.

mod service;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::service::{Limit, Rng, Rounding, Service};
use super::*;
use crate::operation::Method;

static GET_THINGS: Operation = Operation::from_static("getThings", Method::Get, "/things");
static GET_OTHERS: Operation = Operation::from_static("getOthers", Method::Get, "/others");

const CAPS: Caps = Caps { reserve: 10, spacing: None, concurrent: 64 };

fn rate_limiter(caps: Caps) -> Arc<RateLimiter> {
    Arc::new(RateLimiter::new(caps, WaitObserver::default()))
}

fn head(status: u16, headers: &[(&'static str, u64)]) -> ResponseHead {
    let pairs = headers
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from(*value)));
    ResponseHead::new(StatusCode::from_u16(status).expect("a status"), pairs.collect::<HeaderMap>())
}

fn usage_head(count: u64, allowed: u64, reset: u64) -> ResponseHead {
    let headers = [
        ("inin-ratelimit-count", count),
        ("inin-ratelimit-allowed", allowed),
        ("inin-ratelimit-reset", reset),
    ];
    head(200, &headers)
}

/// Sends one call through a limiter to a service, and retries it until it is accepted.
async fn call(rate_limiter: &RateLimiter, service: &Service, rng: &mut Rng, mean_latency: u64) {
    let ticket = rate_limiter.begin();
    loop {
        let permit = rate_limiter.turn(ticket, &GET_THINGS).await.expect("a turn");
        tokio::time::sleep(Duration::from_millis(rng.up_to(mean_latency))).await;
        let head = service.answer();
        tokio::time::sleep(Duration::from_millis(rng.up_to(mean_latency))).await;
        if head.status != 429 {
            return permit.answered(1, &head);
        }
        let pause = head.retry_after();
        permit.limited(1, &head, None, pause, None);
    }
}

/// Runs `callers` tasks that make one call after the other for `seconds`.
async fn load(
    rate_limiter: &Arc<RateLimiter>,
    service: &Arc<Service>,
    callers: u64,
    seed: u64,
    seconds: u64,
) {
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let (rate_limiter, service) = (rate_limiter.clone(), service.clone());
        let mut rng = Rng::new(seed.wrapping_mul(1_000).wrapping_add(caller));
        tasks.spawn(async move {
            let until = Instant::now() + Duration::from_secs(seconds);
            let latency = 1 + rng.up_to(150);
            while Instant::now() < until {
                call(&rate_limiter, &service, &mut rng, latency).await;
            }
        });
    }
    tasks.join_all().await;
}

fn windows(allowed: u64, rounding: Rounding) -> Arc<Service> {
    let length = Duration::from_secs(60);
    Arc::new(Service::new(Limit::Windows { allowed, length }, rounding))
}

#[tokio::test(start_paused = true)]
async fn every_window_is_used_up_to_the_reserve() {
    for seed in 0..10 {
        let mut rng = Rng::new(seed);
        let allowed = 20 + rng.up_to(600);
        let callers = 1 + rng.up_to(100);
        let reserve = rng.up_to(40);
        let rounding = [Rounding::Up, Rounding::UpAndOne][seed as usize % 2];
        let service = windows(allowed, rounding);
        let rate_limiter = rate_limiter(Caps { reserve, ..CAPS });
        load(&rate_limiter, &service, callers, seed, 600).await;

        let case = format!("seed {seed}: {allowed} allowed, reserve {reserve}, {callers} callers");
        assert_eq!(service.refused(), 0, "{case}");
        let most = allowed - reserve.min(allowed / 2);
        let used = service.used();
        assert!(used.iter().all(|used| *used <= most), "{case}: {used:?} of {most}");
        // A single caller may be too slow to use the window.
        if callers >= 20 {
            let used: u64 = used[1..9].iter().sum();
            assert!(used * 100 >= most * 8 * 96, "{case}: {used} of {}", most * 8);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_reported_too_early_costs_at_most_the_reserve() {
    for seed in 0..10 {
        let service = windows(300, Rounding::Down);
        let rate_limiter = rate_limiter(CAPS);
        load(&rate_limiter, &service, 30, seed, 600).await;
        assert_eq!(service.refused(), 0, "seed {seed}");
        let used: u64 = service.used()[1..9].iter().sum();
        assert!(used * 100 >= 290 * 8 * 98, "seed {seed}: {used}");
    }
}

#[tokio::test(start_paused = true)]
async fn high_and_low_rates_are_kept() {
    // Calls per second, and the number of callers.
    for (rate, callers) in [(5, 20), (50, 60), (300, 200)] {
        let service = windows(rate * 60, Rounding::Up);
        let rate_limiter = rate_limiter(Caps { concurrent: 500, ..CAPS });
        load(&rate_limiter, &service, callers, rate, 240).await;
        assert_eq!(service.refused(), 0);
        let used: u64 = service.used()[1..4].iter().sum();
        let most = (rate * 60 - 10) * 3;
        assert!(used * 100 >= most * 98, "{used} of {most} at {rate} a second");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_bucket_is_used_as_fast_as_it_fills() {
    for (rate, callers) in [(5, 20), (50, 60)] {
        let limit = Limit::Bucket { capacity: rate * 60, per_second: rate };
        let service = Arc::new(Service::new(limit, Rounding::Up));
        let rate_limiter = rate_limiter(Caps { concurrent: 500, ..CAPS });
        // The bucket starts full.
        load(&rate_limiter, &service, callers, rate, 180).await;
        let before = service.used()[0];
        load(&rate_limiter, &service, callers, rate, 300).await;
        assert_eq!(service.refused(), 0);
        let used = service.used()[0] - before;
        assert!(used * 100 >= rate * 300 * 98, "{used} in 300 s at {rate} a second");
    }
}

#[tokio::test(start_paused = true)]
async fn does_not_wait_for_an_empty_bucket_to_be_full() {
    for (rate, clients) in [(5, 1), (5, 2), (50, 1), (50, 2)] {
        let limit = Limit::Bucket { capacity: rate * 60, per_second: rate };
        let service = Arc::new(Service::new(limit, Rounding::Up));
        let mut loads = JoinSet::new();
        for client in 0..clients {
            let service = service.clone();
            loads.spawn(async move { load(&rate_limiter(CAPS), &service, 30, client, 180).await });
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        for ten_seconds in 0..11 {
            let before = service.used()[0];
            tokio::time::sleep(Duration::from_secs(10)).await;
            let used = service.used()[0] - before;
            let case = format!("{clients} at {rate} a second, {used} in the {ten_seconds}th 10 s");
            assert!((rate * 9..=rate * 11).contains(&used), "{case}");
        }
        loads.join_all().await;
        assert_eq!(service.refused(), 0, "{clients} at {rate} a second");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreported_limit_is_learned_from_few_429s() {
    let length = Duration::from_secs(60);
    for (rate, callers) in [(5, 30), (50, 100)] {
        for limit in [
            Limit::Windows { allowed: rate * 60, length },
            Limit::Bucket { capacity: rate * 60, per_second: rate },
        ] {
            let service = Arc::new(Service::new(limit, Rounding::Unreported));
            let rate_limiter = rate_limiter(CAPS);
            // Calls in flight at the first 429 are rejected too.
            load(&rate_limiter, &service, callers, rate, 60).await;
            let (used, refused) = (service.used().iter().sum::<u64>(), service.refused());
            load(&rate_limiter, &service, callers, rate, 240).await;
            let used = service.used().iter().sum::<u64>() - used;
            assert!(used * 100 >= rate * 240 * 95, "{used} in 240 s at {rate} a second");
            let refused = service.refused() - refused;
            assert!(refused <= 24, "{refused} at {rate} a second");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_clients_share_one_token() {
    for seed in 0..10 {
        let service = windows(300, Rounding::Up);
        let (one, other) = (rate_limiter(CAPS), rate_limiter(CAPS));
        tokio::join!(
            load(&one, &service, 10, seed, 600),
            load(&other, &service, 40, seed + 1_000, 600),
        );
        let windows = service.used().len() as u64;
        assert!(service.refused() <= windows, "seed {seed}: {}", service.refused());
        let used: u64 = service.used()[1..9].iter().sum();
        assert!(used * 100 >= 290 * 8 * 95, "seed {seed}: {used}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_are_served_in_order_and_paced() {
    let service = windows(60, Rounding::Up);
    let rate_limiter = rate_limiter(CAPS);
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for number in 0..300 {
        let (rate_limiter, service, served) =
            (rate_limiter.clone(), service.clone(), served.clone());
        tasks.spawn(async move {
            let permit =
                rate_limiter.turn(rate_limiter.begin(), &GET_THINGS).await.expect("a turn");
            served.lock().expect("no panic").push((number, Instant::now()));
            tokio::time::sleep(Duration::from_millis(20)).await;
            permit.answered(1, &service.answer());
        });
        tokio::task::yield_now().await;
    }
    tasks.join_all().await;
    let served = served.lock().expect("no panic");
    assert!(served.iter().map(|(number, _)| *number).eq(0..300));
    // From the second window on, about one per second.
    let in_a_second =
        served.windows(8).skip(50).filter(|eight| eight[7].1 - eight[0].1 < Duration::from_secs(5));
    assert_eq!(in_a_second.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn dropped_calls_do_not_block_others() {
    for seed in 0..20 {
        let service = windows(60, Rounding::Up);
        let rate_limiter = rate_limiter(CAPS);
        let done = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for number in 0..200 {
            let (rate_limiter, service, done) =
                (rate_limiter.clone(), service.clone(), done.clone());
            let mut rng = Rng::new(seed * 1_000 + number);
            tasks.spawn(async move {
                // Some are dropped while they wait, others while their request is in flight.
                let patience = Duration::from_millis(rng.up_to(120_000));
                let call = call(&rate_limiter, &service, &mut rng, 50);
                if number % 3 == 0 {
                    let _ = tokio::time::timeout(patience, call).await;
                } else {
                    call.await;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let all = tokio::time::timeout(Duration::from_secs(600), tasks.join_all());
        assert!(all.await.is_ok(), "seed {seed}");
        assert_eq!(done.load(Ordering::Relaxed), 133, "seed {seed}");
        assert_eq!(service.refused(), 0, "seed {seed}");
        let shared = rate_limiter.lock();
        assert!(shared.waiters.is_empty() && shared.limiter.is_idle(), "seed {seed}");
    }
}

/// Returns the permits available now, without any response in between.
async fn at_once<'a>(rate_limiter: &'a RateLimiter, operation: &'a Operation) -> Vec<Permit<'a>> {
    let mut permits = Vec::new();
    while let Ok(permit) =
        tokio::time::timeout(Duration::ZERO, rate_limiter.turn(rate_limiter.begin(), operation))
            .await
    {
        permits.push(permit.expect("a turn"));
        assert!(permits.len() <= 100, "unlimited");
    }
    permits
}

async fn one<'a>(rate_limiter: &'a RateLimiter, operation: &'a Operation) -> Permit<'a> {
    rate_limiter.turn(rate_limiter.begin(), operation).await.expect("a turn")
}

#[tokio::test(start_paused = true)]
async fn a_few_probes_go_before_the_limit_is_known() {
    let rate_limiter = rate_limiter(CAPS);
    let mut first = at_once(&rate_limiter, &GET_THINGS).await;
    assert_eq!(first.len(), 4);
    // A response without limits makes room for one more, not for all.
    first.pop().expect("a call").answered(1, &head(401, &[]));
    let next = at_once(&rate_limiter, &GET_THINGS).await;
    assert_eq!(next.len(), 1);
    // A slow response does not stop the others forever.
    tokio::time::advance(Duration::from_secs(1)).await;
    first.extend(at_once(&rate_limiter, &GET_THINGS).await);
    first.extend(next);
    assert_eq!(first.len(), 5);

    first.pop().expect("a call").answered(1, &usage_head(100, 300, 60));
    // Four are in flight, and at most half of the remaining calls may be.
    assert_eq!(at_once(&rate_limiter, &GET_THINGS).await.len(), 60, "up to `concurrent`");
}

#[tokio::test(start_paused = true)]
async fn an_api_without_limit_headers_is_not_slowed_down() {
    let rate_limiter = rate_limiter(CAPS);
    one(&rate_limiter, &GET_THINGS).await.answered(1, &head(200, &[]));
    assert_eq!(at_once(&rate_limiter, &GET_THINGS).await.len(), 64);
    // Nor is an API that stops sending them.
    one(&rate_limiter, &GET_THINGS).await.answered(1, &usage_head(290, 300, 60));
    assert!(at_once(&rate_limiter, &GET_THINGS).await.is_empty());
    tokio::time::advance(Duration::from_secs(60)).await;
    one(&rate_limiter, &GET_THINGS).await.answered(1, &head(200, &[]));
    assert_eq!(at_once(&rate_limiter, &GET_THINGS).await.len(), 64);
}

#[tokio::test(start_paused = true)]
async fn gateway_headers_are_used() {
    let rate_limiter = rate_limiter(CAPS);
    let left = |left| head(200, &[("x-ratelimit-remaining", left), ("x-ratelimit-reset", 30)]);
    one(&rate_limiter, &GET_THINGS).await.answered(1, &left(40));
    one(&rate_limiter, &GET_THINGS).await.answered(1, &left(10));
    let start = Instant::now();
    one(&rate_limiter, &GET_THINGS).await.answered(1, &left(40));
    assert_eq!(start.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_new_token_has_its_own_count() {
    let rate_limiter = rate_limiter(CAPS);
    one(&rate_limiter, &GET_THINGS).await.answered(1, &usage_head(200, 300, 60));
    let late = one(&rate_limiter, &GET_THINGS).await;
    one(&rate_limiter, &GET_THINGS).await.answered(2, &usage_head(1, 300, 60));
    // The count of the old token does not apply to the new one.
    late.answered(1, &usage_head(290, 300, 10));
    assert_eq!(at_once(&rate_limiter, &GET_THINGS).await.len(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_429_of_the_token_stops_all_calls_and_restarts_them_slowly() {
    for (status_head, limit) in [
        (usage_head(301, 300, 60), None),
        (head(429, &[]), None),
        (usage_head(5, 300, 60), Some("org.user.rate.per.minute")),
    ] {
        let rate_limiter = rate_limiter(CAPS);
        let limit = limit.map(|key| limit_named(key, "300"));
        let limited = one(&rate_limiter, &GET_THINGS).await;
        limited.limited(1, &status_head, limit.as_ref(), Some(Duration::from_secs(70)), None);
        let start = Instant::now();
        let first = one(&rate_limiter, &GET_OTHERS).await;
        assert_eq!(start.elapsed(), Duration::from_secs(70));
        assert!(at_once(&rate_limiter, &GET_THINGS).await.is_empty());
        first.answered(1, &usage_head(1, 300, 60));
        let next = at_once(&rate_limiter, &GET_THINGS).await.len();
        assert!((1..=2).contains(&next), "{next}");
    }
}

fn limit_named(key: &str, value: &str) -> ErrorLimit {
    let mut limit = ErrorLimit::default();
    (limit.key, limit.value) = (Some(key.to_owned()), Some(value.to_owned()));
    limit
}

#[tokio::test(start_paused = true)]
async fn a_429_of_an_operation_does_not_stop_others() {
    let rate_limiter = rate_limiter(CAPS);
    let limited = one(&rate_limiter, &GET_THINGS).await;
    limited.limited(1, &usage_head(5, 300, 60), None, Some(Duration::from_secs(42)), None);
    let start = Instant::now();
    one(&rate_limiter, &GET_OTHERS).await.answered(1, &usage_head(6, 300, 60));
    assert_eq!(start.elapsed(), Duration::ZERO);
    one(&rate_limiter, &GET_THINGS).await.answered(1, &usage_head(7, 300, 60));
    assert_eq!(start.elapsed(), Duration::from_secs(42));
}

#[tokio::test(start_paused = true)]
async fn a_429_without_headers_stops_only_its_operation_while_the_window_has_room() {
    let rate_limiter = rate_limiter(CAPS);
    one(&rate_limiter, &GET_OTHERS).await.answered(1, &usage_head(5, 300, 60));
    let limited = one(&rate_limiter, &GET_THINGS).await;
    limited.limited(1, &head(429, &[]), None, Some(Duration::from_secs(42)), None);
    let start = Instant::now();
    one(&rate_limiter, &GET_OTHERS).await.answered(1, &usage_head(6, 300, 60));
    assert_eq!(start.elapsed(), Duration::ZERO);
    one(&rate_limiter, &GET_THINGS).await.answered(1, &usage_head(7, 300, 60));
    assert_eq!(start.elapsed(), Duration::from_secs(42));
}

fn fail_fast() -> FailFast {
    let error = Arc::new(Error::config("the limit of a day".to_owned()));
    FailFast { error, max_wait: Duration::from_secs(180) }
}

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(start_paused = true)]
async fn calls_fail_fast_until_the_rest_of_a_long_pause_is_short_enough() {
    let rate_limiter = rate_limiter(CAPS);
    let limited = one(&rate_limiter, &GET_THINGS).await;
    limited.limited(1, &usage_head(5, 300, 60), None, Some(HOUR), Some(&fail_fast()));
    let refused = async || {
        let turn = rate_limiter.turn(rate_limiter.begin(), &GET_THINGS).await;
        turn.map(drop).expect_err("refused").remaining
    };
    assert_eq!(refused().await, HOUR);
    // The limit applies to this operation only.
    one(&rate_limiter, &GET_OTHERS).await.answered(1, &usage_head(6, 300, 60));
    tokio::time::advance(Duration::from_secs(3_419)).await;
    assert_eq!(refused().await, Duration::from_secs(181));
    tokio::time::advance(Duration::from_secs(1)).await;
    let start = Instant::now();
    one(&rate_limiter, &GET_THINGS).await.answered(1, &usage_head(7, 300, 60));
    assert_eq!(start.elapsed(), Duration::from_secs(180));
}

#[tokio::test(start_paused = true)]
async fn a_long_pause_fails_calls_that_already_wait() {
    let rate_limiter = rate_limiter(CAPS);
    let limited = one(&rate_limiter, &GET_THINGS).await;
    one(&rate_limiter, &GET_THINGS).await.answered(1, &usage_head(300, 300, 60));
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let rate_limiter = rate_limiter.clone();
        tasks.spawn(async move {
            let operation = [&GET_THINGS, &GET_OTHERS][number % 2];
            let turn = rate_limiter.turn(rate_limiter.begin(), operation).await;
            turn.map(drop).expect_err("refused").remaining
        });
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    limited.limited(1, &usage_head(301, 300, 60), None, Some(HOUR), Some(&fail_fast()));
    let start = Instant::now();
    assert_eq!(tasks.join_all().await, [HOUR; 50]);
    assert_eq!(start.elapsed(), Duration::ZERO);
    let shared = rate_limiter.lock();
    assert!(shared.waiters.is_empty() && shared.limiter.is_idle());
}

/// The caller, when its wait began, the reason and the expected time.
type Waits = Arc<Mutex<Vec<(String, Instant, WaitReason, Duration)>>>;

/// Lets `callers` calls wait at once, and compares the expected waits with the real ones. Returns the number compared.
async fn expectations(
    case: &str,
    caps: Caps,
    service: Arc<Service>,
    first: ResponseHead,
    callers: usize,
) -> usize {
    let waits = Waits::default();
    let log = waits.clone();
    let wait_observer = WaitObserver::new(move |wait| {
        if let Some(expected) = wait.expected {
            let wait = (wait.operation.to_owned(), Instant::now(), wait.reason, expected);
            log.lock().expect("no panic").push(wait);
        }
    });
    let rate_limiter = Arc::new(RateLimiter::new(caps, wait_observer));
    let permit = one(&rate_limiter, &GET_THINGS).await;
    match first.status.as_u16() {
        429 => permit.limited(1, &first, None, first.retry_after(), None),
        _ => permit.answered(1, &first),
    }
    let mut tasks = JoinSet::new();
    for number in 0..callers {
        let (rate_limiter, service) = (rate_limiter.clone(), service.clone());
        tasks.spawn(async move {
            let operation = Operation::new(format!("caller {number}"), Method::Get, "/things");
            let permit = one(&rate_limiter, &operation).await;
            let went = Instant::now();
            tokio::time::sleep(Duration::from_millis(50)).await;
            permit.answered(1, &service.answer());
            (operation.id().to_owned(), went)
        });
        tokio::task::yield_now().await;
    }
    let went: HashMap<String, Instant> = tasks.join_all().await.into_iter().collect();
    let waits = waits.lock().expect("no panic");
    let mut checked = 0;
    for (caller, at, reason, expected) in waits.iter() {
        let waited = went[caller].duration_since(*at);
        if waited.max(*expected) < Duration::from_secs(1) {
            continue;
        }
        checked += 1;
        assert!(
            waited <= *expected * 2 && *expected <= waited * 2,
            "{case}: {caller} expected {expected:?} ({reason}) and waited {waited:?}"
        );
    }
    checked
}

#[tokio::test(start_paused = true)]
async fn the_expected_wait_is_within_a_factor_of_two() {
    let used = |allowed, calls: u64| {
        let service = windows(allowed, Rounding::Up);
        let last = (1..calls).fold(service.answer(), |_, _| service.answer());
        (service, last)
    };
    // Behind a used-up window, across several windows, and with room for some.
    for (allowed, calls, callers) in
        [(300, 290, 250), (300, 300, 40), (60, 1, 200), (60, 50, 120), (1_200, 600, 1_500)]
    {
        let (service, last) = used(allowed, calls);
        let case = format!("{calls} of {allowed} used, {callers} callers");
        let checked = expectations(&case, CAPS, service, last, callers).await;
        assert!(
            checked * 2 > callers.saturating_sub((allowed - calls) as usize),
            "{case}: {checked}"
        );
    }
    // Behind a pause, while the window has room.
    let (service, _) = used(300, 1);
    let limited = head(429, &[("retry-after", 42)]);
    let checked = expectations("a pause", CAPS, service, limited, 30).await;
    assert!(checked >= 30, "{checked}");
    // Under the client's own rate.
    let (service, last) = used(300, 1);
    let caps = Caps { spacing: Some(Duration::from_millis(500)), ..CAPS };
    let checked = expectations("an own rate", caps, service, last, 30).await;
    assert!(checked >= 25, "{checked}");
}

#[tokio::test(start_paused = true)]
async fn operations_share_a_named_limit() {
    let rate_limiter = rate_limiter(CAPS);
    let limit = limit_named("things.rate.per.minute", "40");
    for operation in [&GET_THINGS, &GET_OTHERS] {
        let limited = one(&rate_limiter, operation).await;
        limited.limited(1, &usage_head(5, 300, 60), Some(&limit), Some(Duration::ZERO), None);
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..60 {
        let rate_limiter = rate_limiter.clone();
        tasks.spawn(async move {
            let operation = [&GET_THINGS, &GET_OTHERS][number % 2];
            let permit = one(&rate_limiter, operation).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            permit.answered(1, &usage_head(5, 300, 60));
        });
    }
    tasks.join_all().await;
    // 36 per minute after a burst of four.
    assert!(start.elapsed() > Duration::from_secs(90), "{:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(110), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn client_limits_are_kept() {
    let rate_limiter = rate_limiter(Caps { spacing: Some(Duration::from_millis(500)), ..CAPS });
    let start = Instant::now();
    for _ in 0..21 {
        one(&rate_limiter, &GET_THINGS).await.answered(1, &head(200, &[]));
    }
    let elapsed = start.elapsed();
    assert!(elapsed.abs_diff(Duration::from_secs(10)) <= Duration::from_millis(50), "{elapsed:?}");

    let rate_limiter = self::rate_limiter(Caps { concurrent: 3, ..CAPS });
    one(&rate_limiter, &GET_THINGS).await.answered(1, &usage_head(1, 300, 60));
    assert_eq!(at_once(&rate_limiter, &GET_THINGS).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_retry_keeps_its_place_in_the_queue() {
    let rate_limiter = rate_limiter(Caps { concurrent: 1, ..CAPS });
    let first = rate_limiter.begin();
    let permit = rate_limiter.turn(first, &GET_THINGS).await.expect("a turn");
    let mut second = Box::pin(one(&rate_limiter, &GET_THINGS));
    assert!((&mut second).now_or_never().is_none());
    let mut again = Box::pin(rate_limiter.turn(first, &GET_THINGS));
    assert!((&mut again).now_or_never().is_none());
    permit.answered(1, &head(503, &[]));
    assert!((&mut second).now_or_never().is_none());
    let again = again.await;
    drop(again);
    second.await.answered(1, &head(200, &[]));
}

#[tokio::test(start_paused = true)]
async fn observers_get_the_reason_of_each_wait() {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let log = waits.clone();
    let wait_observer = WaitObserver::new(move |wait| {
        log.lock().expect("no panic").push((wait.reason, wait.expected.map(|it| it.as_secs())));
    });
    let rate_limiter = RateLimiter::new(CAPS, wait_observer);
    one(&rate_limiter, &GET_THINGS).await.answered(1, &usage_head(290, 300, 60));
    one(&rate_limiter, &GET_THINGS).await.answered(1, &usage_head(1, 300, 60));
    one(&rate_limiter, &GET_THINGS).await.answered(1, &usage_head(2, 300, 60));
    let limited = one(&rate_limiter, &GET_OTHERS).await;
    limited.limited(1, &usage_head(3, 300, 60), None, Some(Duration::from_secs(9)), None);
    one(&rate_limiter, &GET_OTHERS).await.answered(1, &usage_head(4, 300, 60));
    rate_limiter.pause(&GET_THINGS, WaitReason::Retry, Duration::from_secs(2)).await;
    let waits = waits.lock().expect("no panic");
    assert_eq!(
        waits.as_slice(),
        [
            (WaitReason::LimitReached, Some(60)),
            // More calls are waiting than the last window allowed.
            (WaitReason::Pacing, Some(0)),
            (WaitReason::OperationLimit, Some(9)),
            (WaitReason::Retry, Some(2)),
        ]
    );
}
