//! What a walk has met, so that it does not go in circles.

use std::collections::HashSet;

/// How many are remembered one by one, at least: a shorter circle is noticed as soon as it closes.
const RECENT: usize = 4096;

/// Hashes of what a walk has met, in bounded memory, however long it is.
#[derive(Clone, Debug, Default)]
pub(super) struct CycleDetector {
    recent: HashSet<u64>,
    older: HashSet<u64>,
    count: u64,
    /// One that stays until twice as many have come by, so that a circle of any length meets it
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

    /// How many steps a walk takes that goes in a circle of this length after a way that leads into it.
    fn steps(lead: u64, circle: u64) -> u64 {
        let mut seen = CycleDetector::default();
        let mut at = 0;
        for steps in 0.. {
            if seen.contains(at) {
                return steps;
            }
            assert!(seen.recent.len() + seen.older.len() <= 2 * RECENT);
            seen.insert(at);
            at = if at + 1 == lead + circle { lead } else { at + 1 };
        }
        unreachable!("no circle was noticed")
    }

    #[test]
    fn every_circle_is_noticed_in_bounded_memory() {
        let recent = RECENT as u64;
        for (lead, circle) in [(0, 1), (0, 2), (5, 1), (100_000, 2), (3, recent), (100_000, recent)]
        {
            assert_eq!(steps(lead, circle), lead + circle, "{lead} {circle}");
        }
        for (lead, circle) in [(0, 3 * recent), (7, 100_000), (100_000, 9999)] {
            assert!(steps(lead, circle) <= 4 * (lead + circle), "{lead} {circle}");
        }
    }
}
