//! How an export ended: for people in words, for programs as JSON beside the output.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use genesys_cloud_core::{Reason, Verdict, display};
use serde_json::{Value, json};

use super::advice::{self, Advice, Ended, Left};
use super::read::Read;
use super::rejects::Rejects;
use super::state::{Run, State};
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
    left: Option<Left>,
    /// Whether the next run reads the end of the list again.
    is_in_doubt: bool,
    /// What was read, in words, and before that, what the list is known to be.
    read: String,
    known: String,
    /// Whether people are told nothing.
    is_silent: bool,
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
        let (verdict, read, known) =
            (Verdict::Unknown(Reason::Unfinished), String::new(), String::new());
        Self {
            begun: Instant::now(),
            facts,
            verdict,
            notes: Vec::new(),
            left: None,
            is_in_doubt: false,
            read,
            known,
            is_silent: false,
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
        self.known = format!("{}: {reason}", state.verdict.word);
        let records = grouped(records);
        self.read = format!("{records} {noun}, which the run that was stopped had written");
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
        self.known = format!("{}: ", self.verdict);
        self.read = format!(
            "{} in {}, {}",
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
            match self.known.starts_with("complete") {
                true => self.known = format!("complete, but {skipped}: "),
                false => self.read += &format!(", {skipped}"),
            }
        }
        if rejects.nulled() > 0 {
            self.read += &format!(", {} with null in place of a value", grouped(rejects.nulled()));
        }
    }

    pub(super) fn notes(&mut self, notes: Vec<String>) {
        self.notes.extend(notes);
    }

    /// Says what is left for another run.
    pub(super) fn left(&mut self, left: Left) {
        self.left = Some(left);
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
        if is_whole {
            self.end(job, sink, screen, exit, true, &[]).await?;
            return Ok(exit);
        }
        let (verdict, is_in_doubt) = (word(&self.verdict), self.is_in_doubt);
        let advice = self.advice(Ended::Incomplete { verdict, is_in_doubt });
        self.end(job, sink, screen, exit, false, &advice).await?;
        advise(screen, &advice);
        Ok(exit)
    }

    /// The user has stopped it.
    pub(super) async fn stopped(
        mut self,
        job: &Job<'_>,
        sink: &mut dyn Sink,
        screen: &Screen,
    ) -> Result<Exit, Failure> {
        let advice = self.advice(Ended::Stopped);
        self.end(job, sink, screen, Exit::Interrupted, false, &advice).await?;
        advise(screen, &advice);
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
        if self.verdict != Verdict::Unknown(Reason::Unfinished) {
            // Whatever the list is, the output is not that.
            "read to its end, but not written: ".clone_into(&mut self.known);
        }
        let advice = self.advice(Ended::Failed { exit: failure.exit(), lost: failure.lost() });
        let ended = self.end(job, sink, screen, failure.exit(), false, &advice).await;
        let failure = match ended {
            Ok(()) => failure,
            Err(other) => failure.advise(other.to_string()),
        };
        let told = advice.iter().map(|it| format!("{}: {}", it.text, it.command));
        told.fold(failure, Failure::advise)
    }

    /// The reader of standard output has enough.
    pub(super) async fn closed(
        mut self,
        job: &Job<'_>,
        sink: &mut dyn Sink,
        screen: &Screen,
    ) -> Exit {
        self.is_silent = true;
        // Nobody waits for the report.
        let _ = self.end(job, sink, screen, Exit::Complete, false, &[]).await;
        Exit::Complete
    }

    fn advice(&self, ended: Ended) -> Vec<Advice> {
        self.left.map(|left| advice::advice(left, ended, &advice::program())).unwrap_or_default()
    }

    /// Tells how it ended, and writes the report.
    async fn end(
        &mut self,
        job: &Job<'_>,
        sink: &mut dyn Sink,
        screen: &Screen,
        exit: Exit,
        is_whole: bool,
        advice: &[Advice],
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
        let resumes = advice.iter().find(|it| !it.command.ends_with("--restart"));
        self.facts["resume"] = json!(resumes.map(|it| &it.command));
        let mut text = format!("{}{}, {:.1} s", self.known, self.read, took.as_secs_f64());
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
        match (sink.location(), report.as_ref().ok().cloned().flatten()) {
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
        let is_said =
            self.facts["pages"] == 0 && exit != Exit::Complete && exit != Exit::Interrupted;
        match self.is_silent || is_said {
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

pub(super) fn advise(screen: &Screen, advice: &[Advice]) {
    for Advice { text, command } in advice {
        let facts = json!({ "text": text, "command": command });
        screen.say("advice", &format!("{text}:\n  {command}"), facts);
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
