//! Lists of the Genesys Cloud API as [Apache Arrow](https://arrow.apache.org) record batches.
//!
//! [`RecordSchema`] is the schema of the records of a list, derived from the API document. [`ArrowReader`] reads any list,
//! job or time range as a stream of record batches, and [`Decoder`] decodes records from JSON text.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod column;
mod decoder;
mod error;
mod instant;
mod reader;
mod reject;
mod scanner;
mod schema;
mod shape;

/// The libraries whose types are in public signatures.
pub use {arrow_array, arrow_schema};

pub use crate::decoder::Decoder;
pub use crate::error::Error;
pub use crate::reader::{ArrowReader, ArrowReport, JsonItem};
pub use crate::reject::{Changes, Rejected, Rejection};
pub use crate::schema::{Integers, Names, RecordSchema, SchemaError, SchemaOptions};
pub use genesys_cloud_core::{Fault, OnBadValue};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
