//! The handle: saved and loaded, cancelled, dropped.

use genesys_cloud_core::{Error, Family, Job, JobState, Method, Operation, Request, SavedJob};
use serde_json::Value;

use crate::server::{Answer, Server};
use crate::{
    GetMedia, LISTED, PostInline, PostListed, all, asked, client, json, listed, script, things,
    with_states,
};

#[tokio::test(start_paused = true)]
async fn a_job_is_gone_on_with_from_what_was_saved() {
    let mut answers = with_states(&["QUEUED", "FULFILLED"]);
    answers.push(json(r#"{"things":[{"id":"a"}]}"#));
    let server = script(answers).await;
    let mut job = listed(&server).submit().await.expect("a job");
    job.poll().await.expect("a status");
    let saved = serde_json::to_value(job.save()).expect("JSON");
    drop(job);
    assert_eq!((&saved["version"], &saved["id"]), (&Value::from(1), &Value::from("j1")));
    let text = saved.to_string();
    assert!(!text.contains("a-token") && !text.contains("name"), "{text}");

    let saved: SavedJob = serde_json::from_value(saved).expect("a saved job");
    assert_eq!((saved.operation(), saved.family()), ("postListed", "listed"));
    let job = PostListed::load(&client(&server), saved).expect("a job");
    assert_eq!(job.id(), Some("j1"));
    assert_eq!(all(&mut job.results()).await, ["a"]);
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

#[tokio::test]
async fn a_job_of_another_kind_is_not_loaded() {
    let server = script(with_states(&[])).await;
    let saved = listed(&server).submit().await.expect("a job").save();
    let error = PostInline::load(&client(&server), saved.clone()).expect_err("another operation");
    assert!(error.is_job_mismatch());
    assert_eq!(
        error.to_string(),
        "POST /inline (postInline) failed: the saved job is of postListed (family listed)"
    );
    let submit = Operation::new("postListed", Method::Post, "/shops/{shopId}/jobs");
    let error = Job::<Value>::load(&client(&server), submit, Family::new("others"), saved.clone());
    assert!(error.expect_err("another family").is_job_mismatch());

    let mut json = serde_json::to_value(saved).expect("JSON");
    json["version"] = Value::from(2);
    let error = serde_json::from_value::<SavedJob>(json).expect_err("another version");
    assert_eq!(error.to_string(), "a saved job of version 2; only version 1 is known");
    serde_json::from_str::<SavedJob>("{}").expect_err("no version");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_again_is_saved_with_its_query() {
    let server = script([Answer::new(202, ""), json(r#"[{"id":"a"}]"#)]).await;
    let job = things(&server).media("t1").format("WAV").submit().await.expect("a job");
    let saved = serde_json::to_string(&job.save()).expect("JSON");
    let saved = serde_json::from_str(&saved).expect("a saved job");
    let job = GetMedia::load(&client(&server), saved).expect("a job");
    assert_eq!(all(&mut job.results()).await, ["a"]);
    assert_eq!(asked(&server), ["GET /media/t1?format=WAV"; 2]);
}

#[tokio::test]
async fn a_job_is_cancelled_where_that_is_offered() {
    let server =
        script([json(r#"{"jobId":"j1"}"#), Answer::new(204, ""), json(r#"{"job":{"id":"j2"}}"#)])
            .await;
    let mut job = listed(&server).submit().await.expect("a job");
    job.cancel().await.expect("a cancel");
    assert_eq!(asked(&server)[1], "DELETE /shops/s1/jobs/j1");
    let mut job = things(&server).inline().submit().await.expect("a job");
    let error = job.cancel().await.expect_err("no such operation");
    assert!(error.is_invalid_request());
    assert!(error.to_string().ends_with("jobs of this kind can't be cancelled"), "{error}");
}

#[tokio::test]
async fn dropping_cancels_only_where_that_was_chosen() {
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => json(r#"{"jobId":"j1"}"#),
        "DELETE" => Answer::new(204, ""),
        _ => json(r#"{"state":"FULFILLED"}"#),
    })
    .await;
    drop(listed(&server).submit().await.expect("a job"));
    let mut done = listed(&server).submit().await.expect("a job").cancel_on_drop();
    done.wait().await.expect("a status");
    drop(done);
    let mut cancelled = listed(&server).submit().await.expect("a job").cancel_on_drop();
    cancelled.cancel().await.expect("a cancel");
    drop(cancelled);
    drop(listed(&server).submit().await.expect("a job").cancel_on_drop());
    server.has_received(7).await;
    let cancels = asked(&server).iter().filter(|line| line.starts_with("DELETE")).count();
    assert_eq!(cancels, 2);
}

/// A server whose jobs are done, and whose second status is refused where that is wanted.
async fn done(refuses: bool) -> Server {
    let mut statuses = 0;
    Server::start(move |request| {
        statuses += usize::from(request.target.ends_with("/j1"));
        match (request.method.as_str(), request.target.contains("/results")) {
            ("POST", _) => json(r#"{"jobId":"j1"}"#),
            ("DELETE", _) => Answer::new(204, ""),
            (_, true) => json(r#"{"things":[{"id":"a"}]}"#),
            _ if refuses && statuses > 1 => Answer::json(403, "{}"),
            _ => json(r#"{"state":"FULFILLED"}"#),
        }
    })
    .await
}

/// How often a job was cancelled, by all that was dropped before.
async fn cancels(server: &Server) -> usize {
    // What was begun before this call has come when it has.
    drop(listed(server).submit().await.expect("a job"));
    asked(server).iter().filter(|line| line.starts_with("DELETE")).count()
}

#[tokio::test]
async fn a_job_is_not_cancelled_while_its_results_are_read() {
    let server = done(false).await;
    let mut results = listed(&server).submit().await.expect("a job").cancel_on_drop().results();
    assert_eq!(all(&mut results).await, ["a"]);
    drop(results);
    assert_eq!(cancels(&server).await, 0);

    let job = listed(&server).submit().await.expect("a job").cancel_on_drop();
    let results = job.results();
    drop(job);
    assert_eq!(cancels(&server).await, 0);
    // Nobody waits for it any more.
    drop(results);
    server.has_received(asked(&server).len() + 1).await;
    assert_eq!(cancels(&server).await, 1);
}

#[tokio::test]
async fn a_job_that_has_ended_is_not_cancelled() {
    let server = done(false).await;
    let job = listed(&server).submit().await.expect("a job").cancel_on_drop();
    assert_eq!(all(&mut job.results()).await, ["a"]);
    drop(job);
    assert_eq!(cancels(&server).await, 0);

    let server = done(true).await;
    let mut job = listed(&server).submit().await.expect("a job").cancel_on_drop();
    job.wait().await.expect("a status");
    // It is asked for URLs that are new.
    assert!(job.downloads().await.expect_err("a refusal").is_forbidden());
    drop(job);
    assert_eq!(cancels(&server).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_family_of_a_catalogue_runs_like_one_of_the_bindings() {
    let mut answers = with_states(&["FULFILLED", "FULFILLED"]);
    answers.push(json(r#"{"things":[{"id":"a","more":1}]}"#));
    let server = script(answers).await;
    let client = client(&server);
    let submit = Operation::new("postListed".to_owned(), Method::Post, "/shops/{shopId}/jobs");
    let mut request = Request::new(submit.clone());
    request.set_path("shopId".to_owned(), "s1");
    let mut job = Job::<Value>::submit(&client, request, LISTED).await.expect("a job");
    assert_eq!(job.wait().await.expect("a status").state(), JobState::Succeeded);
    let job = Job::<Value>::load(&client, submit, LISTED, job.save()).expect("a job");
    let result = job.results().try_next().await.expect("a result").expect("a result");
    assert_eq!(result["more"], 1);
}

#[tokio::test]
async fn what_is_known_of_the_expiry() {
    let server =
        script([json(r#"{"job":{"id":"j1"}}"#).header("date", "Fri, 01 May 2026 10:00:00 GMT")])
            .await;
    let job = things(&server).inline().submit().await.expect("a job");
    assert_eq!(
        job.expires().map(|at| at.to_rfc3339()).as_deref(),
        Some("2026-05-02T10:00:00+00:00")
    );
}

#[tokio::test]
async fn a_job_can_cross_threads_and_shows_no_secret() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    let server = script(with_states(&[])).await;
    let job = sent(sent(listed(&server).submit()).await.expect("a job"));
    let shown = format!("{job:?}");
    assert!(shown.contains("j1") && !shown.contains("a-token"), "{shown}");
    let mut job = job;
    drop(sent(job.wait()));
    drop(sent(job.results()));
    let error: Error = {
        let server = script([]).await;
        let gone = Job::<Value>::submit(
            &client(&server),
            Request::new(Operation::known("postListed", Method::Post, "/shops/{shopId}/jobs")),
            LISTED,
        );
        gone.await.expect_err("a parameter that is not set")
    };
    assert!(error.is_invalid_request());
}
