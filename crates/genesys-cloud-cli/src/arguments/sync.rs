//! The options of `sync`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct SyncOptions {
    #[command(subcommand)]
    pub(crate) command: Option<SyncCommand>,
    /// Plan in TOML; `sync init` prints one.
    #[arg(required = true)]
    pub(crate) file: Option<PathBuf>,
    /// Show how the changes of each table are found, and an estimate of calls and time; change nothing.
    #[arg(long = "plan")]
    pub(crate) is_dry_run: bool,
    /// Table of the plan to update; repeatable; all by default.
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Vec<String>,
    /// Read everything, as the first run does.
    #[arg(long)]
    pub(crate) full: bool,
    /// Allow deletes beyond `max_deletes` of the plan. They still need proof.
    #[arg(long, conflicts_with = "is_dry_run")]
    pub(crate) allow_deletes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SyncCommand {
    /// Print a plan with comments, to start from.
    Init,
}
