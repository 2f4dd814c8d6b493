//! What is saved of an export that is not whole yet.

use std::time::Duration;

use chrono::{DateTime, Utc};
use genesys_cloud_core::{Checkpoint, OrgIdentity, SavedJob, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::{Plan, Records};
use super::rejects;
use super::report::{reason, word};
use super::seal::{seal, unseal};
use crate::failure::Failure;
use crate::reporter::grouped;
use crate::sum::random_id;
use crate::times::{age, span};

/// What is written, and all that is read.
const VERSION: u64 = 3;

/// What can be done about a state that is refused.
pub(super) const RESTART: &str = "--restart discards the earlier run and starts over";

/// How many resumptions are remembered, the latest.
const MOST_RESUMPTIONS: usize = 100;

/// How far an export is: in the list, and in its output. Both belong to the same record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) run: Run,
    /// What was asked for, as a checksum.
    asked: String,
    /// What decides how a record is written.
    shape: Shape,
    /// What there is to say of the list if nothing more is read.
    pub(super) verdict: Told,
    pub(super) checkpoint: Checkpoint,
    pub(super) sink: Value,
    /// Where the file of rejected records was by then, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rejects: Option<rejects::Committed>,
}

/// A verdict in words.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    pub(super) word: String,
    pub(super) reason: Option<String>,
}

impl Told {
    pub(super) fn of(verdict: &Verdict) -> Self {
        Self { word: word(verdict).to_owned(), reason: reason(verdict) }
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
                "the export that was stopped is of another org, or may be: {why}"
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
            "the export that was stopped began {} ago, at {}, and --max-age allows {}",
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

impl State {
    pub(super) fn new(
        (plan, records): (&Plan, &Records),
        run: &Run,
        checkpoint: Checkpoint,
        (sink, rejects): (Value, Option<rejects::Committed>),
        verdict: &Verdict,
    ) -> Self {
        let (shape, verdict) = (Shape::of(plan, records), Told::of(verdict));
        let asked = plan.source.fingerprint();
        Self { run: run.clone(), asked, shape, verdict, checkpoint, sink, rejects }
    }

    /// Reads the state at `place`, if this export can resume it. `is_done`: the output is finished, so that nothing
    /// more will be read.
    pub(super) fn read(
        text: &str,
        place: &str,
        (plan, records): (&Plan, &Records),
        is_done: bool,
    ) -> Result<Self, Failure> {
        let odd = |why: String| {
            Failure::usage(format!("{place}: {why}")).advise(RESTART).of_earlier_run()
        };
        let state: Self = unseal(VERSION, text).map_err(odd)?;
        if state.checkpoint.operation() != plan.source.entry.id {
            let operation = state.checkpoint.operation();
            return Err(odd(format!(
                "the export that was stopped is of {operation}, not of {}",
                plan.source.entry.id
            )));
        }
        if state.shape != Shape::of(plan, records) {
            return Err(odd(
                "the export that was stopped has another format or other fields, or --results-param"
                    .to_owned()
            ));
        }
        if is_done {
            // Nothing more is read that would show whether it is the same.
            return match state.asked == plan.source.fingerprint() {
                true => Ok(state),
                false => Err(odd("the export that was stopped has other parameters".to_owned())),
            };
        }
        if let Some(limit) =
            plan.source.reading.limit.filter(|limit| state.checkpoint.items() > *limit)
        {
            let saved = grouped(state.checkpoint.items());
            return Err(Failure::usage(format!(
                "{place}: {saved} records are written already, more than --limit {limit}"
            ))
            .advise("leave --limit out, or allow as many")
            .advise(RESTART)
            .of_earlier_run());
        }
        // A list that was read to its end has no second half.
        if !state.checkpoint.is_complete() {
            state.run.check_age(plan.max_age)?;
        }
        Ok(state)
    }

    pub(super) fn text(&self) -> Result<String, Failure> {
        seal(VERSION, self)
    }

    /// The jobs that the export has submitted, and not read to their end.
    fn jobs(&self) -> Vec<SavedJob> {
        self.checkpoint.jobs().into_iter().cloned().collect()
    }
}

/// An export that is discarded.
pub(super) struct Discarded {
    pub(super) asked: String,
    pub(super) run: Run,
    pub(super) jobs: Vec<SavedJob>,
    /// The last commit of its sink.
    pub(super) sink: Value,
}

/// The export that has left this state, to be discarded. `None` if the state can't be relied on.
pub(super) fn discarded(text: &str) -> Option<Discarded> {
    let state: State = unseal(VERSION, text).ok()?;
    let jobs = state.jobs();
    Some(Discarded { asked: state.asked, run: state.run, jobs, sink: state.sink })
}
