//! Starts the programs behind `cargo xtask`, each built with cargo's own progress on standard error.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Builds and runs the demo.
///
/// # Errors
/// If cargo can't be started.
pub fn demo() -> io::Result<ExitCode> {
    eprintln!("Building the demo: the client, one API group and the fake org.");
    eprintln!(
        "The first build compiles about 110 crates in one to two minutes. The demo then runs for a few seconds."
    );
    run("genesys-cloud-demo", &[])
}

/// Builds and runs the maintainer's tools.
///
/// # Errors
/// If cargo can't be started.
pub fn tools(arguments: &[OsString]) -> io::Result<ExitCode> {
    run("xtask", arguments)
}

fn run(package: &str, arguments: &[OsString]) -> io::Result<ExitCode> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--package", package, "--manifest-path"])
        .arg(manifest)
        .arg("--")
        .args(arguments)
        .status()?;
    // A signal has no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}
