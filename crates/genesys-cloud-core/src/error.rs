//! The one error of the crate: what failed, on which operation, why, and what to do about it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use url::Url;

use crate::operation::Operation;
use crate::reply::{Course, DecodeError, Problem, RawReply};

/// How much of an error reply that is not the API's JSON is kept, in characters.
const EXCERPT: usize = 200;

/// What went wrong with a call, or with making a client.
///
/// Its text says what failed, on which operation, why, and what to do. The predicates and accessors tell
/// a program the same. No secret, token or query value is in it, and of a successful reply no text.
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
    /// Whether the client could not be built from what it was given.
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
            && !self.is_rate_limited();
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

    /// Whether the API answered 403: the client lacks a permission.
    pub fn is_forbidden(&self) -> bool {
        self.0.kind == Kind::Status && self.status() == Some(403)
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

    /// Whether the same call may succeed later: no answer came, or one that says so.
    pub(crate) fn may_pass(&self) -> bool {
        self.is_transport() || self.is_rate_limited() || self.is_server_error()
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

    /// Whether a saved job is of another operation than the one that was to go on with it, or was submitted at
    /// another host. The text names both.
    pub fn is_job_mismatch(&self) -> bool {
        self.0.kind == Kind::Job(JobEnd::Mismatch)
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

    /// Whether the API no longer knows where a checkpoint leads: the token of the page has ended, or the job
    /// and its results are gone. What the API said is its source, if it was asked. The list has to be read
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

    /// A [`CheckpointStore`](crate::CheckpointStore) of your own could not load or save a checkpoint
    /// ([`is_checkpoint_store`](Self::is_checkpoint_store)).
    pub fn checkpoint_store(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        let why = format!("the store of checkpoints failed: {source}");
        let mut this = Self::new(Kind::Checkpoint(Unusable::Store), None, why);
        this.0.source = Some(Arc::from(source));
        this
    }

    /// A [`CheckpointStore`](crate::CheckpointStore) of your own found that another writer has a checkpoint,
    /// and says how ([`is_checkpoint_in_use`](Self::is_checkpoint_in_use)).
    pub fn checkpoint_in_use(why: impl Into<String>) -> Self {
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

    /// The error as the API describes it, when the reply was JSON.
    pub fn body(&self) -> Option<&ErrorBody> {
        self.0.answer.as_ref().and_then(|answer| answer.body.as_ref())
    }

    /// The API's code for the error, such as `too.many.requests.retry.after`.
    pub fn code(&self) -> Option<&str> {
        self.body().and_then(|body| body.code.as_deref())
    }
}

impl Error {
    fn new(kind: Kind, operation: Option<&Operation>, why: String) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: operation.cloned(),
            login: None,
            why,
            advice: None,
            answer: None,
            course: Course::default(),
            source: None,
        }))
    }

    pub(crate) fn config(why: String) -> Self {
        Self::new(Kind::Config, None, why)
    }

    pub(crate) fn invalid_request(operation: &Operation, why: String) -> Self {
        Self::new(Kind::InvalidRequest, Some(operation), why)
    }

    /// A reply is not the page that was due.
    pub(crate) fn paging(reply: &RawReply, why: String) -> Self {
        Self::new(Kind::Paging, Some(&reply.operation), why).answered(reply)
    }

    /// A job has no result to give.
    pub(crate) fn job(end: JobEnd, operation: &Operation, why: String) -> Self {
        Self::new(Kind::Job(end), Some(operation), why)
    }

    /// A file of results can't be had. Nothing of its URL but the host may be in the text.
    pub(crate) fn file(operation: &Operation, why: String) -> Self {
        Self::new(Kind::File, Some(operation), why)
    }

    /// A part of a range of time is too large, and can't be split.
    pub(crate) fn piece(operation: &Operation, why: String, refusal: Option<Self>) -> Self {
        let mut this = Self::new(Kind::Piece, Some(operation), why);
        if let Some(refusal) = refusal {
            this.0.answer.clone_from(&refusal.0.answer);
            this.0.course = refusal.0.course;
            this.0.source = Some(Arc::new(refusal));
        }
        this
    }

    /// A checkpoint is of another call.
    pub(crate) fn checkpoint_mismatch(operation: &Operation, why: &str) -> Self {
        let why = format!("the checkpoint is of another call: {why}");
        Self::new(Kind::Checkpoint(Unusable::Mismatch), Some(operation), why)
    }

    /// The API no longer knows where a checkpoint leads.
    pub(crate) fn stale_checkpoint(
        operation: &Operation,
        why: String,
        cause: Option<Self>,
    ) -> Self {
        let mut this = Self::new(Kind::Checkpoint(Unusable::Stale), Some(operation), why);
        if let Some(cause) = cause {
            this.0.answer.clone_from(&cause.0.answer);
            this.0.course = cause.0.course;
            this.0.source = Some(Arc::new(cause));
        }
        this.advise("start over without the checkpoint, or by `on_stale`, or read a range of time by `windows`")
    }

    /// What the API said, where it would not do what was asked: a reply of status 400, or a job that failed.
    pub(crate) fn refusal(&self) -> Option<&str> {
        let refused = match self.0.kind {
            Kind::Status => self.status() == Some(400),
            Kind::Job(end) => end == JobEnd::Failed,
            _ => false,
        };
        refused.then_some(&self.0.why)
    }

    /// Whether the API answered with one of these statuses. A login that is over its limit is refused by a 400
    /// too, and says nothing of what was asked for.
    pub(crate) fn is_refused_by(&self, statuses: &[u16]) -> bool {
        self.0.kind == Kind::Status
            && !self.is_rate_limited()
            && self.status().is_some_and(|status| statuses.contains(&status))
    }

    /// The transfer of a file broke off.
    pub(crate) fn broken_file(
        operation: &Operation,
        mut why: String,
        error: Option<reqwest::Error>,
    ) -> Self {
        let timeout = error.as_ref().is_some_and(reqwest::Error::is_timeout);
        let kind = if timeout { Kind::Timeout { connecting: false } } else { Kind::Broken };
        let error = error.map(reqwest::Error::without_url);
        if let Some(error) = &error {
            why += &format!(": {}", root_cause(error));
        }
        let mut this = Self::new(kind, Some(operation), why);
        this.0.source = error.map(|error| Arc::new(error) as _);
        this
    }

    /// The same error, as it came with a reply.
    pub(crate) fn with_answer(self, reply: &RawReply) -> Self {
        self.answered(reply)
    }

    /// The same error, caused by another.
    pub(crate) fn caused_by(mut self, source: Self) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// A request took longer than the client allows.
    pub(crate) fn deadline(operation: &Operation, allowed: Duration) -> Self {
        let why = format!("no complete reply within {allowed:?}");
        Self::new(Kind::Timeout { connecting: false }, Some(operation), why)
            .advise("ask for less at once, or raise the client's `timeout`")
    }

    /// The request could not be sent, or no reply came to it.
    pub(crate) fn unanswered(operation: &Operation, error: reqwest::Error) -> Self {
        let connecting = error.is_connect();
        let host = error.url().map_or("the host", Url::authority).to_owned();
        let kind = match (error.is_timeout(), connecting) {
            (true, connecting) => Kind::Timeout { connecting },
            (false, true) => Kind::Connect,
            (false, false) => Kind::Broken,
        };
        // The URL holds query values, and the operation is named anyway.
        let error = error.without_url();
        let cause = root_cause(&error);
        let mut this = if connecting {
            Self::new(kind, Some(operation), format!("could not connect to {host}: {cause}"))
                .advise("check the network, the proxy, and the region or URL of the client")
        } else {
            Self::new(kind, Some(operation), format!("no reply from {host}: {cause}"))
        };
        this.0.source = Some(Arc::new(error));
        this
    }

    /// The head of a reply came, its body did not.
    pub(crate) fn broken_body(reply: &RawReply, error: reqwest::Error) -> Self {
        let kind =
            if error.is_timeout() { Kind::Timeout { connecting: false } } else { Kind::Broken };
        let error = error.without_url();
        let why = format!("the reply ({}) broke off: {}", reply.head.status, root_cause(&error));
        let mut this = Self::new(kind, Some(&reply.operation), why).answered(reply);
        this.0.source = Some(Arc::new(error));
        this
    }

    pub(crate) fn too_large(reply: &RawReply, max_body: usize) -> Self {
        let why = format!("the reply ({}) is larger than {max_body} bytes", reply.head.status);
        Self::new(Kind::TooLarge, Some(&reply.operation), why)
            .answered(reply)
            .advise("ask for less at once, or raise the client's `max_body`")
    }

    /// The reply has a status that the operation does not accept.
    pub(crate) fn refused(reply: &RawReply) -> Self {
        let status = reply.head.status;
        let body = serde_json::from_slice(&reply.body).ok().and_then(ErrorBody::from_json);
        let code = body.as_ref().and_then(|body| body.code.as_deref());
        let message = match (code, body.as_ref().and_then(ErrorBody::told)) {
            // What redirects may name a presigned URL, which is a secret.
            (None, None) if status.is_redirection() => String::new(),
            (None, None) => excerpt(&reply.text()),
            (_, message) => message.unwrap_or_default().trim_end_matches('.').to_owned(),
        };
        let mut why = format!("answered {status}");
        if let Some(code) = code {
            why += &format!(" ({code})");
        }
        if !message.is_empty() {
            why += &format!(": {message}");
        }
        let mut this = Self::new(Kind::Status, Some(&reply.operation), why).answered(reply);
        if let Some(answer) = &mut this.0.answer {
            if answer.correlation_id.is_none() {
                answer.correlation_id = body.as_ref().and_then(|body| body.context_id.clone());
            }
            answer.body = body;
        }
        this.0.advice = match status.as_u16() {
            300..400 => Some("redirects are not followed: check the client's region or URL".into()),
            403 => Some("the OAuth client or user needs a role that grants the permission".into()),
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
    pub(crate) fn decode(reply: &RawReply, error: &DecodeError) -> Self {
        let why = format!(
            "the reply ({}, {}, {} bytes) could not be read: {error}",
            reply.head.status,
            reply.content_type().unwrap_or("no content type"),
            reply.body.len(),
        );
        let (kind, advice) = match error.problem() {
            Problem::Form => (Kind::Decode, "`Client::execute` gives the reply as it came"),
            Problem::TooDeep => (
                Kind::Decode,
                "its values are nested deeper than is read, which is 127 levels: no record of the API is, \
                 so look at the reply as it came, which `Client::execute` gives",
            ),
            Problem::TooManyItems => (
                Kind::TooLarge,
                "ask for smaller pages (`page_size`), or raise the client's `max_page_items`",
            ),
        };
        Self::new(kind, Some(&reply.operation), why).answered(reply).advise(advice)
    }

    fn answered(mut self, reply: &RawReply) -> Self {
        self.0.answer = Some(Answer {
            status: reply.head.status.as_u16(),
            retry_after: reply.head.retry_after(),
            correlation_id: reply.correlation_id().map(str::to_owned),
            body: None,
        });
        self
    }

    /// Puts this in the place of the advice, which the text ends with.
    pub(crate) fn advise(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// The same error, told as that of the login at this host.
    pub(crate) fn at_login(mut self, host: &str) -> Self {
        self.0.login = Some(host.to_owned());
        self
    }

    /// The same error, told as that of the operation which needed what failed.
    pub(crate) fn on(mut self, operation: &Operation) -> Self {
        self.0.operation = Some(operation.clone());
        self
    }

    /// The same error, told as that of a call which took this.
    pub(crate) fn after(mut self, course: Course) -> Self {
        self.0.course = course;
        self
    }

    /// What kind of error it is, in a word: unlike its text, this holds nothing that came from outside.
    pub(crate) fn cause(&self) -> &'static str {
        match self.0.kind {
            Kind::Config => "config",
            Kind::InvalidRequest => "invalid request",
            Kind::Connect => "no connection",
            Kind::Timeout { .. } => "timeout",
            Kind::Broken => "connection broke",
            Kind::TooLarge => "too large",
            Kind::Status => "status",
            Kind::Decode => "decode",
            Kind::Paging => "paging",
            Kind::Job(_) => "job",
            Kind::File => "file",
            Kind::Piece => "piece too large",
            Kind::Checkpoint(_) => "checkpoint",
        }
    }

    /// Whether the network was the reason why no connection came about, rather than a host name that does
    /// not exist or a certificate that is not accepted.
    pub(crate) fn is_connection_fault(&self) -> bool {
        use std::io::ErrorKind;
        let mut cause = std::error::Error::source(self);
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

    /// The same error once more, for another call that waited for the same login.
    pub(crate) fn share(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.0.operation {
            let unsent = self.is_invalid_request() || self.is_checkpoint_mismatch();
            let verb = if unsent { "was not sent" } else { "failed" };
            write!(f, "{operation} {verb}")?;
            if self.attempts() > 1 {
                write!(f, " after {} attempts", self.attempts())?;
            }
            f.write_str(": ")?;
        }
        if let Some(host) = &self.0.login {
            write!(f, "login at {host}: ")?;
        }
        f.write_str(&self.0.why)?;
        if let Some(advice) = &self.0.advice {
            write!(f, "; {advice}")?;
        }
        if let Some(correlation_id) = self.correlation_id() {
            write!(f, " (correlation id {correlation_id})")?;
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

fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}

/// The beginning of a text, on one line.
pub(crate) fn excerpt(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(EXCERPT).collect()
}

/// An error as the API describes it (the API document's `ErrorBody`).
///
/// Every field may be missing. The login service's `error` and `error_description` stand in `code` and
/// `message`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorBody {
    /// What went wrong, with its parameters filled in.
    pub message: Option<String>,
    /// The API's code for the error, such as `general.bad.request`.
    pub code: Option<String>,
    /// The HTTP status, told once more.
    pub status: Option<u16>,
    /// The id of the entity that the error is about.
    pub entity_id: Option<String>,
    /// The name of the entity that the error is about.
    pub entity_name: Option<String>,
    /// The message with placeholders for `message_params`.
    pub message_with_params: Option<String>,
    /// What stands for the placeholders of `message_with_params`.
    pub message_params: BTreeMap<String, String>,
    /// The correlation id of the call.
    pub context_id: Option<String>,
    /// What is wrong with single fields.
    pub details: Vec<ErrorDetail>,
    /// The errors this one is made of, such as those of the items of a bulk request.
    pub errors: Vec<ErrorBody>,
    /// The limit that was hit.
    pub limit: Option<ErrorLimit>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorDetail {
    /// The API's code for what is wrong.
    pub error_code: Option<String>,
    /// The field.
    pub field_name: Option<String>,
    /// The id of the entity that the field belongs to.
    pub entity_id: Option<String>,
    /// The name of the entity that the field belongs to.
    pub entity_name: Option<String>,
}

/// A limit of the organization or of the token that was hit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorLimit {
    /// The namespace of the limit, such as `platform.api`.
    pub namespace: Option<String>,
    /// The name of the limit, such as `client.credentials.token.rate.per.minute`.
    pub key: Option<String>,
    /// The value of the limit.
    pub value: Option<String>,
}

impl ErrorBody {
    /// Reads what can be read: a field of another type than documented is left out, not the rest.
    fn from_json(json: Value) -> Option<Self> {
        let Value::Object(fields) = json else { return None };
        let text = |name| text(&fields, name);
        Some(Self {
            message: text("message")
                .or_else(|| text("error_description"))
                .or_else(|| text("description")),
            code: text("code").or_else(|| text("error")),
            status: text("status").and_then(|status| status.parse().ok()),
            entity_id: text("entityId"),
            entity_name: text("entityName"),
            message_with_params: text("messageWithParams"),
            message_params: match fields.get("messageParams") {
                Some(Value::Object(params)) => params
                    .keys()
                    .filter_map(|name| Some((name.clone(), self::text(params, name)?)))
                    .collect(),
                _ => BTreeMap::new(),
            },
            context_id: text("contextId"),
            details: objects(&fields, "details").map(ErrorDetail::from_json).collect(),
            errors: match fields.get("errors") {
                Some(Value::Array(errors)) => {
                    errors.iter().cloned().filter_map(Self::from_json).collect()
                }
                _ => Vec::new(),
            },
            limit: match fields.get("limit") {
                Some(Value::Object(limit)) => Some(ErrorLimit {
                    namespace: self::text(limit, "namespace"),
                    key: self::text(limit, "key"),
                    value: self::text(limit, "value"),
                }),
                _ => None,
            },
        })
    }

    /// The message, or else that of the first error within that has one.
    fn told(&self) -> Option<&str> {
        let own = self.message.as_deref().or(self.message_with_params.as_deref());
        own.or_else(|| self.errors.iter().find_map(Self::told))
    }
}

impl ErrorDetail {
    fn from_json(fields: &Map<String, Value>) -> Self {
        Self {
            error_code: text(fields, "errorCode"),
            field_name: text(fields, "fieldName"),
            entity_id: text(fields, "entityId"),
            entity_name: text(fields, "entityName"),
        }
    }
}

/// Accepts every JSON object; what is not as documented is left out.
impl<'de> Deserialize<'de> for ErrorBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        Self::from_json(json).ok_or_else(|| serde::de::Error::custom("an error body is an object"))
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn objects<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let array = fields.get(name).and_then(Value::as_array);
    array.into_iter().flatten().filter_map(Value::as_object)
}
