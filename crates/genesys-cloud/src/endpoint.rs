//! Endpoints that the bindings do not know: called, paged and submitted by what you say of them.
//!
//! An [`Operation`] names the endpoint. A [`Call`] sends one request of it; a [`Listing`] says how it pages, for
//! [`Paginator::over`](crate::Paginator::over), and a [`Family`] how its jobs run, for
//! [`Job::submit`](crate::Job::submit) and [`Paginator::over_job`](crate::Paginator::over_job). All of them
//! take the [`Client`](crate::Client).
//!
//! ```no_run
//! use genesys_cloud::endpoint::{Listing, Method, Operation, Request, Scheme};
//! use genesys_cloud::{Client, Error, Paginator};
//!
//! # async fn example(client: Client) -> Result<(), Error> {
//! let operation = Operation::new("getThings", Method::Get, "/api/v2/things");
//! let listing = Listing::new(Scheme::PageNumber, "entities");
//! let mut things =
//!     Paginator::<serde_json::Value>::over(&client, Request::new(operation), listing);
//! while let Some(thing) = things.try_next().await? {
//!     println!("{thing}");
//! }
//! # Ok(())
//! # }
//! ```

pub use genesys_cloud_core::{
    Availability, Call, Cap, Decode, DecodeError, DoneWhen, Extracted, Family, FileForm, JobCall,
    JobId, Listing, Method, Operation, PageSize, Param, Place, Record, Request, Results, ResultsAt,
    Scheme, TokenOut, Wire,
};
