//! What all sinks have in common.

use futures::future::BoxFuture;
use genesys_cloud_core::CheckpointStore;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::columns::Columns;
use crate::error::SinkError;
use crate::reject::{OnBadValue, Rejected};
use crate::watch::Watch;

/// What a sink does, as a future.
pub type SinkFuture<'a, T = ()> = BoxFuture<'a, Result<T, SinkError>>;

/// Where the records of an export go.
///
/// An export calls [`open`](Self::open) once, then for each batch [`write`](Self::write) and
/// [`commit`](Self::commit), and [`finish`](Self::finish) at the end. What `commit` returns is saved together
/// with the position in the list. An export that resumes after it was killed passes it to `open`: everything that was
/// written after that commit must then be removed, since it will come again. A sink that does so holds each record
/// once.
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
///                 let error = SinkError::mismatch(format!("there never was a commit {odd}"));
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
///             false => Err(SinkError::new("only a whole list is of use here")),
///         };
///         Box::pin(async { written })
///     }
/// }
/// ```
pub trait Sink: Send {
    /// Learns the id of the export, which is random, and stays the same when it is resumed. Called once, before
    /// [`open`](Self::open). A sink may store it beside the records, so that they are known to be of this export.
    fn identify(&mut self, _run: &str) {}

    /// Learns how to say what it waits for, and that the user wants to stop meanwhile. Called once, before all else.
    fn watch(&mut self, _watch: Watch) {}

    /// Makes ready for records that have these columns: as new, or as it was at a commit. Anything but what a commit
    /// has given, and an output that is not the one of that commit, is an error
    /// ([`SinkError::mismatch`]), and is left as it is.
    fn open<'a>(&'a mut self, columns: &'a Columns, committed: Option<&'a Value>)
    -> SinkFuture<'a>;

    /// Takes in records, each of which is the JSON that the API sent.
    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> SinkFuture<'a>;

    /// Chooses what becomes of records with values that the output can't hold. Called once, before
    /// [`open`](Self::open). A sink that can hold every JSON value has nothing to choose.
    fn on_bad_value(&mut self, _: OnBadValue) {}

    /// The records that the last [`write`](Self::write) could not take as they were, unless it has failed.
    fn rejected(&mut self) -> Vec<Rejected> {
        Vec::new()
    }

    /// Makes what was written last, and says how to come back to here. `None` if it is too early for that,
    /// such as where a part must have a least size: what came since the last commit comes again after a kill.
    fn commit(&mut self) -> SinkFuture<'_, Option<Value>>;

    /// Commits as [`commit`](Self::commit) does, at the end of a run: nothing will be written behind this, and
    /// what is not committed has to be read again when the export is resumed. A sink for which it is often too
    /// early does here what it can.
    fn commit_last(&mut self) -> SinkFuture<'_, Option<Value>> {
        self.commit()
    }

    /// Throws away what an export has left that was at this commit, and that nobody will go on with. Called
    /// before [`open`](Self::open), if there is anything.
    fn discard<'a>(&'a mut self, _committed: &'a Value) -> SinkFuture<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Ends. `is_whole`: whether the output may pass for the whole list. If not, it must not look like one,
    /// and may be resumed.
    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_>;

    /// Whether an earlier run of this export has finished the output, and could not say so any more. Known once the
    /// state is loaded. Nothing is written then.
    fn is_done(&self) -> bool {
        false
    }

    /// Where the state of the export is, if the sink keeps it itself: in one transaction with the records, for example.
    /// What was written last is then committed by saving the state that follows. There is one state for each output,
    /// whatever the key.
    fn store(&mut self) -> Option<&mut dyn CheckpointStore> {
        None
    }

    /// Discards the export that the state in its own [`store`](Self::store) is of, to start over. An error where that
    /// would do harm.
    fn restart(&mut self) -> SinkFuture<'_> {
        Box::pin(async { Ok(()) })
    }

    /// Puts the report on the export, which is JSON, beside the output, and says where, for people. `None` if
    /// it has no place for it.
    fn report<'a>(&'a mut self, _report: &'a str) -> SinkFuture<'a, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    /// Where the records are by now, for people.
    fn location(&self) -> Option<String> {
        None
    }

    /// What became of the records at the end, such as how many of them were added and how many were there already.
    fn counts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// What the user should know in the end, such as what did not fit.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
