//! Time intervals.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, TimeZone, Utc};

use crate::Error;
use crate::wire::parse_instant;

/// A half-open time interval: it includes the start and excludes the end. The precision is one millisecond, as in the
/// API: a finer start is rounded down, and a finer end is rounded up.
///
/// It is formatted in the ISO 8601 form of the API, such as `2024-05-01T00:00:00Z/2024-06-01T00:00:00Z`.
///
/// ```
/// use chrono::{TimeZone as _, Utc};
/// use genesys_cloud_core::Interval;
///
/// let may = Utc.with_ymd_and_hms(2024, 5, 1, 0, 0, 0).unwrap();
/// let june = Utc.with_ymd_and_hms(2024, 6, 1, 0, 0, 0).unwrap();
/// assert_eq!(Interval::from(may..june), Interval::new(may, june));
///
/// let read: Interval = "2024-05-01/2024-06-01".parse()?;
/// assert_eq!(read, Interval::new(may, june));
/// # Ok::<(), genesys_cloud_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Interval {
    /// Creates the interval from `start` up to `end`.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Self {
        let to = round_down(end);
        let raised = (to < end).then(|| to.checked_add_signed(TimeDelta::milliseconds(1)));
        Self { start: round_down(start), end: raised.flatten().unwrap_or(to) }
    }

    /// Returns the start.
    pub const fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// Returns the end, which is not in the interval.
    pub const fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// Returns the length, which is zero if the end is before the start.
    pub fn length(&self) -> Duration {
        (self.end - self.start).to_std().unwrap_or_default()
    }
}

/// Formats a duration in the largest unit of which it is a whole number.
pub(crate) fn in_words(length: Duration) -> String {
    let millis = length.as_millis();
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second")];
    let unit = units.into_iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "millisecond"));
    match millis / unit {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

/// Rounds down to milliseconds. A leap second becomes the next second, because the API accepts none.
fn round_down(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}

/// Accepts any time zone.
impl<Z: TimeZone> From<Range<DateTime<Z>>> for Interval {
    fn from(range: Range<DateTime<Z>>) -> Self {
        Self::new(range.start.to_utc(), range.end.to_utc())
    }
}

/// Parses `start/end`. Each is a date, or an ISO 8601 date-time as the API writes them, with optional offset, seconds
/// and fraction. Without an offset it is in UTC; a date means midnight. Parsing the [`Display`](fmt::Display) output
/// gives the same interval.
///
/// ```
/// use genesys_cloud_core::Interval;
///
/// let day: Interval = "2026-05-01T00:00:00+02:00/2026-05-02T00:00:00+02:00".parse()?;
/// assert_eq!(day.to_string(), "2026-04-30T22:00:00Z/2026-05-01T22:00:00Z");
///
/// let month: Interval = "2026-05-01/2026-06-01".parse()?;
/// assert_eq!(month.to_string(), "2026-05-01T00:00:00Z/2026-06-01T00:00:00Z");
/// # Ok::<(), genesys_cloud_core::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) if the text is malformed, or the end is not after the start.
impl FromStr for Interval {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (start, end) = text.split_once('/').ok_or_else(|| {
            Error::config(format!(
                "{text:?} is not an interval; write it as start/end, such as 2024-05-01/2024-06-01 or \
                 2024-05-01T06:00:00Z/2024-05-01T18:00:00Z"
            ))
        })?;
        let interval = Self::new(read(start.trim())?, read(end.trim())?);
        match interval.start < interval.end {
            true => Ok(interval),
            false => {
                Err(Error::config(format!("the interval {interval} does not end after its start")))
            }
        }
    }
}

fn read(text: &str) -> Result<DateTime<Utc>, Error> {
    parse_instant(text).ok_or_else(|| {
        Error::config(format!(
            "{text:?} is not a date or date-time, such as 2024-05-01 or 2024-05-01T06:00:00Z"
        ))
    })
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
    use crate::error::ErrorKind;

    #[test]
    fn formats_durations_in_the_largest_unit() {
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
    fn parses_dates_and_date_times() {
        for (text, expected) in [
            ("2026-05-01/2026-06-01", "2026-05-01T00:00:00Z/2026-06-01T00:00:00Z"),
            (" 2026-05-01 / 2026-06-01 ", "2026-05-01T00:00:00Z/2026-06-01T00:00:00Z"),
            ("2026-05-01/2026-05-01T06:00:00Z", "2026-05-01T00:00:00Z/2026-05-01T06:00:00Z"),
            (
                "2026-05-01T00:00:00Z/2026-06-01T00:00:00Z",
                "2026-05-01T00:00:00Z/2026-06-01T00:00:00Z",
            ),
            (
                "2026-05-01T00:00:00.000Z/2026-05-01T00:00:00.250Z",
                "2026-05-01T00:00:00Z/2026-05-01T00:00:00.250Z",
            ),
            (
                "2026-05-01T02:00:00.000+0200/2026-05-01T18:00Z",
                "2026-05-01T00:00:00Z/2026-05-01T18:00:00Z",
            ),
            (
                "2026-05-01T02:00:00+02:00/2026-05-01T18:00:00",
                "2026-05-01T00:00:00Z/2026-05-01T18:00:00Z",
            ),
        ] {
            let interval: Interval = text.parse().expect(text);
            assert_eq!(interval.to_string(), expected, "{text}");
            assert_eq!(expected.parse::<Interval>().expect(expected), interval);
        }
    }

    #[test]
    fn rejects_malformed_intervals() {
        for (text, why) in [
            ("", "write it as start/end"),
            ("2026-05-01", "write it as start/end"),
            ("/", "\"\" is not a date or date-time"),
            ("a/b", "\"a\" is not a date or date-time"),
            ("2026-05-01/2026-05-32", "\"2026-05-32\" is not a date or date-time"),
            ("2026-05-01/2026-05-02/2026-05-03", "\"2026-05-02/2026-05-03\" is not a date"),
            ("2026-05-01/P1D", "\"P1D\" is not a date or date-time"),
            ("1746057600/1748736000", "\"1746057600\" is not a date"),
            ("2026-06-01/2026-05-01", "does not end after its start"),
            ("2026-05-01/2026-05-01", "does not end after its start"),
            ("2026-05-01T02:00:00+02:00/2026-05-01T00:00:00Z", "does not end after its start"),
        ] {
            let error = text.parse::<Interval>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Config, "{text}");
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn formats_intervals_for_the_api() {
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
            // Rounding never excludes an instant.
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
