//! The action for values that an output can't hold.

use std::ops::{Deref, DerefMut};

use genesys_cloud_core::{Fault, OnBadValue};
use serde_json::value::RawValue;

use crate::encode::Encode;
use crate::error::SinkError;

/// A record that an output can't hold unchanged.
#[derive(Debug)]
pub struct Rejected {
    /// The record as the API sent it.
    pub record: Box<RawValue>,
    /// The invalid values.
    pub faults: Vec<Fault>,
    /// Whether the record was skipped, instead of written with null for these values.
    pub is_skipped: bool,
}

/// A value that does not fit its column.
#[derive(Clone, Debug)]
pub(super) struct Unfit {
    /// The index of the column. `None` for the whole record.
    pub(super) column: Option<usize>,
    pub(super) fault: Fault,
}

/// An encoder that handles invalid values as [`OnBadValue`] says.
pub(super) struct Tolerant {
    encoder: Box<dyn Encode>,
    on_bad_value: OnBadValue,
    rejected: Vec<Rejected>,
}

impl Tolerant {
    pub(super) fn new(encoder: Box<dyn Encode>) -> Self {
        Self { encoder, on_bad_value: OnBadValue::Fail, rejected: Vec::new() }
    }

    pub(super) fn set(&mut self, on_bad_value: OnBadValue) {
        self.on_bad_value = on_bad_value;
    }

    /// Writes a record, without its invalid values if allowed.
    pub(super) fn record(&mut self, record: &RawValue, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let Err(error) = self.encoder.record(record, out) else { return Ok(()) };
        let encoder = &mut self.encoder;
        let again = |nulls: &[usize]| encoder.record_without(record, nulls, out);
        self.rejected.push(tolerated(self.on_bad_value, record, error, again)?);
        Ok(())
    }

    /// Returns the records rejected since the last call.
    pub(super) fn rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }
}

/// Forwards everything else to the encoder.
impl Deref for Tolerant {
    type Target = dyn Encode;

    fn deref(&self) -> &Self::Target {
        self.encoder.as_ref()
    }
}

impl DerefMut for Tolerant {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.encoder.as_mut()
    }
}

/// Writes a record without its invalid values, or skips it. Returns the error if it has another cause or `on_bad_value`
/// is `Fail`.
pub(super) fn tolerated(
    on_bad_value: OnBadValue,
    record: &RawValue,
    mut error: SinkError,
    mut again: impl FnMut(&[usize]) -> Result<(), SinkError>,
) -> Result<Rejected, SinkError> {
    let (mut nulls, mut faults) = (Vec::new(), Vec::new());
    loop {
        let Some(Unfit { column, fault }) = error.unfit().cloned() else { return Err(error) };
        if on_bad_value == OnBadValue::Fail {
            return Err(error);
        }
        faults.push(fault);
        let column = column.filter(|column| !nulls.contains(column));
        let is_skipped = match (on_bad_value, column) {
            (OnBadValue::Null, Some(column)) => {
                nulls.push(column);
                match again(&nulls) {
                    Ok(()) => false,
                    Err(next) => {
                        error = next;
                        continue;
                    }
                }
            }
            _ => true,
        };
        return Ok(Rejected { record: record.to_owned(), faults, is_skipped });
    }
}
