//! Errors from responses and network faults, and their messages.

use std::time::Duration;

use genesys_cloud_core::{Client, Error, ErrorKind, Method, Operation, Request};

use crate::server::{Answer, Server};
use crate::{queues, with_token};

async fn error_for(answer: impl Fn() -> Answer + Send + 'static) -> Error {
    let server = Server::start(move |_| answer()).await;
    let client = with_token(&server).build().expect("a client");
    client.execute(&queues()).await.expect_err("an error")
}

#[test]
fn an_error_is_small_and_can_cross_threads() {
    fn crosses<T: std::error::Error + Send + Sync + 'static>() {}
    crosses::<Error>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[tokio::test]
async fn an_error_body_is_parsed() {
    let error = error_for(|| {
        Answer::json(
            400,
            r#"{
                "message": "The request could not be understood.", "code": "bad.request",
                "status": 400, "contextId": "from-the-body", "messageWithParams": "The {what}.",
                "messageParams": {"what": "request", "n": 2}, "entityId": null,
                "details": [{"errorCode": "too.long", "fieldName": "name", "entityName": null}, 7],
                "errors": [{"code": "inner", "errors": [{"code": "innermost"}]}, null],
                "limit": {"namespace": "routing", "key": "queues.max", "value": 5}
            }"#,
        )
        .header("inin-correlation-id", "from-the-head")
    })
    .await;
    assert_eq!(
        error.to_string(),
        "GET /api/v2/routing/queues (getRoutingQueues) failed: answered 400 Bad Request \
         (bad.request): The request could not be understood (correlation id from-the-head)"
    );
    assert_eq!((error.status(), error.code()), (Some(400), Some("bad.request")));
    assert_eq!(error.correlation_id(), Some("from-the-head"));
    let body = error.body().expect("a body");
    assert_eq!((body.status, body.context_id.as_deref()), (Some(400), Some("from-the-body")));
    assert_eq!(body.message_with_params.as_deref(), Some("The {what}."));
    assert_eq!((&*body.message_params["what"], &*body.message_params["n"]), ("request", "2"));
    assert_eq!(body.entity_id, None);
    assert_eq!(body.details.len(), 1);
    assert_eq!(body.details[0].error_code.as_deref(), Some("too.long"));
    assert_eq!(body.details[0].field_name.as_deref(), Some("name"));
    assert_eq!(body.errors.len(), 1);
    assert_eq!(body.errors[0].errors[0].code.as_deref(), Some("innermost"));
    let limit = body.limit.as_ref().expect("a limit");
    assert_eq!(
        (limit.namespace.as_deref(), limit.key.as_deref()),
        (Some("routing"), Some("queues.max"))
    );
    assert_eq!(limit.value.as_deref(), Some("5"));
}

#[tokio::test]
async fn a_field_of_an_unexpected_type_is_skipped() {
    let error = error_for(|| {
        Answer::json(
            404,
            r#"{"message": ["?"], "code": "not.found", "status": "404", "contextId": "abc",
                "messageParams": [], "details": {}, "errors": "none", "limit": 5}"#,
        )
    })
    .await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!((error.code(), error.correlation_id()), (Some("not.found"), Some("abc")));
    let body = error.body().expect("a body");
    assert_eq!((body.message.as_deref(), body.status), (None, Some(404)));
    assert!(body.details.is_empty() && body.errors.is_empty() && body.limit.is_none());
}

#[tokio::test]
async fn a_nested_message_is_used_if_there_is_no_other() {
    let error = error_for(|| {
        Answer::json(409, r#"{"message": null, "errors": [{}, {"message": "version 3 is newer"}]}"#)
    })
    .await;
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().ends_with("answered 409 Conflict: version 3 is newer"), "{error}");
}

#[tokio::test]
async fn an_error_that_is_not_json_keeps_headers_and_an_excerpt() {
    let error = error_for(|| {
        let page = format!("<html>\n  <h1>502 Bad   Gateway</h1>{}</html>", "x".repeat(1000));
        Answer::new(502, page).header("retry-after", "7").header("inin-correlation-id", "abc")
    })
    .await;
    assert!(error.kind() == ErrorKind::Server && !error.is_transport());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.correlation_id(), Some("abc"));
    assert!(error.body().is_none());
    let text = error.to_string();
    assert!(
        text.contains("answered 502 Bad Gateway: <html> <h1>502 Bad Gateway</h1>xxx"),
        "{text}"
    );
    assert!(text.len() < 450, "{text}");
}

#[tokio::test]
async fn an_error_without_body_keeps_its_status() {
    let error = error_for(|| Answer::new(504, "")).await;
    assert!(error.kind() == ErrorKind::Server && !error.is_timeout());
    assert!(
        error.to_string().contains("failed: answered 504 Gateway Timeout; the server failed"),
        "{error}"
    );
}

#[tokio::test]
async fn an_error_with_a_truncated_body_keeps_its_status() {
    let error = error_for(|| Answer::new(500, "partial").closing_at(100)).await;
    assert!(error.kind() == ErrorKind::Server && !error.is_transport());
    assert!(error.to_string().contains("answered 500 Internal Server Error: partial"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_error_with_a_stalled_body_keeps_its_status_and_ends_soon() {
    let server = Server::start(|_| Answer::new(500, "partial").stalling_at(100)).await;
    let began = tokio::time::Instant::now();
    let client = with_token(&server).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("an error");
    assert!(error.kind() == ErrorKind::Server && !error.is_transport());
    assert!(error.to_string().contains("answered 500 Internal Server Error: partial"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

    // A shorter timeout does not hide the status.
    let client = with_token(&server).timeout(Duration::from_secs(1)).build().expect("a client");
    let began = tokio::time::Instant::now();
    let error = client.execute(&queues()).await.expect_err("an error");
    assert!(error.kind() == ErrorKind::Server && !error.is_timeout());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_403_from_a_gateway_is_not_a_missing_permission() {
    for (body, is_forbidden) in [
        (r#"{"code":"missing.permission","message":"Missing routing:queue:view"}"#, true),
        ("{}", true),
        ("", false),
        ("<html>Request blocked</html>", false),
        ("Forbidden", false),
    ] {
        let error = error_for(move || Answer::new(403, body)).await;
        assert_eq!(error.kind() == ErrorKind::Forbidden, is_forbidden, "{body}");
        let text = error.to_string();
        assert_eq!(text.contains("a role with the required permission"), is_forbidden, "{text}");
        assert_eq!(text.contains("a firewall, proxy or CDN"), !is_forbidden, "{text}");
        assert!(!error.is_transient() && error.kind() != ErrorKind::Authentication, "{text}");
    }
}

#[tokio::test]
async fn a_url_that_is_too_long_is_not_sent() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    let client = with_token(&server).max_retries(5).build().expect("a client");
    let with = |length| {
        let mut request = queues();
        request.set_query("name", "a").set_query("cursor", "x".repeat(length));
        request
    };
    client.execute(&with(16_000)).await.expect("a response");
    for length in [17_000, 70_000] {
        let error = client.execute(&with(length)).await.expect_err("too long");
        assert!(error.kind() == ErrorKind::InvalidRequest && !error.is_transient());
        assert_eq!(error.attempts(), 0);
        let expected = format!("{length} of `cursor`; the maximum is 16384");
        assert!(error.to_string().contains(&expected), "{error}");
    }
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_url_that_the_server_rejects_as_too_long_gets_advice() {
    for status in [414, 431] {
        let error = error_for(move || Answer::new(status, "<html>")).await;
        assert_eq!((error.status(), error.attempts()), (Some(status), 1));
        assert!(error.to_string().contains("too long: pass fewer or shorter"), "{error}");
    }
}

#[tokio::test]
async fn a_path_with_a_query_is_sent_with_one_question_mark() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    let client = with_token(&server).build().expect("a client");
    let mut request = Request::new(Operation::from_static("get", Method::Get, "/things?kind=a"));
    request.add_query("name", "b").add_query("n", "?");
    client.execute(&request).await.expect("a response");
    assert_eq!(server.received()[0].target, "/things?kind=a&name=b&n=%3F");
}

#[tokio::test]
async fn a_truncated_response_is_an_error() {
    let error = error_for(|| Answer::new(200, "partial").closing_at(100)).await;
    assert!(error.is_transport() && !error.is_timeout() && error.kind() != ErrorKind::Connect);
    assert_eq!(error.status(), Some(200));
    assert!(error.to_string().contains("the response (200 OK) was cut off"), "{error}");
    assert!(!format!("{error:#}").contains("partial"), "{error:#}");
}

#[tokio::test]
async fn a_rate_limit_error_says_how_long_to_wait() {
    let error = error_for(|| {
        Answer::json(
            429,
            r#"{"message":"Rate limit exceeded the maximum. Retry the request in [42] seconds",
                "code":"too.many.requests.retry.after","status":429,"contextId":"abc"}"#,
        )
        .header("retry-after", "42")
    })
    .await;
    assert!(error.is_rate_limited() && error.kind() != ErrorKind::Authentication);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(42)));
    assert!(error.to_string().ends_with("; call again in 42 s (correlation id abc)"), "{error}");
}

#[tokio::test]
async fn retry_after_is_seconds_or_a_date_on_the_servers_clock() {
    let date = "Wed, 21 Oct 2015 07:28:00 GMT";
    for (retry_after, expected) in [
        ("0", Some(0)),
        (" 86400 ", Some(86_400)),
        ("Wed, 21 Oct 2015 07:29:30 GMT", Some(90)),
        ("Wed, 21 Oct 2015 07:27:00 GMT", Some(0)),
        ("-5", None),
        ("soon", None),
        ("", None),
    ] {
        let answer =
            move || Answer::new(429, "").header("date", date).header("retry-after", retry_after);
        let error = error_for(answer).await;
        assert_eq!(error.retry_after(), expected.map(Duration::from_secs), "{retry_after:?}");
    }
}

#[tokio::test]
async fn a_missing_permission_gets_advice() {
    let error = error_for(|| {
        Answer::json(403, r#"{"code":"missing.permission","message":"Missing routing:queue:view"}"#)
    })
    .await;
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("a role with the required permission"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(|_| Answer::new(200, "")).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/api/v2/routing/queues", elsewhere.url());
        let answer = move || Answer::new(status, "").header("location", location.clone());
        let error = error_for(answer).await;
        assert_eq!(error.status(), Some(status));
        assert!(error.to_string().contains("redirects are not followed"), "{error}");
    }
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn a_path_to_another_host_is_not_sent() {
    let elsewhere = Server::start(|_| Answer::new(200, "")).await;
    let server = Server::start(|_| Answer::new(200, "")).await;
    let host = elsewhere.url().trim_start_matches("http://");
    let client = with_token(&server).build().expect("a client");
    for path in [format!("@{host}/"), format!(":x@{host}/"), elsewhere.url().to_owned()] {
        let request = Request::new(Operation::new("getElsewhere", Method::Get, path));
        let error = client.execute(&request).await.expect_err("not sent");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    }
    assert!(elsewhere.received().is_empty() && server.received().is_empty());
}

#[tokio::test]
async fn an_invalid_request_is_not_sent() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    let client = with_token(&server).build().expect("a client");
    let queue =
        Operation::from_static("getRoutingQueue", Method::Get, "/api/v2/routing/queues/{queueId}");
    type Change = fn(&mut Request) -> &mut Request;
    let cases: [(Change, &str); 12] = [
        (|it| it, "path parameter `queueId` is not set"),
        (|it| it.set_path("queueId", ""), "path parameter `queueId` must not be \"\""),
        (|it| it.set_path("queueId", "."), "path parameter `queueId` must not be \".\""),
        (|it| it.set_path("queueId", ".."), "path parameter `queueId` must not be \"..\""),
        (|it| it.set_header("authorization", "Basic x"), "header `authorization` is set by"),
        (|it| it.set_header("Host", "x"), "header `host` is set by the client"),
        (|it| it.set_header("content-length", "5"), "header `content-length` is set by"),
        (|it| it.set_header("a b", "c"), "header `a b` has a character that HTTP"),
        (|it| it.set_header("x-note", "line\r\nbreak"), "header `x-note` has a character"),
        (
            |it| it.set_null("/manager"),
            "can't set `/manager` of the body to null: the request has no body",
        ),
        (
            |it| it.set_body(&[1]).set_null("/0"),
            "can't set `/0` of the body to null: `` is not an object",
        ),
        (
            |it| it.set_body(&std::collections::HashMap::from([((1, 2), 3)])),
            "the body can't be written as JSON",
        ),
    ];
    for (change, expected) in cases {
        let mut request = Request::new(queue.clone());
        change(&mut request);
        if !expected.contains("queueId") {
            request.set_path("queueId", "id");
        }
        let error = client.execute(&request).await.expect_err(expected);
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        let start = "GET /api/v2/routing/queues/{queueId} (getRoutingQueue) was not sent: ";
        assert!(error.to_string().starts_with(&format!("{start}{expected}")), "{error}");
        assert!(!error.to_string().contains("break"), "a header value may be secret: {error}");
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_call_that_exceeds_the_timeout_ends() {
    let server = Server::start(|_| Answer::new(200, "").stalling_at(1)).await;
    let client = with_token(&server).timeout(Duration::from_millis(50)).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("no response");
    assert!(error.is_timeout() && error.is_transport() && error.kind() != ErrorKind::Connect);
    assert!(error.to_string().contains("no complete response within 50ms"), "{error}");
}

#[tokio::test]
async fn a_stalled_body_ends_the_call() {
    let server = Server::start(|_| Answer::new(200, "partial").stalling_at(100)).await;
    let client = with_token(&server).read_timeout(Duration::from_millis(200)).build();
    let error = client.expect("a client").execute(&queues()).await.expect_err("no response");
    assert!(error.is_timeout() && error.kind() != ErrorKind::Connect, "{error}");
    assert!(
        !error.to_string().contains("no complete response"),
        "not the timeout of the call: {error}"
    );
    assert!(!error.to_string().contains("partial"), "{error}");
}

#[tokio::test]
async fn an_unreachable_host_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let client = Client::builder().api_url(&url).access_token("token").max_retries(0).build();
    let client = client.expect("a client");
    let mut request = queues();
    request.set_query("name", "Jane Doe");
    let error = client.execute(&request).await.expect_err("no server");
    assert!(error.kind() == ErrorKind::Connect && !error.is_timeout());
    assert_eq!(error.status(), None);
    let host = url.trim_start_matches("http://");
    assert!(error.to_string().contains(&format!("could not connect to {host}; ")), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    assert!(!format!("{error:?}").contains("Jane"), "query values are not shown: {error:?}");
}
