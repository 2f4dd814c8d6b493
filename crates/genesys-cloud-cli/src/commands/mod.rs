//! The commands beside the export.

mod call;
mod describe;
mod jobs;
mod operations;

use std::io::Write as _;

use clap::CommandFactory as _;

pub(crate) use call::{call, whoami};
pub(crate) use describe::describe;
pub(crate) use jobs::{Kept, abandon, jobs};
pub(crate) use operations::operations;

use crate::arguments::{Cli, Global, SchemaOf};
use crate::connect;
use crate::events;
use crate::failure::{Exit, Failure};

/// Runs the fake org by itself.
pub(crate) async fn mock(port: u16, global: &Global) -> Result<Exit, Failure> {
    let org = connect::fake(&global.mock)?.port(port).start().await;
    let org = org.map_err(|error| {
        let why = connect::refused(&error);
        // Where the system stood in the way, it is the port.
        let is_of_port = std::error::Error::source(&error).is_some();
        Failure::usage(if is_of_port { format!("--port {port}: {why}") } else { why })
    })?;
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "export GENESYS_CLOUD_API_URL={}", org.url())?;
        writeln!(out, "export GENESYS_CLOUD_LOGIN_URL={}", org.url())?;
        writeln!(out, "export GENESYS_CLOUD_CLIENT_ID={}", org.client_id())?;
        writeln!(out, "export GENESYS_CLOUD_CLIENT_SECRET={}", org.client_secret())?;
        out.flush()?;
    }
    tokio::signal::ctrl_c().await?;
    org.shutdown().await;
    Ok(Exit::Complete)
}

/// Prints the schema of what programs read.
pub(crate) fn schema(of: SchemaOf) -> Result<Exit, Failure> {
    let text = match of {
        SchemaOf::Events => events::SCHEMA,
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Complete)
}

/// Prints the completions for a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "genesys-cloud", &mut text);
    std::io::stdout().write_all(&text)?;
    Ok(Exit::Complete)
}
