//! The state of an export to a folder: which windows have their file. The position within a window is in the state of
//! the window.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::partition::Partition;
use super::plan::{Delivery, Plan};
use super::range::RelativeInterval;
use super::seal::{seal, unseal};
use super::state::{RESTART, Run, Shape};
use crate::failure::Failure;

const VERSION: u64 = 1;

/// An export to a folder: its identity and progress.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FolderState {
    pub(super) run: Run,
    /// Checksum of the request.
    asked: String,
    /// How records are written.
    shape: Option<Shape>,
    partition: String,
    /// The windows whose files are complete, by name.
    pub(super) done: BTreeMap<String, Done>,
    pub(super) counts: Counts,
}

/// A window whose file is complete, or accepted.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    pub(super) records: u64,
    pub(super) verdict: String,
}

/// Sums over windows.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    pub(super) records: u64,
    pub(super) pages: u64,
    pub(super) calls: u64,
    pub(super) retries: u64,
    pub(super) waited_ms: u64,
    pub(super) duplicates: u64,
    pub(super) nulls: u64,
    /// Rejected records.
    pub(super) skipped: u64,
    pub(super) nulled: u64,
}

impl Counts {
    /// Adds the counts in the report of a window.
    pub(super) fn add(&mut self, report: &Value) {
        let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        self.records += number("/records");
        self.pages += number("/pages");
        self.calls += number("/calls");
        self.retries += number("/retries");
        self.waited_ms += number("/waited_ms");
        self.duplicates += number("/duplicates");
        self.nulls += number("/nulls");
        self.skipped += number("/rejects/skipped");
        self.nulled += number("/rejects/nulled");
    }
}

impl FolderState {
    /// Creates the state of an export with no window done.
    pub(super) fn new(plan: &Plan, run: Run) -> Self {
        Self {
            run,
            asked: plan.source.fingerprint(),
            shape: shape(plan),
            partition: plan.partition.as_ref().map(Partition::text).unwrap_or_default(),
            done: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// Loads the state from `location` if this export can resume it.
    pub(super) fn resume(text: &str, location: &str, plan: &Plan) -> Result<Self, Failure> {
        let mismatch = |why: String| {
            Failure::usage(format!("{location}: {why}")).advise(RESTART).of_earlier_run()
        };
        let state: Self = unseal(VERSION, text).map_err(mismatch)?;
        let wanted = Self::new(plan, state.run.clone());
        if state.asked != wanted.asked {
            let why = "the interrupted export is of another operation, or has different parameters";
            return Err(mismatch(why.to_owned()));
        }
        if state.partition != wanted.partition {
            let why = format!("the interrupted export has other windows: {}", state.partition);
            return Err(mismatch(why));
        }
        if state.shape != wanted.shape {
            let why = "the interrupted export has a different --format, --fields, --with or --results-param";
            return Err(mismatch(why.to_owned()));
        }
        state.run.check_age(plan.max_age)?;
        Ok(state)
    }

    /// Adds a resume time.
    pub(super) fn resumed_now(self) -> Self {
        Self { run: self.run.resumed_now(), ..self }
    }

    /// Returns the interval of an interrupted export with a relative range.
    pub(super) fn interval(text: &str) -> Option<RelativeInterval> {
        unseal::<Self>(VERSION, text).ok()?.run.interval().cloned()
    }

    pub(super) fn text(&self) -> Result<String, Failure> {
        seal(VERSION, self)
    }
}

fn shape(plan: &Plan) -> Option<Shape> {
    match &plan.delivery {
        Delivery::Records(records) => Some(Shape::of(plan, records)),
        Delivery::Files => None,
    }
}
