//! The runtime of the Genesys Cloud SDK for Rust: client, login, HTTP, lists, jobs and errors.
//!
//! Generated code describes operations as data ([`Operation`], [`Request`]); their behavior is implemented here. Programs
//! depend on the crate `genesys-cloud`, which re-exports the public API.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod bad_value;
mod base_url;
#[cfg(feature = "blocking")]
pub mod blocking;
mod call;
mod call_counter;
mod checkpoint;
mod client;
mod dedupe;
mod digest;
#[doc(hidden)]
pub mod display;
mod download;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[doc(hidden)]
pub mod generated;
mod http_client;
mod interval;
mod jobs;
mod json;
mod json_path;
#[doc(hidden)]
pub mod lenient;
mod list;
mod macros;
mod nested;
mod operation;
mod options;
mod page_identity;
mod paging;
mod param;
mod pipeline;
#[doc(hidden)]
pub mod private_file;
mod rate_limit;
#[doc(hidden)]
pub mod redact;
mod region;
mod request;
mod response;
mod retry;
mod runtime;
mod saved_job;
mod schedule;
mod spans;
#[cfg(feature = "catalogue")]
pub mod specs;
mod split_errors;
#[cfg(feature = "test-util")]
pub mod test_util;
mod tls;
mod wait;
mod windows;
mod wire;

/// The libraries whose types are in public signatures.
pub use {bytes, chrono, futures, http, serde_json};

pub use crate::auth::{AccessToken, TokenFuture, TokenProvider};
pub use crate::bad_value::{Fault, OnBadValue};
pub use crate::call::{Call, OperationCall, Sending};
#[cfg(feature = "object_store_0_13")]
pub use crate::checkpoint::ObjectCheckpoints;
pub use crate::checkpoint::{
    Batch, Checkpoint, CheckpointStore, Checkpointed, FileStore, MAX_STATE_SIZE, Resumable,
    StoreError, StoreFuture,
};
pub use crate::client::{CallEnded, Client, ClientBuilder, OrgIdentity, RequestHead};
pub use crate::download::Download;
pub use crate::error::{Error, ErrorBody, ErrorDetail, ErrorKind, ErrorLimit};
pub use crate::interval::Interval;
pub use crate::jobs::{
    Availability, Completion, FileForm, Job, JobId, JobOperation, JobSpec, JobState, JobStatus,
    ResultLocation, Results, Statuses, Submitting,
};
pub use crate::list::{List, Paged};
pub use crate::nested::{
    IntoPaginator, Nested, NestedItem, NestedReport, OnRefused, SkippedParent,
};
pub use crate::operation::{Method, Operation};
pub use crate::options::{OnStale, ReadOptions};
pub use crate::paging::{
    Batches, Cap, End, ExtractedPage, ListSpec, NextToken, Page, PageSize, Pages, Paginator,
    ParamLocation, RawItem, Reason, Report, Scheme, Verdict,
};
pub use crate::param::{IntoOption, Param};
pub use crate::rate_limit::RateLimit;
pub use crate::region::Region;
pub use crate::request::Request;
pub use crate::response::{Decode, DecodeError, RawResponse, Response};
pub use crate::saved_job::SavedJob;
pub use crate::schedule::Schedule;
pub use crate::wait::{Wait, WaitReason};
pub use crate::windows::{
    Plan, Window, WindowPages, WindowState, Windows, WindowsFrom, WindowsReport,
};
pub use crate::wire::{Json, OpenEnum, Record, UnknownFields, Variants, Wire};

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
