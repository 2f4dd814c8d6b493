//! Constructors of errors by cause: responses, network faults, jobs, files, checkpoints.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;
use url::Url;

use super::{Answer, Error, ErrorBody, ErrorKind, Inner, Source};
use crate::display;
use crate::operation::Operation;
use crate::response::{CallStats, DecodeError, Problem, RawResponse};
use crate::retry::Meaning;

/// Maximum number of characters quoted from an error response that is not JSON, and from an error code.
const EXCERPT: usize = 200;

/// Maximum number of characters quoted from a message.
const MESSAGE: usize = 1_000;

/// Number of bytes examined of an error response that is not JSON.
const EXAMINED: usize = 64 << 10;

impl Error {
    pub(super) fn new(kind: ErrorKind, operation: Option<&Operation>, why: String) -> Self {
        Self(Box::new(Inner {
            kind,
            is_connect_timeout: false,
            operation: operation.cloned(),
            login: None,
            why,
            advice: None,
            answer: None,
            is_passing: false,
            is_outcome_unknown: false,
            is_spent: false,
            stats: CallStats::default(),
            source: None,
        }))
    }

    pub(crate) fn config(why: String) -> Self {
        Self::new(ErrorKind::Config, None, why)
    }

    pub(crate) fn invalid_request(operation: &Operation, why: String) -> Self {
        Self::new(ErrorKind::InvalidRequest, Some(operation), why)
    }

    /// A response is not the expected page.
    pub(crate) fn paging(response: &RawResponse, why: String) -> Self {
        Self::new(ErrorKind::Paging, Some(&response.operation), why).answered(response)
    }

    /// A successful response is not the expected page or status. A retry may help, unless the response is an error body
    /// with a 4xx status.
    pub(crate) fn not_a_page(response: &RawResponse, why: String) -> Self {
        let body = ErrorBody::of(response).filter(ErrorBody::is_error);
        let code = body.as_ref().and_then(|body| body.code.as_deref());
        let status = body.as_ref().and_then(|body| body.status);
        let mut this = Self::paging(response, why);
        this.0.is_passing = status.is_none_or(|status| {
            !(400..500).contains(&status) || Meaning::of(status, code) != Meaning::Final
        });
        if let Some(answer) = &mut this.0.answer {
            answer.take_body(body);
        }
        this
    }

    /// The program's token provider failed.
    pub(crate) fn token_provider(source: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let why = "the token provider failed".to_owned();
        let mut this = Self::new(ErrorKind::Authentication, None, why);
        this.0.source = Some(Source::Other(Arc::from(source)));
        this
    }

    /// A job has no result.
    pub(crate) fn job(kind: ErrorKind, operation: &Operation, why: String) -> Self {
        debug_assert!(kind.is_of_job());
        Self::new(kind, Some(operation), why)
    }

    /// A call was polled outside a runtime.
    pub(crate) fn no_runtime(operation: Option<&Operation>) -> Self {
        let why = "no Tokio runtime is running".to_owned();
        Self::new(ErrorKind::NoRuntime, operation, why).advise(
            "await the call in a function marked `#[tokio::main]` or `#[tokio::test]`, or in `Runtime::block_on` of a \
             runtime built with `enable_all`",
        )
    }

    /// A blocking call was made inside an async runtime.
    #[cfg(feature = "blocking")]
    pub(crate) fn within_runtime() -> Self {
        let why = "a blocking call was made in async code".to_owned();
        Self::new(ErrorKind::NoRuntime, None, why).advise("await the call instead")
    }

    /// The data for a job is not available yet.
    pub(crate) fn data_unavailable(operation: &Operation, why: String) -> Self {
        Self::new(ErrorKind::DataUnavailable, Some(operation), why)
    }

    /// A result file could not be downloaded. The text may contain no part of its URL except the host.
    pub(crate) fn file(operation: Option<&Operation>, why: String) -> Self {
        Self::new(ErrorKind::Download, operation, why)
    }

    /// A window of a time range is too large and cannot be split.
    pub(crate) fn window_too_large(
        operation: &Operation,
        why: String,
        refusal: Option<Self>,
    ) -> Self {
        let mut this = Self::new(ErrorKind::WindowTooLarge, Some(operation), why);
        if let Some(refusal) = refusal {
            this.0.answer.clone_from(&refusal.0.answer);
            this.0.stats = refusal.0.stats;
            this.0.source = Some(Source::Other(Arc::new(refusal)));
        }
        this
    }

    /// A checkpoint belongs to another call.
    pub(crate) fn checkpoint_mismatch(operation: &Operation, why: &str) -> Self {
        let why = format!("the checkpoint belongs to another call: {why}");
        Self::new(ErrorKind::CheckpointMismatch, Some(operation), why)
    }

    /// A checkpoint is of another kind of list, whose operation is not known.
    pub(crate) fn checkpoint_of_another_list() -> Self {
        let why = "the checkpoint is of another list".to_owned();
        Self::new(ErrorKind::CheckpointMismatch, None, why)
    }

    /// The API no longer knows the position in a checkpoint.
    pub(crate) fn stale_checkpoint(
        operation: &Operation,
        why: String,
        cause: Option<Self>,
    ) -> Self {
        let mut this = Self::new(ErrorKind::StaleCheckpoint, Some(operation), why);
        if let Some(cause) = cause {
            this.0.answer.clone_from(&cause.0.answer);
            this.0.stats = cause.0.stats;
            this.0.source = Some(Source::Other(Arc::new(cause)));
        }
        this.advise("start over without the checkpoint, set `on_stale`, or read a time range with `windows`")
    }

    /// Returns the API's reason for refusing a request (status 400) or failing a job.
    pub(crate) fn refusal(&self) -> Option<&str> {
        let refused = match self.0.kind {
            ErrorKind::JobFailed => true,
            kind => kind.is_of_status() && self.status() == Some(400),
        };
        refused.then_some(&self.0.why)
    }

    /// Whether the API answered with one of these statuses. A login over its rate limit also gets a 400, which says
    /// nothing about the request.
    pub(crate) fn is_refused_by(&self, statuses: &[u16]) -> bool {
        self.0.kind.is_of_status()
            && !self.is_rate_limited()
            && self.status().is_some_and(|status| statuses.contains(&status))
    }

    /// The transfer of a file was interrupted.
    pub(crate) fn broken_file(
        operation: &Operation,
        why: String,
        error: Option<reqwest::Error>,
    ) -> Self {
        let mut this = Self::new(broken_by(error.as_ref()), Some(operation), why);
        this.0.source = error.map(network);
        this
    }

    /// Adds the status and headers of a response.
    pub(crate) fn with_answer(self, response: &RawResponse) -> Self {
        self.answered(response)
    }

    /// Sets the source.
    pub(crate) fn caused_by(mut self, source: Self) -> Self {
        self.0.source = Some(Source::Other(Arc::new(source)));
        self
    }

    /// A request exceeded the client's timeout.
    pub(crate) fn deadline(operation: &Operation, allowed: Duration) -> Self {
        let why = format!("no complete response within {allowed:?}");
        Self::new(ErrorKind::Timeout, Some(operation), why)
            .advise("request less data at once, or raise the client's `timeout`")
    }

    /// The request could not be sent, or no response arrived.
    pub(crate) fn unanswered(operation: &Operation, error: reqwest::Error) -> Self {
        let host = error.url().map_or("the host", Url::authority).to_owned();
        let mut this = if error.is_connect() {
            Self::new(ErrorKind::Connect, Some(operation), format!("could not connect to {host}"))
                .advise("check the network, the proxy, and the region or URL of the client")
        } else {
            Self::new(broken_by(Some(&error)), Some(operation), format!("no response from {host}"))
        };
        this.0.is_connect_timeout = error.is_connect() && error.is_timeout();
        this.0.source = Some(network(error));
        this
    }

    /// The head of a response arrived, but not all of its body.
    pub(crate) fn broken_body(response: &RawResponse, error: reqwest::Error) -> Self {
        let why = format!("the response ({}) was cut off", response.head.status);
        let kind = broken_by(Some(&error));
        let mut this = Self::new(kind, Some(&response.operation), why).answered(response);
        this.0.source = Some(network(error));
        this
    }

    pub(crate) fn too_large(response: &RawResponse, max_body: usize) -> Self {
        let why = format!("the response ({}) exceeds {max_body} bytes", response.head.status);
        Self::new(ErrorKind::TooLarge, Some(&response.operation), why)
            .answered(response)
            .advise("request less data at once, or raise the client's `max_body`")
    }

    /// The response has a status that the operation does not accept.
    pub(crate) fn refused(response: &RawResponse) -> Self {
        let status = response.head.status;
        let body = ErrorBody::of(response);
        let code = body.as_ref().and_then(|body| body.code.as_deref());
        let message = match (code, body.as_ref().and_then(ErrorBody::first_message)) {
            // The body of a redirect may contain a presigned URL, which is secret.
            (None, None) if status.is_redirection() => String::new(),
            (None, None) => {
                let start = response.body.get(..EXAMINED).unwrap_or(&response.body);
                // Redact first: a credential cut in half would not be recognized.
                excerpt(&response.head.secrets.redact(&String::from_utf8_lossy(start)))
            }
            (_, message) => {
                display::excerpt(message.unwrap_or_default().trim_end_matches('.'), MESSAGE)
            }
        };
        let mut why = format!("answered {status}");
        if let Some(code) = code {
            why += &format!(" ({})", excerpt(code));
        }
        if !message.is_empty() {
            why += &format!(": {message}");
        }
        let mut this =
            Self::new(ErrorKind::Status, Some(&response.operation), why).answered(response);
        if let Some(answer) = &mut this.0.answer {
            answer.take_body(body);
        }
        this.0.kind = this.kind_of_status();
        this.0.advice = match status.as_u16() {
            300..400 => Some("redirects are not followed: check the client's region or URL".into()),
            403 if this.kind() == ErrorKind::Blocked => Some(
                "the response is not from the API: a firewall, proxy or CDN refused the request".into(),
            ),
            403 => Some("give the OAuth client or user a role with the required permission".into()),
            414 => Some(
                "the URL is too long: pass fewer or shorter query parameters, or use a POST query".into(),
            ),
            431 => Some(
                "the URL or headers are too long: pass fewer or shorter query parameters or headers".into(),
            ),
            429 => Some(match this.retry_after() {
                Some(wait) => format!("call again in {} s", wait.as_secs()).into(),
                None => "call again later".into(),
            }),
            500.. => Some("the server failed: try again later".into()),
            _ => None,
        };
        this
    }

    /// A successful response could not be decoded.
    pub(crate) fn decode(response: &RawResponse, error: &DecodeError) -> Self {
        let why = format!(
            "the response ({}, {}, {} bytes) could not be decoded: {error}",
            response.head.status,
            response.content_type().unwrap_or("no content type"),
            response.body.len(),
        );
        let (kind, advice) = match error.problem() {
            Problem::Form | Problem::NotAPage => {
                (ErrorKind::Decode, "`Client::execute` returns the raw response")
            }
            Problem::TooDeep => (
                ErrorKind::Decode,
                "the limit is 127 levels, which no record of the API exceeds: look at the raw response, which \
                 `Client::execute` returns",
            ),
            Problem::TooManyItems => (
                ErrorKind::TooLarge,
                "request smaller pages (`page_size`), or raise the client's `max_page_items`",
            ),
        };
        let mut this =
            Self::new(kind, Some(&response.operation), why).answered(response).advise(advice);
        // Truncated or empty, or the HTML page of a gateway.
        let is_json = || serde_json::from_slice::<IgnoredAny>(&response.body).is_ok();
        this.0.is_passing = error.problem() == Problem::Form && !is_json();
        this
    }

    fn answered(mut self, response: &RawResponse) -> Self {
        self.0.answer = Some(Answer {
            status: response.head.status.as_u16(),
            retry_after: response.head.retry_after(),
            correlation_id: response.correlation_id().map(str::to_owned),
            body: None,
        });
        self.0.stats = response.head.stats;
        self.redacted(&response.head.secrets)
    }

    /// Replaces the advice at the end of the message.
    pub(crate) fn advise(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// Marks the error as final: the retry rules have ruled out another attempt.
    pub(crate) fn spent(mut self) -> Self {
        self.0.is_spent = true;
        self
    }

    pub(crate) const fn is_spent(&self) -> bool {
        self.0.is_spent
    }

    /// Marks the outcome of the call as unknown.
    pub(crate) fn outcome_unknown(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.0.is_outcome_unknown = true;
        self.advise(advice)
    }

    /// Attributes the error to the login at this host.
    pub(crate) fn at_login(mut self, host: &str) -> Self {
        self.0.login = Some(host.to_owned());
        if self.0.kind.is_of_status() {
            self.0.kind = self.kind_of_status();
        }
        self
    }

    /// Returns the kind of an error with a status.
    fn kind_of_status(&self) -> ErrorKind {
        let status = self.status().unwrap_or_default();
        match status {
            _ if self.is_rate_limited() => ErrorKind::RateLimited,
            403 if self.body().is_none() => ErrorKind::Blocked,
            401 => ErrorKind::Authentication,
            400..500 if self.is_of_login() && self.meaning() == Meaning::Final => {
                ErrorKind::Authentication
            }
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::Conflict,
            500.. => ErrorKind::Server,
            _ => ErrorKind::Status,
        }
    }

    /// Attributes the error to the operation that needed the failed request.
    pub(crate) fn on(mut self, operation: &Operation) -> Self {
        self.0.operation = Some(operation.clone());
        self
    }

    /// Sets the attempts and waits of the call.
    pub(crate) fn after(mut self, stats: CallStats) -> Self {
        self.0.stats = stats;
        self
    }

    /// The attempts and waits of the call.
    pub(crate) const fn stats(&self) -> CallStats {
        self.0.stats
    }

    /// Adds earlier attempts to the count.
    pub(crate) fn repeated(mut self, times: u32) -> Self {
        self.0.stats.attempts = self.0.stats.attempts.saturating_add(times);
        self
    }

    /// Whether a network fault prevented the connection, rather than an unknown host name or a rejected certificate.
    pub(crate) fn is_connection_fault(&self) -> bool {
        use std::io::ErrorKind;
        let Some(Source::Network(error)) = &self.0.source else { return false };
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&**error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<std::io::Error>()
                && matches!(
                    error.kind(),
                    ErrorKind::ConnectionRefused
                        | ErrorKind::ConnectionReset
                        | ErrorKind::ConnectionAborted
                        | ErrorKind::HostUnreachable
                        | ErrorKind::NetworkUnreachable
                        | ErrorKind::NetworkDown
                        | ErrorKind::NotConnected
                        | ErrorKind::BrokenPipe
                        | ErrorKind::TimedOut
                        | ErrorKind::UnexpectedEof
                )
            {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// Returns this error for a call that was not sent because the wait is not over.
    pub(crate) fn held_back(&self, remaining: Duration) -> Self {
        let mut this = self.share();
        // Round up: an early retry would be rejected again.
        let seconds = remaining.as_secs() + u64::from(remaining.subsec_nanos() > 0);
        if let Some(answer) = &mut this.0.answer {
            answer.retry_after = Some(Duration::from_secs(seconds));
        }
        this.0.why = format!("not sent, because an earlier request was {}", this.0.why);
        this.0.stats = CallStats::default();
        this.advise(format!("call again in {seconds} s"))
    }

    /// Copies the error for another call that waited for the same login.
    pub(crate) fn share(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Answer {
    fn take_body(&mut self, body: Option<ErrorBody>) {
        if self.correlation_id.is_none() {
            self.correlation_id = body.as_ref().and_then(|body| body.context_id.clone());
        }
        self.body = body;
    }
}

/// Returns the kind of a failed transfer.
fn broken_by(error: Option<&reqwest::Error>) -> ErrorKind {
    match error.is_some_and(reqwest::Error::is_timeout) {
        true => ErrorKind::Timeout,
        false => ErrorKind::Interrupted,
    }
}

/// Removes the URL, which contains query values. The message names the operation anyway.
fn network(error: reqwest::Error) -> Source {
    Source::Network(Arc::new(error.without_url()))
}

/// Returns the beginning of a text, on one line.
pub(crate) fn excerpt(text: &str) -> String {
    display::excerpt(text, EXCERPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Method;
    use crate::response::ResponseHead;

    #[test]
    fn a_page_error_may_pass_unless_the_body_is_a_client_error() {
        for (body, code, may_pass) in [
            ("", None, true),
            ("null", None, true),
            ("<html>", None, true),
            ("[]", None, true),
            ("{}", None, true),
            (r#"{"errorMessage":"Task timed out after 30.00 seconds"}"#, None, true),
            (r#"{"message":"m","code":"c","status":429}"#, Some("c"), true),
            (r#"{"message":"m","code":"c","status":408}"#, Some("c"), true),
            (r#"{"message":"m","code":"c","status":500}"#, Some("c"), true),
            (r#"{"message":"m","code":"c","status":"503"}"#, Some("c"), true),
            (r#"{"message":"m","code":"c"}"#, Some("c"), true),
            (r#"{"message":"m","code":"c","status":400}"#, Some("c"), false),
            (r#"{"message":"m","code":"c","status":403}"#, Some("c"), false),
            (r#"{"message":"m","code":"c","status":404,"contextId":"x"}"#, Some("c"), false),
        ] {
            let response = RawResponse {
                operation: Operation::from_static("getThings", Method::Get, "/things"),
                head: ResponseHead::new(http::StatusCode::OK, http::HeaderMap::new()),
                body: body.to_owned().into(),
            };
            let error = Error::not_a_page(&response, "page 2 has no `entities`".to_owned());
            assert_eq!((error.code(), error.is_passing()), (code, may_pass), "{body}");
            assert_eq!((error.kind(), error.status()), (ErrorKind::Paging, Some(200)), "{body}");
            let id = body.contains("contextId").then_some("x");
            assert_eq!(error.correlation_id(), id, "{body}");
        }
    }
}
