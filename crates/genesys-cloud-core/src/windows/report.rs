//! Counts and the verdict of a range.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::paging::{Reason, Report, Verdict};

/// Counts and the verdict of a time range so far, over all windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowsReport {
    /// The number of windows. A split window counts as its halves.
    pub windows: u64,
    /// Windows that are done, in this run or before it was resumed.
    pub windows_done: u64,
    /// Windows that were split because the API did not return them as a whole.
    pub splits: u64,
    /// Pages read, including those of windows that were split later.
    pub pages: u64,
    /// Calls made, including failed ones: for pages, and for the submit and status of jobs. File downloads do not
    /// count.
    pub requests: u64,
    /// Attempts beyond the first of each call, after a rate limit or a transient fault.
    pub retries: u64,
    /// Total time that calls spent waiting for the rate limiter and before retries.
    pub waited: Duration,
    /// Items yielded.
    pub items: u64,
    /// Duplicates dropped; see [`dedupe_by`](crate::Windows::dedupe_by).
    pub duplicates: u64,
    /// Items without an id. They are yielded each time they appear.
    pub without_id: u64,
    /// Ids forgotten to bound memory. An item with such an id is yielded again if it appears again; see
    /// [`remember`](crate::Windows::remember).
    pub ids_forgotten: u64,
    /// Items that were `null`. They are dropped.
    pub nulls: u64,
    /// The time up to which data was available when it was read: the earliest that the API reported for a window.
    /// `None` if it reports none. A window that ends later than its own time makes the verdict
    /// [`Unknown`](Verdict::Unknown): [`NotAvailableYet`](Reason::NotAvailableYet).
    pub available_until: Option<DateTime<Utc>>,
    /// The worst verdict of the closed windows. `None` if all are complete.
    pub(super) worst: Option<Verdict>,
    /// Whether all windows have ended.
    pub(super) ended: bool,
    /// The limit that was reached before the end.
    pub(super) stopped: Option<Reason>,
}

impl WindowsReport {
    /// Returns whether the items are the whole range: the worst verdict of its windows, and of equally bad ones the
    /// first. Before the end it is [`Unknown`](Verdict::Unknown) ([`Unfinished`](Reason::Unfinished)), or
    /// [`Truncated`](Verdict::Truncated) if a limit was reached.
    ///
    /// After a resume from a [`Checkpoint`](crate::Checkpoint) it covers all windows; from a [`Plan`](crate::Plan),
    /// only those read since.
    pub fn verdict(&self) -> Verdict {
        match (self.worst, self.stopped) {
            (Some(worst @ Verdict::Truncated(_)), Some(_)) => worst,
            (_, Some(reason)) => Verdict::Truncated(reason),
            _ if !self.ended => Verdict::Unknown(Reason::Unfinished),
            (Some(worst), None) => worst,
            (None, None) => Verdict::Complete,
        }
    }

    /// Adds the counts of a list.
    pub(super) fn add(&mut self, list: &Report) {
        self.pages += list.pages;
        self.requests += list.requests;
        self.retries += list.retries;
        self.waited += list.waited;
    }

    /// Adds what a list reports about its data.
    pub(super) fn add_data(&mut self, list: &Report) {
        self.nulls += list.nulls;
        let earliest = self.available_until.into_iter().chain(list.available_until).min();
        self.available_until = earliest;
    }

    /// Keeps the worst verdict.
    pub(super) fn judge(&mut self, verdict: Verdict) {
        if verdict != Verdict::Complete {
            self.worst = Some(self.worst.map_or(verdict, |worst| worst.worse(verdict)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_the_worst_of_the_windows() {
        let drifted = Verdict::Drifted(Reason::Duplicates { items: 1 });
        let (capped, full) =
            (Verdict::Truncated(Reason::Cap), Verdict::Truncated(Reason::FullResponse));
        let unknown = Verdict::Unknown(Reason::Shortfall);
        for (verdicts, expected) in [
            (vec![], Verdict::Complete),
            (vec![Verdict::Complete, Verdict::Complete], Verdict::Complete),
            (vec![Verdict::Complete, unknown, Verdict::Complete], unknown),
            (vec![unknown, drifted, unknown], drifted),
            (vec![drifted, capped, full, drifted], capped),
        ] {
            let mut report = WindowsReport::default();
            verdicts.iter().for_each(|verdict| report.judge(*verdict));
            assert_eq!(report.verdict(), Verdict::Unknown(Reason::Unfinished));
            report.ended = true;
            assert_eq!(report.verdict(), expected, "{verdicts:?}");
        }
    }
}
