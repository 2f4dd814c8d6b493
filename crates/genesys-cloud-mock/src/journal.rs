use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderMap, header};

/// A request as the org received it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// The path, percent-encoded.
    pub path: String,
    /// The query without the question mark, percent-encoded; empty if missing.
    pub query: String,
    /// The operationId, if the request was for an operation of the API.
    pub operation: Option<String>,
    /// Whether the request had a bearer token. The token itself is not kept.
    pub bearer: bool,
    /// The headers except `authorization`, with lower-case names, in the order received.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl RecordedRequest {
    pub(crate) fn new(head: &http::request::Parts, body: Bytes) -> Self {
        Self {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            operation: None,
            bearer: crate::login::bearer(&head.headers).is_some(),
            headers: without_authorization(&head.headers),
            body,
        }
    }

    /// Returns the first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn without_authorization(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| *name != header::AUTHORIZATION)
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect()
}

/// The most recent requests, oldest first. Bounded, so that a long run needs no more memory than a short one.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    requests: VecDeque<RecordedRequest>,
    seen: u64,
}

impl Journal {
    pub(crate) const CAPACITY: usize = 10_000;

    pub(crate) fn record(&mut self, request: RecordedRequest) {
        if self.requests.len() == Self::CAPACITY {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
        self.seen += 1;
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }
}
