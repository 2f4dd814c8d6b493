//! Detects HTML pages that a login page or gateway returns instead of a file.

use bytes::{Bytes, BytesMut};

/// The number of bytes after leading whitespace that is enough to recognize HTML.
const ENOUGH: usize = 32;

/// Maximum leading whitespace in bytes to skip.
const MAX_WHITESPACE: usize = 1 << 10;

/// Buffers the first bytes of a file until it is clear whether they are HTML.
pub(super) struct Sniff {
    /// The bytes so far. `None` once decided.
    begun: Option<BytesMut>,
}

impl Sniff {
    /// Creates a detector. If `is_data` is false, every file passes.
    pub(super) fn new(is_data: bool) -> Self {
        Self { begun: is_data.then(BytesMut::new) }
    }

    /// Returns the bytes to pass on, or `None` if the file is HTML.
    pub(super) fn pass(&mut self, bytes: Bytes, is_end: bool) -> Option<Bytes> {
        let Some(begun) = &mut self.begun else { return Some(bytes) };
        let known = |begun: &[u8]| {
            let text = without_mark(begun).trim_ascii_start();
            let is_mark = MARK.starts_with(begun);
            !is_mark && (text.len() >= ENOUGH || text.first().is_some_and(|first| *first != b'<'))
        };
        let is_first = begun.is_empty();
        if !is_first || !known(&bytes) {
            begun.extend_from_slice(&bytes);
            if !known(begun) && begun.len() < MAX_WHITESPACE && !is_end {
                return Some(Bytes::new());
            }
        }
        let begun = self.begun.take().filter(|begun| !begun.is_empty());
        let bytes = begun.map_or(bytes, BytesMut::freeze);
        (!is_html(without_mark(&bytes))).then_some(bytes)
    }
}

/// The byte order mark.
const MARK: &[u8] = b"\xEF\xBB\xBF";

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}

fn is_html(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let begins_with =
        |name: &[u8]| text.get(..name.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(name));
    begins_with(b"<!doctype html") || begins_with(b"<html")
}

/// Whether the file extension is that of a data file.
pub(super) fn is_name_of_data(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default().trim().to_ascii_lowercase();
    [".csv", ".json", ".jsonl", ".zip", ".gz"].iter().any(|end| path.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detects_html_in_chunks_of_any_size() {
        for (text, is_html) in [
            ("", false),
            ("a,b\n1,2\n", false),
            ("<", false),
            ("<a", false),
            ("<?xml version=\"1.0\"?><html>", false),
            ("[1]", false),
            (" ", false),
            ("<html>", true),
            ("<HTML lang=en>", true),
            ("\n \u{feff}<html>", false),
            ("\u{feff}\r\n<!DOCTYPE html><html><body>", true),
            ("<!doctype html>", true),
            ("<!doctype htm", false),
            ("<htm", false),
        ] {
            for size in [1, 2, 3, 5, usize::MAX] {
                let mut sniff = Sniff::new(true);
                let mut passed = Some(Vec::new());
                let parts = text.as_bytes().chunks(size).map(|part| (part, false));
                for (part, is_end) in parts.chain([(&b""[..], true)]) {
                    let bytes = sniff.pass(Bytes::copy_from_slice(part), is_end);
                    passed = passed.zip(bytes).map(|(all, bytes)| [&all[..], &bytes[..]].concat());
                }
                let expected = (!is_html).then(|| text.as_bytes().to_owned());
                assert_eq!(passed, expected, "{text:?} in chunks of {size}");
            }
        }
        let blanks = " ".repeat(2 * MAX_WHITESPACE);
        let passed = Sniff::new(true).pass(Bytes::copy_from_slice(blanks.as_bytes()), false);
        assert_eq!(passed.map(|bytes| bytes.len()), Some(blanks.len()));
        let mut may_be = Sniff::new(false);
        assert!(may_be.pass(Bytes::from_static(b"<html>"), false).is_some());
    }

    #[test]
    fn recognizes_names_of_data_files() {
        for (url, is_data) in [
            ("https://b.example/f.csv?X-Sig=s", true),
            ("https://b.example/f.JSON", true),
            ("https://b.example/f.zip#x", true),
            ("https://b.example/f.html", false),
            ("https://b.example/f?name=f.csv", false),
        ] {
            assert_eq!(is_name_of_data(url), is_data, "{url}");
        }
    }
}
