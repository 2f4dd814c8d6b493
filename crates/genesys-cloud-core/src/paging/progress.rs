//! What is counted while a list is read. The [`Report`] is derived from it.
//!
//! Nothing here is ever taken back: a page is counted when it is accepted, and not before. What depends on the place in
//! the list ([`Counted`]) is part of the [`CursorState`](super::cursor_state::CursorState), so that it follows the list back to
//! an earlier page. None of it decides what is read next.

use chrono::{DateTime, Utc};

use super::cursor_state::{CursorState, PageInfo};
use super::report::Report;
use super::step::End;
use crate::call_counter::Calls;

/// How much of a list was counted up to a place in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) pages: u64,
    /// Items that were null.
    pub(super) nulls: u64,
}

impl Counted {
    /// The same after a page.
    pub(super) const fn with(self, page: &PageInfo) -> Self {
        Self { pages: self.pages + 1, nulls: self.nulls + page.nulls }
    }

    /// What was counted before a page that is the last one counted.
    pub(super) const fn without(self, page: &PageInfo) -> Self {
        Self { pages: self.pages.saturating_sub(1), nulls: self.nulls.saturating_sub(page.nulls) }
    }
}

/// What was counted over all runs in which the list was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Items of accepted pages, up to the limit.
    pub(super) read: u64,
    /// Items that the caller has.
    pub(super) delivered: u64,
    pub(super) duplicates: u64,
    /// Pages that were read once more.
    pub(super) read_again: u64,
    pub(super) calls: Calls,
    pub(super) totals: Totals,
    /// The page size that was wanted, where less was requested because of the cap.
    pub(super) page_size_clamped_from: Option<u64>,
    /// The page size that the last page with items states.
    pub(super) page_size_granted: Option<u64>,
    pub(super) began: Option<DateTime<Utc>>,
    pub(super) resumed: Option<DateTime<Utc>>,
    /// Up to when the data of the list is complete, as the API said last.
    pub(super) available_until: Option<DateTime<Utc>>,
    /// The end of the requested interval, where its data becomes available with a delay.
    pub(super) asked_until: Option<DateTime<Utc>>,
    /// Whether the list was read from its beginning.
    pub(super) whole: bool,
    /// Whether some of the work of the job failed whose results these are.
    pub(super) partial: bool,
    /// Whether a place was entered again that had changed.
    pub(super) moved: bool,
    /// Pages whose items are in files, which were not read.
    pub(super) in_files: u64,
    pub(super) lists: Lists,
}

/// How many items the list holds, as its pages say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) first: Option<u64>,
    pub(super) last: Option<u64>,
    /// The last one that differs from the first.
    pub(super) other: Option<u64>,
}

/// Which pages had their list of items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    /// Whether a page that led to another one had it.
    pub(super) has_list: bool,
    /// How many pages that led to another one did not.
    pub(super) without: u64,
    /// How many had one under an unknown name instead.
    pub(super) other: u64,
    /// The fields that came in its place.
    pub(super) other_fields: Vec<String>,
}

impl Lists {
    /// Counts a page. `leads_on`: whether it leads to another page; `other`: whether it has a list under another name.
    pub(super) fn note(&mut self, has_list: bool, leads_on: bool, other: bool) {
        self.has_list |= has_list && leads_on;
        self.without += u64::from(!has_list && leads_on);
        self.other += u64::from(other);
    }
}

impl Progress {
    /// Takes in what an accepted page says of the list.
    pub(super) fn note_page(&mut self, page: &PageInfo) {
        self.available_until = page.available_until.or(self.available_until);
        // A page past the end may count nothing at all.
        let total = page.total.filter(|total| *total > 0 || page.items > 0 || self.read == 0);
        let totals = &mut self.totals;
        totals.first = totals.first.or(total);
        totals.last = total.or(totals.last);
        totals.other = total.filter(|_| total != totals.first).or(totals.other);
        if page.items > 0 {
            self.page_size_granted = page.page_size.or(self.page_size_granted);
        }
        self.in_files += u64::from(page.is_in_file);
    }

    /// The report of a list that has come to this place, and has ended there if it has.
    pub(super) fn report(&self, at: &CursorState, end: Option<End>) -> Report {
        Report {
            pages: at.counted.pages,
            items: self.delivered,
            requests: self.calls.requests,
            retries: self.calls.retries,
            waited: self.calls.waited,
            first_total: self.totals.first,
            last_total: self.totals.last,
            page_size_asked: at.page_size,
            page_size_clamped_from: self.page_size_clamped_from,
            page_size_granted: self.page_size_granted,
            duplicates: self.duplicates,
            read_again: self.read_again,
            nulls: at.counted.nulls,
            began: self.began,
            resumed: self.resumed,
            available_until: self.available_until,
            end,
            other_total: self.totals.other,
            read: self.read,
            whole: self.whole,
            partial: self.partial,
            moved: self.moved,
            in_files: self.in_files,
            asked_until: self.asked_until,
            without_list: self.lists.without,
            has_list: self.lists.has_list,
            other_lists: self.lists.other,
            other_fields: self.lists.other_fields.clone(),
            #[cfg(feature = "test-util")]
            stated: None,
        }
    }
}
