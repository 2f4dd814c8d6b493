use std::borrow::Cow;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use genesys_cloud_catalogue::Location;

use super::moves::Moves;
use super::{Asked, Job, Lists, Served, ServedPage, equal};
use crate::api::Endpoint;
use crate::cache::Cache;
use crate::identity::Identity;
use crate::lies::Deed;
use crate::name::NameFilter;
use crate::paging::{Ask, Page, PageRequest, Place, Position, Tokens, Window, cap_refusal};
use crate::query::Query;
use crate::reply::CannedReply;
use crate::rng::mix;
use crate::scenario::{Scenario, Stage};
use crate::scheme::Scheme;
use crate::timeline::{Interval, Spread};

/// The records available to a request, before paging.
struct Records {
    /// The positions that pass the filter, if any.
    filtered: Option<Vec<u64>>,
    /// The position of the first one, if there is no filter.
    first: u64,
    total: u64,
    /// The changes of the list, and its original length.
    moves: Option<(Moves, u64)>,
}

impl Lists {
    /// Returns the requested page.
    pub(crate) fn serve(&self, asked: Asked<'_>) -> Result<Served, CannedReply> {
        let stage = self.stage_of(asked.endpoint);
        let key = || Cache::key(asked.request);
        let is_kept = stage.is_none() && asked.number.is_none();
        if is_kept && let Some(body) = self.cache.get(key) {
            return Ok(Served { body, connection: None, page: None });
        }
        let ask = asked.endpoint.scheme.map_or(Ask::Whole, Ask::of);
        let page_request = PageRequest::of(ask, asked.endpoint.operation, asked.request)?;
        let timeline = self.timeline(asked.endpoint);
        let count = self.total(asked.endpoint, stage.as_deref());
        let times = timeline.as_deref().map(|timeline| Spread { timeline, count });
        let page = self.page(&asked, ask, &page_request, (stage.as_deref(), times))?;
        let list = self.list(asked.endpoint);
        let body = Bytes::from(asked.listing.write(list, &asked.request.path, &page));
        let fault = |stage: &Stage| stage.connection_fault(ask, page.place.ordinal);
        let connection = stage.as_deref().and_then(fault);
        if is_kept {
            self.cache.put(key, &body);
        }
        let links = page.next.is_some() || page.number() < page.count;
        let page = ServedPage { ordinal: page.place.ordinal, links, records: page.indexes };
        Ok(Served { body, connection, page: Some(page) })
    }

    fn page<'a>(
        &'a self,
        asked: &Asked<'a>,
        ask: Ask,
        page_request: &'a PageRequest,
        (stage, times): (Option<&Stage>, Option<Spread<'a>>),
    ) -> Result<Page<'a>, CannedReply> {
        let scenario = stage.map(|stage| stage.scenario);
        let job = self.job(asked.path_values);
        let records = self.records(asked, (stage, times), job)?;
        let tokens = self.tokens(asked.endpoint, page_request, scenario);
        asked.endpoint.check_page_size(page_request.size)?;
        let size = self.page_size(asked.endpoint, page_request, stage, job);
        let selected =
            job.filter(|_| ask == Ask::Whole).and_then(|job| Some((job.number?, job.size?)));
        let (ask, place, size) = match selected {
            // The results of this job are the page that it was submitted for.
            Some((number, size)) => {
                (Ask::Number, Place { ordinal: number.saturating_sub(1), start: 0 }, size)
            }
            None if ask == Ask::Whole => (ask, Place::FIRST, records.total.max(1)),
            None => {
                let (place, size) = self.place(asked, page_request, tokens, size, records.total)?;
                (ask, place, size)
            }
        };
        let deed = self.lies.of_list(asked.endpoint.place, place.ordinal);
        let size = match deed {
            Some(Deed::PageSize { times, part }) => (size * times / part).max(1),
            _ => size,
        };
        check_cap(asked, ask, place, size)?;
        if let Some(times) = times {
            let end = (place.ordinal + 1).saturating_mul(size);
            let by_number = matches!(ask, Ask::Number | Ask::Paging);
            times.timeline.check_cap(records.total, by_number.then_some(end))?;
        }

        // Where pages follow records, changes before them move nothing.
        let change = scenario.filter(|_| place.ordinal > 0);
        let moves = change.filter(|_| !ask.follows_records());
        let total = change.map_or(records.total, |scenario| scenario.moved(records.total));
        let within = if moves.is_some() { total } else { records.total };
        let window = Window::of(ask, place, size, within, scenario);
        let start = window.place.start.min(within);
        let positions = start..start.saturating_add(window.take).min(within);
        Ok(Page {
            ask,
            place: window.place,
            size,
            total,
            count: window.count,
            indexes: positions
                .map(|position| match deed {
                    Some(Deed::EqualPages) => equal(position, size),
                    _ => position,
                })
                .map(|position| records.index(position, moves))
                .collect(),
            next: window.next,
            scenario,
            times,
            tokens,
            page_request,
            path: &asked.request.path,
            query: Query::new(&asked.request.query),
            base: self.base.get().map_or("", String::as_str),
        })
    }

    /// Returns where the requested page begins, and its maximum size.
    fn place(
        &self,
        asked: &Asked<'_>,
        page_request: &PageRequest,
        tokens: Tokens,
        size: u64,
        total: u64,
    ) -> Result<(Place, u64), CannedReply> {
        let place = match &page_request.position {
            Position::Number(number) => {
                Place { ordinal: asked.number.unwrap_or(*number).saturating_sub(1), start: 0 }
            }
            Position::Token(None) | Position::After(None) => Place::FIRST,
            Position::Token(Some(token)) => {
                tokens.read(token).ok_or_else(CannedReply::bad_token)?
            }
            Position::Index(start) => at(*start, size),
            Position::After(Some(id)) => match self.index(asked.endpoint, id) {
                Some(index) => {
                    let deed = self.lies.of_list(asked.endpoint.place, 0);
                    let is_inclusive = matches!(deed, Some(Deed::Inclusive));
                    at(index.saturating_add(u64::from(!is_inclusive)), size)
                }
                None => Place::FIRST,
            },
            Position::Before(id) => {
                let end = self.index(asked.endpoint, id).unwrap_or(0).min(total);
                let start = end.saturating_sub(size);
                return Ok((at(start, size), end - start));
            }
        };
        Ok((place, size))
    }

    fn page_size(
        &self,
        endpoint: &Endpoint,
        page_request: &PageRequest,
        stage: Option<&Stage>,
        job: Option<Job>,
    ) -> u64 {
        let (default, largest) = endpoint.page_sizes();
        let default = job.and_then(|job| job.size).unwrap_or(default);
        let default = stage.map_or(default, |stage| stage.page_size);
        let largest = stage.and_then(Stage::page_size_limit).unwrap_or(largest);
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
        asked: &Asked<'_>,
        (stage, times): (Option<&Stage>, Option<Spread<'_>>),
        job: Option<Job>,
    ) -> Result<Records, CannedReply> {
        // A scenario always covers the whole list.
        if let Some(times) = times.filter(|_| stage.is_none()) {
            let interval = match job {
                Some(job) => job.interval,
                None => Interval::of(asked.request)?,
            };
            times.timeline.check(interval)?;
            let within = times.within(interval);
            let total = within.end - within.start;
            return Ok(Records { filtered: None, first: within.start, total, moves: None });
        }
        let filtered = self.filtered(asked, stage);
        let count = match &filtered {
            Some(indexes) => indexes.len() as u64,
            None => self.total(asked.endpoint, stage),
        };
        let moves = self.moves_of(asked.endpoint).filter(|_| filtered.is_none());
        let total = moves.as_ref().map_or(count, |moves| moves.total(count));
        Ok(Records { filtered, first: 0, total, moves: moves.map(|moves| (moves, count)) })
    }

    /// The positions of the records that match the filter by name, if there is one.
    fn filtered(&self, asked: &Asked<'_>, stage: Option<&Stage>) -> Option<Vec<u64>> {
        let operation = asked.endpoint.operation;
        let mut parameters = operation.parameters_in(Location::Query);
        parameters.find(|parameter| parameter.name == "name").filter(|_| stage.is_none())?;
        let name = Query::new(&asked.request.query).get("name")?;
        asked.listing.filter(self.total(asked.endpoint, None), &NameFilter::new(&name))
    }

    /// The position of the record with this id.
    fn index(&self, endpoint: &Endpoint, id: &str) -> Option<u64> {
        let list = Identity::new(self.list(endpoint), 0).list();
        Identity::of(id).filter(|record| record.list() == list).map(Identity::index)
    }

    fn job(&self, path_values: &[Cow<'_, str>]) -> Option<Job> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        path_values.iter().find_map(|value| jobs.get(value.as_ref()).copied())
    }
}

impl Records {
    /// Maps a current position to a position in the original list.
    fn index(&self, position: u64, moves: Option<Scenario>) -> u64 {
        match (&self.filtered, moves) {
            (Some(indexes), _) => indexes.get(position as usize).copied().unwrap_or_default(),
            (None, Some(scenario)) => scenario.moved_index(position, self.total),
            (None, None) => match &self.moves {
                Some((moves, count)) => moves.index(position, *count),
                None => self.first + position,
            },
        }
    }
}

fn check_cap(asked: &Asked<'_>, ask: Ask, place: Place, size: u64) -> Result<(), CannedReply> {
    if !matches!(ask, Ask::Number | Ask::Paging) {
        return Ok(());
    }
    let operation = asked.endpoint.operation;
    let query = Query::new(&asked.request.query);
    let number = place.ordinal + 1;
    cap_refusal(&operation.method, &operation.path, query, number, size).map_or(Ok(()), Err)
}

/// The offset of a page that begins at a record. Only the second page has to be recognized.
fn at(start: u64, size: u64) -> Place {
    let ordinal = match start {
        0 => 0,
        start if start <= size => 1,
        _ => 2,
    };
    Place { ordinal, start }
}
