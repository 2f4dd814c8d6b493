//! The trait of all formats.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::OnBadValue;
use crate::columns::Columns;
use crate::error::SinkError;
use crate::reject::Rejected;

/// Encodes records.
pub(crate) trait Encode: Send + Sync {
    /// Sets the action for values that do not fit. Called before anything else.
    fn on_bad_value(&mut self, _: OnBadValue) {}

    /// Writes what precedes the first record.
    fn begin(&mut self, columns: &Columns, out: &mut Vec<u8>) -> Result<(), SinkError>;

    /// Resumes after the commit that returned `_state`.
    fn resume(&mut self, columns: &Columns, _state: &Value) -> Result<(), SinkError> {
        self.begin(columns, &mut Vec::new())
    }

    /// Writes a record. Returns it if it was changed or skipped.
    fn record(
        &mut self,
        record: &RawValue,
        out: &mut Vec<u8>,
    ) -> Result<Option<Rejected>, SinkError>;

    /// Writes what follows a batch.
    fn end_batch(&mut self, _out: &mut Vec<u8>) -> Result<(), SinkError> {
        Ok(())
    }

    /// Completes the records so far, and returns the state to resume from. `None` if it is too early; never if
    /// `_is_last`.
    fn commit(&mut self, _is_last: bool, _out: &mut Vec<u8>) -> Result<Option<Value>, SinkError> {
        Ok(Some(Value::Null))
    }

    /// Writes what follows the last record.
    fn end(&self, _out: &mut Vec<u8>) -> Result<(), SinkError> {
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
