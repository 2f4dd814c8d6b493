//! The action for values that an output can't hold.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::str::FromStr;

use serde_json::value::RawValue;

use crate::encode::Encode;
use crate::error::SinkError;

/// What to do with a record that has a value the output can't hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadValue {
    /// Fail.
    #[default]
    Fail,
    /// Write the record with null instead of the value.
    Null,
    /// Skip the record.
    Skip,
}

impl OnBadValue {
    /// All actions.
    pub const VARIANTS: [Self; 3] = [Self::Fail, Self::Null, Self::Skip];

    /// Returns the name: `fail`, `null` or `skip`.
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
    /// The path of the field, if known.
    pub field: Option<String>,
    /// Why the output can't hold it.
    pub reason: String,
}

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
        return Ok(Rejected { record: record.to_owned(), faults, is_skipped, table: None });
    }
}
