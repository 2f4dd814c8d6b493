//! `cargo xtask bench mock`: how fast the fake org serves lists.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::cargo;

/// Settings of the benchmark.
#[derive(Debug, Args)]
pub struct Options {
    /// Number of queues in each list.
    #[arg(long, default_value_t = 100_000)]
    records: u64,
}

/// Prints records per second for each kind of list.
pub fn run(workspace: &Path, options: &Options) -> Result<()> {
    let mut run = cargo(workspace, &workspace.join("target"));
    let package = ["--package", "genesys-cloud-mock", "--example", "throughput"];
    run.args(["run", "--quiet", "--release"]).args(package);
    let status = run.arg("--").arg(options.records.to_string()).status();
    let status = status.context("can't run cargo")?;
    if !status.success() {
        bail!("{run:?} ended with {status}");
    }
    Ok(())
}
