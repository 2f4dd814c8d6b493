//! Time zones, from the tz database in this program: the system may have none, or an old one.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Days, LocalResult, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::resolve::{nearest, quoted};

/// More than the largest offset and the longest time that clocks have skipped: Samoa skipped a day in 2011.
const FURTHEST: TimeDelta = TimeDelta::hours(48);

/// A time zone of the tz database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone(Tz);

impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            let near = nearest(text, TZ_VARIANTS.iter().map(|it| it.name().to_owned()), 1);
            match near.is_empty() {
                false => format!("unknown time zone; did you mean {}?", quoted(&near)),
                true => {
                    "unknown time zone; write its name in the tz database, such as Europe/Berlin"
                        .to_owned()
                }
            }
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Zone {
    /// Returns the date at a time.
    pub(crate) fn date(self, time: DateTime<Utc>) -> NaiveDate {
        time.with_timezone(&self.0).date_naive()
    }

    /// Returns the first instant of a day. `None` outside the range of dates.
    pub(crate) fn start_of(self, day: NaiveDate) -> Option<DateTime<Utc>> {
        self.first(day.and_hms_opt(0, 0, 0)?)
    }

    /// Returns the instant of a time on the clock.
    ///
    /// # Errors
    /// If the clocks show this time twice or never.
    pub(crate) fn only(self, local: NaiveDateTime) -> Result<DateTime<Utc>, String> {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(time) => Ok(time.to_utc()),
            LocalResult::Ambiguous(..) => {
                Err(format!("{local} occurs twice in {self}, when the clocks go back"))
            }
            LocalResult::None => {
                Err(format!("{local} does not exist in {self}, where the clocks go forward"))
            }
        }
    }

    /// Adds months and days on the calendar, which keeps the time on the clock. Negative numbers subtract.
    pub(crate) fn add(self, time: DateTime<Utc>, months: i32, days: i64) -> Option<DateTime<Utc>> {
        if (months, days) == (0, 0) {
            return Some(time);
        }
        let local = time.with_timezone(&self.0).naive_local();
        let amount = Months::new(months.unsigned_abs());
        let local = match months < 0 {
            true => local.checked_sub_months(amount)?,
            false => local.checked_add_months(amount)?,
        };
        let amount = Days::new(days.unsigned_abs());
        self.first(match days < 0 {
            true => local.checked_sub_days(amount)?,
            false => local.checked_add_days(amount)?,
        })
    }

    /// Returns the first instant at which the clocks show this time, or a later one if they skip it.
    fn first(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => {
                return Some(time.to_utc());
            }
            LocalResult::None => {}
        }
        // Find the end of the gap by bisection: before it, the clocks show less than `local`, and from then on, more.
        let shows = |utc: NaiveDateTime| self.0.from_utc_datetime(&utc).naive_local();
        let (mut before, mut after) =
            (local.checked_sub_signed(FURTHEST)?, local.checked_add_signed(FURTHEST)?);
        while after - before > TimeDelta::seconds(1) {
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            match shows(middle) < local {
                true => before = middle,
                false => after = middle,
            }
        }
        // Clocks change on a whole second.
        let end = DateTime::from_timestamp(after.and_utc().timestamp(), 0)?;
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().expect(name)
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect(text)
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect(text)
    }

    #[test]
    fn days_start_at_midnight_on_the_clock_or_when_the_clocks_go_forward() {
        for (name, date, start) in [
            ("UTC", "2026-05-01", "2026-05-01T00:00:00Z"),
            ("Europe/Berlin", "2026-01-01", "2025-12-31T23:00:00Z"),
            ("Europe/Berlin", "2026-05-01", "2026-04-30T22:00:00Z"),
            ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"),
            ("Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z"),
            ("Asia/Kathmandu", "2026-05-01", "2026-04-30T18:15:00Z"),
            // Midnight does not exist: the day starts at 1:00.
            ("America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00:00Z"),
            ("Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00Z"),
            // Midnight occurs twice.
            ("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z"),
            // At midnight, the clocks go back into the day before.
            ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"),
            // Samoa skipped this day.
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
            ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
        ] {
            assert_eq!(zone(name).start_of(day(date)), Some(at(start)), "{date} in {name}");
        }
    }

    #[test]
    fn days_of_a_change_of_clocks_have_23_or_25_hours() {
        for (date, hours) in [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)] {
            let (berlin, day) = (zone("Europe/Berlin"), day(date));
            let next = day.succ_opt().expect("a day");
            let length = berlin.start_of(next).expect("it") - berlin.start_of(day).expect("it");
            assert_eq!(length, TimeDelta::hours(hours), "{date}");
        }
    }

    #[test]
    fn added_days_keep_the_time_on_the_clock() {
        let berlin = zone("Europe/Berlin");
        for (time, months, days, later) in [
            ("2026-03-28T11:00:00Z", 0, 1, "2026-03-29T10:00:00Z"),
            ("2026-10-25T11:00:00Z", 0, -1, "2026-10-24T10:00:00Z"),
            // 2:30 does not exist on that day.
            ("2026-03-28T01:30:00Z", 0, 1, "2026-03-29T01:00:00Z"),
            // 2:30 occurs twice on that day.
            ("2026-10-24T00:30:00Z", 0, 1, "2026-10-25T00:30:00Z"),
            ("2026-01-31T11:00:00Z", 1, 0, "2026-02-28T11:00:00Z"),
            ("2026-05-01T11:00:00.250Z", 0, 0, "2026-05-01T11:00:00.250Z"),
        ] {
            assert_eq!(berlin.add(at(time), months, days), Some(at(later)), "{time}");
        }
        assert_eq!(berlin.add(at("2026-05-01T00:00:00Z"), i32::MIN, i64::MIN), None);
    }

    #[test]
    fn a_time_that_occurs_twice_or_never_is_an_error() {
        let berlin = zone("Europe/Berlin");
        let local = |text: &str| text.parse::<NaiveDateTime>().expect(text);
        assert_eq!(berlin.only(local("2026-05-01T12:00:00")), Ok(at("2026-05-01T10:00:00Z")));
        let twice = berlin.only(local("2026-10-25T02:30:00")).expect_err("twice");
        assert!(twice.contains("occurs twice in Europe/Berlin"), "{twice}");
        let never = berlin.only(local("2026-03-29T02:30:00")).expect_err("never");
        assert!(never.contains("does not exist in Europe/Berlin"), "{never}");
    }

    #[test]
    fn suggests_similar_zones() {
        for (text, part) in [
            ("europe/berlin", "did you mean `Europe/Berlin`?"),
            ("Europe/Brelin", "did you mean `Europe/Berlin`?"),
            ("zzzzzzzzzzzz", "such as Europe/Berlin"),
        ] {
            let why = text.parse::<Zone>().expect_err(text);
            assert!(why.contains(part), "{why}");
        }
    }
}
