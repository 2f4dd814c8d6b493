use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::rng::mix;

/// An offset in a list: the number of pages and of records before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageOffset {
    pub(crate) ordinal: u64,
    pub(crate) start: u64,
}

impl PageOffset {
    pub(crate) const FIRST: Self = Self { ordinal: 0, start: 0 };
}

/// Encodes the page tokens of one query. Tokens of other queries do not decode, so none has to be stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    key: u64,
    odd: bool,
}

/// Characters that a URI must encode.
const ODD: &str = "+/=&?#% é\u{1F600}";

impl Tokens {
    /// `key` is a hash of everything that a token is bound to.
    pub(crate) fn new(key: u64, odd: bool) -> Self {
        Self { key: mix(key), odd }
    }

    pub(crate) fn write(self, offset: PageOffset) -> String {
        let sum = self.sum(offset);
        let words = [sum, offset.ordinal ^ mix(sum), offset.start ^ mix(!sum)];
        let bytes = words.map(u64::to_be_bytes).concat();
        match self.odd {
            true => BASE64_STANDARD.encode(bytes) + ODD,
            false => BASE64_URL_SAFE_NO_PAD.encode(bytes),
        }
    }

    pub(crate) fn read(self, token: &str) -> Option<PageOffset> {
        let bytes = match self.odd {
            true => BASE64_STANDARD.decode(token.strip_suffix(ODD)?),
            false => BASE64_URL_SAFE_NO_PAD.decode(token),
        };
        let bytes: [u8; 24] = bytes.ok()?.try_into().ok()?;
        let word = |offset: usize| {
            let bytes = bytes[8 * offset..].iter().take(8);
            bytes.fold(0, |word: u64, &byte| (word << 8) | u64::from(byte))
        };
        let sum = word(0);
        let offset = PageOffset { ordinal: word(1) ^ mix(sum), start: word(2) ^ mix(!sum) };
        (self.sum(offset) == sum).then_some(offset)
    }

    fn sum(self, offset: PageOffset) -> u64 {
        mix(self.key ^ mix(offset.ordinal) ^ mix(!offset.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_only_tokens_of_the_same_query() {
        for odd in [false, true] {
            let offset = PageOffset { ordinal: 3, start: 75 };
            let token = Tokens::new(1, odd).write(offset);
            assert_eq!(Tokens::new(1, odd).read(&token), Some(offset));
            assert_eq!(Tokens::new(2, odd).read(&token), None);
            assert_eq!(Tokens::new(1, odd).read(&token[1..]), None);
        }
    }
}
