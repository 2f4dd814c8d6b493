use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::rng::mix;

/// An offset in a list: the number of pages and of records before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) ordinal: u64,
    pub(crate) start: u64,
}

impl Place {
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

    pub(crate) fn write(self, place: Place) -> String {
        let sum = self.sum(place);
        let words = [sum, place.ordinal ^ mix(sum), place.start ^ mix(!sum)];
        let bytes = words.map(u64::to_be_bytes).concat();
        match self.odd {
            true => BASE64_STANDARD.encode(bytes) + ODD,
            false => BASE64_URL_SAFE_NO_PAD.encode(bytes),
        }
    }

    pub(crate) fn read(self, token: &str) -> Option<Place> {
        let bytes = match self.odd {
            true => BASE64_STANDARD.decode(token.strip_suffix(ODD)?),
            false => BASE64_URL_SAFE_NO_PAD.decode(token),
        };
        let bytes: [u8; 24] = bytes.ok()?.try_into().ok()?;
        let word = |place: usize| {
            let bytes = bytes[8 * place..].iter().take(8);
            bytes.fold(0, |word: u64, &byte| (word << 8) | u64::from(byte))
        };
        let sum = word(0);
        let place = Place { ordinal: word(1) ^ mix(sum), start: word(2) ^ mix(!sum) };
        (self.sum(place) == sum).then_some(place)
    }

    fn sum(self, place: Place) -> u64 {
        mix(self.key ^ mix(place.ordinal) ^ mix(!place.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_only_tokens_of_the_same_query() {
        for odd in [false, true] {
            let place = Place { ordinal: 3, start: 75 };
            let token = Tokens::new(1, odd).write(place);
            assert_eq!(Tokens::new(1, odd).read(&token), Some(place));
            assert_eq!(Tokens::new(2, odd).read(&token), None);
            assert_eq!(Tokens::new(1, odd).read(&token[1..]), None);
        }
    }
}
