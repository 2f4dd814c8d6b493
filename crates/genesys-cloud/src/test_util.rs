//! Utilities for unit tests of code that uses the SDK.
//!
//! - [`Client::of`] creates a client for a [fake org](mock::MockOrg), which serves every operation over HTTP on
//!   loopback.
//! - [`client()`] creates a client whose calls are answered by a function, without HTTP, login or waits.
//! - [`ResponseTemplate`] is a response of the API, which converts to a [`Response`](crate::Response) or an [`Error`].
//! - [`Response::new`](crate::Response::new), [`Page::from_items`](crate::Page::from_items),
//!   [`Paginator::from_items`](crate::Paginator::from_items) and
//!   [`Paginator::from_pages`](crate::Paginator::from_pages) hold values of the test.
//!
//! ```
//! # #[cfg(feature = "routing")]
//! # mod example {
//! use genesys_cloud::test_util::ResponseTemplate;
//! use genesys_cloud::types::Queue;
//! use genesys_cloud::{Error, Paginator};
//!
//! /// The code under test: counts the members of all queues.
//! async fn members(mut queues: Paginator<Queue>) -> Result<i64, Error> {
//!     let mut members = 0;
//!     while let Some(queue) = queues.try_next().await? {
//!         members += queue.member_count.unwrap_or(0);
//!     }
//!     Ok(members)
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! pub async fn main() {
//!     let queue = |members| Queue { member_count: Some(members), ..Default::default() };
//!     let queues = Paginator::from_items([queue(3), queue(4)]);
//!     assert_eq!(members(queues).await.expect("two queues"), 7);
//!
//!     let outage = ResponseTemplate::new(503).into_error("getRoutingQueues");
//!     let queues = Paginator::from_pages([Ok(vec![queue(3)]), Err(outage)]);
//!     assert_eq!(members(queues).await.expect_err("an outage").status(), Some(503));
//! }
//! # }
//! # #[cfg(feature = "routing")]
//! # example::main();
//! ```

pub use genesys_cloud_core::test_util::ResponseTemplate;
pub use genesys_cloud_mock as mock;

use crate::endpoint::Request;
use crate::{Client, Error};

/// Creates a client whose calls are answered by a function. As with a real response, a status that the operation does
/// not accept becomes an error. Nothing is retried.
///
/// ```
/// # #[cfg(feature = "routing")]
/// # mod example {
/// use genesys_cloud::test_util::{self, ResponseTemplate};
/// use serde_json::json;
///
/// #[tokio::main(flavor = "current_thread")]
/// pub async fn main() -> Result<(), genesys_cloud::Error> {
///     let client = test_util::client(|request| {
///         Ok(match request.operation().id() {
///             "getRoutingQueue" => ResponseTemplate::new(200).set_body_json(json!({"name": "Sales"})),
///             _ => ResponseTemplate::new(404),
///         })
///     });
///     let queue = client.routing().queue("7c1f9a52").send().await?;
///     assert_eq!(queue.value().name.as_deref(), Some("Sales"));
///     Ok(())
/// }
/// # }
/// # #[cfg(feature = "routing")]
/// # example::main().expect("a queue");
/// ```
///
/// # Panics
/// If no HTTP client can be created on this machine.
pub fn client(
    respond: impl Fn(&Request) -> Result<ResponseTemplate, Error> + Send + Sync + 'static,
) -> Client {
    genesys_cloud_core::test_util::client(respond).into()
}
