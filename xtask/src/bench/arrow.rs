//! `cargo xtask bench arrow`: the speed of decoding pages into record batches, compared with other ways.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::cargo;

/// Options of the benchmark.
#[derive(Args, Debug)]
pub struct Options {
    /// Number of rounds; the figures are medians.
    #[arg(long, default_value_t = 15, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// Prints the figures.
pub fn run(workspace: &Path, options: &Options) -> Result<()> {
    let source = workspace.join("xtask/bench/arrow");
    // Use the versions of the workspace.
    fs::copy(workspace.join("Cargo.lock"), source.join("Cargo.lock"))?;
    let status = cargo(&source, &workspace.join("target/bench-arrow"))
        .args(["run", "--quiet", "--release", "--"])
        .arg(options.rounds.to_string())
        .status()
        .context("can't run cargo")?;
    if !status.success() {
        bail!("a page can't be decoded ({status})");
    }
    Ok(())
}
