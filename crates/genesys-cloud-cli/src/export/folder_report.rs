//! The report of an export to a folder: the sums of its windows, and those that are not complete.

use std::time::Instant;

use genesys_cloud_core::{Reason, Verdict, display};
use genesys_cloud_sinks::Sink;
use serde_json::{Value, json};

use super::files;
use super::folder_state::{Counts, FolderState};
use super::partition::Part;
use super::plan::Plan;
use super::run_log::LogEntry;
use super::verdict::{reason, word};
use crate::failure::{Exit, Failure};
use crate::locations::ReportLocation;
use crate::reporter::grouped;
use crate::resolve;
use crate::session::Session;

/// How the windows of a run ended, except those that are complete.
#[derive(Default)]
pub(super) struct FolderEnd {
    /// The first error.
    failure: Option<Failure>,
    is_interrupted: bool,
    /// The worst exit code of a window that was read to its end, and its verdict.
    worst: Option<(Exit, String, Option<String>)>,
    /// The reports of these windows, for the report.
    windows: Vec<Value>,
    /// What was read of them.
    counts: Counts,
}

impl FolderEnd {
    /// Returns whether no other window is to be started.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_interrupted || self.failure.is_some()
    }

    /// Notes that the user interrupted the export.
    pub(super) fn stop(&mut self) {
        self.is_interrupted = true;
    }

    /// Notes an error.
    pub(super) fn fail(&mut self, failure: Failure) {
        if self.failure.is_none() {
            self.failure = Some(failure);
        }
    }

    /// Notes a window that has no complete file.
    pub(super) fn incomplete(&mut self, part: &Part, report: &Value, exit: Result<Exit, Failure>) {
        let fact = |name: &str| report.get(name).cloned().unwrap_or_default();
        let text = |name: &str| fact(name).as_str().map(str::to_owned);
        self.windows.push(json!({
            "name": part.name,
            "interval": part.interval.to_string(),
            "whole": false,
            "verdict": fact("verdict"),
            "reason": fact("reason"),
            "records": fact("records").as_u64().unwrap_or_default(),
            "error": exit.as_ref().err().map(ToString::to_string),
        }));
        self.counts.add(report);
        match exit {
            Err(failure) if failure.exit() == Exit::Interrupted => self.stop(),
            Err(failure) => {
                self.fail(failure.advise(format!("the window that failed is {}", part.name)));
            }
            Ok(Exit::Interrupted) => self.stop(),
            Ok(exit) => {
                // In the order of the exit codes, a truncated list comes before a drifted one.
                let is_worse =
                    self.worst.as_ref().is_none_or(|(worst, ..)| *worst as u8 > exit as u8);
                if is_worse {
                    self.worst = Some((exit, text("verdict").unwrap_or_default(), text("reason")));
                }
            }
        }
    }

    /// Returns whether all windows have their file.
    pub(super) fn is_complete(&self, state: &FolderState, windows: usize) -> bool {
        self.failure.is_none() && state.done.len() == windows
    }
}

/// The report of an export to a folder.
pub(super) struct FolderReport<'a> {
    plan: &'a Plan,
    session: &'a Session,
    windows: usize,
    begun: Instant,
    entry: LogEntry,
}

impl<'a> FolderReport<'a> {
    pub(super) fn new(plan: &'a Plan, session: &'a Session, windows: usize) -> Self {
        Self { plan, session, windows, begun: Instant::now(), entry: LogEntry::new() }
    }

    /// Adds the run to the log of the folder, as one that has not ended.
    pub(super) async fn begin(
        &self,
        state: &FolderState,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        self.entry.log(&self.plan.report, sink.run_log(), &self.identity(state)).await
    }

    /// Prints how the export ended, and writes the report.
    pub(super) async fn end(
        self,
        state: &FolderState,
        mut end: FolderEnd,
        sink: &mut dyn Sink,
    ) -> Result<Exit, Failure> {
        let Self { plan, session, windows, begun, .. } = self;
        let is_whole = end.is_complete(state, windows);
        let unfinished = Verdict::Unknown(Reason::Unfinished);
        let accepted = state.done.values().map(|done| &done.verdict).find(|it| *it != "complete");
        let (exit, verdict, why) = match (&end.failure, end.is_interrupted, end.worst.take()) {
            (Some(failure), ..) => {
                (failure.exit(), word(&unfinished).to_owned(), reason(&unfinished))
            }
            (None, true, _) => {
                (Exit::Interrupted, word(&unfinished).to_owned(), reason(&unfinished))
            }
            (None, false, Some(worst)) => worst,
            (None, false, None) => {
                let verdict = accepted.map_or("complete", |it| it);
                (Exit::Complete, verdict.to_owned(), None)
            }
        };
        let mut facts = self.facts(state, &end);
        facts["whole"] = is_whole.into();
        facts["exit"] = exit.name().into();
        facts["code"] = (exit as u8).into();
        facts["verdict"] = verdict.as_str().into();
        facts["reason"] = json!(why);
        let advice = self.advice(exit, &verdict, is_whole);
        facts["resume"] = json!(advice.first().map(|(_, command)| command));
        if let Some(failure) = &end.failure {
            facts["error"] = failure.to_string().into();
            facts["correlation_id"] = failure.correlation_id().into();
        }
        let logged = self.entry.log(&plan.report, sink.run_log(), &facts).await;
        let report = display::lines(&format!("{facts:#}\n")).into_owned();
        let written = match &plan.report {
            ReportLocation::BesideOutput => sink.report(&report).await.map_err(Failure::from),
            ReportLocation::File(path) => {
                files::write_report(path, &report).map(|()| Some(path.display().to_string()))
            }
            ReportLocation::Nowhere => Ok(None),
        };
        let why = why.iter().map(|why| format!(": {why}")).collect::<String>();
        let number = |name: &str| facts[name].as_u64().unwrap_or_default();
        let mut text = format!(
            "{verdict}{why}: {} of {} windows, {} in {}, {}, {:.1} s\n{}",
            grouped(state.done.len() as u64),
            grouped(windows as u64),
            count(number("records"), "record"),
            count(number("pages"), "page"),
            count(number("calls"), "call"),
            begun.elapsed().as_secs_f64(),
            plan.output.destination
        );
        if let Ok(Some(report)) = &written {
            text += &format!(", report in {report}");
        }
        session.reporter.say("end", &text, facts);
        if let Some(failure) = end.failure {
            let failure = match &written {
                Ok(_) => failure,
                Err(other) => failure.advise(other.to_string()),
            };
            let lines = advice.iter().map(|(text, command)| format!("{text}: {command}"));
            return Err(lines.fold(failure, Failure::advise));
        }
        for (text, command) in &advice {
            let facts = json!({ "text": text, "command": command });
            session.reporter.say("advice", &format!("{text}:\n  {command}"), facts);
        }
        written.and(logged).map(|()| exit)
    }

    fn facts(&self, state: &FolderState, end: &FolderEnd) -> Value {
        let sum = |of: fn(&Counts) -> u64| of(&state.counts) + of(&end.counts);
        let done = state.done.iter().map(|(name, done)| {
            json!({ "name": name, "whole": true, "verdict": done.verdict, "records": done.records })
        });
        let mut windows: Vec<Value> = done.chain(end.windows.iter().cloned()).collect();
        windows.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
        let mut facts = self.identity(state);
        let counts = json!({
            // Those of the complete files.
            "records": state.counts.records,
            "pages": sum(|it| it.pages),
            "calls": sum(|it| it.calls),
            "retries": sum(|it| it.retries),
            "waited_ms": sum(|it| it.waited_ms),
            "total": null,
            "page_size": null,
            "duplicates": sum(|it| it.duplicates),
            "nulls": sum(|it| it.nulls),
            "windows": self.windows,
            "windows_done": state.done.len(),
            "available_until": null,
            "rejects": {
                "skipped": sum(|it| it.skipped), "nulled": sum(|it| it.nulled), "file": null,
            },
            "parts": windows,
            "ended": now(),
            "took_ms": self.begun.elapsed().as_millis() as u64,
            "notes": [],
        });
        if let (Value::Object(facts), Value::Object(counts)) = (&mut facts, counts) {
            facts.extend(counts);
        }
        facts
    }

    /// Returns what is known before anything is read.
    fn identity(&self, state: &FolderState) -> Value {
        let plan = self.plan;
        json!({
            "operation": plan.source.entry.id,
            "name": resolve::rust_name(plan.source.entry),
            "interval": plan.source.time_range().map(|range| range.interval.to_string()),
            "run": state.run.id,
            "began": state.run.began(),
            "resumed": state.run.resumptions(),
            "started": self.entry.started(),
            "out": plan.output.text(),
        })
    }

    /// Returns what to run after an incomplete export, with its purpose.
    fn advice(&self, exit: Exit, verdict: &str, is_whole: bool) -> Vec<(&'static str, String)> {
        let invocation = &self.session.invocation;
        if is_whole || exit == Exit::Usage {
            return Vec::new();
        }
        let resume = invocation.with_options(&["--resume"]);
        match exit {
            Exit::Truncated | Exit::Drifted | Exit::Unknown => {
                let accept = format!("{resume} --accept {verdict}");
                vec![
                    ("to read the incomplete windows again", resume),
                    ("to accept them as they are", accept),
                ]
            }
            _ => vec![("to resume", resume)],
        }
    }
}

fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
