//! Dates and times in the forms that the API sends.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::ser::Serializer;

use super::Wire;

/// A point in time. The API writes `2024-05-01T12:30:00.000Z` nearly everywhere; also seen are an
/// offset in place of `Z` (`+02:00`, `+0200`), no zone at all (UTC is meant), no seconds, a blank in
/// place of `T`, a date alone, and milliseconds since 1970.
pub(crate) fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    const WITH_OFFSET: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    let text = text.trim().replacen(' ', "T", 1);
    WITH_OFFSET
        .iter()
        .find_map(|form| DateTime::parse_from_str(&text, form).ok())
        .map(|instant| instant.to_utc())
        .or_else(|| parse_local(&text).map(|local| local.and_utc()))
}

fn parse_local(text: &str) -> Option<NaiveDateTime> {
    const FORMS: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let text = text.trim_end_matches(['Z', 'z']);
    FORMS
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .or_else(|| text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0))
}

/// A calendar day. Some services send a whole date-time where a date is documented.
fn parse_day(text: &str) -> Option<NaiveDate> {
    text.parse().ok().or_else(|| parse_local(text).map(|local| local.date())).or_else(|| {
        // The day as it stands in the text, whatever its offset.
        DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.date_naive())
    })
}

struct Parsed<T> {
    expecting: &'static str,
    text: fn(&str) -> Option<T>,
    millis: fn(i64) -> Option<T>,
}

impl<T> Visitor<'_> for Parsed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.text)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_i64<E: Error>(self, millis: i64) -> Result<T, E> {
        (self.millis)(millis).ok_or_else(|| E::invalid_value(Unexpected::Signed(millis), &self))
    }

    fn visit_u64<E: Error>(self, millis: u64) -> Result<T, E> {
        i64::try_from(millis)
            .ok()
            .and_then(self.millis)
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(millis), &self))
    }
}

impl Wire for DateTime<Utc> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Parsed {
            expecting: "a date-time such as 2024-05-01T12:30:00.000Z",
            text: parse_instant,
            millis: DateTime::from_timestamp_millis,
        })
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The API documents milliseconds; finer parts of a value are kept rather than cut.
        let exact_in_millis = self.timestamp_subsec_nanos().is_multiple_of(1_000_000);
        let form = if exact_in_millis { SecondsFormat::Millis } else { SecondsFormat::AutoSi };
        serializer.serialize_str(&self.to_rfc3339_opts(form, true))
    }
}

impl Wire for NaiveDate {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Parsed {
            expecting: "a date such as 2024-05-01",
            text: parse_day,
            millis: |millis| Some(DateTime::from_timestamp_millis(millis)?.date_naive()),
        })
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A time of day on a date, in a zone that stands elsewhere (`local-date-time` in the document).
impl Wire for NaiveDateTime {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Parsed {
            expecting: "a local date-time such as 2024-05-01T12:30:00",
            text: parse_local,
            millis: |millis| Some(DateTime::from_timestamp_millis(millis)?.naive_utc()),
        })
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.format("%Y-%m-%dT%H:%M:%S%.3f"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_every_form_the_api_sends() {
        for text in [
            "2024-05-01T12:30:00Z",
            "2024-05-01T12:30:00.000Z",
            "2024-05-01T12:30:00.000000Z",
            "2024-05-01T12:30:00",
            "2024-05-01T12:30:00.000",
            "2024-05-01T12:30",
            "2024-05-01T12:30Z",
            "2024-05-01 12:30:00",
            "2024-05-01T14:30:00+02:00",
            "2024-05-01T14:30:00.000+0200",
            "2024-05-01T14:30+0200",
            "2024-05-01T12:30:00.000+0000",
        ] {
            let read = parse_instant(text).map(|instant| instant.to_rfc3339());
            assert_eq!(read.as_deref(), Some("2024-05-01T12:30:00+00:00"), "{text}");
        }
        assert_eq!(
            parse_instant("2024-05-01").map(|day| day.to_rfc3339()).as_deref(),
            Some("2024-05-01T00:00:00+00:00"),
        );
        for text in ["", "soon", "2024-13-01T00:00:00Z", "2024-05-01T25:00:00Z"] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_read_as_they_stand_in_the_text() {
        let day = NaiveDate::from_ymd_opt(2024, 5, 1);
        for text in ["2024-05-01", "2024-05-01T23:30:00", "2024-05-01T23:30:00-07:00"] {
            assert_eq!(parse_day(text), day, "{text}");
        }
    }
}
