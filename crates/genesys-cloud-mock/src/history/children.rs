//! Lists of records that belong to another record: those of their own, and those that show records of another list.

use std::borrow::Cow;
use std::sync::Arc;

use super::family::{Families, unnamed};
use super::record::Shown;
use super::{Entities, EntityWriter, History, Place, parents};
use crate::api::Endpoint;
use crate::identity::Identity;
use crate::record_types::{Membership, RecordTypes};
use crate::rng::{hash, mix};
use crate::timestamp::Timestamp;

/// One of so many records is shown below another record, if a test has not set their number.
const SHARE: u64 = 4;

/// The paths of what belongs to a conversation.
const CONVERSATIONS: &str = "/api/v2/conversations/{";

/// A list below a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChildList<'a> {
    pub(crate) endpoint: &'static Endpoint,
    /// The ids in its path.
    pub(crate) values: &'a [Cow<'a, str>],
    pub(crate) path: &'a str,
    /// Its length, if a test has set it.
    pub(crate) length: Option<u64>,
    /// The time at which it was read, if not now.
    pub(crate) at: Option<Timestamp>,
}

impl History {
    /// Writes the records of a list below a record. `None` if it has nothing to do with records that change.
    pub(crate) fn children(
        &self,
        list: ChildList<'_>,
        initial: impl Fn(&Endpoint) -> u64,
    ) -> Option<EntityWriter> {
        let template = list.endpoint.operation.path.as_str();
        let is_list = list.endpoint.operation.method == "GET" && !template.ends_with('}');
        let (parent, _) = template.rsplit_once("/{").filter(|_| is_list)?;
        if let Some(members) = self.members(list, &initial) {
            return Some(members);
        }
        // Records that differ by parent, and do not change.
        let is_event = template.starts_with(CONVERSATIONS);
        if !is_event && Families::embedded().at(&unnamed(parent)).is_none() {
            return None;
        }
        let own = mix(mix(self.seed ^ list.endpoint.salt) ^ hash(list.path));
        let entities = Entities::new(own, list.length.unwrap_or_else(|| initial(list.endpoint)));
        Some(EntityWriter {
            positions: Arc::clone(entities.alive()),
            entities: Arc::new(entities),
            start: self.start(),
            references: self.references(initial),
            path: list.path.to_owned(),
            parents: parents(template, list.values),
            shown: None,
            hidden: Vec::new(),
        })
    }

    /// Writes the records of another list that a list shows: the same ones, until they are deleted.
    fn members(
        &self,
        list: ChildList<'_>,
        initial: impl Fn(&Endpoint) -> u64,
    ) -> Option<EntityWriter> {
        let types = RecordTypes::embedded();
        let template = list.endpoint.operation.path.as_str();
        let (record_type, membership) = types.members(template)?;
        let family = Families::embedded().at(types.all().get(record_type)?.path)?;
        let place = Place::new(family, &[]);
        let mut entities = self.entities(&place, &initial);
        if let Some(at) = list.at {
            entities = Arc::new(entities.at(at));
        }
        let existing = entities.alive().len() as u64;
        let usual = || initial(list.endpoint).min(existing.div_ceil(SHARE));
        let count = list.length.unwrap_or_else(usual).min(existing);
        let positions = chosen(&entities, hash(list.path), count as usize);
        let shown = Shown {
            record_type,
            salt: if membership == Membership::Join { hash(list.path) } else { 0 },
        };
        let is_record = membership == Membership::Record;
        Some(EntityWriter {
            entities,
            positions: Arc::new(positions),
            start: self.start(),
            references: self.references(initial),
            path: place.path,
            parents: parents(template, list.values),
            shown: (!is_record).then_some(shown),
            hidden: Vec::new(),
        })
    }

    /// Whether all records that a path is below existed at a time. `values` are the ids in the path.
    pub(crate) fn had_parents(
        &self,
        template: &str,
        values: &[Cow<'_, str>],
        at: Timestamp,
        initial: impl Fn(&Endpoint) -> u64,
    ) -> bool {
        let template = unnamed(template);
        let ends = template.match_indices("/{}").map(|(end, _)| end);
        ends.zip(values).enumerate().all(|(number, (end, id))| {
            let Some(family) = Families::embedded().at(&template[..end]) else { return true };
            let entities = self.entities(&Place::new(family, &values[..number]), &initial);
            let identity = Identity::of(id).filter(|it| it.list() == entities.identity(0).list());
            identity.is_some_and(|it| entities.had(it.index(), at))
        })
    }
}

/// The positions of `count` existing records, in ascending order. They stay the same, as long as they exist.
fn chosen(entities: &Entities, salt: u64, count: usize) -> Vec<u64> {
    let rank = |index: u64| (mix(salt ^ mix(index)), index);
    let mut ranks: Vec<_> = entities.alive().iter().map(|&index| rank(index)).collect();
    if count < ranks.len() {
        ranks.select_nth_unstable(count);
        ranks.truncate(count);
    }
    let mut positions: Vec<_> = ranks.into_iter().map(|(_, index)| index).collect();
    positions.sort_unstable();
    positions
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn chosen_records_stay_until_they_are_deleted() {
        let mut entities = Entities::new(7, 100);
        let before = chosen(&entities, 3, 10);
        assert_eq!(before.len(), 10);
        assert_ne!(before, chosen(&entities, 4, 10));
        let now = Timestamp::of(0).after(Duration::from_secs(1));
        entities.delete(before[0], now);
        let after = chosen(&entities, 3, 10);
        assert_eq!(after.len(), 10);
        assert_eq!(before.iter().filter(|it| after.contains(it)).count(), 9);
        assert_eq!(chosen(&entities, 3, 200), **entities.alive());
    }
}
