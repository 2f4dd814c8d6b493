//! Accepts a page: decides which of its items are new, and which page is due next.

use super::{Last, PageFetcher, Phase};
use crate::error::Error;
use crate::paging::cursor_state::{CursorState, PageInfo};
use crate::paging::grid::may_have_shrunk;
use crate::paging::item_hashes::{Alignment, PageText};
use crate::paging::read::{field_names, has_other_list};
use crate::paging::resume::Accepted;
use crate::paging::scheme::Advance;
use crate::paging::selection::Selection;
use crate::paging::step::{Contradiction, End, Step, step};
use crate::response::RawResponse;

impl PageFetcher {
    /// Accepts a page and returns the items to yield: the new ones, within the limit. `before` is the text of the
    /// previous page; `seen` says which items are known to be duplicates. Returns `None` if another page must be read
    /// first; then nothing of this page is yielded or counted.
    pub(in crate::paging) fn accept_page(
        &mut self,
        response: &RawResponse,
        mut page: PageInfo,
        text: &PageText,
        before: Option<&PageText>,
        seen: Option<Vec<bool>>,
    ) -> Result<Option<Selection>, Error> {
        self.client().usable_after(self.queue.retries);
        self.queue.retries = 0;
        let contradicted =
            |why: &Contradiction| Error::paging(response, why.to_string()).advise(why.advice());
        match self.reads_elsewhere_first(&page, text, before) {
            Ok(false) => {}
            Ok(true) => return Ok(None),
            Err(why) => {
                self.end_in_contradiction();
                return Err(contradicted(&why));
            }
        }
        self.drop_identity(&mut page, text);
        let step = step(&self.cursor, &page);
        match &step {
            Step::Broken(why) => {
                self.end_in_contradiction();
                return Err(contradicted(why));
            }
            Step::LookAgain => {
                self.cursor.at.is_second_look = true;
                self.progress.read_again += 1;
                return Ok(None);
            }
            Step::Continue(_) | Step::Done(_) | Step::Stuck(_) => {}
        }
        let (number, items, total) = (self.page_number(), page.items, page.total);
        let has_next = matches!(step, Step::Continue(_));
        let (selection, new, was_counted) = self.pick(&page, text, seen);
        self.count(&page, &selection, has_next, text);
        let counted = self.cursor.at.counted;
        let (before, after) = match was_counted {
            // An earlier run counted it.
            true => (counted.without(&page), counted),
            false => (counted, counted.with(&page)),
        };
        self.last = match step {
            Step::Continue(due) => {
                Last::Passed(CursorState { counted: before, ..self.cursor.advance(page, due) })
            }
            Step::Done(end) => {
                self.phase = Phase::Ended(end);
                // The list has become shorter than the part delivered before.
                self.progress.moved |= self.resume.end();
                Last::Unmoved { before }
            }
            Step::Stuck(why) => {
                self.phase = Phase::Stuck(contradicted(&why));
                Last::Unmoved { before }
            }
            // Returned above.
            Step::LookAgain | Step::Broken(_) => Last::Unmoved { before },
        };
        self.cursor.at.counted = after;
        if selection.allowed() < new {
            self.phase = Phase::Ended(End::Limit);
        }
        self.end_at_bound();
        self.trace(number, items, total);
        self.fetch_ahead(0);
        self.count_calls();
        Ok(Some(selection))
    }

    /// Removes the fingerprint of a page that may legitimately equal another one.
    fn drop_identity(&self, page: &mut PageInfo, text: &PageText) {
        let is_overlap = self.rereads.overlap.is_some();
        // A sequence is requested once, so equal pages are equal at the source. A page read again may be unchanged.
        if self.cursor.sequence.is_some() || is_overlap || self.resume.reads_elsewhere() {
            page.fingerprint = None;
            page.edges = page.edges.take().filter(|_| is_overlap);
        }
        if matches!(self.cursor.advances_by(), Advance::Tokens { .. }) && self.cursor.has_read(page)
        {
            page.has_no_ids = text.has_no_ids(self.spec().items());
        }
    }

    /// The items of a page to yield, the number of new ones, and whether an earlier run counted the page.
    fn pick(
        &mut self,
        page: &PageInfo,
        text: &PageText,
        seen: Option<Vec<bool>>,
    ) -> (Selection, usize, bool) {
        let records = usize::try_from(page.records()).unwrap_or(usize::MAX);
        let shared = self.cursor.shared_by(page);
        let path = self.cursor.spec.items();
        let item_hashes = || text.item_hashes(path);
        let Accepted { joined: Alignment { from, repeated, moved }, was_counted } =
            self.resume.accept(records, item_hashes, || text.fingerprint());
        self.progress.moved |= moved || may_have_shrunk(&self.cursor, page);
        let first = if seen.is_some() { from } else { from.max(shared as usize) };
        let known = seen.as_ref().map(|seen| {
            let duplicates = seen.iter().skip(first).filter(|seen| **seen).count();
            (duplicates as u64).saturating_sub(shared)
        });
        self.rereads.overlapped = self.rereads.overlap.take().map(|(overlap, _)| overlap);
        let seen = match &self.rereads.overlapped {
            None => seen,
            Some(overlap) => {
                let again = overlap.seen(item_hashes().unwrap_or_default());
                Some(match seen {
                    Some(known) => again.iter().zip(known).map(|(a, b)| *a || b).collect(),
                    None => again,
                })
            }
        };
        let mut selection = Selection::of(records, first, seen);
        let new = selection.new_items();
        let left =
            self.options.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.progress.read));
        selection.up_to(left);
        self.progress.duplicates += match known {
            _ if self.rereads.overlapped.is_some() => 0,
            Some(known) => known,
            None => self.cursor.repeated_by(page) - shared + repeated as u64,
        };
        (selection, new, was_counted)
    }

    /// Counts a page and its yielded items.
    fn count(&mut self, page: &PageInfo, selection: &Selection, has_next: bool, text: &PageText) {
        self.progress.whole |= self.cursor.is_beginning(page);
        self.progress.note_page(page);
        if !page.is_in_file {
            self.note_list(page, has_next, text);
        }
        self.progress.read += selection.allowed() as u64;
    }

    /// Records whether a page has its list, and if not, whether it has one under another name.
    fn note_list(&mut self, page: &PageInfo, has_next: bool, text: &PageText) {
        if page.has_list {
            return self.progress.lists.note(true, has_next, false);
        }
        let body = text.text();
        let other = has_other_list(&body, self.spec());
        self.progress.lists.note(false, has_next, other);
        if self.progress.lists.other_fields.is_empty() && (has_next || other) {
            let redactor = self.client().secrets().redactor();
            let names = field_names(&body).into_iter();
            let names = names.map(|name| redactor.redact(&name).into_owned());
            self.progress.lists.other_fields = names.collect();
        }
    }

    fn trace(&self, page: u64, items: u64, total: Option<u64>) {
        let operation = self.operation().id();
        tracing::debug!(operation, page, items, total, "page read");
        if let Some(End::Shortfall | End::Cap | End::FullResponse | End::NotFollowed) = self.end() {
            let verdict = self.report().verdict();
            tracing::warn!(operation, %verdict, "the list may be incomplete");
        }
    }
}
