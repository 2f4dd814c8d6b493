//! When a job is asked how it stands.

use std::time::Duration;

/// When a job is asked how it stands: soon at first, then after a tenth of the time that it has run.
///
/// So its end is noticed at most a tenth of its run time late, or the first pause if that is longer, and
/// the number of calls grows with the logarithm of the run time: about 40 in the first minute, 80 in the
/// first hour, 115 in ten hours, from where on one an hour is made. The run time is counted from the submit, in
/// another process too.
///
/// Pauses are cut by up to a tenth at random, so that jobs that were submitted together are not polled
/// together. A `Retry-After` that is longer than a pause is kept to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    first: Duration,
    most: Duration,
}

impl Schedule {
    /// Which part of the run time a pause is.
    const PART: u32 = 10;

    /// The first pause is half a second, the longest an hour.
    pub const fn new() -> Self {
        Self { first: Duration::from_millis(500), most: Duration::from_hours(1) }
    }

    /// The first pause, and so the shortest, whatever [`most`](Self::most) says. What is less than 50
    /// milliseconds is taken as that.
    #[must_use]
    pub fn first(mut self, pause: Duration) -> Self {
        self.first = pause.max(Duration::from_millis(50));
        self
    }

    /// The longest pause. A job that runs for more than ten times as long is so asked more often, and its end
    /// noticed sooner.
    #[must_use]
    pub const fn most(mut self, pause: Duration) -> Self {
        self.most = pause;
        self
    }

    /// How long to wait before a job that has run so long is asked again. `chance` is from 0 up to 1.
    pub(crate) fn pause(&self, run: Duration, chance: f64) -> Duration {
        let pause = (run / Self::PART).min(self.most).max(self.first);
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
    fn pauses() {
        let usual = Schedule::new();
        let brisk = Schedule::new().first(Duration::from_millis(100)).most(secs(2));
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
            (usual.first(Duration::ZERO), secs(0), 0.0, Duration::from_millis(50)),
            // The shortest pause wins over the longest.
            (usual.most(Duration::ZERO), secs(60), 0.0, Duration::from_millis(500)),
        ] {
            assert_eq!(schedule.pause(run, chance), pause, "{run:?}");
        }
    }

    /// For jobs of any length: how late the end is noticed, and by how many calls.
    #[test]
    fn ends_are_noticed_in_time_by_few_calls() {
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
                assert!(late <= run / 10 + schedule.first, "{run:?}: {late:?}");
                assert!(polls <= most_polls, "{run:?}: {polls}");
            }
        }
    }
}
