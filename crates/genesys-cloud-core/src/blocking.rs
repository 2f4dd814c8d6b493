//! Blocking calls, and lists as iterators, for programs without an async runtime.
//!
//! [`wait`] blocks on anything that async code would await: a call, the submit of a job, the next batch of a list.
//! [`iter`] turns a list into an iterator. The first use starts a Tokio runtime that the whole program shares. Its one
//! thread also renews tokens and prefetches pages.
//!
//! In async code, await the call instead: there, both return an error
//! ([`ErrorKind::NoRuntime`](crate::ErrorKind::NoRuntime)). `spawn_blocking` counts as async code.
//!
//! ```no_run
//! use genesys_cloud_core::{Client, Error, ListSpec, Method, Operation, Paginator, Request, Scheme, blocking};
//!
//! fn main() -> Result<(), Error> {
//!     let client = Client::from_env()?;
//!     let operation = Operation::new("getRoutingQueues", Method::Get, "/api/v2/routing/queues");
//!     let listing = ListSpec::new(Scheme::PageNumber, "entities");
//!     let queues = Paginator::<serde_json::Value>::from_request(&client, Request::new(operation), listing);
//!     let mut queues = blocking::iter(queues);
//!     for queue in &mut queues {
//!         println!("{}", queue?["name"]);
//!     }
//!     println!("{}", queues.get_ref().report().verdict());
//!     Ok(())
//! }
//! ```

use std::fmt;
use std::future::IntoFuture;
use std::sync::OnceLock;

use futures::stream::{Stream, StreamExt as _};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::Error;

/// Blocks until a call has ended, or any other future of this SDK.
///
/// ```no_run
/// # use genesys_cloud_core::{Call, Client, Error, Method, Operation, RawResponse, blocking};
/// # fn example(client: &Client) -> Result<(), Error> {
/// let operation = Operation::new("getUsersMe", Method::Get, "/api/v2/users/me");
/// let response = blocking::wait(Call::<RawResponse>::new(client, operation))?;
/// println!("{}", response.status());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the call. In async code, [`ErrorKind::NoRuntime`](crate::ErrorKind::NoRuntime) before anything is sent.
pub fn wait<T, F>(call: F) -> Result<T, Error>
where
    F: IntoFuture<Output = Result<T, Error>>,
{
    runtime()?.block_on(call.into_future())
}

/// Turns a list, the results of a job, or a time range into an iterator of `Result<T, Error>`.
///
/// As with the stream, an error does not end it: the following `next` retries the failed request. A loop that continues
/// after errors should limit their number.
pub fn iter<S, T>(list: S) -> Iter<S>
where
    S: Stream<Item = Result<T, Error>> + Unpin,
{
    Iter { list }
}

/// An iterator over a list, from [`iter`].
#[must_use = "iterators do nothing until items are read"]
pub struct Iter<S> {
    list: S,
}

impl<S> Iter<S> {
    /// Returns a reference to the list, for its report or checkpoint.
    pub fn get_ref(&self) -> &S {
        &self.list
    }

    /// Returns a mutable reference to the list.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.list
    }

    /// Returns the list, to continue it in another way.
    pub fn into_inner(self) -> S {
        self.list
    }
}

impl<S, T> Iterator for Iter<S>
where
    S: Stream<Item = Result<T, Error>> + Unpin,
{
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match runtime() {
            Ok(runtime) => runtime.block_on(self.list.next()),
            Err(error) => Some(Err(error)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.list.size_hint()
    }
}

impl<S: fmt::Debug> fmt::Debug for Iter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("list", &self.list).finish()
    }
}

/// The runtime of all blocking calls.
fn runtime() -> Result<&'static Runtime, Error> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    if Handle::try_current().is_ok() {
        return Err(Error::within_runtime());
    }
    let runtime = RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(1).thread_name("genesys-cloud").enable_all();
        builder
            .build()
            .map_err(|error| format!("can't start the runtime for blocking calls: {error}"))
    });
    runtime.as_ref().map_err(|why| Error::config(why.clone()))
}
