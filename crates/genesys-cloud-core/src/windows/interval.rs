//! A stretch of time, as operations take it.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, TimeZone, Utc};

/// From one point in time up to another, which is not in it. Both are exact to the millisecond, as the API
/// is: a finer start is cut, and a finer end is raised.
///
/// Its text is the ISO 8601 form that the API takes, such as `2024-05-01T00:00:00Z/2024-06-01T00:00:00Z`.
///
/// ```
/// use chrono::{TimeZone as _, Utc};
/// use genesys_cloud_core::Interval;
///
/// let may = Utc.with_ymd_and_hms(2024, 5, 1, 0, 0, 0).unwrap();
/// let june = Utc.with_ymd_and_hms(2024, 6, 1, 0, 0, 0).unwrap();
/// assert_eq!(Interval::from(may..june), Interval::new(may, june));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Interval {
    /// From `start` up to `end`.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Self {
        let to = cut(end);
        let raised = (to < end).then(|| to.checked_add_signed(TimeDelta::milliseconds(1)));
        Self { start: cut(start), end: raised.flatten().unwrap_or(to) }
    }

    /// When it begins.
    pub const fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// When it has ended.
    pub const fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// How long it is. Nothing, where it ends before it begins.
    pub fn length(&self) -> Duration {
        (self.end - self.start).to_std().unwrap_or_default()
    }
}

/// A length as it is told: in the largest unit of which it is a whole number.
pub(super) fn in_words(length: Duration) -> String {
    let millis = length.as_millis();
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")];
    let unit = units.into_iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "millisecond"));
    match millis / unit {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

/// To whole milliseconds. A leap second becomes the one after it: the API takes none.
fn cut(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}

/// In any time zone: its days begin where those of the zone do.
impl<Z: TimeZone> From<Range<DateTime<Z>>> for Interval {
    fn from(range: Range<DateTime<Z>>) -> Self {
        Self::new(range.start.to_utc(), range.end.to_utc())
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        write!(f, "{}/{}", text(self.start), text(self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_their_largest_unit() {
        for (length, text) in [
            (Duration::from_hours(31 * 24), "31 days"),
            (Duration::from_hours(36), "36 hours"),
            (Duration::from_mins(1), "1 minute"),
            (Duration::from_secs(90), "90 seconds"),
            (Duration::from_millis(1500), "1500 milliseconds"),
            (Duration::from_millis(1), "1 millisecond"),
            (Duration::ZERO, "0 milliseconds"),
        ] {
            assert_eq!(in_words(length), text);
        }
    }

    #[test]
    fn it_is_written_as_the_api_takes_it() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).expect("a time").to_utc();
        for (start, end, text) in [
            (
                "2024-05-01T02:00:00+02:00",
                "2024-05-02T00:00:00Z",
                "2024-05-01T00:00:00Z/2024-05-02T00:00:00Z",
            ),
            (
                "2024-05-01T00:00:00.25Z",
                "2024-05-02T00:00:00Z",
                "2024-05-01T00:00:00.250Z/2024-05-02T00:00:00Z",
            ),
            (
                "2016-12-31T23:59:60Z",
                "2016-12-31T23:59:60.5Z",
                "2017-01-01T00:00:00Z/2017-01-01T00:00:00.500Z",
            ),
            // No instant is left out.
            (
                "2024-05-01T00:00:00.2509Z",
                "2024-05-02T00:00:00.0001Z",
                "2024-05-01T00:00:00.250Z/2024-05-02T00:00:00.001Z",
            ),
        ] {
            assert_eq!(Interval::new(at(start), at(end)).to_string(), text);
        }
        let zoned = |text: &str| DateTime::parse_from_rfc3339(text).expect("a time");
        let day = zoned("2024-05-01T00:00:00+05:45")..zoned("2024-05-02T00:00:00+05:45");
        assert_eq!(Interval::from(day).to_string(), "2024-04-30T18:15:00Z/2024-05-01T18:15:00Z");
        let backwards = Interval::new(at("2024-05-02T00:00:00Z"), at("2024-05-01T00:00:00Z"));
        assert_eq!(backwards.length(), Duration::ZERO);
        let last = DateTime::<Utc>::MAX_UTC;
        assert!(Interval::new(last, last).end() <= last);
    }
}
