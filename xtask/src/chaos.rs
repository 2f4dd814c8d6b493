//! `cargo xtask chaos`: lists and jobs of a fake org are read while requests go wrong at random.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// How many runs, and which.
#[derive(clap::Args)]
pub struct Options {
    /// How many runs to make.
    #[arg(long, default_value_t = 5_000)]
    runs: u64,
    /// The seed of the first run; the others have those that follow. What a run does follows from its seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Goes on for so long, however many runs that makes.
    #[arg(long, conflicts_with = "runs")]
    minutes: Option<u64>,
    /// How many runs to make at the same time.
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

/// Makes the runs in a process of its own: this one must build where the core does not.
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
        // Faults that only such a build notices are to be found as well.
        .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
        .status()
        .context("cargo could not be run")?;
    if !status.success() {
        bail!("runs failed; their seeds are above");
    }
    Ok(())
}
