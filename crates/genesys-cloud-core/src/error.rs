//! The one error of the crate: what failed, on which operation, why, and what to do about it.

mod body;
mod causes;

pub use body::{ErrorBody, ErrorDetail, ErrorLimit};

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::display::{self, Bounded};
use crate::operation::Operation;
use crate::redact::Secrets;
use crate::reply::Course;
use crate::retry::Meaning;

pub(crate) use causes::excerpt;

/// How many characters of the reason and of the advice are in the text, and of a correlation id.
const MOST_OF_WHY: usize = 2_000;
const MOST_OF_ADVICE: usize = 1_000;
const MOST_OF_ID: usize = 200;

/// What went wrong with a call, or with making a client.
///
/// Its text says what failed, on which operation, why, and what to do. The predicates and accessors tell
/// a program the same. No secret, token or query value is in it, and of a successful reply no text.
///
/// The text of a server error quotes at most 1,000 characters of the server's message, the whole text has some 3,500
/// at most, and [`body`](Self::body) has the rest. Control characters and bidirectional marks are escaped in the text,
/// as in `\u001b`. Credentials of the client that a server echoes, in whatever encoding, are replaced by `[redacted]`
/// in the text and the body; so are the queries of URLs, which may be presigned.
pub struct Error(Box<Inner>);

/// Cloned only to give the failure of one login to all the calls that waited for it.
#[derive(Clone)]
struct Inner {
    kind: Kind,
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
    course: Course,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Config,
    InvalidRequest,
    Connect,
    Timeout { connecting: bool },
    Broken,
    TooLarge,
    Status,
    Decode,
    Paging,
    Job(JobEnd),
    Data,
    File,
    Piece,
    Checkpoint(Unusable),
}

/// Why a checkpoint can't be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It is of another call.
    Mismatch,
    /// The API no longer knows where it leads.
    Stale,
    /// It could not be loaded or saved.
    Store,
    /// Another writer has it.
    InUse,
}

/// How a job ended, or did not, where its results were wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobEnd {
    /// The server says that it failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its results are gone.
    Expired,
    /// It was waited for as long as allowed, and runs on.
    Unfinished,
    /// It waits for something to be done.
    Held,
    /// It can't be asked how it stands.
    NotPollable,
    /// What was saved is of another job.
    Mismatch,
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
    /// Whether the client, or a setting such as an interval, could not be made from what it was given.
    pub fn is_config(&self) -> bool {
        self.0.kind == Kind::Config
    }

    /// Whether the request was refused before it was sent, for a value that can't be sent.
    pub fn is_invalid_request(&self) -> bool {
        self.0.kind == Kind::InvalidRequest
    }

    /// Whether the credentials were not accepted: the login was refused, or the API answered 401 and a
    /// new login, where the client can log in, did not help.
    pub fn is_auth(&self) -> bool {
        let refused_login = self.0.login.is_some()
            && self.status().is_some_and(|status| (400..500).contains(&status))
            && self.meaning() == Meaning::Final
            && !self.is_rate_limited()
            && !self.is_blocked();
        self.0.kind == Kind::Status && (refused_login || self.status() == Some(401))
    }

    /// Whether no usable reply came: no connection, a timeout, or a connection that broke midway.
    pub fn is_transport(&self) -> bool {
        matches!(self.0.kind, Kind::Connect | Kind::Timeout { .. } | Kind::Broken)
    }

    /// Whether no connection to the host came about, so that nothing of the request was sent.
    pub fn is_connect(&self) -> bool {
        matches!(self.0.kind, Kind::Connect | Kind::Timeout { connecting: true })
    }

    /// Whether a timeout of the client ended the last attempt. A 408 or 504 of the API is not one.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, Kind::Timeout { .. })
    }

    /// Whether a rate limit was hit: status 429, or the login host's 400 "rate limit exceeded".
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

    /// Whether the API answered 403: the client lacks a permission. A 403 without a JSON body does not count, because it
    /// comes from a firewall or proxy.
    pub fn is_forbidden(&self) -> bool {
        self.0.kind == Kind::Status && self.status() == Some(403) && self.body().is_some()
    }

    /// Whether the login failed, not the operation.
    pub(crate) const fn is_of_login(&self) -> bool {
        self.0.login.is_some()
    }

    /// Whether a firewall or proxy refused the request.
    pub(crate) fn is_blocked(&self) -> bool {
        self.0.kind == Kind::Status && self.status() == Some(403) && self.body().is_none()
    }

    /// Whether the API answered 404.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == Kind::Status && self.status() == Some(404)
    }

    /// Whether the API answered 409, such as for a version that has moved on.
    pub fn is_conflict(&self) -> bool {
        self.0.kind == Kind::Status && self.status() == Some(409)
    }

    /// Whether the API, its gateway or the login host answered with a 5xx.
    pub fn is_server_error(&self) -> bool {
        self.0.kind == Kind::Status && self.status().is_some_and(|status| status >= 500)
    }

    /// Whether the same call may succeed later, unchanged: there was no reply, a rate limit was hit, the server is at
    /// fault, or a successful reply was not JSON or contained a server error.
    pub fn is_transient(&self) -> bool {
        self.is_transport()
            || self.is_rate_limited()
            || self.is_passing()
            || (matches!(self.0.kind, Kind::Status | Kind::File)
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

    /// Whether the reply was larger than the client's `max_body`, or a page held more items than its
    /// `max_page_items`.
    pub fn is_too_large(&self) -> bool {
        self.0.kind == Kind::TooLarge
    }

    /// Whether a successful reply could not be read as what the operation returns.
    pub fn is_decode(&self) -> bool {
        self.0.kind == Kind::Decode
    }

    /// Whether a list can't be read on though the API answered: the reply is not the page that was due
    /// (another one, one that was read before, or none at all), or there is no way on from it.
    pub fn is_paging(&self) -> bool {
        self.0.kind == Kind::Paging
    }

    /// Whether the API says that a job came to no result: it failed, was cancelled or has expired. Asking
    /// again won't help; the text has the API's message.
    pub fn is_job_failed(&self) -> bool {
        matches!(self.0.kind, Kind::Job(JobEnd::Failed | JobEnd::Cancelled | JobEnd::Expired))
    }

    /// Whether a job was cancelled.
    pub fn is_job_cancelled(&self) -> bool {
        self.0.kind == Kind::Job(JobEnd::Cancelled)
    }

    /// Whether a job's results are gone, or the job never ran in time.
    pub fn is_job_expired(&self) -> bool {
        self.0.kind == Kind::Job(JobEnd::Expired)
    }

    /// Whether a job was waited for as long as allowed and had not ended, or the API wants it asked again only
    /// after that. It runs on, and can be waited for again.
    pub fn is_job_unfinished(&self) -> bool {
        self.0.kind == Kind::Job(JobEnd::Unfinished)
    }

    /// Whether a job waits for the caller to do something, such as to upload a file. The text says what.
    pub fn is_job_held(&self) -> bool {
        self.0.kind == Kind::Job(JobEnd::Held)
    }

    /// Whether the API offers no way to ask how a job stands: it tells by a notification, whose topic is in the
    /// text, or it gave the job no id.
    pub fn is_job_not_pollable(&self) -> bool {
        self.0.kind == Kind::Job(JobEnd::NotPollable)
    }

    /// Whether a saved job is of another operation than the one that was to go on with it, or was submitted in
    /// another organization. The text names both.
    pub fn is_job_mismatch(&self) -> bool {
        self.0.kind == Kind::Job(JobEnd::Mismatch)
    }

    /// Whether a job was not submitted because the data that it was to search did not become available within the
    /// time set by [`Paginator::wait_for_data`](crate::Paginator::wait_for_data). The text says how far it is.
    pub fn is_data_unavailable(&self) -> bool {
        self.0.kind == Kind::Data
    }

    /// Whether a file of results could not be had: it was refused, is not what it was when it was begun, or
    /// is no JSON of the items.
    pub fn is_download(&self) -> bool {
        self.0.kind == Kind::File
    }

    /// Whether a part of a range of time could not be read as a whole, nor in shorter parts: see
    /// [`Windows`](crate::Windows). The text says which. The API's refusal is its source.
    pub fn is_piece_too_large(&self) -> bool {
        self.0.kind == Kind::Piece
    }

    /// Whether a checkpoint was refused before anything was sent, because it is of another call. The text
    /// names what differs.
    pub fn is_checkpoint_mismatch(&self) -> bool {
        self.0.kind == Kind::Checkpoint(Unusable::Mismatch)
    }

    /// Whether a checkpoint leads nowhere any more: the token of the page has ended, or the job has failed, was
    /// cancelled, or is gone with its results. What the API said is its source, if it was asked. The list has to be read
    /// anew: see [`Paginator::on_stale`](crate::Paginator::on_stale).
    pub fn is_stale_checkpoint(&self) -> bool {
        self.0.kind == Kind::Checkpoint(Unusable::Stale)
    }

    /// Whether a checkpoint could not be loaded from its store, or saved there.
    pub fn is_checkpoint_store(&self) -> bool {
        self.0.kind == Kind::Checkpoint(Unusable::Store)
    }

    /// Whether a checkpoint was not loaded or saved because another writer has it.
    pub fn is_checkpoint_in_use(&self) -> bool {
        self.0.kind == Kind::Checkpoint(Unusable::InUse)
    }

    pub(crate) fn checkpoint_store(
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        let why = format!("the store of checkpoints failed: {source}");
        let mut this = Self::new(Kind::Checkpoint(Unusable::Store), None, why);
        this.0.source = Some(Arc::from(source));
        this
    }

    pub(crate) fn checkpoint_in_use(why: impl Into<String>) -> Self {
        Self::new(Kind::Checkpoint(Unusable::InUse), None, why.into())
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.0.operation {
            let unsent = self.is_invalid_request()
                || self.is_data_unavailable()
                || self.is_checkpoint_mismatch()
                || self.is_job_mismatch();
            write!(f, "{operation}")?;
            match self.0.kind {
                _ if unsent => f.write_str(" was not sent")?,
                // The call went well, and told of the job.
                Kind::Job(_) => {}
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
            Kind::Config => f.write_str(&display::lines(&self.0.why))?,
            _ => write!(f, "{}", Bounded(&self.0.why, MOST_OF_WHY))?,
        }
        if let Some(advice) = &self.0.advice {
            write!(f, "; {}", Bounded(advice, MOST_OF_ADVICE))?;
        }
        if let Some(correlation_id) = self.correlation_id() {
            write!(f, " (correlation id {})", Bounded(correlation_id, MOST_OF_ID))?;
        }
        Ok(())
    }
}

/// Holds the text as well: `fn main() -> Result<(), Error>` prints this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("text", &self.to_string())
            .field("kind", &self.0.kind)
            .field("retry_after", &self.retry_after())
            .field("body", &self.body())
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
