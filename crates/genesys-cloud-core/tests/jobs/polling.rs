//! Polling a job, and how waiting for it ends.

use std::time::Duration;

use futures::StreamExt as _;
use genesys_cloud_core::{
    Completion, Error, ErrorKind, Job, JobId, JobOperation, JobSpec, JobState, Method, Operation,
    Request, Results, Schedule,
};
use tokio::time::Instant;

use crate::server::{Answer, Server};
use crate::{asked, client, json, listed, script, with_states};

/// Waits for a job with these statuses.
async fn waited(answers: Vec<Answer>) -> (Server, Result<JobState, Error>) {
    let server = script(answers).await;
    let mut job = listed(&server).submit().await.expect("a job");
    let end = job.wait().await.map(|status| status.state());
    (server, end)
}

#[tokio::test(start_paused = true)]
async fn polls_until_the_job_is_done() {
    let (server, end) =
        waited(with_states(&["QUEUED", "PENDING", "A_NEW_STATE", "fulfilled"])).await;
    assert_eq!(end.expect("a status"), JobState::Succeeded);
    assert_eq!(
        asked(&server),
        [
            "POST /shops/s1/jobs",
            "GET /shops/s1/jobs/j1",
            "GET /shops/s1/jobs/j1",
            "GET /shops/s1/jobs/j1",
            "GET /shops/s1/jobs/j1",
        ]
    );
    assert_eq!(server.received()[0].body, r#"{"name":"n"}"#);
}

#[tokio::test(start_paused = true)]
async fn polls_a_long_job_rarely_but_notices_its_end_soon() {
    for run in [1, 60, 3_000] {
        let run = Duration::from_secs(run);
        let begun = Instant::now();
        let server = Server::start(move |request| {
            let state = if begun.elapsed() >= run { "FULFILLED" } else { "PENDING" };
            match request.method.as_str() {
                "POST" => json(r#"{"jobId":"j1"}"#),
                _ => json(&format!(r#"{{"state":"{state}"}}"#)),
            }
        })
        .await;
        let mut job = listed(&server).submit().await.expect("a job");
        job.wait().await.expect("a status");
        let late = begun.elapsed() - run;
        assert!(late <= run / 10 + Duration::from_secs(1), "{run:?}: {late:?}");
        assert!(server.received().len() < 95, "{run:?}: {} calls", server.received().len());
    }
}

#[tokio::test(start_paused = true)]
async fn errors_have_the_message_of_the_api() {
    for (status, text, kind) in [
        (
            r#"{"state":"FAILED","errorMessage":"The interval is too long."}"#,
            "GET /shops/{shopId}/jobs/{jobId} (getThingsJob): job j1 failed (FAILED): The \
             interval is too long; submit it again, or narrow the query",
            ErrorKind::JobFailed,
        ),
        (
            r#"{"state":"CANCELLED"}"#,
            "GET /shops/{shopId}/jobs/{jobId} (getThingsJob): job j1 was cancelled (CANCELLED); \
             submit it again",
            ErrorKind::JobCancelled,
        ),
        (
            r#"{"state":"EXPIRED"}"#,
            "GET /shops/{shopId}/jobs/{jobId} (getThingsJob): job j1 has expired (EXPIRED); \
             submit it again",
            ErrorKind::JobExpired,
        ),
    ] {
        let mut answers = with_states(&["PENDING"]);
        answers.push(json(status));
        let (_server, end) = waited(answers).await;
        let error = end.expect_err(status);
        assert_eq!(error.to_string(), text);
        assert_eq!(error.kind(), kind);
        assert!(error.is_job_without_result() && !error.is_transport());
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_awaits_input_can_be_waited_for_again() {
    let server = script(with_states(&["READY", "PROCESSING", "FULFILLED"])).await;
    let mut job = listed(&server).submit().await.expect("a job");
    let error = job.wait().await.expect_err("a job that is held");
    assert!(error.kind() == ErrorKind::JobAwaitingInput && !error.is_job_without_result());
    assert!(
        error.to_string().ends_with("is waiting for input (READY); set its state to PROCESSING")
    );
    assert_eq!(job.wait().await.expect("a status").state(), JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_job_can_be_waited_for_again_after_the_deadline() {
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => json(r#"{"jobId":"j1"}"#),
        _ => json(r#"{"state":"A_NEW_STATE"}"#),
    })
    .await;
    let job = listed(&server).submit().await.expect("a job");
    let mut job = job.deadline(Duration::from_secs(30));
    for _ in 0..2 {
        let begun = Instant::now();
        let error = job.wait().await.expect_err("no end");
        assert!(begun.elapsed() < Duration::from_secs(31));
        assert!(error.kind() == ErrorKind::JobUnfinished && !error.is_job_without_result());
        assert_eq!(
            error.to_string(),
            "GET /shops/{shopId}/jobs/{jobId} (getThingsJob): job j1 did not finish within 30s \
             (it is A_NEW_STATE); still running; wait again, or save the job"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn retries_transient_errors() {
    let mut answers = with_states(&["QUEUED"]);
    answers.extend([
        Answer::json(503, "{}"),
        Answer::json(429, "{}").header("retry-after", "40"),
        Answer::new(502, "<html>"),
        Answer::new(408, ""),
        Answer::new(200, "<html>").header("content-type", "text/html"),
        json(r#"{"state":"#),
        json("{").closing_at(9),
        json(r#"{"state":"FULFILLED"}"#),
    ]);
    let begun = Instant::now();
    let (_server, end) = waited(answers).await;
    assert_eq!(end.expect("a status"), JobState::Succeeded);
    assert!(begun.elapsed() >= Duration::from_secs(40));
}

#[tokio::test(start_paused = true)]
async fn permanent_errors_end_the_wait() {
    let mut answers = with_states(&["QUEUED"]);
    answers.extend([Answer::json(403, "{}"), json(r#"{"state":"FULFILLED"}"#)]);
    let server = script(answers).await;
    let mut job = listed(&server).submit().await.expect("a job");
    let error = job.wait().await.expect_err("a call that failed");
    assert!(
        error.kind() == ErrorKind::Forbidden
            && !error.is_job_without_result()
            && error.kind() != ErrorKind::JobUnfinished
    );
    assert_eq!(job.wait().await.expect("a status").state(), JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_outage_until_the_deadline_is_the_cause_of_the_error() {
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => json(r#"{"jobId":"j1"}"#),
        _ => Answer::json(503, "{}"),
    })
    .await;
    let mut job = listed(&server).submit().await.expect("a job");
    let error = job.wait().await.expect_err("no end");
    assert_eq!(error.kind(), ErrorKind::JobUnfinished);
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.contains("answered 503"), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn respects_retry_after() {
    let server = script([
        Answer::json(202, r#"{"jobId":"j1"}"#).header("retry-after", "20"),
        json(r#"{"state":"PENDING"}"#).header("retry-after", "30"),
        json(r#"{"state":"PENDING"}"#).header("retry-after", "9999"),
    ])
    .await;
    let begun = Instant::now();
    let mut job = listed(&server).submit().await.expect("a job");
    let error = job.wait().await.expect_err("no end");
    // One beyond the deadline is an error at once.
    assert_eq!(error.kind(), ErrorKind::JobUnfinished);
    let (elapsed, least) = (begun.elapsed(), Duration::from_secs(50));
    assert!(elapsed >= least && elapsed < least + Duration::from_secs(5), "{elapsed:?}");
    assert_eq!(server.received().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn respects_a_huge_retry_after() {
    let mut polls = 0;
    let server = Server::start(move |request| {
        polls += usize::from(request.method == "GET");
        match polls {
            0 => json(r#"{"jobId":"j1"}"#),
            1..20 => json(r#"{"state":"PENDING"}"#).header("retry-after", u64::MAX.to_string()),
            _ => json(r#"{"state":"FULFILLED"}"#),
        }
    })
    .await;
    let mut job = listed(&server).submit().await.expect("a job");
    let error = job.wait().await.expect_err("no end");
    assert_eq!(error.kind(), ErrorKind::JobUnfinished, "{error:?}");
    assert_eq!(server.received().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn yields_each_status_before_the_pause() {
    let server = script(with_states(&["QUEUED", "PENDING", "FAILED"])).await;
    let job = listed(&server).submit().await.expect("a job");
    let mut job = job.schedule(Schedule::new().initial_delay(Duration::from_secs(10)));
    let mut found = Vec::new();
    let mut statuses = job.statuses();
    while let Some(status) = statuses.try_next().await.expect("a status") {
        found.push((status.name().map(str::to_owned), server.received().len()));
    }
    let expected = [("QUEUED", 2), ("PENDING", 3), ("FAILED", 4)];
    assert_eq!(found, expected.map(|(name, calls)| (Some(name.to_owned()), calls)));
    drop(statuses);
    // A final status is not polled again.
    let again = job.statuses().try_next().await.expect("a status").expect("a status");
    assert_eq!(again.state(), JobState::Failed);
    assert_eq!(server.received().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn statuses_end_at_the_deadline() {
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => json(r#"{"jobId":"j1"}"#),
        _ => json(r#"{"state":"PENDING"}"#),
    })
    .await;
    let job = listed(&server).submit().await.expect("a job");
    let mut job = job.deadline(Duration::from_secs(30));
    let mut statuses = job.statuses();
    let error = loop {
        match statuses.next().await.expect("a status or an error") {
            Ok(status) => assert_eq!(status.state(), JobState::Pending),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::JobUnfinished);
    assert!(statuses.next().await.is_none());
    assert!(server.received().len() < 50, "{} calls", server.received().len());
}

#[tokio::test]
async fn poll_returns_one_status_at_once() {
    let server = script(with_states(&["QUEUED", "FAILED"])).await;
    let mut job = listed(&server).submit().await.expect("a job");
    assert_eq!(job.poll().await.expect("a status").state(), JobState::Pending);
    assert_eq!(job.poll().await.expect("a status").state(), JobState::Failed);
    assert_eq!(job.status().and_then(|status| status.name()), Some("FAILED"));
}

#[tokio::test]
async fn a_submit_without_the_id_of_the_job_is_an_error() {
    let server = script([json(r#"{"id":"j1"}"#)]).await;
    let error = listed(&server).submit().await.expect_err("no id");
    assert_eq!(error.kind(), ErrorKind::Decode);
    let text = error.to_string();
    assert!(text.contains("it has no `jobId`, the id of the job"), "{text}");
    assert!(text.contains("check whether the work was done before you submit it again"), "{text}");
    assert!(error.is_outcome_unknown(), "{text}");
}

/// Some jobs have their status only in a list of all jobs.
#[tokio::test(start_paused = true)]
async fn searches_all_pages_of_a_list_of_jobs() {
    let page = |entities: &str| json(&format!(r#"{{"entities":[{entities}],"pageCount":2}}"#));
    let other = r#"{"id":"j0","state":"DONE"}"#;
    let server = script([
        json(r#"{"id":"j1"}"#),
        // Not listed yet.
        page(other),
        page(other),
        page(other),
        page(r#"{"id":"j1","state":"DONE"}"#),
    ])
    .await;
    let status = Operation::new("getJobs", Method::Get, "/jobs");
    let family = JobSpec::new("listed-jobs")
        .with_id(JobId::Field("id".into()))
        .with_status(JobOperation::new(status).with_list("entities".into()))
        .with_done_when(Completion::State("state".into()))
        .with_states(vec![("DONE".into(), JobState::Succeeded)].into())
        .with_results(Results::Nothing);
    let submit = Request::new(Operation::new("postJobs", Method::Post, "/jobs"));
    let mut job = Job::<String>::submit(&client(&server), submit, family).await.expect("a job");
    job.wait().await.expect("a status");
    assert_eq!(
        asked(&server),
        [
            "POST /jobs",
            "GET /jobs",
            "GET /jobs?pageNumber=2",
            "GET /jobs",
            "GET /jobs?pageNumber=2"
        ]
    );
}
