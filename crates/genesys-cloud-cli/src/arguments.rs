//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use genesys_cloud_core::Interval;

use crate::export::{Keep, Output, ReportPlace};
use crate::sinks::{Format, OnBadValue};
use crate::{parameters, times};

/// Exports and calls any operation of the Genesys Cloud API.
///
/// The org and its credentials are read from the environment: GENESYS_CLOUD_REGION, GENESYS_CLOUD_CLIENT_ID and
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

/// What all commands take.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The org: `env` as the environment says, `mock` a fake one within this program.
    #[arg(long, global = true, value_enum, default_value_t = OrgChoice::Env, help_heading = "Org")]
    pub(crate) org: OrgChoice,
    #[command(flatten)]
    pub(crate) mock: MockOptions,
    /// Log format on standard error: text for people, or json for programs (see `schema events`).
    #[arg(long, global = true, value_enum, default_value_t = Log::Text, help_heading = "Messages")]
    pub(crate) log: Log,
    /// Only print errors.
    #[arg(long, short, global = true, help_heading = "Messages")]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrgChoice {
    Env,
    Mock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    Text,
    Json,
}

/// What the fake org is like.
#[derive(Debug, Args)]
pub(crate) struct MockOptions {
    /// How many records a list of the fake org has, such as routing.queues=2500; may be repeated.
    #[arg(long, global = true, value_name = "OPERATION=COUNT", value_parser = parameters::pair, help_heading = "Org")]
    pub(crate) mock_list: Vec<(String, String)>,
    /// How many records every other paged list of the fake org has.
    #[arg(long, global = true, value_name = "COUNT", default_value_t = 100, help_heading = "Org")]
    pub(crate) mock_default_count: u64,
    /// How many calls the fake org allows in a minute; the service allows 300.
    #[arg(
        long,
        global = true,
        value_name = "CALLS",
        default_value_t = 1_000_000,
        help_heading = "Org"
    )]
    pub(crate) mock_calls_per_minute: u64,
    /// What all made-up data of the fake org follow from.
    #[arg(long, global = true, value_name = "NUMBER", default_value_t = 0, help_heading = "Org")]
    pub(crate) mock_seed: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Reads a list, or the results of a job, to its end, and writes it.
    Export(Box<Export>),
    /// Lists operations.
    Operations {
        /// Only those that have these words in a name or the path.
        #[arg(long, short)]
        search: Option<String>,
        /// Only those that can be exported.
        #[arg(long)]
        exportable: bool,
    },
    /// Says what an operation takes and gives, and what it needs.
    Describe {
        /// The operation: `routing.queues`, `getRoutingQueues` or `GET /api/v2/routing/queues`.
        operation: String,
    },
    /// Makes one call, and prints the reply.
    Call {
        #[command(flatten)]
        call: CallOptions,
    },
    /// Jobs that exports have submitted: lists them, waits for them, cancels them.
    Jobs {
        #[command(subcommand)]
        command: Option<JobsCommand>,
    },
    /// Says to which org and with which rights calls are made.
    Whoami,
    /// Runs the fake org by itself until it is interrupted, and prints the variables that lead to it.
    Mock {
        /// The port to listen on; any free one if 0.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Prints the completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the JSON Schema of what this program writes for other programs.
    Schema {
        /// What to describe.
        #[arg(value_enum)]
        of: SchemaOf,
    },
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// The events of --log json, one per line; a report has the fields of the event `end`.
    Events,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// Lists the jobs that are kept. No call is made.
    List,
    /// Waits until a job is done.
    Wait {
        /// The id of the job, or its beginning.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
        /// How long, such as 30m.
        #[arg(long, default_value = "1h", value_parser = times::duration)]
        deadline: Duration,
    },
    /// Cancels a job.
    Cancel {
        /// The id of the job, or its beginning.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
    },
    /// Forgets a job. It runs on.
    Forget {
        /// The id of the job, or its beginning.
        #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
        id: String,
    },
}

/// An operation and what it is given.
#[derive(Debug, Args)]
pub(crate) struct CallOptions {
    /// The operation: `routing.queues`, `getRoutingQueues` or `GET /api/v2/routing/queues`.
    pub(crate) operation: String,
    /// A parameter of the path, the query or the head; may be repeated.
    #[arg(long = "param", short, value_name = "NAME=VALUE", value_parser = parameters::pair)]
    pub(crate) params: Vec<(String, String)>,
    /// A file with the body as JSON, or - for standard input, as in --body - <<< '{}'.
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<String>,
    /// Sends parameters and fields that the document does not know, or has as something else.
    #[arg(long)]
    pub(crate) unchecked: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) call: CallOptions,
    /// A query parameter of the operation that lists the results of a job; may be repeated. `describe` names the
    /// operation.
    #[arg(long = "results-param", value_name = "NAME=VALUE", value_parser = parameters::pair)]
    pub(crate) results_params: Vec<(String, String)>,
    /// The time that records are of, such as 2024-05-01/2024-06-01 (UTC), for an operation that takes an
    /// interval. It may be longer than the API allows: it is read in pieces.
    #[arg(long, value_name = "START/END")]
    pub(crate) interval: Option<Interval>,
    /// How long a piece of the interval is, such as 6h or 1d. The longest that the operation is known to take
    /// unless given, or else 31 days; what the API refuses is split further.
    #[arg(long, requires = "interval", value_parser = times::duration)]
    pub(crate) window: Option<Duration>,
    /// How much pieces overlap, for records that the API may count to either.
    #[arg(long, requires = "interval", value_parser = times::duration)]
    pub(crate) overlap: Option<Duration>,
    /// How many pieces of the interval are read at a time. Their records come in the same order; those of the
    /// pieces that wait for their turn are held, a page and --prefetch of each.
    #[arg(long, requires = "interval", value_name = "PIECES", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
    /// How long a job is waited for until --resume has to go on with it, such as 30m; an hour unless given.
    #[arg(long, value_parser = times::duration)]
    pub(crate) deadline: Option<Duration>,
    /// Waits until the data of the interval is available, at most this long, such as 2h, before a job is submitted. For
    /// jobs over data that becomes available with a delay; see `describe`.
    #[arg(long, value_parser = times::duration)]
    pub(crate) wait_for_data: Option<Duration>,
    /// The field by which a record is known that comes in two pieces, such as conversationId, so that it is
    /// written once. As it is known of the operation unless given: `describe` tells.
    #[arg(long, requires = "interval", value_name = "FIELD")]
    pub(crate) unique: Option<String>,
    /// Writes records that come in two pieces as often as they come.
    #[arg(long, requires = "interval", conflicts_with = "unique")]
    pub(crate) keep_duplicates: bool,
    /// How many records a page has. As many as the API allows unless given.
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) page_size: Option<u64>,
    /// Ends after this many records. With --resume, those of the earlier runs count.
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Asks for so many pages ahead.
    #[arg(long, value_name = "PAGES", default_value_t = 1)]
    pub(crate) prefetch: usize,
    /// The fields to write, by commas, nested ones with dots, such as id,name,division.name.
    #[arg(long, value_delimiter = ',', value_name = "FIELD,..")]
    pub(crate) fields: Vec<String>,
    /// Where the records go; standard output unless given. A file, which is in the folder .genesys-cloud beside
    /// it until it is whole; an object in a bucket, which is there once it is whole: s3://bucket/key, gs://bucket/key, az://container/key; or
    /// a table of a database: postgres://user@host/database, with the password in PGPASSWORD.
    #[arg(long, short, value_name = "FILE|URL")]
    pub(crate) out: Option<Output>,
    #[command(flatten)]
    pub(crate) table: TableOptions,
    /// The form: jsonl or csv, with .gz for gzip, or parquet. As the name of the file ends unless given.
    #[arg(long, short)]
    pub(crate) format: Option<Format>,
    /// How many records a row group of Parquet has at least. An export that was killed goes on behind the last.
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) row_group: Option<u64>,
    /// Size of the parts of an upload to a bucket, in MiB, from 5 to 320, 8 by default; there are 10,000 at the most. An export that is resumed
    /// keeps the size that it began with.
    #[cfg(feature = "buckets")]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(5..=320))]
    pub(crate) part_size: Option<u64>,
    /// Largest number of records per batch; 2 MiB of JSON end a batch earlier.
    #[arg(long, value_name = "RECORDS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) batch: u64,
    /// Where the state of the export is kept until it is whole: a file, an object in a bucket, or redis://host/0, with
    /// the password in REDISCLI_AUTH. Beside the output unless given.
    #[arg(long, requires = "out", value_name = "PLACE")]
    pub(crate) state: Option<Keep>,
    /// Resumes an export that was stopped, or whose list may not be whole: the page in doubt is read again.
    #[arg(long, requires = "out", group = "resuming")]
    pub(crate) resume: bool,
    /// Resume an interrupted export if it has the same parameters and is not older than --max-age. Start over
    /// otherwise, and say so. For exports that run on a schedule.
    #[arg(long, requires = "out", group = "resuming", conflicts_with = "resume")]
    pub(crate) resume_or_restart: bool,
    /// Do not resume an export that began longer ago than this, such as 6h, so that its output does not mix old
    /// records with new ones.
    #[arg(long, requires = "resuming", value_name = "TIME", value_parser = times::duration)]
    pub(crate) max_age: Option<Duration>,
    /// Discards an export that was stopped, cancels its jobs where the API allows it, and starts over.
    #[arg(long, requires = "out", conflicts_with = "resuming")]
    pub(crate) restart: bool,
    /// Write the report to this file, or to none. By default, it is in the folder .genesys-cloud beside the output, or
    /// in the row of the table.
    #[arg(long, value_name = "FILE|none")]
    pub(crate) report: Option<ReportPlace>,
    /// What becomes of an export that goes on where the API no longer knows the place: it fails, or reads the
    /// list again and leaves out as many records as are written.
    #[arg(long, value_enum, default_value_t = Stale::Fail)]
    pub(crate) on_stale: Stale,
    /// Takes a list for whole that is not known to be: its output gets its name, and the exit code is 0.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) accept: Vec<Accepted>,
    /// What to do with a record that has a value the output can't hold, such as a text in a column of numbers: fail,
    /// write null in its place, or leave the record out. Those records go to --rejects.
    #[arg(long, value_parser = on_bad_value(), value_name = "WHAT", default_value_t = OnBadValue::Fail)]
    pub(crate) on_bad_value: OnBadValue,
    /// File for the records that --on-bad-value changes or leaves out, as JSON lines with field and reason. By default it
    /// is in .genesys-cloud beside an output file.
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Says what it would do, how many calls that takes and how long, and stops.
    #[arg(long)]
    pub(crate) plan: bool,
}

/// Which table of a database is written, and how.
#[derive(Debug, Args)]
pub(crate) struct TableOptions {
    /// The table to write, as name or schema.name; the name of the operation unless given, such as
    /// routing_queues.
    #[arg(long, value_name = "TABLE", requires = "out", help_heading = "PostgreSQL")]
    pub(crate) table: Option<String>,
    /// Makes the table as the document has the records, if it is not there.
    #[arg(long, requires = "out", help_heading = "PostgreSQL")]
    pub(crate) create_table: bool,
    /// A record takes the place of the one with the same value in this field, id unless given; all others stay.
    /// Without it, records are added to those that are there.
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
    /// It is longer than the API lets it be read.
    Truncated,
    /// It changed while it was read.
    Drifted,
    /// The API does not say enough to tell.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stale {
    Fail,
    Restart,
}

/// Reads what becomes of records that do not fit.
fn on_bad_value() -> impl TypedValueParser<Value = OnBadValue> {
    let choice = |it: OnBadValue| {
        PossibleValue::new(it.name()).help(match it {
            OnBadValue::Fail => "The export fails",
            OnBadValue::Null => "The record is written with null in place of the value",
            OnBadValue::Skip => "The record is left out",
        })
    };
    PossibleValuesParser::new(OnBadValue::VARIANTS.map(choice)).try_map(|it| it.parse())
}
