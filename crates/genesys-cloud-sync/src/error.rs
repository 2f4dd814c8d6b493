//! Errors of a run.

use std::fmt;

use genesys_cloud_core::Error as ApiError;

use crate::target::TargetError;

/// Why a table was not changed.
#[derive(Debug)]
pub(crate) enum TableError {
    /// The list can't be read.
    Api(Box<ApiError>),
    Target(TargetError),
    /// The rows can't be compared with what the plan reads.
    Definition(String),
}

impl From<ApiError> for TableError {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

impl From<TargetError> for TableError {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // With its causes.
            Self::Api(error) => write!(f, "{error:#}"),
            Self::Target(error) => error.fmt(f),
            Self::Definition(text) => f.write_str(text),
        }
    }
}
