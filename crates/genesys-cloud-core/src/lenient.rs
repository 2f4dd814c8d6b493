//! Reads JSON values in every form that the API sends, by the rules of records, for tables. Used by the command of this
//! workspace; not part of the public API.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use crate::json;
pub use crate::json::Name;
pub use crate::wire::stamp::Read;
use crate::wire::stamp::Stamp;
use crate::wire::{mended, number};

/// Reads an integer: `25`, `25.0`, `2.5e1` or `"25"`. `None` for other values and if it does not fit.
pub fn integer(json: &str) -> Option<i64> {
    number::integer(&scalar(json)?)
}

/// Reads a number or a number in quotes. Integers without an exponent must be exact as a double.
pub fn number(json: &str) -> Option<f64> {
    number::number(&scalar(json)?)
}

/// Reads `true` or `false`, in quotes or without.
pub fn flag(json: &str) -> Option<bool> {
    number::flag(&scalar(json)?)
}

/// Reads a point in time from a text, or from milliseconds since 1970.
pub fn instant(json: &str) -> Option<Read<DateTime<Utc>>> {
    Some(stamp(json)?.instant())
}

/// Reads a date from a text, whatever its offset.
pub fn date(json: &str) -> Option<Read<NaiveDate>> {
    Some(stamp(json)?.date())
}

/// Reads a date and time of day from a text, whatever its offset.
pub fn local(json: &str) -> Option<Read<NaiveDateTime>> {
    Some(stamp(json)?.local())
}

/// Decodes a JSON string. The flag says whether unpaired surrogates were replaced by U+FFFD, or NUL with `with_nul`.
/// `None` if it is not a string.
pub fn text(json: &str, with_nul: bool) -> Option<(Cow<'_, str>, bool)> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some((Cow::Borrowed(inner), false));
    }
    let clean = mended(json, with_nul);
    let text = serde_json::from_str(&clean).ok()?;
    Some((Cow::Owned(text), matches!(clean, Cow::Owned(_))))
}

/// Replaces unpaired surrogates in JSON by U+FFFD, and NUL too with `with_nul`. Borrowed if nothing is replaced.
pub fn clean(json: &str, with_nul: bool) -> Cow<'_, str> {
    mended(json, with_nul)
}

/// Strips a byte order mark.
pub fn without_mark(json: &str) -> &str {
    crate::wire::without_mark(json)
}

/// Returns the fields of an object in order, as names and JSON texts. `None` for other values.
pub fn fields(json: &str) -> Option<Vec<(String, &str)>> {
    let fields = json::entries(json).ok()?.into_iter();
    Some(fields.map(|(name, value)| (String::from_utf8_lossy(&name).into_owned(), value)).collect())
}

/// Returns the JSON text at a JSON pointer. Of duplicate fields, the last one counts.
pub fn at<'a>(json: &'a str, pointer: &str) -> Option<&'a str> {
    json::get(json, pointer)
}

/// Formats a point in time as the API does.
pub fn instant_text(time: &DateTime<Utc>) -> String {
    crate::wire::stamp::instant_text(time)
}

/// Formats a date as the API does.
pub fn date_text(date: &NaiveDate) -> String {
    crate::wire::stamp::date_text(date)
}

fn stamp(json: &str) -> Option<Stamp> {
    if json.starts_with('"') {
        return Stamp::parse(&scalar(json)?);
    }
    match json.parse() {
        Ok(millis) => Some(Stamp::of_millis(millis)),
        Err(_) if json.starts_with(|it: char| it == '-' || it.is_ascii_digit()) => {
            Stamp::of_fraction(json.parse().ok()?)
        }
        Err(_) => None,
    }
}

/// Returns the text of a scalar, without quotes.
fn scalar(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'"' => text(json, false).map(|(text, _)| text),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(json)),
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeSeed as _;

    use super::*;
    use crate::wire::{Seed, Wire};

    fn typed<T: Wire>(json: &str) -> Option<T> {
        Seed::new().deserialize(&mut serde_json::Deserializer::from_str(json)).ok()
    }

    /// Bindings and tables read the same values from the same JSON.
    #[test]
    fn tables_and_records_read_the_same_values() {
        for json in [
            "0",
            "25",
            "25.0",
            "1e3",
            "-7",
            "1.5",
            "31.245270191439438",
            "9223372036854775807",
            "9223372036854775808",
            "9007199254740993",
            "1714566600000",
            "1714566600000.0",
            "1714566600000.5",
            r#""12""#,
            r#""12.0""#,
            r#""NaN""#,
            r#""true""#,
            r#""FALSE""#,
            "true",
            "false",
            r#""""#,
            r#""soon""#,
            r#""2024-05-01""#,
            r#""2024-05-01 12:30""#,
            r#""2024-05-01T12:30:00.000+0000""#,
            r#""2024-05-01T23:30:00-07:00""#,
            r#""2024-05-01T12:30:00.123456789Z""#,
            r#""+292278994-08-17T07:12:55.807Z""#,
            r#""2024\u002d05-01""#,
            "[]",
            "{}",
        ] {
            assert_eq!(typed::<i64>(json), integer(json), "{json}");
            let same = |one: Option<f64>, other: Option<f64>| {
                one.map(f64::to_bits) == other.map(f64::to_bits)
            };
            // An integer with more digits than `u64` reaches a record as a double.
            assert!(same(typed(json), number(json)), "{json}: {:?}", number(json));
            assert_eq!(typed::<bool>(json), flag(json), "{json}");
            assert_eq!(typed(json), instant(json).map(|it| it.value), "{json}");
            assert_eq!(typed(json), date(json).map(|it| it.value), "{json}");
            assert_eq!(typed(json), local(json).map(|it| it.value), "{json}");
        }
        for (json, expected) in
            [("9007199254740993.0", Some(9_007_199_254_740_993)), ("1.0000000000000000001", None)]
        {
            assert_eq!((typed::<i64>(json), integer(json)), (expected, expected), "{json}");
        }
    }

    #[test]
    fn decodes_strings() {
        for (json, expected) in [
            (r#""""#, Some(("", false))),
            (r#""a b""#, Some(("a b", false))),
            (r#""a\n\u00fc""#, Some(("a\nü", false))),
            (r#""a\ud83dx""#, Some(("a\u{fffd}x", true))),
            (r#""a\u0000""#, Some(("a\0", false))),
            ("1", None),
            ("null", None),
        ] {
            let read = text(json, false);
            let read = read.as_ref().map(|(text, is_changed)| (&**text, *is_changed));
            assert_eq!(read, expected, "{json}");
        }
        assert_eq!(text(r#""a\u0000""#, true), Some(("a\u{fffd}".into(), true)));
    }
}
