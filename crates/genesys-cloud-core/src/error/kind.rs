//! The kinds of errors.

use std::fmt;

/// What went wrong, for a program to decide by. Returned by [`Error::kind`](crate::Error::kind).
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
    /// A setting of the client, or a value such as an interval, is missing or wrong.
    Config,
    /// The request was not sent, because it has a value that can't be sent.
    InvalidRequest,
    /// The call was not sent: it was polled outside a tokio runtime, or a blocking call was made inside one.
    NoRuntime,
    /// No connection to the host was made, so nothing was sent. A timeout while connecting counts too.
    Connect,
    /// A timeout of the client ended the request. A 408 or 504 of the API is [`Status`](Self::Status) or
    /// [`Server`](Self::Server).
    Timeout,
    /// The connection broke before the reply was complete.
    Interrupted,
    /// The login was refused, or the API answered 401 and a new token did not help.
    Authentication,
    /// The API answered 403: the client lacks a permission.
    Forbidden,
    /// A firewall, proxy or CDN answered 403, as the reply has no JSON body.
    Blocked,
    /// The API answered 404.
    NotFound,
    /// The API answered 409, for example because the version of an entity is out of date.
    Conflict,
    /// A rate limit was hit: status 429, or the 400 "rate limit exceeded" of the login host.
    RateLimited,
    /// The API, its gateway or the login host answered with a 5xx.
    Server,
    /// Any other status that is an error.
    Status,
    /// The reply is larger than the client's `max_body`, or a page has more items than `max_page_items`.
    TooLarge,
    /// A successful reply could not be read as what the operation returns.
    Decode,
    /// A list can't be read further: the reply is not the expected page, repeats an earlier one, or does not lead to
    /// the next one.
    Paging,
    /// The API reports that a job failed. The text has the API's message.
    JobFailed,
    /// A job was cancelled.
    JobCancelled,
    /// The results of a job were deleted, or the job did not run in time.
    JobExpired,
    /// A job did not end before the deadline. It is still running: wait again.
    JobUnfinished,
    /// A job waits for the caller, for example to upload a file. The text says for what.
    JobAwaitingInput,
    /// The API can't be asked for the status of the job: it sends a notification, or gave the job no id.
    JobNotPollable,
    /// A saved job is of another operation or another organization.
    JobMismatch,
    /// A job was not submitted, because its data did not become available in time. See
    /// [`Paginator::wait_for_data`](crate::Paginator::wait_for_data).
    DataUnavailable,
    /// A file was refused, has changed since the download began, or is not valid.
    Download,
    /// A part of a time range holds too many records, and can't be split further. See
    /// [`Windows`](crate::Windows). The refusal of the API is the source.
    WindowTooLarge,
    /// A checkpoint is of another call. The text says what differs. Nothing was sent.
    CheckpointMismatch,
    /// A checkpoint is no longer valid: the token of the page has expired, or the job has failed, was cancelled or
    /// is gone. See [`Paginator::on_stale`](crate::Paginator::on_stale).
    StaleCheckpoint,
    /// A checkpoint could not be loaded or saved.
    CheckpointStore,
    /// Another writer uses the checkpoint.
    CheckpointInUse,
}

impl ErrorKind {
    /// The name in traces and metrics, such as `not_found`.
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

    /// Whether it is that of a reply whose status is an error.
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

    /// Whether the call itself succeeded, and reported on a job.
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
