use std::time::Duration;

use crate::digits::push_padded;

/// A point in time, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(u64);

const DAY: u64 = 86_400_000;
/// Days since the epoch: 2024-01-01, and 2025-07-01, after which records are modified or end.
const EARLY: u64 = 19_723;
const LATE: u64 = 20_270;

impl Timestamp {
    /// Generates a time from 2024 on. A late one follows every early one.
    pub(crate) fn generated(random: u64, late: bool) -> Self {
        let (first, days) = if late { (LATE, 365) } else { (EARLY, LATE - EARLY) };
        Self(first * DAY + random % (days * DAY))
    }

    pub(crate) fn of(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    pub(crate) fn milliseconds(self) -> u64 {
        self.0
    }

    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time.as_millis() as u64))
    }

    pub(crate) fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(time.as_millis() as u64))
    }

    /// Shifts the time by this many seconds.
    pub(crate) fn shifted(self, seconds: i64) -> Self {
        Self(self.0.saturating_add_signed(seconds.saturating_mul(1_000)))
    }

    /// Parses a date-time such as `2026-11-22T09:30:00.125Z`. Milliseconds, seconds and the time of day are
    /// optional, and the zone may be `+01:00`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T').unwrap_or((text, "00:00Z"));
        let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let (time, offset) = match time.strip_suffix('Z') {
            Some(time) => (time, 0),
            None => {
                let index = time.rfind(['+', '-'])?;
                let (hours, minutes) = time[index + 1..].split_once(':')?;
                let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
                (&time[..index], if time[index..].starts_with('-') { -minutes } else { minutes })
            }
        };
        let mut time = time.splitn(3, ':');
        let hours: i64 = time.next()?.parse().ok()?;
        let minutes: i64 = time.next()?.parse().ok()?;
        let seconds: f64 = time.next().unwrap_or("0").parse().ok()?;
        // Days before the month, in a year that begins in March.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
            + year.div_euclid(400)
            + (153 * month + 2) / 5
            + day
            - 1
            - 719_468;
        let minutes = (days * 24 + hours) * 60 + minutes - offset;
        let milliseconds = minutes * 60_000 + (seconds * 1_000.0).round() as i64;
        u64::try_from(milliseconds).ok().map(Self)
    }

    /// The format of the `date` header: `Sun, 22 Nov 2026 09:30:00 GMT`.
    pub(crate) fn http_date(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (year, month, day) = self.date();
        let (weekday, month) = (DAYS[(self.0 / DAY % 7) as usize], MONTHS[month as usize - 1]);
        let seconds = self.0 % DAY / 1_000;
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        format!("{weekday}, {day:02} {month} {year:04} {hours:02}:{minutes:02}:{seconds:02} GMT")
    }

    /// The format of the service: `2026-11-22T09:30:00.125Z`, rarely without milliseconds.
    pub(crate) fn write_date_time(self, out: &mut Vec<u8>) {
        self.write_seconds(out);
        let milliseconds = self.0 % 1_000;
        if !milliseconds.is_multiple_of(64) {
            out.push(b'.');
            push_padded(out, milliseconds, 3);
        }
        out.push(b'Z');
    }

    pub(crate) fn text(self) -> String {
        let mut text = Vec::new();
        self.write_date_time(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// `2026-11-22T09:30:00.125`, without a time zone.
    pub(crate) fn write_local(self, out: &mut Vec<u8>) {
        self.write_seconds(out);
        out.push(b'.');
        push_padded(out, self.0 % 1_000, 3);
    }

    /// `2026-11-22`
    pub(crate) fn write_date(self, out: &mut Vec<u8>) {
        let (year, month, day) = self.date();
        push_padded(out, year, 4);
        out.push(b'-');
        push_padded(out, month, 2);
        out.push(b'-');
        push_padded(out, day, 2);
    }

    /// `2026-11`
    pub(crate) fn write_month(self, out: &mut Vec<u8>) {
        let (year, month, _) = self.date();
        push_padded(out, year, 4);
        out.push(b'-');
        push_padded(out, month, 2);
    }

    fn write_seconds(self, out: &mut Vec<u8>) {
        self.write_date(out);
        let seconds = self.0 % DAY / 1_000;
        for (sign, number) in
            [(b'T', seconds / 3_600), (b':', seconds / 60 % 60), (b':', seconds % 60)]
        {
            out.push(sign);
            push_padded(out, number, 2);
        }
    }

    /// Year, month and day (the civil-from-days algorithm: years begin in March).
    fn date(self) -> (u64, u64, u64) {
        let days = self.0 / DAY + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        (year, month, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(milliseconds: u64, write: fn(Timestamp, &mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(Timestamp(milliseconds), &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn formats_timestamps_like_the_service() {
        let timestamp = 1_709_210_096_789;
        assert_eq!(written(timestamp, Timestamp::write_date_time), "2024-02-29T12:34:56.789Z");
        assert_eq!(written(timestamp, Timestamp::write_local), "2024-02-29T12:34:56.789");
        assert_eq!(written(timestamp, Timestamp::write_month), "2024-02");
        assert_eq!(written(EARLY * DAY, Timestamp::write_date_time), "2024-01-01T00:00:00Z");
        assert_eq!(written(LATE * DAY, Timestamp::write_date), "2025-07-01");
    }

    #[test]
    fn parses_date_times_in_several_formats() {
        let timestamp = Some(Timestamp(1_709_210_096_789));
        assert_eq!(Timestamp::parse("2024-02-29T12:34:56.789Z"), timestamp);
        assert_eq!(Timestamp::parse("2024-02-29T13:34:56.789+01:00"), timestamp);
        assert_eq!(Timestamp::parse("2024-01-01"), Some(Timestamp(EARLY * DAY)));
        assert_eq!(Timestamp::parse("2025-07-01T00:00Z"), Some(Timestamp(LATE * DAY)));
        for text in ["", "soon", "2024-13-01", "2024-02-29T12:34", "2024-02-29Tx:00Z"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        assert_eq!(Timestamp(1_709_210_096_789).http_date(), "Thu, 29 Feb 2024 12:34:56 GMT");
    }

    #[test]
    fn late_timestamps_follow_early_ones() {
        for random in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(Timestamp::generated(random, false).0 < Timestamp::generated(random, true).0);
        }
    }
}
