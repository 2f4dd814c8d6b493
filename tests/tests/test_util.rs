//! The tools for unit tests of users: responses, errors, pages and lists without an API.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::test_util::{self, ResponseTemplate};
use genesys_cloud::types::Queue;
use genesys_cloud::{Client, Error, Paginator, Reason, Response, Verdict};
use serde_json::{Value, json};

fn queue(name: &str) -> Queue {
    Queue { id: Some(name.to_owned()), name: Some(name.to_owned()), ..Default::default() }
}

async fn names(queues: &mut Paginator<Queue>) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    while let Some(queue) = queues.try_next().await? {
        names.extend(queue.name);
    }
    Ok(names)
}

#[test]
fn an_error_equals_that_of_a_call_with_the_same_response() {
    let body = json!({
        "message": "Queue 1 not found", "code": "not.found", "status": 404, "contextId": "c-1",
    });
    let error = ResponseTemplate::new(404).set_body_json(body).into_error("getRoutingQueue");
    assert_eq!((error.status(), error.operation()), (Some(404), Some("getRoutingQueue")));
    assert_eq!(error.body().and_then(|body| body.code.as_deref()), Some("not.found"));
    assert_eq!(error.correlation_id(), Some("c-1"));
    assert_eq!(error.attempts(), 1);

    let busy = ResponseTemplate::new(429).insert_header("retry-after", "7").into_error("x");
    assert!(busy.is_rate_limited());
    assert_eq!(busy.retry_after(), Some(Duration::from_secs(7)));

    let gateway =
        ResponseTemplate::new(502).set_body_string("<h1>Bad gateway</h1>").into_error("x");
    assert!(gateway.body().is_none() && gateway.to_string().contains("Bad gateway"), "{gateway}");
}

#[test]
fn a_response_is_read_like_that_of_the_api() {
    let template = ResponseTemplate::new(201).insert_header("ININ-Correlation-Id", "c-2");
    let response: Response<Queue> =
        template.clone().set_body_json(json!({"name": "Sales"})).into_response("x").unwrap();
    assert_eq!((response.status(), response.correlation_id()), (201, Some("c-2")));
    assert_eq!(response.into_value().name.as_deref(), Some("Sales"));

    let error = template.set_body_string("no JSON").into_response::<Queue>("x").unwrap_err();
    assert_eq!(error.status(), Some(201));
    assert_eq!(Response::new(7).map(|number| number + 1).into_value(), 8);
}

#[tokio::test]
async fn a_list_of_items_has_the_report_of_a_list() {
    let mut queues = Paginator::from_items([queue("a"), queue("b"), queue("c")]);
    assert_eq!(names(&mut queues).await.unwrap(), ["a", "b", "c"]);
    let report = queues.report();
    assert_eq!((report.items, report.pages, report.verdict()), (3, 1, Verdict::Complete));

    let mut none = Paginator::from_items(Vec::<Queue>::new());
    assert_eq!(names(&mut none).await.unwrap(), [""; 0]);
    assert_eq!(none.report().verdict(), Verdict::Complete);

    let mut two = Paginator::from_items([queue("a"), queue("b"), queue("c")]).limit(2);
    assert_eq!(names(&mut two).await.unwrap(), ["a", "b"]);
    assert_eq!(two.report().verdict(), Verdict::Truncated(Reason::Limit));
}

#[tokio::test]
async fn a_list_can_have_any_verdict_at_its_end() {
    let moved = Verdict::Drifted(Reason::Moved);
    let pages = [Ok(vec![queue("a")]), Ok(vec![queue("b")])];
    let mut queues = Paginator::from_pages(pages).with_verdict(moved);
    queues.try_next().await.unwrap();
    assert_eq!(queues.report().verdict(), Verdict::Unknown(Reason::Unfinished));
    names(&mut queues).await.unwrap();
    assert_eq!((queues.report().verdict(), queues.report().items), (moved, 2));
}

#[tokio::test]
async fn errors_occur_once_at_their_position_and_lose_nothing() {
    for prefetch in [0, 3] {
        let failure = |status| Err(ResponseTemplate::new(status).into_error("getRoutingQueues"));
        let pages = [
            failure(503),
            Ok(vec![queue("a"), queue("b")]),
            failure(502),
            failure(403),
            Ok(vec![]),
            Ok(vec![queue("c")]),
            failure(500),
        ];
        let mut queues = Paginator::from_pages(pages).prefetch(prefetch);
        let mut seen = Vec::new();
        for _ in 0..20 {
            match queues.try_next().await {
                Ok(Some(queue)) => seen.push(queue.name.unwrap()),
                Ok(None) => break,
                Err(error) => seen.push(error.status().unwrap().to_string()),
            }
        }
        assert_eq!(seen, ["503", "a", "b", "502", "403", "c", "500"], "prefetch {prefetch}");
        assert_eq!(queues.report().verdict(), Verdict::Complete);
    }
}

#[tokio::test]
async fn a_list_of_pages_resumes_and_drops_duplicates() {
    let pages = || [Ok(vec![queue("a"), queue("b")]), Ok(vec![queue("b"), queue("c")])];
    let mut queues = Paginator::from_pages(pages());
    for _ in 0..3 {
        queues.try_next().await.unwrap();
    }
    let checkpoint = queues.checkpoint();
    let mut queues = Paginator::from_pages(pages()).resume(&checkpoint);
    assert_eq!(names(&mut queues).await.unwrap(), ["c"]);

    let mut queues = Paginator::from_pages(pages()).dedupe_by("id");
    assert_eq!(names(&mut queues).await.unwrap(), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_client_with_a_responder_sends_nothing() {
    let client = test_util::client(|request| {
        Ok(match (request.operation().id(), request.query("pageNumber")) {
            ("getRoutingQueue", _) => ResponseTemplate::new(404),
            ("getRoutingQueues", None | Some("1")) => ResponseTemplate::new(200).set_body_json(
                json!({"entities": [{"name": "a"}], "pageNumber": 1, "pageCount": 2}),
            ),
            ("getRoutingQueues", _) => ResponseTemplate::new(200).set_body_json(
                json!({"entities": [{"name": "b"}], "pageNumber": 2, "pageCount": 2}),
            ),
            ("postRoutingQueues", _) => {
                let sent: Value = serde_json::from_slice(request.body().unwrap()).unwrap();
                assert_eq!(sent["name"], "c");
                return Err(ResponseTemplate::new(409).into_error("postRoutingQueues"));
            }
            (other, _) => panic!("unexpected request: {other}"),
        })
    });
    let missing = client.routing().queue("1").send().await.unwrap_err();
    assert_eq!((missing.status(), missing.operation()), (Some(404), Some("getRoutingQueue")));
    assert_eq!(names(&mut client.routing().queues().paginate()).await.unwrap(), ["a", "b"]);
    let body = genesys_cloud::types::CreateQueueRequest {
        name: Some("c".to_owned()),
        ..Default::default()
    };
    let conflict = client.routing().post_queues(body).send().await.unwrap_err();
    assert_eq!(conflict.status(), Some(409));
    // An invalid setter is reported as by any client.
    let invalid = client.routing().queue("").send().await.unwrap_err();
    assert_eq!(invalid.status(), None, "{invalid}");
}

#[tokio::test]
async fn a_client_of_a_fake_org_logs_in() {
    let org = MockOrg::builder().list("getRoutingQueues", 3).start().await.unwrap();
    let client = Client::of(&org);
    assert_eq!(names(&mut client.routing().queues().paginate()).await.unwrap().len(), 3);
    assert_eq!(org.logins(), 1);
}
