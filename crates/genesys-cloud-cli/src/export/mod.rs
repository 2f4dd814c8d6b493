//! Reads a list to its end and writes it: the way from arguments to an output that is whole, or says that
//! it is not.

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
use crate::columns::{self, Columns};
use crate::commands::{Kept, abandon};
use crate::connect;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::parameters::{self, Given};
use crate::screen::Screen;
use crate::sinks::{Format, Keeper, Sink, SinkError, Watch};
use crate::tags::{self, Way};

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
}

pub(crate) async fn run(
    export: &Export,
    global: &Global,
    screen: &Arc<Screen>,
) -> Result<Exit, Failure> {
    let job = Job::new(export)?;
    if export.plan {
        let org = connect::org(global, screen).await?;
        return plan::tell(&org.client, &job).await.map(|()| Exit::Complete);
    }
    if let Some(family) = files::family(&job.way) {
        return files::run(&job, family, global, screen).await;
    }
    // What can't be written is told before anything is asked for.
    job.output.check()?;
    let mut sink = job.output.sink(job.format, export)?;
    let mut keeper = match &export.state {
        Some(keep) => Some(keep.keeper(&job.entry.id, &job.output)?),
        None => job.output.keeper()?,
    };
    let stop = stop_on_interrupt(screen);
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
        forget(&mut keeper, &mut sink, &course::kept(&state.checkpoint, &org.client)).await?;
        return ending.told(&job, sink.as_mut(), screen, true).await;
    }
    let reader = Reader::new(&org.client, &job, saved.as_ref().map(|it| &it.checkpoint));
    let from = saved.as_deref();
    let mut course = Course::new(&job, &org.client, &run, reader, (sink, rejects), keeper, from);
    let read = course.read(screen, &stop).await;
    let Course { reader, mut sink, mut keeper, mut rejects, kept, saved, next, .. } = course;
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
    ending.rejected(&rejects, is_whole);
    let mut notes = reader.notes();
    notes.extend(sink.notes());
    if let Output::File(_) = job.output {
        notes.extend(job.output.earlier_release(true).await?);
    }
    ending.notes(notes);
    if is_whole {
        forget(&mut keeper, &mut sink, &kept).await?;
    }
    ending.next((saved && !is_whole).then_some(next));
    ending.in_doubt(reader.checkpoint().is_ok_and(|it| !it.is_complete()));
    match read {
        Ok(Read::End) => ending.told(&job, sink.as_mut(), screen, is_whole).await,
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
        let range = Range::of(export, entry)?;
        let given = Given {
            params: export.call.params.clone(),
            body: export.call.body.as_deref().map(body::read).transpose()?,
            unchecked: export.call.unchecked,
            later: range.iter().map(|range| range.name().to_owned()).collect(),
            ..Given::default()
        };
        let request = parameters::request(entry, &given)?;
        check::begins_at_the_beginning(&way, entry, &given)?;
        check::page_size(export, &way, &given)?;
        let item = columns::item(entry, &way);
        if let (Some(field), Some(item), false) = (&export.unique, item, export.call.unchecked) {
            columns::find("--unique", item, field)?;
        }
        let columns = match export.fields.is_empty() {
            true => Columns::of(item),
            false => Columns::chosen(&export.fields, item, export.call.unchecked)?,
        };
        let mut output = export.out.clone().unwrap_or_default();
        if files::family(&way).is_some() {
            files::check(export)?;
            let (columns, format) = (Columns::default(), Format::default());
            return Ok(Self { export, entry, way, request, range, columns, output, format });
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
        Ok(Self { export, entry, way, request, range, columns, output, format })
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
    let Some(text) = kept.load().await.map_err(unwritten)? else {
        if matches!(job.output, Output::File(_)) || job.export.resume {
            job.output.earlier_release(job.export.restart).await?;
        }
        if job.export.resume {
            let text = format!("{place}: there is nothing to resume, so it begins");
            screen.say("resume", &text, json!({ "operation": job.entry.id, "records": 0 }));
        }
        return Ok(Left::Nothing);
    };
    if job.export.restart {
        let discarded = state::discarded(&text).map(Box::new);
        if discarded.is_none() {
            let text = format!(
                "{place}: the state can't be read, so uploads and jobs that the export had begun are left alone"
            );
            screen.say("restart", &text, json!({ "operation": job.entry.id }));
        }
        if is_own {
            // It keeps other writers out by itself.
            kept.discard().await.map_err(unwritten)?;
        }
        return Ok(Left::Discarded(discarded));
    }
    if job.export.resume {
        let state = State::read(&text, &place, job, sink.is_done())?;
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
    sink.begin(&job.columns, committed).await.map_err(unwritten)?;
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
    let place = sink.place().unwrap_or_default();
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
