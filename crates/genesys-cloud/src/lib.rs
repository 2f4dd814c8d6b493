#![doc = include_str!("../README.md")]

pub mod endpoint;

pub use genesys_cloud_api::*;
#[cfg(feature = "object_store_0_13")]
pub use genesys_cloud_core::ObjectCheckpoints;
pub use genesys_cloud_core::{
    AccessToken, Batch, Batches, CallEnded, Checkpoint, CheckpointStore, Checkpointed, Download,
    End, Error, ErrorBody, ErrorDetail, ErrorKind, ErrorLimit, FileStore, Interval, IntoOption,
    Job, JobState, JobStatus, Json, List, OnStale, OpenEnum, OperationCall, OrgIdentity, Page,
    Paged, Pages, Paginator, Plan, RateLimit, RawReply, ReadOptions, Reason, Region, Reply, Report,
    RequestHead, Resumable, SavedJob, Schedule, Sending, Slice, SliceState, Statuses, StoreError,
    StoreFuture, Submitting, TokenFuture, TokenProvider, UnknownFields, Verdict, Wait, WaitReason,
    WindowPages, Windows, WindowsFrom, WindowsReport,
};
/// The libraries whose types are in public signatures.
pub use genesys_cloud_core::{bytes, chrono, futures, http, serde_json};
