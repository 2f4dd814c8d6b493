//! The content of single pages, by scheme.

use genesys_cloud_mock::{MockOrg, Scenario};
use serde_json::{Value, json};

use crate::client::Client;
use crate::reader::{items, q64};

async fn org_and_client() -> (MockOrg, Client) {
    let org = MockOrg::start().await.expect("an org");
    let client = Client::of(&org).await;
    (org, client)
}

/// The fields of a page except its items, sorted.
fn envelope(page: &Value) -> Vec<&str> {
    let fields = page.as_object().expect("an object").keys().map(String::as_str);
    let mut fields: Vec<_> = fields.filter(|name| *name != "entities").collect();
    fields.sort_unstable();
    fields
}

fn text<'a>(page: &'a Value, path: &str) -> &'a str {
    page.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path}: {page}"))
}

#[tokio::test]
async fn a_token_is_valid_only_for_its_own_query() {
    let (org, mut client) = org_and_client().await;
    let path = "/api/v2/knowledge/knowledgebases?coreLanguage=a&published=true&pageSize=30";
    let page = client.get(path).await.json();
    let next = text(&page, "/nextUri").to_owned();
    assert!(next.contains("published=true") && next.contains("after="), "{next}");
    assert_eq!(client.get(&next).await.status, 200);
    assert_eq!(client.get(&next.replace("pageSize=30", "pageSize=40")).await.status, 200);

    let other = client.get(&next.replace("coreLanguage=a", "coreLanguage=b")).await;
    let body = other.json();
    assert_eq!(
        (other.status, &body["status"], &body["code"]),
        (400, &400.into(), &"bad.request".into())
    );
    assert!(body["contextId"].is_string() && body["details"].is_array());
    let token = next.split("after=").nth(1).expect("a token");
    let stray = client.get(&format!("/api/v2/webdeployments/deployments?after={token}")).await;
    assert_eq!(stray.status, 400);

    org.expire_page_tokens();
    assert_eq!(client.get(&next).await.status, 400);
    let page = client.get(path).await.json();
    assert_eq!(client.get(text(&page, "/nextUri")).await.status, 200);
}

#[tokio::test]
async fn a_token_in_a_body_is_bound_to_the_rest_of_it() {
    let (_org, mut client) = org_and_client().await;
    let path = "/api/v2/taskmanagement/workitems/query";
    let filters = json!([{ "name": "a" }]);
    let page = client.post(path, &json!({ "pageSize": 50, "filters": filters })).await.json();
    let token = text(&page, "/after");
    let body = json!({ "filters": filters, "after": token });
    assert_eq!(items(&client.post(path, &body).await.json()).len(), 25);
    assert_eq!(client.post(path, &json!({ "after": token })).await.status, 400);
}

#[tokio::test]
async fn a_page_size_may_be_a_string_and_is_capped() {
    let (org, mut client) = org_and_client().await;
    org.set_list("getWebdeploymentsDeployments", 700).expect("a list");
    let path = "/api/v2/webdeployments/deployments?pageSize";
    assert_eq!(items(&client.get(&format!("{path}=40")).await.json()).len(), 40);
    assert!(items(&client.get(&format!("{path}=600")).await.json()).len() < 600);
    let refusal = client.get(&format!("{path}=many")).await;
    assert_eq!((refusal.status, &refusal.json()["code"]), (400, &"invalid.value".into()));
}

#[tokio::test]
async fn a_page_has_only_documented_fields() {
    let (org, mut client) = org_and_client().await;
    let page = client.get("/api/v2/routing/queues/q/members").await.json();
    let fields = ["firstUri", "nextUri", "pageNumber", "pageSize", "selfUri"];
    assert_eq!(envelope(&page), fields);
    let page = client.get("/api/v2/externalcontacts/scan/contacts").await.json();
    assert_eq!(envelope(&page), ["cursors", "nextUri", "selfUri"]);
    org.set_list("getAnalyticsBotsAggregatesJobResults", 100).expect("a list");
    let page = client.get("/api/v2/analytics/bots/aggregates/jobs/j/results").await.json();
    assert_eq!(envelope(&page), ["cursor", "results"]);
    let page = client.get("/api/v2/users/query").await.json();
    assert_eq!((&page["results"], &page["cursor"].is_string()), (&25.into(), &true));
}

#[tokio::test]
async fn a_search_always_has_a_next_page() {
    let (org, mut client) = org_and_client().await;
    org.set_list("getUsersSearch", 1).expect("a list");
    let search = q64(&json!({ "pageSize": 25, "pageNumber": 1, "query": [{ "value": "a" }] }));
    let search = search.replace('+', "%2B").replace('=', "%3D").replace('/', "%2F");
    let page = client.get(&format!("/api/v2/users/search?q64={search}")).await.json();
    assert_eq!((&page["total"], &page["pageCount"]), (&1.into(), &1.into()));
    let previous = client.get(text(&page, "/previousPage")).await.json();
    assert_eq!((&previous["pageNumber"], items(&previous).len()), (&1.into(), 1));
    let next = client.get(text(&page, "/nextPage")).await.json();
    assert_eq!((&next["pageNumber"], items(&next).len()), (&2.into(), 0));
    assert!(next["nextPage"].is_string());
    assert_eq!(client.get("/api/v2/users/search?q64=1").await.status, 400);
}

#[tokio::test]
async fn a_details_query_returns_an_empty_object_past_its_end() {
    let (org, mut client) = org_and_client().await;
    let path = "/api/v2/analytics/conversations/details/query";
    let paging =
        |number: u64, size: u64| json!({ "paging": { "pageNumber": number, "pageSize": size } });
    let page = client.post(path, &paging(2, 60)).await.json();
    assert_eq!((items(&page).len(), &page["totalHits"]), (40, &100.into()));
    assert_eq!(client.post(path, &paging(3, 60)).await.json(), json!({}));
    assert_eq!(client.post(path, &json!({ "paging": { "pageNumber": 1 } })).await.status, 400);

    org.set_list("postAnalyticsConversationsDetailsQuery", 0).expect("a list");
    let page = client.post(path, &json!({})).await.json();
    assert_eq!((&page["totalHits"], page.get("conversations")), (&0.into(), None));
}

#[tokio::test]
async fn some_lists_have_a_paging_cap() {
    let (org, mut client) = org_and_client().await;
    for (path, last, past) in [
        ("/api/v2/externalcontacts/contacts?pageSize=100", 10, 11),
        ("/api/v2/externalcontacts/organizations/o/notes?pageSize=20", 50, 51),
        ("/api/v2/routing/queues/divisionviews?pageSize=100", 5, 6),
        ("/api/v2/users?state=inactive&pageSize=500", 20, 21),
    ] {
        assert_eq!(client.get(&format!("{path}&pageNumber={last}")).await.status, 200, "{path}");
        let refusal = client.get(&format!("{path}&pageNumber={past}")).await;
        assert_eq!((refusal.status, &refusal.json()["status"]), (400, &400.into()), "{path}");
    }
    assert_eq!(client.get("/api/v2/users?pageSize=500&pageNumber=21").await.status, 200);
    let path = "/api/v2/analytics/conversations/details/query";
    let body = json!({ "paging": { "pageNumber": 1_001, "pageSize": 100 } });
    let message = client.post(path, &body).await.json()["message"].clone();
    assert!(text(&message, "").starts_with("Pagination may not exceed 100000 results"));
    assert_eq!(org.requests_for("getUsers").len(), 3);
}

#[tokio::test]
async fn the_next_uri_of_an_unpaged_list_never_ends() {
    let (org, mut client) = org_and_client().await;
    for path in ["/api/v2/oauth/clients", "/api/v2/organizations/limits/changerequests"] {
        let first = client.get(path).await.json();
        let mut next = text(&first, "/nextUri").to_owned();
        for _ in 0..3 {
            let page = client.get(&next).await.json();
            assert_eq!(items(&page), items(&first), "{path}");
            next = text(&page, "/nextUri").to_owned();
        }
    }
    org.set_list("getUsageQueryExecutionIdResults", 3).expect("a list");
    let page = client.get("/api/v2/usage/query/e/results").await.json();
    assert_eq!((items(&page).len(), page["cursors"]["after"].is_string()), (3, false));
    assert_eq!(org.requests_for("getOauthClients").len(), 4);
}

#[tokio::test]
async fn a_job_has_the_results_of_the_page_it_selects() {
    let (org, mut client) = org_and_client().await;
    org.set_list("getTaskmanagementWorkitemsQueryJobResults", 45).expect("a list");
    let path = "/api/v2/taskmanagement/workitems/query/jobs";
    let mut seen = Vec::new();
    for number in 1..=3 {
        let job = client.post(path, &json!({ "pageNumber": number, "pageSize": 20 })).await.json();
        let results = format!("{path}/{}/results", text(&job, "/id"));
        let page = client.get(&results).await.json();
        assert_eq!((&page["pageNumber"], &page["pageCount"]), (&number.into(), &3.into()));
        seen.extend(items(&page).iter().map(|item| text(item, "/id").to_owned()));
    }
    let expected = org.expected("getTaskmanagementWorkitemsQueryJobResults").expect("a list");
    assert_eq!(seen, expected.records);
}

#[tokio::test]
async fn a_submit_can_set_the_page_size_of_the_results() {
    let (_org, mut client) = org_and_client().await;
    let path = "/api/v2/analytics/bots/aggregates/jobs";
    let job = client.post(path, &json!({ "pageSize": 30 })).await.json();
    let results = format!("{path}/{}/results", text(&job, "/jobId"));
    let page = client.get(&results).await.json();
    assert_eq!(items(&page).len(), 30);
    let cursor = text(&page, "/cursor");
    assert_eq!(items(&client.get(&format!("{results}?cursor={cursor}")).await.json()).len(), 30);
}

#[tokio::test]
async fn scim_indexes_start_at_one_and_a_count_of_zero_is_allowed() {
    let (_org, mut client) = org_and_client().await;
    let page = client.get("/api/v2/scim/v2/users?startIndex=91&count=20").await.json();
    let counts = ["startIndex", "itemsPerPage", "totalResults"].map(|name| page[name].as_u64());
    assert_eq!(counts, [Some(91), Some(10), Some(100)]);
    let page = client.get("/api/v2/scim/v2/users?count=0").await.json();
    assert_eq!((items(&page).len(), &page["totalResults"]), (0, &100.into()));
}

#[tokio::test]
async fn messages_can_be_read_in_both_directions() {
    let (_org, mut client) = org_and_client().await;
    let path = "/api/v2/chats/rooms/r/messages?limit=10";
    let first = client.get(path).await.json();
    let last = text(&items(&first)[9], "/id").to_owned();
    let second = client.get(&format!("{path}&after={last}")).await.json();
    let start = text(&items(&second)[0], "/id").to_owned();
    let back = client.get(&format!("{path}&before={start}")).await.json();
    assert_eq!(back, first);
    let start = text(&items(&first)[0], "/id");
    assert!(items(&client.get(&format!("{path}&before={start}")).await.json()).is_empty());
}

/// The next URI of the first page of a list in a scenario.
async fn next_uri(scenario: Scenario) -> (MockOrg, Client, String) {
    let (org, mut client) = org_and_client().await;
    org.scenario("getWebdeploymentsDeployments", scenario).expect("it applies");
    let page = client.get("/api/v2/webdeployments/deployments?expand=a&expand=b").await.json();
    assert_eq!(items(&page).len(), 10);
    (org, client, text(&page, "/nextUri").to_owned())
}

#[tokio::test]
async fn the_next_uri_has_the_form_of_the_scenario() {
    let (_org, _, uri) = next_uri(Scenario::RelativeUri).await;
    assert!(uri.starts_with("/api/v2/webdeployments/deployments?pageSize=10&after="), "{uri}");
    assert!(uri.ends_with("&expand=a&expand=b"), "{uri}");
    let (org, mut client, uri) = next_uri(Scenario::AbsoluteUri).await;
    let own = uri.strip_prefix(&org.url()).expect("the address of the org");
    assert_eq!(client.get(own).await.status, 200);
    let (_org, _, uri) = next_uri(Scenario::ForeignUri).await;
    assert!(uri.starts_with("http://foreign.invalid/api/v2/"), "{uri}");

    let (_org, mut client, uri) = next_uri(Scenario::EncodedUri).await;
    assert!(uri.contains("part=1&part=2") && uri.contains("%2B%2F%3D%26"), "{uri}");
    assert_eq!(client.get(&uri).await.status, 200);
    assert_eq!(client.get(&uri.replace('%', "%25")).await.status, 400);
}

#[tokio::test]
async fn an_insertion_repeats_and_a_deletion_hides_a_record() {
    let (org, mut client) = org_and_client().await;
    let mut read = async |operation: &str, path: &str| {
        let mut ids = Vec::new();
        for number in 1..=4 {
            let page = client.get(&format!("{path}?pageSize=10&pageNumber={number}")).await.json();
            ids.extend(items(&page).iter().map(|item| text(item, "/id").to_owned()));
        }
        let expected = org.expected(operation).expect("a list");
        assert_eq!(ids, expected.records);
        (ids, expected)
    };
    org.scenario("getRoutingQueues", Scenario::RecordAdded).expect("it applies");
    let (ids, expected) = read("getRoutingQueues", "/api/v2/routing/queues").await;
    assert_eq!((ids.len(), &ids[9], expected.repeated), (36, &ids[10], vec![ids[9].clone()]));
    org.scenario("getUsers", Scenario::RecordRemoved).expect("it applies");
    let (ids, expected) = read("getUsers", "/api/v2/users").await;
    assert_eq!((ids.len(), expected.missed.len()), (34, 1));
    assert!(!ids.contains(&expected.missed[0]));
}

#[tokio::test]
async fn counts_can_be_wrong_or_missing() {
    let (org, mut client) = org_and_client().await;
    for (scenario, total, count) in [
        (Scenario::TotalTooLow, json!(10), json!(1)),
        (Scenario::TotalTooHigh, json!(45), json!(5)),
        (Scenario::MissingTotal, Value::Null, Value::Null),
    ] {
        org.scenario("getUsers", scenario).expect("it applies");
        let page = client.get("/api/v2/users?pageSize=10").await.json();
        assert_eq!((&page["total"], &page["pageCount"]), (&total, &count), "{scenario:?}");
        assert!(page["nextUri"].is_string());
    }
}

#[tokio::test]
async fn rejects_scenarios_that_a_list_does_not_support() {
    let (org, _client) = org_and_client().await;
    let error = org.scenario("getUsersMe", Scenario::EmptyList).expect_err("no list");
    assert_eq!(error.to_string(), "getUsersMe does not return a list");
    let error = org.scenario("getRoutingQueues", Scenario::TokenCycle).expect_err("no tokens");
    assert_eq!(error.to_string(), "getRoutingQueues does not support the scenario TokenCycle");
    let some = org.scenarios("getRoutingQueues").expect("a list");
    assert!(some.contains(&Scenario::ManyPages) && !some.contains(&Scenario::TokenCycle));
}

#[tokio::test]
async fn setting_a_size_or_resetting_the_org_ends_a_scenario() {
    let (org, mut client) = org_and_client().await;
    let path = "/api/v2/users?pageSize=10";
    for end in [|org: &MockOrg| org.set_list("getUsers", 100).expect("a list"), MockOrg::reset] {
        org.scenario("getUsers", Scenario::EmptyList).expect("it applies");
        assert_eq!(client.get(path).await.json()["total"], 0);
        end(&org);
        assert_eq!(client.get(path).await.json()["total"], 100);
    }
}

/// Any request must get a response.
#[tokio::test]
async fn refuses_page_numbers_out_of_range() {
    let (_org, mut client) = org_and_client().await;
    let path = "/api/v2/users/search";
    for (number, status) in [
        (json!(u64::MAX), 400),
        (json!(0), 400),
        (json!(-1), 400),
        (json!("x"), 400),
        (json!(i32::MAX), 200),
    ] {
        let body = json!({ "pageNumber": number, "pageSize": 500 });
        assert_eq!(client.post(path, &body).await.status, status, "{number}");
    }
    let path = "/api/v2/scim/users?count=20&startIndex";
    for (number, status) in [("0", 200), ("2147483647", 200), ("9223372036854775807", 400)] {
        assert_eq!(client.get(&format!("{path}={number}")).await.status, status, "{number}");
    }
}

#[tokio::test]
async fn a_cached_page_is_unchanged_until_its_list_changes() {
    let org = MockOrg::builder().page_cache(1 << 20).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let path = "/api/v2/routing/queues?pageSize=5&pageNumber=2";
    let first = client.get(path).await.bytes;
    assert_eq!(client.get(path).await.bytes, first);
    org.set_list("getRoutingQueues", 7).expect("a list");
    assert_eq!(items(&client.get(path).await.json()).len(), 2);
}
