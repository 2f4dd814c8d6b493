//! What all formats have in common.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::columns::Columns;
use crate::error::SinkError;

/// Writes records in some form.
pub(crate) trait Encode: Send + Sync {
    /// Writes what comes before the first record, of a list with these columns.
    fn begin(&mut self, columns: &Columns, out: &mut Vec<u8>) -> Result<(), SinkError>;

    /// Has it go on with a list that was begun, behind the commit that gave this value.
    fn resume(&mut self, columns: &Columns, _form: &Value) -> Result<(), SinkError> {
        self.begin(columns, &mut Vec::new())
    }

    fn record(&mut self, record: &RawValue, out: &mut Vec<u8>) -> Result<(), SinkError>;

    /// Writes what is due after a batch.
    fn end_batch(&mut self, _out: &mut Vec<u8>) -> Result<(), SinkError> {
        Ok(())
    }

    /// The same with null in these columns, by their index.
    fn record_without(
        &mut self,
        record: &RawValue,
        _nulls: &[usize],
        out: &mut Vec<u8>,
    ) -> Result<(), SinkError> {
        self.record(record, out)
    }

    /// Writes what is missing for the records so far to be complete, and gives what it takes to go on behind
    /// it. `None` if it is too early for that, which it never is for the last one of a run.
    fn commit(&mut self, _is_last: bool, _out: &mut Vec<u8>) -> Result<Option<Value>, SinkError> {
        Ok(Some(Value::Null))
    }

    /// Writes what comes after the last record.
    fn end(&self, _out: &mut Vec<u8>) -> Result<(), SinkError> {
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
