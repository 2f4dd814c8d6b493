//! What has been read of a tree of lists, and whether it is whole.

use std::time::Duration;

use super::parents::ParentsReport;
use crate::paging::{Reason, Report, Verdict};

/// How many skipped parents a report names.
const NAMED: usize = 100;

/// What a [`Nested`](super::Nested) has read so far: a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NestedReport {
    /// Parents whose lists have been opened.
    pub parents: u64,
    /// Parents whose lists have been read to their end, and delivered.
    pub parents_done: u64,
    /// Parents that were skipped because the API answered 404 or 410.
    pub not_found: u64,
    /// Parents that were skipped because the API answered 403.
    pub forbidden: u64,
    /// The first 100 of the skipped parents.
    pub skipped: Vec<SkippedParent>,
    /// The path of the list that failed with the last error, with the values of its parent.
    pub failed: Option<String>,
    /// Pages read, of parents and of their lists.
    pub pages: u64,
    /// Calls made, including those that failed: for pages of parents and of their lists, and for jobs.
    pub requests: u64,
    /// Attempts beyond the first one of each call.
    pub retries: u64,
    /// Total time that calls waited for the rate limit and before retries.
    pub waited: Duration,
    /// Items delivered.
    pub items: u64,
    /// Items that came twice in a list: see [`Report::duplicates`].
    pub duplicates: u64,
    /// Items that were `null`. They are left out.
    pub nulls: u64,
    /// The worst verdict of the lists that have ended.
    pub(super) worst: Option<Verdict>,
    /// The limit that was reached.
    pub(super) stopped: Option<Reason>,
    /// Whether all lists have ended.
    pub(super) ended: bool,
}

/// A parent whose list was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedParent {
    /// The path of the request, with the values of the parent.
    pub path: String,
    /// The status of the API's answer: 403, 404 or 410.
    pub status: u16,
}

impl NestedReport {
    /// Whether what was read is the whole tree: all parents, and the whole list of each.
    ///
    /// The worst verdict of the list of parents and of their lists counts. Skipped parents make it
    /// [`Truncated`](Verdict::Truncated) if they were forbidden, and [`Drifted`](Verdict::Drifted) if they were not
    /// found, since the list of parents still had them. Before the end it is [`Unknown`](Verdict::Unknown).
    pub fn verdict(&self) -> Verdict {
        match (self.worst, self.stopped) {
            (Some(worst @ Verdict::Truncated(_)), Some(_)) => worst,
            (_, Some(reason)) => Verdict::Truncated(reason),
            _ if !self.ended => Verdict::Unknown(Reason::Unfinished),
            (worst, None) => {
                let mut verdict = worst.unwrap_or(Verdict::Complete);
                if self.not_found > 0 {
                    let reason = Reason::ParentsNotFound { parents: self.not_found };
                    verdict = verdict.worse(Verdict::Drifted(reason));
                }
                if self.forbidden > 0 {
                    let reason = Reason::ParentsForbidden { parents: self.forbidden };
                    verdict = verdict.worse(Verdict::Truncated(reason));
                }
                verdict
            }
        }
    }

    /// Adds what a list took, whether it has ended or not.
    pub(super) fn add(&mut self, list: &Report) {
        self.pages += list.pages;
        self.requests += list.requests;
        self.retries += list.retries;
        self.waited += list.waited;
        self.duplicates += list.duplicates;
        self.nulls += list.nulls;
    }

    pub(super) fn add_parents(&mut self, parents: &ParentsReport) {
        self.pages += parents.pages;
        self.requests += parents.requests;
        self.retries += parents.retries;
        self.waited += parents.waited;
    }

    /// Takes in the verdict of a list that has ended.
    pub(super) fn judge(&mut self, verdict: Verdict) {
        if verdict != Verdict::Complete {
            self.worst = Some(self.worst.map_or(verdict, |worst| worst.worse(verdict)));
        }
    }

    pub(super) fn skip(&mut self, path: String, status: u16) {
        match status {
            403 => self.forbidden += 1,
            _ => self.not_found += 1,
        }
        if self.skipped.len() < NAMED {
            self.skipped.push(SkippedParent { path, status });
        }
    }
}
