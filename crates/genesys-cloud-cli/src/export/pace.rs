//! When to save the state of an export.

use std::time::{Duration, Instant};

/// Total time of saves before they are paced.
const FREE: Duration = Duration::from_secs(1);

/// From then on, saves may take one tenth of the elapsed time.
const SHARE: u32 = 10;

/// Spaces out expensive saves. A kill loses the work since the last save: at most ten times the duration of a save.
pub(super) struct Pace {
    began: Instant,
    spent: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), spent: Duration::ZERO }
    }

    /// Returns whether a save is due.
    pub(super) fn is_due(&self) -> bool {
        self.allows(self.began.elapsed())
    }

    fn allows(&self, elapsed: Duration) -> bool {
        self.spent <= FREE + elapsed / SHARE
    }

    /// Counts a save that started at `began`.
    pub(super) fn saved(&mut self, began: Instant) {
        self.spent += began.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saves_may_take_one_second_and_then_a_tenth_of_the_time() {
        let mut pace = Pace::new();
        let seconds = Duration::from_secs;
        assert!(pace.allows(Duration::ZERO));
        pace.spent = seconds(3);
        assert!(!pace.allows(seconds(19)));
        assert!(pace.allows(seconds(20)));
    }
}
