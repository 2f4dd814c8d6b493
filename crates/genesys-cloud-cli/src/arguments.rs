//! The command line as clap parses it. Whatever is wrong with a single value is an error here; [`settings`] resolves
//! the rest.
//!
//! [`settings`]: crate::settings

use std::marker::PhantomData;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use genesys_cloud_core::Interval;
use genesys_cloud_sinks::{Format, OnBadValue};

use crate::locations::{BodySource, Destination, ReportLocation, StateLocation};
use crate::{times, values};

/// Export and call any operation of the Genesys Cloud API.
///
/// Environment variables select the org and its credentials: GENESYS_CLOUD_REGION, GENESYS_CLOUD_CLIENT_ID and
/// GENESYS_CLOUD_CLIENT_SECRET, or GENESYS_CLOUD_ACCESS_TOKEN; GENESYS_CLOUD_API_URL and GENESYS_CLOUD_LOGIN_URL for
/// a gateway.
#[derive(Debug, Parser)]
#[command(name = "genesys-cloud", version, after_help = crate::exit::help())]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of all commands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Org to call: `env` for the one in the environment, `mock` for a fake one inside this program.
    #[arg(long, global = true, value_enum, default_value_t = Org::Env, help_heading = "Org")]
    pub(crate) org: Org,
    #[command(flatten)]
    pub(crate) mock: MockOptions,
    /// Log format on stderr: text for people, json for programs (see `schema events`).
    #[arg(long, global = true, value_enum, default_value_t = Log::Text, help_heading = "Messages")]
    pub(crate) log: Log,
    /// Only print errors.
    #[arg(long, short, global = true, help_heading = "Messages")]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Org {
    Env,
    Mock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    Text,
    Json,
}

/// Options of the fake org.
#[derive(Debug, Args)]
pub(crate) struct MockOptions {
    /// Number of records in a list of the fake org, such as routing.queues=2500; may be repeated.
    #[arg(long, global = true, value_name = "OPERATION=COUNT", value_parser = values::list_count, help_heading = "Org")]
    pub(crate) mock_list: Vec<(String, u64)>,
    /// Number of records in every other paged list of the fake org.
    #[arg(long, global = true, value_name = "COUNT", default_value_t = 100, help_heading = "Org")]
    pub(crate) mock_default_count: u64,
    /// Calls that the fake org allows per minute; the service allows 300.
    #[arg(
        long,
        global = true,
        value_name = "CALLS",
        default_value_t = 1_000_000,
        help_heading = "Org"
    )]
    pub(crate) mock_calls_per_minute: u64,
    /// Seed of the data of the fake org.
    #[arg(long, global = true, value_name = "NUMBER", default_value_t = 0, help_heading = "Org")]
    pub(crate) mock_seed: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Export a list, or the results of a job.
    Export(Box<Export>),
    /// List operations.
    Operations {
        /// Only operations with these words in a name or the path.
        #[arg(long, short)]
        search: Option<String>,
        /// Only operations that can be exported.
        #[arg(long)]
        exportable: bool,
    },
    /// Show parameters, response and permissions of an operation.
    Describe {
        /// Operation: `routing.queues`, `getRoutingQueues` or `GET /api/v2/routing/queues`.
        operation: String,
    },
    /// Make one call and print the response.
    Call {
        #[command(flatten)]
        call: CallOptions,
    },
    /// List, wait for or cancel jobs that exports have submitted.
    Jobs {
        #[command(subcommand)]
        command: Option<Jobs>,
    },
    /// Show the org, the client and the rate limit that calls use.
    Whoami,
    /// Run the fake org until interrupted, and print the variables that select it.
    Mock {
        /// Port to listen on; 0 for any free port.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Print completions for a shell.
    Completions {
        /// Shell to complete for.
        shell: clap_complete::Shell,
    },
    /// Print the JSON Schema of what this program writes for other programs.
    Schema {
        /// What to describe.
        #[arg(value_enum)]
        of: Schema,
    },
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Schema {
    /// The events of --log json, one per line; a report has the fields of the event `end`.
    Events,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// List the saved jobs. Makes no call.
    List,
    /// Wait until a job is done.
    Wait {
        /// ID of the job, or its beginning.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
        /// Longest time to wait, such as 30m.
        #[arg(long, default_value = "1h", value_parser = times::duration)]
        deadline: Duration,
    },
    /// Cancel a job.
    Cancel {
        /// ID of the job, or its beginning.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Forget a job. It keeps running.
    Forget {
        /// ID of the job, or its beginning.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
    },
}

/// An operation and its input.
#[derive(Debug, Args)]
pub(crate) struct CallOptions {
    /// Operation: `routing.queues`, `getRoutingQueues` or `GET /api/v2/routing/queues`.
    pub(crate) operation: String,
    /// Path, query or header parameter; may be repeated.
    #[arg(long = "param", short, value_name = "NAME=VALUE", value_parser = values::name_value)]
    pub(crate) params: Vec<(String, String)>,
    /// File with the request body as JSON, or - for standard input, as in --body - <<< '{}'.
    #[arg(long, value_name = "FILE", value_parser = Unquoted::<BodySource>::new())]
    pub(crate) body: Option<BodySource>,
    /// Skip validation against the API document.
    #[arg(long)]
    pub(crate) unchecked: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) call: CallOptions,
    /// Query parameter of the operation that lists the results of a job; may be repeated. `describe` names the
    /// operation.
    #[arg(long = "results-param", value_name = "NAME=VALUE", value_parser = values::name_value)]
    pub(crate) results_params: Vec<(String, String)>,
    /// Time range to export, such as 2024-05-01/2024-06-01 (UTC), for an operation that takes an interval. A range
    /// longer than the API allows is read in windows.
    #[arg(long, value_name = "START/END")]
    pub(crate) interval: Option<Interval>,
    /// Length of a window of the interval, such as 6h or 1d. By default, the longest that the operation is known to
    /// take, or 31 days. A window that the API refuses is split.
    #[arg(long, requires = "interval", value_parser = times::duration)]
    pub(crate) window: Option<Duration>,
    /// Overlap between windows, for records near a boundary.
    #[arg(long, requires = "interval", value_parser = times::duration)]
    pub(crate) overlap: Option<Duration>,
    /// Number of windows to read at a time. Records keep the order of the windows; those of later windows are held
    /// in memory, a page and --prefetch of each.
    #[arg(long, requires = "interval", value_name = "WINDOWS", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
    /// Longest time to wait for a job, such as 30m; an hour by default. --resume waits for the same job again.
    #[arg(long, value_parser = times::duration)]
    pub(crate) deadline: Option<Duration>,
    /// Longest time to wait until the data of the interval is available, such as 2h, before submitting a job. For
    /// jobs over data that becomes available with a delay; see `describe`.
    #[arg(long, value_parser = times::duration)]
    pub(crate) wait_for_data: Option<Duration>,
    /// ID field used to drop duplicates across windows, such as conversationId. By default, the one that is known for
    /// the operation; see `describe`.
    #[arg(long, requires = "interval", value_name = "FIELD")]
    pub(crate) unique: Option<String>,
    /// Keep duplicates across windows.
    #[arg(long, requires = "interval", conflicts_with = "unique")]
    pub(crate) keep_duplicates: bool,
    /// Number of records per page; by default, the most that the API allows.
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) page_size: Option<u64>,
    /// Stop after this many records. With --resume, records of earlier runs count.
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Number of pages to prefetch.
    #[arg(long, value_name = "PAGES", default_value_t = 1)]
    pub(crate) prefetch: usize,
    /// Fields to write, separated by commas, nested ones with dots, such as id,name,division.name.
    #[arg(long, value_delimiter = ',', value_name = "FIELD,..", value_parser = values::field)]
    pub(crate) fields: Vec<String>,
    /// Output; standard output by default. A file, which is staged in the folder .genesys-cloud beside it until it is
    /// complete; an object in a bucket, which appears once it is complete: s3://bucket/key, gs://bucket/key,
    /// az://container/key; or a table of a database: postgres://user@host/database, with the password in PGPASSWORD.
    #[arg(long, short, value_name = "FILE|URL", value_parser = Unquoted::<Destination>::new())]
    pub(crate) out: Option<Destination>,
    #[command(flatten)]
    pub(crate) table: TableOptions,
    /// Output format: jsonl or csv, with .gz for gzip, or parquet. Inferred from the file extension by default.
    #[arg(long, short)]
    pub(crate) format: Option<Format>,
    /// Least number of records per row group of Parquet. A killed export continues after the last row group.
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) row_group: Option<u64>,
    /// Size of the parts of an upload to a bucket, in MiB, from 5 to 320, 8 by default; an upload has at most 10,000
    /// parts. A resumed export keeps its part size.
    #[cfg(feature = "buckets")]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(5..=320))]
    pub(crate) part_size: Option<u64>,
    /// Largest number of records per batch; 2 MiB of JSON end a batch earlier.
    #[arg(long, value_name = "RECORDS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) batch: u64,
    /// Where to keep the state of an incomplete export: a file, an object in a bucket, or redis://host/0, with the
    /// password in REDISCLI_AUTH. Beside the output by default.
    #[arg(long, requires = "out", value_name = "FILE|URL", value_parser = Unquoted::<StateLocation>::new())]
    pub(crate) state: Option<StateLocation>,
    /// Resume an interrupted export, or one whose list may be incomplete: the page in doubt is read again.
    #[arg(long, requires = "out", group = "resuming")]
    pub(crate) resume: bool,
    /// Resume an interrupted export if it has the same parameters and is not older than --max-age. Start over
    /// otherwise, and say so. For scheduled exports.
    #[arg(long, requires = "out", group = "resuming", conflicts_with = "resume")]
    pub(crate) resume_or_restart: bool,
    /// Do not resume an export that began longer ago than this, such as 6h, so that its output does not mix old
    /// records with new ones.
    #[arg(long, requires = "resuming", value_name = "TIME", value_parser = times::duration)]
    pub(crate) max_age: Option<Duration>,
    /// Discard an interrupted export, cancel its jobs where the API allows it, and start over.
    #[arg(long, requires = "out", conflicts_with = "resuming")]
    pub(crate) restart: bool,
    /// File to write the report to, or none. By default, it is in the folder .genesys-cloud beside the output, or in
    /// the row of the table.
    #[arg(long, value_name = "FILE|none", value_parser = Unquoted::<ReportLocation>::new())]
    pub(crate) report: Option<ReportLocation>,
    /// When the API no longer knows the place of a resumed export: fail, or read the list again and skip as many
    /// records as are written.
    #[arg(long, value_enum, default_value_t = Stale::Fail)]
    pub(crate) on_stale: Stale,
    /// Accept an incomplete result as success: the output gets its name, and the exit code is 0.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) accept: Vec<Accepted>,
    /// What to do with a record that has a value the output can't hold, such as a text in a column of numbers: fail,
    /// write null in its place, or skip the record. Those records go to --rejects.
    #[arg(long, value_parser = on_bad_value(), value_name = "ACTION", default_value_t = OnBadValue::Fail)]
    pub(crate) on_bad_value: OnBadValue,
    /// File for the records that --on-bad-value changes or skips, as JSON lines with field and reason. By default, in
    /// .genesys-cloud beside an output file.
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Show what the export would do, with the number of calls and the time they take, and exit.
    #[arg(long)]
    pub(crate) plan: bool,
}

/// Options of a table of a database.
#[derive(Debug, Args)]
pub(crate) struct TableOptions {
    /// Table to write, as name or schema.name; by default, the name of the operation, such as routing_queues.
    #[arg(long, value_name = "TABLE", requires = "out", help_heading = "PostgreSQL")]
    pub(crate) table: Option<String>,
    /// Create the table with the columns of the API document if it does not exist.
    #[arg(long, requires = "out", help_heading = "PostgreSQL")]
    pub(crate) create_table: bool,
    /// Update the row with the same value in this field, id by default. Without it, rows are added to those that
    /// exist.
    #[arg(
        long,
        value_name = "FIELD",
        num_args = 0..=1,
        default_missing_value = "id",
        requires = "out",
        help_heading = "PostgreSQL"
    )]
    pub(crate) upsert: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Accepted {
    /// The list is longer than the API lets it be read.
    Truncated,
    /// The list changed while it was read.
    Drifted,
    /// The API does not say enough to tell.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stale {
    Fail,
    Restart,
}

/// Parses a value that may hold a password: the error names the option, and does not quote the value.
struct Unquoted<T>(PhantomData<fn() -> T>);

impl<T> Unquoted<T> {
    fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Clone for Unquoted<T> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T: FromStr<Err = String> + Clone + Send + Sync + 'static> TypedValueParser for Unquoted<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<T, clap::Error> {
        let parsed = match value.to_str() {
            Some(text) => text.parse(),
            None => Err("it is not valid UTF-8".to_owned()),
        };
        parsed.map_err(|why| {
            let option = argument.and_then(clap::Arg::get_long).unwrap_or_default();
            command.clone().error(ErrorKind::ValueValidation, format!("--{option}: {why}"))
        })
    }
}

/// Parses what to do with records that do not fit.
fn on_bad_value() -> impl TypedValueParser<Value = OnBadValue> {
    let choice = |it: OnBadValue| {
        PossibleValue::new(it.name()).help(match it {
            OnBadValue::Fail => "Fail",
            OnBadValue::Null => "Write null in place of the value",
            OnBadValue::Skip => "Skip the record",
        })
    };
    PossibleValuesParser::new(OnBadValue::VARIANTS.map(choice)).try_map(|it| it.parse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_location_that_is_refused_is_not_quoted() {
        for (option, value, why) in [
            ("--out", "postgres:/me:SECRET@host/db", "--out: write it as postgres://"),
            ("--out", "ftp://me:SECRET@host/q.jsonl", "--out: no output has a URL of the scheme"),
            ("--state", "redis:me:SECRET@host", "--state: write it as redis://"),
            ("--report", "ftp://me:SECRET@host/r", "--report: "),
            ("--body", "{\"SECRET\":1}", "--body: name a file"),
        ] {
            let words = ["genesys-cloud", "export", "a", "--out=q", option, value];
            let words = words.into_iter().filter(|word| option != "--out" || *word != "--out=q");
            let error = Cli::try_parse_from(words).expect_err(value);
            assert_eq!((error.kind(), error.exit_code()), (ErrorKind::ValueValidation, 2));
            let text = error.to_string();
            assert!(text.contains(why) && !text.contains("SECRET"), "{text}");
        }
    }
}
