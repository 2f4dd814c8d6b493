//! The command `genesys-cloud`.

use std::process::ExitCode;

fn main() -> ExitCode {
    genesys_cloud_cli::main()
}
