//! The client against a scripted server on loopback.

mod bounds;
mod chains;
mod errors;
mod hooks;
mod login;

mod retries;
mod runtime;
mod server;
mod waits;

use std::time::Duration;

use genesys_cloud_core::{Client, ClientBuilder, Method, Operation, Request};

use crate::server::Server;

const SECRET: &str = "hunter2-the-client-secret";

fn queues() -> Request {
    Request::new(Operation::from_static("getRoutingQueues", Method::Get, "/api/v2/routing/queues"))
}

/// A client that logs in to this server and calls it, without retries.
fn logging_in(server: &Server) -> ClientBuilder {
    let builder = once(server).login_url(server.url());
    builder.credentials("the-client-id", SECRET)
}

/// A client with an access token, without retries.
fn with_token(server: &Server) -> ClientBuilder {
    once(server).access_token("ready-made-token")
}

/// A client that retries nothing.
fn once(server: &Server) -> ClientBuilder {
    let builder = Client::builder().api_url(server.url());
    builder.max_retries(0).max_rate_limit_wait(Duration::ZERO)
}
