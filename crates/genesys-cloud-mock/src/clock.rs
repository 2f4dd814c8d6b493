use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::timestamp::Timestamp;

/// The clock of an org. It follows the Tokio clock, which a test may pause and advance, at a constant speed, and
/// can be advanced on its own.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    start: Instant,
    started: Timestamp,
    /// Seconds of the org per second of the Tokio clock.
    speed: f64,
    /// The time by which it was advanced, in milliseconds.
    advanced: Arc<AtomicU64>,
}

impl Clock {
    /// A clock that shows the current time.
    pub(crate) fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::start_at(Timestamp::of(since.as_millis() as u64), 1.0)
    }

    pub(crate) fn start_at(started: Timestamp, speed: f64) -> Self {
        Self { start: Instant::now(), started, speed, advanced: Arc::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = self.start.elapsed();
        let elapsed = match self.speed {
            1.0 => elapsed,
            speed => Duration::try_from_secs_f64(elapsed.as_secs_f64() * speed)
                .unwrap_or(Duration::from_millis(u64::MAX)),
        };
        let advanced = Duration::from_millis(self.advanced.load(Ordering::Relaxed));
        self.started.after(elapsed).after(advanced)
    }

    /// Advances this clock and its clones.
    pub(crate) fn advance(&self, time: Duration) {
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let add = |advanced: u64| Some(advanced.saturating_add(time));
        // The closure never refuses.
        let _ = self.advanced.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Returns the time since `timestamp`.
    pub(crate) fn since(&self, timestamp: Timestamp) -> Duration {
        let now = self.now().milliseconds();
        Duration::from_millis(now.saturating_sub(timestamp.milliseconds()))
    }
}
