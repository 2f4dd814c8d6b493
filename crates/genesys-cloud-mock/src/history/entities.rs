//! The records of one collection, as they change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Change;
use crate::identity::Identity;
use crate::rng::mix;
use crate::timestamp::Timestamp;

/// The records of one collection. Those that never changed are not stored.
#[derive(Debug, Clone)]
pub(crate) struct Entities {
    /// Distinguishes the ids of its records.
    list: u64,
    /// The number of records that ever existed.
    made: u64,
    /// The positions of the existing records, in ascending order.
    alive: Arc<Vec<u64>>,
    changed: HashMap<u64, Record>,
    /// How many generated changes have happened.
    generated: u64,
    /// How many changes of any kind have happened.
    changes: u64,
}

/// Identifies a state of a collection: two with the same version have the same records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    list: u64,
    made: u64,
    changes: u64,
}

/// A record that was created, changed or deleted since the start of the timeline.
#[derive(Debug, Clone, Default)]
struct Record {
    /// `None` if it existed at the start.
    created: Option<Timestamp>,
    deleted: Option<Timestamp>,
    /// The fields set by each change, oldest first.
    changes: Vec<(Timestamp, Map<String, Value>)>,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
    Delete,
}

/// The state of a record at some time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RecordState {
    /// `None` if it existed at the start.
    pub(crate) created: Option<Timestamp>,
    /// The time of the last change, if any.
    pub(crate) modified: Option<Timestamp>,
    /// How often it changed.
    pub(crate) changes: u64,
    /// The fields that were set.
    pub(crate) fields: Map<String, Value>,
}

impl Entities {
    pub(super) fn new(list: u64, initial: u64) -> Self {
        Self {
            list,
            made: initial,
            alive: Arc::new((0..initial).collect()),
            changed: HashMap::new(),
            generated: 0,
            changes: 0,
        }
    }

    pub(crate) fn list(&self) -> u64 {
        self.list
    }

    /// The identity of the record at a position.
    pub(crate) fn identity(&self, index: u64) -> Identity {
        Identity::new(self.list, index)
    }

    pub(crate) fn version(&self) -> Version {
        Version { list: self.list, made: self.made, changes: self.changes }
    }

    /// The positions of the existing records, in ascending order.
    pub(crate) fn alive(&self) -> &Arc<Vec<u64>> {
        &self.alive
    }

    /// Whether a record exists.
    pub(crate) fn has(&self, index: u64) -> bool {
        let is_deleted = |record: &Record| record.deleted.is_some();
        index < self.made && !self.changed.get(&index).is_some_and(is_deleted)
    }

    /// Whether a record existed at a time.
    pub(super) fn had(&self, index: u64, at: Timestamp) -> bool {
        let had = |record: &Record| {
            record.created.is_none_or(|created| created <= at)
                && record.deleted.is_none_or(|deleted| at < deleted)
        };
        index < self.made && self.changed.get(&index).is_none_or(had)
    }

    /// The collection as it was at a time.
    pub(super) fn at(&self, at: Timestamp) -> Self {
        let alive = (0..self.made).filter(|&index| self.had(index, at)).collect();
        let mut then = Self { alive: Arc::new(alive), ..self.clone() };
        for record in then.changed.values_mut() {
            record.changes.retain(|(changed, _)| *changed <= at);
        }
        then
    }

    /// The current state of a record, if it ever changed.
    pub(crate) fn state(&self, index: u64) -> Option<RecordState> {
        let is_as_at_start =
            |record: &&Record| record.created.is_none() && record.changes.is_empty();
        let record = self.changed.get(&index).filter(|record| !is_as_at_start(record))?;
        let mut fields = Map::new();
        for (_, change) in &record.changes {
            fields.extend(change.clone());
        }
        let modified = record.changes.last().map(|(at, _)| *at);
        let changes = record.changes.len() as u64;
        Some(RecordState { created: record.created, modified, changes, fields })
    }

    /// Adds a record, and returns its position.
    pub(super) fn create(&mut self, at: Timestamp, fields: Map<String, Value>) -> u64 {
        let index = self.made;
        self.made += 1;
        self.changes += 1;
        Arc::make_mut(&mut self.alive).push(index);
        let record = Record { created: Some(at), deleted: None, changes: vec![(at, fields)] };
        self.changed.insert(index, record);
        index
    }

    pub(super) fn update(&mut self, index: u64, at: Timestamp, fields: Map<String, Value>) {
        self.changes += 1;
        self.changed.entry(index).or_default().changes.push((at, fields));
    }

    pub(super) fn delete(&mut self, index: u64, at: Timestamp) {
        self.changes += 1;
        self.changed.entry(index).or_default().deleted = Some(at);
        if let Ok(position) = self.alive.binary_search(&index) {
            Arc::make_mut(&mut self.alive).remove(position);
        }
    }

    /// The time of the next generated change.
    fn next_change(&self, start: Timestamp, period: Duration) -> Timestamp {
        let period = period.as_millis() as u64;
        // Changes of different collections do not happen at the same time.
        let offset = mix(self.list ^ mix(self.generated)) % period;
        let passed = self.generated.saturating_mul(period).saturating_add(offset);
        start.after(Duration::from_millis(passed))
    }

    /// Whether all changes up to `now` have been made.
    pub(super) fn is_generated(
        &self,
        (start, now): (Timestamp, Timestamp),
        period: Duration,
    ) -> bool {
        self.next_change(start, period) > now
    }

    /// Makes the generated changes up to `now`, one per period since `start`, and calls `on_change` for each.
    /// `update` returns the fields of the change with this number.
    pub(super) fn generate(
        &mut self,
        (start, now): (Timestamp, Timestamp),
        period: Duration,
        update: impl Fn(u64) -> Map<String, Value>,
        mut on_change: impl FnMut(Change),
    ) {
        loop {
            let number = self.generated;
            let at = self.next_change(start, period);
            if at > now {
                return;
            }
            self.generated += 1;
            let random = mix(mix(self.list ^ mix(number)));
            // Half of the changes are updates; as many records are created as deleted.
            let action = match random % 4 {
                0 => Action::Create,
                1 => Action::Delete,
                _ => Action::Update,
            };
            let target = self.alive.get((random >> 8) as usize % self.alive.len().max(1)).copied();
            let index = match (action, target) {
                (Action::Create, _) | (_, None) => self.create(at, Map::new()),
                (Action::Update, Some(index)) => {
                    self.update(index, at, update(number));
                    index
                }
                (Action::Delete, Some(index)) => {
                    self.delete(index, at);
                    index
                }
            };
            let action = if target.is_none() { Action::Create } else { action };
            on_change(Change { at, index, action });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn generates_the_same_changes_in_one_step_as_in_many() {
        let (start, hour) = (Timestamp::of(0), Duration::from_secs(3_600));
        let (mut one, mut many) = (Entities::new(7, 50), Entities::new(7, 50));
        let none = |_| Map::new();
        one.generate((start, start.after(9 * DAY)), hour, none, |_| {});
        for days in 0..=9 {
            many.generate((start, start.after(days * DAY)), hour, none, |_| {});
        }
        assert_eq!((&one.alive, one.made), (&many.alive, many.made));
        assert!(one.made > 60 && one.alive.iter().any(|&index| index >= 50), "{one:?}");
        assert!((0..50).any(|index| !one.has(index)));
    }

    #[test]
    fn remembers_every_earlier_state() {
        let mut entities = Entities::new(7, 2);
        let times: Vec<_> = (0..4).map(|day| Timestamp::of(0).after(day * DAY)).collect();
        let named = |name: &str| Map::from_iter([("name".to_owned(), Value::from(name))]);
        let index = entities.create(times[1], named("one"));
        entities.update(index, times[2], named("two"));
        entities.delete(index, times[3]);
        let name = |at| {
            let then = entities.at(at);
            let is_alive = then.alive().contains(&index);
            is_alive.then(|| then.state(index).map(|state| state.fields["name"].clone()))
        };
        let expected = [None, Some(Some("one".into())), Some(Some("two".into())), None];
        assert_eq!(times.iter().map(|&at| name(at)).collect::<Vec<_>>(), expected);
    }
}
