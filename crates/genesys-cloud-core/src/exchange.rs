//! One request out, one reply in. Login and API calls both go through here.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use tokio::time::Instant;
use url::Url;

use crate::error::Error;
use crate::operation::{Method, Operation};
use crate::reply::{Head, RawReply};

/// Of an error reply no more than this is read, in bytes.
const MAX_ERROR_BODY: usize = 1 << 20;

/// The longest time to wait for the body of an error reply.
const MAX_ERROR_TIME: Duration = Duration::from_secs(5);

/// A body is read into room made at once for as much as the host declares, up to so many bytes: what it
/// declares can't be relied on.
const MAX_ROOM: u64 = 4 << 20;

/// How connections are made.
pub(crate) struct Http {
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) user_agent: HeaderValue,
    pub(crate) proxy: Option<reqwest::Proxy>,
    /// Whether they stay on this machine.
    pub(crate) local: bool,
}

impl Http {
    pub(crate) fn build(&self) -> Result<reqwest::Client, String> {
        self.built(reqwest::Client::builder())
    }

    fn built(&self, http: reqwest::ClientBuilder) -> Result<reqwest::Client, String> {
        let http = http
            // A redirect could lead the token to another host.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .user_agent(self.user_agent.clone());
        let http = match &self.proxy {
            Some(proxy) => http.proxy(proxy.clone()),
            None if self.local => http.no_proxy(),
            None => http,
        };
        http.build().map_err(|error| format!("no HTTPS on this machine: {error}"))
    }
}

/// Connections that bring bodies as they are, compressed or not. They are made when they are first used:
/// to read the certificates of the system takes longer than the rest of the client does.
pub(crate) struct Files {
    http: Http,
    client: OnceLock<Result<reqwest::Client, String>>,
}

impl Files {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, client: OnceLock::new() }
    }

    pub(crate) fn client(&self) -> Result<&reqwest::Client, String> {
        let as_they_are = || {
            // Other crates of the program may enable these features of reqwest.
            reqwest::Client::builder().no_gzip().no_brotli().no_deflate().no_zstd()
        };
        let make = || self.http.built(as_they_are());
        self.client.get_or_init(make).as_ref().map_err(Clone::clone)
    }
}

/// The connections, and the bounds on what comes back over them.
#[derive(Clone)]
pub(crate) struct Exchange {
    http: reqwest::Client,
    max_body: usize,
    timeout: Duration,
}

impl Exchange {
    pub(crate) fn new(http: reqwest::Client, max_body: usize, timeout: Duration) -> Self {
        Self { http, max_body, timeout }
    }

    pub(crate) fn max_body(&self) -> usize {
        self.max_body
    }

    /// A request to this URL, to be completed and given to [`send`](Self::send).
    pub(crate) fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.http.request(method.into(), url)
    }

    /// Sends a request once and reads the reply, whatever its status.
    pub(crate) async fn send(
        &self,
        operation: &Operation,
        request: reqwest::RequestBuilder,
    ) -> Result<RawReply, Error> {
        let began = Instant::now();
        let deadline = || Error::deadline(operation, self.timeout);
        let sent = tokio::time::timeout(self.timeout, request.send()).await;
        let sent = sent.map_err(|_| deadline())?;
        let mut response = sent.map_err(|error| Error::unanswered(operation, error))?;
        let head = Head::new(response.status(), std::mem::take(response.headers_mut()));
        let mut reply = RawReply { operation: operation.clone(), head, body: Bytes::new() };
        let accepted = operation.accepts(reply.status());
        let limit = if accepted { self.max_body } else { MAX_ERROR_BODY };
        let left = self.timeout.saturating_sub(began.elapsed());
        let left = if accepted { left } else { left.min(MAX_ERROR_TIME) };
        let room = response.content_length().unwrap_or(0).min(MAX_ROOM);
        let mut body = BytesMut::with_capacity(limit.min(room as usize));
        let whole = tokio::time::timeout(left, read(&mut response, &mut body, limit)).await;
        match whole {
            Ok(Ok(())) => {}
            // The status matters more than the body, which may stall, break off or never end.
            _ if !accepted => {}
            Ok(Err(Some(error))) => return Err(Error::broken_body(&reply, error)),
            Ok(Err(None)) => return Err(Error::too_large(&reply, limit)),
            Err(_) => return Err(deadline().with_answer(&reply)),
        }
        reply.body = body.freeze();
        Ok(reply)
    }
}

/// Reads a body up to a limit. Returns `Err(None)` if it is larger.
async fn read(
    response: &mut reqwest::Response,
    body: &mut BytesMut,
    limit: usize,
) -> Result<(), Option<reqwest::Error>> {
    while let Some(chunk) = response.chunk().await? {
        // Counted as it comes, after decompression: a declared length can't be relied on.
        if chunk.len() > limit - body.len() {
            return Err(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(())
}
