//! Exports to a folder: one file per window, each an export of its own with its own verdict.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use chrono::Utc;
use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use genesys_cloud_core::CheckpointStore;
use genesys_cloud_sinks::{Format, Watch, open_part, work_folder};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::folder_report::{FolderEnd, FolderReport};
use super::folder_state::{Done, FolderState};
use super::partition::Part;
use super::plan::{Delivery, Plan};
use super::range::Range;
use super::state::{RESTART, Run};
use super::window::{FolderWindow, Tally};
use super::{Shared, estimate, run_one, stop_on_interrupt};
use crate::failure::{Exit, Failure};
use crate::locations::Folder;
use crate::reporter::grouped;
use crate::session::Session;
use crate::settings::Start;

const OWN: &str = Folder::OWN;

/// Suffix of the file that one export to a folder locks.
const LOCK: &str = ".lock";

/// An ended window: its part, its report, and how it ended.
type Ended = (Part, Value, Result<Exit, Failure>);

/// Runs an export to a folder.
pub(super) async fn run(mut plan: Plan, session: &Session) -> Result<Exit, Failure> {
    let reporter = &session.reporter;
    if plan.is_dry_run {
        let org = session.connect().await?;
        return estimate::print(&org.client, &plan.source).await.map(|()| Exit::Complete);
    }
    let Some(folder) = plan.output.folder().cloned() else {
        return Err(Failure::usage("the output is not a folder"));
    };
    let file = file_name(&plan);
    let _lock = open(&folder)?;
    let stop = stop_on_interrupt(reporter);
    let waits = reporter.clone();
    let watch = Watch::new(stop.clone(), move |text| {
        waits.say("lock", text, json!({ "text": text }));
    });
    let own = plan.output.to(folder.file(OWN)?);
    let mut store = own.store(&watch)?.ok_or_else(|| Failure::output("a folder needs a state"))?;
    let resumed = resume(&mut plan, store.as_mut(), session).await?;
    if let Some(text) = plan.source.time_range().and_then(Range::note) {
        reporter.say("interval", &text, json!({ "operation": plan.source.entry.id, "text": text }));
    }
    let parts = parts(&plan)?;
    check_files(&folder, &parts, &file)?;
    let connection = session.reconnect(resumed.as_ref().map(|state| state.run.org())).await?;
    let client = &connection.client;
    let identity = session.identity(client).await?;
    let state = match resumed {
        Some(state) => {
            state.run.check_org(&identity)?;
            state.resumed_now()
        }
        None => {
            reporter.event(
                "begin",
                || json!({ "operation": plan.source.entry.id, "out": plan.output.text() }),
            );
            FolderState::new(&plan, Run::new(identity.clone(), &plan))
        }
    };
    let left: VecDeque<Part> =
        parts.iter().filter(|part| !state.done.contains_key(&part.name)).cloned().collect();
    let tally = Arc::new(Tally::new(parts.len(), left.len()));
    let shared = Shared { client, identity, run: state.run.clone() };
    let mut sink = own.sink(Format::default(), None)?;
    let report = FolderReport::new(&plan, session, parts.len());
    report.begin(&state, sink.as_mut()).await?;
    let exporter =
        Exporter { plan: &plan, session, shared: &shared, folder: &folder, file, tally, state };
    let (exporter, mut end) = exporter.export(left, store.as_mut(), &stop).await?;
    if end.is_complete(&exporter.state, parts.len())
        && let Err(error) = store.clear(OWN).await
    {
        end.fail(Failure::from(error).advise("--resume removes it without reading anything again"));
    }
    report.end(&exporter.state, end, sink.as_mut()).await
}

/// Loads the state of an interrupted export to resume. `None` to start with the first window.
async fn resume(
    plan: &mut Plan,
    store: &mut dyn CheckpointStore,
    session: &Session,
) -> Result<Option<FolderState>, Failure> {
    let reporter = &session.reporter;
    let operation = plan.source.entry.id.clone();
    let location = store.location(OWN);
    let Some(text) = store.load(OWN).await? else {
        if plan.start.resumes() {
            let text = format!("{location}: no saved state; starting over");
            reporter.say("resume", &text, json!({ "operation": operation, "records": 0 }));
        }
        return Ok(None);
    };
    if plan.start == Start::New {
        let out = &plan.output.destination;
        let text = format!("an export to {out} was interrupted, or is still running");
        return Err(Failure::usage(text).advise("--resume continues it").advise(RESTART));
    }
    if !plan.start.resumes() {
        return Ok(None);
    }
    if let (Some(range), Some(saved)) = (plan.source.time_range_mut(), FolderState::interval(&text))
    {
        range.resume(&saved);
    }
    match FolderState::resume(&text, &location, plan) {
        Ok(state) => {
            let done = state.done.len() as u64;
            let noun = if done == 1 { "window" } else { "windows" };
            let text = format!("resuming after {} {noun}", grouped(done));
            let facts = json!({ "operation": operation, "records": state.counts.records });
            reporter.say("resume", &text, facts);
            Ok(Some(state))
        }
        Err(failure) if plan.start == Start::ResumeOrRestart && failure.is_stale() => {
            let text = format!("starting over: {failure}");
            let facts = json!({ "operation": operation, "reason": failure.to_string() });
            reporter.say("restart", &text, facts);
            if let Some(range) = plan.source.time_range_mut() {
                range.start_over();
            }
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Returns the windows of the range.
fn parts(plan: &Plan) -> Result<Vec<Part>, Failure> {
    match (&plan.partition, plan.source.time_range()) {
        (Some(partition), Some(range)) => partition.parts(range.interval, Utc::now()),
        _ => Err(Failure::usage("a folder needs a time range")),
    }
}

/// Returns the name of the file of each window.
fn file_name(plan: &Plan) -> String {
    let format = match &plan.delivery {
        Delivery::Records(records) => records.format,
        Delivery::Files => Format::default(),
    };
    format!("part-0.{format}")
}

/// Creates a local folder, and locks it for this export.
fn open(folder: &Folder) -> Result<Option<File>, Failure> {
    let Folder::Local(path) = folder else { return Ok(None) };
    make(path)?;
    let lock = work_folder::path(&path.join(OWN), LOCK);
    Ok(Some(open_part(&lock, true)?))
}

fn make(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| {
        Failure::from_io(format!("can't create the folder {}: {error}", path.display()), &error)
    })
}

/// Rejects windows that have a file of another format: readers of the folder would find each record twice.
fn check_files(folder: &Folder, parts: &[Part], file: &str) -> Result<(), Failure> {
    let Folder::Local(folder) = folder else { return Ok(()) };
    for part in parts {
        let Ok(entries) = std::fs::read_dir(folder.join(&part.name)) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with('.') && name != file {
                return Err(Failure::usage(format!(
                    "{}/{}: the folder of a window has another file than {file}, so readers would find its records too",
                    folder.display(),
                    format_args!("{}/{name}", part.name)
                ))
                .advise("remove the file, or choose another --format or another --out FOLDER/"));
            }
        }
    }
    Ok(())
}

/// Exports windows, several at a time.
struct Exporter<'a> {
    plan: &'a Plan,
    session: &'a Session,
    shared: &'a Shared<'a>,
    folder: &'a Folder,
    /// Name of the file of each window.
    file: String,
    tally: Arc<Tally>,
    state: FolderState,
}

impl<'a> Exporter<'a> {
    /// Exports these windows, and saves which are done. After an error, windows that have started are finished.
    async fn export(
        mut self,
        mut left: VecDeque<Part>,
        store: &mut dyn CheckpointStore,
        stop: &Notify,
    ) -> Result<(Self, FolderEnd), Failure> {
        self.save(store).await?;
        let most = self.plan.source.time_range().map_or(1, Range::concurrency);
        let mut end = FolderEnd::default();
        let mut running = FuturesUnordered::new();
        let mut stops: Vec<Arc<Notify>> = Vec::new();
        let mut at = 0;
        loop {
            while running.len() < most
                && !end.is_stopping()
                && let Some(part) = left.pop_front()
            {
                let stop = Arc::new(Notify::new());
                running.push(self.window(part, at, stop.clone())?);
                stops.push(stop);
                at += 1;
            }
            let ended = tokio::select! {
                biased;
                ended = running.next() => ended,
                () = stop.notified() => {
                    end.stop();
                    stops.iter().for_each(|stop| stop.notify_one());
                    continue;
                }
            };
            let Some((part, report, exit)) = ended else { return Ok((self, end)) };
            if matches!(exit, Ok(Exit::Complete)) {
                let number = |name: &str| report.get(name).and_then(Value::as_u64);
                let records = number("records").unwrap_or_default();
                let verdict = report.get("verdict").and_then(Value::as_str).unwrap_or_default();
                let done = Done { records, verdict: verdict.to_owned() };
                self.state.done.insert(part.name, done);
                self.state.counts.add(&report);
                self.tally.done();
                self.save(store).await?;
            } else {
                end.incomplete(&part, &report, exit);
            }
        }
    }

    async fn save(&self, store: &mut dyn CheckpointStore) -> Result<(), Failure> {
        store.save(OWN, &self.state.text()?).await.map_err(Failure::from)
    }

    /// Starts the export of a window.
    fn window(
        &self,
        part: Part,
        at: usize,
        stop: Arc<Notify>,
    ) -> Result<LocalBoxFuture<'a, Ended>, Failure> {
        if let Folder::Local(folder) = self.folder {
            make(&folder.join(&part.name))?;
        }
        let destination = self.folder.file(&format!("{}/{}", part.name, self.file))?;
        let report = Arc::new(OnceLock::new());
        let window = FolderWindow {
            name: part.name.clone(),
            run: self.state.run.id.clone(),
            at,
            tally: self.tally.clone(),
            report: report.clone(),
        };
        // The state of a window says whether it is of this export.
        let start = Start::ResumeOrRestart;
        let mut plan = self.plan.of_window(&part, destination, start, window);
        let (session, shared) = (self.session, self.shared);
        Ok(Box::pin(async move {
            let stop = OnceCell::from(stop);
            let exit = Box::pin(run_one(&mut plan, session, Some(shared), &stop)).await;
            let report = report.get().cloned().unwrap_or_default();
            (part, report, exit)
        }))
    }
}
