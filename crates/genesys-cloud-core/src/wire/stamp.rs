//! Dates and times as text, in the forms that the API sends.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};

/// Java's text for the largest and smallest number of milliseconds, which services use for "never".
const NEVER: [&str; 2] = ["+292278994-08-17T07:12:55.807Z", "-292275055-05-16T16:47:04.192Z"];

/// A number with fewer digits may be a date without dashes.
const LEAST_MILLIS: usize = 11;

/// A date, with time and offset if the text has them.
///
/// The API mostly writes `2024-05-01T12:30:00.000Z`. Other forms in use: an offset instead of `Z` (`+02:00`, `+0200`), no
/// zone (meaning UTC), no seconds, a space instead of `T`, only a date, milliseconds since 1970, with or without a
/// fraction, and signed years of more than four digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stamp {
    day: Day,
    time: NaiveTime,
    /// East of UTC, in seconds.
    offset: i32,
    /// Whether the text had digits beyond nanoseconds.
    is_finer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Day {
    Known(NaiveDate),
    /// Beyond the years that chrono supports, about 262,000 in both directions.
    Future,
    Past,
}

/// A point in time, a date or a local time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Read<T> {
    /// The value, clamped to the supported range.
    pub value: T,
    /// Whether the value was clamped.
    pub is_far: bool,
    /// Whether digits beyond nanoseconds were dropped.
    pub is_finer: bool,
}

impl<T> Read<T> {
    fn exact(value: T) -> Self {
        Self { value, is_far: false, is_finer: false }
    }

    fn far(is_future: bool, furthest: [T; 2]) -> Self {
        let [last, first] = furthest;
        Self { value: if is_future { last } else { first }, is_far: true, is_finer: false }
    }
}

impl Stamp {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        if let Some(millis) = millis(text) {
            return Some(Self::of_millis(millis));
        }
        let mut rest = Rest(text.as_bytes());
        let day = rest.day()?;
        let midnight = Self { day, time: NaiveTime::MIN, offset: 0, is_finer: false };
        if rest.0.is_empty() {
            return Some(midnight);
        }
        rest.one_of(b"Tt ")?;
        let (time, is_finer) = rest.time()?;
        let offset = rest.offset()?;
        rest.0.is_empty().then_some(Self { time, offset, is_finer, ..midnight })
    }

    pub(crate) fn of_millis(millis: i64) -> Self {
        let far = if millis > 0 { Day::Future } else { Day::Past };
        match DateTime::from_timestamp_millis(millis) {
            Some(time) => Self::of_utc(time),
            None => Self { day: far, time: NaiveTime::MIN, offset: 0, is_finer: false },
        }
    }

    /// Milliseconds with a fraction. `None` for NaN.
    pub(crate) fn of_fraction(millis: f64) -> Option<Self> {
        if millis.is_nan() {
            return None;
        }
        // The cast saturates.
        let whole = Self::of_millis(millis.floor() as i64);
        let fraction = millis - millis.floor();
        if fraction == 0.0 || !fraction.is_finite() {
            return Some(whole);
        }
        let Day::Known(_) = whole.day else { return Some(whole) };
        let nanos = TimeDelta::nanoseconds((fraction * 1e6) as i64);
        Some(whole.instant().value.checked_add_signed(nanos).map_or(whole, Self::of_utc))
    }

    fn of_utc(time: DateTime<Utc>) -> Self {
        let local = time.naive_utc();
        Self { day: Day::Known(local.date()), time: local.time(), offset: 0, is_finer: false }
    }

    /// Returns the point in time.
    pub(crate) fn instant(self) -> Read<DateTime<Utc>> {
        let furthest = [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC];
        match self.day {
            Day::Known(day) => {
                let local = day.and_time(self.time);
                let utc = local.checked_sub_signed(TimeDelta::seconds(self.offset.into()));
                match utc {
                    Some(utc) => {
                        Read { value: utc.and_utc(), is_far: false, is_finer: self.is_finer }
                    }
                    None => Read::far(self.offset < 0, furthest),
                }
            }
            far => Read::far(far == Day::Future, furthest),
        }
    }

    /// Returns the date in the text, whatever its offset.
    pub(crate) fn date(self) -> Read<NaiveDate> {
        match self.day {
            Day::Known(day) => Read::exact(day),
            far => Read::far(far == Day::Future, [NaiveDate::MAX, NaiveDate::MIN]),
        }
    }

    /// Returns date and time in the text, whatever their offset.
    pub(crate) fn local(self) -> Read<NaiveDateTime> {
        match self.day {
            Day::Known(day) => {
                Read { value: day.and_time(self.time), is_far: false, is_finer: self.is_finer }
            }
            far => Read::far(far == Day::Future, [NaiveDateTime::MAX, NaiveDateTime::MIN]),
        }
    }
}

/// Parses a point in time.
pub(crate) fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    Stamp::parse(text).map(|stamp| stamp.instant().value)
}

/// Parses milliseconds since 1970 from a text.
fn millis(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.len() >= LEAST_MILLIS && digits.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| {
        let furthest = if text.starts_with('-') { i64::MIN } else { i64::MAX };
        text.parse().unwrap_or(furthest)
    })
}

/// The unparsed rest of a text.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first().filter(|(first, _)| allowed.contains(first))?;
        self.0 = rest;
        Some(*first)
    }

    /// Parses a number with at least `least` and at most `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let digits = self.0.iter().take(most).take_while(|it| it.is_ascii_digit()).count();
        if digits < least {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some(number.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    fn day(&mut self) -> Option<Day> {
        let sign = self.one_of(b"+-");
        let year = i32::try_from(self.number(4, if sign.is_some() { 9 } else { 4 })?).ok()?;
        let year = if sign == Some(b'-') { -year } else { year };
        self.one_of(b"-")?;
        let month = self.number(2, 2)?;
        self.one_of(b"-")?;
        let day = self.number(2, 2)?;
        if let Some(date) = NaiveDate::from_ymd_opt(year, month, day) {
            return Some(Day::Known(date));
        }
        // Validate the date in a supported year; the calendar repeats every 400 years.
        NaiveDate::from_ymd_opt(year.rem_euclid(400) + 2000, month, day)?;
        Some(if year > 0 { Day::Future } else { Day::Past })
    }

    /// Parses a time of day. The flag says whether it has digits beyond nanoseconds.
    fn time(&mut self) -> Option<(NaiveTime, bool)> {
        let hour = self.number(2, 2)?;
        self.one_of(b":")?;
        let minute = self.number(2, 2)?;
        if self.one_of(b":").is_none() {
            return Some((NaiveTime::from_hms_opt(hour, minute, 0)?, false));
        }
        let second = self.number(2, 2)?;
        let (nanos, is_finer) = match self.one_of(b".,") {
            Some(_) => self.fraction()?,
            None => (0, false),
        };
        // chrono represents a leap second as a longer second 59.
        let (second, nanos) =
            if second == 60 { (59, nanos + 1_000_000_000) } else { (second, nanos) };
        Some((NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?, is_finer))
    }

    /// Parses the digits after the decimal point as nanoseconds.
    fn fraction(&mut self) -> Option<(u32, bool)> {
        let before = self.0.len();
        let nanos = self.number(1, 9)?;
        let digits = u32::try_from(before - self.0.len()).ok()?;
        let mut is_finer = false;
        while let Some(digit) = self.one_of(b"0123456789") {
            is_finer |= digit != b'0';
        }
        Some((nanos * 10_u32.pow(9 - digits), is_finer))
    }

    /// Parses the offset in seconds. The default is UTC.
    fn offset(&mut self) -> Option<i32> {
        while self.one_of(b" ").is_some() {}
        if self.0.is_empty() || self.one_of(b"Zz").is_some() {
            return Some(0);
        }
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.number(2, 2)?;
        let minutes = match self.0.is_empty() {
            true => 0,
            false => {
                self.one_of(b":");
                self.number(2, 2)?
            }
        };
        let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        (hours < 24 && minutes < 60).then_some(sign * seconds)
    }
}

/// Formats a point in time as `2024-05-01T12:30:00.000Z`, the form that the API documents. A higher precision is kept
/// rather than cut.
pub(crate) fn instant_text(time: &DateTime<Utc>) -> String {
    if let Some(never) = never(*time, [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC]) {
        return never.to_owned();
    }
    let is_in_millis = time.timestamp_subsec_nanos().is_multiple_of(1_000_000);
    let form = if is_in_millis { SecondsFormat::Millis } else { SecondsFormat::AutoSi };
    time.to_rfc3339_opts(form, true)
}

/// Formats a local time.
pub(crate) fn local_text(time: &NaiveDateTime) -> String {
    if let Some(never) = never(*time, [NaiveDateTime::MAX, NaiveDateTime::MIN]) {
        return never.trim_end_matches('Z').to_owned();
    }
    let is_in_millis = time.and_utc().timestamp_subsec_nanos().is_multiple_of(1_000_000);
    let form = if is_in_millis { "%Y-%m-%dT%H:%M:%S%.3f" } else { "%Y-%m-%dT%H:%M:%S%.f" };
    time.format(form).to_string()
}

/// Formats a date.
pub(crate) fn date_text(date: &NaiveDate) -> String {
    match never(*date, [NaiveDate::MAX, NaiveDate::MIN]).and_then(|it| it.split('T').next()) {
        Some(never) => never.to_owned(),
        None => date.to_string(),
    }
}

/// Returns the text for a time at the end of the supported range.
fn never<T: PartialEq>(time: T, furthest: [T; 2]) -> Option<&'static str> {
    let at = furthest.iter().position(|it| *it == time)?;
    NEVER.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Option<String> {
        Stamp::parse(text).map(|stamp| instant_text(&stamp.instant().value))
    }

    #[test]
    fn reads_every_form_as_a_time_a_date_and_a_local_time() {
        for text in [
            "2024-05-01T12:30:00Z",
            "2024-05-01T12:30:00.000Z",
            "2024-05-01T12:30:00,000000z",
            "2024-05-01T12:30:00",
            "2024-05-01t12:30:00.000",
            "2024-05-01T12:30",
            "2024-05-01T12:30Z",
            "2024-05-01 12:30:00",
            "2024-05-01 12:30:00 +0000",
            " 2024-05-01T12:30:00.000+0000\n",
            "2024-05-01T12:30:00.000000000000+00:00",
            "+2024-05-01T12:30:00-00",
            "1714566600000",
        ] {
            let stamp = Stamp::parse(text).expect(text);
            assert_eq!(instant_text(&stamp.instant().value), "2024-05-01T12:30:00.000Z", "{text}");
            assert_eq!(local_text(&stamp.local().value), "2024-05-01T12:30:00.000", "{text}");
            assert_eq!(date_text(&stamp.date().value), "2024-05-01", "{text}");
            assert!(!stamp.instant().is_far && !stamp.instant().is_finer, "{text}");
        }
        for (text, utc) in [
            ("2024-05-01", "2024-05-01T00:00:00.000Z"),
            ("2024-05-01T23:30:00-07:00", "2024-05-02T06:30:00.000Z"),
            ("2024-05-01T14:30+0200", "2024-05-01T12:30:00.000Z"),
            ("2024-05-01T00:30:00.123456789+02", "2024-04-30T22:30:00.123456789Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60.000Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
            ("+10000-01-01T00:00:00Z", "+10000-01-01T00:00:00.000Z"),
            ("-0044-03-15T00:00:00Z", "-0044-03-15T00:00:00.000Z"),
            ("-86400000000", "1967-04-07T00:00:00.000Z"),
        ] {
            assert_eq!(instant(text).as_deref(), Some(utc), "{text}");
        }
        let late = Stamp::parse("2024-05-01T23:30:00-07:00").expect("a time");
        assert_eq!(date_text(&late.date().value), "2024-05-01", "the date in the text");
        assert_eq!(local_text(&late.local().value), "2024-05-01T23:30:00.000");
        let finer = Stamp::parse("2024-05-01T12:30:00.0000000001Z").expect("a time").instant();
        assert!(finer.is_finer && !finer.is_far);
    }

    #[test]
    fn rejects_invalid_dates() {
        for text in [
            "",
            "soon",
            "2024",
            "20240501",
            "2024-5-1",
            "2024-13-01T00:00:00Z",
            "2024-02-30",
            "+292278994-02-30",
            "2024-05-01T25:00:00Z",
            "2024-05-01T12:30:00.Z",
            "2024-05-01T12:30:61Z",
            "2024-05-01T12:30:00+24:00",
            "2024-05-01T12:30:00+2",
            "2024-05-01T12:30:00Z[UTC]",
            "2024-05-01Z",
            "1714566600000.x",
        ] {
            assert_eq!(Stamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn clamps_times_that_are_too_far_away() {
        for (far, text) in [(i64::MAX, NEVER[0]), (i64::MIN, NEVER[1])] {
            for stamp in [Stamp::of_millis(far), Stamp::parse(text).expect(text)] {
                assert!(stamp.instant().is_far && stamp.date().is_far && stamp.local().is_far);
                assert_eq!(instant_text(&stamp.instant().value), text);
                assert_eq!(date_text(&stamp.date().value), text.split_once('T').expect("a day").0);
                assert_eq!(local_text(&stamp.local().value), text.trim_end_matches('Z'));
            }
            assert_eq!(instant(&far.to_string()).as_deref(), Some(text));
        }
        let over = Stamp::parse("+262142-12-31T23:00:00-02:00").expect("a time").instant();
        assert!(over.is_far && over.value == DateTime::<Utc>::MAX_UTC, "{over:?}");
    }

    #[test]
    fn milliseconds_may_have_a_fraction() {
        for (millis, text) in [
            (1_714_566_600_000.0, Some("2024-05-01T12:30:00.000Z")),
            (1_714_566_600_000.5, Some("2024-05-01T12:30:00.000500Z")),
            (-0.5, Some("1969-12-31T23:59:59.999500Z")),
            (1e300, Some(NEVER[0])),
            (f64::NEG_INFINITY, Some(NEVER[1])),
            (f64::NAN, None),
        ] {
            let read = Stamp::of_fraction(millis).map(|it| instant_text(&it.instant().value));
            assert_eq!(read.as_deref(), text, "{millis}");
        }
    }
}
