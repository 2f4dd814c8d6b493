#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! - [`Client`] has a method for each API group that is enabled; [`ClientBuilder`] has the settings.
//! - [`Paginator`] reads lists and the results of jobs, [`Report`] and [`Verdict`] say how complete they are.
//! - [`Job`] is the handle of a job, [`Windows`] reads ranges of time.
//! - [`Checkpointed`] reads in batches, [`Checkpoint`] is a position to resume from.
//! - [`Error`] is the error of all of them.
//! - [`endpoint`] calls and pages endpoints that the bindings do not know.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod endpoint;
#[cfg(feature = "test-util")]
pub mod test_util;

pub use genesys_cloud_api::*;
#[cfg(feature = "object_store_0_13")]
pub use genesys_cloud_core::ObjectCheckpoints;
#[cfg(feature = "blocking")]
pub use genesys_cloud_core::blocking;
pub use genesys_cloud_core::{
    AccessToken, Batch, Batches, CallEnded, Checkpoint, CheckpointStore, Checkpointed, Download,
    End, Error, ErrorBody, ErrorDetail, ErrorKind, ErrorLimit, FileStore, Interval, IntoOption,
    Job, JobState, JobStatus, Json, List, OnStale, OpenEnum, OperationCall, OrgIdentity, Page,
    Paged, Pages, Paginator, Plan, RateLimit, RawResponse, ReadOptions, Reason, Region, Report,
    RequestHead, Response, Resumable, SavedJob, Schedule, Sending, Statuses, StoreError,
    StoreFuture, Submitting, TokenFuture, TokenProvider, UnknownFields, Verdict, Wait, WaitReason,
    Window, WindowPages, WindowState, Windows, WindowsFrom, WindowsReport,
};
/// The libraries whose types are in public signatures.
pub use genesys_cloud_core::{bytes, chrono, futures, http, serde_json};

/// The examples of the README of the repository.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct RepositoryReadme;
