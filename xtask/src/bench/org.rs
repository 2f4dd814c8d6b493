//! The fake org of a benchmark: a separate process on a separate core.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use super::{build, cargo};

/// Cache size in megabytes per thousand queues, more than their pages need.
const MEGABYTES_PER_THOUSAND: u64 = 8;

/// The program of the org, and the cores.
pub(super) struct Orgs {
    program: PathBuf,
    is_pinned: bool,
}

impl Orgs {
    /// Builds the program.
    pub(super) fn build(workspace: &Path, target: &Path) -> Result<Self> {
        let mut cargo = cargo(workspace, target);
        build(cargo.args(["build", "--release", "--package", "genesys-cloud-mock"]))?;
        let pinning = Command::new("taskset").args(["--cpu-list", "1", "true"]).status();
        let is_pinned = pinning.is_ok_and(|status| status.success());
        println!(
            "{}\n",
            match is_pinned {
                true => "The org runs on core 0, the benchmark program on core 1.",
                false => "NOT PINNED: `taskset` is missing, or the machine has only one core.",
            }
        );
        Ok(Self { program: target.join("release/genesys-cloud-mock"), is_pinned })
    }

    /// Starts an org with this many queues that caches its pages.
    pub(super) fn start(&self, records: u64, latency: u64) -> Result<Org> {
        let room = records.div_ceil(1_000) * MEGABYTES_PER_THOUSAND;
        Org::start(self.on_core(&self.program, 0), records, latency, room)
    }

    /// Starts an org that makes each page on request.
    pub(super) fn start_without_cache(&self, records: u64) -> Result<Org> {
        Org::start(self.on_core(&self.program, 0), records, 0, 0)
    }

    /// A benchmark program, on the other core.
    pub(super) fn reader(&self, program: &Path) -> Command {
        self.on_core(program, 1)
    }

    fn on_core(&self, program: &Path, core: usize) -> Command {
        if !self.is_pinned {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.arg("--cpu-list").arg(core.to_string()).arg(program);
        command
    }
}

/// A fake org in a separate process, which ends on drop.
pub(super) struct Org {
    process: Child,
    variables: Vec<(String, String)>,
}

impl Org {
    /// The environment variables of a client of the org.
    pub(super) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    fn start(mut command: Command, records: u64, latency: u64, cache: u64) -> Result<Self> {
        command
            .args(["--list", &format!("getRoutingQueues={records}")])
            .args(["--latency-ms", &latency.to_string()])
            .args(["--page-cache", &cache.to_string()])
            .stdout(Stdio::piped());
        let process = command.spawn().context("can't run the org")?;
        let mut org = Self { process, variables: Vec::new() };
        let output = org.process.stdout.take().context("the org has no output")?;
        for line in BufReader::new(output).lines().take(4) {
            let line = line?;
            let variable = line.strip_prefix("export ").and_then(|line| line.split_once('='));
            let (name, value) = variable.with_context(|| format!("the org printed {line:?}"))?;
            org.variables.push((name.to_owned(), value.to_owned()));
        }
        Ok(org)
    }
}

impl Drop for Org {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
