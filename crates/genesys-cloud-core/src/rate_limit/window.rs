//! The rate limit window of a token: how many calls it allows, how many are used, and when it ends.

use std::time::Duration;

use tokio::time::Instant;

use super::headers::{USUAL_WINDOW, Usage, WindowHeaders};
use super::pacer::{Delay, Pacer, Probes, SLACK};
use crate::wait::WaitReason;

/// Resets are whole seconds, so the ends computed from two responses of one window may differ by one.
const ROUNDING: Duration = Duration::from_millis(1_500);

/// Assumed time to a reset of "0 s", which is less than a second away.
const SHORTEST: Duration = Duration::from_millis(250);

/// Maximum number of calls sent after the end of a window before a response reports the next one.
const MAX_PROBES: u64 = 16;

/// A rate limit window, as reported by responses.
///
/// The count in a response was right when the API wrote it, and may or may not include the calls then in flight. So
/// all calls in flight are added to the count, and a lower count is accepted only from a call that was sent after the
/// higher count was known.
#[derive(Clone, Debug)]
pub(super) struct Window {
    reserve: u64,
    /// Serial number of the token that the window belongs to.
    serial: u64,
    allowed: u64,
    used: u64,
    ends_at: Instant,
    /// Estimated length of a window.
    length: Duration,
    /// When the first response of this window arrived, and the last one that changed the count.
    started_at: Instant,
    counted_at: Instant,
    /// Set if more calls are waiting than the window allows; they are spread evenly.
    pacer: Option<Pacer>,
    /// Set for a token bucket: the time in which it gains room for one call.
    refill_interval: Option<Duration>,
    /// Calls sent after the end, before a response reports the next window.
    probes: Option<Probes>,
}

impl Window {
    pub(super) fn new(reserve: u64, serial: u64, headers: &WindowHeaders, now: Instant) -> Self {
        let (allowed, used) = counts(headers, 0);
        Self {
            reserve,
            serial,
            allowed,
            used,
            ends_at: end(headers, now),
            length: headers.resets_in.max(USUAL_WINDOW),
            started_at: now,
            counted_at: now,
            pacer: None,
            refill_interval: None,
            probes: None,
        }
    }

    /// Returns the number of calls per window for this client. The reserve is capped at half of the window, so that a
    /// small limit leaves some.
    fn quota(&self) -> u64 {
        self.allowed - self.reserve.min(self.allowed / 2)
    }

    /// Returns the number of calls used by now.
    fn used(&self, now: Instant) -> u64 {
        let Some(refill_interval) = self.refill_interval else { return self.used };
        let passed = now.saturating_duration_since(self.counted_at);
        let refilled = passed.as_nanos() / refill_interval.as_nanos().max(1);
        self.used.saturating_sub(u64::try_from(refilled).unwrap_or(u64::MAX))
    }

    fn left(&self, in_flight: u64, now: Instant) -> u64 {
        self.quota().saturating_sub(self.used(now).saturating_add(in_flight))
    }

    /// Returns the time between two calls when calls are always waiting.
    pub(super) fn spacing(&self, in_flight: u64, now: Instant) -> Duration {
        let time_left = self.ends_at.saturating_duration_since(now);
        let left = u32::try_from(self.left(in_flight, now).max(1)).unwrap_or(u32::MAX);
        self.refill_interval.unwrap_or(time_left / left)
    }

    /// Whether the whole window is used, without regard to the reserve.
    pub(super) fn is_used_up(&self, in_flight: u64, now: Instant) -> bool {
        now < self.ends_at && self.used(now).saturating_add(in_flight) >= self.allowed
    }

    pub(super) fn delay(&self, in_flight: u64, now: Instant) -> Option<Delay<WaitReason>> {
        let delay = |until, reason| Some(Delay { until, reason });
        if now >= self.ends_at {
            let wait = self.probes.as_ref().and_then(|probes| probes.wait(now))?;
            return delay(Some(wait), WaitReason::LimitUnknown);
        }
        let left = self.left(in_flight, now);
        // Slow down near the end: other clients with the same token do not know about the calls in flight.
        if left == 0 || in_flight > left / 2 && in_flight > 0 {
            let until = self.refill_at(in_flight, now).unwrap_or(self.ends_at);
            return delay(Some(until.min(self.ends_at)), WaitReason::LimitReached);
        }
        let pacer = self.pacer.as_ref().filter(|_| self.refill_interval.is_none());
        let due = pacer.and_then(|pacer| pacer.wait(now))?;
        delay(Some(due.min(self.ends_at)), WaitReason::Pacing)
    }

    /// Returns when a bucket has room for one more call, if no response arrives before.
    fn refill_at(&self, in_flight: u64, now: Instant) -> Option<Instant> {
        let refill_interval = self.refill_interval?;
        if self.left(in_flight, now) > 0 {
            return now.checked_add(refill_interval);
        }
        let lacking = self.used.saturating_add(in_flight).saturating_sub(self.quota());
        let lacking = u32::try_from(lacking.saturating_add(1)).ok()?;
        self.counted_at.checked_add(refill_interval.checked_mul(lacking)?)
    }

    /// Estimates when a call with `ahead` calls before it can be sent, if none is sent before `from`. `None` if that
    /// depends on responses to calls in flight.
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
        if let Some(refill_interval) = self.refill_interval {
            let lacking = (ahead + 1).saturating_sub(left);
            let room = self.refill_at(in_flight, now).filter(|_| left == 0).unwrap_or(now);
            return match lacking {
                0 => Some(from).filter(|from| *from > now),
                _ => from.max(room).checked_add(times(refill_interval, lacking - 1)),
            };
        }
        let (begin, ahead) = match self.ends_at {
            ends_at if from >= ends_at => (from, ahead),
            _ if ahead < left && self.pacer.is_some() => {
                return from.checked_add(times(self.spacing(in_flight, now), ahead));
            }
            _ if ahead < left => return Some(from).filter(|from| *from > now),
            ends_at => (ends_at, ahead - left),
        };
        // In later windows. If this one is used up, they are paced.
        let quota = self.quota().max(1);
        let is_paced = begin == self.ends_at || self.pacer.is_some() || self.is_nearly_used_up();
        begin.checked_add(match is_paced {
            true => times(self.length / u32::try_from(quota).unwrap_or(u32::MAX), ahead),
            false => times(self.length, ahead / quota),
        })
    }

    /// Whether at least 90 % of the quota is used.
    fn is_nearly_used_up(&self) -> bool {
        let quota = self.quota();
        self.used >= quota - quota / 10
    }

    /// Records that a call is sent now.
    pub(super) fn take(&mut self, in_flight: u64, now: Instant) {
        if now >= self.ends_at {
            let max = (self.left(0, now) / 4).clamp(1, MAX_PROBES);
            self.probes.get_or_insert_with(|| Probes::new(max)).take(now);
            return;
        }
        let spacing = self.spacing(in_flight, now);
        if let Some(pacer) = &mut self.pacer {
            pacer.take(spacing, now);
        }
    }

    /// Records a call without rate limit headers, or without a response. The API may have counted it.
    ///
    /// Returns whether the window is still valid. A response without headers after the end of the window means that the
    /// API no longer reports limits.
    pub(super) fn observe_no_headers(
        &mut self,
        sent_at: Instant,
        answered: bool,
        now: Instant,
    ) -> bool {
        let after = self.completed(sent_at);
        if now < self.ends_at {
            self.count(now);
        }
        !(after && answered)
    }

    /// Records the rate limit headers of a response.
    pub(super) fn observe(
        &mut self,
        headers: &WindowHeaders,
        sent_at: Instant,
        serial: u64,
        now: Instant,
    ) {
        let after = self.completed(sent_at);
        let (allowed, used) = counts(headers, self.allowed);
        if serial != self.serial {
            if serial > self.serial {
                *self = Self::new(self.reserve, serial, headers, now);
            }
            return;
        }
        if now >= self.ends_at {
            // A call sent before the end that continues the count belongs to the old window.
            if after || used < self.used {
                self.renew(headers, now);
            }
        } else if sent_at < self.started_at {
            // May be counted in this window or in the one before.
            self.count(now);
        } else if sent_at >= self.counted_at && used < self.used / 2 {
            self.renew(headers, now);
        } else {
            let is_later = sent_at >= self.counted_at;
            let ends_at = end(headers, now);
            let ends_later = is_later && ends_at > self.ends_at + ROUNDING;
            let is_bucket = self.refill_interval.is_some() || ends_later;
            if used > self.used(now) || is_later && (used < self.used || is_bucket) {
                (self.used, self.counted_at) = (used, now);
            }
            self.allowed = allowed;
            if ends_at < self.ends_at || ends_later {
                self.ends_at = ends_at;
            }
            // A window has a fixed end. If calls defer the time at which it is full again, it is a bucket. A wrong guess
            // uses part of the reserve.
            let is_exceeded = used > self.quota() + (self.allowed - self.quota()) / 2;
            self.refill_interval =
                (is_bucket && !is_exceeded).then(|| refill_interval(headers, used));
        }
    }

    fn count(&mut self, now: Instant) {
        (self.used, self.counted_at) = (self.used(now).saturating_add(1), now);
    }

    /// Returns whether the call was sent after the end of this window.
    fn completed(&mut self, sent_at: Instant) -> bool {
        let after = sent_at >= self.ends_at;
        if let Some(probes) = self.probes.as_mut().filter(|_| after) {
            probes.completed();
        }
        after
    }

    /// Starts a new window.
    fn renew(&mut self, headers: &WindowHeaders, now: Instant) {
        let was_nearly_used_up = self.is_nearly_used_up();
        let (ended_at, length) = (self.ends_at, self.length);
        let pacer = self.pacer.take();
        let was_bucket = self.refill_interval.is_some();
        let (allowed, used) = counts(headers, self.allowed);
        let headers = WindowHeaders { allowed: Some(allowed), ..*headers };
        *self = Self::new(self.reserve, self.serial, &headers, now);
        // A response right after the end of a window reports the full length of the next one.
        let is_whole = now.saturating_duration_since(ended_at) < ROUNDING;
        self.length = if is_whole { headers.resets_in.max(SHORTEST) } else { length };
        self.refill_interval = was_bucket.then(|| refill_interval(&headers, used));
        if was_nearly_used_up {
            self.pacer = pacer.or_else(|| Some(Pacer::new(now, SLACK)));
        }
    }
}

/// Returns the calls allowed and used. `known` is the number allowed before.
fn counts(headers: &WindowHeaders, known: u64) -> (u64, u64) {
    match headers.usage {
        Usage::Used(used) => (headers.allowed.unwrap_or(known).max(1), used),
        Usage::Left(left) => {
            let allowed = headers.allowed.unwrap_or_else(|| known.max(left)).max(1);
            (allowed, allowed.saturating_sub(left))
        }
    }
}

/// Returns the time in which a bucket gains room for one call, if all used calls are regained by the reset.
fn refill_interval(headers: &WindowHeaders, used: u64) -> Duration {
    let calls = u32::try_from(used.max(1)).unwrap_or(u32::MAX);
    headers.resets_in.max(SHORTEST) / calls
}

fn end(headers: &WindowHeaders, now: Instant) -> Instant {
    now + headers.resets_in.max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESERVE: u64 = 10;

    fn headers(used: u64, resets_in: u64) -> WindowHeaders {
        WindowHeaders {
            allowed: Some(300),
            usage: Usage::Used(used),
            resets_in: Duration::from_secs(resets_in),
        }
    }

    /// One response: when its call was sent, when it arrived (in seconds), its count, and its time to the reset.
    type Response = (u64, u64, u64, u64);

    /// Returns the count and the end of the window (in seconds) after these responses.
    fn after(responses: &[Response]) -> (u64, u64) {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let [(_, arrived, used, reset), rest @ ..] = responses else { panic!("a response") };
        let mut window = Window::new(RESERVE, 1, &headers(*used, *reset), at(*arrived));
        for (sent, arrived, used, reset) in rest {
            window.observe(&headers(*used, *reset), at(*sent), 1, at(*arrived));
        }
        (window.used, (window.ends_at - start).as_secs())
    }

    #[test]
    fn responses_may_arrive_out_of_order() {
        let cases: [(&str, &[Response], (u64, u64)); 12] = [
            ("one", &[(0, 1, 5, 60)], (5, 61)),
            ("one after the other", &[(0, 1, 5, 60), (1, 2, 6, 59)], (6, 61)),
            ("other programs call too", &[(0, 1, 5, 60), (1, 2, 90, 59)], (90, 61)),
            ("out of order", &[(0, 1, 5, 60), (1, 4, 9, 57), (2, 5, 7, 57)], (9, 61)),
            ("sent before the first response", &[(0, 1, 5, 60), (0, 2, 4, 60)], (6, 61)),
            ("the earliest reported end counts", &[(0, 1, 5, 60), (1, 2, 6, 58)], (6, 60)),
            ("rounding does not defer the end", &[(0, 1, 5, 60), (1, 2, 6, 60)], (6, 61)),
            ("a bucket", &[(0, 1, 100, 20), (2, 3, 95, 19), (4, 5, 99, 20)], (99, 25)),
            ("a new window", &[(0, 1, 200, 9), (11, 12, 1, 60)], (1, 72)),
            (
                "a new window, reported to a call from the old one",
                &[(0, 1, 200, 9), (9, 12, 1, 60)],
                (1, 72),
            ),
            (
                "the old window, reported after its end",
                &[(0, 1, 200, 9), (9, 12, 201, 0)],
                (200, 10),
            ),
            ("a new window before the end", &[(0, 1, 200, 20), (5, 6, 3, 60)], (3, 66)),
        ];
        for (case, responses, expected) in cases {
            assert_eq!(after(responses), expected, "{case}");
        }
    }

    #[test]
    fn sends_while_there_is_room_and_slows_down_near_the_end() {
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
            let mut window = Window::new(RESERVE, 1, &headers(used, 60), now);
            let mut sent = in_flight;
            while window.delay(sent, now).is_none() {
                window.take(sent, now);
                sent += 1;
            }
            assert_eq!(sent - in_flight, room, "{used} used, {in_flight} in flight");
        }
    }

    #[test]
    fn the_reserve_is_at_most_half_of_the_window() {
        for (allowed, reserve, quota) in [
            (300, 10, 290),
            (300, 0, 300),
            (20, 10, 10),
            (5, 10, 3),
            (1, 10, 1),
            (u64::MAX, 1, u64::MAX - 1),
        ] {
            let headers = WindowHeaders { allowed: Some(allowed), ..headers(0, 60) };
            assert_eq!(Window::new(reserve, 1, &headers, Instant::now()).quota(), quota);
        }
    }

    #[test]
    fn a_window_mistaken_for_a_bucket_costs_half_of_the_reserve() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut window = Window::new(RESERVE, 1, &headers(280, 30), start);
        // This end of a window was reported too early.
        window.observe(&headers(281, 58), at(0), 1, at(1));
        assert!(window.refill_interval.is_some());
        let (mut used, mut now) = (281, at(1));
        while now < at(50) {
            match window.delay(0, now) {
                Some(delay) => now = delay.until.expect("a time"),
                None => {
                    window.take(0, now);
                    used += 1;
                    let left = (at(59) - now).as_secs();
                    window.observe(&headers(used, left), now, 1, now);
                }
            }
        }
        assert_eq!(used, 290 + RESERVE / 2 + 1);
    }
}
