//! The error of a command: cause, advice and exit code.

use std::fmt;

use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::{Error, ErrorKind, StoreError};
use genesys_cloud_sinks::SinkError;

pub use crate::exit::Exit;

/// Why a failed export can't simply be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Its job has failed or was cancelled.
    Job,
    /// The results of its job have expired, or its position in the list.
    Place,
    /// The status of its job can't be queried.
    Status,
    /// It is not known whether a job was submitted.
    Submit,
    /// The earlier run does not match this command.
    Fit,
}

impl Lost {
    fn of_error(error: &Error) -> Option<Self> {
        match error.kind() {
            ErrorKind::CheckpointMismatch | ErrorKind::JobMismatch => Some(Self::Fit),
            ErrorKind::JobNotPollable => Some(Self::Status),
            _ if error.is_outcome_unknown() => Some(Self::Submit),
            ErrorKind::StaleCheckpoint | ErrorKind::JobExpired => Some(Self::Place),
            ErrorKind::JobFailed | ErrorKind::JobCancelled => Some(Self::Job),
            _ => None,
        }
    }
}

/// The error of a command: cause, advice and exit code.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    text: String,
    advice: Vec<String>,
    correlation_id: Option<String>,
    lost: Option<Lost>,
    /// Whether the earlier run can't be resumed, so that an export has to start over.
    is_stale: bool,
    /// Whether the reader of standard output has exited.
    closed: bool,
}

impl Failure {
    /// Creates an error with this exit code.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        let (text, advice) = (text.into(), Vec::new());
        let (lost, is_stale, closed) = (None, false, false);
        Self { exit, text, advice, correlation_id: None, lost, is_stale, closed }
    }

    /// Creates an error for an invalid command.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// Creates an error for an output that refuses the records.
    pub fn output(text: impl Into<String>) -> Self {
        Self::new(Exit::OutputRefused, text)
    }

    /// Creates an error for a file that can't be written. `text` names the file and the cause.
    pub(crate) fn from_io(text: impl Into<String>, error: &std::io::Error) -> Self {
        let text = text.into();
        match SinkError::from_io(text.as_str(), error).is_transient() {
            true => Self::new(Exit::OutputUnavailable, text),
            false => Self::new(Exit::OutputRefused, text),
        }
    }

    /// Adds a line of advice.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// Creates an error for a failed call, of `entry` if it is of an operation.
    pub fn of_call(error: &Error, entry: Option<&Entry>) -> Self {
        let mut this = Self::new(Exit::of_error(error), format!("{error:#}"));
        this.correlation_id = error.correlation_id().map(str::to_owned);
        this.lost = Lost::of_error(error);
        this.is_stale = error.kind() == ErrorKind::StaleCheckpoint || this.lost == Some(Lost::Fit);
        if error.kind() == ErrorKind::Forbidden
            && let Some(needed) = entry.and_then(permissions)
        {
            let name = entry.map(|entry| entry.id.as_str()).unwrap_or_default();
            this = this.advise(format!(
                "{name} requires {needed}; grant it to a role of the OAuth client"
            ));
        }
        if error.kind() == ErrorKind::Authentication {
            this = this
                .advise(
                    "set GENESYS_CLOUD_REGION to the region of the org, and GENESYS_CLOUD_CLIENT_ID and \
                     GENESYS_CLOUD_CLIENT_SECRET to an OAuth client with the grant type Client Credentials",
                )
                .advise("or set GENESYS_CLOUD_ACCESS_TOKEN");
        }
        if error.kind() == ErrorKind::Config {
            this =
                this.advise("`--org mock` runs the command against a fake org, without an account");
        }
        if let Some(wait) = error.retry_after().filter(|_| error.is_rate_limited()) {
            this = this.advise(format!("the API asks to wait {} s", wait.as_secs()));
        }
        this
    }

    /// Marks that the export can't simply be resumed.
    pub(crate) fn losing(mut self, lost: Lost) -> Self {
        self.lost = Some(lost);
        self
    }

    /// Marks that the earlier run does not match this command and can't be resumed.
    pub(crate) fn of_earlier_run(mut self) -> Self {
        (self.lost, self.is_stale) = (Some(Lost::Fit), true);
        self
    }

    /// Returns whether the earlier run can't be resumed.
    pub(crate) fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the advice, one line each.
    pub fn advice(&self) -> &[String] {
        &self.advice
    }

    /// Returns why the export can't simply be resumed, if so.
    pub(crate) fn lost(&self) -> Option<Lost> {
        self.lost
    }

    /// Returns whether the reader of standard output has exited, as in `| head`.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns the correlation ID with which Genesys finds the call in its logs.
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Describes the permissions that an operation requires.
pub(crate) fn permissions(entry: &Entry) -> Option<String> {
    match &entry.permissions[..] {
        [] => None,
        [one] => Some(format!("the permission {one}")),
        several if entry.any_permission => {
            Some(format!("one of the permissions {}", several.join(", ")))
        }
        several => Some(format!("the permissions {}", several.join(", "))),
    }
}

impl std::error::Error for Failure {}

/// An error of the output or the state.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        SinkError::from(error).into()
    }
}

impl From<SinkError> for Failure {
    fn from(error: SinkError) -> Self {
        let exit = if error.is_mismatch() {
            // A retry would fail as well.
            Exit::Usage
        } else if error.is_stopped() {
            Exit::Interrupted
        } else if error.is_transient() {
            Exit::OutputUnavailable
        } else {
            Exit::OutputRefused
        };
        Self { closed: error.is_closed(), ..Self::new(exit, error.to_string()) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let closed = error.kind() == std::io::ErrorKind::BrokenPipe;
        let text = format!("can't write to standard output: {error}");
        Self { closed, ..Self::output(text) }
    }
}
