//! The ids of the last items delivered.

use std::collections::{HashSet, VecDeque};

use crate::options::ReadOptions;

/// The default number of remembered ids.
const DEFAULT_REMEMBERED: usize = 500_000;

/// The default number of ids in a checkpoint: 16 bytes of text each.
const DEFAULT_IN_CHECKPOINT: usize = 10_000;

/// The ids of the last items delivered, as hashes of 128 bits, in bounded memory: two generations of sets.
#[derive(Clone, Debug)]
pub(crate) struct RecentIds {
    /// The capacity of `recent`. When it is full, it becomes `older`.
    remembered: usize,
    recent: HashSet<u128>,
    /// The previous generation.
    older: HashSet<u128>,
    /// The last ids of an earlier run, from its checkpoint, as hashes of 64 bits.
    resumed: HashSet<u64>,
    /// The last ids in order, for the next checkpoint, as hashes of 64 bits.
    last: VecDeque<u64>,
    /// The capacity of `last`.
    in_checkpoint: usize,
    /// How many ids have been dropped.
    pub(crate) forgotten: u64,
}

impl RecentIds {
    /// Makes an empty set. The options have its capacity.
    pub(crate) fn new(options: &ReadOptions) -> Self {
        Self {
            remembered: options.remember.unwrap_or(DEFAULT_REMEMBERED).max(1),
            recent: HashSet::new(),
            older: HashSet::new(),
            resumed: HashSet::new(),
            last: VecDeque::new(),
            in_checkpoint: options.remember_in_checkpoint.unwrap_or(DEFAULT_IN_CHECKPOINT),
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
        let last = known.len().saturating_sub(self.in_checkpoint);
        self.last = known[last..].iter().copied().collect();
        self.forgotten = forgotten;
    }

    /// The last ids for a checkpoint, and how many earlier ones it lacks. `without` has the ids of items that have
    /// not been delivered yet.
    pub(crate) fn for_checkpoint(&self, without: impl Iterator<Item = u128>) -> (Vec<u64>, u64) {
        let without: HashSet<u64> = without.map(short).collect();
        let last: Vec<u64> = self.last.iter().copied().filter(|id| !without.contains(id)).collect();
        let more = self.count().saturating_sub((without.len() + last.len()) as u64);
        (last, self.forgotten + more)
    }

    /// Returns which of these ids are duplicates: of remembered ids, or of an earlier one in `ids`.
    pub(crate) fn duplicates(&self, ids: &[Option<u128>]) -> Vec<bool> {
        let mut seen = HashSet::new();
        let mut is_duplicate = |id: &u128| {
            self.recent.contains(id)
                || self.older.contains(id)
                || self.resumed.contains(&short(*id))
                || !seen.insert(*id)
        };
        ids.iter().map(|id| id.as_ref().is_some_and(&mut is_duplicate)).collect()
    }

    /// Adds an id. Returns whether it is new, that is, not remembered.
    pub(crate) fn note(&mut self, id: u128) -> bool {
        let short = short(id);
        if self.recent.contains(&id) || self.resumed.contains(&short) {
            return false;
        }
        // A repeated id moves to the recent ones: it may be repeated again.
        let is_new = !self.older.remove(&id);
        if self.recent.len() >= self.remembered {
            let older = std::mem::replace(&mut self.older, std::mem::take(&mut self.recent));
            self.forgotten += older.len() as u64;
        }
        self.recent.insert(id);
        if is_new && self.in_checkpoint > 0 {
            if self.last.len() >= self.in_checkpoint {
                self.last.pop_front();
            }
            self.last.push_back(short);
        }
        is_new
    }
}

/// Half of the hash. Collisions among the ids of a checkpoint are negligible.
fn short(id: u128) -> u64 {
    (id >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_last_ids_in_bounded_memory() {
        let mut known = RecentIds::new(&ReadOptions::new().remember(10));
        for id in 0..1000 {
            assert!(known.note(id), "{id}");
            // The last ten, including this one.
            for last in id.saturating_sub(9)..=id {
                assert!(!known.clone().note(last), "{last} at {id}");
            }
            assert!(known.recent.len() + known.older.len() <= 20);
        }
        assert_eq!(known.forgotten, 1000 - (known.recent.len() + known.older.len()) as u64);
        assert!(known.note(0), "forgotten");
    }

    #[test]
    fn remembers_an_id_that_is_repeated() {
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
