//! Positions in lists, from which another process can resume, and the stores that keep them.

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
pub use self::store::{CheckpointStore, MAX_STATE_SIZE, StoreError, StoreFuture};
use crate::nested::TreePoint;
use crate::paging::ListPoint;
use crate::saved_job::SavedJob;
use crate::windows::RangePoint;

/// A position between two items of a list, from the `checkpoint` method of a [`Paginator`](crate::Paginator), a
/// [`Windows`](crate::Windows) or a [`Nested`](crate::Nested). The `resume` method of the same type resumes from it.
///
/// Serialize it with serde to keep it in a file or a database. Deserializing fails for another version of the format;
/// unknown fields are ignored.
///
/// It contains no items and no credentials, and only hashes of the call's parameters. It contains the token or link of
/// the next page as the API sent it, which for a search is the query itself, and the id of a job.
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
/// // Later, possibly in another process: a list of the same call resumes at the second queue.
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
    position: Position,
}

#[derive(Clone, PartialEq)]
enum Position {
    List(Box<ListPoint>),
    Range(Box<RangePoint>),
    Tree(Box<TreePoint>),
}

impl Checkpoint {
    pub(crate) fn of_list(point: ListPoint) -> Self {
        Self { made: Utc::now(), note: None, position: Position::List(Box::new(point)) }
    }

    pub(crate) fn of_range(point: RangePoint) -> Self {
        Self { made: Utc::now(), note: None, position: Position::Range(Box::new(point)) }
    }

    pub(crate) fn of_tree(point: TreePoint) -> Self {
        Self { made: Utc::now(), note: None, position: Position::Tree(Box::new(point)) }
    }

    pub(crate) fn list(&self) -> Option<&ListPoint> {
        match &self.position {
            Position::List(point) => Some(point),
            Position::Range(_) | Position::Tree(_) => None,
        }
    }

    pub(crate) fn range(&self) -> Option<&RangePoint> {
        match &self.position {
            Position::Range(point) => Some(point),
            Position::List(_) | Position::Tree(_) => None,
        }
    }

    pub(crate) fn tree(&self) -> Option<&TreePoint> {
        match &self.position {
            Position::Tree(point) => Some(point),
            Position::List(_) | Position::Range(_) => None,
        }
    }

    /// The same position, with the job that the list has now.
    fn with_job(&self, now: Option<SavedJob>) -> Self {
        let mut this = self.clone();
        if let (Position::List(point), Some(job)) = (&mut this.position, now)
            && point.has_no_other_job(&job)
        {
            point.job = Some(job);
        }
        this
    }

    /// Returns when it was made.
    pub const fn made(&self) -> DateTime<Utc> {
        self.made
    }

    /// Returns the note that was set by [`with_note`](Self::with_note) or [`Batch::commit_with`].
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Sets a note, which is saved unchanged: for example the length of the output, to truncate the output before
    /// resuming.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<Option<String>>) -> Self {
        self.note = note.into();
        self
    }

    /// Returns the operationId of the call.
    pub fn operation(&self) -> &str {
        match &self.position {
            Position::List(point) => &point.subject.operation,
            Position::Range(point) => point.operation(),
            Position::Tree(point) => point.operation(),
        }
    }

    /// Returns how many items had been yielded.
    pub fn items(&self) -> u64 {
        match &self.position {
            Position::List(point) => point.delivered(),
            Position::Range(point) => point.items(),
            Position::Tree(point) => point.items(),
        }
    }

    /// Returns whether the list had been read to its end, so that nothing is left to resume.
    pub fn is_complete(&self) -> bool {
        match &self.position {
            Position::List(point) => point.has_ended(),
            Position::Range(point) => point.has_ended(),
            Position::Tree(point) => point.has_ended(),
        }
    }

    /// Returns the submitted job whose results are read. `None` for a time range or a [`Nested`](crate::Nested), which
    /// can have several: see [`jobs`](Self::jobs).
    pub fn job(&self) -> Option<&SavedJob> {
        match &self.position {
            Position::List(point) => point.job.as_ref(),
            Position::Range(_) | Position::Tree(_) => None,
        }
    }

    /// Returns all submitted jobs whose results have not been read completely: that of a list, those of the started
    /// windows of a time range, or those of the started lists of a [`Nested`](crate::Nested).
    pub fn jobs(&self) -> Vec<&SavedJob> {
        match &self.position {
            Position::List(point) => point.job.iter().collect(),
            Position::Range(point) => point.jobs().collect(),
            Position::Tree(point) => point.jobs(),
        }
    }
}

/// Omits the token or link of the next page: it may contain personal data.
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
