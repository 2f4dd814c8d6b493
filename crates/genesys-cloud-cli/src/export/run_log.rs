//! The entry of this run in the log of the output.

use chrono::{DateTime, SecondsFormat, Utc};
use genesys_cloud_sinks::checksum::random_id;

/// Number of random characters in an ID, for runs that start at the same time.
const RANDOM: usize = 8;

/// The entry of a run: of one process, even if it starts over.
pub(super) struct LogEntry {
    /// The start and random characters, so that IDs have the order of the runs.
    pub(super) id: String,
    started: DateTime<Utc>,
}

impl LogEntry {
    /// Creates the entry of a run that starts now.
    pub(super) fn new() -> Self {
        let started = Utc::now();
        let random = random_id();
        let random = random.get(..RANDOM).unwrap_or(&random);
        let id = format!("{}-{random}", started.format("%Y%m%dT%H%M%S%3fZ"));
        Self { id, started }
    }

    pub(super) fn started(&self) -> String {
        self.started.to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}
