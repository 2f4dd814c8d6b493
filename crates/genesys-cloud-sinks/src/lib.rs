//! Outputs for records of the Genesys Cloud API: files, streams, objects in buckets, and PostgreSQL tables.
//!
//! A [`Sink`] writes the records of a list in batches and commits them. The result of a commit is saved with the
//! position in the list, so that a killed export resumes without losing or repeating a record.
//!
//! | feature | adds |
//! | --- | --- |
//! | `buckets` | [`BucketSink`] and [`BucketStore`]: objects in S3, Google Cloud Storage and Azure |
//! | `parquet` | Parquet, as a [`Format`], with nested types ([`Columns::typed`]); needs a C compiler |
//! | `postgres` | [`PostgresSink`]: PostgreSQL tables |
//! | `redis` | [`RedisStore`]: the state of an export in Redis |
//! | `zstd` | Zstandard compression; needs a C compiler |
//!
//! JSONL, CSV, gzip, files and streams need no feature.
//!
//! A [`FileFolder`] has whole files, such as recordings, and a journal of them.
//!
//! The state is text in a [`CheckpointStore`](genesys_cloud_core::CheckpointStore): a [`StateFile`], an object in a
//! bucket, a Redis key, or the database of the records ([`Sink::store`]).
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(feature = "buckets", feature = "parquet", feature = "postgres", feature = "redis")),
    allow(rustdoc::broken_intra_doc_links)
)]

mod body;
#[cfg(feature = "buckets")]
mod bucket;
pub mod checksum;
mod child_tables;
mod columns;
mod compression;
mod csv;
mod encode;
mod error;
mod file;
mod file_folder;
mod format;
mod jsonl;
mod losses;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "postgres")]
mod postgres;
mod projection;
#[cfg(feature = "redis")]
mod redis;
mod reject;
mod run_log;
mod saved;
mod sink;
mod state_file;
mod stream;
#[cfg(feature = "parquet")]
mod typed_columns;
mod watch;
pub mod work_folder;

#[cfg(feature = "buckets")]
pub use crate::bucket::{BucketFolder, BucketSink, BucketStore, BucketUrl, PART_SIZE};
pub use crate::child_tables::{ChildTable, ChildTables, ExplodeError, SplitSink, lists};
pub use crate::columns::{Column, ColumnKind, Columns, FieldError, find, properties};
pub use crate::compression::Compression;
pub use crate::error::SinkError;
pub use crate::file::{FileSink, open_part};
pub use crate::file_folder::{FileFolder, Journal, NewFile};
pub use crate::format::Format;
pub use crate::jsonl::line as one_line;
#[cfg(feature = "postgres")]
#[doc(hidden)]
pub use crate::postgres::replica;
#[cfg(feature = "postgres")]
pub use crate::postgres::{PostgresSink, Target};
#[cfg(feature = "redis")]
pub use crate::redis::{RedisServer, RedisStore};
pub use crate::reject::Rejected;
pub use crate::run_log::{FileRunLog, LoggedRun, RunLog};
pub use crate::sink::{Sink, SinkFuture, TableCount};
pub use crate::state_file::StateFile;
pub use crate::stream::StreamSink;
pub use crate::watch::Watch;
#[cfg(feature = "parquet")]
pub use genesys_cloud_arrow::{Names, RecordSchema, SchemaError};
pub use genesys_cloud_core::{Fault, OnBadValue};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
