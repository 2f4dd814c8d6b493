//! Exports and calls any operation of the Genesys Cloud API by its name: the binary `genesys-cloud`, and what
//! it is made of.
//!
//! Operations are run from the catalogue as data ([`tags`]) by the same engine as the typed paginators; none of
//! the generated bindings is compiled in. Records go to a [`Sink`](genesys_cloud_sinks::Sink).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod arguments;
mod body;
mod commands;
mod connect;
mod events;
mod exit;
mod export;
mod failure;
mod find;
mod offers;
mod parameters;
mod record;
mod screen;
pub mod tags;
mod terminal;
mod times;
mod tty;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

pub use crate::failure::{Exit, Failure};

use genesys_cloud_core::private_file as private;
use genesys_cloud_sinks::{self as sinks, aside, sum};

use crate::arguments::{Cli, Command, Log};
use crate::screen::Screen;

/// Runs the command that the program was called with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let screen = Arc::new(Screen::new(cli.global.log, cli.global.quiet));
    let done = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("can't start: {error}")))
        .and_then(|runtime| runtime.block_on(run(&cli, &screen)));
    match done {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) if failure.is_closed() => ExitCode::SUCCESS,
        Err(failure) => {
            screen.fail(&failure);
            ExitCode::from(failure.exit() as u8)
        }
    }
}

/// Tells what is wrong with the command line, or the help that was asked for.
fn refused(error: &clap::Error) -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // What was read of the command line is not to be had, but a program wants to be told in its own form.
    let json = arguments.iter().any(|it| it == "--log=json")
        || arguments.windows(2).any(|pair| pair == ["--log", "json"]);
    if !(json && error.use_stderr()) {
        error.exit();
    }
    let text = error.to_string();
    let mut parts = text.trim_start_matches("error: ").split("\n\n").map(str::trim);
    let failure = Failure::usage(parts.next().unwrap_or_default());
    let failure = parts.filter(|it| !it.is_empty()).fold(failure, Failure::advise);
    Screen::new(Log::Json, false).fail(&failure);
    ExitCode::from(failure.exit() as u8)
}

/// Makes a write beyond the limit on the size of files (`ulimit -f`) an error rather than the end of the program.
fn survive_file_limit() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // A signal that has a handler does not end the program. Where there can be none, it still does.
        let _ = signal(SignalKind::from_raw(libc::SIGXFSZ));
    }
}

async fn run(cli: &Cli, screen: &Arc<Screen>) -> Result<Exit, Failure> {
    let Cli { global, command } = cli;
    survive_file_limit();
    connect::check(global, command)?;
    match command {
        Command::Export(options) => export::run(options, global, screen).await,
        Command::Operations { search, exportable } => {
            commands::operations(search.as_deref(), *exportable)
        }
        Command::Describe { operation } => commands::describe(operation),
        Command::Call { call } => commands::call(call, global, screen).await,
        Command::Jobs { command } => commands::jobs(command.as_ref(), global, screen).await,
        Command::Whoami => commands::whoami(global, screen).await,
        Command::Mock { port } => commands::mock(*port, global).await,
        Command::Completions { shell } => commands::completions(*shell),
        Command::Schema { of } => commands::schema(*of),
    }
}
