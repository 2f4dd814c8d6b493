//! An org that changes over time: its records are created, changed and deleted, by its own timeline and by the
//! caller. Everything is a function of the seed, the time and the requests.

mod audit;
mod children;
mod entities;
mod events;
mod expansion;
mod family;
mod listing;
mod org;
mod record;
mod search;
mod selection;
mod serve;
mod settings;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

pub(crate) use self::children::ChildList;
pub(crate) use self::entities::{Action, Entities, Version};
pub(crate) use self::events::Stream;
pub(crate) use self::expansion::hidden;
use self::family::{Families, Family, Role, unnamed};
pub(crate) use self::listing::{EventQuery, RecordWriter};
pub(crate) use self::record::EntityWriter;
pub(crate) use self::selection::Selection;
pub use self::settings::OrgTimeline;
use crate::api::{Api, Endpoint};
use crate::clock::Clock;
use crate::record_types::RecordTypes;
use crate::rng::{hash, mix};
use crate::shape::{RecordList, References, Shape};
use crate::timestamp::Timestamp;

/// The changes of an org since the start of its timeline.
#[derive(Debug)]
pub(crate) struct History {
    settings: OrgTimeline,
    seed: u64,
    clock: Clock,
    /// By the path of the collection.
    collections: Mutex<HashMap<String, Collection>>,
    /// Computed when first needed, and again after the length of a list was set.
    references: Mutex<Option<Arc<References>>>,
    selected: Mutex<VecDeque<Selected>>,
}

/// How many selections are kept.
const KEPT_SELECTIONS: usize = 64;

/// The records that a selection has found, so that its next page does not search again.
#[derive(Debug)]
struct Selected {
    /// The list, by its index in the table of endpoints.
    list: usize,
    selection: Selection,
    /// The state of the records that were searched.
    version: Version,
    positions: Arc<Vec<u64>>,
}

/// The records of a family at one path.
#[derive(Debug, Clone)]
struct Collection {
    family: &'static Family,
    entities: Arc<Entities>,
    /// What happened to its records, oldest first.
    log: Vec<Change>,
}

/// One change of a record.
#[derive(Debug, Clone, Copy)]
struct Change {
    at: Timestamp,
    index: u64,
    action: Action,
}

/// A collection that a request is about.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    family: &'static Family,
    /// The path of the collection.
    pub(crate) path: String,
}

impl History {
    pub(crate) fn new(settings: OrgTimeline, seed: u64, clock: Clock) -> Self {
        let (collections, references) = (Mutex::default(), Mutex::default());
        Self { settings, seed, clock, collections, references, selected: Mutex::default() }
    }

    pub(crate) fn start(&self) -> Timestamp {
        self.settings.start()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The collection whose records an operation lists.
    pub(crate) fn listed(&self, endpoint: &Endpoint, values: &[Cow<'_, str>]) -> Option<Place> {
        match Families::embedded().role(endpoint.index)? {
            (family, Role::List) => Some(Place::new(family, values)),
            _ => None,
        }
    }

    /// The records of a collection as they are now. `initial` is their number at the start.
    pub(crate) fn entities(
        &self,
        place: &Place,
        initial: impl Fn(&Endpoint) -> u64,
    ) -> Arc<Entities> {
        self.with(place, initial, |collection| Arc::clone(&collection.entities))
    }

    /// Writes these records of a collection. `initial` is the number of records of a list at the start.
    pub(crate) fn writer(
        &self,
        place: &Place,
        entities: Arc<Entities>,
        values: &[Cow<'_, str>],
        initial: impl Fn(&Endpoint) -> u64,
    ) -> EntityWriter {
        let references = self.references(initial);
        let (path, parents) = (place.path.clone(), parents(place.family.path, values));
        let (positions, start) = (Arc::clone(entities.alive()), self.start());
        EntityWriter {
            entities,
            positions,
            start,
            references,
            path,
            parents,
            shown: None,
            hidden: Vec::new(),
        }
    }

    /// The positions of the selected records of a collection.
    pub(crate) fn select(
        &self,
        endpoint: &Endpoint,
        selection: &Selection,
        (shape, writer): (&Shape, &EntityWriter),
    ) -> Arc<Vec<u64>> {
        if selection.is_empty() {
            return Arc::clone(&writer.positions);
        }
        let version = writer.entities.version();
        let is_same = |it: &Selected| {
            (it.list, it.version) == (endpoint.index, version) && it.selection == *selection
        };
        let kept = || self.selected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept().iter().find(|it| is_same(it)) {
            return Arc::clone(&found.positions);
        }
        let positions = selection.apply(shape, writer);
        let (list, selection) = (endpoint.index, selection.clone());
        let found = Selected { list, selection, version, positions: Arc::clone(&positions) };
        let mut kept = kept();
        kept.truncate(KEPT_SELECTIONS - 1);
        kept.push_front(found);
        positions
    }

    /// The records that others refer to.
    pub(crate) fn references(&self, initial: impl Fn(&Endpoint) -> u64) -> Arc<References> {
        let mut references = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        let references = references.get_or_insert_with(|| {
            let types = RecordTypes::embedded().all().iter();
            let lists = types.map(|record_type| {
                let family = Families::embedded().at(record_type.path)?;
                let count = initial(Api::embedded().endpoint(family.list));
                let list = self.list(&Place::new(family, &[]));
                (count > 0).then_some(RecordList { list, count })
            });
            Arc::new(References(lists.collect()))
        });
        Arc::clone(references)
    }

    /// Forgets the records of the collections that an operation lists.
    pub(crate) fn forget(&self, endpoint: &Endpoint) {
        let Some((family, _)) = Families::embedded().role(endpoint.index) else { return };
        let template = unnamed(family.path);
        let mut collections = self.locked();
        collections.retain(|path, _| !is_at(path, &template));
        *self.references.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The users as they were at a time.
    pub(crate) fn users(&self, at: Timestamp, initial: impl Fn(&Endpoint) -> u64) -> Entities {
        match Families::embedded().at("/api/v2/users") {
            Some(family) => self.entities(&Place::new(family, &[]), initial).at(at),
            None => Entities::new(self.seed, 0),
        }
    }

    /// Makes the changes of all collections up to now.
    pub(crate) fn catch_up(&self, initial: impl Fn(&Endpoint) -> u64) {
        for family in Families::embedded().changing() {
            self.with(&Place::new(family, &[]), &initial, |_| ());
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, Collection>> {
        self.collections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The list of a collection, as encoded in the ids of its records.
    fn list(&self, place: &Place) -> u64 {
        let list = mix(self.seed ^ Api::embedded().endpoint(place.family.list).salt);
        match place.family.has_parent() {
            true => mix(list ^ hash(&place.path)),
            false => list,
        }
    }

    /// Reads or changes a collection, after the changes that its timeline makes up to now.
    fn with<T>(
        &self,
        place: &Place,
        initial: impl Fn(&Endpoint) -> u64,
        use_collection: impl FnOnce(&mut Collection) -> T,
    ) -> T {
        let mut collections = self.locked();
        let endpoint = Api::embedded().endpoint(place.family.list);
        let collection = collections.entry(place.path.clone()).or_insert_with(|| {
            let entities = Entities::new(self.list(place), initial(endpoint));
            Collection { family: place.family, entities: Arc::new(entities), log: Vec::new() }
        });
        if let Some(period) = self.settings.period().filter(|_| place.family.changes()) {
            let range = (self.start(), self.now());
            let Collection { entities, log, .. } = collection;
            if !entities.is_generated(range, period) {
                Arc::make_mut(entities).generate(range, period, record::update, |change| {
                    log.push(change);
                });
            }
        }
        use_collection(collection)
    }
}

impl Collection {
    fn create(&mut self, at: Timestamp, fields: Map<String, Value>) -> u64 {
        let index = Arc::make_mut(&mut self.entities).create(at, fields);
        self.log.push(Change { at, index, action: Action::Create });
        index
    }

    fn update(&mut self, index: u64, at: Timestamp, fields: Map<String, Value>) {
        Arc::make_mut(&mut self.entities).update(index, at, fields);
        self.log.push(Change { at, index, action: Action::Update });
    }

    fn delete(&mut self, index: u64, at: Timestamp) {
        Arc::make_mut(&mut self.entities).delete(index, at);
        self.log.push(Change { at, index, action: Action::Delete });
    }
}

impl Place {
    /// The collection of a family that belongs to the records with these ids.
    fn new(family: &'static Family, values: &[Cow<'_, str>]) -> Self {
        let mut values = values.iter();
        let segments = family.path.split('/').map(|segment| match segment.starts_with('{') {
            true => values.next().map_or("", |value| value.as_ref()),
            false => segment,
        });
        let path = segments.collect::<Vec<_>>().join("/");
        Self { family, path }
    }
}

/// The names of the parameters of a path, and their values.
fn parents(template: &str, values: &[Cow<'_, str>]) -> Vec<(String, String)> {
    let names = template.split('/').filter_map(|it| it.strip_prefix('{'));
    let names = names.map(|name| name.trim_end_matches('}').to_owned());
    names.zip(values.iter().map(|value| value.clone().into_owned())).collect()
}

/// Whether a path has the form of a template.
fn is_at(path: &str, template: &str) -> bool {
    let mut segments = path.split('/');
    let fits = template.split('/').all(|it| segments.next().is_some_and(|s| it == "{}" || it == s));
    fits && segments.next().is_none()
}
