//! Secrets, and what of a call is personal data, stay out of everything that is shown.
//!
//! A process of its own: tracing decides for all threads at once whether anyone listens, and a test
//! without a listener could decide for one that has.

#[allow(dead_code, reason = "shared with the tests of the client")]
#[path = "../client/server.rs"]
mod server;
#[path = "../client/waits.rs"]
mod waits;

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use genesys_cloud_core::{Client, ClientBuilder, Method, Operation, Request};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::server::{Answer, Server};

const SECRET: &str = "hunter2-the-client-secret";

fn queues() -> Request {
    Request::new(Operation::known("getRoutingQueues", Method::Get, "/api/v2/routing/queues"))
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
    let mut ok = Request::new(Operation::known("getOk", Method::Get, "/ok/{id}"));
    ok.set_path("id", "an-id-of-someone").set_query("name", "Jane").set_body("a-body");
    let reply = client.execute(&ok).await.expect("a reply");
    let error = client.execute(&queues()).await.expect_err("refused");
    assert!(error.is_auth());
    let _ =
        write!(shown, "{client:?} {ok:?} {reply:?} {error:?} {error} {}", log.text(Level::TRACE));

    assert!(shown.contains("the-client-id"), "the id is no secret");
    assert!(shown.contains("you sent Bearer [blanked]"), "{shown}");
    for secret in [SECRET, "token-1", "token-2", "token-3", "aHVudGVyMi10aGUtY2xpZW50LXNlY3JldA"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let log = log.text(Level::TRACE);
    for personal in ["Jane", "an-id-of-someone", "a-body", "you sent"] {
        assert!(!log.contains(personal), "{personal} in {log}");
    }
}

#[tokio::test]
async fn a_ready_token_is_not_shown() {
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
fn a_refused_setting_is_not_repeated_where_it_may_be_secret() {
    let builder: ClientBuilder = Client::builder()
        .api_url("https://user:hunter2@gw.example.com")
        .login_url("https://gw.example.com/?key=hunter2")
        .proxy("ftp://user:hunter2@gw.example.com")
        .access_token("hunter2\n\u{1}hunter2");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let error = builder.build().expect_err("nothing of it is right");
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
    assert_eq!(
        error.to_string(),
        "the client can't be built:\n\
         - the URL of GENESYS_CLOUD_API_URL (or `api_url`): it must not hold a user name or password\n\
         - the URL of GENESYS_CLOUD_LOGIN_URL (or `login_url`): it must not hold a query or fragment\n\
         - the URL of `proxy`: it must be like http://proxy.example.com:3128\n\
         - GENESYS_CLOUD_ACCESS_TOKEN (or `access_token`) has a character that no token has"
    );
}

#[tokio::test]
async fn a_call_leaves_one_span_that_names_it() {
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
    client.execute(&queues()).await.expect("a reply");

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
async fn waits_and_repetitions_are_told_without_what_was_answered() {
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
    client.execute(&queues()).await.expect("a reply");

    let log = log.text(Level::TRACE);
    for field in [
        "reason=endpoint expected_ms=4",
        "reason=retry expected_ms=",
        "attempt=1 status=429 ",
        "attempt=2 status=503 ",
        "attempt=3 status=200 ",
        "error=connection broke ",
        "attempts=4 ",
        "waited_ms=4",
    ] {
        assert!(log.contains(field), "{field} not in {log}");
    }
    for personal in ["Jane", "of-jane", "ready-made"] {
        assert!(!log.contains(personal), "{personal} in {log}");
    }
}

/// Keeps all that is traced on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, String)>>>);

impl Log {
    /// What was traced at this level or above.
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
        // Values are recorded on the span of a call alone, which is at this level.
        self.keep(Level::INFO, |line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.keep(*event.metadata().level(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
