//! A fake Genesys Cloud org on loopback, for tests, demos and benchmarks.
//!
//! It answers every operation of the API document: lists of any size page as the service pages them, records
//! look real and are the same on every run, and a test can make any request fail. Nothing leaves your machine.
//!
//! ```
//! use genesys_cloud_mock::{CannedResponse, MockOrg};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let org = MockOrg::builder().seed(42).list("getRoutingQueues", 2_500).start().await?;
//! org.respond_next("getRoutingQueues", CannedResponse::rate_limited(1))?;
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
//! The `genesys-cloud-mock` binary (feature `cli`, on by default) runs the same org and prints the environment
//! variables for a client.
//!
//! # Lists that misbehave
//!
//! Every list pages by the [`Scheme`] of the service. A [`Scenario`] makes it misbehave in a way known from the
//! service, and [`MockOrg::expected`] returns what a client must read from it.
//!
//! ```
//! use genesys_cloud_mock::{MockOrg, Scenario};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let org = MockOrg::start().await?;
//! org.scenario("getRoutingQueues", Scenario::ShortPage)?;
//! // .. your client reads all queues, ten per page ..
//! let expected = org.expected("getRoutingQueues")?.records;
//! # assert_eq!(expected.len(), 35);
//! # Ok(())
//! # }
//! ```
//!
//! # Jobs
//!
//! Jobs report their status and return their results as those of the service do: in pages, in the status itself,
//! or as files behind presigned URLs on a second port, which refuses tokens. A
//! [`JobScenario`] makes the jobs of an operation run or fail in a certain way, and [`MockOrg::expected_job`]
//! returns what a client must read from one. A job that was not submitted to this org is not found: 404.
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
//! A [`Timeline`] spreads the records of a query, or of the results of a job, over a time range. It can limit
//! the length of an interval and the number of records in it, so that a client has to split its requests.
//!
//! # Faults
//!
//! A [`FaultPlan`] makes requests fail ([`FaultKind`]): rate limits, resets, gateway errors, broken and huge
//! bodies, expired tokens. Faults occur at random, reproducibly by seed, or at given requests.
//! [`MockOrg::injected`] counts them, so that a test can check that a client retries as often as necessary and
//! no more. A [`RateLimit`] is a window or a bucket, optionally shared with other programs that use the same
//! token.
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
//!     assert!(org.request_count() <= 5 * 100 + org.injected().required_retries(), "seed {seed}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Lies
//!
//! A [`Lie`] is a response that claims to be what was requested and is not: an error with status 200, the wrong
//! page, a list that changed between two reads, a job whose submit response was lost. [`MockOrg::lies`] returns
//! the lies that an operation supports, [`Lie::expected`] what a client must make of each, and [`MockOrg::unsent`]
//! the records that no response has contained: while there are any, no client can have the whole list.
//!
//! ```
//! use genesys_cloud_mock::{ExpectedOutcome, MockOrg};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let org = MockOrg::start().await?;
//! for lie in org.lies("getRoutingQueues")? {
//!     org.reset();
//!     org.lie("getRoutingQueues", lie)?;
//!     // .. your client reads all queues ..
//!     let must_fail = lie.expected() == ExpectedOutcome::Error;
//! #   let _ = must_fail;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Changes over time
//!
//! With an [`OrgTimeline`], records of 163 families of operations (list, create, read, update, delete) are created,
//! changed and deleted along the clock of the org, which [`MockOrg::advance`] advances. POST, PUT, PATCH and DELETE
//! persist; a deleted record and everything below it is not found: 404. Conversations, evaluations and presences
//! have times and are listed by interval, some of them late, and each change has its audit event.
//! [`MockOrg::expected_at`] and [`MockOrg::expected_events_at`] return what a correct reader must have at a time.
//!
//! ```
//! use std::time::Duration;
//! use genesys_cloud_mock::{MockOrg, OrgTimeline};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let timeline = OrgTimeline::new("2026-05-01T00:00Z");
//! let org = MockOrg::builder().timeline(timeline).start().await?;
//! // .. your client exports all queues, and updates the export a day later ..
//! org.advance(Duration::from_secs(86_400));
//! let expected = org.expected_at("/api/v2/routing/queues", &org.now())?;
//! # assert!(!expected.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! Lists below a record differ by record. Where their type is that of another list, they show records of that list:
//! members of a queue are users of the org, until the user is deleted. Fields refer to records of the org as well:
//! `userId` in a conversation, `agent` in an evaluation. Other lists below a record change only by requests.
//!
//! Recordings (`mediaUris`, batch downloads) and transcripts are small real files on the port of the files, behind
//! URLs that are valid for 15 minutes, even without a timeline.
//!
//! Filters by name, id, state and division, `sortBy` and `sortOrder`, searches (also in `q64`) and `expand` have an
//! effect where the document defines them. Users are active unless a request says otherwise. Filters in the body of
//! queries for conversations have no effect.
//!
//! # Limitations
//!
//! Without a timeline, nothing is stored: a POST returns the new record, but lists do not include it. Only the filter `name` has an
//! effect; other filters are accepted and ignored, except that a page token is valid only for the query that
//! returned it.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod availability;
mod cache;
mod check;
mod classify;
mod clock;
#[cfg(feature = "command")]
mod command;
mod connection;
mod digits;
mod error;
mod expected;
mod faults;
mod fingerprint;
mod history;
mod identity;
mod jobs;
mod journal;
mod lies;
mod limit;
mod listing;
mod lists;
mod login;
mod media;
mod name;
mod org;
mod paging;
mod query;
mod record_types;
mod response;
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

#[cfg(feature = "command")]
#[cfg_attr(docsrs, doc(cfg(feature = "command")))]
pub use command::{BehaviorOptions, MockBehaviorOptions};
pub use connection::ConnectionFault;
pub use error::Error;
pub use expected::{Expected, ExpectedEnd};
pub use faults::{FaultKind, FaultPlan, Injected};
pub use history::OrgTimeline;
pub use jobs::{ExpectedJob, JobEnd, JobPace, JobScenario};
pub use journal::RecordedRequest;
pub use lies::{ExpectedOutcome, Lie, Trigger};
pub use limit::{RateLimit, RateLimitHeaders};
pub use org::{MockOrg, MockOrgBuilder};
pub use response::CannedResponse;
pub use scenario::Scenario;
pub use scheme::Scheme;
pub use script::{Call, Fault, PageOverride};
pub use timeline::Timeline;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
