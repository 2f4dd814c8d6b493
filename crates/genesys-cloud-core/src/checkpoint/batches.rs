//! Reads a list in batches, with a checkpoint saved at each commit.

use std::fmt;
use std::future::poll_fn;
use std::task::Poll;

use futures::StreamExt as _;
use futures::stream::Stream;

use super::store::CheckpointStore;
use super::{Checkpoint, text};
use crate::error::Error;
use crate::nested::{Nested, NestedItem};
use crate::paging::Paginator;
use crate::saved_job::SavedJob;
use crate::windows::Windows;

/// A list that can be resumed from a checkpoint: a [`Paginator`], a [`Windows`] or a [`Nested`].
pub trait Resumable:
    Stream<Item = Result<Self::Record, Error>> + Unpin + Sized + sealed::Sealed
{
    /// The type of the items.
    type Record;

    #[doc(hidden)]
    fn start_from(&mut self, checkpoint: &Checkpoint);

    #[doc(hidden)]
    fn current_checkpoint(&self) -> Result<Checkpoint, Error>;

    /// The submitted jobs that are still needed.
    #[doc(hidden)]
    fn jobs(&self) -> Vec<SavedJob>;

    /// An earlier checkpoint, updated with those jobs.
    #[doc(hidden)]
    fn checkpoint_with_jobs(&self, earlier: &Checkpoint) -> Result<Checkpoint, Error>;
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for crate::paging::Paginator<T> {}
    impl<T> Sealed for crate::windows::Windows<T> {}
    impl<P, C> Sealed for crate::nested::Nested<P, C> {}
}

impl<T> Resumable for Paginator<T> {
    type Record = T;

    fn start_from(&mut self, checkpoint: &Checkpoint) {
        self.start_at(checkpoint.list().cloned(), checkpoint.made());
    }

    fn current_checkpoint(&self) -> Result<Checkpoint, Error> {
        Ok(self.checkpoint())
    }

    fn jobs(&self) -> Vec<SavedJob> {
        self.saved_job().into_iter().collect()
    }

    fn checkpoint_with_jobs(&self, earlier: &Checkpoint) -> Result<Checkpoint, Error> {
        Ok(earlier.with_job(self.saved_job()))
    }
}

impl<T> Resumable for Windows<T> {
    type Record = T;

    fn start_from(&mut self, checkpoint: &Checkpoint) {
        self.start_at(checkpoint.into());
    }

    fn current_checkpoint(&self) -> Result<Checkpoint, Error> {
        self.checkpoint()
    }

    fn jobs(&self) -> Vec<SavedJob> {
        self.saved_jobs()
    }

    fn checkpoint_with_jobs(&self, earlier: &Checkpoint) -> Result<Checkpoint, Error> {
        match earlier.range() {
            Some(earlier) => self.with_jobs(earlier).map(Checkpoint::of_range),
            None => self.checkpoint(),
        }
    }
}

impl<P, C> Resumable for Nested<P, C> {
    type Record = NestedItem<P, C>;

    fn start_from(&mut self, checkpoint: &Checkpoint) {
        self.start_at(checkpoint.tree().cloned(), checkpoint.made());
    }

    fn current_checkpoint(&self) -> Result<Checkpoint, Error> {
        self.checkpoint()
    }

    fn jobs(&self) -> Vec<SavedJob> {
        self.saved_jobs()
    }

    fn checkpoint_with_jobs(&self, earlier: &Checkpoint) -> Result<Checkpoint, Error> {
        match earlier.tree() {
            Some(earlier) => self.knowing(earlier).map(Checkpoint::of_tree),
            None => self.checkpoint(),
        }
    }
}

/// Signals that a job has been submitted.
struct NewJob;

/// Whether a list has a job that is not in the saved checkpoint.
fn has_new_job<L: Resumable>(list: &L, saved: &[SavedJob]) -> bool {
    list.jobs().iter().any(|job| !saved.iter().any(|known| known.is_same(job)))
}

/// A list in batches, whose checkpoint is saved when the caller commits a batch. From [`Paginator::checkpointed`],
/// [`Windows::checkpointed`] and [`Nested::checkpointed`].
///
/// It starts after the last committed batch. Each item is delivered at least once, and again if the process ended
/// before the commit. To process items exactly once, keep the length of the output in the [note](Batch::commit_with),
/// and truncate the output to it on the next start.
///
/// The id of a job is saved as soon as it is known, even while a batch is partly filled, so that the next run continues
/// with the same job.
///
/// The futures of [`try_next`](Self::try_next) and [`Batch::commit`] can be dropped at any time. The next call of
/// `try_next` continues from there, and completes a dropped commit.
///
/// When the list has ended and its last batch is committed, the checkpoint is complete: another run finds no items
/// until the checkpoint is [cleared](Self::clear).
///
/// ```no_run
/// # async fn example(queues: genesys_cloud_core::Paginator<serde_json::Value>)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// # fn write(_: &[serde_json::Value]) -> std::io::Result<()> { Ok(()) }
/// use genesys_cloud_core::FileStore;
///
/// let mut batches = queues.checkpointed(FileStore::new("checkpoints"), "queues", 500);
/// while let Some(batch) = batches.try_next().await? {
///     write(batch.items())?;
///     batch.commit().await?;
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is read until a batch is requested"]
pub struct Checkpointed<L: Resumable> {
    list: L,
    store: Box<dyn CheckpointStore>,
    key: String,
    every: usize,
    /// The checkpoint in the store: the position before the batch.
    saved: Option<Checkpoint>,
    is_loaded: bool,
    /// The position before the first batch, while the store is empty.
    start: Option<Checkpoint>,
    batch: Vec<L::Record>,
    /// The jobs in the stored checkpoint.
    saved_jobs: Vec<SavedJob>,
    /// Whether the batch has been yielded and not committed.
    is_delivered: bool,
    /// The position after the batch, from the start of its commit until it is stored.
    committing: Option<Checkpoint>,
    /// The error that ended the batch early. It is returned after the batch.
    error: Option<Error>,
}

impl<L: Resumable> Checkpointed<L> {
    pub(crate) fn new(
        list: L,
        store: impl CheckpointStore + 'static,
        key: String,
        every: usize,
    ) -> Self {
        Self {
            list,
            store: Box::new(store),
            key,
            every: every.max(1),
            saved: None,
            is_loaded: false,
            start: None,
            batch: Vec::new(),
            saved_jobs: Vec::new(),
            is_delivered: false,
            committing: None,
            error: None,
        }
    }

    /// Loads the checkpoint, unless it is loaded, and returns it. `None` if the store has none. The first
    /// [`try_next`](Self::try_next) calls this.
    ///
    /// # Errors
    /// If the store can't be read ([`ErrorKind::CheckpointStore`](crate::ErrorKind::CheckpointStore)), or another
    /// process uses the key ([`ErrorKind::CheckpointInUse`](crate::ErrorKind::CheckpointInUse)).
    pub async fn load(&mut self) -> Result<Option<&Checkpoint>, Error> {
        if !self.is_loaded {
            let text = self.store.load(&self.key).await?;
            self.saved = text.map(|text| text::read(&text)).transpose().map_err(|why| {
                let location = self.store.location(&self.key);
                Error::checkpoint_store(format!("can't read {location}: {why}"))
            })?;
            if let Some(saved) = &self.saved {
                self.list.start_from(saved);
                self.saved_jobs = saved.jobs().into_iter().cloned().collect();
            }
            self.is_loaded = true;
        }
        Ok(self.saved.as_ref())
    }

    /// Returns the next batch, or `None` at the end. It has the requested number of items; the last one, and one
    /// before an error, can have fewer.
    ///
    /// A batch that was not committed is returned again.
    ///
    /// # Errors
    /// If the next page can't be read; the next call requests it again. Also those of [`load`](Self::load) and
    /// [`Batch::commit`].
    pub async fn try_next(&mut self) -> Result<Option<Batch<'_, L>>, Error> {
        self.load().await?;
        self.finish_commit().await?;
        if !self.is_delivered {
            self.fill().await?;
            if self.batch.is_empty() {
                if let Some(error) = self.error.take() {
                    return Err(error);
                }
                self.save_end().await?;
                return Ok(None);
            }
            self.is_delivered = true;
        }
        Ok(Some(Batch { batches: self }))
    }

    async fn fill(&mut self) -> Result<(), Error> {
        if self.batch.is_empty() && self.saved.is_none() {
            self.start = Some(self.list.current_checkpoint()?);
        }
        while self.error.is_none() && self.batch.len() < self.every {
            let (list, saved_jobs) = (&mut self.list, &self.saved_jobs);
            let next = poll_fn(|cx| match list.poll_next_unpin(cx) {
                Poll::Pending if has_new_job(list, saved_jobs) => Poll::Ready(Err(NewJob)),
                Poll::Pending => Poll::Pending,
                Poll::Ready(next) => Poll::Ready(Ok(next)),
            });
            match next.await {
                Ok(Some(Ok(item))) => self.batch.push(item),
                Ok(Some(Err(error))) => self.error = Some(error),
                Ok(None) => break,
                Err(NewJob) => self.save_jobs().await?,
            }
        }
        match has_new_job(&self.list, &self.saved_jobs) {
            true => self.save_jobs().await,
            false => Ok(()),
        }
    }

    /// Saves the ids of jobs, because jobs can take hours. The position saved with them is the one before the batch.
    async fn save_jobs(&mut self) -> Result<(), Error> {
        let before = self.saved.as_ref().or(self.start.as_ref());
        let checkpoint = match before.filter(|_| !self.batch.is_empty()) {
            Some(before) => self.list.checkpoint_with_jobs(before)?,
            None => self.list.current_checkpoint()?,
        };
        let note = self.saved.as_ref().and_then(Checkpoint::note).map(str::to_owned);
        let jobs = self.list.jobs();
        self.save(checkpoint.with_note(note)).await?;
        self.saved_jobs = jobs;
        Ok(())
    }

    /// Completes a commit that has been started.
    async fn finish_commit(&mut self) -> Result<(), Error> {
        if let Some(checkpoint) = &self.committing {
            self.store.save(&self.key, &text::write(checkpoint)?).await?;
            self.saved = self.committing.take();
            self.saved_jobs = self.list.jobs();
            self.batch.clear();
            self.is_delivered = false;
        }
        Ok(())
    }

    /// Saves that the list is complete, if that was unknown at the last commit.
    async fn save_end(&mut self) -> Result<(), Error> {
        let is_saved = self.saved.as_ref().is_some_and(Checkpoint::is_complete);
        let checkpoint = self.list.current_checkpoint()?;
        if checkpoint.is_complete() && !is_saved {
            let note = self.saved.as_ref().and_then(Checkpoint::note).map(str::to_owned);
            self.save(checkpoint.with_note(note)).await?;
        }
        Ok(())
    }

    async fn save(&mut self, checkpoint: Checkpoint) -> Result<(), Error> {
        self.store.save(&self.key, &text::write(&checkpoint)?).await?;
        self.saved = Some(checkpoint);
        Ok(())
    }

    /// Returns the stored checkpoint, if it is loaded.
    pub fn saved(&self) -> Option<&Checkpoint> {
        self.saved.as_ref()
    }

    /// Returns the list, for example for its report.
    pub const fn list(&self) -> &L {
        &self.list
    }

    /// Removes the checkpoint, so that the next run reads the list from its start.
    ///
    /// # Errors
    /// If the store can't be written.
    pub async fn clear(mut self) -> Result<(), Error> {
        Ok(self.store.clear(&self.key).await?)
    }
}

impl<L: Resumable> fmt::Debug for Checkpointed<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpointed")
            .field("key", &self.key)
            .field("every", &self.every)
            .field("saved", &self.saved)
            .finish_non_exhaustive()
    }
}

/// A batch of items to process and commit, from [`Checkpointed::try_next`]. If it is dropped without a commit, it is
/// returned again.
#[must_use = "a batch that is not committed is returned again"]
pub struct Batch<'a, L: Resumable> {
    batches: &'a mut Checkpointed<L>,
}

impl<L: Resumable> Batch<'_, L> {
    /// Returns the items, at least one.
    pub fn items(&self) -> &[L::Record] {
        &self.batches.batch
    }

    /// Saves a checkpoint after the last item of this batch. If the future is dropped, the next call of
    /// [`Checkpointed::try_next`] completes the commit.
    ///
    /// # Errors
    /// If the store can't be written. It is then unknown whether the checkpoint was saved, and the batch is returned
    /// again.
    pub async fn commit(self) -> Result<(), Error> {
        self.save(None).await
    }

    /// Like [`commit`](Self::commit), with a note that is saved in the checkpoint, such as the length of the output.
    /// See [`Checkpoint::note`].
    ///
    /// # Errors
    /// Those of [`commit`](Self::commit).
    pub async fn commit_with(self, note: impl Into<String>) -> Result<(), Error> {
        self.save(Some(note.into())).await
    }

    async fn save(self, note: Option<String>) -> Result<(), Error> {
        let checkpoint = self.batches.list.current_checkpoint()?;
        self.batches.committing = Some(checkpoint.with_note(note));
        let saved = self.batches.finish_commit().await;
        if saved.is_err() {
            self.batches.committing = None;
        }
        saved
    }
}

impl<L: Resumable> fmt::Debug for Batch<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("items", &self.batches.batch.len()).finish_non_exhaustive()
    }
}

impl<T> Paginator<T> {
    /// Reads the list in batches of `every` items. Starts at the checkpoint in the store under this key, and saves
    /// one when a batch is committed. See [`Checkpointed`].
    pub fn checkpointed(
        self,
        store: impl CheckpointStore + 'static,
        key: impl Into<String>,
        every: usize,
    ) -> Checkpointed<Self> {
        Checkpointed::new(self, store, key.into(), every)
    }
}

impl<T> Windows<T> {
    /// Reads the range in batches of `every` items; see [`Paginator::checkpointed`].
    pub fn checkpointed(
        self,
        store: impl CheckpointStore + 'static,
        key: impl Into<String>,
        every: usize,
    ) -> Checkpointed<Self> {
        Checkpointed::new(self, store, key.into(), every)
    }
}

impl<P, C> Nested<P, C> {
    /// Reads the items in batches of `every` items; see [`Paginator::checkpointed`].
    pub fn checkpointed(
        self,
        store: impl CheckpointStore + 'static,
        key: impl Into<String>,
        every: usize,
    ) -> Checkpointed<Self> {
        Checkpointed::new(self, store, key.into(), every)
    }
}
