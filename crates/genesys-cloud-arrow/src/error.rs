//! Errors of batches.

use std::fmt;

use arrow_schema::ArrowError;
use genesys_cloud_core::Fault;

/// Why a batch can't be read.
#[derive(Debug)]
pub struct Error(Box<Cause>);

#[derive(Debug)]
enum Cause {
    List(genesys_cloud_core::Error),
    BadValue { record: u64, fault: Fault },
    Full { record: u64 },
    Arrow(ArrowError),
}

impl Error {
    pub(crate) fn list(error: genesys_cloud_core::Error) -> Self {
        Self(Box::new(Cause::List(error)))
    }

    pub(crate) fn bad_value(record: u64, fault: Option<Fault>) -> Self {
        let unknown = || Fault { field: None, reason: "the record is invalid".to_owned() };
        Self(Box::new(Cause::BadValue { record, fault: fault.unwrap_or_else(unknown) }))
    }

    pub(crate) fn full(record: u64) -> Self {
        Self(Box::new(Cause::Full { record }))
    }

    pub(crate) fn arrow(error: ArrowError) -> Self {
        Self(Box::new(Cause::Arrow(error)))
    }

    /// Returns the error of the list, if the list can't be read.
    pub fn as_list_error(&self) -> Option<&genesys_cloud_core::Error> {
        match &*self.0 {
            Cause::List(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the value that does not fit its column, if that is the error.
    pub fn fault(&self) -> Option<&Fault> {
        match &*self.0 {
            Cause::BadValue { fault, .. } => Some(fault),
            _ => None,
        }
    }

    /// Returns the position in the list of the record that can't be decoded; the first one has 0.
    pub fn record(&self) -> Option<u64> {
        match &*self.0 {
            Cause::BadValue { record, .. } | Cause::Full { record } => Some(*record),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Cause::List(error) => error.fmt(f),
            Cause::BadValue { record, fault } => write!(f, "record {record}: {fault}"),
            Cause::Full { record } => write!(f, "record {record}: the batch exceeds 2 GiB"),
            Cause::Arrow(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            // Their own messages are the message of this error.
            Cause::List(error) => std::error::Error::source(error),
            Cause::Arrow(error) => std::error::Error::source(error),
            Cause::BadValue { .. } | Cause::Full { .. } => None,
        }
    }
}
