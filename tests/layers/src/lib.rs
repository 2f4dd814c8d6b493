//! Checks which modules and crates of the workspace may import which.
//!
//! [`rules`] lists the layers. The test `tests/workspace.rs` checks the sources against it, and the program
//! prints the import graph.

#![allow(missing_docs)] // Not for use outside this workspace.

pub mod graph;
pub mod manifest;
pub mod rules;
pub mod scan;
