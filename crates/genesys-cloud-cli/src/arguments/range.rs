//! The options of a time range.

use std::time::Duration;

use clap::Args;

use crate::time_range::TimeRange;
use crate::time_zone::Zone;
use crate::{times, values};

/// Options of a time range.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time range")]
pub(crate) struct RangeOptions {
    /// Time range to export, such as 2024-05-01/2024-06-01, yesterday or -7d/now.
    ///
    /// Start and end are a date, a time, now, today, yesterday, or a time before now: -2w, -7d, -6h, -30m. One of them
    /// may be a length: 2024-05-01/P1D, P7D/today. `yesterday` alone is that whole day; `today` is the day until now.
    /// Days start at midnight in --time-zone. A range longer than the API allows is read in windows.
    #[arg(long, value_name = "START/END", allow_hyphen_values = true)]
    pub(crate) interval: Option<TimeRange>,
    /// Time zone of dates, and of times without an offset, such as Europe/Berlin; UTC by default.
    #[arg(long, requires = "interval", value_name = "ZONE")]
    pub(crate) time_zone: Option<Zone>,
    /// Length of a window, such as 6h or 1d.
    ///
    /// By default, the longest that the API is known to allow for the operation, or 31 days. A window that the API
    /// rejects as too large is split.
    #[arg(long, requires = "interval", value_name = "TIME", value_parser = times::duration)]
    pub(crate) window: Option<Duration>,
    /// Overlap between windows, for records near a boundary; none by default.
    #[arg(long, requires = "interval", value_name = "TIME", value_parser = times::duration)]
    pub(crate) overlap: Option<Duration>,
    /// Number of windows to read concurrently, 1 by default; with --for-each, of lists, 8 by default.
    ///
    /// With --download, also the number of files to download concurrently, 8 by default. Records keep the order of the windows or parents. Memory holds one page of each, and the pages prefetched.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: Option<u16>,
    /// ID field used to drop duplicates across windows, such as conversationId.
    ///
    /// By default, the ID that `genesys-cloud describe` shows for the operation, if any.
    #[arg(long, requires = "interval", value_name = "FIELD")]
    pub(crate) unique: Option<String>,
    /// Keep duplicates across windows.
    #[arg(long, requires = "interval", conflicts_with = "unique")]
    pub(crate) keep_duplicates: bool,
    /// Name of the folders of windows, such as conversation_day for conversation_day=2026-05-01/part-0.parquet.
    ///
    /// For --out FOLDER/. By default, named after the ID field of the records, or day or hour.
    #[arg(long, requires = "interval", value_name = "NAME", value_parser = values::column_name)]
    pub(crate) partition: Option<String>,
}
