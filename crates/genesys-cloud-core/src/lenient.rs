//! Reads JSON values in every form in which the API sends them, for tables: by the same rules as records are read.
//! For the command of this workspace; not part of the public API.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};

use crate::json;
pub use crate::json::Name;
pub use crate::wire::stamp::Read;
use crate::wire::stamp::Stamp;
use crate::wire::{mended, number};

/// A whole number: `25`, `25.0`, `2.5e1` or `"25"`. `None` for any other value, and for what does not fit.
pub fn integer(json: &str) -> Option<i64> {
    number::integer(&scalar(json)?)
}

/// A number, in quotes or without. Of whole ones without an exponent, only those that a double has exactly.
pub fn number(json: &str) -> Option<f64> {
    number::number(&scalar(json)?)
}

/// `true` or `false`, in quotes or without.
pub fn flag(json: &str) -> Option<bool> {
    number::flag(&scalar(json)?)
}

/// A point in time, as a text or as milliseconds since 1970.
pub fn instant(json: &str) -> Option<Read<DateTime<Utc>>> {
    Some(stamp(json)?.instant())
}

/// A date, as it stands in the text.
pub fn date(json: &str) -> Option<Read<NaiveDate>> {
    Some(stamp(json)?.date())
}

/// What a JSON text says, and whether U+FFFD stands there for halves of surrogate pairs, or for NUL if it is to be
/// replaced too. `None` if it is no text.
pub fn text(json: &str, with_nul: bool) -> Option<(Cow<'_, str>, bool)> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some((Cow::Borrowed(inner), false));
    }
    let clean = mended(json, with_nul);
    let text = serde_json::from_str(&clean).ok()?;
    Some((Cow::Owned(text), matches!(clean, Cow::Owned(_))))
}

/// JSON with U+FFFD in the place of each half of a surrogate pair, and of each NUL if that is to be replaced too. What
/// has none is borrowed.
pub fn clean(json: &str, with_nul: bool) -> Cow<'_, str> {
    mended(json, with_nul)
}

/// A JSON text without the byte order mark that may stand before it.
pub fn without_mark(json: &str) -> &str {
    crate::wire::without_mark(json)
}

/// The fields of an object in their order, as their names and their JSON. `None` of any other value.
pub fn fields(json: &str) -> Option<Vec<(String, &str)>> {
    let fields = json::entries(json).ok()?.into_iter();
    Some(fields.map(|(name, value)| (String::from_utf8_lossy(&name).into_owned(), value)).collect())
}

/// The JSON of the value at a JSON pointer. Of a field that occurs twice the last one counts.
pub fn at<'a>(json: &'a str, pointer: &str) -> Option<&'a str> {
    json::get(json, pointer)
}

/// A point in time as the API writes it.
pub fn instant_text(time: &DateTime<Utc>) -> String {
    crate::wire::stamp::instant_text(time)
}

/// A date as the API writes it.
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

/// The text of a scalar: in quotes, what they hold.
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
    fn a_table_reads_what_a_record_reads() {
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
            // A whole number of more digits than `u64` has comes to a record as a double.
            assert!(same(typed(json), number(json)), "{json}: {:?}", number(json));
            assert_eq!(typed::<bool>(json), flag(json), "{json}");
            assert_eq!(typed(json), instant(json).map(|it| it.value), "{json}");
            assert_eq!(typed(json), date(json).map(|it| it.value), "{json}");
        }
        for (json, expected) in
            [("9007199254740993.0", Some(9_007_199_254_740_993)), ("1.0000000000000000001", None)]
        {
            assert_eq!((typed::<i64>(json), integer(json)), (expected, expected), "{json}");
        }
    }

    #[test]
    fn texts() {
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
