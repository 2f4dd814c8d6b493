//! What a deadline bounds: pauses, calls that hang, and calls that wait for their turn.

use std::time::Duration;

use futures::StreamExt as _;
use genesys_cloud_core::{Client, ErrorKind, JobState, Schedule};
use tokio::time::Instant;

use crate::server::{Answer, Gate, Server};
use crate::{AGES, Things, all, asked, json, listed, script, things, with_states};

const DEADLINE: Duration = Duration::from_secs(30);

/// A job whose second status does not come before a gate is opened, and which then is done.
async fn hanging(gate: &Gate) -> Server {
    let mut answers = with_states(&["PENDING"]);
    answers.push(json(r#"{"state":"LOST"}"#).behind(gate));
    answers.push(json(r#"{"state":"FULFILLED"}"#));
    answers.push(json(r#"{"things":[{"id":"a"}]}"#));
    script(answers).await
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_given_up_and_the_job_left_good() {
    let gate = Gate::new();
    let server = hanging(&gate).await;
    let mut job = listed(&server).submit().await.expect("a job").deadline(DEADLINE);
    let begun = Instant::now();
    let error = job.wait().await.expect_err("no answer");
    assert_eq!(begun.elapsed(), DEADLINE);
    assert!(error.kind() == ErrorKind::JobUnfinished && !error.is_timeout());
    assert_eq!(
        error.to_string(),
        "GET /shops/{shopId}/jobs/{jobId} (getThingsJob): job j1 has not ended within 30s (it is \
         PENDING), and the last call that asked how it stands was not answered; it runs on: wait for it \
         again, or save it for later"
    );
    assert_eq!(job.wait().await.expect("a status").state(), JobState::Succeeded);
    assert_eq!(server.received().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn so_it_is_in_the_stream_of_statuses_and_in_the_list_of_results() {
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
async fn a_wait_for_the_rate_limit_is_given_up() {
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
async fn a_job_is_asked_once_in_a_time_shorter_than_the_first_pause() {
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
async fn a_pause_that_leads_past_the_deadline_is_told() {
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
            "GET /shops/{shopId}/jobs/{jobId} (getThingsJob): job j1 has not ended (it is PENDING), \
             and the API wants it asked again in 9999 s, past the deadline of 3600s; it runs on: wait for \
             it again, or save it for later"
        );
    }
    // Just within the deadline is soon enough.
    let mut job = job.deadline(Duration::from_secs(10_000));
    assert_eq!(job.wait().await.expect("a status").state(), JobState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_not_known_yet_is_asked_for_again() {
    let unknown = || Answer::json(404, r#"{"message":"no such job"}"#);
    let mut answers = with_states(&[]);
    answers.extend([unknown(), unknown(), Answer::json(408, "{}"), json(r#"{"state":"QUEUED"}"#)]);
    // Once it was known, it is gone.
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

    // Half a minute is enough to be known.
    let server = Server::start(move |request| match request.method.as_str() {
        "POST" => json(r#"{"jobId":"j1"}"#),
        _ => unknown(),
    })
    .await;
    let mut job = listed(&server).submit().await.expect("a job");
    let begun = Instant::now();
    assert_eq!(job.wait().await.expect_err("no job").kind(), ErrorKind::NotFound);
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    // To ask once is to ask once.
    let mut job = listed(&server).submit().await.expect("a job");
    assert_eq!(job.poll().await.expect_err("no job").kind(), ErrorKind::NotFound);
}

/// The pause after a long job is long, and the URLs of its files are asked for when they are wanted.
#[tokio::test(start_paused = true)]
async fn files_of_a_long_job_are_not_waited_for() {
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

/// The same settings before there is a job.
#[tokio::test(start_paused = true)]
async fn a_list_of_results_is_waited_for_as_was_set() {
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
