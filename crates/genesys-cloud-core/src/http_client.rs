//! Sends one request and reads the response, for API calls and logins.

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

/// Maximum number of bytes read from an error response.
pub(crate) const MAX_ERROR_BODY: usize = 1 << 20;

/// Maximum time to read the body of an error response.
const MAX_ERROR_TIME: Duration = Duration::from_secs(5);

/// Maximum buffer allocated up front for a declared content length, which may be wrong.
const MAX_PREALLOCATION: u64 = 4 << 20;

/// Connection settings.
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
            // A redirect could send the token to another host.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .user_agent(self.user_agent.clone());
        let http = self.tls.apply(http);
        let http = match &self.proxy {
            _ if is_direct => http.no_proxy(),
            Some(proxy) => http.proxy(proxy.clone()),
            // Uses the system's proxy.
            None => http,
        };
        http.build().map_err(|error| format!("TLS can't be set up: {}", root_cause(&error)))
    }
}

/// Connections with the same settings. Created on first use, because loading the system's certificates takes longer than
/// building the rest of the client.
pub(crate) struct Connections {
    http: Http,
    /// Whether response bodies are decompressed.
    decodes: bool,
    /// Without a proxy.
    direct: OnceLock<Result<reqwest::Client, String>>,
    /// Through the configured proxy or that of the system.
    proxied: OnceLock<Result<reqwest::Client, String>>,
}

impl Connections {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, decodes: true, direct: OnceLock::new(), proxied: OnceLock::new() }
    }

    /// Connections for files, which are not decompressed.
    pub(crate) fn for_files(http: Http) -> Self {
        Self { decodes: false, ..Self::new(http) }
    }

    /// Returns the connections for this URL. Plain HTTP and loopback traffic bypasses proxies.
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

/// Connections with limits on responses.
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

    /// The timeout of a request, including its response.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The credentials sent, which are redacted from messages.
    pub(crate) const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Starts a request, to be passed to [`send`](Self::send).
    pub(crate) fn request(
        &self,
        method: Method,
        url: Url,
    ) -> Result<reqwest::RequestBuilder, Error> {
        let http = self.http.to(&url).map_err(Error::config)?;
        Ok(http.request(method.into(), url))
    }

    /// Sends a request once and reads the response, whatever its status. `max_body` further limits the bytes of a
    /// successful response.
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
        let mut incoming = sent.map_err(|error| Error::unanswered(operation, error))?;
        let head = ResponseHead::new(incoming.status(), std::mem::take(incoming.headers_mut()));
        let head = head.with_secrets(&self.secrets);
        let mut response = RawResponse { operation: operation.clone(), head, body: Bytes::new() };
        let accepted = operation.accepts(response.status());
        let most = max_body.map_or(self.max_body, |bytes| bytes.min(self.max_body));
        let limit = if accepted { most } else { MAX_ERROR_BODY };
        let left = self.timeout.saturating_sub(began.elapsed());
        let left = if accepted { left } else { left.min(MAX_ERROR_TIME) };
        // Fail before reading a body that is declared too large.
        let is_declared = |bytes: usize| incoming.content_length() > Some(bytes as u64);
        if accepted && max_body.is_some_and(is_declared) {
            return Err(Error::too_large(&response, limit));
        }
        let room = incoming.content_length().unwrap_or(0).min(MAX_PREALLOCATION);
        let mut body = BytesMut::with_capacity(limit.min(room as usize));
        let whole = tokio::time::timeout(left, read(&mut incoming, &mut body, limit)).await;
        match whole {
            Ok(Ok(())) => {}
            // An incomplete error body is acceptable: the status matters more.
            _ if !accepted => {}
            Ok(Err(Some(error))) => return Err(Error::broken_body(&response, error)),
            Ok(Err(None)) => return Err(Error::too_large(&response, limit)),
            Err(_) => return Err(deadline().with_answer(&response)),
        }
        response.body = body.freeze();
        Ok(response)
    }
}

/// Reads a body up to a limit. Returns `Err(None)` if it is larger.
async fn read(
    response: &mut reqwest::Response,
    body: &mut BytesMut,
    limit: usize,
) -> Result<(), Option<reqwest::Error>> {
    while let Some(chunk) = response.chunk().await? {
        // Count decompressed bytes as they arrive; the declared length may be wrong.
        if chunk.len() > limit - body.len() {
            return Err(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(())
}
