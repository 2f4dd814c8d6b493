//! The commands that manage jobs.

use std::time::Duration;

use clap::Subcommand;

use crate::times;

/// A command about the jobs that exports have submitted.
#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// List the saved jobs, without a call to the API (default).
    List,
    /// Wait for a job to finish.
    Wait {
        /// Job ID, or its first characters.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
        /// Maximum time to wait, such as 30m.
        #[arg(long, value_name = "TIME", default_value = "1h", value_parser = times::duration)]
        deadline: Duration,
    },
    /// Cancel a job.
    Cancel {
        /// Job ID, or its first characters.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Remove a job from the list; it keeps running.
    Forget {
        /// Job ID, or its first characters.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
    },
}
