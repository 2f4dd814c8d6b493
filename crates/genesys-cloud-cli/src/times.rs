//! Stretches of time as a user writes them.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use genesys_cloud_catalogue::{Catalogue, Operation as Entry};
use genesys_cloud_core::{Interval, Place};

/// From one date or date-time to another, such as `2024-05-01/2024-06-01`. The end is not in it.
pub(crate) fn interval(text: &str) -> Result<Interval, String> {
    let form = "write it as start/end, such as 2024-05-01/2024-06-01 or 2024-05-01T06:00:00Z/2024-05-01T18:00:00Z";
    let (start, end) = text.split_once('/').ok_or(form)?;
    let (start, end) = (time(start)?, time(end)?);
    match start < end {
        true => Ok(Interval::new(start, end)),
        false => Err("it ends before it begins".to_owned()),
    }
}

/// Dates are midnight, and times without an offset are, in UTC.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    let date =
        || text.parse::<NaiveDate>().ok().map(|date| date.and_time(NaiveTime::MIN).and_utc());
    let local = || text.parse::<NaiveDateTime>().ok().map(|time| time.and_utc());
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.to_utc())
        .or_else(date)
        .or_else(local)
        .ok_or_else(|| format!("`{text}` is no date or date-time"))
}

/// A time such as `30s`, `15m`, `6h`, `1d` or `2w`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.chars().last().ok_or("write it as 30s, 15m, 6h, 1d or 2w")?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err("write it as 30s, 15m, 6h, 1d or 2w".to_owned()),
    };
    let number: u64 = text[..text.len() - 1]
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` has no whole number in front of its unit"))?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is too long"))
}

/// A time as a person reads it, such as `1:02:03` or `4:05`.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Where an operation takes an interval: its query parameter, or the field of its body.
pub(crate) fn place(entry: &Entry) -> Option<Place> {
    if entry.parameter("interval").is_some() {
        return Some(Place::query("interval"));
    }
    let body = Catalogue::embedded().resolve(&entry.body.as_ref()?.schema);
    body.property("interval").map(|_| Place::body("interval"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        for (text, expected) in [
            ("2024-05-01/2024-06-01", "2024-05-01T00:00:00Z/2024-06-01T00:00:00Z"),
            (
                "2024-05-01T02:00:00+02:00/2024-05-01T18:00:00",
                "2024-05-01T00:00:00Z/2024-05-01T18:00:00Z",
            ),
        ] {
            assert_eq!(interval(text).expect(text).to_string(), expected);
        }
        for text in ["2024-05-01", "2024-06-01/2024-05-01", "2024-05-01/2024-05-01", "a/b", "/", ""]
        {
            assert!(interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, seconds) in
            [("30s", 30), ("15m", 900), ("6h", 21_600), ("1d", 86_400), ("2w", 1_209_600)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "d", "1", "1x", "-1d", "1.5d", "99999999999999999999w", "9999999999999999999w"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(clock(Duration::from_secs(65)), "1:05");
        assert_eq!(clock(Duration::from_secs(3_723)), "1:02:03");
    }
}
