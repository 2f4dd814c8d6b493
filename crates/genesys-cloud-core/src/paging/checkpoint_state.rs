//! How far a list has been read, so that it can resume there later.

mod wire_format;

use std::sync::Arc;

use super::cursor_state::{CursorState, PageInfo};
use super::item_hashes::{KEPT, PageText};
use super::progress::Progress;
use super::report::Report;
use super::request_fingerprint::RequestFingerprint;
use super::step::End;
use crate::saved_job::SavedJob;

pub(crate) use wire_format::ListForm;
pub(super) use wire_format::is_end_of_list;

/// A place in a list, between two of its items.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ListPoint {
    pub(crate) subject: Arc<RequestFingerprint>,
    /// The name of the scheme of the list.
    pub(super) scheme: String,
    /// The cursor state when the page that contains the place was due.
    pub(super) at: CursorState,
    /// Items of the page before the place. If the source delivers pages in its own sequence: items of the whole list,
    /// or bytes if they are not items.
    pub(super) offset: u64,
    /// The hashes of the items yielded last, in order.
    pub(super) known: Vec<u64>,
    /// The hashes of the items to skip on the page, if it is being read again.
    pub(super) overlap: Vec<u64>,
    /// The hashed ids of yielded items, if duplicates are dropped.
    pub(super) ids: Vec<u64>,
    /// The fingerprint of the page, if its items have no hashes.
    pub(super) page: Option<u64>,
    /// Counts up to the place.
    pub(super) progress: Progress,
    /// How the list ended there, if it did.
    pub(super) end: Option<End>,
    /// The job that produces the list, once it has been submitted.
    pub(crate) job: Option<SavedJob>,
    /// Whether a job was submitted whose id is unknown because the response was lost.
    pub(super) is_lost: bool,
}

impl ListPoint {
    /// Records the hashes by which the items of the page are recognized on resume.
    pub(super) fn know(&mut self, text: &PageText, items: &str, yielded: Yielded) {
        // A place that was resumed and not yet reached has them already.
        if !self.known.is_empty() || self.page.is_some() {
            return;
        }
        let item_hashes =
            text.item_hashes(items).filter(|item_hashes| item_hashes.len() == yielded.of);
        match item_hashes.and_then(|item_hashes| item_hashes.get(..yielded.items)) {
            Some(item_hashes) => {
                self.known = item_hashes[item_hashes.len().saturating_sub(KEPT)..].to_vec()
            }
            None if self.offset > 0 => self.page = Some(text.fingerprint()),
            None => {}
        }
    }

    /// The report up to the place.
    pub(crate) fn report(&self) -> Report {
        self.progress.report(&self.at, self.end)
    }

    /// Number of items that the caller has received.
    pub(crate) const fn delivered(&self) -> u64 {
        self.progress.delivered
    }

    /// Whether the list was read to its end.
    pub(crate) const fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the place belongs to this job, or to no job yet.
    pub(crate) fn has_no_other_job(&self, job: &SavedJob) -> bool {
        self.job.as_ref().is_none_or(|known| known.is_same(job))
    }
}

/// How much of the last page has been yielded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Yielded {
    /// Items yielded, or skipped as duplicates.
    pub(super) items: usize,
    /// Items of the page.
    pub(super) of: usize,
}

impl Yielded {
    pub(super) const fn is_all(self) -> bool {
        self.items == self.of
    }
}

impl CursorState {
    /// The state without what is large or reveals the content of items.
    pub(super) fn kept(&self) -> Self {
        let previous = self.previous.as_ref().map(|page| PageInfo {
            token: page.token.as_ref().map(|_| super::cursor_state::Token::Odd),
            edges: None,
            ..*page
        });
        // A resumed run requests an empty page twice again.
        Self { due: self.due.clone(), previous, is_second_look: false, ..*self }
    }
}
