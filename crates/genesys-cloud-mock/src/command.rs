//! Options of a program that runs an org.

use std::time::Duration;

use clap::Args;

use crate::faults::{FaultKind, FaultPlan};
use crate::history::OrgTimeline;
use crate::org::MockOrgBuilder;

/// Options of a program that runs an org: how it changes over time, and how it fails.
#[derive(Debug, Clone, Args)]
pub struct BehaviorOptions {
    /// Let the org change over time, from this date-time on, such as 2026-05-01T00:00Z
    #[arg(long, value_name = "START")]
    timeline: Option<String>,

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

impl BehaviorOptions {
    /// Adds the options to the settings of an org.
    pub fn apply(self, builder: MockOrgBuilder) -> MockOrgBuilder {
        let mut builder = builder.latency(Duration::from_millis(self.latency_ms));
        if let Some(start) = self.timeline {
            let timeline = OrgTimeline::new(&start)
                .speed(self.speed)
                .changes_per_day(self.changes_per_day)
                .events_per_day(self.events_per_day);
            builder = builder.timeline(timeline);
        }
        if !self.fault.is_empty() {
            let plan = FaultPlan::seeded(self.fault_seed);
            let add = |plan: FaultPlan, (kind, share)| plan.rate(kind, share);
            builder = builder.faults(self.fault.into_iter().fold(plan, add));
        }
        builder
    }
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
