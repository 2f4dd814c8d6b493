//! `cargo xtask bench polling`: the delay until the end of a job is noticed, and the number of calls, for jobs of a
//! second to a day.
//!
//! The program pauses its clock, so it takes seconds. It is a separate workspace: a paused clock is a feature of tokio
//! that nothing else should have.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::cargo;

/// Runs `cargo xtask bench polling`.
pub fn run(workspace: &Path) -> Result<()> {
    let source = workspace.join("xtask/bench/polling");
    // Use the versions of the workspace.
    fs::copy(workspace.join("Cargo.lock"), source.join("Cargo.lock"))?;
    let status = cargo(&source, &workspace.join("target/bench-polling"))
        .args(["run", "--quiet"])
        .status()
        .context("can't run cargo")?;
    if !status.success() {
        bail!("the end of a job was noticed too late ({status})");
    }
    Ok(())
}
