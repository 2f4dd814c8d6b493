//! Ranges that end early, after a number of items or pages.

use futures::StreamExt as _;
use genesys_cloud_core::{Checkpoint, ErrorKind, ReadOptions, Reason, Verdict, Windows};

use crate::org::{Event as Happened, Org};
use crate::server::Server;
use crate::{Event, Query, all, daily, events, hours, ids, long};

/// Events, some of which last several days and are in several windows.
fn lasting() -> Org {
    let lasts = |id: u64| if id.is_multiple_of(7) { 40 } else { 1 };
    let event = |id: u64| {
        let from = id.cast_signed() * 2;
        Happened { id, from, to: from + lasts(id) }
    };
    Org::of((0..60).map(event).collect())
}

fn range(server: &Server, concurrency: usize) -> Windows<Event> {
    let query = events(server).query(Query::default());
    query.windows(hours(0, 122)).span(long(24)).concurrency(concurrency)
}

fn reloaded(checkpoint: &Checkpoint) -> Checkpoint {
    let text = serde_json::to_string(checkpoint).expect("JSON");
    serde_json::from_str(&text).expect("a checkpoint")
}

#[tokio::test]
async fn ends_at_the_limit_with_the_verdict_truncated() {
    for org in [
        Org::hourly(60),
        lasting(),
        Org { cap: 10, ..lasting() },
        Org { cap: 10, counts: false, ..lasting() },
    ] {
        let server = org.serve().await;
        let expected_ids = all(&mut range(&server, 1)).await;
        assert_eq!(expected_ids.len(), 60);
        for concurrency in [1, 3] {
            for limit in [0, 1, 4, 5, 6, 31, 59, 60, 61] {
                let mut windows = range(&server, concurrency).limit(limit);
                let mut found = Vec::new();
                for _ in 0..limit.min(60) {
                    found.extend(windows.try_next().await.expect("an event"));
                }
                let found = ids(found);
                let expected = limit.min(60);
                assert_eq!(found, expected_ids[..expected], "{limit} {concurrency}");
                if limit == 0 {
                    assert!(windows.next().await.is_none());
                }
                // Known with the last item.
                let report = windows.report();
                assert_eq!(report.items, limit.min(60) as u64);
                if limit < 60 {
                    assert_eq!(report.verdict(), Verdict::Truncated(Reason::Limit), "{limit}");
                }
                let requests = server.received().len();
                assert!(windows.next().await.is_none());
                if limit < 60 {
                    assert_eq!(server.received().len(), requests, "nothing is sent for the end");
                    assert_eq!(windows.report(), report);
                } else if limit > 60 {
                    assert_eq!(windows.report().verdict(), Verdict::Complete, "{limit}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_limit_at_the_end_of_the_range_is_complete() {
    let server = Org::hourly(48).serve().await;
    let mut windows = daily(&server, 0, 48).limit(48);
    assert_eq!(all(&mut windows).await.len(), 48);
    assert_eq!(windows.report().verdict(), Verdict::Complete);
    assert!(windows.checkpoint().expect("a checkpoint").is_complete());
    // Another window follows, which could have items.
    let mut windows = daily(&server, 0, 72).limit(48);
    assert_eq!(all(&mut windows).await.len(), 48);
    assert_eq!(windows.report().verdict(), Verdict::Truncated(Reason::Limit));
    assert_eq!(windows.report().windows_done, 2);
    assert!(!windows.checkpoint().expect("a checkpoint").is_complete());
}

#[tokio::test]
async fn requests_no_more_pages_than_the_limit_needs() {
    let server = Org::hourly(100).serve().await;
    // Each day has five pages.
    for (limit, requests) in [(0, 0), (5, 1), (6, 2), (24, 5), (25, 6)] {
        let before = server.received().len();
        let mut windows = daily(&server, 0, 96).limit(limit);
        all(&mut windows).await;
        assert_eq!(server.received().len() - before, requests, "{limit}");
    }
}

#[tokio::test]
async fn the_limit_includes_items_delivered_before_a_resume() {
    for org in [Org::hourly(60), lasting(), Org { cap: 10, counts: false, ..lasting() }] {
        let server = org.serve().await;
        let expected_ids = all(&mut range(&server, 1)).await;
        for concurrency in [1, 3] {
            for first in [0, 3, 5, 26, 59] {
                let mut windows = range(&server, concurrency).limit(first);
                let mut found = all(&mut windows).await;
                let checkpoint = reloaded(&windows.checkpoint().expect("a checkpoint"));
                assert_eq!((checkpoint.items(), checkpoint.is_complete()), (first as u64, false));

                // The limit is reached already: nothing is sent.
                let requests = server.received().len();
                let mut windows = range(&server, concurrency).limit(first).resume(&checkpoint);
                assert!(all(&mut windows).await.is_empty());
                assert_eq!(windows.report().verdict(), Verdict::Truncated(Reason::Limit));
                assert_eq!(server.received().len(), requests);
                let checkpoint = reloaded(&windows.checkpoint().expect("a checkpoint"));
                if let Some(less) = first.checked_sub(1) {
                    let mut windows = range(&server, concurrency).limit(less).resume(&checkpoint);
                    let error = windows.try_next().await.expect_err("more was delivered");
                    assert!(error.kind() == ErrorKind::CheckpointMismatch, "{error}");
                    assert_eq!(server.received().len(), requests);
                }

                let mut windows = range(&server, concurrency).limit(first + 1).resume(&checkpoint);
                found.extend(all(&mut windows).await);
                assert_eq!(windows.report().items, first as u64 + 1);
                let checkpoint = reloaded(&windows.checkpoint().expect("a checkpoint"));

                let mut windows = range(&server, concurrency).resume(&checkpoint);
                found.extend(all(&mut windows).await);
                assert_eq!(found, expected_ids, "{first} {concurrency}");
                assert_eq!(windows.report().verdict(), Verdict::Complete);
                assert_eq!(windows.report().items, 60);
            }
        }
    }
}

#[tokio::test]
async fn cuts_the_last_page_at_the_limit() {
    let server = Org::hourly(60).serve().await;
    let mut pages = daily(&server, 0, 48).limit(27).pages();
    let mut sizes = Vec::new();
    while let Some(page) = pages.try_next().await.expect("a page") {
        sizes.push(page.items().len());
    }
    assert_eq!(sizes, [5, 5, 5, 5, 4, 3]);
    assert_eq!(pages.report().verdict(), Verdict::Truncated(Reason::Limit));
    let checkpoint = reloaded(&pages.checkpoint().expect("a checkpoint"));
    let rest = all(&mut daily(&server, 0, 48).resume(&checkpoint)).await;
    assert_eq!(rest, (27..48).collect::<Vec<_>>());
}

#[tokio::test]
async fn ends_after_max_pages() {
    for concurrency in [1, 3] {
        let server = Org::hourly(60).serve().await;
        let daily = || daily(&server, 0, 48).concurrency(concurrency);
        // Each day has pages of 5, 5, 5, 5 and 4 items.
        for (pages, items) in [(0, 0), (1, 5), (5, 24), (6, 29)] {
            let mut windows = daily().max_pages(pages);
            assert_eq!(all(&mut windows).await, (0..items).collect::<Vec<_>>());
            assert_eq!(windows.report().verdict(), Verdict::Truncated(Reason::MaxPages));
            let checkpoint = reloaded(&windows.checkpoint().expect("a checkpoint"));
            // Pages are counted from the start of the range.
            let mut windows = daily().max_pages(pages + 1).resume(&checkpoint);
            assert_eq!(all(&mut windows).await.len(), 5);
        }
        let mut windows = daily().max_pages(10);
        assert_eq!(all(&mut windows).await.len(), 48);
        assert_eq!(windows.report().verdict(), Verdict::Complete);
    }
}

#[tokio::test]
async fn the_same_options_apply_to_lists_and_ranges() {
    let server = Org::hourly(60).serve().await;
    let options = ReadOptions::new().limit(7).page_size(3);
    let mut windows = daily(&server, 0, 48).with_options(&options);
    assert_eq!(all(&mut windows).await, (0..7).collect::<Vec<_>>());
    let query = Query {
        interval: Some("2024-05-01T00:00:00Z/2024-05-03T00:00:00Z".to_owned()),
        name: None,
        ..Query::default()
    };
    let mut list = events(&server).query(query).paginate().with_options(&options);
    let mut found = Vec::new();
    while let Some(event) = list.try_next().await.expect("an event") {
        found.push(event);
    }
    assert_eq!(ids(found), (0..7).collect::<Vec<_>>());
    assert!(server.received().iter().all(|request| request.body.contains("\"pageSize\":3")));
}
