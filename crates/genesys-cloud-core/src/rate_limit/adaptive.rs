//! A rate that is guessed from 429s, where no answer tells of a limit.

use std::time::Duration;

use tokio::time::Instant;

use super::pacer::{Pacer, SLACK};

/// How long a rate is kept before it is tried whether a higher one will do.
const TRIAL: Duration = Duration::from_secs(60);

/// By how much: so many calls a second more, so that a rate that was guessed far too low does not last.
const STEP: f64 = 1.0;

/// No rate is guessed to be lower: where few calls were made, few passed, whatever the limit.
const SLOWEST: Duration = Duration::from_secs(1);

/// Nothing is held back until the first 429. Between that and the next, as many calls pass as the limit
/// allows in that time.
#[derive(Debug, Default)]
pub(super) struct AdaptiveRate {
    /// Since when calls have passed: the first call, or the end of the last pause.
    since: Option<Instant>,
    passed: u64,
    paced: Option<Paced>,
}

#[derive(Debug)]
struct Paced {
    pace: Pacer,
    spacing: Duration,
    /// When it was slowed down or sped up last.
    changed_at: Instant,
}

impl AdaptiveRate {
    /// When the next call may go, if that is not now.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        self.paced.as_ref()?.pace.wait(now)
    }

    /// The time between two calls.
    pub(super) fn spacing(&self) -> Duration {
        self.paced.as_ref().map_or(Duration::ZERO, |paced| paced.spacing)
    }

    pub(super) fn take(&mut self, now: Instant) {
        self.since.get_or_insert(now);
        let Some(paced) = &mut self.paced else { return };
        if now.saturating_duration_since(paced.changed_at) >= TRIAL {
            paced.spacing = paced.spacing.div_f64(1.0 + STEP * paced.spacing.as_secs_f64());
            paced.changed_at = now;
        }
        paced.pace.take(paced.spacing, now);
    }

    pub(super) fn passed(&mut self) {
        self.passed += 1;
    }

    /// A call that was sent at that time got a 429, and none is to go before the end of the pause.
    pub(super) fn refused(&mut self, sent_at: Instant, until: Instant) {
        let since = self.since.unwrap_or(sent_at);
        // Of those that were under way at the same time, the first has told all.
        if sent_at < since {
            return;
        }
        if let Ok(passed @ 1..) = u32::try_from(self.passed) {
            let spacing = until.saturating_duration_since(since) / passed;
            let spacing = spacing.min(SLOWEST);
            let pace = Pacer::new(until, SLACK.min(spacing));
            self.paced = Some(Paced { pace, spacing, changed_at: until });
        }
        (self.since, self.passed) = (Some(until), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_passed_between_two_refusals() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut guess = AdaptiveRate::default();
        let pass = |guess: &mut AdaptiveRate, calls: u64, now: Instant| {
            for _ in 0..calls {
                assert_eq!(guess.wait(now), None);
                guess.take(now);
                guess.passed();
            }
        };
        // A window of 300 calls a minute.
        pass(&mut guess, 300, start);
        guess.refused(at(5), at(60_000));
        assert_eq!(guess.spacing(), Duration::from_millis(200));
        // One of the same moment tells nothing new.
        guess.refused(at(6), at(60_000));
        assert_eq!(guess.spacing(), Duration::from_millis(200));
        pass(&mut guess, 1, at(60_000));
        assert!(guess.wait(at(60_000)).is_some());
        // After a minute, one call a second more.
        guess.take(at(120_000));
        assert_eq!(guess.spacing().as_millis(), 1_000 / 6);
        // Where hardly any call was made, that says little of the limit.
        guess.passed();
        guess.refused(at(200_000), at(90_000_000));
        assert_eq!(guess.spacing(), SLOWEST);
        // With none passed, what is known stays.
        let mut none = AdaptiveRate::default();
        none.take(start);
        none.refused(start, at(1_000));
        assert_eq!((none.spacing(), none.wait(at(1_000))), (Duration::ZERO, None));
    }
}
