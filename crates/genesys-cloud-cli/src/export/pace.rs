//! How often the state of an export is saved.

use std::time::{Duration, Instant};

/// How long saves may take in all, before they are paced.
const FREE: Duration = Duration::from_secs(1);

/// Which part of the time saves may take from then on: one in so many.
const SHARE: u32 = 10;

/// Spaces out saves that cost more than the batches they are made after. A kill costs what came since the last one, and
/// that is no more than ten times what it took.
pub(super) struct Pace {
    began: Instant,
    spent: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), spent: Duration::ZERO }
    }

    /// Whether another save is due.
    pub(super) fn is_due(&self) -> bool {
        self.allows(self.began.elapsed())
    }

    fn allows(&self, elapsed: Duration) -> bool {
        self.spent <= FREE + elapsed / SHARE
    }

    /// Counts a save that began then.
    pub(super) fn saved(&mut self, began: Instant) {
        self.spent += began.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saves_take_a_second_and_then_a_tenth_of_the_time() {
        let mut pace = Pace::new();
        let seconds = Duration::from_secs;
        assert!(pace.allows(Duration::ZERO));
        pace.spent = seconds(3);
        assert!(!pace.allows(seconds(19)));
        assert!(pace.allows(seconds(20)));
    }
}
