use std::ops::Range;
use std::time::Duration;

use genesys_cloud_catalogue::{Catalogue, Location, Operation};
use serde_json::Value;

use crate::journal::RecordedRequest;
use crate::query::Query;
use crate::reply::CannedReply;
use crate::timestamp::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);

/// When the records of a list happened, and how much of it one query may ask for; for
/// [`MockOrg::timeline`](crate::MockOrg::timeline).
///
/// The records are spread evenly. A query gets those of its `interval`, from its start to before
/// its end.
///
/// ```
/// use genesys_cloud_mock::Timeline;
///
/// // A busy quarter: no query gets more than 1,000 records of it.
/// let quarter = Timeline::new("2026-01-01T00:00Z", "2026-04-01T00:00Z").cap(1_000);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it says something of a list only once it is given to an org"]
pub struct Timeline {
    /// What can't be read is found out by the org.
    range: Option<Interval>,
    cap: Option<u64>,
    is_late: bool,
    longest: Duration,
    lasting: Duration,
}

/// From a moment to before another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    start: Timestamp,
    end: Timestamp,
}

impl Timeline {
    /// The first record happens at `from`, and the last one before `to`; both are date-times such
    /// as `2026-01-01T00:00Z`.
    pub fn new(from: &str, to: &str) -> Self {
        Self {
            range: Interval::parse(&format!("{from}/{to}")),
            cap: None,
            is_late: false,
            longest: 31 * DAY,
            lasting: Duration::ZERO,
        }
    }

    /// Refuses every query whose interval has more records than this. Without it there is no
    /// other bound than that of the service.
    pub fn cap(mut self, records: u64) -> Self {
        self.cap = Some(records);
        self
    }

    /// Refuses only the pages beyond the cap, and answers those before it. This is how the
    /// service does it where the page is chosen by number.
    pub fn late(mut self) -> Self {
        self.is_late = true;
        self
    }

    /// Refuses every interval that is longer than this, 31 days by default.
    pub fn longest(mut self, interval: Duration) -> Self {
        self.longest = interval;
        self
    }

    /// How long every record lasts, no time by default. One that lasts is in every interval that
    /// it touches: two that follow each other have it both.
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasting = time;
        self
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.range.is_some()
    }

    /// Refuses an interval that is too long.
    pub(crate) fn check(&self, interval: Option<Interval>) -> Result<(), CannedReply> {
        match interval {
            Some(interval) if interval.length() > self.longest => {
                let days = self.longest.as_secs_f64() / DAY.as_secs_f64();
                let message = format!(
                    "The interval is too long. Ensure that the query interval does not exceed {days} \
                     days."
                );
                Err(CannedReply::bad_request(&message))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a page, if the interval or the pages up to its end hold too many records.
    pub(crate) fn check_cap(&self, records: u64, page_end: Option<u64>) -> Result<(), CannedReply> {
        let count = match page_end {
            Some(end) if self.is_late => end,
            _ => records,
        };
        match self.cap {
            Some(cap) if count > cap => {
                let message = format!(
                    "Pagination may not exceed {cap} results. Tip: query in smaller intervals."
                );
                Err(CannedReply::bad_request(&message))
            }
            _ => Ok(()),
        }
    }
}

/// A timeline with a number of records on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread<'a> {
    pub(crate) timeline: &'a Timeline,
    pub(crate) count: u64,
}

impl Spread<'_> {
    /// The places in the list of the records of an interval; of all, if there is none.
    pub(crate) fn within(&self, interval: Option<Interval>) -> Range<u64> {
        let Some(interval) = interval else { return 0..self.count };
        let lasting = self.timeline.lasting;
        let is_before = |index: u64| {
            let end = self.start(index).after(lasting);
            end < interval.start || !lasting.is_zero() && end == interval.start
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

    /// Writes into a record when it happened.
    pub(crate) fn date(&self, record: &mut Value, index: u64) {
        let start = self.start(index);
        let end = start.after(self.timeline.lasting);
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

/// How many of so many numbers come before the first that the test doesn't hold for.
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
    /// Reads `<start>/<end>`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once('/')?;
        let (start, end) = (Timestamp::parse(start)?, Timestamp::parse(end)?);
        (start < end).then_some(Self { start, end })
    }

    /// What of it is before a moment: nothing, if it begins later.
    pub(crate) fn up_to(self, moment: Timestamp) -> Self {
        Self { end: self.end.min(moment).max(self.start), ..self }
    }

    fn length(self) -> Duration {
        Duration::from_millis(self.end.milliseconds() - self.start.milliseconds())
    }

    /// Whether an operation takes one.
    pub(crate) fn is_taken(operation: &Operation) -> bool {
        let body = operation.body.as_ref().map(|it| Catalogue::embedded().resolve(&it.schema));
        body.is_some_and(|body| body.property("interval").is_some())
            || operation.parameters_in(Location::Query).any(|it| it.name == "interval")
    }

    /// The interval a request asks for, if it names one.
    pub(crate) fn of(request: &RecordedRequest) -> Result<Option<Self>, CannedReply> {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let query = Query::new(&request.query);
        let Some(text) = body["interval"].as_str().map(Into::into).or(query.get("interval")) else {
            return Ok(None);
        };
        let refusal = || CannedReply::bad_request(&format!("Invalid interval [{text}]."));
        Self::parse(&text).map(Some).ok_or_else(refusal)
    }
}
