//! The bytes of an output: records in some form, compressed, in parts that can be put one after the other.

use serde_json::Value;
use serde_json::value::RawValue;

use super::SinkError;
use super::compression::Packer;
use super::format::Format;
use super::reject::{OnBadValue, Rejected, Tolerant};
use crate::columns::Columns;

/// How many records and bytes are encoded at a time: the bytes are still in the processor's cache when they are written.
const PIECE: (usize, usize) = (64, 256 << 10);

/// Makes the bytes of an output. Each method gives those that follow what was given before. What is compressed may
/// come later, at the next commit.
pub(super) struct Body {
    encoder: Tolerant,
    packer: Packer,
}

impl Body {
    pub(super) fn new(format: Format) -> Self {
        let (encoder, packer) =
            (Tolerant::new(format.encoder()), Packer::new(format.compression()));
        Self { encoder, packer }
    }

    pub(super) fn begin(&mut self, columns: &Columns) -> Result<Vec<u8>, SinkError> {
        let mut plain = Vec::new();
        self.encoder.begin(columns, &mut plain)?;
        self.packer.push(plain)
    }

    /// Goes on behind a commit that gave this form.
    pub(super) fn resume(&mut self, columns: &Columns, form: &Value) -> Result<(), SinkError> {
        self.encoder.resume(columns, form)
    }

    /// Encodes a batch, and has its bytes written piece by piece.
    pub(super) fn records(
        &mut self,
        batch: &[Box<RawValue>],
        mut write: impl FnMut(&[u8]) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let mut plain = Vec::new();
        let (mut records, mut bytes) = (0, 0);
        for record in batch {
            self.encoder.record(record, &mut plain)?;
            (records, bytes) = (records + 1, bytes + record.get().len());
            if records >= PIECE.0 || bytes >= PIECE.1 {
                (records, bytes) = (0, 0);
                self.pass_on(&mut plain, &mut write)?;
            }
        }
        self.encoder.end_batch(&mut plain)?;
        self.pass_on(&mut plain, &mut write)
    }

    fn pass_on(
        &mut self,
        plain: &mut Vec<u8>,
        write: &mut impl FnMut(&[u8]) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        if plain.is_empty() {
            return Ok(());
        }
        if self.packer.is_idle() {
            // The same room for each piece.
            write(plain)?;
            plain.clear();
            return Ok(());
        }
        let packed = self.packer.push(std::mem::take(plain))?;
        if packed.is_empty() { Ok(()) } else { write(&packed) }
    }

    /// The bytes that make the records so far complete, and what [`resume`](Self::resume) takes. `None`: too early for
    /// that, and the bytes are those that have come so far.
    pub(super) fn commit(&mut self, is_last: bool) -> Result<(Vec<u8>, Option<Value>), SinkError> {
        let mut plain = Vec::new();
        let form = self.encoder.commit(is_last, &mut plain)?;
        let mut bytes = self.packer.push(plain)?;
        if form.is_some() {
            bytes.extend(self.packer.flush()?);
        }
        Ok((bytes, form))
    }

    /// What is left of the bytes so far.
    pub(super) fn flush(&mut self) -> Result<Vec<u8>, SinkError> {
        self.packer.flush()
    }

    /// What comes after all records, once they are committed. It changes nothing.
    pub(super) fn end(&self) -> Result<Vec<u8>, SinkError> {
        let mut plain = Vec::new();
        self.encoder.end(&mut plain)?;
        self.packer.alone(plain)
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
}
