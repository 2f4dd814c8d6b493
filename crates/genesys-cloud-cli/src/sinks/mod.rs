//! Where records go: files, standard output, buckets, and sinks of your own.

mod body;
#[cfg(feature = "buckets")]
mod bucket;
mod compression;
mod csv;
mod file;
mod format;
mod jsonl;
mod keeper;
mod losses;
#[cfg(feature = "parquet")]
mod parquet;
mod pick;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod reject;
mod stream;
mod watch;

use std::fmt;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

#[cfg(feature = "postgres")]
pub(crate) use self::postgres::{PostgresSink, Target};
#[cfg(feature = "redis")]
pub(crate) use self::redis::RedisPlace;
#[cfg(feature = "buckets")]
pub(crate) use bucket::{BucketKeeper, PART_SIZE};
#[cfg(feature = "buckets")]
pub use bucket::{BucketSink, BucketUrl};
pub use compression::Compression;
pub use file::FileSink;
pub(crate) use file::open_part;
pub use format::Format;
pub(crate) use jsonl::line as one_line;
pub use keeper::Keeper;
pub(crate) use keeper::{FileKeeper, LARGEST_STATE};
use reject::Unfit;
pub use reject::{Fault, OnBadValue, Rejected};
pub use stream::StreamSink;
pub use watch::Watch;

use crate::columns::Columns;
use crate::failure::may_pass;

/// What a sink does, as a future.
pub type Written<'a, T = ()> = BoxFuture<'a, Result<T, SinkError>>;

/// Where the records of an export go.
///
/// An export calls [`begin`](Self::begin) once, then for each batch [`write`](Self::write) and
/// [`commit`](Self::commit), and [`finish`](Self::finish) at the end. What `commit` returns is saved together
/// with the place that the export has reached in the list. An export that goes on after it was killed hands it
/// to `begin`: everything that was written after that commit is then to be taken back, since it will come
/// again. A sink that does so holds each record once.
///
/// ```
/// use genesys_cloud_cli::{Columns, Sink, SinkError, Written};
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
///     fn begin<'a>(&'a mut self, _: &'a Columns, committed: Option<&'a Value>) -> Written<'a> {
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
///     fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> Written<'a> {
///         self.records.extend(batch.iter().map(|record| record.get().to_owned()));
///         Box::pin(async { Ok(()) })
///     }
///
///     fn commit(&mut self) -> Written<'_, Option<Value>> {
///         let records = self.records.len();
///         Box::pin(async move { Ok(Some(records.into())) })
///     }
///
///     fn finish(&mut self, is_whole: bool) -> Written<'_> {
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
    /// [`begin`](Self::begin). A sink may store it beside the records, so that they are known to be of this export.
    fn identify(&mut self, _run: &str) {}

    /// Learns how to say what it waits for, and that the user wants to stop meanwhile. Called once, before all else.
    fn watch(&mut self, _watch: Watch) {}

    /// Makes ready for records that have these columns: as new, or as it was at a commit. Anything but what a commit
    /// has given, and an output that is not the one of that commit, is an error
    /// ([`SinkError::mismatch`]), and is left as it is.
    fn begin<'a>(&'a mut self, columns: &'a Columns, committed: Option<&'a Value>) -> Written<'a>;

    /// Takes in records, each of which is the JSON that the API sent.
    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> Written<'a>;

    /// Chooses what becomes of records with values that the output can't hold. Called once, before
    /// [`begin`](Self::begin). A sink that can hold every JSON value has nothing to choose.
    fn on_bad_value(&mut self, _: OnBadValue) {}

    /// The records that the last [`write`](Self::write) could not take as they were, unless it has failed.
    fn rejected(&mut self) -> Vec<Rejected> {
        Vec::new()
    }

    /// Makes what was written last, and says how to come back to here. `None` if it is too early for that,
    /// such as where a part must have a least size: what came since the last commit comes again after a kill.
    fn commit(&mut self) -> Written<'_, Option<Value>>;

    /// Commits as [`commit`](Self::commit) does, at the end of a run: nothing will be written behind this, and
    /// what is not committed has to be read again when the export goes on. A sink for which it is often too
    /// early does here what it can.
    fn commit_last(&mut self) -> Written<'_, Option<Value>> {
        self.commit()
    }

    /// Throws away what an export has left that was at this commit, and that nobody will go on with. Called
    /// before [`begin`](Self::begin), if there is anything.
    fn discard<'a>(&'a mut self, _committed: &'a Value) -> Written<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Ends. `is_whole`: whether the output may pass for the whole list. If not, it must not look like one,
    /// and may be gone on with.
    fn finish(&mut self, is_whole: bool) -> Written<'_>;

    /// Whether an earlier run of this export has finished the output, and could not say so any more. Known once the
    /// state is loaded. Nothing is written then.
    fn is_done(&self) -> bool {
        false
    }

    /// Keeps the state of the export, where the sink does it by itself: in one transaction with the records,
    /// say. A commit then is last once the state that follows it is saved.
    fn keeper(&mut self) -> Option<&mut dyn Keeper> {
        None
    }

    /// Puts the report on the export, which is JSON, beside the output, and says where, for people. `None` if
    /// it has no place for it.
    fn report<'a>(&'a mut self, _report: &'a str) -> Written<'a, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    /// Where the records are by now, for people.
    fn place(&self) -> Option<String> {
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

/// Why a sink could not take in records.
#[derive(Debug)]
pub struct SinkError {
    text: String,
    kind: Kind,
    /// The value that does not fit, if that is what is wrong.
    unfit: Option<Box<Unfit>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Refused,
    Unavailable,
    Mismatch,
    Closed,
    Stopped,
    Taken,
}

impl SinkError {
    /// An error of this text, which says what could not be written, and why. The same export fails again until a
    /// person has changed something.
    pub fn new(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Refused, unfit: None }
    }

    /// An error that may pass by itself, such as a lost connection.
    pub fn unavailable(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Unavailable, unfit: None }
    }

    /// The user has stopped what could have gone on.
    pub fn stopped(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Stopped, unfit: None }
    }

    /// What was saved of an export does not fit its output, so that another try fails as well.
    pub fn mismatch(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Mismatch, unfit: None }
    }

    /// An error of the system. `why` says what could not be done, and why.
    pub(crate) fn of_io(why: impl Into<String>, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::BrokenPipe => Kind::Closed,
            _ if may_pass(error) => Kind::Unavailable,
            _ => Kind::Refused,
        };
        Self { text: why.into(), kind, unfit: None }
    }

    /// A value does not fit.
    #[cfg_attr(not(any(feature = "parquet", feature = "postgres")), allow(dead_code))]
    fn of_value(text: String, unfit: Unfit) -> Self {
        Self { unfit: Some(Box::new(unfit)), ..Self::new(text) }
    }

    /// The value that does not fit, if that is what is wrong.
    fn unfit(&self) -> Option<&Unfit> {
        self.unfit.as_deref()
    }

    /// The same kind of error in other words.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub(crate) fn reworded(self, words: impl FnOnce(&str) -> String) -> Self {
        Self { text: words(&self.text), ..self }
    }

    /// Whether what was saved of an export does not fit its output.
    pub fn is_mismatch(&self) -> bool {
        self.kind == Kind::Mismatch
    }

    /// Whether the same export may succeed later.
    pub fn is_transient(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// Another export writes to the same place by now.
    pub fn taken(why: impl Into<String>) -> Self {
        Self { text: why.into(), kind: Kind::Taken, unfit: None }
    }

    /// Whether another export writes to the same place, so that nobody will resume this one.
    pub fn is_taken(&self) -> bool {
        self.kind == Kind::Taken
    }

    /// Whether the user has stopped it.
    pub fn is_stopped(&self) -> bool {
        self.kind == Kind::Stopped
    }

    /// Whether the reader of the output has gone, as after `| head`.
    pub(crate) fn is_closed(&self) -> bool {
        self.kind == Kind::Closed
    }
}

/// What a commit remembers, as it is saved.
fn kept(committed: &impl Serialize) -> Result<Value, SinkError> {
    serde_json::to_value(committed)
        .map_err(|error| SinkError::new(format!("the state of the output can't be saved: {error}")))
}

/// Reads what [`kept`] has given, and nothing else.
fn read_committed<T: DeserializeOwned + Serialize>(saved: &Value) -> Result<T, SinkError> {
    let odd = |why: String| {
        SinkError::mismatch(format!(
            "what was saved of the output can't be read ({why}); start over with --restart"
        ))
    };
    let read: T = serde_json::from_value(saved.clone()).map_err(|error| odd(error.to_string()))?;
    match kept(&read)? == *saved {
        true => Ok(read),
        false => Err(odd("it is not what is saved of such an output".to_owned())),
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for SinkError {}

/// Writes records in some form.
trait Encode: Send + Sync {
    /// Writes what comes before the first record, of a list with these columns.
    fn begin(&mut self, columns: &Columns, out: &mut Vec<u8>) -> Result<(), SinkError>;

    /// Has it go on with a list that was begun, behind the commit that gave this value.
    fn go_on(&mut self, columns: &Columns, _form: &Value) -> Result<(), SinkError> {
        self.begin(columns, &mut Vec::new())
    }

    fn record(&mut self, record: &RawValue, out: &mut Vec<u8>) -> Result<(), SinkError>;

    /// Writes what is due after a batch.
    fn end_batch(&mut self, _out: &mut Vec<u8>) -> Result<(), SinkError> {
        Ok(())
    }

    /// The same with null in these columns, by their index.
    fn record_without(
        &mut self,
        record: &RawValue,
        _nulls: &[usize],
        out: &mut Vec<u8>,
    ) -> Result<(), SinkError> {
        self.record(record, out)
    }

    /// Writes what is missing for the records so far to be complete, and gives what it takes to go on behind
    /// it. `None` if it is too early for that, which it never is for the last one of a run.
    fn commit(&mut self, _is_last: bool, _out: &mut Vec<u8>) -> Result<Option<Value>, SinkError> {
        Ok(Some(Value::Null))
    }

    /// Writes what comes after the last record.
    fn end(&self, _out: &mut Vec<u8>) -> Result<(), SinkError> {
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Commit {
        rows: u64,
        key: Option<String>,
    }

    #[test]
    fn nothing_but_what_was_saved_passes_for_a_commit() {
        let good = kept(&Commit { rows: 1, key: None }).expect("a value");
        assert_eq!(read_committed::<Commit>(&good).expect("a commit").rows, 1);
        for odd in [
            Value::Null,
            json!(1),
            json!([1, null]),
            json!({}),
            json!({ "rows": 1 }),
            json!({ "rows": null, "key": null }),
            json!({ "rows": -1, "key": null }),
            json!({ "rows": 1.0, "key": null }),
            json!({ "rows": "1", "key": null }),
            json!({ "rows": 1, "key": null, "more": null }),
        ] {
            let error = read_committed::<Commit>(&odd).expect_err("it is none");
            assert!(error.is_mismatch(), "{odd}: {error}");
        }
    }
}
