//! The page whose items are being delivered.

use super::reader::RangeReader;
use crate::paging::Page;

/// A page whose items are being delivered.
pub(super) struct CurrentPage {
    /// How many items it has, duplicates among them.
    pub(super) items: usize,
    /// The places of those that are new, with their ids. `None` if ids do not matter: all are delivered.
    pub(super) new: Option<Vec<(usize, Option<u128>)>>,
    /// How many have been delivered.
    delivered: usize,
}

impl CurrentPage {
    /// Whether all of its items have been delivered or dropped.
    pub(super) fn is_delivered(&self) -> bool {
        self.place() == self.items
    }

    /// How many items of the page are before the next one that is delivered.
    pub(super) fn place(&self) -> usize {
        match &self.new {
            None => self.delivered,
            Some(new) if self.delivered >= new.len() => self.items,
            Some(new) => self.delivered.checked_sub(1).map_or(0, |last| new[last].0 + 1),
        }
    }

    /// The items that have not been delivered, by their ids.
    pub(super) fn rest(&self) -> &[(usize, Option<u128>)] {
        self.new.as_deref().and_then(|new| new.get(self.delivered..)).unwrap_or_default()
    }

    /// How many of those have no id.
    pub(super) fn rest_without_id(&self) -> u64 {
        self.rest().iter().filter(|(_, id)| id.is_none()).count() as u64
    }
}

impl<T> RangeReader<T> {
    /// Makes a page the current one: drops the items that came before, and those beyond the limit.
    pub(super) fn deliver(&mut self, mut page: Page<T>) -> Page<T> {
        let mut current = CurrentPage { items: page.items().len(), new: None, delivered: 0 };
        if self.settings.options.dedupe_by.is_some() {
            let (ids, report) = (&mut self.recent_ids, &mut self.report);
            let before = report.without_id;
            let (mut new, mut place) = (Vec::with_capacity(current.items), 0);
            page.retain_by_id(|id| {
                let is_new = id.is_none_or(|id| ids.note(id));
                report.without_id += u64::from(id.is_none());
                report.duplicates += u64::from(!is_new);
                if is_new {
                    new.push((place, id));
                }
                place += 1;
                is_new
            });
            current.new = Some(new);
            if let Some(first) = self.windows.front_mut() {
                first.without_id += report.without_id - before;
            }
        }
        self.current = Some(current);
        // After a resume, the items beyond the limit come again.
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

    /// Ends the current page: all of its items have been delivered.
    pub(super) fn finish_page(&mut self) {
        if let (Some(page), Some(first)) = (self.current.take(), self.windows.front_mut()) {
            first.list.handed_out(page.items);
        }
    }
}
