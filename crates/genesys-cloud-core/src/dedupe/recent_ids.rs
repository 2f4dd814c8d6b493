//! The ids of the items that were delivered last.

use std::collections::{HashSet, VecDeque};

use crate::options::ReadOptions;

/// How many ids are remembered by default.
const MOST: usize = 500_000;

/// How many ids a checkpoint keeps by default: 16 bytes of text each.
const KEPT: usize = 10_000;

/// The ids of the items that were delivered last, as hashes of 128 bits, in bounded memory.
#[derive(Clone, Debug)]
pub(crate) struct RecentIds {
    most: usize,
    recent: HashSet<u128>,
    /// Ids that came before the recent ones.
    older: HashSet<u128>,
    /// The last ids of an earlier run, from its checkpoint, as hashes of 64 bits.
    resumed: HashSet<u64>,
    /// The last ids in their order, for the next checkpoint, as hashes of 64 bits.
    last: VecDeque<u64>,
    /// The capacity of `last`.
    kept: usize,
    /// How many ids have been dropped.
    pub(crate) forgotten: u64,
}

impl RecentIds {
    /// Remembers none. How many there will be is in the options.
    pub(crate) fn new(options: &ReadOptions) -> Self {
        Self {
            most: options.remember.unwrap_or(MOST).max(1),
            recent: HashSet::new(),
            older: HashSet::new(),
            resumed: HashSet::new(),
            last: VecDeque::new(),
            kept: options.remember_in_checkpoint.unwrap_or(KEPT),
            forgotten: 0,
        }
    }

    /// How many ids are remembered.
    pub(crate) fn count(&self) -> u64 {
        (self.recent.len() + self.older.len() + self.resumed.len()) as u64
    }

    /// Restores the ids of a checkpoint.
    pub(crate) fn resume(&mut self, known: &[u64], forgotten: u64) {
        self.resumed = known.iter().copied().collect();
        self.last = known[known.len().saturating_sub(self.kept)..].iter().copied().collect();
        self.forgotten = forgotten;
    }

    /// The last ids for a checkpoint, and how many more there were. `without` are ids of items that have not been
    /// delivered.
    pub(crate) fn for_checkpoint(&self, without: impl Iterator<Item = u128>) -> (Vec<u64>, u64) {
        let without: HashSet<u64> = without.map(short).collect();
        let last: Vec<u64> = self.last.iter().copied().filter(|id| !without.contains(id)).collect();
        let more = self.count().saturating_sub((without.len() + last.len()) as u64);
        (last, self.forgotten + more)
    }

    /// Which of these ids have come before, or come twice in `ids`.
    pub(crate) fn which(&self, ids: &[Option<u128>]) -> Vec<bool> {
        let mut here = HashSet::new();
        let mut has_come = |id: &u128| {
            self.recent.contains(id)
                || self.older.contains(id)
                || self.resumed.contains(&short(*id))
                || !here.insert(*id)
        };
        ids.iter().map(|id| id.as_ref().is_some_and(&mut has_come)).collect()
    }

    /// Adds an id. Returns whether it is new, as far as is remembered.
    pub(crate) fn note(&mut self, id: u128) -> bool {
        let short = short(id);
        if self.recent.contains(&id) || self.resumed.contains(&short) {
            return false;
        }
        // One that comes again may do so once more.
        let is_new = !self.older.remove(&id);
        if self.recent.len() >= self.most {
            let older = std::mem::replace(&mut self.older, std::mem::take(&mut self.recent));
            self.forgotten += older.len() as u64;
        }
        self.recent.insert(id);
        if is_new && self.kept > 0 {
            if self.last.len() >= self.kept {
                self.last.pop_front();
            }
            self.last.push_back(short);
        }
        is_new
    }
}

/// Half of the hash: among the ids of a checkpoint, two are not alike in practice.
fn short(id: u128) -> u64 {
    (id >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ids_are_remembered_in_bounded_memory() {
        let mut known = RecentIds::new(&ReadOptions::new().remember(10));
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
        let mut known = RecentIds::new(&ReadOptions::new().remember(10));
        known.note(7777);
        for id in 0..1000 {
            known.note(id);
            if id % 5 == 0 {
                assert!(!known.note(7777), "{id}");
            }
        }
    }
}
