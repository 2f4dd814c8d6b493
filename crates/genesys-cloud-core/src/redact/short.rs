//! Short credentials, which are redacted only as whole values.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{Needle, escapes, hex, standard};

/// Maximum number of encodings inside each other.
const MAX_DEPTH: u32 = 2;

/// Finds whole values in plain text, and texts in base64 or hexadecimal that contain one.
pub(super) fn find(needles: &[Needle], text: &[u8], found: &mut Vec<Range<usize>>) {
    if needles.is_empty() {
        return;
    }
    for needle in needles {
        found.extend(matches(needle, text));
    }
    for run in runs(text, |byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)) {
        let encoded = text.get(run.clone()).unwrap_or_default();
        if has_encoded(needles, encoded, MAX_DEPTH) {
            found.push(run);
            continue;
        }
        // The separators of paths and names are characters of base64 too.
        for part in runs(encoded, |byte| byte.is_ascii_alphanumeric()) {
            if has_encoded(needles, encoded.get(part.clone()).unwrap_or_default(), MAX_DEPTH) {
                found.push(run.start + part.start..run.start + part.end);
            }
        }
    }
}

/// Returns the longest ranges of such bytes.
fn runs(text: &[u8], is_in: impl Fn(u8) -> bool) -> Vec<Range<usize>> {
    let mut at = 0;
    let pieces = text.split(|byte| !is_in(*byte)).map(|piece| {
        let start = at;
        at += piece.len() + 1;
        start..start + piece.len()
    });
    pieces.filter(|range| !range.is_empty()).collect()
}

/// Whether base64 or hexadecimal decodes to a text with a credential.
fn has_encoded(needles: &[Needle], encoded: &[u8], depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let standard: Vec<u8> = encoded.iter().map(|byte| standard(*byte)).collect();
    let base64 = STANDARD_NO_PAD.decode(standard).ok();
    let pairs = encoded.chunks(2).map(|pair| hex(pair).filter(|_| pair.len() == 2));
    let hexadecimal: Option<Vec<u8>> = pairs.collect();
    // Ordinary words decode to bytes that are not text.
    let is_text = |decoded: &Vec<u8>| {
        std::str::from_utf8(decoded).is_ok_and(|text| !text.contains(char::is_control))
    };
    [base64, hexadecimal].into_iter().flatten().filter(is_text).any(|decoded| {
        let padding = decoded.iter().rev().take_while(|byte| **byte == b'=').count();
        let unpadded = decoded.get(..decoded.len() - padding).unwrap_or_default();
        needles.iter().any(|needle| matches(needle, &decoded).next().is_some())
            || has_encoded(needles, unpadded, depth)
    })
}

/// Returns the matches that are whole values rather than parts of a longer word.
fn matches<'a>(needle: &'a Needle, text: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
    let matches = (0..text.len()).filter_map(|at| Some(at..needle.end_at(text, at, 0)?));
    matches.filter(|range| is_whole(text, range))
}

fn is_whole(text: &[u8], range: &Range<usize>) -> bool {
    let &Range { start, end } = range;
    let is_inside = |byte: Option<u8>| byte.is_some_and(is_word);
    let (first, last) = (text.get(start).copied(), text.get(end.wrapping_sub(1)).copied());
    let begins_earlier = is_inside(first) && continues_before(text, start);
    let ends_later = is_inside(last) && continues_after(text, end);
    !begins_earlier && !ends_later
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// Characters inside words such as `x-abc-y`, `don't` or `abc.example`, if they are between two word characters.
const fn is_joiner(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'\'')
}

/// Whether the word at `start` begins earlier.
fn continues_before(text: &[u8], start: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    // An escape, such as `%3A`, `\u003a`, `&#58;` or `\n`, stands for the character that it encodes.
    let escape = (2..=before.len().min(8)).find_map(|length| {
        let at = start - length;
        let mut fits = escapes(text, at).into_iter().flatten().filter(|(_, it)| *it == length);
        fits.next_back().map(|(byte, _)| byte)
    });
    match (escape, before) {
        (Some(byte), _) => is_word(byte),
        (None, [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't']) => false,
        (None, [.., word, joiner]) if is_joiner(*joiner) => is_word(*word),
        (None, [.., last]) => is_word(*last),
        (None, []) => false,
    }
}

/// Whether the word continues after `end`.
fn continues_after(text: &[u8], end: usize) -> bool {
    let escaped = escapes(text, end).into_iter().flatten().next();
    match (escaped, text.get(end..).unwrap_or_default()) {
        (Some((byte, _)), _) => is_word(byte),
        (None, [joiner, word, ..]) if is_joiner(*joiner) => is_word(*word),
        (None, [next, ..]) => is_word(*next),
        (None, []) => false,
    }
}
