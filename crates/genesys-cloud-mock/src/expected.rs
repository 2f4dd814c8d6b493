use serde_json::Value;

use crate::fingerprint::fingerprint;
use crate::media::without_address;
use crate::paging::PageSelector;
use crate::scenario::Scenario;

/// What a client must read from a list; returned by [`MockOrg::expected`](crate::MockOrg::expected).
///
/// Records are identified by their [`key`](Expected::key).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// The records that a client must return, in this order.
    pub records: Vec<String>,
    /// Records that the service returns twice because records moved between pages. A client may detect it, but
    /// must return them twice.
    pub repeated: Vec<String>,
    /// Records that existed throughout but that the service never returns, because records moved between pages.
    /// A client can only detect that something is wrong.
    pub missed: Vec<String>,
    /// Records that may follow all others, repeatedly and in this order: those of a page that the service
    /// repeats forever with a new token each time, if records have no ids. A client can't detect the repetition
    /// at once.
    pub may_repeat: Vec<String>,
    /// How the list ends.
    pub end: ExpectedEnd,
}

/// How a list ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpectedEnd {
    /// After all records.
    Complete,
    /// Early: the service has more records but does not serve them.
    Truncated,
    /// Never: the service repeats pages or tokens, and a client that continues would loop.
    Broken,
}

impl Expected {
    /// Returns whether a client that returned these records, by [key](Expected::key), meets the expectation.
    pub fn is_met_by(&self, observed: &[String]) -> bool {
        let Some(more) = observed.strip_prefix(self.records.as_slice()) else { return false };
        more.is_empty()
            || !self.may_repeat.is_empty()
                && more.chunks(self.may_repeat.len()).all(|it| it == self.may_repeat)
    }

    /// Returns the key of a record: its `id`, or else a hash of its fields except `selfUri`. A null field
    /// equals a missing one, and a date-time without fraction equals one with `.000`. The host of a media file does
    /// not count.
    pub fn key(record: &Value) -> String {
        if let Some(id) = record.get("id").and_then(Value::as_str) {
            return id.to_owned();
        }
        let mut record = record.clone();
        if let Some(fields) = record.as_object_mut() {
            // It depends on the path of the request.
            fields.remove("selfUri");
        }
        normalize(&mut record);
        format!("{:016x}", fingerprint(&record))
    }

    pub(crate) fn key_of(record: &[u8]) -> String {
        Self::key(&serde_json::from_slice(record).unwrap_or_default())
    }

    /// Maps positions in the list to keys with `keys`.
    pub(crate) fn of(
        (selector, has_id): (PageSelector, bool),
        scenario: Option<Scenario>,
        total: u64,
        size: u64,
        keys: impl Fn(Vec<u64>) -> Vec<String>,
    ) -> Self {
        let pages = |count: u64| (0..(count * size).min(total)).collect::<Vec<_>>();
        let all = || (0..total).collect::<Vec<_>>();
        let moves = !selector.follows_records();
        let (mut repeated, mut missed, mut end) = (Vec::new(), Vec::new(), ExpectedEnd::Complete);
        let records = match scenario {
            Some(Scenario::RepeatedToken | Scenario::IdenticalPage) => {
                end = ExpectedEnd::Broken;
                pages(2)
            }
            Some(Scenario::TokenCycle) => {
                end = ExpectedEnd::Broken;
                pages(3)
            }
            Some(Scenario::EndlessEmptyPages | Scenario::ForeignUri) => {
                end = ExpectedEnd::Broken;
                pages(1)
            }
            Some(Scenario::RecordAdded) if moves => {
                repeated.push(size - 1);
                pages(1).into_iter().chain(size - 1..total).collect()
            }
            Some(Scenario::RecordRemoved) if moves => {
                missed.push(size);
                pages(1).into_iter().chain(size + 1..total).collect()
            }
            _ if selector == PageSelector::First && size < total => {
                end = ExpectedEnd::Truncated;
                pages(1)
            }
            _ => all(),
        };
        let is_endless =
            scenario == Some(Scenario::IdenticalPage) && selector.is_linked() && !has_id;
        let again: Vec<u64> = if is_endless { (size..2 * size).collect() } else { Vec::new() };
        let may_repeat = keys(again);
        Self {
            may_repeat,
            records: keys(records),
            repeated: keys(repeated),
            missed: keys(missed),
            end,
        }
    }
}

fn normalize(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(normalize);
        }
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::String(text) => {
            if let Some(name) = without_address(text) {
                *text = name.to_owned();
            } else if let Some(seconds) = text.strip_suffix(".000Z") {
                *text = format!("{seconds}Z");
            }
        }
        _ => {}
    }
}
