use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// How many calls a token may make before it gets a 429, for
/// [`MockOrgBuilder::rate_limit`](crate::MockOrgBuilder::rate_limit).
///
/// Time is that of the clock of tokio, which a test may stop and set forward.
///
/// ```
/// use std::time::Duration;
///
/// use genesys_cloud_mock::{MockOrg, RateLimit};
///
/// // As the service does it, with another program that makes 50 calls a minute with the same token.
/// let limit = RateLimit::window(300, Duration::from_secs(60)).others(50);
/// let org = MockOrg::builder().rate_limit(limit);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it limits only once it is given to an org"]
pub struct RateLimit {
    calls: u64,
    per: Duration,
    is_bucket: bool,
    /// Calls of others, in a minute.
    others: u64,
    headers: RateLimitHeaders,
}

/// By which headers the replies of an org tell of its [`RateLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RateLimitHeaders {
    /// `inin-ratelimit-count`, `-allowed` and `-reset`, as the service sends them.
    #[default]
    Inin,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, as gateways do.
    Gateway,
    /// None: a limit is noticed when it is hit, by `Retry-After`.
    None,
}

impl RateLimit {
    /// So many calls in each window of this length. The first call of a token begins its first window,
    /// and the first one after its end the next.
    pub fn window(calls: u64, length: Duration) -> Self {
        Self { calls, per: length, is_bucket: false, others: 0, headers: RateLimitHeaders::Inin }
    }

    /// So many calls at once, after which as many more are allowed in this time, evenly.
    pub fn bucket(calls: u64, time: Duration) -> Self {
        Self { is_bucket: true, ..Self::window(calls, time) }
    }

    /// Others use every token too: so many calls a minute, evenly, from the token's first call on.
    pub fn others(mut self, calls_per_minute: u64) -> Self {
        self.others = calls_per_minute;
        self
    }

    /// Tells of the limit by these headers.
    pub fn told_by(mut self, headers: RateLimitHeaders) -> Self {
        self.headers = headers;
        self
    }
}

/// The calls of each token, as far as they count.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: RateLimit,
    tokens: HashMap<String, Usage>,
    refused: u64,
}

#[derive(Debug)]
struct Usage {
    /// The start of the window; of a bucket, when it was looked at last.
    since: Instant,
    /// How many calls were made of those allowed; refused ones too, where they count.
    used: f64,
}

/// What the rate limit headers say, the call itself included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) count: u64,
    pub(crate) allowed: u64,
    /// Seconds until the count begins anew.
    pub(crate) reset: u64,
    /// Seconds until another call may be made, if this one may not.
    pub(crate) retry_after: Option<u64>,
    headers: RateLimitHeaders,
}

impl Limiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { limit, tokens: HashMap::new(), refused: 0 }
    }

    /// How many calls were more than allowed.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    pub(crate) fn forget_refused(&mut self) {
        self.refused = 0;
    }

    pub(crate) fn count(&mut self, token: &str) -> Standing {
        let (now, limit) = (Instant::now(), self.limit);
        // What is left of a bucket after that is as good as a new one.
        self.tokens.retain(|_, usage| now < usage.since + limit.per);
        let usage = self.tokens.entry(token.to_owned());
        let usage = usage.or_insert(Usage { since: now, used: 0.0 });
        let standing = match limit.is_bucket {
            true => usage.count_in_bucket(limit, now),
            false => usage.count_in_window(limit, now),
        };
        self.refused += u64::from(standing.is_exceeded());
        standing
    }
}

impl Usage {
    fn count_in_window(&mut self, limit: RateLimit, now: Instant) -> Standing {
        self.used += 1.0;
        let passed = now - self.since;
        let count = self.used as u64 + limit.by_others(passed) as u64;
        let reset = seconds(limit.per.saturating_sub(passed));
        let retry_after = (count > limit.calls).then_some(reset);
        Standing { count, allowed: limit.calls, reset, retry_after, headers: limit.headers }
    }

    fn count_in_bucket(&mut self, limit: RateLimit, now: Instant) -> Standing {
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
        Standing { count, allowed, reset, retry_after, headers: limit.headers }
    }
}

impl RateLimit {
    /// How many calls others make in a time.
    fn by_others(self, time: Duration) -> f64 {
        self.others as f64 * time.as_secs_f64() / 60.0
    }
}

impl Standing {
    /// The headers that tell of it.
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
