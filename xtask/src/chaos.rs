//! `cargo xtask chaos`: reads lists and jobs of a fake org under random faults.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Number and seeds of the runs.
#[derive(clap::Args)]
pub struct Options {
    /// Number of runs.
    #[arg(long, default_value_t = 5_000)]
    runs: u64,
    /// Seed of the first run; each further run has the next seed. The seed determines what a run does.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run for this many minutes, whatever the number of runs.
    #[arg(long, conflicts_with = "runs")]
    minutes: Option<u64>,
    /// Number of concurrent runs.
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

/// Runs in a separate process: xtask must build even if the core does not.
pub fn run(workspace: &Path, options: &Options) -> Result<()> {
    let Options { runs, seed, minutes, threads } = options;
    let length = match minutes {
        Some(minutes) => ["--minutes".to_owned(), minutes.to_string()],
        None => ["--runs".to_owned(), runs.to_string()],
    };
    let status = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .args(["test", "--release", "--quiet", "--package", "genesys-cloud-chaos", "--"])
        .args(length)
        .args(["--seed", &seed.to_string(), "--threads", &threads.to_string()])
        // Debug assertions and overflow checks find further bugs.
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
        .status()
        .context("can't run cargo")?;
    if !status.success() {
        bail!("runs failed; their seeds are above");
    }
    Ok(())
}
