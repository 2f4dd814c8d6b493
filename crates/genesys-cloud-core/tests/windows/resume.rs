//! Resuming a range from a checkpoint: no item is lost or delivered twice.

use std::sync::{Arc, Mutex};

use genesys_cloud_core::{
    Checkpoint, Client, ErrorKind, OnStale, Reason, Verdict, Windows, WindowsReport,
};
use serde_json::json;

use crate::org::{Event as Happened, Org, refusal};
use crate::server::{Answer, Server};
use crate::{Event, Events, Query, all, daily, events, hours, ids, long};

/// Serializes and deserializes it.
fn reloaded(checkpoint: &Checkpoint) -> Checkpoint {
    let text = serde_json::to_string(checkpoint).expect("JSON");
    let read: Checkpoint = serde_json::from_str(&text).expect("a checkpoint");
    assert_eq!(read, *checkpoint);
    read
}

/// Reads a range, resuming from a checkpoint after every `step` items.
async fn in_steps(range: impl Fn() -> Windows<Event>, step: usize) -> (Vec<u64>, WindowsReport) {
    let (mut found, mut checkpoint) = (Vec::new(), None::<Checkpoint>);
    loop {
        let mut range = match &checkpoint {
            Some(checkpoint) => range().resume(&reloaded(checkpoint)),
            None => range(),
        };
        for _ in 0..step {
            found.extend(range.try_next().await.expect("an event"));
        }
        let next = range.checkpoint().expect("a checkpoint");
        assert_eq!(next.items(), found.len() as u64);
        if next.is_complete() {
            return (ids(found), range.report());
        }
        checkpoint = Some(next);
    }
}

#[tokio::test]
async fn resumes_at_the_next_item() {
    // Some events last several days and are in several windows.
    let lasting = (0..60).map(|id| Happened {
        id,
        from: id.cast_signed() * 2,
        to: id.cast_signed() * 2 + if id % 7 == 0 { 40 } else { 1 },
    });
    let lasting: Vec<Happened> = lasting.collect();
    for (org, count) in [
        (Org::hourly(72), 72),
        (Org { cap: 10, ..Org::hourly(72) }, 72),
        (Org { cap: 10, counts: false, ..Org::hourly(72) }, 72),
        (Org::of(lasting), 60),
    ] {
        let server = org.serve().await;
        // One client: building one takes longer than reading a page.
        let api = events(&server);
        let daily = || api.query(Query::default()).windows(hours(0, 122)).span(long(24));
        let (expected, usual) = in_steps(daily, 1000).await;
        assert_eq!(expected.len(), count);
        for concurrency in [1, 3] {
            for step in [4, 17] {
                let list = || daily().concurrency(concurrency);
                let (found, report) = in_steps(list, step).await;
                let what = format!("{step} {concurrency}");
                assert_eq!(found, expected, "{what}");
                assert_eq!(report.verdict(), usual.verdict(), "{what}");
                assert_eq!(
                    (report.items, report.windows, report.windows_done),
                    (usual.items, usual.windows, usual.windows_done),
                    "{what}"
                );
                if concurrency == 1 {
                    assert_eq!(report.duplicates, usual.duplicates, "{what}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn does_not_resubmit_the_jobs_of_windows() {
    let server = Org::hourly(72).serve().await;
    for concurrency in [1, 3] {
        let before = server.received().len();
        let api = events(&server);
        let range = || {
            let query = Query::default();
            let range = api.jobs(query).windows(hours(0, 72));
            range.span(std::time::Duration::from_hours(24)).concurrency(concurrency)
        };
        let (found, report) = in_steps(range, 7).await;
        assert_eq!(found, (0..72).collect::<Vec<_>>());
        assert_eq!(report.verdict(), Verdict::Complete);
        let received = server.received().into_iter().skip(before);
        let submits = received.filter(|request| request.method == "POST").count();
        assert_eq!(submits, 3, "{concurrency}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_lists_the_jobs_of_started_windows() {
    let server = Org::hourly(96).serve().await;
    let query = Query::default();
    let mut range = events(&server).jobs(query).windows(hours(0, 96)).span(long(24)).concurrency(3);
    assert!(range.checkpoint().expect("a checkpoint").jobs().is_empty());
    // After 45 items the first window is closed.
    for (read, jobs) in [(1, vec!["0", "1", "2"]), (44, vec!["1", "2", "3"])] {
        for _ in 0..read {
            range.try_next().await.expect("an event").expect("no end");
        }
        let checkpoint = reloaded(&range.checkpoint().expect("a checkpoint"));
        let found: Vec<_> = checkpoint.jobs().into_iter().filter_map(|job| job.id()).collect();
        assert_eq!(found, jobs);
    }
    all(&mut range).await;
    assert!(range.checkpoint().expect("a checkpoint").jobs().is_empty());
}

#[tokio::test]
async fn resumes_pages_as_items() {
    let server = Org::hourly(48).serve().await;
    let mut pages = daily(&server, 0, 48).pages();
    let mut found = Vec::new();
    for _ in 0..7 {
        let page = pages.try_next().await.expect("a page").expect("no end");
        found.extend(ids(page));
    }
    let checkpoint = reloaded(&pages.checkpoint().expect("a checkpoint"));
    found.extend(all(&mut daily(&server, 0, 48).resume(&checkpoint)).await);
    assert_eq!(found, (0..48).collect::<Vec<_>>());
}

#[tokio::test]
async fn rejects_a_checkpoint_of_another_range_or_call() {
    let server = Org::hourly(48).serve().await;
    let mut range = daily(&server, 0, 48);
    range.try_next().await.expect("an event").expect("no end");
    let checkpoint = reloaded(&range.checkpoint().expect("a checkpoint"));
    let calls = server.received().len();
    let other = Query { name: Some("x".to_owned()), ..Query::default() };
    let list = || {
        let query = Query { interval: Some(hours(0, 48).to_string()), ..Query::default() };
        events(&server).query(query).paginate()
    };
    for (mut windows, why) in [
        (daily(&server, 0, 47), "the field `interval` of the body has changed"),
        (
            events(&server).query(other).windows(hours(0, 48)),
            "the field `name` of the body was not set",
        ),
    ] {
        windows = windows.resume(&checkpoint);
        let error = windows.try_next().await.expect_err(why);
        assert!(
            error.kind() == ErrorKind::CheckpointMismatch && error.to_string().contains(why),
            "{error}"
        );
        assert!(windows.checkpoint().is_ok());
    }
    // A list can't resume a checkpoint of a range, nor the reverse.
    let error = list().resume(&checkpoint).try_next().await.expect_err("a range");
    assert_eq!(error.kind(), ErrorKind::CheckpointMismatch, "{error}");
    let error = daily(&server, 0, 48).resume(&list().checkpoint()).try_next().await;
    assert_eq!(error.expect_err("a list").kind(), ErrorKind::CheckpointMismatch);
    assert_eq!(server.received().len(), calls);
}

#[tokio::test]
async fn rejects_a_checkpoint_or_plan_of_another_port_or_path() {
    let (server, other) = (Org::hourly(48).serve().await, Org::hourly(48).serve().await);
    let mut range = daily(&server, 0, 48);
    range.try_next().await.expect("an event").expect("no end");
    let checkpoint = reloaded(&range.checkpoint().expect("a checkpoint"));
    let plan = range.plan().expect("a plan");
    let calls = server.received().len();
    for url in [other.url().to_owned(), format!("{}/other", server.url())] {
        let client = Client::builder().api_url(url.as_str()).access_token("a-token").build();
        let events = Events::new(&client.expect("a client"));
        let range = || events.query(Query::default()).windows(hours(0, 48)).span(long(24));
        let error = range().resume(&checkpoint).try_next().await.expect_err("another org");
        assert!(
            error.kind() == ErrorKind::CheckpointMismatch && error.to_string().contains(&url),
            "{error}"
        );
        let error = range().resume(plan.clone()).try_next().await.expect_err("another org");
        assert!(
            error.kind() == ErrorKind::InvalidRequest && error.to_string().contains(&url),
            "{error}"
        );
    }
    assert_eq!((server.received().len(), other.received().len()), (calls, 0));
}

#[tokio::test]
async fn counts_ids_that_a_checkpoint_does_not_keep() {
    let lasting = (0..30).map(|id| Happened { id, from: id.cast_signed(), to: 40 });
    let lasting: Vec<Happened> = lasting.collect();
    let server = Org::of(lasting).serve().await;
    for (ids_kept, repeated) in [(100, 0), (10, 14), (0, 24)] {
        let range = || daily(&server, 0, 48).remember_in_checkpoint(ids_kept);
        let mut first = range();
        for _ in 0..24 {
            first.try_next().await.expect("an event").expect("no end");
        }
        let checkpoint = reloaded(&first.checkpoint().expect("a checkpoint"));
        let mut rest = range().resume(&checkpoint);
        let found = all(&mut rest).await;
        assert_eq!(found.len(), 6 + repeated, "{ids_kept}");
        assert_eq!(rest.report().ids_forgotten, repeated as u64, "{ids_kept}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_gone_is_an_error_or_resubmitted_by_on_stale() {
    let gone = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_gone = gone.clone();
    let server = Org::hourly(48)
        .serve_but(move |_, request| {
            let first = request.target.starts_with("/jobs/")
                && is_gone.load(std::sync::atomic::Ordering::Relaxed);
            let of_first = request.target.split('/').nth(2).is_some_and(|id| id.starts_with('0'));
            (first && of_first).then(|| Answer::json(404, "{}"))
        })
        .await;
    let range = |server: &Server| {
        let query = Query::default();
        let range = events(server).jobs(query).windows(hours(0, 48));
        range.span(std::time::Duration::from_hours(24))
    };
    let mut first = range(&server);
    for _ in 0..7 {
        first.try_next().await.expect("an event").expect("no end");
    }
    let checkpoint = reloaded(&first.checkpoint().expect("a checkpoint"));
    gone.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = range(&server).resume(&checkpoint).try_next().await.expect_err("stale");
    assert_eq!(error.kind(), ErrorKind::StaleCheckpoint, "{error}");
    let mut restarted = range(&server).resume(&checkpoint).on_stale(OnStale::Restart);
    assert_eq!(all(&mut restarted).await, (7..48).collect::<Vec<_>>());
    assert_eq!(restarted.report().verdict(), Verdict::Complete);
}

/// Splitting all windows of a rejected length shifts the indices of the others.
#[tokio::test]
async fn started_windows_keep_their_positions_when_others_are_split() {
    let strict = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_strict = strict.clone();
    let server = Org::hourly(96)
        .serve_but(move |_, request| {
            let first = "2024-05-01T00:00:00Z/2024-05-02T00:00:00Z";
            let refused = request.body.contains(first)
                && is_strict.load(std::sync::atomic::Ordering::Relaxed);
            refused.then(|| refusal("The interval does not exceed 1 day: it has to"))
        })
        .await;
    let mut first = daily(&server, 0, 96).concurrency(3);
    first.try_next().await.expect("an event").expect("no end");
    let checkpoint = reloaded(&first.checkpoint().expect("a checkpoint"));
    strict.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut rest = daily(&server, 0, 96).resume(&checkpoint);
    let next = rest.try_next().await.expect("an event").expect("no end");
    // The requests of the waiting windows are still counted.
    assert_eq!(rest.report().requests, server.received().len() as u64);
    assert_eq!(ids([next]), [1]);
    assert_eq!(all(&mut rest).await, (2..96).collect::<Vec<_>>());
    // The first window, and the last one, which was not started.
    assert_eq!((rest.report().splits, rest.report().windows), (2, 6));
    assert_eq!(rest.report().verdict(), Verdict::Complete);
}

/// A cursor rejected because it exceeds the cap is not stale.
#[tokio::test(start_paused = true)]
async fn splits_a_window_resumed_at_the_cap() {
    let server = Org { cap: 10, ..Org::hourly(24) }.serve().await;
    for then in [OnStale::Fail, OnStale::Restart] {
        let api = events(&server);
        let range = || api.jobs(Query::default()).windows(hours(0, 24)).on_stale(then);
        let mut first = range();
        for _ in 0..10 {
            first.try_next().await.expect("an event").expect("no end");
        }
        let checkpoint = reloaded(&first.checkpoint().expect("a checkpoint"));
        let calls = server.received().len();
        let mut rest = range().resume(&checkpoint);
        assert_eq!(all(&mut rest).await, (10..24).collect::<Vec<_>>());
        assert_eq!((rest.report().splits, rest.report().verdict()), (3, Verdict::Complete));
        // The earlier job is not submitted again.
        let whole = server.received().into_iter().skip(calls);
        let whole = whole.filter(|request| request.body.contains("-01T00:00:00Z/2024-05-02"));
        assert_eq!(whole.count(), 0);
    }
}

/// The list becomes shorter, so a page is read again and has new items.
#[tokio::test]
async fn duplicates_in_a_page_that_is_read_again_stay_dropped() {
    let list = Arc::new(Mutex::new((1..=12).collect::<Vec<u64>>()));
    let listed = list.clone();
    let server = Server::start(move |request| {
        let list = listed.lock().expect("no panic");
        let number = request.target.split("pageNumber=").nth(1);
        let number = number.and_then(|it| it.split('&').next()?.parse().ok()).unwrap_or(1);
        let ids = list.chunks(4).nth(number - 1).unwrap_or_default().iter();
        let events: Vec<_> = ids.map(|id| json!({ "id": id.to_string() })).collect();
        let (pages, total) = (list.len().div_ceil(4), list.len());
        let page = json!({
            "events": events, "pageNumber": number, "pageCount": pages, "total": total, "pageSize": 4,
        });
        Answer::json(200, &page.to_string())
    })
    .await;
    let api = events(&server);
    let range = || api.listed().windows(hours(0, 4)).page_size(4);
    for read in [1, 2] {
        *list.lock().expect("no panic") = (1..=12).collect();
        let mut first = range();
        for _ in 0..4 {
            first.try_next().await.expect("an event").expect("no end");
        }
        *list.lock().expect("no panic") = vec![20, 3, 21, 4, 5, 6, 7, 8, 9, 10];
        for _ in 0..read {
            first.try_next().await.expect("an event").expect("no end");
        }
        let mut again = range().resume(&reloaded(&first.checkpoint().expect("a checkpoint")));
        let rest = [21, 5, 6, 7, 8, 9, 10];
        assert_eq!(all(&mut again).await, rest[read - 1..]);
        assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn splitting_a_window_with_forgotten_ids_is_drifted() {
    let server = Org { cap: 20, ..Org::hourly(24) }.serve().await;
    for (kept_ids, verdict, repeated) in
        [(15, Verdict::Complete, 0), (9, Verdict::Drifted(Reason::ReadAgain { items: 6 }), 6)]
    {
        let api = events(&server);
        let range = || {
            let range = api.jobs(Query::default()).windows(hours(0, 24));
            range.remember_in_checkpoint(kept_ids)
        };
        let mut first = range();
        for _ in 0..15 {
            first.try_next().await.expect("an event").expect("no end");
        }
        let checkpoint = reloaded(&first.checkpoint().expect("a checkpoint"));
        let mut rest = range().resume(&checkpoint);
        assert_eq!(all(&mut rest).await.len(), 9 + repeated);
        assert_eq!(rest.report().verdict(), verdict, "{kept_ids}");
    }
}
