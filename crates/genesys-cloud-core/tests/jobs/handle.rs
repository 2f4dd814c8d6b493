//! The job handle: saving, loading, cancelling, dropping.

use std::time::Duration;

use genesys_cloud_core::{
    Client, Error, ErrorKind, Job, JobSpec, JobState, Method, Operation, Request, SavedJob,
};
use serde_json::Value;
use tokio::time::Instant;

use crate::server::{Answer, Server};
use crate::{
    AGES, GetMedia, LISTED, PostInline, PostListed, Query, Things, all, asked, client, json,
    listed, script, things, with_states,
};

#[tokio::test(start_paused = true)]
async fn continues_a_saved_job() {
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
async fn rejects_a_saved_job_of_another_operation_or_family() {
    let server = script(with_states(&[])).await;
    let saved = listed(&server).submit().await.expect("a job").save();
    let error = PostInline::load(&client(&server), saved.clone()).expect_err("another operation");
    assert_eq!(error.kind(), ErrorKind::JobMismatch);
    assert_eq!(
        error.to_string(),
        "POST /inline (postInline) was not sent: the saved job is of postListed (family listed); load it with that operation"
    );
    let submit = Operation::new("postListed", Method::Post, "/shops/{shopId}/jobs");
    let error = Job::<Value>::load(&client(&server), submit, JobSpec::new("others"), saved.clone());
    assert_eq!(error.expect_err("another family").kind(), ErrorKind::JobMismatch);

    let mut json = serde_json::to_value(saved).expect("JSON");
    json["version"] = Value::from(2);
    let error = serde_json::from_value::<SavedJob>(json).expect_err("another version");
    assert_eq!(error.to_string(), "unsupported saved job version 2; expected 1");
    serde_json::from_str::<SavedJob>("{}").expect_err("no version");
}

#[tokio::test(start_paused = true)]
async fn saves_the_query_of_a_repeated_submit() {
    let server = script([Answer::new(202, ""), json(r#"[{"id":"a"}]"#)]).await;
    let job = things(&server).media("t1").format("WAV").submit().await.expect("a job");
    let saved = serde_json::to_string(&job.save()).expect("JSON");
    let saved = serde_json::from_str(&saved).expect("a saved job");
    let job = GetMedia::load(&client(&server), saved).expect("a job");
    assert_eq!(all(&mut job.results()).await, ["a"]);
    assert_eq!(asked(&server), ["GET /media/t1?format=WAV"; 2]);
}

#[tokio::test]
async fn cancels_a_job_if_the_api_can() {
    let server =
        script([json(r#"{"jobId":"j1"}"#), Answer::new(204, ""), json(r#"{"job":{"id":"j2"}}"#)])
            .await;
    let mut job = listed(&server).submit().await.expect("a job");
    job.cancel().await.expect("a cancel");
    assert_eq!(asked(&server)[1], "DELETE /shops/s1/jobs/j1");
    let mut job = things(&server).inline().submit().await.expect("a job");
    let error = job.cancel().await.expect_err("no such operation");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().ends_with("jobs of this kind can't be cancelled"), "{error}");
}

#[tokio::test]
async fn dropping_cancels_only_with_cancel_on_drop() {
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

/// A server whose jobs are done, and which can reject the second status.
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

/// Counts the cancels of everything dropped before.
async fn cancels(server: &Server) -> usize {
    // Requests sent before this call have arrived when it returns.
    drop(listed(server).submit().await.expect("a job"));
    asked(server).iter().filter(|line| line.starts_with("DELETE")).count()
}

#[tokio::test]
async fn a_list_of_results_keeps_the_job_from_being_cancelled() {
    let server = done(false).await;
    let mut results = listed(&server).submit().await.expect("a job").cancel_on_drop().results();
    assert_eq!(all(&mut results).await, ["a"]);
    drop(results);
    assert_eq!(cancels(&server).await, 0);

    let job = listed(&server).submit().await.expect("a job").cancel_on_drop();
    let results = job.results();
    drop(job);
    assert_eq!(cancels(&server).await, 0);
    // The last holder is dropped.
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
    // It is polled for new URLs.
    assert_eq!(job.downloads().await.expect_err("a refusal").kind(), ErrorKind::Forbidden);
    drop(job);
    assert_eq!(cancels(&server).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_spec_built_at_run_time_runs_like_generated_code() {
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
async fn expiry_comes_from_the_status_or_the_lifetime() {
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
async fn a_job_is_send_and_its_debug_output_has_no_secrets() {
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
            Request::new(Operation::from_static(
                "postListed",
                Method::Post,
                "/shops/{shopId}/jobs",
            )),
            LISTED,
        );
        gone.await.expect_err("a parameter that is not set")
    };
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn rejects_a_saved_job_of_another_host() {
    let server = script(with_states(&["FULFILLED"])).await;
    let saved = listed(&server).submit().await.expect("a job").save();
    let json = serde_json::to_value(&saved).expect("JSON");
    assert_eq!((&json["host"], &json["version"]), (&"127.0.0.1".into(), &1.into()));
    let elsewhere = Client::builder().api_url(server.url().replace("127.0.0.1", "localhost"));
    let elsewhere = elsewhere.access_token("a-token").build().expect("a client");
    let error = PostListed::load(&elsewhere, saved).expect_err("another host");
    assert_eq!(error.kind(), ErrorKind::JobMismatch);
    let url = server.url();
    assert_eq!(
        error.to_string(),
        format!(
            "POST /shops/{{shopId}}/jobs (postListed) was not sent: the saved job belongs to another organization: \
             it was made at {url}, but the client calls {}; load it with a client of the organization that it was \
             submitted in",
            url.replace("127.0.0.1", "localhost")
        )
    );
    // One saved by an earlier version has only the host, or nothing.
    for host in [None, Some("127.0.0.1")] {
        let mut json = json.clone();
        json["org"] = Value::Null;
        json["host"] = host.map(Value::from).unwrap_or_default();
        let saved: SavedJob = serde_json::from_value(json).expect("a saved job");
        assert_eq!((saved.host(), saved.identity()), (host, None));
        PostListed::load(&client(&server), saved.clone()).expect("a job");
        assert_eq!(PostListed::load(&elsewhere, saved).is_ok(), host.is_none());
    }
}

#[tokio::test]
async fn rejects_a_saved_job_of_another_org_before_any_call() {
    let server = Server::start(|request| match request.target.as_str() {
        "/oauth/token" => Answer::token("a-token", 86_400),
        "/api/v2/tokens/me" => {
            json(r#"{"organization":{"id":"org-1"},"OAuthClient":{"id":"client-1"}}"#)
        }
        "/g/api/v2/tokens/me" | "/g/api/v2/organizations/me" => Answer::json(404, "{}"),
        _ => json(r#"{"jobId":"j1"}"#),
    })
    .await;
    let to = |prefix: &str| {
        Client::builder().api_url(format!("{}{prefix}", server.url())).login_url(server.url())
    };
    let logging_in = |id: &str| to("").credentials(id, "a-secret").build().expect("a client");
    let with_token = |prefix: &str| to(prefix).access_token("a-token").build().expect("a client");
    let submit = async |client: &Client| {
        let call = Things::new(client).listed("s1", Query::default());
        let saved = serde_json::to_string(&call.submit().await.expect("a job").save());
        serde_json::from_str::<SavedJob>(&saved.expect("JSON")).expect("a saved job")
    };
    let refusal = |client: &Client, saved: &SavedJob| {
        let error = PostListed::load(client, saved.clone()).expect_err("another org");
        assert_eq!(error.kind(), ErrorKind::JobMismatch, "{error}");
        error.to_string()
    };
    let mut saved = submit(&logging_in("client-1")).await;
    PostListed::load(&logging_in("client-1"), saved.clone()).expect("the same client");
    let why = refusal(&logging_in("client-2"), &saved);
    assert!(
        why.contains("OAuth client client-1, but the client has OAuth client client-2"),
        "{why}"
    );
    let why = refusal(&with_token("/g"), &saved);
    assert!(why.contains("/g; load it with"), "{why}");
    let why = refusal(&with_token(""), &saved);
    assert!(why.contains("the OAuth client of the client's access token is unknown"), "{why}");

    // With the OAuth client of the token known.
    let known = with_token("");
    let before = server.received().len();
    let identity = known.clone().identify().await.expect("an identity");
    assert_eq!(identity, known.identity());
    assert_eq!(
        (identity.client_id(), identity.organization_id()),
        (Some("client-1"), Some("org-1"))
    );
    known.identify().await.expect("an identity");
    assert_eq!(server.received().len(), before + 1);
    PostListed::load(&known, saved).expect("the same client");
    saved = submit(&known).await;
    assert_eq!(saved.identity(), Some(&identity));
    PostListed::load(&logging_in("client-1"), saved).expect("the same client");

    // If the API does not say, the identity stays unknown and is not requested again.
    let unknown = with_token("/g");
    let before = server.received().len();
    for _ in 0..2 {
        let identity = unknown.identify().await.expect("no error");
        assert_eq!((identity.client_id(), identity.organization_id()), (None, None));
    }
    assert_eq!(server.received().len(), before + 2);
}

#[tokio::test]
async fn identify_fails_if_the_organization_can_not_be_requested() {
    let server = Server::start(|request| match request.is_login() {
        true => Answer::json(401, r#"{"error":"invalid_client"}"#),
        false => Answer::json(500, "{}"),
    })
    .await;
    let url = server.url();
    let client = Client::builder().api_url(url).login_url(url).credentials("c", "s").build();
    assert_eq!(
        client.expect("a client").identify().await.expect_err("no login").kind(),
        ErrorKind::Authentication
    );
    assert_eq!(
        crate::client(&server).identify().await.expect_err("a fault").kind(),
        ErrorKind::Server
    );
}

#[tokio::test]
async fn keeps_the_last_known_expiry() {
    let expires = "2020-05-02T10:00:00Z";
    let told = format!(r#"{{"state":"PENDING","expirationDate":"{expires}"}}"#);
    let server = script([json(r#"{"jobId":"j1"}"#), json(&told), Answer::json(404, "{}")]).await;
    let mut job = listed(&server).submit().await.expect("a job");
    job.poll().await.expect("a status");
    let again = PostListed::load(&client(&server), job.save()).expect("a job");
    assert_eq!(again.expires(), job.expires());
    let mut job = PostListed::load(&client(&server), again.save()).expect("a job");
    assert_eq!(
        job.expires().map(|at| at.to_rfc3339()).as_deref(),
        Some("2020-05-02T10:00:00+00:00")
    );
    // The expiry explains why the API does not know it.
    let error = job.wait().await.expect_err("a job that is gone");
    assert_eq!(error.kind(), ErrorKind::JobExpired);
    assert_eq!(
        error.to_string(),
        "GET /shops/{shopId}/jobs/{jobId} (getThingsJob): job j1 and its results were deleted at \
         2020-05-02 10:00:00 UTC; submit it again"
    );
}

#[tokio::test]
async fn an_unknown_job_before_its_expiry_is_not_expired() {
    let told = r#"{"state":"PENDING","expirationDate":"2999-05-02T10:00:00Z"}"#;
    let server = script([json(r#"{"jobId":"j1"}"#), json(told), Answer::json(404, "{}")]).await;
    let mut job = listed(&server).submit().await.expect("a job");
    job.poll().await.expect("a status");
    let mut job = PostListed::load(&client(&server), job.save()).expect("a job");
    let error = job.wait().await.expect_err("a job that is gone");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn a_rejected_cancel_of_an_ended_job_is_not_an_error() {
    for (refusal, status, is_done) in [
        (409, r#"{"state":"FULFILLED"}"#, true),
        (400, r#"{"state":"FAILED"}"#, true),
        (404, r#"{"state":"EXPIRED"}"#, true),
        (409, r#"{"state":"PENDING"}"#, false),
        (404, "<html>", false),
    ] {
        let server =
            script([json(r#"{"jobId":"j1"}"#), Answer::json(refusal, "{}"), json(status)]).await;
        let mut job = listed(&server).submit().await.expect("a job").cancel_on_drop();
        let end = job.cancel().await;
        assert_eq!(end.as_ref().err().and_then(Error::status), (!is_done).then_some(refusal));
        assert_eq!(
            asked(&server)[1..],
            ["DELETE /shops/s1/jobs/j1", "GET /shops/s1/jobs/j1"],
            "{status}"
        );
        // The script has no more responses.
        if is_done {
            drop(job);
        } else {
            std::mem::forget(job);
        }
    }
    // A job that is known to have ended is not cancelled: that could delete its results.
    let server = script(with_states(&["FULFILLED"])).await;
    let mut job = listed(&server).submit().await.expect("a job");
    job.poll().await.expect("a status");
    job.cancel().await.expect("nothing to cancel");
    // Other rejections are errors at once.
    let server = script([json(r#"{"jobId":"j1"}"#), Answer::json(403, "{}")]).await;
    let mut job = listed(&server).submit().await.expect("a job");
    assert_eq!(job.cancel().await.expect_err("a refusal").kind(), ErrorKind::Forbidden);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_whose_response_was_lost_succeeds() {
    let server =
        script([json(r#"{"jobId":"j1"}"#), Answer::json(503, "{}"), Answer::json(404, "{}")]).await;
    let client = Client::builder().api_url(server.url()).access_token("a-token");
    let client = client.timeout(AGES).connect_timeout(AGES).read_timeout(AGES).build();
    let call = crate::Things::new(&client.expect("a client")).listed("s1", Query::default());
    let mut job = call.submit().await.expect("a job");
    job.cancel().await.expect("it was cancelled");
}

#[tokio::test]
async fn a_job_without_an_id_can_not_be_polled() {
    let server = script([Answer::new(202, "")]).await;
    let mut job = things(&server).deleted("t").submit().await.expect("it was accepted");
    for error in [
        job.wait().await.expect_err("no id"),
        job.poll().await.expect_err("no id"),
        job.results().try_next().await.expect_err("no id"),
    ] {
        assert_eq!(error.kind(), ErrorKind::JobNotPollable, "{error:?}");
        assert_eq!(
            error.to_string(),
            "GET /status/{statusId} (getStatus): the response to the submit had no job id, so it can't be \
polled; its results, if any, are not saved: check whether the \
             work was done before you submit it again"
        );
    }
}

/// A local clock that is hours off must not cause pauses of an hour.
#[tokio::test(start_paused = true)]
async fn a_loaded_job_is_polled_by_the_clock_of_the_server() {
    let mut answers = vec![
        json(r#"{"jobId":"j1"}"#).header("date", "Fri, 01 May 2020 10:00:00 GMT"),
        json(r#"{"state":"PENDING"}"#).header("date", "Fri, 01 May 2020 10:00:01 GMT"),
    ];
    answers.push(json(r#"{"state":"FULFILLED"}"#));
    let server = script(answers).await;
    let saved = listed(&server).submit().await.expect("a job").save();
    let mut job = PostListed::load(&client(&server), saved).expect("a job");
    let begun = Instant::now();
    job.wait().await.expect("a status");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// Even by PUT or DELETE, which are retried otherwise: the submit may have been carried out.
#[tokio::test(start_paused = true)]
async fn never_retries_a_submit() {
    let server = script([Answer::new(503, ""), Answer::new(503, "")]).await;
    let repeats = Client::builder().api_url(server.url()).access_token("a-token").max_retries(1);
    let things = crate::Things::new(&repeats.build().expect("a client"));
    let error = things.deleted("t1").submit().await.expect_err("an error");
    assert_eq!((error.status(), error.attempts()), (Some(503), 1));
    assert_eq!(asked(&server), ["DELETE /things/t1"]);
}
