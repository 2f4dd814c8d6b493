use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// How many calls a token may make before it gets a 429, for
/// [`MockOrgBuilder::rate_limit`](crate::MockOrgBuilder::rate_limit).
///
/// Time is the Tokio clock, which a test may pause and advance.
///
/// ```
/// use std::time::Duration;
///
/// use genesys_cloud_mock::{MockOrg, RateLimit};
///
/// // As the service does, with another program that makes 50 calls per minute with the same token.
/// let limit = RateLimit::window(300, Duration::from_secs(60)).others(50);
/// let org = MockOrg::builder().rate_limit(limit);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a rate limit does nothing until it is given to an org"]
pub struct RateLimit {
    calls: u64,
    per: Duration,
    is_bucket: bool,
    /// Calls per minute by other programs.
    others: u64,
    headers: RateLimitHeaders,
}

/// The headers in which responses report the [`RateLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RateLimitHeaders {
    /// `inin-ratelimit-count`, `-allowed` and `-reset`, as the service sends them.
    #[default]
    Inin,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, as gateways send them.
    Gateway,
    /// None: only a 429 with `Retry-After` reveals the limit.
    None,
}

impl RateLimit {
    /// Allows this many calls in each window of this length. A window begins with the first call of a token,
    /// and the next one with the first call after its end.
    pub fn window(calls: u64, length: Duration) -> Self {
        Self { calls, per: length, is_bucket: false, others: 0, headers: RateLimitHeaders::Inin }
    }

    /// Allows a burst of this many calls, and refills at an even rate of as many per `time`.
    pub fn bucket(calls: u64, time: Duration) -> Self {
        Self { is_bucket: true, ..Self::window(calls, time) }
    }

    /// Lets other programs use every token: this many calls per minute, evenly, from the first call of the
    /// token on.
    pub fn others(mut self, calls_per_minute: u64) -> Self {
        self.others = calls_per_minute;
        self
    }

    /// Sets the headers that report the limit.
    pub fn headers(mut self, headers: RateLimitHeaders) -> Self {
        self.headers = headers;
        self
    }
}

/// The recent calls of each token.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: RateLimit,
    tokens: HashMap<String, Usage>,
    refused: u64,
}

#[derive(Debug)]
struct Usage {
    /// Start of the window; for a bucket, time of the last update.
    since: Instant,
    /// Calls made of those allowed, including refused ones where they count.
    used: f64,
}

/// The content of the rate limit headers, including the current call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LimitStatus {
    pub(crate) count: u64,
    pub(crate) allowed: u64,
    /// Seconds until the count resets.
    pub(crate) reset: u64,
    /// Seconds until the next call may be made, if this one is refused.
    pub(crate) retry_after: Option<u64>,
    headers: RateLimitHeaders,
}

impl Limiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { limit, tokens: HashMap::new(), refused: 0 }
    }

    /// The number of calls beyond the limit.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    pub(crate) fn forget_refused(&mut self) {
        self.refused = 0;
    }

    pub(crate) fn count(&mut self, token: &str) -> LimitStatus {
        let (now, limit) = (Instant::now(), self.limit);
        // By then, a bucket is full again.
        self.tokens.retain(|_, usage| now < usage.since + limit.per);
        let usage = self.tokens.entry(token.to_owned());
        let usage = usage.or_insert(Usage { since: now, used: 0.0 });
        let limit_status = match limit.is_bucket {
            true => usage.count_in_bucket(limit, now),
            false => usage.count_in_window(limit, now),
        };
        self.refused += u64::from(limit_status.is_exceeded());
        limit_status
    }
}

impl Usage {
    fn count_in_window(&mut self, limit: RateLimit, now: Instant) -> LimitStatus {
        self.used += 1.0;
        let passed = now - self.since;
        let count = self.used as u64 + limit.by_others(passed) as u64;
        let reset = seconds(limit.per.saturating_sub(passed));
        let retry_after = (count > limit.calls).then_some(reset);
        LimitStatus { count, allowed: limit.calls, reset, retry_after, headers: limit.headers }
    }

    fn count_in_bucket(&mut self, limit: RateLimit, now: Instant) -> LimitStatus {
        let passed = now - self.since;
        let rate = limit.calls as f64 / limit.per.as_secs_f64();
        let filled = rate * passed.as_secs_f64();
        self.since = now;
        let most = limit.calls as f64;
        self.used = (self.used - filled + limit.by_others(passed)).clamp(0.0, most) + 1.0;
        let lacking = self.used - most;
        let until = |calls: f64| seconds(Duration::from_secs_f64((calls / rate).max(0.0)));
        let retry_after = (lacking > 0.0).then(|| until(lacking).max(1));
        let count = self.used.ceil() as u64;
        if retry_after.is_some() {
            self.used -= 1.0;
        }
        let (allowed, reset) = (limit.calls, until(self.used));
        LimitStatus { count, allowed, reset, retry_after, headers: limit.headers }
    }
}

impl RateLimit {
    /// The number of calls by other programs in this time.
    fn by_others(self, time: Duration) -> f64 {
        self.others as f64 * time.as_secs_f64() / 60.0
    }
}

impl LimitStatus {
    /// The rate limit headers.
    pub(crate) fn headers(self) -> Vec<(&'static str, u64)> {
        let Self { count, allowed, reset, .. } = self;
        match self.headers {
            RateLimitHeaders::Inin => vec![
                ("inin-ratelimit-count", count),
                ("inin-ratelimit-allowed", allowed),
                ("inin-ratelimit-reset", reset),
            ],
            RateLimitHeaders::Gateway => vec![
                ("x-ratelimit-limit", allowed),
                ("x-ratelimit-remaining", allowed.saturating_sub(count)),
                ("x-ratelimit-reset", reset),
            ],
            RateLimitHeaders::None => Vec::new(),
        }
    }

    pub(crate) fn is_exceeded(self) -> bool {
        self.retry_after.is_some()
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1_000) as u64
}
