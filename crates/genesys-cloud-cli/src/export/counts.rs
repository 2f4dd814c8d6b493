//! Counts of an export.

use std::time::Duration;

use genesys_cloud_core::{SkippedParent, Verdict};

/// Counts of what was read so far.
pub(super) struct ReadCounts {
    pub(super) records: u64,
    pub(super) pages: u64,
    pub(super) calls: u64,
    pub(super) retries: u64,
    pub(super) waited: Duration,
    pub(super) total: Option<u64>,
    pub(super) page_size: Option<u64>,
    pub(super) windows: Option<(u64, u64)>,
    /// Counts of parents, if the list is read for each of them.
    pub(super) parents: Option<ParentCounts>,
    pub(super) duplicates: u64,
    pub(super) nulls: u64,
    /// Time until which the data was available.
    pub(super) available_until: Option<String>,
    pub(super) verdict: Verdict,
}

/// Counts of parents.
pub(super) struct ParentCounts {
    /// Parents whose lists were opened.
    pub(super) opened: u64,
    /// Parents whose lists were read to their end.
    pub(super) done: u64,
    pub(super) missing: u64,
    pub(super) forbidden: u64,
    /// The first of those that were skipped.
    pub(super) skipped: Vec<SkippedParent>,
}

impl ReadCounts {
    /// Returns zero counts, which are those of a job whose results are files.
    pub(super) fn nothing(verdict: Verdict) -> Self {
        Self {
            records: 0,
            pages: 0,
            calls: 0,
            retries: 0,
            waited: Duration::ZERO,
            total: None,
            page_size: None,
            windows: None,
            parents: None,
            duplicates: 0,
            nulls: 0,
            available_until: None,
            verdict,
        }
    }
}
