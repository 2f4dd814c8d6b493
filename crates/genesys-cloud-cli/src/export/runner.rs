//! The loop of an export: records go from the list to the output, and progress is saved.

use std::time::{Duration, Instant};

use futures::FutureExt as _;
use genesys_cloud_core::{Checkpoint, Client};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::advice::Remainder;
use super::pace::Pace;
use super::plan::{Plan, Records, Source};
use super::reader::{Next, Raw, Reader};
use super::rejects::{self, Rejects};
use super::state::{Run, State, discarded};
use super::{keeper_of, unwritten};
use crate::failure::{Exit, Failure, Lost};
use crate::reporter::{Reporter, grouped};
use crate::saved_jobs::{JobStore, StoredJob};
use crate::sinks::{Keeper, Sink};
use crate::tags::Way;

/// How many bytes of records a batch has at the most, but for its last record.
const MOST_BYTES: usize = 2 << 20;

/// Commits of the sink and of the file of rejected records.
type Saved = (Value, Option<rejects::Committed>);

/// How the reading ended.
pub(super) enum Read {
    End,
    /// The user has stopped it.
    Stopped,
}

/// An export that runs.
pub(super) struct Runner<'a> {
    plan: &'a Plan,
    records: &'a Records,
    jobs: &'a JobStore,
    client: &'a Client,
    run: &'a Run,
    pub(super) reader: Reader,
    pub(super) sink: Box<dyn Sink>,
    pub(super) keeper: Option<Box<dyn Keeper>>,
    pub(super) rejects: Rejects,
    /// The jobs that the API works on, or whose results are read.
    pub(super) stored: Vec<StoredJob>,
    /// Whether there is a state to go on from.
    pub(super) saved: bool,
    /// The jobs that there were when they were saved last.
    known: Vec<String>,
    /// How often it is saved.
    pace: Pace,
    /// Whether the last batch was not saved yet.
    is_unsaved: bool,
    /// What was saved last, where jobs may be submitted later.
    last: Option<(Checkpoint, Value, Option<rejects::Committed>)>,
    /// Behind how many records it goes on, until that is told.
    resumed: Option<u64>,
}

impl<'a> Runner<'a> {
    /// One that begins, or goes on from a checkpoint.
    pub(super) fn new(
        (plan, records): (&'a Plan, &'a Records),
        jobs: &'a JobStore,
        client: &'a Client,
        run: &'a Run,
        reader: Reader,
        (sink, rejects): (Box<dyn Sink>, Rejects),
        keeper: Option<Box<dyn Keeper>>,
        from: Option<&State>,
    ) -> Self {
        let last = from.map(|it| (it.checkpoint.clone(), it.sink.clone(), it.rejects.clone()));
        let from = from.map(|state| &state.checkpoint);
        Self {
            plan,
            records,
            jobs,
            client,
            run,
            reader,
            sink,
            keeper,
            rejects,
            stored: from.map(|it| stored(it, client)).unwrap_or_default(),
            saved: from.is_some(),
            known: Vec::new(),
            pace: Pace::new(),
            is_unsaved: false,
            last,
            resumed: from.map(Checkpoint::items),
        }
    }

    /// Reads to the end, to an error, or until the user stops it. What was read by then is written.
    pub(super) async fn read(
        &mut self,
        reporter: &Reporter,
        stop: &Notify,
    ) -> Result<Read, Failure> {
        let Source { entry, reading, .. } = &self.plan.source;
        let size = self.records.batch;
        let mut batch: Vec<Raw> = Vec::with_capacity(size.min(10_000));
        let mut bytes = 0;
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        let progress = |reader: &Reader| reader.progress(entry, reading.limit);
        loop {
            let mut next = tokio::select! {
                biased;
                next = self.reader.next(&self.known) => match next {
                    Next::Record(next) => Some(next),
                    Next::Job => {
                        self.save_new_jobs(&mut batch, reporter).await?;
                        continue;
                    }
                },
                () = stop.notified() => None,
                _ = tick.tick() => {
                    self.report_resumed(reporter);
                    reporter.progress(|| progress(&self.reader));
                    if self.is_unsaved && self.pace.is_due() && self.write(&mut batch).await? {
                        bytes = 0;
                        reporter.event("saved", || json!({ "records": self.reader.read().records }));
                    }
                    continue;
                }
            };
            if let Some(Ok(_)) = next {
                self.report_resumed(reporter);
            }
            if let Some(Ok(Some(record))) = next {
                let record = record.into_json().map_err(|error| {
                    Failure::new(Exit::Failed, format!("a record can't be read: {error}"))
                })?;
                bytes += record.get().len();
                batch.push(record);
                if batch.len() < size && bytes < MOST_BYTES {
                    continue;
                }
                bytes = 0;
                if self.write(&mut batch).await? {
                    reporter.event("saved", || json!({ "records": self.reader.read().records }));
                }
                reporter.progress(|| progress(&self.reader));
                // Where the output is slower than the API, the next record is always there already.
                if stop.notified().now_or_never().is_none() {
                    continue;
                }
                next = None;
            }
            let ended = match next {
                Some(Err(error)) => Err(Failure::of_call(&error, Some(self.plan.source.entry))),
                Some(Ok(_)) => Ok(Read::End),
                None => Ok(Read::Stopped),
            };
            let lost = ended.as_ref().err().and_then(Failure::lost);
            if lost == Some(Lost::Status) && self.reader.read().records == 0 {
                self.discard().await?;
                return ended;
            }
            // Where nothing has come, there is nothing to go on from: the next run begins by itself.
            let has_come =
                self.saved || self.reader.read().records > 0 || !self.reader.jobs().is_empty();
            if has_come || matches!(ended, Ok(Read::End)) {
                self.put_records(&batch).await?;
                let committed = self.sink.commit_last().await.map_err(unwritten)?;
                self.keep(committed).await?;
            }
            return ended;
        }
    }

    /// Tells once that it goes on behind what an earlier run had read, now that this is known to be possible.
    fn report_resumed(&mut self, reporter: &Reporter) {
        let Some(records) = self.resumed.take() else { return };
        let text = format!("resumes after {} records", grouped(records));
        let operation = &self.plan.source.entry.id;
        reporter.say("resume", &text, json!({ "operation": operation, "records": records }));
    }

    /// What is left of the export for another run.
    pub(super) fn remainder(&self) -> Remainder {
        let checkpoint = self.reader.checkpoint().ok();
        Remainder {
            is_saved: self.saved,
            has_records: checkpoint.as_ref().is_some_and(|it| it.items() > 0),
            has_jobs: checkpoint.as_ref().is_some_and(|it| !it.jobs().is_empty()),
            is_range: self.plan.source.range.is_some(),
        }
    }

    /// Leaves nothing that could be in the way of another run.
    async fn discard(&mut self) -> Result<(), Failure> {
        let keeper = keeper_of(&mut self.keeper, &mut self.sink);
        let state = match keeper {
            Some(keeper) => keeper.load().await.map_err(unwritten)?,
            None => None,
        };
        if let Some(state) = state {
            if let Some(discarded) = discarded(&state) {
                self.sink.discard(&discarded.sink).await.map_err(unwritten)?;
            }
            if let Some(keeper) = keeper_of(&mut self.keeper, &mut self.sink) {
                keeper.clear().await.map_err(unwritten)?;
            }
        }
        self.rejects.discard();
        self.stored.iter().try_for_each(|job| self.jobs.remove(job))?;
        self.saved = false;
        Ok(())
    }

    /// Writes a batch, and saves how far it is, unless it is too early for that. Whether it was saved is returned.
    async fn write(&mut self, batch: &mut Vec<Raw>) -> Result<bool, Failure> {
        self.put_records(batch).await?;
        batch.clear();
        self.is_unsaved = !self.pace.is_due();
        if self.is_unsaved {
            return Ok(false);
        }
        let began = Instant::now();
        let saved = self.save().await?;
        self.pace.saved(began);
        Ok(saved)
    }

    /// Writes records, and those that do not fit to their file.
    async fn put_records(&mut self, batch: &[Raw]) -> Result<(), Failure> {
        self.sink.write(batch).await.map_err(unwritten)?;
        self.rejects.add(&self.sink.rejected())
    }

    /// Saves how far it is, if the sink can come back to here: nothing may have been read that is not written.
    async fn save(&mut self) -> Result<bool, Failure> {
        let committed = self.sink.commit().await.map_err(unwritten)?;
        self.keep(committed).await
    }

    /// Saves how far it is, if the sink has committed that.
    async fn keep(&mut self, committed: Option<Value>) -> Result<bool, Failure> {
        let Some(sink) = committed else { return Ok(false) };
        let checkpoint = self.checkpoint()?;
        // Before that is saved: of a job that no state knows, no later run would do so.
        self.remove_all_but(&checkpoint)?;
        let rejects = self.rejects.commit()?;
        self.put(checkpoint, (sink, rejects)).await?;
        Ok(true)
    }

    /// Saves the jobs, where the sink can't come back to here: with the place that it can come back to.
    async fn save_jobs(&mut self) -> Result<(), Failure> {
        let Some((earlier, sink, rejects)) = &self.last else {
            let committed = self.sink.commit_last().await.map_err(unwritten)?;
            return self.keep(committed).await.map(drop);
        };
        let place = self.reader.knowing_jobs(earlier);
        let place =
            place.map_err(|error| Failure::of_call(&error, Some(self.plan.source.entry)))?;
        let saved = (sink.clone(), rejects.clone());
        self.put(place, saved).await
    }

    /// Saves a place in the list, and the commit of the sink that belongs to it.
    async fn put(&mut self, checkpoint: Checkpoint, saved: Saved) -> Result<(), Failure> {
        let verdict = self.reader.read().verdict;
        let Some(keeper) = keeper_of(&mut self.keeper, &mut self.sink) else { return Ok(()) };
        let state = State::new((self.plan, self.records), self.run, checkpoint, saved, &verdict);
        let text = state.text()?;
        let is_of_job = matches!(self.plan.source.way, Way::Job(_));
        let saved = keeper.save(&text).await;
        drop(text);
        let Err(error) = saved else {
            self.saved = true;
            self.last = is_of_job.then_some((state.checkpoint, state.sink, state.rejects));
            return Ok(());
        };
        // Nobody will resume from here, so that what a bucket has of it would stay for ever.
        if error.is_taken() || !self.saved && !error.is_transient() {
            self.saved = false;
            self.sink.discard(&state.sink).await.map_err(unwritten)?;
        }
        Err(unwritten(error))
    }

    fn checkpoint(&self) -> Result<Checkpoint, Failure> {
        let checkpoint = self.reader.checkpoint();
        checkpoint.map_err(|error| Failure::of_call(&error, Some(self.plan.source.entry)))
    }

    /// Keeps the jobs that the API works on: it may do so for hours, and they are not to be submitted twice.
    async fn save_new_jobs(
        &mut self,
        batch: &mut Vec<Raw>,
        reporter: &Reporter,
    ) -> Result<(), Failure> {
        self.known = self.reader.jobs();
        // Where each page is another job, checkpoints have none.
        if matches!(&self.plan.source.way, Way::Job(family) if family.is_job_per_page()) {
            return Ok(());
        }
        let checkpoint = self.checkpoint()?;
        self.remove_all_but(&checkpoint)?;
        // The state is of both the list and the output.
        self.put_records(batch).await?;
        batch.clear();
        if !self.save().await? {
            self.save_jobs().await?;
        }
        let stored = stored(&checkpoint, self.client);
        stored.iter().try_for_each(|job| self.jobs.save(job))?;
        let before = std::mem::replace(&mut self.stored, stored);
        let is_new = |job: &&StoredJob| before.iter().all(|it| it.job.id() != job.job.id());
        for job in self.stored.iter().filter(is_new) {
            let operation = &self.plan.source.entry.id;
            reporter.event("job", || json!({ "operation": operation, "id": job.job.id() }));
        }
        Ok(())
    }

    /// Forgets the jobs of which nothing is left to do.
    fn remove_all_but(&mut self, checkpoint: &Checkpoint) -> Result<(), Failure> {
        let is_left =
            |job: &StoredJob| checkpoint.jobs().iter().any(|left| left.id() == job.job.id());
        let (left, done) = std::mem::take(&mut self.stored).into_iter().partition(is_left);
        self.stored = left;
        let done: Vec<StoredJob> = done;
        done.iter().try_for_each(|job| self.jobs.remove(job))
    }
}

/// The jobs that a checkpoint knows.
pub(super) fn stored(checkpoint: &Checkpoint, client: &Client) -> Vec<StoredJob> {
    let jobs = checkpoint.jobs().into_iter();
    jobs.map(|job| StoredJob::new(client, job.clone())).collect()
}
