//! Time ranges by generated calls: windows of the maximum length of an operation, split where the API refuses
//! them, and each record once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use genesys_cloud::types::AsyncConversationQuery;
use genesys_cloud::{Client, Interval, Plan, Reason, Verdict, Windows};
use genesys_cloud_mock::{CannedResponse, Expected, MockOrg, Timeline};
use serde_json::{Value, json};

use crate::waits::skipping;

const QUERY: &str = "postAnalyticsConversationsDetailsQuery";
const JOBS: &str = "postAnalyticsConversationsDetailsJobs";
const RESULTS: &str = "getAnalyticsConversationsDetailsJobResults";
const AVAILABILITY: &str = "getAnalyticsConversationsDetailsJobsAvailability";
const AUDITS: &str = "postAuditsQuery";
const REALTIME: &str = "postAuditsQueryRealtime";
const USERS: &str = "postAnalyticsUsersDetailsQuery";
const USER_JOBS: &str = "postAnalyticsUsersDetailsJobs";
const SUMS: &str = "postAnalyticsConversationsAggregatesQuery";
const SUM_JOBS: &str = "postAnalyticsConversationsAggregatesJobs";

const FROM: &str = "2026-01-01T00:00:00Z";
const TO: &str = "2026-04-01T00:00:00Z";

/// The quarter of all timelines.
fn quarter() -> Interval {
    let time = |text: &str| text.parse::<DateTime<Utc>>().expect("a date-time");
    (time(FROM)..time(TO)).into()
}

async fn org(operation: &str, records: u64, timeline: impl Fn(Timeline) -> Timeline) -> MockOrg {
    let org = MockOrg::start().await.expect("an org");
    match operation {
        QUERY | REALTIME | USERS | SUMS => org.set_list(operation, records).expect("a list"),
        _ => org.set_job_records(operation, records).expect("a list"),
    }
    org.timeline(operation, timeline(Timeline::new(FROM, TO))).expect("a timeline");
    org
}

fn client(org: &MockOrg) -> Client {
    let builder = Client::builder().api_url(org.url()).access_token(org.access_token());
    builder.on_wait(skipping()).build().expect("a client")
}

fn query(client: &Client) -> Windows<Value> {
    let call = client.analytics().conversations_details_query(Default::default());
    call.windows(quarter()).items_as()
}

fn jobs(client: &Client) -> Windows<Value> {
    let call = client.analytics().conversations_details_jobs(Default::default());
    call.windows(quarter()).items_as()
}

fn audits(client: &Client) -> Windows<Value> {
    client.audit().audits_query(Default::default()).windows(quarter()).items_as()
}

fn audits_of_late(client: &Client) -> Windows<Value> {
    let call = client.audit().audits_query_realtime(Default::default());
    call.windows(quarter()).items_as()
}

fn users(client: &Client) -> Windows<Value> {
    let call = client.analytics().users_details_query(Default::default());
    call.windows(quarter()).items_as()
}

fn user_jobs(client: &Client) -> Windows<Value> {
    let call = client.analytics().users_details_jobs(Default::default());
    call.windows(quarter()).items_as()
}

fn sums(client: &Client) -> Windows<Value> {
    client
        .analytics()
        .conversations_aggregates_query(Default::default())
        .windows(quarter())
        .items_as()
}

fn sum_jobs(client: &Client) -> Windows<Value> {
    client
        .analytics()
        .conversations_aggregates_jobs(Default::default())
        .windows(quarter())
        .items_as()
}

/// Reads everything and compares it with the org: each record once, in order.
async fn compare(org: &MockOrg, operation: &str, windows: &mut Windows<Value>) {
    let mut read = Vec::new();
    while let Some(record) = windows.try_next().await.expect("a record") {
        read.push(Expected::key(&record));
    }
    let all = org.expected_within(operation, &quarter().to_string()).expect("a timeline");
    assert_eq!(read.len(), all.len(), "{operation}");
    assert_eq!(read, all, "{operation}");
    assert_eq!(windows.report().verdict(), Verdict::Complete, "{operation}");
}

/// The intervals of the bodies sent, each once, in order.
fn intervals(org: &MockOrg, operation: &str) -> Vec<String> {
    let sent = org.requests_for(operation).into_iter().map(|request| {
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        body["interval"].as_str().expect("an interval").to_owned()
    });
    let mut sent: Vec<String> = sent.collect();
    sent.dedup();
    sent
}

#[tokio::test]
async fn reads_a_quarter_in_windows_of_31_days() {
    let org = org(QUERY, 500, |it| it).await;
    compare(&org, QUERY, &mut query(&client(&org))).await;
    assert_eq!(
        intervals(&org, QUERY),
        [
            "2026-01-01T00:00:00Z/2026-02-01T00:00:00Z",
            "2026-02-01T00:00:00Z/2026-03-04T00:00:00Z",
            "2026-03-04T00:00:00Z/2026-04-01T00:00:00Z",
        ]
    );
}

#[tokio::test]
async fn splits_refused_windows_and_returns_overlapping_records_once() {
    let lasting = Duration::from_hours(5);
    // All pages are refused, or only those beyond the cap.
    for (operation, late) in [(QUERY, false), (QUERY, true), (JOBS, false)] {
        let timeline = |it: Timeline| {
            let it = it.cap(120).record_duration(lasting);
            if late { it.cap_by_page() } else { it }
        };
        let org = org(operation, 600, timeline).await;
        let client = client(&org);
        let windows = if operation == QUERY { query(&client) } else { jobs(&client) };
        let mut windows = windows.concurrency(4);
        compare(&org, operation, &mut windows).await;
        let report = windows.report();
        assert!(report.splits > 0, "{operation}: {report:?}");
        assert!(report.duplicates > 0, "{operation}: {report:?}");
        assert_eq!(report.windows_done, report.windows, "{operation}");
    }
}

#[tokio::test]
async fn halves_all_windows_after_one_is_too_long() {
    let week = Duration::from_hours(7 * 24);
    let org = org(QUERY, 400, |it| it.max_interval(week)).await;
    compare(&org, QUERY, &mut query(&client(&org))).await;
}

#[tokio::test]
async fn jobs_of_several_windows_run_concurrently_and_return_in_order() {
    for (operation, open) in [(JOBS, jobs as fn(&Client) -> _), (AUDITS, audits)] {
        let org = org(operation, 300, |it| it.cap(80)).await;
        let mut windows = open(&client(&org)).concurrency(3).overlap(Duration::from_hours(1));
        compare(&org, operation, &mut windows).await;
        assert!(windows.report().splits > 0, "{operation}");
    }
}

/// Includes queries without record ids, refused for the number of records and for the length.
#[tokio::test]
async fn reads_every_kind_of_query_in_windows() {
    let kinds: [(_, fn(&Client) -> _, _); 5] = [
        (USERS, users, 31),
        (USER_JOBS, user_jobs, 31),
        (SUMS, sums, 31),
        (SUM_JOBS, sum_jobs, 31),
        (REALTIME, audits_of_late, 14),
    ];
    let day = Duration::from_hours(24);
    for (operation, open, days) in kinds {
        let org = org(operation, 60, |it| {
            it.cap(if days == 31 { 15 } else { 8 }).max_interval(days * day)
        })
        .await;
        let mut windows = open(&client(&org)).concurrency(4);
        assert_eq!(
            windows.plan().expect("a plan").windows()[0].interval().length(),
            days * day,
            "{operation}"
        );
        compare(&org, operation, &mut windows).await;
        assert!(windows.report().splits > 0, "{operation}: {:?}", windows.report());
        let requests = org.request_count();
        assert_eq!(windows.report().requests, requests, "{operation}: all are counted");

        org.timeline(operation, Timeline::new(FROM, TO).max_interval(7 * day)).expect("a timeline");
        let mut windows = open(&client(&org)).concurrency(8);
        compare(&org, operation, &mut windows).await;
        assert!(windows.report().splits > 0, "{operation}: {:?}", windows.report());
    }
}

#[tokio::test]
async fn resumes_in_another_process() {
    let org = org(JOBS, 900, |it| it.record_duration(Duration::from_secs(60))).await;
    let client = client(&org);
    let mut first = jobs(&client);
    let mut read = Vec::new();
    for _ in 0..400 {
        read.push(Expected::key(&first.try_next().await.expect("a record").expect("a record")));
    }
    let plan = serde_json::to_string(&first.plan().expect("a plan")).expect("JSON");
    drop(first);

    let mut rest = jobs(&client).resume(serde_json::from_str::<Plan>(&plan).expect("a plan"));
    let submitted = org.requests_for(JOBS).len();
    while let Some(record) = rest.try_next().await.expect("a record") {
        let key = Expected::key(&record);
        // The current window is read again from its start.
        if !read.contains(&key) {
            read.push(key);
        }
    }
    assert_eq!(read, org.expected_within(JOBS, &quarter().to_string()).expect("a timeline"));
    assert_eq!(org.requests_for(JOBS).len() - submitted, 2, "the first window was done");
}

#[tokio::test]
async fn a_list_is_not_complete_if_the_api_fails_to_report_how_far_its_data_is_available() {
    let org = org(JOBS, 30, |it| it).await;
    let client = client(&org);
    let unknown = Verdict::Unknown(Reason::AvailabilityUnknown);
    for (fails, verdict) in [(false, Verdict::Complete), (true, unknown)] {
        // The results of one job lack the date, so that the client asks for it.
        let script = || {
            let results = json!({ "conversations": [{ "conversationId": "c1" }] });
            org.respond_next(RESULTS, CannedResponse::json(200, &results)).expect("an operation");
            if fails {
                let refusal = CannedResponse::error(403, "missing.permission", "not allowed");
                org.respond_next(AVAILABILITY, refusal).expect("an operation");
            }
        };
        script();
        let asked = org.requests_for(AVAILABILITY).len();
        let week = || {
            client.analytics().conversations_details_jobs(AsyncConversationQuery {
                interval: Some("2026-01-01T00:00:00Z/2026-01-08T00:00:00Z".to_owned()),
                ..Default::default()
            })
        };
        let mut list = week().paginate();
        while list.try_next().await.expect("a record").is_some() {}
        assert_eq!(org.requests_for(AVAILABILITY).len(), asked + 1);
        assert_eq!(list.report().items, 1);
        assert_eq!(list.report().available_until.is_none(), fails);
        assert_eq!(list.report().verdict(), verdict);
        // A checkpoint keeps it.
        let checkpoint = serde_json::to_string(&list.checkpoint()).expect("JSON");
        let checkpoint = serde_json::from_str(&checkpoint).expect("a checkpoint");
        let mut resumed = week().paginate().resume(&checkpoint);
        assert!(resumed.try_next().await.expect("the end").is_none());
        assert_eq!(resumed.report().verdict(), verdict);

        // One window of several.
        script();
        let mut windows = jobs(&client);
        while windows.try_next().await.expect("a record").is_some() {}
        assert_eq!(windows.report().verdict(), verdict);
    }
}
