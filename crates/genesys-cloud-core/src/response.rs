//! Responses of the API: raw and decoded.

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

/// Set by the API on every response. Genesys asks for it in support cases.
const CORRELATION_ID: HeaderName = HeaderName::from_static("inin-correlation-id");

/// The attempts and waits of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallStats {
    /// Requests sent, without logins.
    pub(crate) attempts: u32,
    /// Time spent waiting before requests.
    pub(crate) waited: Duration,
}

/// Status and headers of a response, and the effort to get it.
#[derive(Clone)]
pub(crate) struct ResponseHead {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) stats: CallStats,
    /// Credentials that the host may echo; they are redacted from errors.
    pub(crate) secrets: Secrets,
}

impl ResponseHead {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap) -> Self {
        Self { status, headers, stats: CallStats::default(), secrets: Secrets::default() }
    }

    /// Adds the credentials that the host was sent.
    pub(crate) fn with_secrets(self, secrets: &Secrets) -> Self {
        Self { secrets: secrets.clone(), ..self }
    }

    fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn correlation_id(&self) -> Option<&str> {
        self.text(&CORRELATION_ID).filter(|id| !id.is_empty())
    }

    /// `Retry-After` as a number of seconds, whole or fractional, or as a date. A past date is zero.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let value = self.text(&RETRY_AFTER)?.trim();
        if value.starts_with(|c: char| c.is_ascii_digit()) {
            let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
            let is_number = fraction.bytes().all(|byte| byte.is_ascii_digit());
            // Round up: an early retry would be rejected again.
            let more = u64::from(fraction.bytes().any(|byte| byte != b'0'));
            let seconds = whole.parse::<u64>().ok().filter(|_| is_number)?;
            return Some(Duration::from_secs(seconds.saturating_add(more)));
        }
        let until = DateTime::<Utc>::from(httpdate::parse_http_date(value).ok()?);
        Some((until - self.now()).to_std().unwrap_or_default())
    }

    /// The last path segment of a URL in this header.
    pub(crate) fn url_end(&self, name: &str) -> Option<String> {
        let url = self.headers.get(name)?.to_str().ok()?;
        let path = url.split(['?', '#']).next()?.trim_end_matches('/');
        path.rsplit('/').next().filter(|end| !end.is_empty()).map(str::to_owned)
    }

    /// The server's time when it made the response.
    pub(crate) fn date(&self) -> Option<DateTime<Utc>> {
        httpdate::parse_http_date(self.text(&DATE)?).ok().map(DateTime::from)
    }

    /// The server's time, or the local time if the server does not state it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.date().unwrap_or_else(Utc::now)
    }

    /// The target of a redirect.
    pub(crate) fn location(&self) -> Option<&str> {
        self.text(&LOCATION)
    }
}

/// Omits cookies and redirect targets: session cookies and presigned URLs are secrets.
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

/// Getters of types that have a `head`.
macro_rules! head_getters {
    () => {
        /// Returns the HTTP status, such as 200.
        pub fn status(&self) -> u16 {
            self.head.status.as_u16()
        }

        /// Returns the response headers.
        pub fn headers(&self) -> &HeaderMap {
            &self.head.headers
        }

        /// Returns the id of the call in the logs of Genesys, from `ININ-Correlation-Id`.
        pub fn correlation_id(&self) -> Option<&str> {
            self.head.correlation_id()
        }

        /// Returns the number of requests sent: 1 plus the retries. Logins are not counted.
        pub fn attempts(&self) -> u32 {
            self.head.stats.attempts
        }

        /// Returns how long the call waited, for the rate limiter and before retries.
        pub fn waited(&self) -> Duration {
            self.head.stats.waited
        }
    };
}

/// The value that an operation returned, with the status and headers of the response.
#[derive(Clone, Debug)]
pub struct Response<T> {
    value: T,
    head: ResponseHead,
}

impl<T> Response<T> {
    head_getters!();

    #[cfg(feature = "test-util")]
    pub(crate) const fn from_parts(value: T, head: ResponseHead) -> Self {
        Self { value, head }
    }

    /// Returns a reference to the value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Returns the value.
    pub fn into_value(self) -> T {
        self.value
    }

    /// Converts the value and keeps status and headers.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Response<U> {
        Response { value: f(self.value), head: self.head }
    }
}

/// A response whose body has not been decoded.
#[derive(Clone)]
pub struct RawResponse {
    pub(crate) operation: Operation,
    pub(crate) head: ResponseHead,
    pub(crate) body: Bytes,
}

impl RawResponse {
    head_getters!();

    /// Returns the `Content-Type` of the body.
    pub fn content_type(&self) -> Option<&str> {
        self.head.text(&CONTENT_TYPE)
    }

    /// The path in `Location`, without host and query, which may be secret.
    pub(crate) fn location_path(&self) -> Option<String> {
        let base = Url::parse("https://localhost").ok()?;
        let location = self.head.text(&LOCATION)?;
        base.join(location).ok().map(|url| url.path().to_owned())
    }

    /// Returns the body, decompressed.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the body as text. Invalid UTF-8 is replaced by U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Decodes the body as JSON. Skips a byte order mark.
    ///
    /// # Errors
    /// If the body is not JSON of type `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let read = self.json_text().and_then(|json| Ok(serde_json::from_str(json)?));
        read.map_err(|error| Error::decode(self, &error))
    }

    /// The body as JSON text. UTF-8 is validated once for the whole body rather than for each string in it.
    pub(crate) fn json_text(&self) -> Result<&str, DecodeError> {
        let text = std::str::from_utf8(&self.body)
            .map_err(|error| DecodeError::new(format!("the response is not UTF-8: {error}")))?;
        Ok(without_mark(text))
    }

    /// Decodes the body as the type that the operation returns.
    pub(crate) fn decode<T: Decode>(self) -> Result<Response<T>, Error> {
        match T::decode(&self) {
            Ok(value) => Ok(Response { value, head: self.head }),
            Err(error) => Err(Error::decode(&self, &error)),
        }
    }

    /// Returns the response if its operation accepts its status.
    pub(crate) fn accepted(self) -> Result<Self, Error> {
        if self.operation.accepts(self.status()) { Ok(self) } else { Err(Error::refused(&self)) }
    }
}

/// Omits the body, which is large and may contain personal data.
impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("operation", &self.operation.id())
            .field("head", &self.head)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// A type that a response can be decoded as.
pub trait Decode: Sized {
    /// Decodes a response whose status the operation accepts.
    ///
    /// # Errors
    /// If the body does not represent this type.
    fn decode(response: &RawResponse) -> Result<Self, DecodeError>;
}

/// For operations without a result. The body is ignored.
impl Decode for () {
    fn decode(_: &RawResponse) -> Result<Self, DecodeError> {
        Ok(())
    }
}

/// For operations whose response the API document does not describe.
impl Decode for RawResponse {
    fn decode(response: &RawResponse) -> Result<Self, DecodeError> {
        Ok(response.clone())
    }
}

/// Why a body could not be decoded.
///
/// The text says what was expected and where. It contains nothing from the body.
#[derive(Debug)]
pub struct DecodeError {
    why: String,
    problem: Problem,
}

/// The category of a decoding failure, which decides the advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Form,
    TooDeep,
    TooManyItems,
    /// Valid JSON, but not a page.
    NotAPage,
}

impl DecodeError {
    /// Creates an error with this text, which must contain nothing from the body: it may be personal data.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), problem: Problem::Form }
    }

    /// A list has more items than allowed.
    pub(crate) fn too_many(most: usize) -> Self {
        let why = format!("the list has more than {most} items");
        Self { why, problem: Problem::TooManyItems }
    }

    /// The response is not a page of the list.
    pub(crate) fn not_a_page(why: impl Into<String>) -> Self {
        Self { why: why.into(), problem: Problem::NotAPage }
    }

    pub(crate) fn problem(&self) -> Problem {
        self.problem
    }

    /// Adds the page number to the text.
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
        // serde_json has no error category for this.
        let is_deep = text.starts_with("recursion limit exceeded");
        let problem = if is_deep { Problem::TooDeep } else { Problem::Form };
        Self { why: without_found_value(&text), problem }
    }
}

/// Blanks the value that serde quotes from the document (`invalid type: string "Jane", expected a boolean`). The text
/// from `expected` on, and names of missing fields, come from our own types.
fn without_found_value(message: &str) -> String {
    if message.starts_with("missing field") || message.starts_with("duplicate field") {
        return message.to_owned();
    }
    let mut blanked = String::with_capacity(message.len());
    let mut rest = message;
    if let Some((before, after)) = message.split_once(['"', '`'])
        && !before.contains("expected ")
    {
        // A quoted value may contain anything, including quotes and `expected`, so take the last one.
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
    //! Responses for the fuzz targets.

    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::{RawResponse, ResponseHead};
    use crate::operation::{Method, Operation};

    /// A response of an arbitrary operation.
    pub(crate) fn response(status: StatusCode, headers: HeaderMap, body: &[u8]) -> RawResponse {
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
    fn blanks_found_values_and_keeps_expected_types() {
        for (message, expected) in [
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
            assert_eq!(without_found_value(message), expected);
        }
    }
}
