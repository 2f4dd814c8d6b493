//! What a run did.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// What a run did with a table. The target stores it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableReport {
    /// The name of the table.
    pub table: String,
    /// The operationId of what was read.
    pub operation: String,
    /// How changes were found.
    pub method: &'static str,
    /// The time as of which the records were read.
    pub time: DateTime<Utc>,
    /// Rows added, including those of records that reappeared.
    pub inserted: u64,
    /// Rows changed.
    pub changed: u64,
    /// Rows deleted.
    pub deleted: u64,
    /// Records equal to their row, which were not written.
    pub unchanged: u64,
    /// Records that the table can't hold.
    pub rejected: u64,
    /// Records without a key. While there are any, nothing is deleted.
    pub without_key: u64,
    /// Records with the key of another record and other content. The later record counts.
    pub duplicates: u64,
    /// Rows that were not read, but not deleted either.
    pub kept: u64,
    /// Calls made.
    pub calls: u64,
    /// Attempts beyond the first of each call.
    pub retries: u64,
    /// Time that calls spent waiting for the rate limiter and before retries, in milliseconds.
    pub waited_ms: u64,
    /// The time up to which the table was known before the run.
    pub watermark_before: Option<DateTime<Utc>>,
    /// The time up to which it is known now.
    pub watermark_after: Option<DateTime<Utc>>,
    /// Whether the table equals the org as of the run: everything was read, every record has its row, and no delete was
    /// withheld.
    pub is_complete: bool,
    /// The verdict on what was read, as text.
    pub verdict: String,
    /// Why rows that were not read were kept, if there are any.
    pub deletes: Option<String>,
    /// The error, if the table was not changed because of one.
    pub error: Option<String>,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunReport {
    /// The ID of the run.
    pub run: String,
    /// The tables, in the order of the plan.
    pub tables: Vec<TableReport>,
}

impl TableReport {
    pub(crate) fn new(
        (table, operation, method): (&str, &str, &'static str),
        time: DateTime<Utc>,
    ) -> Self {
        Self {
            table: table.to_owned(),
            operation: operation.to_owned(),
            method,
            time,
            inserted: 0,
            changed: 0,
            deleted: 0,
            unchanged: 0,
            rejected: 0,
            without_key: 0,
            duplicates: 0,
            kept: 0,
            calls: 0,
            retries: 0,
            waited_ms: 0,
            watermark_before: None,
            watermark_after: None,
            is_complete: false,
            verdict: String::new(),
            deletes: None,
            error: None,
        }
    }

    pub(crate) fn add_calls(&mut self, calls: u64, retries: u64, waited: Duration) {
        self.calls += calls;
        self.retries += retries;
        self.waited_ms += u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
    }
}

impl RunReport {
    /// Returns whether all tables equal the org.
    pub fn is_complete(&self) -> bool {
        self.tables.iter().all(|table| table.is_complete)
    }

    /// Returns whether a table failed.
    pub fn has_errors(&self) -> bool {
        self.tables.iter().any(|table| table.error.is_some())
    }
}
