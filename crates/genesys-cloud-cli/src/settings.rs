//! Settings of a command: its arguments with defaults, environment and conflicts resolved. No other module reads the
//! arguments of an export.

mod download;

use std::path::PathBuf;
use std::time::Duration;

use etcetera::BaseStrategy as _;
use genesys_cloud_core::{OnRefused, OnStale, Reason, Verdict};
use genesys_cloud_mock::BehaviorOptions;
use genesys_cloud_sinks::{Format, OnBadValue};

pub(crate) use self::download::DownloadSettings;
use crate::arguments::{self, Accepted, ColumnNames, ExportField, Nested, OnParent, Stale};
use crate::failure::Failure;
use crate::locations::{BodySource, Destination, ReportLocation, StateLocation};
use crate::reporter::LogFormat;
use crate::time_range::TimeRange;
use crate::time_zone::Zone;

/// Default number of lists to read concurrently.
const LISTS_AT_A_TIME: usize = 8;

/// Settings of every command.
#[derive(Clone, Debug)]
pub(crate) struct Global {
    pub(crate) org: Org,
    /// Profile of the config file.
    pub(crate) profile: Option<String>,
    /// Settings of the fake org, both for `--org mock` and for `mock`.
    pub(crate) mock: MockSettings,
    /// The folder for saved jobs. `None` if the system has no such folder.
    pub(crate) state_dir: Option<PathBuf>,
}

/// The org to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Org {
    Environment,
    Mock,
}

/// Settings of the fake org.
#[derive(Clone, Debug)]
pub(crate) struct MockSettings {
    /// Number of records per list operation.
    pub(crate) lists: Vec<(String, u64)>,
    pub(crate) default_count: u64,
    pub(crate) calls_per_minute: u64,
    pub(crate) seed: u64,
    pub(crate) behavior: BehaviorOptions,
}

/// Returns the log format, and whether to print only errors.
pub(crate) fn messages(arguments: &arguments::Global) -> (LogFormat, bool) {
    let format = match arguments.log {
        arguments::Log::Text => LogFormat::Text,
        arguments::Log::Json => LogFormat::Json,
    };
    (format, arguments.quiet)
}

impl Global {
    /// Resolves the global options. `runs_mock`: the command is `mock`.
    pub(crate) fn resolve(arguments: arguments::Global, runs_mock: bool) -> Result<Self, Failure> {
        let org = match arguments.org {
            arguments::Org::Env => Org::Environment,
            arguments::Org::Mock => Org::Mock,
        };
        let profile = match (org, arguments.profile) {
            (Org::Mock, Some(_)) => {
                return Err(Failure::usage(
                    "`--profile` does not apply to `--org mock`; omit one of them",
                ));
            }
            (Org::Mock, None) => None,
            (Org::Environment, given) => given.or_else(|| {
                std::env::var("GENESYS_CLOUD_PROFILE").ok().filter(|it| !it.trim().is_empty())
            }),
        };
        let mock = arguments.mock;
        let behavior = mock.behavior.into_inner();
        let mut names: Vec<&str> = mock.mock_list.iter().map(|(name, _)| &**name).collect();
        let set = names.first().map(|_| "list").or(behavior.first_set());
        if let Some(name) = set.filter(|_| org != Org::Mock && !runs_mock) {
            let text = format!("`--mock-{name}` needs the fake org; add `--org mock`");
            return Err(Failure::usage(text));
        }
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Failure::usage(format!("`--mock-list {}` is given twice", pair[0])));
        }
        let mock = MockSettings {
            lists: mock.mock_list,
            default_count: mock.mock_default_count,
            calls_per_minute: mock.mock_calls_per_minute,
            seed: mock.mock_seed,
            behavior,
        };
        Ok(Self { org, profile, mock, state_dir: state_dir() })
    }
}

/// Returns `GENESYS_CLOUD_STATE_DIR`, or the user's folder for state.
fn state_dir() -> Option<PathBuf> {
    let set = std::env::var_os("GENESYS_CLOUD_STATE_DIR").filter(|value| !value.is_empty());
    if let Some(folder) = set {
        return Some(folder.into());
    }
    let folders = etcetera::choose_base_strategy().ok()?;
    // Windows has no folder for state; local data and caches share one.
    let folder = folders.state_dir().unwrap_or_else(|| folders.cache_dir());
    Some(folder.join("genesys-cloud"))
}

/// An operation and its input.
#[derive(Clone, Debug)]
pub(crate) struct CallSettings {
    pub(crate) operation: String,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) body: Option<BodySource>,
    /// Whether to skip validation against the API document.
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
    /// Parents, for each of which the list is read.
    pub(crate) tree: Option<TreeSettings>,
    pub(crate) range: Option<RangeSettings>,
    pub(crate) reading: ReadSettings,
    pub(crate) destination: Destination,
    pub(crate) form: FormSettings,
    pub(crate) explode: ExplodeSettings,
    pub(crate) table: TableSettings,
    /// Files of the records to download.
    pub(crate) download: Option<DownloadSettings>,
    /// Location of the state, if not beside the output.
    pub(crate) state: Option<StateLocation>,
    pub(crate) start: Start,
    /// Maximum age of an export to resume.
    pub(crate) max_age: Option<Duration>,
    pub(crate) report: ReportLocation,
    pub(crate) accept: Accept,
    /// Whether to only show what the export would do.
    pub(crate) is_dry_run: bool,
}

/// Parents, for each of which a list is read.
#[derive(Clone, Debug)]
pub(crate) struct TreeSettings {
    /// Operations or files, the outermost first. Never empty.
    pub(crate) parents: Vec<String>,
    /// Parameters of the lists of parents.
    pub(crate) params: Vec<(String, String)>,
    pub(crate) body: Option<BodySource>,
    /// Parameters, and the fields of a parent that set them.
    pub(crate) bind: Vec<(String, String)>,
    /// Number of lists to read concurrently.
    pub(crate) concurrency: usize,
    pub(crate) on_missing: OnRefused,
    pub(crate) on_forbidden: OnRefused,
}

/// A time range.
#[derive(Clone, Debug)]
pub(crate) struct RangeSettings {
    pub(crate) interval: TimeRange,
    pub(crate) zone: Zone,
    /// Length of a window; by default, the longest that the API is known to allow.
    pub(crate) window: Option<Duration>,
    pub(crate) overlap: Duration,
    /// Number of windows to read concurrently.
    pub(crate) concurrency: usize,
    pub(crate) unique: Unique,
    /// Name of the folders of windows.
    pub(crate) partition: Option<String>,
}

/// How to recognize duplicates across windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unique {
    /// By the ID field known for the operation, if any.
    Known,
    /// By this field.
    Field(String),
    /// Keep duplicates.
    Keep,
}

/// How to read a list, a job or each window of a time range.
#[derive(Clone, Debug)]
pub(crate) struct ReadSettings {
    pub(crate) page_size: Option<u64>,
    pub(crate) limit: Option<u64>,
    pub(crate) prefetch: usize,
    /// Maximum time to wait for a job.
    pub(crate) deadline: Option<Duration>,
    /// Maximum time to wait for the data of the interval.
    pub(crate) wait_for_data: Option<Duration>,
    pub(crate) on_stale: OnStale,
}

/// Format of the output. Unset values are inferred.
#[derive(Clone, Debug)]
pub(crate) struct FormSettings {
    pub(crate) fields: Vec<String>,
    /// Fields that the export adds to each record.
    pub(crate) with: Vec<ExportField>,
    pub(crate) format: Option<Format>,
    pub(crate) row_group: Option<usize>,
    pub(crate) nested: Option<Nested>,
    pub(crate) names: Option<ColumnNames>,
    #[cfg(feature = "buckets")]
    pub(crate) part_size: Option<u64>,
    /// Maximum number of records per batch.
    pub(crate) batch: usize,
    pub(crate) on_bad_value: OnBadValue,
    pub(crate) rejects: Option<PathBuf>,
}

/// Child tables.
#[derive(Clone, Debug)]
pub(crate) struct ExplodeSettings {
    /// The paths of lists.
    pub(crate) paths: Vec<String>,
    /// The fields that identify a record; empty for those known.
    pub(crate) key: Vec<String>,
}

impl FormSettings {
    /// Returns an option that only Parquet has, if it is given.
    pub(crate) fn option_of_parquet(&self) -> Option<&'static str> {
        let given = [
            ("--row-group", self.row_group.is_some()),
            ("--nested", self.nested.is_some()),
            ("--names", self.names.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
    }
}

/// A database table.
#[derive(Clone, Debug)]
pub(crate) struct TableSettings {
    pub(crate) name: Option<String>,
    pub(crate) create: bool,
    pub(crate) add_columns: bool,
    pub(crate) upsert: Option<Key>,
}

/// The fields that identify rows to update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Those known for the operation: the values of the parent, and the ID.
    Known,
    Fields(Vec<String>),
}

/// What to do about an interrupted earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Fail, so that nothing is overwritten.
    New,
    Resume,
    /// Resume it if it matches, or start over.
    ResumeOrRestart,
    Restart,
}

impl Start {
    /// Returns whether to resume an earlier run that matches.
    pub(crate) fn resumes(self) -> bool {
        matches!(self, Self::Resume | Self::ResumeOrRestart)
    }

    /// Returns whether to discard an earlier run that does not match.
    pub(crate) fn may_discard(self) -> bool {
        matches!(self, Self::ResumeOrRestart | Self::Restart)
    }
}

/// Verdicts that count as success.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Accept {
    truncated: bool,
    drifted: bool,
    unknown: bool,
}

impl Accept {
    /// Returns whether this verdict counts as success.
    pub(crate) fn allows(self, verdict: &Verdict) -> bool {
        match verdict {
            Verdict::Complete | Verdict::Truncated(Reason::Limit) => true,
            Verdict::Truncated(_) => self.truncated,
            Verdict::Drifted(_) => self.drifted,
            _ => self.unknown,
        }
    }

    /// Returns whether a verdict that was read from a state counts as success.
    pub(crate) fn allows_word(self, verdict: &str) -> bool {
        match verdict {
            "complete" => true,
            "truncated" => self.truncated,
            "drifted" => self.drifted,
            _ => self.unknown,
        }
    }
}

impl ExportSettings {
    pub(crate) fn resolve(arguments: arguments::Export) -> Result<Self, Failure> {
        let arguments::Export {
            call,
            results_params,
            tree,
            range,
            reading,
            output,
            explode,
            table,
            download,
            resuming,
        } = arguments;
        let download = DownloadSettings::resolve(download, range.concurrency);
        let concurrency = range.concurrency.map(usize::from);
        if concurrency.is_some()
            && range.interval.is_none()
            && tree.for_each.is_empty()
            && download.is_none()
        {
            return Err(Failure::usage(
                "`--concurrency` needs `--interval`, `--for-each` or `--download`",
            ));
        }
        let tree = TreeSettings::resolve(tree, concurrency);
        let unique = match (range.keep_duplicates, range.unique) {
            (true, _) => Unique::Keep,
            (false, Some(field)) => Unique::Field(field),
            (false, None) => Unique::Known,
        };
        let range = range.interval.map(|interval| RangeSettings {
            interval,
            zone: range.time_zone.unwrap_or_default(),
            window: range.window,
            overlap: range.overlap.unwrap_or_default(),
            concurrency: if tree.is_some() { 1 } else { concurrency.unwrap_or(1) },
            unique,
            partition: range.partition,
        });
        let accepts = |verdict: Accepted| reading.accept.contains(&verdict);
        let accept = Accept {
            truncated: accepts(Accepted::Truncated),
            drifted: accepts(Accepted::Drifted),
            unknown: accepts(Accepted::Unknown),
        };
        let is_dry_run = reading.plan;
        let reading = ReadSettings {
            page_size: reading.page_size,
            limit: reading.limit,
            prefetch: reading.prefetch,
            deadline: reading.deadline,
            wait_for_data: reading.wait_for_data,
            on_stale: match resuming.on_stale {
                Stale::Fail => OnStale::Fail,
                Stale::Restart => OnStale::Restart,
            },
        };
        let mut with = output.with;
        with.sort_unstable();
        let form = FormSettings {
            fields: output.fields,
            with,
            format: output.format,
            row_group: output.row_group.map(saturated),
            nested: output.nested,
            names: output.names,
            #[cfg(feature = "buckets")]
            part_size: output.part_size,
            batch: saturated(output.batch),
            on_bad_value: output.on_bad_value,
            rejects: output.rejects,
        };
        let start = match (resuming.resume, resuming.resume_or_restart, resuming.restart) {
            (true, ..) => Start::Resume,
            (_, true, _) => Start::ResumeOrRestart,
            (_, _, true) => Start::Restart,
            _ => Start::New,
        };
        let arguments::TableOptions { table, create_table, add_columns, upsert } = table;
        let upsert = upsert.map(|fields| match &fields[..] {
            [] => Key::Known,
            [field] if field.is_empty() => Key::Known,
            _ => Key::Fields(fields),
        });
        Ok(Self {
            call: CallSettings::resolve(call),
            results_params,
            tree,
            range,
            reading,
            destination: output.out.unwrap_or(Destination::Stdout),
            form,
            explode: ExplodeSettings { paths: explode.explode, key: explode.explode_key },
            table: TableSettings { name: table, create: create_table, add_columns, upsert },
            download,
            state: resuming.state,
            start,
            max_age: resuming.max_age,
            report: output.report.unwrap_or_default(),
            accept,
            is_dry_run,
        })
    }
}

impl TreeSettings {
    /// `None` without a list of parents.
    fn resolve(tree: arguments::TreeOptions, concurrency: Option<usize>) -> Option<Self> {
        let then = |on: OnParent| match on {
            OnParent::Skip => OnRefused::Skip,
            OnParent::Fail => OnRefused::Fail,
        };
        (!tree.for_each.is_empty()).then(|| Self {
            parents: tree.for_each,
            params: tree.for_each_param,
            body: tree.for_each_body,
            bind: tree.bind,
            concurrency: concurrency.unwrap_or(LISTS_AT_A_TIME),
            on_missing: then(tree.on_missing_parent),
            on_forbidden: then(tree.on_forbidden_parent),
        })
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
        ExportSettings::resolve(*export).expect(options)
    }

    #[test]
    fn resolves_defaults() {
        let settings = resolved("");
        assert!(matches!(settings.destination, Destination::Stdout));
        assert!(settings.range.is_none() && settings.state.is_none());
        assert_eq!((settings.form.batch, settings.reading.prefetch), (1000, 1));
        assert_eq!((settings.start, settings.report), (Start::New, ReportLocation::BesideOutput));
        assert!(!settings.accept.allows(&Verdict::Drifted(Reason::Moved)));
        assert!(settings.accept.allows(&Verdict::Truncated(Reason::Limit)));
    }

    #[test]
    fn combines_related_options_into_one_setting() {
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
