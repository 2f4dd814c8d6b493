//! The trait of all formats.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::columns::Columns;
use crate::error::SinkError;

/// Encodes records.
pub(crate) trait Encode: Send + Sync {
    /// Writes what precedes the first record.
    fn begin(&mut self, columns: &Columns, out: &mut Vec<u8>) -> Result<(), SinkError>;

    /// Resumes after the commit that returned `_state`.
    fn resume(&mut self, columns: &Columns, _state: &Value) -> Result<(), SinkError> {
        self.begin(columns, &mut Vec::new())
    }

    fn record(&mut self, record: &RawValue, out: &mut Vec<u8>) -> Result<(), SinkError>;

    /// Writes what follows a batch.
    fn end_batch(&mut self, _out: &mut Vec<u8>) -> Result<(), SinkError> {
        Ok(())
    }

    /// Writes a record with null in the columns with these indexes.
    fn record_without(
        &mut self,
        record: &RawValue,
        _nulls: &[usize],
        out: &mut Vec<u8>,
    ) -> Result<(), SinkError> {
        self.record(record, out)
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
