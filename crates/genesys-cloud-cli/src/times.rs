//! Lengths of time as a user writes them.

use std::time::Duration;

/// A time such as `30s`, `15m`, `6h`, `1d` or `2w`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let form = "write it as 30s, 15m, 6h, 1d or 2w";
    let unit = text.chars().last().ok_or(form)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(form.to_owned()),
    };
    let number: u64 = text[..text.len() - 1]
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` has no whole number in front of its unit; {form}"))?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is too long"))
}

/// The same the other way round.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(604_800, 'w'), (86_400, 'd'), (3_600, 'h'), (60, 'm')];
    match units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit)) {
        Some((unit, letter)) => format!("{}{letter}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// So many days, in words.
pub(crate) fn days(time: Duration) -> String {
    match time.as_secs() / 86_400 {
        1 => "1 day".to_owned(),
        many => format!("{many} days"),
    }
}

/// A time as a person reads it, such as `1:02:03` or `4:05`.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// How long ago something was, in its two largest units: `40 s`, `12 min`, `9 h 12 min`, `3 days 4 h`.
pub(crate) fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} {} h", days(time), seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in
            [("30s", 30), ("15m", 900), ("6h", 21_600), ("1d", 86_400), ("2w", 1_209_600)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        for text in
            ["", "d", "1", "1x", "-1d", "1.5d", "99999999999999999999w", "9999999999999999999w"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
        for (seconds, text) in [
            (40, "40 s"),
            (720, "12 min"),
            (33_120, "9 h 12 min"),
            (90_000, "1 day 1 h"),
            (273_600, "3 days 4 h"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
        assert_eq!(clock(Duration::from_secs(65)), "1:05");
        assert_eq!(clock(Duration::from_secs(3_723)), "1:02:03");
    }
}
