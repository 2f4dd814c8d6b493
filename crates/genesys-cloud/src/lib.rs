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
#[cfg(feature = "object_store")]
pub use genesys_cloud_core::ObjectCheckpoints;
#[cfg(feature = "blocking")]
pub use genesys_cloud_core::blocking;
pub use genesys_cloud_core::{
    Batch, Checkpoint, CheckpointStore, Checkpointed, Chunks, ClientBuilder, Download, End, Error,
    ErrorBody, ErrorDetail, ErrorLimit, FileStore, Interval, Job, JobState, JobStatus, OnStale,
    OpenEnum, OrgIdentity, Page, Pages, Paginator, Piece, PieceState, Plan, RateLimit, RawReply,
    ReadOptions, Reason, Region, Reply, Report, Resumable, SavedJob, Schedule, Sending, Statuses,
    StoreFuture, Submitting, Verdict, Wait, WaitReason, WindowPages, Windows, WindowsFrom,
    WindowsReport,
};

/// The examples of the README of the repository.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct RepositoryReadme;
