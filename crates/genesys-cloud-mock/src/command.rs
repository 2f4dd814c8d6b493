//! Options of a program that runs an org.

use std::time::Duration;

use clap::error::Error as ClapError;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::faults::{FaultKind, FaultPlan};
use crate::history::OrgTimeline;
use crate::org::MockOrgBuilder;
use crate::timestamp::Timestamp;

/// Options of a program that runs an org: how it changes over time, and how it fails.
#[derive(Debug, Clone, Args)]
pub struct BehaviorOptions {
    /// Let the org change over time, from this date-time on, such as 2026-05-01T00:00Z
    #[arg(long, value_name = "START", value_parser = date_time)]
    timeline: Option<String>,

    /// Stop the clock of an org with a timeline at this date-time, such as 2026-05-02T02:00Z
    #[arg(long, value_name = "TIME", requires = "timeline", conflicts_with = "speed", value_parser = date_time)]
    at: Option<String>,

    /// Seconds that pass in an org with a timeline per second
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, requires = "timeline")]
    speed: f64,

    /// Records created, changed or deleted per day in each list without a parent
    #[arg(long, value_name = "COUNT", default_value_t = 24, requires = "timeline")]
    changes_per_day: u64,

    /// Conversations per day
    #[arg(long, value_name = "COUNT", default_value_t = 100, requires = "timeline")]
    events_per_day: u64,

    /// Delay of every response, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency_ms: u64,

    /// Share of requests that fail, such as ServiceUnavailable=0.1; repeat for further faults
    #[arg(long, value_name = "FAULT=SHARE", value_parser = fault)]
    fault: Vec<(FaultKind, f64)>,

    /// Seed that selects the requests that fail
    #[arg(long, value_name = "SEED", default_value_t = 0, requires = "fault")]
    fault_seed: u64,
}

/// [`BehaviorOptions`] of a program that does more than run an org: global, with names that begin with `mock-`.
///
/// A subcommand of the program may have [`BehaviorOptions`] instead. These options then have its values.
#[derive(Debug, Clone)]
pub struct MockBehaviorOptions(BehaviorOptions);

impl MockBehaviorOptions {
    /// Returns the options without their prefix.
    pub fn into_inner(self) -> BehaviorOptions {
        self.0
    }
}

impl Args for MockBehaviorOptions {
    fn augment_args(command: Command) -> Command {
        let options = BehaviorOptions::augment_args(Command::new("mock"));
        options.get_arguments().fold(command, |command, option| {
            let name = format!("mock-{}", option.get_long().unwrap_or_default());
            let option = option.clone().long(name).help_heading("Fake org").display_order(None);
            command.arg(option.global(true).hide_short_help(true))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for MockBehaviorOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, ClapError> {
        BehaviorOptions::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), ClapError> {
        self.0.update_from_arg_matches(matches)
    }
}

impl BehaviorOptions {
    /// Returns the name of the first option that is set, such as `timeline`.
    pub fn first_set(&self) -> Option<&'static str> {
        let (is_slow, fails) = (self.latency_ms > 0, !self.fault.is_empty());
        let set =
            [("timeline", self.timeline.is_some()), ("latency-ms", is_slow), ("fault", fails)];
        set.into_iter().find(|(_, is_set)| *is_set).map(|(name, _)| name)
    }

    /// Adds the options to the settings of an org.
    pub fn apply(self, builder: MockOrgBuilder) -> MockOrgBuilder {
        let mut builder = builder.latency(Duration::from_millis(self.latency_ms));
        if let Some(start) = self.timeline {
            let timeline = OrgTimeline::new(&start)
                .speed(self.speed)
                .changes_per_day(self.changes_per_day)
                .events_per_day(self.events_per_day);
            builder = builder.timeline(match self.at {
                Some(time) => timeline.at(&time).speed(0.0),
                None => timeline,
            });
        }
        if !self.fault.is_empty() {
            let plan = FaultPlan::seeded(self.fault_seed);
            let add = |plan: FaultPlan, (kind, share)| plan.rate(kind, share);
            builder = builder.faults(self.fault.into_iter().fold(plan, add));
        }
        builder
    }
}

fn date_time(text: &str) -> Result<String, String> {
    let is_valid = Timestamp::parse(text).is_some();
    let expected = "expected a date-time such as 2026-05-01T00:00Z";
    is_valid.then(|| text.to_owned()).ok_or_else(|| expected.to_owned())
}

fn fault(text: &str) -> Result<(FaultKind, f64), String> {
    let (name, share) = text.rsplit_once('=').ok_or("expected FAULT=SHARE")?;
    let kind = FaultKind::ALL.iter().find(|kind| kind.name().eq_ignore_ascii_case(name));
    let kind = kind.ok_or_else(|| {
        let names: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("unknown fault {name}; use one of {}", names.join(", "))
    })?;
    match share.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok((*kind, share)),
        _ => Err(format!("the share {share} is not a number from 0 to 1")),
    }
}
