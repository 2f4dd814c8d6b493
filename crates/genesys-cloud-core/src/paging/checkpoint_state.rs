//! How far a list has been read, to go on from there later.

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
    /// Where the list stood when the page was due in which the place is.
    pub(super) at: CursorState,
    /// How many of the page's items stand before the place. Of pages that come without being asked for one
    /// by one: of all items, or bytes where they are not items.
    pub(super) offset: u64,
    /// The hashes of the items that were handed out last, the last one last.
    pub(super) known: Vec<u64>,
    /// The hashes of items that are left out of the page, where it is one that is read again.
    pub(super) overlap: Vec<u64>,
    /// The ids of items that were handed out, as hashes, where what comes twice is left out.
    pub(super) ids: Vec<u64>,
    /// The fingerprint of the page, where its items have no hashes.
    pub(super) page: Option<u64>,
    /// What was counted up to there.
    pub(super) progress: Progress,
    /// How the list has ended there, if it has.
    pub(super) end: Option<End>,
    /// The job whose results these are, once it has been submitted.
    pub(crate) job: Option<SavedJob>,
    /// Whether one was submitted and is not known, as the response was lost.
    pub(super) is_lost: bool,
}

impl ListPoint {
    /// Takes in by what the items of the page are known again in which it is.
    pub(super) fn know(&mut self, text: &PageText, items: &str, yielded: Yielded) {
        // One that is to be gone on with knows it already.
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

    /// What was read up to there.
    pub(crate) fn report(&self) -> Report {
        self.progress.report(&self.at, self.end)
    }

    /// How many items the caller had.
    pub(crate) const fn delivered(&self) -> u64 {
        self.progress.delivered
    }

    /// Whether the list had been read to its end.
    pub(crate) const fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether it is of no job yet, or of this one.
    pub(crate) fn has_no_other_job(&self, job: &SavedJob) -> bool {
        self.job.as_ref().is_none_or(|known| known.is_same(job))
    }
}

/// How far the page that was read last has been handed out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Yielded {
    /// How many of its items have been handed out, or left out as repeated ones.
    pub(super) items: usize,
    /// How many it has.
    pub(super) of: usize,
}

impl Yielded {
    pub(super) const fn is_all(self) -> bool {
        self.items == self.of
    }
}

impl CursorState {
    /// The same without what takes much room or shows what items hold.
    pub(super) fn kept(&self) -> Self {
        let previous = self.previous.as_ref().map(|page| PageInfo {
            token: page.token.as_ref().map(|_| super::cursor_state::Token::Odd),
            edges: None,
            ..*page
        });
        // A resumed run requests the page twice again.
        Self { due: self.due.clone(), previous, is_second_look: false, ..*self }
    }
}
