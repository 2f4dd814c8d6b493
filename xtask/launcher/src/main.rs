//! `cargo xtask`. The demo skips the maintainer's tools, whose dependencies take longer to build than the SDK.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let result = match arguments.as_slice() {
        [command] if command == "demo" => xtask_launcher::demo(),
        arguments => xtask_launcher::tools(arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: can't run cargo: {error}");
        ExitCode::FAILURE
    })
}
