use std::time::Duration;

use serde_json::Value;

use crate::api::{Api, Endpoint, SuccessBody};
use crate::error::Error;
use crate::history::{ChildList, Selection, Stream, hidden};
use crate::media::resolve;
use crate::org::MockOrg;
use crate::paging::WriteRecord as _;
use crate::query::Query;
use crate::routes::Route;
use crate::timeline::Interval;
use crate::timestamp::Timestamp;

/// # Changes over time
impl MockOrg {
    /// Returns the time on the clock of the org, such as `2026-05-01T00:00:00Z`.
    pub fn now(&self) -> String {
        self.service().clock().now().text()
    }

    /// Advances the clock of the org. The records of an org with a [timeline](crate::MockOrgBuilder::timeline)
    /// change, and jobs run and expire. Access tokens and rate limits follow the Tokio clock.
    pub fn advance(&self, time: Duration) {
        self.service().clock().advance(time);
    }

    /// Returns the records that a correct reader of a list must have at a time, in the order of the list. A list
    /// below a record that did not exist then has none.
    ///
    /// The list is the path and query of its request, such as `/api/v2/routing/queues?name=Support*`. The time
    /// is not after [`MockOrg::now`].
    ///
    /// # Errors
    /// If the org has no [timeline](crate::MockOrgBuilder::timeline), the request does not list records that
    /// change, or the date-time can't be parsed or is in the future.
    pub fn expected_at(&self, list: &str, time: &str) -> Result<Vec<Value>, Error> {
        let service = self.service();
        let history = service.history().ok_or_else(Error::no_timeline)?;
        let at = Timestamp::parse(time).filter(|at| *at <= history.now());
        let at = at.ok_or_else(|| Error::time(time))?;
        let (path, query) = list.split_once('?').unwrap_or((list, ""));
        let not_found = || Error::not_found(list);
        let Route::Operation { index, path_values } = service.api().route("GET", path) else {
            return Err(not_found());
        };
        let endpoint = Api::embedded().endpoint(index);
        let SuccessBody::Listing(listing) = &endpoint.success_response().body else {
            return Err(not_found());
        };
        let initial = |endpoint: &Endpoint| service.lists().initial(endpoint);
        let template = &endpoint.operation.path;
        if !history.had_parents(template, &path_values, at, initial) {
            return Ok(Vec::new());
        }
        let mut writer = match history.listed(endpoint, &path_values) {
            Some(place) => {
                let entities = history.entities(&place, initial).at(at);
                history.writer(&place, entities.into(), &path_values, initial)
            }
            None => {
                let values = &path_values;
                let length = service.lists().length(endpoint);
                let list = ChildList { endpoint, values, path, length, at: Some(at) };
                history.children(list, initial).ok_or_else(not_found)?
            }
        };
        let query = Query::new(query);
        let selection = Selection::of_query(endpoint.operation, query);
        let positions = selection.map_err(|_| not_found())?.apply(listing.item(), &writer);
        writer.hidden = hidden(endpoint.operation, query, listing.item());
        let record = |index| {
            let record = writer.value(listing.item(), index);
            if !listing.has_media() {
                return record;
            }
            let linked = resolve(&record.to_string(), service.jobs().store.base(), |_| {});
            linked.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(record)
        };
        Ok(positions.iter().copied().map(record).collect())
    }

    /// Returns the events that a correct reader of an interval (`<start>/<end>`) must have if it asks for them
    /// at a time, in order: conversations, evaluations, audits or presences. For an operation that submits jobs,
    /// they are the results of a job submitted then.
    ///
    /// # Errors
    /// If the org has no [timeline](crate::MockOrgBuilder::timeline), the operation lists no events, the
    /// interval can't be parsed, or the date-time can't be parsed or is in the future.
    pub fn expected_events_at(
        &self,
        operation: &str,
        interval: &str,
        time: &str,
    ) -> Result<Vec<Value>, Error> {
        let service = self.service();
        let history = service.history().ok_or_else(Error::no_timeline)?;
        let at = Timestamp::parse(time).filter(|at| *at <= history.now());
        let at = at.ok_or_else(|| Error::time(time))?;
        let endpoint = service.endpoint(operation)?;
        let spec = service.api().job_specs().of_submit(endpoint.index);
        let listed_by = spec.and_then(|spec| spec.listed_by(service.api())).unwrap_or(endpoint);
        let not_found = || Error::not_found(operation);
        let stream = Stream::of(&listed_by.operation.id).ok_or_else(not_found)?;
        let interval = Interval::parse(interval).ok_or_else(|| Error::timeline(operation))?;
        let until = service.availability().until(at);
        let until = until.filter(|_| spec.is_some() && stream.is_delayed());
        let interval = until.map_or(interval, |until| interval.up_to(until));
        let query = (stream, Some(interval), at);
        let (positions, writer) = service.lists().find_events(history, query, &Value::Null);
        let SuccessBody::Listing(listing) = &listed_by.success_response().body else {
            return Err(not_found());
        };
        let events = positions.into_iter().map(|index| {
            let mut out = Vec::new();
            writer.write(&mut out, listing.item(), index, "");
            serde_json::from_slice(&out).unwrap_or_default()
        });
        Ok(events.collect())
    }
}
