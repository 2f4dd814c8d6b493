//! The bytes of an output: encoded and compressed records.

use serde_json::Value;
use serde_json::value::RawValue;

use super::compression::Packer;
use super::format::Format;
use super::{OnBadValue, Rejected, SinkError};
use crate::columns::Columns;
use crate::encode::Encode;

/// Maximum records and bytes per write. The bytes are still in the processor's cache when they are written.
const WRITE_SIZE: (usize, usize) = (64, 256 << 10);

/// Produces the bytes of an output. Each method returns the next bytes. Compressed bytes may be delayed until the next
/// commit.
pub(super) struct Body {
    encoder: Box<dyn Encode>,
    packer: Packer,
    rejected: Vec<Rejected>,
    /// Whether the bytes after the last record take long to make.
    is_grouped: bool,
}

impl Body {
    pub(super) fn new(format: Format) -> Self {
        let (encoder, packer) = (format.encoder(), Packer::new(format.compression()));
        Self { encoder, packer, rejected: Vec::new(), is_grouped: format.is_grouped() }
    }

    pub(super) fn begin(&mut self, columns: &Columns) -> Result<Vec<u8>, SinkError> {
        let mut plain = Vec::new();
        self.encoder.begin(columns, &mut plain)?;
        self.packer.push(plain)
    }

    /// Resumes after a commit that returned `state`.
    pub(super) fn resume(&mut self, columns: &Columns, state: &Value) -> Result<(), SinkError> {
        self.encoder.resume(columns, state)
    }

    /// Encodes a batch, in several writes.
    pub(super) fn records(
        &mut self,
        batch: &[Box<RawValue>],
        mut write: impl FnMut(&[u8]) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        let mut plain = Vec::new();
        let (mut records, mut bytes) = (0, 0);
        for record in batch {
            self.rejected.extend(self.encoder.record(record, &mut plain)?);
            (records, bytes) = (records + 1, bytes + record.get().len());
            if records >= WRITE_SIZE.0 || bytes >= WRITE_SIZE.1 {
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
            // Reuse the buffer.
            write(plain)?;
            plain.clear();
            return Ok(());
        }
        let packed = self.packer.push(std::mem::take(plain))?;
        if packed.is_empty() { Ok(()) } else { write(&packed) }
    }

    /// Returns the bytes that complete the records so far, and the state for [`resume`](Self::resume). `None` if it is
    /// too early; the bytes must be written all the same.
    pub(super) fn commit(&mut self, is_last: bool) -> Result<(Vec<u8>, Option<Value>), SinkError> {
        let mut plain = Vec::new();
        let state = self.encoder.commit(is_last, &mut plain)?;
        let mut bytes = self.packer.push(plain)?;
        if state.is_some() {
            bytes.extend(self.packer.flush()?);
        }
        Ok((bytes, state))
    }

    /// Returns the remaining bytes.
    pub(super) fn flush(&mut self) -> Result<Vec<u8>, SinkError> {
        self.packer.flush()
    }

    /// Returns the bytes after the last record, once all records are committed.
    pub(super) fn end(&self) -> Result<Vec<u8>, SinkError> {
        let mut plain = Vec::new();
        self.encoder.end(&mut plain)?;
        self.packer.alone(plain)
    }

    /// Returns the length of an output that is complete with `length` bytes so far. Only the last commit of a format with
    /// row groups needs to know it; before, it is `length`.
    pub(super) fn whole_length(&self, length: u64, is_last: bool) -> Result<u64, SinkError> {
        match self.is_grouped && !is_last {
            true => Ok(length),
            false => Ok(length + self.end()?.len() as u64),
        }
    }

    /// Sets the action for invalid values.
    pub(super) fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.encoder.on_bad_value(on_bad_value);
    }

    /// Returns the records rejected since the last call.
    pub(super) fn rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.encoder.notes()
    }
}
