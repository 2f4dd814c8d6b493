//! When and how often the client logs in, and errors of logins.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use genesys_cloud_core::{Client, ErrorKind, Method, Operation, Request};

use crate::server::{Answer, Gate, Received, Server};
use crate::{SECRET, logging_in, queues, with_token};

/// Answers logins with the tokens `token-1`, `token-2` and so on, valid for `expires_in` seconds, and calls with `call`,
/// which gets the number of their token.
async fn server(
    expires_in: u64,
    mut call: impl FnMut(&Received, u32) -> Answer + Send + 'static,
) -> Server {
    let mut logins = 0;
    Server::start(move |request| {
        if request.is_login() {
            logins += 1;
            return Answer::token(&format!("token-{logins}"), expires_in);
        }
        let token = request.header("authorization").and_then(|it| it.strip_prefix("Bearer token-"));
        call(request, token.expect("a token").parse().expect("a number"))
    })
    .await
}

fn unauthorized() -> Answer {
    Answer::json(401, r#"{"message":"Invalid token.","code":"bad.credentials"}"#)
}

#[tokio::test]
async fn one_login_serves_all_clones() {
    let server = server(86_400, |_, _| Answer::new(200, "")).await;
    let client = logging_in(&server).build().expect("a client");
    let calls = join_all((0..20).map(|_| {
        let client = client.clone();
        async move { client.execute(&queues()).await }
    }));
    assert!(calls.await.iter().all(Result::is_ok));

    assert_eq!(server.logins(), 1);
    let received = server.received();
    let login = &received[0];
    assert_eq!(
        (login.method.as_str(), login.body.as_str()),
        ("POST", "grant_type=client_credentials")
    );
    assert_eq!(login.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(
        login.header("authorization"),
        Some("Basic dGhlLWNsaWVudC1pZDpodW50ZXIyLXRoZS1jbGllbnQtc2VjcmV0")
    );
    assert_eq!(received[1].header("authorization"), Some("Bearer token-1"));
}

/// Makes calls until one has this token: a renewal ends some time after its response was sent.
async fn call_until(client: &Client, server: &Server, token: &str) {
    loop {
        client.execute(&queues()).await.expect("a response");
        let received = server.received();
        let last = received.iter().rfind(|request| !request.is_login()).expect("a call");
        if last.header("authorization") == Some(token) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// The tokens of the calls so far.
fn tokens(server: &Server) -> Vec<String> {
    let received = server.received();
    let calls = received.iter().filter(|request| !request.is_login());
    calls.filter_map(|it| it.header("authorization").map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_token_is_renewed_in_the_background_before_it_expires() {
    // During the last tenth of its lifetime, but at most five minutes.
    for (lifetime, renewed_from) in [(300, 270), (86_400, 86_400 - 300)] {
        let server = server(lifetime, |_, _| Answer::new(200, "")).await;
        let client = logging_in(&server).build().expect("a client");
        client.execute(&queues()).await.expect("a response");
        advance(renewed_from - 5).await;
        client.execute(&queues()).await.expect("a response");
        assert_eq!(server.logins(), 1);
        advance(6).await;
        client.execute(&queues()).await.expect("a response");
        assert_eq!(tokens(&server), ["Bearer token-1"; 3], "the old token is still valid");
        call_until(&client, &server, "Bearer token-2").await;
        assert_eq!(server.logins(), 2);
    }
}

#[tokio::test]
async fn calls_do_not_wait_for_a_renewal_before_their_token_has_expired() {
    let gate = Gate::new();
    let behind_gate = gate.clone();
    let mut logins = 0;
    let server = Server::start(move |request| {
        if !request.is_login() {
            return Answer::new(200, "");
        }
        logins += 1;
        match logins {
            1 => Answer::token("token-1", 300),
            _ => Answer::token("token-2", 300).behind(&behind_gate),
        }
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    advance(275).await;
    let request = queues();
    let calls = join_all((0..20).map(|_| client.execute(&request)));
    assert!(calls.await.iter().all(Result::is_ok));
    while server.logins() < 2 {
        client.execute(&request).await.expect("a response");
    }
    client.execute(&request).await.expect("a response");
    assert!(tokens(&server).iter().all(|token| token == "Bearer token-1"));

    // The token has expired, and the login is in progress.
    advance(30).await;
    let made = tokens(&server).len();
    let mut calls = Box::pin(join_all((0..20).map(|_| client.execute(&request))));
    assert!((&mut calls).now_or_never().is_none());
    gate.open();
    assert!(calls.await.iter().all(Result::is_ok));
    assert_eq!(tokens(&server)[made..], ["Bearer token-2"; 20]);
    assert_eq!(server.logins(), 2);
}

#[tokio::test]
async fn a_failed_renewal_is_retried_without_failing_calls() {
    let mut logins = 0;
    let server = Server::start(move |request| {
        if !request.is_login() {
            return Answer::new(200, "");
        }
        logins += 1;
        match logins {
            1 => Answer::token("token-1", 300),
            4 => Answer::token("token-2", 300),
            _ => Answer::new(503, ""),
        }
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    advance(271).await;
    client.execute(&queues()).await.expect("a response");
    for logins in [2, 3, 4] {
        while server.logins() < logins {
            client.execute(&queues()).await.expect("a response");
            tokio::task::yield_now().await;
            // The waits between them are at most two and four seconds.
            if server.logins() + 1 == logins && logins > 2 {
                advance(1).await;
            }
        }
    }
    assert!(tokens(&server).iter().all(|token| token == "Bearer token-1"));
    call_until(&client, &server, "Bearer token-2").await;
    assert_eq!(server.logins(), 4);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_used_until_it_expires() {
    for fault in [|| Answer::new(503, ""), || Answer::json(400, r#"{"error":"invalid_client"}"#)] {
        let mut logins = 0;
        let server = Server::start(move |request| match request.is_login() {
            true if logins == 0 => {
                logins += 1;
                Answer::token("token-1", 300)
            }
            true => fault(),
            false => Answer::new(200, ""),
        })
        .await;
        let client = logging_in(&server).build().expect("a client");
        client.execute(&queues()).await.expect("a response");
        advance(275).await;
        for _ in 0..3 {
            client.execute(&queues()).await.expect("a response with the old token");
        }
        while server.logins() < 2 {
            client.execute(&queues()).await.expect("a response with the old token");
        }
        advance(30).await;
        let (calls, logins) = (tokens(&server).len(), server.logins());
        client.execute(&queues()).await.expect_err("no valid token");
        assert_eq!(tokens(&server).len(), calls, "an expired token is not sent");
        assert!(server.logins() > logins, "a call without a token logs in");
    }
}

#[tokio::test]
async fn a_dropped_client_renews_nothing() {
    let mut logins = 0;
    let server = Server::start(move |request| match request.is_login() {
        true if logins == 0 => {
            logins += 1;
            Answer::token("token-1", 300)
        }
        true => Answer::new(503, ""),
        false => Answer::new(200, ""),
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    advance(271).await;
    while server.logins() < 2 {
        client.execute(&queues()).await.expect("a response");
    }
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    drop(client);
    // Aborted tasks and their connections end when the runtime polls them.
    while alive() >= before {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        advance(2).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(server.logins(), 2);
}

#[tokio::test]
async fn a_login_host_that_asks_for_a_long_pause_gets_no_requests() {
    let mut logins = 0;
    let server = Server::start(move |request| {
        if !request.is_login() {
            return Answer::new(200, "");
        }
        logins += 1;
        match logins {
            1 => Answer::json(429, "{}").header("retry-after", "3600"),
            _ => Answer::token("token-2", 300),
        }
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    let refused = async || client.execute(&queues()).await.expect_err("a pause").retry_after();
    assert_eq!(refused().await, Some(Duration::from_secs(3_600)));
    advance(600).await;
    let left = refused().await.expect("a pause").as_secs();
    assert!((2_999..=3_000).contains(&left), "{left}");
    assert_eq!(server.received().len(), 1, "one login, and nothing else");
    advance(3_000).await;
    client.execute(&queues()).await.expect("a response");
    assert_eq!(server.logins(), 2);
}

#[tokio::test]
async fn a_token_of_unknown_lifetime_is_used_until_it_is_rejected() {
    let mut logins = 0;
    let server = Server::start(move |request| match request.header("authorization") {
        Some("Bearer token-2") => Answer::new(200, ""),
        Some("Bearer token-1") => unauthorized(),
        _ => {
            logins += 1;
            Answer::json(200, &format!(r#"{{"access_token":"token-{logins}"}}"#))
        }
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    advance(1_000_000).await;
    client.execute(&queues()).await.expect("a response");
    assert_eq!(server.logins(), 2);
}

#[tokio::test]
async fn a_token_without_lifetime_is_used_until_it_is_rejected() {
    let server = server(0, |_, _| Answer::new(200, "")).await;
    let client = logging_in(&server).build().expect("a client");
    for _ in 0..3 {
        client.execute(&queues()).await.expect("a response");
    }
    assert_eq!(server.logins(), 1);
}

#[tokio::test]
async fn calls_rejected_together_log_in_once() {
    let server = server(86_400, |_, token| match token {
        1 => unauthorized(),
        _ => Answer::new(200, ""),
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    let request = queues();
    let calls = join_all((0..20).map(|_| client.execute(&request)));
    assert!(calls.await.iter().all(Result::is_ok));
    assert_eq!(server.logins(), 2);
}

#[tokio::test]
async fn a_late_rejection_of_an_old_token_keeps_the_new_one() {
    let gate = Gate::new();
    let behind_gate = gate.clone();
    let server = server(86_400, move |request, token| match token {
        1 if request.target == "/late" => unauthorized().behind(&behind_gate),
        1 => unauthorized(),
        _ => Answer::new(200, ""),
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    let late = Request::new(Operation::from_static("getLate", Method::Get, "/late"));
    let mut late = Box::pin(client.execute(&late));
    tokio::select! {
        _ = &mut late => panic!("the gate is closed"),
        () = server.has_received(2) => {}
    }
    client.execute(&queues()).await.expect("a response");
    assert_eq!(server.logins(), 2);

    gate.open();
    late.await.expect("a response with the new token");
    assert_eq!(server.logins(), 2);
}

#[tokio::test]
async fn a_rejected_request_is_retried_with_body_and_headers() {
    let server = server(86_400, |_, token| match token {
        1 => unauthorized(),
        _ => Answer::new(200, ""),
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    let mut request = Request::new(Operation::from_static(
        "postRoutingQueues",
        Method::Post,
        "/api/v2/routing/queues",
    ));
    request.set_query("a", "b").set_header("x-a", "b").set_body(&["body"]);
    client.execute(&request).await.expect("a response");

    let received = server.received();
    let (first, second) = (&received[1], &received[3]);
    for sent in [first, second] {
        assert_eq!(
            (sent.method.as_str(), sent.target.as_str()),
            ("POST", "/api/v2/routing/queues?a=b")
        );
        assert_eq!((sent.body.as_str(), sent.header("x-a")), (r#"["body"]"#, Some("b")));
    }
}

#[tokio::test]
async fn a_second_rejection_is_final() {
    let server = server(86_400, |_, _| unauthorized()).await;
    let client = logging_in(&server).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("rejected twice");
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!((error.status(), error.code()), (Some(401), Some("bad.credentials")));
    assert_eq!(
        error.to_string(),
        "GET /api/v2/routing/queues (getRoutingQueues) failed after 2 attempts: answered 401 Unauthorized \
         (bad.credentials): Invalid token; the token and its replacement were rejected: check that the \
         API URL and the login URL are in the same region"
    );
    assert_eq!(server.received().len(), 4, "login, call, login, call");
}

#[tokio::test]
async fn an_access_token_is_used_without_a_login() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    let client = with_token(&server).build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].header("authorization"), Some("Bearer ready-made-token"));
}

#[tokio::test]
async fn a_rejected_access_token_is_an_error_at_once() {
    let server = Server::start(|_| unauthorized()).await;
    let client = with_token(&server).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("rejected");
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.to_string().contains("the access token was rejected"), "{error}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_login_continues_for_other_callers_if_the_first_is_dropped() {
    let gate = Gate::new();
    let behind_gate = gate.clone();
    let server = Server::start(move |request| match request.is_login() {
        true => Answer::token("token", 86_400).behind(&behind_gate),
        false => Answer::new(200, ""),
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    let request = queues();
    let mut first = Box::pin(client.execute(&request));
    tokio::select! {
        _ = &mut first => panic!("the gate is closed"),
        () = server.has_received(1) => {}
    }
    let mut second = Box::pin(client.execute(&request));
    assert!((&mut second).now_or_never().is_none(), "it waits for the same login");
    drop(first);
    gate.open();
    second.await.expect("a response");
    assert_eq!(server.logins(), 1);
}

#[tokio::test]
async fn a_login_without_callers_is_dropped_and_started_again() {
    let mut logins = 0;
    let server = Server::start(move |request| {
        if !request.is_login() {
            return Answer::new(200, "");
        }
        logins += 1;
        match logins {
            1 => Answer::new(200, "").stalling_at(1),
            _ => Answer::token("token", 86_400),
        }
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    let request = queues();
    let mut first = Box::pin(client.execute(&request));
    tokio::select! {
        _ = &mut first => panic!("the login stalls"),
        () = server.has_received(1) => {}
    }
    drop(first);
    client.execute(&request).await.expect("a response");
    assert_eq!(server.logins(), 2);
}

#[tokio::test]
async fn callers_share_the_failure_of_a_login() {
    let server = Server::start(|_| Answer::json(400, r#"{"error":"invalid_client"}"#)).await;
    let client = logging_in(&server).build().expect("a client");
    let request = queues();
    let outcomes = join_all((0..20).map(|_| client.execute(&request))).await;
    for outcome in outcomes {
        let error = outcome.expect_err("no login");
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert_eq!(error.operation(), Some("getRoutingQueues"));
    }
    assert_eq!(server.received().len(), 1);

    // Later calls log in again.
    client.execute(&request).await.expect_err("no login");
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn failed_logins_come_with_advice() {
    struct Case {
        answer: (u16, &'static str),
        expected: &'static str,
        is_auth: bool,
        is_rate_limited: bool,
        is_server_error: bool,
    }
    let cases = [
        Case {
            answer: (400, r#"{"error":"invalid_client","error_description":"client not found"}"#),
            expected: "answered 400 Bad Request (invalid_client): client not found; check the client id \
                   (GENESYS_CLOUD_CLIENT_ID) and secret (GENESYS_CLOUD_CLIENT_SECRET), that the OAuth \
                   client has the grant type Client Credentials, and that its organization is in this \
                   region",
            is_auth: true,
            is_rate_limited: false,
            is_server_error: false,
        },
        Case {
            answer: (401, ""),
            expected: "answered 401 Unauthorized; check the client id",
            is_auth: true,
            is_rate_limited: false,
            is_server_error: false,
        },
        Case {
            answer: (
                400,
                r#"{"error":"invalid_request","description":"Rate limit exceeded; 300"}"#,
            ),
            expected: "answered 400 Bad Request (invalid_request): Rate limit exceeded; 300; logins have \
                   their own rate limit: share one client, and wait a minute",
            is_auth: false,
            is_rate_limited: true,
            is_server_error: false,
        },
        Case {
            answer: (429, ""),
            expected: "answered 429 Too Many Requests; logins have their own rate limit",
            is_auth: false,
            is_rate_limited: true,
            is_server_error: false,
        },
        Case {
            answer: (503, "<html><h1>Service\n Unavailable</h1></html>"),
            expected: "answered 503 Service Unavailable: <html><h1>Service Unavailable</h1></html>; the \
                   server failed: try again later",
            is_auth: false,
            is_rate_limited: false,
            is_server_error: true,
        },
        Case {
            answer: (302, ""),
            expected: "answered 302 Found; redirects are not followed",
            is_auth: false,
            is_rate_limited: false,
            is_server_error: false,
        },
        Case {
            answer: (200, "<html></html>"),
            expected: "could not be decoded: expected value at line 1 column 1; check that the login URL points",
            is_auth: false,
            is_rate_limited: false,
            is_server_error: false,
        },
        Case {
            answer: (200, r#"{"expires_in":300}"#),
            expected: "could not be decoded: no usable `access_token`; check that the login URL points",
            is_auth: false,
            is_rate_limited: false,
            is_server_error: false,
        },
    ];
    for case in cases {
        let (status, body) = case.answer;
        let server = Server::start(move |_| Answer::new(status, body)).await;
        let client = logging_in(&server).build().expect("a client");
        let error = client.execute(&queues()).await.expect_err("no login");
        let host = server.url().trim_start_matches("http://");
        let text = error.to_string();
        let start =
            format!("GET /api/v2/routing/queues (getRoutingQueues) failed: login at {host}: ");
        assert!(text.starts_with(&start), "{text}");
        assert!(text.contains(case.expected), "{text}");
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.kind() == ErrorKind::Authentication, case.is_auth, "{text}");
        assert_eq!(error.is_rate_limited(), case.is_rate_limited, "{text}");
        assert_eq!(error.kind() == ErrorKind::Server, case.is_server_error, "{text}");
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn an_unreachable_login_host_is_named() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    let client = logging_in(&server).login_url(closed_port().await).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("no login host");
    assert!(
        error.kind() == ErrorKind::Connect
            && error.is_transport()
            && error.kind() != ErrorKind::Authentication
    );
    assert!(error.to_string().contains("login at 127.0.0.1:"), "{error}");
    assert!(error.to_string().contains("could not connect to 127.0.0.1:"), "{error}");
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn an_echoed_secret_is_redacted() {
    let echo = format!(r#"{{"error":"invalid_client","description":"no client with {SECRET}"}}"#);
    let server = Server::start(move |_| Answer::json(400, &echo)).await;
    let client = logging_in(&server).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("no login");
    assert!(error.to_string().contains("no client with [redacted]"), "{error}");
    assert!(!format!("{error:?}").contains(SECRET));
}

/// Returns a URL of this machine at which nothing listens.
async fn closed_port() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

/// Advances the runtime's clock.
async fn advance(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}
