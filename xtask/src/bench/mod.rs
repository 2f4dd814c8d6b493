//! `cargo xtask bench`: the figures in the documentation.

#![allow(clippy::print_stdout)] // Benchmarks print their figures.

pub mod arrow;
pub mod compile;
mod cost;
pub mod export;
mod figures;
pub mod limiter;
pub mod mock;
mod org;
pub mod paging;
pub mod polling;

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

pub use cost::measure;

fn cargo(folder: &Path, target: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(folder).env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "0");
    command
}

fn build(command: &mut Command) -> Result<()> {
    // Stdout is for the figures only.
    let status = command.arg("--quiet").status().context("can't run cargo")?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
