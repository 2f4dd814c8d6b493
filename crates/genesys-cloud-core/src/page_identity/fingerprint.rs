//! Fingerprints and edges of pages.

use std::cell::LazyCell;

use crate::digest::Digest;

/// The fingerprint of the text of a list. Text before and after its brackets is ignored.
///
/// For a long list, only its length, start and end are hashed: hashing all of it takes 20 to 30 µs for each 100 kB, and
/// lists that are equal in these have the same items.
pub(crate) fn fingerprint(text: &str) -> u64 {
    let list = text.split_once('[').map_or(text, |(_, list)| list);
    fingerprint_of_body(list.trim_end_matches(|after| after != ']').as_bytes())
}

/// The fingerprint of any body.
pub(crate) fn fingerprint_of_body(body: &[u8]) -> u64 {
    let mut digest = Digest::new();
    digest.word(body.len() as u64);
    match (body.first_chunk::<EDGE>(), body.last_chunk::<EDGE>()) {
        (Some(beginning), Some(end)) if body.len() > 2 * EDGE => {
            digest.bytes(beginning);
            digest.bytes(end);
        }
        _ => digest.bytes(body),
    }
    digest.finish()
}

/// The start and the end of a list, as text: enough to notice that records have moved from one page to the next, as
/// happens in lists that change while they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edges {
    /// The first bytes of the list.
    head: Box<str>,
    /// The last bytes of the list, and the text after it.
    tail: Box<str>,
}

/// How much of each end of a list is kept, in bytes: several records of usual size. If the first item is longer, shared
/// items are not recognized.
const EDGE: usize = 8 << 10;

/// The length of the prefix of the first item that is compared before the whole item, which is rarely necessary.
const PREFIX: usize = 64;

impl Edges {
    pub(crate) fn of(text: &str) -> Option<Self> {
        let list = text.get(text.find('[')? + 1..)?.trim_ascii_start();
        // Only objects: other items are too short to be distinct.
        if !list.starts_with('{') {
            return None;
        }
        let head = &list[..list.floor_char_boundary(EDGE)];
        let tail = &list[list.ceil_char_boundary(list.len().saturating_sub(EDGE))..];
        Some(Self { head: head.into(), tail: tail.into() })
    }

    /// How many of the last items of this page are the first items of the next.
    pub(crate) fn shared_with(&self, next: &Self) -> u64 {
        // No item ends before its first closing brace.
        let prefix = next.head.bytes().take(PREFIX).position(|byte| byte == b'}').unwrap_or(PREFIX);
        let prefix = next.head.as_bytes().get(..prefix).unwrap_or_default();
        let first = LazyCell::new(|| elements(&next.head).next());
        // Checking each brace is faster than searching for the item, because the prefix rarely matches.
        let objects = self.tail.match_indices('{').map(|(at, _)| &self.tail[at..]);
        objects
            .filter(|text| text.as_bytes().starts_with(prefix))
            .filter(|text| first.is_some_and(|first| text.starts_with(first)))
            .find_map(|text| common_to_the_end(elements(text), elements(&next.head)))
            .unwrap_or(0)
    }
}

/// The number of elements up to the end of `list`, if `next` begins with all of them.
fn common_to_the_end(mut list: Elements<'_>, mut next: Elements<'_>) -> Option<u64> {
    let mut count = 0;
    while !list.closed && !next.closed {
        if list.next()? != next.next()? {
            return None;
        }
        count += 1;
    }
    // After a real item, only items follow up to the last bracket. A match within an item ends elsewhere.
    list.by_ref().for_each(drop);
    (list.closed && !list.rest.contains(']')).then_some(count)
}

/// The elements of a list, from text that begins with an element.
fn elements(text: &str) -> Elements<'_> {
    Elements { rest: text, closed: false }
}

struct Elements<'a> {
    rest: &'a str,
    /// Whether the bracket that closes the list has been reached.
    closed: bool,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.closed {
            return None;
        }
        let text = self.rest.trim_ascii_start();
        let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b',' | b']' if depth == 0 => {
                    self.closed = byte == b']';
                    self.rest = &text[at + 1..];
                    return Some(text[..at].trim_ascii_end());
                }
                b'}' | b']' if depth > 0 => depth -= 1,
                b'}' => break,
                _ => {}
            }
        }
        self.rest = "";
        None
    }
}
