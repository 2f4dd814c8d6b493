//! Single values, read by the rules of the core.

use chrono::{NaiveDate, Timelike};
use genesys_cloud_core::lenient::{self, Read};

use super::Flaw;
use super::texts::Texts;
use crate::instant::micros;
use crate::reject::Change;
use crate::scanner::{Invalid, Scanner};

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");

/// A number with at most this many digits is exact as a double, and fits 64 bits.
const SHORT: usize = 15;

/// A value, and how it was changed.
pub(super) type Changed<T> = (T, Option<Change>);

/// Reads a string; another value as its JSON text.
#[inline]
pub(super) fn text(
    scanner: &mut Scanner<'_>,
    texts: &mut Texts,
) -> Result<Option<Change>, Invalid> {
    if scanner.peek() != b'"' {
        return Ok(json(scanner.value()?, texts));
    }
    let (token, has_escapes) = scanner.string()?;
    if !has_escapes {
        texts.push(token.get(1..token.len() - 1).unwrap_or_default());
        return Ok(None);
    }
    let (text, is_replaced) = lenient::text(token, false).ok_or(Invalid)?;
    texts.push(&text);
    Ok(is_replaced.then_some(Change::Replaced))
}

pub(super) fn json(json: &str, texts: &mut Texts) -> Option<Change> {
    let clean = lenient::clean(json, false);
    texts.push(&clean);
    matches!(clean, std::borrow::Cow::Owned(_)).then_some(Change::Replaced)
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
pub(super) fn instant(json: &str) -> Result<Changed<i64>, Flaw> {
    if let [b'"', text @ .., b'"'] = json.as_bytes()
        && let Some(micros) = micros(text)
    {
        return Ok((micros, None));
    }
    let read = lenient::instant(json).ok_or_else(|| unfit("a date-time", json))?;
    Ok((read.value.timestamp_micros(), change(&read, read.value.nanosecond())))
}

pub(super) fn local(json: &str) -> Result<Changed<i64>, Flaw> {
    let read = lenient::local(json).ok_or_else(|| unfit("a local date-time", json))?;
    Ok((read.value.and_utc().timestamp_micros(), change(&read, read.value.nanosecond())))
}

fn change<T>(read: &Read<T>, nanosecond: u32) -> Option<Change> {
    match read.is_far {
        true => Some(Change::Clamped),
        false => (read.is_finer || !nanosecond.is_multiple_of(1000)).then_some(Change::Truncated),
    }
}

pub(super) fn date(json: &str) -> Result<Changed<i32>, Flaw> {
    let read = lenient::date(json).ok_or_else(|| unfit("a date", json))?;
    let days = (read.value - EPOCH).num_days();
    let days = i32::try_from(days).map_err(|_| unfit("a date", json))?;
    Ok((days, read.is_far.then_some(Change::Clamped)))
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
