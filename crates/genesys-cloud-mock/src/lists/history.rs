//! Lists of records that change over time.

use std::sync::Arc;

use serde_json::Value;

use super::serve::Records;
use super::{Job, ListRequest, Lists};
use crate::api::Endpoint;
use crate::history::{
    ChildList, EntityWriter, EventQuery, History, RecordWriter, Selection, Stream, hidden,
};
use crate::query::Query;
use crate::response::CannedResponse;
use crate::timeline::Interval;
use crate::timestamp::Timestamp;

impl Lists {
    /// The records that a request selects; `None` if they do not change over time.
    pub(super) fn changing(
        &self,
        list_request: &ListRequest<'_>,
        job: Option<&Job>,
    ) -> Option<Result<Records, CannedResponse>> {
        let history = self.history.as_ref()?;
        if let Some(stream) = Stream::of(&list_request.endpoint.operation.id) {
            return Some(self.events(history, stream, list_request, job));
        }
        let ListRequest { endpoint, listing, path_values, request, .. } = *list_request;
        let selection = match Selection::of(endpoint.operation, request) {
            Ok(selection) => selection,
            Err(refusal) => return Some(Err(refusal)),
        };
        let shape = listing.item();
        let (positions, mut writer) = match self.entities(history, list_request) {
            Some(writer) => (history.select(endpoint, &selection, (shape, &writer)), writer),
            None => {
                let list = ChildList {
                    endpoint,
                    values: path_values,
                    path: &request.path,
                    length: self.length(endpoint),
                    at: None,
                };
                let initial = |endpoint: &Endpoint| self.initial(endpoint);
                let writer = history.children(list, initial).filter(|_| job.is_none())?;
                (selection.apply(shape, &writer), writer)
            }
        };
        writer.hidden = hidden(endpoint.operation, Query::new(&request.query), shape);
        Some(Ok(Records::written(positions, RecordWriter::Entities(writer))))
    }

    fn entities(&self, history: &History, list_request: &ListRequest<'_>) -> Option<EntityWriter> {
        let values = list_request.path_values;
        let place = history.listed(list_request.endpoint, values)?;
        let initial = |endpoint: &Endpoint| self.initial(endpoint);
        let entities = history.entities(&place, initial);
        Some(history.writer(&place, entities, values, initial))
    }

    fn events(
        &self,
        history: &History,
        stream: Stream,
        list_request: &ListRequest<'_>,
        job: Option<&Job>,
    ) -> Result<Records, CannedResponse> {
        let submitted = job.and_then(|job| job.submitted.as_ref().map(|it| (job.interval, it)));
        let (interval, body, now) = match submitted {
            Some((interval, (body, now))) => (interval, Arc::clone(body), *now),
            None => {
                let interval = Interval::of(list_request.request)?;
                let now = history.now();
                history.check_interval(stream, interval, now)?;
                let body = serde_json::from_slice(&list_request.request.body).unwrap_or_default();
                (interval, Arc::new(body), now)
            }
        };
        let (positions, writer) = self.find_events(history, (stream, interval, now), &body);
        Ok(Records::written(Arc::new(positions), writer))
    }

    /// The positions of events, and their writer.
    pub(crate) fn find_events(
        &self,
        history: &History,
        (stream, interval, now): (Stream, Option<Interval>, Timestamp),
        body: &Value,
    ) -> (Vec<u64>, RecordWriter) {
        let initial = |endpoint: &Endpoint| self.initial(endpoint);
        if matches!(stream, Stream::Audits | Stream::RecentAudits) {
            history.catch_up(initial);
        }
        let users = history.users(now, initial);
        let references = history.references(initial);
        let query = EventQuery { stream, interval, body, now, users: &users, references };
        let (positions, writer) = history.events(query);
        (positions, RecordWriter::Events(writer))
    }
}
