//! What follows from a page: which of its items are new, and which page is due next.

use super::{Engine, Last};
use crate::error::Error;
use crate::paging::grid::is_untold;
use crate::paging::marks::{Joined, PageText};
use crate::paging::picked::{Overlap, Picked};
use crate::paging::read::{field_names, has_other_list};
use crate::paging::scheme::Motion;
use crate::paging::standing::{Facts, Standing};
use crate::paging::step::{Contradiction, End, Step, step};
use crate::reply::RawReply;

impl Engine {
    /// Decides what follows from a page, and which of its items are handed out: those that are new, as
    /// many as the limit allows. `before` is the text of the page before it; `has_come` says which items are
    /// known to have come. `None`: it is not handed out, as the page before it is to be read again.
    pub(in crate::paging) fn settle(
        &mut self,
        reply: &RawReply,
        mut page: Facts,
        text: &PageText,
        before: Option<&PageText>,
        has_come: Option<Vec<bool>>,
    ) -> Result<Option<Picked>, Error> {
        self.client().usable_after(self.unusable);
        self.unusable = 0;
        let contradicted =
            |why: &Contradiction| Error::paging(reply, why.to_string()).advise(why.advice());
        if self.goes_back(&page, before) || self.looks_back(&page, text) {
            return Ok(None);
        }
        match self.realigns(&page, before, text) {
            Ok(false) => {}
            Ok(true) => return Ok(None),
            Err(why) => {
                self.end = Some(End::Contradiction);
                self.calls.clear();
                return Err(contradicted(&why));
            }
        }
        let is_overlap = self.overlap.is_some();
        if self.is_fed() || is_overlap || self.reads_elsewhere() {
            // What is fed is asked for once, so that what is alike is alike in the file. What is read again
            // may well be the same.
            page.fingerprint = None;
            page.edges = page.edges.filter(|_| is_overlap);
        }
        if matches!(self.walk.motion(), Motion::Tokens { .. }) && self.walk.has_read(&page) {
            page.has_no_ids = text.has_no_ids(self.listing().items());
        }
        let (number, items, total) = (self.page_number(), page.items, page.total);
        let records = usize::try_from(page.records()).unwrap_or(usize::MAX);
        // What feeds it tells the end.
        let step = match self.is_fed() {
            true => Step::Continue(self.walk.due().clone()),
            false => step(&self.walk, &page),
        };
        if let Step::Broken(why) = &step {
            self.end = Some(End::Contradiction);
            self.calls.clear();
            return Err(contradicted(why));
        }
        if step == Step::LookAgain {
            self.walk.at.is_second_look = true;
            self.progress.read_again += 1;
            return Ok(None);
        }
        let shared = self.walk.shared_by(&page);
        let is_passed_over = self.has_counted(records);
        let Joined { from, repeated, moved } = self.join(records, text);
        self.progress.moved |= moved || is_untold(&self.walk, &page);
        let first = if has_come.is_some() { from } else { from.max(shared as usize) };
        let known = has_come.as_ref().map(|has_come| {
            let twice = has_come.iter().skip(first).filter(|has_come| **has_come).count();
            (twice as u64).saturating_sub(shared)
        });
        self.overlapped = self.overlap.take().map(|(overlap, _)| overlap);
        let has_come = match &self.overlapped {
            None => has_come,
            Some(overlap) => {
                let marks = text.marks(self.listing().items());
                let again = overlap.has_come(marks.unwrap_or_default());
                Some(match has_come {
                    Some(known) => again.iter().zip(known).map(|(a, b)| *a || b).collect(),
                    None => again,
                })
            }
        };
        let mut picked = Picked::of(records, first, has_come);
        let new = picked.new_items() as u64;
        let left =
            self.options.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.progress.read));
        let allowed = picked.up_to(left);
        self.progress.whole |= self.walk.is_beginning(&page);
        self.progress.note_page(&page);
        if !page.is_in_file {
            self.note_list(&page, matches!(step, Step::Continue(_)), text);
        }
        self.progress.read += allowed;
        self.progress.duplicates += match known {
            _ if is_overlap => 0,
            Some(known) => known,
            None => self.walk.repeated_by(&page) - shared + repeated as u64,
        };
        let counted = self.walk.at.counted;
        let (before, after) = match is_passed_over {
            // An earlier run has counted it.
            true => (counted.without(&page), counted),
            false => (counted, counted.with(&page)),
        };
        self.last = match step {
            Step::Continue(due) => {
                Last::Passed(Standing { counted: before, ..self.walk.advance(page, due) })
            }
            Step::Done(end) => {
                self.end = Some(end);
                // The list has become shorter than what was handed out of it.
                self.progress.moved |= self.resumption.take().is_some();
                Last::Unmoved { before }
            }
            Step::Stuck(why) => {
                self.stuck = Some(contradicted(&why));
                Last::Unmoved { before }
            }
            // They were answered above.
            Step::LookAgain | Step::Broken(_) => Last::Unmoved { before },
        };
        self.walk.at.counted = after;
        if allowed < new {
            self.end = Some(End::Limit);
        } else if self.end.is_none() {
            self.end = self.bound_reached();
        }
        let operation = self.request.operation().id();
        tracing::debug!(operation, page = number, items, total, "page read");
        if let Some(End::Shortfall | End::Cap | End::FullReply | End::NotFollowed) = self.end {
            let verdict = self.report().verdict();
            tracing::warn!(operation, %verdict, "the list may not have been read as a whole");
        }
        self.ask_ahead(0);
        Ok(Some(picked))
    }

    /// Notes whether a page has its list, and looks for it under another name if not.
    fn note_list(&mut self, page: &Facts, leads_on: bool, text: &PageText) {
        if page.has_list {
            return self.progress.lists.note(true, leads_on, false);
        }
        let body = text.text();
        let other = has_other_list(&body, self.listing());
        self.progress.lists.note(false, leads_on, other);
        if self.progress.lists.other_fields.is_empty() && (leads_on || other) {
            let redactor = self.client().secrets().redactor();
            let names = field_names(&body).into_iter();
            let names = names.map(|name| redactor.redact(&name).into_owned());
            self.progress.lists.other_fields = names.collect();
        }
    }

    /// Goes back by a page where the list has become shorter since that was read: what stood behind it has
    /// moved up, and may be in it now.
    fn goes_back(&mut self, page: &Facts, before: Option<&PageText>) -> bool {
        let (Motion::Numbers { .. }, Last::Passed(at)) = (self.walk.motion(), &self.last) else {
            return false;
        };
        let previous = self.walk.at.previous.as_ref();
        let has_shrunk = previous.is_some_and(|previous| page.total < previous.total)
            && page.total > Some(0)
            // Counts that are wrong may be so each time.
            && (self.page_number() > self.went_back_at.0
                || page.total < Some(self.went_back_at.1))
            && self.resumption.is_none();
        if !has_shrunk {
            return false;
        }
        let marks = before.and_then(|text| text.marks(self.listing().items()));
        let marks =
            marks.filter(|marks| previous.is_some_and(|it| it.records() == marks.len() as u64));
        let Some(marks) = marks.filter(|marks| !marks.is_empty()) else { return false };
        let mut at = at.clone();
        if let Some(previous) = &mut at.previous {
            previous.total = page.total;
        }
        // The first page was due before any reply said its size.
        at.grid = self.walk.at.grid;
        let (operation, number) = (self.request.operation().id(), self.page_number());
        tracing::info!(
            operation,
            page = number,
            "the list has become shorter: the page before is read again"
        );
        self.went_back_at = (number, page.total.unwrap_or(0));
        let found_at = std::mem::replace(&mut self.walk.at, at);
        self.overlap = Some((Overlap::new(marks), found_at));
        self.progress.read_again += 1;
        self.last = Last::None;
        // They were asked for before.
        self.calls.clear();
        true
    }
}
