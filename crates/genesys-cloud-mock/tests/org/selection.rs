//! Searches, the default state, and fields that a request has to ask for.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use genesys_cloud_mock::{MockOrg, OrgTimeline};
use serde_json::{Value, json};

use crate::client::Client;

const START: &str = "2026-05-01T00:00:00Z";
const USERS: &str = "/api/v2/users";

async fn org() -> (MockOrg, Client) {
    let timeline = OrgTimeline::new(START);
    let org = MockOrg::builder().seed(7).timeline(timeline).start().await.expect("an org");
    let client = Client::of(&org).await;
    (org, client)
}

fn all(org: &MockOrg) -> Vec<Value> {
    org.expected_at("/api/v2/users?state=any", START).expect("users")
}

fn names(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["name"].as_str().expect("a name")).collect()
}

fn encoded(search: &Value) -> String {
    let q64 = BASE64_STANDARD.encode(search.to_string());
    q64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

#[tokio::test]
async fn a_search_finds_the_records_that_meet_its_criteria() {
    let (org, mut client) = org().await;
    let users = all(&org);
    let wanted: Vec<_> = names(&users).into_iter().filter(|name| name.contains("01")).collect();
    assert!(wanted.len() > 5 && wanted.len() < 50, "{wanted:?}");
    let search = json!({
        "pageSize": 100,
        "sortBy": "name",
        "sortOrder": "DESC",
        "query": [{ "type": "CONTAINS", "fields": ["name"], "value": "01" }],
    });
    let by_body = client.post("/api/v2/users/search", &search).await.json();
    let path = format!("/api/v2/users/search?q64={}", encoded(&search));
    let by_q64 = client.get(&path).await.json();
    let expected: Vec<_> = wanted.iter().rev().copied().collect();
    for page in [by_body, by_q64] {
        let found = page["results"].as_array().expect("a list");
        assert_eq!(names(found), expected);
        assert_eq!(page["total"], expected.len());
    }
    let truth = org.expected_at(&path, START).expect("a list");
    assert_eq!(names(&truth), expected);
}

#[tokio::test]
async fn a_search_of_another_type_is_refused() {
    let (org, mut client) = org().await;
    let search = json!({ "query": [{ "type": "REGEX", "fields": ["name"], "value": ".*" }] });
    assert_eq!(client.post("/api/v2/users/search", &search).await.status, 400);
    let path = format!("/api/v2/users/search?q64={}", encoded(&search));
    assert_eq!(client.get(&path).await.status, 400);
    org.expected_at(&path, START).expect_err("a refusal");
}

#[tokio::test]
async fn users_are_active_unless_a_request_says_otherwise() {
    let (org, mut client) = org().await;
    let states = |records: &[Value]| -> Vec<String> {
        records.iter().filter_map(|it| it["state"].as_str()).map(str::to_owned).collect()
    };
    let active = client.get(&format!("{USERS}?pageSize=100")).await.json();
    let active = active["entities"].as_array().expect("a list");
    assert!(active.len() > 70 && states(active).iter().all(|state| state == "active"));
    assert_eq!(*active, org.expected_at(USERS, START).expect("users"));
    let inactive = client.get(&format!("{USERS}?state=inactive&pageSize=100")).await.json();
    let inactive = inactive["entities"].as_array().expect("a list");
    assert!(!inactive.is_empty() && states(inactive).iter().all(|state| state == "inactive"));
    let all = all(&org);
    assert_eq!(all.len(), 100);
    assert!(states(&all).iter().all(|state| state != "deleted"));
}

#[tokio::test]
async fn expanded_fields_are_missing_unless_requested() {
    let (org, mut client) = org().await;
    let plain = all(&org);
    assert!(plain.iter().all(|user| user.get("skills").is_none() && user.get("groups").is_none()));
    let path = format!("{USERS}?state=any&expand=skills&pageSize=100");
    let page = client.get(&path).await.json();
    let with_skills = page["entities"].as_array().expect("a list");
    assert_eq!(*with_skills, org.expected_at(&path, START).expect("users"));
    assert!(with_skills.iter().filter(|user| user["skills"].is_array()).count() > 90);
    assert!(with_skills.iter().all(|user| user.get("groups").is_none()));
    // A team is a reference to another record, in any case.
    assert!(plain.iter().filter(|user| user["team"].is_object()).count() > 90);

    let one = plain[0]["selfUri"].as_str().expect("a path");
    assert_eq!(client.get(one).await.json(), plain[0]);
    assert_eq!(client.get(&format!("{one}?expand=skills")).await.json(), with_skills[0]);
}

#[tokio::test]
async fn a_selection_follows_changes() {
    let (_org, mut client) = org().await;
    let path = "/api/v2/routing/queues?name=Night*&pageSize=25";
    assert_eq!(client.get(path).await.json()["total"], 0);
    let made = client.post("/api/v2/routing/queues", &json!({ "name": "Night" })).await.json();
    assert_eq!(client.get(path).await.json()["total"], 1);
    let own = made["selfUri"].as_str().expect("a path");
    client.send("DELETE", own, "".into()).await;
    assert_eq!(client.get(path).await.json()["total"], 0);
}
