//! The one error of the crate: what failed, on which operation, why, and what to do about it.

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

/// How many characters of the reason and of the advice are in the text, and of a correlation id.
const MOST_OF_WHY: usize = 2_000;
const MOST_OF_ADVICE: usize = 1_000;
const MOST_OF_ID: usize = 200;

/// What went wrong with a call, or with making a client.
///
/// Its text says what failed, on which operation, why, and what to do; `{:#}` adds the [source](std::error::Error::source),
/// such as the error of the operating system. [`kind`](Self::kind) and the accessors tell a program the same. No secret,
/// token or query value is in it, and of a successful reply no text.
///
/// The text of a server error quotes at most 1,000 characters of the server's message, the whole text has some 3,500
/// at most, and [`body`](Self::body) has the rest. Control characters and bidirectional marks are escaped in the text,
/// as in `\u001b`. Credentials of the client that a server echoes, in whatever encoding, are replaced by `[redacted]`
/// in the text and the body; so are the queries of URLs, which may be presigned.
pub struct Error(Box<Inner>);

/// Cloned only to give the failure of one login to all the calls that waited for it.
#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    is_connect_timeout: bool,
    operation: Option<Operation>,
    /// The login host, when what failed is the login that the operation needed.
    login: Option<String>,
    why: String,
    advice: Option<Cow<'static, str>>,
    answer: Option<Answer>,
    /// Whether a successful reply was unusable, and another try may help.
    is_passing: bool,
    is_outcome_unknown: bool,
    /// Whether the retry table has ruled out another attempt.
    is_spent: bool,
    course: CallStats,
    source: Option<Source>,
}

/// What caused an error.
#[derive(Clone)]
enum Source {
    /// The HTTP library. Only its root cause is shown: what wraps it adds nothing to the error's own text.
    Network(Arc<reqwest::Error>),
    Other(Arc<dyn std::error::Error + Send + Sync>),
}

/// What is kept of the reply that an error came with.
#[derive(Clone)]
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    correlation_id: Option<String>,
    body: Option<ErrorBody>,
}

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the network failed: no connection, a timeout, or a connection that broke. The kinds
    /// [`Connect`](ErrorKind::Connect), [`Timeout`](ErrorKind::Timeout) and [`Interrupted`](ErrorKind::Interrupted).
    pub fn is_transport(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Interrupted)
    }

    /// Whether a timeout of the client ended the last attempt, while connecting or later. A 408 or 504 of the API does
    /// not count.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout || self.0.is_connect_timeout
    }

    /// Whether a rate limit was hit: status 429, or the login host's 400 "rate limit exceeded". True for files and
    /// checkpoints too, whose [kind](Self::kind) is another.
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

    /// Whether the login failed, not the operation.
    pub(crate) const fn is_of_login(&self) -> bool {
        self.0.login.is_some()
    }

    /// Whether the same call may succeed later, unchanged: there was no reply, a rate limit was hit, the server is at
    /// fault, or a successful reply was not JSON or contained a server error.
    pub fn is_transient(&self) -> bool {
        self.is_transport()
            || self.is_rate_limited()
            || self.is_passing()
            || ((self.0.kind.is_of_status() || self.0.kind == ErrorKind::Download)
                && self.meaning() != Meaning::Final)
    }

    /// What the status means for a retry.
    fn meaning(&self) -> Meaning {
        self.status().map_or(Meaning::Final, |status| Meaning::of(status, self.code()))
    }

    /// Whether a successful reply was unusable, and another try may help.
    pub(crate) const fn is_passing(&self) -> bool {
        self.0.is_passing
    }

    /// Whether the API may have carried out the call although there was no usable reply: the connection broke, the call
    /// timed out, a gateway gave up, or the reply to a job submit has no job id. Such a call is never retried
    /// automatically, because that could do the work twice. The error text says how to check.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.is_outcome_unknown
    }

    /// Whether a job has no result and will have none: it failed, was cancelled or has expired.
    pub fn is_job_without_result(&self) -> bool {
        use ErrorKind::{JobCancelled, JobExpired, JobFailed};
        matches!(self.0.kind, JobFailed | JobCancelled | JobExpired)
    }

    pub(crate) fn checkpoint_store(
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let why = "the store of checkpoints failed".to_owned();
        let mut this = Self::new(ErrorKind::CheckpointStore, None, why);
        this.0.source = Some(Source::Other(Arc::from(source.into())));
        this
    }

    pub(crate) fn checkpoint_in_use(why: impl Into<String>) -> Self {
        Self::new(ErrorKind::CheckpointInUse, None, why.into())
            .advise("stop the other one, or use another key")
    }

    /// The HTTP status, when a reply or its head came.
    pub fn status(&self) -> Option<u16> {
        self.0.answer.as_ref().map(|answer| answer.status)
    }

    /// How long the API asks to wait before the next call, from `Retry-After`. It can be hours: a rate
    /// limit becomes an error only where it asks for more than the client's
    /// [`max_rate_limit_wait`](crate::ClientBuilder::max_rate_limit_wait).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.answer.as_ref().and_then(|answer| answer.retry_after)
    }

    /// The id under which Genesys finds the call in its logs: `ININ-Correlation-Id` of the reply, or
    /// the error body's `contextId`.
    pub fn correlation_id(&self) -> Option<&str> {
        self.0.answer.as_ref().and_then(|answer| answer.correlation_id.as_deref())
    }

    /// How many requests were sent for the call: 0 if it did not come to that, more than 1 if some were
    /// repeated. Logins are not counted.
    pub fn attempts(&self) -> u32 {
        self.0.course.attempts
    }

    /// How long the call waited for its turn within the rate limit, and before repetitions.
    pub fn waited(&self) -> Duration {
        self.0.course.waited
    }

    /// The operationId of the operation that failed, such as `getRoutingQueues`.
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_ref().map(Operation::id)
    }

    /// The error as the API describes it, when the reply was JSON of up to 1 MiB. Its texts are those of the reply, without
    /// credentials of the client; control characters are not escaped.
    pub fn body(&self) -> Option<&ErrorBody> {
        self.0.answer.as_ref().and_then(|answer| answer.body.as_ref())
    }

    /// The same error without these credentials, in case a server has echoed them.
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

    /// The API's code for the error, such as `too.many.requests.retry.after`.
    pub fn code(&self) -> Option<&str> {
        self.body().and_then(|body| body.code.as_deref())
    }
}

/// The text of the error itself, without its source. `{:#}` adds the chain of sources after the reason.
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
            // A list of the user's own settings.
            ErrorKind::Config => f.write_str(&display::lines(&self.0.why))?,
            _ => write!(f, "{}", Bounded(&self.0.why, MOST_OF_WHY))?,
        }
        let mut sources = String::new();
        if f.alternate() {
            let mut source = std::error::Error::source(self);
            while let Some(error) = source {
                write!(sources, ": {}", Bounded(&error.to_string(), MOST_OF_WHY))?;
                source = error.source();
            }
            f.write_str(&sources)?;
        }
        if let Some(advice) = &self.0.advice {
            write!(f, "; {}", Bounded(advice, MOST_OF_ADVICE))?;
        }
        // A source may be the error of the reply that the id is of.
        if let Some(id) = self.correlation_id().filter(|id| !sources.contains(*id)) {
            write!(f, " (correlation id {})", Bounded(id, MOST_OF_ID))?;
        }
        Ok(())
    }
}

/// Holds the text and its sources: `fn main() -> Result<(), Error>` prints this.
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

/// What an error goes back to.
pub(crate) fn root_cause<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    error.source().map_or(error, root_cause)
}
