#![doc = include_str!("../README.md")]
//!
//! # Overview
//!
//! - [`Client`] has a method for each enabled API group; [`ClientBuilder`] has the settings.
//! - [`types`] has the records and enums of all enabled groups.
//! - [`Paginator`] reads lists and job results; [`Report`] and [`Verdict`] state whether they are complete.
//! - [`Job`] is a handle to a job; [`Windows`] reads time ranges.
//! - [`Checkpointed`] reads in batches; a [`Checkpoint`] is a position to resume from.
//! - [`Error`] is the error type of all of them.
//! - [`endpoint`] calls and pages endpoints that the bindings lack.
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
    IntoPaginator, Job, JobState, JobStatus, Json, List, Nested, NestedItem, NestedReport,
    OnRefused, OnStale, OpenEnum, OperationCall, OrgIdentity, Page, Paged, Pages, Paginator, Plan,
    RateLimit, RawResponse, ReadOptions, Reason, Region, Report, RequestHead, Response, Resumable,
    SavedJob, Schedule, Sending, SkippedParent, Statuses, StoreError, StoreFuture, Submitting,
    TokenFuture, TokenProvider, UnknownFields, Verdict, Wait, WaitReason, Window, WindowPages,
    WindowState, Windows, WindowsFrom, WindowsReport,
};
/// Crates whose types appear in public signatures.
pub use genesys_cloud_core::{bytes, chrono, futures, http, serde_json};

/// Tests the examples of the README of the repository.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct RepositoryReadme;
