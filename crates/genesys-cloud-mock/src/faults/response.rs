//! The effects of faults on responses.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;

use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use serde_json::value::RawValue;

use super::kind::FaultKind;
use crate::connection::ResponseBody;
use crate::response::CannedResponse;
use crate::timestamp::Timestamp;

const GIGABYTE: u64 = 1 << 30;
const MEGABYTE: usize = 1 << 20;
const DEPTH: usize = 100_000;

/// A body too large to keep in memory.
#[derive(Debug, Clone)]
pub(crate) struct HugeBody {
    start: Bytes,
    chunk: Bytes,
    times: u64,
}

impl HugeBody {
    /// The body of a fault that needs one.
    pub(crate) fn of(kind: FaultKind) -> Option<Self> {
        match kind {
            FaultKind::HugeBody => {
                let chunk = Bytes::from(r#"{"id":"another one"},"#.repeat(4_096));
                let times = GIGABYTE / chunk.len() as u64 + 1;
                Some(Self { start: Bytes::from_static(br#"{"entities":["#), chunk, times })
            }
            FaultKind::GzipBomb => {
                let times = GIGABYTE / MEGABYTE as u64;
                // Gzip header without time and system, best compression (RFC 1952).
                let start = Bytes::from_static(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff]);
                Some(Self { start, chunk: deflated(&vec![b' '; MEGABYTE]), times })
            }
            _ => None,
        }
    }

    pub(crate) fn into_body(self) -> ResponseBody {
        ResponseBody::repeated(self.start, self.chunk, self.times)
    }
}

impl FaultKind {
    /// Returns the response that replaces the org's own, or `None` to keep that. `now` is the time on the clock
    /// of the org.
    pub(crate) fn instead(self, is_login: bool, now: Timestamp) -> Option<CannedResponse> {
        let busy = "Rate limit exceeded the maximum.";
        let limited = || CannedResponse::error(429, "too.many.requests", busy);
        Some(match self {
            Self::RateLimited if is_login => {
                let text = "rate limit exceeded; too many logins of this client";
                let body = serde_json::json!({
                    "error": "invalid_request", "description": text, "error_description": text,
                });
                CannedResponse::json(400, &body)
            }
            Self::RateLimited => CannedResponse::rate_limited(1),
            Self::RateLimitedWithoutDelay => limited(),
            Self::RateLimitedUntil => {
                let date = now.after(std::time::Duration::from_secs(2)).http_date();
                limited().header(RETRY_AFTER.as_str(), &date)
            }
            Self::InternalError => {
                let message = "The server encountered an unexpected condition.";
                CannedResponse::error(500, "internal.server.error", message)
            }
            Self::DatabaseBusy => {
                let code = "architect.database.throughput.exceeded";
                CannedResponse::error(500, code, "Database too busy. Please try again.")
            }
            Self::BadGateway => html(502, "502 Bad Gateway"),
            Self::ServiceUnavailable => {
                CannedResponse::error(503, "service.unavailable", "Service Unavailable")
            }
            Self::GatewayTimeout => {
                CannedResponse::error(504, "request.timeout", "The request timed out.")
            }
            Self::HtmlPage => html(200, "Welcome"),
            Self::Unauthorized => CannedResponse::unauthorized(),
            Self::PageTokenRefused => CannedResponse::bad_token(),
            _ => return None,
        })
    }

    /// Applies the fault to the org's response.
    pub(crate) fn change(self, mut response: CannedResponse) -> CannedResponse {
        match self {
            Self::MalformedJson => {
                let mut body = response.body.slice(..response.body.len() * 2 / 3).to_vec();
                body.push(b'<');
                CannedResponse { body: body.into(), ..response }
            }
            Self::WrongContentType => {
                response.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
                response.header(CONTENT_TYPE.as_str(), "text/html")
            }
            Self::TruncatedGzip => {
                let body = gzip(&response.body);
                let body = body.slice(..body.len() / 2);
                CannedResponse { body, ..response }.header(CONTENT_ENCODING.as_str(), "gzip")
            }
            Self::HugeHeaders => {
                let value = "x".repeat(4_096);
                (0..300).fold(response, |response, number| {
                    response.header(&format!("x-filler-{number}"), &value)
                })
            }
            Self::GzipBomb => response.header(CONTENT_ENCODING.as_str(), "gzip"),
            Self::DeepNesting => CannedResponse { body: nested(&response.body), ..response },
            _ => response,
        }
    }
}

fn html(status: u16, text: &str) -> CannedResponse {
    let body = format!("<!DOCTYPE html><html><body><h1>{text}</h1></body></html>");
    CannedResponse { status, headers: Vec::new(), body: body.into() }
        .header(CONTENT_TYPE.as_str(), "text/html")
}

/// Compresses a block that can be repeated within a stream.
fn deflated(bytes: &[u8]) -> Bytes {
    let mut compress = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(bytes.len());
    // The buffer is large enough.
    let _ = compress.compress_vec(bytes, &mut out, FlushCompress::Full);
    out.into()
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory can't fail.
    let _ = gzip.write_all(bytes);
    gzip.finish().unwrap_or_default().into()
}

/// Replaces the only item of the list, or the whole body if it has no list, with deep nesting. Everything else
/// stays the same, byte for byte.
fn nested(body: &[u8]) -> Bytes {
    let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let Some((text, list)) = str::from_utf8(body).ok().and_then(|it| Some((it, list_in(it)?)))
    else {
        return deep.into();
    };
    let start = list.as_ptr().addr() - text.as_ptr().addr();
    format!("{}[{deep}]{}", &text[..start], &text[start + list.len()..]).into()
}

/// The first list of a response: the response itself, or the first one in its fields.
fn list_in(response: &str) -> Option<&str> {
    let response = response.trim_ascii();
    if response.starts_with('[') {
        return Some(response);
    }
    let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(response).ok()?;
    fields.into_values().find_map(|field| list_in(field.get()))
}
