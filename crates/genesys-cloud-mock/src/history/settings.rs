use std::time::Duration;

use crate::error::Error;
use crate::timestamp::Timestamp;

const HOUR: Duration = Duration::from_secs(3_600);

/// How an org changes over time; for [`MockOrgBuilder::timeline`](crate::MockOrgBuilder::timeline).
///
/// The clock of the org stands still by default, until [`MockOrg::advance`](crate::MockOrg::advance) advances it.
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud_mock::{MockOrg, OrgTimeline};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let timeline = OrgTimeline::new("2026-05-01T00:00Z").changes_per_day(24);
/// let org = MockOrg::builder().timeline(timeline).start().await?;
/// let first = org.expected_at("/api/v2/routing/queues", &org.now())?;
///
/// org.advance(Duration::from_secs(7 * 86_400));
/// let later = org.expected_at("/api/v2/routing/queues", &org.now())?;
/// assert_ne!(first, later);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a timeline does nothing until it is given to an org"]
pub struct OrgTimeline {
    text: String,
    start: Option<Timestamp>,
    /// The time on the clock at first, if not the start.
    at: Option<String>,
    speed: f64,
    changes_per_day: u64,
    events_per_day: u64,
    late_by: Duration,
    data_delay: Duration,
}

impl OrgTimeline {
    /// The clock of the org starts at this date-time, such as `2026-05-01T00:00Z`.
    pub fn new(start: &str) -> Self {
        Self {
            text: start.to_owned(),
            start: Timestamp::parse(start),
            at: None,
            speed: 0.0,
            changes_per_day: 24,
            events_per_day: 100,
            late_by: HOUR,
            data_delay: HOUR,
        }
    }

    /// Sets the time on the clock when the org starts, if it is not the start of the timeline. Two orgs with the
    /// same timeline and different times are the same org at these times.
    pub fn at(mut self, time: &str) -> Self {
        self.at = Some(time.to_owned());
        self
    }

    /// Sets how many seconds pass in the org per second, 0 by default.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// Sets how many records are created, changed or deleted per day in each list without a parent, 24 by
    /// default.
    pub fn changes_per_day(mut self, changes: u64) -> Self {
        self.changes_per_day = changes;
        self
    }

    /// Sets how many conversations start per day, 100 by default. One in four is evaluated.
    pub fn events_per_day(mut self, events: u64) -> Self {
        self.events_per_day = events;
        self
    }

    /// Sets the longest time from the end of a conversation until it is listed, an hour by default and at most
    /// a day. Most
    /// conversations are listed at once; one in eight arrives late.
    pub fn late_by(mut self, delay: Duration) -> Self {
        self.late_by = delay;
        self
    }

    /// Sets how far the data of jobs lags behind the clock, an hour by default. Their `dataAvailabilityDate` is
    /// earlier by this time than their submit.
    pub fn data_delay(mut self, delay: Duration) -> Self {
        self.data_delay = delay;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.start.is_none() {
            return Err(Error::time(&self.text));
        }
        if let Some(at) = &self.at {
            let time = Timestamp::parse(at).ok_or_else(|| Error::time(at))?;
            if time < self.start() {
                return Err(Error::too_early(at, &self.text));
            }
        }
        match self.speed.is_finite() && self.speed >= 0.0 {
            true => Ok(()),
            false => Err(Error::speed(self.speed)),
        }
    }

    pub(crate) fn start(&self) -> Timestamp {
        self.start.unwrap_or(Timestamp::of(0))
    }

    /// The time on the clock when the org starts.
    pub(crate) fn first_time(&self) -> Timestamp {
        self.at.as_deref().and_then(Timestamp::parse).unwrap_or(self.start())
    }

    pub(crate) fn seconds_per_second(&self) -> f64 {
        self.speed
    }

    /// The time between two conversations; `None` if there are none.
    pub(super) fn event_period(&self) -> Option<Duration> {
        period(self.events_per_day)
    }

    pub(super) fn lateness(&self) -> Duration {
        self.late_by.min(24 * HOUR)
    }

    pub(crate) fn delay(&self) -> Duration {
        self.data_delay
    }

    /// The time between two changes of a list; `None` if nothing changes.
    pub(super) fn period(&self) -> Option<Duration> {
        period(self.changes_per_day)
    }
}

/// The interval between events at this number per day.
fn period(per_day: u64) -> Option<Duration> {
    let day = (24 * HOUR).as_millis() as u64;
    Some(Duration::from_millis(day.checked_div(per_day)?.max(1)))
}
