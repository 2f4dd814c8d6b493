//! Pages that are too large to be held are read again in smaller ones.

use super::resume::{Over, Stage};
use super::{Engine, Last};
use crate::paging::scheme::Motion;
use crate::paging::standing::{Facts, Position, Standing};

/// A smaller page has at most this part of the items of a larger one, where there is such a size.
const PART: u64 = 5;

/// No larger page size is looked for, whatever a reply says.
const LARGEST: u64 = 100_000;

impl Engine {
    /// The next smaller page size for a page that is too large. `None` where a smaller one might skip or repeat items.
    pub(super) fn smaller_size(&self, position: &Position) -> Option<u64> {
        let asked = self.walk.at.page_size?;
        let page_size = self.listing().page_size()?;
        // A page that the list looks back at is joined by its size.
        let is_looking_back = self.overlap.is_some() || self.reads_elsewhere();
        // Smaller pages would reach less far.
        let is_bounded_in_pages =
            self.options.max_pages.is_some() || self.walk.is_capped_in_pages();
        let is_job = self.job.as_ref().is_some_and(|job| job.opening.is_job_per_page());
        if is_looking_back || is_bounded_in_pages || is_job || !self.operation().is_repeatable() {
            return None;
        }
        let least = page_size.minimum().unwrap_or(1).max(1);
        match (self.walk.motion(), position) {
            (Motion::Numbers { .. }, Position::Number(number)) => {
                self.smaller_grid(*number, asked, least)
            }
            (Motion::StartIndex, Position::Number(_)) => cursor_size(asked, least),
            // Its token is the whole query, with the size.
            (Motion::Tokens { counted: true }, Position::Start) => {
                let begins = self.walk.first_search_page() == Some(1);
                cursor_size(asked, least).filter(|_| begins && self.walk.at.before == Some(0))
            }
            (Motion::Tokens { counted: false }, Position::Start | Position::Token(_)) => {
                cursor_size(asked, least)
            }
            (Motion::Tokens { counted: false }, Position::Link(query)) => {
                let is_in_link = query.iter().any(|(name, _)| name == page_size.name());
                cursor_size(asked, least).filter(|_| !is_in_link)
            }
            _ => None,
        }
    }

    /// The next smaller size of numbered pages: a divisor, so that one of them begins where the larger one does.
    fn smaller_grid(&self, number: u64, asked: u64, least: u64) -> Option<u64> {
        let read = match &self.resumption {
            None => 0,
            Some(it) if it.stage == Stage::Entered && it.over == Over::Page => it.left,
            Some(_) => return None,
        };
        // Where replies do not say their size, only the first page is known to begin where it does.
        let grid = match self.walk.at.grid {
            None if number > 1 || read > 0 => return None,
            grid => grid.unwrap_or(asked),
        };
        let up_to = asked.min(grid.saturating_add(1)).min(LARGEST);
        let divisors = (least..up_to).filter(|size| grid % size == 0);
        let (small, large): (Vec<u64>, Vec<u64>) = divisors.partition(|size| *size <= asked / PART);
        small.last().or(large.first()).copied()
    }

    /// Has the page that is due read in smaller pages, if it can be; else it is asked for once more without a bound.
    pub(super) fn ask_for_less(&mut self) {
        // Those ahead have the same size.
        self.calls.clear();
        let Some(size) = self.smaller_size(self.walk.due()) else { return };
        let (operation, page) = (self.request.operation().id(), self.page_number());
        let bytes = self.options.max_page_bytes;
        tracing::info!(
            operation,
            page,
            bytes,
            size,
            "the page is too large: asking for fewer items"
        );
        if let (Motion::Numbers { .. }, Position::Number(number)) =
            (self.walk.motion(), self.walk.due())
        {
            let number = *number;
            self.renumber(number, size);
        } else if let Some(resumption) = &mut self.resumption
            && resumption.over == Over::Page
        {
            // The items of the page that were yielded before now come in several.
            resumption.over = Over::Items;
        }
        self.walk.set_page_size(Some(size));
    }

    /// Goes to the page of a smaller size that holds what is due.
    fn renumber(&mut self, number: u64, size: u64) {
        let resumption = self.resumption.as_mut().filter(|it| it.over == Over::Page);
        let left = resumption.as_ref().map_or(0, |it| it.left);
        let begin = (number - 1).saturating_mul(self.walk.at.grid.unwrap_or(0));
        // The page with the last item read, if part of the larger one was.
        let at = begin.saturating_add(left);
        let due = at.saturating_sub(u64::from(left > 0)) / size + 1;
        let passed = (due - 1).saturating_mul(size).saturating_sub(begin);
        let standing = &self.walk.at;
        self.walk.at = Standing {
            due: Position::Number(due),
            before: standing.before.map(|before| before.saturating_add(passed)),
            largest: standing.largest.min(size),
            grid: standing.grid.map(|_| size),
            // What it says of pages is of the larger ones.
            previous: standing.previous.as_ref().filter(|_| left == 0).map(|page| Facts {
                page_number: None,
                page_count: None,
                page_size: None,
                token: page.token.clone(),
                edges: page.edges.clone(),
                ..*page
            }),
            ..standing.clone()
        };
        if let Some(it) = resumption {
            it.left = left - passed;
            (it.point.at, it.point.offset) = (self.walk.at.kept(), it.left);
            it.point.at.page_size = Some(size);
            it.point.progress.page_size_granted = self.walk.at.grid;
        }
        self.last = Last::None;
    }
}

/// The next smaller page size of a list in which the place does not depend on it.
fn cursor_size(asked: u64, least: u64) -> Option<u64> {
    Some((asked / PART).max(least)).filter(|size| *size < asked)
}
