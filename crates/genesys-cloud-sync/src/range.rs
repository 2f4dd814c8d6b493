//! Which parts of a time range to read, and how far it is known afterwards.
//!
//! A range is read in chunks: days for the recent part, which is read again, and one chunk for the rest. A row
//! remembers the days in which its record was read. When a later run has read all of these days completely, without
//! the record, the record was deleted.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use genesys_cloud_core::{Interval, Verdict};

/// Days, from the first (inclusive) to the last (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DayRange {
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last one.
    pub to: NaiveDate,
}

impl DayRange {
    /// Returns the days that an interval touches.
    pub fn touched_by(interval: Interval) -> Self {
        let end = interval.end();
        let last = end.date_naive();
        let to = if start_of(last) < end { after(last) } else { last };
        Self { from: interval.start().date_naive(), to }
    }

    /// Returns the days that an interval covers as a whole, if any.
    pub fn covered_by(interval: Interval) -> Option<Self> {
        let start = interval.start();
        let first = start.date_naive();
        let from = if start_of(first) < start { after(first) } else { first };
        let to = interval.end().date_naive();
        (from < to).then_some(Self { from, to })
    }

    /// Returns whether these days include all of the others.
    pub fn includes(self, other: Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    /// Returns the shortest range of days that includes both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }
}

/// What was read of one chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChunkRead {
    /// The interval.
    pub interval: Interval,
    /// Whether all of it was read.
    pub verdict: Verdict,
}

/// Cuts the part of a range that a run reads into chunks, the most recent first. Empty if there is nothing to read.
///
/// The run starts `lookback` before the watermark, or at `since` in the first run, at the start of a day. It reads up
/// to `until`: now, or the time up to which the API has the data.
pub fn chunks(
    since: NaiveDate,
    watermark: Option<DateTime<Utc>>,
    lookback: Duration,
    until: DateTime<Utc>,
) -> Vec<Interval> {
    let back = TimeDelta::from_std(lookback).unwrap_or(TimeDelta::MAX);
    let before = |time: DateTime<Utc>| {
        time.checked_sub_signed(back).map_or(since, |time| time.date_naive()).max(since)
    };
    let first = watermark.map_or(since, before);
    if until <= start_of(first) {
        return Vec::new();
    }
    let mut day = before(until).max(first);
    let mut chunks = Vec::new();
    if first < day {
        chunks.push(Interval::new(start_of(first), start_of(day)));
    }
    while start_of(day) < until {
        let next = after(day);
        if next == day {
            break;
        }
        chunks.push(Interval::new(start_of(day), start_of(next).min(until)));
        day = next;
    }
    chunks.reverse();
    chunks
}

/// Returns the time up to which a range is completely known.
///
/// It only advances over chunks that were read completely, and never goes back.
pub fn watermark(
    before: Option<DateTime<Utc>>,
    chunks: &[ChunkRead],
    has_withheld_deletes: bool,
) -> Option<DateTime<Utc>> {
    if has_withheld_deletes {
        return before;
    }
    let mut sorted: Vec<&ChunkRead> = chunks.iter().collect();
    sorted.sort_by_key(|chunk| chunk.interval.start());
    let mut known = None;
    for chunk in sorted {
        let is_next = known.is_none_or(|known| chunk.interval.start() <= known);
        if !is_next || chunk.verdict != Verdict::Complete {
            break;
        }
        known = known.max(Some(chunk.interval.end()));
    }
    before.max(known)
}

/// Returns the days that were read completely, with adjacent ones joined.
pub fn complete_days(chunks: &[ChunkRead]) -> Vec<DayRange> {
    let complete = chunks.iter().filter(|chunk| chunk.verdict == Verdict::Complete);
    let mut days: Vec<DayRange> =
        complete.filter_map(|chunk| DayRange::covered_by(chunk.interval)).collect();
    days.sort_by_key(|days| days.from);
    let mut joined: Vec<DayRange> = Vec::new();
    for next in days {
        match joined.last_mut() {
            Some(last) if next.from <= last.to => *last = last.with(next),
            _ => joined.push(next),
        }
    }
    joined
}

fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The next day. The same at the end of time.
fn after(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use genesys_cloud_core::Reason;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn day(text: &str) -> NaiveDate {
        text.parse().expect(text)
    }

    fn time(text: &str) -> DateTime<Utc> {
        let text =
            if text.len() == 10 { format!("{text}T00:00:00Z") } else { format!("{text}:00Z") };
        DateTime::parse_from_rfc3339(&text).expect("a time").to_utc()
    }

    fn interval(text: &str) -> Interval {
        let (start, end) = text.split_once('/').expect("an interval");
        Interval::new(time(start), time(end))
    }

    #[test]
    fn reads_from_the_lookback_to_the_available_data() {
        for (watermark, lookback, until, expected) in [
            // The first run.
            (
                None,
                DAY,
                "2026-05-05T06:30",
                &["2026-05-05/2026-05-05T06:30", "2026-05-04/2026-05-05", "2026-05-01/2026-05-04"]
                    [..],
            ),
            (None, Duration::ZERO, "2026-05-03", &["2026-05-01/2026-05-03"]),
            // The lookback is longer than the range.
            (
                None,
                30 * DAY,
                "2026-05-02T01:00",
                &["2026-05-02/2026-05-02T01:00", "2026-05-01/2026-05-02"],
            ),
            // Later runs begin at the start of a day.
            (
                Some("2026-05-05T06:30"),
                DAY,
                "2026-05-05T07:30",
                &["2026-05-05/2026-05-05T07:30", "2026-05-04/2026-05-05"],
            ),
            (
                Some("2026-05-05T06:30"),
                Duration::ZERO,
                "2026-05-05T07:30",
                &["2026-05-05/2026-05-05T07:30"],
            ),
            // After a pause.
            (
                Some("2026-05-05T06:30"),
                DAY,
                "2026-05-09T07:30",
                &["2026-05-09/2026-05-09T07:30", "2026-05-08/2026-05-09", "2026-05-04/2026-05-08"],
            ),
            // Nothing is available.
            (None, DAY, "2026-04-30", &[]),
            (None, DAY, "2026-05-01", &[]),
        ] {
            let chunks = chunks(day("2026-05-01"), watermark.map(time), lookback, time(until));
            let expected: Vec<Interval> = expected.iter().map(|it| interval(it)).collect();
            assert_eq!(chunks, expected, "{watermark:?} {until}");
        }
    }

    #[test]
    fn the_watermark_passes_complete_chunks_only() {
        let bad = Verdict::Truncated(Reason::Cap);
        let soon = Verdict::Unknown(Reason::NotAvailableYet { until: time("2026-05-03") });
        let ok = Verdict::Complete;
        for (before, chunks, withheld, expected) in [
            (
                None,
                &[("2026-05-01/2026-05-02", ok), ("2026-05-02/2026-05-03", ok)][..],
                false,
                Some("2026-05-03"),
            ),
            // In any order.
            (
                None,
                &[("2026-05-02/2026-05-03", ok), ("2026-05-01/2026-05-02", ok)],
                false,
                Some("2026-05-03"),
            ),
            (
                None,
                &[("2026-05-01/2026-05-02", ok), ("2026-05-02/2026-05-03", bad)],
                false,
                Some("2026-05-02"),
            ),
            (None, &[("2026-05-01/2026-05-02", bad), ("2026-05-02/2026-05-03", ok)], false, None),
            (
                None,
                &[("2026-05-01/2026-05-02", ok), ("2026-05-02/2026-05-04", soon)],
                false,
                Some("2026-05-02"),
            ),
            // It never goes back.
            (
                Some("2026-05-02T12:00"),
                &[("2026-05-01/2026-05-02", ok), ("2026-05-02/2026-05-03", bad)],
                false,
                Some("2026-05-02T12:00"),
            ),
            (Some("2026-05-05"), &[("2026-05-03/2026-05-04", ok)], false, Some("2026-05-05")),
            (Some("2026-05-05"), &[], false, Some("2026-05-05")),
            // Nor over a gap.
            (
                None,
                &[("2026-05-01/2026-05-02", ok), ("2026-05-03/2026-05-04", ok)],
                false,
                Some("2026-05-02"),
            ),
            // Rows that could not be deleted are compared again.
            (Some("2026-05-01"), &[("2026-05-01/2026-05-02", ok)], true, Some("2026-05-01")),
        ] {
            let chunks: Vec<ChunkRead> = chunks
                .iter()
                .map(|(text, verdict)| ChunkRead { interval: interval(text), verdict: *verdict })
                .collect();
            let after = watermark(before.map(time), &chunks, withheld);
            assert_eq!(after, expected.map(time), "{before:?} {chunks:?}");
        }
    }

    #[test]
    fn days_are_proven_only_by_complete_chunks_that_cover_them() {
        let bad = Verdict::Drifted(Reason::Moved);
        let chunk = |text: &str, verdict| ChunkRead { interval: interval(text), verdict };
        let days = complete_days(&[
            chunk("2026-05-05/2026-05-05T06:30", Verdict::Complete),
            chunk("2026-05-04/2026-05-05", Verdict::Complete),
            chunk("2026-05-03/2026-05-04", bad),
            chunk("2026-05-02/2026-05-03", Verdict::Complete),
            chunk("2026-04-20/2026-05-02", Verdict::Complete),
        ]);
        let range = |from, to| DayRange { from: day(from), to: day(to) };
        let expected = [range("2026-04-20", "2026-05-03"), range("2026-05-04", "2026-05-05")];
        assert_eq!(days, expected);
        assert!(days[0].includes(range("2026-05-01", "2026-05-03")));
        // A record that was active on an unproven day may still exist.
        assert!(!days.iter().any(|days| days.includes(range("2026-05-02", "2026-05-05"))));
        let today = DayRange::touched_by(interval("2026-05-05/2026-05-05T06:30"));
        assert_eq!(today, range("2026-05-05", "2026-05-06"));
        assert!(!days.iter().any(|days| days.includes(today)));
    }
}
