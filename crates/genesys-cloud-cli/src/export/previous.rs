//! What an earlier run of an export has left: to be resumed, discarded or left alone.

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

/// What an earlier run has left.
pub(super) enum Previous {
    Nothing,
    /// To be resumed.
    State(Box<State>),
    /// To be discarded, as far as the state can be relied on.
    Discarded(Option<Box<State>>),
}

/// The store of the state, unless the target is it.
pub(super) fn store(
    plan: &Plan,
    watch: &Watch,
) -> Result<Option<Box<dyn CheckpointStore>>, Failure> {
    match &plan.state {
        Some(location) => state_location::open(location, watch).map(Some),
        None => plan.output.store(watch),
    }
}

/// The key of the state.
pub(super) fn key(plan: &Plan) -> String {
    state_location::key(&plan.source.entry.id, &plan.output.destination)
}

/// The store of the state: one beside the target, or the target. Standard output has none.
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
    /// Looks for an earlier run. One that would be overwritten is an error.
    pub(super) async fn load(
        plan: &Plan,
        store: &mut Option<Box<dyn CheckpointStore>>,
        target: &mut Target,
        reporter: &Reporter,
    ) -> Result<Self, Failure> {
        let (is_own, key) = (store.is_none(), key(plan));
        let Some(state) = store_of(store, target) else { return Ok(Self::Nothing) };
        let place = state.location(&key);
        let loaded = state.load(&key).await?;
        let is_done = target.is_done();
        let operation = &plan.source.entry.id;
        let Some(text) = loaded else {
            if plan.output.file().is_some() || plan.start.resumes() {
                plan.output.earlier_release(plan.start.may_discard()).await?;
            }
            if plan.start.resumes() {
                let text = format!("{place}: no saved state; starting over");
                let facts = json!({ "operation": operation, "records": 0 });
                reporter.say("resume", &text, facts);
            }
            return Ok(Self::Nothing);
        };
        if plan.start.resumes() {
            let state = State::resume(&text, &place, plan, is_done)?;
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
                "{place}: the state can't be read, so uploads and jobs that the export had begun are left alone"
            );
            let facts = json!({ "operation": operation, "reason": text });
            reporter.say("restart", &text, facts);
        }
        if is_own {
            // It keeps other writers out by itself.
            let is_other = discarded.as_ref().is_some_and(|it| !it.is_of(plan));
            match target.store() {
                // It is complete, and what it has written is not what is written now.
                Some(state) if is_done && is_other => state.clear(&key).await?,
                _ => target.restart().await?,
            }
        }
        Ok(Self::Discarded(discarded))
    }

    /// The state to resume, if there is one.
    pub(super) fn state(&self) -> Option<&State> {
        match self {
            Self::State(state) => Some(state),
            Self::Nothing | Self::Discarded(_) => None,
        }
    }

    /// The state that is discarded, if it can be relied on.
    pub(super) fn discarded(&self) -> Option<&State> {
        match self {
            Self::Discarded(state) => state.as_deref(),
            Self::Nothing | Self::State(_) => None,
        }
    }

    /// Removes what is discarded, once the target keeps other exports out.
    pub(super) async fn remove(
        &self,
        plan: &Plan,
        store: &mut Option<Box<dyn CheckpointStore>>,
        target: &mut Target,
    ) -> Result<(), Failure> {
        // Where the target is the store, it has discarded it before.
        let (Self::Discarded(discarded), Some(store)) = (self, store) else { return Ok(()) };
        if let Some(discarded) = discarded {
            target.discard(discarded).await?;
        }
        store.clear(&key(plan)).await.map_err(Failure::from)
    }
}
