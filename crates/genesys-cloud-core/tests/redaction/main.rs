//! Secrets and personal data stay out of messages, logs and `Debug` output.
//!
//! A separate process: tracing caches globally whether anyone listens, so a test without a subscriber could affect one
//! with a subscriber.

#[allow(dead_code, reason = "shared with the tests of the client")]
#[path = "../client/server.rs"]
mod server;
#[path = "../client/waits.rs"]
mod waits;

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use genesys_cloud_core::{
    Client, ClientBuilder, ErrorKind, ListSpec, Method, Operation, Paginator, Request, Scheme,
};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::server::{Answer, Server};

const SECRET: &str = "hunter2-the-client-secret";

fn queues() -> Request {
    Request::new(Operation::from_static("getRoutingQueues", Method::Get, "/api/v2/routing/queues"))
}

fn logging_in(server: &Server) -> ClientBuilder {
    let urls = Client::builder().api_url(server.url()).login_url(server.url());
    urls.credentials("the-client-id", SECRET)
}

#[tokio::test]
async fn no_secret_is_shown() {
    let mut logins = 0;
    let server = Server::start(move |request| match request.header("authorization") {
        Some("Bearer token-2") if request.target.starts_with("/ok") => Answer::new(200, ""),
        Some(bearer) if bearer.starts_with("Bearer ") => {
            Answer::new(401, format!("you sent {bearer}"))
        }
        _ => {
            logins += 1;
            Answer::token(&format!("token-{logins}"), 86_400)
        }
    })
    .await;
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let builder = logging_in(&server);
    let mut shown = format!("{builder:?}");
    let client = builder.build().expect("a client");
    let mut ok = Request::new(Operation::from_static("getOk", Method::Get, "/ok/{id}"));
    ok.set_path("id", "an-id-of-someone").set_query("name", "Jane").set_body("a-body");
    let response = client.execute(&ok).await.expect("a response");
    let error = client.execute(&queues()).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Authentication);
    let _ = write!(
        shown,
        "{client:?} {ok:?} {response:?} {error:?} {error} {}",
        log.text(Level::TRACE)
    );

    assert!(shown.contains("the-client-id"), "the id is not secret");
    assert!(shown.contains("you sent Bearer [redacted]"), "{shown}");
    for secret in [SECRET, "token-1", "token-2", "token-3", "aHVudGVyMi10aGUtY2xpZW50LXNlY3JldA"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let log = log.text(Level::TRACE);
    for personal in ["Jane", "an-id-of-someone", "a-body", "you sent"] {
        assert!(!log.contains(personal), "{personal} in {log}");
    }
}

/// Encodings in which a server may echo a text.
fn encodings(text: &str) -> Vec<String> {
    let each = |encode: &dyn Fn(u8) -> String| text.bytes().map(encode).collect::<String>();
    vec![
        text.to_owned(),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("%{byte:02x}")),
        each(&|byte| format!("&#{byte};")),
        each(&|byte| format!("\\u{byte:04X}")),
        each(&|byte| format!("{byte:02x}")),
        STANDARD.encode(text),
        STANDARD.encode(format!("a {text} b")),
        URL_SAFE_NO_PAD.encode(format!("id:{text}?")),
        STANDARD.encode(STANDARD.encode(format!("the-client-id:{text}"))),
    ]
}

/// Substrings that reveal a credential even if it was cut.
fn traces(text: &str) -> Vec<String> {
    encodings(text).into_iter().map(|form| form[4..form.len() - 4].to_owned()).collect()
}

/// Echoes the credentials of every request in one of many ways.
async fn echoing(logs_in: bool) -> Server {
    let mut count = 0;
    Server::start(move |request| {
        if request.is_login() && logs_in {
            return Answer::token("hunter3-the-token", 86_400);
        }
        let sent = request.header("authorization").expect("credentials");
        let value = sent.split(' ').nth(1).expect("a value");
        let plain = match STANDARD.decode(value) {
            Ok(pair) => String::from_utf8(pair).expect("text").split(':').nth(1).map(str::to_owned),
            Err(_) => None,
        };
        let echoes: Vec<String> = [Some(sent.to_owned()), Some(value.to_owned()), plain]
            .into_iter()
            .flatten()
            .flat_map(|text| encodings(&text))
            .collect();
        let echo = &echoes[count / 8 % echoes.len()];
        count += 1;
        let json = |fields: Value| fields.to_string();
        let url = format!("https://u:pw-of-u@b.example/f?a={echo}&X-Amz-Signature=sig-of-f");
        match count % 8 {
            0 => Answer::new(400, format!("<html>{echo}</html>")),
            1 => Answer::json(403, &json(json!({"message": format!("no {echo}."), "code": echo}))),
            2 => Answer::json(
                409,
                &json(json!({
                    "error": echo, "error_description": echo, "messageParams": {(echo.as_str()): echo},
                    "contextId": echo, "entityId": echo, "messageWithParams": echo,
                    "details": [{"errorCode": echo, "fieldName": echo, "entityName": echo}],
                    "errors": [{"message": echo, "errors": [{"code": echo}]}],
                    "limit": {"namespace": echo, "key": echo, "value": echo},
                })),
            ),
            3 => Answer::new(302, format!("moved to {url}")).header("location", url),
            4 => Answer::json(400, &json(json!({"message": url})))
                .header("inin-correlation-id", echo.clone())
                .header("content-type", echo.clone()),
            5 => Answer::json(200, &json(json!({ "message": echo, "status": 400, "code": echo })))
                .header("inin-correlation-id", echo.clone())
                .header("content-type", format!("text/{echo}")),
            6 => Answer::new(200, format!("\"{echo}\" is no JSON")).header("x-echo", echo.clone()),
            _ => Answer::json(400, &format!("{{\"message\":\"{echo}")).stalling_at(1 << 30),
        }
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn echoed_credentials_are_redacted() {
    let token = "hunter3-the-token";
    for (logs_in, builder) in [(true, None), (false, None), (false, Some(token))] {
        let server = echoing(logs_in).await;
        let builder = match builder {
            Some(token) => Client::builder().api_url(server.url()).access_token(token),
            None => logging_in(&server),
        };
        let client = builder.max_retries(0).build().expect("a client");
        let log = Log::default();
        let _guard = tracing::subscriber::set_default(log.clone());
        let mut shown = String::new();
        for _ in 0..8 * 30 {
            let listing = ListSpec::new(Scheme::UnpagedEntities, "entities");
            let error =
                Paginator::<Value>::from_request(&client, queues(), listing).try_next().await;
            let error = error.expect_err("every response is wrong");
            let body = error.body();
            let id = error.correlation_id();
            let _ = writeln!(shown, "{error} {error:?} {error:#?} {body:?} {id:?}");
            let source = std::error::Error::source(&error);
            let _ = writeln!(shown, "{source:?}");
        }
        let _ = write!(shown, "{client:?} {}", log.text(Level::TRACE));
        assert!(shown.matches("[redacted]").count() > 500);
        for secret in [SECRET, token] {
            for trace in traces(secret) {
                let at = shown.find(&trace);
                let around = at.map(|at| {
                    shown[at.saturating_sub(200)..].chars().take(400).collect::<String>()
                });
                assert_eq!(around, None, "{trace}");
            }
        }
        assert!(!shown.contains("pw-of-u") && !shown.contains("sig-of-f"));
    }
}

#[tokio::test]
async fn server_text_is_escaped_and_bounded() {
    let acting = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}1m\u{202e}\u{2066}\u{200f}\r\n\u{8}";
    let long = format!("{acting}{}", "x".repeat(300_000));
    let body = json!({"message": long, "code": long, "contextId": long}).to_string();
    for status in [200, 400, 403, 429, 500] {
        for body in [body.clone(), long.clone()] {
            let server = Server::start(move |_| Answer::new(status, body.clone())).await;
            let builder = Client::builder().api_url(server.url()).access_token("ready-made-token");
            let builder = builder.max_retries(0).max_rate_limit_wait(std::time::Duration::ZERO);
            let client = builder.build().expect("a client");
            let listing = ListSpec::new(Scheme::UnpagedEntities, "entities");
            let error =
                Paginator::<Value>::from_request(&client, queues(), listing).try_next().await;
            let error = error.expect_err("no list");
            let text = error.to_string();
            assert!(text.chars().count() < 4_000, "{status}: {}", text.len());
            let is_acting =
                |char: char| char.is_control() || acting.contains(char) && !char.is_ascii();
            assert!(!text.contains(is_acting), "{status}: {text:?}");
            // The body is complete and unchanged.
            if let Some(body) = error.body() {
                assert_eq!(body.message.as_deref(), Some(&*long), "{status}");
            }
        }
    }
}

#[tokio::test]
async fn an_access_token_is_not_shown() {
    let builder = Client::builder().region("mypurecloud.ie").access_token("ready-made-token");
    assert!(!format!("{builder:?}").contains("ready-made"));
    let client = builder.build().expect("a client");
    let shown = format!("{client:?}");
    assert!(
        shown.contains("https://api.mypurecloud.ie") && !shown.contains("ready-made"),
        "{shown}"
    );
}

#[test]
fn errors_about_settings_do_not_quote_secrets() {
    let builder: ClientBuilder = Client::builder()
        .api_url("https://user:hunter2@gw.example.com")
        .login_url("https://gw.example.com/?key=hunter2")
        .proxy("ftp://user:hunter2@gw.example.com")
        .access_token("hunter2\n\u{1}hunter2");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let error = builder.build().expect_err("every setting is invalid");
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
    assert_eq!(
        error.to_string(),
        "the client can't be built:\n\
         - the URL of GENESYS_CLOUD_API_URL (or `api_url`): it must not contain a user name or password\n\
         - the URL of GENESYS_CLOUD_LOGIN_URL (or `login_url`): it must not contain a query or fragment\n\
         - the URL of `proxy`: expected a URL such as http://proxy.example.com:3128\n\
         - GENESYS_CLOUD_ACCESS_TOKEN (or `access_token`) has an invalid character"
    );
}

#[tokio::test]
async fn each_call_has_one_span() {
    let mut refused = false;
    let server = Server::start(move |request| match (request.is_login(), refused) {
        (true, _) => Answer::token("token", 86_400),
        (false, false) => {
            refused = true;
            Answer::new(401, "")
        }
        (false, true) => Answer::new(200, "").header("inin-correlation-id", "abc"),
    })
    .await;
    let client = logging_in(&server).build().expect("a client");
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    client.execute(&queues()).await.expect("a response");

    let log = log.text(Level::INFO);
    for field in [
        "operation=\"getRoutingQueues\"",
        "method=\"GET\"",
        "path=\"/api/v2/routing/queues\"",
        "attempt=1 ",
        "attempts=2 ",
        "status=200 ",
        "correlation_id=\"abc\"",
        "elapsed_ms=",
    ] {
        assert!(log.contains(field), "{field} not in {log}");
    }
}

#[tokio::test]
async fn waits_and_retries_are_logged_without_the_response() {
    let mut asked = 0;
    let server = Server::start(move |_| {
        asked += 1;
        let fault = r#"{"message":"Jane must wait","limit":{"key":"of-jane"}}"#;
        match asked {
            1 => Answer::json(429, fault).header("retry-after", "42"),
            2 => Answer::json(503, fault),
            3 => Answer::new(200, "Jane").closing_at(100),
            _ => Answer::new(200, "Jane"),
        }
    })
    .await;
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let builder = Client::builder().api_url(server.url()).access_token("ready-made-token");
    let client = builder.on_wait(waits::skipping()).build().expect("a client");
    client.execute(&queues()).await.expect("a response");

    let log = log.text(Level::TRACE);
    for field in [
        "reason=operation limit expected_ms=4",
        "reason=retry expected_ms=",
        "attempt=1 status=429 ",
        "attempt=2 status=503 ",
        "attempt=3 status=200 ",
        "error=interrupted ",
        "attempts=4 ",
        "waited_ms=4",
    ] {
        assert!(log.contains(field), "{field} not in {log}");
    }
    for personal in ["Jane", "of-jane", "ready-made"] {
        assert!(!log.contains(personal), "{personal} in {log}");
    }
}

/// Records everything that is traced on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, String)>>>);

impl Log {
    /// The events and spans up to this level.
    fn text(&self, level: Level) -> String {
        let lines = self.0.lock().expect("no panic while tracing");
        lines.iter().filter(|(of, _)| *of <= level).map(|(_, line)| line.as_str()).collect()
    }

    fn keep(&self, level: Level, record: impl FnOnce(&mut Line)) {
        let mut line = Line(String::new());
        record(&mut line);
        self.0.lock().expect("no panic while tracing").push((level, line.0));
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.keep(*span.metadata().level(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        // Only the spans of calls record values later, and they have this level.
        self.keep(Level::INFO, |line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.keep(*event.metadata().level(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
