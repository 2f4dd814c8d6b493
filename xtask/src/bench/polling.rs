//! `cargo xtask bench polling`: how late the end of a job is noticed, and by how many calls, for jobs that
//! run for a second to a day.
//!
//! The clock of the program that waits is paused, so that it takes seconds. It is a workspace of its own:
//! such a clock is a feature of its runtime that nothing else here should get.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::cargo;

/// `cargo xtask bench polling`.
pub fn run(workspace: &Path) -> Result<()> {
    let source = workspace.join("xtask/bench/polling");
    // The same versions as those of the workspace.
    fs::copy(workspace.join("Cargo.lock"), source.join("Cargo.lock"))?;
    let status = cargo(&source, &workspace.join("target/bench-polling"))
        .args(["run", "--quiet"])
        .status()
        .context("cargo could not be run")?;
    if !status.success() {
        bail!("jobs were not waited for as they should be ({status})");
    }
    Ok(())
}
