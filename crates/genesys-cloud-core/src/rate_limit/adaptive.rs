//! A rate estimated from 429s, for APIs that do not report their limit.

use std::time::Duration;

use tokio::time::Instant;

use super::pacer::{Pacer, SLACK};

/// How long a rate is kept before a higher one is tried.
const TRIAL: Duration = Duration::from_secs(60);

/// Increase per trial, in calls per second: an estimate that is far too low recovers soon.
const STEP: f64 = 1.0;

/// The lowest estimate. Few calls pass where few are made, whatever the limit.
const SLOWEST: Duration = Duration::from_secs(1);

/// Does not limit before the first 429. The estimate is the number of calls that passed between two 429s, divided by
/// the time between them.
#[derive(Debug, Default)]
pub(super) struct AdaptiveRate {
    /// When calls began to pass: the first call, or the end of the last pause.
    since: Option<Instant>,
    passed: u64,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    pacer: Pacer,
    spacing: Duration,
    /// When the rate changed last.
    changed_at: Instant,
}

impl AdaptiveRate {
    /// Returns when the next call may be sent, if not now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        self.current.as_ref()?.pacer.wait(now)
    }

    /// The time between two calls.
    pub(super) fn spacing(&self) -> Duration {
        self.current.as_ref().map_or(Duration::ZERO, |current| current.spacing)
    }

    pub(super) fn take(&mut self, now: Instant) {
        self.since.get_or_insert(now);
        let Some(current) = &mut self.current else { return };
        if now.saturating_duration_since(current.changed_at) >= TRIAL {
            current.spacing = current.spacing.div_f64(1.0 + STEP * current.spacing.as_secs_f64());
            current.changed_at = now;
        }
        current.pacer.take(current.spacing, now);
    }

    pub(super) fn passed(&mut self) {
        self.passed += 1;
    }

    /// Records a 429 to a call sent at `sent_at`. `until` is the end of the pause.
    pub(super) fn limited(&mut self, sent_at: Instant, until: Instant) {
        let since = self.since.unwrap_or(sent_at);
        // Of several 429s to concurrent calls, only the first is evidence.
        if sent_at < since {
            return;
        }
        if let Ok(passed @ 1..) = u32::try_from(self.passed) {
            let spacing = until.saturating_duration_since(since) / passed;
            let spacing = spacing.min(SLOWEST);
            let pacer = Pacer::new(until, SLACK.min(spacing));
            self.current = Some(Current { pacer, spacing, changed_at: until });
        }
        (self.since, self.passed) = (Some(until), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_the_rate_from_the_calls_between_two_429s() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut adaptive = AdaptiveRate::default();
        let pass = |adaptive: &mut AdaptiveRate, calls: u64, now: Instant| {
            for _ in 0..calls {
                assert_eq!(adaptive.wait(now), None);
                adaptive.take(now);
                adaptive.passed();
            }
        };
        // A window of 300 calls a minute.
        pass(&mut adaptive, 300, start);
        adaptive.limited(at(5), at(60_000));
        assert_eq!(adaptive.spacing(), Duration::from_millis(200));
        // A 429 to a concurrent call adds nothing.
        adaptive.limited(at(6), at(60_000));
        assert_eq!(adaptive.spacing(), Duration::from_millis(200));
        pass(&mut adaptive, 1, at(60_000));
        assert!(adaptive.wait(at(60_000)).is_some());
        // After a minute, it tries one more call per second.
        adaptive.take(at(120_000));
        assert_eq!(adaptive.spacing().as_millis(), 1_000 / 6);
        // A few calls are weak evidence of a limit.
        adaptive.passed();
        adaptive.limited(at(200_000), at(90_000_000));
        assert_eq!(adaptive.spacing(), SLOWEST);
        // If no call passed, the estimate stays.
        let mut none = AdaptiveRate::default();
        none.take(start);
        none.limited(start, at(1_000));
        assert_eq!((none.spacing(), none.wait(at(1_000))), (Duration::ZERO, None));
    }
}
