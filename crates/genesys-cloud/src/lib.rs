#![doc = include_str!("../README.md")]

pub use genesys_cloud_api::*;
#[cfg(feature = "object_store")]
pub use genesys_cloud_core::ObjectCheckpoints;
pub use genesys_cloud_core::{
    Batch, Call, Cap, Checkpoint, CheckpointStore, Checkpointed, Chunks, ClientBuilder, Decode,
    DecodeError, DoneWhen, Download, End, Error, ErrorBody, ErrorDetail, ErrorLimit, Extracted,
    Family, FileForm, FileStore, Interval, Job, JobCall, JobId, JobState, JobStatus, Listing,
    Method, OnStale, OpenEnum, Operation, Page, PageSize, Pages, Paginator, Param, Piece,
    PieceState, Place, Plan, RateLimit, RawReply, Reason, Record, Region, Reply, Report, Request,
    Results, ResultsAt, Resumable, SavedJob, Schedule, Scheme, Sending, Statuses, StoreFuture,
    Submitting, TokenOut, Verdict, Wait, WaitReason, WindowPages, Windows, WindowsFrom,
    WindowsReport, Wire,
};

/// The client without the API groups, for calls of operations that the bindings do not know.
pub use genesys_cloud_core::Client as CoreClient;
