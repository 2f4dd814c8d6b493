//! Custom endpoints: call, page and submit jobs to endpoints that the bindings lack.
//!
//! An [`Operation`] names the endpoint, and a [`Call`] sends one request to it. A [`ListSpec`] describes how it pages,
//! for [`Paginator::from_request`](crate::Paginator::from_request). A [`JobSpec`] describes how its jobs run, for
//! [`Job::submit`](crate::Job::submit) and [`Paginator::from_job`](crate::Paginator::from_job). All of them take the
//! [`Client`](crate::Client).
//!
//! ```no_run
//! use genesys_cloud::endpoint::{ListSpec, Method, Operation, Request, Scheme};
//! use genesys_cloud::{Client, Error, Paginator};
//!
//! # async fn example(client: Client) -> Result<(), Error> {
//! let operation = Operation::new("getThings", Method::Get, "/api/v2/things");
//! let spec = ListSpec::new(Scheme::PageNumber, "entities");
//! let mut things =
//!     Paginator::<serde_json::Value>::from_request(&client, Request::new(operation), spec);
//! while let Some(thing) = things.try_next().await? {
//!     println!("{thing}");
//! }
//! # Ok(())
//! # }
//! ```

pub use genesys_cloud_core::{
    Availability, Call, Cap, Completion, Decode, DecodeError, ExtractedPage, FileForm, JobId,
    JobOperation, JobSpec, ListSpec, Method, NextToken, Operation, PageSize, Param, ParamLocation,
    Record, Request, ResultLocation, Results, Scheme, Wire,
};
