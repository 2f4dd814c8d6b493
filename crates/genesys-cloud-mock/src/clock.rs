use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::timestamp::Timestamp;

/// The clock of an org. It follows the Tokio clock, which a test may pause and advance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    started: Timestamp,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), started: Timestamp::of(since.as_millis() as u64) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.started.after(self.start.elapsed())
    }

    /// Returns the time since `timestamp`.
    pub(crate) fn since(&self, timestamp: Timestamp) -> Duration {
        let now = self.now().milliseconds();
        Duration::from_millis(now.saturating_sub(timestamp.milliseconds()))
    }
}
