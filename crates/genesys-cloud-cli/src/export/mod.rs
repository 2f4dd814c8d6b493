//! Reads a list to its end and writes it: the way from arguments to an output that is whole, or says that
//! it is not.

mod advice;
mod check;
mod course;
mod files;
mod keep;
mod output;
mod pace;
mod plan;
mod range;
mod read;
mod rejects;
mod report;
mod results;
mod seal;
mod state;

use std::cell::OnceCell;
use std::sync::Arc;

use genesys_cloud_catalogue::{Catalogue, Operation as Entry};
use genesys_cloud_core::{Reason, Request, Results, Verdict};
use serde_json::json;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use self::course::{Course, Read};
pub(crate) use self::keep::Keep;
pub(crate) use self::output::Output;
use self::range::Range;
use self::read::Reader;
use self::rejects::Rejects;
use self::report::Ending;
pub(crate) use self::report::ReportPlace;
use self::state::{Discarded, RESTART, Run, State};
use crate::arguments::{Accepted, Export, Global};
use crate::body;
use crate::commands::{Kept, abandon};
use crate::connect;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::parameters::{self, Given};
use crate::record;
use crate::screen::Screen;
use crate::sinks::{Columns, Format, Keeper, Sink, SinkError, Watch};
use crate::tags::{self, Way};
use crate::{offers, tty};

/// An export that is known to make sense.
struct Job<'a> {
    export: &'a Export,
    entry: &'static Entry,
    way: Way,
    request: Request,
    /// The time that is read, if it is one.
    range: Option<Range>,
    columns: Columns,
    output: Output,
    format: Format,
    start: Start,
}

/// What is done about an earlier run that was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// It is left as it is, and an error.
    New,
    Resume,
    Restart,
}

pub(crate) async fn run(
    export: &Export,
    global: &Global,
    screen: &Arc<Screen>,
) -> Result<Exit, Failure> {
    let stop = OnceCell::new();
    let start = match (export.resume || export.resume_or_restart, export.restart) {
        (true, _) => Start::Resume,
        (_, true) => Start::Restart,
        _ => Start::New,
    };
    let done = attempt(export, start, global, screen, &stop).await;
    match done {
        Err(failure) if export.resume_or_restart && failure.is_stale() => {
            let text = format!("starting over: {failure}");
            let operation = find::operation(&export.call.operation)?;
            let facts = json!({ "operation": operation.id, "reason": failure.to_string() });
            screen.say("restart", &text, facts);
            attempt(export, Start::Restart, global, screen, &stop).await
        }
        done => done,
    }
}

/// Checks an export as it is checked before anything is sent.
#[cfg(test)]
pub(crate) fn check(export: &Export) -> Result<(), Failure> {
    Job::new(export).map(drop)
}

async fn attempt(
    export: &Export,
    start: Start,
    global: &Global,
    screen: &Arc<Screen>,
    stop: &OnceCell<Arc<Notify>>,
) -> Result<Exit, Failure> {
    let job = Job { start, ..Job::new(export)? };
    if export.plan {
        let org = connect::org(global, screen).await?;
        return plan::tell(&org.client, &job).await.map(|()| Exit::Complete);
    }
    if let Some(family) = offers::files(&job.way) {
        return files::run(&job, family, global, screen, stop).await;
    }
    // What can't be written is told before anything is asked for.
    job.output.check()?;
    if matches!(job.output, Output::Stream) && tty::stdout_was_closed() {
        return Err(Failure::output("standard output is closed, so the records would be lost")
            .advise("--out FILE writes a file, and `> /dev/null` discards them"));
    }
    let mut sink = job.output.sink(job.format, export)?;
    let mut keeper = match &export.state {
        Some(keep) => Some(keep.keeper(&job.entry.id, &job.output)?),
        None => job.output.keeper()?,
    };
    let stop = stop.get_or_init(|| stop_on_interrupt(screen)).clone();
    let waits = screen.clone();
    sink.watch(Watch::new(stop.clone(), move |text| {
        waits.say("lock", text, json!({ "text": text }));
    }));
    let left = left(&mut keeper, &mut sink, &job, screen).await?;
    let before = match &left {
        Left::State(state) => Some(state.run.org()),
        Left::Discarded(_) | Left::Nothing => None,
    };
    let org = connect::org_again(global, screen, before).await?;
    let identity = match keeper_of(&mut keeper, &mut sink) {
        Some(_) => connect::identity(global, &org.client).await?,
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
    sink.on_bad_value(export.on_bad_value);
    let abandoned = match &left {
        // Those of another org are left alone.
        Left::Discarded(Some(it)) if it.run.is_of(&identity) => it.jobs.clone(),
        _ => Vec::new(),
    };
    let saved = begin(left, &mut keeper, &mut sink, &job).await?;
    // Only now is it known that no other export waits for them.
    if let Err(failure) = abandon(&org.client, &abandoned, screen).await {
        // Nothing is left of what was begun.
        sink.finish(false).await.map_err(unwritten)?;
        return Err(failure);
    }
    if saved.is_none() {
        screen.event("begin", || {
            json!({ "operation": job.entry.id, "out": export.out.is_some().then(|| job.output.to_string()) })
        });
    }

    // The output keeps other exports out by now.
    let saved_rejects = saved.as_ref().and_then(|it| it.rejects.as_ref());
    let mut rejects = Rejects::open(&job, saved_rejects)?;
    let mut ending = Ending::begin(&job, &run);
    if let (true, Some(state)) = (sink.is_done(), &saved) {
        ending.earlier(state);
        rejects.finish()?;
        ending.rejected(&rejects, true);
        let jobs = course::kept(&state.checkpoint, &org.client);
        let forgotten = forget(&mut keeper, &mut sink, &jobs).await;
        let exit = ending.told(&job, sink.as_mut(), screen, true).await?;
        return forgotten.map(|()| exit);
    }
    let reader = Reader::new(&org.client, &job, saved.as_ref().map(|it| &it.checkpoint));
    let from = saved.as_deref();
    let mut course = Course::new(&job, &org.client, &run, reader, (sink, rejects), keeper, from);
    let read = course.read(screen, &stop).await;
    let left = course.left();
    let Course { reader, mut sink, mut keeper, mut rejects, kept, .. } = course;
    let resumed = from.map(|state| state.checkpoint.items());
    if let Err(failure) = &read
        && export.resume_or_restart
        && failure.is_stale()
        && resumed == Some(reader.read().records)
    {
        // There is nothing to say of this run: another one starts over.
        sink.finish(false).await.map_err(unwritten)?;
        return read.map(|_| Exit::Failed);
    }
    ending.read(&reader.read());
    let is_whole = match &read {
        Ok(Read::End) => job.is_whole(&reader.read().verdict),
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
        return Ok(ending.closed(&job, sink.as_mut(), screen).await);
    }
    ending.rejected(&rejects, is_whole);
    let mut notes = reader.notes();
    notes.extend(sink.notes());
    if let Output::File(_) = job.output {
        notes.extend(job.output.earlier_release(true).await?);
    }
    ending.notes(notes);
    // What is written is told first, whatever becomes of the state.
    let forgotten = match is_whole {
        true => forget(&mut keeper, &mut sink, &kept).await,
        false => Ok(()),
    };
    ending.left(left);
    ending.in_doubt(reader.checkpoint().is_ok_and(|it| !it.is_complete()));
    match read {
        Ok(Read::End) => {
            let exit = ending.told(&job, sink.as_mut(), screen, is_whole).await?;
            forgotten.map(|()| exit)
        }
        Ok(Read::Stopped) => ending.stopped(&job, sink.as_mut(), screen).await,
        Err(failure) => Err(ending.failed(&job, sink.as_mut(), screen, failure).await),
    }
}

impl<'a> Job<'a> {
    fn new(export: &'a Export) -> Result<Self, Failure> {
        let entry = find::operation(&export.call.operation)?;
        let way = tags::way(Catalogue::embedded(), entry);
        let way = way.map_err(|error| Failure::usage(error.to_string()))?;
        check_exportable(entry, &way)?;
        check::waits_for_data(export, entry, &way)?;
        let way = results::with_parameters(way, export, entry)?;
        let range = Range::of(export, entry, &way)?;
        let given = Given {
            params: export.call.params.clone(),
            body: export.call.body.as_deref().map(body::read).transpose()?,
            unchecked: export.call.unchecked,
            later: range.iter().map(|range| range.name().to_owned()).collect(),
            takes_interval: offers::interval(&way, entry).is_ok_and(|it| it.is_some()),
            ..Given::default()
        };
        let request = parameters::request(entry, &given)?;
        check::begins_at_the_beginning(&way, entry, &given)?;
        check::is_given_once(export, &way, range.as_ref(), &given)?;
        check::page_size(export, &way, &given)?;
        let item = record::item(entry, &way);
        if let (Some(field), Some(item), false) = (&export.unique, item, export.call.unchecked) {
            record::check("--unique", item, field)?;
        }
        let columns = record::columns(&export.fields, item, export.call.unchecked)?;
        let mut output = export.out.clone().unwrap_or_default();
        if offers::files(&way).is_some() {
            files::check(export)?;
            let (columns, format) = (Columns::default(), Format::default());
            let start = Start::New;
            return Ok(Self { export, entry, way, request, range, columns, output, format, start });
        }
        output.choose_table(&find::rust_name(entry).replace('.', "_"), export)?;
        if let Some(key) = &export.table.upsert
            && !columns.all().iter().any(|column| column.path == *key)
        {
            return Err(Failure::usage(format!(
                "--upsert: the records have no field {key} to write"
            )));
        }
        if export.state.is_some()
            && let Some(why) = output.keeps_no_state()
        {
            return Err(Failure::usage(format!("--state: {why}")));
        }
        check::options_of_output(export, &output)?;
        let format = match export.row_group {
            Some(records) => check::format(export, &output)?
                .row_group(usize::try_from(records).unwrap_or(usize::MAX)),
            None => check::format(export, &output)?,
        };
        if (format.is_table() || output.is_table()) && columns.all().is_empty() {
            return Err(Failure::usage(format!(
                "the document does not say what the records of {} look like, so that they make no table",
                entry.id
            ))
            .advise("name columns with --fields, or write jsonl"));
        }
        let start = Start::New;
        Ok(Self { export, entry, way, request, range, columns, output, format, start })
    }

    fn report_place(&self) -> &ReportPlace {
        self.export.report.as_ref().unwrap_or(&ReportPlace::Beside)
    }

    /// Whether what was read may pass for the list.
    fn is_whole(&self, verdict: &Verdict) -> bool {
        let accepts = |it: Accepted| self.export.accept.contains(&it);
        match verdict {
            Verdict::Complete | Verdict::Truncated(Reason::Limit) => true,
            Verdict::Truncated(_) => accepts(Accepted::Truncated),
            Verdict::Drifted(_) => accepts(Accepted::Drifted),
            _ => accepts(Accepted::Unknown),
        }
    }
}

/// Refuses what has no records to export.
fn check_exportable(entry: &Entry, way: &Way) -> Result<(), Failure> {
    let name = find::rust_name(entry);
    match way {
        Way::List(_) => Ok(()),
        Way::Job(family) => match family.results() {
            Results::Nothing => Err(Failure::usage(format!("{name}: its jobs have no results"))),
            _ => Ok(()),
        },
        Way::Single | Way::Accepted => Err(Failure::usage(format!("{name} is no list"))
            .advise(format!("`genesys-cloud call {name}` makes one call"))),
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
    job: &Job<'_>,
    screen: &Screen,
) -> Result<Left, Failure> {
    let is_own = keeper.is_none();
    let Some(kept) = keeper_of(keeper, sink) else { return Ok(Left::Nothing) };
    let place = kept.place();
    let loaded = kept.load().await.map_err(unwritten)?;
    let is_done = sink.is_done();
    let Some(text) = loaded else {
        if matches!(job.output, Output::File(_)) || job.start == Start::Resume {
            let starts_over = job.start == Start::Restart || job.export.resume_or_restart;
            job.output.earlier_release(starts_over).await?;
        }
        if job.start == Start::Resume {
            let text = format!("{place}: there is nothing to resume, so it begins");
            screen.say("resume", &text, json!({ "operation": job.entry.id, "records": 0 }));
        }
        return Ok(Left::Nothing);
    };
    if job.start == Start::Restart {
        let discarded = state::discarded(&text).map(Box::new);
        if discarded.is_none() {
            let text = format!(
                "{place}: the state can't be read, so uploads and jobs that the export had begun are left alone"
            );
            let facts = json!({ "operation": job.entry.id, "reason": text });
            screen.say("restart", &text, facts);
        }
        if is_own {
            // It keeps other writers out by itself.
            let is_other = discarded.as_ref().is_some_and(|it| it.asked != state::asked(job));
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
    if job.start == Start::Resume {
        let state = State::read(&text, &place, job, is_done)?;
        return Ok(Left::State(Box::new(state)));
    }
    Err(Failure::usage(format!("an export to {} was stopped, or still runs", job.output))
        .advise("--resume continues it")
        .advise(RESTART))
}

/// Makes the sink ready.
async fn begin(
    left: Left,
    keeper: &mut Option<Box<dyn Keeper>>,
    sink: &mut Box<dyn Sink>,
    job: &Job<'_>,
) -> Result<Option<Box<State>>, Failure> {
    let committed = match &left {
        Left::State(state) => Some(&state.sink),
        Left::Nothing | Left::Discarded(_) => None,
    };
    let begun = sink.open(&job.columns, committed).await;
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
    jobs: &[Kept],
) -> Result<(), Failure> {
    let place = sink.location().unwrap_or_default();
    if let Some(keeper) = keeper_of(keeper, sink) {
        keeper.clear().await.map_err(|error| {
            let text = format!("{place} is finished, but its state is not removed: {error}");
            Failure::output(text).advise("--resume removes it, and reads nothing that is written")
        })?;
    }
    jobs.iter().try_for_each(Kept::forget)
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

/// Told when the user wants to stop. A second time ends the program at once.
fn stop_on_interrupt(screen: &Arc<Screen>) -> Arc<Notify> {
    let stop = Arc::new(Notify::new());
    let (teller, screen) = (stop.clone(), screen.clone());
    #[cfg(unix)]
    for kind in [SignalKind::terminate(), SignalKind::hangup()] {
        // What a machine sends before it kills, and a terminal that is closed.
        if let Ok(mut signal) = signal(kind) {
            let teller = stop.clone();
            tokio::spawn(async move {
                signal.recv().await;
                teller.notify_one();
            });
        }
    }
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        teller.notify_one();
        screen.say("stopping", "stops; once more stops at once", json!({}));
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
    });
    stop
}
