//! Standard output, and anything else that takes bytes and can't take them back.

use std::io::Write;

use serde_json::Value;
use serde_json::value::RawValue;

use super::format::Format;
use super::{Encode, Sink, SinkError, Written};
use crate::columns::Columns;

/// Writes records to a stream. It can't be gone on with.
pub struct StreamSink<W> {
    stream: W,
    format: Format,
    encoder: Box<dyn Encode>,
}

impl<W: Write + Send> StreamSink<W> {
    /// A sink for a stream.
    pub fn new(stream: W, format: Format) -> Self {
        Self { stream, format, encoder: format.encoder() }
    }

    fn put(&mut self, plain: Vec<u8>) -> Result<(), SinkError> {
        let part = self.format.compression().part(plain)?;
        self.stream.write_all(&part).and_then(|()| self.stream.flush()).map_err(unwritable)
    }
}

fn unwritable(error: std::io::Error) -> SinkError {
    SinkError::new(format!("can't write to standard output: {error}"))
}

impl<W: Write + Send> Sink for StreamSink<W> {
    fn begin<'a>(&'a mut self, columns: &'a Columns, _: Option<&'a Value>) -> Written<'a> {
        let mut head = Vec::new();
        let begun = self.encoder.begin(columns, &mut head).and_then(|()| self.put(head));
        Box::pin(async { begun })
    }

    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> Written<'a> {
        let mut plain = Vec::new();
        let encoded = batch.iter().try_for_each(|it| self.encoder.record(it, &mut plain));
        let written = encoded.and_then(|()| self.put(plain));
        Box::pin(async { written })
    }

    fn commit(&mut self) -> Written<'_, Option<Value>> {
        Box::pin(async { Ok(Some(Value::Null)) })
    }

    fn finish(&mut self, _: bool) -> Written<'_> {
        let flushed = self.stream.flush().map_err(unwritable);
        Box::pin(async { flushed })
    }

    fn notes(&self) -> Vec<String> {
        self.encoder.notes()
    }
}
