//! Lossless parsing of numbers and flags in the forms that the API sends.

/// Below this, doubles represent all integers exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Parses an integer in any notation: `25`, `25.0`, `2.5e1`. `None` for fractions and if it does not fit.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    text.parse().ok().or_else(|| decimal(text)?.integer())
}

/// Returns the integer value of a double, if it is unambiguous.
pub(crate) fn whole(number: f64) -> Option<i64> {
    // The cast is exact because of the condition.
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// Parses a number. Integers without an exponent must be exact as a double.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim_ascii();
    match text {
        // Written by Java, in quotes.
        "NaN" => return Some(f64::NAN),
        "Infinity" => return Some(f64::INFINITY),
        "-Infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let number: f64 = text.parse().ok().filter(|it: &f64| it.is_finite())?;
    let read = decimal(text)?;
    let is_whole = read.fraction.is_empty() && read.exponent == 0;
    (!is_whole || text.parse().is_ok_and(|whole: i128| number as i128 == whole)).then_some(number)
}

/// Parses a flag.
pub(crate) fn flag(text: &str) -> Option<bool> {
    let text = text.trim_ascii();
    match (text.eq_ignore_ascii_case("true"), text.eq_ignore_ascii_case("false")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// Whether an integer is exact as a double.
pub(crate) fn is_exact(whole: i128) -> bool {
    (whole as f64) as i128 == whole
}

/// The parts of a JSON number, which may also have a leading `+` or leading zeros.
struct Decimal<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i32,
}

fn decimal(text: &str) -> Option<Decimal<'_>> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (text, 0),
    };
    let is_negative = mantissa.starts_with('-');
    let mantissa = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let is_number = |text: &str| text.bytes().all(|it| it.is_ascii_digit());
    (!whole.is_empty() && is_number(whole) && is_number(fraction)).then_some(Decimal {
        is_negative,
        whole,
        fraction,
        exponent,
    })
}

impl Decimal<'_> {
    fn integer(&self) -> Option<i64> {
        let digits = || self.whole.bytes().chain(self.fraction.bytes());
        let zeros = digits().rev().take_while(|digit| *digit == b'0').count();
        let count = self.whole.len() + self.fraction.len() - zeros;
        if count == 0 {
            return Some(0);
        }
        // The number of zeros after the last nonzero digit.
        let point = i64::try_from(self.whole.len()).ok()? + i64::from(self.exponent);
        let follow = u32::try_from(point - i64::try_from(count).ok()?).ok()?;
        let mut number: i128 = 0;
        for digit in digits().take(count) {
            number = number.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        number = number.checked_mul(10_i128.checked_pow(follow)?)?;
        i64::try_from(if self.is_negative { -number } else { number }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_or_rejected() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0.0", Some(0)),
            ("0e999999999", Some(0)),
            ("25", Some(25)),
            ("25.0", Some(25)),
            (" 25 ", Some(25)),
            ("1e3", Some(1000)),
            ("1.5E+1", Some(15)),
            ("1500e-2", Some(15)),
            ("-1.20e2", Some(-120)),
            ("9007199254740993.0", Some(9_007_199_254_740_993)),
            ("9223372036854775807.000", Some(i64::MAX)),
            ("-9223372036854775808e0", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("1e19", None),
            ("1e999999999", None),
            ("1e99999999999", None),
            ("1.0000000000000000001", None),
            ("4503599627370497.3", None),
            ("1e-1", None),
            ("", None),
            ("-", None),
            ("1.", None),
            (".5", None),
            ("0x10", None),
            ("1_000", None),
            ("NaN", None),
        ] {
            assert_eq!(integer(text), expected, "{text}");
        }
    }

    #[test]
    fn doubles_are_integers_only_if_unambiguous() {
        for (number, expected) in [
            (25.0, Some(25)),
            (-9_007_199_254_740_991.0, Some(-9_007_199_254_740_991)),
            // 9007199254740993 parses as the same double.
            (9_007_199_254_740_992.0, None),
            (0.5, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(whole(number), expected, "{number}");
        }
    }

    #[test]
    fn parses_numbers_and_flags() {
        for (text, expected) in [
            ("1", Some(1.0)),
            ("31.245270191439438", Some(31.245_270_191_439_438)),
            ("-2e3", Some(-2000.0)),
            ("9007199254740992", Some(9_007_199_254_740_992.0)),
            ("9007199254740993", None),
            ("9007199254740993.0", Some(9_007_199_254_740_992.0)),
            ("1e999", None),
            ("Infinity", Some(f64::INFINITY)),
            ("inf", None),
            ("nan", None),
            ("", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
        assert!(number("NaN").is_some_and(f64::is_nan));
        assert_eq!((flag("true"), flag("False"), flag("1")), (Some(true), Some(false), None));
    }
}
