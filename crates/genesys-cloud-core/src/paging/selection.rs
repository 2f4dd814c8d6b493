//! Which items of a page are yielded.

use std::collections::HashSet;

/// The items of a page to yield: all from an index on, or some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// Number of items of the page.
    of: usize,
    /// Index of the first new item.
    first: usize,
    /// Indexes of the new items, if not all after the first are new.
    places: Option<Vec<usize>>,
    /// Number of new items within the limit.
    allowed: usize,
}

impl Selection {
    /// Selects the items from index `first` on that were not seen before.
    pub(super) fn of(items: usize, first: usize, seen: Option<Vec<bool>>) -> Self {
        let first = first.min(items);
        let places = seen.map(|seen| {
            let is_new = |place: &usize| !seen.get(*place).copied().unwrap_or(false);
            (first..items).filter(is_new).collect::<Vec<_>>()
        });
        let mut selection = Self { of: items, first, places, allowed: 0 };
        selection.allowed = selection.new_items();
        selection
    }

    /// Number of new items.
    pub(super) fn new_items(&self) -> usize {
        self.places.as_ref().map_or(self.of - self.first, Vec::len)
    }

    /// Limits the selection to this many items. Returns how many it has then.
    pub(super) fn up_to(&mut self, limit: u64) -> u64 {
        self.allowed = self.new_items().min(usize::try_from(limit).unwrap_or(usize::MAX));
        self.allowed as u64
    }

    /// Number of items to yield.
    pub(super) const fn allowed(&self) -> usize {
        self.allowed
    }

    /// Number of items of the page.
    pub(super) const fn page(&self) -> usize {
        self.of
    }

    /// Number of items of the page that are yielded or skipped once this many have been yielded.
    pub(super) fn done_with(&self, yielded: usize) -> usize {
        match &self.places {
            None => self.first.saturating_add(yielded).min(self.of),
            Some(places) => places.get(yielded).copied().unwrap_or(self.of),
        }
    }

    /// Selects from a list with one element per item.
    pub(super) fn take<T>(&self, mut items: Vec<T>) -> Vec<T> {
        match &self.places {
            None => {
                items.truncate(self.first + self.allowed);
                items.drain(..self.first.min(items.len()));
                items
            }
            Some(places) => {
                let mut wanted = places[..self.allowed].iter().copied().peekable();
                let mut place = 0..;
                items.retain(|_| wanted.next_if_eq(&place.next().unwrap_or_default()).is_some());
                items
            }
        }
    }
}

/// The items that a page had before it is read again because the list became shorter, and items after it may have moved
/// to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlap {
    /// The hashes of the items.
    item_hashes: HashSet<u64>,
}

impl Overlap {
    pub(super) fn new(item_hashes: &[u64]) -> Self {
        Self { item_hashes: item_hashes.iter().copied().collect() }
    }

    /// The hashes in a stable order.
    pub(super) fn item_hashes(&self) -> Vec<u64> {
        let mut item_hashes: Vec<u64> = self.item_hashes.iter().copied().collect();
        item_hashes.sort_unstable();
        item_hashes
    }

    /// Which items the page had before.
    pub(super) fn seen(&self, item_hashes: &[u64]) -> Vec<bool> {
        item_hashes.iter().map(|mark| self.item_hashes.contains(mark)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_items_by_index() {
        let some = |places: [bool; 5]| Some(places.to_vec());
        for (first, seen, limit, taken, done_with) in [
            (0, None, 9, vec![0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5]),
            (2, None, 9, vec![2, 3, 4], [2, 3, 4, 5, 5, 5]),
            (2, None, 1, vec![2], [2, 3, 4, 5, 5, 5]),
            (7, None, 9, vec![], [5, 5, 5, 5, 5, 5]),
            (0, some([true, true, true, false, false]), 9, vec![3, 4], [3, 4, 5, 5, 5, 5]),
            (0, some([true, false, true, false, true]), 9, vec![1, 3], [1, 3, 5, 5, 5, 5]),
            (2, some([false, false, true, false, false]), 1, vec![3], [3, 4, 5, 5, 5, 5]),
            (0, some([true; 5]), 9, vec![], [5, 5, 5, 5, 5, 5]),
        ] {
            let mut selection = Selection::of(5, first, seen);
            assert_eq!(selection.up_to(limit), taken.len() as u64);
            assert_eq!(selection.take(vec![0, 1, 2, 3, 4]), taken);
            assert_eq!([0, 1, 2, 3, 4, 5].map(|count| selection.done_with(count)), done_with);
        }
    }
}
