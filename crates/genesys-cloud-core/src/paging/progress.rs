//! Counts kept while a list is read. The [`Report`] is derived from them.
//!
//! A count is never taken back: a page is counted once it is accepted. Counts that depend on the place in the list
//! ([`Counted`]) are part of the [`CursorState`](super::cursor_state::CursorState) and so follow the list back to an
//! earlier page. No count decides what is read next.

use chrono::{DateTime, Utc};

use super::cursor_state::{CursorState, PageInfo};
use super::report::Report;
use super::step::End;
use crate::call_counter::Calls;

/// Counts up to a place in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) pages: u64,
    /// Items that were null.
    pub(super) nulls: u64,
}

impl Counted {
    /// Adds a page.
    pub(super) const fn with(self, page: &PageInfo) -> Self {
        Self { pages: self.pages + 1, nulls: self.nulls + page.nulls }
    }

    /// Removes the page counted last.
    pub(super) const fn without(self, page: &PageInfo) -> Self {
        Self { pages: self.pages.saturating_sub(1), nulls: self.nulls.saturating_sub(page.nulls) }
    }
}

/// Counts over all runs of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Items of accepted pages, within the limit.
    pub(super) read: u64,
    /// Items that the caller has received.
    pub(super) delivered: u64,
    pub(super) duplicates: u64,
    /// Pages requested a second time.
    pub(super) read_again: u64,
    pub(super) calls: Calls,
    pub(super) totals: Totals,
    /// The page size before it was reduced because of the cap.
    pub(super) page_size_clamped_from: Option<u64>,
    /// The page size stated by the last page with items.
    pub(super) page_size_granted: Option<u64>,
    pub(super) began: Option<DateTime<Utc>>,
    pub(super) resumed: Option<DateTime<Utc>>,
    /// Time up to which the data of the list is complete, as last reported by the API.
    pub(super) available_until: Option<DateTime<Utc>>,
    /// Whether the API has an operation that reports that time.
    pub(super) reports_availability: bool,
    /// The end of the requested interval, if its data becomes available with a delay.
    pub(super) asked_until: Option<DateTime<Utc>>,
    /// Whether the list was read from its beginning.
    pub(super) whole: bool,
    /// Whether the job that produced these results failed in part.
    pub(super) partial: bool,
    /// Whether the page at which the list resumed had changed.
    pub(super) moved: bool,
    /// Pages whose items are in files, which were not read.
    pub(super) in_files: u64,
    pub(super) lists: Lists,
}

/// Totals stated by the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) first: Option<u64>,
    pub(super) last: Option<u64>,
    /// The last total that differs from the first.
    pub(super) other: Option<u64>,
}

/// Pages with and without their list of items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    /// Whether a page with a next page has it.
    pub(super) has_list: bool,
    /// Pages with a next page that lack it.
    pub(super) without: u64,
    /// Pages that have a list under an unknown name instead.
    pub(super) other: u64,
    /// The fields found in its place.
    pub(super) other_fields: Vec<String>,
}

impl Lists {
    /// Counts a page. `has_next` says whether it has a next page, `other` whether it has a list under another name.
    pub(super) fn note(&mut self, has_list: bool, has_next: bool, other: bool) {
        self.has_list |= has_list && has_next;
        self.without += u64::from(!has_list && has_next);
        self.other += u64::from(other);
    }
}

impl Progress {
    /// Records what an accepted page says about the list.
    pub(super) fn note_page(&mut self, page: &PageInfo) {
        self.available_until = page.available_until.or(self.available_until);
        // A page past the end may state a total of zero.
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

    /// The report of a list at this place. `end` is set if the list ends there.
    pub(super) fn report(&self, at: &CursorState, end: Option<End>) -> Report {
        Report {
            pages: at.counted.pages,
            items: self.delivered,
            requests: self.calls.requests,
            retries: self.calls.retries,
            waited: self.calls.waited,
            first_total: self.totals.first,
            last_total: self.totals.last,
            page_size_requested: at.page_size,
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
            reports_availability: self.reports_availability,
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
