//! What a command does: the arguments with defaults, environment and conflicts resolved. No other module reads the
//! arguments of an export.

use std::path::PathBuf;
use std::time::Duration;

use etcetera::BaseStrategy as _;
use genesys_cloud_core::{Interval, OnStale, Reason, Verdict};
use genesys_cloud_sinks::{Format, OnBadValue};

use crate::arguments::{self, Accepted, Stale};
use crate::failure::Failure;
use crate::locations::{BodySource, Destination, ReportLocation, StateLocation};
use crate::reporter::LogFormat;

/// What holds for every command.
#[derive(Clone, Debug)]
pub(crate) struct Global {
    pub(crate) org: Org,
    /// The fake org, for calls to it and for running it.
    pub(crate) mock: MockSettings,
    /// The folder for jobs that are not read to their end. `None` if the system names none.
    pub(crate) state_dir: Option<PathBuf>,
}

/// The org that calls go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Org {
    Environment,
    Mock,
}

/// What the fake org is like.
#[derive(Clone, Debug)]
pub(crate) struct MockSettings {
    /// Operations, and how many records each of them lists.
    pub(crate) lists: Vec<(String, u64)>,
    pub(crate) default_count: u64,
    pub(crate) calls_per_minute: u64,
    pub(crate) seed: u64,
}

/// How messages are written, and whether only errors are.
pub(crate) fn messages(arguments: &arguments::Global) -> (LogFormat, bool) {
    let format = match arguments.log {
        arguments::Log::Text => LogFormat::Text,
        arguments::Log::Json => LogFormat::Json,
    };
    (format, arguments.quiet)
}

impl Global {
    /// Resolves the options of all commands. `runs_mock`: the command runs the fake org by itself.
    pub(crate) fn resolve(arguments: arguments::Global, runs_mock: bool) -> Result<Self, Failure> {
        let org = match arguments.org {
            arguments::Org::Env => Org::Environment,
            arguments::Org::Mock => Org::Mock,
        };
        let mock = arguments.mock;
        let mut names: Vec<&str> = mock.mock_list.iter().map(|(name, _)| &**name).collect();
        if org != Org::Mock && !runs_mock && !names.is_empty() {
            return Err(Failure::usage(
                "--mock-list is for the fake org, but calls go to another org",
            )
            .advise("--org mock"));
        }
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Failure::usage(format!("--mock-list {} is given twice", pair[0])));
        }
        let mock = MockSettings {
            lists: mock.mock_list,
            default_count: mock.mock_default_count,
            calls_per_minute: mock.mock_calls_per_minute,
            seed: mock.mock_seed,
        };
        Ok(Self { org, mock, state_dir: state_dir() })
    }
}

/// `GENESYS_CLOUD_STATE_DIR`, or the user's folder for state.
fn state_dir() -> Option<PathBuf> {
    let set = std::env::var_os("GENESYS_CLOUD_STATE_DIR").filter(|value| !value.is_empty());
    if let Some(folder) = set {
        return Some(folder.into());
    }
    let folders = etcetera::choose_base_strategy().ok()?;
    // Windows has none for state: its local data are beside its caches.
    let folder = folders.state_dir().unwrap_or_else(|| folders.cache_dir());
    Some(folder.join("genesys-cloud"))
}

/// An operation and its input.
#[derive(Clone, Debug)]
pub(crate) struct CallSettings {
    pub(crate) operation: String,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) body: Option<BodySource>,
    /// Whether nothing is validated against the API document.
    pub(crate) unchecked: bool,
}

impl CallSettings {
    pub(crate) fn resolve(arguments: arguments::CallOptions) -> Self {
        let arguments::CallOptions { operation, params, body, unchecked } = arguments;
        Self { operation, params, body, unchecked }
    }
}

/// An export.
#[derive(Clone, Debug)]
pub(crate) struct ExportSettings {
    pub(crate) call: CallSettings,
    /// Parameters of the operation that lists the results of a job.
    pub(crate) results_params: Vec<(String, String)>,
    pub(crate) range: Option<RangeSettings>,
    pub(crate) reading: ReadSettings,
    pub(crate) destination: Destination,
    /// What is said of the form of the output; what is left out is inferred.
    pub(crate) form: FormSettings,
    pub(crate) table: TableSettings,
    /// Where the state is kept, if not beside the output.
    pub(crate) state: Option<StateLocation>,
    pub(crate) start: Start,
    /// Do not resume an export that began longer ago.
    pub(crate) max_age: Option<Duration>,
    pub(crate) report: ReportLocation,
    pub(crate) accept: Accept,
    /// Whether the export is only described.
    pub(crate) is_dry_run: bool,
}

/// A range of time.
#[derive(Clone, Debug)]
pub(crate) struct RangeSettings {
    pub(crate) interval: Interval,
    /// How long a window is, unless the longest that is known.
    pub(crate) window: Option<Duration>,
    pub(crate) overlap: Duration,
    /// How many windows are read at a time.
    pub(crate) concurrency: usize,
    pub(crate) unique: Unique,
}

/// How duplicates across windows are recognized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unique {
    /// By the ID that is known for the operation, if one is.
    Known,
    /// By this field.
    Field(String),
    /// Not at all.
    Keep,
}

/// How a list, a job or each window of a range is read.
#[derive(Clone, Debug)]
pub(crate) struct ReadSettings {
    pub(crate) page_size: Option<u64>,
    pub(crate) limit: Option<u64>,
    pub(crate) prefetch: usize,
    /// How long a job is waited for.
    pub(crate) deadline: Option<Duration>,
    /// How long the data of an interval is waited for.
    pub(crate) wait_for_data: Option<Duration>,
    pub(crate) on_stale: OnStale,
}

/// The form of the output.
#[derive(Clone, Debug)]
pub(crate) struct FormSettings {
    pub(crate) fields: Vec<String>,
    pub(crate) format: Option<Format>,
    pub(crate) row_group: Option<usize>,
    #[cfg(feature = "buckets")]
    pub(crate) part_size: Option<u64>,
    /// The largest number of records per batch.
    pub(crate) batch: usize,
    pub(crate) on_bad_value: OnBadValue,
    pub(crate) rejects: Option<PathBuf>,
}

/// The table of a database.
#[derive(Clone, Debug)]
pub(crate) struct TableSettings {
    pub(crate) name: Option<String>,
    pub(crate) create: bool,
    pub(crate) upsert: Option<String>,
}

/// What to do about an earlier run that was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Fail: nothing is overwritten.
    New,
    Resume,
    /// Resume it if it fits, and start over otherwise.
    ResumeOrRestart,
    Restart,
}

impl Start {
    /// Whether an earlier run is resumed if it fits.
    pub(crate) fn resumes(self) -> bool {
        matches!(self, Self::Resume | Self::ResumeOrRestart)
    }

    /// Whether an earlier run that does not fit is discarded.
    pub(crate) fn may_discard(self) -> bool {
        matches!(self, Self::ResumeOrRestart | Self::Restart)
    }
}

/// Which verdicts count as success.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Accept {
    truncated: bool,
    drifted: bool,
    unknown: bool,
}

impl Accept {
    /// Whether a list with this verdict may pass for complete.
    pub(crate) fn allows(self, verdict: &Verdict) -> bool {
        match verdict {
            Verdict::Complete | Verdict::Truncated(Reason::Limit) => true,
            Verdict::Truncated(_) => self.truncated,
            Verdict::Drifted(_) => self.drifted,
            _ => self.unknown,
        }
    }
}

impl ExportSettings {
    pub(crate) fn resolve(arguments: arguments::Export) -> Self {
        let unique = match (arguments.keep_duplicates, arguments.unique) {
            (true, _) => Unique::Keep,
            (false, Some(field)) => Unique::Field(field),
            (false, None) => Unique::Known,
        };
        let range = arguments.interval.map(|interval| RangeSettings {
            interval,
            window: arguments.window,
            overlap: arguments.overlap.unwrap_or_default(),
            concurrency: arguments.concurrency.into(),
            unique,
        });
        let reading = ReadSettings {
            page_size: arguments.page_size,
            limit: arguments.limit,
            prefetch: arguments.prefetch,
            deadline: arguments.deadline,
            wait_for_data: arguments.wait_for_data,
            on_stale: match arguments.on_stale {
                Stale::Fail => OnStale::Fail,
                Stale::Restart => OnStale::Restart,
            },
        };
        let form = FormSettings {
            fields: arguments.fields,
            format: arguments.format,
            row_group: arguments.row_group.map(saturated),
            #[cfg(feature = "buckets")]
            part_size: arguments.part_size,
            batch: saturated(arguments.batch),
            on_bad_value: arguments.on_bad_value,
            rejects: arguments.rejects,
        };
        let start = match (arguments.resume, arguments.resume_or_restart, arguments.restart) {
            (true, ..) => Start::Resume,
            (_, true, _) => Start::ResumeOrRestart,
            (_, _, true) => Start::Restart,
            _ => Start::New,
        };
        let accepts = |verdict: Accepted| arguments.accept.contains(&verdict);
        let accept = Accept {
            truncated: accepts(Accepted::Truncated),
            drifted: accepts(Accepted::Drifted),
            unknown: accepts(Accepted::Unknown),
        };
        let arguments::TableOptions { table, create_table, upsert } = arguments.table;
        Self {
            call: CallSettings::resolve(arguments.call),
            results_params: arguments.results_params,
            range,
            reading,
            destination: arguments.out.unwrap_or(Destination::Stdout),
            form,
            table: TableSettings { name: table, create: create_table, upsert },
            state: arguments.state,
            start,
            max_age: arguments.max_age,
            report: arguments.report.unwrap_or_default(),
            accept,
            is_dry_run: arguments.plan,
        }
    }
}

fn saturated(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Cli, Command};

    fn resolved(options: &str) -> ExportSettings {
        let words = "genesys-cloud export a".split(' ').chain(options.split_whitespace());
        let cli = Cli::try_parse_from(words).expect(options);
        let Command::Export(export) = cli.command else { panic!("{options}") };
        ExportSettings::resolve(*export)
    }

    #[test]
    fn defaults() {
        let settings = resolved("");
        assert!(matches!(settings.destination, Destination::Stdout));
        assert!(settings.range.is_none() && settings.state.is_none());
        assert_eq!((settings.form.batch, settings.reading.prefetch), (1000, 1));
        assert_eq!((settings.start, settings.report), (Start::New, ReportLocation::BesideOutput));
        assert!(!settings.accept.allows(&Verdict::Drifted(Reason::Moved)));
        assert!(settings.accept.allows(&Verdict::Truncated(Reason::Limit)));
    }

    #[test]
    fn options_that_belong_together_are_one_setting() {
        for (options, start) in [
            ("-o q --resume", Start::Resume),
            ("-o q --resume-or-restart", Start::ResumeOrRestart),
            ("-o q --restart", Start::Restart),
        ] {
            assert_eq!(resolved(options).start, start);
        }
        let range = "--interval 2024-05-01/2024-05-02";
        for (options, unique) in [
            ("", Unique::Known),
            (" --unique id", Unique::Field("id".to_owned())),
            (" --keep-duplicates", Unique::Keep),
        ] {
            let settings = resolved(&format!("{range}{options}"));
            assert_eq!(settings.range.expect("a range").unique, unique);
        }
        let accept = resolved("--accept truncated,unknown").accept;
        assert!(accept.allows(&Verdict::Truncated(Reason::Cap)));
        assert!(accept.allows(&Verdict::Unknown(Reason::Unfinished)));
        assert!(!accept.allows(&Verdict::Drifted(Reason::Moved)));
    }
}
