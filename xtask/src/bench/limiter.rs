//! `cargo xtask bench limiter`: the share of a rate limit that the client uses, and how often it hits the limit.
//!
//! The program is a separate workspace, so that it does not change the features of this one. It runs in real time, for
//! several windows of a limit.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::cargo;

/// Options of the benchmark.
#[derive(Args, Debug)]
pub struct Options {
    /// Duration in minutes; each minute is one window of the limits.
    #[arg(long, default_value_t = 5, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(2..))]
    minutes: u32,

    /// Latency of each response, in milliseconds.
    #[arg(long, default_value_t = 50, value_name = "MILLISECONDS")]
    latency_ms: u64,
}

/// Prints the figures.
pub fn run(workspace: &Path, options: &Options) -> Result<()> {
    let source = workspace.join("xtask/bench/limiter");
    // Use the versions of the workspace.
    fs::copy(workspace.join("Cargo.lock"), source.join("Cargo.lock"))?;
    let status = cargo(&source, &workspace.join("target/bench-limiter"))
        .args(["run", "--quiet", "--release", "--"])
        .args([options.minutes.to_string(), options.latency_ms.to_string()])
        .status()
        .context("can't run cargo")?;
    if !status.success() {
        bail!("a limit was exceeded or not used enough ({status})");
    }
    Ok(())
}
