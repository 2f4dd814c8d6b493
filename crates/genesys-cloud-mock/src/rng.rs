//! Reproducible pseudo-random numbers: everything that an org generates is a function of its seed and of the
//! request, so nothing has to be stored.

/// Mixes a number into 64 bits (the finalizer of SplitMix64).
pub(crate) const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Hashes a string (FNV-1a, mixed).
pub(crate) fn hash(text: &str) -> u64 {
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(fnv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scatters_similar_strings_and_numbers() {
        assert_ne!(hash("id") >> 48, hash("ie") >> 48);
        assert_ne!(mix(1) >> 48, mix(2) >> 48);
    }
}
