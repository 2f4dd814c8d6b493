use std::ops::Range;
use std::time::Duration;

use genesys_cloud_catalogue::{Catalogue, Location, Operation};
use serde_json::Value;

use crate::journal::RecordedRequest;
use crate::query::Query;
use crate::response::CannedResponse;
use crate::timestamp::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);

/// The times of the records of a list, and limits on queries of them; for
/// [`MockOrg::timeline`](crate::MockOrg::timeline).
///
/// The records are spread evenly. A query returns those in its `interval`, from its start (inclusive) to its
/// end (exclusive).
///
/// ```
/// use genesys_cloud_mock::Timeline;
///
/// // A busy quarter. No query returns more than 1,000 of its records.
/// let quarter = Timeline::new("2026-01-01T00:00Z", "2026-04-01T00:00Z").cap(1_000);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a timeline does nothing until it is given to an org"]
pub struct Timeline {
    /// `None` if it can't be parsed; the org reports that.
    range: Option<Interval>,
    cap: Option<u64>,
    caps_by_page: bool,
    max_interval: Duration,
    record_duration: Duration,
}

/// A half-open time interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    start: Timestamp,
    end: Timestamp,
}

impl Timeline {
    /// Creates a timeline whose first record is at `from` and whose last one is before `to`. Both are date-times
    /// such as `2026-01-01T00:00Z`.
    pub fn new(from: &str, to: &str) -> Self {
        Self {
            range: Interval::parse(&format!("{from}/{to}")),
            cap: None,
            caps_by_page: false,
            max_interval: 31 * DAY,
            record_duration: Duration::ZERO,
        }
    }

    /// Refuses queries whose interval has more records than this. By default only the limits of the service
    /// apply.
    pub fn cap(mut self, records: u64) -> Self {
        self.cap = Some(records);
        self
    }

    /// Refuses only the pages beyond the cap, as the service does where requests have page numbers.
    pub fn cap_by_page(mut self) -> Self {
        self.caps_by_page = true;
        self
    }

    /// Refuses intervals longer than this, 31 days by default.
    pub fn max_interval(mut self, interval: Duration) -> Self {
        self.max_interval = interval;
        self
    }

    /// Sets how long every record lasts, zero by default. A record is in every interval that it overlaps, so
    /// two consecutive intervals may both have it.
    pub fn record_duration(mut self, time: Duration) -> Self {
        self.record_duration = time;
        self
    }

    /// Only limits, without records.
    pub(crate) fn limits(max_interval: Duration) -> Self {
        Self::new("", "").max_interval(max_interval)
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.range.is_some()
    }

    /// Refuses an interval that is too long.
    pub(crate) fn check(&self, interval: Option<Interval>) -> Result<(), CannedResponse> {
        match interval {
            Some(interval) if interval.length() > self.max_interval => {
                let days = self.max_interval.as_secs_f64() / DAY.as_secs_f64();
                let message = format!(
                    "The interval is too long. Ensure that the query interval does not exceed {days} \
                     days."
                );
                Err(CannedResponse::bad_request(&message))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a page if the interval, or the pages up to its end, have too many records.
    pub(crate) fn check_cap(
        &self,
        records: u64,
        page_end: Option<u64>,
    ) -> Result<(), CannedResponse> {
        let count = match page_end {
            Some(end) if self.caps_by_page => end,
            _ => records,
        };
        match self.cap {
            Some(cap) if count > cap => {
                let message = format!(
                    "Pagination may not exceed {cap} results. Tip: query in smaller intervals."
                );
                Err(CannedResponse::bad_request(&message))
            }
            _ => Ok(()),
        }
    }
}

/// A timeline with a number of records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread<'a> {
    pub(crate) timeline: &'a Timeline,
    pub(crate) count: u64,
}

impl Spread<'_> {
    /// The positions of the records in an interval, or of all records without one.
    pub(crate) fn within(&self, interval: Option<Interval>) -> Range<u64> {
        let Some(interval) = interval else { return 0..self.count };
        let record_duration = self.timeline.record_duration;
        let is_before = |index: u64| {
            let end = self.start(index).after(record_duration);
            end < interval.start || !record_duration.is_zero() && end == interval.start
        };
        let first = partition(self.count, is_before);
        let last = partition(self.count, |index| self.start(index) < interval.end);
        first..last.max(first)
    }

    fn start(&self, index: u64) -> Timestamp {
        let Some(range) = self.timeline.range else { return Timestamp::of(0) };
        let (start, length) = (range.start.milliseconds(), range.length().as_millis());
        let passed = length * u128::from(index) / u128::from(self.count.max(1));
        Timestamp::of(start + passed as u64)
    }

    /// Writes the times of a record into its fields.
    pub(crate) fn date(&self, record: &mut Value, index: u64) {
        let start = self.start(index);
        let end = start.after(self.timeline.record_duration);
        for (name, at) in [
            ("conversationStart", start),
            ("conversationEnd", end),
            ("eventDate", start),
            ("eventTime", start),
        ] {
            if record.get(name).is_some() {
                record[name] = at.text().into();
            }
        }
    }
}

/// Returns how many of the first `count` numbers satisfy a monotonic predicate.
fn partition(count: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

impl Interval {
    /// Parses `<start>/<end>`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once('/')?;
        let (start, end) = (Timestamp::parse(start)?, Timestamp::parse(end)?);
        (start < end).then_some(Self { start, end })
    }

    /// The part before `timestamp`; empty if the interval begins later.
    pub(crate) fn up_to(self, timestamp: Timestamp) -> Self {
        Self { end: self.end.min(timestamp).max(self.start), ..self }
    }

    pub(crate) fn start(self) -> Timestamp {
        self.start
    }

    pub(crate) fn end(self) -> Timestamp {
        self.end
    }

    fn length(self) -> Duration {
        Duration::from_millis(self.end.milliseconds() - self.start.milliseconds())
    }

    /// Whether an operation takes an interval.
    pub(crate) fn is_taken(operation: &Operation) -> bool {
        let body = operation.body.as_ref().map(|it| Catalogue::embedded().resolve(&it.schema));
        body.is_some_and(|body| body.property("interval").is_some())
            || operation.parameters_in(Location::Query).any(|it| it.name == "interval")
    }

    /// The interval of a request, if it has one.
    pub(crate) fn of(request: &RecordedRequest) -> Result<Option<Self>, CannedResponse> {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let query = Query::new(&request.query);
        let text = body["interval"].as_str().map(Into::into).or(query.get("interval"));
        let Some(text) = text.or_else(|| bounds(&body, query).map(Into::into)) else {
            return Ok(None);
        };
        let refusal = || CannedResponse::bad_request(&format!("Invalid interval [{text}]."));
        Self::parse(&text).map(Some).ok_or_else(refusal)
    }
}

/// The interval between the two times of a request for evaluations.
fn bounds(body: &Value, query: Query<'_>) -> Option<String> {
    let criteria = body["query"].as_array().map(Vec::as_slice).unwrap_or_default();
    let dates = criteria.iter().find(|criterion| criterion.get("startValue").is_some());
    let (from, to) = match dates {
        Some(dates) => (dates["startValue"].as_str()?.into(), dates["endValue"].as_str()?.into()),
        None => (query.get("startTime")?, query.get("endTime")?),
    };
    Some(format!("{from}/{to}"))
}
