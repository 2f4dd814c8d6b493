//! One case: an org with a limit, and its clients.

use std::fmt;
use std::time::Duration;

use genesys_cloud_core::{Client, Method, Operation, Request};
use genesys_cloud_mock::{MockOrg, RateLimit, RateLimitHeaders};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Result;

const MINUTE: Duration = Duration::from_secs(60);

/// An operation with a short response, whose content does not matter.
const CALL: Operation = Operation::from_static(
    "getRoutingWrapupcode",
    Method::Get,
    "/api/v2/routing/wrapupcodes/{codeId}",
);

/// The default reserve of each client.
pub const RESERVE: u64 = 10;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// A number of calls in each minute.
    Window,
    /// A bucket of this many calls, refilled at the same number per minute.
    Bucket,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    One,
    /// Two clients that share only a token.
    Two,
}

#[derive(Clone, Copy)]
pub struct Case {
    /// The limit in calls per second.
    pub rate: u64,
    pub limit: Limit,
    pub clients: Clients,
    pub headers: RateLimitHeaders,
}

/// The counts of an org at some time.
#[derive(Clone, Copy, Default)]
pub struct Sample {
    /// The accepted calls.
    pub passed: u64,
    /// The calls rejected with 429.
    pub refused: u64,
}

impl Case {
    /// The number of calls allowed per minute, or at once.
    pub fn allowed(self) -> u64 {
        self.rate * 60
    }

    /// Calls the org for this many minutes and returns the counts at the end of each.
    pub async fn run(self, minutes: u32, latency: Duration) -> Result<Vec<Sample>> {
        let limit = match self.limit {
            Limit::Window => RateLimit::window(self.allowed(), MINUTE),
            Limit::Bucket => RateLimit::bucket(self.allowed(), MINUTE),
        };
        let limit = limit.headers(self.headers);
        let org = MockOrg::builder().latency(latency).rate_limit(limit).start().await?;
        let token = org.access_token();
        let mut callers = JoinSet::new();
        let begun = Instant::now();
        for _ in 0..if self.clients == Clients::One { 1 } else { 2 } {
            let client = Client::builder().api_url(org.url()).access_token(token.clone());
            let client: Client = client.build()?;
            // More than the concurrency limit, so that some calls are always waiting.
            for _ in 0..100 {
                callers.spawn(call(client.clone()));
            }
        }
        let mut samples = Vec::new();
        for minute in 1..=minutes {
            tokio::time::sleep_until(begun + MINUTE * minute).await;
            let refused = org.injected().limited;
            samples.push(Sample { passed: org.request_count() - refused, refused });
            if let Some(ended) = callers.try_join_next() {
                return Err(ended?.into());
            }
        }
        callers.shutdown().await;
        org.shutdown().await;
        Ok(samples)
    }
}

/// Calls repeatedly until a call fails.
async fn call(client: Client) -> genesys_cloud_core::Error {
    let mut request = Request::new(CALL);
    request.set_path("codeId", "1");
    loop {
        if let Err(error) = client.execute(&request).await {
            return error;
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = match self.limit {
            Limit::Window => "window",
            Limit::Bucket => "bucket",
        };
        let clients = match self.clients {
            Clients::One => "one",
            Clients::Two => "two",
        };
        let headers = match self.headers {
            RateLimitHeaders::Gateway => "`X-RateLimit-*`",
            RateLimitHeaders::None => "none",
            _ => "`inin-ratelimit-*`",
        };
        write!(f, "| {} | {limit} | {clients} | {headers} ", self.rate)
    }
}
