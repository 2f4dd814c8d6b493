//! Which call is next, and the expected waits of those behind it.

use super::*;

const NO_RESERVE: Caps = Caps { reserve: 0, ..CAPS };

#[tokio::test(start_paused = true)]
async fn a_call_that_polls_out_of_turn_waits_even_if_there_is_room() {
    let now = Instant::now();
    let mut limiter = Limiter::new(CAPS);
    let [first, second] = [limiter.ticket(), limiter.ticket()];
    for ticket in [first, second] {
        limiter.join(ticket, "getThings");
    }
    let waits = Turn::Wait { until: None, reason: None, expected: None };
    assert_eq!(limiter.poll(second, "getThings", now), waits);
    assert_eq!(limiter.poll(first, "getThings", now), Turn::Go);
    assert_eq!(limiter.poll(second, "getThings", now), Turn::Go);
}

#[tokio::test(start_paused = true)]
async fn the_expected_wait_counts_the_calls_ahead() {
    let spacing = Duration::from_millis(500);
    let mut limiter = Limiter::new(Caps { spacing: Some(spacing), ..NO_RESERVE });
    let now = Instant::now();
    let tickets: Vec<Ticket> = (0..8).map(|_| limiter.ticket()).collect();
    for ticket in &tickets {
        limiter.join(*ticket, "getThings");
    }
    let mut waiting = tickets.into_iter();
    let first = waiting.find(|ticket| limiter.poll(*ticket, "getThings", now) != Turn::Go);
    let expected = |limiter: &mut Limiter, ticket| match limiter.poll(ticket, "getThings", now) {
        Turn::Wait { expected, .. } => expected.expect("a time"),
        other => panic!("{other:?}"),
    };
    let next = expected(&mut limiter, first.expect("one that waits"));
    let last = waiting.next_back().expect("one behind it");
    let ahead = u32::try_from(waiting.len()).expect("a few") + 1;
    assert_eq!(expected(&mut limiter, last), next + ahead * spacing);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_response_has_no_expected_wait() {
    let now = Instant::now();
    let mut limiter = Limiter::new(Caps { concurrent: 1, ..NO_RESERVE });
    let tickets = [limiter.ticket(), limiter.ticket(), limiter.ticket()];
    for ticket in tickets {
        limiter.join(ticket, "getThings");
    }
    assert_eq!(limiter.poll(tickets[0], "getThings", now), Turn::Go);
    let reason = Some(WaitReason::ConcurrentRequests);
    for ticket in &tickets[1..] {
        let waits = Turn::Wait { until: None, reason, expected: None };
        assert_eq!(limiter.poll(*ticket, "getThings", now), waits);
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_limit_is_unknown_the_expected_wait_counts_only_the_calls_ahead() {
    let spacing = Duration::from_millis(500);
    let mut limiter = Limiter::new(Caps { spacing: Some(spacing), ..NO_RESERVE });
    let mut now = Instant::now();
    let tickets: Vec<Ticket> = (0..10).map(|_| limiter.ticket()).collect();
    for ticket in &tickets {
        limiter.join(*ticket, "getThings");
    }
    let mut waiting = tickets.into_iter();
    let first = waiting.find(|ticket| {
        now += spacing;
        limiter.poll(*ticket, "getThings", now) != Turn::Go
    });
    let behind = waiting.next();
    for (ticket, expected) in [(first, None), (behind, Some(spacing))] {
        match limiter.poll(ticket.expect("a call that waits"), "getThings", now) {
            Turn::Wait { reason: Some(WaitReason::LimitUnknown), expected: found, .. } => {
                assert_eq!(found, expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Returns how long calls of another operation wait after a 429 with these headers, while calls in flight may use up
/// the rest of the window.
async fn wait_after(limited_head: &ResponseHead) -> Duration {
    let rate_limiter = rate_limiter(NO_RESERVE);
    one(&rate_limiter, &GET_OTHERS).await.answered(1, &usage_head(290, 300, 60));
    let mut in_flight = at_once(&rate_limiter, &GET_THINGS).await;
    assert_eq!(in_flight.len(), 4);
    let start = Instant::now();
    let limited = in_flight.pop().expect("a call");
    limited.limited(1, limited_head, None, Some(Duration::from_secs(90)), None);
    one(&rate_limiter, &GET_OTHERS).await.answered(1, &usage_head(1, 300, 60));
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_429_that_reports_room_stops_only_its_operation() {
    let left = |left| head(429, &[("x-ratelimit-remaining", left), ("x-ratelimit-reset", 60)]);
    let window = Duration::from_secs(60);
    let pause = Duration::from_secs(90);
    for (headers, waits) in [
        (left(2), window),
        (left(0), pause),
        (usage_head(298, 300, 60), window),
        (usage_head(300, 300, 60), pause),
    ] {
        let waited = wait_after(&headers).await;
        assert_eq!(waited, waits, "{headers:?}");
    }
}
