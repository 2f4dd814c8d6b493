//! Responses that exceed a limit of the client.

use genesys_cloud_core::{Error, ErrorKind, ListSpec, Paginator, Scheme};
use serde_json::Value;

use crate::server::{Answer, Server};
use crate::{queues, with_token};

/// Reads the first item of a list from this response.
async fn first(body: &str, most: usize) -> Result<Option<Value>, Error> {
    let body = body.to_owned();
    let server = Server::start(move |_| Answer::json(200, &body)).await;
    let client = with_token(&server).max_page_items(most).build().expect("a client");
    let listing = ListSpec::new(Scheme::UnpagedEntities, "entities");
    Paginator::from_request(&client, queues(), listing).try_next().await
}

#[tokio::test]
async fn rejects_a_page_with_too_many_items() {
    let body = r#"{"entities":[1,2,3]}"#;
    assert_eq!(first(body, 3).await.expect("a page"), Some(1.into()));
    let error = first(body, 2).await.expect_err("too many");
    assert!(
        error.kind() == ErrorKind::TooLarge
            && error.kind() != ErrorKind::Decode
            && !error.is_transport()
    );
    let text = error.to_string();
    assert!(text.contains("page 1: the list has more than 2 items"), "{text}");
    assert!(text.contains("raise the client's `max_page_items`"), "{text}");
}

#[tokio::test]
async fn rejects_values_that_are_nested_too_deeply() {
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let error = first(&format!(r#"{{"entities":[{deep}]}}"#), 2).await.expect_err("too deep");
    assert_eq!(error.kind(), ErrorKind::Decode);
    let text = error.to_string();
    assert!(text.contains("page 1: recursion limit exceeded"), "{text}");
    assert!(text.contains("the limit is 127 levels"), "{text}");

    // Deep values that are not decoded do no harm, neither do those of an error.
    let beside = format!(r#"{{"entities":["a"],"other":{deep}}}"#);
    assert_eq!(first(&beside, 2).await.expect("a page"), Some("a".into()));
    let server = Server::start(move |_| Answer::json(400, &deep)).await;
    let client = with_token(&server).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("a refusal");
    assert_eq!((error.status(), error.body()), (Some(400), None));
}

#[tokio::test]
async fn rejects_headers_without_end() {
    for (count, length) in [(1, 2 << 20), (1_000, 10), (300, 4 << 10)] {
        let server = Server::start(move |_| {
            let answer = Answer::json(200, "{}");
            (0..count).fold(answer, |answer, _| answer.header("x-filler", "x".repeat(length)))
        })
        .await;
        let client = with_token(&server).build().expect("a client");
        let error = client.execute(&queues()).await.expect_err("too many headers");
        assert!(error.is_transport() && error.kind() != ErrorKind::Connect, "{error}");
    }
}
