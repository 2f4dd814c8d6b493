//! Detects cycles in a sequence of hashes.

use std::collections::HashSet;

/// Number of recent hashes always remembered. A cycle no longer than this is detected at its first repetition.
const RECENT: usize = 4096;

/// Hashes seen so far, in bounded memory.
#[derive(Clone, Debug, Default)]
pub(super) struct CycleDetector {
    recent: HashSet<u64>,
    older: HashSet<u64>,
    count: u64,
    /// A hash that is kept until the sequence has doubled in length, so that a cycle of any length meets it again
    /// (R. P. Brent, An improved Monte Carlo factorization algorithm, 1980).
    anchor: Option<u64>,
}

impl CycleDetector {
    pub(super) fn contains(&self, hash: u64) -> bool {
        self.anchor == Some(hash) || self.recent.contains(&hash) || self.older.contains(&hash)
    }

    pub(super) fn insert(&mut self, hash: u64) {
        if self.recent.len() >= RECENT {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(hash);
        self.count += 1;
        if self.count.is_power_of_two() {
            self.anchor = Some(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps until a cycle of this length is detected, after this many steps before it.
    fn steps(lead: u64, cycle: u64) -> u64 {
        let mut seen = CycleDetector::default();
        let mut at = 0;
        for steps in 0.. {
            if seen.contains(at) {
                return steps;
            }
            assert!(seen.recent.len() + seen.older.len() <= 2 * RECENT);
            seen.insert(at);
            at = if at + 1 == lead + cycle { lead } else { at + 1 };
        }
        unreachable!("no cycle was detected")
    }

    #[test]
    fn detects_every_cycle_in_bounded_memory() {
        let recent = RECENT as u64;
        for (lead, cycle) in [(0, 1), (0, 2), (5, 1), (100_000, 2), (3, recent), (100_000, recent)]
        {
            assert_eq!(steps(lead, cycle), lead + cycle, "{lead} {cycle}");
        }
        for (lead, cycle) in [(0, 3 * recent), (7, 100_000), (100_000, 9999)] {
            assert!(steps(lead, cycle) <= 4 * (lead + cycle), "{lead} {cycle}");
        }
    }
}
