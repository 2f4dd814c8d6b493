//! What the calls of jobs cost, for the report of the list that they are made for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::client::Client;
use crate::error::Error;
use crate::paging::Calls;
use crate::reply::RawReply;
use crate::request::Request;

/// Makes calls and counts them. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Mutex<Calls>>);

impl Tally {
    pub(super) async fn execute(
        &self,
        client: &Client,
        request: &Request,
    ) -> Result<RawReply, Error> {
        self.lock().requests += 1;
        let reply = client.execute(request).await;
        let (attempts, waited) = match &reply {
            Ok(reply) => (reply.attempts(), reply.waited()),
            Err(error) => (error.attempts(), error.waited()),
        };
        let mut calls = self.lock();
        calls.repeated += u64::from(attempts.saturating_sub(1));
        calls.waited += waited;
        drop(calls);
        reply
    }

    /// What has been made since this was asked last.
    pub(crate) fn take(&self) -> Calls {
        std::mem::take(&mut *self.lock())
    }

    /// Counts are whole whenever the lock is let go.
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
