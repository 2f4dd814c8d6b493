//! The active lies, and which records arrived despite them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::effect::{Effect, NULL_INDEX};
use super::lie::{Lie, ResponseKind, Trigger};
use crate::connection::ConnectionFault;

/// The lies of an org, by index of the operation in the table of endpoints: the one that lists, or the one that
/// submits the job.
#[derive(Debug, Default)]
pub(crate) struct Lies(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    lies: HashMap<usize, ActiveLie>,
    occurrences: u64,
    /// The records of each list that a usable response has contained, by position.
    sent: HashMap<usize, PositionSet>,
}

#[derive(Debug)]
struct ActiveLie {
    lie: Lie,
    /// Whether it is in effect.
    is_on: bool,
    occurrences: u64,
}

/// A dense set of positions.
#[derive(Debug, Default)]
struct PositionSet(Vec<u64>);

/// The records of a page that is being sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// The index of the list in the table of endpoints.
    pub(crate) list: usize,
    pub(crate) records: Vec<u64>,
}

impl Sent {
    /// The records that arrive over the connection.
    pub(crate) fn over(self, connection: Option<ConnectionFault>) -> Option<Self> {
        matches!(connection, None | Some(ConnectionFault::SlowBody)).then_some(self)
    }

    /// The records that arrive with a lie.
    pub(crate) fn with(mut self, effect: &Effect) -> Option<Self> {
        if matches!(effect, Effect::NullItem) && self.records.len() > NULL_INDEX as usize {
            self.records.remove(NULL_INDEX as usize);
        }
        effect.is_usable().then_some(self)
    }
}

impl Lies {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, endpoint: usize, lie: Lie) {
        let is_on = lie.trigger() != Trigger::WhileStopped;
        self.state().lies.insert(endpoint, ActiveLie { lie, is_on, occurrences: 0 });
    }

    /// Activates a lie that takes effect between two reads.
    pub(crate) fn activate(&self, endpoint: usize) -> Option<Lie> {
        let mut state = self.state();
        let active = state.lies.get_mut(&endpoint).filter(|it| !it.is_on)?;
        active.is_on = true;
        let lie = active.lie;
        state.occurrences += 1;
        Some(lie)
    }

    pub(crate) fn stop(&self) {
        self.state().lies.clear();
    }

    pub(crate) fn forget(&self) {
        *self.state() = State::default();
    }

    pub(crate) fn occurrences(&self) -> u64 {
        self.state().occurrences
    }

    /// The effect on this response, which is counted.
    pub(crate) fn next_effect(
        &self,
        endpoint: usize,
        response_kind: ResponseKind,
    ) -> Option<&'static Effect> {
        let mut state = self.state();
        let active = state.lies.get_mut(&endpoint)?;
        let lie = active.lie;
        let occurs = active.is_on
            && lie.occurs_in(response_kind)
            && !(lie.is_once() && active.occurrences > 0);
        if !occurs {
            return None;
        }
        active.occurrences += 1;
        state.occurrences += 1;
        Some(&lie.row().effect)
    }

    /// The effect on a list, if the active lie has one.
    pub(crate) fn list_effect(&self, endpoint: usize, ordinal: u64) -> Option<&'static Effect> {
        let state = self.state();
        let active = state.lies.get(&endpoint).filter(|active| active.is_on)?;
        let effect = &active.lie.row().effect;
        let is_of_list =
            matches!(effect, Effect::PageSize { .. } | Effect::EqualPages | Effect::Inclusive);
        let occurs_in = active.lie.occurs_in(ResponseKind::Page { ordinal, links: true });
        (is_of_list && occurs_in).then_some(effect)
    }

    /// Whether a response has claimed that data is not yet available.
    pub(crate) fn has_backdated(&self) -> bool {
        let has_occurred = |active: &ActiveLie| {
            active.occurrences > 0 && matches!(active.lie.row().effect, Effect::Backdate { .. })
        };
        self.state().lies.values().any(has_occurred)
    }

    /// The lie of an operation, whether or not it has occurred yet.
    pub(crate) fn active_lie(&self, endpoint: usize) -> Option<Lie> {
        self.state().lies.get(&endpoint).map(|active| active.lie)
    }

    pub(crate) fn note(&self, sent: Sent) {
        let mut state = self.state();
        let positions = state.sent.entry(sent.list).or_default();
        sent.records.into_iter().for_each(|position| positions.insert(position));
    }

    pub(crate) fn has_sent(&self, list: usize, position: u64) -> bool {
        self.state().sent.get(&list).is_some_and(|positions| positions.has(position))
    }
}

impl PositionSet {
    fn insert(&mut self, position: u64) {
        let word = (position / 64) as usize;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (position % 64);
    }

    fn has(&self, position: u64) -> bool {
        self.0.get((position / 64) as usize).is_some_and(|word| word >> (position % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_inserted_positions() {
        let mut positions = PositionSet::default();
        let some = [0, 1, 63, 64, 1_000];
        some.iter().for_each(|position| positions.insert(*position));
        let known: Vec<u64> = (0..1_100).filter(|position| positions.has(*position)).collect();
        assert_eq!(known, some);
    }
}
