//! One request out, one reply in. Login and API calls both go through here.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use tokio::time::Instant;
use url::Url;

use crate::base_url::is_direct;
use crate::error::{Error, root_cause};
use crate::operation::{Method, Operation};
use crate::redact::Secrets;
use crate::response::{RawResponse, ResponseHead};
use crate::tls::{self, Tls};

/// Of an error reply no more than this is read, in bytes.
pub(crate) const MAX_ERROR_BODY: usize = 1 << 20;

/// The longest time to wait for the body of an error reply.
const MAX_ERROR_TIME: Duration = Duration::from_secs(5);

/// A body is read into room made at once for as much as the host declares, up to so many bytes: what it
/// declares can't be relied on.
const MAX_ROOM: u64 = 4 << 20;

/// How connections are made.
#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) user_agent: HeaderValue,
    pub(crate) proxy: Option<reqwest::Proxy>,
    pub(crate) tls: Tls,
}

impl Http {
    fn build(&self, decodes: bool, is_direct: bool) -> Result<reqwest::Client, String> {
        let http = reqwest::Client::builder();
        let http = match decodes {
            true => http,
            // Other crates of the program may enable these features of reqwest.
            false => http.no_gzip().no_brotli().no_deflate().no_zstd(),
        };
        let http = http
            // A redirect could lead the token to another host.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .user_agent(self.user_agent.clone());
        let http = self.tls.apply(http);
        let http = match &self.proxy {
            _ if is_direct => http.no_proxy(),
            Some(proxy) => http.proxy(proxy.clone()),
            // That of the system.
            None => http,
        };
        http.build().map_err(|error| format!("TLS can't be set up: {}", root_cause(&error)))
    }
}

/// Connections of one kind. They are made when they are first used: to read the certificates of the system takes
/// longer than the rest of the client does.
pub(crate) struct Connections {
    http: Http,
    /// Whether they decompress bodies.
    decodes: bool,
    /// Without any proxy, and by that of the settings or the system.
    direct: OnceLock<Result<reqwest::Client, String>>,
    proxied: OnceLock<Result<reqwest::Client, String>>,
}

impl Connections {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, decodes: true, direct: OnceLock::new(), proxied: OnceLock::new() }
    }

    /// Connections for files, which come as they are, compressed or not.
    pub(crate) fn for_files(http: Http) -> Self {
        Self { decodes: false, ..Self::new(http) }
    }

    /// The connections to use for this URL. Plain http and loopback traffic never goes through a proxy, whatever
    /// other hosts the client calls.
    pub(crate) fn to(&self, url: &Url) -> Result<&reqwest::Client, String> {
        if let Some(why) = tls::missing().filter(|_| url.scheme() == "https") {
            return Err(why.to_owned());
        }
        let is_direct = is_direct(url);
        let client = if is_direct { &self.direct } else { &self.proxied };
        let made = client.get_or_init(|| self.http.build(self.decodes, is_direct));
        made.as_ref().map_err(Clone::clone)
    }
}

/// The connections, and the bounds on what comes back over them.
#[derive(Clone)]
pub(crate) struct HttpClient {
    http: Arc<Connections>,
    max_body: usize,
    timeout: Duration,
    secrets: Secrets,
}

impl HttpClient {
    pub(crate) fn new(
        http: Connections,
        max_body: usize,
        timeout: Duration,
        secrets: Secrets,
    ) -> Self {
        Self { http: Arc::new(http), max_body, timeout, secrets }
    }

    pub(crate) const fn max_body(&self) -> usize {
        self.max_body
    }

    /// The time for a request and its reply.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The credentials that this sends, to be removed from what is shown.
    pub(crate) const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// A request to this URL, to be completed and given to [`send`](Self::send).
    pub(crate) fn request(
        &self,
        method: Method,
        url: Url,
    ) -> Result<reqwest::RequestBuilder, Error> {
        let http = self.http.to(&url).map_err(Error::config)?;
        Ok(http.request(method.into(), url))
    }

    /// Sends a request once and reads the reply, whatever its status. `max_body` limits the size of a successful reply
    /// further, in bytes.
    pub(crate) async fn send(
        &self,
        operation: &Operation,
        request: reqwest::RequestBuilder,
        max_body: Option<usize>,
    ) -> Result<RawResponse, Error> {
        let began = Instant::now();
        let deadline = || Error::deadline(operation, self.timeout);
        let sent = tokio::time::timeout(self.timeout, request.send()).await;
        let sent = sent.map_err(|_| deadline())?;
        let mut response = sent.map_err(|error| Error::unanswered(operation, error))?;
        let head = ResponseHead::new(response.status(), std::mem::take(response.headers_mut()));
        let head = head.with_secrets(&self.secrets);
        let mut reply = RawResponse { operation: operation.clone(), head, body: Bytes::new() };
        let accepted = operation.accepts(reply.status());
        let most = max_body.map_or(self.max_body, |bytes| bytes.min(self.max_body));
        let limit = if accepted { most } else { MAX_ERROR_BODY };
        let left = self.timeout.saturating_sub(began.elapsed());
        let left = if accepted { left } else { left.min(MAX_ERROR_TIME) };
        // What is dropped anyway need not be transferred first.
        let is_declared = |bytes: usize| response.content_length() > Some(bytes as u64);
        if accepted && max_body.is_some_and(is_declared) {
            return Err(Error::too_large(&reply, limit));
        }
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
