//! The trait of targets, which hold replicas.

use std::fmt;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use crate::report::TableReport;
use crate::row::{ParentRead, Row, Scope};
use crate::schema::TableSchema;
use crate::state::TableState;

/// The future that a target returns.
pub type TargetFuture<'a, T = ()> = BoxFuture<'a, Result<T, TargetError>>;

/// Where a replica is: a database, for example.
///
/// A run opens the target once, and begins each table. It stages what it reads, and then applies all changes of the
/// table with its state and its report in one transaction, or nothing. [`Memory`](crate::Memory) is the shortest
/// implementation.
pub trait Target: Send + Sync {
    /// Locks the target for a run. Dropping the session unlocks it.
    ///
    /// # Errors
    /// [`TargetError::taken`] if another run has locked it.
    fn open<'a>(&'a self, run: &'a str) -> TargetFuture<'a, Box<dyn TargetSession>>;
}

/// A locked target.
pub trait TargetSession: Send + Sync {
    /// Begins a table, several of which may be begun at the same time. Dropping the writer discards what was staged.
    ///
    /// # Errors
    /// If the table can't be written, for example because it belongs to something else.
    fn begin<'a>(&'a self, schema: &'a TableSchema) -> TargetFuture<'a, Box<dyn TableWriter>>;

    /// Unlocks the target, at the end of a run.
    fn close(self: Box<Self>) -> TargetFuture<'static>;
}

/// One table of a run. [`stage`](Self::stage) and [`stage_parents`](Self::stage_parents) are called any number of times,
/// then [`compare`](Self::compare), and [`apply`](Self::apply) last. To confirm deletes, a list may be read a second time:
/// more is staged then, and compared again.
pub trait TableWriter: Send {
    /// Returns the state that the last run saved with the rows. `None` in the first run.
    fn state(&self) -> Option<&TableState>;

    /// Stages records, and returns how many of them the table can't hold. Their rows stay as they are, and are neither
    /// changed nor missing.
    ///
    /// If a key is staged again, the later record counts. Its [`Place::Days`](crate::Place::Days) are then those of both.
    fn stage(&mut self, rows: Vec<Row>) -> TargetFuture<'_, u64>;

    /// Stages parents whose lists were read. If a parent is staged again, the later one counts.
    fn stage_parents(&mut self, parents: Vec<ParentRead>) -> TargetFuture<'_>;

    /// Compares the staged records with the rows that are not deleted.
    fn compare<'a>(&'a mut self, scope: &'a Scope) -> TargetFuture<'a, Difference>;

    /// Makes the rows equal to the staged records, and saves the state and the report, atomically. Unchanged rows are
    /// not written.
    ///
    /// # Errors
    /// [`TargetError::taken`] if the state is no longer the one that [`state`](Self::state) returned: another run was
    /// faster. If the error leaves open whether the changes were applied, the next run finds out by the state.
    fn apply<'a>(&'a mut self, changes: &'a Changes<'a>) -> TargetFuture<'a>;
}

/// How the staged records differ from the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Records without a row, or whose row is deleted.
    pub inserted: u64,
    /// Records that differ from their row.
    pub changed: u64,
    /// Records equal to their row.
    pub unchanged: u64,
    /// Records with the key of another record of this run and other content.
    pub duplicates: u64,
    /// Rows in the scope.
    pub existing: u64,
    /// Rows in the scope without a record.
    pub missing: u64,
}

/// What to apply.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'a> {
    /// The ID of the run, for `_run_id`.
    pub run: &'a str,
    /// The time as of which the records were read, for `_loaded_at`, `_deleted_at`, `_valid_from` and `_valid_to`. Never
    /// before that of the last run.
    pub time: DateTime<Utc>,
    /// The part of the org that was read.
    pub scope: &'a Scope,
    /// Whether to delete rows in the scope without a record.
    pub has_deletes: bool,
    /// The state to save.
    pub state: &'a TableState,
    /// The report to store.
    pub report: &'a TableReport,
}

/// An error of a target.
#[derive(Debug)]
pub struct TargetError {
    text: String,
    is_taken: bool,
}

impl TargetError {
    /// Creates an error that says what failed, and why.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_taken: false }
    }

    /// Creates an error for a target that another run uses.
    pub fn taken(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_taken: true }
    }

    /// Returns whether another run uses the target.
    pub fn is_taken(&self) -> bool {
        self.is_taken
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for TargetError {}
