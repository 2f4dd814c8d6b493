//! Reads pages again when a page shows that items have moved.

use super::{Last, PageFetcher};
use crate::paging::checkpoint_state::{ListPoint, Yielded};
use crate::paging::cursor_state::{CursorState, PageInfo, Position};
use crate::paging::grid::{MOST_CHANGES, Realignment, realignment};
use crate::paging::item_hashes::PageText;
use crate::paging::progress::Counted;
use crate::paging::resume::Resume;
use crate::paging::selection::Overlap;
use crate::paging::step::Contradiction;

impl PageFetcher {
    /// Whether another page must be read before this one, since it may have the items expected here.
    pub(super) fn reads_elsewhere_first(
        &mut self,
        page: &PageInfo,
        text: &PageText,
        before: Option<&PageText>,
    ) -> Result<bool, Contradiction> {
        Ok(self.goes_back(page, before)
            || self.looks_back(page, text)
            || self.has_lost_its_place(page, text)
            || self.realigns(page, before)?)
    }

    /// Goes back by a page if the list has become shorter since that was read: items after it have moved up and may be
    /// on it now.
    fn goes_back(&mut self, page: &PageInfo, before: Option<&PageText>) -> bool {
        let Last::Passed(at) = &self.last else { return false };
        let previous = self.cursor.at.previous.as_ref();
        let has_shrunk = previous.is_some_and(|previous| page.total < previous.total)
            && page.total > Some(0)
            // Wrong counts may be wrong again each time.
            && (self.page_number() > self.rereads.went_back_at.0
                || page.total < Some(self.rereads.went_back_at.1));
        if !self.is_numbered() || !has_shrunk || !matches!(self.resume, Resume::Idle) {
            return false;
        }
        let item_hashes = before.and_then(|text| text.item_hashes(self.spec().items()));
        let item_hashes = item_hashes.filter(|item_hashes| {
            previous.is_some_and(|it| it.records() == item_hashes.len() as u64)
        });
        let Some(item_hashes) = item_hashes.filter(|item_hashes| !item_hashes.is_empty()) else {
            return false;
        };
        let mut at = at.clone();
        if let Some(previous) = &mut at.previous {
            previous.total = page.total;
        }
        // The first page was due before any response stated its size.
        at.grid = self.cursor.at.grid;
        let (operation, number) = (self.operation().id(), self.page_number());
        tracing::info!(
            operation,
            page = number,
            "the list became shorter; reading the previous page again"
        );
        self.rereads.went_back_at = (number, page.total.unwrap_or(0));
        let found_at = std::mem::replace(&mut self.cursor.at, at);
        self.rereads.overlap = Some((Overlap::new(item_hashes), found_at));
        self.progress.read_again += 1;
        self.last = Last::None;
        // Pages in flight were requested before.
        self.queue.clear();
        true
    }

    /// Goes back by a page if the list has become shorter since the checkpoint and this page has none of the items
    /// delivered last: they, and the items after them, are further in front now.
    fn looks_back(&mut self, page: &PageInfo, text: &PageText) -> bool {
        if !self.is_numbered() || self.resume.skip_of_page().is_none() {
            return false;
        }
        let Some(point) = self.resume.point() else { return false };
        let (Position::Number(number), Position::Number(begun)) =
            (&self.cursor.at.due, &point.at.due)
        else {
            return false;
        };
        let gone = point.progress.totals.last.zip(page.total.filter(|total| *total > 0));
        let gone = gone.map_or(0, |(before, now)| before.saturating_sub(now));
        if gone == 0 || point.known.is_empty() || self.has_known_items(text) {
            return false;
        }
        let sizes = [point.progress.page_size_granted, point.at.page_size];
        let size = sizes.into_iter().flatten().next().unwrap_or(point.at.largest).max(1);
        // The earliest index at which the next item can be.
        let before = point.at.before.unwrap_or((begun - 1).saturating_mul(size));
        let first = (before + point.offset).saturating_sub(gone);
        if *number <= first / size + 1 {
            // All of them are gone. The next item is here at the earliest; duplicates are better than losses.
            if *number == first / size + 1 {
                self.resume.set_skip_of_page(first % size);
            }
            self.progress.moved = true;
            return false;
        }
        let (operation, due) = (self.operation().id(), number - 1);
        tracing::info!(operation, page = due, "the list became shorter; looking for the position");
        let skip = point.at.previous.as_ref().map_or(size, |previous| previous.items);
        let CursorState { pages, counted, page_size, .. } = self.cursor.at;
        self.cursor.at = CursorState {
            due: Position::Number(due),
            pages: pages.saturating_sub(1),
            counted: Counted { pages: counted.pages.saturating_sub(1), ..counted },
            page_size,
            before: point.at.before.map(|_| (due - 1).saturating_mul(size)),
            previous: None,
            ..point.at.clone()
        };
        self.resume.look_back(skip);
        self.progress.read_again += 1;
        self.queue.clear();
        true
    }

    /// Whether a page has one of the items delivered last.
    fn has_known_items(&self, text: &PageText) -> bool {
        let known = self.resume.point().map_or(&[][..], |point| &point.known);
        let item_hashes = text.item_hashes(self.spec().items()).unwrap_or_default();
        item_hashes.iter().any(|mark| known.contains(mark))
    }

    /// Whether the page that should have the items delivered last, in the new page size, has none of them. The list
    /// then continues from where the size changed. An empty page shows that the new size was only the length of the
    /// last page; otherwise items may be missing or duplicated.
    fn has_lost_its_place(&mut self, page: &PageInfo, text: &PageText) -> bool {
        if !self.resume.is_resized() || self.has_known_items(text) {
            return false;
        }
        let Some(resized) = self.resume.lose_place() else { return false };
        let grid = page.page_size.or(self.cursor.at.grid);
        self.cursor.at = CursorState { grid, largest: self.cursor.at.largest, ..resized };
        self.progress.moved |= page.items > 0;
        self.queue.clear();
        true
    }

    /// Goes to the page with the last item read if a page shows that the API has changed the page size.
    fn realigns(
        &mut self,
        page: &PageInfo,
        before: Option<&PageText>,
    ) -> Result<bool, Contradiction> {
        let is_overlap = self.rereads.overlap.is_some();
        let read = match (&self.resume, self.resume.skip_of_page()) {
            // The items of a page that is being read again.
            (Resume::Idle, _) => {
                let overlap = self.rereads.overlap.as_ref();
                overlap.map_or(0, |(overlap, _)| overlap.item_hashes().len() as u64)
            }
            (_, Some(read)) => read,
            (_, None) => return Ok(false),
        };
        let Some(Realignment { before: size_before, size, page: number, skip }) =
            realignment(&self.cursor, page, read)
        else {
            return Ok(false);
        };
        let due = self.page_number();
        self.rereads.resized += 1;
        if self.rereads.resized > MOST_CHANGES {
            return Err(Contradiction::Resized { due, size, before: size_before });
        }
        let mut point = match self.resume.point() {
            Some(point) => point.clone(),
            None => self.point_after_page(before),
        };
        let operation = self.operation().id();
        tracing::info!(operation, page = due, size, "the API changed the page size; realigning");
        // A page being read again is counted when it is accepted.
        let counted = if is_overlap { self.cursor.at.counted } else { point.at.counted };
        let realigned = CursorState {
            due: Position::Number(number),
            counted,
            page_size: self.cursor.at.page_size,
            before: Some((number - 1).saturating_mul(size)),
            largest: size,
            grid: Some(size),
            previous: None,
            ..point.at
        };
        let resized = std::mem::replace(&mut self.cursor.at, realigned.clone());
        self.progress.read_again += 1;
        (point.at, point.offset) = (realigned, skip);
        point.progress.read_again = self.progress.read_again;
        self.resume.realign(point, resized);
        self.last = Last::None;
        self.queue.clear();
        Ok(true)
    }

    /// The place after the page accepted last.
    fn point_after_page(&self, text: Option<&PageText>) -> ListPoint {
        let path = self.spec().items();
        let items = text.and_then(|text| text.item_hashes(path)).map_or(0, <[u64]>::len);
        let yielded = Yielded { items, of: items };
        let mut point = self.point(yielded, self.delivered(), text);
        if let Some(text) = text {
            point.know(text, path, yielded);
        }
        point
    }
}
