//! The active lies, and which records arrived despite them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::deed::{Deed, HOLE};
use super::row::{Lie, Moment, Site};
use crate::connection::ConnectionFault;

/// The lies of an org, by index of the operation in the table of endpoints: the one that lists, or the one that
/// submits the job.
#[derive(Debug, Default)]
pub(crate) struct Lies(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    lies: HashMap<usize, Telling>,
    told: u64,
    /// The records of each list that a usable response has contained, by position.
    sent: HashMap<usize, Places>,
}

#[derive(Debug)]
struct Telling {
    lie: Lie,
    /// Whether it is in effect.
    is_on: bool,
    told: u64,
}

/// A dense set of positions.
#[derive(Debug, Default)]
struct Places(Vec<u64>);

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
    pub(crate) fn with(mut self, deed: &Deed) -> Option<Self> {
        if matches!(deed, Deed::Hole) && self.records.len() > HOLE as usize {
            self.records.remove(HOLE as usize);
        }
        deed.is_usable().then_some(self)
    }
}

impl Lies {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, place: usize, lie: Lie) {
        let is_on = lie.moment() != Moment::WhileStopped;
        self.state().lies.insert(place, Telling { lie, is_on, told: 0 });
    }

    /// Activates a lie that takes effect between two reads.
    pub(crate) fn begin(&self, place: usize) -> Option<Lie> {
        let mut state = self.state();
        let telling = state.lies.get_mut(&place).filter(|it| !it.is_on)?;
        telling.is_on = true;
        let lie = telling.lie;
        state.told += 1;
        Some(lie)
    }

    pub(crate) fn stop(&self) {
        self.state().lies.clear();
    }

    pub(crate) fn forget(&self) {
        *self.state() = State::default();
    }

    pub(crate) fn told(&self) -> u64 {
        self.state().told
    }

    /// The effect on this response, which is counted.
    pub(crate) fn draw(&self, place: usize, site: Site) -> Option<&'static Deed> {
        let mut state = self.state();
        let telling = state.lies.get_mut(&place)?;
        let lie = telling.lie;
        let is_due = telling.is_on && lie.is_at(site) && !(lie.is_once() && telling.told > 0);
        if !is_due {
            return None;
        }
        telling.told += 1;
        state.told += 1;
        Some(&lie.row().deed)
    }

    /// The effect on a list, if the active lie has one.
    pub(crate) fn of_list(&self, place: usize, ordinal: u64) -> Option<&'static Deed> {
        let state = self.state();
        let telling = state.lies.get(&place).filter(|telling| telling.is_on)?;
        let deed = &telling.lie.row().deed;
        let is_of_list = matches!(deed, Deed::PageSize { .. } | Deed::EqualPages | Deed::Inclusive);
        let is_at = telling.lie.is_at(Site::Page { ordinal, links: true });
        (is_of_list && is_at).then_some(deed)
    }

    /// Whether a response has claimed that data is not yet available.
    pub(crate) fn has_antedated(&self) -> bool {
        let is_told = |telling: &Telling| {
            telling.told > 0 && matches!(telling.lie.row().deed, Deed::Antedate { .. })
        };
        self.state().lies.values().any(is_told)
    }

    /// The lie of an operation, whether or not it has occurred yet.
    pub(crate) fn lie_of(&self, place: usize) -> Option<Lie> {
        self.state().lies.get(&place).map(|telling| telling.lie)
    }

    pub(crate) fn note(&self, sent: Sent) {
        let mut state = self.state();
        let places = state.sent.entry(sent.list).or_default();
        sent.records.into_iter().for_each(|place| places.insert(place));
    }

    pub(crate) fn has_sent(&self, list: usize, place: u64) -> bool {
        self.state().sent.get(&list).is_some_and(|places| places.has(place))
    }
}

impl Places {
    fn insert(&mut self, place: u64) {
        let word = (place / 64) as usize;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (place % 64);
    }

    fn has(&self, place: u64) -> bool {
        self.0.get((place / 64) as usize).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_inserted_positions() {
        let mut places = Places::default();
        let some = [0, 1, 63, 64, 1_000];
        some.iter().for_each(|place| places.insert(*place));
        let known: Vec<u64> = (0..1_100).filter(|place| places.has(*place)).collect();
        assert_eq!(known, some);
    }
}
