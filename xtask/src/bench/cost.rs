//! Measures CPU time and memory of commands.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

/// The cost of a command and its children.
#[derive(Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) wall_seconds: f64,
    pub(super) cpu_seconds: f64,
    /// Of the largest process.
    pub(super) peak_kilobytes: i64,
}

/// The figures that a benchmark program prints.
#[derive(Deserialize)]
pub(super) struct Run {
    pub(super) records: u64,
    pub(super) wall_micros: f64,
    pub(super) cpu_micros: f64,
    pub(super) peak_kilobytes: u64,
}

/// Runs a command and prints its cost as JSON. This needs a separate process, since the system accumulates the usage of
/// children over the lifetime of their parent.
pub fn measure(command: &[String]) -> Result<()> {
    let [program, arguments @ ..] = command else { bail!("nothing to measure") };
    let begin = Instant::now();
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("can't run {program}"))?;
    if !output.status.success() {
        bail!("{} failed:\n{}", command.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    let (cpu_seconds, peak_kilobytes) = children()?;
    let wall_seconds = begin.elapsed().as_secs_f64();
    println!("{}", serde_json::to_string(&Cost { wall_seconds, cpu_seconds, peak_kilobytes })?);
    Ok(())
}

/// CPU seconds of all children that have exited, and the peak memory of the largest, in kilobytes.
#[cfg(unix)]
fn children() -> Result<(f64, i64)> {
    use nix::sys::resource::{UsageWho, getrusage};

    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok((seconds(usage.user_time()) + seconds(usage.system_time()), usage.max_rss()))
}

#[cfg(not(unix))]
fn children() -> Result<(f64, i64)> {
    bail!("CPU time and memory are only measured on Unix")
}

/// Runs a command and returns its cost.
pub(super) fn measured(command: &Command) -> Result<Cost> {
    let mut measuring = Command::new(std::env::current_exe()?);
    measuring.arg("measure").arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            measuring.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        measuring.current_dir(folder);
    }
    let output = measuring.output().context("can't run the measuring process")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("the measuring process printed no figures")
}
