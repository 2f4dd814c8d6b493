//! Reads a list to its end and writes it: from settings to an output that is complete, or says that it is not.

mod advice;
mod estimate;
mod files;
mod output;
mod pace;
mod plan;
mod range;
mod reader;
mod rejects;
mod report;
mod results_parameters;
mod runner;
mod seal;
mod state;
mod state_location;
mod validation;

use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::json;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

#[cfg(test)]
pub(crate) use self::plan::check;
use self::plan::{Delivery, Plan, Records};
use self::reader::Reader;
use self::rejects::Rejects;
use self::report::Ending;
use self::runner::{Read, Runner};
use self::state::{Discarded, RESTART, Run, State};
use crate::capabilities;
use crate::failure::{Exit, Failure};
use crate::reporter::Reporter;
use crate::saved_jobs::{JobStore, StoredJob};
use crate::session::Session;
use crate::settings::{ExportSettings, Start};
use crate::sinks::{Keeper, Sink, SinkError, Watch};
use crate::tty;

/// Runs an export.
pub(crate) async fn run(settings: ExportSettings, session: &Session) -> Result<Exit, Failure> {
    let stop = OnceCell::new();
    let mut plan = Plan::new(settings)?;
    let done = attempt(&plan, session, &stop).await;
    match done {
        Err(failure) if plan.start == Start::ResumeOrRestart && failure.is_stale() => {
            let text = format!("starting over: {failure}");
            let operation = &plan.source.entry.id;
            let facts = json!({ "operation": operation, "reason": failure.to_string() });
            session.reporter.say("restart", &text, facts);
            plan.start = Start::Restart;
            attempt(&plan, session, &stop).await
        }
        done => done,
    }
}

async fn attempt(
    plan: &Plan,
    session: &Session,
    stop: &OnceCell<Arc<Notify>>,
) -> Result<Exit, Failure> {
    let reporter = &session.reporter;
    if plan.is_dry_run {
        let org = session.connect().await?;
        return estimate::print(&org.client, &plan.source).await.map(|()| Exit::Complete);
    }
    let records = match (&plan.delivery, capabilities::files(&plan.source.way)) {
        (Delivery::Files, Some(family)) => return files::run(plan, family, session, stop).await,
        (Delivery::Files, None) => return Err(Failure::new(Exit::Failed, "no files")),
        (Delivery::Records(records), _) => records,
    };
    // What can't be written is told before anything is asked for.
    plan.output.check()?;
    if plan.output.is_stdout() && tty::stdout_was_closed() {
        return Err(Failure::output("standard output is closed, so the records would be lost")
            .advise("--out FILE writes a file, and `> /dev/null` discards them"));
    }
    let mut sink = plan.output.sink(records.format)?;
    let mut keeper = match &plan.state {
        Some(location) => {
            Some(state_location::open(location, &plan.source.entry.id, &plan.output.destination)?)
        }
        None => plan.output.keeper()?,
    };
    let stop = stop.get_or_init(|| stop_on_interrupt(reporter)).clone();
    let waits = reporter.clone();
    sink.watch(Watch::new(stop.clone(), move |text| {
        waits.say("lock", text, json!({ "text": text }));
    }));
    let left = left(&mut keeper, &mut sink, (plan, records), reporter).await?;
    let before = match &left {
        Left::State(state) => Some(state.run.org()),
        Left::Discarded(_) | Left::Nothing => None,
    };
    let org = session.reconnect(before).await?;
    let identity = match keeper_of(&mut keeper, &mut sink) {
        Some(_) => session.identity(&org.client).await?,
        // No other run will ask for it.
        None => org.client.identity(),
    };
    let run = match &left {
        Left::State(state) => {
            state.run.check_org(&identity)?;
            // Where nothing more is read, it is not resumed, but finished.
            match sink.is_done() || state.checkpoint.is_complete() {
                true => state.run.clone(),
                false => state.run.clone().resumed_now(),
            }
        }
        Left::Discarded(_) | Left::Nothing => Run::new(identity.clone()),
    };
    sink.identify(&run.id);
    sink.on_bad_value(records.on_bad_value);
    let abandoned = match &left {
        // Those of another org are left alone.
        Left::Discarded(Some(it)) if it.run.is_of(&identity) => it.jobs.clone(),
        _ => Vec::new(),
    };
    let saved = begin(left, &mut keeper, &mut sink, records).await?;
    // Only now is it known that no other export waits for them.
    if let Err(failure) = session.jobs.abandon(&org.client, &abandoned, reporter).await {
        // Nothing is left of what was begun.
        sink.finish(false).await.map_err(unwritten)?;
        return Err(failure);
    }
    if saved.is_none() {
        reporter.event(
            "begin",
            || json!({ "operation": plan.source.entry.id, "out": plan.output.text() }),
        );
    }

    // The output keeps other exports out by now.
    let saved_rejects = saved.as_ref().and_then(|it| it.rejects.as_ref());
    let mut rejects = Rejects::open(plan, records, saved_rejects)?;
    let mut ending = Ending::begin(plan, &run, session);
    if let (true, Some(state)) = (sink.is_done(), &saved) {
        ending.earlier(state);
        rejects.finish()?;
        ending.rejected(&rejects, true);
        let jobs = runner::stored(&state.checkpoint, &org.client);
        let forgotten = forget(&mut keeper, &mut sink, &session.jobs, &jobs).await;
        let exit = ending.told(sink.as_mut(), true).await?;
        return forgotten.map(|()| exit);
    }
    let reader = Reader::new(&org.client, &plan.source, saved.as_ref().map(|it| &it.checkpoint));
    let from = saved.as_deref();
    let mut runner = Runner::new(
        (plan, records),
        &session.jobs,
        &org.client,
        &run,
        reader,
        (sink, rejects),
        keeper,
        from,
    );
    let read = runner.read(reporter, &stop).await;
    let left = runner.remainder();
    let Runner { reader, mut sink, mut keeper, mut rejects, stored, .. } = runner;
    let resumed = from.map(|state| state.checkpoint.items());
    if let Err(failure) = &read
        && plan.start == Start::ResumeOrRestart
        && failure.is_stale()
        && resumed == Some(reader.read().records)
    {
        // There is nothing to say of this run: another one starts over.
        sink.finish(false).await.map_err(unwritten)?;
        return read.map(|_| Exit::Failed);
    }
    ending.read(&reader.read());
    let is_whole = match &read {
        Ok(Read::End) => plan.accept.allows(&reader.read().verdict),
        Ok(Read::Stopped) | Err(_) => false,
    };
    let finished = sink.finish(is_whole).await.map_err(unwritten);
    // The first error is the cause of what follows.
    let read = read.and_then(|read| finished.map(|()| read));
    let named = if is_whole && read.is_ok() { rejects.finish() } else { Ok(()) };
    let read = read.and_then(|read| named.map(|()| read));
    let is_whole = is_whole && read.is_ok();
    if let Err(failure) = &read
        && failure.is_closed()
    {
        return Ok(ending.closed(sink.as_mut()).await);
    }
    ending.rejected(&rejects, is_whole);
    let mut notes = reader.notes();
    notes.extend(sink.notes());
    if plan.output.file().is_some() {
        notes.extend(plan.output.earlier_release(true).await?);
    }
    ending.notes(notes);
    // What is written is told first, whatever becomes of the state.
    let forgotten = match is_whole {
        true => forget(&mut keeper, &mut sink, &session.jobs, &stored).await,
        false => Ok(()),
    };
    ending.left(left);
    ending.in_doubt(reader.checkpoint().is_ok_and(|it| !it.is_complete()));
    match read {
        Ok(Read::End) => {
            let exit = ending.told(sink.as_mut(), is_whole).await?;
            forgotten.map(|()| exit)
        }
        Ok(Read::Stopped) => ending.stopped(sink.as_mut()).await,
        Err(failure) => Err(ending.failed(sink.as_mut(), failure).await),
    }
}

/// What an export has left.
enum Left {
    Nothing,
    /// To go on with.
    State(Box<State>),
    /// To be discarded, as far as the state can be relied on.
    Discarded(Option<Box<Discarded>>),
}

/// Looks what an export has left. What would overwrite what another one has left is refused.
async fn left(
    keeper: &mut Option<Box<dyn Keeper>>,
    sink: &mut Box<dyn Sink>,
    (plan, records): (&Plan, &Records),
    reporter: &Reporter,
) -> Result<Left, Failure> {
    let is_own = keeper.is_none();
    let Some(kept) = keeper_of(keeper, sink) else { return Ok(Left::Nothing) };
    let place = kept.place();
    let loaded = kept.load().await.map_err(unwritten)?;
    let is_done = sink.is_done();
    let Some(text) = loaded else {
        if plan.output.file().is_some() || plan.start.resumes() {
            plan.output.earlier_release(plan.start.may_discard()).await?;
        }
        if plan.start.resumes() {
            let text = format!("{place}: no saved state; starting over");
            reporter.say(
                "resume",
                &text,
                json!({ "operation": plan.source.entry.id, "records": 0 }),
            );
        }
        return Ok(Left::Nothing);
    };
    if plan.start == Start::Restart {
        let discarded = state::discarded(&text).map(Box::new);
        if discarded.is_none() {
            let text = format!(
                "{place}: the state can't be read, so uploads and jobs that the export had begun are left alone"
            );
            let facts = json!({ "operation": plan.source.entry.id, "reason": text });
            reporter.say("restart", &text, facts);
        }
        if is_own {
            // It keeps other writers out by itself.
            let is_other =
                discarded.as_ref().is_some_and(|it| it.asked != plan.source.fingerprint());
            let kept = keeper_of(keeper, sink);
            match kept {
                None => {}
                // It has come to its end, and what it has written is not what is written now.
                Some(kept) if is_done && is_other => kept.clear().await.map_err(unwritten)?,
                Some(kept) => kept.discard().await.map_err(unwritten)?,
            }
        }
        return Ok(Left::Discarded(discarded));
    }
    if plan.start.resumes() {
        let state = State::read(&text, &place, (plan, records), is_done)?;
        return Ok(Left::State(Box::new(state)));
    }
    Err(Failure::usage(format!(
        "an export to {} was interrupted, or is still running",
        plan.output.destination
    ))
    .advise("--resume continues it")
    .advise(RESTART))
}

/// Makes the sink ready.
async fn begin(
    left: Left,
    keeper: &mut Option<Box<dyn Keeper>>,
    sink: &mut Box<dyn Sink>,
    records: &Records,
) -> Result<Option<Box<State>>, Failure> {
    let committed = match &left {
        Left::State(state) => Some(&state.sink),
        Left::Nothing | Left::Discarded(_) => None,
    };
    let begun = sink.begin(&records.columns, committed).await;
    begun.map_err(|error| match committed.is_some() && error.is_mismatch() {
        true => unwritten(error).of_earlier_run(),
        false => unwritten(error),
    })?;
    match left {
        Left::Nothing => Ok(None),
        Left::State(state) => Ok(Some(state)),
        // Only now is it known that no other export writes there.
        Left::Discarded(discarded) => {
            // Where the sink is the keeper, it has discarded it before.
            if let Some(keeper) = keeper {
                if let Some(discarded) = discarded {
                    sink.discard(&discarded.sink).await.map_err(unwritten)?;
                }
                keeper.discard().await.map_err(unwritten)?;
            }
            Ok(None)
        }
    }
}

/// Forgets the state of an export whose output is finished, and its jobs.
async fn forget(
    keeper: &mut Option<Box<dyn Keeper>>,
    sink: &mut Box<dyn Sink>,
    jobs: &JobStore,
    stored: &[StoredJob],
) -> Result<(), Failure> {
    let place = sink.place().unwrap_or_default();
    if let Some(keeper) = keeper_of(keeper, sink) {
        keeper.clear().await.map_err(|error| {
            let text = format!("{place} is finished, but its state is not removed: {error}");
            Failure::output(text).advise("--resume removes it, and reads nothing that is written")
        })?;
    }
    stored.iter().try_for_each(|job| jobs.remove(job))
}

/// What keeps the state: something by itself, or the sink. Nothing does for a stream.
fn keeper_of<'a>(
    keeper: &'a mut Option<Box<dyn Keeper>>,
    sink: &'a mut Box<dyn Sink>,
) -> Option<&'a mut dyn Keeper> {
    match keeper {
        Some(keeper) => Some(keeper.as_mut()),
        None => sink.keeper(),
    }
}

fn unwritten(error: SinkError) -> Failure {
    Failure::of_sink(&error)
}

/// Notified when the user wants to stop. A second Ctrl-C ends the program at once.
fn stop_on_interrupt(reporter: &Arc<Reporter>) -> Arc<Notify> {
    let stop = Arc::new(Notify::new());
    let (notifier, reporter) = (stop.clone(), reporter.clone());
    #[cfg(unix)]
    for kind in [SignalKind::terminate(), SignalKind::hangup()] {
        // What a machine sends before it kills, and a terminal that is closed.
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
