//! The log of the runs that wrote to an output, and the entry of this run.

use chrono::{DateTime, SecondsFormat, Utc};
use genesys_cloud_core::display;
#[cfg(feature = "postgres")]
use genesys_cloud_sinks::PostgresSink;
use genesys_cloud_sinks::checksum::random_id;
#[cfg(feature = "buckets")]
use genesys_cloud_sinks::{BucketSink, Format};
use genesys_cloud_sinks::{FileRunLog, RunLog};
use serde_json::Value;

use crate::failure::Failure;
use crate::locations::{Destination, Folder, ReportLocation};

/// Number of random characters in an ID, for runs that start at the same time.
const RANDOM: usize = 8;

/// Opens the log of an output, to read it. A database has one log for all tables of a schema.
pub(crate) fn open(out: Destination, table: Option<&str>) -> Result<Box<dyn RunLog>, Failure> {
    match out {
        #[cfg(feature = "postgres")]
        Destination::Postgres(mut target) => {
            if let Some(table) = table {
                target.table(table).map_err(Failure::usage)?;
            }
            Ok(Box::new(PostgresSink::new(*target)))
        }
        _ if table.is_some() => Err(Failure::usage("`--table` needs a database")
            .advise("add `--out postgres://user@host/database`")),
        Destination::Stdout => {
            Err(Failure::usage("--out: the runs of exports to standard output are not logged"))
        }
        Destination::File(path) => Ok(Box::new(FileRunLog::beside(&path))),
        Destination::Folder(folder) => open(folder.file(Folder::OWN)?, table),
        #[cfg(feature = "buckets")]
        Destination::Bucket(url) => Ok(Box::new(BucketSink::new(&url, Format::default())?)),
    }
}

/// The entry of a run: of one process, even if it starts over.
pub(super) struct LogEntry {
    /// The start and random characters, so that IDs have the order of the runs.
    id: String,
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

    /// Returns the start of the run.
    pub(super) fn started(&self) -> String {
        self.started.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// Writes the entry, unless no report is wanted or the output has no log.
    pub(super) async fn log(
        &self,
        wanted: &ReportLocation,
        log: Option<&mut dyn RunLog>,
        facts: &Value,
    ) -> Result<(), Failure> {
        match (wanted, log) {
            (ReportLocation::Nowhere, _) | (_, None) => Ok(()),
            (_, Some(log)) => {
                // The report may be shown on a terminal.
                let text = format!("{facts:#}\n");
                log.put(&self.id, &display::lines(&text)).await.map_err(Failure::from)
            }
        }
    }
}
