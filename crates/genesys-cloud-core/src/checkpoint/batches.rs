//! A list in batches, each of which is told to be done.

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

/// A list that can be gone on with: a [`Paginator`] or a [`Windows`].
pub trait Resumable:
    Stream<Item = Result<Self::Of, Error>> + Unpin + Sized + sealed::Sealed
{
    /// What it is a list of.
    type Of;

    #[doc(hidden)]
    fn go_on(&mut self, checkpoint: &Checkpoint);

    #[doc(hidden)]
    fn place(&self) -> Result<Checkpoint, Error>;

    /// The jobs that were submitted, as far as they are still needed.
    #[doc(hidden)]
    fn jobs(&self) -> Vec<SavedJob>;

    /// An earlier place, which knows those jobs too.
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
    type Of = T;

    fn go_on(&mut self, checkpoint: &Checkpoint) {
        self.start_at(checkpoint.list().cloned(), checkpoint.made());
    }

    fn place(&self) -> Result<Checkpoint, Error> {
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
    type Of = T;

    fn go_on(&mut self, checkpoint: &Checkpoint) {
        self.start_at(checkpoint.into());
    }

    fn place(&self) -> Result<Checkpoint, Error> {
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
    type Of = NestedItem<P, C>;

    fn go_on(&mut self, checkpoint: &Checkpoint) {
        self.start_at(checkpoint.tree().cloned(), checkpoint.made());
    }

    fn place(&self) -> Result<Checkpoint, Error> {
        self.checkpoint()
    }

    fn jobs(&self) -> Vec<SavedJob> {
        self.saved_jobs()
    }

    /// Jobs of lists that were opened since are not known there, and are submitted again.
    fn checkpoint_with_jobs(&self, earlier: &Checkpoint) -> Result<Checkpoint, Error> {
        match earlier.tree() {
            Some(earlier) => self.knowing(earlier).map(Checkpoint::of_tree),
            None => self.checkpoint(),
        }
    }
}

/// A job has been submitted.
struct NewJob;

/// Whether a list has a job that is not among those that were noted.
fn has_new_job<L: Resumable>(list: &L, noted: &[SavedJob]) -> bool {
    list.jobs().iter().any(|job| !noted.iter().any(|known| known.is_same(job)))
}

/// A list in batches whose checkpoint is saved when the caller says that a batch is done; from
/// [`Paginator::checkpointed`] and [`Windows::checkpointed`].
///
/// It begins where the last run got to: with the first item after the last batch that was committed. So each
/// item comes at least once, and comes again if the process ended between what was done with it and the
/// commit. Where what was done can be undone, it is exactly once: keep in the [note](Batch::commit_with) how
/// far the output reached, and cut it there on the next start.
///
/// The id of a job is saved as soon as it is known, even while a batch is partly filled, so that the next run waits
/// for the same job.
///
/// The futures of [`try_next`](Self::try_next) and [`Batch::commit`] can be dropped at any time: the next call of `try_next`
/// continues there, and completes a commit that was dropped.
///
/// Once the list has ended and its last batch is committed, the checkpoint says so: another run finds nothing
/// to do, until it is [cleared](Self::clear).
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
#[must_use = "nothing is read until a batch is asked for"]
pub struct Checkpointed<L: Resumable> {
    list: L,
    store: Box<dyn CheckpointStore>,
    key: String,
    every: usize,
    /// What is in the store: the place before the batch.
    saved: Option<Checkpoint>,
    is_loaded: bool,
    /// The place before the first batch, while nothing is in the store.
    begun: Option<Checkpoint>,
    batch: Vec<L::Of>,
    /// The jobs that the checkpoint in the store knows of.
    noted: Vec<SavedJob>,
    /// Whether the batch has been handed out, and not been committed.
    is_out: bool,
    /// The place after the batch, from when its commit begins until it is in the store.
    committing: Option<Checkpoint>,
    /// What follows the batch that was cut short by it.
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
            begun: None,
            batch: Vec::new(),
            noted: Vec::new(),
            is_out: false,
            committing: None,
            error: None,
        }
    }

    /// Loads the checkpoint, if it has not been, and gives what is in the store: `None` where nothing is. The
    /// first batch does so by itself.
    ///
    /// # Errors
    /// When the store can't be read ([`ErrorKind::CheckpointStore`](crate::ErrorKind::CheckpointStore)), or another
    /// process uses the key ([`ErrorKind::CheckpointInUse`](crate::ErrorKind::CheckpointInUse)).
    pub async fn load(&mut self) -> Result<Option<&Checkpoint>, Error> {
        if !self.is_loaded {
            let text = self.store.load(&self.key).await?;
            self.saved = text.map(|text| text::read(&text)).transpose().map_err(|why| {
                let location = self.store.location(&self.key);
                Error::checkpoint_store(format!("can't read {location}: {why}"))
            })?;
            if let Some(saved) = &self.saved {
                self.list.go_on(saved);
                self.noted = saved.jobs().into_iter().cloned().collect();
            }
            self.is_loaded = true;
        }
        Ok(self.saved.as_ref())
    }

    /// The next batch, of as many items as were asked for; the last one may hold less, and so may one that an
    /// error follows. `None` at the end.
    ///
    /// A batch that was not committed comes again.
    ///
    /// # Errors
    /// When the next page can't be had, and the next call asks for it again; and those of
    /// [`load`](Self::load) and [`Batch::commit`].
    pub async fn try_next(&mut self) -> Result<Option<Batch<'_, L>>, Error> {
        self.load().await?;
        self.finish_commit().await?;
        if !self.is_out {
            self.gather().await?;
            if self.batch.is_empty() {
                if let Some(error) = self.error.take() {
                    return Err(error);
                }
                self.note_end().await?;
                return Ok(None);
            }
            self.is_out = true;
        }
        Ok(Some(Batch { of: self }))
    }

    async fn gather(&mut self) -> Result<(), Error> {
        if self.batch.is_empty() && self.saved.is_none() {
            self.begun = Some(self.list.place()?);
        }
        while self.error.is_none() && self.batch.len() < self.every {
            let (list, noted) = (&mut self.list, &self.noted);
            let next = poll_fn(|cx| match list.poll_next_unpin(cx) {
                Poll::Pending if has_new_job(list, noted) => Poll::Ready(Err(NewJob)),
                Poll::Pending => Poll::Pending,
                Poll::Ready(next) => Poll::Ready(Ok(next)),
            });
            match next.await {
                Ok(Some(Ok(item))) => self.batch.push(item),
                Ok(Some(Err(error))) => self.error = Some(error),
                Ok(None) => break,
                Err(NewJob) => self.note_jobs().await?,
            }
        }
        match has_new_job(&self.list, &self.noted) {
            true => self.note_jobs().await,
            false => Ok(()),
        }
    }

    /// Saves the ids of jobs: they may take hours. The place that is saved with them is the one before the batch.
    async fn note_jobs(&mut self) -> Result<(), Error> {
        let before = self.saved.as_ref().or(self.begun.as_ref());
        let place = match before.filter(|_| !self.batch.is_empty()) {
            Some(before) => self.list.checkpoint_with_jobs(before)?,
            None => self.list.place()?,
        };
        let note = self.saved.as_ref().and_then(Checkpoint::note).map(str::to_owned);
        let jobs = self.list.jobs();
        self.save(place.with_note(note)).await?;
        self.noted = jobs;
        Ok(())
    }

    /// Saves that the batch is done, if that has begun.
    async fn finish_commit(&mut self) -> Result<(), Error> {
        if let Some(place) = &self.committing {
            self.store.save(&self.key, &text::write(place)?).await?;
            self.saved = self.committing.take();
            self.noted = self.list.jobs();
            self.batch.clear();
            self.is_out = false;
        }
        Ok(())
    }

    /// Saves that the list has ended, where that was not known when its last batch was committed.
    async fn note_end(&mut self) -> Result<(), Error> {
        let was_noted = self.saved.as_ref().is_some_and(Checkpoint::is_complete);
        let place = self.list.place()?;
        if place.is_complete() && !was_noted {
            let note = self.saved.as_ref().and_then(Checkpoint::note).map(str::to_owned);
            self.save(place.with_note(note)).await?;
        }
        Ok(())
    }

    async fn save(&mut self, checkpoint: Checkpoint) -> Result<(), Error> {
        self.store.save(&self.key, &text::write(&checkpoint)?).await?;
        self.saved = Some(checkpoint);
        Ok(())
    }

    /// What is in the store, as far as it is known.
    pub fn saved(&self) -> Option<&Checkpoint> {
        self.saved.as_ref()
    }

    /// The list, such as for its report.
    pub const fn list(&self) -> &L {
        &self.list
    }

    /// Removes the checkpoint, so that the next run reads the list from its beginning.
    ///
    /// # Errors
    /// When the store can't be written.
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

/// Some items of a list, until they are committed; from [`Checkpointed::try_next`]. Dropped without, they come
/// again.
#[must_use = "a batch that is not committed comes again"]
pub struct Batch<'a, L: Resumable> {
    of: &'a mut Checkpointed<L>,
}

impl<L: Resumable> Batch<'_, L> {
    /// The items. There is one at least.
    pub fn items(&self) -> &[L::Of] {
        &self.of.batch
    }

    /// Saves that all items up to the last of this batch are done. If the future is dropped before that, the next
    /// call of [`Checkpointed::try_next`] does it.
    ///
    /// # Errors
    /// When the store can't be written. Whether it was then is not known, and the batch comes again.
    pub async fn commit(self) -> Result<(), Error> {
        self.save(None).await
    }

    /// The same, with a note of your own that is saved with it, such as how far the output reaches: see
    /// [`Checkpoint::note`].
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn commit_with(self, note: impl Into<String>) -> Result<(), Error> {
        self.save(Some(note.into())).await
    }

    async fn save(self, note: Option<String>) -> Result<(), Error> {
        self.of.committing = Some(self.of.list.place()?.with_note(note));
        let saved = self.of.finish_commit().await;
        if saved.is_err() {
            self.of.committing = None;
        }
        saved
    }
}

impl<L: Resumable> fmt::Debug for Batch<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("items", &self.of.batch.len()).finish_non_exhaustive()
    }
}

impl<T> Paginator<T> {
    /// The list in batches of so many items, which begins where the last run got to: its checkpoint is in the
    /// store under this key, and is saved when a batch is committed. See [`Checkpointed`].
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
    /// The range in batches of so many items: see [`Paginator::checkpointed`].
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
    /// The tree in batches of this many items: see [`Paginator::checkpointed`].
    pub fn checkpointed(
        self,
        store: impl CheckpointStore + 'static,
        key: impl Into<String>,
        every: usize,
    ) -> Checkpointed<Self> {
        Checkpointed::new(self, store, key.into(), every)
    }
}
