//! The messages of errors of every kind, in one snapshot: the message, and with `{:#}` the message with its causes.
//! Each error comes from a real fault.

#![allow(missing_docs, reason = "the bindings look like generated code")]

mod calls;
mod lists;
#[allow(dead_code, reason = "shared with the tests of the client")]
#[path = "../client/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use genesys_cloud_core::{Client, ClientBuilder, Error, Method, Operation, Request};

use crate::server::{Answer, Server};

/// An error, and the situation that it comes from.
type Case = (&'static str, Error);

fn queues() -> Request {
    Request::new(Operation::from_static("getRoutingQueues", Method::Get, "/api/v2/routing/queues"))
}

/// A client that retries nothing.
fn client(server: &Server) -> ClientBuilder {
    let builder = Client::builder().api_url(server.url()).access_token("an-access-token");
    builder.max_retries(0).max_rate_limit_wait(Duration::ZERO)
}

/// A server that answers each request in this way.
async fn serve(answer: fn() -> Answer) -> Server {
    Server::start(move |_| answer()).await
}

/// Replaces ports, process ids and the directory of checkpoints, which differ in every run.
fn stable(text: &str) -> String {
    let text = without_numbers(
        &without_numbers(text, "127.0.0.1:", "HOST"),
        "by process ",
        "by process PID",
    );
    let line = |line: &str| match line.find("/queues.json") {
        Some(at) => format!("DIRECTORY{}\n", &line[at..]),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Replaces a prefix and the number after it.
fn without_numbers(text: &str, prefix: &str, replacement: &str) -> String {
    let mut parts = text.split(prefix);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text += replacement;
        text += part.trim_start_matches(|char: char| char.is_ascii_digit());
    }
    text
}

#[tokio::test]
async fn messages_of_all_kinds() {
    let mut cases = calls::cases().await;
    cases.extend(lists::cases().await);
    let mut found = BTreeSet::new();
    let mut text = String::new();
    for (situation, error) in cases {
        found.insert(error.kind().as_str().to_owned());
        let (message, chain) = (error.to_string(), format!("{error:#}"));
        let _ = writeln!(text, "# {situation} ({})\n{message}", error.kind());
        if chain != message {
            let _ = writeln!(text, "with its cause:\n{chain}");
        }
        text.push('\n');
    }
    insta::assert_snapshot!("messages", stable(&text));
    // Every kind that is named in the source has a message here.
    let kinds = include_str!("../../src/error/kind.rs").lines();
    let kinds = kinds.filter(|line| line.trim_start().starts_with("Self::"));
    let kinds = kinds.filter_map(|line| line.split_once(" => \"")?.1.strip_suffix("\","));
    assert_eq!(found, kinds.map(str::to_owned).collect());
}
