//! Retries: which calls, when and how often. All waits are skipped.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;

use crate::server::{Answer, Server};
use crate::waits::skipping;
use crate::{SECRET, queues};
use genesys_cloud_core::{
    Client, ClientBuilder, ErrorKind, Method, Operation, OperationCall as _, Request, WaitReason,
    group, operation,
};

/// A client with default settings.
fn client(server: &Server) -> ClientBuilder {
    Client::builder().api_url(server.url()).access_token("a-token").on_wait(skipping())
}

fn logging_in(server: &Server) -> ClientBuilder {
    let builder = client(server).login_url(server.url());
    builder.credentials("the-client-id", SECRET)
}

/// Sends these responses in turn, and 200 afterwards.
async fn script(answers: Vec<Answer>) -> Server {
    let mut answers = answers.into_iter();
    Server::start(move |_| answers.next().unwrap_or_else(|| Answer::new(200, ""))).await
}

fn request(method: Method) -> Request {
    let mut request = Request::new(Operation::from_static("doThings", method, "/things"));
    if matches!(method, Method::Patch | Method::Post | Method::Put) {
        request.set_body("a body");
    }
    request
}

const ALL: [Method; 6] =
    [Method::Delete, Method::Get, Method::Head, Method::Patch, Method::Post, Method::Put];

fn is_repeatable(method: Method) -> bool {
    !matches!(method, Method::Patch | Method::Post)
}

#[tokio::test]
async fn calls_without_effect_are_always_retried() {
    for method in ALL {
        let limited = || Answer::json(429, "{}").header("retry-after", "42");
        let server = script(vec![limited(), limited()]).await;
        let response = client(&server).build().expect("a client").execute(&request(method)).await;
        let response = response.expect("a response");
        assert_eq!((response.status(), response.attempts()), (200, 3), "{method}");
        assert!(response.waited() >= Duration::from_secs(84), "{method}: {:?}", response.waited());
        let received = server.received();
        assert!(received.iter().all(|it| it.body == received[0].body), "{method}: the same body");
    }
}

#[tokio::test]
async fn calls_with_an_unknown_outcome_are_retried_only_if_repeatable() {
    type Fault = fn() -> Answer;
    let faults: [Fault; 6] = [
        || Answer::new(408, "<html>"),
        || Answer::new(502, "<html>"),
        || Answer::json(503, "{}").header("retry-after", "7"),
        || Answer::new(504, ""),
        || {
            let busy = r#"{"code":"architect.database.throughput.exceeded"}"#;
            Answer::json(500, busy)
        },
        || Answer::new(200, "partial").closing_at(100),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        // A response to HEAD has no body that could be truncated.
        for method in ALL.into_iter().filter(|method| *method != Method::Head) {
            let server = script(vec![fault(), fault()]).await;
            let client = client(&server).build().expect("a client");
            let outcome = client.execute(&request(method)).await;
            let case = format!("{method}, fault {number}");
            if is_repeatable(method) {
                assert_eq!(outcome.expect("a response").attempts(), 3, "{case}");
                continue;
            }
            let error = outcome.expect_err("an error");
            assert_eq!((error.attempts(), server.received().len()), (1, 1), "{case}");
            assert!(error.to_string().contains("the request may have been carried out"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_query_is_retried_whatever_its_method() {
    let server = script(vec![Answer::new(503, ""), Answer::new(200, "p").closing_at(9)]).await;
    let operation =
        Operation::from_static("postThingsQuery", Method::Post, "/things/query").reads();
    let client = client(&server).build().expect("a client");
    let response = client.execute(&Request::new(operation)).await.expect("a response");
    assert_eq!(response.attempts(), 3);
}

group! {
    /// Things.
    pub struct Things;
}

operation! {
    /// Queries things.
    Things.query -> ();
    "postThingsQuery" Post reads "/things/query" accepts [304]
}

operation! {
    /// Queries things, with a setter.
    Things.search -> PostThingsSearch -> ();
    "postThingsSearch" Post reads "/things/search"
    query {
        name: String = "name",
    }
}

operation! {
    /// Creates a thing.
    Things.create -> ();
    "postThings" Post "/things"
}

#[tokio::test]
async fn generated_code_marks_operations_that_only_read() {
    let server = script(vec![]).await;
    let things = Things::new(&client(&server).build().expect("a client"));
    assert!(things.query().request().operation().is_repeatable());
    assert!(things.query().request().operation().accepts(304));
    let search = things.search().name("a").into_call();
    assert!(search.request().operation().is_repeatable());
    assert!(!things.create().request().operation().is_repeatable());
}

operation! {
    /// Returns the name of a thing.
    Things.name -> String;
    "getName" Get "/things/name"
}

operation! {
    /// Returns the number of things.
    Things.count -> i64;
    "getCount" Get "/things/count"
}

operation! {
    /// Renames a thing.
    Things.rename -> String;
    "postName" Post "/things/name"
}

#[tokio::test]
async fn a_read_with_a_response_that_is_not_json_is_retried() {
    for body in [" ", "<html>", "{\"name\":", "\"a"] {
        let unreadable = || Answer::json(200, body);
        let named = Answer::json(200, "\"a name\"");
        let server = script(vec![unreadable(), Answer::new(503, ""), unreadable(), named]).await;
        let things = Things::new(&client(&server).build().expect("a client"));
        let response = things.name().await.expect(body);
        assert_eq!((response.value().as_str(), response.attempts()), ("a name", 4), "{body}");

        let server = script(vec![unreadable()]).await;
        let things = Things::new(&client(&server).build().expect("a client"));
        let error = things.rename().await.expect_err(body);
        assert!(error.kind() == ErrorKind::Decode && error.is_transient(), "{error}");
        assert_eq!((error.attempts(), server.received().len()), (1, 1), "{body}");
    }
}

#[tokio::test]
async fn an_empty_response_is_retried_if_it_is_not_a_valid_result() {
    let server = script(vec![Answer::json(200, ""), Answer::json(200, "7")]).await;
    let things = Things::new(&client(&server).build().expect("a client"));
    let response = things.count().await.expect("a response");
    assert_eq!((*response.value(), response.attempts()), (7, 2));
}

#[tokio::test]
async fn retries_of_unreadable_responses_end_with_an_error_that_counts_the_attempts() {
    for (retries, attempts) in [(0, 1), (2, 3), (5, 6)] {
        let server = Server::start(|_| Answer::json(200, "<html>")).await;
        let client = client(&server).max_retries(retries).build().expect("a client");
        let error = Things::new(&client).name().await.expect_err("no JSON");
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert_eq!((error.attempts(), server.received().len()), (attempts, attempts as usize));
    }
}

#[tokio::test]
async fn json_of_the_wrong_type_is_not_retried() {
    let server = script(vec![Answer::json(200, "[7]")]).await;
    let things = Things::new(&client(&server).build().expect("a client"));
    let error = things.name().await.expect_err("no text");
    assert!(error.kind() == ErrorKind::Decode && !error.is_transient(), "{error}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn unreadable_responses_use_up_the_quota() {
    let server = Server::start(|_| Answer::json(200, "<html>")).await;
    let client = client(&server).build().expect("a client");
    for _ in 0..100 {
        Things::new(&client).name().await.expect_err("no JSON");
    }
    assert!((200..300).contains(&server.received().len()), "{}", server.received().len());
}

#[tokio::test]
async fn other_errors_are_final() {
    for status in [400, 403, 404, 409, 413, 500, 501, 505] {
        let server = script(vec![Answer::json(status, "{}").header("retry-after", "1")]).await;
        let error = client(&server).build().expect("a client").execute(&queues()).await;
        let error = error.expect_err("an error");
        assert_eq!((error.status(), error.attempts()), (Some(status), 1));
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn retries_end() {
    let server = Server::start(|_| Answer::json(503, "{}")).await;
    let client = client(&server).max_retries(2).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!((error.attempts(), server.received().len()), (3, 3));
    assert!(error.to_string().contains("failed after 3 attempts: answered 503"), "{error}");
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_an_error() {
    for (retry_after, seconds) in [
        ("181", 181),
        ("86400", 86_400),
        ("Wed, 21 Oct 2015 08:28:00 GMT", 3_600),
        ("99999999999999", 99_999_999_999_999),
    ] {
        let answer = Answer::json(429, "{}").header("retry-after", retry_after);
        let server = script(vec![answer.header("date", "Wed, 21 Oct 2015 07:28:00 GMT")]).await;
        let client = client(&server).build().expect("a client");
        let error = client.execute(&queues()).await.expect_err("an error");
        assert!(error.is_rate_limited());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
        let expected = format!(
            "call again in {seconds} s: the client waits at most 180 s (`max_rate_limit_wait`)"
        );
        assert!(error.to_string().contains(&expected), "{error}");
        assert_eq!((error.attempts(), server.received().len()), (1, 1));
        // Until then, no other call is sent either; after a day at most, the limit is tried again.
        let error = client.execute(&request(Method::Post)).await.expect_err("not sent");
        assert!(error.is_rate_limited() && !error.is_outcome_unknown());
        let left = error.retry_after().expect("a time").as_secs();
        let most = seconds.min(86_400);
        assert!((most - 5..=most).contains(&left), "{left} of {most}");
        let text = error.to_string();
        let expected =
            "failed: not sent, because an earlier request was answered 429 Too Many Requests";
        assert!(
            text.contains(expected) && text.contains(&format!("call again in {left} s")),
            "{text}"
        );
        assert_eq!((error.attempts(), server.received().len()), (0, 1));
    }
}

#[tokio::test]
async fn a_long_rate_limit_costs_one_request_for_all_callers() {
    let server = Server::start(|_| Answer::json(429, "{}").header("retry-after", "3600")).await;
    let client = Client::builder().api_url(server.url()).access_token("a-token").build();
    let client = client.expect("a client");
    let request = queues();
    let calls = join_all((0..50).map(|_| client.execute(&request))).await;
    for error in calls.into_iter().map(|outcome| outcome.expect_err("a limit")) {
        assert!(error.is_rate_limited(), "{error}");
        assert!((3_590..=3_600).contains(&error.retry_after().expect("a time").as_secs()));
        assert_eq!(error.operation(), Some("getRoutingQueues"));
    }
    let sent = server.received().len();
    assert!(sent <= 4, "{sent}: at most the initial probes");
    for _ in 0..50 {
        client.execute(&request).await.expect_err("a limit");
    }
    assert_eq!(server.received().len(), sent);

    // The rest is short enough to wait for.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3_600 - 100)).await;
    tokio::time::resume();
    let mut call = Box::pin(client.execute(&request));
    assert!((&mut call).now_or_never().is_none(), "it waits");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(101)).await;
    tokio::time::resume();
    assert!(call.await.is_err(), "and is sent afterwards");
    assert_eq!(server.received().len(), sent + 1);
}

#[tokio::test]
async fn retry_after_may_have_a_fraction() {
    for (retry_after, seconds) in [
        ("3.0", Some(3)),
        ("2.5", Some(3)),
        ("0.001", Some(1)),
        ("3.", Some(3)),
        ("3.x", None),
        ("-1.0", None),
    ] {
        let server =
            Server::start(move |_| Answer::json(429, "{}").header("retry-after", retry_after));
        let client = client(&server.await).max_rate_limit_wait(Duration::ZERO).build();
        let error = client.expect("a client").execute(&queues()).await.expect_err("a limit");
        assert_eq!(error.retry_after(), seconds.map(Duration::from_secs), "{retry_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_with_a_stalled_body_is_honored() {
    let limited = Answer::json(429, "{").stalling_at(99).header("retry-after", "3");
    let server = script(vec![limited]).await;
    let client = Client::builder().api_url(server.url()).access_token("a-token").build();
    let response =
        client.expect("a client").execute(&request(Method::Post)).await.expect("a response");
    assert_eq!((response.attempts(), response.waited().as_secs()), (2, 3));
}

#[tokio::test]
async fn final_errors_refill_the_quota_as_successes_do() {
    let mut answers = 0;
    let server = Server::start(move |_| {
        answers += 1;
        if answers % 2 == 1 { Answer::json(503, "{}") } else { Answer::json(404, "{}") }
    })
    .await;
    let client = client(&server).build().expect("a client");
    for _ in 0..150 {
        assert_eq!(client.execute(&queues()).await.expect_err("none").kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn retry_after_may_be_a_date() {
    let answer = Answer::json(429, "{}")
        .header("date", "Wed, 21 Oct 2015 07:28:00 GMT")
        .header("retry-after", "Wed, 21 Oct 2015 07:29:30 GMT");
    let server = script(vec![answer]).await;
    let client = client(&server).build().expect("a client");
    let response = client.execute(&queues()).await.expect("a response");
    assert!(response.waited() >= Duration::from_secs(90), "{:?}", response.waited());
    assert!(response.waited() < Duration::from_secs(95), "{:?}", response.waited());
}

#[tokio::test]
async fn a_rate_limit_without_end_becomes_an_error() {
    for answer in [
        || Answer::json(429, "{}"),
        || Answer::json(429, "{}").header("retry-after", "0"),
        || Answer::json(429, "{}").header("retry-after", "soon"),
        || Answer::json(429, "{}").header("retry-after", "60"),
    ] {
        let server = Server::start(move |_| answer()).await;
        let client = client(&server).build().expect("a client");
        let error = client.execute(&queues()).await.expect_err("an error");
        assert!(error.is_rate_limited());
        assert!((4..20).contains(&error.attempts()), "{}", error.attempts());
    }
}

#[tokio::test]
async fn a_stalled_body_is_retried() {
    let server = script(vec![Answer::new(200, "partial").stalling_at(100)]).await;
    let client = client(&server).read_timeout(Duration::from_millis(300)).build();
    let response = client.expect("a client").execute(&queues()).await.expect("a response");
    assert!(response.attempts() >= 2);
}

#[tokio::test]
async fn each_attempt_has_the_whole_timeout() {
    let server = script(vec![Answer::new(200, "").stalling_at(1)]).await;
    let client = client(&server).timeout(Duration::from_millis(500)).build().expect("a client");
    let response = client.execute(&queues()).await.expect("a response");
    assert!(response.attempts() >= 2);

    let server = Server::start(|_| Answer::new(200, "").stalling_at(1)).await;
    let client = self::client(&server).timeout(Duration::from_millis(50)).max_retries(1).build();
    let error = client.expect("a client").execute(&queues()).await.expect_err("no response");
    assert!(error.is_timeout());
    let expected = "after 2 attempts: no complete response within 50ms";
    assert!(error.to_string().contains(expected), "{error}");
}

#[tokio::test]
async fn a_failed_connection_is_always_retried() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let skip = skipping();
    // The host starts once the client has found it down.
    let host = Mutex::new(None);
    let client = Client::builder()
        .api_url(format!("http://{address}"))
        .access_token("a-token")
        .on_wait(move |wait| {
            assert_eq!(wait.reason, WaitReason::Retry);
            host.lock().expect("no panic").get_or_insert_with(|| {
                let listener = std::net::TcpListener::bind(address).expect("the port");
                std::thread::spawn(move || {
                    let (mut stream, _) = listener.accept().expect("a connection");
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).expect("a request");
                    let response = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    stream.write_all(response).expect("a reader");
                })
            });
            skip(wait);
        })
        .build()
        .expect("a client");
    let response = client.execute(&request(Method::Post)).await.expect("a response");
    assert_eq!(response.attempts(), 2);
}

#[tokio::test]
async fn an_outage_is_not_multiplied_by_retries() {
    let server = Server::start(|_| Answer::json(503, "{}")).await;
    let client = client(&server).build().expect("a client");
    let mut last = None;
    for _ in 0..200 {
        last = client.execute(&queues()).await.err();
    }
    assert_eq!(server.received().len(), 200 + 100);
    let expected = last.expect("an error").to_string();
    assert!(
        expected.contains("not retried, because too many calls of this client are failing"),
        "{expected}"
    );
}

#[tokio::test]
async fn one_call_survives_faults_of_all_kinds() {
    let mut logins = 0;
    let mut faults = vec![
        Answer::new(503, ""),
        Answer::json(401, "{}"),
        Answer::json(429, "{}").header("retry-after", "3"),
        Answer::new(200, "partial").closing_at(100),
        Answer::new(502, ""),
    ]
    .into_iter();
    let server = Server::start(move |request| {
        if request.is_login() {
            logins += 1;
            return Answer::token(&format!("token-{logins}"), 86_400);
        }
        faults.next().unwrap_or_else(|| Answer::new(200, ""))
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    let response = client.execute(&queues()).await.expect("a response");
    assert_eq!((response.attempts(), server.logins()), (6, 2));
}

#[tokio::test]
async fn a_login_is_retried_if_that_may_help() {
    for fault in [
        || {
            Answer::json(
                400,
                r#"{"error":"invalid_request","description":"rate limit exceeded; .."}"#,
            )
        },
        || Answer::json(429, "{}").header("retry-after", "30"),
        || Answer::new(503, ""),
        || Answer::new(200, "{").closing_at(100),
        || Answer::new(200, "<html>"),
        || Answer::new(408, ""),
    ] {
        let mut asked = 0;
        let server = Server::start(move |request| {
            asked += 1;
            match (request.is_login(), asked) {
                (true, 1 | 2) => fault(),
                (true, _) => Answer::token("token", 86_400),
                (false, _) => Answer::new(200, ""),
            }
        })
        .await;
        let waits = Arc::new(Mutex::new(Vec::new()));
        let (log, skip) = (waits.clone(), skipping());
        let client = logging_in(&server).on_wait(move |wait| {
            log.lock().expect("no panic").push(wait.reason);
            skip(wait);
        });
        let response =
            client.build().expect("a client").execute(&queues()).await.expect("a response");
        assert_eq!((response.attempts(), server.logins()), (1, 3));
        assert_eq!(*waits.lock().expect("no panic"), [WaitReason::Login; 2]);
    }
}

#[tokio::test]
async fn a_rejected_login_is_not_retried() {
    let server = Server::start(|_| Answer::json(400, r#"{"error":"invalid_client"}"#)).await;
    let error = logging_in(&server).build().expect("a client").execute(&queues()).await;
    assert_eq!(error.expect_err("no login").kind(), ErrorKind::Authentication);
    assert_eq!(server.logins(), 1);
}

#[tokio::test]
async fn an_operation_that_rejects_every_token_does_not_cost_a_login_per_call() {
    let mut logins = 0;
    let mut revoked = 0;
    let server = Server::start(move |request| {
        if request.is_login() {
            logins += 1;
            return Answer::token(&format!("token-{logins}"), 86_400);
        }
        let token = request.header("authorization").and_then(|it| it.strip_prefix("Bearer token-"));
        let token: u32 = token.expect("a token").parse().expect("a number");
        match request.target.as_str() {
            "/revoke" => revoked = token,
            "/refusing" | "/too" => return Answer::json(401, "{}"),
            _ if token <= revoked => return Answer::json(401, "{}"),
            _ => {}
        }
        Answer::new(200, "")
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    let call = async |path: &'static str| {
        let request = Request::new(Operation::from_static(path, Method::Get, path));
        client.execute(&request).await.map_err(|error| error.status())
    };
    for _ in 0..20 {
        assert_eq!(call("/refusing").await.err(), Some(Some(401)));
        assert_eq!(call("/too").await.err(), Some(Some(401)));
        call("/working").await.expect("a response");
    }
    assert_eq!(server.logins(), 3, "one at first, and one for each of the two");

    // When the token really expires, other operations log in again.
    call("/revoke").await.expect("a response");
    call("/working").await.expect("a response");
    assert_eq!(server.logins(), 4);

    // The operation is tried again later.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    for _ in 0..20 {
        assert_eq!(call("/refusing").await.err(), Some(Some(401)));
    }
    assert_eq!(server.logins(), 5);
}

#[tokio::test]
async fn the_client_stays_within_the_rate_limit() {
    let mut count = 0;
    let server = Server::start(move |_| {
        count = if count == 290 { 1 } else { count + 1 };
        Answer::new(200, "")
            .header("inin-ratelimit-count", count.to_string())
            .header("inin-ratelimit-allowed", "300")
            .header("inin-ratelimit-reset", "60")
    })
    .await;
    let waits = Arc::new(Mutex::new(Vec::new()));
    let (log, skip) = (waits.clone(), skipping());
    let client = client(&server).on_wait(move |wait| {
        assert_eq!(wait.operation, "getRoutingQueues");
        log.lock().expect("no panic").push(wait.reason);
        skip(wait);
    });
    let client = client.build().expect("a client");
    for _ in 0..290 {
        assert!(client.execute(&queues()).await.expect("a response").waited().as_secs() == 0);
    }
    assert!(waits.lock().expect("no panic").is_empty());
    let response = client.execute(&queues()).await.expect("a response");
    assert!(response.waited() >= Duration::from_secs(55), "{:?}", response.waited());
    assert_eq!(*waits.lock().expect("no panic"), [WaitReason::LimitReached]);
}

#[tokio::test]
async fn a_dropped_call_makes_room_for_another() {
    let server = Server::start(|request| match request.target.as_str() {
        "/stalling" => Answer::new(200, "").stalling_at(1),
        _ => Answer::new(200, ""),
    })
    .await;
    let client = client(&server).max_concurrent_requests(1).build().expect("a client");
    let stalling = Request::new(Operation::from_static("getStalling", Method::Get, "/stalling"));
    let mut first = Box::pin(client.execute(&stalling));
    tokio::select! {
        _ = &mut first => panic!("it stalls"),
        () = server.has_received(1) => {}
    }
    let request = queues();
    let second = client.execute(&request);
    let mut third = Box::pin(client.execute(&request));
    {
        let mut second = Box::pin(second);
        tokio::select! {
            biased;
            _ = &mut second => panic!("there is one place"),
            _ = &mut third => panic!("there is one place"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(first);
    third.await.expect("a response");
    assert_eq!(server.received().len(), 2);
}
