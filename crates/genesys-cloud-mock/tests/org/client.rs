//! A plain HTTP client, so that these tests see the exact bytes on the wire.

use bytes::Bytes;
use genesys_cloud_mock::MockOrg;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    pub(crate) token: Option<String>,
}

#[derive(Debug)]
pub(crate) struct ClientResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl ClientResponse {
    /// The body as JSON, or `Null` if it is empty.
    pub(crate) fn json(&self) -> Value {
        if self.bytes.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.bytes).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().expect("text")
    }
}

impl Client {
    /// Connects to the org, with a new access token.
    pub(crate) async fn of(org: &MockOrg) -> Self {
        Self::at(&org.url(), Some(org.access_token())).await
    }

    /// Connects to the file server, without a token.
    pub(crate) async fn of_files(org: &MockOrg) -> Self {
        Self::at(&org.files_url(), None).await
    }

    async fn at(url: &str, token: Option<String>) -> Self {
        let address = url.strip_prefix("http://").expect("a URL of plain HTTP");
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1");
        tokio::spawn(connection);
        Self { sender, token }
    }

    pub(crate) async fn get(&mut self, path: &str) -> ClientResponse {
        self.send("GET", path, Bytes::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> ClientResponse {
        self.send("POST", path, body.to_string().into()).await
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, body: Bytes) -> ClientResponse {
        let request = self.request(method, path, body);
        self.send_request(request).await
    }

    fn request(&self, method: &str, path: &str, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(Full::new(body)).expect("a request")
    }

    /// Like [`Client::send`]; `None` if the connection ends before the response is complete.
    pub(crate) async fn try_send(
        &mut self,
        method: &str,
        path: &str,
        body: Bytes,
    ) -> Option<ClientResponse> {
        self.try_send_request(self.request(method, path, body)).await
    }

    /// Requests a range of a file; `None` if the connection ends before the response is complete.
    pub(crate) async fn try_get(
        &mut self,
        path: &str,
        range: Option<&str>,
    ) -> Option<ClientResponse> {
        let mut request = self.request("GET", path, Bytes::new());
        if let Some(range) = range {
            request.headers_mut().insert(header::RANGE, range.parse().expect("a range"));
        }
        self.try_send_request(request).await
    }

    async fn try_send_request(&mut self, request: Request<Full<Bytes>>) -> Option<ClientResponse> {
        self.sender.ready().await.ok()?;
        let (head, body) = self.sender.send_request(request).await.ok()?.into_parts();
        let bytes = body.collect().await.ok()?.to_bytes();
        Some(ClientResponse { status: head.status.as_u16(), headers: head.headers, bytes })
    }

    /// Returns the response with its body still unread.
    pub(crate) async fn open(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        self.sender.ready().await.expect("an open connection");
        self.sender.send_request(request).await.expect("a response")
    }

    pub(crate) async fn send_request(&mut self, request: Request<Full<Bytes>>) -> ClientResponse {
        self.sender.ready().await.expect("an open connection");
        let (head, body) =
            self.sender.send_request(request).await.expect("a response").into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        ClientResponse { status: head.status.as_u16(), headers: head.headers, bytes }
    }
}
