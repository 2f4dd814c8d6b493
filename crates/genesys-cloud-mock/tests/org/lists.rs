use genesys_cloud_mock::MockOrg;
use serde_json::{Value, json};

use crate::client::Client;

/// The envelope of a page of queues, with the number of entities in place of the entities.
async fn envelope(client: &mut Client, query: &str) -> Value {
    let response = client.get(&format!("/api/v2/routing/queues{query}")).await;
    assert_eq!(response.status, 200, "{query}");
    let mut page = response.json();
    page["entities"] = page["entities"].as_array().map_or(0, Vec::len).into();
    page
}

async fn queues(count: u64) -> (MockOrg, Client) {
    let org = MockOrg::builder().list("getRoutingQueues", count).start().await.expect("an org");
    let client = Client::of(&org).await;
    (org, client)
}

#[tokio::test]
async fn the_first_page_links_to_the_next_and_last() {
    let (_org, mut client) = queues(60).await;
    let page = json!({
        "entities": 25,
        "pageSize": 25,
        "pageNumber": 1,
        "total": 60,
        "pageCount": 3,
        "selfUri": "/api/v2/routing/queues?pageSize=25&pageNumber=1",
        "firstUri": "/api/v2/routing/queues?pageSize=25&pageNumber=1",
        "nextUri": "/api/v2/routing/queues?pageSize=25&pageNumber=2",
        "lastUri": "/api/v2/routing/queues?pageSize=25&pageNumber=3",
    });
    assert_eq!(envelope(&mut client, "").await, page);
}

#[tokio::test]
async fn the_last_page_has_no_next_uri() {
    let (_org, mut client) = queues(60).await;
    let page = envelope(&mut client, "?pageNumber=3").await;
    assert_eq!(page["entities"], 10);
    assert_eq!(page.get("nextUri"), None);
    assert_eq!(page["previousUri"], "/api/v2/routing/queues?pageSize=25&pageNumber=2");
}

#[tokio::test]
async fn a_page_past_the_end_is_empty() {
    let (_org, mut client) = queues(60).await;
    let page = envelope(&mut client, "?pageNumber=4").await;
    assert_eq!((&page["entities"], &page["pageNumber"]), (&0.into(), &4.into()));
    assert_eq!(page.get("nextUri"), None);
    let page = envelope(&mut client, "?pageNumber=2147483647&pageSize=500").await;
    assert_eq!(page["entities"], 0);
}

#[tokio::test]
async fn an_empty_list_has_no_pages() {
    let (_org, mut client) = queues(0).await;
    let page = envelope(&mut client, "").await;
    assert_eq!((&page["total"], &page["pageCount"]), (&0.into(), &0.into()));
    assert_eq!(page.get("nextUri"), None);
}

#[tokio::test]
async fn an_excessive_page_size_is_silently_capped() {
    let (org, mut client) = queues(2_000).await;
    let page = envelope(&mut client, "?pageSize=1000").await;
    assert_eq!((&page["entities"], &page["pageSize"]), (&500.into(), &500.into()));
    assert_eq!(page["nextUri"], "/api/v2/routing/queues?pageSize=500&pageNumber=2");

    // The document states a limit for this one.
    org.set_list("getAgenticVirtualagents", 150).expect("a list");
    let page = client.get("/api/v2/agentic/virtualagents?pageSize=500").await.json();
    assert_eq!(page["pageSize"], 100);
    assert_eq!(page["entities"].as_array().map(Vec::len), Some(100));
}

#[tokio::test]
async fn the_next_uri_keeps_path_and_filters() {
    let org = MockOrg::builder().default_count(60).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let path = "/api/v2/users/a%20b/roles/x/y";
    assert_eq!(client.get(path).await.status, 404);
    let path = "/api/v2/users/a%20b/queues?joined=true&divisionId=1&divisionId=%C3%A9";
    let page = client.get(path).await.json();
    let next = "/api/v2/users/a%20b/queues?pageSize=25&pageNumber=2\
                &joined=true&divisionId=1&divisionId=%C3%A9";
    assert_eq!(page["nextUri"], next);
}

#[tokio::test]
async fn filters_by_name() {
    let (_org, mut client) = queues(100).await;
    let path = "/api/v2/routing/queues?name=support*&pageSize=20&pageNumber=2";
    let page = client.get(path).await.json();
    assert_eq!((&page["total"], &page["pageCount"]), (&25.into(), &2.into()));
    let names: Vec<_> =
        page["entities"].as_array().expect("a list").iter().map(|queue| &queue["name"]).collect();
    let expected = ["0081", "0085", "0089", "0093", "0097"];
    assert_eq!(names, expected.map(|number| json!(format!("Support Queue {number}"))).each_ref());
    let page = client.get("/api/v2/routing/queues?name=Sales%20Queue%200002").await.json();
    assert_eq!(
        (&page["total"], &page["entities"][0]["name"]),
        (&1.into(), &"Sales Queue 0002".into())
    );
}

#[tokio::test]
async fn a_list_can_grow_while_it_is_read() {
    let (org, mut client) = queues(10).await;
    assert_eq!(envelope(&mut client, "").await["total"], 10);
    org.set_list("routing queues", 11).expect_err("no such operation");
    org.set_list("GET /api/v2/routing/queues", 11).expect("a list");
    assert_eq!(envelope(&mut client, "").await["total"], 11);
}

#[tokio::test]
async fn the_next_uri_of_an_unpaged_list_returns_the_same_list() {
    let org = MockOrg::builder().start().await.expect("an org");
    let mut client = Client::of(&org).await;
    org.set_list("GET /api/v2/oauth/clients", 70).expect("a list");
    let page = client.get("/api/v2/oauth/clients").await.json();
    assert_eq!(page["entities"].as_array().map(Vec::len), Some(70));
    let next = page["nextUri"].as_str().expect("a next page");
    assert_eq!(client.get(next).await.json()["entities"], page["entities"]);
}
