//! The error type of the crate.

mod body;
mod causes;
mod kind;

pub use body::{ErrorBody, ErrorDetail, ErrorLimit};
pub use kind::ErrorKind;

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use crate::display::{self, Bounded};
use crate::operation::Operation;
use crate::redact::Secrets;
use crate::response::CallStats;
use crate::retry::Meaning;

pub(crate) use causes::excerpt;

/// Maximum number of characters of the reason, the advice and the correlation id in a message.
const MAX_REASON: usize = 2_000;
const MAX_ADVICE: usize = 1_000;
const MAX_ID: usize = 200;

/// An error of a call, or of building a client.
///
/// The message says what failed, on which operation, why, and what to do. `{:#}` adds the
/// [source](std::error::Error::source), such as the error of the operating system. Programs use [`kind`](Self::kind) and
/// the other accessors. The message contains no secrets, tokens or query values, and nothing from a successful
/// response.
///
/// The message quotes at most 1,000 characters of a server's error message and has at most about 3,500 characters;
/// [`body`](Self::body) has the rest. Control characters and bidirectional marks are escaped, as in `\u001b`.
/// Credentials of the client that a server echoes in any encoding are replaced by `[redacted]`, in the message and in
/// the body. So are the queries of URLs, which may be presigned.
pub struct Error(Box<Inner>);

/// Cloned only to share the failure of one login with all calls that waited for it.
#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    is_connect_timeout: bool,
    operation: Option<Operation>,
    /// The login host, if the operation failed because its login failed.
    login: Option<String>,
    why: String,
    advice: Option<Cow<'static, str>>,
    answer: Option<Answer>,
    /// Whether a successful response was unusable, but a retry may succeed.
    is_passing: bool,
    is_outcome_unknown: bool,
    /// Whether the retry rules have ruled out another attempt.
    is_spent: bool,
    stats: CallStats,
    source: Option<Source>,
}

/// The cause of an error.
#[derive(Clone)]
enum Source {
    /// An error of the HTTP library. Only its root cause is shown: the layers around it repeat the message.
    Network(Arc<reqwest::Error>),
    Other(Arc<dyn std::error::Error + Send + Sync>),
}

/// The parts of an error response that are kept.
#[derive(Clone)]
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    correlation_id: Option<String>,
    body: Option<ErrorBody>,
}

impl Error {
    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns whether the network failed: no connection, a timeout, or a broken connection. These are the kinds
    /// [`Connect`](ErrorKind::Connect), [`Timeout`](ErrorKind::Timeout) and [`Interrupted`](ErrorKind::Interrupted).
    pub fn is_transport(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Interrupted)
    }

    /// Returns whether a timeout of the client ended the last attempt, while connecting or later. A 408 or 504 from the
    /// API does not count.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout || self.0.is_connect_timeout
    }

    /// Returns whether a rate limit was reached: status 429, or the login host's 400 "rate limit exceeded". Also true
    /// for files and checkpoints, which have other [kinds](Self::kind).
    pub fn is_rate_limited(&self) -> bool {
        match self.status() {
            Some(429) => true,
            Some(400) if self.0.login.is_some() => self.body().is_some_and(|body| {
                [&body.code, &body.message]
                    .into_iter()
                    .flatten()
                    .any(|text| text.to_ascii_lowercase().contains("rate limit exceeded"))
            }),
            _ => false,
        }
    }

    /// Whether the login failed rather than the operation.
    pub(crate) const fn is_of_login(&self) -> bool {
        self.0.login.is_some()
    }

    /// Returns whether the same call may succeed later: no response arrived, a rate limit was reached, the server
    /// failed, or a successful response was not JSON or contained a server error.
    pub fn is_transient(&self) -> bool {
        self.is_transport()
            || self.is_rate_limited()
            || self.is_passing()
            || ((self.0.kind.is_of_status() || self.0.kind == ErrorKind::Download)
                && self.meaning() != Meaning::Final)
    }

    /// What the status means for retries.
    fn meaning(&self) -> Meaning {
        self.status().map_or(Meaning::Final, |status| Meaning::of(status, self.code()))
    }

    /// Whether a successful response was unusable, but a retry may succeed.
    pub(crate) const fn is_passing(&self) -> bool {
        self.0.is_passing
    }

    /// Returns whether the API may have carried out the call although no usable response arrived: the connection broke,
    /// the call timed out, a gateway gave up, or the response to a job submit has no job id. Such a call is not
    /// retried, because that could do the work twice. The message says how to check.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.is_outcome_unknown
    }

    /// Returns whether a job will never have a result: it failed, was cancelled or has expired.
    pub fn is_job_without_result(&self) -> bool {
        use ErrorKind::{JobCancelled, JobExpired, JobFailed};
        matches!(self.0.kind, JobFailed | JobCancelled | JobExpired)
    }

    pub(crate) fn checkpoint_store(
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let why = "the checkpoint store failed".to_owned();
        let mut this = Self::new(ErrorKind::CheckpointStore, None, why);
        this.0.source = Some(Source::Other(Arc::from(source.into())));
        this
    }

    pub(crate) fn checkpoint_in_use(why: impl Into<String>) -> Self {
        Self::new(ErrorKind::CheckpointInUse, None, why.into())
            .advise("stop the other writer, or use another key")
    }

    /// Returns the HTTP status, if the head of a response arrived.
    pub fn status(&self) -> Option<u16> {
        self.0.answer.as_ref().map(|answer| answer.status)
    }

    /// Returns how long the API asks to wait before the next call, from `Retry-After`. This can be hours: a rate limit
    /// becomes an error only if the wait exceeds the client's
    /// [`max_rate_limit_wait`](crate::ClientBuilder::max_rate_limit_wait).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.answer.as_ref().and_then(|answer| answer.retry_after)
    }

    /// Returns the id of the call in the logs of Genesys: `ININ-Correlation-Id` of the response, or `contextId` of the
    /// error body.
    pub fn correlation_id(&self) -> Option<&str> {
        self.0.answer.as_ref().and_then(|answer| answer.correlation_id.as_deref())
    }

    /// Returns the number of requests sent: 0 if the call failed before, more than 1 after retries. Logins are not
    /// counted.
    pub fn attempts(&self) -> u32 {
        self.0.stats.attempts
    }

    /// Returns how long the call waited, for the rate limiter and before retries.
    pub fn waited(&self) -> Duration {
        self.0.stats.waited
    }

    /// Returns the operationId of the failed operation, such as `getRoutingQueues`.
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_ref().map(Operation::id)
    }

    /// Returns the error body of the API, if the response was JSON of at most 1 MiB. Credentials of the client are
    /// redacted; control characters are not escaped.
    pub fn body(&self) -> Option<&ErrorBody> {
        self.0.answer.as_ref().and_then(|answer| answer.body.as_ref())
    }

    /// Removes these credentials, which a server may have echoed.
    pub(crate) fn redacted(mut self, secrets: &Secrets) -> Self {
        let redactor = secrets.redactor();
        let Inner { why, advice, answer, .. } = &mut *self.0;
        redactor.redact_in(why);
        if let Some(Cow::Owned(advice)) = advice {
            redactor.redact_in(advice);
        }
        if let Some(answer) = answer {
            answer.correlation_id.iter_mut().for_each(|id| redactor.redact_in(id));
            answer.body.iter_mut().for_each(|body| body.each_text(&|it| redactor.redact_in(it)));
        }
        self
    }

    /// Returns the API's error code, such as `too.many.requests.retry.after`.
    pub fn code(&self) -> Option<&str> {
        self.body().and_then(|body| body.code.as_deref())
    }
}

/// Prints the message without its source. `{:#}` adds the chain of sources after the reason.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.0.operation {
            write!(f, "{operation}")?;
            match self.0.kind {
                kind if kind.is_unsent() => f.write_str(" was not sent")?,
                kind if kind.is_of_job() => {}
                _ => f.write_str(" failed")?,
            }
            if self.attempts() > 1 {
                write!(f, " after {} attempts", self.attempts())?;
            }
            f.write_str(": ")?;
        }
        if let Some(host) = &self.0.login {
            write!(f, "login at {host}: ")?;
        }
        match self.0.kind {
            // A list of the program's own settings.
            ErrorKind::Config => f.write_str(&display::lines(&self.0.why))?,
            _ => write!(f, "{}", Bounded(&self.0.why, MAX_REASON))?,
        }
        let mut sources = String::new();
        if f.alternate() {
            let mut source = std::error::Error::source(self);
            while let Some(error) = source {
                write!(sources, ": {}", Bounded(&error.to_string(), MAX_REASON))?;
                source = error.source();
            }
            f.write_str(&sources)?;
        }
        if let Some(advice) = &self.0.advice {
            write!(f, "; {}", Bounded(advice, MAX_ADVICE))?;
        }
        // The source may be an error of the same response and print the id.
        if let Some(id) = self.correlation_id().filter(|id| !sources.contains(*id)) {
            write!(f, " (correlation id {})", Bounded(id, MAX_ID))?;
        }
        Ok(())
    }
}

/// Includes the message and its sources, since `fn main() -> Result<(), Error>` prints this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("text", &format!("{self:#}"))
            .field("kind", &self.0.kind)
            .field("retry_after", &self.retry_after())
            .field("body", &self.body())
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.0.source.as_ref()? {
            Source::Network(error) => Some(root_cause(&**error)),
            Source::Other(error) => Some(&**error),
        }
    }
}

/// The last error in the chain of sources.
pub(crate) fn root_cause<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    error.source().map_or(error, root_cause)
}
