//! The action for values that an output can't hold.

use genesys_cloud_core::{Fault, OnBadValue};
use serde_json::value::RawValue;

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
    /// The child table if the record is a row of one, such as `participants.sessions`.
    pub table: Option<String>,
}

/// A value that does not fit its column.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "postgres"), allow(dead_code))]
pub(super) struct Unfit {
    /// The index of the column. `None` for the whole record.
    pub(super) column: Option<usize>,
    pub(super) fault: Fault,
}

/// Writes a record without its invalid values, or skips it. Returns the error if it has another cause or `on_bad_value`
/// is `Fail`.
#[cfg_attr(not(feature = "postgres"), allow(dead_code))]
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
        return Ok(Rejected { record: record.to_owned(), faults, is_skipped, table: None });
    }
}
