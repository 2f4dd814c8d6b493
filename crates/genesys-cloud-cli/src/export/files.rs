//! Jobs whose results are files, such as CSV: they are written as they are.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use genesys_cloud_core::{
    Client, Download, Family, FileForm, Job as ApiJob, JobState, Results, ResultsAt, SavedJob,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::report::advice;
use super::state::{self, Next};
use super::{Job, Output, stop_on_interrupt, unwritten};
use crate::arguments::{Accepted, Export, Global};
use crate::commands::{Kept, abandon};
use crate::connect;
use crate::failure::{Exit, Failure, Lost};
use crate::find;
use crate::screen::{Screen, grouped};
use crate::sinks::{FileKeeper, FileSink, Keeper};
use crate::tags::Way;

/// What is saved beside the output, and all that is read.
const VERSION: u64 = 1;

/// A job that was submitted, whose files are not all written.
#[derive(Serialize, Deserialize)]
struct Submitted {
    version: u64,
    /// A sum over what was asked for.
    asked: u32,
    job: SavedJob,
}

/// How the jobs run, if their results are files that are no lists of records.
pub(super) fn family(way: &Way) -> Option<&Family> {
    let Way::Job(family) = way else { return None };
    let is_bytes = |place: &ResultsAt| matches!(place, ResultsAt::Files(_, FileForm::Bytes));
    let Results::Reply(places) = family.results() else { return None };
    places.iter().all(is_bytes).then_some(family.as_ref())
}

/// Refuses options that say something of records.
pub(super) fn check(export: &Export) -> Result<(), Failure> {
    let of_records = [
        ("--interval", export.interval.is_some()),
        ("--page-size", export.page_size.is_some()),
        ("--limit", export.limit.is_some()),
        ("--fields", !export.fields.is_empty()),
        ("--format", export.format.is_some()),
        ("--row-group", export.row_group.is_some()),
        ("--state", export.state.is_some()),
    ];
    if let Some((option, _)) = of_records.iter().find(|(_, given)| *given) {
        return Err(Failure::usage(format!(
            "{option}: the jobs of this operation result in files, which are written as they are"
        )));
    }
    match (&export.out, export.plan) {
        (Some(Output::File(_)), _) | (None, true) => Ok(()),
        _ => Err(Failure::usage(
            "the jobs of this operation result in files, which --out names on this machine",
        )),
    }
}

/// Submits the job, or goes on with it, and writes its files.
pub(super) async fn run(
    job: &Job<'_>,
    family: &Family,
    global: &Global,
    screen: &Arc<Screen>,
) -> Result<Exit, Failure> {
    let Output::File(out) = &job.output else {
        return Err(Failure::usage("--out names the file"));
    };
    let begun = Instant::now();
    job.output.check()?;
    let mut keeper = FileKeeper::beside(out);
    let left = left(job, out, &mut keeper).await?;
    let (saved, abandoned) = if job.export.restart { (None, left) } else { (left, None) };
    // What can't be written is told before anything is asked for.
    let part = FileSink::part(out);
    let lock = create(&part)?;
    if let Err(fs::TryLockError::WouldBlock) = lock.try_lock() {
        return Err(Failure::output(format!("another export writes {}", part.display())));
    }
    let org = connect::org(global, screen).await?;
    let stop = stop_on_interrupt(screen);
    screen.event("begin", || json!({ "operation": job.entry.id, "out": out }));
    let client = &org.client;
    abandon(client, abandoned.as_slice(), screen).await?;
    let mut api_job = match saved {
        Some(saved) => {
            let operation = job.request.operation().clone();
            ApiJob::<Value>::load(client, operation, family.clone(), saved)
        }
        None => ApiJob::submit(client, job.request.clone(), family.clone()).await,
    }
    .map_err(|error| Failure::of_call(&error, Some(job.entry)))?;
    if let Some(deadline) = job.export.deadline {
        api_job = api_job.deadline(deadline);
    }
    let kept = Kept { api: client.api_url().to_owned(), job: api_job.save() };
    kept.save()?;
    let submitted = Submitted { version: VERSION, asked: asked(job), job: kept.job.clone() };
    let text = serde_json::to_string(&submitted)
        .map_err(|error| Failure::new(Exit::Failed, format!("a job can't be kept: {error}")))?;
    keeper.save(&text).await.map_err(unwritten)?;
    screen.event("job", || json!({ "id": kept.job.id() }));

    let files = match read(job, client, &mut api_job, out, &stop).await {
        Ok(files) => files,
        Err(failure) => {
            return Err(match failure.lost() {
                // Nothing is left that could be in the way of another run.
                Some(Lost::Status) => {
                    keeper.clear().await.map_err(unwritten)?;
                    kept.forget()?;
                    failure
                }
                Some(Lost::Job | Lost::Place) => failure.advise(advice(Next::Restart)),
                None => failure.advise(advice(Next::Resume)),
            });
        }
    };
    let files = match files {
        Some(files) => files,
        None => {
            let command = state::command(Next::Resume);
            let text = format!("stopped; to go on:\n  {command}");
            screen.say("end", &text, json!({ "exit": "interrupted", "resume": command }));
            return Ok(Exit::Interrupted);
        }
    };
    let partly = api_job.status().is_some_and(|it| it.state() == JobState::PartlySucceeded);
    let is_whole = !partly || job.export.accept.contains(&Accepted::Truncated);
    let exit = if is_whole { Exit::Complete } else { Exit::Truncated };
    let mut written = Vec::new();
    for (path, bytes) in files {
        let part = FileSink::part(&path);
        if is_whole {
            let named = fs::rename(&part, &path);
            named.map_err(|error| unwritable(&path, &error))?;
        }
        written.push((if is_whole { path } else { part }, bytes));
    }
    if is_whole {
        keeper.clear().await.map_err(unwritten)?;
        kept.forget()?;
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
        "operation": job.entry.id,
        "name": find::rust_name(job.entry),
        "verdict": if partly { "truncated" } else { "complete" },
        "files": written.iter().map(|(path, bytes)| json!({ "path": path, "bytes": bytes })).collect::<Vec<_>>(),
        "whole": is_whole,
        "exit": exit.name(),
        "code": exit as u8,
    });
    let report = with_end(out, ".report.json");
    let wrote = fs::write(&report, format!("{facts:#}\n"));
    wrote.map_err(|error| unwritable(&report, &error))?;
    screen.say("end", &text, facts);
    if !is_whole {
        let command = format!("{} --accept truncated", state::command(Next::Resume));
        let text = format!("to take what was read for whole:\n  {command}");
        screen.say("advice", &text, json!({ "command": command }));
    }
    Ok(exit)
}

/// Waits for the job, and downloads its files to where they are until they are whole. `None`, if the user has
/// stopped it.
async fn read(
    job: &Job<'_>,
    client: &Client,
    api_job: &mut ApiJob<Value>,
    out: &Path,
    stop: &Notify,
) -> Result<Option<Vec<(PathBuf, u64)>>, Failure> {
    let failed = |error| Failure::of_call(&error, Some(job.entry));
    let downloads = tokio::select! {
        downloads = api_job.downloads() => downloads.map_err(failed)?,
        () = stop.notified() => return Ok(None),
    };
    if downloads.is_empty() {
        let id = api_job.id().unwrap_or_default();
        let text = format!("the job {id} at {} is done, and names no file", client.api_url());
        return Err(Failure::new(Exit::Job, text));
    }
    let many = downloads.len();
    let mut files = Vec::new();
    for (index, mut download) in downloads.into_iter().enumerate() {
        let path = if many == 1 { out.to_owned() } else { numbered(out, index + 1) };
        let part = FileSink::part(&path);
        tokio::select! {
            written = write(&mut download, &part, job) => written?,
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

async fn write(download: &mut Download, part: &Path, job: &Job<'_>) -> Result<(), Failure> {
    let mut file = create(part)?;
    loop {
        let bytes = download.try_next().await;
        let bytes = bytes.map_err(|error| Failure::of_call(&error, Some(job.entry)))?;
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

/// The job that an export has left, to go on with, or to be thrown away.
async fn left(
    job: &Job<'_>,
    out: &Path,
    keeper: &mut FileKeeper,
) -> Result<Option<SavedJob>, Failure> {
    let Some(text) = keeper.load().await.map_err(unwritten)? else { return Ok(None) };
    let restart = "--restart throws away what it has left, and starts over";
    match (job.export.resume, job.export.restart) {
        (_, true) => return Ok(serde_json::from_str::<Submitted>(&text).ok().map(|it| it.job)),
        (true, _) => {}
        (false, false) => {
            return Err(Failure::usage(format!("an export to {} was stopped", out.display()))
                .advise("--resume goes on with it")
                .advise(restart));
        }
    }
    let odd = |why: &str| Err(Failure::usage(format!("{}: {why}", keeper.place())).advise(restart));
    match serde_json::from_str::<Submitted>(&text) {
        Ok(state) if state.version != VERSION => odd("it was saved by another release"),
        Ok(state) if state.asked != asked(job) => {
            odd("the export that was stopped is of another operation or has other parameters")
        }
        Ok(state) => Ok(Some(state.job)),
        Err(_) => odd("it is not what an export of files saves"),
    }
}

/// A sum over what is asked for, so that what is gone on with is the same.
fn asked(job: &Job<'_>) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(job.entry.id.as_bytes());
    // One that can't be written is refused when it is sent.
    sum.update(job.request.target().unwrap_or_default().as_bytes());
    sum.update(job.request.body().map(|body| &body[..]).unwrap_or_default());
    sum.sum()
}

fn create(part: &Path) -> Result<File, Failure> {
    File::create(part).map_err(|error| unwritable(part, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::output(format!("can't write {}: {error}", path.display()))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
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
