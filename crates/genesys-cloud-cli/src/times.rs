//! Parses and formats durations.

use std::time::Duration;

/// Parses a duration such as `30s`, `15m`, `6h`, `1d` or `1h 30m`, in whole seconds. Months and years have no fixed
/// length.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const FORM: &str = "write it as 30s, 15m, 6h, 1d or 2w";
    let is_vague = |unit: &str| unit.starts_with(['M', 'y']) || unit.starts_with("mo");
    if text.split(|it: char| !it.is_alphabetic()).any(is_vague) {
        return Err(format!("months and years have no fixed length; {FORM}"));
    }
    match humantime::parse_duration(text) {
        Ok(time) if time.subsec_nanos() == 0 => Ok(time),
        Ok(_) => Err(format!("fractions of a second are not supported; {FORM}")),
        Err(error) => Err(format!("{error}; {FORM}")),
    }
}

/// Formats a duration so that [`duration`] parses it.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(604_800, 'w'), (86_400, 'd'), (3_600, 'h'), (60, 'm')];
    match units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit)) {
        Some((unit, letter)) => format!("{}{letter}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// Formats a number of days.
pub(crate) fn days(time: Duration) -> String {
    match time.as_secs() / 86_400 {
        1 => "1 day".to_owned(),
        many => format!("{many} days"),
    }
}

/// Formats a duration as a clock does, such as `1:02:03` or `4:05`.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Formats an age in its two largest units: `40 s`, `12 min`, `9 h 12 min`, `3 days 4 h`.
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
        assert_eq!(duration("1h 30m"), Ok(Duration::from_mins(90)));
        for (text, seconds) in
            [("30s", 30), ("15m", 900), ("6h", 21_600), ("1d", 86_400), ("2w", 1_209_600)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        for text in
            ["", "d", "1", "1x", "-1d", "500ms", "1month", "2M", "1y", "9999999999999999999w"]
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
