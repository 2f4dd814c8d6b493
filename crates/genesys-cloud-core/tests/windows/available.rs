//! Data that becomes available with a delay.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use genesys_cloud_core::{Checkpoint, ErrorKind, Reason, Verdict, Windows};
use tokio::time::Instant;

use crate::org::{Org, intervals};
use crate::server::{Answer, Server};
use crate::{Event, PostDelayed, Query, all, daily, events, hour, hours, long};

/// The minute up to which data is available, and by how much it advances with each availability request.
#[derive(Clone)]
struct Data {
    minutes: Arc<AtomicU64>,
    step: u64,
    /// Whether the results contain the date.
    in_results: bool,
}

impl Data {
    fn up_to(hours: u64, step: u64, in_results: bool) -> Self {
        Self { minutes: Arc::new(AtomicU64::new(hours * 60)), step, in_results }
    }

    fn date(&self) -> String {
        text(hour(0) + Duration::from_mins(self.minutes.load(Ordering::Relaxed)))
    }

    async fn serve(&self, org: Org) -> Server {
        let (data, mut results) = (self.clone(), 0);
        org.serve_but(move |_, request| {
            let date = format!(r#""dataAvailabilityDate":"{}""#, data.date());
            if request.target == "/availability" {
                data.minutes.fetch_add(data.step, Ordering::Relaxed);
                return Some(Answer::json(200, &format!("{{{date}}}")));
            }
            let is_last = request.target.ends_with("/results?pageSize=5&cursor=20");
            results += usize::from(is_last);
            (is_last && data.in_results).then(|| {
                let events =
                    (20..24).map(|id| format!(r#"{{"id":"{}"}}"#, (results - 1) * 24 + id));
                let events: Vec<String> = events.collect();
                Answer::json(200, &format!(r#"{{"events":[{}],{date}}}"#, events.join(",")))
            })
        })
        .await
    }
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Two days of events, one job each.
fn two_days(server: &Server) -> Windows<Event> {
    let range = events(server).delayed(Query::default()).windows(hours(0, 48));
    range.span(long(24))
}

fn availability_requests(server: &Server) -> usize {
    server.received().iter().filter(|request| request.target == "/availability").count()
}

#[tokio::test(start_paused = true)]
async fn a_range_that_ends_after_the_available_data_is_unknown() {
    for in_results in [true, false] {
        for (available, verdict) in [
            (48, Verdict::Complete),
            (47, Verdict::Unknown(Reason::NotAvailableYet { until: hour(47) })),
            // Both windows are too late. The verdict is that of the first.
            (10, Verdict::Unknown(Reason::NotAvailableYet { until: hour(10) })),
        ] {
            let data = Data::up_to(available, 0, in_results);
            let server = data.serve(Org::hourly(48)).await;
            let mut windows = two_days(&server);
            assert_eq!(windows.report().available_until, None);
            assert_eq!(all(&mut windows).await, (0..48).collect::<Vec<_>>());
            let report = windows.report();
            assert_eq!(report.verdict(), verdict, "{in_results} {available}");
            assert_eq!(report.available_until, Some(hour(available.cast_signed())), "{in_results}");
            // One availability request for each job whose results lack the date.
            assert_eq!(availability_requests(&server), 2, "{in_results}");
            assert_eq!(report.requests, server.received().len() as u64);
        }
    }
    let data = Data::up_to(30, 0, false);
    let server = data.serve(Org::hourly(48)).await;
    let error = Reason::NotAvailableYet { until: hour(30) }.to_string();
    assert_eq!(error, "the data was available only up to 2024-05-02T06:00:00Z");
    // A single job, by the end of its interval.
    for (end, verdict) in [
        (30, Verdict::Complete),
        (31, Verdict::Unknown(Reason::NotAvailableYet { until: hour(30) })),
    ] {
        let query = Query { interval: Some(hours(0, end).to_string()), ..Query::default() };
        let mut list = events(&server).delayed(query).paginate();
        while list.try_next().await.expect("an event").is_some() {}
        assert_eq!(list.report().available_until, Some(hour(30)));
        assert_eq!(list.report().verdict(), verdict);
    }
    // Jobs whose API does not report availability.
    let mut windows = events(&server).jobs(Query::default()).windows(hours(0, 48));
    assert_eq!(all(&mut windows).await.len(), 48);
    assert_eq!(
        (windows.report().available_until, windows.report().verdict()),
        (None, Verdict::Complete)
    );
}

#[tokio::test(start_paused = true)]
async fn a_resumed_range_keeps_the_verdict_about_unavailable_data() {
    let data = Data::up_to(30, 0, false);
    let server = data.serve(Org::hourly(48)).await;
    let verdict = Verdict::Unknown(Reason::NotAvailableYet { until: hour(30) });
    for read in [1, 30, 40, 48] {
        let mut windows = two_days(&server);
        for _ in 0..read {
            windows.try_next().await.expect("an event").expect("an event");
        }
        let saved =
            serde_json::to_string(&windows.checkpoint().expect("a checkpoint")).expect("JSON");
        let saved: Checkpoint = serde_json::from_str(&saved).expect("a checkpoint");
        let mut rest = two_days(&server).resume(&saved);
        assert_eq!(all(&mut rest).await, (read..48).collect::<Vec<_>>());
        assert_eq!(rest.report().verdict(), verdict, "{read}");
        assert_eq!(rest.report().available_until, Some(hour(30)), "{read}");
    }
}

#[tokio::test(start_paused = true)]
async fn wait_for_data_submits_when_the_data_is_available() {
    for concurrency in [1, 2] {
        // Ten more minutes with each request.
        let data = Data::up_to(22, 10, false);
        let server = data.serve(Org::hourly(48)).await;
        let mut windows = two_days(&server).concurrency(concurrency).wait_for_data(AGES);
        let begun = Instant::now();
        let first = windows.try_next().await.expect("an event").expect("an event");
        assert_eq!(crate::ids([first]), [0]);
        let submits = intervals(&server);
        assert!(submits.contains(&(0, 24)), "{submits:?}");
        if concurrency == 1 {
            assert_eq!(submits, [(0, 24)]);
            // From 22 to 24 hours, with pauses of 15, 30, .. seconds, up to five minutes.
            assert_eq!(availability_requests(&server), 13);
            let waited = begun.elapsed().as_secs();
            let pauses = 15 + 30 + 60 + 120 + 240 + 7 * 300;
            assert!((pauses..pauses + 30).contains(&waited), "{waited}");
        }
        assert_eq!(all(&mut windows).await, (1..48).collect::<Vec<_>>());
        assert_eq!(windows.report().verdict(), Verdict::Complete);
        assert!(windows.report().available_until >= Some(hour(24)));
        assert_eq!(windows.report().requests, server.received().len() as u64);
    }
}

/// Longer than any wait here.
const AGES: Duration = Duration::from_hours(1000);

#[tokio::test(start_paused = true)]
async fn wait_for_data_fails_with_the_available_date_after_its_deadline() {
    for concurrency in [1, 2] {
        let data = Data::up_to(30, 0, false);
        let server = data.serve(Org::hourly(48)).await;
        let wait = Duration::from_hours(2);
        let mut windows = two_days(&server).concurrency(concurrency).wait_for_data(wait);
        for _ in 0..24 {
            windows.try_next().await.expect("an event").expect("an event");
        }
        let begun = Instant::now();
        let error = windows.try_next().await.expect_err("no data");
        assert_eq!(error.kind(), ErrorKind::DataUnavailable, "{error}");
        assert_eq!(
            error.to_string(),
            "POST /jobs (postDelayed) was not sent: the data is available up to 2024-05-02T06:00:00Z, \
             but the interval ends at 2024-05-03T00:00:00Z; waited for 7200 s; try again later, or \
             choose an interval that ends earlier"
        );
        let waited = begun.elapsed();
        assert!(waited <= wait && waited > wait - Duration::from_mins(1), "{waited:?}");
        assert_eq!(intervals(&server), [(0, 24)]);
        // The next poll checks once, without waiting.
        let before = availability_requests(&server);
        assert_eq!(
            windows.try_next().await.expect_err("no data").kind(),
            ErrorKind::DataUnavailable
        );
        assert_eq!((availability_requests(&server), begun.elapsed()), (before + 1, waited));
        data.minutes.store(48 * 60, Ordering::Relaxed);
        assert_eq!(all(&mut windows).await, (24..48).collect::<Vec<_>>());
        assert_eq!(windows.report().verdict(), Verdict::Complete);
    }
}

#[tokio::test(start_paused = true)]
async fn submit_waits_for_data() {
    let data = Data::up_to(30, 0, false);
    let server = data.serve(Org::hourly(48)).await;
    let submit = |end: i64| {
        events(&server)
            .delayed(Query { interval: Some(hours(0, end).to_string()), ..Query::default() })
            .submit()
    };
    let wait = Duration::from_hours(2);
    let begun = Instant::now();
    let error = submit(48).wait_for_data(wait).await.expect_err("no data");
    assert_eq!(error.kind(), ErrorKind::DataUnavailable, "{error}");
    assert_eq!(begun.elapsed(), wait);
    assert!(intervals(&server).is_empty());

    let mut job = submit(24).wait_for_data(wait).await.expect("a job");
    assert_eq!(intervals(&server), [(0, 24)]);
    job.wait().await.expect("done");
    let mut results = job.results();
    while results.try_next().await.expect("an event").is_some() {}
    assert_eq!(results.report().items, 24);
    // Without the option, a job is submitted at once.
    let before = availability_requests(&server);
    submit(48).await.expect("a job");
    assert_eq!(
        (intervals(&server), availability_requests(&server)),
        (vec![(0, 24), (0, 48)], before)
    );

    // A job knows its interval, even if it was saved and loaded.
    let job = submit(48).await.expect("a job");
    let saved = serde_json::to_string(&job.save()).expect("JSON");
    let saved = serde_json::from_str(&saved).expect("a saved job");
    let loaded = PostDelayed::load(&crate::client(&server), saved).expect("a job");
    for mut job in [job, loaded] {
        job.wait().await.expect("done");
        let mut results = job.results();
        while results.try_next().await.expect("an event").is_some() {}
        let late = Reason::NotAvailableYet { until: hour(30) };
        assert_eq!(results.report().verdict(), Verdict::Unknown(late));
    }

    let other = events(&server).jobs(Query::default()).submit();
    let error = other.wait_for_data(wait).await.expect_err("nothing reports it");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_availability_request_is_repeated_by_the_next_poll() {
    let mut failed = 0;
    let server = Org::hourly(24)
        .serve_but(move |_, request| {
            (request.target == "/availability").then(|| {
                failed += 1;
                match failed {
                    1 => Answer::json(403, "{}"),
                    2 => Answer::json(200, r#"{"dataAvailabilityDate":null}"#),
                    _ => {
                        Answer::json(200, r#"{"dataAvailabilityDate":"2024-05-02T00:00:00.000Z"}"#)
                    }
                }
            })
        })
        .await;
    let range = || events(&server).delayed(Query::default()).windows(hours(0, 24));
    let mut windows = range().wait_for_data(AGES);
    assert_eq!(windows.try_next().await.expect_err("a refusal").kind(), ErrorKind::Forbidden);
    let error = windows.try_next().await.expect_err("no date");
    assert!(
        error.kind() == ErrorKind::Decode && error.to_string().contains("`dataAvailabilityDate`"),
        "{error}"
    );
    // No job was submitted.
    assert!(intervals(&server).is_empty());
    assert_eq!(all(&mut windows).await.len(), 24);
    assert_eq!(intervals(&server), [(0, 24)]);
}

#[tokio::test(start_paused = true)]
async fn rejects_wait_for_data_without_an_availability_operation() {
    let server = Org::hourly(48).serve().await;
    let error = daily(&server, 0, 24).wait_for_data(AGES).try_next().await.expect_err("a query");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    let jobs = || events(&server).jobs(Query::default());
    let error = jobs().windows(hours(0, 24)).wait_for_data(AGES).try_next().await;
    let text = error.expect_err("other jobs").to_string();
    assert!(text.contains("the API does not report how far its data is available"), "{text}");
    let error = jobs().paginate().wait_for_data(AGES).try_next().await.expect_err("other jobs");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    // A call without an interval.
    let delayed = events(&server).delayed(Query::default()).paginate().wait_for_data(AGES);
    let error = { delayed }.try_next().await.expect_err("no interval");
    assert!(error.to_string().contains("the call has no valid interval"), "{error}");
    assert!(server.received().is_empty());
}
