//! Ranges read by jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use genesys_cloud_core::{Checkpoint, ErrorKind, OnStale, Reason, Schedule, Verdict, Windows};

use crate::org::{Org, intervals};
use crate::server::{Answer, Server};
use crate::{Event, Query, all, events, hours, long};

/// Searches events by jobs, one for each day.
fn daily(server: &Server, start: i64, end: i64) -> Windows<Event> {
    events(server).jobs(Query::default()).windows(hours(start, end)).span(long(24))
}

/// The requests, with consecutive repetitions removed.
fn asked(server: &Server) -> Vec<String> {
    let received = server.received().into_iter();
    let mut asked: Vec<String> =
        received.map(|request| format!("{} {}", request.method, request.target)).collect();
    asked.dedup();
    asked
}

#[tokio::test(start_paused = true)]
async fn submits_a_job_for_each_window() {
    let server = Org { states: vec!["QUEUED", "PENDING", "FULFILLED"], ..Org::hourly(99) };
    let server = server.serve().await;
    let mut windows = daily(&server, 0, 30);
    assert_eq!(all(&mut windows).await, (0..30).collect::<Vec<_>>());
    assert_eq!(intervals(&server), [(0, 24), (24, 30)]);
    let asked = asked(&server);
    assert_eq!(asked[..3], ["POST /jobs", "GET /jobs/0", "GET /jobs/0/results?pageSize=5"]);
    assert_eq!(asked[7..10], ["POST /jobs", "GET /jobs/1", "GET /jobs/1/results?pageSize=5"]);
    assert_eq!(windows.report().verdict(), Verdict::Complete);
}

#[tokio::test(start_paused = true)]
async fn runs_several_jobs_at_a_time() {
    let org = Org { states: vec!["QUEUED", "FULFILLED"], ..Org::hourly(96) };
    let server = org.serve().await;
    let mut windows = daily(&server, 0, 96).concurrency(3);
    windows.try_next().await.expect("an event");
    let submitted = server.received().iter().filter(|request| request.method == "POST").count();
    assert_eq!(submitted, 3);
    assert_eq!(all(&mut windows).await, (1..96).collect::<Vec<_>>());
    assert_eq!(intervals(&server).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn applies_the_job_options() {
    let org = Org { states: vec!["QUEUED", "PENDING", "FULFILLED"], ..Org::hourly(20) };
    let server = org.serve().await;
    let pause = std::time::Duration::from_mins(1);
    let mut windows = daily(&server, 0, 20)
        .job_schedule(Schedule::new().initial_delay(pause))
        .job_deadline(std::time::Duration::from_secs(100))
        .results_with(|request| {
            request.add_query("expand", "user");
        });
    let error = windows.try_next().await.expect_err("it runs");
    assert_eq!(error.kind(), ErrorKind::JobUnfinished, "{error}");
    assert_eq!(all(&mut windows).await, (0..20).collect::<Vec<_>>());
    assert!(asked(&server).contains(&"GET /jobs/0/results?expand=user&pageSize=5".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_submit_splits() {
    let server = Org { longest: 12, ..Org::hourly(48) }.serve().await;
    let mut windows = daily(&server, 0, 48);
    assert_eq!(all(&mut windows).await, (0..48).collect::<Vec<_>>());
    assert_eq!(intervals(&server), [(0, 24), (0, 12), (12, 24), (24, 36), (36, 48)]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_failed_with_too_many_results_splits() {
    let server = Org::hourly(48)
        .serve_but(|_, request| {
            let is_first = request.target == "/jobs/0";
            let failed =
                r#"{"state":"FAILED","errorMessage":"Pagination may not exceed 400000 results"}"#;
            is_first.then(|| Answer::json(200, failed))
        })
        .await;
    let mut windows = daily(&server, 0, 24);
    assert_eq!(all(&mut windows).await, (0..24).collect::<Vec<_>>());
    assert_eq!(intervals(&server), [(0, 24), (0, 12), (12, 24)]);
}

#[tokio::test(start_paused = true)]
async fn rejected_results_split() {
    // The second page of results of the first job.
    let server = Org::hourly(48)
        .serve_but(|_, request| {
            request.target.starts_with("/jobs/0/results?pageSize=5&cursor").then(|| {
                Answer::json(400, r#"{"message":"Pagination may not exceed 400000 results"}"#)
            })
        })
        .await;
    let mut windows = daily(&server, 0, 24);
    assert_eq!(all(&mut windows).await, (0..24).collect::<Vec<_>>());
    assert_eq!(windows.report().duplicates, 5);
    assert_eq!(windows.report().splits, 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_failed_otherwise_is_an_error_and_is_rerun_by_the_next_poll() {
    let server = Org::hourly(48)
        .serve_but(|_, request| {
            let failed = r#"{"state":"FAILED","errorMessage":"Out of luck"}"#;
            (request.target == "/jobs/1").then(|| Answer::json(200, failed))
        })
        .await;
    let mut windows = daily(&server, 0, 48);
    for _ in 0..24 {
        windows.try_next().await.expect("an event").expect("an event");
    }
    let error = windows.try_next().await.expect_err("a failed job");
    assert!(error.is_job_without_result() && error.to_string().contains("Out of luck"), "{error}");
    assert_eq!(all(&mut windows).await, (24..48).collect::<Vec<_>>());
    assert_eq!(intervals(&server), [(0, 24), (24, 48)]);
    assert_eq!(windows.report().verdict(), Verdict::Complete);
}

/// A later job may be done by the time its items are due.
#[tokio::test(start_paused = true)]
async fn only_the_job_that_is_due_exceeds_its_deadline() {
    let done = Arc::new(AtomicBool::new(false));
    let is_done = done.clone();
    let server = Org::hourly(72)
        .serve_but(move |_, request| {
            let is_status =
                request.target.starts_with("/jobs/") && !request.target.contains("results");
            (is_status && !is_done.load(Ordering::Relaxed))
                .then(|| Answer::json(200, r#"{"state":"QUEUED"}"#))
        })
        .await;
    let mut windows = daily(&server, 0, 72).concurrency(3);
    for _ in 0..2 {
        assert_eq!(
            windows.try_next().await.expect_err("too long").kind(),
            ErrorKind::JobUnfinished
        );
    }
    done.store(true, Ordering::Relaxed);
    assert_eq!(all(&mut windows).await, (0..72).collect::<Vec<_>>());
    assert_eq!(windows.report().verdict(), Verdict::Complete);
    assert_eq!(windows.report().requests, server.received().len() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_job_with_an_unknown_outcome_is_not_resubmitted_without_permission() {
    let server =
        Org::hourly(48).serve_but(|count, _| (count == 0).then(|| Answer::json(202, "{}"))).await;
    let mut windows = daily(&server, 0, 48);
    for _ in 0..2 {
        let error = windows.try_next().await.expect_err("no id");
        assert!(error.kind() == ErrorKind::Decode && error.is_outcome_unknown(), "{error}");
    }
    let kept = serde_json::to_string(&windows.checkpoint().expect("a checkpoint")).expect("JSON");
    let checkpoint: Checkpoint = serde_json::from_str(&kept).expect("a checkpoint");
    let error = daily(&server, 0, 48).resume(&checkpoint).try_next().await.expect_err("unknown");
    assert!(error.is_outcome_unknown() && error.kind() == ErrorKind::StaleCheckpoint, "{error}");
    assert_eq!(server.received().len(), 1);
    let mut again = daily(&server, 0, 48).resume(&checkpoint).on_stale(OnStale::Restart);
    assert_eq!(all(&mut again).await, (0..48).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_does_not_resubmit_the_job() {
    let server = Org::hourly(24)
        .serve_but(|count, _| (count == 1 || count == 3).then(|| Answer::json(403, "{}")))
        .await;
    let mut windows = daily(&server, 0, 24);
    for _ in 0..2 {
        assert_eq!(windows.try_next().await.expect_err("a refusal").kind(), ErrorKind::Forbidden);
    }
    assert_eq!(all(&mut windows).await, (0..24).collect::<Vec<_>>());
    let submitted = server.received().iter().filter(|request| request.method == "POST").count();
    assert_eq!(submitted, 1);
}

#[tokio::test(start_paused = true)]
async fn results_in_files_are_delivered_as_pages() {
    // As for large audit results: a redirect with a body and a cursor to the next page.
    let redirect = || {
        Answer::json(303, r#"{"downloadUrl":"http://127.0.0.1:9/f?secret=s","cursor":"5"}"#)
            .header("location", "http://127.0.0.1:9/f")
    };
    let org = || {
        Org::hourly(8).serve_but(move |_, request| {
            (request.target == "/jobs/0/results?pageSize=5").then(redirect)
        })
    };
    let server = org().await;
    let error = daily(&server, 0, 24).try_next().await.expect_err("a file");
    assert!(
        error.kind() == ErrorKind::Paging
            && error.to_string().contains("read the list with `pages`"),
        "{error}"
    );

    let server = org().await;
    let mut pages = daily(&server, 0, 48).pages();
    let mut found = Vec::new();
    while let Some(page) = pages.try_next().await.expect("a page") {
        found.push((page.items().len(), page.download().is_some()));
    }
    assert_eq!(found, [(0, true), (3, false), (0, false)]);
    assert_eq!(pages.report().verdict(), Verdict::Unknown(Reason::InFiles { pages: 1 }));
}
