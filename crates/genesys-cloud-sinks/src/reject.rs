//! What becomes of records with values that an output can't hold.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::str::FromStr;

use serde_json::value::RawValue;

use crate::encode::Encode;
use crate::error::SinkError;

/// What becomes of a record with a value that the output can't hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadValue {
    /// The export fails.
    #[default]
    Fail,
    /// The record is written with null in place of the value.
    Null,
    /// The record is left out.
    Skip,
}

impl OnBadValue {
    /// All of them.
    pub const VARIANTS: [Self; 3] = [Self::Fail, Self::Null, Self::Skip];

    /// Its name: `fail`, `null` or `skip`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Null => "null",
            Self::Skip => "skip",
        }
    }
}

impl fmt::Display for OnBadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OnBadValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::VARIANTS.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| format!("unknown value `{text}`; expected fail, null or skip"))
    }
}

/// A value that an output can't hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The path of the field, if it is known.
    pub field: Option<String>,
    /// Why the output can't hold it.
    pub reason: String,
}

/// A record that an output could not hold as it came.
#[derive(Debug)]
pub struct Rejected {
    /// The record as it came.
    pub record: Box<RawValue>,
    /// The values that are in the way.
    pub faults: Vec<Fault>,
    /// Whether it was left out, rather than written with null in place of these values.
    pub is_skipped: bool,
}

/// A value that does not fit, and the column that it does not fit into.
#[derive(Clone, Debug)]
pub(super) struct Unfit {
    /// The index of the column. `None` where it is the whole record.
    pub(super) column: Option<usize>,
    pub(super) fault: Fault,
}

/// An encoder that does not end with the first value that it can't hold, if that is wanted.
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

    /// Writes a record as far as the encoder can.
    pub(super) fn record(&mut self, record: &RawValue, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let Err(error) = self.encoder.record(record, out) else { return Ok(()) };
        let encoder = &mut self.encoder;
        let again = |nulls: &[usize]| encoder.record_without(record, nulls, out);
        self.rejected.push(tolerated(self.on_bad_value, record, error, again)?);
        Ok(())
    }

    /// The records that were rejected since this was called last.
    pub(super) fn rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }
}

/// Everything but records is as it is.
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

/// Writes a record that did not fit without the values that are in the way, or not at all. The error, unless it is one
/// of a value and may be passed over.
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
