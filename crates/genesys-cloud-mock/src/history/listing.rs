//! Lists events by interval.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::audit::Audit;
use super::entities::Entities;
use super::events::{Event, Stream, presences};
use super::record::EntityWriter;
use super::{History, OrgTimeline};
use crate::identity::Identity;
use crate::listing::write_record_in;
use crate::paging::WriteRecord;
use crate::response::CannedResponse;
use crate::rng::{hash, mix};
use crate::shape::{References, Scope, Shape, Times, generated_id};
use crate::timeline::{Interval, Timeline};
use crate::timestamp::Timestamp;

/// The number of results that a query can page through.
const CAP: u64 = 100_000;

/// Writes the records of a list that change over time.
#[derive(Debug, Clone)]
pub(crate) enum RecordWriter {
    Entities(EntityWriter),
    Events(EventWriter),
}

/// Writes events.
#[derive(Debug, Clone)]
pub(crate) struct EventWriter {
    stream: Stream,
    settings: OrgTimeline,
    seed: u64,
    audits: HashMap<u64, Audit>,
    users: HashMap<u64, Value>,
    references: Arc<References>,
}

/// A request for events.
#[derive(Debug, Clone)]
pub(crate) struct EventQuery<'a> {
    pub(crate) stream: Stream,
    /// Everything up to now, if there is none.
    pub(crate) interval: Option<Interval>,
    /// The body of the query, or of the submit of its job.
    pub(crate) body: &'a Value,
    /// When the query, or its job, was submitted.
    pub(crate) now: Timestamp,
    /// The users of the org.
    pub(crate) users: &'a Entities,
    /// The records that events refer to.
    pub(crate) references: Arc<References>,
}

impl History {
    /// Refuses an interval that is too long, or too far back.
    pub(crate) fn check_interval(
        &self,
        stream: Stream,
        interval: Option<Interval>,
        now: Timestamp,
    ) -> Result<(), CannedResponse> {
        Timeline::limits(stream.max_interval()).check(interval)?;
        let oldest = stream.reach().map(|reach| now.before(reach));
        match interval.zip(oldest) {
            Some((interval, oldest)) if interval.start() < oldest => {
                let message = "The interval must begin within the last 14 days.";
                Err(CannedResponse::bad_request(message))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a page of a query beyond the results that it can page through.
    pub(crate) fn check_events_page(
        stream: Stream,
        records: u64,
        end: u64,
    ) -> Result<(), CannedResponse> {
        match stream {
            Stream::Conversations | Stream::Presences => {
                let timeline = Timeline::limits(stream.max_interval()).cap(CAP).cap_by_page();
                timeline.check_cap(records, Some(end.min(records)))
            }
            _ => Ok(()),
        }
    }

    /// The positions of the events that a query returns, and their writer.
    pub(crate) fn events(&self, query: EventQuery<'_>) -> (Vec<u64>, EventWriter) {
        let EventQuery { stream, interval, body, now, users, references } = query;
        let all = (Timestamp::of(0), now.after(std::time::Duration::from_millis(1)));
        let range = interval.map_or(all, |interval| (interval.start(), interval.end()));
        let settings = self.settings.clone();
        let audits = HashMap::new();
        let (seed, users_of) = (self.seed, HashMap::new());
        let mut writer =
            EventWriter { stream, settings, seed, audits, users: users_of, references };
        let positions = match stream {
            Stream::Audits | Stream::RecentAudits => {
                let audits = self.audits((range.0, range.1.min(all.1)), body);
                let numbers = audits.iter().map(|audit| audit.number).collect();
                writer.audits = audits.into_iter().map(|audit| (audit.number, audit)).collect();
                numbers
            }
            Stream::Presences => {
                let records = users.alive().iter().map(|&index| {
                    let id = Identity::new(users.list(), index);
                    (index, user_detail(id, range, now))
                });
                writer.users = records.filter_map(|(index, it)| Some((index, it?))).collect();
                let mut indexes: Vec<_> = writer.users.keys().copied().collect();
                indexes.sort_unstable();
                indexes
            }
            _ => stream.within(&self.settings, self.seed, range, now),
        };
        (positions, writer)
    }
}

/// The presences of a user, if there are any.
fn user_detail(user: Identity, range: (Timestamp, Timestamp), now: Timestamp) -> Option<Value> {
    const PRESENCES: [&str; 6] = ["AVAILABLE", "ON_QUEUE", "BREAK", "MEAL", "MEETING", "OFFLINE"];
    let presences = presences(user.seed(), range, now).into_iter();
    let presences: Vec<_> = presences
        .map(|(start, end, random)| {
            let presence = PRESENCES[random as usize % PRESENCES.len()];
            let mut record = json!({ "startTime": start.text(), "systemPresence": presence });
            if let Some(end) = end {
                record["endTime"] = end.text().into();
            }
            record
        })
        .collect();
    let is_present = !presences.is_empty();
    is_present.then(|| json!({ "userId": user.id().to_string(), "primaryPresence": presences }))
}

impl EventWriter {
    /// Writes an event as JSON.
    fn write(&self, out: &mut Vec<u8>, shape: &Shape, number: u64, list_path: &str) {
        if let Some(user) = self.users.get(&number) {
            return out.extend_from_slice(user.to_string().as_bytes());
        }
        let event = match self.audits.get(&number) {
            Some(Audit { at, .. }) => Event { start: *at, end: *at, arrival: *at },
            None => self.stream.event(&self.settings, self.seed, number),
        };
        let times = Times::Of(event.start, event.end);
        let scope = Scope { times, references: Some(&self.references), subject: None };
        let identity = Identity::new(self.list(), number);
        let fields = self.fields(number);
        if fields.is_empty() {
            return write_record_in(out, shape, identity, list_path, scope);
        }
        let mut written = Vec::new();
        write_record_in(&mut written, shape, identity, list_path, scope);
        let mut record: Map<String, Value> = serde_json::from_slice(&written).unwrap_or_default();
        record.extend(fields);
        out.extend_from_slice(Value::Object(record).to_string().as_bytes());
    }

    /// Distinguishes the ids of the events.
    fn list(&self) -> u64 {
        mix(self.seed
            ^ hash(match self.stream {
                Stream::Conversations | Stream::ActiveConversations => "conversations",
                Stream::Evaluations => "evaluations",
                Stream::Audits | Stream::RecentAudits => "audits",
                Stream::Presences => "presences",
            }))
    }

    /// The fields that connect an event with other records.
    fn fields(&self, number: u64) -> Map<String, Value> {
        if let Some(audit) = self.audits.get(&number) {
            let mut fields = audit.fields.clone();
            fields.insert("eventDate".to_owned(), audit.at.text().into());
            return fields;
        }
        if self.stream != Stream::Evaluations {
            return Map::new();
        }
        let number = Stream::conversation(number);
        let stream = Stream::Conversations;
        let conversations = Self { stream, ..self.clone() };
        let event = stream.event(&self.settings, self.seed, number);
        let id = generated_id(Identity::new(conversations.list(), number), "conversationId");
        let path = format!("/api/v2/conversations/{id}");
        let fields = json!({
            "conversation": { "id": id, "selfUri": path },
            "conversationDate": event.start.text(),
            "conversationEndDate": event.end.text(),
        });
        fields.as_object().cloned().unwrap_or_default()
    }
}

impl WriteRecord for RecordWriter {
    fn write(&self, out: &mut Vec<u8>, shape: &Shape, index: u64, list_path: &str) {
        match self {
            Self::Entities(writer) => writer.write(out, shape, index),
            Self::Events(writer) => writer.write(out, shape, index, list_path),
        }
    }
}

impl RecordWriter {
    /// Whether a token continues after a record, wherever it is by then. The events of a query stay the same.
    pub(crate) fn moves(&self) -> bool {
        matches!(self, Self::Entities(_))
    }
}
