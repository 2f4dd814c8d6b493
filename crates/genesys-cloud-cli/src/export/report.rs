//! How an export ended: for people in words, for programs as JSON beside the output.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use genesys_cloud_core::{Reason, Verdict, display};
use serde_json::{Value, json};

use super::read::Read;
use super::rejects::Rejects;
use super::state::{self, Next, Run, State};
use super::{Job, unwritten};
use crate::failure::{Exit, Failure};
use crate::find;
use crate::screen::{Screen, grouped};
use crate::sinks::Sink;
use crate::{aside, private};

/// The report on an export.
pub(super) struct Ending {
    begun: Instant,
    facts: Value,
    verdict: Verdict,
    notes: Vec<String>,
    next: Option<Next>,
    /// Whether the next run reads the end of the list again.
    is_in_doubt: bool,
    /// What was read, in words.
    read: String,
    /// When, if not in one run.
    times: Option<String>,
}

impl Ending {
    pub(super) fn begin(job: &Job<'_>, run: &Run) -> Self {
        let facts = json!({
            "operation": job.entry.id,
            "name": find::rust_name(job.entry),
            "interval": job.range.as_ref().map(|range| range.interval.to_string()),
            "run": run.id,
            "began": run.began(),
            "resumed": run.resumptions(),
        });
        let times = run.resumptions().last().map(|last| match run.resumptions().len() {
            1 => format!("read in two runs, which began at {} and {last}", run.began()),
            many => format!(
                "read in {} runs, of which the first began at {}, the last at {last}",
                many + 1,
                run.began()
            ),
        });
        let (verdict, read) = (Verdict::Unknown(Reason::Unfinished), String::new());
        Self {
            begun: Instant::now(),
            facts,
            verdict,
            notes: Vec::new(),
            next: None,
            is_in_doubt: false,
            read,
            times,
        }
    }

    /// All of it was written by an earlier run.
    pub(super) fn earlier(&mut self, state: &State) {
        let records = state.checkpoint.items();
        self.facts["records"] = records.into();
        self.facts["verdict"] = state.verdict.word.as_str().into();
        self.facts["reason"] = json!(state.verdict.reason);
        let noun = if records == 1 { "record" } else { "records" };
        let reason =
            state.verdict.reason.iter().map(|reason| format!("{reason}: ")).collect::<String>();
        self.read = format!(
            "{}: {reason}{} {noun}, which the run that was stopped had written",
            state.verdict.word,
            grouped(records)
        );
    }

    pub(super) fn read(&mut self, read: &Read) {
        self.verdict = read.verdict;
        let facts = [
            ("records", json!(read.records)),
            ("pages", json!(read.pages)),
            ("calls", json!(read.calls)),
            ("repeated", json!(read.repeated)),
            ("waited_ms", json!(read.waited.as_millis() as u64)),
            ("total", json!(read.total)),
            ("page_size", json!(read.page_size)),
            ("duplicates", json!(read.duplicates)),
            ("nulls", json!(read.nulls)),
            ("pieces", json!(read.pieces.map(|(_, all)| all))),
            ("pieces_done", json!(read.pieces.map(|(done, _)| done))),
            ("available_until", json!(read.available_until)),
            ("verdict", json!(word(&read.verdict))),
            ("reason", json!(reason(&read.verdict))),
        ];
        for (name, value) in facts {
            self.facts[name] = value;
        }
        let count = |number: u64, name: &str| {
            format!("{} {name}{}", grouped(number), if number == 1 { "" } else { "s" })
        };
        self.read = format!(
            "{}: {} in {}, {}",
            self.verdict,
            count(read.records, "record"),
            count(read.pages, "page"),
            count(read.calls, "call")
        );
        for (number, name) in [(read.duplicates, "duplicate"), (read.nulls, "null")] {
            if number > 0 {
                self.read += &format!(", {}", count(number, name));
            }
        }
    }

    /// Tells the records that did not fit. The list may be complete, but the output lacks those that were left out.
    pub(super) fn rejected(&mut self, rejects: &Rejects, is_whole: bool) {
        let facts = rejects.facts(is_whole);
        self.notes.extend(rejects.note(&facts));
        self.facts["rejects"] = facts;
        if rejects.skipped() > 0 {
            let noun = if rejects.skipped() == 1 { "record" } else { "records" };
            let skipped = format!("{} {noun} left out", grouped(rejects.skipped()));
            self.read = match self.read.strip_prefix("complete: ") {
                Some(rest) => format!("complete, but {skipped}: {rest}"),
                None => format!("{}, {skipped}", self.read),
            };
        }
        if rejects.nulled() > 0 {
            self.read += &format!(", {} with null in place of a value", grouped(rejects.nulled()));
        }
    }

    pub(super) fn notes(&mut self, notes: Vec<String>) {
        self.notes.extend(notes);
    }

    /// Says what another run can do with what is left, if anything is.
    pub(super) fn next(&mut self, next: Option<Next>) {
        self.next = next;
    }

    /// Says whether the next run reads the end of the list again, rather than repeat the verdict.
    pub(super) fn in_doubt(&mut self, is_in_doubt: bool) {
        self.is_in_doubt = is_in_doubt;
    }

    /// The list was read to its end.
    pub(super) async fn told(
        mut self,
        job: &Job<'_>,
        sink: &mut dyn Sink,
        screen: &Screen,
        is_whole: bool,
    ) -> Result<Exit, Failure> {
        let exit = if is_whole { Exit::Complete } else { Exit::of_verdict(self.verdict) };
        self.end(job, sink, screen, exit, is_whole).await?;
        if let (false, Some(next)) = (is_whole, self.next) {
            let command = format!("{} --accept {}", state::command(next), word(&self.verdict));
            if self.is_in_doubt {
                let again = state::command(next);
                let text = format!("to read the page in doubt again:\n  {again}");
                screen.say("advice", &text, json!({ "command": again }));
            }
            let text = format!("to accept it as it is:\n  {command}");
            screen.say("advice", &text, json!({ "command": command }));
            if matches!(self.verdict, Verdict::Drifted(_)) {
                let text = "--restart instead of --resume reads it again from the beginning";
                screen.say("advice", text, json!({}));
            }
        }
        Ok(exit)
    }

    /// The user has stopped it.
    pub(super) async fn stopped(
        mut self,
        job: &Job<'_>,
        sink: &mut dyn Sink,
        screen: &Screen,
    ) -> Result<Exit, Failure> {
        self.end(job, sink, screen, Exit::Interrupted, false).await?;
        if let Some(next) = self.next {
            let command = state::command(next);
            let text = format!("to resume:\n  {command}");
            screen.say("advice", &text, json!({ "command": command }));
        }
        Ok(Exit::Interrupted)
    }

    /// It failed.
    pub(super) async fn failed(
        mut self,
        job: &Job<'_>,
        sink: &mut dyn Sink,
        screen: &Screen,
        failure: Failure,
    ) -> Failure {
        self.facts["error"] = failure.to_string().into();
        self.facts["correlation_id"] = failure.correlation_id().into();
        let ended = self.end(job, sink, screen, failure.exit(), false).await;
        // A command that is wrong is so the next time.
        let next = self.next.filter(|_| failure.exit() != Exit::Usage);
        let failure = match ended {
            Ok(()) => failure,
            Err(other) => failure.advise(other.to_string()),
        };
        match next {
            Some(next) => failure.advise(advice(next)),
            None => failure,
        }
    }

    /// Tells how it ended, and writes the report.
    async fn end(
        &mut self,
        job: &Job<'_>,
        sink: &mut dyn Sink,
        screen: &Screen,
        exit: Exit,
        is_whole: bool,
    ) -> Result<(), Failure> {
        let took = self.begun.elapsed();
        self.facts["ended"] = now().into();
        self.facts["took_ms"] = (took.as_millis() as u64).into();
        self.facts["exit"] = exit.name().into();
        self.facts["code"] = (exit as u8).into();
        self.facts["out"] = json!(job.export.out.is_some().then(|| job.output.to_string()));
        self.facts["whole"] = is_whole.into();
        self.facts["notes"] = json!(self.notes);
        let counts = sink.counts();
        for (what, rows) in &counts {
            self.facts["rows"][*what] = (*rows).into();
        }
        let resumes = self.next.filter(|next| *next != Next::Restart);
        self.facts["resume"] = json!(resumes.map(state::command));
        let read = match is_whole {
            true => self.read.clone(),
            // The list is complete, and the output is not.
            false => match self.read.strip_prefix("complete") {
                Some(rest) => format!("read to its end, but not written{rest}"),
                None => self.read.clone(),
            },
        };
        let mut text = format!("{read}, {:.1} s", took.as_secs_f64());
        if !counts.is_empty() {
            let counts = counts.iter().map(|(what, rows)| format!("{} {what}", grouped(*rows)));
            text += &format!("\nrows: {}", counts.collect::<Vec<_>>().join(", "));
        }
        if let Some(times) = &self.times {
            text += &format!("\n{times}");
        }
        let report = format!("{:#}\n", self.facts);
        // It may be shown on a terminal.
        let report = display::lines(&report);
        let report = match job.report_place() {
            ReportPlace::Beside => sink.report(&report).await.map_err(unwritten),
            ReportPlace::File(path) => {
                write(path, &report).map(|()| Some(path.display().to_string()))
            }
            ReportPlace::Nowhere => Ok(None),
        };
        match (sink.place(), report.as_ref().ok().cloned().flatten()) {
            (Some(place), Some(report)) => text += &format!("\n{place}, report in {report}"),
            (place, report) => {
                for place in place.into_iter().chain(report) {
                    text += &format!("\n{place}");
                }
            }
        }
        for note in &self.notes {
            text += &format!("\nnote: {note}");
        }
        // Where nothing was read, the error says all there is to say.
        match self.facts["pages"] == 0 && exit != Exit::Complete && exit != Exit::Interrupted {
            true => screen.event("end", || self.facts.clone()),
            false => screen.say("end", &text, self.facts.clone()),
        }
        // What there is to say of the output is said by then.
        report.map(drop)
    }
}

/// Where the report goes.
#[derive(Clone, Debug, Default)]
pub(crate) enum ReportPlace {
    /// The hidden folder beside a file or an object, or the row of a table.
    #[default]
    Beside,
    File(PathBuf),
    Nowhere,
}

impl ReportPlace {
    /// The file, of an export to this one.
    pub(super) fn path(&self, out: &Path) -> Option<PathBuf> {
        match self {
            Self::Beside => Some(aside::path(out, aside::REPORT)),
            Self::File(path) => Some(path.clone()),
            Self::Nowhere => None,
        }
    }
}

impl FromStr for ReportPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::Nowhere),
            "" => Err("name a file, or none".to_owned()),
            text if text.contains("://") => {
                Err("the report of an export goes to a file, not to a URL".to_owned())
            }
            path => Ok(Self::File(path.into())),
        }
    }
}

/// Writes a report to a file.
pub(super) fn write(path: &Path, report: &str) -> Result<(), Failure> {
    let written = aside::make_folder(path);
    written.and_then(|()| private::replace(path, report.as_bytes())).map_err(|error| {
        Failure::of_io(format!("can't write the report {}: {error}", path.display()), &error)
    })
}

/// What to do about an export that failed.
pub(super) fn advice(next: Next) -> String {
    let command = state::command(next);
    match next {
        Next::Resume | Next::ReadAnew => format!("to resume: {command}"),
        Next::Restart => format!("it can't be resumed; to start over: {command}"),
    }
}

fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

pub(super) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Complete => "complete",
        Verdict::Truncated(_) => "truncated",
        Verdict::Drifted(_) => "drifted",
        // A verdict of a later release is not one to rely on.
        _ => "unknown",
    }
}

pub(super) fn reason(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Complete => None,
        Verdict::Truncated(reason) | Verdict::Drifted(reason) | Verdict::Unknown(reason) => {
            Some(reason.to_string())
        }
        _ => None,
    }
}
