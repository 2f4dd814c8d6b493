//! What goes wrong with an output.

use std::fmt;

use genesys_cloud_core::{StoreError, private_file};

use crate::reject::Unfit;

/// Why a sink could not take in records.
#[derive(Debug)]
pub struct SinkError {
    text: String,
    kind: Kind,
    /// The value that does not fit, if that is what is wrong.
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
    /// An error of this text, which says what could not be written, and why. The same export fails again until a
    /// person has changed something.
    pub fn new(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Refused, unfit: None }
    }

    /// An error that may pass by itself, such as a lost connection.
    pub fn unavailable(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Unavailable, unfit: None }
    }

    /// The user has stopped what could have gone on.
    pub fn stopped(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Stopped, unfit: None }
    }

    /// What was saved of an export does not fit its output, so that another try fails as well.
    pub fn mismatch(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Mismatch, unfit: None }
    }

    /// An error of the system. `why` says what could not be done, and why.
    pub fn from_io(why: impl Into<String>, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::BrokenPipe => Kind::Closed,
            _ if private_file::is_transient(error) => Kind::Unavailable,
            _ => Kind::Refused,
        };
        Self { text: why.into(), kind, unfit: None }
    }

    /// A value does not fit.
    #[cfg_attr(not(any(feature = "parquet", feature = "postgres")), allow(dead_code))]
    pub(crate) fn of_value(text: String, unfit: Unfit) -> Self {
        Self { unfit: Some(Box::new(unfit)), ..Self::new(text) }
    }

    /// The value that does not fit, if that is what is wrong.
    pub(crate) fn unfit(&self) -> Option<&Unfit> {
        self.unfit.as_deref()
    }

    /// The same kind of error in other words.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub(crate) fn reworded(self, words: impl FnOnce(&str) -> String) -> Self {
        Self { text: words(&self.text), ..self }
    }

    /// Whether what was saved of an export does not fit its output.
    pub fn is_mismatch(&self) -> bool {
        self.kind == Kind::Mismatch
    }

    /// Whether the same export may succeed later.
    pub fn is_transient(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// Another export writes to the same place by now.
    pub fn taken(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Taken, unfit: None }
    }

    /// Whether another export writes to the same place, so that nobody will resume this one.
    pub fn is_taken(&self) -> bool {
        self.kind == Kind::Taken
    }

    /// Whether the user has stopped it.
    pub fn is_stopped(&self) -> bool {
        self.kind == Kind::Stopped
    }

    /// Whether the reader of the output has gone, as after `| head`.
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

/// What keeps the state failed.
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

/// What a sink says of the state that it keeps itself.
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
