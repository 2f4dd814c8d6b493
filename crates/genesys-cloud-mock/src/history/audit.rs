//! The audit events of the changes of records.

use serde_json::{Map, Value, json};

use super::entities::Action;
use super::{Change, Collection, History};
use crate::identity::Identity;
use crate::rng::{hash, mix};
use crate::timestamp::Timestamp;

/// The audit event of a change.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    /// Identifies the event.
    pub(super) number: u64,
    pub(super) at: Timestamp,
    /// The fields that describe the change.
    pub(super) fields: Map<String, Value>,
}

/// The services whose records are at a path.
const SERVICES: [(&str, &str); 7] = [
    ("routing", "ContactCenter"),
    ("users", "Directory"),
    ("groups", "Directory"),
    ("authorization", "PeoplePermissions"),
    ("flows", "Architect"),
    ("oauth", "OAuth"),
    ("webdeployments", "WebDeployments"),
];

impl History {
    /// The audit events of a range, in the order of their times, that match the body of a query.
    pub(super) fn audits(&self, (from, to): (Timestamp, Timestamp), query: &Value) -> Vec<Audit> {
        let collections = self.locked();
        let mut audits = Vec::new();
        for (path, collection) in collections.iter() {
            for (number, change) in collection.log.iter().enumerate() {
                if (from..to).contains(&change.at) {
                    audits.push(audit(path, collection, number as u64, *change));
                }
            }
        }
        audits.retain(|audit| is_wanted(&audit.fields, query));
        audits.sort_by_key(|audit| (audit.at, audit.number));
        audits
    }
}

fn audit(path: &str, collection: &Collection, number: u64, change: Change) -> Audit {
    let id = Identity::new(collection.entities.list(), change.index).id().to_string();
    let action = match change.action {
        Action::Create => "Create",
        Action::Update => "Update",
        Action::Delete => "Delete",
    };
    let area = path.trim_start_matches("/api/v2/").split('/').next().unwrap_or_default();
    let service = SERVICES.iter().find(|(start, _)| *start == area).map(|(_, service)| *service);
    let service = service.map_or_else(|| capitalized(area), str::to_owned);
    let fields = json!({
        "action": action,
        "entityType": collection.family.entity(),
        "entity": { "id": id, "selfUri": format!("{path}/{id}") },
        "serviceName": service,
        "status": "SUCCESS",
    });
    let fields = fields.as_object().cloned().unwrap_or_default();
    Audit { number: mix(hash(path) ^ mix(number)) >> 4, at: change.at, fields }
}

/// Whether an event matches the service and the filters of a query.
fn is_wanted(fields: &Map<String, Value>, query: &Value) -> bool {
    let equals = |value: &Value, wanted: &Value| {
        let texts = value.as_str().zip(wanted.as_str());
        texts.is_some_and(|(value, wanted)| value.eq_ignore_ascii_case(wanted))
    };
    let service = &query["serviceName"];
    if !service.is_null() && !equals(&fields["serviceName"], service) {
        return false;
    }
    let filters = query["filters"].as_array().map(Vec::as_slice).unwrap_or_default();
    filters.iter().all(|filter| {
        let field = match filter["property"].as_str() {
            Some("EntityType") => &fields["entityType"],
            Some("EntityId") => &fields["entity"]["id"],
            Some("Action") => &fields["action"],
            // Any other property describes who made the change, which is not known here.
            _ => return true,
        };
        equals(field, &filter["value"])
    })
}

/// `routing` becomes `Routing`.
pub(super) fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}
