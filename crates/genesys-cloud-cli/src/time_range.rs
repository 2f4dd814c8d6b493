//! Time ranges as the command line writes them: absolute, or relative to the time at which the command runs.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use genesys_cloud_core::Interval;

use crate::time_zone::Zone;

const FORM: &str = "write it as start/end, such as 2024-05-01/2024-06-01, 2024-05-01/P1D or -7d/now; \
                    or as today or yesterday";

/// A time range as text. It has an interval once the time and the time zone are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimeRange {
    text: String,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// From the start of the day until now.
    Today,
    Yesterday,
    Between(Point, Point),
    /// From a point, for a length.
    From(Point, Length),
    /// For a length, until a point.
    Until(Length, Point),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    Now,
    /// The start of a day, by its distance from today.
    Day(i64),
    /// Before now.
    Ago(Length),
    Date(NaiveDate),
    /// A time without an offset.
    Local(NaiveDateTime),
    Instant(DateTime<Utc>),
}

/// A length of time. Months and days are those of the calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Length {
    months: i32,
    days: i64,
    seconds: i64,
}

impl TimeRange {
    /// Returns whether the interval depends on the time at which the command runs.
    pub(crate) fn is_relative(&self) -> bool {
        let is = |point| matches!(point, Point::Now | Point::Day(_) | Point::Ago(_));
        match self.form {
            Form::Today | Form::Yesterday => true,
            Form::Between(start, end) => is(start) || is(end),
            Form::From(point, _) | Form::Until(_, point) => is(point),
        }
    }

    /// Returns the interval.
    ///
    /// # Errors
    /// If a time does not exist in the zone, or the end is not after the start.
    pub(crate) fn interval(&self, now: DateTime<Utc>, zone: Zone) -> Result<Interval, String> {
        let at = |point: Point| point.at(now, zone);
        let (start, end) = match self.form {
            Form::Today => (at(Point::Day(0))?, now),
            Form::Yesterday => (at(Point::Day(-1))?, at(Point::Day(0))?),
            Form::Between(start, end) => (at(start)?, at(end)?),
            Form::From(start, length) => (at(start)?, length.after(at(start)?, zone, 1)?),
            Form::Until(length, end) => (length.after(at(end)?, zone, -1)?, at(end)?),
        };
        let interval = Interval::new(start, end);
        match interval.start() < interval.end() {
            true => Ok(interval),
            false => Err(format!("the interval {interval} does not end after its start")),
        }
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for TimeRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = match (text.trim(), text.split_once('/')) {
            ("today", _) => Form::Today,
            ("yesterday", _) => Form::Yesterday,
            (_, None) => return Err(FORM.to_owned()),
            (_, Some((start, end))) => match (start.trim(), end.trim()) {
                (start, end) if start.starts_with('P') && end.starts_with('P') => {
                    return Err(format!("only one side can be a length; {FORM}"));
                }
                (start, end) if end.starts_with('P') => Form::From(start.parse()?, iso(end)?),
                (start, end) if start.starts_with('P') => Form::Until(iso(start)?, end.parse()?),
                (start, end) => Form::Between(start.parse()?, end.parse()?),
            },
        };
        Ok(Self { text: text.trim().to_owned(), form })
    }
}

impl Point {
    fn at(self, now: DateTime<Utc>, zone: Zone) -> Result<DateTime<Utc>, String> {
        let far = || "the time is too far away".to_owned();
        match self {
            Self::Now => Ok(now),
            Self::Day(distance) => {
                let day = zone.date(now).checked_add_signed(TimeDelta::days(distance));
                day.and_then(|day| zone.start_of(day)).ok_or_else(far)
            }
            Self::Ago(length) => length.after(now, zone, -1),
            Self::Date(day) => zone.start_of(day).ok_or_else(far),
            Self::Local(local) => {
                zone.only(local).map_err(|why| format!("{why}; add an offset, such as +02:00"))
            }
            Self::Instant(time) => Ok(time),
        }
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "now" => return Ok(Self::Now),
            "today" => return Ok(Self::Day(0)),
            "yesterday" => return Ok(Self::Day(-1)),
            _ => {}
        }
        if let Some(length) = text.strip_prefix('-') {
            return ago(length).map(Self::Ago);
        }
        if let Ok(day) = text.parse() {
            return Ok(Self::Date(day));
        }
        for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
            if let Ok(local) = NaiveDateTime::parse_from_str(text, form) {
                return Ok(Self::Local(local));
            }
        }
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Instant(time.to_utc()));
        }
        // Other forms with an offset.
        match format!("{text}/9999-12-31").parse::<Interval>() {
            Ok(interval) => Ok(Self::Instant(interval.start())),
            Err(_) => Err(format!(
                "{text:?} is not a time, such as 2024-05-01, 2024-05-01T06:00:00Z, now, today, yesterday or -7d"
            )),
        }
    }
}

impl Length {
    /// Moves a time by this length, `sign` times.
    fn after(self, time: DateTime<Utc>, zone: Zone, sign: i8) -> Result<DateTime<Utc>, String> {
        let by = i64::from(sign);
        // The fields are limited by `number`.
        let moved = zone.add(time, self.months * i32::from(sign), self.days * by);
        moved
            .and_then(|time| time.checked_add_signed(TimeDelta::seconds(self.seconds * by)))
            .ok_or_else(|| "the time is too far away".to_owned())
    }

    /// Adds a number of a unit.
    fn add(&mut self, number: i64, unit: char, is_time: bool) -> Option<()> {
        match (unit, is_time) {
            ('Y', false) => self.months += i32::try_from(number * 12).ok()?,
            ('M', false) => self.months += i32::try_from(number).ok()?,
            ('W', false) => self.days += number * 7,
            ('D', false) => self.days += number,
            ('H', true) => self.seconds += number * 3_600,
            ('M', true) => self.seconds += number * 60,
            ('S', true) => self.seconds += number,
            _ => return None,
        }
        Some(())
    }
}

/// Parses the length before now: `7d`, `6h`, `30m` or `2w`.
fn ago(text: &str) -> Result<Length, String> {
    let wrong =
        || format!("\"-{text}\" is not a time before now, such as -2w, -7d, -6h, -30m or -90s");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number = number(&text[..text.len() - unit.len_utf8()]).ok_or_else(wrong)?;
    let is_time = matches!(unit, 'h' | 'm' | 's');
    if !is_time && !matches!(unit, 'd' | 'w') {
        return Err(wrong());
    }
    let mut length = Length::default();
    length.add(number, unit.to_ascii_uppercase(), is_time).ok_or_else(wrong)?;
    Ok(length)
}

/// Parses an ISO 8601 duration: `P1D`, `PT6H`, `P1M` or `P1DT12H`.
fn iso(text: &str) -> Result<Length, String> {
    let wrong = || format!("{text:?} is not a length, such as P1D, P1W, P1M or PT6H");
    let mut length = Length::default();
    let (mut digits, mut is_time, mut units) = (String::new(), false, "YMWD");
    for letter in text.strip_prefix('P').ok_or_else(wrong)?.chars() {
        match letter {
            'T' if !is_time && digits.is_empty() => (is_time, units) = (true, "HMS"),
            digit if digit.is_ascii_digit() => digits.push(digit),
            unit => {
                // Each unit occurs once, the largest first.
                let (_, smaller) = units.split_once(unit).ok_or_else(wrong)?;
                units = smaller;
                let number = number(&digits).ok_or_else(wrong)?;
                length.add(number, unit, is_time).ok_or_else(wrong)?;
                digits.clear();
            }
        }
    }
    let is_whole = digits.is_empty() && length != Length::default() && !text.ends_with('T');
    is_whole.then_some(length).ok_or_else(wrong)
}

/// Parses a whole number with at most six digits, so that no sum overflows.
fn number(digits: &str) -> Option<i64> {
    let is_number = (1..=6).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(text: &str, now: &str, zone: &str) -> Result<String, String> {
        let now = now.parse().expect(now);
        let range: TimeRange = text.parse()?;
        range.interval(now, zone.parse().expect(zone)).map(|it| it.to_string())
    }

    #[test]
    fn ranges_in_a_time_zone() {
        const BERLIN: &str = "Europe/Berlin";
        // 1:30 on May 5 in Berlin.
        const NOW: &str = "2026-05-04T23:30:00Z";
        for (text, zone, expected) in [
            ("yesterday", "UTC", "2026-05-03T00:00:00Z/2026-05-04T00:00:00Z"),
            ("yesterday", BERLIN, "2026-05-03T22:00:00Z/2026-05-04T22:00:00Z"),
            ("today", "UTC", "2026-05-04T00:00:00Z/2026-05-04T23:30:00Z"),
            ("today", BERLIN, "2026-05-04T22:00:00Z/2026-05-04T23:30:00Z"),
            ("-7d/now", "UTC", "2026-04-27T23:30:00Z/2026-05-04T23:30:00Z"),
            ("-2w/-1w", "UTC", "2026-04-20T23:30:00Z/2026-04-27T23:30:00Z"),
            ("-90m/-30s", BERLIN, "2026-05-04T22:00:00Z/2026-05-04T23:29:30Z"),
            ("P7D/today", BERLIN, "2026-04-27T22:00:00Z/2026-05-04T22:00:00Z"),
            ("yesterday/now", BERLIN, "2026-05-03T22:00:00Z/2026-05-04T23:30:00Z"),
            ("2026-05-03/P1D", "UTC", "2026-05-03T00:00:00Z/2026-05-04T00:00:00Z"),
            ("2026-05-03/P1D", BERLIN, "2026-05-02T22:00:00Z/2026-05-03T22:00:00Z"),
            ("2026-05-01/2026-06-01", BERLIN, "2026-04-30T22:00:00Z/2026-05-31T22:00:00Z"),
            ("2026-05-01T12:00/PT6H", BERLIN, "2026-05-01T10:00:00Z/2026-05-01T16:00:00Z"),
            ("2026-05-01T12:00:00Z/P1DT12H", BERLIN, "2026-05-01T12:00:00Z/2026-05-03T00:00:00Z"),
            ("2026-05-01T12:00+0200/now", BERLIN, "2026-05-01T10:00:00Z/2026-05-04T23:30:00Z"),
            ("P1M/2026-06-01", "UTC", "2026-05-01T00:00:00Z/2026-06-01T00:00:00Z"),
            (" 2026-01-01 / P1Y ", "UTC", "2026-01-01T00:00:00Z/2027-01-01T00:00:00Z"),
        ] {
            assert_eq!(interval(text, NOW, zone).as_deref(), Ok(expected), "{text} in {zone}");
        }
    }

    #[test]
    fn days_are_those_of_the_zone_when_the_clocks_change() {
        for (text, now, expected) in [
            // 23 hours.
            ("yesterday", "2026-03-30T06:00:00Z", "2026-03-28T23:00:00Z/2026-03-29T22:00:00Z"),
            ("2026-03-29/P1D", "2026-05-01T00:00:00Z", "2026-03-28T23:00:00Z/2026-03-29T22:00:00Z"),
            // 25 hours.
            ("yesterday", "2026-10-26T06:00:00Z", "2026-10-24T22:00:00Z/2026-10-25T23:00:00Z"),
            ("2026-10-25/P1D", "2026-05-01T00:00:00Z", "2026-10-24T22:00:00Z/2026-10-25T23:00:00Z"),
            // Days keep the time on the clock; hours do not.
            ("-1d/now", "2026-03-29T10:00:00Z", "2026-03-28T11:00:00Z/2026-03-29T10:00:00Z"),
            ("-24h/now", "2026-03-29T10:00:00Z", "2026-03-28T10:00:00Z/2026-03-29T10:00:00Z"),
        ] {
            let found = interval(text, now, "Europe/Berlin");
            assert_eq!(found.as_deref(), Ok(expected), "{text} at {now}");
        }
    }

    #[test]
    fn absolute_ranges_are_those_of_the_sdk() {
        for text in [
            "2026-05-01/2026-06-01",
            "2026-05-01/2026-05-01T06:00:00Z",
            "2026-05-01T00:00:00.000Z/2026-05-01T00:00:00.250Z",
            "2026-05-01T02:00:00.000+0200/2026-05-01T18:00Z",
            "2026-05-01T02:00:00+02:00/2026-05-01T18:00:00",
            "2026-05-01T00:00:00.2509Z/2026-05-02T00:00:00.0001Z",
        ] {
            let expected: Interval = text.parse().expect(text);
            let found = interval(text, "2026-05-04T23:30:00Z", "UTC");
            assert_eq!(found, Ok(expected.to_string()), "{text}");
        }
    }

    #[test]
    fn only_relative_ranges_depend_on_the_time() {
        for (text, is_relative) in [
            ("today", true),
            ("yesterday", true),
            ("-7d/now", true),
            ("2026-05-01/now", true),
            ("P1D/today", true),
            ("yesterday/P1D", true),
            ("2026-05-01/2026-06-01", false),
            ("2026-05-01/P1D", false),
            ("P1D/2026-05-01T00:00:00Z", false),
        ] {
            let range: TimeRange = text.parse().expect(text);
            assert_eq!((range.is_relative(), range.to_string()), (is_relative, text.to_owned()));
        }
    }

    #[test]
    fn rejects_malformed_ranges() {
        for (text, part) in [
            ("", "write it as start/end"),
            ("2026-05-01", "write it as start/end"),
            ("-7d", "write it as start/end"),
            ("tomorrow", "write it as start/end"),
            ("P1D", "write it as start/end"),
            ("P1D/P1D", "only one side can be a length"),
            ("/", "\"\" is not a time"),
            ("a/b", "\"a\" is not a time"),
            ("Now/now", "\"Now\" is not a time"),
            ("2026-05-01/2026-05-32", "\"2026-05-32\" is not a time"),
            ("2026-05-01/2026-05-02/2026-05-03", "\"2026-05-02/2026-05-03\" is not a time"),
            ("-7/now", "\"-7\" is not a time before now"),
            ("-d/now", "\"-d\" is not a time before now"),
            ("-7M/now", "\"-7M\" is not a time before now"),
            ("-9999999d/now", "is not a time before now"),
            ("-1\u{e4}/now", "is not a time before now"),
            ("2026-05-01/P", "\"P\" is not a length"),
            ("2026-05-01/PT", "\"PT\" is not a length"),
            ("2026-05-01/P1DT", "\"P1DT\" is not a length"),
            ("2026-05-01/P1", "\"P1\" is not a length"),
            ("2026-05-01/P1H", "\"P1H\" is not a length"),
            ("2026-05-01/P1D1M", "\"P1D1M\" is not a length"),
            ("2026-05-01/P0D", "\"P0D\" is not a length"),
            ("2026-05-01/P-1D", "\"P-1D\" is not a length"),
            ("2026-06-01/2026-05-01", "does not end after its start"),
            ("2026-05-01/2026-05-01", "does not end after its start"),
            ("now/now", "does not end after its start"),
            ("P999999Y/2026-05-01", "is too far away"),
            ("2026-03-29T02:30/P1D", "does not exist in Europe/Berlin"),
            ("P1D/2026-10-25T02:30", "occurs twice in Europe/Berlin"),
        ] {
            let why = interval(text, "2026-05-04T23:30:00Z", "Europe/Berlin").expect_err(text);
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
