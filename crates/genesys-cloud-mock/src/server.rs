use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::connection::{ConnectionFault, Hangup, ResponseBody};
use crate::error::Error;
use crate::limit::LimitStatus;
use crate::response::CannedResponse;
use crate::service::{Service, ServiceResponse};

/// Larger than any request of the API.
const LARGEST_BODY: usize = 16 << 20;

/// The purpose of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerKind {
    /// API and login.
    Api,
    /// Files behind presigned URLs.
    Files,
}

/// A server that listens on loopback until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Listens on a port, or on any free one if 0.
    pub(crate) async fn start(
        service: Arc<Service>,
        kind: ServerKind,
        port: u16,
    ) -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(Error::bind)?;
        let address = listener.local_addr().map_err(Error::bind)?;
        let accepting = tokio::spawn(accept(listener, service, kind));
        Ok(Self { address, accepting })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns once the port is free and all connections are closed.
    pub(crate) async fn shutdown(mut self) {
        self.accepting.abort();
        // The task was cancelled and has no result.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// This task owns the connections, so they end with it.
async fn accept(listener: TcpListener, service: Arc<Service>, kind: ServerKind) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // Connections that fail before they begin are ignored.
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&service), kind));
        }
    }
}

async fn serve(stream: TcpStream, service: Arc<Service>, kind: ServerKind) {
    // Small responses must not wait for more data. A failure only makes them slower.
    let _ = stream.set_nodelay(true);
    let respond = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { respond(&service, kind, request).await }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), respond);
    // Clients may hang up at any time; only hangups by the org matter.
    let hangup = (&mut connection).await.err().and_then(|error| Hangup::of(&error));
    if hangup == Some(Hangup::Reset) {
        // On failure, the connection closes normally.
        let _ = connection.into_parts().io.inner().set_zero_linger();
    }
}

async fn respond(
    service: &Service,
    kind: ServerKind,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Hangup> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return Ok(CannedResponse::empty(413).into_response());
    };
    let (response, fault) = match kind {
        ServerKind::Files => service.respond_with_file(&head, body.to_bytes()),
        ServerKind::Api => {
            let answer = service.respond(&head, body.to_bytes()).await;
            let fault = answer.connection;
            (response(answer, service), fault)
        }
    };
    match fault {
        None => Ok(response),
        Some(ConnectionFault::CutBeforeResponse) => Err(Hangup::Reset),
        Some(fault) => Ok(response.map(|body| body.with(fault))),
    }
}

fn response(answer: ServiceResponse, service: &Service) -> Response<ResponseBody> {
    let mut response = answer.response.into_response();
    if let Some(huge_body) = answer.huge_body {
        response = response.map(|_| huge_body.into_body());
    }
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: String| {
        // Headers of a canned response take precedence.
        if let (name, Ok(value)) = (HeaderName::from_static(name), HeaderValue::try_from(value)) {
            headers.entry(name).or_insert(value);
        }
    };
    set("date", service.now().http_date());
    set("inin-correlation-id", answer.correlation_id.to_string());
    for (name, value) in answer.limit_status.into_iter().flat_map(LimitStatus::headers) {
        set(name, value.to_string());
    }
    response
}
