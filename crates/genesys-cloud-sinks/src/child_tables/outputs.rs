//! The outputs of a record and of its child tables, which are committed together.

use genesys_cloud_core::{CheckpointStore, OnBadValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::columns::Columns;
use crate::error::SinkError;
use crate::reject::Rejected;
use crate::saved::{from_saved, to_saved};
use crate::sink::{Sink, SinkFuture};
use crate::watch::Watch;

/// Rows of a table, each with the number of its record in the export.
pub(crate) struct Rows {
    pub(crate) json: Vec<Box<RawValue>>,
    pub(crate) records: Vec<u64>,
}

/// The outputs of all tables: that of the records is the first. The methods are those of a [`Sink`].
pub(crate) trait Outputs: Send {
    fn identify(&mut self, run: &str);
    fn watch(&mut self, watch: Watch);
    fn on_bad_value(&mut self, on_bad_value: OnBadValue);
    /// `columns`: those of each table.
    fn open<'a>(
        &'a mut self,
        columns: Vec<&'a Columns>,
        committed: Option<&'a Value>,
    ) -> SinkFuture<'a>;
    fn write<'a>(&'a mut self, table: usize, rows: &'a Rows) -> SinkFuture<'a>;
    /// The rejected rows of the last write to a table.
    fn rejected(&mut self, table: usize) -> Vec<Rejected>;
    fn commit(&mut self, is_last: bool) -> SinkFuture<'_, Option<Value>>;
    fn discard<'a>(&'a mut self, committed: &'a Value) -> SinkFuture<'a>;
    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_>;
    fn is_done(&self) -> bool;
    fn store(&mut self) -> Option<&mut dyn CheckpointStore>;
    fn restart(&mut self) -> SinkFuture<'_>;
    /// The output of the records, which has the report.
    fn first(&self) -> &dyn Sink;
    fn first_mut(&mut self) -> &mut dyn Sink;
    /// Where a table is.
    fn location(&self, table: usize) -> Option<String>;
    fn notes(&self, table: usize) -> Vec<String>;
}

/// A sink for each table.
pub(super) struct Separate {
    outputs: Vec<Output>,
}

struct Output {
    sink: Box<dyn Sink>,
    /// Whether it has rows since the last commit.
    has_rows: bool,
}

/// The commits of all sinks.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Committed {
    sinks: Vec<Value>,
}

impl Separate {
    pub(super) fn new(sinks: impl IntoIterator<Item = Box<dyn Sink>>) -> Self {
        let outputs = sinks.into_iter().map(|sink| Output { sink, has_rows: false });
        Self { outputs: outputs.collect() }
    }

    async fn start(
        &mut self,
        columns: Vec<&Columns>,
        committed: Option<&Value>,
    ) -> Result<(), SinkError> {
        let committed = committed.map(from_saved::<Committed>).transpose()?;
        if columns.len() != self.outputs.len()
            || committed.as_ref().is_some_and(|it| it.sinks.len() != self.outputs.len())
        {
            return Err(SinkError::mismatch(
                "the saved state of the output has other tables; start over with --restart",
            ));
        }
        for (at, (output, columns)) in self.outputs.iter_mut().zip(columns).enumerate() {
            let committed = committed.as_ref().map(|it| &it.sinks[at]);
            output.sink.open(columns, committed).await?;
            output.has_rows = false;
        }
        Ok(())
    }

    /// Commits all sinks, or none. Each sink decides when a commit is due, for example because a part is full. If one
    /// with new rows has committed, the others must, or they would rarely be ready at the same time.
    async fn commit_all(&mut self, is_last: bool) -> Result<Option<Value>, SinkError> {
        let mut states = Vec::with_capacity(self.outputs.len());
        for output in &mut self.outputs {
            states.push(match is_last {
                true => output.sink.commit_last().await?,
                false => output.sink.commit().await?,
            });
        }
        let is_due = states.iter().zip(&self.outputs).any(|(it, of)| it.is_some() && of.has_rows);
        if is_due {
            for (state, output) in states.iter_mut().zip(&mut self.outputs) {
                if state.is_none() {
                    *state = output.sink.commit_last().await?;
                }
            }
        }
        let Some(sinks) = states.into_iter().collect() else { return Ok(None) };
        self.outputs.iter_mut().for_each(|output| output.has_rows = false);
        to_saved(&Committed { sinks }).map(Some)
    }

    /// Publishes the records last: if they are there, so are their child tables.
    async fn close(&mut self, is_whole: bool) -> Result<(), SinkError> {
        let mut closed = Ok(());
        for output in self.outputs.iter_mut().rev() {
            // After an error, nothing more is published, but every sink is closed.
            let result = output.sink.finish(is_whole && closed.is_ok()).await;
            closed = closed.and(result);
        }
        closed
    }
}

impl Outputs for Separate {
    fn identify(&mut self, run: &str) {
        self.outputs.iter_mut().for_each(|output| output.sink.identify(run));
    }

    fn watch(&mut self, watch: Watch) {
        self.outputs.iter_mut().for_each(|output| output.sink.watch(watch.clone()));
    }

    fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.outputs.iter_mut().for_each(|output| output.sink.on_bad_value(on_bad_value));
    }

    fn open<'a>(
        &'a mut self,
        columns: Vec<&'a Columns>,
        committed: Option<&'a Value>,
    ) -> SinkFuture<'a> {
        Box::pin(self.start(columns, committed))
    }

    fn write<'a>(&'a mut self, table: usize, rows: &'a Rows) -> SinkFuture<'a> {
        let output = &mut self.outputs[table];
        output.has_rows |= !rows.json.is_empty();
        output.sink.write(&rows.json)
    }

    fn rejected(&mut self, table: usize) -> Vec<Rejected> {
        self.outputs[table].sink.rejected()
    }

    fn commit(&mut self, is_last: bool) -> SinkFuture<'_, Option<Value>> {
        Box::pin(self.commit_all(is_last))
    }

    fn discard<'a>(&'a mut self, committed: &'a Value) -> SinkFuture<'a> {
        Box::pin(async {
            let Ok(committed) = from_saved::<Committed>(committed) else { return Ok(()) };
            for (output, committed) in self.outputs.iter_mut().zip(&committed.sinks) {
                output.sink.discard(committed).await?;
            }
            Ok(())
        })
    }

    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_> {
        Box::pin(self.close(is_whole))
    }

    fn is_done(&self) -> bool {
        // Their state is elsewhere, so only it says so.
        false
    }

    fn store(&mut self) -> Option<&mut dyn CheckpointStore> {
        None
    }

    fn restart(&mut self) -> SinkFuture<'_> {
        Box::pin(async {
            for output in &mut self.outputs {
                output.sink.restart().await?;
            }
            Ok(())
        })
    }

    fn first(&self) -> &dyn Sink {
        self.outputs[0].sink.as_ref()
    }

    fn first_mut(&mut self) -> &mut dyn Sink {
        self.outputs[0].sink.as_mut()
    }

    fn location(&self, table: usize) -> Option<String> {
        self.outputs[table].sink.location()
    }

    fn notes(&self, table: usize) -> Vec<String> {
        self.outputs[table].sink.notes()
    }
}
