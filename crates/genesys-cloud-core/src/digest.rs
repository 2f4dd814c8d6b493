//! Hashes that are kept in files: the same in every process, on every machine and in every version.

/// A hash of 64 bits that takes eight bytes at a step (after FNV-1a, with the high half folded down each
/// time, and the finish of splitmix64). It tells texts apart, and keeps nothing secret.
#[derive(Clone, Debug)]
pub(crate) struct Digest(u64);

impl Digest {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn word(&mut self, word: u64) {
        // Odd, so that no step loses anything.
        let mixed = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    /// The bytes and how many they are, so that what follows can't be taken for a part of them.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
        self.word(bytes.len() as u64);
    }

    pub(crate) fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The hash of a text.
pub(crate) fn digest(text: &str) -> u64 {
    let mut digest = Digest::new();
    digest.bytes(text.as_bytes());
    digest.finish()
}

/// The same in 128 bits, in which no two texts are alike in practice.
pub(crate) fn wide_digest(text: &str) -> u128 {
    let mut second = Digest::new();
    second.word(1);
    second.bytes(text.as_bytes());
    u128::from(digest(text)) << 64 | u128::from(second.finish())
}

/// As it is written: in JSON, large integers lose digits on their way through other programs.
pub(crate) fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

/// As [`hex`] wrote it.
pub(crate) fn from_hex(text: &str) -> Option<u64> {
    let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in files must be found again by later versions.
    #[test]
    fn hashes_stay_what_they_are() {
        for (text, hash) in [
            ("", "de43376b9e92e3e4"),
            ("a", "1f14a77e95483294"),
            ("12345678", "3736f1ac6d3c760b"),
            ("a text that is longer than eight bytes", "f26730c1ba0d3c4e"),
        ] {
            assert_eq!(hex(digest(text)), hash, "{text}");
            assert_eq!(from_hex(hash), Some(digest(text)));
            assert_eq!((wide_digest(text) >> 64) as u64, digest(text));
        }
        assert_eq!(from_hex("12"), None);
        assert_eq!(from_hex("+23456789abcdef0"), None);
    }

    #[test]
    fn texts_are_told_apart() {
        let texts = ["", "\0", "\0\0", "a", "a\0", "aaaaaaaa", "aaaaaaaa\0", "aaaaaaab", "b"];
        let mut hashes: Vec<u64> = texts.iter().map(|text| digest(text)).collect();
        hashes.extend((0..100_000).map(|number: u32| digest(&number.to_string())));
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }
}
