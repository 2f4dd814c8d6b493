//! `cargo xtask bench export`: the cost of exporting a long list, compared with handwritten loops.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::cost::{Run, measured};
use super::figures::{self, Figure, Target, median};
use super::org::{Org, Orgs};
use super::{build, cargo};

/// The shorter list for the comparison of peak memory.
const FEW_RECORDS: u64 = 10_000;

/// Options of the benchmark.
#[derive(Args, Debug)]
pub struct Options {
    /// Number of queues in the list.
    #[arg(long, default_value_t = 1_000_000, value_name = "COUNT")]
    records: u64,

    /// Number of rounds.
    #[arg(long, default_value_t = 3, value_name = "COUNT")]
    runs: usize,
}

/// Prints the figures.
pub fn run(workspace: &Path, options: &Options) -> Result<()> {
    let bench = Bench::new(workspace)?;
    let ways = ["export", "copy", "write"];
    let names = [
        "`genesys-cloud export`",
        "by hand, lines as they come",
        "by hand, `.json()` into types, and written from them",
    ];
    // The pages of a million queues do not fit into memory, so the org makes them on each request.
    let org = bench.orgs.start_without_cache(options.records)?;
    let mut rounds: Vec<Vec<Run>> = Vec::new();
    for round in 1..=options.runs {
        eprintln!("round {round} of {}", options.runs);
        let mut runs = Vec::new();
        for way in ways {
            runs.push(bench.read(&org, way, options.records)?);
        }
        rounds.push(runs);
    }
    let of =
        |at: usize, figure: fn(&Run) -> f64| median(rounds.iter().map(|round| figure(&round[at])));
    println!("{} queues to a file, medians of {} runs:\n", options.records, options.runs);
    println!("| way | wall | CPU | peak memory |\n| --- | --- | --- | --- |");
    for (at, name) in names.iter().enumerate() {
        println!(
            "| {name} | {:.1} s | {:.1} s | {:.1} MB |",
            of(at, |run| run.wall_micros) / 1e6,
            of(at, |run| run.cpu_micros) / 1e6,
            of(at, |run| run.peak_kilobytes as f64) / 1e3,
        );
    }
    let mut measured = Vec::new();
    for (at, target) in [(2, Some(Target::AtMost(1.3))), (1, None)] {
        let share = rounds.iter().map(|round| round[0].cpu_micros / round[at].cpu_micros);
        measured.push(Figure {
            name: format!("CPU of {} over {}", names[0], names[at]),
            value: median(share),
            unit: "",
            target,
        });
    }
    let org = bench.orgs.start_without_cache(FEW_RECORDS)?;
    let few = bench.read(&org, "export", FEW_RECORDS)?.peak_kilobytes as f64;
    measured.push(Figure {
        name: format!("growth of peak memory from {FEW_RECORDS} to {} queues", options.records),
        value: (of(0, |run| run.peak_kilobytes as f64) - few) / 1e3,
        unit: " MB",
        target: Some(Target::AtMost(4.0)),
    });
    figures::print(&measured);
    Ok(())
}

/// The programs, and the org they read.
struct Bench {
    orgs: Orgs,
    by_hand: PathBuf,
    command: PathBuf,
    output: PathBuf,
}

impl Bench {
    fn new(workspace: &Path) -> Result<Self> {
        let target = workspace.join("target/bench-paging");
        let source = workspace.join("xtask/bench/paging");
        eprintln!("building ..");
        let orgs = Orgs::build(workspace, &target)?;
        let mut tool = cargo(workspace, &target);
        build(tool.args([
            "build",
            "--release",
            "--package",
            "genesys-cloud-cli",
            "--no-default-features",
        ]))?;
        fs::copy(workspace.join("Cargo.lock"), source.join("Cargo.lock"))?;
        build(cargo(&source, &target).args(["build", "--release"]))?;
        let output = target.join("export");
        fs::create_dir_all(&output)?;
        let release = target.join("release");
        Ok(Self {
            orgs,
            by_hand: release.join("bench-paging"),
            command: release.join("genesys-cloud"),
            output,
        })
    }

    /// Writes the list in one way.
    fn read(&self, org: &Org, way: &str, records: u64) -> Result<Run> {
        let path = self.output.join("queues.jsonl");
        let run = match way {
            "export" => self.export(org, &path)?,
            way => {
                let mut command = self.orgs.reader(&self.by_hand);
                command.arg(way).arg(&path).envs(org.variables().iter().cloned());
                let output = command.output().context("can't run the benchmark program")?;
                if !output.status.success() {
                    bail!("{way} failed:\n{}", String::from_utf8_lossy(&output.stderr));
                }
                serde_json::from_slice(&output.stdout).context("it printed no figures")?
            }
        };
        fs::remove_file(&path)?;
        if run.records != records {
            bail!("{way}: {} queues written of {records}", run.records);
        }
        Ok(run)
    }

    fn export(&self, org: &Org, path: &Path) -> Result<Run> {
        let mut command = self.orgs.reader(&self.command);
        let mut report = path.as_os_str().to_owned();
        report.push(".report.json");
        command
            .args(["export", "routing.queues", "--prefetch", "0", "--restart", "--quiet", "--out"])
            .arg(path)
            .arg("--report")
            .arg(&report)
            .envs(org.variables().iter().cloned());
        let cost = measured(&command)?;
        let report: serde_json::Value = serde_json::from_slice(&fs::read(report)?)?;
        Ok(Run {
            records: report["records"].as_u64().unwrap_or_default(),
            wall_micros: cost.wall_seconds * 1e6,
            cpu_micros: cost.cpu_seconds * 1e6,
            peak_kilobytes: cost.peak_kilobytes as u64,
        })
    }
}
