#![doc = include_str!("../README.md")]

pub mod endpoint;

pub use genesys_cloud_api::*;
#[cfg(feature = "object_store")]
pub use genesys_cloud_core::ObjectCheckpoints;
pub use genesys_cloud_core::{
    Batch, Checkpoint, CheckpointStore, Checkpointed, Chunks, ClientBuilder, Download, End, Error,
    ErrorBody, ErrorDetail, ErrorLimit, FileStore, Interval, IntoOption, Job, JobState, JobStatus,
    Json, List, OnStale, OperationCall, Paged, UnknownFields,
    OpenEnum, OrgIdentity, Page, Pages, Paginator, Piece, PieceState, Plan, RateLimit, RawReply,
    Reason, Region, Reply, Report, Resumable, SavedJob, Schedule, Sending, Statuses, StoreFuture,
    Submitting, Verdict, Wait, WaitReason, WindowPages, Windows, WindowsFrom, WindowsReport,
};
