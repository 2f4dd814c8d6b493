//! `cargo xtask bench`: figures, measured the way the documentation states them.

#![allow(clippy::print_stdout)] // The figures are the result.

pub mod compile;
pub mod limiter;
pub mod paging;
pub mod polling;

use std::path::Path;
use std::process::Command;

fn cargo(folder: &Path, target: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(folder).env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "0");
    command
}
