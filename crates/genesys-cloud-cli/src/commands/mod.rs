//! The commands other than `export`.

mod call;
mod definition;
mod describe;
mod description;
mod fields;
pub(crate) mod jobs;
mod operations;
mod runs;
mod template;

use std::io::Write as _;

pub(crate) use call::{call, whoami};
pub(crate) use describe::{Form, describe};
pub(crate) use operations::operations;
pub(crate) use runs::runs;

use crate::events;
use crate::failure::{Exit, Failure};
use crate::session::{Session, with_source};

/// Runs the fake org until Ctrl-C.
pub(crate) async fn mock(port: u16, session: &Session) -> Result<Exit, Failure> {
    let org = session.mock_org()?.port(port).start().await;
    let org = org.map_err(|error| {
        let why = with_source(&error);
        // An error of the system is about the port.
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

/// Prints the JSON Schema of events.
pub(crate) fn schema() -> Result<Exit, Failure> {
    print(events::SCHEMA.as_bytes())
}

/// Prints text unchanged.
pub(crate) fn print(text: &[u8]) -> Result<Exit, Failure> {
    std::io::stdout().write_all(text)?;
    Ok(Exit::Complete)
}
