//! Windows that are too large.

use std::time::Duration;

use genesys_cloud_core::{Error, ErrorKind, Reason, Verdict};

use crate::org::{Org, intervals, refusal};
use crate::server::Answer;
use crate::{all, daily, events, hours, long};

#[tokio::test]
async fn a_window_with_too_many_is_split() {
    // Uncounted, a quarter of a day ends with a page that is not full, so that another one is asked for and
    // refused.
    for (counts, splits, duplicates) in [(true, 6, 10), (false, 14, 6 * 10 + 8 * 6)] {
        let server = Org { cap: 10, counts, ..Org::hourly(48) }.serve().await;
        let mut some = daily(&server, 0, 48);
        assert_eq!(all(&mut some).await, (0..48).collect::<Vec<_>>());
        let report = some.report();
        assert_eq!(
            (report.splits, report.windows, report.windows_done),
            (splits, splits + 2, splits + 2)
        );
        assert_eq!(report.verdict(), Verdict::Complete);
        assert_eq!(report.requests, server.received().len() as u64);
        // What was handed out before the API refused is not again. Once it is known up to where a window is
        // read, those that count more are split by their first page.
        assert_eq!(report.duplicates, duplicates);
    }
}

#[tokio::test]
async fn a_count_beyond_what_is_known_to_be_listed_splits_before_anything_is_handed_out() {
    let server = Org { cap: 20, ..Org::hourly(200) }.serve().await;
    let mut some = events(&server).listed().windows(hours(0, 40));
    // Its ids are not known, so that all halves would come twice.
    assert_eq!(all(&mut some).await, (0..40).collect::<Vec<_>>());
    assert_eq!(intervals(&server), [(0, 40), (0, 20), (20, 40)]);
    assert_eq!(server.received().len(), 1 + 4 + 4);
}

#[tokio::test]
async fn what_has_been_handed_out_can_not_be_split_without_ids() {
    let org = || Org { cap: 20, counts: false, ..Org::hourly(200) };
    // At the cap that is known, and by a refusal.
    for (mut some, server) in [
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
            some.try_next().await.expect("an event").expect("an event");
        }
        for _ in 0..2 {
            let error = some.try_next().await.expect_err("too many");
            assert_eq!(error.kind(), ErrorKind::WindowTooLarge);
            let text = error.to_string();
            assert!(
                text.contains(
                    "2024-05-01T00:00:00Z/2024-05-02T16:00:00Z holds more than the API lists, and was \
                     not split: some of its items had been delivered; choose a shorter `span`, or name \
                     the id of the items by `dedupe_by`"
                ),
                "{text}"
            );
        }
        assert_eq!(some.report().verdict(), Verdict::Unknown(Reason::Unfinished));
        assert_eq!(intervals(&server), [(0, 40)]);
    }
}

/// An event every six hours of three months.
fn six_hourly() -> Org {
    let mut org = Org::hourly(24 * 93);
    org.events.retain(|event| event.from % 6 == 0);
    org
}

#[tokio::test]
async fn windows_that_are_too_long_are_split_together() {
    let server = Org { longest: 7 * 24, ..six_hourly() }.serve().await;
    let mut some = daily(&server, 0, 24 * 93).span(long(24 * 31));
    assert_eq!(all(&mut some).await, (0..24 * 93).step_by(6).collect::<Vec<_>>());
    // Three refusals: of 31 days, of 15, and of 8: the first 7 days are taken.
    let refused = intervals(&server).iter().filter(|(start, end)| end - start > 7 * 24).count();
    assert_eq!((refused, some.report().splits), (3, 3 + 6 + 9));
    assert_eq!(some.report().verdict(), Verdict::Complete);
}

/// All windows being cut with each refusal would come to a million of them.
#[tokio::test]
async fn what_is_too_long_at_any_length_is_told_soon() {
    let server = Org { longest: 0, ..Org::hourly(0) }.serve().await;
    let mut some = daily(&server, 0, 24 * 31 * 24).span(long(24 * 31));
    let error = some.try_next().await.expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::WindowTooLarge, "{error:?}");
    assert!(server.received().len() < 20);
    assert!(some.report().windows <= 100_000, "{}", some.report().windows);
}

#[tokio::test]
async fn no_window_is_shorter_than_the_minimum() {
    let server = Org { cap: 2, ..Org::hourly(48) }.serve().await;
    let mut some = daily(&server, 0, 48).page_size(1).split_down_to(long(3));
    for _ in 0..2 {
        some.try_next().await.expect("an event").expect("an event");
    }
    for _ in 0..2 {
        let error = some.try_next().await.expect_err("too many");
        assert!(error.kind() == ErrorKind::WindowTooLarge && error.status() == Some(400));
        assert_eq!(
            error.to_string(),
            "POST /query (postQuery) failed: 2024-05-01T00:00:00Z/2024-05-01T03:00:00Z holds more than \
             the API lists, and was not split: no window may be shorter than 3 hours; narrow the \
             query, or allow shorter windows by `split_down_to`"
        );
        let source = std::error::Error::source(&error).expect("a source").to_string();
        assert!(source.contains("Pagination may not exceed 2 results"), "{source}");
    }
    let report = some.report();
    assert_eq!((report.splits, report.items, report.windows_done), (3, 2, 0));

    let server = Org { longest: 1, ..Org::hourly(48) }.serve().await;
    let error = daily(&server, 0, 48).split_down_to(long(9)).try_next().await;
    let text = error.expect_err("too long").to_string();
    assert!(
        text.contains("2024-05-01T00:00:00Z/2024-05-01T12:00:00Z is longer than the API accepts")
    );
}

#[tokio::test]
async fn no_other_error_splits() {
    for answer in [
        || refusal("The interval is not valid."),
        || refusal("Page size may not exceed 100."),
        || Answer::json(413, r#"{"message":"Pagination may not exceed 100000 results"}"#),
        || Answer::json(500, r#"{"message":"Pagination may not exceed 100000 results"}"#),
    ] {
        let server = Org::hourly(48).serve_but(move |count, _| (count == 0).then(answer)).await;
        let mut some = daily(&server, 0, 48);
        let error = some.try_next().await.expect_err("a refusal");
        assert!(error.kind() != ErrorKind::WindowTooLarge && error.status().is_some());
        assert_eq!(all(&mut some).await.len(), 48);
        assert_eq!(some.report().splits, 0);
    }
}

#[tokio::test]
async fn the_caller_may_know_of_further_refusals() {
    let server = Org::hourly(48)
        .serve_but(|count, _| (count == 0).then(|| Answer::json(413, r#"{"code":"too.much"}"#)))
        .await;
    let mut some =
        daily(&server, 0, 24).split_when(|error: &Error| error.code() == Some("too.much"));
    assert_eq!(all(&mut some).await, (0..24).collect::<Vec<_>>());
    assert_eq!(intervals(&server), [(0, 24), (0, 12), (12, 24)]);
}

#[tokio::test]
async fn windows_ahead_are_split_too() {
    let server = Org { cap: 5, ..Org::hourly(96) }.serve().await;
    let mut some = daily(&server, 0, 96).concurrency(3).split_down_to(Duration::from_mins(30));
    assert_eq!(all(&mut some).await, (0..96).collect::<Vec<_>>());
    assert!(some.report().splits > 4);
    assert_eq!(some.report().windows_done, some.report().windows);
}
