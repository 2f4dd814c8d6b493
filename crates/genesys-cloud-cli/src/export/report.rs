//! The report of an export: as text on standard error, and as JSON beside the output.

use std::path::PathBuf;
use std::time::Instant;

use genesys_cloud_core::{Reason, Verdict, display};
use genesys_cloud_sinks::TableCount;
use serde_json::{Value, json};

use super::advice::{self, Advice, Ended, Remainder};
use super::counts::{ParentCounts, ReadCounts};
use super::downloads::Downloads;
use super::files::{self, FileTarget};
use super::plan::Plan;
use super::run_log::LogEntry;
use super::state::{Delivered, Run, State};
use super::target::Target;
use super::verdict::{reason, word};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::locations::ReportLocation;
use crate::reporter::{Reporter, grouped};
use crate::resolve;
use crate::session::Session;
use crate::settings::Accept;

/// Number of skipped parents to name in text.
const NAMED_PARENTS: usize = 10;

/// The report of an export.
pub(super) struct Report<'a> {
    plan: &'a Plan,
    reporter: &'a Reporter,
    invocation: &'a Invocation,
    entry: &'a LogEntry,
    begun: Instant,
    facts: Value,
    verdict: Verdict,
    notes: Vec<String>,
    remainder: Option<Remainder>,
    /// Whether the next run reads the last page again.
    is_in_doubt: bool,
    /// Whether files of records could not be fetched.
    lacks_files: bool,
    /// Text of what was read.
    read: String,
    /// Text of the verdict, which precedes it.
    known: String,
    /// Whether to print no text.
    is_silent: bool,
    /// Whether nothing was read.
    is_empty: bool,
    /// Text of the times of several runs.
    times: Option<String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        run: &Run,
        entry: &'a LogEntry,
        session: &'a Session,
    ) -> Self {
        let facts = json!({
            "operation": plan.source.entry.id,
            "name": resolve::rust_name(plan.source.entry),
            "interval": plan.source.time_range().map(|range| range.interval.to_string()),
            "run": run.id,
            "began": run.began(),
            "resumed": run.resumptions(),
            "started": entry.started(),
            "out": plan.output.text(),
        });
        let times = run.resumptions().last().map(|last| match run.resumptions().len() {
            1 => format!("read in two runs, started at {} and {last}", run.began()),
            many => format!(
                "read in {} runs, the first started at {}, the last at {last}",
                many + 1,
                run.began()
            ),
        });
        let (verdict, read, known) =
            (Verdict::Unknown(Reason::Unfinished), String::new(), String::new());
        Self {
            plan,
            reporter: &session.reporter,
            invocation: &session.invocation,
            entry,
            begun: Instant::now(),
            facts,
            verdict,
            notes: Vec::new(),
            remainder: None,
            is_in_doubt: false,
            lacks_files: false,
            read,
            known,
            is_silent: false,
            is_empty: true,
            times,
        }
    }

    /// Adds the run to the log of the output, as one that has not ended.
    pub(super) async fn begin(&self, target: &mut Target) -> Result<(), Failure> {
        self.entry.log(&self.plan.report, target.run_log(), &self.facts).await
    }

    /// Reports an export that an earlier run has completely written.
    pub(super) fn earlier(&mut self, state: &State) {
        let Delivered::Records(saved) = &state.delivered else { return };
        let records = state.records();
        self.facts["records"] = records.into();
        self.facts["verdict"] = saved.verdict.word.as_str().into();
        self.facts["reason"] = json!(saved.verdict.reason);
        let noun = if records == 1 { "record" } else { "records" };
        let reason =
            saved.verdict.reason.iter().map(|reason| format!("{reason}: ")).collect::<String>();
        self.known = format!("{}: {reason}", saved.verdict.word);
        let records = grouped(records);
        self.read = format!("{records} {noun}, written by the interrupted run");
    }

    /// Reports the counts and the verdict.
    pub(super) fn read(&mut self, read: &ReadCounts, target: &Target) {
        self.verdict = read.verdict;
        self.facts["verdict"] = word(&read.verdict).into();
        self.facts["reason"] = json!(reason(&read.verdict));
        match target {
            Target::Records(_) => self.records(read),
            Target::Files(_) if read.verdict == Verdict::Unknown(Reason::Unfinished) => {
                "incomplete: ".clone_into(&mut self.known);
            }
            Target::Files(_) => self.known = format!("{}: ", self.verdict),
        }
    }

    fn records(&mut self, read: &ReadCounts) {
        self.known = format!("{}: ", self.verdict);
        self.is_empty = read.pages == 0;
        let facts = [
            ("records", json!(read.records)),
            ("pages", json!(read.pages)),
            ("calls", json!(read.calls)),
            ("retries", json!(read.retries)),
            ("waited_ms", json!(read.waited.as_millis() as u64)),
            ("total", json!(read.total)),
            ("page_size", json!(read.page_size)),
            ("duplicates", json!(read.duplicates)),
            ("nulls", json!(read.nulls)),
            ("windows", json!(read.windows.map(|(_, all)| all))),
            ("windows_done", json!(read.windows.map(|(done, _)| done))),
            ("available_until", json!(read.available_until)),
        ];
        for (name, value) in facts {
            self.facts[name] = value;
        }
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
        if let Some(parents) = &read.parents {
            self.parents(parents);
        }
    }

    /// Reports the parents, and names those that were skipped.
    fn parents(&mut self, parents: &ParentCounts) {
        let skipped = parents.missing + parents.forbidden;
        self.read += &format!(", of {}", count(parents.done, "parent"));
        if skipped > 0 {
            self.read += &format!(", {} skipped", count(skipped, "parent"));
            let named = parents.skipped.len() as u64;
            for parent in &parents.skipped[..parents.skipped.len().min(NAMED_PARENTS)] {
                let why = if parent.status == 403 { "forbidden" } else { "not found" };
                self.notes.push(format!("skipped {}: {why} ({})", parent.path, parent.status));
            }
            let more = skipped - named.min(NAMED_PARENTS as u64);
            if more > 0 {
                let of = if more < skipped { "further parents" } else { "parents" };
                self.notes.push(format!(
                    "skipped {} {of}; the report names up to 100 in `parents`",
                    grouped(more)
                ));
            }
        }
        let named = parents.skipped.iter();
        let named = named.map(|it| json!({ "path": it.path, "status": it.status }));
        self.facts["parents"] = json!({
            "opened": parents.opened,
            "done": parents.done,
            "missing": parents.missing,
            "forbidden": parents.forbidden,
            "skipped": named.collect::<Vec<_>>(),
        });
    }

    /// Reports the complete files.
    fn files(&mut self, target: &FileTarget) {
        let files: Vec<_> = target.paths().collect();
        let bytes = files.iter().map(|(_, bytes)| bytes).sum();
        self.is_empty = files.is_empty();
        self.read = format!("{}, {} bytes", count(files.len() as u64, "file"), grouped(bytes));
        let fact = |(path, bytes): &(PathBuf, u64)| json!({ "path": path, "bytes": bytes });
        self.facts["files"] = files.iter().map(fact).collect();
    }

    /// Reports rejected records. The list may be complete, but the output lacks the skipped ones.
    pub(super) fn rejected(&mut self, target: &Target, is_whole: bool) {
        let Target::Records(target) = target else { return };
        let rejects = &target.rejects;
        let facts = rejects.facts(is_whole);
        self.notes.extend(rejects.note(&facts));
        self.facts["rejects"] = facts;
        if rejects.skipped() > 0 {
            let noun = if rejects.skipped() == 1 { "record" } else { "records" };
            let skipped = format!("{} {noun} skipped", grouped(rejects.skipped()));
            match self.known.starts_with("complete") {
                true => self.known = format!("complete, but {skipped}: "),
                false => self.read += &format!(", {skipped}"),
            }
        }
        if rejects.nulled() > 0 {
            self.read += &format!(", {} with null instead of a value", grouped(rejects.nulled()));
        }
    }

    /// Reports the downloaded files. Files that could not be fetched make the export incomplete, unless accepted.
    pub(super) fn downloaded(&mut self, downloads: &Downloads<'_>, accept: Accept) {
        let facts = downloads.facts();
        let number = |name: &str| grouped(facts[name].as_u64().unwrap_or_default());
        self.notes.push(format!(
            "files: {} fetched ({} bytes), {} already present, {} failed; see {}",
            number("fetched"),
            number("bytes"),
            number("present"),
            number("failed"),
            facts["manifest"].as_str().unwrap_or_default()
        ));
        self.lacks_files = downloads.failed() > 0 && !accept.allows_word("truncated");
        if self.lacks_files {
            self.notes.push("the same command fetches the missing files, with new URLs".to_owned());
        }
        self.facts["downloads"] = facts;
    }

    pub(super) fn notes(&mut self, notes: Vec<String>) {
        self.notes.extend(notes);
    }

    /// Sets what remains for another run.
    pub(super) fn remains(&mut self, remainder: Remainder) {
        // The folder says how to resume its windows.
        self.remainder = Some(remainder).filter(|_| self.plan.window.is_none());
    }

    /// Sets whether the next run reads the last page again, instead of repeating the verdict.
    pub(super) fn in_doubt(&mut self, is_in_doubt: bool) {
        self.is_in_doubt = is_in_doubt;
    }

    /// Reports a list that was read to its end.
    pub(super) async fn completed(
        mut self,
        target: &mut Target,
        is_whole: bool,
    ) -> Result<Exit, Failure> {
        let exit = if is_whole && self.lacks_files {
            Exit::Truncated
        } else if is_whole {
            Exit::Complete
        } else {
            Exit::of_verdict(self.verdict)
        };
        if is_whole {
            self.end(target, exit, true, &[]).await?;
            return Ok(exit);
        }
        let (verdict, is_in_doubt) = (word(&self.verdict), self.is_in_doubt);
        let advice = self.advice(Ended::Incomplete { verdict, is_in_doubt });
        self.end(target, exit, false, &advice).await?;
        advise(self.reporter, &advice);
        Ok(exit)
    }

    /// Reports an interrupted export.
    pub(super) async fn stopped(mut self, target: &mut Target) -> Result<Exit, Failure> {
        let advice = self.advice(Ended::Stopped);
        self.end(target, Exit::Interrupted, false, &advice).await?;
        advise(self.reporter, &advice);
        Ok(Exit::Interrupted)
    }

    /// Reports a failed export.
    pub(super) async fn failed(mut self, target: &mut Target, failure: Failure) -> Failure {
        self.facts["error"] = failure.to_string().into();
        self.facts["correlation_id"] = failure.correlation_id().into();
        if self.verdict != Verdict::Unknown(Reason::Unfinished) {
            // The verdict is about the list; the output is incomplete.
            "read to its end but not written: ".clone_into(&mut self.known);
        }
        let advice = self.advice(Ended::Failed { exit: failure.exit(), lost: failure.lost() });
        let ended = self.end(target, failure.exit(), false, &advice).await;
        let failure = match ended {
            Ok(()) => failure,
            Err(other) => failure.advise(other.to_string()),
        };
        let lines = advice.iter().map(|it| format!("{}: {}", it.text, it.command));
        lines.fold(failure, Failure::advise)
    }

    /// Reports that the reader of standard output has exited.
    pub(super) async fn closed(mut self, target: &mut Target) -> Exit {
        self.is_silent = true;
        // The report is optional here.
        let _ = self.end(target, Exit::Complete, false, &[]).await;
        Exit::Complete
    }

    fn advice(&self, ended: Ended) -> Vec<Advice> {
        let advice = |remainder| advice::advice(remainder, ended, self.invocation);
        self.remainder.map(advice).unwrap_or_default()
    }

    /// Prints how the export ended, and writes the report.
    async fn end(
        &mut self,
        target: &mut Target,
        exit: Exit,
        is_whole: bool,
        advice: &[Advice],
    ) -> Result<(), Failure> {
        if let Target::Files(files) = target {
            self.files(files);
        }
        let took = self.begun.elapsed();
        self.facts["ended"] = now().into();
        self.facts["took_ms"] = (took.as_millis() as u64).into();
        self.facts["exit"] = exit.name().into();
        self.facts["code"] = (exit as u8).into();
        self.facts["whole"] = is_whole.into();
        self.facts["notes"] = json!(self.notes);
        let counts = target.counts();
        for (what, rows) in &counts {
            self.facts["rows"][*what] = (*rows).into();
        }
        let tables = target.tables();
        if !tables.is_empty() {
            let fact =
                |it: &TableCount| json!({ "table": it.path, "rows": it.rows, "out": it.location });
            self.facts["tables"] = tables.iter().map(fact).collect();
        }
        let resumes = advice.iter().find(|it| !it.command.ends_with("--restart"));
        self.facts["resume"] = json!(resumes.map(|it| &it.command));
        let mut text = format!("{}{}, {:.1} s", self.known, self.read, took.as_secs_f64());
        if let Some(window) = &self.plan.window {
            window.ended(self.reporter, &text, self.facts.clone());
            return Ok(());
        }
        if !counts.is_empty() {
            let counts = counts.iter().map(|(what, rows)| format!("{} {what}", grouped(*rows)));
            text += &format!("\nrows: {}", counts.collect::<Vec<_>>().join(", "));
        }
        for TableCount { path, rows, location } in &tables {
            let location = location.iter().map(|it| format!(", {it}")).collect::<String>();
            text += &format!("\n{path}: {}{location}", count(*rows, "row"));
        }
        if let Some(times) = &self.times {
            text += &format!("\n{times}");
        }
        let json = format!("{:#}\n", self.facts);
        // The report may be shown on a terminal.
        let json = display::lines(&json);
        let logged = self.entry.log(&self.plan.report, target.run_log(), &self.facts).await;
        let report = match &self.plan.report {
            ReportLocation::BesideOutput => target.report(&json).await,
            ReportLocation::File(path) => {
                files::write_report(path, &json).map(|()| Some(path.display().to_string()))
            }
            ReportLocation::Nowhere => Ok(None),
        };
        match (target.location(), report.as_ref().ok().cloned().flatten()) {
            (Some(output), Some(report)) => text += &format!("\n{output}, report in {report}"),
            (output, report) => {
                for location in output.into_iter().chain(report) {
                    text += &format!("\n{location}");
                }
            }
        }
        for note in &self.notes {
            text += &format!("\nnote: {note}");
        }
        // If nothing was read, the error is enough.
        let is_covered = self.is_empty && exit != Exit::Complete && exit != Exit::Interrupted;
        match self.is_silent || is_covered {
            true => self.reporter.event("end", || self.facts.clone()),
            false => self.reporter.say("end", &text, self.facts.clone()),
        }
        // An error of the report comes last.
        report.and(logged)
    }
}

fn advise(reporter: &Reporter, advice: &[Advice]) {
    for Advice { text, command } in advice {
        let facts = json!({ "text": text, "command": command });
        reporter.say("advice", &format!("{text}:\n  {command}"), facts);
    }
}

fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
