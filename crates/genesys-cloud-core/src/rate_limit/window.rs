//! What is known of the rate limit on a token: how many calls its window allows, how many have been made,
//! and when the count begins anew.

use std::time::Duration;

use tokio::time::Instant;

use super::headers::{USUAL_WINDOW, Usage, WindowHeaders};
use super::pacer::{Delay, Pacer, Probes, SLACK};
use crate::wait::WaitReason;

/// A reset is told in whole seconds, so that two answers of one window may tell ends that differ by one.
const ROUNDING: Duration = Duration::from_millis(1_500);

/// The least time to a reset that is told as none: it is somewhere within a second.
const SHORTEST: Duration = Duration::from_millis(250);

/// At the end of a window, no more than so many calls find out about the next one.
const MOST_SCOUTS: u64 = 16;

/// A window of the rate limit on a token, as the answers tell of it.
///
/// All that comes in an answer was true when the API wrote it; calls that were under way then may or may
/// not be counted in it. So every call under way is taken to come on top, and a lower count is believed
/// only if it came for a call that was sent after the higher one was known.
#[derive(Clone, Debug)]
pub(super) struct Window {
    reserve: u64,
    /// Which token of the client it is that of.
    serial: u64,
    allowed: u64,
    used: u64,
    ends_at: Instant,
    /// How long a window lasts, as far as that can be told.
    length: Duration,
    /// When the first answer of this window came, and the last one that told news of the count.
    since: Instant,
    counted_at: Instant,
    /// Set if more calls are wanted than the window allows: they are spread evenly.
    spread: Option<Pacer>,
    /// Set if it is no window but a bucket: the time in which room for one more call flows in.
    inflow: Option<Duration>,
    /// Those that are sent after its end, to find out about the next one.
    scouts: Option<Probes>,
}

impl Window {
    pub(super) fn new(reserve: u64, serial: u64, standing: &WindowHeaders, now: Instant) -> Self {
        let (allowed, used) = counts(standing, 0);
        Self {
            reserve,
            serial,
            allowed,
            used,
            ends_at: end(standing, now),
            length: standing.resets_in.max(USUAL_WINDOW),
            since: now,
            counted_at: now,
            spread: None,
            inflow: None,
            scouts: None,
        }
    }

    /// How many calls of a window this client takes. The reserve is never more than half of them, so that
    /// there is something left to take where little is allowed.
    fn rate_limiter(&self) -> u64 {
        self.allowed - self.reserve.min(self.allowed / 2)
    }

    /// How many calls count by now.
    fn used(&self, now: Instant) -> u64 {
        let Some(inflow) = self.inflow else { return self.used };
        let passed = now.saturating_duration_since(self.counted_at);
        let flowed_in = passed.as_nanos() / inflow.as_nanos().max(1);
        self.used.saturating_sub(u64::try_from(flowed_in).unwrap_or(u64::MAX))
    }

    fn left(&self, in_flight: u64, now: Instant) -> u64 {
        self.rate_limiter().saturating_sub(self.used(now).saturating_add(in_flight))
    }

    /// The time between two calls if there are always some that wait.
    pub(super) fn spacing(&self, in_flight: u64, now: Instant) -> Duration {
        let time_left = self.ends_at.saturating_duration_since(now);
        let left = u32::try_from(self.left(in_flight, now).max(1)).unwrap_or(u32::MAX);
        self.inflow.unwrap_or(time_left / left)
    }

    /// Whether all that the window allows is used, as far as is known.
    pub(super) fn is_used_up(&self, in_flight: u64, now: Instant) -> bool {
        now < self.ends_at && self.used(now).saturating_add(in_flight) >= self.allowed
    }

    pub(super) fn obstacle(&self, in_flight: u64, now: Instant) -> Option<Delay<WaitReason>> {
        let obstacle = |until, reason| Some(Delay { until, reason });
        if now >= self.ends_at {
            let wait = self.scouts.as_ref().and_then(|scouts| scouts.wait(now))?;
            return obstacle(Some(wait), WaitReason::Unknown);
        }
        let left = self.left(in_flight, now);
        // The last ones go few at a time: other clients of the same token do not know of them yet.
        if left == 0 || in_flight > left / 2 && in_flight > 0 {
            let until = self.room_from(in_flight, now).unwrap_or(self.ends_at);
            return obstacle(Some(until.min(self.ends_at)), WaitReason::Budget);
        }
        let spread = self.spread.as_ref().filter(|_| self.inflow.is_none());
        let due = spread.and_then(|pace| pace.wait(now))?;
        obstacle(Some(due.min(self.ends_at)), WaitReason::Spread)
    }

    /// When there will be room for one more call in a bucket, if no answer comes before.
    fn room_from(&self, in_flight: u64, now: Instant) -> Option<Instant> {
        let inflow = self.inflow?;
        if self.left(in_flight, now) > 0 {
            return now.checked_add(inflow);
        }
        let lacking = self.used.saturating_add(in_flight).saturating_sub(self.rate_limiter());
        let lacking = u32::try_from(lacking.saturating_add(1)).ok()?;
        self.counted_at.checked_add(inflow.checked_mul(lacking)?)
    }

    /// About when a call can go that has this many ahead of it, if none goes before `from`. `None` if that depends on
    /// the answers to calls under way.
    pub(super) fn due(
        &self,
        ahead: u64,
        in_flight: u64,
        from: Instant,
        now: Instant,
    ) -> Option<Instant> {
        let left = self.left(in_flight, now);
        let times = |time: Duration, count: u64| {
            time.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
        };
        if let Some(inflow) = self.inflow {
            let lacking = (ahead + 1).saturating_sub(left);
            let room = self.room_from(in_flight, now).filter(|_| left == 0).unwrap_or(now);
            return match lacking {
                0 => Some(from).filter(|from| *from > now),
                _ => from.max(room).checked_add(times(inflow, lacking - 1)),
            };
        }
        let (begin, ahead) = match self.ends_at {
            ends_at if from >= ends_at => (from, ahead),
            _ if ahead < left && self.spread.is_some() => {
                return from.checked_add(times(self.spacing(in_flight, now), ahead));
            }
            _ if ahead < left => return Some(from).filter(|from| *from > now),
            ends_at => (ends_at, ahead - left),
        };
        // In the windows after this one. If this one is used up, they are used evenly.
        let rate_limiter = self.rate_limiter().max(1);
        let is_spread = begin == self.ends_at || self.spread.is_some() || self.is_all_taken();
        begin.checked_add(match is_spread {
            true => times(self.length / u32::try_from(rate_limiter).unwrap_or(u32::MAX), ahead),
            false => times(self.length, ahead / rate_limiter),
        })
    }

    /// Whether hardly any call is left of those that this client takes.
    fn is_all_taken(&self) -> bool {
        let rate_limiter = self.rate_limiter();
        self.used >= rate_limiter - rate_limiter / 10
    }

    /// A call goes now.
    pub(super) fn take(&mut self, in_flight: u64, now: Instant) {
        if now >= self.ends_at {
            let most = (self.left(0, now) / 4).clamp(1, MOST_SCOUTS);
            self.scouts.get_or_insert_with(|| Probes::new(most)).take(now);
            return;
        }
        let spacing = self.spacing(in_flight, now);
        if let Some(pace) = &mut self.spread {
            pace.take(spacing, now);
        }
    }

    /// A call is back that tells nothing, or never was answered. It may have been counted.
    ///
    /// Whether there is a window at all: an answer after its end that does not tell of a new one means
    /// that none is told of any more.
    pub(super) fn learn_nothing(&mut self, sent_at: Instant, answered: bool, now: Instant) -> bool {
        let after = self.back(sent_at);
        if now < self.ends_at {
            self.count(now);
        }
        !(after && answered)
    }

    /// An answer tells how things stand.
    pub(super) fn learn(
        &mut self,
        standing: &WindowHeaders,
        sent_at: Instant,
        serial: u64,
        now: Instant,
    ) {
        let after = self.back(sent_at);
        let (allowed, used) = counts(standing, self.allowed);
        if serial != self.serial {
            if serial > self.serial {
                *self = Self::new(self.reserve, serial, standing, now);
            }
            return;
        }
        if now >= self.ends_at {
            // What was sent before the end and is counted on from there tells of the old window.
            if after || used < self.used {
                self.renew(standing, now);
            }
        } else if sent_at < self.since {
            // It may be counted in the window before this one, or in this one.
            self.count(now);
        } else if sent_at >= self.counted_at && used < self.used / 2 {
            self.renew(standing, now);
        } else {
            let is_later = sent_at >= self.counted_at;
            let ends_at = end(standing, now);
            let ends_later = is_later && ends_at > self.ends_at + ROUNDING;
            let is_bucket = self.inflow.is_some() || ends_later;
            if used > self.used(now) || is_later && (used < self.used || is_bucket) {
                (self.used, self.counted_at) = (used, now);
            }
            self.allowed = allowed;
            if ends_at < self.ends_at || ends_later {
                self.ends_at = ends_at;
            }
            // A window ends when it ends; what is full again the later, the more calls are made, is a
            // bucket. If it was none after all, that costs of the reserve.
            let is_exceeded = used > self.rate_limiter() + (self.allowed - self.rate_limiter()) / 2;
            self.inflow = (is_bucket && !is_exceeded).then(|| inflow(standing, used));
        }
    }

    fn count(&mut self, now: Instant) {
        (self.used, self.counted_at) = (self.used(now).saturating_add(1), now);
    }

    /// Whether the call was sent after the end of this window.
    fn back(&mut self, sent_at: Instant) -> bool {
        let after = sent_at >= self.ends_at;
        if let Some(scouts) = self.scouts.as_mut().filter(|_| after) {
            scouts.back();
        }
        after
    }

    /// A new window has begun.
    fn renew(&mut self, standing: &WindowHeaders, now: Instant) {
        let was_used_up = self.is_all_taken();
        let (ended_at, length) = (self.ends_at, self.length);
        let was_spread = self.spread.take();
        let was_bucket = self.inflow.is_some();
        let (allowed, used) = counts(standing, self.allowed);
        let told = WindowHeaders { allowed: Some(allowed), ..*standing };
        *self = Self::new(self.reserve, self.serial, &told, now);
        // Right after the end of a window, the next one is told as a whole.
        let is_told = now.saturating_duration_since(ended_at) < ROUNDING;
        self.length = if is_told { standing.resets_in.max(SHORTEST) } else { length };
        self.inflow = was_bucket.then(|| inflow(standing, used));
        if was_used_up {
            self.spread = was_spread.or_else(|| Some(Pacer::new(now, SLACK)));
        }
    }
}

/// How many calls are allowed and used. `known` is how many were allowed before.
fn counts(standing: &WindowHeaders, known: u64) -> (u64, u64) {
    match standing.usage {
        Usage::Used(used) => (standing.allowed.unwrap_or(known).max(1), used),
        Usage::Left(left) => {
            let allowed = standing.allowed.unwrap_or_else(|| known.max(left)).max(1);
            (allowed, allowed.saturating_sub(left))
        }
    }
}

/// The time in which room for one more call flows in, where so many flow in up to the reset.
fn inflow(standing: &WindowHeaders, used: u64) -> Duration {
    let calls = u32::try_from(used.max(1)).unwrap_or(u32::MAX);
    standing.resets_in.max(SHORTEST) / calls
}

fn end(standing: &WindowHeaders, now: Instant) -> Instant {
    now + standing.resets_in.max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESERVE: u64 = 10;

    fn standing(used: u64, resets_in: u64) -> WindowHeaders {
        WindowHeaders {
            allowed: Some(300),
            usage: Usage::Used(used),
            resets_in: Duration::from_secs(resets_in),
        }
    }

    /// One answer: when its call was sent and when it came, in seconds; the count and the time to the
    /// reset that it told.
    type Answer = (u64, u64, u64, u64);

    /// What is taken to be used after these answers, and when the window is taken to end, in seconds.
    fn after(answers: &[Answer]) -> (u64, u64) {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let [(_, came, used, reset), rest @ ..] = answers else { panic!("an answer") };
        let mut window = Window::new(RESERVE, 1, &standing(*used, *reset), at(*came));
        for (sent, came, used, reset) in rest {
            window.learn(&standing(*used, *reset), at(*sent), 1, at(*came));
        }
        (window.used, (window.ends_at - start).as_secs())
    }

    #[test]
    fn answers_may_overtake_each_other() {
        let cases: [(&str, &[Answer], (u64, u64)); 12] = [
            ("one", &[(0, 1, 5, 60)], (5, 61)),
            ("one after the other", &[(0, 1, 5, 60), (1, 2, 6, 59)], (6, 61)),
            ("others call as well", &[(0, 1, 5, 60), (1, 2, 90, 59)], (90, 61)),
            ("overtaken", &[(0, 1, 5, 60), (1, 4, 9, 57), (2, 5, 7, 57)], (9, 61)),
            ("sent before the first answer", &[(0, 1, 5, 60), (0, 2, 4, 60)], (6, 61)),
            ("the end is the earliest that was told", &[(0, 1, 5, 60), (1, 2, 6, 58)], (6, 60)),
            ("rounding does not defer it", &[(0, 1, 5, 60), (1, 2, 6, 60)], (6, 61)),
            ("a bucket", &[(0, 1, 100, 20), (2, 3, 95, 19), (4, 5, 99, 20)], (99, 25)),
            ("a new window", &[(0, 1, 200, 9), (11, 12, 1, 60)], (1, 72)),
            (
                "a new window, told by a call from the old one",
                &[(0, 1, 200, 9), (9, 12, 1, 60)],
                (1, 72),
            ),
            ("the old window, told after its end", &[(0, 1, 200, 9), (9, 12, 201, 0)], (200, 10)),
            ("a new window before the end", &[(0, 1, 200, 20), (5, 6, 3, 60)], (3, 66)),
        ];
        for (case, answers, expected) in cases {
            assert_eq!(after(answers), expected, "{case}");
        }
    }

    #[test]
    fn calls_go_as_long_as_there_is_room_and_the_last_ones_few_at_a_time() {
        let now = Instant::now();
        for (used, in_flight, room) in [
            (0, 0, 97),
            (0, 50, 47),
            (200, 0, 31),
            (287, 0, 2),
            (289, 0, 1),
            (290, 0, 0),
            (289, 1, 0),
            (300, 0, 0),
            (u64::MAX, u64::MAX, 0),
        ] {
            let mut window = Window::new(RESERVE, 1, &standing(used, 60), now);
            let mut under_way = in_flight;
            while window.obstacle(under_way, now).is_none() {
                window.take(under_way, now);
                under_way += 1;
            }
            assert_eq!(under_way - in_flight, room, "{used} used, {in_flight} under way");
        }
    }

    #[test]
    fn the_reserve_is_no_more_than_half() {
        for (allowed, reserve, rate_limiter) in [
            (300, 10, 290),
            (300, 0, 300),
            (20, 10, 10),
            (5, 10, 3),
            (1, 10, 1),
            (u64::MAX, 1, u64::MAX - 1),
        ] {
            let told = WindowHeaders { allowed: Some(allowed), ..standing(0, 60) };
            assert_eq!(Window::new(reserve, 1, &told, Instant::now()).rate_limiter(), rate_limiter);
        }
    }

    #[test]
    fn what_was_wrongly_taken_for_a_bucket_costs_half_of_the_reserve() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut window = Window::new(RESERVE, 1, &standing(280, 30), start);
        // An end that was told too early, of a window.
        window.learn(&standing(281, 58), at(0), 1, at(1));
        assert!(window.inflow.is_some());
        let (mut used, mut now) = (281, at(1));
        while now < at(50) {
            match window.obstacle(0, now) {
                Some(obstacle) => now = obstacle.until.expect("a time"),
                None => {
                    window.take(0, now);
                    used += 1;
                    let left = (at(59) - now).as_secs();
                    window.learn(&standing(used, left), now, 1, now);
                }
            }
        }
        assert_eq!(used, 290 + RESERVE / 2 + 1);
    }
}
