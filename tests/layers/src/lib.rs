//! Checks which modules and crates of the workspace may import which.
//!
//! [`rules`] is the list of the layers; the test `tests/workspace.rs` holds the sources to it, and the program prints
//! the graph of imports.

#![allow(missing_docs)] // Not for use outside this workspace.

pub mod graph;
pub mod manifest;
pub mod rules;
pub mod scan;
