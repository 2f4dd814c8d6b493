//! Which records have been handed out.

use std::collections::HashSet;

/// How many ids are remembered unless it is said.
const MOST: usize = 500_000;

/// The ids of the records that were handed out last, as hashes of 128 bits, in bounded memory.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    most: usize,
    recent: HashSet<u128>,
    /// Those that came before the recent ones, down to the first that is remembered.
    older: HashSet<u128>,
    /// How many have been let go.
    pub(super) forgotten: u64,
}

impl Known {
    pub(crate) fn new() -> Self {
        Self { most: MOST, recent: HashSet::new(), older: HashSet::new(), forgotten: 0 }
    }

    /// Remembers so many at least, and twice as many at most.
    pub(super) fn remember(&mut self, most: usize) {
        self.most = most.max(1);
    }

    /// Which ids are known, or come twice in these.
    pub(crate) fn which(&self, ids: &[Option<u128>]) -> Vec<bool> {
        let mut here = HashSet::new();
        let mut has_come =
            |id: &u128| self.recent.contains(id) || self.older.contains(id) || !here.insert(*id);
        ids.iter().map(|id| id.as_ref().is_some_and(&mut has_come)).collect()
    }

    /// Notes an id. Whether it is new, as far as is remembered.
    pub(crate) fn note(&mut self, id: u128) -> bool {
        if self.recent.contains(&id) {
            return false;
        }
        // One that comes again may do so once more.
        let is_new = !self.older.remove(&id);
        if self.recent.len() >= self.most {
            let older = std::mem::replace(&mut self.older, std::mem::take(&mut self.recent));
            self.forgotten += older.len() as u64;
        }
        self.recent.insert(id);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ids_are_remembered_in_bounded_memory() {
        let mut known = Known::new();
        known.remember(10);
        for id in 0..1000 {
            assert!(known.note(id), "{id}");
            // The last ten, this one among them.
            for last in id.saturating_sub(9)..=id {
                assert!(!known.clone().note(last), "{last} at {id}");
            }
            assert!(known.recent.len() + known.older.len() <= 20);
        }
        assert_eq!(known.forgotten, 1000 - (known.recent.len() + known.older.len()) as u64);
        assert!(known.note(0), "forgotten");
    }

    #[test]
    fn an_id_that_keeps_coming_is_not_forgotten() {
        let mut known = Known::new();
        known.remember(10);
        known.note(7777);
        for id in 0..1000 {
            known.note(id);
            if id % 5 == 0 {
                assert!(!known.note(7777), "{id}");
            }
        }
    }
}
