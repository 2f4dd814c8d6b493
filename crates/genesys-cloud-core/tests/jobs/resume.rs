//! Resuming results: no job is submitted twice, no item is lost or delivered twice.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use genesys_cloud_core::{Checkpoint, Client, ErrorKind, Job, OnStale, Paginator, Verdict};
use serde_json::{Value, json};

use crate::server::{Answer, Gate, Received, Server};
use crate::{EXPORT, PostListed, Query, Thing, Things, all, asked, client, script, things};

/// Serializes and deserializes it.
fn reloaded(checkpoint: &Checkpoint) -> Checkpoint {
    let text = serde_json::to_string(checkpoint).expect("JSON");
    let read: Checkpoint = serde_json::from_str(&text).expect("a checkpoint");
    assert_eq!(read, *checkpoint);
    read
}

/// Reads a list, resuming after every `step` items. Returns the items of each run.
async fn in_steps<T: Debug>(
    list: impl Fn() -> Paginator<T>,
    step: usize,
) -> (Vec<T>, genesys_cloud_core::Report) {
    let (mut found, mut checkpoint) = (Vec::new(), None::<Checkpoint>);
    loop {
        let mut list = match &checkpoint {
            Some(checkpoint) => list().resume(&reloaded(checkpoint)),
            None => list(),
        };
        for _ in 0..step {
            found.extend(list.try_next().await.expect("an item"));
        }
        let next = list.checkpoint();
        if next.is_complete() {
            return (found, list.report().clone());
        }
        checkpoint = Some(next);
    }
}

const ITEMS: usize = 7;

/// Every kind of job, each with the things 1 to 7. Files are on another server.
async fn serve(file: String) -> Server {
    let entities = |from: usize, to: usize| {
        Value::from_iter((from..=to.min(ITEMS)).map(|id| json!({"id": id.to_string()})))
    };
    let page_of = move |request: &Received| {
        let (_, query) = request.target.split_once('?').unwrap_or_default();
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let token = pairs.find(|(name, _)| matches!(*name, "cursor" | "after"));
        token.map_or(1, |(_, at)| at.parse().expect("a number"))
    };
    let mut jobs = Vec::new();
    Server::start(move |request| {
        let path = request.target.split('?').next().unwrap_or_default();
        let next = |at: usize| (at + 3 <= ITEMS).then(|| (at + 3).to_string());
        let body = match (request.method.as_str(), path) {
            ("POST", "/shops/s1/jobs") => json!({"jobId": "j1"}),
            (_, "/shops/s1/jobs/j1") => json!({"state": "FULFILLED"}),
            (_, "/shops/s1/jobs/j1/results") => {
                let at = page_of(request);
                json!({"things": entities(at, at + 2), "cursor": next(at)})
            }
            ("POST", "/inline") => json!({"job": {"id": "j1"}}),
            (_, "/inline/j1") if file.is_empty() => {
                json!({"job": {"status": "Complete"}, "result": {"entities": entities(1, ITEMS)}})
            }
            (_, "/inline/j1") => json!({"job": {"status": "Complete"}, "downloadUrls": [file]}),
            ("POST", "/usage") => json!({"executionId": "j1"}),
            (_, "/usage/j1/results") => {
                let at = page_of(request);
                json!({"queryStatus": "Complete", "results": entities(at, at + 2),
                    "cursors": {"after": next(at)}})
            }
            ("POST", "/pages") => {
                let body: Value = serde_json::from_str(&request.body).expect("JSON");
                let number = body["pageNumber"].as_u64().unwrap_or(1);
                jobs.push(usize::try_from(number).expect("a page"));
                json!({"id": format!("j{}", jobs.len() - 1)})
            }
            (_, path) if path.starts_with("/pages/") && path.ends_with("/results") => {
                let job: usize =
                    path.split('/').nth(2).and_then(|id| id[1..].parse().ok()).expect("a job");
                let number = jobs[job];
                json!({"entities": entities(number * 2 - 1, number * 2), "pageNumber": number,
                    "pageCount": 4, "total": ITEMS})
            }
            (_, path) if path.starts_with("/pages/") => json!({"state": "Succeeded"}),
            (_, "/media/m1") => return Answer::json(200, &entities(1, ITEMS).to_string()),
            ("POST", "/lists/l1/export") => {
                return Answer::json(200, "{}").header("date", "Fri, 01 May 2026 10:00:00 GMT");
            }
            (_, "/lists/l1/export") => {
                json!({"exportTimestamp": "2026-05-01T10:00:01Z", "uri": file})
            }
            other => panic!("{other:?}"),
        };
        Answer::json(200, &body.to_string())
    })
    .await
}

type List = fn(&Client) -> Paginator<Thing>;

#[tokio::test(start_paused = true)]
async fn every_kind_of_results_resumes_at_the_next_item() {
    let items: Vec<Value> = (1..=ITEMS).map(|id| json!({"id": id.to_string()})).collect();
    let file = json!({"data": items}).to_string();
    let files = Server::start(move |_| Answer::new(200, file.clone())).await;
    let url = format!("{}/f?X-Amz-Signature=hunter2", files.url());
    let truth: Vec<String> = (1..=ITEMS).map(|id| id.to_string()).collect();
    let query = || Query { name: Some("n".to_owned()), ..Query::default() };
    let listed: List = |client| {
        let query = Query { name: Some("n".to_owned()), ..Query::default() };
        Things::new(client).listed("s1", query).paginate()
    };
    let inline: List = |client| Things::new(client).inline().paginate();
    let usage: List = |client| Things::new(client).usage().paginate();
    let pages: List = |client| Things::new(client).pages(Query::default()).paginate();
    let media: List = |client| Things::new(client).media("m1").format("json").paginate();
    for (list, file, is_submitted_once) in [
        (listed, String::new(), true),
        (inline, String::new(), true),
        (inline, url, true),
        (usage, String::new(), true),
        (pages, String::new(), false),
        (media, String::new(), false),
    ] {
        let server = serve(file.clone()).await;
        let client = client(&server);
        for step in 1..=ITEMS + 1 {
            let before = server.received().len();
            let (found, report) = in_steps(|| list(&client), step).await;
            let what = format!("{:?} {file} in steps of {step}", list(&client));
            assert_eq!(crate::ids(found), truth, "{what}");
            assert_eq!(
                (report.items, report.verdict()),
                (ITEMS as u64, Verdict::Complete),
                "{what}"
            );
            let submits = server.received().into_iter().skip(before);
            let submits = submits.filter(|request| request.method == "POST").count();
            assert!(!is_submitted_once || submits == 1, "{submits} submits: {what}");
        }
    }
    // A job submitted as a handle, and loaded again.
    let server = serve(String::new()).await;
    let client = client(&server);
    let job = Things::new(&client).listed("s1", query()).submit().await.expect("a job");
    let saved = serde_json::to_string(&job.save()).expect("JSON");
    let load = || {
        let saved = serde_json::from_str(&saved).expect("a job");
        let job: Job<Thing> = PostListed::load(&client, saved).expect("a job");
        job.results()
    };
    let mut first = job.results();
    let mut found = vec![first.try_next().await.expect("a thing").expect("no end")];
    let mut rest = load().resume(&reloaded(&first.checkpoint()));
    while let Some(thing) = rest.try_next().await.expect("a thing") {
        found.push(thing);
    }
    assert_eq!(crate::ids(found), truth);
    // A list can't resume a checkpoint of another job.
    let error = listed(&client).resume(&first.checkpoint()).try_next().await.expect_err("another");
    assert_eq!(error.kind(), ErrorKind::CheckpointMismatch, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_file_of_bytes_resumes_at_the_next_byte() {
    let file: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let served = file.clone();
    let files = Server::start(move |_| Answer::new(200, served.clone())).await;
    let server = serve(format!("{}/f", files.url())).await;
    let client = client(&server);
    for step in [1, 2, 5] {
        let list = || Things::new(&client).export("l1").paginate();
        let (found, report) = in_steps::<Bytes>(list, step).await;
        assert!(found.concat() == file, "in steps of {step}");
        assert_eq!(report.verdict(), Verdict::Complete);
    }
    assert_eq!(EXPORT.name(), "EXPORT".to_lowercase());
}

#[tokio::test(start_paused = true)]
async fn several_files_resume_at_the_next_item() {
    let files = Server::start(move |request| {
        let first: usize = request.target[1..].parse().expect("a number");
        let items = (first..first + 3).map(|id| json!({"id": id.to_string()}));
        Answer::new(200, json!({"data": Value::from_iter(items)}).to_string())
    })
    .await;
    let urls = [1, 4, 7].map(|first| format!("{}/{first}", files.url()));
    let server = Server::start(move |request| match request.method.as_str() {
        "POST" => crate::json(r#"{"job":{"id":"j1"}}"#),
        _ => crate::json(&json!({"job": {"status": "Complete"}, "downloadUrls": urls}).to_string()),
    })
    .await;
    let client = client(&server);
    let list = || Things::new(&client).inline().paginate();
    let truth: Vec<String> = (1..=9).map(|id| id.to_string()).collect();
    let (_, whole) = in_steps(list, 10).await;
    for step in 1..=9 {
        let (found, report) = in_steps(list, step).await;
        assert_eq!(crate::ids(found), truth, "in steps of {step}");
        let counts = |report: &genesys_cloud_core::Report| (report.items, report.pages);
        assert_eq!(counts(&report), counts(&whole), "in steps of {step}");
        assert_eq!(report.verdict(), Verdict::Complete, "in steps of {step}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_has_become_shorter_is_not_complete() {
    let mut items = [9, 3].into_iter();
    let files = Server::start(move |_| {
        let items = (1..=items.next().expect("two files")).map(|id| json!({"id": id.to_string()}));
        Answer::new(200, json!({"data": Value::from_iter(items)}).to_string())
    })
    .await;
    let server = serve(format!("{}/f", files.url())).await;
    let client = client(&server);
    let list = || Things::new(&client).inline().paginate();
    let mut begun = list();
    for _ in 0..5 {
        begun.try_next().await.expect("a thing").expect("no end");
    }
    let mut again = list().resume(&reloaded(&begun.checkpoint()));
    assert_eq!(all(&mut again).await, [""; 0]);
    assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
}

#[tokio::test(start_paused = true)]
async fn an_unrelated_error_does_not_make_the_checkpoint_stale() {
    let server = script([
        Answer::json(202, r#"{"jobId":"j1"}"#),
        Answer::json(200, r#"{"state":"FULFILLED"}"#),
        Answer::json(200, r#"{"things":[{"id":"1"},{"id":"2"}],"cursor":"c"}"#),
        Answer::json(200, r#"{"state":"FULFILLED"}"#),
        Answer::json(403, "{}"),
        Answer::json(200, r#"{"things":[{"id":"3"}]}"#),
    ])
    .await;
    let mut begun = listed(&server);
    for _ in 0..2 {
        begun.try_next().await.expect("a thing").expect("no end");
    }
    let checkpoint = reloaded(&begun.checkpoint());
    let mut again = listed(&server).resume(&checkpoint).on_stale(OnStale::Restart);
    let error = again.try_next().await.expect_err("a 403");
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert_eq!(all(&mut again).await, ["3"]);
    assert_eq!(again.report().verdict(), Verdict::Complete);
}

#[tokio::test(start_paused = true)]
async fn resumes_after_results_were_unreadable_once() {
    let status = |result: &str| {
        Answer::json(200, &format!(r#"{{"job":{{"status":"Complete"}},"result":{result}}}"#))
    };
    let results = r#"{"entities":[{"id":"1"},{"id":"2"},{"id":"3"}]}"#;
    let server = script([
        Answer::json(202, r#"{"job":{"id":"j1"}}"#),
        status(results),
        status(r#"{"entities":[7]}"#),
        status(results),
    ])
    .await;
    let client = client(&server);
    let list = || Things::new(&client).inline().paginate();
    let mut begun = list();
    begun.try_next().await.expect("a thing").expect("no end");
    let mut again = list().resume(&reloaded(&begun.checkpoint()));
    again.try_next().await.expect_err("7 is not a thing");
    assert_eq!(all(&mut again).await, ["2", "3"]);
    assert_eq!(again.report().verdict(), Verdict::Complete);
}

fn listed(server: &Server) -> Paginator<Thing> {
    crate::listed(server).paginate()
}

#[tokio::test(start_paused = true)]
async fn resumes_waiting_for_a_job_without_resubmitting() {
    let gate = Gate::new();
    let server = script([
        Answer::json(202, r#"{"jobId":"j1"}"#),
        Answer::json(200, r#"{"state":"RUNNING"}"#).behind(&gate),
        Answer::json(200, r#"{"state":"FULFILLED"}"#),
        Answer::json(200, r#"{"things":[{"id":"1"}]}"#),
    ])
    .await;
    let mut first = listed(&server);
    assert_eq!(first.checkpoint().job(), None);
    tokio::select! {
        _ = first.try_next() => panic!("a thing came through a closed gate"),
        () = server.has_received(2) => {}
    }
    let checkpoint = reloaded(&first.checkpoint());
    assert_eq!(checkpoint.job().and_then(|job| job.id()), Some("j1"));
    drop(first);
    gate.open();
    let mut again = listed(&server).resume(&checkpoint);
    assert_eq!(all(&mut again).await, ["1"]);
    assert_eq!(
        asked(&server),
        [
            "POST /shops/s1/jobs",
            "GET /shops/s1/jobs/j1",
            "GET /shops/s1/jobs/j1",
            "GET /shops/s1/jobs/j1/results?pageSize=100",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_gone_is_stale_or_resubmitted() {
    let done = r#"{"state":"FULFILLED"}"#;
    let first = r#"{"things":[{"id":"1"},{"id":"2"}],"cursor":"c"}"#;
    let submitted = || Answer::json(202, r#"{"jobId":"j1"}"#);
    let gone = || {
        [
            // The job is unknown, has expired, or its results are unknown.
            vec![Answer::json(404, "{}")],
            vec![Answer::json(200, r#"{"state":"EXPIRED"}"#)],
            // The job failed.
            vec![Answer::json(200, r#"{"state":"FAILED"}"#)],
            vec![Answer::json(200, r#"{"state":"CANCELLED"}"#)],
            vec![Answer::json(200, done), Answer::json(404, "{}")],
            vec![Answer::json(200, done), Answer::json(400, "{}")],
        ]
    };
    for (told, anew) in gone().into_iter().zip(gone()) {
        let mut answers = vec![submitted(), Answer::json(200, done), Answer::json(200, first)];
        answers.extend(told);
        answers.extend(anew);
        answers.extend([
            submitted(),
            Answer::json(200, done),
            Answer::json(200, first),
            Answer::json(200, r#"{"things":[{"id":"3"}]}"#),
        ]);
        let server = script(answers).await;
        let mut begun = listed(&server);
        for _ in 0..2 {
            begun.try_next().await.expect("a thing").expect("no end");
        }
        let checkpoint = reloaded(&begun.checkpoint());
        let error = listed(&server).resume(&checkpoint).try_next().await.expect_err("stale");
        assert_eq!(error.kind(), ErrorKind::StaleCheckpoint, "{error}");
        let mut anew = listed(&server).resume(&checkpoint).on_stale(OnStale::Restart);
        assert_eq!(all(&mut anew).await, ["3"]);
        assert_eq!(anew.report().verdict(), Verdict::Complete);
    }
}

/// Otherwise every later run would fail in the same way.
#[tokio::test(start_paused = true)]
async fn a_checkpoint_does_not_keep_a_failed_job() {
    let failed = || Answer::json(200, r#"{"state":"FAILED","errorMessage":"Out of luck"}"#);
    let server = script([
        Answer::json(202, r#"{"jobId":"j1"}"#),
        failed(),
        failed(),
        failed(),
        Answer::json(202, r#"{"jobId":"j2"}"#),
        Answer::json(200, r#"{"state":"FULFILLED"}"#),
        Answer::json(200, r#"{"things":[{"id":"1"}]}"#),
    ])
    .await;
    let mut begun = listed(&server);
    let error = begun.try_next().await.expect_err("it fails");
    assert!(error.is_job_without_result() && error.kind() != ErrorKind::StaleCheckpoint, "{error}");
    let checkpoint = reloaded(&begun.checkpoint());
    let error = listed(&server).resume(&checkpoint).try_next().await.expect_err("stale");
    assert_eq!(error.kind(), ErrorKind::StaleCheckpoint, "{error}");
    assert!(error.to_string().contains("has no results"), "{error}");
    assert!(format!("{error:#}").contains(": job j1 failed (FAILED)"), "{error:#}");
    let mut anew = listed(&server).resume(&checkpoint).on_stale(OnStale::Restart);
    assert_eq!(all(&mut anew).await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn does_not_request_results_that_are_known_to_be_deleted() {
    let done = r#"{"state":"FULFILLED","expirationDate":"2020-05-02T00:00:00Z"}"#;
    let server = script([
        Answer::json(202, r#"{"jobId":"j1"}"#),
        Answer::json(200, done).header("date", "Fri, 01 May 2020 10:00:00 GMT"),
        Answer::json(200, r#"{"things":[{"id":"1"},{"id":"2"}]}"#),
        Answer::json(202, r#"{"jobId":"j2"}"#),
        Answer::json(200, r#"{"state":"FULFILLED"}"#),
        Answer::json(200, r#"{"things":[{"id":"1"},{"id":"2"}]}"#),
    ])
    .await;
    let mut begun = listed(&server);
    begun.try_next().await.expect("a thing").expect("no end");
    let checkpoint = reloaded(&begun.checkpoint());
    let error = listed(&server).resume(&checkpoint).try_next().await.expect_err("stale");
    assert_eq!(error.kind(), ErrorKind::StaleCheckpoint, "{error}");
    assert!(error.to_string().contains("were deleted at 2020-05-02 00:00:00 UTC"), "{error}");
    assert_eq!(server.received().len(), 3);
    let mut anew = listed(&server).resume(&checkpoint).on_stale(OnStale::Restart);
    assert_eq!(all(&mut anew).await, ["2"]);
    // A complete list no longer needs the job.
    let mut again = things(&server)
        .listed("s1", Query { name: Some("n".to_owned()), ..Query::default() })
        .paginate()
        .resume(&reloaded(&anew.checkpoint()));
    assert_eq!(all(&mut again).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_checkpoint_has_the_job_id_as_soon_as_it_is_submitted() {
    let gate = Gate::new();
    let server = Server::start(move |request| match request.method.as_str() {
        "POST" => crate::json(r#"{"jobId":"j1"}"#),
        _ => crate::json(r#"{"state":"FULFILLED"}"#).behind(&gate),
    })
    .await;
    let mut results = crate::listed(&server).paginate();
    let soon = Duration::from_millis(1);
    tokio::time::timeout(soon, results.try_next()).await.expect_err("no status yet");
    assert_eq!(server.received().len(), 1);
    let checkpoint = results.checkpoint();
    assert_eq!(checkpoint.job().and_then(|job| job.id()), Some("j1"));
}
