//! The command `jobs`: manages jobs that exports have submitted.

use std::io::Write as _;
use std::time::Duration;

use genesys_cloud_core::{JobState, JobStatus};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::terminal;

/// Removes a saved job, which keeps running.
pub(crate) fn forget(id: &str, session: &Session) -> Result<Exit, Failure> {
    let stored = session.jobs.find(id)?;
    session.jobs.remove(&stored)?;
    session.reporter.say("forgotten", "forgotten", json!({ "id": stored.job.id() }));
    Ok(Exit::Complete)
}

/// Cancels a saved job.
pub(crate) async fn cancel(id: &str, session: &Session) -> Result<Exit, Failure> {
    let stored = session.jobs.find(id)?;
    let org = session.connect().await?;
    let mut job = stored.load(&org.client)?;
    job.cancel().await.map_err(|error| Failure::of_call(&error, None))?;
    session.reporter.say("cancelled", "cancelled", json!({ "id": stored.job.id() }));
    session.jobs.remove(&stored).map(|()| Exit::Complete)
}

/// Lists the saved jobs.
pub(crate) fn list(session: &Session) -> Result<Exit, Failure> {
    let all = session.jobs.all()?;
    if all.is_empty() {
        session.reporter.say("jobs", "no saved jobs", json!({ "jobs": 0 }));
    }
    let mut out = terminal::text();
    for stored in all {
        let job = &stored.job;
        let time = |it: chrono::DateTime<chrono::Utc>| it.format("%Y-%m-%d %H:%M:%SZ").to_string();
        let expires =
            job.expires().map(|it| format!(", kept until {}", time(it))).unwrap_or_default();
        writeln!(
            out,
            "{}  {}  submitted {}{expires}  at {}",
            job.id().unwrap_or_default(),
            job.operation(),
            time(job.submitted()),
            stored.api
        )?;
    }
    Ok(Exit::Complete)
}

/// Waits until a saved job is done.
pub(crate) async fn wait(id: &str, deadline: Duration, session: &Session) -> Result<Exit, Failure> {
    let stored = session.jobs.find(id)?;
    let org = session.connect().await?;
    let mut job = stored.load(&org.client)?.deadline(deadline);
    let failed = |error| Failure::of_call(&error, None);
    let facts = |status: &JobStatus| {
        let meaning = meaning(status.state());
        json!({ "id": stored.job.id(), "state": status.name(), "meaning": meaning })
    };
    let mut statuses = job.statuses();
    let mut shown: Option<JobStatus> = None;
    while let Some(status) = statuses.try_next().await.map_err(failed)? {
        let is_over = status.state() != JobState::Pending;
        let is_shown = shown.as_ref().is_some_and(|shown| shown.name() == status.name());
        if !is_over && !is_shown {
            session.reporter.say("status", &word(&status), facts(&status));
        }
        shown = Some(status);
        // A job that awaits input is not done, but waiting longer does not help.
        if is_over {
            break;
        }
    }
    drop(statuses);
    // Fails if the job has failed, or awaits input.
    let status = job.wait().await.map_err(failed)?;
    let text = format!("{}: {}", word(&status), meaning(status.state()));
    session.reporter.say("done", text.trim_start_matches(": "), facts(&status));
    Ok(Exit::Complete)
}

/// Returns the state as the API names it, without control characters and at most 100 characters long.
fn word(status: &JobStatus) -> String {
    let name = status.name().unwrap_or_default();
    name.chars().filter(|it| !it.is_control()).take(100).collect()
}

/// Describes a state.
fn meaning(state: JobState) -> &'static str {
    match state {
        JobState::Pending => "not done",
        JobState::AwaitingInput => "awaits input",
        JobState::Succeeded => "done",
        JobState::PartlySucceeded => "done; some of its work failed",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Expired => "expired",
        _ => "unknown",
    }
}
