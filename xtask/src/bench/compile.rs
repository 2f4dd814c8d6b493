//! `cargo xtask bench compile`: what it costs to compile the bindings.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::cargo;

/// What a command took, its children included.
#[derive(Serialize, Deserialize)]
struct Cost {
    wall_seconds: f64,
    cpu_seconds: f64,
    /// Of the largest process.
    peak_kilobytes: i64,
}

/// Prints the figures.
pub fn run(workspace: &Path) -> Result<()> {
    let target = workspace.join("target/bench-compile");
    let bindings = |verb: &[&str], feature: Option<&str>| -> Result<Cost> {
        let mut command = cargo(workspace, &target);
        command.args(verb).args(["--package", "genesys-cloud-api", "--no-default-features"]);
        command.args(feature.iter().flat_map(|feature| ["--features", feature]));
        measured(&command)
    };

    println!("Bindings alone, their dependencies built before:\n");
    println!("| what | CPU | wall | peak memory |\n| --- | --- | --- | --- |");
    for (name, verb) in [("check", &["check"][..]), ("release build", &["build", "--release"])] {
        bindings(verb, None)?;
        for feature in ["routing", "full"] {
            touch(&workspace.join("crates/genesys-cloud-api/src/lib.rs"))?;
            let cost = bindings(verb, Some(feature))?;
            print_cost(&format!("{name}, `{feature}`"), &cost);
        }
    }
    let generated = workspace.join("crates/genesys-cloud-api/src/generated");
    println!("\nGenerated source: {:.1} MB\n", size(&generated)? as f64 / 1e6);

    println!("A program of three calls, built for release from nothing, and its size stripped:\n");
    println!("| what | CPU | wall | peak memory | binary |\n| --- | --- | --- | --- | --- |");
    for (name, folder) in [("through the SDK", "sdk"), ("by hand", "by_hand")] {
        let source = workspace.join("xtask/bench").join(folder);
        let target = target.join(folder);
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        // The same versions on both sides.
        fs::copy(workspace.join("Cargo.lock"), source.join("Cargo.lock"))?;
        let mut fetch = cargo(&source, &target);
        fetch.arg("fetch");
        measured(&fetch)?;
        let mut build = cargo(&source, &target);
        build.args(["build", "--release"]);
        let cost = measured(&build)?;
        let binary =
            target.join("release").join(format!("three-calls-{}", folder.replace('_', "-")));
        let binary = fs::metadata(&binary)?.len() as f64 / 1e6;
        print!("{}", row(name, &cost));
        println!(" {binary:.2} MB |");
    }
    Ok(())
}

/// Runs a command and prints what it took as JSON: a process of its own, since the system counts
/// children once for the whole life of their parent.
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

/// CPU seconds of all children that have ended, and the peak memory of the largest in kilobytes.
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
    bail!("CPU and memory of a command are counted on Unix only")
}

fn measured(command: &Command) -> Result<Cost> {
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

fn print_cost(name: &str, cost: &Cost) {
    println!("{}", row(name, cost));
}

fn row(name: &str, cost: &Cost) -> String {
    format!(
        "| {name} | {:.1} s | {:.1} s | {:.2} GB |",
        cost.cpu_seconds,
        cost.wall_seconds,
        cost.peak_kilobytes as f64 / 1e6,
    )
}

/// Makes cargo compile a crate anew.
fn touch(path: &Path) -> Result<()> {
    let file = fs::File::options().append(true).open(path)?;
    file.set_modified(std::time::SystemTime::now())?;
    Ok(())
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    let mut ahead: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                ahead.push(entry.path());
            } else {
                bytes += entry.metadata()?.len();
            }
        }
    }
    Ok(bytes)
}
