//! Reads a list to its end and writes it: the way from arguments to an output that is whole, or says that
//! it is not.

mod plan;
mod read;
mod report;

use std::sync::Arc;

use genesys_cloud_catalogue::{Catalogue, Operation as Entry};
use genesys_cloud_core::{FileForm, Interval, Place, Reason, Request, Results, ResultsAt, Verdict};
use serde_json::json;
use tokio::sync::Notify;

use self::read::{Raw, Reader};
use self::report::Ending;
use crate::arguments::{Accepted, Export, Global};
use crate::columns::{self, Columns};
use crate::connect;
use crate::failure::{Exit, Failure};
use crate::find;
use crate::parameters::{self, Given};
use crate::screen::Screen;
use crate::sinks::{FileSink, Format, Sink, SinkError, StreamSink};
use crate::tags::{self, Way};
use crate::times;

/// An export that is known to make sense.
struct Job<'a> {
    export: &'a Export,
    entry: &'static Entry,
    way: Way,
    request: Request,
    /// The time that is read, and where it goes in a request.
    range: Option<(Interval, Place)>,
    columns: Columns,
    format: Format,
}

pub(crate) async fn run(
    export: &Export,
    global: &Global,
    screen: &Arc<Screen>,
) -> Result<Exit, Failure> {
    let job = Job::new(export)?;
    // What can't be written is told before anything is asked for.
    if !export.plan
        && let Some(out) = &export.out
    {
        check_output(out, export)?;
    }
    let org = connect::org(global, screen).await?;
    if export.plan {
        return plan::tell(&org.client, &job).await.map(|()| Exit::Complete);
    }
    let stop = stop_on_interrupt(screen);
    let mut sink: Box<dyn Sink> = match &export.out {
        Some(path) => Box::new(FileSink::new(path, job.format)),
        None => Box::new(StreamSink::new(std::io::stdout(), job.format)),
    };
    sink.begin(&job.columns, None).await.map_err(unwritten)?;
    screen.event("begin", json!({ "operation": job.entry.id, "out": export.out }));

    let mut ending = Ending::begin(&job);
    let mut reader = Reader::new(&org.client, job.request.clone(), &job);
    let read = job.read(&mut reader, sink.as_mut(), screen, &stop).await;
    ending.read(&reader.read());
    let is_whole = match &read {
        Ok(Read::End) => job.is_whole(&reader.read().verdict),
        Ok(Read::Stopped) | Err(_) => false,
    };
    sink.finish(is_whole).await.map_err(unwritten)?;
    ending.notes(sink.notes());
    match read {
        Ok(Read::End) => ending.told(&job, screen, is_whole),
        Ok(Read::Stopped) => ending.stopped(&job, screen),
        Err(failure) => Err(ending.failed(&job, screen, failure)),
    }
}

/// How the reading ended.
enum Read {
    End,
    /// The user has stopped it.
    Stopped,
}

impl<'a> Job<'a> {
    fn new(export: &'a Export) -> Result<Self, Failure> {
        let entry = find::operation(&export.call.operation)?;
        let way = tags::way(Catalogue::embedded(), entry);
        let way = way.map_err(|error| Failure::usage(error.to_string()))?;
        check_exportable(entry, &way)?;
        let range = match export.interval {
            None => None,
            Some(range) => {
                let place = times::place(entry).ok_or_else(|| {
                    Failure::usage(format!("--interval: {} takes no interval", entry.id)).advise(
                        format!("`genesys-cloud describe {}` lists what it takes", entry.id),
                    )
                })?;
                Some((range, place))
            }
        };
        let given = Given {
            params: export.call.params.clone(),
            body: export.call.body.as_deref().map(parameters::body).transpose()?,
            unchecked: export.call.unchecked,
            later: range.as_ref().map(|(_, place)| place.name().to_owned()),
        };
        let request = parameters::request(entry, &given)?;
        let item = columns::item(entry, &way);
        let columns = match export.fields.is_empty() {
            true => Columns::of(item),
            false => Columns::chosen(&export.fields, item, export.call.unchecked)?,
        };
        let named = export.out.as_deref().and_then(Format::of_path);
        let format = export.format.or(named).unwrap_or_default();
        if format.is_table() && columns.all().is_empty() {
            return Err(Failure::usage(format!(
                "the document does not say what the records of {} look like, so that they make no table",
                entry.id
            ))
            .advise("name columns with --fields, or write jsonl"));
        }
        Ok(Self { export, entry, way, request, range, columns, format })
    }

    /// Reads to the end, to an error, or until the user stops it. What was read by then is written.
    async fn read(
        &self,
        reader: &mut Reader,
        sink: &mut dyn Sink,
        screen: &Screen,
        stop: &Notify,
    ) -> Result<Read, Failure> {
        let size = usize::try_from(self.export.batch).unwrap_or(usize::MAX);
        let mut batch: Vec<Raw> = Vec::with_capacity(size.min(10_000));
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
        let gauge = |reader: &Reader| reader.gauge(&find::rust_name(self.entry), self.export.limit);
        loop {
            let next = tokio::select! {
                biased;
                next = reader.next() => Some(next),
                () = stop.notified() => None,
                _ = tick.tick() => {
                    screen.progress(|| gauge(reader));
                    continue;
                }
            };
            match next {
                Some(Ok(Some(record))) => {
                    batch.push(record);
                    if batch.len() >= size {
                        self.write(&mut batch, sink).await?;
                        screen.progress(|| gauge(reader));
                    }
                }
                Some(Ok(None)) => {
                    self.write(&mut batch, sink).await?;
                    return Ok(Read::End);
                }
                Some(Err(error)) => {
                    self.write(&mut batch, sink).await?;
                    return Err(Failure::of_call(&error, Some(self.entry)));
                }
                None => {
                    self.write(&mut batch, sink).await?;
                    return Ok(Read::Stopped);
                }
            }
        }
    }

    async fn write(&self, batch: &mut Vec<Raw>, sink: &mut dyn Sink) -> Result<(), Failure> {
        sink.write(batch).await.map_err(unwritten)?;
        batch.clear();
        sink.commit().await.map_err(unwritten)?;
        Ok(())
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
            Results::Reply(places)
                if places.iter().all(|it| matches!(it, ResultsAt::Files(_, FileForm::Bytes))) =>
            {
                Err(Failure::usage(format!("{name}: its jobs result in files that are no lists of records"))
                    .advise("`genesys-cloud call` submits one, and the SDK downloads its files (`Job::downloads`)"))
            }
            _ => Ok(()),
        },
        Way::Single | Way::Accepted => Err(Failure::usage(format!("{name} is no list"))
            .advise(format!("`genesys-cloud call {name}` makes one call"))),
    }
}

/// Refuses what can't be written, as far as that shows before.
fn check_output(out: &std::path::Path, _export: &Export) -> Result<(), Failure> {
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => std::path::Path::new("."),
    };
    if !folder.is_dir() {
        return Err(Failure::output(format!(
            "can't write {}: there is no folder {}",
            out.display(),
            folder.display()
        )));
    }
    if out.is_dir() {
        return Err(Failure::output(format!("can't write {}: it is a folder", out.display())));
    }
    Ok(())
}

fn unwritten(error: SinkError) -> Failure {
    Failure::output(error.to_string())
}

/// Told when the user wants to stop. A second time ends the program at once.
fn stop_on_interrupt(screen: &Arc<Screen>) -> Arc<Notify> {
    let stop = Arc::new(Notify::new());
    let (teller, screen) = (stop.clone(), screen.clone());
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
