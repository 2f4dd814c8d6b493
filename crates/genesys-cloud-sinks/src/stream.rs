//! Standard output, and other streams that can't be truncated.

use std::io::Write;

use serde_json::Value;
use serde_json::value::RawValue;

use super::body::Body;
use super::format::Format;
use super::{OnBadValue, Rejected, Sink, SinkError, SinkFuture};
use crate::columns::Columns;

/// Writes records to a stream. An export to it can't be resumed.
pub struct StreamSink<W> {
    stream: W,
    body: Body,
}

impl<W: Write + Send> StreamSink<W> {
    /// Creates a sink for a stream.
    pub fn new(stream: W, format: Format) -> Self {
        Self { stream, body: Body::new(format) }
    }

    fn put(&mut self, part: &[u8]) -> Result<(), SinkError> {
        self.stream.write_all(part).and_then(|()| self.stream.flush()).map_err(unwritable)
    }

    fn commit_written(&mut self, is_last: bool) -> Result<Option<Value>, SinkError> {
        let (part, form) = self.body.commit(is_last)?;
        self.put(&part).map(|()| form.map(|_| Value::Null))
    }

    fn end(&mut self) -> Result<(), SinkError> {
        let rest = self.body.flush()?;
        self.put(&rest)?;
        let end = self.body.end()?;
        self.put(&end)
    }

    fn encode(&mut self, batch: &[Box<RawValue>]) -> Result<(), SinkError> {
        let Self { body, stream } = self;
        body.records(batch, |part| stream.write_all(part).map_err(unwritable))?;
        self.stream.flush().map_err(unwritable)
    }
}

fn unwritable(error: std::io::Error) -> SinkError {
    SinkError::from_io(format!("can't write to standard output: {error}"), &error)
}

impl<W: Write + Send> Sink for StreamSink<W> {
    fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.body.on_bad_value(on_bad_value);
    }

    fn rejected(&mut self) -> Vec<Rejected> {
        self.body.rejected()
    }

    fn open<'a>(&'a mut self, columns: &'a Columns, _: Option<&'a Value>) -> SinkFuture<'a> {
        let begun = self.body.begin(columns).and_then(|head| self.put(&head));
        Box::pin(async { begun })
    }

    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> SinkFuture<'a> {
        let written = self.encode(batch);
        Box::pin(async { written })
    }

    fn commit(&mut self) -> SinkFuture<'_, Option<Value>> {
        let settled = self.commit_written(false);
        Box::pin(async { settled })
    }

    fn commit_last(&mut self) -> SinkFuture<'_, Option<Value>> {
        let settled = self.commit_written(true);
        Box::pin(async { settled })
    }

    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_> {
        // An incomplete output lacks its end, so that it can't be mistaken for a complete one.
        let ended = match is_whole {
            true => self.end(),
            // The compressed records are still useful.
            false => self.body.flush().and_then(|rest| self.put(&rest)),
        };
        Box::pin(async { ended })
    }

    fn notes(&self) -> Vec<String> {
        self.body.notes()
    }
}
