//! Events of an org that changes over time, listed by interval.

use std::time::Duration;

use genesys_cloud_mock::{MockOrg, OrgTimeline};
use serde_json::{Value, json};

use crate::client::Client;

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);
const FIRST_DAY: &str = "2026-05-01T00:00:00Z/2026-05-02T00:00:00Z";
const CONVERSATIONS: &str = "/api/v2/analytics/conversations/details/query";
const JOBS: &str = "/api/v2/analytics/conversations/details/jobs";
const AUDITS: &str = "/api/v2/audits/query/realtime";

async fn org(advanced: Duration) -> (MockOrg, Client) {
    let timeline = OrgTimeline::new("2026-05-01T00:00Z").late_by(12 * HOUR).events_per_day(200);
    let org = MockOrg::builder().seed(7).timeline(timeline).start().await.expect("an org");
    org.advance(advanced);
    let client = Client::of(&org).await;
    (org, client)
}

/// Reads all pages of a query of conversations or users.
async fn query(client: &mut Client, path: &str, interval: &str, field: &str) -> Vec<Value> {
    let mut records = Vec::new();
    for number in 1.. {
        let paging = json!({ "pageSize": 100, "pageNumber": number });
        let body = json!({ "interval": interval, "paging": paging });
        let page = client.post(path, &body).await;
        assert_eq!(page.status, 200, "{page:?}");
        match page.json()[field].as_array() {
            Some(items) => records.extend(items.iter().cloned()),
            None => return records,
        }
    }
    records
}

async fn audits(client: &mut Client, interval: &str) -> Vec<Value> {
    let mut records = Vec::new();
    for number in 1.. {
        let body = json!({ "interval": interval, "pageNumber": number, "pageSize": 100 });
        let page = client.post(AUDITS, &body).await.json();
        records.extend(page["entities"].as_array().expect("a list").iter().cloned());
        if page["pageCount"].as_u64().expect("a count") <= number {
            return records;
        }
    }
    records
}

/// Submits a job and reads its results.
async fn job(client: &mut Client, interval: &str) -> (Value, Vec<Value>) {
    let id = client.post(JOBS, &json!({ "interval": interval })).await.json()["jobId"].clone();
    let path = format!("{JOBS}/{}/results", id.as_str().expect("an id"));
    let (mut records, mut date, mut cursor) = (Vec::new(), Value::Null, String::new());
    loop {
        let page = client.get(&format!("{path}{cursor}")).await.json();
        records.extend(page["conversations"].as_array().into_iter().flatten().cloned());
        date = if date.is_null() { page["dataAvailabilityDate"].clone() } else { date };
        match page["cursor"].as_str() {
            Some(token) => cursor = format!("?cursor={token}"),
            None => return (date, records),
        }
    }
}

fn same(one: &[Value], other: &[Value]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one == other)
}

#[tokio::test]
async fn conversations_are_listed_in_their_interval() {
    let (org, mut client) = org(5 * DAY).await;
    let records = query(&mut client, CONVERSATIONS, FIRST_DAY, "conversations").await;
    assert!((150..250).contains(&records.len()), "{}", records.len());
    for record in &records {
        let [start, end] =
            ["conversationStart", "conversationEnd"].map(|name| record[name].as_str());
        assert!(start < end && start.is_some_and(|it| it.starts_with("2026-05-01")), "{record}");
    }
    let operation = "postAnalyticsConversationsDetailsQuery";
    let expected = org.expected_events_at(operation, FIRST_DAY, &org.now()).expect("events");
    assert!(same(&expected, &records));
    let tomorrow = "2026-05-06T00:00Z/2026-05-07T00:00Z";
    assert!(query(&mut client, CONVERSATIONS, tomorrow, "conversations").await.is_empty());
    let long = json!({ "interval": "2026-05-01T00:00Z/2026-06-05T00:00Z" });
    assert_eq!(client.post(CONVERSATIONS, &long).await.status, 400);
}

#[tokio::test]
async fn late_conversations_appear_when_the_clock_advances() {
    let (org, mut client) = org(DAY).await;
    let soon = query(&mut client, CONVERSATIONS, FIRST_DAY, "conversations").await;
    let then = org.now();
    org.advance(DAY);
    let later = query(&mut client, CONVERSATIONS, FIRST_DAY, "conversations").await;
    assert!(soon.len() < later.len() && soon.iter().all(|it| later.contains(it)));
    let operation = "postAnalyticsConversationsDetailsQuery";
    let expected = org.expected_events_at(operation, FIRST_DAY, &then).expect("events");
    assert!(same(&expected, &soon));
}

/// A job finds the conversations that were active in the interval, a query only those that started on its days.
#[tokio::test]
async fn jobs_find_conversations_up_to_the_availability_date() {
    let (org, mut client) = org(12 * HOUR).await;
    let (date, records) = job(&mut client, FIRST_DAY).await;
    assert_eq!(date, "2026-05-01T11:00:00Z");
    let submit = "postAnalyticsConversationsDetailsJobs";
    let expected = org.expected_events_at(submit, FIRST_DAY, &org.now()).expect("events");
    assert!(!records.is_empty() && same(&expected, &records));

    org.advance(5 * DAY);
    let (date, later) = job(&mut client, FIRST_DAY).await;
    assert_eq!(date, "2026-05-06T11:00:00Z");
    let ids = |records: &[Value]| -> Vec<String> {
        records.iter().map(|it| it["conversationId"].to_string()).collect()
    };
    let (later, records) = (ids(&later), ids(&records));
    assert!(records.len() < later.len() && records.iter().all(|id| later.contains(id)));
    let queried = ids(&query(&mut client, CONVERSATIONS, FIRST_DAY, "conversations").await);
    assert!(queried.iter().all(|id| later.contains(id)));
    let availability = client.get(&format!("{JOBS}/availability")).await.json();
    assert_eq!(availability["dataAvailabilityDate"], date);
}

#[tokio::test]
async fn every_change_has_its_audit_event() {
    let (org, mut client) = org(DAY).await;
    let body = json!({ "name": "Night shift" });
    let made = client.post("/api/v2/routing/queues", &body).await.json();
    let path = made["selfUri"].as_str().expect("a path");
    org.advance(HOUR);
    client.send("PUT", path, body.to_string().into()).await;
    org.advance(HOUR);
    client.send("DELETE", path, "".into()).await;
    org.advance(HOUR);
    let all = audits(&mut client, "2026-05-01T00:00Z/2026-05-03T00:00Z").await;
    let of_queue: Vec<_> = all
        .iter()
        .filter(|event| event["entity"]["id"] == made["id"])
        .map(|event| (event["action"].as_str(), event["eventDate"].as_str()))
        .collect();
    let expected = [
        (Some("Create"), Some("2026-05-02T00:00:00Z")),
        (Some("Update"), Some("2026-05-02T01:00:00Z")),
        (Some("Delete"), Some("2026-05-02T02:00:00Z")),
    ];
    assert_eq!(of_queue, expected);
    let operation = "postAuditsQueryRealtime";
    let interval = "2026-05-01T00:00Z/2026-05-03T00:00Z";
    let expected = org.expected_events_at(operation, interval, &org.now()).expect("events");
    assert!(same(&expected, &all));
    let now = client.get("/api/v2/users?state=any&pageSize=500").await.json();
    let users = now["entities"].as_array().expect("a list");
    let created: Vec<_> = all
        .iter()
        .filter(|event| event["entityType"] == "User" && event["action"] == "Create")
        .collect();
    let deleted = |id: &Value| {
        all.iter().any(|event| event["action"] == "Delete" && event["entity"]["id"] == *id)
    };
    assert!(!created.is_empty());
    for event in created {
        let id = &event["entity"]["id"];
        assert!(deleted(id) || users.iter().any(|user| user["id"] == *id), "{event}");
    }
    let service = json!({ "interval": interval, "serviceName": "ContactCenter" });
    let some = client.post(AUDITS, &service).await.json();
    let some = some["entities"].as_array().expect("a list");
    assert!(!some.is_empty() && some.iter().all(|it| it["serviceName"] == "ContactCenter"));
    org.advance(20 * DAY);
    assert_eq!(client.post(AUDITS, &service).await.status, 400);
}

#[tokio::test]
async fn evaluations_refer_to_listed_conversations() {
    let (_org, mut client) = org(5 * DAY).await;
    let path = "/api/v2/quality/evaluations/query?pageSize=100&startTime=2026-05-03T00:00Z\
                &endTime=2026-05-04T00:00Z";
    let page = client.get(path).await.json();
    let evaluations = page["entities"].as_array().expect("a list");
    assert!((20..80).contains(&evaluations.len()), "{}", evaluations.len());
    let interval = "2026-04-29T00:00Z/2026-05-04T00:00Z";
    let conversations = query(&mut client, CONVERSATIONS, interval, "conversations").await;
    for evaluation in evaluations {
        let id = &evaluation["conversation"]["id"];
        let found = conversations.iter().find(|it| it["conversationId"] == *id);
        let found = found.unwrap_or_else(|| panic!("{id} is not listed"));
        assert_eq!(found["conversationStart"], evaluation["conversationDate"]);
        let created = evaluation["createdDate"].as_str();
        assert!(created.is_none_or(|it| it.starts_with("2026-05-03")), "{created:?}");
    }
}

#[tokio::test]
async fn presences_belong_to_existing_users_and_follow_each_other() {
    let (org, mut client) = org(5 * DAY).await;
    let path = "/api/v2/analytics/users/details/query";
    let details = query(&mut client, path, FIRST_DAY, "userDetails").await;
    let users = org.expected_at("/api/v2/users?state=any", &org.now()).expect("users");
    assert_eq!(details.len(), users.len());
    for (detail, user) in details.iter().zip(&users) {
        assert_eq!(detail["userId"], user["id"]);
        let presences = detail["primaryPresence"].as_array().expect("a list");
        assert!(presences.windows(2).all(|pair| pair[0]["endTime"] == pair[1]["startTime"]));
    }
}
