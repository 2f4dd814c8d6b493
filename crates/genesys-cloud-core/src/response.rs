//! What the API answered: typed, and as it came.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::Error;
use crate::operation::Operation;
use crate::redact::Secrets;
use crate::wire::without_mark;

/// Set on every reply of the API; Genesys asks for it when a call is reported.
const CORRELATION_ID: HeaderName = HeaderName::from_static("inin-correlation-id");

/// What a call took until it ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallStats {
    /// How many requests were sent for it, logins not among them.
    pub(crate) attempts: u32,
    /// How long it waited to send them.
    pub(crate) waited: Duration,
}

/// Status and headers of a reply, and what it took to get it.
#[derive(Clone)]
pub(crate) struct ResponseHead {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) course: CallStats,
    /// What the host was sent, and may have echoed: it is removed from errors.
    pub(crate) secrets: Secrets,
}

impl ResponseHead {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap) -> Self {
        Self { status, headers, course: CallStats::default(), secrets: Secrets::default() }
    }

    /// The same, from a host that was sent these credentials.
    pub(crate) fn with_secrets(self, secrets: &Secrets) -> Self {
        Self { secrets: secrets.clone(), ..self }
    }

    fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn correlation_id(&self) -> Option<&str> {
        self.text(&CORRELATION_ID).filter(|id| !id.is_empty())
    }

    /// `Retry-After` in seconds, with or without a fraction, or as a date. A past date is zero.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let value = self.text(&RETRY_AFTER)?.trim();
        if value.starts_with(|c: char| c.is_ascii_digit()) {
            let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
            let is_number = fraction.bytes().all(|byte| byte.is_ascii_digit());
            // Rounded up: too early would be refused again.
            let more = u64::from(fraction.bytes().any(|byte| byte != b'0'));
            let seconds = whole.parse::<u64>().ok().filter(|_| is_number)?;
            return Some(Duration::from_secs(seconds.saturating_add(more)));
        }
        let until = DateTime::<Utc>::from(httpdate::parse_http_date(value).ok()?);
        Some((until - self.now()).to_std().unwrap_or_default())
    }

    /// The last segment of the path of a URL in this header.
    pub(crate) fn url_end(&self, name: &str) -> Option<String> {
        let url = self.headers.get(name)?.to_str().ok()?;
        let path = url.split(['?', '#']).next()?.trim_end_matches('/');
        path.rsplit('/').next().filter(|end| !end.is_empty()).map(str::to_owned)
    }

    /// When the reply was made, by the server's clock.
    pub(crate) fn date(&self) -> Option<DateTime<Utc>> {
        httpdate::parse_http_date(self.text(&DATE)?).ok().map(DateTime::from)
    }

    /// The same, or our clock's time where the server does not tell its own. Ours may be off.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.date().unwrap_or_else(Utc::now)
    }

    /// Where a redirect leads.
    pub(crate) fn location(&self) -> Option<&str> {
        self.text(&LOCATION)
    }
}

/// Leaves cookies and the targets of redirects out: a session cookie is as good as a token, and so is the
/// query of a presigned URL.
impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redactor = self.secrets.redactor();
        let shown = |value: &HeaderValue| {
            redactor.redact(&String::from_utf8_lossy(value.as_bytes())).into_owned()
        };
        let headers =
            self.headers.iter().filter(|(name, _)| ![SET_COOKIE, LOCATION].contains(name));
        let headers: HeaderMap<String> =
            headers.map(|(name, value)| (name.clone(), shown(value))).collect();
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("headers", &headers)
            .finish()
    }
}

/// What an operation returned, with the status and headers it came with.
#[derive(Clone, Debug)]
pub struct Response<T> {
    value: T,
    head: ResponseHead,
}

impl<T> Response<T> {
    #[cfg(feature = "test-util")]
    pub(crate) const fn from_parts(value: T, head: ResponseHead) -> Self {
        Self { value, head }
    }

    /// What the operation returned.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// What the operation returned.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The HTTP status, such as 200.
    pub fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// The headers of the reply.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The id under which Genesys finds the call in its logs, from `ININ-Correlation-Id`.
    pub fn correlation_id(&self) -> Option<&str> {
        self.head.correlation_id()
    }

    /// How many requests the call took: 1 unless some were repeated. Logins are not counted.
    pub fn attempts(&self) -> u32 {
        self.head.course.attempts
    }

    /// How long the call waited for its turn within the rate limit, and before repetitions.
    pub fn waited(&self) -> Duration {
        self.head.course.waited
    }

    /// The same reply with another value, made from this one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Response<U> {
        Response { value: f(self.value), head: self.head }
    }
}

/// A reply as it came, its body not yet read as anything.
#[derive(Clone)]
pub struct RawResponse {
    pub(crate) operation: Operation,
    pub(crate) head: ResponseHead,
    pub(crate) body: Bytes,
}

impl RawResponse {
    /// The HTTP status, such as 200.
    pub fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// The headers of the reply.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The id under which Genesys finds the call in its logs, from `ININ-Correlation-Id`.
    pub fn correlation_id(&self) -> Option<&str> {
        self.head.correlation_id()
    }

    /// How many requests the call took: 1 unless some were repeated. Logins are not counted.
    pub fn attempts(&self) -> u32 {
        self.head.course.attempts
    }

    /// How long the call waited for its turn within the rate limit, and before repetitions.
    pub fn waited(&self) -> Duration {
        self.head.course.waited
    }

    /// The `Content-Type` of the body.
    pub fn content_type(&self) -> Option<&str> {
        self.head.text(&CONTENT_TYPE)
    }

    /// The path that `Location` leads to, on whatever host, without its query, which may be a secret.
    pub(crate) fn location_path(&self) -> Option<String> {
        let base = Url::parse("https://localhost").ok()?;
        let location = self.head.text(&LOCATION)?;
        base.join(location).ok().map(|url| url.path().to_owned())
    }

    /// The body, decompressed.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced by U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body read as JSON. A byte order mark before it is skipped.
    ///
    /// # Errors
    /// When it is not the JSON of a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let read = self.json_text().and_then(|json| Ok(serde_json::from_str(json)?));
        read.map_err(|error| Error::decode(self, &error))
    }

    /// The body as JSON text. One check of the whole body saves one of each string in it.
    pub(crate) fn json_text(&self) -> Result<&str, DecodeError> {
        let text = std::str::from_utf8(&self.body)
            .map_err(|error| DecodeError::new(format!("the reply is not UTF-8: {error}")))?;
        Ok(without_mark(text))
    }

    /// The reply read as what its operation returns.
    pub(crate) fn decode<T: Decode>(self) -> Result<Response<T>, Error> {
        match T::decode(&self) {
            Ok(value) => Ok(Response { value, head: self.head }),
            Err(error) => Err(Error::decode(&self, &error)),
        }
    }

    /// The reply itself, if its operation accepts its status.
    pub(crate) fn accepted(self) -> Result<Self, Error> {
        if self.operation.accepts(self.status()) { Ok(self) } else { Err(Error::refused(&self)) }
    }
}

/// Leaves the body out: it is large, and may be personal data.
impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("operation", &self.operation.id())
            .field("head", &self.head)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// A type that the reply of an operation can be read as.
pub trait Decode: Sized {
    /// Reads a reply whose status the operation accepts.
    ///
    /// # Errors
    /// When the body is not what this type is made from.
    fn decode(reply: &RawResponse) -> Result<Self, DecodeError>;
}

/// For operations that return nothing: whatever the body holds is left unread.
impl Decode for () {
    fn decode(_: &RawResponse) -> Result<Self, DecodeError> {
        Ok(())
    }
}

/// For operations whose reply the API document does not describe.
impl Decode for RawResponse {
    fn decode(reply: &RawResponse) -> Result<Self, DecodeError> {
        Ok(reply.clone())
    }
}

/// Why a body is not what a type is made from.
///
/// Its text names what was expected and where, and holds nothing of the body.
#[derive(Debug)]
pub struct DecodeError {
    why: String,
    problem: Problem,
}

/// What can be done about it depends on this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Form,
    TooDeep,
    TooManyItems,
    /// It is JSON, but nothing of a page.
    NotAPage,
}

impl DecodeError {
    /// An error with this text, which should hold nothing of the body: bodies are personal data.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), problem: Problem::Form }
    }

    /// A list has more items than this.
    pub(crate) fn too_many(most: usize) -> Self {
        let why = format!("there are more than {most} items");
        Self { why, problem: Problem::TooManyItems }
    }

    /// The reply is not a page of the list.
    pub(crate) fn not_a_page(why: impl Into<String>) -> Self {
        Self { why: why.into(), problem: Problem::NotAPage }
    }

    pub(crate) fn problem(&self) -> Problem {
        self.problem
    }

    /// The same error, told as that of a page.
    pub(crate) fn on_page(self, number: u64) -> Self {
        Self { why: format!("page {number}: {}", self.why), ..self }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for DecodeError {}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        // It has no kind of its own.
        let is_deep = text.starts_with("recursion limit exceeded");
        let problem = if is_deep { Problem::TooDeep } else { Problem::Form };
        Self { why: without_found_value(&text), problem }
    }
}

/// Blanks the value that serde quotes from the document (`invalid type: string "Jane", expected a
/// boolean`). The part from `expected` on, and the names of missing fields, come from our own types.
fn without_found_value(message: &str) -> String {
    if message.starts_with("missing field") || message.starts_with("duplicate field") {
        return message.to_owned();
    }
    let mut blanked = String::with_capacity(message.len());
    let mut rest = message;
    if let Some((before, after)) = message.split_once(['"', '`'])
        && !before.contains("expected ")
    {
        // A quoted value may hold anything, escaped quotes and `expected` too: the last one is ours.
        let end =
            after.rfind(", expected").or_else(|| after.rfind(" at line")).unwrap_or(after.len());
        blanked.push_str(before);
        blanked.push('…');
        rest = &after[end..];
    }
    blanked.push_str(rest);
    blanked
}

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing {
    //! Replies for the fuzz targets.

    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::{RawResponse, ResponseHead};
    use crate::operation::{Method, Operation};

    /// A reply of an operation that does not matter.
    pub(crate) fn reply(status: StatusCode, headers: HeaderMap, body: &[u8]) -> RawResponse {
        RawResponse {
            operation: Operation::from_static("getThings", Method::Get, "/api/v2/things"),
            head: ResponseHead::new(status, headers),
            body: Bytes::copy_from_slice(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_blanked_and_what_was_expected_is_not() {
        for (message, told) in [
            (
                "invalid type: string \"Jane\", expected u32 at line 1 column 6",
                "invalid type: string …, expected u32 at line 1 column 6",
            ),
            (
                "invalid type: string \"a \\\" `b`, expected c\", expected u32 at line 1 column 6",
                "invalid type: string …, expected u32 at line 1 column 6",
            ),
            (
                "invalid value: integer `500`, expected u8 at line 2 column 1",
                "invalid value: integer …, expected u8 at line 2 column 1",
            ),
            (
                "unknown variant `Jane`, expected `a` or `b` at line 1 column 9",
                "unknown variant …, expected `a` or `b` at line 1 column 9",
            ),
            (
                "invalid type: map, expected a string at line 1 column 0",
                "invalid type: map, expected a string at line 1 column 0",
            ),
            (
                "expectedCount: invalid type: string \"Jane\", expected u32 at line 1 column 6",
                "expectedCount: invalid type: string …, expected u32 at line 1 column 6",
            ),
            ("missing field `name` at line 1 column 2", "missing field `name` at line 1 column 2"),
            ("expected `,` or `}` at line 1 column 8", "expected `,` or `}` at line 1 column 8"),
            ("duplicate key \"Jane\" at line 1 column 8", "duplicate key … at line 1 column 8"),
            ("odd: \"Jane\"", "odd: …"),
        ] {
            assert_eq!(without_found_value(message), told);
        }
    }
}
