//! Hooks for requests and calls, and other ways to authenticate.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use genesys_cloud_core::{AccessToken, Client, ErrorKind, Method, TokenFuture, TokenProvider};
use http::HeaderValue;

use crate::server::{Answer, Server};
use crate::{logging_in, once, queues, waits, with_token};

#[tokio::test]
async fn a_hook_adds_headers_but_cannot_set_those_of_the_client() {
    let mut calls = 0;
    let server = Server::start(move |request| {
        if request.is_login() {
            return Answer::token("token-1", 86_400);
        }
        calls += 1;
        Answer::new(if calls == 1 { 503 } else { 200 }, "")
    })
    .await;
    let builder = logging_in(&server).max_retries(1).on_wait(waits::skipping());
    let client = builder.on_request(|request| {
        assert_eq!((request.operation, request.method), ("getRoutingQueues", Method::Get));
        assert_eq!(request.template, "/api/v2/routing/queues");
        let text = |text: &str| HeaderValue::try_from(text).expect("a value");
        request.headers.insert("x-attempt", text(&request.attempt.to_string()));
        for name in ["authorization", "host", "content-length", "transfer-encoding", "connection"] {
            request.headers.insert(name, text("evil.example"));
        }
    });
    client.build().expect("a client").execute(&queues()).await.expect("a response");
    let received = server.received();
    assert_eq!(received.len(), 3);
    assert_eq!(received[0].header("x-attempt"), None, "a login");
    let host = server.url().trim_start_matches("http://");
    for (request, attempt) in received[1..].iter().zip(["1", "2"]) {
        assert_eq!(request.header("x-attempt"), Some(attempt));
        assert_eq!(request.header("authorization"), Some("Bearer token-1"));
        assert_eq!(request.header("host"), Some(host));
        let values = request.headers.values().filter(|value| *value == "evil.example");
        assert_eq!(values.count(), 0);
    }
}

#[tokio::test]
async fn a_hook_observes_the_outcome_of_each_call() {
    let mut calls = 0;
    let server = Server::start(move |_| {
        calls += 1;
        let status = [503, 200, 404][calls - 1];
        Answer::json(status, "{}").header("inin-correlation-id", format!("call-{calls}"))
    })
    .await;
    let ended = Arc::new(Mutex::new(Vec::new()));
    let log = ended.clone();
    let client = with_token(&server).max_retries(1).on_wait(waits::skipping()).on_call(move |it| {
        assert_eq!((it.operation, it.method), ("getRoutingQueues", Method::Get));
        assert_eq!(it.template, "/api/v2/routing/queues");
        assert!(it.duration >= it.waited);
        let id = it.correlation_id.map(str::to_owned);
        log.lock().expect("no panic").push((it.status, it.attempts, it.error, id));
    });
    let client = client.build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    client.execute(&queues()).await.expect_err("no queues");
    drop(server);
    assert_eq!(
        *ended.lock().expect("no panic"),
        [
            (Some(200), 2, None, Some("call-2".to_owned())),
            (Some(404), 1, Some(ErrorKind::NotFound), Some("call-3".to_owned())),
        ]
    );
}

/// Returns the tokens `token-1`, `token-2` and so on.
#[derive(Clone, Default)]
struct Provider(Arc<AtomicU32>);

impl TokenProvider for Provider {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            // Let other calls wait for the same token.
            tokio::task::yield_now().await;
            let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            Ok(AccessToken::new(format!("token-{number}")).expires_in(Duration::from_secs(3_600)))
        })
    }
}

#[tokio::test]
async fn a_provider_is_called_once_for_all_calls_and_again_after_a_401() {
    let server = Server::start(|request| match request.header("authorization") {
        Some("Bearer token-1") if request.target.ends_with("/users") => Answer::new(401, ""),
        _ => Answer::new(200, ""),
    })
    .await;
    let provider = Provider::default();
    let client = once(&server).token_provider(provider.clone()).build().expect("a client");
    let request = queues();
    assert!(join_all((0..20).map(|_| client.execute(&request))).await.iter().all(Result::is_ok));
    assert_eq!(provider.0.load(Ordering::Relaxed), 1);
    let users =
        genesys_cloud_core::Operation::from_static("getUsers", Method::Get, "/api/v2/users");
    let response =
        client.execute(&genesys_cloud_core::Request::new(users)).await.expect("a response");
    assert_eq!((response.attempts(), provider.0.load(Ordering::Relaxed)), (2, 2));
    assert_eq!(client.identity().client_id(), None);
    assert_eq!(server.logins(), 0);
    assert!(!format!("{client:?}").contains("token-"), "{client:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_provider_is_renewed_before_it_expires() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    let provider = Provider::default();
    let client = once(&server).token_provider(provider.clone()).build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    tokio::time::advance(Duration::from_secs(3_400)).await;
    client.execute(&queues()).await.expect("a response");
    let last = |server: &Server| {
        let received = server.received();
        received.last().and_then(|it| it.header("authorization")).map(str::to_owned)
    };
    assert_eq!(last(&server).as_deref(), Some("Bearer token-1"), "renewed in the background");
    tokio::time::advance(Duration::from_secs(300)).await;
    client.execute(&queues()).await.expect("a response");
    assert_eq!(last(&server).as_deref(), Some("Bearer token-2"));
}

#[tokio::test(start_paused = true)]
async fn a_provider_without_a_token_fails_the_call() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    type Given = Result<AccessToken, Box<dyn std::error::Error + Send + Sync>>;
    async fn given(nth: u32) -> Given {
        match nth {
            0 => Err("sealed".into()),
            1 => Ok(AccessToken::new("a b")),
            _ => std::future::pending().await,
        }
    }
    for (nth, why) in [
        (0, "the token provider failed: sealed"),
        (1, "the token provider failed: the token is empty or has an invalid character"),
        (2, "the token provider failed: no token within 120s"),
    ] {
        let client = once(&server).token_provider(move || given(nth)).build().expect("a client");
        let error = client.execute(&queues()).await.expect_err("no token");
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert!(format!("{error:#}").contains(why), "{error:#}");
        assert!(!format!("{error:#}").contains("a b"), "{error:#}");
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn no_auth_sends_no_token() {
    let mut calls = 0;
    let server = Server::start(move |_| {
        calls += 1;
        Answer::new(if calls == 1 { 200 } else { 401 }, "")
    })
    .await;
    let client = Client::builder().api_url(server.url()).no_auth().build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    let error = client.execute(&queues()).await.expect_err("refused");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Authentication, 1));
    assert!(error.to_string().contains("built with `no_auth`"), "{error}");
    assert!(server.received().iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test]
async fn the_last_setting_for_authentication_applies() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    let builder = || Client::builder().api_url(server.url()).login_url(server.url());
    for (builder, shown) in [
        (builder().no_auth().token_provider(Provider::default()), "TokenProvider"),
        (builder().token_provider(Provider::default()).access_token("t"), "AccessToken"),
        (builder().no_auth().credentials("id", "secret"), "ClientCredentials"),
        (builder().credentials("id", "secret").no_auth(), "NoAuth"),
    ] {
        let client: Client = builder.build().expect("a client");
        assert!(format!("{client:?}").contains(shown), "{client:?}");
    }
}

/// The unspecified address reaches this machine on Unix, but is not a loopback address.
#[cfg(unix)]
#[tokio::test]
async fn plain_http_is_sent_to_an_allowed_host() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    let builder = || Client::builder().api_url(&url).access_token("ready-made-token");
    let error = builder().build().map(|_: Client| ()).expect_err("not allowed");
    assert!(error.to_string().contains("`allow_insecure_host`"), "{error}");
    let client: Client = builder().allow_insecure_host("0.0.0.0").build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    assert_eq!(server.received()[0].header("authorization"), Some("Bearer ready-made-token"));
}
