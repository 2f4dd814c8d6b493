mod changes;
mod history;
mod serve;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use bytes::Bytes;
use serde_json::Value;

use self::changes::ListChanges;
use crate::api::{Endpoint, SuccessBody};
use crate::cache::Cache;
use crate::connection::ConnectionFault;
use crate::error::Error;
use crate::expected::Expected;
use crate::history::{History, Stream};
use crate::journal::RecordedRequest;
use crate::lies::{Effect, Lies, ListLie, NULL_INDEX};
use crate::listing::Listing;
use crate::paging::{PageRequest, PageSelector, Position};
use crate::response::CannedResponse;
use crate::rng::mix;
use crate::scenario::{ActiveScenario, Scenario, Traits};
use crate::scheme::Scheme;
use crate::timeline::{Interval, Spread, Timeline};
use crate::timestamp::Timestamp;

/// The length of a list that is not paged, by default.
const SHORT_LIST: u64 = 3;

/// The lists of an org: their lengths, scenarios and pages.
#[derive(Debug)]
pub(crate) struct Lists {
    seed: u64,
    default_count: u64,
    /// By operationId.
    sizes: RwLock<HashMap<&'static str, u64>>,
    /// The operationIds of lists that a test gave a size or a scenario.
    set_up: RwLock<HashSet<&'static str>>,
    /// By operationId.
    active_scenarios: RwLock<HashMap<&'static str, Arc<ActiveScenario>>>,
    /// By operationId.
    changes: RwLock<HashMap<&'static str, ListChanges>>,
    /// By the operationId of the list.
    timelines: RwLock<HashMap<&'static str, Arc<Timeline>>>,
    /// The submitted jobs, by id.
    jobs: Mutex<HashMap<String, Job>>,
    /// How often all page tokens have expired.
    epoch: AtomicU64,
    base: OnceLock<String>,
    cache: Cache,
    lies: Arc<Lies>,
    history: Option<Arc<History>>,
}

/// How a job affects the pages of its results.
#[derive(Debug, Clone)]
struct Job {
    /// The only page available, if the job selects one.
    number: Option<u64>,
    size: Option<u64>,
    /// The interval of the records, if the job has one.
    interval: Option<Interval>,
    /// The body of its submit, and the time, if the org changes over time.
    submitted: Option<(Arc<Value>, Timestamp)>,
}

/// A request for a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListRequest<'a> {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) listing: &'static Listing,
    pub(crate) path_values: &'a [Cow<'a, str>],
    pub(crate) request: &'a RecordedRequest,
    /// The page to return instead of the requested one.
    pub(crate) number: Option<u64>,
}

/// A page as sent over the wire, and what happens to its connection.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) body: Bytes,
    pub(crate) connection: Option<ConnectionFault>,
    /// The page, unless it came from the cache.
    pub(crate) page: Option<ServedPage>,
}

/// Describes a page.
#[derive(Debug)]
pub(crate) struct ServedPage {
    pub(crate) ordinal: u64,
    /// Whether another page follows.
    pub(crate) links: bool,
    /// The positions of its records in the list.
    pub(crate) records: Vec<u64>,
}

impl Lists {
    pub(crate) fn new(
        seed: u64,
        default_count: u64,
        cache: Cache,
        lies: Arc<Lies>,
        history: Option<Arc<History>>,
    ) -> Self {
        Self {
            seed,
            default_count,
            sizes: RwLock::default(),
            set_up: RwLock::default(),
            active_scenarios: RwLock::default(),
            changes: RwLock::default(),
            timelines: RwLock::default(),
            jobs: Mutex::default(),
            epoch: AtomicU64::new(0),
            base: OnceLock::new(),
            cache,
            lies,
            history,
        }
    }

    pub(crate) fn history(&self) -> Option<&Arc<History>> {
        self.history.as_ref()
    }

    /// The number of records of a list at the start of the timeline of the org.
    pub(crate) fn initial(&self, endpoint: &Endpoint) -> u64 {
        self.total(endpoint, None)
    }

    /// The number of records of a list, if it was set.
    pub(crate) fn length(&self, endpoint: &Endpoint) -> Option<u64> {
        let sizes = self.sizes.read().unwrap_or_else(PoisonError::into_inner);
        sizes.get(endpoint.operation.id.as_str()).copied()
    }

    /// Sets the address of the org, once it is known.
    pub(crate) fn set_base(&self, base: String) {
        let _ = self.base.set(base);
    }

    pub(crate) fn set_size(&self, endpoint: &'static Endpoint, size: u64) -> Result<(), Error> {
        self.set_size_for_job(endpoint, size)?;
        self.set_up(endpoint);
        Ok(())
    }

    /// Sets how many results a job has.
    pub(crate) fn set_size_for_job(
        &self,
        endpoint: &'static Endpoint,
        size: u64,
    ) -> Result<(), Error> {
        listing(endpoint)?;
        let id = endpoint.operation.id.as_str();
        self.active_scenarios.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.changes.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.sizes.write().unwrap_or_else(PoisonError::into_inner).insert(id, size);
        if let Some(history) = &self.history {
            history.forget(endpoint);
        }
        self.cache.clear();
        Ok(())
    }

    pub(crate) fn set_scenario(
        &self,
        endpoint: &'static Endpoint,
        scenario: Scenario,
        page_size: u64,
    ) -> Result<(), Error> {
        if !scenario.applies(&traits(endpoint, listing(endpoint)?)) {
            return Err(Error::other_scenario(&endpoint.operation.id, scenario));
        }
        let active = Arc::new(ActiveScenario::new(scenario, page_size));
        let mut active_scenarios =
            self.active_scenarios.write().unwrap_or_else(PoisonError::into_inner);
        active_scenarios.insert(&endpoint.operation.id, active);
        let id = endpoint.operation.id.as_str();
        self.changes.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.cache.clear();
        self.set_up(endpoint);
        Ok(())
    }

    /// Prepares a list for a lie.
    pub(crate) fn prepare_for_lie(
        &self,
        endpoint: &'static Endpoint,
        list: ListLie,
    ) -> Result<(), Error> {
        let scenario = self.scenario_for(endpoint, list)?;
        let page_size = endpoint.nearest_page_size(Scenario::PAGE_SIZE);
        self.set_scenario(endpoint, scenario, page_size)?;
        if let Some(halves) = list.halves {
            let active = ActiveScenario::new(scenario, page_size).of_halves(halves);
            let mut active_scenarios =
                self.active_scenarios.write().unwrap_or_else(PoisonError::into_inner);
            active_scenarios.insert(&endpoint.operation.id, Arc::new(active));
        }
        Ok(())
    }

    /// Whether a list supports the scenario that a lie needs.
    pub(crate) fn supports_lie(&self, endpoint: &'static Endpoint, list: ListLie) -> bool {
        self.scenario_for(endpoint, list).is_ok()
    }

    fn scenario_for(&self, endpoint: &'static Endpoint, list: ListLie) -> Result<Scenario, Error> {
        let can = self.scenarios(endpoint)?;
        let one = (list.scenario == Scenario::ManyPages).then_some(Scenario::OnePage);
        let mut wanted = [Some(list.scenario), one].into_iter().flatten();
        let error = || Error::other_scenario(&endpoint.operation.id, list.scenario);
        wanted.find(|scenario| can.contains(scenario)).ok_or_else(error)
    }

    /// Returns the records that no usable response has contained.
    pub(crate) fn unsent(&self, endpoint: &'static Endpoint) -> Result<Vec<String>, Error> {
        let listing = listing(endpoint)?;
        let list = self.list(endpoint);
        let total = self.total(endpoint, self.active_scenario(endpoint).as_deref());
        let timeline = self.timeline(endpoint);
        let times = timeline.as_deref().map(|timeline| Spread { timeline, count: total });
        let changes = self.changes_of(endpoint);
        let left = changes.as_ref().map_or(total, |changes| changes.total(total));
        let positions = self.positions(endpoint, (0..left).collect());
        let positions =
            positions.into_iter().map(|it| changes.as_ref().map_or(it, |m| m.index(it, total)));
        let unsent = positions.filter(|position| !self.lies.has_sent(endpoint.index, *position));
        Ok(unsent.map(|position| listing.key(list, position, times)).collect())
    }

    /// Maps positions in the list to those that a client can read under the active lie.
    fn positions(&self, endpoint: &Endpoint, positions: Vec<u64>) -> Vec<u64> {
        let effect = self.lies.active_lie(endpoint.index).map(|lie| &lie.row().effect);
        let size = self.active_scenario(endpoint).map_or(u64::MAX, |active| active.page_size);
        let positions = positions.into_iter();
        match effect {
            Some(Effect::NullItem) => positions.filter(|it| it % size != NULL_INDEX).collect(),
            Some(Effect::EqualPages) => positions.map(|it| equal(it, size)).collect(),
            _ => positions.collect(),
        }
    }

    /// Records that a test has set up a list.
    pub(crate) fn set_up(&self, endpoint: &'static Endpoint) {
        let mut set_up = self.set_up.write().unwrap_or_else(PoisonError::into_inner);
        set_up.insert(&endpoint.operation.id);
    }

    /// Whether a test has set the length or scenario of a list, other than through a job.
    pub(crate) fn is_set_up(&self, endpoint: &Endpoint) -> bool {
        let set_up = self.set_up.read().unwrap_or_else(PoisonError::into_inner);
        set_up.contains(endpoint.operation.id.as_str())
    }

    /// Sets or clears the scenario of the results of a job.
    pub(crate) fn set_job_scenario(&self, endpoint: &'static Endpoint, scenario: Option<Scenario>) {
        let mut active_scenarios =
            self.active_scenarios.write().unwrap_or_else(PoisonError::into_inner);
        let id = endpoint.operation.id.as_str();
        match scenario {
            Some(scenario) => {
                let active = Arc::new(ActiveScenario::new(scenario, Scenario::PAGE_SIZE));
                active_scenarios.insert(id, active);
            }
            None => {
                active_scenarios.remove(id);
            }
        }
        self.cache.clear();
    }

    pub(crate) fn scenarios(&self, endpoint: &'static Endpoint) -> Result<Vec<Scenario>, Error> {
        let traits = traits(endpoint, listing(endpoint)?);
        Ok(Scenario::ALL.into_iter().filter(|scenario| scenario.applies(&traits)).collect())
    }

    pub(crate) fn forget_scenarios(&self) {
        self.active_scenarios.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.changes.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.cache.clear();
    }

    pub(crate) fn expire_tokens(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
        self.cache.clear();
    }

    /// Stores the parameters of a job until its results are requested.
    pub(crate) fn submit(
        &self,
        endpoint: &'static Endpoint,
        listed_by: Option<&'static Endpoint>,
        request: &RecordedRequest,
        job_id: String,
        available_until: Option<Timestamp>,
    ) -> Result<(), CannedResponse> {
        let mut job = Job { number: None, size: None, interval: None, submitted: None };
        let stream = listed_by.and_then(|listed_by| Stream::of(&listed_by.operation.id));
        if let Some((history, stream)) = self.history.as_ref().zip(stream) {
            let now = history.now();
            let interval = Interval::of(request)?;
            history.check_interval(stream, interval, now)?;
            let until = available_until.filter(|_| stream.is_delayed());
            job.interval = interval.map(|it| until.map_or(it, |until| it.up_to(until)));
            let body = serde_json::from_slice(&request.body).unwrap_or_default();
            job.submitted = Some((Arc::new(body), now));
        }
        if let Some(timeline) = listed_by.and_then(|listed_by| self.timeline(listed_by)) {
            job.interval = Interval::of(request)?;
            timeline.check(job.interval)?;
            if let Some(until) = available_until {
                job.interval = job.interval.map(|interval| interval.up_to(until));
            }
        }
        if let Some(Scheme::JobSelectsPage | Scheme::JobSetsPageSize) = endpoint.scheme {
            let selects = endpoint.scheme == Some(Scheme::JobSelectsPage);
            let page_request = PageRequest::of(PageSelector::Number, endpoint.operation, request)?;
            endpoint.check_page_size(page_request.size)?;
            let (default, largest) = endpoint.page_sizes();
            job.size = Some(page_request.size.unwrap_or(default).clamp(1, largest));
            job.number = match page_request.position {
                Position::Number(number) if selects => Some(number),
                _ => None,
            };
        }
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.insert(job_id, job);
        Ok(())
    }

    pub(crate) fn set_timeline(&self, endpoint: &'static Endpoint, timeline: Timeline) {
        let mut timelines = self.timelines.write().unwrap_or_else(PoisonError::into_inner);
        timelines.insert(&endpoint.operation.id, Arc::new(timeline));
        self.cache.clear();
    }

    fn timeline(&self, endpoint: &Endpoint) -> Option<Arc<Timeline>> {
        let timelines = self.timelines.read().unwrap_or_else(PoisonError::into_inner);
        timelines.get(endpoint.operation.id.as_str()).cloned()
    }

    /// Returns the keys of the records in an interval.
    pub(crate) fn keys_within(
        &self,
        endpoint: &'static Endpoint,
        interval: Interval,
    ) -> Result<Vec<String>, Error> {
        let (listing, list) = (listing(endpoint)?, self.list(endpoint));
        let timeline = self.timeline(endpoint);
        let timeline = timeline.ok_or_else(|| Error::timeline(&endpoint.operation.id))?;
        let count = self.total(endpoint, self.active_scenario(endpoint).as_deref());
        let times = Spread { timeline: &timeline, count };
        let key = |index| listing.key(list, index, Some(times));
        Ok(times.within(Some(interval)).map(key).collect())
    }

    pub(crate) fn expected(&self, endpoint: &'static Endpoint) -> Result<Expected, Error> {
        let key = |listing: &Listing, (list, index), times: Option<Spread<'_>>| {
            listing.key(list, index, times)
        };
        self.expected_by(endpoint, key)
    }

    /// The records of [`Lists::expected`] at a path, as JSON.
    pub(crate) fn expected_records(
        &self,
        endpoint: &'static Endpoint,
        path: &str,
    ) -> Result<Vec<String>, Error> {
        let record = |listing: &Listing, place, times: Option<Spread<'_>>| {
            String::from_utf8(listing.record(place, path, times)).unwrap_or_default()
        };
        Ok(self.expected_by(endpoint, record)?.records)
    }

    /// What a client must read, with each record in the form that a function returns for its list and position.
    fn expected_by(
        &self,
        endpoint: &'static Endpoint,
        form: impl Fn(&Listing, (u64, u64), Option<Spread<'_>>) -> String,
    ) -> Result<Expected, Error> {
        let listing = listing(endpoint)?;
        let list = self.list(endpoint);
        let active = self.active_scenario(endpoint);
        let total = self.total(endpoint, active.as_deref());
        let timeline = self.timeline(endpoint);
        let times = timeline.as_deref().map(|timeline| Spread { timeline, count: total });
        let changes = self.changes_of(endpoint);
        let index =
            |position| changes.as_ref().map_or(position, |changes| changes.index(position, total));
        let keys = |positions: Vec<u64>| {
            let indexes = self.positions(endpoint, positions).into_iter().map(index);
            indexes.map(|index| form(listing, (list, index), times)).collect()
        };
        let page_size = match &active {
            Some(active) => active.page_size,
            None => endpoint.page_sizes().0,
        };
        let selector = endpoint.scheme.map_or(PageSelector::Whole, PageSelector::of);
        let scenario = active.map(|active| active.scenario);
        let total = changes.as_ref().map_or(total, |changes| changes.total(total));
        Ok(Expected::of((selector, listing.has_id()), scenario, total, page_size, keys))
    }

    fn total(&self, endpoint: &Endpoint, active: Option<&ActiveScenario>) -> u64 {
        if let Some(active) = active {
            return active.records;
        }
        let is_paged = endpoint.scheme.is_some_and(Scheme::is_paged);
        let default = if is_paged { self.default_count } else { SHORT_LIST };
        let sizes = self.sizes.read().unwrap_or_else(PoisonError::into_inner);
        sizes.get(endpoint.operation.id.as_str()).copied().unwrap_or(default)
    }

    /// Distinguishes the ids of one operation's records, in one org, from all others.
    pub(crate) fn list(&self, endpoint: &Endpoint) -> u64 {
        mix(self.seed ^ endpoint.salt)
    }

    fn active_scenario(&self, endpoint: &Endpoint) -> Option<Arc<ActiveScenario>> {
        let active_scenarios = self.active_scenarios.read().unwrap_or_else(PoisonError::into_inner);
        active_scenarios.get(endpoint.operation.id.as_str()).cloned()
    }
}

/// Maps a position where the second page equals the first.
fn equal(position: u64, size: u64) -> u64 {
    if (size..2 * size).contains(&position) { position - size } else { position }
}

fn listing(endpoint: &'static Endpoint) -> Result<&'static Listing, Error> {
    match &endpoint.success_response().body {
        SuccessBody::Listing(listing) => Ok(listing),
        _ => Err(Error::not_a_list(&endpoint.operation.id)),
    }
}

fn traits<'a>(endpoint: &Endpoint, listing: &'a Listing) -> Traits<'a> {
    let number = endpoint.operation.parameter("pageNumber");
    Traits {
        selector: endpoint.scheme.map_or(PageSelector::Whole, PageSelector::of),
        listing,
        takes_size: PageRequest::takes_size(endpoint.operation)
            || endpoint.scheme == Some(Scheme::Q64Search),
        number_in_query: number.is_some(),
    }
}
