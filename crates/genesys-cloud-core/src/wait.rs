//! Waits of a client: why, how long, and who is told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A wait that a call begins, as [`ClientBuilder::on_wait`](crate::ClientBuilder::on_wait) is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait<'a> {
    /// The operationId of the call that waits, such as `getRoutingQueues`.
    pub operation: &'a str,
    /// Why it waits.
    pub reason: WaitReason,
    /// How long it is going to wait: an estimate, as a rule within a factor of two. `None` if that depends on the answers
    /// to calls under way.
    pub expected: Option<Duration>,
}

/// Why a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// Nothing is known yet of the rate limit, or of its new window, and enough calls are under way to
    /// find out.
    Unknown,
    /// The calls that the API allows in this window are used up, but for the reserve.
    Budget,
    /// The calls that the API allows are spread over the window, since there are more than it allows.
    Spread,
    /// The API answered 429 to a call with this token.
    RateLimited,
    /// Calls of this operation have a limit of their own at the API, which was hit before.
    Endpoint,
    /// The client's own `max_requests_per_second`.
    RequestsPerSecond,
    /// The client's own `max_concurrent_requests`.
    ConcurrentRequests,
    /// The call failed, and is to be sent again.
    Retry,
    /// The login failed, and is to be tried again.
    Login,
}

impl WaitReason {
    /// The name under which it stands in traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Budget => "budget",
            Self::Spread => "spread",
            Self::RateLimited => "rate limited",
            Self::Endpoint => "endpoint",
            Self::RequestsPerSecond => "requests per second",
            Self::ConcurrentRequests => "concurrent requests",
            Self::Retry => "retry",
            Self::Login => "login",
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Waits from this length on are told at the level INFO: they are what a person who looks on wonders at.
const LONG: Duration = Duration::from_secs(1);

type OnWait = dyn Fn(&Wait<'_>) + Send + Sync;

/// Tells of waits as they begin: traces them, and calls the hook of the user.
#[derive(Clone, Default)]
pub(crate) struct WaitObserver(Option<Arc<OnWait>>);

impl WaitObserver {
    pub(crate) fn new(on_wait: impl Fn(&Wait<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(on_wait)))
    }

    pub(crate) fn tell(&self, wait: &Wait<'_>) {
        let &Wait { operation, reason, expected } = wait;
        let expected_ms = expected.map(|expected| expected.as_millis() as u64);
        if expected.is_some_and(|expected| expected >= LONG) {
            tracing::info!(operation, %reason, expected_ms, "waiting");
        } else {
            tracing::debug!(operation, %reason, expected_ms, "waiting");
        }
        if let Some(on_wait) = &self.0 {
            on_wait(wait);
        }
    }
}
