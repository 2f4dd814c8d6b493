//! `cargo xtask`: the maintainer's commands.

#![allow(clippy::print_stdout)] // What a command prints is its result.

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::codegen::{self, Stages};
use xtask::operations;

/// Maintainer's commands of the Genesys Cloud SDK for Rust.
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
    /// List the operations with their names and tags.
    Operations {
        /// How to write them.
        #[arg(long, default_value = "tsv", value_parser = ["tsv"])]
        format: String,
        /// Another API document in the place of the pinned one.
        #[arg(long, value_name = "PATH")]
        spec: Option<PathBuf>,
    },
    /// Make an API document the pinned one.
    Pin {
        /// The document (Swagger 2.0 or OpenAPI 3.0, JSON).
        spec: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if operations::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    match command {
        Command::Codegen(options) => codegen::run(workspace, &options),
        Command::Operations { format: _, spec } => {
            let mut stages = Stages::quiet();
            let (document, pinned) = codegen::load(workspace, spec.as_deref(), &mut stages)?;
            let exceptions = codegen::exceptions(workspace)?;
            let generated = codegen::generate(document, &exceptions, pinned, &mut stages)?;
            let mut out = BufWriter::new(io::stdout().lock());
            operations::tsv(&generated.model, &mut out)?;
            out.flush()?;
            Ok(())
        }
        Command::Pin { spec } => codegen::pin(workspace, &spec),
    }
}
