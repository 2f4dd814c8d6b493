//! Answers the operations on records that are stored.

use std::borrow::Cow;

use super::family::{Families, Role, unnamed};
use super::record::writable;
use super::{ChildList, EntityWriter, History, Place, hidden};
use crate::api::{Api, Endpoint, SuccessBody};
use crate::identity::Identity;
use crate::query::Query;
use crate::response::CannedResponse;
use crate::routes::Route;
use crate::service::{RoutedRequest, Service};

impl Service {
    /// Answers an operation on a stored record; `None` if the org does not change over time, or the operation
    /// is about something else.
    pub(crate) fn stored(&self, routed: &RoutedRequest<'_>) -> Option<CannedResponse> {
        let history = self.history()?;
        if let Some(refusal) = self.missing_parent(history, routed) {
            return Some(refusal);
        }
        let Some((family, role)) = Families::embedded().role(routed.endpoint.index) else {
            return self.child(history, routed);
        };
        let place = Place::new(family, &routed.path_values);
        let initial = |endpoint: &Endpoint| self.lists().initial(endpoint);
        let now = history.now();
        let index = match role {
            Role::List => return None,
            Role::Create => {
                let fields = writable(&routed.request.body);
                history.with(&place, initial, |collection| collection.create(now, fields))
            }
            Role::Read | Role::Update | Role::Delete => {
                let id = routed.path_values.last()?;
                let index = self.alive(history, &place, id)?;
                history.with(&place, initial, |collection| match role {
                    Role::Update => {
                        collection.update(index, now, writable(&routed.request.body));
                    }
                    Role::Delete => collection.delete(index, now),
                    _ => {}
                });
                index
            }
        };
        let answer = routed.endpoint.success_response();
        Some(match &answer.body {
            SuccessBody::Record(shape) => {
                let mut writer = self.writer(history, &place, &routed.path_values);
                // The response to a change has all fields.
                if role == Role::Read {
                    let query = Query::new(&routed.request.query);
                    writer.hidden = hidden(routed.endpoint.operation, query, shape);
                }
                let mut record = Vec::new();
                writer.write(&mut record, shape, index);
                CannedResponse::raw_json(answer.status, record)
            }
            _ => CannedResponse::empty(answer.status),
        })
    }

    /// Answers a GET of one record of a list below a record: it is as in that list.
    fn child(&self, history: &History, routed: &RoutedRequest<'_>) -> Option<CannedResponse> {
        let (path, id) = routed.request.path.rsplit_once('/')?;
        let is_read = routed.endpoint.operation.method == "GET";
        let is_single = is_read && routed.endpoint.operation.path.ends_with('}');
        let Route::Operation { index, path_values } = self.api().route("GET", path) else {
            return None;
        };
        let endpoint = Api::embedded().endpoint(index);
        let list = ChildList {
            endpoint,
            values: &path_values,
            path,
            length: self.lists().length(endpoint),
            at: None,
        };
        let identity = Identity::of(id).filter(|_| is_single)?;
        let writer = history.children(list, |endpoint| self.lists().initial(endpoint))?;
        let index = identity.index();
        let is_listed = writer.positions.binary_search(&index).is_ok();
        let answer = routed.endpoint.success_response();
        match &answer.body {
            SuccessBody::Record(shape)
                if is_listed && identity == writer.entities.identity(index) =>
            {
                let mut record = Vec::new();
                writer.write(&mut record, shape, index);
                Some(CannedResponse::raw_json(answer.status, record))
            }
            _ => None,
        }
    }

    /// Refuses a request about a record that does not exist, or about something that belongs to it.
    fn missing_parent(
        &self,
        history: &History,
        routed: &RoutedRequest<'_>,
    ) -> Option<CannedResponse> {
        let template = unnamed(&routed.endpoint.operation.path);
        let ends = template.match_indices("/{}").map(|(end, _)| end);
        let mut parents = ends.enumerate().filter_map(|(number, end)| {
            let family = Families::embedded().at(&template[..end])?;
            let place = Place::new(family, &routed.path_values[..number]);
            Some((place, routed.path_values.get(number)?))
        });
        let is_missing = parents.any(|(place, id)| self.alive(history, &place, id).is_none());
        is_missing.then(CannedResponse::not_found)
    }

    /// The position of an existing record of a collection.
    fn alive(&self, history: &History, place: &Place, id: &str) -> Option<u64> {
        let entities = history.entities(place, |endpoint| self.lists().initial(endpoint));
        let identity = Identity::of(id)?;
        let index = identity.index();
        let is_listed = identity == Identity::new(entities.list(), index);
        (is_listed && entities.has(index)).then_some(index)
    }

    fn writer(&self, history: &History, place: &Place, values: &[Cow<'_, str>]) -> EntityWriter {
        let initial = |endpoint: &Endpoint| self.lists().initial(endpoint);
        history.writer(place, history.entities(place, initial), values, initial)
    }
}
