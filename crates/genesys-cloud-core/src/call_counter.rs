//! What calls cost, for the report of the list that they are made for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::response::RawResponse;

/// Makes calls and counts them. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallCounter(Arc<Mutex<Calls>>);

/// Calls that were made.
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
        let reply = client.execute(request).await;
        self.count_attempts(&reply, 1);
        reply
    }

    /// The same for a page of a list. It is counted at once.
    pub(crate) fn fetch(
        &self,
        client: Client,
        request: Request,
    ) -> BoxFuture<'static, Result<Option<RawResponse>, Error>> {
        let calls = self.clone();
        calls.lock().requests += 1;
        async move {
            let reply = client.execute(&request).await;
            calls.count_attempts(&reply, 1);
            reply.map(Some)
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
            let reply = client.execute_again(&request, retries, error).await;
            calls.count_attempts(&reply, 0);
            reply.map(Some)
        }
        .boxed()
    }

    fn count_attempts(&self, reply: &Result<RawResponse, Error>, first: u32) {
        let (attempts, waited) = match reply {
            Ok(reply) => (reply.attempts(), reply.waited()),
            Err(error) => (error.attempts(), error.waited()),
        };
        let mut calls = self.lock();
        calls.retries += u64::from(attempts.saturating_sub(first));
        calls.waited += waited;
    }

    /// What was made since this was asked last.
    pub(crate) fn take(&self) -> Calls {
        std::mem::take(&mut *self.lock())
    }

    /// Counts are whole whenever the lock is released.
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
