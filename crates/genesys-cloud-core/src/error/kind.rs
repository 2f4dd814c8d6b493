//! Kinds of errors.

use std::fmt;

/// What went wrong, for programs to act on. Returned by [`Error::kind`](crate::Error::kind).
///
/// ```
/// use genesys_cloud_core::{Error, ErrorKind};
///
/// fn advice(error: &Error) -> &'static str {
///     match error.kind() {
///         ErrorKind::NotFound => "check the id",
///         ErrorKind::Authentication => "check the credentials",
///         _ if error.is_transient() => "try again later",
///         _ => "see the message",
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting of the client, or a value such as an interval, is missing or invalid.
    Config,
    /// The request was not sent, because it contains an invalid value.
    InvalidRequest,
    /// The call was not sent: it was polled outside a Tokio runtime, or a blocking call was made inside one.
    NoRuntime,
    /// No connection was made, so nothing was sent. Includes timeouts while connecting.
    Connect,
    /// A timeout of the client ended the request. A 408 or 504 from the API is [`Status`](Self::Status) or
    /// [`Server`](Self::Server).
    Timeout,
    /// The connection broke before the response was complete.
    Interrupted,
    /// The login was refused, or the API answered 401 even to a new token.
    Authentication,
    /// The API answered 403: the client lacks a permission.
    Forbidden,
    /// A firewall, proxy or CDN answered 403: the response has no JSON body.
    Blocked,
    /// The API answered 404.
    NotFound,
    /// The API answered 409, for example because an entity was changed since it was read.
    Conflict,
    /// A rate limit was reached: status 429, or the login host's 400 "rate limit exceeded".
    RateLimited,
    /// The API, its gateway or the login host answered with a 5xx.
    Server,
    /// Any other status that is an error.
    Status,
    /// The response exceeds the client's `max_body`, or a page exceeds `max_page_items`.
    TooLarge,
    /// A successful response could not be decoded as the type that the operation returns.
    Decode,
    /// A list cannot continue: the response is not the expected page, repeats an earlier one, or has no usable link to
    /// the next one.
    Paging,
    /// The API reports that a job failed. The message includes the API's.
    JobFailed,
    /// A job was cancelled.
    JobCancelled,
    /// The results of a job were deleted, or the job did not run in time.
    JobExpired,
    /// A job did not end before the deadline. It is still running, so wait again.
    JobUnfinished,
    /// A job waits for the caller, for example to upload a file. The message says for what.
    JobAwaitingInput,
    /// The status of the job cannot be requested: the API sends a notification, or gave the job no id.
    JobNotPollable,
    /// A saved job belongs to another operation or organization.
    JobMismatch,
    /// A job was not submitted, because its data did not become available in time. See
    /// [`Paginator::wait_for_data`](crate::Paginator::wait_for_data).
    DataUnavailable,
    /// A file download was refused, the file has changed since the download began, or it is invalid.
    Download,
    /// A window of a time range holds too many records and cannot be split further. See
    /// [`Windows`](crate::Windows). The API's refusal is the source.
    WindowTooLarge,
    /// A checkpoint belongs to another call. The message says what differs. Nothing was sent.
    CheckpointMismatch,
    /// A checkpoint is no longer valid: its page token has expired, or its job has failed, was cancelled or no longer
    /// exists. See [`Paginator::on_stale`](crate::Paginator::on_stale).
    StaleCheckpoint,
    /// A checkpoint could not be loaded or saved.
    CheckpointStore,
    /// Another writer uses the checkpoint.
    CheckpointInUse,
}

impl ErrorKind {
    /// Returns the name used in traces and metrics, such as `not_found`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::InvalidRequest => "invalid_request",
            Self::NoRuntime => "no_runtime",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::Authentication => "authentication",
            Self::Forbidden => "forbidden",
            Self::Blocked => "blocked",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Status => "status",
            Self::TooLarge => "too_large",
            Self::Decode => "decode",
            Self::Paging => "paging",
            Self::JobFailed => "job_failed",
            Self::JobCancelled => "job_cancelled",
            Self::JobExpired => "job_expired",
            Self::JobUnfinished => "job_unfinished",
            Self::JobAwaitingInput => "job_awaiting_input",
            Self::JobNotPollable => "job_not_pollable",
            Self::JobMismatch => "job_mismatch",
            Self::DataUnavailable => "data_unavailable",
            Self::Download => "download",
            Self::WindowTooLarge => "window_too_large",
            Self::CheckpointMismatch => "checkpoint_mismatch",
            Self::StaleCheckpoint => "stale_checkpoint",
            Self::CheckpointStore => "checkpoint_store",
            Self::CheckpointInUse => "checkpoint_in_use",
        }
    }

    /// Whether a response with an error status caused it.
    pub(super) const fn is_of_status(self) -> bool {
        matches!(
            self,
            Self::Authentication
                | Self::Forbidden
                | Self::Blocked
                | Self::NotFound
                | Self::Conflict
                | Self::RateLimited
                | Self::Server
                | Self::Status
        )
    }

    /// Whether the call succeeded and reported on a job.
    pub(super) const fn is_of_job(self) -> bool {
        matches!(
            self,
            Self::JobFailed
                | Self::JobCancelled
                | Self::JobExpired
                | Self::JobUnfinished
                | Self::JobAwaitingInput
                | Self::JobNotPollable
                | Self::JobMismatch
        )
    }

    /// Whether nothing was sent.
    pub(super) const fn is_unsent(self) -> bool {
        matches!(
            self,
            Self::InvalidRequest
                | Self::NoRuntime
                | Self::DataUnavailable
                | Self::CheckpointMismatch
                | Self::JobMismatch
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
