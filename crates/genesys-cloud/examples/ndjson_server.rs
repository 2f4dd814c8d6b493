//! Serves `GET /queues` as NDJSON. Rows are sent as pages arrive from the API; a slow reader slows the list down, and
//! one that disconnects ends it.
//!
//! `cargo run -p genesys-cloud --example ndjson_server -- 127.0.0.1:8080`, then `curl http://127.0.0.1:8080/queues`

#![allow(clippy::print_stdout)]

mod support;

use std::convert::Infallible;
use std::error::Error;

use genesys_cloud::bytes::Bytes;
use genesys_cloud::futures::{StreamExt as _, TryStreamExt as _};
use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::{Client, Error as ApiError};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type Body = UnsyncBoxBody<Bytes, ApiError>;

/// One queue per line. An error aborts the response, so that the reader does not take it for complete.
fn queues(client: &Client) -> Body {
    let rows = client.routing().queues().paginate().map_ok(|queue| {
        let mut row = serde_json::to_vec(&queue).unwrap_or_default();
        row.push(b'\n');
        Frame::data(Bytes::from(row))
    });
    StreamBody::new(rows.inspect(|row| {
        if let Err(error) = row {
            eprintln!("{error:#}");
        }
    }))
    .boxed_unsync()
}

fn respond(client: &Client, request: &Request<Incoming>) -> Response<Body> {
    let (status, body) = match request.uri().path() {
        "/queues" => (StatusCode::OK, queues(client)),
        _ => {
            (StatusCode::NOT_FOUND, Full::default().map_err(|never| match never {}).boxed_unsync())
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let ndjson = hyper::header::HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, ndjson);
    response
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let fake = MockOrg::builder().list("getRoutingQueues", 2_000);
    let (client, _fake) = support::connect(fake).await?;
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/queues", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        let client = client.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = respond(&client, &request);
                async { Ok::<_, Infallible>(response) }
            });
            let server = hyper::server::conn::http1::Builder::new();
            if let Err(error) = server.serve_connection(TokioIo::new(connection), service).await {
                eprintln!("{error}");
            }
        });
    }
}
