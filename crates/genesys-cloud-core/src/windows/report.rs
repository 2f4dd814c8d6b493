//! What has been read of a range, and what that is worth.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::paging::{Reason, Report, Verdict};

/// What has been read of a range of time so far, over all of its windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowsReport {
    /// How many windows there are. Those that are split count as their parts.
    pub windows: u64,
    /// How many of them are done, in this run or in the one that it goes on with.
    pub windows_done: u64,
    /// How many were split, because the API would not give them as a whole.
    pub splits: u64,
    /// Pages that were read, those of windows that were split then among them.
    pub pages: u64,
    /// Calls that were made, those that failed among them: for pages, and for jobs also their submits and those
    /// that asked how they stand. The transfer of a file is none.
    pub requests: u64,
    /// How often the client repeated a call by itself, after a rate limit or a fault that passed.
    pub repeated: u64,
    /// How long calls waited for their turn within the rate limit, and before they were repeated, in all.
    pub waited: Duration,
    /// Items that were handed out.
    pub items: u64,
    /// Items that were left out, because they had been handed out before: see
    /// [`dedupe_by`](crate::Windows::dedupe_by).
    pub duplicates: u64,
    /// Items in which no id was found. They were handed out each time that they came.
    pub without_id: u64,
    /// Ids that were forgotten to bound memory. If an item with one of them came again, it was handed out
    /// again; see [`remember`](crate::Windows::remember).
    pub ids_forgotten: u64,
    /// How many of the items of windows were `null`. They are left out.
    pub nulls: u64,
    /// Up to when the data was available when the windows were read: the earliest date that the API reported for one
    /// of them. `None` if it reports none. A window that ends later than its date makes the verdict
    /// [`Unknown`](Verdict::Unknown): [`NotAvailableYet`](Reason::NotAvailableYet).
    pub available_until: Option<DateTime<Utc>>,
    /// Of the windows that have ended, the worst that one says. `None` while none says anything bad.
    pub(super) worst: Option<Verdict>,
    /// Whether all windows have ended.
    pub(super) ended: bool,
    /// The limit that was reached before.
    pub(super) stopped: Option<Reason>,
}

impl WindowsReport {
    /// Whether what was read is all that the range holds: the worst verdict of its windows, the first of them
    /// that says so. Before the end that is [`Unknown`](Verdict::Unknown):
    /// [`Unfinished`](Reason::Unfinished), or [`Truncated`](Verdict::Truncated) once a limit is reached.
    ///
    /// Of a range that was gone on with from a [`Plan`](crate::Plan), it is about the windows that were read since;
    /// from a [`Checkpoint`](crate::Checkpoint), about all.
    pub fn verdict(&self) -> Verdict {
        match (self.worst, self.stopped) {
            (Some(worst @ Verdict::Truncated(_)), Some(_)) => worst,
            (_, Some(reason)) => Verdict::Truncated(reason),
            _ if !self.ended => Verdict::Unknown(Reason::Unfinished),
            (Some(worst), None) => worst,
            (None, None) => Verdict::Complete,
        }
    }

    /// Counts what a list has read, which is read no further.
    pub(super) fn add(&mut self, list: &Report) {
        self.pages += list.pages;
        self.requests += list.requests;
        self.repeated += list.repeated;
        self.waited += list.waited;
    }

    /// Adds what the list of a window reports about its data.
    pub(super) fn take_in(&mut self, list: &Report) {
        self.nulls += list.nulls;
        let earliest = self.available_until.into_iter().chain(list.available_until).min();
        self.available_until = earliest;
    }

    /// Takes in how the list of a window ended.
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
    fn the_worst_verdict_of_the_windows_is_that_of_the_range() {
        let drifted = Verdict::Drifted(Reason::Duplicates { items: 1 });
        let (capped, full) =
            (Verdict::Truncated(Reason::Cap), Verdict::Truncated(Reason::FullReply));
        let unknown = Verdict::Unknown(Reason::Shortfall);
        for (verdicts, of_all) in [
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
            assert_eq!(report.verdict(), of_all, "{verdicts:?}");
        }
    }
}
