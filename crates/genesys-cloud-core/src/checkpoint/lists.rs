//! Takes checkpoints of lists and ranges, and resumes them.

use super::Checkpoint;
use crate::error::Error;
use crate::nested::Nested;
use crate::paging::{Batches, Pages, Paginator};
use crate::windows::{WindowPages, Windows, WindowsFrom};

impl<T> Paginator<T> {
    /// Continues where a checkpoint of the same call was taken, with the next item.
    ///
    /// If items of a page had been delivered, that page is read again, in the same page size, and those items are left
    /// out. The same holds for a file of results. If the items have moved meanwhile, as happens in lists by page number,
    /// the list continues after the item that was delivered last, and the verdict is
    /// [`Drifted`](crate::Verdict::Drifted). If the list has become shorter, earlier pages are read too, until one has
    /// that item ([`Report::read_again`](crate::Report::read_again)). A job that was submitted is not submitted again.
    /// Counts and verdict continue. [`limit`](Self::limit) and [`max_pages`](Self::max_pages) are those of this
    /// paginator, and count from the beginning of the list.
    ///
    /// # Errors
    /// The first poll fails before anything is sent
    /// - if the checkpoint is of another call ([`ErrorKind::CheckpointMismatch`](crate::ErrorKind::CheckpointMismatch));
    /// - if the results of its job have been deleted, or its token is known to be expired
    ///   ([`ErrorKind::StaleCheckpoint`](crate::ErrorKind::StaleCheckpoint)).
    ///
    /// A later poll fails with [`ErrorKind::StaleCheckpoint`](crate::ErrorKind::StaleCheckpoint) if the API rejects the token of the page, or no longer
    /// knows the job: see [`on_stale`](Self::on_stale).
    pub fn resume(mut self, checkpoint: &Checkpoint) -> Self {
        self.start_at(checkpoint.list().cloned(), checkpoint.made());
        self
    }

    /// How far the items have been delivered: [`resume`](Self::resume) continues from there. It can be taken at any
    /// time, also after an error and at the end.
    ///
    /// It costs no call and copies no items. Within a page, the text of the page is scanned once.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of_list(self.point())
    }
}

impl<T> Pages<T> {
    /// How far the pages have been delivered: [`resume`](Paginator::resume) continues with the next one. See
    /// [`Paginator::checkpoint`].
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of_list(self.point())
    }
}

impl<T> Batches<T> {
    /// How far the list has been delivered: up to the end of the last batch. See [`Paginator::checkpoint`].
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of_list(self.point())
    }
}

impl<T> Windows<T> {
    /// How far the items have been delivered: [`resume`](Windows::resume) continues with the next one. It can be taken
    /// at any time.
    ///
    /// # Errors
    /// When the range, the span, the overlap, or what to resume from is invalid.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        self.point().map(Checkpoint::of_range)
    }
}

impl<T> WindowPages<T> {
    /// How far the pages have been delivered: [`resume`](Windows::resume) continues with the next one. It can be taken
    /// at any time.
    ///
    /// # Errors
    /// When the range, the span, the overlap, or what to resume from is invalid.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        self.point().map(Checkpoint::of_range)
    }
}

impl<P, C> Nested<P, C> {
    /// Continues where a checkpoint of the same tree was taken, with the next item.
    ///
    /// The list of parents resumes at the first parent whose list had not ended, and each list that had been opened at its
    /// own place. If a parent whose list had been read in part is no longer listed, the verdict is
    /// [`Drifted`](crate::Verdict::Drifted).
    ///
    /// # Errors
    /// The first poll fails before anything is sent if the checkpoint is of another call
    /// ([`ErrorKind::CheckpointMismatch`](crate::ErrorKind::CheckpointMismatch)), and a later one if the lists of the
    /// parents have other parameters.
    pub fn resume(mut self, checkpoint: &Checkpoint) -> Self {
        self.start_at(checkpoint.tree().cloned(), checkpoint.made());
        self
    }

    /// How far the items have been delivered: [`resume`](Self::resume) continues with the next one. It can be taken at
    /// any time.
    ///
    /// # Errors
    /// When the parents are a range of time that is invalid, or that can't be resumed.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        self.point().map(Checkpoint::of_tree)
    }
}

impl From<&Checkpoint> for WindowsFrom {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self::saved(checkpoint.range().cloned().map(Box::new))
    }
}
