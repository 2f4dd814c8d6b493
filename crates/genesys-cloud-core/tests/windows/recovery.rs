//! Errors during a range, and resuming from a plan.

use futures::StreamExt as _;
use genesys_cloud_core::{ErrorKind, Plan, Reason, Verdict, WindowState, Windows};

use crate::org::{Org, intervals};
use crate::server::{Answer, Server};
use crate::{Event, Query, all, daily, events, hours, ids, long};

/// Reads to the end. Errors are kept as their status.
async fn with_errors(windows: &mut Windows<Event>) -> Vec<Result<u64, u16>> {
    let mut found = Vec::new();
    while let Some(event) = windows.next().await {
        found.push(match event {
            Ok(event) => Ok(ids([event])[0]),
            Err(error) => Err(error.status().unwrap_or_default()),
        });
    }
    found
}

#[tokio::test]
async fn requests_the_same_page_again_after_an_error() {
    for concurrency in [1, 3] {
        // The second page of the second day, once.
        let mut failed = false;
        let server = Org::hourly(72)
            .serve_but(move |_, request| {
                let is_due = request.body.contains(r#""pageNumber":2"#)
                    && request.body.contains("2024-05-02T00:00:00Z/");
                (is_due && !std::mem::replace(&mut failed, true)).then(|| Answer::json(404, "{}"))
            })
            .await;
        let mut windows = daily(&server, 0, 72).concurrency(concurrency);
        let found = with_errors(&mut windows).await;
        let expected: Vec<Result<u64, u16>> =
            (0..29).map(Ok).chain([Err(404)]).chain((29..72).map(Ok)).collect();
        assert_eq!(found, expected, "{concurrency}");
        // Five pages of each day, and one again.
        assert_eq!(server.received().len(), 16);
        assert_eq!(windows.report().requests, 16);
        assert_eq!(windows.report().verdict(), Verdict::Complete);
    }
}

#[tokio::test]
async fn returns_errors_in_the_order_of_the_windows() {
    let mut failed = false;
    let server = Org::hourly(72)
        .serve_but(move |_, request| {
            let is_due = request.body.contains("2024-05-03T00:00:00Z/");
            (is_due && !std::mem::replace(&mut failed, true)).then(|| Answer::json(404, "{}"))
        })
        .await;
    let mut windows = daily(&server, 0, 72).concurrency(3);
    let found = with_errors(&mut windows).await;
    let expected: Vec<Result<u64, u16>> =
        (0..48).map(Ok).chain([Err(404)]).chain((48..72).map(Ok)).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_incomplete_window_is_not_done() {
    // The second page of the first day is the first one again.
    let page =
        r#"{"events":[{"id":"0"},{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"}],"totalHits":10}"#;
    let server = Org::hourly(48)
        .serve_but(move |_, request| {
            let is_first = request.body.contains("2024-05-01T00:00:00Z/");
            is_first.then(|| Answer::json(200, page))
        })
        .await;
    let mut windows = daily(&server, 0, 48);
    for _ in 0..5 {
        windows.try_next().await.expect("an event").expect("an event");
    }
    assert_eq!(windows.try_next().await.expect_err("the same page").kind(), ErrorKind::Paging);
    assert_eq!(all(&mut windows).await, (24..48).collect::<Vec<_>>());
    assert_eq!(windows.report().verdict(), Verdict::Truncated(Reason::Contradiction));
    let plan = windows.plan().expect("a plan");
    let states: Vec<_> = plan.windows().iter().map(|window| window.state()).collect();
    assert_eq!(states, [WindowState::Running, WindowState::Done]);
}

async fn plan_after(server: &Server, count: usize) -> Plan {
    let mut windows = daily(server, 0, 96);
    for _ in 0..count {
        windows.try_next().await.expect("an event").expect("an event");
    }
    let text = serde_json::to_string(&windows.plan().expect("a plan")).expect("a text");
    serde_json::from_str(&text).expect("a plan")
}

#[tokio::test]
async fn resumes_from_a_plan() {
    let server = Org::hourly(96).serve().await;
    let plan = plan_after(&server, 30).await;
    let states: Vec<_> = plan.windows().iter().map(|window| window.state()).collect();
    assert_eq!(
        states,
        [WindowState::Done, WindowState::Running, WindowState::Todo, WindowState::Todo]
    );

    let before = intervals(&server).len();
    let mut rest = daily(&server, 0, 96).resume(plan.clone());
    assert_eq!(all(&mut rest).await, (24..96).collect::<Vec<_>>());
    assert_eq!(intervals(&server)[before - 1..], [(24, 48), (48, 72), (72, 96)]);
    let report = rest.report();
    assert_eq!((report.windows, report.windows_done, report.items), (4, 4, 72));
    assert_eq!(report.verdict(), Verdict::Complete);

    // Another org is rejected before anything is sent.
    let elsewhere = Org::hourly(96).serve().await;
    let error = daily(&elsewhere, 0, 96).resume(plan.clone()).try_next().await;
    let error = error.expect_err("another org").to_string();
    assert!(error.contains("it was made at http://127.0.0.1:"), "{error}");
    assert!(elsewhere.received().is_empty());

    // A single window, even one that is done.
    for (window, expected) in [(0, 0..24), (3, 72..96)] {
        let mut alone = daily(&server, 0, 96).resume(plan.only(window));
        assert_eq!(all(&mut alone).await, expected.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn the_plan_keeps_splits() {
    let server = Org { cap: 10, ..Org::hourly(96) }.serve().await;
    let plan = plan_after(&server, 18).await;
    assert!(plan.windows().len() > 4 && !plan.is_done());
    let mut rest = daily(&server, 0, 96).resume(plan.clone());
    let found = all(&mut rest).await;
    // From the start of the partly read window.
    assert_eq!(found, (found[0]..96).collect::<Vec<_>>());
    assert!((1..=18).contains(&found[0]), "{found:?}");
}

#[tokio::test]
async fn rejects_a_plan_of_another_call() {
    let server = Org::hourly(96).serve().await;
    let plan = plan_after(&server, 3).await;
    let count = server.received().len();
    let events = events(&server);
    let named = Query { name: Some("n".to_owned()), ..Query::default() };
    for (windows, why) in [
        (
            daily(&server, 0, 95),
            "the plan is of another call: the field `interval` of the body has changed",
        ),
        (
            events.query(named).windows(hours(0, 96)),
            "the plan is of another call: the field `name` of the body was not set",
        ),
        (
            events.listed().windows(hours(0, 96)),
            "the plan is of another call: it belongs to postQuery",
        ),
    ] {
        let error = windows.resume(plan.clone()).try_next().await.expect_err(why);
        assert!(
            error.kind() == ErrorKind::InvalidRequest && error.to_string().contains(why),
            "{error}"
        );
    }
    assert_eq!(server.received().len(), count);
    // The plan decides about the windows, not the new span.
    let mut windows = daily(&server, 0, 96).span(long(5)).resume(plan);
    assert_eq!(all(&mut windows).await.len(), 96);
}
