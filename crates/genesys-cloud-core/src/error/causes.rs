//! What errors are made of: replies, faults of the network, jobs, files, checkpoints.

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

/// How much of an error reply that is not the API's JSON is quoted, in characters, and of a name.
const EXCERPT: usize = 200;

/// How much of a message is quoted, in characters.
const MESSAGE: usize = 1_000;

/// What is looked at of an error reply that is not the API's JSON, in bytes.
const BEGINNING: usize = 64 << 10;

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
            course: CallStats::default(),
            source: None,
        }))
    }

    pub(crate) fn config(why: String) -> Self {
        Self::new(ErrorKind::Config, None, why)
    }

    pub(crate) fn invalid_request(operation: &Operation, why: String) -> Self {
        Self::new(ErrorKind::InvalidRequest, Some(operation), why)
    }

    /// A reply is not the page that was due.
    pub(crate) fn paging(reply: &RawResponse, why: String) -> Self {
        Self::new(ErrorKind::Paging, Some(&reply.operation), why).answered(reply)
    }

    /// A successful reply is not the expected page or status. Another try may help, unless the reply is an error body
    /// with a 4xx status.
    pub(crate) fn not_a_page(reply: &RawResponse, why: String) -> Self {
        let body = ErrorBody::of(reply).filter(ErrorBody::is_error);
        let code = body.as_ref().and_then(|body| body.code.as_deref());
        let status = body.as_ref().and_then(|body| body.status);
        let mut this = Self::paging(reply, why);
        this.0.is_passing = status.is_none_or(|status| {
            !(400..500).contains(&status) || Meaning::of(status, code) != Meaning::Final
        });
        if let Some(answer) = &mut this.0.answer {
            answer.take_body(body);
        }
        this
    }

    /// The user's provider of tokens failed.
    pub(crate) fn token_provider(source: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let why = "the token provider failed".to_owned();
        let mut this = Self::new(ErrorKind::Authentication, None, why);
        this.0.source = Some(Source::Other(Arc::from(source)));
        this
    }

    /// A job has no result to give.
    pub(crate) fn job(kind: ErrorKind, operation: &Operation, why: String) -> Self {
        debug_assert!(kind.is_of_job());
        Self::new(kind, Some(operation), why)
    }

    /// A call was polled where nothing can be sent.
    pub(crate) fn no_runtime(operation: Option<&Operation>) -> Self {
        let why = "there is no tokio runtime".to_owned();
        Self::new(ErrorKind::NoRuntime, operation, why).advise(
            "await it in a function marked `#[tokio::main]` or `#[tokio::test]`, or in `Runtime::block_on` of a runtime \
             that is built with `enable_all`",
        )
    }

    /// A blocking call was made where it would block an async runtime.
    #[cfg(feature = "blocking")]
    pub(crate) fn within_runtime() -> Self {
        let why = "a blocking call was made in async code".to_owned();
        Self::new(ErrorKind::NoRuntime, None, why).advise("await the call instead")
    }

    /// The data that a job was to search is not available yet.
    pub(crate) fn data_unavailable(operation: &Operation, why: String) -> Self {
        Self::new(ErrorKind::DataUnavailable, Some(operation), why)
    }

    /// A file of results can't be had. Nothing of its URL but the host may be in the text.
    pub(crate) fn file(operation: Option<&Operation>, why: String) -> Self {
        Self::new(ErrorKind::Download, operation, why)
    }

    /// A part of a range of time is too large, and can't be split.
    pub(crate) fn window_too_large(
        operation: &Operation,
        why: String,
        refusal: Option<Self>,
    ) -> Self {
        let mut this = Self::new(ErrorKind::WindowTooLarge, Some(operation), why);
        if let Some(refusal) = refusal {
            this.0.answer.clone_from(&refusal.0.answer);
            this.0.course = refusal.0.course;
            this.0.source = Some(Source::Other(Arc::new(refusal)));
        }
        this
    }

    /// A checkpoint is of another call.
    pub(crate) fn checkpoint_mismatch(operation: &Operation, why: &str) -> Self {
        let why = format!("the checkpoint is of another call: {why}");
        Self::new(ErrorKind::CheckpointMismatch, Some(operation), why)
    }

    /// A checkpoint is of another kind of list, whose operation is not known.
    pub(crate) fn checkpoint_of_another_list() -> Self {
        let why = "the checkpoint is of another list".to_owned();
        Self::new(ErrorKind::CheckpointMismatch, None, why)
    }

    /// The API no longer knows where a checkpoint leads.
    pub(crate) fn stale_checkpoint(
        operation: &Operation,
        why: String,
        cause: Option<Self>,
    ) -> Self {
        let mut this = Self::new(ErrorKind::StaleCheckpoint, Some(operation), why);
        if let Some(cause) = cause {
            this.0.answer.clone_from(&cause.0.answer);
            this.0.course = cause.0.course;
            this.0.source = Some(Source::Other(Arc::new(cause)));
        }
        this.advise("start over without the checkpoint, or by `on_stale`, or read a range of time by `windows`")
    }

    /// What the API said, where it would not do what was asked: a reply of status 400, or a job that failed.
    pub(crate) fn refusal(&self) -> Option<&str> {
        let refused = match self.0.kind {
            ErrorKind::JobFailed => true,
            kind => kind.is_of_status() && self.status() == Some(400),
        };
        refused.then_some(&self.0.why)
    }

    /// Whether the API answered with one of these statuses. A login that is over its limit is refused by a 400
    /// too, and says nothing of what was asked for.
    pub(crate) fn is_refused_by(&self, statuses: &[u16]) -> bool {
        self.0.kind.is_of_status()
            && !self.is_rate_limited()
            && self.status().is_some_and(|status| statuses.contains(&status))
    }

    /// The transfer of a file broke off.
    pub(crate) fn broken_file(
        operation: &Operation,
        why: String,
        error: Option<reqwest::Error>,
    ) -> Self {
        let mut this = Self::new(broken_by(error.as_ref()), Some(operation), why);
        this.0.source = error.map(network);
        this
    }

    /// The same error, as it came with a reply.
    pub(crate) fn with_answer(self, reply: &RawResponse) -> Self {
        self.answered(reply)
    }

    /// The same error, caused by another.
    pub(crate) fn caused_by(mut self, source: Self) -> Self {
        self.0.source = Some(Source::Other(Arc::new(source)));
        self
    }

    /// A request took longer than the client allows.
    pub(crate) fn deadline(operation: &Operation, allowed: Duration) -> Self {
        let why = format!("no complete reply within {allowed:?}");
        Self::new(ErrorKind::Timeout, Some(operation), why)
            .advise("ask for less at once, or raise the client's `timeout`")
    }

    /// The request could not be sent, or no reply came to it.
    pub(crate) fn unanswered(operation: &Operation, error: reqwest::Error) -> Self {
        let host = error.url().map_or("the host", Url::authority).to_owned();
        let mut this = if error.is_connect() {
            Self::new(ErrorKind::Connect, Some(operation), format!("could not connect to {host}"))
                .advise("check the network, the proxy, and the region or URL of the client")
        } else {
            Self::new(broken_by(Some(&error)), Some(operation), format!("no reply from {host}"))
        };
        this.0.is_connect_timeout = error.is_connect() && error.is_timeout();
        this.0.source = Some(network(error));
        this
    }

    /// The head of a reply came, its body did not.
    pub(crate) fn broken_body(reply: &RawResponse, error: reqwest::Error) -> Self {
        let why = format!("the reply ({}) broke off", reply.head.status);
        let kind = broken_by(Some(&error));
        let mut this = Self::new(kind, Some(&reply.operation), why).answered(reply);
        this.0.source = Some(network(error));
        this
    }

    pub(crate) fn too_large(reply: &RawResponse, max_body: usize) -> Self {
        let why = format!("the reply ({}) is larger than {max_body} bytes", reply.head.status);
        Self::new(ErrorKind::TooLarge, Some(&reply.operation), why)
            .answered(reply)
            .advise("ask for less at once, or raise the client's `max_body`")
    }

    /// The reply has a status that the operation does not accept.
    pub(crate) fn refused(reply: &RawResponse) -> Self {
        let status = reply.head.status;
        let body = ErrorBody::of(reply);
        let code = body.as_ref().and_then(|body| body.code.as_deref());
        let message = match (code, body.as_ref().and_then(ErrorBody::told)) {
            // What redirects may name a presigned URL, which is a secret.
            (None, None) if status.is_redirection() => String::new(),
            (None, None) => {
                let begun = reply.body.get(..BEGINNING).unwrap_or(&reply.body);
                // Before it is cut: a part of a credential would not be found.
                excerpt(&reply.head.secrets.redact(&String::from_utf8_lossy(begun)))
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
        let mut this = Self::new(ErrorKind::Status, Some(&reply.operation), why).answered(reply);
        if let Some(answer) = &mut this.0.answer {
            answer.take_body(body);
        }
        this.0.kind = this.kind_of_status();
        this.0.advice = match status.as_u16() {
            300..400 => Some("redirects are not followed: check the client's region or URL".into()),
            403 if this.kind() == ErrorKind::Blocked => Some(
                "the reply is not from the API: a firewall, proxy or CDN refused the request".into(),
            ),
            403 => Some("the OAuth client or user needs a role that grants the permission".into()),
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
            500.. => Some("the fault is on the server's side: try again later".into()),
            _ => None,
        };
        this
    }

    /// A successful reply is not what the operation returns.
    pub(crate) fn decode(reply: &RawResponse, error: &DecodeError) -> Self {
        let why = format!(
            "the reply ({}, {}, {} bytes) could not be read: {error}",
            reply.head.status,
            reply.content_type().unwrap_or("no content type"),
            reply.body.len(),
        );
        let (kind, advice) = match error.problem() {
            Problem::Form | Problem::NotAPage => {
                (ErrorKind::Decode, "`Client::execute` gives the reply as it came")
            }
            Problem::TooDeep => (
                ErrorKind::Decode,
                "its values are nested deeper than is read, which is 127 levels: no record of the API is, \
                 so look at the reply as it came, which `Client::execute` gives",
            ),
            Problem::TooManyItems => (
                ErrorKind::TooLarge,
                "ask for smaller pages (`page_size`), or raise the client's `max_page_items`",
            ),
        };
        let mut this = Self::new(kind, Some(&reply.operation), why).answered(reply).advise(advice);
        // Cut short, empty, or a gateway's HTML page.
        let is_json = || serde_json::from_slice::<IgnoredAny>(&reply.body).is_ok();
        this.0.is_passing = error.problem() == Problem::Form && !is_json();
        this
    }

    fn answered(mut self, reply: &RawResponse) -> Self {
        self.0.answer = Some(Answer {
            status: reply.head.status.as_u16(),
            retry_after: reply.head.retry_after(),
            correlation_id: reply.correlation_id().map(str::to_owned),
            body: None,
        });
        self.0.course = reply.head.course;
        self.redacted(&reply.head.secrets)
    }

    /// Puts this in the place of the advice, which the text ends with.
    pub(crate) fn advise(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// The same error, after the retry table has ruled out another attempt.
    pub(crate) fn spent(mut self) -> Self {
        self.0.is_spent = true;
        self
    }

    pub(crate) const fn is_spent(&self) -> bool {
        self.0.is_spent
    }

    /// The same error, marked as leaving the outcome of the call unknown.
    pub(crate) fn outcome_unknown(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.0.is_outcome_unknown = true;
        self.advise(advice)
    }

    /// The same error, told as that of the login at this host.
    pub(crate) fn at_login(mut self, host: &str) -> Self {
        self.0.login = Some(host.to_owned());
        if self.0.kind.is_of_status() {
            self.0.kind = self.kind_of_status();
        }
        self
    }

    /// The kind of an error that is a status.
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

    /// The same error, told as that of the operation which needed what failed.
    pub(crate) fn on(mut self, operation: &Operation) -> Self {
        self.0.operation = Some(operation.clone());
        self
    }

    /// The same error, told as that of a call which took this.
    pub(crate) fn after(mut self, course: CallStats) -> Self {
        self.0.course = course;
        self
    }

    /// The attempts and waits of the call.
    pub(crate) const fn course(&self) -> CallStats {
        self.0.course
    }

    /// The same error, with this many earlier attempts counted.
    pub(crate) fn repeated(mut self, times: u32) -> Self {
        self.0.course.attempts = self.0.course.attempts.saturating_add(times);
        self
    }

    /// Whether the network was the reason why no connection came about, rather than a host name that does
    /// not exist or a certificate that is not accepted.
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

    /// The same error for a call that was not sent, since the wait that it asks for has not passed.
    pub(crate) fn held_back(&self, remaining: Duration) -> Self {
        let mut this = self.share();
        // Rounded up: too early would be refused again.
        let seconds = remaining.as_secs() + u64::from(remaining.subsec_nanos() > 0);
        if let Some(answer) = &mut this.0.answer {
            answer.retry_after = Some(Duration::from_secs(seconds));
        }
        this.0.why = format!("not sent, because an earlier request was {}", this.0.why);
        this.0.course = CallStats::default();
        this.advise(format!("call again in {seconds} s"))
    }

    /// The same error once more, for another call that waited for the same login.
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

/// How a request failed that was being sent.
fn broken_by(error: Option<&reqwest::Error>) -> ErrorKind {
    match error.is_some_and(reqwest::Error::is_timeout) {
        true => ErrorKind::Timeout,
        false => ErrorKind::Interrupted,
    }
}

/// The URL holds query values, and the operation is named anyway.
fn network(error: reqwest::Error) -> Source {
    Source::Network(Arc::new(error.without_url()))
}

/// The beginning of a text, on one line.
pub(crate) fn excerpt(text: &str) -> String {
    display::excerpt(text, EXCERPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Method;
    use crate::response::ResponseHead;

    #[test]
    fn a_reply_that_is_no_page_may_pass_unless_it_is_an_error_of_the_caller() {
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
            let reply = RawResponse {
                operation: Operation::from_static("getThings", Method::Get, "/things"),
                head: ResponseHead::new(http::StatusCode::OK, http::HeaderMap::new()),
                body: body.to_owned().into(),
            };
            let error = Error::not_a_page(&reply, "page 2 has no `entities`".to_owned());
            assert_eq!((error.code(), error.is_passing()), (code, may_pass), "{body}");
            assert_eq!((error.kind(), error.status()), (ErrorKind::Paging, Some(200)), "{body}");
            let id = body.contains("contextId").then_some("x");
            assert_eq!(error.correlation_id(), id, "{body}");
        }
    }
}
