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
//! as the service is known to, and [`MockOrg::expected`] says what a client must get out of it.
//!
//! ```
//! use genesys_cloud_mock::{MockOrg, Scenario};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let org = MockOrg::start().await?;
//! org.scenario("getRoutingQueues", Scenario::ShortPage)?;
//! // .. your client reads all queues, ten a page ..
//! let expected = org.expected("getRoutingQueues")?.records;
//! # assert_eq!(expected.len(), 35);
//! # Ok(())
//! # }
//! ```
//!
//! # Jobs
//!
//! Every operation that submits a job has its way to tell how far it is and to hand out what came
//! of it: pages, a part of the status, or files behind presigned URLs on another port, where no
//! token is taken. A [`JobScenario`] lets the jobs of an operation go on or go wrong in a certain
//! way, and [`MockOrg::expected_job`] says what a client must get out of one. A job that was never
//! submitted to this org is not found: 404.
//!
//! ```
//! use genesys_cloud_mock::{JobEnd, JobPace, JobScenario, MockOrg};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let org = MockOrg::start().await?;
//! let submit = "postAnalyticsConversationsDetailsJobs";
//! org.job_scenario(submit, JobScenario::UnknownState)?;
//! org.job_pace(submit, JobPace::Polls(10))?;
//! // .. your client submits the job and reads its results ..
//! let expected = org.expected_job(submit)?;
//! assert_eq!((expected.records.len(), expected.end), (100, JobEnd::Succeeded));
//! # Ok(())
//! # }
//! ```
//!
//! # Intervals
//!
//! A [`Timeline`] spreads the records of a query or of the results of a job over a range of time.
//! It can bound how long an interval may be and how many records one may hold, so that a client
//! has to ask for smaller ones.
//!
//! # Faults
//!
//! A [`FaultPlan`] lets requests go wrong by chance, with a seed that brings the same faults again, or at
//! given places: limits, resets, errors of gateways, broken and huge bodies, tokens that end
//! ([`FaultKind`]). [`MockOrg::injected`] counts them, so that a test can tell whether a client asks again as
//! often as it has to, and not more. A [`RateLimit`] is kept to in windows or as a bucket, with or
//! without others who use the same token.
//!
//! ```
//! use genesys_cloud_mock::{FaultPlan, MockOrg};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let org = MockOrg::builder().list("getRoutingQueues", 500).start().await?;
//! for seed in 0..100 {
//!     org.inject(FaultPlan::random(seed));
//!     // .. your client reads all queues ..
//!     assert!(org.request_count() <= 5 * 100 + org.injected().repetitions(), "seed {seed}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Lies
//!
//! A [`Lie`] is a reply that claims to be what was asked for and is not: an error with status 200, a page that is
//! another one, a list that moved while nobody read it, a job whose submit was lost. [`MockOrg::lies`] has those
//! that an operation can tell, [`Lie::due`] says what a client must make of each, and [`MockOrg::unsent`] which
//! records no reply has had: as long as there are some, no client can have the whole list.
//!
//! ```
//! use genesys_cloud_mock::{Due, MockOrg};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let org = MockOrg::start().await?;
//! for lie in org.lies("getRoutingQueues")? {
//!     org.reset();
//!     org.lie("getRoutingQueues", lie)?;
//!     // .. your client reads all queues ..
//!     let must_fail = lie.due() == Due::Error;
//! #   let _ = must_fail;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! Nothing is stored: a record that was posted is answered once and not listed afterwards.
//! Of the filters, only `name` filters lists; others are accepted and ignored, but a token of
//! one query is refused in another.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod available;
mod cache;
mod check;
mod classify;
mod clock;
mod connection;
mod digits;
mod error;
mod expected;
mod faults;
mod fingerprint;
mod identity;
mod jobs;
mod journal;
mod lies;
mod limit;
mod listing;
mod lists;
mod login;
mod name;
mod org;
mod paging;
mod query;
mod reply;
mod rng;
mod routes;
mod scenario;
mod scheme;
mod script;
mod server;
mod service;
mod shape;
mod timeline;
mod timestamp;

pub use connection::ConnectionFault;
pub use error::Error;
pub use expected::{Expected, ExpectedEnd};
pub use faults::{FaultKind, FaultPlan, Injected};
pub use jobs::{ExpectedJob, JobEnd, JobPace, JobScenario};
pub use journal::RecordedRequest;
pub use lies::{Due, Lie, Moment};
pub use limit::{RateLimit, RateLimitHeaders};
pub use org::{MockOrg, MockOrgBuilder};
pub use reply::CannedReply;
pub use scenario::Scenario;
pub use scheme::Scheme;
pub use script::{Call, Fault, PageOverride};
pub use timeline::Timeline;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
