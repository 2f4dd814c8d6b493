//! The bytes of an output: records in some form, compressed, in parts that can be put one after the other.

use std::slice::Chunks;

use serde_json::Value;
use serde_json::value::RawValue;

use super::SinkError;
use super::compression::Compression;
use super::format::Format;
use super::reject::{OnBadValue, Rejected, Tolerant};
use crate::columns::Columns;

/// Makes the bytes of an output. Each method gives those that follow what was given before.
pub(super) struct Body {
    format: Format,
    encoder: Tolerant,
}

impl Body {
    pub(super) fn new(format: Format) -> Self {
        Self { format, encoder: Tolerant::new(format.encoder()) }
    }

    pub(super) fn begin(&mut self, columns: &Columns) -> Result<Vec<u8>, SinkError> {
        let mut plain = Vec::new();
        self.encoder.begin(columns, &mut plain)?;
        self.part(plain)
    }

    /// Goes on behind a commit that gave this form.
    pub(super) fn go_on(&mut self, columns: &Columns, form: &Value) -> Result<(), SinkError> {
        self.encoder.go_on(columns, form)
    }

    /// A batch in pieces: what is compressed as one is one; others are small enough that the bytes of a piece are
    /// still in the processor's cache when they are written.
    pub(super) fn pieces<'a>(&self, batch: &'a [Box<RawValue>]) -> Chunks<'a, Box<RawValue>> {
        batch.chunks(match self.format.compression() {
            Compression::None => 64,
            _ => batch.len().max(1),
        })
    }

    pub(super) fn records(&mut self, batch: &[Box<RawValue>]) -> Result<Vec<u8>, SinkError> {
        let mut plain = Vec::with_capacity(batch.iter().map(|record| record.get().len() + 1).sum());
        for record in batch {
            self.encoder.record(record, &mut plain)?;
        }
        self.part(plain)
    }

    /// What makes the records so far complete, and what [`go_on`](Self::go_on) takes. `None`: too early.
    pub(super) fn commit(&mut self, is_last: bool) -> Result<Option<(Vec<u8>, Value)>, SinkError> {
        let mut plain = Vec::new();
        let Some(form) = self.encoder.commit(is_last, &mut plain)? else { return Ok(None) };
        Ok(Some((self.part(plain)?, form)))
    }

    /// What comes after all records, once they are committed. It changes nothing.
    pub(super) fn end(&self) -> Result<Vec<u8>, SinkError> {
        let mut plain = Vec::new();
        self.encoder.end(&mut plain)?;
        self.part(plain)
    }

    /// Chooses what becomes of records that don't fit.
    pub(super) fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.encoder.set(on_bad_value);
    }

    /// The records that did not fit since this was called last.
    pub(super) fn rejected(&mut self) -> Vec<Rejected> {
        self.encoder.rejected()
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.encoder.notes()
    }

    fn part(&self, plain: Vec<u8>) -> Result<Vec<u8>, SinkError> {
        self.format.compression().part(plain)
    }
}
