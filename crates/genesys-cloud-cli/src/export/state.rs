//! What is saved of an export that is not complete yet.

use std::time::Duration;

use chrono::{DateTime, Utc};
use genesys_cloud_core::{Checkpoint, OrgIdentity, SavedJob, Verdict};
use genesys_cloud_sinks::checksum::random_id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::{Delivery, Plan, Records};
use super::rejects;
use super::seal::{seal, unseal};
use super::verdict::VerdictText;
use crate::failure::Failure;
use crate::reporter::grouped;
use crate::times::{age, span};

/// What is written, and all that is read.
const VERSION: u64 = 4;

/// What can be done about a state that is refused.
pub(super) const RESTART: &str = "--restart discards the earlier run and starts over";

/// How many resumptions are remembered, the latest.
const MOST_RESUMPTIONS: usize = 100;

/// An export that is not complete: which one it is, and what it has delivered.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) run: Run,
    /// What was asked for, as a checksum.
    asked: String,
    pub(super) delivered: Delivered,
}

/// What an export has delivered.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) enum Delivered {
    Records(Box<DeliveredRecords>),
    /// The files of this job, which are downloaded from the beginning by each run.
    Files(Box<SavedJob>),
}

/// How far an export is: in the list, and in its output. Both belong to the same record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveredRecords {
    /// What decides how a record is written.
    shape: Shape,
    /// The verdict on the list, if nothing more is read.
    pub(super) verdict: VerdictText,
    pub(super) checkpoint: Checkpoint,
    pub(super) sink: Value,
    /// The commit of the file of rejected records, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rejects: Option<rejects::Committed>,
}

/// Where a run continues.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    List(&'a Checkpoint),
    Job(&'a SavedJob),
}

impl<'a> Place<'a> {
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

/// Which export it is, and when it was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// Random, and the same when it is resumed.
    pub(super) id: String,
    /// Whose records they are: all orgs of a region have the same host.
    org: OrgIdentity,
    began: DateTime<Utc>,
    resumed: Vec<DateTime<Utc>>,
}

impl Run {
    /// An export of this org that begins now.
    pub(super) fn new(org: OrgIdentity) -> Self {
        Self { id: random_id(), org, began: Utc::now(), resumed: Vec::new() }
    }

    /// Refuses to add records of another org.
    pub(super) fn check_org(&self, org: &OrgIdentity) -> Result<(), Failure> {
        match self.org.difference(org) {
            None => Ok(()),
            Some(why) => Err(Failure::usage(format!(
                "the interrupted export is of another org, or may be: {why}"
            ))
            .advise("--resume takes the same API URL and OAuth client")
            .advise(RESTART)
            .of_earlier_run()),
        }
    }

    /// Whose records they are.
    pub(super) fn org(&self) -> &OrgIdentity {
        &self.org
    }

    /// Whether it is known to be of this org.
    pub(super) fn is_of(&self, org: &OrgIdentity) -> bool {
        self.org.difference(org).is_none()
    }

    /// The same, resumed now.
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

    /// When it was resumed, the first time first.
    pub(super) fn resumptions(&self) -> Vec<String> {
        self.resumed.iter().copied().map(instant).collect()
    }

    /// Refuses to add what is read now to what was read longer ago than this.
    pub(super) fn check_age(&self, most: Option<Duration>) -> Result<(), Failure> {
        let Some(most) = most else { return Ok(()) };
        let is = (Utc::now() - self.began).to_std().unwrap_or_default();
        if is <= most {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "the interrupted export began {} ago, at {}, and --max-age allows {}",
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

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    format: String,
    fields: Vec<String>,
    results: Vec<(String, String)>,
}

impl Shape {
    fn of(plan: &Plan, records: &Records) -> Self {
        Self {
            format: records.format.to_string(),
            fields: records.fields.clone(),
            results: plan.source.results_params.clone(),
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

    /// Why these records can't be continued by this export.
    fn difference(&self, plan: &Plan, records: &Records) -> Option<String> {
        let (saved, wanted) = (self.checkpoint.operation(), &plan.source.entry.id);
        if saved != wanted {
            return Some(format!("the interrupted export is of {saved}, not of {wanted}"));
        }
        (self.shape != Shape::of(plan, records)).then(|| {
            "the interrupted export has another format or other fields, or --results-param"
                .to_owned()
        })
    }
}

impl State {
    pub(super) fn new(plan: &Plan, run: &Run, delivered: Delivered) -> Self {
        Self { run: run.clone(), asked: plan.source.fingerprint(), delivered }
    }

    /// Reads the state at `place`, if this export can resume it. `is_done`: the output is finished, so that nothing
    /// more will be read.
    pub(super) fn resume(
        text: &str,
        place: &str,
        plan: &Plan,
        is_done: bool,
    ) -> Result<Self, Failure> {
        let odd = |why: String| {
            Failure::usage(format!("{place}: {why}")).advise(RESTART).of_earlier_run()
        };
        let state: Self = unseal(VERSION, text).map_err(odd)?;
        let difference = match (&state.delivered, &plan.delivery) {
            (Delivered::Records(saved), Delivery::Records(records)) => {
                saved.difference(plan, records)
            }
            (Delivered::Files(_), Delivery::Files) => None,
            _ => Some("the interrupted export is of another operation".to_owned()),
        };
        if let Some(difference) = difference {
            return Err(odd(difference));
        }
        // Of a list that is read on, its checkpoint knows more than the sum: which parameter differs.
        let is_read_on = matches!(state.delivered, Delivered::Records(_)) && !is_done;
        if !is_read_on && !state.is_of(plan) {
            return Err(odd("the interrupted export has other parameters".to_owned()));
        }
        if is_done {
            return Ok(state);
        }
        if let Some(limit) = plan.source.reading.limit.filter(|limit| state.records() > *limit) {
            let saved = grouped(state.records());
            return Err(Failure::usage(format!(
                "{place}: {saved} records are written already, more than --limit {limit}"
            ))
            .advise("leave --limit out, or allow as many")
            .advise(RESTART)
            .of_earlier_run());
        }
        // A list that was read to its end has no second half.
        if !state.is_read() {
            state.run.check_age(plan.max_age)?;
        }
        Ok(state)
    }

    /// Reads the state of an export that is discarded. `None` if it can't be relied on.
    pub(super) fn discarded(text: &str) -> Option<Self> {
        unseal(VERSION, text).ok()
    }

    pub(super) fn text(&self) -> Result<String, Failure> {
        seal(VERSION, self)
    }

    /// Whether it is of an export that asks for the same.
    pub(super) fn is_of(&self, plan: &Plan) -> bool {
        self.asked == plan.source.fingerprint()
    }

    /// Where another run continues.
    pub(super) fn place(&self) -> Place<'_> {
        match &self.delivered {
            Delivered::Records(saved) => Place::List(&saved.checkpoint),
            Delivered::Files(job) => Place::Job(job),
        }
    }

    /// How many records are written.
    pub(super) fn records(&self) -> u64 {
        self.place().checkpoint().map_or(0, Checkpoint::items)
    }

    /// Whether everything was read.
    pub(super) fn is_read(&self) -> bool {
        self.place().checkpoint().is_some_and(Checkpoint::is_complete)
    }

    /// The jobs that the export has submitted, and not read to their end.
    pub(super) fn jobs(&self) -> Vec<SavedJob> {
        match self.place() {
            Place::List(checkpoint) => checkpoint.jobs().into_iter().cloned().collect(),
            Place::Job(job) => vec![job.clone()],
        }
    }
}
