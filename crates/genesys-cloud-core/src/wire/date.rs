//! Dates and times in JSON.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::ser::Serializer;

use super::Wire;
use super::stamp::{Stamp, date_text, instant_text, local_text};

/// Reads a date or time from a text, or from milliseconds since 1970.
struct Moment {
    expecting: &'static str,
}

impl Visitor<'_> for Moment {
    type Value = Stamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Stamp, E> {
        Stamp::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_i64<E: Error>(self, millis: i64) -> Result<Stamp, E> {
        Ok(Stamp::of_millis(millis))
    }

    fn visit_u64<E: Error>(self, millis: u64) -> Result<Stamp, E> {
        Ok(Stamp::of_millis(i64::try_from(millis).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: Error>(self, millis: f64) -> Result<Stamp, E> {
        let stamp = Stamp::of_fraction(millis);
        stamp.ok_or_else(|| E::invalid_value(Unexpected::Float(millis), &self))
    }
}

/// A time beyond the supported range, such as Java's value for "never", is clamped, and written back as Java's.
impl Wire for DateTime<Utc> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "a date-time such as 2024-05-01T12:30:00.000Z";
        Ok(deserializer.deserialize_any(Moment { expecting })?.instant().value)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&instant_text(self))
    }
}

impl Wire for NaiveDate {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "a date such as 2024-05-01";
        Ok(deserializer.deserialize_any(Moment { expecting })?.date().value)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&date_text(self))
    }
}

/// A date and time of day without a time zone, which another field names (`local-date-time` in the document).
impl Wire for NaiveDateTime {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "a local date-time such as 2024-05-01T12:30:00";
        Ok(deserializer.deserialize_any(Moment { expecting })?.local().value)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&local_text(self))
    }
}
