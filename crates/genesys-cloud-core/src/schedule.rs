//! The polling schedule of jobs.

use std::time::Duration;

/// How often a job is polled: the pause between polls is a tenth of the time that the job has been running.
///
/// The end of a job is noticed late by at most a tenth of its run time, or by the initial delay if that is longer. The
/// number of polls grows logarithmically: about 40 in the first minute, 80 in the first hour and 115 in ten hours.
/// After that the job is polled once an hour. The run time counts from the submit, even in another process.
///
/// Each pause is shortened by up to a tenth at random, so that jobs that were submitted together are not polled
/// together. A `Retry-After` that is longer than the pause replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    initial: Duration,
    maximum: Duration,
}

impl Schedule {
    /// Pauses are the run time divided by this.
    const DIVISOR: u32 = 10;

    /// Creates a schedule with pauses from half a second to one hour.
    pub const fn new() -> Self {
        Self { initial: Duration::from_millis(500), maximum: Duration::from_hours(1) }
    }

    /// Sets the first pause, which is also the shortest, even if [`maximum_delay`](Self::maximum_delay) is shorter.
    /// Default: half a second. At least 50 milliseconds.
    #[must_use]
    pub fn initial_delay(mut self, pause: Duration) -> Self {
        self.initial = pause.max(Duration::from_millis(50));
        self
    }

    /// Sets the longest pause. Default: one hour. With a shorter one, long jobs are polled more often, and their end is
    /// noticed sooner.
    #[must_use]
    pub const fn maximum_delay(mut self, pause: Duration) -> Self {
        self.maximum = pause;
        self
    }

    /// The pause before the next poll of a job with this run time. `chance` is random, from 0 to 1.
    pub(crate) fn pause(&self, run: Duration, chance: f64) -> Duration {
        let pause = (run / Self::DIVISOR).min(self.maximum).max(self.initial);
        pause - pause.mul_f64(chance.clamp(0.0, 1.0) / 10.0)
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn pauses_are_a_tenth_of_the_run_time() {
        let usual = Schedule::new();
        let brisk =
            Schedule::new().initial_delay(Duration::from_millis(100)).maximum_delay(secs(2));
        for (schedule, run, chance, pause) in [
            (usual, secs(0), 0.0, Duration::from_millis(500)),
            (usual, secs(0), 1.0, Duration::from_millis(450)),
            (usual, secs(5), 0.0, Duration::from_millis(500)),
            (usual, secs(60), 0.0, secs(6)),
            (usual, secs(60), 0.5, Duration::from_millis(5700)),
            (usual, secs(3600), 0.0, secs(360)),
            (usual, Duration::MAX, 0.0, secs(3600)),
            (brisk, secs(0), 0.0, Duration::from_millis(100)),
            (brisk, secs(60), 0.0, secs(2)),
            (usual.initial_delay(Duration::ZERO), secs(0), 0.0, Duration::from_millis(50)),
            // The shortest pause takes precedence over the longest.
            (usual.maximum_delay(Duration::ZERO), secs(60), 0.0, Duration::from_millis(500)),
        ] {
            assert_eq!(schedule.pause(run, chance), pause, "{run:?}");
        }
    }

    #[test]
    fn notices_the_end_in_time_with_few_polls() {
        let schedule = Schedule::new();
        for chance in [0.0, 0.5, 1.0] {
            for (run, most_polls) in [
                (Duration::from_millis(1), 1),
                (secs(1), 3),
                (secs(5), 13),
                (secs(60), 41),
                (secs(600), 68),
                (secs(3000), 88),
                (secs(36_000), 115),
            ] {
                let (mut at, mut polls) = (Duration::ZERO, 0);
                while at < run {
                    at += schedule.pause(at, chance);
                    polls += 1;
                }
                let late = at - run;
                assert!(late <= run / 10 + schedule.initial, "{run:?}: {late:?}");
                assert!(polls <= most_polls, "{run:?}: {polls}");
            }
        }
    }
}
