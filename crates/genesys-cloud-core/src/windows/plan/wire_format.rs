//! The serialized form of a plan.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(in crate::windows) use self::record::PlanForm;
use self::record::RunForm;
use super::{MAX_WINDOWS, Plan, Window, WindowState};
use crate::interval::Interval;
use crate::paging::RequestFingerprint;
use crate::wire::Wire as _;

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod record {
    use chrono::{DateTime, Utc};

    use crate::paging::FingerprintForm;

    crate::record! {
        /// A serialized plan. New fields need no new version.
        pub struct PlanForm {
            pub version: Option<i64> = "version",
            pub call: Option<FingerprintForm> = "call",
            pub start: Option<DateTime<Utc>> = "start",
            pub end: Option<DateTime<Utc>> = "end",
            pub overlap: Option<i64> = "overlapMilliseconds",
            pub part: Option<bool> = "part",
            pub windows: Option<Vec<RunForm>> = "windows",
        }
    }

    crate::record! {
        /// Consecutive windows of one length, distance and state. Times are in milliseconds.
        pub struct RunForm {
            /// From the start of the range to the start of the first window.
            pub from: Option<i64> = "from",
            /// The length of each window.
            pub span: Option<i64> = "span",
            /// From the start of one window to the start of the next. Default: `span`.
            pub step: Option<i64> = "step",
            /// The number of windows. Default: one.
            pub count: Option<i64> = "count",
            pub state: Option<String> = "state",
        }
    }
}

/// The version that is written, and the only one that is accepted.
const VERSION: i64 = 2;

impl WindowState {
    const fn name(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::Running => "running",
            Self::Done => "done",
        }
    }
}

/// Consecutive windows of one length, distance and state.
struct Run {
    from: i64,
    span: i64,
    /// `None` for a single window.
    step: Option<i64>,
    count: i64,
    state: WindowState,
}

impl Run {
    /// Adds the next window if it continues the run. Returns whether it does.
    fn try_extend(&mut self, from: i64, span: i64, state: WindowState) -> bool {
        let step = from - self.from - self.step.unwrap_or(0) * (self.count - 1);
        let fits = self.step.map_or(step > 0, |known| known == step);
        let continues = fits && span == self.span && state == self.state;
        if continues {
            (self.step, self.count) = (Some(step), self.count + 1);
        }
        continues
    }

    fn form(&self) -> RunForm {
        RunForm {
            from: Some(self.from),
            span: Some(self.span),
            step: self.step.filter(|step| *step != self.span),
            count: Some(self.count).filter(|count| *count > 1),
            state: Some(self.state.name().to_owned()),
            ..RunForm::default()
        }
    }
}

impl Plan {
    pub(in crate::windows) fn form(&self) -> PlanForm {
        let Self { subject, range, overlap, windows, is_part } = self;
        let mut runs: Vec<Run> = Vec::new();
        for Window { interval, state } in windows {
            let from = (interval.start() - range.start()).num_milliseconds();
            let span = (interval.end() - interval.start()).num_milliseconds();
            if !runs.last_mut().is_some_and(|run| run.try_extend(from, span, *state)) {
                runs.push(Run { from, span, step: None, count: 1, state: *state });
            }
        }
        PlanForm {
            version: Some(VERSION),
            call: Some(subject.form()),
            start: Some(range.start()),
            end: Some(range.end()),
            overlap: i64::try_from(overlap.as_millis()).ok(),
            part: Some(*is_part).filter(|is_part| *is_part),
            windows: Some(runs.iter().map(Run::form).collect()),
            ..PlanForm::default()
        }
    }

    /// Rejects other versions, windows without a start, a length or a known state, and windows that break the
    /// invariants of a plan.
    pub(in crate::windows) fn of_form(form: PlanForm) -> Result<Self, String> {
        if form.version != Some(VERSION) {
            let version = form.version.unwrap_or_default();
            return Err(format!("unsupported plan version {version}; expected {VERSION}"));
        }
        let lacks = |name: &str| format!("the plan has no `{name}`");
        let subject = RequestFingerprint::of_form(form.call.ok_or_else(|| lacks("call"))?)?;
        let range = Interval::new(
            form.start.ok_or_else(|| lacks("start"))?,
            form.end.ok_or_else(|| lacks("end"))?,
        );
        let overlap = u64::try_from(form.overlap.ok_or_else(|| lacks("overlapMilliseconds"))?);
        let overlap = overlap.map_err(|_| "the plan has a negative overlap".to_owned())?;
        let mut windows = Vec::new();
        for run in form.windows.ok_or_else(|| lacks("windows"))? {
            read_run(run, range, &mut windows)?;
        }
        let plan = Self {
            subject: Arc::new(subject),
            range,
            overlap: Duration::from_millis(overlap),
            windows,
            is_part: form.part.unwrap_or(false),
        };
        plan.check_cover()?;
        Ok(plan)
    }

    /// Checks that the windows cover the range, and that without an overlap none intersect: otherwise items would be
    /// missing or delivered twice.
    fn check_cover(&self) -> Result<(), String> {
        let mut sorted: Vec<Interval> = self.windows.iter().map(Window::interval).collect();
        sorted.sort_by_key(Interval::start);
        let (mut covered, end) = (self.range.start(), self.range.end());
        for window in sorted {
            if window.start() > covered && !self.is_part {
                let gap = Interval::new(covered, window.start());
                return Err(format!("the windows of the plan leave out {gap}"));
            }
            if window.start() < covered && self.overlap.is_zero() {
                return Err(format!(
                    "the plan has no overlap, but its window {window} overlaps another"
                ));
            }
            covered = covered.max(window.end());
        }
        if covered < end && !self.is_part {
            let gap = Interval::new(covered, end);
            return Err(format!("the windows of the plan leave out {gap}"));
        }
        Ok(())
    }
}

/// Adds the windows of a run, each of which must lie in the range.
fn read_run(run: RunForm, range: Interval, windows: &mut Vec<Window>) -> Result<(), String> {
    let states = [WindowState::Todo, WindowState::Running, WindowState::Done];
    let name = run.state.unwrap_or_default();
    let state = states.into_iter().find(|state| state.name() == name);
    let state = state.ok_or_else(|| "the plan has a window in an unknown state".to_owned())?;
    let outside = || "the plan has a window outside its range".to_owned();
    let (from, span) = (run.from.ok_or_else(outside)?, run.span.ok_or_else(outside)?);
    let (step, count) = (run.step.unwrap_or(span), run.count.unwrap_or(1));
    if from < 0 || span < 1 || step < 1 || count < 1 {
        return Err(outside());
    }
    // Checked before allocating: the count is untrusted.
    if i128::from(count) + windows.len() as i128 > MAX_WINDOWS as i128 {
        return Err(format!("the plan has more than {MAX_WINDOWS} windows"));
    }
    let length = (range.end() - range.start()).num_milliseconds();
    let end =
        step.checked_mul(count - 1).and_then(|last| last.checked_add(from)?.checked_add(span));
    if end.is_none_or(|end| end > length) {
        return Err(outside());
    }
    for at in 0..count {
        let start = range.start() + TimeDelta::milliseconds(from + at * step);
        let interval = Interval::new(start, start + TimeDelta::milliseconds(span));
        windows.push(Window { interval, state });
    }
    Ok(())
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.form().write(serializer)
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of_form(PlanForm::read(deserializer)?).map_err(D::Error::custom)
    }
}
