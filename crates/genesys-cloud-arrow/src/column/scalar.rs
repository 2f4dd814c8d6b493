//! Single values, read by the rules of the core.

use chrono::{NaiveDate, Timelike};
use genesys_cloud_core::lenient::{self, Read};

use super::Flaw;
use super::texts::Texts;
use crate::instant::micros;
use crate::reject::Changes;
use crate::scanner::{Invalid, Scanner};

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");

/// A number with at most this many digits is exact as a double, and fits 64 bits.
const SHORT: usize = 15;

/// Reads a string; another value as its JSON text.
#[inline]
pub(super) fn text(
    scanner: &mut Scanner<'_>,
    texts: &mut Texts,
    changes: &mut Changes,
) -> Result<(), Invalid> {
    if scanner.peek() != b'"' {
        json(scanner.value()?, texts, changes);
        return Ok(());
    }
    let (token, has_escapes) = scanner.string()?;
    if !has_escapes {
        texts.push(token.get(1..token.len() - 1).unwrap_or_default());
        return Ok(());
    }
    let (text, is_replaced) = lenient::text(token, false).ok_or(Invalid)?;
    changes.replaced += u64::from(is_replaced);
    texts.push(&text);
    Ok(())
}

pub(super) fn json(json: &str, texts: &mut Texts, changes: &mut Changes) {
    let clean = lenient::clean(json, false);
    changes.replaced += u64::from(matches!(clean, std::borrow::Cow::Owned(_)));
    texts.push(&clean);
}

/// Takes the start of an object or a list.
#[inline]
pub(super) fn open(scanner: &mut Scanner<'_>, bracket: u8, expected: &str) -> Result<(), Flaw> {
    match scanner.take(bracket) {
        true => Ok(()),
        false => Err(unfit(expected, scanner.value()?)),
    }
}

pub(super) fn flag(json: &str) -> Result<bool, Flaw> {
    match json {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => lenient::flag(json).ok_or_else(|| unfit("true or false", json)),
    }
}

#[inline]
pub(super) fn int64(json: &str) -> Result<i64, Flaw> {
    let found = short(json).or_else(|| lenient::integer(json));
    found.ok_or_else(|| unfit("an integer of 64 bits", json))
}

#[inline]
pub(super) fn int32(json: &str) -> Result<i32, Flaw> {
    let found = short(json).or_else(|| lenient::integer(json));
    let found = found.and_then(|number| i32::try_from(number).ok());
    found.ok_or_else(|| unfit("an integer of 32 bits", json))
}

#[inline]
pub(super) fn double(json: &str) -> Result<f64, Flaw> {
    // The cast is exact: the number is short.
    let found = short(json).map(|number| number as f64).or_else(|| lenient::number(json));
    found.ok_or_else(|| unfit("a number that a double can hold", json))
}

/// Reads a number of a few digits and nothing else.
#[inline]
fn short(json: &str) -> Option<i64> {
    if json.len() > SHORT {
        return None;
    }
    json.bytes().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(number * 10 + i64::from(digit))
    })
}

#[inline]
pub(super) fn instant(json: &str, changes: &mut Changes) -> Result<i64, Flaw> {
    if let [b'"', text @ .., b'"'] = json.as_bytes()
        && let Some(micros) = micros(text)
    {
        return Ok(micros);
    }
    let read = lenient::instant(json).ok_or_else(|| unfit("a date-time", json))?;
    changed(&read, read.value.nanosecond(), changes);
    Ok(read.value.timestamp_micros())
}

pub(super) fn local(json: &str, changes: &mut Changes) -> Result<i64, Flaw> {
    let read = lenient::local(json).ok_or_else(|| unfit("a local date-time", json))?;
    changed(&read, read.value.nanosecond(), changes);
    Ok(read.value.and_utc().timestamp_micros())
}

fn changed<T>(read: &Read<T>, nanosecond: u32, changes: &mut Changes) {
    if read.is_far {
        changes.clamped += 1;
    } else if read.is_finer || !nanosecond.is_multiple_of(1000) {
        changes.truncated += 1;
    }
}

pub(super) fn date(json: &str, changes: &mut Changes) -> Result<i32, Flaw> {
    let read = lenient::date(json).ok_or_else(|| unfit("a date", json))?;
    changes.clamped += u64::from(read.is_far);
    let days = (read.value - EPOCH).num_days();
    i32::try_from(days).map_err(|_| unfit("a date", json))
}

/// Describes a value that does not fit, without its content.
#[cold]
fn unfit(expected: &str, json: &str) -> Flaw {
    let found = match json.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        _ => "another number",
    };
    Flaw::Unfit(format!("expected {expected}, found {found}"))
}
