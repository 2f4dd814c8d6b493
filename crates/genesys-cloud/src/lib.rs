#![doc = include_str!("../README.md")]

pub mod endpoint;

pub use genesys_cloud_api::*;
#[cfg(feature = "object_store")]
pub use genesys_cloud_core::ObjectCheckpoints;
pub use genesys_cloud_core::{
    Batch, Checkpoint, CheckpointStore, Checkpointed, Batches, ClientBuilder, Download, End, Error,
    ErrorBody, ErrorDetail, ErrorLimit, FileStore, Interval, Job, JobState, JobStatus, OnStale,
    OpenEnum, OrgIdentity, Page, Pages, Paginator, Piece, PieceState, Plan, RateLimit, RawReply,
    ReadOptions, Reason, Region, Reply, Report, Resumable, SavedJob, Schedule, Sending, Statuses,
    StoreFuture, Submitting, Verdict, Wait, WaitReason, WindowPages, Windows, WindowsFrom,
    WindowsReport,
};
