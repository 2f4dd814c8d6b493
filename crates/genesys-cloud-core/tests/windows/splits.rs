//! Windows that are too large.

use std::time::Duration;

use genesys_cloud_core::{Error, ErrorKind, Reason, Verdict};

use crate::org::{Org, intervals, refusal};
use crate::server::Answer;
use crate::{all, daily, events, hours, long};

#[tokio::test]
async fn splits_a_window_with_too_many_items() {
    // Without a total, another page is requested after the last full page of a quarter of a day, and rejected.
    for (counts, splits, duplicates) in [(true, 6, 10), (false, 14, 6 * 10 + 8 * 6)] {
        let server = Org { cap: 10, counts, ..Org::hourly(48) }.serve().await;
        let mut windows = daily(&server, 0, 48);
        assert_eq!(all(&mut windows).await, (0..48).collect::<Vec<_>>());
        let report = windows.report();
        assert_eq!(
            (report.splits, report.windows, report.windows_done),
            (splits, splits + 2, splits + 2)
        );
        assert_eq!(report.verdict(), Verdict::Complete);
        assert_eq!(report.requests, server.received().len() as u64);
        // Items delivered before the rejection are not delivered again. When the cap is known from one window,
        // others whose total exceeds it are split at their first page.
        assert_eq!(report.duplicates, duplicates);
    }
}

#[tokio::test]
async fn a_total_above_the_known_cap_splits_before_delivering_anything() {
    let server = Org { cap: 20, ..Org::hourly(200) }.serve().await;
    let mut windows = events(&server).listed().windows(hours(0, 40));
    // There is no known id, so a later split would deliver items twice.
    assert_eq!(all(&mut windows).await, (0..40).collect::<Vec<_>>());
    assert_eq!(intervals(&server), [(0, 40), (0, 20), (20, 40)]);
    assert_eq!(server.received().len(), 1 + 4 + 4);
}

#[tokio::test]
async fn a_partly_delivered_window_can_not_be_split_without_ids() {
    let org = || Org { cap: 20, counts: false, ..Org::hourly(200) };
    // At the known cap, and after a rejection.
    for (mut windows, server) in [
        {
            let server = org().serve().await;
            (events(&server).listed().windows(hours(0, 40)), server)
        },
        {
            let server = org().serve().await;
            (daily(&server, 0, 40).span(long(40)).keep_duplicates(), server)
        },
    ] {
        for _ in 0..20 {
            windows.try_next().await.expect("an event").expect("an event");
        }
        for _ in 0..2 {
            let error = windows.try_next().await.expect_err("too many");
            assert_eq!(error.kind(), ErrorKind::WindowTooLarge);
            let text = error.to_string();
            assert!(
                text.contains(
                    "2024-05-01T00:00:00Z/2024-05-02T16:00:00Z has more items than the API lists, and was \
                     not split: some of its items were already delivered; choose a shorter `span`, or name \
                     the id of the items with `dedupe_by`"
                ),
                "{text}"
            );
        }
        assert_eq!(windows.report().verdict(), Verdict::Unknown(Reason::Unfinished));
        assert_eq!(intervals(&server), [(0, 40)]);
    }
}

/// One event every six hours for three months.
fn six_hourly() -> Org {
    let mut org = Org::hourly(24 * 93);
    org.events.retain(|event| event.from % 6 == 0);
    org
}

#[tokio::test]
async fn splits_all_windows_of_a_rejected_length() {
    let server = Org { longest: 7 * 24, ..six_hourly() }.serve().await;
    let mut windows = daily(&server, 0, 24 * 93).span(long(24 * 31));
    assert_eq!(all(&mut windows).await, (0..24 * 93).step_by(6).collect::<Vec<_>>());
    // Rejects 31, 15 and 8 days; accepts 7.
    let rejected = intervals(&server).iter().filter(|(start, end)| end - start > 7 * 24).count();
    assert_eq!((rejected, windows.report().splits), (3, 3 + 6 + 9));
    assert_eq!(windows.report().verdict(), Verdict::Complete);
}

/// Splitting all windows at each rejection would make a million of them.
#[tokio::test]
async fn fails_soon_if_every_length_is_rejected() {
    let server = Org { longest: 0, ..Org::hourly(0) }.serve().await;
    let mut windows = daily(&server, 0, 24 * 31 * 24).span(long(24 * 31));
    let error = windows.try_next().await.expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::WindowTooLarge, "{error:?}");
    assert!(server.received().len() < 20);
    assert!(windows.report().windows <= 100_000, "{}", windows.report().windows);
}

#[tokio::test]
async fn never_splits_below_the_minimum() {
    let server = Org { cap: 2, ..Org::hourly(48) }.serve().await;
    let mut windows = daily(&server, 0, 48).page_size(1).split_down_to(long(3));
    for _ in 0..2 {
        windows.try_next().await.expect("an event").expect("an event");
    }
    for _ in 0..2 {
        let error = windows.try_next().await.expect_err("too many");
        assert!(error.kind() == ErrorKind::WindowTooLarge && error.status() == Some(400));
        assert_eq!(
            error.to_string(),
            "POST /query (postQuery) failed: 2024-05-01T00:00:00Z/2024-05-01T03:00:00Z has more items than \
             the API lists, and was not split: no window may be shorter than 3 hours; narrow the \
             query, or allow shorter windows with `split_down_to`"
        );
        let source = std::error::Error::source(&error).expect("a source").to_string();
        assert!(source.contains("Pagination may not exceed 2 results"), "{source}");
    }
    let report = windows.report();
    assert_eq!((report.splits, report.items, report.windows_done), (3, 2, 0));

    let server = Org { longest: 1, ..Org::hourly(48) }.serve().await;
    let error = daily(&server, 0, 48).split_down_to(long(9)).try_next().await;
    let text = error.expect_err("too long").to_string();
    assert!(
        text.contains("2024-05-01T00:00:00Z/2024-05-01T12:00:00Z is longer than the API accepts")
    );
}

#[tokio::test]
async fn other_errors_do_not_split() {
    for answer in [
        || refusal("The interval is not valid."),
        || refusal("Page size may not exceed 100."),
        || Answer::json(413, r#"{"message":"Pagination may not exceed 100000 results"}"#),
        || Answer::json(500, r#"{"message":"Pagination may not exceed 100000 results"}"#),
    ] {
        let server = Org::hourly(48).serve_but(move |count, _| (count == 0).then(answer)).await;
        let mut windows = daily(&server, 0, 48);
        let error = windows.try_next().await.expect_err("a refusal");
        assert!(error.kind() != ErrorKind::WindowTooLarge && error.status().is_some());
        assert_eq!(all(&mut windows).await.len(), 48);
        assert_eq!(windows.report().splits, 0);
    }
}

#[tokio::test]
async fn split_when_adds_further_errors() {
    let server = Org::hourly(48)
        .serve_but(|count, _| (count == 0).then(|| Answer::json(413, r#"{"code":"too.much"}"#)))
        .await;
    let mut windows =
        daily(&server, 0, 24).split_when(|error: &Error| error.code() == Some("too.much"));
    assert_eq!(all(&mut windows).await, (0..24).collect::<Vec<_>>());
    assert_eq!(intervals(&server), [(0, 24), (0, 12), (12, 24)]);
}

#[tokio::test]
async fn splits_waiting_windows() {
    let server = Org { cap: 5, ..Org::hourly(96) }.serve().await;
    let mut windows = daily(&server, 0, 96).concurrency(3).split_down_to(Duration::from_mins(30));
    assert_eq!(all(&mut windows).await, (0..96).collect::<Vec<_>>());
    assert!(windows.report().splits > 4);
    assert_eq!(windows.report().windows_done, windows.report().windows);
}
