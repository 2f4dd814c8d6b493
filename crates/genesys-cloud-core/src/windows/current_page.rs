//! The page whose items are being delivered.

use super::reader::RangeReader;
use crate::paging::Page;

/// A page whose items are being delivered.
pub(super) struct CurrentPage {
    /// How many items it has, including duplicates.
    pub(super) items: usize,
    /// The indices and ids of the new ones. `None` without `dedupe_by`: all are delivered.
    pub(super) new: Option<Vec<(usize, Option<u128>)>>,
    delivered: usize,
}

impl CurrentPage {
    /// Whether all items have been delivered or dropped.
    pub(super) fn is_delivered(&self) -> bool {
        self.position() == self.items
    }

    /// How many items of the page, delivered or dropped, lie behind.
    pub(super) fn position(&self) -> usize {
        match &self.new {
            None => self.delivered,
            Some(new) if self.delivered >= new.len() => self.items,
            Some(new) => self.delivered.checked_sub(1).map_or(0, |last| new[last].0 + 1),
        }
    }

    /// The new items that have not been delivered yet: index and id.
    pub(super) fn rest(&self) -> &[(usize, Option<u128>)] {
        self.new.as_deref().and_then(|new| new.get(self.delivered..)).unwrap_or_default()
    }

    /// How many of those have no id.
    pub(super) fn rest_without_id(&self) -> u64 {
        self.rest().iter().filter(|(_, id)| id.is_none()).count() as u64
    }
}

impl<T> RangeReader<T> {
    /// Makes a page the current one. Drops duplicates and the items beyond the limit.
    pub(super) fn deliver(&mut self, mut page: Page<T>) -> Page<T> {
        let mut current = CurrentPage { items: page.items().len(), new: None, delivered: 0 };
        if self.settings.options.dedupe_by.is_some() {
            let (ids, report) = (&mut self.recent_ids, &mut self.report);
            let before = report.without_id;
            let (mut new, mut index) = (Vec::with_capacity(current.items), 0);
            page.retain_by_id(|id| {
                let is_new = id.is_none_or(|id| ids.note(id));
                report.without_id += u64::from(id.is_none());
                report.duplicates += u64::from(!is_new);
                if is_new {
                    new.push((index, id));
                }
                index += 1;
                is_new
            });
            current.new = Some(new);
            if let Some(first) = self.windows.front_mut() {
                first.without_id += report.without_id - before;
            }
        }
        self.current = Some(current);
        // A resumed page has the items beyond the limit again.
        let left = self.settings.options.limit.map(|limit| limit.saturating_sub(self.report.items));
        page.truncate(left.unwrap_or(u64::MAX));
        page
    }

    /// Counts delivered items.
    pub(super) fn delivered(&mut self, items: usize) {
        self.report.items += items as u64;
        if let Some(page) = &mut self.current {
            page.delivered += items;
        }
        self.check_limits();
    }

    /// Ends the current page, whose items have all been delivered.
    pub(super) fn finish_page(&mut self) {
        if let (Some(page), Some(first)) = (self.current.take(), self.windows.front_mut()) {
            first.list.count_yielded(page.items);
        }
    }
}
