//! The windows of a folder, and the names of their folders.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use genesys_cloud_core::Interval;
use genesys_cloud_sinks::Columns;

use crate::failure::Failure;
use crate::settings::RangeSettings;
use crate::time_zone::Zone;
use crate::times::span;

/// Maximum number of windows of a folder. The state of an export names those that are done.
const MOST_WINDOWS: usize = 20_000;

/// Lengths of a window in hours. Each divides a day, so windows of different runs are the same.
const HOURS: [i64; 7] = [1, 2, 3, 4, 6, 8, 12];

/// How a time range is divided into files: by days of a time zone, or by hours in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// Name of the column that the folders are named after.
    name: String,
    unit: Unit,
    zone: Zone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Day,
    Hours(i64),
}

/// A window of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Name of its folder, such as `conversation_day=2026-05-01`.
    pub(super) name: String,
    pub(super) interval: Interval,
}

impl Partition {
    /// Chooses the windows and their name. `id`: the path of the ID of a record, if known.
    pub(super) fn new(
        range: &RangeSettings,
        id: Option<&str>,
        columns: &Columns,
    ) -> Result<Self, Failure> {
        let seconds = range.window.map_or(86_400, |window| window.as_secs());
        let hours = i64::try_from(seconds / 3_600).unwrap_or(i64::MAX);
        let is_whole = seconds.is_multiple_of(3_600);
        let unit = match hours {
            24 if is_whole => Unit::Day,
            hours if is_whole && HOURS.contains(&hours) => Unit::Hours(hours),
            _ => {
                let window = span(range.window.unwrap_or_default());
                return Err(Failure::usage(format!(
                    "--window {window}: a folder has one file per day or per part of a day"
                ))
                .advise("choose 1d, 12h, 8h, 6h, 4h, 3h, 2h or 1h"));
            }
        };
        if matches!(unit, Unit::Hours(_)) && range.zone != Zone::default() {
            return Err(Failure::usage(format!(
                "--time-zone {}: a folder has one file per hour only in UTC, because clocks can show an hour twice",
                range.zone
            ))
            .advise("choose --window 1d, or omit --time-zone"));
        }
        let noun = if unit == Unit::Day { "day" } else { "hour" };
        let stem = id.and_then(|id| id.strip_suffix("Id")).filter(|stem| is_plain(stem));
        let name = range.partition.clone().unwrap_or_else(|| match stem {
            Some(stem) => format!("{}_{noun}", snake_case(stem)),
            None => noun.to_owned(),
        });
        let is_taken = |path: &str| path == name || snake_case(path) == name;
        if columns.all().iter().any(|column| is_taken(&column.path)) {
            return Err(Failure::usage(format!(
                "the folders of windows would be named `{name}`, which is also a field of the records"
            ))
            .advise("choose another name with --partition, such as --partition window_day"));
        }
        Ok(Self { name, unit, zone: range.zone })
    }

    /// Cuts a range into windows. Fails if it does not consist of whole windows that have ended.
    pub(super) fn parts(
        &self,
        interval: Interval,
        now: DateTime<Utc>,
    ) -> Result<Vec<Part>, Failure> {
        let (start, end) = (interval.start(), interval.end());
        let out_of_range = || Failure::usage(format!("--interval: {interval} is out of range"));
        let (from, to) = self.start_of(start).zip(self.start_of(end)).ok_or_else(out_of_range)?;
        if (from, to) != (start, end) {
            let what = match self.unit {
                Unit::Day => {
                    format!("day, but the range {interval} has parts of days ({})", self.zone)
                }
                Unit::Hours(hours) => {
                    format!("{}, but the range {interval} has parts of them", span_of(hours))
                }
            };
            let failure = Failure::usage(format!("--interval: a folder has one file per {what}"));
            return Err(match from < to {
                true => failure.advise(format!("export --interval {}", self.range(from, to))),
                false => failure.advise("start and end the range at the start of a window"),
            });
        }
        let last = self.start_of(now).ok_or_else(out_of_range)?;
        if end > last {
            let failure = Failure::usage(format!(
                "--interval: the window from {} has not ended, so its file would not be complete",
                instant(last.max(start))
            ));
            return Err(match start < last {
                true => failure.advise(format!("export --interval {}", self.range(start, last))),
                false => failure.advise("export it when it has ended"),
            });
        }
        let mut parts = Vec::new();
        let mut at = start;
        while at < end {
            let next = self.after(at).ok_or_else(out_of_range)?;
            if parts.len() == MOST_WINDOWS {
                return Err(Failure::usage(format!(
                    "--interval: {interval} has more than {MOST_WINDOWS} windows"
                ))
                .advise("export less at a time, or choose a longer --window"));
            }
            let name = format!("{}={}", self.name, self.label(at));
            parts.push(Part { name, interval: Interval::new(at, next) });
            at = next;
        }
        Ok(parts)
    }

    /// Describes the windows, for the state of an export.
    pub(super) fn text(&self) -> String {
        match self.unit {
            Unit::Day => format!("{} in days of {}", self.name, self.zone),
            Unit::Hours(hours) => format!("{} in {}", self.name, span_of(hours)),
        }
    }

    /// Returns the start of the window at a time.
    fn start_of(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.unit {
            Unit::Day => self.zone.start_of(self.zone.date(time)),
            Unit::Hours(hours) => {
                let length = hours * 3_600;
                DateTime::from_timestamp(time.timestamp().div_euclid(length) * length, 0)
            }
        }
    }

    /// Returns the start of the window after the one that starts at `start`.
    fn after(&self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.unit {
            Unit::Day => {
                let mut day = self.zone.date(start);
                loop {
                    day = day.succ_opt()?;
                    // Samoa skipped a day.
                    let next = self.zone.start_of(day)?;
                    if next > start {
                        return Some(next);
                    }
                }
            }
            Unit::Hours(hours) => start.checked_add_signed(TimeDelta::hours(hours)),
        }
    }

    fn label(&self, start: DateTime<Utc>) -> String {
        match self.unit {
            Unit::Day => self.zone.date(start).to_string(),
            Unit::Hours(_) => start.format("%Y-%m-%dT%H").to_string(),
        }
    }

    /// Formats a range for the command line.
    fn range(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> String {
        match self.unit {
            Unit::Day => format!("{}/{}", self.label(from), self.label(to)),
            Unit::Hours(_) => format!("{}/{}", instant(from), instant(to)),
        }
    }
}

fn span_of(hours: i64) -> String {
    if hours == 1 { "hour".to_owned() } else { format!("{hours} hours") }
}

fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Returns whether a name has only letters and digits.
fn is_plain(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_alphabetic())
        && name.chars().all(|it| it.is_ascii_alphanumeric())
}

/// Converts a name such as `conversationStart` to snake case.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::Unique;

    fn settings(window: Option<u64>, zone: &str, partition: Option<&str>) -> RangeSettings {
        RangeSettings {
            interval: "2026-05-01/P1D".parse().expect("a range"),
            zone: zone.parse().expect("a zone"),
            window: window.map(Duration::from_secs),
            overlap: Duration::ZERO,
            concurrency: 1,
            unique: Unique::Known,
            partition: partition.map(str::to_owned),
        }
    }

    fn partition(window: Option<u64>, zone: &str) -> Result<Partition, Failure> {
        let columns = Columns::default();
        Partition::new(&settings(window, zone, None), Some("conversationId"), &columns)
    }

    fn names(partition: &Partition, interval: &str) -> Result<Vec<String>, Failure> {
        let now = "2026-12-01T12:30:00Z".parse().expect("a time");
        let parts = partition.parts(interval.parse().expect(interval), now)?;
        Ok(parts.into_iter().map(|part| part.name).collect())
    }

    #[test]
    fn names_folders_after_days_and_hours() {
        let days = partition(None, "UTC").expect("days");
        assert_eq!(
            names(&days, "2026-05-01/2026-05-03").expect("two days"),
            ["conversation_day=2026-05-01", "conversation_day=2026-05-02"]
        );
        let hours = partition(Some(6 * 3_600), "UTC").expect("hours");
        assert_eq!(
            names(&hours, "2026-05-01T12:00Z/2026-05-02").expect("two windows"),
            ["conversation_hour=2026-05-01T12", "conversation_hour=2026-05-01T18"]
        );
    }

    #[test]
    fn a_day_has_the_length_that_it_has_in_the_zone() {
        let days = partition(None, "Europe/Berlin").expect("days");
        let now = "2026-12-01T12:30:00Z".parse().expect("a time");
        for (interval, hours) in [
            ("2026-03-28T23:00Z/2026-03-30T22:00Z", [23, 24]),
            ("2026-10-24T22:00Z/2026-10-26T23:00Z", [25, 24]),
        ] {
            let parts = days.parts(interval.parse().expect(interval), now).expect("two days");
            let lengths = parts.iter().map(|part| part.interval.length().as_secs() / 3_600);
            assert_eq!(lengths.collect::<Vec<_>>(), hours, "{parts:?}");
        }
        // The day that Samoa skipped has no folder.
        let samoa = partition(None, "Pacific/Apia").expect("days");
        assert_eq!(
            names(&samoa, "2011-12-29T10:00Z/2011-12-31T10:00Z").expect("two days"),
            ["conversation_day=2011-12-29", "conversation_day=2011-12-31"]
        );
    }

    #[test]
    fn rejects_parts_of_windows_with_a_range_that_has_none() {
        let days = partition(None, "UTC").expect("days");
        for (interval, advice) in [
            ("2026-05-01T06:00Z/2026-05-03", "export --interval 2026-05-01/2026-05-03"),
            ("2026-05-01/2026-05-03T06:00Z", "export --interval 2026-05-01/2026-05-03"),
            ("2026-05-01T06:00Z/2026-05-01T07:00Z", "at the start of a window"),
            ("2026-11-29/2026-12-02", "export --interval 2026-11-29/2026-12-01"),
            ("2026-12-01/2026-12-02", "when it has ended"),
        ] {
            let failure = names(&days, interval).expect_err(interval);
            assert!(failure.advice()[0].contains(advice), "{failure}: {:?}", failure.advice());
        }
        let hours = partition(Some(3_600), "UTC").expect("hours");
        let failure = names(&hours, "2026-05-01T00:30Z/2026-05-01T02:00Z").expect_err("a part");
        assert_eq!(
            failure.advice(),
            ["export --interval 2026-05-01T00:00:00Z/2026-05-01T02:00:00Z"]
        );
        let failure = names(&hours, "2020-01-01/2026-01-01").expect_err("too many");
        assert!(failure.to_string().contains("more than 20000 windows"), "{failure}");
    }

    #[test]
    fn windows_of_different_runs_are_the_same() {
        for (window, zone) in
            [(7 * 86_400, "UTC"), (5 * 3_600, "UTC"), (90, "UTC"), (3_600, "Europe/Berlin")]
        {
            partition(Some(window), zone).expect_err("refused");
        }
    }

    #[test]
    fn a_folder_is_not_named_like_a_field() {
        let fields = ["conversationDay".to_owned()];
        let columns = Columns::chosen(&fields, None, true).expect("columns");
        let by = |partition| {
            Partition::new(&settings(None, "UTC", partition), Some("conversationId"), &columns)
        };
        by(None).expect_err("taken");
        by(Some("conversationDay")).expect_err("taken");
        assert_eq!(by(Some("d")).expect("free").text(), "d in days of UTC");
        let plain = Partition::new(&settings(None, "UTC", None), Some("id"), &columns);
        assert_eq!(plain.expect("free").text(), "day in days of UTC");
    }
}
