//! The command line as clap parses it. Errors in a single value are found here; [`settings`] resolves the rest.
//!
//! [`settings`]: crate::settings

mod download;
mod explode;
mod jobs;
mod range;
mod sync;
mod table;
mod tree;
mod unquoted;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use genesys_cloud_sinks::{Format, OnBadValue};

pub(crate) use self::download::DownloadOptions;
pub(crate) use self::explode::ExplodeOptions;
pub(crate) use self::jobs::Jobs;
pub(crate) use self::range::RangeOptions;
pub(crate) use self::sync::{SyncCommand, SyncOptions};
pub(crate) use self::table::{ExportField, TableOptions};
pub(crate) use self::tree::{OnParent, TreeOptions};
use self::unquoted::Unquoted;
use crate::completions;
use crate::locations::{BodySource, Destination, ReportLocation, StateLocation};
use crate::{times, values};

/// Export and call any operation of the Genesys Cloud API.
///
/// Select the org with GENESYS_CLOUD_REGION, and log in with GENESYS_CLOUD_CLIENT_ID and
/// GENESYS_CLOUD_CLIENT_SECRET, or with GENESYS_CLOUD_ACCESS_TOKEN. For a gateway, set GENESYS_CLOUD_API_URL and
/// GENESYS_CLOUD_LOGIN_URL. Or select a profile of the config file with --profile. To try a command without an
/// account, add --org mock.
#[derive(Debug, Parser)]
#[command(name = "genesys-cloud", version, max_term_width = 100, after_help = crate::exit::help())]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Org to call.
    #[arg(long, global = true, value_enum, default_value_t = Org::Env)]
    pub(crate) org: Org,
    /// Profile of the config file; GENESYS_CLOUD_PROFILE by default.
    ///
    /// The file is genesys-cloud/config.toml in $XDG_CONFIG_HOME or ~/.config, or GENESYS_CLOUD_CONFIG. Environment
    /// variables override the profile.
    #[arg(long, global = true, value_name = "NAME", add = ArgValueCompleter::new(completions::profiles))]
    pub(crate) profile: Option<String>,
    /// Log format on stderr.
    #[arg(long, global = true, value_enum, default_value_t = Log::Text)]
    pub(crate) log: Log,
    /// Only print errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    // Last: the heading of its options stays.
    #[command(flatten)]
    pub(crate) mock: MockOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Org {
    /// The org of the environment or the profile.
    Env,
    /// A fake org inside this program.
    Mock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// Text and a progress bar.
    Text,
    /// One JSON event per line; see `genesys-cloud schema events`.
    Json,
}

/// Options of the fake org.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fake org")]
pub(crate) struct MockOptions {
    /// Number of records in a list of the fake org, such as routing.queues=2500; repeatable.
    #[arg(long, global = true, value_name = "OPERATION=COUNT", value_parser = values::list_count)]
    pub(crate) mock_list: Vec<(String, u64)>,
    /// Number of records in every other paged list of the fake org.
    #[arg(long, global = true, value_name = "COUNT", default_value_t = 100)]
    pub(crate) mock_default_count: u64,
    /// Rate limit of the fake org, in calls per minute.
    ///
    /// Genesys Cloud allows 300 calls per minute and token.
    #[arg(long, global = true, value_name = "CALLS", default_value_t = 1_000_000)]
    pub(crate) mock_calls_per_minute: u64,
    /// Seed of the records of the fake org.
    #[arg(long, global = true, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) mock_seed: u64,
    /// The command `mock` has the same options without their prefix, with the same values.
    #[command(flatten)]
    pub(crate) behavior: genesys_cloud_mock::MockBehaviorOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Export a list, or the results of a job.
    ///
    /// Reads all pages of a list, or submits a job, waits for it and reads its results. The exit code says whether the
    /// list is complete.
    Export(Box<Export>),
    /// Keep a database equal to the org.
    ///
    /// Reads what may have changed since the last run, as a plan says, and applies the difference: each table in one
    /// transaction. A row is deleted only if the list that lacks it is proven complete. Prints a report as JSON.
    Sync(Box<SyncOptions>),
    /// List operations.
    Operations {
        /// Only list operations that match all of these words.
        ///
        /// Searches the names, the method, the path and the summary, and ignores case.
        #[arg(long, short, value_name = "WORDS")]
        search: Option<String>,
        /// Only list operations that can be exported.
        #[arg(long)]
        exportable: bool,
        /// Print one JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show an operation or a type.
    ///
    /// Shows parameters, response and permissions of an operation, or the fields of a type of the API document.
    Describe {
        /// Operation, such as `routing.queues`, or type, such as `Queue`.
        #[arg(value_name = "OPERATION|TYPE", add = ArgValueCompleter::new(completions::subjects))]
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Print a request body with all fields, the required ones first.
        ///
        /// Replace the placeholders, and remove the optional fields that the call does not need.
        #[arg(long, conflicts_with = "json")]
        body_template: bool,
    },
    /// Make one call and print the response.
    Call {
        #[command(flatten)]
        call: CallOptions,
    },
    /// Manage jobs that exports have submitted.
    Jobs {
        #[command(subcommand)]
        command: Option<Jobs>,
    },
    /// List the runs of exports to an output, the latest first.
    ///
    /// Every run is logged, also failed and interrupted ones. An unfinished run was killed, or is still running.
    Runs {
        /// File, object or database that the exports write to.
        #[arg(long, short, value_name = "FILE|URL", value_parser = Unquoted::<Destination>::new())]
        out: Destination,
        /// Table, as name or schema.name; by default, all tables of the schema.
        #[arg(long, value_name = "TABLE")]
        table: Option<String>,
        /// Maximum number of runs to list.
        #[arg(long, value_name = "RUNS", default_value_t = 20, value_parser = values::positive)]
        limit: u64,
        /// Print the reports, one JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show the org, the OAuth client and the rate limit.
    Whoami,
    /// Run the fake org until interrupted.
    ///
    /// Prints the environment variables that select it, as `export` lines for a shell.
    Mock {
        /// Port to listen on; 0 for any free port.
        #[arg(long, default_value_t = 0)]
        port: u16,
        #[command(flatten)]
        behavior: genesys_cloud_mock::BehaviorOptions,
    },
    /// Print the completion script of a shell.
    ///
    /// The script completes names of operations, parameters and profiles. For bash, add `source <(genesys-cloud
    /// completions bash)` to ~/.bashrc.
    Completions {
        /// Shell to complete for.
        shell: clap_complete::Shell,
    },
    /// Print the JSON Schema of an output format.
    Schema {
        /// Format to describe.
        #[arg(value_enum, value_name = "FORMAT")]
        of: Schema,
    },
}

/// A format with a JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Schema {
    /// Events of --log json; a report has the fields of the event `end`.
    Events,
}

/// An operation and its input.
#[derive(Debug, Args)]
pub(crate) struct CallOptions {
    /// Operation: `routing.queues`, `getRoutingQueues` or `GET /api/v2/routing/queues`.
    #[arg(add = ArgValueCompleter::new(completions::operations))]
    pub(crate) operation: String,
    /// Path, query or header parameter; repeatable.
    #[arg(long = "param", short, value_name = "NAME=VALUE", value_parser = values::name_value, help_heading = "Request", add = ArgValueCompleter::new(completions::parameters))]
    pub(crate) params: Vec<(String, String)>,
    /// File with the request body as JSON; - for standard input.
    #[arg(long, value_name = "FILE", value_parser = Unquoted::<BodySource>::new(), help_heading = "Request")]
    pub(crate) body: Option<BodySource>,
    /// Skip validation against the API document.
    #[arg(long, help_heading = "Request")]
    pub(crate) unchecked: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) call: CallOptions,
    /// Query parameter of the operation that lists a job's results; repeatable.
    ///
    /// `genesys-cloud describe` names that operation and its parameters.
    #[arg(long = "results-param", value_name = "NAME=VALUE", value_parser = values::name_value, help_heading = "Request")]
    pub(crate) results_params: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) tree: TreeOptions,
    #[command(flatten)]
    pub(crate) range: RangeOptions,
    #[command(flatten)]
    pub(crate) reading: ReadOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    #[command(flatten)]
    pub(crate) explode: ExplodeOptions,
    #[command(flatten)]
    pub(crate) table: TableOptions,
    #[command(flatten)]
    pub(crate) download: DownloadOptions,
    #[command(flatten)]
    pub(crate) resuming: ResumeOptions,
}

/// Options of how records are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct ReadOptions {
    /// Number of records per page; by default, the most that the API allows.
    #[arg(long, value_name = "RECORDS", value_parser = values::positive)]
    pub(crate) page_size: Option<u64>,
    /// Number of pages to prefetch.
    #[arg(long, value_name = "PAGES", default_value_t = 1)]
    pub(crate) prefetch: usize,
    /// Maximum number of records to export, including those of resumed runs.
    #[arg(long, value_name = "RECORDS", value_parser = values::positive)]
    pub(crate) limit: Option<u64>,
    /// Maximum time to wait for a job, such as 30m; 1h by default.
    ///
    /// After that, the job keeps running, and --resume waits for it again.
    #[arg(long, value_name = "TIME", value_parser = times::duration)]
    pub(crate) deadline: Option<Duration>,
    /// Maximum time to wait for the data of the interval before submitting a job, such as 2h.
    ///
    /// For jobs over data that becomes available with a delay; see `genesys-cloud describe`.
    #[arg(long, value_name = "TIME", value_parser = times::duration)]
    pub(crate) wait_for_data: Option<Duration>,
    /// Accept an incomplete result as success.
    ///
    /// The output is published, and the exit code is 0. Separate several verdicts with commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "VERDICT")]
    pub(crate) accept: Vec<Accepted>,
    /// Show what the export would do, with an estimate of calls and time, and exit.
    #[arg(long)]
    pub(crate) plan: bool,
}

/// Options of the output.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputOptions {
    /// File, folder, object or database to write to; standard output by default.
    ///
    /// A folder ends with a slash, as in lake/conversations/ or s3://bucket/prefix/, and gets one file per window of
    /// --interval. A file is staged in the folder .genesys-cloud beside it until it is complete. An object
    /// (s3://bucket/key, gs://bucket/key, az://container/key) appears once it is complete. For a table, use
    /// postgres://user@host/database and set the password in PGPASSWORD.
    #[arg(long, short, value_name = "FILE|URL", value_parser = Unquoted::<Destination>::new())]
    pub(crate) out: Option<Destination>,
    /// Output format: jsonl, csv or parquet; inferred from the file extension by default.
    ///
    /// jsonl.gz and csv.gz are compressed with gzip.
    #[arg(long, short)]
    pub(crate) format: Option<Format>,
    /// Fields to write, such as id,name,division.name; all by default.
    ///
    /// Separate fields with commas. A dot selects a nested field.
    #[arg(long, value_delimiter = ',', value_name = "FIELD,..", value_parser = values::field)]
    pub(crate) fields: Vec<String>,
    /// Fields to add to each record, such as _loaded_at,_run_id; none by default.
    ///
    /// Separate fields with commas. They follow the fields of the record.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FIELD,..")]
    pub(crate) with: Vec<ExportField>,
    /// Action for a value that the output can't hold, such as text in a numeric column.
    ///
    /// Changed and skipped records go to --rejects.
    #[arg(long, value_parser = on_bad_value(), value_name = "ACTION", default_value_t = OnBadValue::Fail)]
    pub(crate) on_bad_value: OnBadValue,
    /// File for records that --on-bad-value changes or skips.
    ///
    /// JSON lines with the record, the field and the reason. By default, in the folder .genesys-cloud beside an
    /// output file.
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// File for the report, or none for neither a report nor an entry in the run log.
    ///
    /// By default, in the folder .genesys-cloud beside the output. The report of a table is in a row of the database.
    /// `genesys-cloud runs` lists the reports of all runs.
    #[arg(long, value_name = "FILE|none", value_parser = Unquoted::<ReportLocation>::new())]
    pub(crate) report: Option<ReportLocation>,
    /// Maximum number of records per batch; a batch also ends at 2 MiB of JSON.
    #[arg(long, value_name = "RECORDS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) batch: u64,
    /// Minimum number of records per Parquet row group.
    ///
    /// A killed export resumes after the last complete row group.
    #[arg(long, value_name = "RECORDS", value_parser = values::positive)]
    pub(crate) row_group: Option<u64>,
    /// Form of nested objects, lists and maps in Parquet; types by default.
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) nested: Option<Nested>,
    /// Names of Parquet columns; api by default.
    #[arg(long, value_enum, value_name = "NAMES")]
    pub(crate) names: Option<ColumnNames>,
    /// Part size of an upload to a bucket, in MiB: 5 to 320, 8 by default.
    ///
    /// An upload has at most 10,000 parts. A resumed export keeps its part size.
    #[cfg(feature = "buckets")]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(5..=320))]
    pub(crate) part_size: Option<u64>,
}

/// Options of what to do about an interrupted export.
#[derive(Debug, Args)]
#[command(next_help_heading = "Resuming")]
pub(crate) struct ResumeOptions {
    /// Resume an interrupted or possibly incomplete export.
    ///
    /// The page in doubt is read again. The output has each record once.
    #[arg(long, requires = "out", group = "resume_or_not")]
    pub(crate) resume: bool,
    /// Resume an interrupted export if possible, or start over.
    ///
    /// Starts over, with a warning, if parameters have changed or the export is older than --max-age. For scheduled
    /// exports.
    #[arg(long, requires = "out", group = "resume_or_not", conflicts_with = "resume")]
    pub(crate) resume_or_restart: bool,
    /// Discard an interrupted export and start over.
    ///
    /// Cancels its jobs where the API allows it.
    #[arg(long, requires = "out", conflicts_with = "resume_or_not")]
    pub(crate) restart: bool,
    /// Maximum age of an export to resume, such as 6h.
    ///
    /// Prevents mixing old records with new ones.
    #[arg(long, requires = "resume_or_not", value_name = "TIME", value_parser = times::duration)]
    pub(crate) max_age: Option<Duration>,
    /// Action if the API can't continue at the saved position.
    #[arg(long, value_enum, value_name = "ACTION", default_value_t = Stale::Fail)]
    pub(crate) on_stale: Stale,
    /// File, object or Redis database for the state of an incomplete export; beside the output by default.
    ///
    /// For Redis, use redis://host/0 and set the password in REDISCLI_AUTH.
    #[arg(long, requires = "out", value_name = "FILE|URL", value_parser = Unquoted::<StateLocation>::new())]
    pub(crate) state: Option<StateLocation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Accepted {
    /// The list is longer than the API returns.
    Truncated,
    /// The list changed while it was read.
    Drifted,
    /// The API does not report enough to know.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Nested {
    /// Structs, lists and maps with the types of the API document.
    Types,
    /// A column for each field of an object, such as division.name, and JSON text for anything deeper.
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColumnNames {
    /// Those of the API, such as memberCount.
    Api,
    /// Snake case, such as member_count.
    Snake,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stale {
    /// Fail the export.
    Fail,
    /// Read the list again from the start, and skip as many records as are written.
    Restart,
}

/// Parses the action for a value that the output can't hold.
fn on_bad_value() -> impl TypedValueParser<Value = OnBadValue> {
    let choice = |it: OnBadValue| {
        PossibleValue::new(it.name()).help(match it {
            OnBadValue::Fail => "Fail the export",
            OnBadValue::Null => "Write null instead of the value",
            OnBadValue::Skip => "Skip the record",
        })
    };
    PossibleValuesParser::new(OnBadValue::VARIANTS.map(choice)).try_map(|it| it.parse())
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn clap_accepts_the_definition() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn an_invalid_location_is_not_quoted() {
        for (option, value, why) in [
            ("--out", "postgres:/me:SECRET@host/db", "--out: write a URL as postgres://"),
            (
                "--out",
                "ftp://me:SECRET@host/q.jsonl",
                "--out: can't write to a URL with the scheme",
            ),
            ("--state", "redis:me:SECRET@host", "--state: write a URL as redis://"),
            ("--report", "ftp://me:SECRET@host/r", "--report: "),
            ("--body", "{\"SECRET\":1}", "--body: expected a file"),
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
