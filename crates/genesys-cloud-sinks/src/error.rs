//! Errors of sinks.

use std::fmt;

use genesys_cloud_core::{StoreError, private_file};

use crate::reject::Unfit;

/// An error of a sink.
#[derive(Debug)]
pub struct SinkError {
    text: String,
    kind: Kind,
    /// The invalid value, if that is the cause.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    unfit: Option<Box<Unfit>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Refused,
    Unavailable,
    Mismatch,
    Closed,
    Stopped,
    Taken,
}

impl SinkError {
    /// Creates an error that says what can't be written, and why. The same export fails again until something has
    /// changed.
    pub fn new(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Refused, unfit: None }
    }

    /// Creates a transient error, such as a lost connection.
    pub fn unavailable(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Unavailable, unfit: None }
    }

    /// Creates an error for an operation that the user interrupted.
    pub fn stopped(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Stopped, unfit: None }
    }

    /// Creates an error for a saved state that does not match its output. A retry fails as well.
    pub fn mismatch(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Mismatch, unfit: None }
    }

    /// Creates an error from an I/O error, which decides whether it is transient. `why` says what failed, and why.
    pub fn from_io(why: impl Into<String>, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::BrokenPipe => Kind::Closed,
            _ if private_file::is_transient(error) => Kind::Unavailable,
            _ => Kind::Refused,
        };
        Self { text: why.into(), kind, unfit: None }
    }

    /// Creates an error for an invalid value.
    pub(crate) fn of_value(text: String, unfit: Unfit) -> Self {
        Self { unfit: Some(Box::new(unfit)), ..Self::new(text) }
    }

    /// Returns the invalid value, if that is the cause.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub(crate) fn unfit(&self) -> Option<&Unfit> {
        self.unfit.as_deref()
    }

    /// Replaces the text.
    pub(crate) fn reworded(self, words: impl FnOnce(&str) -> String) -> Self {
        Self { text: words(&self.text), ..self }
    }

    /// Returns whether the saved state does not match the output.
    pub fn is_mismatch(&self) -> bool {
        self.kind == Kind::Mismatch
    }

    /// Returns whether the same export may succeed later.
    pub fn is_transient(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// Creates an error for an output that another export writes to.
    pub fn taken(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Taken, unfit: None }
    }

    /// Returns whether another export writes to the same output, so that this one will not be resumed.
    pub fn is_taken(&self) -> bool {
        self.kind == Kind::Taken
    }

    /// Returns whether the user interrupted the operation.
    pub fn is_stopped(&self) -> bool {
        self.kind == Kind::Stopped
    }

    /// Returns whether the reader of the output has exited, as in `| head`.
    pub fn is_closed(&self) -> bool {
        self.kind == Kind::Closed
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for SinkError {}

/// An error of the store of the state.
impl From<StoreError> for SinkError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        if error.is_unavailable() {
            Self::unavailable(text)
        } else if error.is_conflict() {
            Self::taken(text)
        } else if error.is_unreadable() {
            Self::mismatch(text)
        } else if error.is_stopped() {
            Self::stopped(text)
        } else {
            Self::new(text)
        }
    }
}

/// An error of a sink that keeps the state.
impl From<SinkError> for StoreError {
    fn from(error: SinkError) -> Self {
        let SinkError { text, kind, .. } = error;
        match kind {
            Kind::Refused | Kind::Closed => Self::new(text),
            Kind::Unavailable => Self::unavailable(text),
            Kind::Mismatch => Self::unreadable(text),
            Kind::Stopped => Self::stopped(text),
            Kind::Taken => Self::conflict(text),
        }
    }
}
