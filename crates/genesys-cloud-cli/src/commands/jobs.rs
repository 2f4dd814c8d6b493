//! Jobs that exports have submitted, kept as files until their results are read.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_core::{Client, ErrorKind, Job, JobState, JobStatus, SavedJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::arguments::{Global, JobsCommand};
use crate::connect;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::private;
use crate::screen::Screen;
use crate::tags;
use crate::terminal;

/// How much of an id is in the name of a file, in characters.
const LONGEST_ID: usize = 100;

/// A larger file, in bytes, is not a saved job.
const LARGEST: u64 = 16 << 20;

/// A job that is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The API that it runs at.
    pub(crate) api: String,
    pub(crate) job: SavedJob,
}

impl Kept {
    /// Keeps a job.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        let Some(path) = self.path()? else { return Ok(()) };
        let text = serde_json::to_string(self)
            .map_err(|error| Failure::new(Exit::Failed, format!("a job can't be kept: {error}")))?;
        fs::create_dir_all(folder()?)
            .and_then(|()| private::replace(&path, text.as_bytes()))
            .map_err(|error| {
                Failure::of_io(format!("can't write {}: {error}", path.display()), &error)
            })
    }

    /// Forgets a job.
    pub(crate) fn forget(&self) -> Result<(), Failure> {
        let Some(path) = self.path()? else { return Ok(()) };
        private::remove(&path).map_err(|error| {
            Failure::of_io(format!("can't remove {}: {error}", path.display()), &error)
        })
    }

    /// A job without an id has no file: there is nothing to ask for.
    fn path(&self) -> Result<Option<PathBuf>, Failure> {
        let Some(id) = self.job.id() else { return Ok(None) };
        // An id is the service's: it must not lead out of the folder, nor be longer than a name of a file can be.
        let id: String = id
            .chars()
            .take(LONGEST_ID)
            .map(|it| if it.is_ascii_alphanumeric() || it == '-' { it } else { '_' })
            .collect();
        Ok(Some(folder()?.join(format!("{}-{id}.json", self.job.operation()))))
    }
}

/// Where jobs are kept: `GENESYS_CLOUD_STATE_DIR`, or the user's folder for such files.
fn folder() -> Result<PathBuf, Failure> {
    let set =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("GENESYS_CLOUD_STATE_DIR")
        .or_else(|| set("XDG_STATE_HOME").map(|it| it.join("genesys-cloud")))
        .or_else(|| set("HOME").map(|it| it.join(".local/state/genesys-cloud")))
        .or_else(|| set("LOCALAPPDATA").map(|it| it.join("genesys-cloud")));
    folder.map(|folder| folder.join("jobs")).ok_or_else(|| {
        Failure::usage("there is no home folder to keep jobs in; GENESYS_CLOUD_STATE_DIR names one")
    })
}

/// All that are kept, the oldest first. Files that are something else are passed over.
fn all() -> Result<Vec<Kept>, Failure> {
    let Ok(files) = fs::read_dir(folder()?) else { return Ok(Vec::new()) };
    let texts = files.flatten().filter_map(|file| private::read(&file.path(), LARGEST).ok());
    let mut kept: Vec<Kept> = texts.filter_map(|text| serde_json::from_slice(&text).ok()).collect();
    kept.sort_by_key(|it| it.job.submitted());
    Ok(kept)
}

/// The one whose id begins so.
fn one(id: &str) -> Result<Kept, Failure> {
    let mut found: Vec<Kept> = all()?;
    found.retain(|it| it.job.id().is_some_and(|known| known.starts_with(id)));
    if found.iter().any(|it| it.job.id() == Some(id)) {
        found.retain(|it| it.job.id() == Some(id));
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::usage(format!("no job is kept whose id begins with `{id}`"))
            .advise("`genesys-cloud jobs list` lists those that are")),
        many => Err(Failure::usage(format!("{many} jobs are kept whose ids begin with `{id}`"))),
    }
}

/// Cancels jobs whose export was thrown away, where that can be done, and forgets them.
pub(crate) async fn abandon(
    client: &Client,
    jobs: &[SavedJob],
    screen: &Screen,
) -> Result<(), Failure> {
    let is_one = |it: &Kept| {
        let name = |job: &SavedJob| (job.operation().to_owned(), job.id().map(str::to_owned));
        jobs.iter().any(|job| name(job) == name(&it.job)) && it.api == client.api_url()
    };
    for kept in all()?.into_iter().filter(is_one) {
        // One of another release is left as it is.
        let Ok(mut job) = load(client, &kept) else { continue };
        if job.family().cancel().is_some() {
            let id = kept.job.id().unwrap_or_default();
            match job.cancel().await {
                Ok(()) => {
                    let text = format!("job {id} of the export that was stopped is cancelled");
                    screen.say("cancelled", &text, json!({ "id": id }));
                }
                // It has ended long ago.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    let text = format!("job {id} could not be cancelled: {error:#}");
                    screen.say("not-cancelled", &text, json!({ "id": id }));
                    continue;
                }
            }
        }
        kept.forget()?;
    }
    Ok(())
}

fn load(client: &Client, kept: &Kept) -> Result<Job<Box<RawValue>>, Failure> {
    if kept.api != client.api_url() {
        return Err(Failure::usage(format!(
            "the job runs at {}, and calls go to {}",
            kept.api,
            client.api_url()
        )));
    }
    let entry = find::operation(kept.job.operation())?;
    let broken = |error: tags::Error| Failure::usage(error.to_string());
    let family = tags::family(Catalogue::embedded(), kept.job.family()).map_err(broken)?;
    let operation = tags::operation(entry).map_err(broken)?;
    Job::load(client, operation, family, kept.job.clone())
        .map_err(|error| Failure::of_call(&error, Some(entry)))
}

pub(crate) async fn jobs(
    command: Option<&JobsCommand>,
    global: &Global,
    screen: &Arc<Screen>,
) -> Result<Exit, Failure> {
    match command {
        None | Some(JobsCommand::List) => list(screen),
        Some(JobsCommand::Forget { id }) => {
            let kept = one(id)?;
            kept.forget()?;
            screen.say("forgotten", "forgotten", json!({ "id": kept.job.id() }));
            Ok(Exit::Complete)
        }
        Some(JobsCommand::Wait { id, deadline }) => {
            wait(&one(id)?, *deadline, global, screen).await
        }
        Some(JobsCommand::Cancel { id }) => {
            let kept = one(id)?;
            let org = connect::org(global, screen).await?;
            let mut job = load(&org.client, &kept)?;
            job.cancel().await.map_err(|error| Failure::of_call(&error, None))?;
            screen.say("cancelled", "cancelled", json!({ "id": kept.job.id() }));
            kept.forget().map(|()| Exit::Complete)
        }
    }
}

fn list(screen: &Screen) -> Result<Exit, Failure> {
    let all = all()?;
    if all.is_empty() {
        screen.say("jobs", "no jobs are kept", json!({ "jobs": 0 }));
    }
    let mut out = terminal::text();
    for kept in all {
        let job = &kept.job;
        let time = |it: chrono::DateTime<chrono::Utc>| it.format("%Y-%m-%d %H:%M:%SZ").to_string();
        let expires =
            job.expires().map(|it| format!(", kept until {}", time(it))).unwrap_or_default();
        writeln!(
            out,
            "{}  {}  submitted {}{expires}  at {}",
            job.id().unwrap_or_default(),
            job.operation(),
            time(job.submitted()),
            kept.api
        )?;
    }
    Ok(Exit::Complete)
}

async fn wait(
    kept: &Kept,
    deadline: Duration,
    global: &Global,
    screen: &Arc<Screen>,
) -> Result<Exit, Failure> {
    let org = connect::org(global, screen).await?;
    let mut job = load(&org.client, kept)?.deadline(deadline);
    let failed = |error| Failure::of_call(&error, None);
    let facts = |status: &JobStatus| {
        let meaning = meaning(status.state());
        json!({ "id": kept.job.id(), "state": status.name(), "meaning": meaning })
    };
    let mut statuses = job.statuses();
    let mut told: Option<JobStatus> = None;
    while let Some(status) = statuses.try_next().await.map_err(failed)? {
        let is_over = status.state() != JobState::Pending;
        let is_told = told.as_ref().is_some_and(|told| told.name() == status.name());
        if !is_over && !is_told {
            screen.say("status", &word(&status), facts(&status));
        }
        told = Some(status);
        // It waits for the user.
        if is_over {
            break;
        }
    }
    drop(statuses);
    // One that came to no result is an error.
    let status = job.wait().await.map_err(failed)?;
    let text = format!("{}: {}", word(&status), meaning(status.state()));
    screen.say("done", text.trim_start_matches(": "), facts(&status));
    Ok(Exit::Complete)
}

/// The state as the API names it: on one line, and nothing that a terminal takes for a command.
fn word(status: &JobStatus) -> String {
    let name = status.name().unwrap_or_default();
    name.chars().filter(|it| !it.is_control()).take(100).collect()
}

/// What a state means, in words.
fn meaning(state: JobState) -> &'static str {
    match state {
        JobState::Pending => "not done",
        JobState::Held => "waits for you",
        JobState::Succeeded => "done",
        JobState::PartlySucceeded => "done, and some of its work failed",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Expired => "expired",
        _ => "unknown",
    }
}
