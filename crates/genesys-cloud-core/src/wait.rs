//! Waits of calls, and how programs observe them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The start of a wait, passed to [`ClientBuilder::on_wait`](crate::ClientBuilder::on_wait).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait<'a> {
    /// The operationId of the waiting call, such as `getRoutingQueues`.
    pub operation: &'a str,
    /// Why the call waits.
    pub reason: WaitReason,
    /// Estimated length, usually within a factor of two. `None` if it depends on responses to calls in flight.
    pub expected: Option<Duration>,
}

/// Why a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// The rate limit, or that of the new window, is not known yet. A few calls are in flight to find out.
    LimitUnknown,
    /// The calls of this window are used up, except for the reserve.
    LimitReached,
    /// Calls are spread evenly over the window, because more are waiting than it allows.
    Pacing,
    /// The API answered 429 to a call with this token.
    TooManyRequests,
    /// The operation has its own limit, which an earlier call reached.
    OperationLimit,
    /// The client's `max_requests_per_second`.
    RequestsPerSecond,
    /// The client's `max_concurrent_requests`.
    ConcurrentRequests,
    /// The call failed and will be retried.
    Retry,
    /// The login failed and will be retried.
    Login,
}

impl WaitReason {
    /// Returns the name used in traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LimitUnknown => "rate limit unknown",
            Self::LimitReached => "rate limit reached",
            Self::Pacing => "pacing",
            Self::TooManyRequests => "too many requests",
            Self::OperationLimit => "operation limit",
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

/// Waits of at least this length are logged at INFO, since a user notices them.
const LONG: Duration = Duration::from_secs(1);

type OnWait = dyn Fn(&Wait<'_>) + Send + Sync;

/// Logs waits as they begin, and calls the program's hook.
#[derive(Clone, Default)]
pub(crate) struct WaitObserver(Option<Arc<OnWait>>);

impl WaitObserver {
    pub(crate) fn new(on_wait: impl Fn(&Wait<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(on_wait)))
    }

    pub(crate) fn notify(&self, wait: &Wait<'_>) {
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
