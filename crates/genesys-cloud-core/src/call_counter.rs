//! Counts calls for the report of a list.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::response::RawResponse;

/// Makes calls and counts them. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallCounter(Arc<Mutex<Calls>>);

/// Counts of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) requests: u64,
    /// Attempts beyond the first of each call.
    pub(crate) retries: u64,
    /// Time spent waiting for the rate limiter and before retries.
    pub(crate) waited: Duration,
}

impl Calls {
    pub(crate) fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.retries += other.retries;
        self.waited += other.waited;
    }
}

impl CallCounter {
    /// Sends a request.
    pub(crate) async fn execute(
        &self,
        client: &Client,
        request: &Request,
    ) -> Result<RawResponse, Error> {
        self.lock().requests += 1;
        let response = client.execute(request).await;
        self.count_attempts(&response, 1);
        response
    }

    /// Requests a page. The call is counted right away, not when the future is polled.
    pub(crate) fn fetch(
        &self,
        client: Client,
        request: Request,
    ) -> BoxFuture<'static, Result<Option<RawResponse>, Error>> {
        let calls = self.clone();
        calls.lock().requests += 1;
        async move {
            let response = client.execute(&request).await;
            calls.count_attempts(&response, 1);
            response.map(Some)
        }
        .boxed()
    }

    /// Retries a page request whose response could not be used, after this many earlier retries. All of its attempts
    /// count as retries.
    pub(crate) fn fetch_again(
        &self,
        client: Client,
        request: Request,
        retries: u32,
        error: Error,
    ) -> BoxFuture<'static, Result<Option<RawResponse>, Error>> {
        let calls = self.clone();
        async move {
            let response = client.execute_again(&request, retries, error).await;
            calls.count_attempts(&response, 0);
            response.map(Some)
        }
        .boxed()
    }

    fn count_attempts(&self, response: &Result<RawResponse, Error>, first: u32) {
        let (attempts, waited) = match response {
            Ok(response) => (response.attempts(), response.waited()),
            Err(error) => (error.attempts(), error.waited()),
        };
        let mut calls = self.lock();
        calls.retries += u64::from(attempts.saturating_sub(first));
        calls.waited += waited;
    }

    /// Returns the counts since the last call of this, and resets them.
    pub(crate) fn take(&self) -> Calls {
        std::mem::take(&mut *self.lock())
    }

    /// A poisoned lock is usable: the counts are always consistent.
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
