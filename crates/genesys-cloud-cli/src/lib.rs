//! The command `genesys-cloud`: exports and calls any operation of the Genesys Cloud API by name.
//!
//! It runs operations from the catalogue ([`specs`](genesys_cloud_core::specs)) with the page fetcher of the typed
//! paginators, without the generated bindings. Records go to a [`Sink`](genesys_cloud_sinks::Sink).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod arguments;
mod body;
mod capabilities;
mod commands;
mod completions;
mod connection;
mod events;
mod exit;
mod export;
mod failure;
mod invocation;
mod locations;
mod parameters;
mod profiles;
mod record;
mod reporter;
mod resolve;
mod saved_jobs;
mod secret_source;
mod session;
mod settings;
mod sync;
mod terminal;
mod time_range;
mod time_zone;
mod times;
mod tty;
mod values;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser as _};

pub use crate::failure::{Exit, Failure};

use crate::arguments::{Cli, Command, Jobs, Schema};
use crate::commands::Form;
use crate::invocation::Invocation;
use crate::reporter::{LogFormat, Reporter};
use crate::session::Session;
use crate::settings::{CallSettings, ExportSettings, Global};

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    completions::complete(Cli::command);
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return reject(&error, &words),
    };
    let (format, is_quiet) = settings::messages(&cli.global);
    let reporter = Arc::new(Reporter::new(format, is_quiet));
    let done = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("can't start: {error}")))
        .and_then(|runtime| runtime.block_on(run(cli, &reporter, Invocation::new(&words))));
    match done {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) if failure.is_closed() => ExitCode::SUCCESS,
        Err(failure) => {
            reporter.fail(&failure);
            ExitCode::from(failure.exit() as u8)
        }
    }
}

/// Prints an error in the command line, or the requested help.
fn reject(error: &clap::Error, words: &[OsString]) -> ExitCode {
    // Parsing failed, so look for `--log json` in the words: the caller expects JSON errors.
    let is_json = words.iter().any(|it| it == "--log=json")
        || words.windows(2).any(|pair| pair == ["--log", "json"]);
    if !(is_json && error.use_stderr()) {
        error.exit();
    }
    let text = error.to_string();
    let mut parts = text.trim_start_matches("error: ").split("\n\n").map(str::trim);
    let failure = Failure::usage(parts.next().unwrap_or_default());
    let failure = parts.filter(|it| !it.is_empty()).fold(failure, Failure::advise);
    Reporter::new(LogFormat::Json, false).fail(&failure);
    ExitCode::from(failure.exit() as u8)
}

/// Turns a write beyond the file size limit (`ulimit -f`) into an error instead of a killed process.
fn survive_file_limit() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // The default action of the signal is to kill the process. If no handler can be set, it stays.
        let _ = signal(SignalKind::from_raw(libc::SIGXFSZ));
    }
}

async fn run(cli: Cli, reporter: &Arc<Reporter>, invocation: Invocation) -> Result<Exit, Failure> {
    survive_file_limit();
    let runs_mock = matches!(cli.command, Command::Mock { .. });
    let global = Global::resolve(cli.global, runs_mock)?;
    let session = Session::new(global, reporter.clone(), invocation);
    match cli.command {
        Command::Export(export) => export::run(ExportSettings::resolve(*export)?, &session).await,
        Command::Sync(options) => sync::run(*options, &session).await,
        Command::Operations { search, exportable, json } => {
            commands::operations(search.as_deref(), exportable, json)
        }
        Command::Describe { name, json, body_template } => {
            let form = match (json, body_template) {
                (true, _) => Form::Json,
                (false, true) => Form::BodyTemplate,
                (false, false) => Form::Text,
            };
            commands::describe(&name, form)
        }
        Command::Call { call } => commands::call(CallSettings::resolve(call), &session).await,
        Command::Jobs { command } => match command.unwrap_or(Jobs::List) {
            Jobs::List => commands::jobs::list(&session),
            Jobs::Wait { id, deadline } => commands::jobs::wait(&id, deadline, &session).await,
            Jobs::Cancel { id } => commands::jobs::cancel(&id, &session).await,
            Jobs::Forget { id } => commands::jobs::forget(&id, &session),
        },
        Command::Runs { out, table, limit, json } => {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            commands::runs(out, table.as_deref(), (limit, json), &session).await
        }
        Command::Whoami => commands::whoami(&session).await,
        Command::Mock { port, .. } => commands::mock(port, &session).await,
        Command::Completions { shell } => commands::print(&completions::script(shell)?),
        Command::Schema { of: Schema::Events } => commands::schema(),
    }
}
