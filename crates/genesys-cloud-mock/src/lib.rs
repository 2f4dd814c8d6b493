//! A fake Genesys Cloud org on loopback, for your tests, demos and benchmarks.
//!
//! It answers every operation of the API document: lists of any size page as the service
//! pages them, records look like the real ones and are the same on every run, and a test can
//! make anything go wrong. Nothing leaves your machine.
//!
//! ```
//! use genesys_cloud_mock::{CannedReply, MockOrg};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let org = MockOrg::builder().seed(42).list("getRoutingQueues", 2_500).start().await?;
//! org.respond_next("getRoutingQueues", CannedReply::rate_limited(1))?;
//!
//! // Point your client at the org, and log in with its id and secret.
//! let (_url, _id, _secret) = (org.url(), org.client_id(), org.client_secret());
//!
//! // .. the code you test runs here ..
//!
//! assert_eq!(org.logins(), 0);
//! assert!(org.requests().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! The `genesys-cloud-mock` binary (feature `cli`, on by default) runs the same org by itself
//! and prints the environment variables that lead a client to it.
//!
//! # Lists that go wrong
//!
//! Every list pages as the service pages it, by its own [`Scheme`]. A [`Scenario`] lets it misbehave
//! as the service is known to, and [`MockOrg::truth`] says what a client must get out of it.
//!
//! ```
//! use genesys_cloud_mock::{MockOrg, Scenario};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let org = MockOrg::start().await?;
//! org.scenario("getRoutingQueues", Scenario::ShortPage)?;
//! // .. your client reads all queues, ten a page ..
//! let expected = org.truth("getRoutingQueues")?.records;
//! # assert_eq!(expected.len(), 35);
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! Nothing is stored: a record that was posted is answered once and not listed afterwards.
//! Of the filters, only `name` filters lists; others are accepted and ignored, but a token of
//! one query is refused in another.

mod api;
mod cache;
mod chance;
mod check;
mod classify;
mod connection;
mod digits;
mod error;
mod fingerprint;
mod identity;
mod journal;
mod limit;
mod listing;
mod lists;
mod login;
mod moment;
mod name;
mod org;
mod paging;
mod query;
mod reply;
mod routes;
mod scenario;
mod scheme;
mod script;
mod server;
mod service;
mod shape;
mod truth;

pub use connection::ConnectionFault;
pub use error::Error;
pub use journal::RecordedRequest;
pub use org::{MockOrg, MockOrgBuilder};
pub use reply::CannedReply;
pub use scenario::Scenario;
pub use scheme::Scheme;
pub use script::{Call, Fault, PageOverride};
pub use truth::{Truth, TruthEnd};
