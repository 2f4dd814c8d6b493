//! One window of a folder, which is exported like a list of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use super::plan::Plan;
use super::state::{Delivered, State};
use crate::reporter::{Progress, Reporter};

/// A window of a folder, as its export knows it.
#[derive(Clone)]
pub(super) struct FolderWindow {
    /// Name of its folder, such as `conversation_day=2026-05-01`.
    pub(super) name: String,
    /// ID of the export to the folder.
    pub(super) run: String,
    /// Its position among the windows of the run.
    pub(super) at: usize,
    pub(super) tally: Arc<Tally>,
    /// Its report, once it has ended.
    pub(super) report: Arc<OnceLock<Value>>,
}

/// Counts of the windows of a run, for the progress.
pub(super) struct Tally {
    /// Records and pages read, by window.
    counts: Vec<[AtomicU64; 2]>,
    windows_done: AtomicU64,
    windows: u64,
}

impl Tally {
    /// Starts with no window read of `windows`, of which earlier runs have done all but `left`.
    pub(super) fn new(windows: usize, left: usize) -> Self {
        let done = windows.saturating_sub(left) as u64;
        Self {
            counts: (0..left).map(|_| Default::default()).collect(),
            windows_done: AtomicU64::new(done),
            windows: windows as u64,
        }
    }

    /// Counts a window whose file is complete.
    pub(super) fn done(&self) {
        self.windows_done.fetch_add(1, Ordering::Relaxed);
    }
}

impl FolderWindow {
    /// Returns whether a saved state is of this export, and has a position from which it can become complete.
    ///
    /// A window that was read to its end is read again, unless its verdict counts as success: it may be complete now.
    pub(super) fn resumes(&self, state: &str, plan: &Plan) -> bool {
        let Some(state) = State::discarded(state) else { return false };
        let is_final = match &state.delivered {
            Delivered::Records(saved) => {
                state.is_read() && !plan.accept.allows_word(&saved.verdict.word)
            }
            Delivered::Files(_) => false,
        };
        state.run.id == self.run && !is_final
    }

    /// Returns the progress of the folder, given that of this window.
    pub(super) fn progress(&self, own: Progress) -> Progress {
        if let Some([records, pages]) = self.tally.counts.get(self.at) {
            records.store(own.records, Ordering::Relaxed);
            pages.store(own.pages, Ordering::Relaxed);
        }
        let sum = |which: usize| -> u64 {
            self.tally.counts.iter().map(|it| it[which].load(Ordering::Relaxed)).sum()
        };
        let windows = (self.tally.windows_done.load(Ordering::Relaxed), self.tally.windows);
        Progress { records: sum(0), pages: sum(1), total: None, windows: Some(windows), ..own }
    }

    /// Reports that the window has ended.
    pub(super) fn ended(&self, reporter: &Reporter, text: &str, report: Value) {
        let fact = |name: &str| report.get(name).cloned().unwrap_or_default();
        let facts = json!({
            "operation": fact("operation"),
            "window": self.name,
            "interval": fact("interval"),
            "out": fact("out"),
            "whole": fact("whole"),
            "verdict": fact("verdict"),
            "reason": fact("reason"),
            "records": fact("records").as_u64().unwrap_or_default(),
        });
        // An error is reported at the end.
        match report.get("error") {
            Some(_) => reporter.event("window", || facts),
            None => reporter.say("window", &format!("{}: {text}", self.name), facts),
        }
        // A window that starts over has ended before.
        let _ = self.report.set(report);
    }
}
