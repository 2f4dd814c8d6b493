//! After errors and dropped futures, no item is lost or repeated.

use futures::StreamExt as _;
use genesys_cloud_core::{
    End, ErrorKind, ListSpec, Method, Operation, Paginator, Request, Scheme, Verdict,
};

use crate::server::{Answer, Gate};
use crate::{Thing, Things, all, asked, client, end, page, script, things};

const FIRST: &str = r#","pageNumber":1,"pageCount":3"#;
const SECOND: &str = r#","pageNumber":2,"pageCount":3"#;
const THIRD: &str = r#","pageNumber":3,"pageCount":3"#;

#[tokio::test]
async fn requests_the_same_page_after_an_error() {
    let broken = r#"{"entities":[{"id":"3"},{"id":4}],"pageNumber":2,"pageCount":3}"#;
    let server = script([
        Answer::json(400, "{}"),
        page(1..=2, FIRST),
        Answer::json(404, "{}"),
        Answer::json(200, broken),
        Answer::new(200, ""),
        page(3..=4, SECOND),
        page(5..=5, THIRD),
    ])
    .await;
    let mut things = things(&server);
    let mut seen = Vec::new();
    while let Some(thing) = things.next().await {
        seen.push(match thing {
            Ok(thing) => thing.id.unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Decode => {
                assert!(error.to_string().contains("page 2: "), "{error}");
                "unreadable".to_owned()
            }
            Err(error) => format!("{:?}", error.status()),
        });
    }
    assert_eq!(
        seen,
        ["Some(400)", "1", "2", "Some(404)", "unreadable", "unreadable", "3", "4", "5"]
    );
    let numbers: Vec<String> = asked(&server)
        .iter()
        .map(|target| target.replace("pageSize=100&pageNumber=", ""))
        .collect();
    assert_eq!(numbers, ["1", "1", "2", "2", "2", "2", "3"]);
    let report = things.report();
    assert_eq!((report.requests, report.pages, report.items), (7, 3, 5));
}

#[tokio::test]
async fn a_202_is_not_a_page() {
    let server = script([
        page(1..=2, FIRST),
        Answer::json(202, r#"{"entities":[]}"#).header("ININ-Correlation-Id", "abc"),
        page(3..=4, SECOND),
        page(5..=5, THIRD),
    ])
    .await;
    let mut things = things(&server);
    for _ in 0..2 {
        things.next().await.expect("a thing").expect("no error");
    }
    let error = things.try_next().await.expect_err("no page");
    assert_eq!(error.kind(), ErrorKind::Paging, "{error:?}");
    assert!(error.to_string().contains("page 2 is not ready: the API answered 202"), "{error}");
    assert_eq!((error.status(), error.correlation_id()), (Some(202), Some("abc")));
    assert_eq!(end(&things), None);
    assert_eq!(all(&mut things).await, [3, 4, 5]);
}

#[tokio::test]
async fn the_error_for_a_202_names_the_job_in_its_location() {
    for (location, advice) in [
        ("/things/jobs/7?secret=x", "follow its job: GET /things/jobs/7 "),
        ("https://elsewhere.example/things/jobs/7?secret=x", "follow its job: GET /things/jobs/7 "),
        ("http://[", "request it again later"),
    ] {
        let accepted = Answer::json(202, r#"{"jobId":"7"}"#).header("location", location);
        let server = script([accepted.header("ININ-Correlation-Id", "abc")]).await;
        let error = things(&server).try_next().await.expect_err("no page").to_string();
        assert!(error.contains(advice) && !error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_dropped_future_loses_nothing_and_requests_nothing_twice() {
    let gate = Gate::new();
    let server =
        script([page(1..=2, FIRST), page(3..=4, SECOND).behind(&gate), page(5..=5, THIRD)]).await;
    let mut things = things(&server).max_pages(2);
    for _ in 0..2 {
        things.next().await.expect("a thing").expect("no error");
    }
    tokio::select! {
        thing = things.next() => panic!("{thing:?} came through a closed gate"),
        () = server.has_received(2) => {}
    }
    gate.open();
    assert_eq!(all(&mut things).await, [3, 4]);
    assert_eq!(asked(&server), ["pageSize=100&pageNumber=1", "pageSize=100&pageNumber=2"]);
}

#[tokio::test]
async fn a_dropped_future_of_a_batch_keeps_its_items() {
    let gate = Gate::new();
    let server =
        script([page(1..=2, FIRST), page(3..=4, SECOND).behind(&gate), page(5..=5, THIRD)]).await;
    let mut batches = things(&server).batches(5);
    tokio::select! {
        _ = batches.try_next() => panic!("a batch came through a closed gate"),
        () = server.has_received(2) => {}
    }
    gate.open();
    let batch = batches.try_next().await.expect("a batch").expect("no end");
    assert_eq!(crate::ids(batch), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn can_be_read_in_a_task() {
    let server = script([page(1..=2, r#","pageNumber":1,"pageCount":1"#)]).await;
    let mut things = Things::new(&client(&server)).things().paginate();
    let task = tokio::spawn(async move {
        let found = all(&mut things).await;
        (found, end(&things))
    });
    assert_eq!(task.await.expect("no panic"), (vec![1, 2], Some(End::LastPage)));
}

#[tokio::test]
async fn requests_the_same_token_after_a_broken_connection() {
    for prefetch in [0, 2] {
        let server = script([
            page(1..=2, r#","after":"a""#),
            page(3..=4, r#","after":"b""#).closing_at(1000),
            page(3..=4, r#","after":"b""#),
            page(5..=5, ""),
        ])
        .await;
        let request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
        let spec = ListSpec::new(Scheme::AfterField, "entities");
        let list = Paginator::<Thing>::from_request(&client(&server), request, spec);
        let mut things = list.prefetch(prefetch);
        let mut seen = Vec::new();
        while let Some(thing) = things.next().await {
            seen.push(match thing {
                Ok(thing) => thing.id.unwrap_or_default(),
                Err(error) => {
                    assert!(error.is_transport(), "{error}");
                    "broken".to_owned()
                }
            });
        }
        assert_eq!(seen, ["1", "2", "broken", "3", "4", "5"], "{prefetch}");
        assert_eq!(asked(&server), ["/things", "after=a", "after=a", "after=b"], "{prefetch}");
        assert_eq!(things.report().verdict(), Verdict::Complete);
    }
}
