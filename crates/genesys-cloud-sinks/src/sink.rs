//! The trait of all sinks.

use futures::future::BoxFuture;
use genesys_cloud_core::{CheckpointStore, OnBadValue};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::columns::Columns;
use crate::error::SinkError;
use crate::reject::Rejected;
use crate::run_log::RunLog;
use crate::watch::Watch;

/// The future that a [`Sink`] returns.
pub type SinkFuture<'a, T = ()> = BoxFuture<'a, Result<T, SinkError>>;

/// The number of rows in a child table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCount {
    /// The path of the list, such as `participants.sessions`.
    pub path: String,
    /// The number of rows, including those of resumed runs.
    pub rows: u64,
    /// Its current location as text.
    pub location: Option<String>,
}

/// An output for records.
///
/// An export calls [`open`](Self::open) once, [`write`](Self::write) and [`commit`](Self::commit) for each batch, and
/// [`finish`](Self::finish) at the end. It saves the result of `commit` with the position in the list. After a kill, it
/// passes that result to `open`, which must remove everything written after that commit, because those records are
/// written again. Such a sink has each record once.
///
/// ```
/// use genesys_cloud_sinks::{Columns, Sink, SinkError, SinkFuture};
/// use serde_json::Value;
/// use serde_json::value::RawValue;
///
/// /// Keeps the records in memory.
/// #[derive(Default)]
/// struct Memory {
///     records: Vec<String>,
/// }
///
/// impl Sink for Memory {
///     fn open<'a>(&'a mut self, _: &'a Columns, committed: Option<&'a Value>) -> SinkFuture<'a> {
///         let kept = match committed.map(|it| (it, it.as_u64())) {
///             None => 0,
///             Some((_, Some(kept))) if kept <= self.records.len() as u64 => kept as usize,
///             Some((odd, _)) => {
///                 let error = SinkError::mismatch(format!("invalid commit: {odd}"));
///                 return Box::pin(async { Err(error) });
///             }
///         };
///         self.records.truncate(kept);
///         Box::pin(async { Ok(()) })
///     }
///
///     fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> SinkFuture<'a> {
///         self.records.extend(batch.iter().map(|record| record.get().to_owned()));
///         Box::pin(async { Ok(()) })
///     }
///
///     fn commit(&mut self) -> SinkFuture<'_, Option<Value>> {
///         let records = self.records.len();
///         Box::pin(async move { Ok(Some(records.into())) })
///     }
///
///     fn finish(&mut self, is_whole: bool) -> SinkFuture<'_> {
///         let written = match is_whole {
///             true => Ok(()),
///             false => Err(SinkError::new("the list is incomplete")),
///         };
///         Box::pin(async { written })
///     }
/// }
/// ```
pub trait Sink: Send {
    /// Sets the id of the export, which is random and kept on resume. Called once, before [`open`](Self::open). A sink
    /// may store it with the records to verify that they are of this export.
    fn identify(&mut self, _run: &str) {}

    /// Sets the watch, which shows what the sink waits for and interrupts waits. Called once, before any other method.
    fn watch(&mut self, _watch: Watch) {}

    /// Opens the output for records with these columns: empty, or in the state of a commit.
    ///
    /// # Errors
    /// [`SinkError::mismatch`] if `committed` is not the result of a commit, or the output does not match it. The
    /// output is then unchanged. Other errors if the output can't be opened.
    fn open<'a>(&'a mut self, columns: &'a Columns, committed: Option<&'a Value>)
    -> SinkFuture<'a>;

    /// Writes records, each as the JSON that the API sent.
    ///
    /// # Errors
    /// If the output can't hold a record, and [`on_bad_value`](Self::on_bad_value) does not allow it, or can't be
    /// written.
    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> SinkFuture<'a>;

    /// Sets the action for values that the output can't hold. Called once, before [`open`](Self::open). No effect on a
    /// sink that can hold every JSON value.
    fn on_bad_value(&mut self, _: OnBadValue) {}

    /// Returns the records that the last successful [`write`](Self::write) changed or skipped.
    fn rejected(&mut self) -> Vec<Rejected> {
        Vec::new()
    }

    /// Makes the written records durable, and returns the state to resume from. `None` if it is too early, for example
    /// because parts have a minimum size: after a kill, the records since the last commit are written again.
    fn commit(&mut self) -> SinkFuture<'_, Option<Value>>;

    /// Commits like [`commit`](Self::commit), at the end of a run: nothing more is written, and uncommitted records are
    /// read again on resume. A sink whose `commit` is often too early should commit as much as possible here.
    fn commit_last(&mut self) -> SinkFuture<'_, Option<Value>> {
        self.commit()
    }

    /// Discards the output of an interrupted export that will not be resumed. Called before [`open`](Self::open).
    fn discard<'a>(&'a mut self, _committed: &'a Value) -> SinkFuture<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Finishes the output. `is_whole` states whether it counts as the complete list. If not, it must not look
    /// complete, and may be resumed.
    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_>;

    /// Returns whether an earlier run was killed right after finishing the output, so that nothing is left to write.
    /// Valid after the state is loaded.
    fn is_done(&self) -> bool {
        false
    }

    /// Returns the store of the state, if the sink keeps it, for example in the transaction of the records. Saving the
    /// state then commits the written records. The sink has one state per output and ignores the key.
    fn store(&mut self) -> Option<&mut dyn CheckpointStore> {
        None
    }

    /// Discards the export whose state is in [`store`](Self::store), to start over.
    ///
    /// # Errors
    /// If that would add records to the output again.
    fn restart(&mut self) -> SinkFuture<'_> {
        Box::pin(async { Ok(()) })
    }

    /// Stores the report, which is JSON, beside the output, and returns its location as text. `None` if the sink can't
    /// store it.
    fn report<'a>(&'a mut self, _report: &'a str) -> SinkFuture<'a, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    /// Returns the log of all runs that wrote to this output, if the sink keeps one.
    fn run_log(&mut self) -> Option<&mut dyn RunLog> {
        None
    }

    /// Returns the current location of the records as text.
    fn location(&self) -> Option<String> {
        None
    }

    /// Returns the number of rows in each child table so far. Empty for a sink without child tables.
    fn tables(&self) -> Vec<TableCount> {
        Vec::new()
    }

    /// Returns counts of rows after the end, such as how many were added and how many were unchanged.
    fn counts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// Returns notes for the user, such as which values were changed.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
