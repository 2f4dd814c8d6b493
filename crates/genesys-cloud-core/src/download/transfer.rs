//! The requests for one file: the first, and those that go on where one broke off.

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

/// How often in a row a transfer may fail without a single byte.
const FAILURES: u32 = 5;
/// The pause after the first failure; it doubles with each.
const PAUSE: Duration = Duration::from_millis(250);
/// A server that asks for a longer pause than this is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How many redirects within the API are followed.
const HOPS: usize = 3;

pub(super) struct Transfer {
    client: Client,
    operation: Operation,
    link: Link,
    /// The host that the bytes come from.
    host: String,
    body: Body,
    /// How many bytes have been handed out.
    at: u64,
    /// How many of the bytes that come are to be left out, since they came before.
    skip: u64,
    length: Option<u64>,
    /// What tells one state of the file from another: an `ETag`, or when it was modified.
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

/// Why no bytes come.
struct Fault {
    error: Error,
    /// Whether the next try may do better.
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

    /// The next bytes of the file, through as many requests as it takes. `None` at its end.
    pub(super) async fn bytes(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            // All has come, though its connection ended otherwise than it should: nothing is missing.
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
                        return Err(self.error("is longer than its server has declared"));
                    }
                    self.failures = 0;
                    return Ok(Some(bytes));
                }
                // What is shorter than before is not the same file.
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

    /// Waits until the next try is due, or gives up.
    async fn pause_after(&mut self, fault: Fault) -> Result<(), Error> {
        self.body = Body::None;
        self.failures += 1;
        let pause = (PAUSE * 2_u32.pow(self.failures.min(8))).mul_f64(0.5 + chance() / 2.0);
        let pause = pause.max(fault.retry_after.unwrap_or_default());
        if !fault.passes || self.failures >= FAILURES || pause > LONGEST_PAUSE {
            // Whoever asks again gets as many tries again.
            self.failures = 0;
            return Err(fault.error);
        }
        let (host, at) = (&self.host, self.at);
        tracing::warn!(host, at, error = %fault.error, "download broke off");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Asks for what is missing of the file.
    async fn begin(&mut self) -> Result<(), Fault> {
        if self.at > 0 && self.validator.is_none() {
            let why = "broke off, and its server can't tell whether the rest would be of the same";
            return Err(self.lasting(self.error(why).advise("read it from the beginning")));
        }
        let url = match self.link.clone() {
            Link::Presigned(url) => url,
            Link::Api(target) => match self.resolve(target).await? {
                Resolved::Url(url) => url,
                Resolved::Response(reply) => return self.take_whole(reply),
            },
        };
        self.host = self.client.secrets().redact(url.authority()).into_owned();
        let path = url.path().to_owned();
        let mut headers = HeaderMap::new();
        // A length and a range count the bytes that are sent.
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

    /// Asks the API where a file is, or for the file itself.
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
            let reply = self.client.execute(&request).await.map_err(|error| Fault {
                passes: error.is_transient(),
                retry_after: error.retry_after(),
                error,
            })?;
            if reply.status() == 202 {
                return Err(self.refused(&reply.head));
            }
            let is_redirect = reply.head.status.is_redirection();
            let to = match is_redirect {
                true => Some(reply.head.location().unwrap_or_default().to_owned()),
                false => url_in(&reply).filter(|_| path.starts_with(DOWNLOADS)),
            };
            let Some(to) = to else { return Ok(Resolved::Response(reply)) };
            let link = Link::parse(&to, self.client.api());
            match link {
                Ok(Link::Presigned(url)) => return Ok(Resolved::Url(url)),
                Ok(Link::Api(next)) => target = next,
                Err(why) => {
                    let why = format!("is elsewhere, and that URL is not fetched: {why}");
                    return Err(self.lasting(self.error(&why)));
                }
            }
        }
        Err(self.lasting(self.error("is behind too many redirects")))
    }

    /// A file that the API itself holds comes as a whole.
    fn take_whole(&mut self, reply: RawResponse) -> Result<(), Fault> {
        let length = reply.body().len() as u64;
        self.check_type(&reply.head)?;
        if self.at > 0 && (self.length != Some(length)) {
            return Err(self.lasting(self.changed()));
        }
        self.skip = self.at;
        self.length = Some(length);
        self.validator = Some(HeaderValue::from_static("whole"));
        self.head.get_or_insert(reply.head);
        self.body = Body::Whole(reply.body);
        Ok(())
    }

    /// Checks that what comes is what is missing of the file.
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
                        range.length.is_none_or(|told| told == length) && range.last < length
                    });
                    // Or else it could not be told whether the file ends with it.
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
            // The server does not go on in the middle. What came before must be of the same file.
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

    /// Refuses an HTML page instead of data. A gateway may have sent it, so another try may help.
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

    /// The error for bytes that are not valid in the declared encoding.
    pub(super) fn not_encoded(&self) -> Error {
        let coding = match self.coding {
            Coding::Deflate => "deflate",
            _ => "gzip",
        };
        self.error(&format!("is not valid {coding}, which its server declares, or is cut short"))
            .advise("read it from the beginning")
    }

    fn refused(&self, head: &ResponseHead) -> Fault {
        let status = head.status;
        let error = self.error(&format!("did not come: its server answered {status}"));
        let error = match status.as_u16() {
            202 => error.advise("it is not ready: ask for it again later"),
            400 | 401 | 403 | 404 | 410 => {
                error.advise("its URL may have expired: ask the job for it again")
            }
            300..400 => error.advise("redirects of files are not followed"),
            _ => error,
        };
        let reply = RawResponse {
            operation: self.operation.clone(),
            head: head.clone(),
            body: Bytes::new(),
        };
        Fault {
            error: error.with_answer(&reply),
            passes: status == StatusCode::ACCEPTED
                || Meaning::of(status.as_u16(), None) != Meaning::Final,
            retry_after: head.retry_after(),
        }
    }

    fn broken_off(&self, error: Option<reqwest::Error>) -> Fault {
        let of = self.length.map(|length| format!(" of {length}")).unwrap_or_default();
        let why = format!("the file at {} broke off after {}{of} bytes", self.host, self.at);
        Fault {
            error: Error::broken_file(&self.operation, why, error)
                .advise("ask again to go on from there"),
            passes: true,
            retry_after: None,
        }
    }

    fn lasting(&self, error: Error) -> Fault {
        Fault { error, passes: false, retry_after: None }
    }

    fn changed(&self) -> Error {
        self.error(
            "has changed while it was read, or its server sent another part than was asked for",
        )
        .advise("read it from the beginning")
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

/// The URL in a reply of the form `{"url": ".."}`, which replaces a redirect.
fn url_in(reply: &RawResponse) -> Option<String> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(reply.body()) else { return None };
    match fields.remove("url").filter(|_| fields.is_empty()) {
        Some(Value::String(url)) => Some(url),
        _ => None,
    }
}

/// What tells one state of a file from another. A weak `ETag` does not say that the bytes are the same.
fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let strong = headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    strong.or_else(|| headers.get(LAST_MODIFIED)).cloned()
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The part of a file that a reply has, as `Content-Range` says it (RFC 9110, 14.4).
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

    /// The first reply may not have told, as one in chunks does not.
    #[test]
    fn the_length_may_be_told_with_a_part() {
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
        // Or else the file would end at the tenth byte.
        assert_eq!(transfer.length, Some(20));
    }

    #[test]
    fn content_ranges() {
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
