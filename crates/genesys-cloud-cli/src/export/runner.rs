//! The main loop of an export: writes records to the output and saves progress.

use std::time::{Duration, Instant};

use futures::FutureExt as _;
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{Checkpoint, CheckpointStore, Client, SavedJob};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::added_fields::AddedFields;
use super::advice::Remainder;
use super::downloads::Downloads;
use super::pace::Pace;
use super::plan::{Delivery, Plan};
use super::previous::{key, store_of};
use super::reader::{Next, Raw, Reader};
use super::rejects;
use super::state::{Delivered, DeliveredRecords, Run, State};
use super::target::Target;
use crate::failure::{Failure, Lost};
use crate::reporter::{Reporter, grouped};
use crate::saved_jobs::StoredJob;
use crate::session::Session;
use crate::settings::Start;

/// A batch ends once its records have this many bytes of JSON.
const MOST_BYTES: usize = 2 << 20;

/// Commits of the sink and of the file of rejected records.
type Commits = (Value, Option<rejects::Committed>);

/// Why reading ended.
pub(super) enum ReadEnd {
    End,
    /// The user interrupted it.
    Stopped,
}

/// A running export.
pub(super) struct Runner<'a> {
    plan: &'a Plan,
    session: &'a Session,
    client: &'a Client,
    run: &'a Run,
    pub(super) reader: Reader,
    pub(super) target: Target,
    pub(super) store: Option<Box<dyn CheckpointStore>>,
    /// Jobs that are running, or whose results are being read.
    pub(super) stored: Vec<StoredJob>,
    /// Whether a state is saved.
    pub(super) is_saved: bool,
    /// Whether this run has resumed a state.
    is_resumed: bool,
    /// IDs of the jobs in the last saved state.
    known: Vec<String>,
    batch: Batch,
    /// When to save the state.
    pace: Pace,
    /// Whether the last batch is written but not saved.
    is_unsaved: bool,
    /// The last saved checkpoint and commits, if jobs may be submitted later.
    last: Option<(Checkpoint, Commits)>,
    /// Fetches the files that records refer to.
    pub(super) downloads: Option<Downloads<'a>>,
    /// Number of records before this run, until it is reported.
    resumed: Option<u64>,
}

/// Records to write.
#[derive(Default)]
struct Batch {
    records: Vec<Raw>,
    bytes: usize,
}

impl Batch {
    fn clear(&mut self) {
        self.records.clear();
        self.bytes = 0;
    }
}

impl<'a> Runner<'a> {
    /// Creates an export that starts, or resumes from a state.
    pub(super) fn new(
        plan: &'a Plan,
        session: &'a Session,
        client: &'a Client,
        run: &'a Run,
        (target, store): (Target, Option<Box<dyn CheckpointStore>>),
        from: Option<&State>,
    ) -> Self {
        let added = match &plan.delivery {
            Delivery::Records(records) => AddedFields::new(&plan.source, &records.with, run),
            Delivery::Files => AddedFields::default(),
        };
        let reader = Reader::new(client, &plan.source, added, from.map(State::position));
        let last = from.and_then(|state| match &state.delivered {
            Delivered::Records(it) => {
                Some((it.checkpoint.clone(), (it.sink.clone(), it.rejects.clone())))
            }
            Delivered::Files(_) => None,
        });
        Self {
            plan,
            session,
            client,
            run,
            reader,
            target,
            store,
            stored: from.map(|state| stored(&state.jobs(), client)).unwrap_or_default(),
            is_saved: from.is_some(),
            is_resumed: from.is_some(),
            known: Vec::new(),
            batch: Batch::default(),
            pace: Pace::new(),
            is_unsaved: false,
            last,
            downloads: None,
            resumed: from.map(State::records),
        }
    }

    /// Reads to the end, to an error, or until interrupted. Writes everything read until then.
    pub(super) async fn read(&mut self, stop: &Notify) -> Result<ReadEnd, Failure> {
        let ended = self.deliver(stop).await?;
        let lost = ended.as_ref().err().and_then(Failure::lost);
        if lost == Some(Lost::Status) && self.reader.read().records == 0 {
            self.discard().await?;
            return ended;
        }
        if matches!(self.target, Target::Files(_)) {
            // Resuming a failed job fails again.
            let is_gone = matches!(lost, Some(Lost::Job | Lost::Place)) && self.is_resumed;
            return match is_gone && self.plan.start == Start::ResumeOrRestart {
                true => ended.map_err(Failure::of_earlier_run),
                false => ended,
            };
        }
        // The user does not wait for the files of the last records, which the next run reads again.
        let has_files = self.downloads.is_some() && !self.batch.records.is_empty();
        if has_files && matches!(ended, Ok(ReadEnd::Stopped)) {
            return ended;
        }
        // If nothing was read, there is nothing to resume.
        let has_read =
            self.is_saved || self.reader.read().records > 0 || !self.reader.jobs().is_empty();
        if has_read || matches!(ended, Ok(ReadEnd::End)) {
            self.put_records().await?;
            let committed = self.commit(true).await?;
            self.save(committed).await?;
        }
        ended
    }

    /// Delivers records until reading ends. The outer error is one of the output, the inner one of reading.
    async fn deliver(&mut self, stop: &Notify) -> Result<Result<ReadEnd, Failure>, Failure> {
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        loop {
            let may_stop = self.reader.may_stop();
            let next = tokio::select! {
                biased;
                next = self.reader.next(&self.known) => next,
                () = stop.notified(), if may_stop => return Ok(Ok(ReadEnd::Stopped)),
                _ = tick.tick() => {
                    self.report_resumed();
                    self.report_progress();
                    if self.is_unsaved && self.pace.is_due() {
                        self.write_batch().await?;
                    }
                    continue;
                }
            };
            let next = match next {
                Ok(next) => next,
                Err(failure) => return Ok(Err(failure)),
            };
            let has_written = match next {
                Next::Job => {
                    self.save_new_jobs().await?;
                    continue;
                }
                Next::End => {
                    self.report_resumed();
                    return Ok(Ok(ReadEnd::End));
                }
                Next::Record(record) => {
                    self.report_resumed();
                    self.add_record(record).await?
                }
                Next::File(part) => {
                    self.report_resumed();
                    self.target.file(&part)?;
                    true
                }
            };
            // If the output is slower than the API, `select!` always finds a record and never the signal.
            if has_written && stop.notified().now_or_never().is_some() {
                return Ok(Ok(ReadEnd::Stopped));
            }
        }
    }

    /// Adds a record to the batch and writes the batch if it is full. Returns whether it was written.
    async fn add_record(&mut self, record: Raw) -> Result<bool, Failure> {
        self.batch.bytes += record.get().len();
        self.batch.records.push(record);
        let Delivery::Records(records) = &self.plan.delivery else { return Ok(false) };
        if self.batch.records.len() < records.batch && self.batch.bytes < MOST_BYTES {
            return Ok(false);
        }
        self.write_batch().await?;
        self.report_progress();
        Ok(true)
    }

    fn reporter(&self) -> &'a Reporter {
        &self.session.reporter
    }

    fn report_progress(&self) {
        if let Target::Records(_) = self.target {
            let limit = self.plan.source.reading.limit;
            self.reporter().progress(|| {
                let progress = self.reader.progress(limit);
                match &self.plan.window {
                    Some(window) => window.progress(progress),
                    None => progress,
                }
            });
        }
    }

    /// Reports once that the export resumes, after the first page has shown that it can.
    fn report_resumed(&mut self) {
        let Some(records) = self.resumed.take() else { return };
        let text = match self.reader.job() {
            Some(job) => format!("resuming job {}", job.id().unwrap_or_default()),
            None => format!("resuming after {} records", grouped(records)),
        };
        let operation = &self.plan.source.entry.id;
        let facts = json!({ "operation": operation, "records": records });
        self.reporter().say("resume", &text, facts);
    }

    /// Returns what remains of the export for another run.
    pub(super) fn remainder(&self) -> Remainder {
        let checkpoint = self.reader.checkpoint().ok().flatten();
        Remainder {
            is_saved: self.is_saved,
            has_records: checkpoint.as_ref().is_some_and(|it| it.items() > 0),
            has_jobs: checkpoint.is_some_and(|it| !it.jobs().is_empty())
                || self.reader.job().is_some(),
            is_range: self.plan.source.range.is_some(),
        }
    }

    /// Discards the state and the output, so that another run can start.
    async fn discard(&mut self) -> Result<(), Failure> {
        let text = match store_of(&mut self.store, &mut self.target) {
            Some(store) => store.load(&key(self.plan)).await?,
            None => None,
        };
        if let Some(text) = text {
            if let Some(state) = State::discarded(&text) {
                self.target.discard(&state).await?;
            }
            if let Some(store) = store_of(&mut self.store, &mut self.target) {
                store.clear(&key(self.plan)).await?;
            }
        }
        if let Target::Records(target) = &mut self.target {
            target.rejects.discard();
        }
        self.stored.iter().try_for_each(|job| self.session.jobs.remove(job))?;
        self.is_saved = false;
        Ok(())
    }

    /// Writes the batch, and saves progress if that is due.
    async fn write_batch(&mut self) -> Result<(), Failure> {
        self.put_records().await?;
        self.is_unsaved = !self.pace.is_due();
        if self.is_unsaved {
            return Ok(());
        }
        let began = Instant::now();
        let committed = self.commit(false).await?;
        let is_saved = self.save(committed).await?;
        self.pace.saved(began);
        if is_saved {
            self.reporter().event("saved", || json!({ "records": self.reader.read().records }));
        }
        Ok(())
    }

    /// Writes the batch.
    async fn put_records(&mut self) -> Result<(), Failure> {
        // A committed record has its files.
        if let Some(downloads) = &mut self.downloads {
            downloads.fetch(&self.batch.records).await?;
        }
        if let Target::Records(target) = &mut self.target {
            target.write(&self.batch.records).await?;
        }
        self.batch.clear();
        Ok(())
    }

    /// Commits the written records, if the sink can resume from here. `is_last`: this run writes nothing more.
    async fn commit(&mut self, is_last: bool) -> Result<Option<Value>, Failure> {
        match &mut self.target {
            Target::Records(target) => target.commit(is_last).await,
            Target::Files(_) => Ok(None),
        }
    }

    /// Saves progress if the sink has committed. All records read so far must be written.
    async fn save(&mut self, committed: Option<Value>) -> Result<bool, Failure> {
        // Making a checkpoint takes time.
        let Some(sink) = committed else { return Ok(false) };
        let Some(checkpoint) = self.reader.checkpoint()? else { return Ok(false) };
        // Remove jobs before saving the state: no later run knows them.
        self.remove_all_but(&jobs(&checkpoint))?;
        let rejects = match &mut self.target {
            Target::Records(target) => target.rejects.commit()?,
            Target::Files(_) => None,
        };
        self.put_checkpoint(checkpoint, (sink, rejects)).await?;
        Ok(true)
    }

    /// Saves the jobs with the last position that the sink can resume from.
    async fn save_jobs(&mut self) -> Result<(), Failure> {
        let Some((earlier, commits)) = self.last.clone() else {
            let committed = self.commit(true).await?;
            return self.save(committed).await.map(drop);
        };
        let checkpoint = self.reader.knowing_jobs(&earlier)?;
        self.put_checkpoint(checkpoint, commits).await
    }

    /// Saves a checkpoint and the commits that belong to it.
    async fn put_checkpoint(
        &mut self,
        checkpoint: Checkpoint,
        commits: Commits,
    ) -> Result<(), Failure> {
        let Delivery::Records(records) = &self.plan.delivery else { return Ok(()) };
        let is_of_job = self.plan.source.lists().any(|it| matches!(it.kind, OperationKind::Job(_)));
        let last = is_of_job.then(|| (checkpoint.clone(), commits.clone()));
        let verdict = self.reader.read().verdict;
        let delivered = DeliveredRecords::new(self.plan, records, checkpoint, commits, &verdict);
        self.put(Delivered::Records(Box::new(delivered))).await?;
        self.last = last;
        Ok(())
    }

    /// Saves the state.
    async fn put(&mut self, delivered: Delivered) -> Result<(), Failure> {
        let Some(store) = store_of(&mut self.store, &mut self.target) else { return Ok(()) };
        let state = State::new(self.plan, self.run, delivered);
        let text = state.text()?;
        let saved = store.save(&key(self.plan), &text).await;
        drop(text);
        let Err(error) = saved else {
            self.is_saved = true;
            return Ok(());
        };
        // No run will resume from here, so an unfinished upload would stay forever.
        if error.is_conflict() || !self.is_saved && !error.is_unavailable() {
            self.is_saved = false;
            self.target.discard(&state).await?;
        }
        Err(error.into())
    }

    /// Saves the running jobs. They may take hours, and must not be submitted twice.
    async fn save_new_jobs(&mut self) -> Result<(), Failure> {
        self.known = self.reader.jobs();
        let jobs = match self.reader.checkpoint()? {
            // If each page is a separate job, checkpoints contain no jobs.
            Some(_) if self.has_job_per_page() => return Ok(()),
            Some(checkpoint) => {
                let jobs = jobs(&checkpoint);
                self.remove_all_but(&jobs)?;
                // The state describes both the list and the output.
                self.put_records().await?;
                let committed = self.commit(false).await?;
                if !self.save(committed).await? {
                    self.save_jobs().await?;
                }
                jobs
            }
            None => self.reader.job().into_iter().cloned().collect(),
        };
        let stored = stored(&jobs, self.client);
        stored.iter().try_for_each(|job| self.session.jobs.save(job))?;
        if let Some(job) = self.reader.job() {
            self.put(Delivered::Files(Box::new(job.clone()))).await?;
        }
        let before = std::mem::replace(&mut self.stored, stored);
        let is_new = |job: &&StoredJob| before.iter().all(|it| it.job.id() != job.job.id());
        for job in self.stored.iter().filter(is_new) {
            let operation = &self.plan.source.entry.id;
            let facts = || json!({ "operation": operation, "id": job.job.id() });
            self.reporter().event("job", facts);
        }
        Ok(())
    }

    fn has_job_per_page(&self) -> bool {
        let is_it = |kind: &OperationKind| matches!(kind, OperationKind::Job(family) if family.is_job_per_page());
        self.plan.source.lists().any(|list| is_it(&list.kind))
    }

    /// Removes all saved jobs except `jobs`.
    fn remove_all_but(&mut self, jobs: &[SavedJob]) -> Result<(), Failure> {
        let is_left = |job: &StoredJob| jobs.iter().any(|left| left.id() == job.job.id());
        let (left, done) = std::mem::take(&mut self.stored).into_iter().partition(is_left);
        self.stored = left;
        let done: Vec<StoredJob> = done;
        done.iter().try_for_each(|job| self.session.jobs.remove(job))
    }
}

/// Returns the jobs in a checkpoint.
fn jobs(checkpoint: &Checkpoint) -> Vec<SavedJob> {
    checkpoint.jobs().into_iter().cloned().collect()
}

/// Converts jobs to the form in which other commands load them.
pub(super) fn stored(jobs: &[SavedJob], client: &Client) -> Vec<StoredJob> {
    jobs.iter().map(|job| StoredJob::new(client, job.clone())).collect()
}
