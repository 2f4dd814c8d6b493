//! How far the items of a list have been delivered.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Paginator;
use crate::paging::checkpoint_state::{ListPoint, Yielded};
use crate::paging::item_hashes::PageText;
use crate::paging::selection::Selection;

/// The page that was read last, as far as a checkpoint needs it.
#[derive(Default)]
pub(super) struct LastPage {
    pub(super) text: Option<Arc<PageText>>,
    /// Which of its items are handed out.
    pub(super) selection: Selection,
    /// The ids of those, where what comes twice is left out.
    pub(super) ids: Vec<Option<u128>>,
    /// How many items of the list had been handed out before it.
    pub(super) before: u64,
}

/// A place in a list, for a checkpoint if one is wanted.
pub(in crate::paging) struct Mark {
    point: ListPoint,
    /// The path of the items of the page in which it is, how far that was handed out, and its text.
    items: Cow<'static, str>,
    yielded: Yielded,
    text: Option<Arc<PageText>>,
}

impl Mark {
    pub(in crate::paging) fn point(&self) -> ListPoint {
        let mut point = self.point.clone();
        if let Some(text) = &self.text {
            point.know(text, &self.items, self.yielded);
        }
        point
    }
}

impl<T> Paginator<T> {
    /// Starts at a place that was saved at this time. `None`: what was saved is of a range of time.
    pub(crate) fn start_at(&mut self, point: Option<ListPoint>, saved: DateTime<Utc>) {
        self.fetcher.resume_at(point, Some(saved));
    }

    /// How far the items have been delivered.
    pub(crate) fn point(&self) -> ListPoint {
        self.mark(0).point()
    }

    /// The place before so many of the items that were handed out last, all of the page at hand.
    pub(in crate::paging) fn mark(&self, back: usize) -> Mark {
        // Items that were left out of the page stand between those that were not.
        let items = self.fetcher.delivered().saturating_sub(back as u64);
        self.mark_at(self.yielded(items), items)
    }

    /// The place where the page at hand has been handed out so far, and so many items in all.
    fn mark_at(&self, yielded: Yielded, items: u64) -> Mark {
        let text = self.last.text.clone();
        let mut point = self.fetcher.point(yielded, items, text.as_deref());
        if let Some(known) = &self.known {
            let yielded = usize::try_from(items.saturating_sub(self.last.before));
            let ids = self.last.ids.iter().skip(yielded.unwrap_or(usize::MAX));
            point.ids = known.for_checkpoint(ids.flatten().copied()).0;
        }
        Mark { point, items: self.fetcher.spec().items_path(), yielded, text }
    }

    /// Goes on from a place.
    pub(crate) fn resume_at(mut self, point: ListPoint) -> Self {
        self.fetcher.resume_at(Some(point), None);
        self
    }

    /// The place after so many of the items that have not been counted as handed out, all of the page at hand.
    pub(crate) fn point_after(&self, items: usize) -> ListPoint {
        let items = self.fetcher.delivered() + items as u64;
        self.mark_at(self.yielded(items), items).point()
    }

    /// How much of the current page has been yielded once this many items of the list have been.
    fn yielded(&self, items: u64) -> Yielded {
        let LastPage { selection, before, .. } = &self.last;
        let since = usize::try_from(items.saturating_sub(*before)).unwrap_or(usize::MAX);
        Yielded { items: selection.done_with(since), of: selection.page() }
    }
}
