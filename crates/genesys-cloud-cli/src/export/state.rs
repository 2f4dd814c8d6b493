//! The saved state of an incomplete export.

use std::time::Duration;

use chrono::{DateTime, Utc};
use genesys_cloud_core::{Checkpoint, OrgIdentity, SavedJob, Verdict};
use genesys_cloud_sinks::checksum::random_id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::child_tables;
use super::plan::{Delivery, Plan, Records};
use super::range::{Range, RelativeInterval};
use super::rejects;
use super::seal::{seal, unseal};
use super::verdict::VerdictText;
use crate::failure::Failure;
use crate::reporter::grouped;
use crate::times::{age, span};

/// The only version that is written and read.
const VERSION: u64 = 4;

/// Advice for a state that can't be resumed.
pub(super) const RESTART: &str = "--restart discards the earlier run and starts over";

/// Maximum number of resume times to keep.
const MOST_RESUMPTIONS: usize = 100;

/// An incomplete export: its identity and progress.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) run: Run,
    /// Checksum of the request.
    asked: String,
    pub(super) delivered: Delivered,
}

/// The progress of an export.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) enum Delivered {
    Records(Box<DeliveredRecords>),
    /// The job whose result files each run downloads from the start.
    Files(Box<SavedJob>),
}

/// The position of an export in the list and in its output, after the same record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveredRecords {
    /// How records are written.
    shape: Shape,
    /// The verdict on the list, unless more is read.
    pub(super) verdict: VerdictText,
    pub(super) checkpoint: Checkpoint,
    pub(super) sink: Value,
    /// The commit of the rejects file, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rejects: Option<rejects::Committed>,
}

/// Where a run resumes.
#[derive(Clone, Copy)]
pub(super) enum Position<'a> {
    List(&'a Checkpoint),
    Job(&'a SavedJob),
}

impl<'a> Position<'a> {
    pub(super) fn checkpoint(self) -> Option<&'a Checkpoint> {
        match self {
            Self::List(checkpoint) => Some(checkpoint),
            Self::Job(_) => None,
        }
    }

    pub(super) fn job(self) -> Option<&'a SavedJob> {
        match self {
            Self::List(_) => None,
            Self::Job(job) => Some(job),
        }
    }
}

/// The identity of an export, and the times of its runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// Random; kept on resume.
    pub(super) id: String,
    /// The org. All orgs of a region have the same host.
    org: OrgIdentity,
    began: DateTime<Utc>,
    resumed: Vec<DateTime<Utc>>,
    /// The interval, if the range on the command line is relative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval: Option<RelativeInterval>,
}

impl Run {
    /// Creates an export of this org that starts now.
    pub(super) fn new(org: OrgIdentity, plan: &Plan) -> Self {
        let interval = plan.source.time_range().and_then(Range::relative);
        Self { id: random_id(), org, began: Utc::now(), resumed: Vec::new(), interval }
    }

    /// Checks that the records are of the same org.
    pub(super) fn check_org(&self, org: &OrgIdentity) -> Result<(), Failure> {
        match self.org.difference(org) {
            None => Ok(()),
            Some(why) => {
                Err(Failure::usage(format!("the interrupted export may be of another org: {why}"))
                    .advise("use the same API URL and OAuth client as before")
                    .advise(RESTART)
                    .of_earlier_run())
            }
        }
    }

    /// Returns the interval of a relative range.
    pub(super) fn interval(&self) -> Option<&RelativeInterval> {
        self.interval.as_ref()
    }

    /// Returns the org.
    pub(super) fn org(&self) -> &OrgIdentity {
        &self.org
    }

    /// Returns whether the export is of this org.
    pub(super) fn is_of(&self, org: &OrgIdentity) -> bool {
        self.org.difference(org).is_none()
    }

    /// Adds a resume time.
    pub(super) fn resumed_now(mut self) -> Self {
        if self.resumed.len() >= MOST_RESUMPTIONS {
            self.resumed.remove(0);
        }
        self.resumed.push(Utc::now());
        self
    }

    pub(super) fn began(&self) -> String {
        instant(self.began)
    }

    /// Returns the resume times, the earliest first.
    pub(super) fn resumptions(&self) -> Vec<String> {
        self.resumed.iter().copied().map(instant).collect()
    }

    /// Checks that the export is not older than `--max-age`.
    pub(super) fn check_age(&self, most: Option<Duration>) -> Result<(), Failure> {
        let Some(most) = most else { return Ok(()) };
        let is = (Utc::now() - self.began).to_std().unwrap_or_default();
        if is <= most {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "the interrupted export started {} ago, at {}; --max-age is {}",
            age(is),
            self.began(),
            span(most)
        ))
        .advise(RESTART)
        .of_earlier_run())
    }
}

fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// How records are written.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    format: String,
    fields: Vec<String>,
    results: Vec<(String, String)>,
    /// The fields in `--with`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    with: Vec<String>,
    /// The operation and a checksum of its parents, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parents: Option<String>,
    /// The paths and columns of child tables, as a checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    children: Option<String>,
}

impl Shape {
    pub(super) fn of(plan: &Plan, records: &Records) -> Self {
        let tree = plan.source.tree.as_ref();
        Self {
            format: records.format.to_string(),
            fields: records.fields.clone(),
            results: plan.source.results_params.clone(),
            with: records.with.iter().map(|field| field.name().to_owned()).collect(),
            parents: tree.map(|tree| format!("{} {}", plan.source.entry.id, tree.fingerprint())),
            children: records.children.as_ref().map(child_tables::fingerprint),
        }
    }
}

impl DeliveredRecords {
    pub(super) fn new(
        plan: &Plan,
        records: &Records,
        checkpoint: Checkpoint,
        (sink, rejects): (Value, Option<rejects::Committed>),
        verdict: &Verdict,
    ) -> Self {
        let (shape, verdict) = (Shape::of(plan, records), VerdictText::new(verdict));
        Self { shape, verdict, checkpoint, sink, rejects }
    }

    /// Returns why this export can't resume these records, if so.
    fn difference(&self, plan: &Plan, records: &Records) -> Option<String> {
        let (saved, wanted) = (self.checkpoint.operation(), &plan.source.entry.id);
        let shape = Shape::of(plan, records);
        if self.shape.parents != shape.parents {
            return Some(
                "the interrupted export has different parents or parameters of them".to_owned(),
            );
        }
        // The checkpoint of a tree may be in the list of parents.
        if saved != wanted && shape.parents.is_none() {
            return Some(format!("the interrupted export is of {saved}, not of {wanted}"));
        }
        (self.shape != shape).then(|| {
            match self.shape.children == shape.children {
                true => {
                    "the interrupted export has a different --format, --fields, --with or --results-param"
                }
                false => {
                    "the interrupted export has different child tables, or other fields in them"
                }
            }
            .to_owned()
        })
    }
}

impl State {
    pub(super) fn new(plan: &Plan, run: &Run, delivered: Delivered) -> Self {
        Self { run: run.clone(), asked: plan.source.fingerprint(), delivered }
    }

    /// Loads the state from `location` if this export can resume it. `is_done`: the output is finished, and nothing
    /// more is read.
    pub(super) fn resume(
        text: &str,
        location: &str,
        plan: &Plan,
        is_done: bool,
    ) -> Result<Self, Failure> {
        let mismatch = |why: String| {
            Failure::usage(format!("{location}: {why}")).advise(RESTART).of_earlier_run()
        };
        let state: Self = unseal(VERSION, text).map_err(mismatch)?;
        let difference = match (&state.delivered, &plan.delivery) {
            (Delivered::Records(saved), Delivery::Records(records)) => {
                saved.difference(plan, records)
            }
            (Delivered::Files(_), Delivery::Files) => None,
            _ => Some("the interrupted export is of another operation".to_owned()),
        };
        if let Some(difference) = difference {
            return Err(mismatch(difference));
        }
        // For a list with more to read, the checkpoint reports which parameter differs; the checksum can't.
        let is_read_on = matches!(state.delivered, Delivered::Records(_)) && !is_done;
        if !is_read_on && !state.is_of(plan) {
            return Err(mismatch("the interrupted export has different parameters".to_owned()));
        }
        if is_done {
            return Ok(state);
        }
        if let Some(limit) = plan.source.reading.limit.filter(|limit| state.records() > *limit) {
            let saved = grouped(state.records());
            return Err(Failure::usage(format!(
                "{location}: {saved} records are already written, more than --limit {limit}"
            ))
            .advise("raise or omit --limit")
            .advise(RESTART)
            .of_earlier_run());
        }
        // A list that was read to its end does not mix old and new records.
        if !state.is_read() {
            state.run.check_age(plan.max_age)?;
        }
        Ok(state)
    }

    /// Returns the interval of an interrupted export with a relative range.
    pub(super) fn interval(text: &str) -> Option<RelativeInterval> {
        unseal::<Self>(VERSION, text).ok()?.run.interval
    }

    /// Loads the state of an export to discard. `None` if it is damaged or of another version.
    pub(super) fn discarded(text: &str) -> Option<Self> {
        unseal(VERSION, text).ok()
    }

    pub(super) fn text(&self) -> Result<String, Failure> {
        seal(VERSION, self)
    }

    /// Returns whether the state is of an export with the same request.
    pub(super) fn is_of(&self, plan: &Plan) -> bool {
        self.asked == plan.source.fingerprint()
    }

    /// Returns where another run resumes.
    pub(super) fn position(&self) -> Position<'_> {
        match &self.delivered {
            Delivered::Records(saved) => Position::List(&saved.checkpoint),
            Delivered::Files(job) => Position::Job(job),
        }
    }

    /// Returns the number of records written.
    pub(super) fn records(&self) -> u64 {
        self.position().checkpoint().map_or(0, Checkpoint::items)
    }

    /// Returns whether everything was read.
    pub(super) fn is_read(&self) -> bool {
        self.position().checkpoint().is_some_and(Checkpoint::is_complete)
    }

    /// Returns the submitted jobs whose results are not completely read.
    pub(super) fn jobs(&self) -> Vec<SavedJob> {
        match self.position() {
            Position::List(checkpoint) => checkpoint.jobs().into_iter().cloned().collect(),
            Position::Job(job) => vec![job.clone()],
        }
    }
}
