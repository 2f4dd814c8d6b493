//! For programs without an async runtime: calls that wait, and lists as iterators.
//!
//! [`wait`] runs anything of this SDK that is awaited elsewhere: a call, the submit of a job, the next batch of a
//! list. [`iter`] turns a list into an iterator. Both run on one Tokio runtime that all of the program shares;
//! it is started by the first of them, and its one thread also renews tokens and reads pages ahead.
//!
//! In async code both are an error ([`ErrorKind::NoRuntime`](crate::ErrorKind::NoRuntime)) rather than a panic: await there
//! instead. Code that runs on the threads
//! for blocking work of an async runtime counts as async code.
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

/// Waits for a call, or for anything else that is awaited in async code.
///
/// ```no_run
/// # use genesys_cloud_core::{Call, Client, Error, Method, Operation, RawResponse, blocking};
/// # fn example(client: &Client) -> Result<(), Error> {
/// let operation = Operation::new("getUsersMe", Method::Get, "/api/v2/users/me");
/// let reply = blocking::wait(Call::<RawResponse>::new(client, operation))?;
/// println!("{}", reply.status());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the call. In async code an error that says so, before anything is sent.
pub fn wait<T, F>(call: F) -> Result<T, Error>
where
    F: IntoFuture<Output = Result<T, Error>>,
{
    runtime()?.block_on(call.into_future())
}

/// The items of a list, of the results of a job, or of a range of time, as an iterator.
///
/// As with the stream, an error does not end it: the next call of `next` makes the failed request again. A loop that
/// goes on after errors should count them.
pub fn iter<S, T>(list: S) -> Iter<S>
where
    S: Stream<Item = Result<T, Error>> + Unpin,
{
    Iter { list }
}

/// A list as an iterator: see [`iter`].
#[must_use = "an iterator does nothing until items are asked for"]
pub struct Iter<S> {
    list: S,
}

impl<S> Iter<S> {
    /// The list, for its report and its checkpoint.
    pub fn get_ref(&self) -> &S {
        &self.list
    }

    /// The list.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.list
    }

    /// The list, to be read on in another way.
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

/// The runtime that all blocking calls of the program share.
fn runtime() -> Result<&'static Runtime, Error> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    if Handle::try_current().is_ok() {
        return Err(Error::within_runtime());
    }
    let runtime = RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(1).thread_name("genesys-cloud").enable_all();
        builder.build().map_err(|error| format!("the runtime for blocking calls: {error}"))
    });
    runtime.as_ref().map_err(|why| Error::config(why.clone()))
}
