//! The client against a scripted server on loopback.

mod errors;
mod login;
mod replies;
mod server;

use genesys_cloud_core::{Client, ClientBuilder, Method, Operation, Request};

use crate::server::Server;

const SECRET: &str = "hunter2-the-client-secret";

fn queues() -> Request {
    Request::new(Operation::known("getRoutingQueues", Method::Get, "/api/v2/routing/queues"))
}

/// A client that logs in at this server and calls it.
fn logging_in(server: &Server) -> ClientBuilder {
    Client::builder()
        .api_url(server.url())
        .login_url(server.url())
        .credentials("the-client-id", SECRET)
}

/// A client that calls this server with a token of its caller.
fn with_token(server: &Server) -> ClientBuilder {
    Client::builder().api_url(server.url()).access_token("ready-made-token")
}
