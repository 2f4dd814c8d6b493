use crate::digits::write_hex;
use crate::rng::mix;

/// Identifies a record of an org by its list and its position there.
///
/// The id of a record is this pair, scrambled into a UUID. Ids are therefore unique, and a record can be found
/// by its id although no record is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    list: u64,
    index: u64,
}

/// The free bits of a UUID above its variant, and below it.
const HIGH: u64 = (1 << 60) - 1;
const LOW: u64 = (1 << 62) - 1;

const SCRAMBLE: [u64; 2] = [0x2545_f491_4f6c_dd1d, 0x9e37_79b9_7f4a_7c15];
const UNSCRAMBLE: [u64; 2] = [inverse(SCRAMBLE[0]), inverse(SCRAMBLE[1])];

impl Identity {
    pub(crate) fn new(list: u64, index: u64) -> Self {
        Self { list: list & HIGH, index: index & LOW }
    }

    pub(crate) fn list(self) -> u64 {
        self.list
    }

    pub(crate) fn index(self) -> u64 {
        self.index
    }

    /// The seed of the generated fields of the record.
    pub(crate) fn seed(self) -> u64 {
        mix(self.list ^ mix(self.index))
    }

    pub(crate) fn id(self) -> Id {
        let low = scramble(self.index ^ (self.list & LOW));
        let high = self.list ^ (mix(low) & HIGH);
        Id::from_parts(high, low)
    }

    /// Decodes the id of a record, if it has the form of an id of an org.
    pub(crate) fn of(id: &str) -> Option<Self> {
        let (high, low) = parts(id)?;
        let list = high ^ (mix(low) & HIGH);
        Some(Self { list, index: unscramble(low) ^ (list & LOW) })
    }
}

/// The text of a random (version 4) UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id([u8; 36]);

impl Id {
    /// Derives an id from a number.
    pub(crate) fn random(number: u64) -> Self {
        Self::from_parts(mix(number) & HIGH, mix(number ^ LOW) & LOW)
    }

    fn from_parts(high: u64, low: u64) -> Self {
        // 48 bits, the version, 12 bits; the variant, 62 bits.
        let high = (high >> 12 << 16) | 0x4000 | (high & 0xfff);
        let low = (0b10 << 62) | low;
        let mut text = [b'-'; 36];
        write_hex(&mut text[..8], high >> 32);
        write_hex(&mut text[9..13], high >> 16);
        write_hex(&mut text[14..18], high);
        write_hex(&mut text[19..23], low >> 48);
        write_hex(&mut text[24..], low);
        Self(text)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|&byte| std::fmt::Write::write_char(f, byte.into()))
    }
}

fn parts(id: &str) -> Option<(u64, u64)> {
    let bytes = id.as_bytes();
    let dashes = [8, 13, 18, 23].iter().all(|&index| bytes.get(index) == Some(&b'-'));
    if bytes.len() != 36 || !dashes {
        return None;
    }
    let number = u128::from_str_radix(&id.replace('-', ""), 16).ok()?;
    let (high, low) = ((number >> 64) as u64, number as u64);
    Some(((high >> 16 << 12) | (high & 0xfff), low & LOW))
}

/// A permutation of the numbers below 2^62: each step is invertible.
fn scramble(number: u64) -> u64 {
    let step = |number: u64, factor: u64| {
        let number = number.wrapping_mul(factor) & LOW;
        number ^ (number >> 31)
    };
    step(step(number, SCRAMBLE[0]), SCRAMBLE[1])
}

fn unscramble(number: u64) -> u64 {
    // A shift by half the width is its own inverse.
    let step = |number: u64, factor: u64| (number ^ (number >> 31)).wrapping_mul(factor) & LOW;
    step(step(number, UNSCRAMBLE[1]), UNSCRAMBLE[0])
}

/// The multiplicative inverse of an odd factor modulo 2^64, by Newton's method.
const fn inverse(factor: u64) -> u64 {
    let mut inverse = factor;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(factor.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_an_id_to_its_record() {
        for list in [0, 7, u64::MAX, mix(42)] {
            for index in [0, 1, 24, 25, 999_999, u64::from(u32::MAX)] {
                let identity = Identity::new(list, index);
                assert_eq!(Identity::of(&identity.id().to_string()), Some(identity));
            }
        }
    }

    #[test]
    fn an_id_is_a_version_4_uuid() {
        let id = Identity::new(mix(1), 3).id().to_string();
        assert_eq!((id.len(), &id[14..15]), (36, "4"));
        assert!("89ab".contains(&id[19..20]));
        assert_eq!(Identity::of("not-an-id"), None);
    }
}
