use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(60);

/// Counts the calls of each token in windows of a minute, as the service does.
#[derive(Debug)]
pub(crate) struct RateLimit {
    allowed: u64,
    windows: HashMap<String, Window>,
}

#[derive(Debug)]
struct Window {
    start: Instant,
    count: u64,
}

/// What the rate limit headers say, the call itself included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) count: u64,
    pub(crate) allowed: u64,
    /// Seconds until the count begins anew.
    pub(crate) reset: u64,
}

impl RateLimit {
    pub(crate) fn new(allowed: u64) -> Self {
        Self { allowed, windows: HashMap::new() }
    }

    pub(crate) fn count(&mut self, token: &str) -> Standing {
        let now = Instant::now();
        self.windows.retain(|_, window| now < window.start + WINDOW);
        let window =
            self.windows.entry(token.to_owned()).or_insert(Window { start: now, count: 0 });
        window.count += 1;
        let left = WINDOW.saturating_sub(now - window.start);
        Standing {
            count: window.count,
            allowed: self.allowed,
            reset: left.as_millis().div_ceil(1_000) as u64,
        }
    }
}

impl Standing {
    pub(crate) fn is_exceeded(self) -> bool {
        self.count > self.allowed
    }
}
