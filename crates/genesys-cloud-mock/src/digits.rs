//! Writes numbers as text. The general formatter is several times slower, and a page of records has thousands
//! of numbers.

/// Writes the last `digits` digits of a number, with leading zeros.
pub(crate) fn push_padded(out: &mut Vec<u8>, mut number: u64, digits: usize) {
    let start = out.len();
    out.resize(start + digits, b'0');
    for digit in out[start..].iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
}

/// Writes a number, with at least `at_least` digits.
pub(crate) fn push_number(out: &mut Vec<u8>, number: u64, at_least: usize) {
    let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
    push_padded(out, number, digits.max(at_least));
}

/// Writes a number that may be negative.
pub(crate) fn push_signed(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    push_number(out, number.unsigned_abs(), 1);
}

/// Writes the lowest hexadecimal digits of a number.
pub(crate) fn write_hex(out: &mut [u8], mut number: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 0xf) as usize];
        number >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_numbers_in_full_or_to_a_width() {
        let mut out = Vec::new();
        push_number(&mut out, 0, 1);
        out.push(b' ');
        push_number(&mut out, 7, 4);
        out.push(b' ');
        push_number(&mut out, 123_456, 4);
        out.push(b' ');
        push_padded(&mut out, 12_345, 2);
        push_signed(&mut out, -30);
        assert_eq!(out, b"0 0007 123456 45-30");
        let mut hex = [0; 4];
        write_hex(&mut hex, 0x0a_beef);
        assert_eq!(&hex, b"beef");
    }
}
