//! The requests for one file, including those that resume it.

use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED,
    RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use url::Url;

use super::coding::Coding;
use super::link::{DOWNLOADS, Link};
use crate::client::Client;
use crate::error::Error;
use crate::operation::{Method, Operation};
use crate::request::Request;
use crate::response::{RawResponse, ResponseHead};
use crate::retry::{Meaning, chance};
use crate::spans;

/// Maximum number of consecutive failures without a byte.
const FAILURES: u32 = 5;
/// Pause after the first failure. It doubles with each.
const PAUSE: Duration = Duration::from_millis(250);
/// Longest pause to wait for if the server asks for it.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Maximum number of redirects within the API.
const HOPS: usize = 3;

pub(super) struct Transfer {
    client: Client,
    operation: Operation,
    link: Link,
    /// The host that serves the bytes.
    host: String,
    body: Body,
    /// Number of bytes returned so far.
    at: u64,
    /// Number of bytes to skip, since they were returned before.
    skip: u64,
    length: Option<u64>,
    /// Identifies the version of the file: an `ETag`, or the modification time.
    validator: Option<HeaderValue>,
    head: Option<ResponseHead>,
    /// The encoding of the transfer. Lengths and ranges count encoded bytes.
    coding: Coding,
    /// Whether an HTML page is an error.
    is_data: bool,
    failures: u32,
}

enum Body {
    None,
    Response(Box<reqwest::Response>),
    Whole(Bytes),
}

/// A failed attempt.
struct Fault {
    error: Error,
    /// Whether a retry may succeed.
    passes: bool,
    retry_after: Option<Duration>,
}

impl Transfer {
    pub(super) fn new(client: Client, operation: Operation, link: Link, is_data: bool) -> Self {
        Self {
            host: client.secrets().redact(&link.host()).into_owned(),
            client,
            operation,
            link,
            body: Body::None,
            at: 0,
            skip: 0,
            length: None,
            validator: None,
            head: None,
            coding: Coding::Identity,
            is_data,
            failures: 0,
        }
    }

    pub(super) fn renew(&mut self, link: Link) {
        self.host = self.client.secrets().redact(&link.host()).into_owned();
        self.link = link;
    }

    pub(super) const fn length(&self) -> Option<u64> {
        self.length
    }

    pub(super) const fn coding(&self) -> &Coding {
        &self.coding
    }

    pub(super) const fn head(&self) -> Option<&ResponseHead> {
        self.head.as_ref()
    }

    /// Returns the next bytes of the file, with as many requests as needed. `None` at the end.
    pub(super) async fn bytes(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            // The file is complete even if its connection broke.
            if matches!(self.body, Body::None)
                && self.head.is_some()
                && self.length == Some(self.at)
            {
                self.body = Body::Whole(Bytes::new());
            }
            if matches!(self.body, Body::None)
                && let Err(fault) = self.begin().await
            {
                self.pause_after(fault).await?;
                continue;
            }
            let chunk = match &mut self.body {
                Body::None => continue,
                Body::Response(response) => response.chunk().await,
                Body::Whole(bytes) => {
                    Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty()))
                }
            };
            match chunk {
                Ok(Some(mut bytes)) => {
                    let skipped = self.skip.min(bytes.len() as u64);
                    self.skip -= skipped;
                    bytes.advance(skipped as usize);
                    if bytes.is_empty() {
                        continue;
                    }
                    self.at += bytes.len() as u64;
                    if self.length.is_some_and(|length| self.at > length) {
                        self.body = Body::None;
                        return Err(self.error("is longer than the server declared"));
                    }
                    self.failures = 0;
                    return Ok(Some(bytes));
                }
                // A file that became shorter has changed.
                Ok(None)
                    if self.skip == 0 && self.length.is_none_or(|length| self.at == length) =>
                {
                    self.body = Body::Whole(Bytes::new());
                    return Ok(None);
                }
                Ok(None) => {
                    let fault = self.broken_off(None);
                    self.pause_after(fault).await?;
                }
                Err(error) => {
                    let fault = self.broken_off(Some(error));
                    self.pause_after(fault).await?;
                }
            }
        }
    }

    /// Waits before a retry, or gives up.
    async fn pause_after(&mut self, fault: Fault) -> Result<(), Error> {
        self.body = Body::None;
        self.failures += 1;
        let pause = (PAUSE * 2_u32.pow(self.failures.min(8))).mul_f64(0.5 + chance() / 2.0);
        let pause = pause.max(fault.retry_after.unwrap_or_default());
        if !fault.passes || self.failures >= FAILURES || pause > MAX_PAUSE {
            // The next poll starts with all retries.
            self.failures = 0;
            return Err(fault.error);
        }
        let (host, at) = (&self.host, self.at);
        tracing::warn!(host, at, error = %fault.error, "download interrupted; retrying");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Requests the rest of the file.
    async fn begin(&mut self) -> Result<(), Fault> {
        if self.at > 0 && self.validator.is_none() {
            let why =
                "was interrupted, and its server cannot show that the rest is of the same file";
            return Err(self.lasting(self.error(why).advise("download it again from the start")));
        }
        let url = match self.link.clone() {
            Link::Presigned(url) => url,
            Link::Api(target) => match self.resolve(target).await? {
                Resolved::Url(url) => url,
                Resolved::Response(response) => return self.take_whole(response),
            },
        };
        self.host = self.client.secrets().redact(url.authority()).into_owned();
        let path = url.path().to_owned();
        let mut headers = HeaderMap::new();
        // Lengths and ranges must count decoded bytes.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let (1.., Some(validator)) = (self.at, &self.validator) {
            let range = HeaderValue::try_from(format!("bytes={}-", self.at));
            headers.extend(range.ok().map(|range| (RANGE, range)));
            headers.insert(IF_RANGE, validator.clone());
        }
        let files = self.client.files(&url).map_err(|error| self.lasting(error))?;
        let request = files.get(url.clone()).headers(headers);
        let operation = &self.operation;
        let sent = async { request.send().await.map_err(|it| Error::unanswered(operation, it)) };
        let response = spans::file(&url, sent, |response| response.status().as_u16()).await;
        let response =
            response.map_err(|error| Fault { error, passes: true, retry_after: None })?;
        let head = ResponseHead::new(response.status(), response.headers().clone());
        let head = head.with_secrets(self.client.secrets());
        self.take(head, &path)?;
        self.body = Body::Response(Box::new(response));
        Ok(())
    }

    /// Requests the URL of a file from the API, or the file itself.
    async fn resolve(&self, mut target: String) -> Result<Resolved, Fault> {
        for _ in 0..HOPS {
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let operation =
                Operation::new(self.operation.id().to_owned(), Method::Get, path.to_owned());
            let mut request = Request::new(operation);
            request.accept_redirects();
            for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
                request.add_query(name.into_owned(), &*value);
            }
            let response = self.client.execute(&request).await.map_err(|error| Fault {
                passes: error.is_transient(),
                retry_after: error.retry_after(),
                error,
            })?;
            if response.status() == 202 {
                return Err(self.refused(&response.head));
            }
            let is_redirect = response.head.status.is_redirection();
            let to = match is_redirect {
                true => Some(response.head.location().unwrap_or_default().to_owned()),
                false => url_in(&response).filter(|_| path.starts_with(DOWNLOADS)),
            };
            let Some(to) = to else { return Ok(Resolved::Response(response)) };
            let link = Link::parse(&to, self.client.api());
            match link {
                Ok(Link::Presigned(url)) => return Ok(Resolved::Url(url)),
                Ok(Link::Api(next)) => target = next,
                Err(why) => {
                    let why = format!("is at a URL that was rejected: {why}");
                    return Err(self.lasting(self.error(&why)));
                }
            }
        }
        Err(self.lasting(self.error("has too many redirects")))
    }

    /// Takes a file that the API serves itself, as a whole.
    fn take_whole(&mut self, response: RawResponse) -> Result<(), Fault> {
        let length = response.body().len() as u64;
        self.check_type(&response.head)?;
        if self.at > 0 && (self.length != Some(length)) {
            return Err(self.lasting(self.changed()));
        }
        self.skip = self.at;
        self.length = Some(length);
        self.validator = Some(HeaderValue::from_static("whole"));
        self.head.get_or_insert(response.head);
        self.body = Body::Whole(response.body);
        Ok(())
    }

    /// Checks that a response continues the file.
    fn take(&mut self, head: ResponseHead, path: &str) -> Result<(), Fault> {
        let status = head.status;
        if status.is_success() {
            self.check_type(&head)?;
        }
        let length = number(&head.headers, &CONTENT_LENGTH);
        match (status, self.at) {
            (StatusCode::OK, 0) => {
                self.length = length;
                self.validator = validator(&head.headers);
                self.coding = Coding::of(&head.headers, path);
                if let (true, Coding::Other(name)) = (self.is_data, &self.coding) {
                    let why = format!("has an unsupported encoding ({name})");
                    return Err(self.lasting(self.error(&why)));
                }
                self.head = Some(head);
                self.skip = 0;
                Ok(())
            }
            (StatusCode::PARTIAL_CONTENT, 1..) => {
                let range = head.headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
                let range = range.and_then(Range::parse);
                let fits = range.is_some_and(|range| {
                    let same_length = self.length.is_none_or(|length| {
                        range.length.is_none_or(|range| range == length) && range.last < length
                    });
                    // Without any length, the end of the file could not be recognized.
                    let is_bounded = self.length.or(range.length).is_some();
                    range.first == self.at && same_length && is_bounded
                });
                if !fits || validator(&head.headers).is_some_and(|v| Some(v) != self.validator) {
                    return Err(self.lasting(self.changed()));
                }
                self.skip = 0;
                self.length = self.length.or(range.and_then(|range| range.length));
                Ok(())
            }
            // The server ignored the range. The bytes returned before must be from the same file.
            (StatusCode::OK, _) => {
                let same = validator(&head.headers).is_some_and(|v| Some(v) == self.validator)
                    && length == self.length;
                if !same {
                    return Err(self.lasting(self.changed()));
                }
                self.skip = self.at;
                Ok(())
            }
            _ => Err(self.refused(&head)),
        }
    }

    /// Rejects an HTML page instead of data. It may come from a gateway, so a retry may help.
    fn check_type(&self, head: &ResponseHead) -> Result<(), Fault> {
        let media = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let is_html = ["text/html", "application/xhtml+xml"];
        if self.is_data && is_html.iter().any(|it| media.eq_ignore_ascii_case(it)) {
            return Err(Fault { error: self.html(), passes: true, retry_after: None });
        }
        Ok(())
    }

    /// The error for an HTML page.
    pub(super) fn html(&self) -> Error {
        self.error("is an HTML page instead of data")
            .advise("the URL may lead to a login or error page: get a new URL from the job")
    }

    /// The error for bytes that are invalid in the declared encoding.
    pub(super) fn not_encoded(&self) -> Error {
        let coding = match self.coding {
            Coding::Deflate => "deflate",
            _ => "gzip",
        };
        self.error(&format!("is not valid {coding}, which its server declares, or is truncated"))
            .advise("download it again from the start")
    }

    fn refused(&self, head: &ResponseHead) -> Fault {
        let status = head.status;
        let error = self.error(&format!("is unavailable: its server answered {status}"));
        let error = match status.as_u16() {
            202 => error.advise("it is not ready: try again later"),
            400 | 401 | 403 | 404 | 410 => {
                error.advise("its URL may have expired: get a new one from the job")
            }
            300..400 => error.advise("redirects of files are not followed"),
            _ => error,
        };
        let response = RawResponse {
            operation: self.operation.clone(),
            head: head.clone(),
            body: Bytes::new(),
        };
        Fault {
            error: error.with_answer(&response),
            passes: status == StatusCode::ACCEPTED
                || Meaning::of(status.as_u16(), None) != Meaning::Final,
            retry_after: head.retry_after(),
        }
    }

    fn broken_off(&self, error: Option<reqwest::Error>) -> Fault {
        let of = self.length.map(|length| format!(" of {length}")).unwrap_or_default();
        let why = format!("the file at {} was cut off after {}{of} bytes", self.host, self.at);
        Fault {
            error: Error::broken_file(&self.operation, why, error).advise("poll again to resume"),
            passes: true,
            retry_after: None,
        }
    }

    fn lasting(&self, error: Error) -> Fault {
        Fault { error, passes: false, retry_after: None }
    }

    fn changed(&self) -> Error {
        self.error("changed during the download, or its server returned the wrong range")
            .advise("download it again from the start")
    }

    fn error(&self, what: &str) -> Error {
        Error::file(Some(&self.operation), format!("the file at {} {what}", self.host))
            .redacted(self.client.secrets())
    }
}

enum Resolved {
    Url(Url),
    Response(RawResponse),
}

/// Returns the URL in a response of the form `{"url": ".."}`, which replaces a redirect.
fn url_in(response: &RawResponse) -> Option<String> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(response.body()) else {
        return None;
    };
    match fields.remove("url").filter(|_| fields.is_empty()) {
        Some(Value::String(url)) => Some(url),
        _ => None,
    }
}

/// Returns the identifier of the file's version. A weak `ETag` does not guarantee identical bytes.
fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let strong = headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    strong.or_else(|| headers.get(LAST_MODIFIED)).cloned()
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The part of a file in a response, from `Content-Range` (RFC 9110, 14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    last: u64,
    length: Option<u64>,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (range, length) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let length = match length.trim() {
            "*" => None,
            length => Some(length.parse().ok()?),
        };
        (first <= last).then_some(Self { first, last, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first response may not declare a length, for example if it is chunked.
    #[test]
    fn a_range_may_report_the_length() {
        let client = Client::builder().api_url("http://127.0.0.1:1").access_token("t").build();
        let link = Link::Api("/f".to_owned());
        let operation = Operation::from_static("download", Method::Get, "/f");
        let mut transfer = Transfer::new(client.expect("a client"), operation, link, true);
        let headers = |pairs: &[(HeaderName, &'static str)]| {
            let pairs =
                pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            pairs.collect::<HeaderMap>()
        };
        let whole = headers(&[(ETAG, "\"v1\"")]);
        assert!(transfer.take(ResponseHead::new(StatusCode::OK, whole), "/f").is_ok());
        assert_eq!(transfer.length, None);
        transfer.at = 5;
        let part = headers(&[(CONTENT_RANGE, "bytes 5-9/20")]);
        assert!(transfer.take(ResponseHead::new(StatusCode::PARTIAL_CONTENT, part), "/f").is_ok());
        // Otherwise the file would seem to end after ten bytes.
        assert_eq!(transfer.length, Some(20));
    }

    #[test]
    fn parses_content_ranges() {
        for (text, range) in [
            ("bytes 5-9/10", Some((5, 9, Some(10)))),
            ("bytes 5-9/*", Some((5, 9, None))),
            ("bytes 9-5/10", None),
            ("bytes */10", None),
            ("items 5-9/10", None),
            ("bytes 5-9", None),
            ("", None),
        ] {
            let found = Range::parse(text).map(|range| (range.first, range.last, range.length));
            assert_eq!(found, range, "{text}");
        }
    }
}
