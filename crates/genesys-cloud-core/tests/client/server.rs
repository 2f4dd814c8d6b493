//! A scripted HTTP/1.1 server: a closure answers each request, and all requests are recorded.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of text"))
    }

    pub(crate) fn is_login(&self) -> bool {
        self.target == "/oauth/token"
    }
}

/// A response.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    declared: Option<usize>,
    closes: bool,
    is_chunked: bool,
    gate: Option<Gate>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            status,
            headers: Vec::new(),
            body,
            declared: None,
            closes: false,
            is_chunked: false,
            gate: None,
        }
    }

    /// A successful login.
    pub(crate) fn token(token: &str, expires_in: u64) -> Self {
        let grant = format!(
            r#"{{"access_token":"{token}","token_type":"bearer","expires_in":{expires_in}}}"#
        );
        Self::json(200, &grant)
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::new(status, body).header("content-type", "application/json")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Declares a body of this length and never sends the rest.
    pub(crate) fn stalling_at(mut self, declared: usize) -> Self {
        self.declared = Some(declared);
        self
    }

    /// Declares a body of this length and closes the connection without the rest.
    pub(crate) fn closing_at(mut self, declared: usize) -> Self {
        (self.declared, self.closes) = (Some(declared), true);
        self
    }

    /// Sends the body as one chunk without a length, followed by the last chunk or the end of the connection.
    #[allow(dead_code, reason = "for the tests of files")]
    pub(crate) fn in_chunks(mut self, ends: bool) -> Self {
        let mut body = format!("{:x}\r\n", self.body.len()).into_bytes();
        body.append(&mut self.body);
        body.extend_from_slice(if ends { b"\r\n0\r\n\r\n" } else { b"\r\n" });
        (self.body, self.is_chunked, self.closes) = (body, true, !ends);
        self
    }

    /// Waits until the gate is opened.
    pub(crate) fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }
}

/// Holds responses back until it is opened.
#[derive(Clone)]
pub(crate) struct Gate(watch::Sender<bool>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        self.0.subscribe().wait_for(|open| *open).await.expect("the gate holds its sender");
    }
}

/// Stops with the runtime of its test.
pub(crate) struct Server {
    url: String,
    received: watch::Receiver<Vec<Received>>,
}

impl Server {
    pub(crate) async fn start(answer: impl FnMut(&Received) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (log, received) = watch::channel(Vec::new());
        let answer = Arc::new(Mutex::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answer) = (log.clone(), answer.clone());
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while let Some(request) = read(&mut stream).await {
                        let response =
                            (answer.lock().expect("a script that did not panic"))(&request);
                        log.send_modify(|log| log.push(request));
                        if !write(&mut stream, response).await {
                            break;
                        }
                    }
                });
            }
        });
        Self { url, received }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.borrow().clone()
    }

    pub(crate) fn logins(&self) -> usize {
        self.received.borrow().iter().filter(|request| request.is_login()).count()
    }

    /// Waits until this many requests have arrived.
    pub(crate) async fn has_received(&self, count: usize) {
        let mut received = self.received.clone();
        received.wait_for(|log| log.len() >= count).await.expect("the server runs");
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = HeaderMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        let name = HeaderName::try_from(name).expect("a header name");
        headers.append(name, HeaderValue::try_from(value).expect("a header value"));
    }
    let length = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).expect("a body of text");
    Some(Received { method, target, headers, body })
}

/// Sends a response. Returns whether the connection stays open.
async fn write(stream: &mut BufReader<TcpStream>, answer: Answer) -> bool {
    if let Some(gate) = &answer.gate {
        gate.passed().await;
    }
    let length = answer.declared.unwrap_or(answer.body.len());
    let mut head = format!("HTTP/1.1 {} -\r\n", answer.status);
    head += &match answer.is_chunked {
        true => "transfer-encoding: chunked\r\n".to_owned(),
        false => format!("content-length: {length}\r\n"),
    };
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    let mut message = head.into_bytes();
    message.extend(&answer.body);
    if stream.write_all(&message).await.is_err() {
        return false;
    }
    if length > answer.body.len() && !answer.closes {
        std::future::pending::<()>().await;
    }
    !answer.closes
}
