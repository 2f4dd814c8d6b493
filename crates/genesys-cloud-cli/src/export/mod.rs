//! The command `export`: reads a list to its end and writes it, and reports whether it is complete.

mod added_fields;
mod advice;
mod binding;
mod branches;
mod child_tables;
mod counts;
mod downloads;
mod estimate;
mod files;
mod folder;
mod folder_report;
mod folder_state;
mod output;
mod pace;
mod parents_file;
mod partition;
mod plan;
mod previous;
mod range;
mod reader;
mod rejects;
mod report;
mod results_parameters;
pub(crate) mod run_log;
mod runner;
mod seal;
mod source;
mod state;
mod state_location;
mod target;
mod tree;
mod validation;
mod verdict;
mod window;

use std::cell::OnceCell;
use std::sync::Arc;

use genesys_cloud_core::{CheckpointStore, Client, OrgIdentity};
use genesys_cloud_sinks::Watch;
use serde_json::json;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use self::downloads::Downloads;
use self::plan::Plan;
#[cfg(test)]
pub(crate) use self::plan::check;
use self::previous::{Previous, store_of};
use self::range::Range;
use self::report::Report;
use self::run_log::LogEntry;
use self::runner::{ReadEnd, Runner};
use self::state::{Run, State};
use self::target::Target;
use crate::failure::{Exit, Failure};
use crate::reporter::Reporter;
use crate::saved_jobs::StoredJob;
use crate::session::Session;
use crate::settings::{ExportSettings, Start};
use crate::tty;

/// Runs an export.
pub(crate) async fn run(settings: ExportSettings, session: &Session) -> Result<Exit, Failure> {
    let mut plan = Plan::new(settings)?;
    match plan.partition {
        Some(_) => folder::run(plan, session).await,
        None => run_one(&mut plan, session, None, &OnceCell::new()).await,
    }
}

/// What the windows of a folder share.
struct Shared<'a> {
    client: &'a Client,
    identity: OrgIdentity,
    run: Run,
}

/// Runs the export of one output, and starts over if that is allowed.
async fn run_one(
    plan: &mut Plan,
    session: &Session,
    shared: Option<&Shared<'_>>,
    stop: &OnceCell<Arc<Notify>>,
) -> Result<Exit, Failure> {
    let entry = LogEntry::new();
    let done = attempt(plan, session, shared, (stop, &entry)).await;
    match done {
        Err(failure) if plan.start == Start::ResumeOrRestart && failure.is_stale() => {
            let text = format!("starting over: {failure}");
            let operation = &plan.source.entry.id;
            let facts = json!({ "operation": operation, "reason": failure.to_string() });
            session.reporter.say("restart", &text, facts);
            plan.start = Start::Restart;
            if let Some(range) = plan.source.time_range_mut() {
                range.start_over();
            }
            attempt(plan, session, shared, (stop, &entry)).await
        }
        done => done,
    }
}

async fn attempt(
    plan: &mut Plan,
    session: &Session,
    shared: Option<&Shared<'_>>,
    (stop, entry): (&OnceCell<Arc<Notify>>, &LogEntry),
) -> Result<Exit, Failure> {
    let reporter = &session.reporter;
    if plan.is_dry_run {
        let org = session.connect().await?;
        return estimate::print(&org.client, &plan.source).await.map(|()| Exit::Complete);
    }
    // Find out that the output can't be written before any call.
    plan.output.check()?;
    if plan.output.is_stdout() && tty::stdout_was_closed() {
        return Err(Failure::output("standard output is closed, so the records would be lost")
            .advise("`--out FILE` writes a file; `> /dev/null` discards the records"));
    }
    let mut target = Target::new(plan)?;
    let stop = stop.get_or_init(|| stop_on_interrupt(reporter)).clone();
    let waits = reporter.clone();
    let watch = Watch::new(stop.clone(), move |text| {
        waits.say("lock", text, json!({ "text": text }));
    });
    let mut store = previous::store(plan, &watch)?;
    target.watch(watch.clone());
    let previous = Previous::load(plan, &mut store, &mut target, reporter).await?;
    let plan: &Plan = plan;
    if let Some(text) = plan.source.time_range().and_then(Range::note) {
        reporter.say("interval", &text, json!({ "operation": plan.source.entry.id, "text": text }));
    }
    let before = previous.state().map(|state| state.run.org());
    let connection;
    let client = match shared {
        Some(shared) => shared.client,
        None => {
            connection = session.reconnect(before).await?;
            &connection.client
        }
    };
    let identity = match (shared, store_of(&mut store, &mut target)) {
        (Some(shared), _) => shared.identity.clone(),
        (None, Some(_)) => session.identity(client).await?,
        // Without a state, no other run compares it.
        (None, None) => client.identity(),
    };
    let run = match previous.state() {
        Some(state) => {
            state.run.check_org(&identity)?;
            // If everything is read, this run only finishes the output.
            match target.is_done() || state.is_read() {
                true => state.run.clone(),
                false => state.run.clone().resumed_now(),
            }
        }
        None => match shared {
            Some(shared) => shared.run.clone(),
            None => Run::new(identity.clone(), plan),
        },
    };
    let downloads = match &plan.download {
        Some(downloads) => {
            let stop = (stop.clone(), watch.clone());
            Some(Downloads::open(downloads, client, &run.id, stop).await?)
        }
        None => None,
    };
    target.open(&run.id, previous.state()).await?;
    previous.remove(plan, &mut store, &mut target).await?;
    // Jobs of another org are left alone.
    let discarded = previous.discarded().filter(|state| state.run.is_of(&identity));
    let abandoned = discarded.map(State::jobs).unwrap_or_default();
    // Cancel jobs only after the output is locked: no other export waits for them.
    if let Err(failure) = session.jobs.abandon(client, &abandoned, reporter).await {
        // Remove the empty output.
        target.finish(false).await?;
        return Err(failure);
    }
    let from = previous.state();
    if from.is_none() && plan.window.is_none() {
        let facts = || json!({ "operation": plan.source.entry.id, "out": plan.output.text() });
        reporter.event("begin", facts);
    }
    // The output is locked by now.
    target.open_rejects(plan, from)?;
    let mut report = Report::new(plan, &run, entry, session);
    if let (true, Some(state)) = (target.is_done(), from) {
        report.earlier(state);
        target.finish_rejects()?;
        report.rejected(&target, true);
        let jobs = runner::stored(&state.jobs(), client);
        let forgotten = forget(plan, session, &mut store, &mut target, &jobs).await;
        let exit = report.completed(&mut target, true).await?;
        return forgotten.map(|()| exit);
    }
    if let Err(failure) = report.begin(&mut target).await {
        target.finish(false).await?;
        return Err(failure);
    }
    let mut runner = Runner::new(plan, session, client, &run, (target, store), from);
    runner.downloads = downloads;
    let read = runner.read(&stop).await;
    if let Err(failure) = &read
        && plan.start == Start::ResumeOrRestart
        && failure.is_stale()
        && from.is_some_and(|state| state.records() == runner.reader.read().records)
    {
        // No report: the next attempt starts over.
        runner.target.finish(false).await?;
        return read.map(|_| Exit::Failed);
    }
    conclude(plan, session, runner, report, read).await
}

/// Ends an export: publishes a complete output, reports, and removes the state of a complete export.
async fn conclude(
    plan: &Plan,
    session: &Session,
    runner: Runner<'_>,
    mut report: Report<'_>,
    read: Result<ReadEnd, Failure>,
) -> Result<Exit, Failure> {
    let remainder = runner.remainder();
    let Runner { reader, mut target, mut store, stored, downloads, .. } = runner;
    report.read(&reader.read(), &target);
    let is_whole = match &read {
        Ok(ReadEnd::End) => plan.accept.allows(&reader.read().verdict),
        Ok(ReadEnd::Stopped) | Err(_) => false,
    };
    let finished = target.finish(is_whole).await;
    // The first error is the cause of the others.
    let read = read.and_then(|read| finished.map(|()| read));
    let named = if is_whole && read.is_ok() { target.finish_rejects() } else { Ok(()) };
    let read = read.and_then(|read| named.map(|()| read));
    let is_whole = is_whole && read.is_ok();
    if let Err(failure) = &read
        && failure.is_closed()
    {
        return Ok(report.closed(&mut target).await);
    }
    report.rejected(&target, is_whole);
    if let Some(downloads) = &downloads {
        report.downloaded(downloads, plan.accept);
    }
    let mut notes = reader.notes();
    notes.extend(target.notes());
    if plan.output.file().is_some() {
        notes.extend(plan.output.earlier_release(true).await?);
    }
    report.notes(notes);
    // The report is written even if the state can't be removed.
    let forgotten = match is_whole {
        true => forget(plan, session, &mut store, &mut target, &stored).await,
        false => Ok(()),
    };
    report.remains(remainder);
    let checkpoint = reader.checkpoint().ok().flatten();
    report.in_doubt(checkpoint.is_some_and(|it| !it.is_complete()));
    match read {
        Ok(ReadEnd::End) => {
            let exit = report.completed(&mut target, is_whole).await?;
            forgotten.map(|()| exit)
        }
        Ok(ReadEnd::Stopped) => report.stopped(&mut target).await,
        Err(failure) => Err(report.failed(&mut target, failure).await),
    }
}

/// Removes the state of an export whose output is finished, and its jobs.
async fn forget(
    plan: &Plan,
    session: &Session,
    store: &mut Option<Box<dyn CheckpointStore>>,
    target: &mut Target,
    jobs: &[StoredJob],
) -> Result<(), Failure> {
    let location = target.location().unwrap_or_default();
    if let Some(state) = store_of(store, target) {
        state.clear(&previous::key(plan)).await.map_err(|error| {
            let text = format!("{location} is finished, but its state can't be removed: {error}");
            Failure::output(text).advise("--resume removes it without reading anything again")
        })?;
    }
    jobs.iter().try_for_each(|job| session.jobs.remove(job))
}

/// Notifies on SIGTERM, SIGHUP or Ctrl-C. A second Ctrl-C exits immediately.
fn stop_on_interrupt(reporter: &Arc<Reporter>) -> Arc<Notify> {
    let stop = Arc::new(Notify::new());
    let (notifier, reporter) = (stop.clone(), reporter.clone());
    #[cfg(unix)]
    for kind in [SignalKind::terminate(), SignalKind::hangup()] {
        // Sent before a system kills a process, and when a terminal is closed.
        if let Ok(mut signal) = signal(kind) {
            let notifier = stop.clone();
            tokio::spawn(async move {
                signal.recv().await;
                notifier.notify_one();
            });
        }
    }
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        notifier.notify_one();
        reporter.say("stopping", "stopping; press Ctrl-C again to quit immediately", json!({}));
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
    });
    stop
}
