//! Points in time in the form that the API mostly writes.

/// Parses `2024-05-01T12:30:00.000Z`, with or without milliseconds, as microseconds since 1970. `None` for other forms,
/// which the reader of the core knows.
pub(crate) fn micros(text: &[u8]) -> Option<i64> {
    let (head, millis) = match text {
        [head @ .., b'.', a, b, c, b'Z'] => (head, number(&[*a, *b, *c])?),
        [head @ .., b'Z'] => (head, 0),
        _ => return None,
    };
    let [date @ .., b'T', h0, h1, b':', m0, m1, b':', s0, s1] = head else { return None };
    let [y0, y1, y2, y3, b'-', o0, o1, b'-', d0, d1] = date else { return None };
    let year = number(&[*y0, *y1, *y2, *y3])?;
    let (month, day) = (number(&[*o0, *o1])?, number(&[*d0, *d1])?);
    let (hour, minute, second) = (number(&[*h0, *h1])?, number(&[*m0, *m1])?, number(&[*s0, *s1])?);
    if !(1..=days_in(year, month)?).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some((seconds * 1000 + millis) * 1000)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then_some(number * 10 + i64::from(digit))
    })
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    Some(match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    })
}

/// Returns the days since 1970, by years that begin in March, so that a leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use genesys_cloud_core::lenient;

    use super::*;

    fn by_core(text: &str) -> Option<i64> {
        Some(lenient::instant(&format!("\"{text}\""))?.value.timestamp_micros())
    }

    #[test]
    fn agrees_with_the_core() {
        for year in [0, 1, 4, 1582, 1899, 1900, 1969, 1970, 1999, 2000, 2023, 2024, 2100, 9999] {
            for month in 0..14 {
                for day in [0, 1, 15, 28, 29, 30, 31, 32] {
                    for time in ["00:00:00.000Z", "23:59:59.999Z", "12:30:00Z"] {
                        let text = format!("{year:04}-{month:02}-{day:02}T{time}");
                        assert_eq!(micros(text.as_bytes()), by_core(&text), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn leaves_other_forms_to_the_core() {
        for text in [
            "",
            "Z",
            "2024-05-01",
            "2024-05-01T12:30Z",
            "2024-05-01 12:30:00Z",
            "2024-05-01T12:30:00.000+0000",
            "2024-05-01T12:30:00.000000Z",
            "2016-12-31T23:59:60Z",
            "2024-05-01T24:00:00Z",
            "+2024-05-01T12:30:00Z",
            "2024-05-01T12:3a:00Z",
            "soon",
        ] {
            assert_eq!(micros(text.as_bytes()), None, "{text}");
        }
    }
}
