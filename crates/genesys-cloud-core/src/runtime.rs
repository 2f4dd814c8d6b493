//! The Tokio runtime that calls need.

use tokio::runtime::Handle;

use crate::error::Error;
use crate::operation::Operation;

/// Returns the current runtime. The error names the operation, if there is one.
pub(crate) fn current(operation: Option<&Operation>) -> Result<Handle, Error> {
    Handle::try_current().map_err(|_| Error::no_runtime(operation))
}
