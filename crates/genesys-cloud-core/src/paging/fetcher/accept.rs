//! What follows from a page: which of its items are new, and which page is due next.

use super::{Last, PageFetcher, Phase};
use crate::error::Error;
use crate::paging::cursor_state::{CursorState, PageInfo};
use crate::paging::grid::is_untold;
use crate::paging::item_hashes::{Alignment, PageText};
use crate::paging::read::{field_names, has_other_list};
use crate::paging::resume::Accepted;
use crate::paging::scheme::Advance;
use crate::paging::selection::Selection;
use crate::paging::step::{Contradiction, End, Step, step};
use crate::response::RawResponse;

impl PageFetcher {
    /// Decides what follows from a page, and which of its items are delivered: those that are new, as many as the limit
    /// allows. `before` is the text of the page before it; `has_come` says which items are known to have come. `None`:
    /// nothing of it is delivered or counted, as another page is to be read first.
    pub(in crate::paging) fn accept_page(
        &mut self,
        response: &RawResponse,
        mut page: PageInfo,
        text: &PageText,
        before: Option<&PageText>,
        has_come: Option<Vec<bool>>,
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
        let leads_on = matches!(step, Step::Continue(_));
        let (selection, new, was_counted) = self.pick(&page, text, has_come);
        self.count(&page, &selection, leads_on, text);
        let counted = self.cursor.at.counted;
        let (before, after) = match was_counted {
            // By an earlier run.
            true => (counted.without(&page), counted),
            false => (counted, counted.with(&page)),
        };
        self.last = match step {
            Step::Continue(due) => {
                Last::Passed(CursorState { counted: before, ..self.cursor.advance(page, due) })
            }
            Step::Done(end) => {
                self.phase = Phase::Ended(end);
                // The list has become shorter than what was delivered of it.
                self.progress.moved |= self.resume.end();
                Last::Unmoved { before }
            }
            Step::Stuck(why) => {
                self.phase = Phase::Stuck(contradicted(&why));
                Last::Unmoved { before }
            }
            // They were answered above.
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

    /// Takes from a page what tells it from others where it may well be the same as another one.
    fn drop_identity(&self, page: &mut PageInfo, text: &PageText) {
        let is_overlap = self.rereads.overlap.is_some();
        // What comes in sequence is requested once, so that what is alike is alike at its source. What is read again
        // may well be the same.
        if self.cursor.sequence.is_some() || is_overlap || self.resume.reads_elsewhere() {
            page.fingerprint = None;
            page.edges = page.edges.take().filter(|_| is_overlap);
        }
        if matches!(self.cursor.advances_by(), Advance::Tokens { .. }) && self.cursor.has_read(page)
        {
            page.has_no_ids = text.has_no_ids(self.spec().items());
        }
    }

    /// Which items of a page are delivered, how many of them are new, and whether an earlier run counted the page.
    fn pick(
        &mut self,
        page: &PageInfo,
        text: &PageText,
        has_come: Option<Vec<bool>>,
    ) -> (Selection, usize, bool) {
        let records = usize::try_from(page.records()).unwrap_or(usize::MAX);
        let shared = self.cursor.shared_by(page);
        let path = self.cursor.spec.items();
        let item_hashes = || text.item_hashes(path);
        let Accepted { joined: Alignment { from, repeated, moved }, was_counted } =
            self.resume.accept(records, item_hashes, || text.fingerprint());
        self.progress.moved |= moved || is_untold(&self.cursor, page);
        let first = if has_come.is_some() { from } else { from.max(shared as usize) };
        let known = has_come.as_ref().map(|has_come| {
            let twice = has_come.iter().skip(first).filter(|has_come| **has_come).count();
            (twice as u64).saturating_sub(shared)
        });
        self.rereads.overlapped = self.rereads.overlap.take().map(|(overlap, _)| overlap);
        let has_come = match &self.rereads.overlapped {
            None => has_come,
            Some(overlap) => {
                let again = overlap.has_come(item_hashes().unwrap_or_default());
                Some(match has_come {
                    Some(known) => again.iter().zip(known).map(|(a, b)| *a || b).collect(),
                    None => again,
                })
            }
        };
        let mut selection = Selection::of(records, first, has_come);
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

    /// Counts what is delivered of a page, and takes in what it says of the list.
    fn count(&mut self, page: &PageInfo, selection: &Selection, leads_on: bool, text: &PageText) {
        self.progress.whole |= self.cursor.is_beginning(page);
        self.progress.note_page(page);
        if !page.is_in_file {
            self.note_list(page, leads_on, text);
        }
        self.progress.read += selection.allowed() as u64;
    }

    /// Notes whether a page has its list, and looks for it under another name if not.
    fn note_list(&mut self, page: &PageInfo, leads_on: bool, text: &PageText) {
        if page.has_list {
            return self.progress.lists.note(true, leads_on, false);
        }
        let body = text.text();
        let other = has_other_list(&body, self.spec());
        self.progress.lists.note(false, leads_on, other);
        if self.progress.lists.other_fields.is_empty() && (leads_on || other) {
            let redactor = self.client().secrets().redactor();
            let names = field_names(&body).into_iter();
            let names = names.map(|name| redactor.redact(&name).into_owned());
            self.progress.lists.other_fields = names.collect();
        }
    }

    fn trace(&self, page: u64, items: u64, total: Option<u64>) {
        let operation = self.operation().id();
        tracing::debug!(operation, page, items, total, "page read");
        if let Some(End::Shortfall | End::Cap | End::FullReply | End::NotFollowed) = self.end() {
            let verdict = self.report().verdict();
            tracing::warn!(operation, %verdict, "the list may not have been read as a whole");
        }
    }
}
