//! Reading, changing and returning an entity; sending undocumented parameters.

use futures::TryStreamExt as _;
use genesys_cloud::types::{GetRoutingQueuesSortOrder, Queue, QueueRequest};
use genesys_cloud::{Error, List, OperationCall as _, Paged, Verdict};
use genesys_cloud_mock::CannedResponse;
use serde_json::{Value, json};

use crate::{QUEUES, only_request, org, queues};

#[tokio::test]
async fn an_entity_survives_read_change_and_write() {
    let (org, client) = org().await;
    let queue = json!({
        "id": "q",
        "name": "Support",
        "division": { "id": "d", "homeIn2027": true },
        "acwSettings": { "timeoutMs": 300_000, "fresh": { "a": [null] } },
        "routingRules": [{ "threshold": 1, "level": { "three": 12_345_678_901_234_567_890_u64 } }],
        "defaultScripts": { "CALL": { "id": "s", "new": "x" } },
        "scoringMethod": "A New Method",
        "newSince2027": { "a": 1.50 },
    });
    org.respond_next("getRoutingQueue", CannedResponse::json(200, &queue)).expect("an operation");
    let mut queue_now = client.routing().queue("q").await.expect("a queue").into_value();
    queue_now.name = Some("Sales".to_owned());
    let request = QueueRequest::from(queue_now);
    client.routing().put_queue("q", request).await.expect("a response");

    let [_, put] = org.requests().try_into().expect("two requests");
    assert_eq!((put.method.as_str(), put.path.as_str()), ("PUT", "/api/v2/routing/queues/q"));
    let mut expected = queue;
    expected["name"] = "Sales".into();
    assert_eq!(serde_json::from_slice::<Value>(&put.body).expect("JSON"), expected);
}

/// `null` and a missing field are equal: neither is sent back.
#[tokio::test]
async fn sends_null_only_on_request() {
    let (org, client) = org().await;
    let queue = json!({ "id": "q", "description": null, "queueFlow": null });
    org.respond_next("getRoutingQueue", CannedResponse::json(200, &queue)).expect("an operation");
    let queue = client.routing().queue("q").await.expect("a queue").into_value();
    let call = client.routing().put_queue("q", queue.into());
    call.set_null("/description").await.expect("a response");
    let [_, put] = org.requests().try_into().expect("two requests");
    assert_eq!(put.body, r#"{"id":"q","description":null}"#);
}

#[tokio::test]
async fn setters_accept_options() {
    let (org, client) = org().await;
    let (name, size, order) = (None::<&str>, Some(10_u32), Some("a new order"));
    let call = client.routing().queues().name(name).page_size(size).sort_order(order);
    call.name(Some(String::from("a"))).name(None::<String>).await.expect("a response");
    assert_eq!(only_request(&org).query, "pageSize=10&sortOrder=a%20new%20order");
    let call = client.routing().queues().sort_order(Some(GetRoutingQueuesSortOrder::Asc));
    assert_eq!(
        call.into_call().request().target().expect("a target"),
        "/api/v2/routing/queues?sortOrder=asc"
    );
    // Headers as well.
    let call = client.scim().user("u").if_none_match("1").if_none_match(None::<&str>);
    assert!(call.into_call().request().headers().is_empty());
}

#[tokio::test]
async fn a_list_sends_extra_headers_and_parameters_with_each_page() {
    let (org, client) = queues(30).await;
    let call = client.routing().queues().header("X-Trace", "t-1").query("new", "1").with(|it| {
        it.add_query("newer", 2);
    });
    let queues: Vec<Queue> = call.paginate().page_size(10).try_collect().await.expect("queues");
    assert_eq!(queues.len(), 30);
    let requests = org.requests_for(QUEUES);
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(request.header("x-trace"), Some("t-1"));
        assert!(request.query.starts_with("new=1&newer=2&"), "{}", request.query);
    }
}

/// Code that is generic over lists and calls.
async fn read<C: Paged>(call: C) -> Result<(usize, u64, Verdict), Error> {
    async fn whole<L: List + Unpin>(mut list: L) -> Result<(u64, Verdict), Error> {
        while list.try_next().await?.is_some() {}
        Ok((list.items_read(), list.verdict()))
    }

    let chunks = call.paginate().batches(7);
    let mut count = 0;
    let mut chunks = chunks.inspect_ok(|chunk| count += chunk.len());
    while chunks.try_next().await?.is_some() {}
    let (items, verdict) = whole(chunks.into_inner()).await?;
    Ok((count, items, verdict))
}

#[tokio::test]
async fn generic_code_can_read_lists() {
    let (_org, client) = queues(30).await;
    let read = read(client.routing().queues()).await.expect("queues");
    assert_eq!(read, (30, 30, Verdict::Complete));
}
