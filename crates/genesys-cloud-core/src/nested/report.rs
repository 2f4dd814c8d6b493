//! Counts and the verdict of a tree of lists.

use std::time::Duration;

use crate::paging::{Reason, Report, Verdict};

/// Maximum number of skipped parents that a report names.
const NAMED: usize = 100;

/// Counts and the verdict of a [`Nested`](super::Nested) so far, for the outer list and all lists of its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NestedReport {
    /// Parents whose lists were started.
    pub parents: u64,
    /// Parents whose lists were read to their end, with all items yielded.
    pub parents_done: u64,
    /// Parents skipped because the API answered 404 or 410.
    pub not_found: u64,
    /// Parents skipped because the API answered 403.
    pub forbidden: u64,
    /// The first 100 skipped parents.
    pub skipped: Vec<SkippedParent>,
    /// The path of the list that failed with the last error, with the values of its parent.
    pub failed: Option<String>,
    /// Pages read, of all lists.
    pub pages: u64,
    /// Calls made, including failed ones: for the pages of all lists, and for the submit and status of jobs.
    pub requests: u64,
    /// Attempts beyond the first of each call, after a rate limit or a transient fault.
    pub retries: u64,
    /// Total time that calls spent waiting for the rate limiter and before retries.
    pub waited: Duration,
    /// Items yielded.
    pub items: u64,
    /// Duplicates within a list; see [`Report::duplicates`]. Those of the outer list do not count.
    pub duplicates: u64,
    /// Items that were `null`. They are not yielded.
    pub nulls: u64,
    /// The verdict of the outer list. `None` until this run has read it to its end.
    pub outer: Option<Verdict>,
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
    /// The path of the refused request, with the ids of the parent.
    pub path: String,
    /// The HTTP status: 403, 404 or 410.
    pub status: u16,
}

impl NestedReport {
    /// Returns whether everything was read: all parents, and the whole list of each.
    ///
    /// This is the worst verdict of the outer list and of all lists of its records. Skipped parents make it
    /// [`Truncated`](Verdict::Truncated) if the API answered 403, and [`Drifted`](Verdict::Drifted) if it answered 404
    /// or 410. Before the end it is [`Unknown`](Verdict::Unknown) ([`Unfinished`](Reason::Unfinished)), or
    /// [`Truncated`](Verdict::Truncated) if the limit was reached.
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

    /// Adds the counts of a list, whether it has ended or not.
    pub(super) fn add(&mut self, list: &Report) {
        self.pages += list.pages;
        self.requests += list.requests;
        self.retries += list.retries;
        self.waited += list.waited;
        self.duplicates += list.duplicates;
        self.nulls += list.nulls;
    }

    /// Adds the counts of the outer list.
    pub(super) fn add_parents(&mut self, outer: Self) {
        self.pages += outer.pages;
        self.requests += outer.requests;
        self.retries += outer.retries;
        self.waited += outer.waited;
        self.not_found += outer.not_found;
        self.forbidden += outer.forbidden;
        self.skipped.splice(0..0, outer.skipped);
        self.skipped.truncate(NAMED);
        self.failed = outer.failed;
    }

    /// Adds the verdict of a list that has ended.
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
