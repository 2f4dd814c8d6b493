//! Single records, made up from their ids.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value};

use super::{RoutedRequest, Service};
use crate::identity::{Id, Identity};
use crate::rng::{hash, mix};
use crate::shape::{RecordContext, Scope, Shape};

impl Service {
    /// Decodes the id of a record, if it belongs to a list of this org.
    fn listed(&self, id: &str) -> Option<Identity> {
        Identity::of(id).filter(|known| self.known_lists.contains(&known.list()))
    }

    /// Whether a list of this org has a record with this id.
    pub(crate) fn lists_record(&self, id: &str) -> bool {
        self.listed(id).is_some()
    }

    /// The id of the organization.
    pub(crate) fn organization(&self) -> String {
        let derived = || Id::random(mix(self.settings.seed ^ hash("organization"))).to_string();
        self.settings.organization.clone().unwrap_or_else(derived)
    }

    /// Adds the ids of this org to the records that identify a token.
    pub(super) fn add_identity(&self, routed: &RoutedRequest<'_>, record: Vec<u8>) -> Vec<u8> {
        let ids: &[(&str, String)] = match routed.endpoint.operation.id.as_str() {
            "getTokensMe" => &[
                ("/organization/id", self.organization()),
                ("/OAuthClient/id", self.login().client_id().to_owned()),
            ],
            "getOrganizationsMe" => &[("/id", self.organization())],
            _ => return record,
        };
        let mut record: Value = serde_json::from_slice(&record).unwrap_or_default();
        for (pointer, id) in ids {
            if let Some(field) = record.pointer_mut(pointer) {
                *field = id.as_str().into();
            }
        }
        record.to_string().into_bytes()
    }

    /// A record by its id, or a new one, with the fields of the request.
    pub(super) fn record(&self, routed: &RoutedRequest<'_>, shape: &Shape) -> Vec<u8> {
        let operation = routed.endpoint.operation;
        let path = &routed.request.path;
        let named = routed.path_values.last().filter(|_| operation.path.ends_with('}'));
        let (list_path, id) = match named {
            Some(id) => (path.rsplit_once('/').map(|(list, _)| list), id.clone().into_owned()),
            None => {
                let creation = match operation.method.as_str() {
                    "POST" => self.creations.fetch_add(1, Ordering::Relaxed),
                    _ => 0,
                };
                let number = self.settings.seed ^ hash(path) ^ mix(creation);
                (Some(path.as_str()), Id::random(number).to_string())
            }
        };
        let (seed, number) = match self.listed(&id) {
            Some(known) => (known.seed(), known.index()),
            None => (mix(self.settings.seed ^ hash(&id)), hash(&id) % 10_000),
        };
        let mut record = Vec::new();
        // The id in a path may be any string, so it needs escaping in JSON.
        let quoted = Value::from(id).to_string();
        let id = &quoted.as_bytes()[1..quoted.len() - 1];
        shape.write(
            &mut record,
            RecordContext { id, number, seed, list_path, scope: Scope::default(), hidden: &[] },
        );
        echo(record, &routed.request.body, shape)
    }
}

/// Copies the fields of a request into the record that it creates or changes.
fn echo(record: Vec<u8>, request: &[u8], shape: &Shape) -> Vec<u8> {
    let Ok(given) = serde_json::from_slice::<Map<String, Value>>(request) else {
        return record;
    };
    let Ok(mut made) = serde_json::from_slice::<Map<String, Value>>(&record) else {
        return record;
    };
    let known = given.into_iter().filter(|(name, _)| {
        shape.field(name).is_some() && !matches!(name.as_str(), "id" | "selfUri")
    });
    made.extend(known);
    Value::Object(made).to_string().into_bytes()
}
