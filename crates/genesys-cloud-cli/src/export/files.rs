//! Jobs whose results are files, such as CSV: they are written as they are.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use genesys_cloud_core::{
    Client, Download, Family, Job as ApiJob, JobState, Reason, SavedJob, Verdict,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::advice::{Ended, Remainder, advice};
use super::plan::Plan;
use super::report;
use super::seal::{seal, unseal};
use super::state::{RESTART, Run};
use super::{stop_on_interrupt, unwritten};
use crate::aside;
use crate::failure::{Exit, Failure, Lost};
use crate::locations::ReportLocation;
use crate::reporter::grouped;
use crate::resolve;
use crate::saved_jobs::StoredJob;
use crate::session::Session;
use crate::settings::Start;
use crate::sinks::{FileKeeper, FileSink, Keeper, open_part};

/// What is saved beside the output, and all that is read.
const VERSION: u64 = 3;

/// What there is of a job whose files are not all written.
const LEFT: Remainder =
    Remainder { is_saved: true, has_records: false, has_jobs: true, is_range: false };

/// A job that was submitted, whose files are not all written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Submitted {
    run: Run,
    /// A checksum of what was asked for.
    asked: String,
    job: SavedJob,
}

/// Submits the job, or goes on with it, and writes its files.
pub(super) async fn run(
    plan: &Plan,
    family: &Family,
    session: &Session,
    stop: &OnceCell<Arc<Notify>>,
) -> Result<Exit, Failure> {
    let Some(out) = plan.output.file() else {
        return Err(Failure::usage("--out names the file"));
    };
    let begun = Instant::now();
    plan.output.check()?;
    let mut keeper = FileKeeper::beside(out);
    let left = left(plan, out, &mut keeper).await?;
    let restarts = plan.start == Start::Restart;
    let (saved, abandoned) = if restarts { (None, left) } else { (left, None) };
    // What can't be written is told before anything is asked for.
    let mut file = open_part(&FileSink::part(out), true).map_err(unwritten)?;
    let before = saved.as_ref().map(|it| it.run.org());
    let org = session.reconnect(before).await?;
    let identity = session.identity(&org.client).await?;
    let run = match &saved {
        Some(saved) => {
            saved.run.check_org(&identity)?;
            saved.run.clone().resumed_now()
        }
        None => Run::new(identity),
    };
    let stop = stop.get_or_init(|| stop_on_interrupt(&session.reporter)).clone();
    session.reporter.event("begin", || json!({ "operation": plan.source.entry.id, "out": out }));
    let client = &org.client;
    let abandoned: Vec<SavedJob> = abandoned.into_iter().map(|it| it.job).collect();
    session.jobs.abandon(client, &abandoned, &session.reporter).await?;
    let is_resumed = saved.is_some();
    let mut api_job = match saved {
        Some(saved) => {
            let operation = plan.source.request.operation().clone();
            ApiJob::<Value>::load(client, operation, family.clone(), saved.job)
        }
        None => ApiJob::submit(client, plan.source.request.clone(), family.clone()).await,
    }
    .map_err(|error| Failure::of_call(&error, Some(plan.source.entry)))?;
    if let Some(deadline) = plan.source.reading.deadline {
        api_job = api_job.deadline(deadline);
    }
    let stored = StoredJob::new(client, api_job.save());
    session.jobs.save(&stored)?;
    let asked = plan.source.fingerprint();
    let submitted = Submitted { run: run.clone(), asked, job: stored.job.clone() };
    let text = seal(VERSION, &submitted)?;
    keeper.save(&text).await.map_err(unwritten)?;
    session
        .reporter
        .event("job", || json!({ "operation": plan.source.entry.id, "id": stored.job.id() }));

    let files = match read(plan, client, &mut api_job, out, &mut file, &stop).await {
        Ok(files) => files,
        Err(failure) => {
            if failure.lost() == Some(Lost::Status) {
                // Nothing is left that could be in the way of another run.
                keeper.clear().await.map_err(unwritten)?;
                session.jobs.remove(&stored)?;
                return Err(failure);
            }
            // A job that came to nothing does so whenever it is resumed.
            let is_gone = matches!(failure.lost(), Some(Lost::Job | Lost::Place));
            if is_gone && is_resumed && plan.start == Start::ResumeOrRestart {
                return Err(failure.of_earlier_run());
            }
            let ended = Ended::Failed { exit: failure.exit(), lost: failure.lost() };
            let advice = advice(LEFT, ended, &session.invocation);
            let told = advice.iter().map(|it| format!("{}: {}", it.text, it.command));
            return Err(told.fold(failure, Failure::advise));
        }
    };
    let files = match files {
        Some(files) => files,
        None => {
            let advice = advice(LEFT, Ended::Stopped, &session.invocation);
            let exit = Exit::Interrupted;
            let facts = json!({
                "operation": plan.source.entry.id,
                "name": resolve::rust_name(plan.source.entry),
                "run": run.id,
                "began": run.began(),
                "resumed": run.resumptions(),
                "whole": false,
                "resume": advice.first().map(|it| &it.command),
                "exit": exit.name(),
                "code": exit as u8,
            });
            session.reporter.say("end", "stopped; the job is still running", facts);
            report::advise(&session.reporter, &advice);
            return Ok(exit);
        }
    };
    let partly = api_job.status().is_some_and(|it| it.state() == JobState::PartlySucceeded);
    let is_whole = !partly || plan.accept.allows(&Verdict::Truncated(Reason::PartlySucceeded));
    let exit = if is_whole { Exit::Complete } else { Exit::Truncated };
    let mut written = Vec::new();
    for (path, bytes) in files {
        let part = FileSink::part(&path);
        if is_whole {
            let named = crate::private::publish(&part, &path);
            named.map_err(|error| unwritable(&path, &error))?;
        }
        written.push((if is_whole { path } else { part }, bytes));
    }
    if is_whole {
        keeper.clear().await.map_err(unwritten)?;
        session.jobs.remove(&stored)?;
    }
    let all: u64 = written.iter().map(|(_, bytes)| bytes).sum();
    let noun = if written.len() == 1 { "file" } else { "files" };
    let verdict = if partly { "truncated: some of the job's work failed" } else { "complete" };
    let mut text = format!(
        "{verdict}: {} {noun}, {} bytes, {:.1} s",
        written.len(),
        grouped(all),
        begun.elapsed().as_secs_f64()
    );
    for (path, _) in &written {
        text += &format!("\n{}", path.display());
    }
    let facts = json!({
        "operation": plan.source.entry.id,
        "name": resolve::rust_name(plan.source.entry),
        "run": run.id,
        "began": run.began(),
        "resumed": run.resumptions(),
        "verdict": if partly { "truncated" } else { "complete" },
        "files": written.iter().map(|(path, bytes)| json!({ "path": path, "bytes": bytes })).collect::<Vec<_>>(),
        "whole": is_whole,
        "exit": exit.name(),
        "code": exit as u8,
    });
    session.reporter.say("end", &text, facts.clone());
    let report_path = match &plan.report {
        ReportLocation::BesideOutput => Some(aside::path(out, aside::REPORT)),
        ReportLocation::File(path) => Some(path.clone()),
        ReportLocation::Nowhere => None,
    };
    if let Some(path) = report_path {
        report::write(&path, &format!("{facts:#}\n"))?;
    }
    aside::remove_folder(&FileSink::part(out));
    if !is_whole {
        let ended = Ended::Incomplete { verdict: "truncated", is_in_doubt: false };
        report::advise(&session.reporter, &advice(LEFT, ended, &session.invocation));
    }
    Ok(exit)
}

/// Waits for the job, and downloads its files to where they are until they are whole. `None`, if the user has
/// stopped it.
async fn read(
    plan: &Plan,
    client: &Client,
    api_job: &mut ApiJob<Value>,
    out: &Path,
    file: &mut File,
    stop: &Notify,
) -> Result<Option<Vec<(PathBuf, u64)>>, Failure> {
    let failed = |error| Failure::of_call(&error, Some(plan.source.entry));
    let downloads = tokio::select! {
        downloads = api_job.downloads() => downloads.map_err(failed)?,
        () = stop.notified() => return Ok(None),
    };
    if downloads.is_empty() {
        let id = api_job.id().unwrap_or_default();
        let text = format!("the job {id} at {} is done, and names no file", client.api_url());
        return Err(Failure::new(Exit::Job, text).losing(Lost::Job));
    }
    let many = downloads.len();
    let mut files = Vec::new();
    for (index, mut download) in downloads.into_iter().enumerate() {
        let path = if many == 1 { out.to_owned() } else { numbered(out, index + 1) };
        let part = FileSink::part(&path);
        let mut other;
        let file = match many {
            1 => &mut *file,
            _ => {
                other = open_part(&part, true).map_err(unwritten)?;
                &mut other
            }
        };
        tokio::select! {
            written = write(&mut download, file, &part, plan) => written?,
            () = stop.notified() => return Ok(None),
        }
        files.push((path, download.received()));
    }
    if many > 1 {
        // The one that showed that the folder can be written to.
        fs::remove_file(FileSink::part(out)).map_err(|error| unwritable(out, &error))?;
    }
    Ok(Some(files))
}

async fn write(
    download: &mut Download,
    file: &mut File,
    part: &Path,
    plan: &Plan,
) -> Result<(), Failure> {
    // An earlier run may have written some of it.
    file.set_len(0).and_then(|()| file.rewind()).map_err(|error| unwritable(part, &error))?;
    loop {
        let bytes = download.try_next().await;
        let bytes = bytes.map_err(|error| Failure::of_call(&error, Some(plan.source.entry)))?;
        let written = match &bytes {
            Some(bytes) => file.write_all(bytes),
            None => file.sync_data(),
        };
        written.map_err(|error| unwritable(part, &error))?;
        if bytes.is_none() {
            return Ok(());
        }
    }
}

/// The job of an export that was stopped, to be resumed or discarded.
async fn left(
    plan: &Plan,
    out: &Path,
    keeper: &mut FileKeeper,
) -> Result<Option<Submitted>, Failure> {
    let Some(text) = keeper.load().await.map_err(unwritten)? else {
        let starts_over = plan.start.may_discard();
        plan.output.earlier_release(starts_over).await?;
        return Ok(None);
    };
    let found = unseal::<Submitted>(VERSION, &text);
    if plan.start == Start::Restart {
        return Ok(found.ok());
    }
    if plan.start == Start::New {
        return Err(Failure::usage(format!("an export to {} was stopped", out.display()))
            .advise("--resume continues it")
            .advise(RESTART));
    }
    let odd = |why: &str| {
        Failure::usage(format!("{}: {why}", keeper.place())).advise(RESTART).of_earlier_run()
    };
    let state = found.map_err(|why| odd(&why))?;
    if state.asked != plan.source.fingerprint() {
        return Err(odd(
            "the export that was stopped is of another operation or has other parameters",
        ));
    }
    state.run.check_age(plan.max_age)?;
    Ok(Some(state))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::of_io(format!("can't write {}: {error}", path.display()), error)
}

/// `data-2.zip` of `data.zip`
fn numbered(out: &Path, number: usize) -> PathBuf {
    let mut name = out.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(end) = out.extension() {
        name.push(".");
        name.push(end);
    }
    out.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_are_numbered() {
        for (out, second) in [("a/data.zip", "a/data-2.zip"), ("data", "data-2")] {
            assert_eq!(numbered(Path::new(out), 2), Path::new(second));
        }
    }
}
