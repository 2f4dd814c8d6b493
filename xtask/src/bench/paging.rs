//! `cargo xtask bench paging`: reads a list of a fake org through the paginator and by hand.
//!
//! The org is a separate process on its own core and sends cached pages; each run is a process on the other core. Each
//! round runs all variants, and they are compared within a round, so that other load affects all of them alike. The
//! results are medians over the rounds.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::cost::Run;
use super::figures::{self, Figure, Target, median};
use super::org::{Org, Orgs};
use super::{build, cargo};

/// Queues per page, as in the benchmark program.
const PAGE: u64 = 100;

/// The latency of each response, where prefetch should hide it.
const LATENCY_MILLISECONDS: u64 = 50;

/// Enough pages that the first one, whose latency nothing can hide, does not matter.
const LATENCY_RECORDS: u64 = 400 * PAGE;

/// The shorter list for the comparison of peak memory.
const FEW_RECORDS: u64 = 10_000;

/// How often the shorter list is read, to find its peak.
const SHORT_RUNS: usize = 20;

/// Options of the benchmark.
#[derive(Args, Debug)]
pub struct Options {
    /// Number of queues in the list of each run; the org keeps 6 kB for each.
    #[arg(long, default_value_t = 100_000, value_name = "COUNT")]
    records: u64,

    /// Number of queues in the longest list, for peak memory only.
    #[arg(long, default_value_t = 1_000_000, value_name = "COUNT")]
    most_records: u64,

    /// Number of rounds.
    #[arg(long, default_value_t = 7, value_name = "COUNT")]
    runs: usize,
}

/// CPU per page in microseconds, from a run that reads each page both ways.
#[derive(Deserialize)]
struct SideBySide {
    paginator: f64,
    by_hand: f64,
    decoding: f64,
    beyond: f64,
    /// How much faster the paginator was in wall time.
    speed: f64,
}

/// A variant: the arguments of the program, and a description.
type Way = (&'static [&'static str], &'static str);

const PAGINATOR: Way = (&["paginator"], "paginator, in sequence");
const AHEAD_BY_ONE: Way = (&["paginator", "1"], "paginator, `prefetch(1)`");
const AHEAD: Way = (&["paginator", "8"], "paginator, `prefetch(8)`");
const JSON: Way = (&["json"], "by hand, `.json()`");
const TEXT: Way = (&["text"], "by hand, `from_str`");
const DERIVED: Way = (&["derived"], "by hand, `.json()`, derived types");

/// Prints the figures.
pub fn run(workspace: &Path, options: &Options) -> Result<()> {
    let bench = Bench::new(workspace)?;
    let mut figures = Vec::new();
    bench.speed(options, &mut figures)?;
    bench.own_cost(options, &mut figures)?;
    bench.latency(options, &mut figures)?;
    bench.memory(options, &mut figures)?;
    figures::print(&figures);
    Ok(())
}

/// The programs.
struct Bench {
    orgs: Orgs,
    client: PathBuf,
}

impl Bench {
    fn new(workspace: &Path) -> Result<Self> {
        let target = workspace.join("target/bench-paging");
        let source = workspace.join("xtask/bench/paging");
        eprintln!("building ..");
        let org = Orgs::build(workspace, &target)?;
        // Use the versions of the workspace.
        fs::copy(workspace.join("Cargo.lock"), source.join("Cargo.lock"))?;
        build(cargo(&source, &target).args(["build", "--release"]))?;
        Ok(Self { orgs: org, client: target.join("release/bench-paging") })
    }

    /// Compares the speed of all variants.
    fn speed(&self, options: &Options, figures: &mut Vec<Figure>) -> Result<()> {
        let ways = [PAGINATOR, JSON, TEXT, DERIVED, AHEAD_BY_ONE, AHEAD];
        let org = self.orgs.start(options.records, 0)?;
        // Fill the cache of the org.
        self.read(&org, JSON, options.records)?;
        let mut rounds: Vec<Vec<Run>> = Vec::new();
        for round in 1..=options.runs {
            eprintln!("speed: round {round} of {}", options.runs);
            // Alternate the order, so that each variant does not always follow the same one.
            let mut order = ways.to_vec();
            if round % 2 == 0 {
                order.reverse();
            }
            let runs = order.iter().map(|way| self.read(&org, *way, options.records));
            let mut runs = runs.collect::<Result<Vec<_>>>()?;
            if round % 2 == 0 {
                runs.reverse();
            }
            rounds.push(runs);
        }
        println!(
            "{} queues in pages of {PAGE}, medians of {} runs:\n",
            options.records, options.runs
        );
        println!("| way | queues/s | wall, a page | CPU, a page | peak memory |");
        println!("| --- | --- | --- | --- | --- |");
        let of = |at: usize, figure: fn(&Run) -> f64| {
            median(rounds.iter().map(|round| figure(&round[at])))
        };
        let pages = options.records as f64 / PAGE as f64;
        for (at, (_, name)) in ways.iter().enumerate() {
            let wall = of(at, |run| run.wall_micros);
            println!(
                "| {name} | {:.0} | {:.0} µs | {:.0} µs | {:.1} MB |",
                options.records as f64 / wall * 1e6,
                wall / pages,
                of(at, |run| run.cpu_micros) / pages,
                of(at, |run| run.peak_kilobytes as f64) / 1e3,
            );
        }
        for (at, against, target) in
            [(0, 1, Some(1.0)), (0, 3, None), (4, 1, Some(1.3)), (5, 1, Some(1.3))]
        {
            let times =
                rounds.iter().map(|round| round[against].wall_micros / round[at].wall_micros);
            figures.push(Figure {
                name: format!("speed of {} over {}", ways[at].1, ways[against].1),
                value: median(times),
                unit: "",
                target: target.map(Target::AtLeast),
            });
        }
        Ok(())
    }

    /// Measures what the paginator costs beyond fetching and decoding.
    fn own_cost(&self, options: &Options, figures: &mut Vec<Figure>) -> Result<()> {
        let org = self.orgs.start(options.records, 0)?;
        self.read(&org, JSON, options.records)?;
        let mut runs: Vec<SideBySide> = Vec::new();
        for round in 1..=options.runs {
            eprintln!("CPU: round {round} of {}", options.runs);
            runs.push(self.client(&org, &["side-by-side"])?);
        }
        let of = |figure: fn(&SideBySide) -> f64| median(runs.iter().map(figure));
        println!(
            "\nPage by page, both ways in one process: {:.0} µs of CPU through the paginator, {:.0} µs by \
             hand with `from_str`, of which {:.0} µs are decoding.",
            of(|run| run.paginator),
            of(|run| run.by_hand),
            of(|run| run.decoding),
        );
        figures.push(Figure {
            name: format!("speed of {} over {}, page by page", PAGINATOR.1, TEXT.1),
            value: of(|run| run.speed),
            unit: "",
            target: None,
        });
        figures.push(Figure {
            name: "CPU of the paginator beyond fetching and decoding, a page".to_owned(),
            value: of(|run| run.beyond),
            unit: " µs",
            target: Some(Target::AtMost(15.0)),
        });
        Ok(())
    }

    /// Measures how much of the latency prefetch hides.
    fn latency(&self, options: &Options, figures: &mut Vec<Figure>) -> Result<()> {
        let org = self.orgs.start(LATENCY_RECORDS, LATENCY_MILLISECONDS)?;
        self.read(&org, AHEAD, LATENCY_RECORDS)?;
        let mut times = Vec::new();
        // One run waits for 20 seconds, which other load hardly affects.
        for round in 1..=options.runs.min(3) {
            eprintln!("latency: round {round} of {}", options.runs.min(3));
            let sequence = self.read(&org, PAGINATOR, LATENCY_RECORDS)?;
            let ahead = self.read(&org, AHEAD, LATENCY_RECORDS)?;
            times.push(sequence.wall_micros / ahead.wall_micros);
        }
        figures.push(Figure {
            name: format!(
                "speed of {} over {}, at {LATENCY_MILLISECONDS} ms of latency",
                AHEAD.1, PAGINATOR.1
            ),
            value: median(times),
            unit: "",
            target: Some(Target::AtLeast(7.0)),
        });
        Ok(())
    }

    /// Measures how peak memory grows with the list.
    fn memory(&self, options: &Options, figures: &mut Vec<Figure>) -> Result<()> {
        let many = options.most_records;
        // Prefetching adds a few pages, and how many wait at once is random: a longer list comes closer to the maximum.
        for (way, target) in [(PAGINATOR, Some(Target::AtMost(2.0))), (AHEAD, None)] {
            // Each page is read once: no cache.
            eprintln!("memory: {FEW_RECORDS} queues, {}", way.1);
            let org = self.orgs.start_without_cache(FEW_RECORDS)?;
            let few = (0..SHORT_RUNS).map(|_| self.read(&org, way, FEW_RECORDS));
            let few =
                few.map(|run| run.map(|run| run.peak_kilobytes)).collect::<Result<Vec<_>>>()?;
            eprintln!("memory: {many} queues, {}", way.1);
            let org = self.orgs.start_without_cache(many)?;
            let most = self.read(&org, way, many)?.peak_kilobytes;
            let few = few.into_iter().max().unwrap_or_default();
            figures.push(Figure {
                name: format!(
                    "growth of peak memory from {FEW_RECORDS} to {many} queues, {}",
                    way.1
                ),
                value: (most as f64 - few as f64) / 1e3,
                unit: " MB",
                target,
            });
        }
        Ok(())
    }

    /// Reads the list in one way.
    fn read(&self, org: &Org, way: Way, records: u64) -> Result<Run> {
        let run: Run = self.client(org, way.0)?;
        if run.records != records {
            bail!("{}: {} queues read of {records}", way.1, run.records);
        }
        Ok(run)
    }

    fn client<T: DeserializeOwned>(&self, org: &Org, arguments: &[&str]) -> Result<T> {
        let mut command = self.orgs.reader(&self.client);
        command.args(arguments).envs(org.variables().iter().cloned());
        let output = command.output().context("can't run the benchmark program")?;
        if !output.status.success() {
            bail!("{arguments:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        serde_json::from_slice(&output.stdout).context("the benchmark program printed no figures")
    }
}
