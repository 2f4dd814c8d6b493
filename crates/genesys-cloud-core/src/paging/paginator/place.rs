//! The place in a list up to which items were yielded.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Paginator;
use crate::paging::checkpoint_state::{ListPoint, Yielded};
use crate::paging::item_hashes::PageText;
use crate::paging::selection::Selection;

/// The last page, as far as a checkpoint needs it.
#[derive(Default)]
pub(super) struct LastPage {
    pub(super) text: Option<Arc<PageText>>,
    /// The items of it that are yielded.
    pub(super) selection: Selection,
    /// The ids of those items, if duplicates are dropped.
    pub(super) ids: Vec<Option<u128>>,
    /// Items of the list yielded before it.
    pub(super) before: u64,
}

/// A place in a list from which a checkpoint can be made.
pub(in crate::paging) struct Mark {
    point: ListPoint,
    /// The path of the items in the page that contains the place.
    items: Cow<'static, str>,
    /// How much of that page was yielded.
    yielded: Yielded,
    /// The text of that page.
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
    /// Starts at a place that was saved at this time. `None` if the checkpoint is one of a time range.
    pub(crate) fn start_at(&mut self, point: Option<ListPoint>, saved: DateTime<Utc>) {
        self.fetcher.resume_at(point, Some(saved));
    }

    /// The place up to which items were yielded.
    pub(crate) fn point(&self) -> ListPoint {
        self.mark(0).point()
    }

    /// The place `back` yielded items back, within the current page.
    pub(in crate::paging) fn mark(&self, back: usize) -> Mark {
        // Skipped items lie between those that were yielded.
        let items = self.fetcher.delivered().saturating_sub(back as u64);
        self.mark_at(self.yielded(items), items)
    }

    /// The place at which this much of the current page and this many items in all have been yielded.
    fn mark_at(&self, yielded: Yielded, items: u64) -> Mark {
        let text = self.last.text.clone();
        let mut point = self.fetcher.point(yielded, items, text.as_deref());
        if let Some(known) = &self.known {
            let of_page = usize::try_from(items.saturating_sub(self.last.before));
            let ids = self.last.ids.iter().skip(of_page.unwrap_or(usize::MAX));
            point.ids = known.for_checkpoint(ids.flatten().copied()).0;
        }
        Mark { point, items: self.fetcher.spec().items_path(), yielded, text }
    }

    /// Resumes at a place.
    pub(crate) fn resume_at(mut self, point: ListPoint) -> Self {
        self.fetcher.resume_at(Some(point), None);
        self
    }

    /// The place after this many items that are not counted as yielded yet, within the current page.
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
