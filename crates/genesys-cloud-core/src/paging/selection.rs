//! Which items of a page are handed out.

use std::collections::HashSet;

/// The items of a page that are handed out: those from one on, or some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// How many items the page has.
    of: usize,
    /// The first that is new.
    first: usize,
    /// The places of those that are new, if some after the first are not.
    places: Option<Vec<usize>>,
    /// How many of those that are new are allowed.
    allowed: usize,
}

impl Selection {
    /// The items from one on that have not come before, as far as that is known.
    pub(super) fn of(items: usize, first: usize, has_come: Option<Vec<bool>>) -> Self {
        let first = first.min(items);
        let places = has_come.map(|has_come| {
            let is_new = |place: &usize| !has_come.get(*place).copied().unwrap_or(false);
            (first..items).filter(is_new).collect::<Vec<_>>()
        });
        let mut selection = Self { of: items, first, places, allowed: 0 };
        selection.allowed = selection.new_items();
        selection
    }

    /// How many are new.
    pub(super) fn new_items(&self) -> usize {
        self.places.as_ref().map_or(self.of - self.first, Vec::len)
    }

    /// Allows so many at most. How many it then is.
    pub(super) fn up_to(&mut self, limit: u64) -> u64 {
        self.allowed = self.new_items().min(usize::try_from(limit).unwrap_or(usize::MAX));
        self.allowed as u64
    }

    /// How many are delivered.
    pub(super) const fn allowed(&self) -> usize {
        self.allowed
    }

    /// How many items the page has.
    pub(super) const fn page(&self) -> usize {
        self.of
    }

    /// How many of the page's items are done with once so many have been handed out.
    pub(super) fn done_with(&self, yielded: usize) -> usize {
        match &self.places {
            None => self.first.saturating_add(yielded).min(self.of),
            Some(places) => places.get(yielded).copied().unwrap_or(self.of),
        }
    }

    /// Those of a list that has an element for each item.
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

/// What a page is read again for: the list has become shorter, and what stood behind that page may have moved
/// to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlap {
    /// The hashes of the items that the page had.
    item_hashes: HashSet<u64>,
}

impl Overlap {
    pub(super) fn new(item_hashes: &[u64]) -> Self {
        Self { item_hashes: item_hashes.iter().copied().collect() }
    }

    /// The hashes, always in the same order.
    pub(super) fn item_hashes(&self) -> Vec<u64> {
        let mut item_hashes: Vec<u64> = self.item_hashes.iter().copied().collect();
        item_hashes.sort_unstable();
        item_hashes
    }

    /// Which items of the page it had before.
    pub(super) fn has_come(&self, item_hashes: &[u64]) -> Vec<bool> {
        item_hashes.iter().map(|mark| self.item_hashes.contains(mark)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_picked_by_their_places() {
        let some = |places: [bool; 5]| Some(places.to_vec());
        for (first, has_come, limit, taken, done_with) in [
            (0, None, 9, vec![0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5]),
            (2, None, 9, vec![2, 3, 4], [2, 3, 4, 5, 5, 5]),
            (2, None, 1, vec![2], [2, 3, 4, 5, 5, 5]),
            (7, None, 9, vec![], [5, 5, 5, 5, 5, 5]),
            (0, some([true, true, true, false, false]), 9, vec![3, 4], [3, 4, 5, 5, 5, 5]),
            (0, some([true, false, true, false, true]), 9, vec![1, 3], [1, 3, 5, 5, 5, 5]),
            (2, some([false, false, true, false, false]), 1, vec![3], [3, 4, 5, 5, 5, 5]),
            (0, some([true; 5]), 9, vec![], [5, 5, 5, 5, 5, 5]),
        ] {
            let mut selection = Selection::of(5, first, has_come);
            assert_eq!(selection.up_to(limit), taken.len() as u64);
            assert_eq!(selection.take(vec![0, 1, 2, 3, 4]), taken);
            assert_eq!([0, 1, 2, 3, 4, 5].map(|count| selection.done_with(count)), done_with);
        }
    }
}
