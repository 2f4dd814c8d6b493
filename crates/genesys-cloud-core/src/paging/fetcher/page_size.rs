//! The page size to request. Pages above the byte limit are read again as smaller pages.

use super::{Last, PageFetcher};
use crate::error::Error;
use crate::paging::cursor::{set_number, value_on};
use crate::paging::cursor_state::{CursorState, PageInfo, Position};
use crate::paging::resume::Resume;
use crate::paging::scheme::Advance;
use crate::request::Request;

/// A smaller page size is at most the larger one divided by this, if such a size exists.
const PART: u64 = 5;

/// Upper bound of the search for a page size, whatever a response states.
const LARGEST: u64 = 100_000;

impl PageFetcher {
    /// The request for a page.
    pub(super) fn request_for(&self, position: &Position) -> Request {
        let mut request = self.request.clone();
        if let (Some(page_size), Some(asked)) = (self.spec().page_size(), self.cursor.at.page_size)
        {
            set_number(&mut request, page_size.place(), asked, page_size.is_text());
        }
        self.cursor.write(position, &mut request);
        let bound = self.options.max_page_bytes;
        if let Some(bytes) = bound.filter(|_| self.smaller_size(position).is_some()) {
            request.set_max_body(bytes);
        }
        request
    }

    /// Refuses a page size outside the bounds of the operation.
    pub(super) fn check_page_size(&self, items: Option<u64>) -> Result<(), Error> {
        let refusal = self.spec().page_size().zip(items).filter(|_| !self.is_page_size_settled);
        match refusal.and_then(|(page_size, items)| page_size.refusal(items)) {
            None => Ok(()),
            Some((why, advice)) => {
                Err(Error::invalid_request(self.operation(), why).advise(advice))
            }
        }
    }

    /// Decides the page size, once for all pages: a different one would shift items between pages.
    pub(super) fn settle_page_size(&mut self) -> Result<(), Error> {
        if self.is_page_size_settled {
            return Ok(());
        }
        let Some(page_size) = self.spec().page_size() else { return Ok(()) };
        let on_request = match value_on(&self.request, page_size.place()).map(|it| it.parse()) {
            // Not a number: left for the API to refuse.
            Some(Err(_)) if self.options.page_size.is_none() => {
                self.is_page_size_settled = true;
                return Ok(());
            }
            Some(Ok(items)) => Some(items),
            _ => None,
        };
        let wanted = self.options.page_size.or(on_request);
        self.check_page_size(wanted)?;
        let usual = || match (page_size.usual(), page_size.maximum()) {
            (Some(usual), Some(maximum)) => usual.min(maximum),
            (usual, maximum) => usual.or(maximum).unwrap_or(self.spec().scheme().usual_page_size()),
        };
        let wanted = wanted.unwrap_or_else(usual);
        let allowed = self.cursor.page_size_up_to_cap(wanted);
        let limit = self.options.limit.filter(|_| self.cursor.starts_alike_in_any_size());
        // The API refuses a smaller size. With a limit below it, a few items are read that are not yielded.
        let least = page_size.minimum().unwrap_or(1).max(1);
        let asked = allowed.min(limit.unwrap_or(allowed)).max(least);
        self.progress.page_size_clamped_from = Some(wanted).filter(|wanted| *wanted > allowed);
        self.cursor.set_page_size(Some(asked));
        self.is_page_size_settled = true;
        Ok(())
    }

    /// The next smaller page size for a page that is too large. `None` if a smaller one might skip or repeat items.
    fn smaller_size(&self, position: &Position) -> Option<u64> {
        let asked = self.cursor.at.page_size?;
        let page_size = self.spec().page_size()?;
        // Looking back finds the place by the page size.
        let is_looking_back = self.rereads.overlap.is_some() || self.resume.reads_elsewhere();
        // Smaller pages would reach less far.
        let is_bounded_in_pages =
            self.options.max_pages.is_some() || self.cursor.is_capped_in_pages();
        let can_repeat = self.source.can_resize() && self.operation().is_repeatable();
        if is_looking_back || is_bounded_in_pages || !can_repeat {
            return None;
        }
        let least = page_size.minimum().unwrap_or(1).max(1);
        match (self.cursor.advances_by(), position) {
            (Advance::Numbers { .. }, Position::Number(number)) => {
                self.smaller_grid(*number, asked, least)
            }
            (Advance::StartIndex, Position::Number(_)) => cursor_size(asked, least),
            // The token contains the whole query, including the page size.
            (Advance::Tokens { counted: true }, Position::Start) => {
                let begins = self.cursor.first_search_page() == Some(1);
                cursor_size(asked, least).filter(|_| begins && self.cursor.at.before == Some(0))
            }
            (Advance::Tokens { counted: false }, Position::Start | Position::Token(_)) => {
                cursor_size(asked, least)
            }
            (Advance::Tokens { counted: false }, Position::Link(query)) => {
                let is_in_link = query.iter().any(|(name, _)| name == page_size.name());
                cursor_size(asked, least).filter(|_| !is_in_link)
            }
            _ => None,
        }
    }

    /// The next smaller size of numbered pages: a divisor, so that a smaller page begins where the larger one does.
    fn smaller_grid(&self, number: u64, asked: u64, least: u64) -> Option<u64> {
        let read = match self.resume {
            Resume::Idle => 0,
            _ => self.resume.skip_of_page()?,
        };
        // If responses do not state their size, it is only known where the first page begins.
        let grid = match self.cursor.at.grid {
            None if number > 1 || read > 0 => return None,
            grid => grid.unwrap_or(asked),
        };
        let up_to = asked.min(grid.saturating_add(1)).min(LARGEST);
        let divisors = (least..up_to).filter(|size| grid % size == 0);
        let (small, large): (Vec<u64>, Vec<u64>) = divisors.partition(|size| *size <= asked / PART);
        small.last().or(large.first()).copied()
    }

    /// Switches to smaller pages for the due page, if possible. Otherwise it is requested again without a limit.
    pub(super) fn ask_for_less(&mut self) {
        // Pages requested ahead have the old size.
        self.queue.clear();
        let Some(size) = self.smaller_size(self.cursor.due()) else { return };
        let (operation, page) = (self.request.operation().id(), self.page_number());
        let bytes = self.options.max_page_bytes;
        tracing::info!(operation, page, bytes, size, "page too large; requesting fewer items");
        match (self.cursor.advances_by(), self.cursor.due()) {
            (Advance::Numbers { .. }, Position::Number(number)) => self.renumber(*number, size),
            // Items of the page that were delivered before are now spread over several pages.
            _ => self.resume.skip_over_pages(),
        }
        self.cursor.set_page_size(Some(size));
    }

    /// Moves to the smaller page that contains the next item.
    fn renumber(&mut self, number: u64, size: u64) {
        let left = self.resume.skip_of_page().unwrap_or(0);
        let begin = (number - 1).saturating_mul(self.cursor.at.grid.unwrap_or(0));
        // The page with the last item read, if part of the larger page was read.
        let at = begin.saturating_add(left);
        let due = at.saturating_sub(u64::from(left > 0)) / size + 1;
        let passed = (due - 1).saturating_mul(size).saturating_sub(begin);
        let state = &self.cursor.at;
        self.cursor.at = CursorState {
            due: Position::Number(due),
            page_size: Some(size),
            before: state.before.map(|before| before.saturating_add(passed)),
            largest: state.largest.min(size),
            grid: state.grid.map(|_| size),
            // Its page numbers and counts refer to the larger pages.
            previous: state.previous.as_ref().filter(|_| left == 0).map(|page| PageInfo {
                page_number: None,
                page_count: None,
                page_size: None,
                token: page.token.clone(),
                edges: page.edges.clone(),
                ..*page
            }),
            ..state.clone()
        };
        self.resume.move_to(self.cursor.at.kept(), left - passed);
        self.last = Last::None;
    }
}

/// The next smaller page size of a list whose positions do not depend on it.
fn cursor_size(asked: u64, least: u64) -> Option<u64> {
    Some((asked / PART).max(least)).filter(|size| *size < asked)
}
