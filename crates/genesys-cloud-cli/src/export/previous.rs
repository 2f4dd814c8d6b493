//! What an earlier run of an export has left: to be resumed, discarded or left alone.

use genesys_cloud_sinks::Keeper;
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

/// What keeps the state, unless the target does.
pub(super) fn keeper(plan: &Plan) -> Result<Option<Box<dyn Keeper>>, Failure> {
    match &plan.state {
        Some(location) => {
            let entry = plan.source.entry;
            state_location::open(location, &entry.id, &plan.output.destination).map(Some)
        }
        None => plan.output.keeper(),
    }
}

/// What keeps the state: a place of its own, or the target. Nothing does for standard output.
pub(super) fn keeper_of<'a>(
    keeper: &'a mut Option<Box<dyn Keeper>>,
    target: &'a mut Target,
) -> Option<&'a mut dyn Keeper> {
    match keeper {
        Some(keeper) => Some(keeper.as_mut()),
        None => target.keeper(),
    }
}

impl Previous {
    /// Looks for an earlier run. One that would be overwritten is an error.
    pub(super) async fn load(
        plan: &Plan,
        keeper: &mut Option<Box<dyn Keeper>>,
        target: &mut Target,
        reporter: &Reporter,
    ) -> Result<Self, Failure> {
        let is_own = keeper.is_none();
        let Some(kept) = keeper_of(keeper, target) else { return Ok(Self::Nothing) };
        let place = kept.place();
        let loaded = kept.load().await?;
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
            match keeper_of(keeper, target) {
                None => {}
                // It is complete, and what it has written is not what is written now.
                Some(kept) if is_done && is_other => kept.clear().await?,
                Some(kept) => kept.discard().await?,
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
        keeper: &mut Option<Box<dyn Keeper>>,
        target: &mut Target,
    ) -> Result<(), Failure> {
        // Where the target is the keeper, it has discarded it before.
        let (Self::Discarded(discarded), Some(keeper)) = (self, keeper) else { return Ok(()) };
        if let Some(discarded) = discarded {
            target.discard(discarded).await?;
        }
        keeper.discard().await.map_err(Failure::from)
    }
}
