//! How far a list has been read, kept to go on from there later, in this process or another.

mod batches;
mod file;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod lists;
#[cfg(feature = "object_store_0_13")]
mod object;
mod saved;
mod store;
mod text;

use std::fmt;

use chrono::{DateTime, Utc};

pub use self::batches::{Batch, Checkpointed, Resumable};
pub use self::file::FileStore;
#[cfg(feature = "object_store_0_13")]
pub use self::object::ObjectCheckpoints;
pub use self::store::{CheckpointStore, LARGEST_STATE, StoreError, StoreFuture};
use crate::nested::TreePoint;
use crate::paging::ListPoint;
use crate::saved_job::SavedJob;
use crate::windows::RangePoint;

/// How far a list has been read: from [`Paginator::checkpoint`](crate::Paginator::checkpoint), to go on
/// from there by [`Paginator::resume`](crate::Paginator::resume), or by
/// [`Windows::resume`](crate::Windows::resume) where it is of a range of time.
///
/// It is plain data for a file or a database: it is written and read with serde. What another version of its
/// form wrote is refused. Fields that are not known are passed over.
///
/// It holds no items, no login, and of the parameters of the call hashes alone. What leads to the next page
/// is in it, as the API gave it; of a search, that is the query itself. The id of a job is in it too.
///
/// ```no_run
/// # async fn example(mut queues: genesys_cloud_core::Paginator<serde_json::Value>,
/// #     again: genesys_cloud_core::Paginator<serde_json::Value>)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// use genesys_cloud_core::Checkpoint;
///
/// let first = queues.try_next().await?;
/// let saved = serde_json::to_string(&queues.checkpoint())?;
///
/// // Later, perhaps in another process: the list of the same call goes on with the second queue.
/// let checkpoint: Checkpoint = serde_json::from_str(&saved)?;
/// let mut queues = again.resume(&checkpoint);
/// let second = queues.try_next().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
pub struct Checkpoint {
    made: DateTime<Utc>,
    note: Option<String>,
    of: Of,
}

/// What was read.
#[derive(Clone, PartialEq)]
enum Of {
    List(Box<ListPoint>),
    Range(Box<RangePoint>),
    Tree(Box<TreePoint>),
}

impl Checkpoint {
    pub(crate) fn of_list(point: ListPoint) -> Self {
        Self { made: Utc::now(), note: None, of: Of::List(Box::new(point)) }
    }

    pub(crate) fn of_range(point: RangePoint) -> Self {
        Self { made: Utc::now(), note: None, of: Of::Range(Box::new(point)) }
    }

    pub(crate) fn of_tree(point: TreePoint) -> Self {
        Self { made: Utc::now(), note: None, of: Of::Tree(Box::new(point)) }
    }

    pub(crate) fn list(&self) -> Option<&ListPoint> {
        match &self.of {
            Of::List(point) => Some(point),
            Of::Range(_) | Of::Tree(_) => None,
        }
    }

    pub(crate) fn range(&self) -> Option<&RangePoint> {
        match &self.of {
            Of::Range(point) => Some(point),
            Of::List(_) | Of::Tree(_) => None,
        }
    }

    pub(crate) fn tree(&self) -> Option<&TreePoint> {
        match &self.of {
            Of::Tree(point) => Some(point),
            Of::List(_) | Of::Range(_) => None,
        }
    }

    /// The same place, with the job that the list has now.
    fn with_job(&self, now: Option<SavedJob>) -> Self {
        let mut this = self.clone();
        if let (Of::List(point), Some(job)) = (&mut this.of, now)
            && point.has_no_other_job(&job)
        {
            point.job = Some(job);
        }
        this
    }

    /// When it was made.
    pub const fn made(&self) -> DateTime<Utc> {
        self.made
    }

    /// What was noted with it, by [`with_note`](Self::with_note) or [`Batch::commit_with`].
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The same with a note of your own, which is kept as it is: such as how far the output had come, to cut it
    /// there before it is gone on with.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<Option<String>>) -> Self {
        self.note = note.into();
        self
    }

    /// The operationId of the call.
    pub fn operation(&self) -> &str {
        match &self.of {
            Of::List(point) => &point.subject.operation,
            Of::Range(point) => point.operation(),
            Of::Tree(point) => point.operation(),
        }
    }

    /// How many items had been handed out.
    pub fn items(&self) -> u64 {
        match &self.of {
            Of::List(point) => point.delivered(),
            Of::Range(point) => point.items(),
            Of::Tree(point) => point.items(),
        }
    }

    /// Whether the list had been read to its end, so that there is nothing to go on with.
    pub fn is_complete(&self) -> bool {
        match &self.of {
            Of::List(point) => point.has_ended(),
            Of::Range(point) => point.has_ended(),
            Of::Tree(point) => point.has_ended(),
        }
    }

    /// The job whose results are read, once it has been submitted. None of a range of time, each slice of
    /// which may have one: see [`jobs`](Self::jobs).
    pub fn job(&self) -> Option<&SavedJob> {
        match &self.of {
            Of::List(point) => point.job.as_ref(),
            Of::Range(_) | Of::Tree(_) => None,
        }
    }

    /// All jobs that have been submitted and are waited for or read: that of a list, or, of a range of time, those
    /// of the slices that have begun.
    pub fn jobs(&self) -> Vec<&SavedJob> {
        match &self.of {
            Of::List(point) => point.job.iter().collect(),
            Of::Range(point) => point.jobs().collect(),
            Of::Tree(point) => point.jobs(),
        }
    }
}

/// Leaves out what leads to the next page: it may be personal data.
impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("operation", &self.operation())
            .field("made", &self.made)
            .field("items", &self.items())
            .field("complete", &self.is_complete())
            .finish_non_exhaustive()
    }
}
