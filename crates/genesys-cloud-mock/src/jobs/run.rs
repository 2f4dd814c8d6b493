use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::expected::JobEnd;
use super::files::File;
use super::scenario::{JobPace, JobScenario};
use super::spec::JobSpec;
use crate::clock::Clock;
use crate::response::CannedResponse;
use crate::timestamp::Timestamp;

/// How a test wants the jobs of an operation to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Whether a test has set anything.
    pub(crate) is_set: bool,
    pub(crate) scenario: JobScenario,
    pub(crate) pace: Option<JobPace>,
    /// The number of results, unless an operation lists them.
    pub(crate) records: Option<u64>,
}

impl Plan {
    pub(crate) const DEFAULT: Self =
        Self { is_set: false, scenario: JobScenario::Quick, pace: None, records: None };
    /// The default number of results in the status of a job.
    const RECORDS: u64 = 3;
    /// Enough for several files.
    const MANY: u64 = 35;

    /// The number of results, unless an operation lists them.
    pub(crate) fn count(&self) -> u64 {
        match self.scenario {
            JobScenario::EmptyResult => 0,
            JobScenario::ResultsInManyPages => self.records.unwrap_or(Self::MANY),
            _ => self.records.unwrap_or(Self::RECORDS),
        }
    }

    fn pace(&self) -> JobPace {
        self.pace.unwrap_or(self.scenario.pace())
    }
}

/// A submitted job.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) spec: &'static JobSpec,
    pub(crate) id: String,
    pub(crate) plan: Plan,
    /// When it was submitted.
    pub(crate) at: Timestamp,
    /// How long it and its results are kept.
    lifetime: Duration,
    pub(crate) files: OnceLock<Vec<Arc<File>>>,
    clock: Clock,
    progress: Mutex<Progress>,
}

/// The progress of a job.
#[derive(Debug)]
struct Progress {
    polls: u32,
    /// When it started or continued.
    since: Timestamp,
    released: bool,
    cancelled: bool,
    done: bool,
    /// Whether a client knows that it is done.
    reported: bool,
}

/// The status of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobStatus {
    /// In this state, if the spec has states.
    Pending(Option<&'static str>),
    /// In a state that the document doesn't have.
    Unknown,
    Ended(JobEnd),
}

impl Run {
    pub(crate) fn new(
        (spec, id): (&'static JobSpec, String),
        plan: Plan,
        lifetime: Duration,
        clock: Clock,
    ) -> Self {
        let at = clock.now();
        let progress = Progress {
            polls: 0,
            since: at,
            released: spec.states.awaiting_input.is_none(),
            cancelled: false,
            done: false,
            reported: false,
        };
        let files = OnceLock::new();
        Self { spec, id, plan, at, lifetime, files, clock, progress: Mutex::new(progress) }
    }

    /// The status in the response to the submit.
    pub(crate) fn first(&self) -> JobStatus {
        let states = &self.spec.states;
        match self.plan.scenario {
            JobScenario::InlineAtOnce => JobStatus::Ended(JobEnd::Succeeded),
            _ => JobStatus::Pending(states.pending.first().copied().or(states.awaiting_input)),
        }
    }

    /// Polls the status. The poll may be refused.
    pub(crate) fn poll(&self) -> Result<JobStatus, CannedResponse> {
        let mut progress = self.progress();
        if progress.cancelled {
            return Ok(JobStatus::Ended(JobEnd::Cancelled));
        }
        if !progress.released {
            return Ok(JobStatus::Pending(self.spec.states.awaiting_input));
        }
        progress.polls += 1;
        if self.plan.scenario == JobScenario::TransientErrors {
            match progress.polls {
                1 => {
                    let message = "The service is unavailable.";
                    return Err(CannedResponse::error(503, "service.unavailable", message));
                }
                2 => return Err(CannedResponse::rate_limited(1)),
                _ => {}
            }
        }
        let passed = self.passed(&progress, progress.polls.saturating_sub(1));
        if passed < 1.0 && !progress.done {
            return Ok(self.pending(passed));
        }
        progress.done = true;
        let was_reported = std::mem::replace(&mut progress.reported, true);
        let end = match self.plan.scenario.end() {
            JobEnd::Expired if !was_reported => JobEnd::Succeeded,
            end if end.has_results() && self.is_past() && self.spec.states.expired.is_some() => {
                JobEnd::Expired
            }
            end => end,
        };
        Ok(JobStatus::Ended(end))
    }

    /// The share of its time that has passed after this many polls, up to 1.
    fn passed(&self, progress: &Progress, polls: u32) -> f64 {
        let part = match self.plan.pace() {
            JobPace::Polls(0) => 1.0,
            JobPace::Polls(pace) => f64::from(polls) / f64::from(pace),
            JobPace::Time(pace) if pace.is_zero() => 1.0,
            JobPace::Time(pace) => {
                self.clock.since(progress.since).as_secs_f64() / pace.as_secs_f64()
            }
        };
        part.min(1.0)
    }

    fn pending(&self, passed: f64) -> JobStatus {
        if self.plan.scenario == JobScenario::UnknownState && passed >= 0.5 {
            return JobStatus::Unknown;
        }
        let states = &self.spec.states.pending;
        let index = (passed * states.len() as f64) as usize;
        JobStatus::Pending(states.get(index).or(states.last()).copied())
    }

    /// Checks whether its results are available.
    pub(crate) fn results(&self) -> Result<(), CannedResponse> {
        let progress = self.progress();
        let is_done =
            progress.done || progress.released && self.passed(&progress, progress.polls) >= 1.0;
        let end = self.plan.scenario.end();
        if progress.cancelled || is_done && matches!(end, JobEnd::Failed | JobEnd::Cancelled) {
            return Err(CannedResponse::bad_request("The job came to no results."));
        }
        if !is_done {
            return Err(CannedResponse::bad_request("The job is not complete."));
        }
        if end == JobEnd::Expired || self.is_past() {
            return Err(CannedResponse::not_found());
        }
        Ok(())
    }

    /// When it and its results are deleted.
    pub(crate) fn expires(&self) -> Timestamp {
        match self.plan.scenario {
            JobScenario::Expires => self.at,
            _ => self.at.after(self.lifetime),
        }
    }

    fn is_past(&self) -> bool {
        self.clock.now() >= self.at.after(self.lifetime)
    }

    /// Whether it has been polled at most once.
    pub(crate) fn is_new(&self) -> bool {
        self.progress().polls <= 1
    }

    pub(crate) fn cancel(&self) {
        self.progress().cancelled = true;
    }

    /// Continues a job that waits for the client.
    pub(crate) fn release(&self) {
        let mut progress = self.progress();
        if !progress.released {
            (progress.released, progress.since) = (true, self.clock.now());
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
