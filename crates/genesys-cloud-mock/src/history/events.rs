//! Records of things that happened: conversations, evaluations, changes of records, presences of users. Each has a
//! time, and may arrive later.

use std::time::Duration;

use super::OrgTimeline;
use crate::rng::{hash, mix};
use crate::timestamp::Timestamp;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// How long before the start of the timeline the first events are.
const PAST: Duration = Duration::from_secs(90 * 86_400);

/// One evaluation per this many conversations.
const CONVERSATIONS_PER_EVALUATION: u64 = 4;

/// What an operation lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Those that started on a day of the interval and were active in it.
    Conversations,
    /// Those that were active in the interval.
    ActiveConversations,
    Evaluations,
    Audits,
    /// The last two weeks of the audits.
    RecentAudits,
    Presences,
}

/// The times of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// When it appears in lists.
    pub(crate) arrival: Timestamp,
}

impl Stream {
    /// The stream that an operation lists. Jobs list it in their results.
    pub(crate) fn of(operation: &str) -> Option<Self> {
        Some(match operation {
            "postAnalyticsConversationsDetailsQuery" => Self::Conversations,
            "getAnalyticsConversationsDetailsJobResults" => Self::ActiveConversations,
            "getQualityEvaluationsQuery" | "postQualityEvaluationsSearch" => Self::Evaluations,
            "getAuditsQueryTransactionIdResults" => Self::Audits,
            "postAuditsQueryRealtime" => Self::RecentAudits,
            "postAnalyticsUsersDetailsQuery" | "getAnalyticsUsersDetailsJobResults" => {
                Self::Presences
            }
            _ => return None,
        })
    }

    /// Whether jobs find it only up to the date of data availability.
    pub(crate) fn is_delayed(self) -> bool {
        matches!(self, Self::ActiveConversations | Self::Presences)
    }

    /// The longest interval that the service accepts.
    pub(super) fn max_interval(self) -> Duration {
        match self {
            Self::Evaluations => 93 * DAY,
            _ => 31 * DAY,
        }
    }

    /// How far back it reaches, if that is limited.
    pub(super) fn reach(self) -> Option<Duration> {
        (self == Self::RecentAudits).then_some(14 * DAY)
    }

    /// The numbers of the events that have arrived by `now` and lie in a range, in the order of their times.
    pub(super) fn within(
        self,
        settings: &OrgTimeline,
        seed: u64,
        (from, to): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Vec<u64> {
        let Some(period) = settings.event_period() else { return Vec::new() };
        let event = |number| self.event(settings, seed, number);
        let origin = settings.start().before(PAST).milliseconds();
        // The longest time from the conversation to the end of what it causes.
        let slack = (4 * DAY).as_millis() as u64;
        let number_at = |at: u64| {
            let number = at.saturating_sub(origin) / period.as_millis() as u64;
            match self {
                Self::Evaluations => number / CONVERSATIONS_PER_EVALUATION,
                _ => number,
            }
        };
        let first = number_at(from.milliseconds().saturating_sub(slack));
        let last = number_at(to.min(now).milliseconds()) + 1;
        let day = DAY.as_millis() as u64;
        let first_day = from.milliseconds() / day * day;
        let is_listed = |event: &Event| {
            let is_active = event.start < to
                && (event.end > from || event.start == event.end && event.end >= from);
            let has_day = self != Self::Conversations || event.start.milliseconds() >= first_day;
            event.arrival <= now && is_active && has_day
        };
        let events = (first..=last).map(|number| (event(number), number));
        let mut listed: Vec<_> = events.filter(|(event, _)| is_listed(event)).collect();
        listed.sort_by_key(|(event, number)| (event.start, *number));
        listed.into_iter().map(|(_, number)| number).collect()
    }

    /// The times of an event.
    pub(super) fn event(self, settings: &OrgTimeline, seed: u64, number: u64) -> Event {
        match self {
            Self::Evaluations => {
                let conversation = conversation(settings, seed, Self::conversation(number));
                let random = mix(seed ^ mix(!number));
                let start = conversation.arrival.after(HOUR).after(part(2 * DAY, random));
                Event { start, end: start, arrival: start }
            }
            _ => conversation(settings, seed, number),
        }
    }

    /// The number of the conversation that an evaluation is about.
    pub(super) fn conversation(evaluation: u64) -> u64 {
        evaluation * CONVERSATIONS_PER_EVALUATION
    }
}

/// The times of a conversation.
fn conversation(settings: &OrgTimeline, seed: u64, number: u64) -> Event {
    let random = mix(seed ^ hash("conversations") ^ mix(number));
    let period = settings.event_period().unwrap_or(DAY);
    let passed = period.as_millis() as u64 * number;
    let start = settings.start().before(PAST).after(Duration::from_millis(passed));
    let start = start.after(part(period, random));
    let end = start.after(HOUR / 60).after(part(HOUR, random >> 16));
    // One in eight arrives late.
    let delay = match mix(random) % 8 {
        0 => part(settings.lateness(), random >> 8),
        _ => Duration::ZERO,
    };
    Event { start, end, arrival: end.after(delay) }
}

/// A random part of a duration.
fn part(duration: Duration, random: u64) -> Duration {
    Duration::from_millis(random % (duration.as_millis() as u64).max(1))
}

/// The time between two presences of a user.
const PRESENCE: Duration = Duration::from_secs(3 * 3_600);

/// The presences of a user in a range: start, end and a random number. The last one has no end yet.
pub(super) fn presences(
    user: u64,
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> Vec<(Timestamp, Option<Timestamp>, u64)> {
    let period = PRESENCE.as_millis() as u64;
    let start = |number: u64| {
        let offset = part(PRESENCE, mix(user ^ mix(number)));
        Timestamp::of(number * period).after(offset)
    };
    let first = (from.milliseconds() / period).saturating_sub(2);
    let last = to.min(now).milliseconds() / period;
    let presences = (first..=last).map(|number| (start(number), start(number + 1), number));
    presences
        .filter(|(start, end, _)| *start < to && *start <= now && *end > from)
        .map(|(start, end, number)| (start, (end <= now).then_some(end), mix(user ^ number)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> OrgTimeline {
        OrgTimeline::new("2026-05-01T00:00Z").events_per_day(100).late_by(6 * HOUR)
    }

    #[test]
    fn consecutive_intervals_have_every_conversation_and_evaluation() {
        let settings = settings();
        let now = settings.start().after(60 * DAY);
        let range = |from: u32, to: u32| {
            (settings.start().after(from * DAY), settings.start().after(to * DAY))
        };
        for stream in [Stream::ActiveConversations, Stream::Evaluations] {
            let all = stream.within(&settings, 7, range(0, 10), now);
            let mut parts: Vec<_> = (0..10)
                .flat_map(|day| stream.within(&settings, 7, range(day, day + 1), now))
                .collect();
            parts.sort_unstable();
            parts.dedup();
            let mut sorted = all.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, parts, "{stream:?}");
            let per_day = if stream == Stream::Evaluations { 25 } else { 100 };
            assert!(all.len().abs_diff(10 * per_day) < 60, "{stream:?}: {}", all.len());
        }
    }

    #[test]
    fn late_conversations_appear_later() {
        let settings = settings();
        let range = (settings.start(), settings.start().after(DAY));
        let at = |time| Stream::Conversations.within(&settings, 7, range, time);
        let (soon, later) = (at(range.1), at(range.1.after(DAY)));
        assert!(soon.len() < later.len() && soon.iter().all(|it| later.contains(it)));
        assert_eq!(at(range.1.after(30 * DAY)), later);
    }

    #[test]
    fn presences_follow_each_other_without_gaps() {
        let (from, now) = (Timestamp::of(20_000 * 86_400_000), Timestamp::of(20_002 * 86_400_000));
        let presences = presences(7, (from, now), now);
        assert!(presences.len() > 10 && presences[0].0 <= from);
        assert!(presences.windows(2).all(|pair| pair[0].1 == Some(pair[1].0)));
        assert_eq!(presences.last().and_then(|last| last.1), None);
    }
}
