//! `cargo xtask bench limiter`: how much of a rate limit the client uses, and how often it hits it.
//!
//! The program that is run is a workspace of its own, so that building it leaves the features of this one
//! alone. It waits for real, for as long as it takes to see some windows of a limit.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::cargo;

/// How to measure.
#[derive(Args, Debug)]
pub struct Options {
    /// For how many minutes, each of which is a window of the limits.
    #[arg(long, default_value_t = 5, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(2..))]
    minutes: u32,

    /// What an org takes before each reply.
    #[arg(long, default_value_t = 50, value_name = "MILLISECONDS")]
    latency_ms: u64,
}

/// Prints the figures.
pub fn run(workspace: &Path, options: &Options) -> Result<()> {
    let source = workspace.join("xtask/bench/limiter");
    // The same versions as those of the workspace.
    fs::copy(workspace.join("Cargo.lock"), source.join("Cargo.lock"))?;
    let status = cargo(&source, &workspace.join("target/bench-limiter"))
        .args(["run", "--quiet", "--release", "--"])
        .args([options.minutes.to_string(), options.latency_ms.to_string()])
        .status()
        .context("can't run cargo")?;
    if !status.success() {
        bail!("limits were not kept or not used as they should be ({status})");
    }
    Ok(())
}
