//! Persistent hashes: the same in every process, on every machine and in every version.

use std::fmt;

use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

/// A 64-bit hash of several parts (XXH3). Not cryptographic.
#[derive(Clone)]
pub(crate) struct Digest(Xxh3);

impl Digest {
    pub(crate) const fn new() -> Self {
        Self(Xxh3::new())
    }

    pub(crate) fn word(&mut self, word: u64) {
        self.0.update(&word.to_le_bytes());
    }

    /// Hashes the bytes and their number, so that the boundary to the next part is unambiguous.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
        self.word(bytes.len() as u64);
    }

    pub(crate) fn finish(&self) -> u64 {
        self.0.digest()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Digest").field(&self.finish()).finish()
    }
}

/// Returns the hash of a text.
pub(crate) fn digest(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// Returns the 128-bit hash of a text, which is unique in practice.
pub(crate) fn wide_digest(text: &str) -> u128 {
    xxh3_128(text.as_bytes())
}

/// Formats a hash. A JSON number would lose digits in some programs.
pub(crate) fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

/// Parses the output of [`hex`].
pub(crate) fn from_hex(text: &str) -> Option<u64> {
    let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Later versions must read saved hashes.
    #[test]
    fn hashes_never_change() {
        // Test vectors of the XXH3 authors.
        for (text, hash) in [("", "2d06800538d394c2"), ("a", "e6c632b61e964e1f")] {
            assert_eq!(hex(digest(text)), hash, "{text}");
            assert_eq!(from_hex(hash), Some(digest(text)));
        }
        assert_eq!(wide_digest(""), 0x99aa_06d3_0147_98d8_6001_c324_468d_497f);
        let mut of_parts = Digest::new();
        of_parts.word(7);
        of_parts.bytes(b"a");
        let mut bytes = 7_u64.to_le_bytes().to_vec();
        bytes.push(b'a');
        bytes.extend(1_u64.to_le_bytes());
        assert_eq!(of_parts.finish(), xxh3_64(&bytes));
        assert_eq!(from_hex("12"), None);
        assert_eq!(from_hex("+23456789abcdef0"), None);
    }

    #[test]
    fn similar_texts_have_different_hashes() {
        let texts = ["", "\0", "\0\0", "a", "a\0", "aaaaaaaa", "aaaaaaaa\0", "aaaaaaab", "b"];
        let mut hashes: Vec<u64> = texts.iter().map(|text| digest(text)).collect();
        hashes.extend((0..100_000).map(|number: u32| digest(&number.to_string())));
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }
}
