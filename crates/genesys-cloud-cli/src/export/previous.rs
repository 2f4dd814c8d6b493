//! The earlier run of an export, to resume or to discard.

use genesys_cloud_core::CheckpointStore;
use genesys_cloud_sinks::Watch;
use serde_json::json;

use super::plan::Plan;
use super::state::{RESTART, State};
use super::state_location;
use super::target::Target;
use crate::failure::Failure;
use crate::reporter::Reporter;
use crate::settings::Start;

/// An earlier run.
pub(super) enum Previous {
    Nothing,
    /// A run to resume.
    State(Box<State>),
    /// A run to discard. `None` if its state can't be read.
    Discarded(Option<Box<State>>),
}

/// Opens the store of the state, unless the target keeps it.
pub(super) fn store(
    plan: &Plan,
    watch: &Watch,
) -> Result<Option<Box<dyn CheckpointStore>>, Failure> {
    match &plan.state {
        Some(location) => state_location::open(location, watch).map(Some),
        None => plan.output.store(watch),
    }
}

/// Returns the key of the state.
pub(super) fn key(plan: &Plan) -> String {
    state_location::key(&plan.source.entry.id, &plan.output.destination)
}

/// Returns the store of the state, which may be the target. Standard output has none.
pub(super) fn store_of<'a>(
    store: &'a mut Option<Box<dyn CheckpointStore>>,
    target: &'a mut Target,
) -> Option<&'a mut dyn CheckpointStore> {
    match store {
        Some(store) => Some(store.as_mut()),
        None => target.store(),
    }
}

impl Previous {
    /// Loads an earlier run. Fails if the export would overwrite it.
    pub(super) async fn load(
        plan: &mut Plan,
        store: &mut Option<Box<dyn CheckpointStore>>,
        target: &mut Target,
        reporter: &Reporter,
    ) -> Result<Self, Failure> {
        let (is_own, key) = (store.is_none(), key(plan));
        let Some(state) = store_of(store, target) else { return Ok(Self::Nothing) };
        let location = state.location(&key);
        let loaded = state.load(&key).await?;
        let is_done = target.is_done();
        let entry = plan.source.entry;
        let operation = &entry.id;
        let Some(text) = loaded else {
            if plan.output.file().is_some() || plan.start.resumes() {
                plan.output.earlier_release(plan.start.may_discard()).await?;
            }
            if plan.start.resumes() && plan.window.is_none() {
                let text = format!("{location}: no saved state; starting over");
                let facts = json!({ "operation": operation, "records": 0 });
                reporter.say("resume", &text, facts);
            }
            return Ok(Self::Nothing);
        };
        let is_left_over = plan.window.as_ref().is_some_and(|window| !window.resumes(&text, plan));
        if plan.start.resumes() && !is_left_over {
            if let (Some(range), Some(saved)) =
                (plan.source.time_range_mut(), State::interval(&text))
            {
                range.resume(&saved);
            }
            let state = State::resume(&text, &location, plan, is_done)?;
            return Ok(Self::State(Box::new(state)));
        }
        if plan.start == Start::New {
            let text = format!(
                "an export to {} was interrupted, or is still running",
                plan.output.destination
            );
            return Err(Failure::usage(text).advise("--resume continues it").advise(RESTART));
        }
        let discarded = State::discarded(&text).map(Box::new);
        if discarded.is_none() {
            let text = format!(
                "{location}: can't read the state; unfinished uploads and jobs of the export are not cancelled"
            );
            let facts = json!({ "operation": operation, "reason": text });
            reporter.say("restart", &text, facts);
        }
        if is_own {
            // The target has a lock.
            let is_other = discarded.as_ref().is_some_and(|it| !it.is_of(plan));
            match target.store() {
                // A complete export with a different request: its output stays.
                Some(state) if is_done && is_other => state.clear(&key).await?,
                _ => target.restart().await?,
            }
        }
        Ok(Self::Discarded(discarded))
    }

    /// Returns the state to resume, if any.
    pub(super) fn state(&self) -> Option<&State> {
        match self {
            Self::State(state) => Some(state),
            Self::Nothing | Self::Discarded(_) => None,
        }
    }

    /// Returns the state to discard, if it can be read.
    pub(super) fn discarded(&self) -> Option<&State> {
        match self {
            Self::Discarded(state) => state.as_deref(),
            Self::Nothing | Self::State(_) => None,
        }
    }

    /// Removes a discarded run, after the target is locked.
    pub(super) async fn remove(
        &self,
        plan: &Plan,
        store: &mut Option<Box<dyn CheckpointStore>>,
        target: &mut Target,
    ) -> Result<(), Failure> {
        // A target that keeps the state has already discarded it.
        let (Self::Discarded(discarded), Some(store)) = (self, store) else { return Ok(()) };
        if let Some(discarded) = discarded {
            target.discard(discarded).await?;
        }
        store.clear(&key(plan)).await.map_err(Failure::from)
    }
}
