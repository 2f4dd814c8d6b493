//! Commands for maintainers of the Genesys Cloud SDK: code generation, benchmarks, chaos runs.

#![allow(missing_docs)] // Only used in this workspace.

pub mod bench;
pub mod boxes;
pub mod catalogue;
pub mod chaos;
pub mod codegen;
pub mod conformance;
mod conversions;
pub mod document;
pub mod emit;
pub mod exceptions;
pub mod fixups;
pub mod flatten;
pub mod jobs;
pub mod json;
pub mod model;
pub mod names;
pub mod notes;
pub mod operations;
pub mod output;
mod page_sizes;
pub mod progenitor;
pub mod tags;
