//! Records in several windows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use genesys_cloud_core::{ErrorKind, Reason, Verdict};

use crate::org::{Event, Org};
use crate::server::Answer;
use crate::{Query, all, daily, events, hours, long};

/// One event in the middle of each of three days, and one across all of them.
fn days() -> Org {
    let single = (0..3).map(|id| Event { id, from: 12 + 24 * id as i64, to: 12 + 24 * id as i64 });
    Org::of(single.chain([Event { id: 9, from: 20, to: 60 }]).collect())
}

#[tokio::test]
async fn delivers_a_record_of_several_windows_once() {
    let server = days().serve().await;
    let mut windows = daily(&server, 0, 72);
    assert_eq!(all(&mut windows).await, [0, 9, 1, 2]);
    assert_eq!(windows.report().duplicates, 2);

    let mut windows = daily(&server, 0, 72).keep_duplicates();
    assert_eq!(all(&mut windows).await, [0, 9, 1, 9, 2, 9]);
    assert_eq!((windows.report().duplicates, windows.report().items), (0, 6));
}

#[tokio::test]
async fn delivers_records_of_the_overlap_once() {
    let server = Org::hourly(72).serve().await;
    let mut windows = daily(&server, 0, 72).overlap(long(4)).concurrency(3);
    assert_eq!(all(&mut windows).await, (0..72).collect::<Vec<_>>());
    // At three boundaries.
    assert_eq!((windows.report().windows, windows.report().duplicates), (4, 12));
}

#[tokio::test]
async fn remembers_a_bounded_number_of_ids() {
    let server = days().serve().await;
    let mut windows = daily(&server, 0, 72).remember(1);
    assert_eq!(all(&mut windows).await, [0, 9, 1, 2]);
    assert_eq!(windows.report().ids_forgotten, 2);

    // Too few for the overlap.
    let server = Org::hourly(72).serve().await;
    let mut windows = daily(&server, 0, 72).overlap(long(10)).remember(4);
    let report = {
        all(&mut windows).await;
        windows.report()
    };
    assert!(report.items > 72 && report.ids_forgotten > 0, "{report:?}");
}

#[tokio::test]
async fn delivers_records_without_an_id_each_time() {
    let page = r#"{"events":[{"id":"1"},{"name":"n"},{"name":"n"}],"totalHits":3}"#;
    let server = Org::hourly(0).serve_but(move |_, _| Some(Answer::json(200, page))).await;
    let mut windows = daily(&server, 0, 48).dedupe_by("id");
    let mut found = 0;
    while windows.try_next().await.expect("an event").is_some() {
        found += 1;
    }
    let report = windows.report();
    assert_eq!((found, report.without_id, report.duplicates), (5, 4, 1));
}

/// Events, every second one without an id.
fn half_without_ids() -> Org {
    Org { every_second_without_id: true, ..Org::hourly(40) }
}

#[tokio::test(start_paused = true)]
async fn splitting_a_window_with_records_without_ids_is_drifted() {
    for (cap, by_jobs) in [(20, false), (20, true), (100_000, true)] {
        // A cap splits the window, or its results fail after two pages.
        let failed = Arc::new(AtomicBool::new(cap < 100_000));
        let server = Org { cap, counts: false, ..half_without_ids() }
            .serve_but(move |_, request| {
                let is_third = request.target.contains("/results?pageSize=5&cursor=10");
                (is_third && !failed.swap(true, Ordering::Relaxed)).then(|| {
                    Answer::json(400, r#"{"message":"Pagination may not exceed 20 results"}"#)
                })
            })
            .await;
        let api = events(&server);
        let range = match by_jobs {
            false => api.query(Query::default()).windows(hours(0, 40)),
            true => api.jobs(Query::default()).windows(hours(0, 40)),
        };
        let mut windows = range.span(long(40)).dedupe_by("id");
        let mut found = 0;
        while windows.try_next().await.expect("an event").is_some() {
            found += 1;
        }
        let report = windows.report();
        let again = found - 40;
        assert!(again > 0 && report.splits > 0, "{report:?}");
        // The halves, and their halves.
        match report.verdict() {
            Verdict::Drifted(Reason::ReadAgain { items }) => assert!(items <= again, "{report:?}"),
            other => panic!("{other}: {report:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rerunning_a_job_with_records_without_ids_is_drifted() {
    for (without, stops) in [(true, false), (true, true), (false, false), (false, true)] {
        let gone = Arc::new(AtomicBool::new(false));
        let is_gone = gone.clone();
        let server = Org { every_second_without_id: without, ..Org::hourly(24) }
            .serve_but(move |_, request| {
                let of_first = request.target.starts_with("/jobs/0/results");
                (of_first && is_gone.load(Ordering::Relaxed)).then(|| Answer::json(404, "{}"))
            })
            .await;
        let api = events(&server);
        let range = || api.jobs(Query::default()).windows(hours(0, 24)).dedupe_by("id");
        let mut windows = range();
        let mut found = 0;
        for _ in 0..10 {
            windows.try_next().await.expect("an event").expect("an event");
            found += 1;
        }
        if stops {
            windows = range().resume(&windows.checkpoint().expect("a checkpoint"));
        }
        gone.store(true, Ordering::Relaxed);
        let error = windows.try_next().await.expect_err("a job that is gone");
        if stops {
            // The position is lost with the job.
            assert_eq!(error.kind(), ErrorKind::StaleCheckpoint, "{error}");
            continue;
        }
        assert_eq!(error.kind(), ErrorKind::JobExpired, "{error}");
        while windows.try_next().await.expect("an event").is_some() {
            found += 1;
        }
        let report = windows.report();
        match without {
            true => {
                assert_eq!(found, 24 + 5);
                assert_eq!(report.verdict(), Verdict::Drifted(Reason::ReadAgain { items: 5 }));
            }
            false => {
                assert_eq!(found, 24);
                assert_eq!(report.verdict(), Verdict::Complete);
            }
        }
    }
}
