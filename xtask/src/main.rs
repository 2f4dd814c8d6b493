//! `cargo xtask`: commands for maintainers.

#![allow(clippy::print_stdout)] // Commands print their results.

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::bench::{arrow, compile, export, limiter, measure, mock, paging, polling};
use xtask::chaos;
use xtask::codegen;
use xtask::operations;

/// Maintain the Genesys Cloud SDK for Rust.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generate the bindings from the API document.
    Codegen(codegen::Options),
    /// List the operations with their names and tags, explain one, or compare two API documents.
    Operations(operations::Options),
    /// Stream a few thousand queues from a fake org on this machine.
    Demo,
    /// Read lists and jobs of a fake org under random faults.
    Chaos(chaos::Options),
    /// Run a benchmark.
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// Run a command and print its CPU time and memory as JSON.
    #[command(hide = true)]
    Measure {
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Pin an API document, in canonical form.
    Pin {
        /// API document (Swagger 2.0, OpenAPI 3.0 or 3.1, as JSON).
        spec: PathBuf,
    },
}

#[derive(Subcommand)]
enum Bench {
    /// Speed of decoding pages into Arrow record batches, compared with arrow-json.
    Arrow(arrow::Options),
    /// Cost of compiling the bindings, and of a small program with them.
    Compile,
    /// CPU and memory of an export, compared with handwritten loops.
    Export(export::Options),
    /// Share of a rate limit that the client uses, and the number of 429s.
    Limiter(limiter::Options),
    /// Speed of the fake org, with and without changes over time, filters and sorting.
    Mock(mock::Options),
    /// Throughput of long lists, compared with a handwritten loop.
    Paging(paging::Options),
    /// Delay until the client notices the end of a job, and its number of calls.
    Polling,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) if operations::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let result = match command {
        Command::Codegen(options) => codegen::run(workspace, &options),
        Command::Operations(options) => {
            let mut out = BufWriter::new(io::stdout().lock());
            operations::run(workspace, &options, &mut out)?;
            out.flush()?;
            Ok(())
        }
        Command::Demo => return Ok(xtask_launcher::demo()?),
        Command::Chaos(options) => chaos::run(workspace, &options),
        Command::Bench { what: Bench::Arrow(options) } => arrow::run(workspace, &options),
        Command::Bench { what: Bench::Compile } => compile::run(workspace),
        Command::Bench { what: Bench::Limiter(options) } => limiter::run(workspace, &options),
        Command::Bench { what: Bench::Mock(options) } => mock::run(workspace, &options),
        Command::Bench { what: Bench::Export(options) } => export::run(workspace, &options),
        Command::Bench { what: Bench::Paging(options) } => paging::run(workspace, &options),
        Command::Bench { what: Bench::Polling } => polling::run(workspace),
        Command::Measure { command } => measure(&command),
        Command::Pin { spec } => codegen::pin(workspace, &spec),
    };
    result.map(|()| ExitCode::SUCCESS)
}
