//! Deadlines end pauses, calls that hang, and calls that wait for the rate limiter.

use std::time::Duration;

use futures::StreamExt as _;
use genesys_cloud_core::{Client, ErrorKind, JobState, Schedule};
use tokio::time::Instant;

use crate::server::{Answer, Gate, Server};
use crate::{AGES, Things, all, asked, json, listed, script, things, with_states};

const DEADLINE: Duration = Duration::from_secs(30);

/// A job that is done at its second status, which is held back until the gate opens.
async fn hanging(gate: &Gate) -> Server {
    let mut answers = with_states(&["PENDING"]);
    answers.push(json(r#"{"state":"LOST"}"#).behind(gate));
    answers.push(json(r#"{"state":"FULFILLED"}"#));
    answers.push(json(r#"{"things":[{"id":"a"}]}"#));
    script(answers).await
}

#[tokio::test(start_paused = true)]
async fn wait_abandons_a_hanging_poll_at_the_deadline() {
    let gate = Gate::new();
    let server = hanging(&gate).await;
    let mut job = listed(&server).submit().await.expect("a job").deadline(DEADLINE);
    let begun = Instant::now();
    let error = job.wait().await.expect_err("no answer");
    assert_eq!(begun.elapsed(), DEADLINE);
    assert!(error.kind() == ErrorKind::JobUnfinished && !error.is_timeout());
    assert_eq!(
        error.to_string(),
        "GET /shops/{shopId}/jobs/{jobId} (getThingsJob): job j1 did not finish within 30s (it is \
PENDING), and the last poll was not answered; still running; wait again, or save \
the job"
    );
    assert_eq!(job.wait().await.expect("a status").state(), JobState::Succeeded);
    assert_eq!(server.received().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn statuses_and_results_abandon_a_hanging_poll_at_the_deadline() {
    let gate = Gate::new();
    let server = hanging(&gate).await;
    let mut job = listed(&server).submit().await.expect("a job").deadline(DEADLINE);
    let begun = Instant::now();
    let mut statuses = job.statuses();
    assert_eq!(statuses.try_next().await.expect("a status").expect("one").name(), Some("PENDING"));
    assert_eq!(statuses.try_next().await.expect_err("no answer").kind(), ErrorKind::JobUnfinished);
    assert_eq!(begun.elapsed(), DEADLINE);
    assert!(statuses.next().await.is_none());
    drop(statuses);
    assert_eq!(job.wait().await.expect("a status").state(), JobState::Succeeded);

    let server = hanging(&gate).await;
    let job = listed(&server).submit().await.expect("a job").deadline(DEADLINE);
    let begun = Instant::now();
    let mut results = job.results();
    assert_eq!(results.try_next().await.expect_err("no answer").kind(), ErrorKind::JobUnfinished);
    assert_eq!(begun.elapsed(), DEADLINE);
    assert_eq!(all(&mut results).await, ["a"]);
    assert_eq!(asked(&server).iter().filter(|line| line.starts_with("POST")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn wait_abandons_a_poll_that_waits_for_the_rate_limit() {
    let limited = || Answer::json(429, "{}").header("retry-after", "100");
    let server =
        script([json(r#"{"jobId":"j1"}"#), limited(), json(r#"{"state":"FULFILLED"}"#)]).await;
    let client = Client::builder().api_url(server.url()).access_token("a-token");
    let client = client.max_rate_limit_wait(Duration::from_secs(180));
    let client = client.timeout(AGES).connect_timeout(AGES).read_timeout(AGES).build();
    let call = Things::new(&client.expect("a client")).listed("s1", crate::Query::default());
    let mut job = call.submit().await.expect("a job").deadline(DEADLINE);
    let begun = Instant::now();
    for waits in 1..=2 {
        assert_eq!(job.wait().await.expect_err("no turn").kind(), ErrorKind::JobUnfinished);
        assert_eq!(begun.elapsed(), DEADLINE * waits);
    }
    let mut job = job.deadline(Duration::from_secs(60));
    assert_eq!(job.wait().await.expect("a status").state(), JobState::Succeeded);
    assert!(begun.elapsed() >= Duration::from_secs(100), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn polls_once_if_the_deadline_is_before_the_first_pause() {
    let server = script(with_states(&["FULFILLED"])).await;
    let job = listed(&server).submit().await.expect("a job");
    let job = job.schedule(Schedule::new().initial_delay(Duration::from_secs(60)));
    let begun = Instant::now();
    let end = job.deadline(Duration::from_secs(10)).wait().await;
    assert_eq!(end.expect("a status").state(), JobState::Succeeded);
    assert_eq!(begun.elapsed(), Duration::from_secs(9));

    let server = script(with_states(&[])).await;
    let mut job = listed(&server).submit().await.expect("a job").deadline(Duration::ZERO);
    assert_eq!(job.wait().await.expect_err("no time").kind(), ErrorKind::JobUnfinished);
    assert_eq!(asked(&server), ["POST /shops/s1/jobs"]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beyond_the_deadline_is_an_error_at_once() {
    let pending = || json(r#"{"state":"PENDING"}"#).header("retry-after", "9999");
    let mut answers = with_states(&[]);
    answers.extend([pending(), json(r#"{"state":"FULFILLED"}"#)]);
    let server = script(answers).await;
    let mut job = listed(&server).submit().await.expect("a job");
    for _ in 0..2 {
        let error = job.wait().await.expect_err("a long pause");
        assert_eq!(error.kind(), ErrorKind::JobUnfinished);
        assert_eq!(
            error.to_string(),
            "GET /shops/{shopId}/jobs/{jobId} (getThingsJob): job j1 did not finish (it is PENDING), \
and the API allows the next poll in 9999 s, after the deadline of 3600s; still running; \
wait again, or save the job"
        );
    }
    // Within the deadline, it waits.
    let mut job = job.deadline(Duration::from_secs(10_000));
    assert_eq!(job.wait().await.expect("a status").state(), JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn retries_a_404_soon_after_the_submit() {
    let unknown = || Answer::json(404, r#"{"message":"no such job"}"#);
    let mut answers = with_states(&[]);
    answers.extend([unknown(), unknown(), Answer::json(408, "{}"), json(r#"{"state":"QUEUED"}"#)]);
    // A 404 after a successful poll means that it is gone.
    answers.push(unknown());
    let server = script(answers).await;
    let mut job = listed(&server).submit().await.expect("a job");
    let error = job.wait().await.expect_err("a job that is gone");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert_eq!(server.received().len(), 6);
    assert!(
        error.to_string().contains("the API does not know job j1: it was deleted, or submitted in"),
        "{error}"
    );

    // A 404 after half a minute is an error.
    let server = Server::start(move |request| match request.method.as_str() {
        "POST" => json(r#"{"jobId":"j1"}"#),
        _ => unknown(),
    })
    .await;
    let mut job = listed(&server).submit().await.expect("a job");
    let begun = Instant::now();
    assert_eq!(job.wait().await.expect_err("no job").kind(), ErrorKind::NotFound);
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    // `poll` does not retry it.
    let mut job = listed(&server).submit().await.expect("a job");
    assert_eq!(job.poll().await.expect_err("no job").kind(), ErrorKind::NotFound);
}

/// The pause after a long job is long, but the URLs of its files are requested at once.
#[tokio::test(start_paused = true)]
async fn renews_the_urls_of_a_long_job_without_a_pause() {
    let begun = Instant::now();
    let run = Duration::from_hours(20);
    let server = Server::start(move |request| match request.method.as_str() {
        "POST" => json(r#"{"job":{"id":"j1"}}"#),
        _ if begun.elapsed() < run => json(r#"{"job":{"status":"Processing"}}"#),
        _ => json(r#"{"job":{"status":"Complete"},"downloadUrls":["https://f.example/f"]}"#),
    })
    .await;
    let mut job = things(&server).inline().submit().await.expect("a job").deadline(run * 2);
    job.wait().await.expect("a status");
    let done = Instant::now();
    assert_eq!(job.downloads().await.expect("files").len(), 1);
    assert!(done.elapsed() < Duration::from_secs(1), "{:?}", done.elapsed());
}

#[tokio::test(start_paused = true)]
async fn results_apply_the_deadline_and_the_schedule() {
    let mut answers = with_states(&["PENDING", "PENDING", "PENDING", "FULFILLED"]);
    answers.push(json(r#"{"things":[{"id":"a"}]}"#));
    let server = script(answers).await;
    let five = Duration::from_secs(5);
    let mut results = listed(&server)
        .paginate()
        .job_deadline(Duration::from_secs(12))
        .job_schedule(Schedule::new().initial_delay(five))
        .results_with(|request| {
            request.add_query("expand", "user");
        });
    let begun = Instant::now();
    let error = results.try_next().await.expect_err("it runs");
    assert_eq!(error.kind(), ErrorKind::JobUnfinished, "{error}");
    let waited = begun.elapsed();
    assert!(waited <= Duration::from_secs(12) && waited > 2 * five, "{waited:?}");
    assert_eq!(all(&mut results).await, ["a"]);
    assert_eq!(
        asked(&server).last().map(String::as_str),
        Some("GET /shops/s1/jobs/j1/results?expand=user&pageSize=100")
    );
}
