use std::time::Duration;

use genesys_cloud_mock::{Call, CannedResponse, ConnectionFault, Fault, MockOrg, PageOverride};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::Client;

const QUEUES: &str = "getRoutingQueues";

async fn page(client: &mut Client, number: u64) -> Value {
    client.get(&format!("/api/v2/routing/queues?pageSize=10&pageNumber={number}")).await.json()
}

#[tokio::test]
async fn scripted_responses_come_first_and_in_order() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let odd = CannedResponse { status: 502, headers: vec![], body: "<html>".into() };
    org.respond_next(QUEUES, CannedResponse::rate_limited(42)).expect("an operation");
    org.respond_next(QUEUES, odd.header("inin-correlation-id", "mine")).expect("an operation");
    org.respond_next("getNothing", CannedResponse::empty(200)).expect_err("no such operation");

    let response = client.get("/api/v2/routing/queues").await;
    assert_eq!((response.status, response.header("retry-after")), (429, "42"));
    assert_eq!(
        response.json()["message"],
        "Rate limit exceeded the maximum. Retry the request in [42] seconds"
    );
    assert_eq!(response.json()["contextId"], response.header("inin-correlation-id"));
    assert_eq!(client.get("/api/v2/users/me").await.status, 200);
    let response = client.get("/api/v2/routing/queues").await;
    assert_eq!((response.status, &response.bytes[..]), (502, &b"<html>"[..]));
    assert_eq!(response.header("inin-correlation-id"), "mine");
    assert_eq!(client.get("/api/v2/routing/queues").await.status, 200);
}

#[tokio::test]
async fn a_scripted_response_that_is_not_http_is_a_500() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    org.respond_next(QUEUES, CannedResponse::empty(200).header("a b", "")).expect("an operation");
    let response = client.get("/api/v2/routing/queues").await;
    assert_eq!((response.status, response.bytes.starts_with(b"canned response: ")), (500, true));
}

#[tokio::test]
async fn a_page_can_be_repeated_edited_or_replaced() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let empty = PageOverride::edit(|page| page["entities"] = json!([]));
    let short = PageOverride::edit(|page| {
        page["entities"].as_array_mut().expect("a list").truncate(4);
        page["pageCount"] = 99.into();
    });
    org.override_page(QUEUES, 3, PageOverride::same_as(2)).expect("a paged list");
    org.override_page(QUEUES, 4, empty).expect("a paged list");
    org.override_page(QUEUES, 5, short).expect("a paged list");
    org.override_page(QUEUES, 6, PageOverride::json(json!({}))).expect("a paged list");

    assert_eq!(page(&mut client, 3).await, page(&mut client, 2).await);
    let fourth = page(&mut client, 4).await;
    assert_eq!((&fourth["entities"], &fourth["total"]), (&json!([]), &100.into()));
    let fifth = page(&mut client, 5).await;
    assert_eq!(fifth["entities"].as_array().map(Vec::len), Some(4));
    assert_eq!(fifth["pageCount"], 99);
    assert_eq!(page(&mut client, 6).await, json!({}));
    org.reset();
    assert_eq!(page(&mut client, 6).await["pageNumber"], 6);
}

#[tokio::test]
async fn only_lists_with_page_numbers_support_overrides() {
    let org = MockOrg::start().await.expect("an org");
    let error = org.override_page("getUsersMe", 1, PageOverride::same_as(2)).expect_err("no list");
    assert_eq!(error.to_string(), "getUsersMe does not page by PageNumber");
    let error = MockOrg::builder().list("getUsersMe", 3).start().await.expect_err("no list");
    assert_eq!(error.to_string(), "getUsersMe does not return a list");
}

struct Stamp;

impl Fault for Stamp {
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        (call.request.method == "PUT").then(|| CannedResponse::empty(503))
    }

    fn after(&self, call: &Call<'_>, response: CannedResponse) -> CannedResponse {
        response.header("x-operation", &call.operation.id)
    }
}

#[tokio::test]
async fn a_fault_can_replace_or_change_the_response() {
    let org = MockOrg::builder().fault(Stamp).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let response = client.get("/api/v2/routing/queues").await;
    assert_eq!((response.status, response.header("x-operation")), (200, QUEUES));
    assert_eq!(client.send("PUT", "/api/v2/routing/queues/1", "{}".into()).await.status, 503);
}

#[tokio::test]
async fn a_connection_can_end_before_or_within_a_response() {
    let org = MockOrg::start().await.expect("an org");
    let path = "/api/v2/routing/queues";
    let whole = Client::of(&org).await.get(path).await.bytes.len();

    org.cut_next(QUEUES, ConnectionFault::CutInBody).expect("an operation");
    let partial = read_all(&org, path).await.expect("what was sent before the end");
    assert!(partial.starts_with("HTTP/1.1 200 OK"), "{partial}");
    assert!(partial.contains(&format!("content-length: {whole}\r\n")), "{partial}");
    let body = partial.split_once("\r\n\r\n").expect("a head").1;
    assert_eq!(body.len(), whole / 2);

    org.cut_next(QUEUES, ConnectionFault::CutBeforeResponse).expect("an operation");
    let error = read_all(&org, path).await.expect_err("no response");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(Client::of(&org).await.get(path).await.status, 200);
    assert_eq!(org.requests_for(QUEUES).len(), 4);
}

/// Writes get no response.
struct NoWrites;

impl Fault for NoWrites {
    fn connection(&self, call: &Call<'_>) -> Option<ConnectionFault> {
        (call.request.method == "PUT").then_some(ConnectionFault::CutBeforeResponse)
    }
}

#[tokio::test]
async fn a_fault_can_cut_connections() {
    let org = MockOrg::builder().fault(NoWrites).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    assert_eq!(client.get("/api/v2/routing/queues").await.status, 200);
    let response = client.try_send("PUT", "/api/v2/routing/queues/1", "{}".into()).await;
    assert!(response.is_none());
}

/// Everything received over the connection for one request.
async fn read_all(org: &MockOrg, path: &str) -> std::io::Result<String> {
    let url = org.url();
    let address = url.strip_prefix("http://").expect("a URL of plain HTTP");
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let token = org.access_token();
    let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response)
}

#[tokio::test(start_paused = true)]
async fn every_response_is_delayed_by_the_latency() {
    let latency = Duration::from_millis(250);
    let org = MockOrg::builder().latency(latency).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let start = tokio::time::Instant::now();
    client.get("/api/v2/users/me").await;
    assert!(start.elapsed() >= latency);
}

#[tokio::test]
async fn records_the_requests() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    client.get("/api/v2/routing/queues?name=a%20b").await;
    client.token = None;
    client.post("/api/v2/routing/queues", &json!({ "name": "Mine" })).await;
    client.get("/nowhere").await;

    let requests = org.requests();
    assert_eq!((requests.len(), org.request_count()), (3, 3));
    let (first, second) = (&requests[0], &requests[1]);
    assert_eq!(
        (first.path.as_str(), first.query.as_str()),
        ("/api/v2/routing/queues", "name=a%20b")
    );
    assert_eq!((first.operation.as_deref(), first.bearer), (Some(QUEUES), true));
    assert_eq!((second.method.as_str(), second.bearer), ("POST", false));
    assert_eq!(&second.body[..], br#"{"name":"Mine"}"#);
    assert_eq!(second.header("content-type"), Some("application/json"));
    assert!(first.header("authorization").is_none());
    assert_eq!(requests[2].operation, None);
    assert_eq!(org.requests_for(QUEUES).len(), 1);

    org.reset();
    assert_eq!((org.requests(), org.request_count()), (vec![], 0));
}

#[tokio::test]
async fn shutdown_closes_the_port() {
    let org = MockOrg::start().await.expect("an org");
    let address = org.url().trim_start_matches("http://").to_owned();
    org.shutdown().await;
    tokio::net::TcpStream::connect(address).await.expect_err("no one listens");
}
