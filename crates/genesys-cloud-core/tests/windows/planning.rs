//! The windows of a range, and their order.

use futures::StreamExt as _;
use genesys_cloud_core::{ErrorKind, Interval, Reason, Verdict, WindowState, Windows};
use serde_json::Value;

use crate::org::{Event, Org, intervals};
use crate::rng::Rng;
use crate::{Query, all, daily, events, hour, hours, ids, long};

#[tokio::test]
async fn reads_a_range_in_windows_in_order() {
    let server = Org::hourly(100).serve().await;
    let mut windows = daily(&server, 0, 60);
    assert_eq!(windows.plan().expect("a plan").windows().len(), 3);
    assert_eq!(all(&mut windows).await, (0..60).collect::<Vec<_>>());
    assert_eq!(intervals(&server), [(0, 24), (24, 48), (48, 60)]);
    let report = windows.report();
    assert_eq!((report.windows, report.windows_done, report.splits), (3, 3, 0));
    // Pages of five.
    assert_eq!((report.items, report.duplicates, report.pages), (60, 0, 5 + 5 + 3));
    assert_eq!(report.requests, server.received().len() as u64);
    assert_eq!(report.verdict(), Verdict::Complete);
    assert!(windows.plan().expect("a plan").is_done());
    assert!(windows.next().await.is_none());
}

#[tokio::test]
async fn replaces_only_the_interval_of_the_request() {
    let server = Org::hourly(100).serve().await;
    let query =
        Query { interval: Some("mine".to_owned()), name: Some("n".to_owned()), ..Query::default() };
    let mut windows = events(&server).query(query).windows(hour(0)..hour(4)).page_size(3);
    assert_eq!(all(&mut windows).await, [0, 1, 2, 3]);
    let bodies = server.received().into_iter().map(|request| request.body);
    let bodies: Vec<Value> =
        bodies.map(|body| serde_json::from_str(&body).expect("json")).collect();
    assert_eq!(
        bodies[0],
        serde_json::json!({
            "interval": "2024-05-01T00:00:00Z/2024-05-01T04:00:00Z",
            "name": "n",
            "paging": {"pageSize": 3, "pageNumber": 1},
        })
    );

    let server = Org::hourly(100).serve().await;
    let mut windows = events(&server).listed().name("n").interval("mine").windows(hour(0)..hour(4));
    assert_eq!(all(&mut windows).await, [0, 1, 2, 3]);
    assert!(server.received()[0].target.starts_with(
        "/events?name=n&interval=2024-05-01T00%3A00%3A00Z%2F2024-05-01T04%3A00%3A00Z&pageSize=5"
    ));
}

#[tokio::test]
async fn the_span_defaults_to_the_longest_known_interval() {
    let range = || hours(0, 40 * 24);
    let server = Org::of(Vec::new()).serve().await;
    let events = events(&server);
    let plan = |windows: Windows<crate::Event>| {
        let plan = windows.plan().expect("a plan");
        let days = |interval: Interval| interval.length().as_secs() / (24 * 60 * 60);
        plan.windows().iter().map(|window| days(window.interval())).collect::<Vec<_>>()
    };
    assert_eq!(plan(events.query(Query::default()).windows(range())), [31, 9]);
    assert_eq!(plan(events.jobs(Query::default()).windows(range())), [31, 9]);
    assert_eq!(plan(events.listed().windows(range())), [7, 7, 7, 7, 7, 5]);
    assert_eq!(plan(events.listed().windows(range()).span(long(20 * 24))), [20, 20]);
    let overlapping = events.listed().windows(range()).span(long(20 * 24)).overlap(long(24));
    assert_eq!(plan(overlapping), [20, 20, 2]);
    let export = events.export(Query::default()).windows(range());
    assert_eq!(export.plan().expect("a plan").windows().len(), 2);
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn an_empty_range_sends_nothing() {
    let server = Org::hourly(9).serve().await;
    let mut windows = daily(&server, 5, 5);
    assert!(all(&mut windows).await.is_empty());
    assert_eq!(windows.report().verdict(), Verdict::Complete);
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn rejects_invalid_settings_before_sending_anything() {
    let server = Org::hourly(9).serve().await;
    for (mut windows, why) in [
        (daily(&server, 5, 4), "ends before it begins"),
        (daily(&server, 0, 4).overlap(long(24)), "must be longer than the overlap"),
        (daily(&server, 0, 999_999).span(long(1)), "more than 100000 windows"),
    ] {
        for _ in 0..2 {
            let error = windows.try_next().await.expect_err(why);
            assert!(
                error.kind() == ErrorKind::InvalidRequest && error.to_string().contains(why),
                "{error}"
            );
            assert_eq!(error.operation(), Some("postQuery"));
        }
        assert!(windows.plan().is_err());
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn delivers_each_event_once_for_any_range_cap_and_concurrency() {
    for seed in 0..25 {
        let mut rng = Rng(seed);
        let events = (0..rng.next(150).unsigned_abs())
            .map(|id| {
                let from = rng.next(500);
                let lasts = if rng.next(4) == 0 { rng.next(60) } else { 0 };
                Event { id, from, to: from + lasts }
            })
            .collect::<Vec<_>>();
        let org = Org {
            cap: 20 + rng.next(40).unsigned_abs() as usize,
            counts: rng.next(2) == 0,
            longest: [31 * 24, 7 * 24][rng.next(2) as usize],
            ..Org::of(events.clone())
        };
        let (start, length) = (rng.next(200), rng.next(400));
        let (span, overlap) = (10 + rng.next(400), rng.next(10));
        let mut expected: Vec<u64> = events
            .iter()
            .filter(|event| event.is_in(start, start + length))
            .map(|event| event.id)
            .collect();
        expected.sort_unstable();
        let mut sequences = Vec::new();
        for concurrency in [1, 3] {
            let server = org.clone().serve().await;
            let mut windows = daily(&server, start, start + length)
                .span(long(span.unsigned_abs()))
                .overlap(long(overlap.unsigned_abs()))
                .split_down_to(std::time::Duration::from_secs(60))
                .prefetch(usize::from(seed % 3 == 0))
                .concurrency(concurrency);
            let found = all(&mut windows).await;
            let mut sorted = found.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, expected, "{seed} {concurrency}: {:?}", windows.report());
            assert_eq!(windows.report().verdict(), Verdict::Complete, "{seed}");
            assert_eq!(windows.report().items, expected.len() as u64);
            assert!(windows.plan().expect("a plan").is_done());
            sequences.push(found);
        }
        assert_eq!(sequences[0], sequences[1], "{seed}");
    }
}

#[tokio::test]
async fn reads_several_windows_at_a_time() {
    let server = Org::hourly(200).serve().await;
    let mut windows = daily(&server, 0, 200).concurrency(3);
    let first = windows.try_next().await.expect("an event").expect("an event");
    assert_eq!(ids([first]), [0]);
    // Only the first page of each.
    assert_eq!(intervals(&server), [(0, 24), (24, 48), (48, 72)]);
    assert_eq!(server.received().len(), 3);
    let plan = windows.plan().expect("a plan");
    let states: Vec<_> = plan.windows().iter().map(|window| window.state()).collect();
    assert_eq!(states[2..4], [WindowState::Running, WindowState::Todo]);
    assert_eq!(windows.report().verdict(), Verdict::Unknown(Reason::Unfinished));
    assert_eq!(all(&mut windows).await, (1..200).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_return_the_rest_of_a_partly_delivered_page() {
    let server = Org::hourly(100).serve().await;
    let mut windows = daily(&server, 0, 30);
    windows.try_next().await.expect("an event");
    let mut pages = windows.pages();
    let mut sizes = Vec::new();
    while let Some(page) = pages.try_next().await.expect("a page") {
        sizes.push(page.items().len());
    }
    assert_eq!(sizes, [4, 5, 5, 5, 4, 5, 1]);
    assert_eq!(pages.report().items, 30);
    assert!(pages.plan().expect("a plan").is_done());

    let mut values = daily(&server, 0, 2).items_as::<Value>();
    assert_eq!(values.try_next().await.expect("an event").expect("an event")["id"], "0");
    let text = format!("{values:?}");
    assert!(text.contains("range: 2024-05-01T00:00:00Z/2024-05-01T02:00:00Z"), "{text}");
}

#[test]
fn windows_are_send() {
    fn sent<T: Send>() {}
    sent::<Windows<crate::Event>>();
    sent::<genesys_cloud_core::WindowPages<crate::Event>>();
}
