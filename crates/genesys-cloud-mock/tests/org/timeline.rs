//! Queries of an interval, and the limits on them.

use std::time::Duration;

use genesys_cloud_mock::{Expected, MockOrg, Timeline};
use serde_json::{Value, json};

use crate::client::{Client, ClientResponse};

const QUERY: &str = "postAnalyticsConversationsDetailsQuery";
const QUERY_PATH: &str = "/api/v2/analytics/conversations/details/query";
const JOBS: &str = "postAnalyticsConversationsDetailsJobs";
const JOBS_PATH: &str = "/api/v2/analytics/conversations/details/jobs";
const MAY: &str = "2026-05-01T00:00Z/2026-06-01T00:00Z";

async fn org_and_client(operation: &str, timeline: Timeline) -> (MockOrg, Client) {
    let org = MockOrg::start().await.expect("an org");
    org.timeline(operation, timeline).expect("a query");
    let client = Client::of(&org).await;
    (org, client)
}

fn may() -> Timeline {
    Timeline::new("2026-05-01T00:00Z", "2026-06-01T00:00Z")
}

async fn query(client: &mut Client, interval: &str, number: u64) -> ClientResponse {
    let paging = json!({ "pageSize": 100, "pageNumber": number });
    client.post(QUERY_PATH, &json!({ "interval": interval, "paging": paging })).await
}

fn keys(page: &Value) -> Vec<String> {
    let items = page["conversations"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(Expected::key).collect()
}

#[tokio::test]
async fn parts_of_an_interval_have_all_its_records() {
    let (org, mut client) = org_and_client(QUERY, may()).await;
    org.set_list(QUERY, 62).expect("a list");
    let mut all = Vec::new();
    for interval in
        ["2026-05-01/2026-05-11", "2026-05-11/2026-05-11T12:00Z", "2026-05-11T12:00Z/2026-06-01"]
    {
        let page = query(&mut client, interval, 1).await.json();
        let found = keys(&page);
        assert_eq!(page["totalHits"], found.len());
        assert_eq!(found, org.expected_within(QUERY, interval).expect("an interval"));
        let (start, end) = interval.split_once('/').expect("an interval");
        for item in page["conversations"].as_array().expect("items") {
            let at = item["conversationStart"].as_str().expect("a time");
            assert!((&start[..10]..=&end[..10]).contains(&&at[..10]), "{at}");
        }
        all.extend(found);
    }
    assert_eq!(all, org.expected(QUERY).expect("a list").records);
    assert_eq!(
        query(&mut client, "2026-07-01/2026-07-02", 1).await.json().get("conversations"),
        None
    );
}

#[tokio::test]
async fn refuses_an_interval_with_too_many_records() {
    let (org, mut client) = org_and_client(QUERY, may().cap(150)).await;
    org.set_list(QUERY, 310).expect("a list");
    let refusal = query(&mut client, MAY, 1).await;
    assert_eq!((refusal.status, &refusal.json()["code"]), (400, &json!("bad.request")));
    let message = refusal.json()["message"].as_str().expect("a message").to_owned();
    assert!(message.starts_with("Pagination may not exceed 150 results"), "{message}");
    assert_eq!(query(&mut client, "2026-05-01/2026-05-16", 1).await.status, 200);

    org.timeline(QUERY, may().cap(150).cap_by_page()).expect("a query");
    assert_eq!(query(&mut client, MAY, 1).await.json()["totalHits"], 310);
    assert_eq!(query(&mut client, MAY, 2).await.status, 400);
}

#[tokio::test]
async fn refuses_an_interval_that_is_too_long_or_invalid() {
    let (org, mut client) = org_and_client(QUERY, may()).await;
    let refusal = query(&mut client, "2026-05-01/2026-06-02", 1).await;
    let message = refusal.json()["message"].as_str().expect("a message").to_owned();
    assert!(message.ends_with("does not exceed 31 days."), "{message}");
    for interval in ["", "soon", "2026-05-02/2026-05-01"] {
        assert_eq!(query(&mut client, interval, 1).await.status, 400, "{interval}");
    }
    org.timeline(QUERY, may().max_interval(Duration::from_secs(7 * 86_400))).expect("a query");
    assert_eq!(query(&mut client, "2026-05-01/2026-05-09", 1).await.status, 400);
    org.timeline(QUERY, Timeline::new("soon", "later")).expect_err("no times");
    org.timeline("getRoutingQueues", may()).expect_err("it takes no interval");
}

#[tokio::test]
async fn records_are_in_every_interval_that_they_overlap() {
    let (org, mut client) =
        org_and_client(QUERY, may().record_duration(Duration::from_secs(3_600))).await;
    org.set_list(QUERY, 31 * 24 * 2).expect("a list");
    let first = keys(&query(&mut client, "2026-05-01/2026-05-02", 1).await.json());
    let second = keys(&query(&mut client, "2026-05-02/2026-05-03", 1).await.json());
    let both = first.iter().filter(|key| second.contains(key)).count();
    assert_eq!((first.len(), second.len(), both), (48, 49, 1));
}

#[tokio::test]
async fn jobs_have_the_records_of_their_interval() {
    let (org, mut client) = org_and_client(JOBS, may().cap(40)).await;
    org.set_job_records(JOBS, 62).expect("a list");
    let half = "2026-05-01/2026-05-16T12:00Z";
    for (interval, status) in [(half, 200), (MAY, 400)] {
        let response = client.post(JOBS_PATH, &json!({ "interval": interval })).await.json();
        let id = response["jobId"].as_str().expect("an id");
        let results = client.get(&format!("{JOBS_PATH}/{id}/results")).await;
        assert_eq!(results.status, status);
        if status == 200 {
            let expected = org.expected_within(JOBS, interval).expect("an interval");
            assert_eq!((keys(&results.json()).len(), expected.len()), (25, 31));
            assert_eq!(keys(&results.json()), expected[..25]);
        }
    }
    let long = json!({ "interval": "2026-05-01/2026-07-01" });
    assert_eq!(client.post(JOBS_PATH, &long).await.status, 400);

    org.timeline("postAuditsQuery", may()).expect("jobs");
    assert_eq!(client.post("/api/v2/audits/query", &long).await.status, 400);
}

#[tokio::test]
async fn jobs_have_the_records_available_at_their_submit() {
    const FIELD: &str = "dataAvailabilityDate";
    let builder = MockOrg::builder().data_available_until("2026-05-05T00:00Z");
    let org = builder.start().await.expect("an org");
    org.timeline(JOBS, may()).expect("a query");
    org.set_job_records(JOBS, 31).expect("a list");
    let mut client = Client::of(&org).await;
    let mut jobs = Vec::new();
    for until in ["2026-05-05T00:00:00Z", "2026-05-09T12:00:00Z", "2026-06-09T00:00:00Z"] {
        org.set_data_available_until(until).expect("a time");
        let availability = client.get(&format!("{JOBS_PATH}/availability")).await.json();
        assert_eq!(availability[FIELD], until);
        let response = client.post(JOBS_PATH, &json!({ "interval": MAY })).await.json();
        jobs.push((response["jobId"].as_str().expect("an id").to_owned(), until));
    }
    // The data of a job does not change any more.
    for ((id, until), count) in jobs.iter().zip([4, 9, 25]) {
        let results = client.get(&format!("{JOBS_PATH}/{id}/results")).await.json();
        assert_eq!((keys(&results).len(), &results[FIELD]), (count, &json!(until)));
        let expected = org.expected_within(JOBS, MAY).expect("an interval");
        assert_eq!(keys(&results), expected[..count]);
    }
    // Before all records.
    org.set_data_available_until("2026-04-01").expect("a time");
    let response = client.post(JOBS_PATH, &json!({ "interval": MAY })).await.json();
    let id = response["jobId"].as_str().expect("an id");
    let results = client.get(&format!("{JOBS_PATH}/{id}/results")).await.json();
    assert!(keys(&results).is_empty(), "{results}");
    org.set_data_available_until("soon").expect_err("no time");
    MockOrg::builder().data_available_until("soon").start().await.expect_err("no time");
}
