//! The tokio runtime that calls need.

use tokio::runtime::Handle;

use crate::error::Error;
use crate::operation::Operation;

/// The runtime that this is polled in. The error is that of the operation, if there is one.
pub(crate) fn current(operation: Option<&Operation>) -> Result<Handle, Error> {
    Handle::try_current().map_err(|_| Error::no_runtime(operation))
}
