//! Lists with faults: nothing is lost, nothing is repeated, and nothing ends silently.

use std::time::Duration;

use futures::TryStreamExt as _;
use genesys_cloud::types::Queue;
use genesys_cloud::{End, Error, ErrorKind, Paginator};
use genesys_cloud_mock::{CannedResponse, MockOrg, PageOverride};
use serde_json::json;

use crate::{QUEUES, pages_requested, place, places, queues, repeating_nothing};

/// An org with 60 queues, and a list of them in pages of 25.
async fn three_pages() -> (MockOrg, Paginator<Queue>) {
    let (org, _) = queues(60).await;
    let queues = repeating_nothing(&org).routing().queues().paginate().page_size(25);
    (org, queues)
}

/// Reads up to the next error or the end.
async fn read_on(queues: &mut Paginator<Queue>) -> (Vec<u64>, Option<Error>) {
    let mut read = Vec::new();
    loop {
        match queues.try_next().await {
            Ok(Some(queue)) => read.push(place(&queue)),
            Ok(None) => return (read, None),
            Err(error) => return (read, Some(error)),
        }
    }
}

/// Sends this response for the second page.
async fn with_response_for_page_two(response: CannedResponse) -> (MockOrg, Paginator<Queue>) {
    let (org, mut queues) = three_pages().await;
    for _ in 0..25 {
        queues.try_next().await.expect("a page").expect("a queue");
    }
    org.respond_next(QUEUES, response).expect("an operation");
    (org, queues)
}

#[tokio::test]
async fn requests_the_same_page_again_after_an_error() {
    for response in [
        CannedResponse::error(503, "service.unavailable", "Service Unavailable"),
        CannedResponse { status: 502, headers: vec![], body: "<html>bad gateway</html>".into() },
        CannedResponse::error(403, "missing.permissions", "Missing a permission"),
        // Successful responses without a page.
        CannedResponse::json(202, &json!({})),
        CannedResponse { status: 200, headers: vec![], body: r#"{"entities":[{"id":"#.into() },
        CannedResponse::json(200, &json!({ "entities": [{ "memberCount": "many" }] })),
    ] {
        let (org, mut queues) = with_response_for_page_two(response.clone()).await;
        let (read, error) = read_on(&mut queues).await;
        assert!(read.is_empty() && error.is_some(), "{response:?}");
        let (read, error) = read_on(&mut queues).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(read, Vec::from_iter(26..=60), "{response:?}");
        assert_eq!(pages_requested(&org), [1, 2, 2, 3], "{response:?}");
        assert_eq!(queues.report().items, 60);
    }
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let (org, mut queues) = with_response_for_page_two(CannedResponse::rate_limited(42)).await;
    // The client does not wait, and sends nothing until then.
    for _ in 0..3 {
        let error = queues.try_next().await.expect_err("too many requests");
        assert!(error.is_rate_limited());
        let left = error.retry_after().expect("a time").as_secs();
        assert!((37..=42).contains(&left), "{left}");
        assert_eq!(error.code(), Some("too.many.requests.retry.after"));
        assert!(error.to_string().contains(&format!("call again in {left} s")), "{error}");
        assert_eq!(pages_requested(&org), [1, 2]);
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(43)).await;
    tokio::time::resume();
    let (read, error) = read_on(&mut queues).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(read, Vec::from_iter(26..=60));
    assert_eq!(pages_requested(&org), [1, 2, 2, 3]);
}

#[tokio::test]
async fn an_error_says_what_failed_and_why() {
    let body = json!({
        "message": "Unable to read the queues.",
        "code": "general.bad.request",
        "status": 400,
        "contextId": "b0d2",
        "details": [{ "errorCode": "invalid", "fieldName": "sortOrder" }],
        "errors": [{ "message": "first", "code": "one" }],
        "messageParams": { "limit": 3 },
    });
    let response = CannedResponse::json(400, &body).header("ININ-Correlation-Id", "c0ffee");
    let (_org, mut queues) = with_response_for_page_two(response).await;
    let error = queues.try_next().await.expect_err("a bad request");
    assert_eq!((error.status(), error.operation()), (Some(400), Some(QUEUES)));
    assert_eq!(error.correlation_id(), Some("c0ffee"));
    let body = error.body().expect("an error body");
    assert_eq!(body.details[0].field_name.as_deref(), Some("sortOrder"));
    assert_eq!(body.errors[0].code.as_deref(), Some("one"));
    assert_eq!(body.message_params["limit"], "3");
    assert_eq!(
        error.to_string(),
        "GET /api/v2/routing/queues (getRoutingQueues) failed: answered 400 Bad Request (general.bad.request): \
         Unable to read the queues (correlation id c0ffee)"
    );
}

#[tokio::test]
async fn a_wrong_page_is_an_error_and_ends_the_list() {
    let page = |number: u64| {
        let queue = json!({ "name": "Support Queue 0001" });
        PageOverride::json(json!({ "entities": [queue], "pageNumber": number, "pageCount": 3 }))
    };
    for (second, message) in [
        (page(1), "requested page 2, but the API returned page 1"),
        (page(3), "requested page 2, but the API returned page 3"),
        (page(2), "page 2 repeats the items of the previous page"),
    ] {
        let (org, mut queues) = three_pages().await;
        org.override_page(QUEUES, 1, page(1)).expect("a page");
        org.override_page(QUEUES, 2, second).expect("a page");
        let (read, error) = read_on(&mut queues).await;
        assert_eq!(read, [1]);
        let error = error.expect("the wrong page");
        assert!(
            error.kind() == ErrorKind::Paging && error.to_string().contains(message),
            "{error}"
        );
        assert_eq!(queues.report().end, Some(End::Contradiction));

        let (read, error) = read_on(&mut queues).await;
        assert!(read.is_empty() && error.is_none(), "the end stays");
        assert_eq!(pages_requested(&org), [1, 2]);
    }
}

#[tokio::test]
async fn counts_that_are_too_low_do_not_truncate_the_list() {
    let (org, mut queues) = three_pages().await;
    for number in 1..=3 {
        let lies = PageOverride::edit(|page| {
            page["pageCount"] = 1.into();
            page["total"] = 3.into();
        });
        org.override_page(QUEUES, number, lies).expect("a page");
    }
    assert_eq!(read_on(&mut queues).await.0, Vec::from_iter(1..=60));
}

#[tokio::test]
async fn a_short_page_is_not_the_end() {
    let (org, mut queues) = three_pages().await;
    let hidden = PageOverride::edit(|page| {
        page["entities"].as_array_mut().expect("a list").truncate(3);
    });
    org.override_page(QUEUES, 2, hidden).expect("a page");
    assert_eq!(read_on(&mut queues).await.0, Vec::from_iter((1..=28).chain(51..=60)));
}

#[tokio::test]
async fn reports_a_list_that_ends_before_its_count() {
    let (org, mut queues) = three_pages().await;
    org.override_page(QUEUES, 3, PageOverride::json(json!({ "entities": [] }))).expect("a page");
    let (read, error) = read_on(&mut queues).await;
    assert_eq!(read, Vec::from_iter(1..=50));
    assert!(error.is_none());
    assert_eq!(queues.report().end, Some(End::Shortfall));
    assert_eq!(queues.report().last_total, Some(60));
}

#[tokio::test]
async fn reads_a_growing_list_to_its_new_end() {
    let (org, mut queues) = three_pages().await;
    queues.try_next().await.expect("a page").expect("a queue");
    org.set_list(QUEUES, 80).expect("a list");
    assert_eq!(read_on(&mut queues).await.0, Vec::from_iter(2..=80));
    assert_eq!((queues.report().first_total, queues.report().last_total), (Some(60), Some(80)));
}

#[tokio::test]
async fn an_error_between_batches_loses_no_item() {
    let (org, _) = queues(60).await;
    let client = repeating_nothing(&org);
    let unavailable = CannedResponse::error(503, "service.unavailable", "Service Unavailable");
    let mut batches = client.routing().queues().paginate().page_size(25).batches(40);
    org.respond_next(QUEUES, unavailable).expect("an operation");
    batches.try_next().await.expect_err("unavailable");
    let batches: Vec<_> = batches.try_collect().await.expect("all queues");
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [40, 20]);
    assert_eq!(places(batches.iter().flatten()), Vec::from_iter(1..=60));
}
