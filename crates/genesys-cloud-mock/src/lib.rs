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
//! # What it does not do
//!
//! Nothing is stored: a record that was posted is answered once and not listed afterwards.
//! Of the filters, only `name` filters lists; others are accepted and ignored. Only lists
//! that page by [`Scheme::PageNumber`] are paged so far; others come in one piece.

mod api;
mod chance;
mod check;
mod digits;
mod error;
mod identity;
mod journal;
mod limit;
mod listing;
mod login;
mod moment;
mod name;
mod org;
mod query;
mod reply;
mod routes;
mod scheme;
mod script;
mod server;
mod service;
mod shape;

pub use error::Error;
pub use journal::RecordedRequest;
pub use org::{MockOrg, MockOrgBuilder};
pub use reply::CannedReply;
pub use scheme::Scheme;
pub use script::{Call, Fault, PageOverride};
