use std::borrow::Cow;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use genesys_cloud_catalogue::Location;

use super::changes::ListChanges;
use super::{Job, ListRequest, Lists, Served, ServedPage, equal};
use crate::api::Endpoint;
use crate::cache::Cache;
use crate::history::{History, RecordWriter, Stream};
use crate::identity::Identity;
use crate::lies::Effect;
use crate::name::NameFilter;
use crate::paging::{
    Page, PageOffset, PageRequest, PageSelector, Position, Tokens, Window, WriteRecord, cap_refusal,
};
use crate::query::Query;
use crate::response::CannedResponse;
use crate::rng::mix;
use crate::scenario::{ActiveScenario, Scenario};
use crate::scheme::Scheme;
use crate::timeline::{Interval, Spread};

/// The records available to a request, before paging.
pub(super) struct Records {
    /// The positions that pass the filter, if any.
    filtered: Option<Arc<Vec<u64>>>,
    /// The position of the first one, without a filter.
    first: u64,
    total: u64,
    /// The changes of the list, and its original length.
    changes: Option<(ListChanges, u64)>,
    /// Writes the records, if they change over time.
    writer: Option<RecordWriter>,
}

impl Lists {
    /// Returns the requested page.
    pub(crate) fn serve(&self, list_request: ListRequest<'_>) -> Result<Served, CannedResponse> {
        let active = self.active_scenario(list_request.endpoint);
        let key = || Cache::key(list_request.request);
        let is_kept = active.is_none() && list_request.number.is_none() && self.history.is_none();
        if is_kept && let Some(body) = self.cache.get(key) {
            return Ok(Served { body, connection: None, page: None });
        }
        let selector = list_request.endpoint.scheme.map_or(PageSelector::Whole, PageSelector::of);
        let page_request =
            PageRequest::of(selector, list_request.endpoint.operation, list_request.request)?;
        let timeline = self.timeline(list_request.endpoint);
        let count = self.total(list_request.endpoint, active.as_deref());
        let times = timeline.as_deref().map(|timeline| Spread { timeline, count });
        let page = self.page(&list_request, selector, &page_request, (active.as_deref(), times))?;
        let list = self.list(list_request.endpoint);
        let body = Bytes::from(list_request.listing.write(list, &list_request.request.path, &page));
        let fault =
            |active: &ActiveScenario| active.connection_fault(selector, page.offset.ordinal);
        let connection = active.as_deref().and_then(fault);
        if is_kept {
            self.cache.put(key, &body);
        }
        let links = page.next.is_some() || page.number() < page.count;
        // Lies are about lists that do not change.
        let records = if page.entities.is_none() { page.indexes } else { Vec::new() };
        let page = ServedPage { ordinal: page.offset.ordinal, links, records };
        Ok(Served { body, connection, page: Some(page) })
    }

    fn page<'a>(
        &'a self,
        list_request: &ListRequest<'a>,
        selector: PageSelector,
        page_request: &'a PageRequest,
        (active, times): (Option<&ActiveScenario>, Option<Spread<'a>>),
    ) -> Result<Page<'a>, CannedResponse> {
        let scenario = active.map(|active| active.scenario);
        let job = self.job(list_request.path_values);
        let job = job.as_ref();
        let records = self.records(list_request, (active, times), job)?;
        let tokens = self.tokens(list_request.endpoint, page_request, scenario);
        list_request.endpoint.check_page_size(page_request.size)?;
        let size = self.page_size(list_request.endpoint, page_request, active, job);
        let selected = job
            .filter(|_| selector == PageSelector::Whole)
            .and_then(|job| Some((job.number?, job.size?)));
        let (selector, offset, size) = match selected {
            // The results of this job are the page that it was submitted for.
            Some((number, size)) => (
                PageSelector::Number,
                PageOffset { ordinal: number.saturating_sub(1), start: 0 },
                size,
            ),
            None if selector == PageSelector::Whole => {
                (selector, PageOffset::FIRST, records.total.max(1))
            }
            None => {
                let (offset, size) =
                    self.offset(list_request, page_request, tokens, size, records.total)?;
                let offset = match records.follows(selector) {
                    Some(positions) => PageOffset {
                        start: positions.partition_point(|&index| index < offset.start) as u64,
                        ..offset
                    },
                    None => offset,
                };
                (selector, offset, size)
            }
        };
        let effect = self.lies.list_effect(list_request.endpoint.index, offset.ordinal);
        let size = match effect {
            Some(Effect::PageSize { times, part }) => (size * times / part).max(1),
            _ => size,
        };
        check_cap(list_request, selector, offset, size)?;
        if self.history.is_some()
            && let Some(stream) = Stream::of(&list_request.endpoint.operation.id)
        {
            let end = (offset.ordinal + 1).saturating_mul(size);
            History::check_events_page(stream, records.total, end)?;
        }
        if let Some(times) = times {
            let end = (offset.ordinal + 1).saturating_mul(size);
            let by_number = matches!(selector, PageSelector::Number | PageSelector::Paging);
            times.timeline.check_cap(records.total, by_number.then_some(end))?;
        }

        // Where pages follow records, changes before them move nothing.
        let change = scenario.filter(|_| offset.ordinal > 0);
        let moving = change.filter(|_| !selector.follows_records());
        let total = change.map_or(records.total, |scenario| scenario.moved(records.total));
        let within = if moving.is_some() { total } else { records.total };
        let window = Window::of(selector, offset, size, within, scenario);
        let next = window.next.map(|next| match records.follows(selector) {
            // After the last record of this page, wherever it is by then.
            Some(positions) => PageOffset {
                start: (next.start as usize)
                    .checked_sub(1)
                    .and_then(|last| positions.get(last))
                    .map_or(0, |last| last + 1),
                ..next
            },
            None => next,
        });
        let start = window.offset.start.min(within);
        let positions = start..start.saturating_add(window.take).min(within);
        Ok(Page {
            selector,
            offset: window.offset,
            size,
            total,
            count: window.count,
            indexes: positions
                .map(|position| match effect {
                    Some(Effect::EqualPages) => equal(position, size),
                    _ => position,
                })
                .map(|position| records.index(position, moving))
                .collect(),
            next,
            scenario,
            times,
            entities: records.writer.map(|writer| Box::new(writer) as Box<dyn WriteRecord>),
            tokens,
            page_request,
            path: &list_request.request.path,
            query: Query::new(&list_request.request.query),
            base: self.base.get().map_or("", String::as_str),
        })
    }

    /// Returns where the requested page begins, and its maximum size.
    fn offset(
        &self,
        list_request: &ListRequest<'_>,
        page_request: &PageRequest,
        tokens: Tokens,
        size: u64,
        total: u64,
    ) -> Result<(PageOffset, u64), CannedResponse> {
        let offset = match &page_request.position {
            Position::Number(number) => PageOffset {
                ordinal: list_request.number.unwrap_or(*number).saturating_sub(1),
                start: 0,
            },
            Position::Token(None) | Position::After(None) => PageOffset::FIRST,
            Position::Token(Some(token)) => {
                tokens.read(token).ok_or_else(CannedResponse::bad_token)?
            }
            Position::Index(start) => at(*start, size),
            Position::After(Some(id)) => match self.index(list_request.endpoint, id) {
                Some(index) => {
                    let effect = self.lies.list_effect(list_request.endpoint.index, 0);
                    let is_inclusive = matches!(effect, Some(Effect::Inclusive));
                    at(index.saturating_add(u64::from(!is_inclusive)), size)
                }
                None => PageOffset::FIRST,
            },
            Position::Before(id) => {
                let end = self.index(list_request.endpoint, id).unwrap_or(0).min(total);
                let start = end.saturating_sub(size);
                return Ok((at(start, size), end - start));
            }
        };
        Ok((offset, size))
    }

    fn page_size(
        &self,
        endpoint: &Endpoint,
        page_request: &PageRequest,
        active: Option<&ActiveScenario>,
        job: Option<&Job>,
    ) -> u64 {
        let (default, largest) = endpoint.page_sizes();
        let default = job.and_then(|job| job.size).unwrap_or(default);
        let default = active.map_or(default, |active| active.page_size);
        let largest = active.and_then(ActiveScenario::page_size_limit).unwrap_or(largest);
        // A SCIM client may request zero records, for the count alone.
        let least = u64::from(endpoint.scheme != Some(Scheme::ScimStartIndex));
        page_request.size.unwrap_or(default).clamp(least, largest)
    }

    fn tokens(
        &self,
        endpoint: &Endpoint,
        page_request: &PageRequest,
        scenario: Option<Scenario>,
    ) -> Tokens {
        let epoch = self.epoch.load(Ordering::Relaxed);
        let key = self.list(endpoint) ^ mix(page_request.binding) ^ mix(!epoch);
        Tokens::new(key, scenario == Some(Scenario::EncodedUri))
    }

    fn records(
        &self,
        list_request: &ListRequest<'_>,
        (active, times): (Option<&ActiveScenario>, Option<Spread<'_>>),
        job: Option<&Job>,
    ) -> Result<Records, CannedResponse> {
        if active.is_none()
            && let Some(records) = self.changing(list_request, job)
        {
            return records;
        }
        // A scenario always covers the whole list.
        if let Some(times) = times.filter(|_| active.is_none()) {
            let interval = match job {
                Some(job) => job.interval,
                None => Interval::of(list_request.request)?,
            };
            times.timeline.check(interval)?;
            let within = times.within(interval);
            let total = within.end - within.start;
            return Ok(Records {
                filtered: None,
                first: within.start,
                total,
                changes: None,
                writer: None,
            });
        }
        let filtered = self.filtered(list_request, active).map(Arc::new);
        let count = match &filtered {
            Some(indexes) => indexes.len() as u64,
            None => self.total(list_request.endpoint, active),
        };
        let changes = self.changes_of(list_request.endpoint).filter(|_| filtered.is_none());
        let total = changes.as_ref().map_or(count, |changes| changes.total(count));
        let changes = changes.map(|changes| (changes, count));
        Ok(Records { filtered, first: 0, total, changes, writer: None })
    }

    /// The positions of the records that match the filter by name, if there is one.
    fn filtered(
        &self,
        list_request: &ListRequest<'_>,
        active: Option<&ActiveScenario>,
    ) -> Option<Vec<u64>> {
        let operation = list_request.endpoint.operation;
        let mut parameters = operation.parameters_in(Location::Query);
        parameters.find(|parameter| parameter.name == "name").filter(|_| active.is_none())?;
        let name = Query::new(&list_request.request.query).get("name")?;
        list_request
            .listing
            .filter(self.total(list_request.endpoint, None), &NameFilter::new(&name))
    }

    /// The position of the record with this id.
    fn index(&self, endpoint: &Endpoint, id: &str) -> Option<u64> {
        let list = Identity::new(self.list(endpoint), 0).list();
        Identity::of(id).filter(|record| record.list() == list).map(Identity::index)
    }

    fn job(&self, path_values: &[Cow<'_, str>]) -> Option<Job> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        path_values.iter().find_map(|value| jobs.get(value.as_ref()).cloned())
    }
}

impl Records {
    /// Records that a writer writes.
    pub(super) fn written(positions: Arc<Vec<u64>>, writer: RecordWriter) -> Self {
        let total = positions.len() as u64;
        let (filtered, writer) = (Some(positions), Some(writer));
        Self { filtered, first: 0, total, changes: None, writer }
    }

    /// The positions of the records, if pages begin after records that may move.
    fn follows(&self, selector: PageSelector) -> Option<&[u64]> {
        let positions = self.filtered.as_ref().map(|it| it.as_slice());
        let positions = positions.filter(|it| it.is_sorted());
        let moves = self.writer.as_ref().is_some_and(RecordWriter::moves);
        positions.filter(|_| moves && selector.follows_records())
    }

    /// Maps a current position to a position in the original list.
    fn index(&self, position: u64, moving: Option<Scenario>) -> u64 {
        match (&self.filtered, moving) {
            (Some(indexes), _) => indexes.get(position as usize).copied().unwrap_or_default(),
            (None, Some(scenario)) => scenario.moved_index(position, self.total),
            (None, None) => match &self.changes {
                Some((changes, count)) => changes.index(position, *count),
                None => self.first + position,
            },
        }
    }
}

fn check_cap(
    list_request: &ListRequest<'_>,
    selector: PageSelector,
    offset: PageOffset,
    size: u64,
) -> Result<(), CannedResponse> {
    if !matches!(selector, PageSelector::Number | PageSelector::Paging) {
        return Ok(());
    }
    let operation = list_request.endpoint.operation;
    let query = Query::new(&list_request.request.query);
    let number = offset.ordinal + 1;
    cap_refusal(&operation.method, &operation.path, query, number, size).map_or(Ok(()), Err)
}

/// The offset of a page that begins at a record. Only the second page has to be recognized.
fn at(start: u64, size: u64) -> PageOffset {
    let ordinal = match start {
        0 => 0,
        start if start <= size => 1,
        _ => 2,
    };
    PageOffset { ordinal, start }
}
