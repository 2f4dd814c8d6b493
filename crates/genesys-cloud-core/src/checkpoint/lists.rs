//! The checkpoint methods of lists and ranges.

use super::Checkpoint;
use crate::error::Error;
use crate::nested::Nested;
use crate::paging::{Batches, Pages, Paginator};
use crate::windows::{WindowPages, Windows, WindowsFrom};

impl<T> Paginator<T> {
    /// Resumes at the next item after a checkpoint of the same call.
    ///
    /// If a page was partly delivered, it is read again with the same page size, and the delivered items are skipped;
    /// the same applies to a result file. If items have moved meanwhile, as happens in lists with page numbers, the
    /// list continues after the last item delivered, and the verdict is [`Drifted`](crate::Verdict::Drifted). If the
    /// list has become shorter, earlier pages are read too, until one has that item
    /// ([`Report::read_again`](crate::Report::read_again)). A submitted job is not submitted again. Counts and
    /// verdict continue. [`limit`](Self::limit) and [`max_pages`](Self::max_pages) are those of this paginator, and
    /// count from the start of the list.
    ///
    /// # Errors
    /// The first poll fails before anything is sent
    /// - if the checkpoint is of another call
    ///   ([`ErrorKind::CheckpointMismatch`](crate::ErrorKind::CheckpointMismatch));
    /// - if the results of its job have been deleted, or its token is known to be expired
    ///   ([`ErrorKind::StaleCheckpoint`](crate::ErrorKind::StaleCheckpoint)).
    ///
    /// A later poll fails with [`ErrorKind::StaleCheckpoint`](crate::ErrorKind::StaleCheckpoint) if the API rejects the
    /// token of the page, or no longer knows the job; see [`on_stale`](Self::on_stale).
    pub fn resume(mut self, checkpoint: &Checkpoint) -> Self {
        self.start_at(checkpoint.list().cloned(), checkpoint.made());
        self
    }

    /// Returns a checkpoint after the last delivered item, from which to [`resume`](Self::resume). It can be taken at
    /// any time, including after an error and at the end.
    ///
    /// This makes no call and copies no items. Within a page, it scans the text of the page once.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of_list(self.point())
    }
}

impl<T> Pages<T> {
    /// Returns a checkpoint after the last delivered page. See [`Paginator::checkpoint`].
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of_list(self.point())
    }
}

impl<T> Batches<T> {
    /// Returns a checkpoint after the last delivered batch. See [`Paginator::checkpoint`].
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of_list(self.point())
    }
}

impl<T> Windows<T> {
    /// Returns a checkpoint after the last delivered item, from which to [`resume`](Windows::resume). It can be taken
    /// at any time.
    ///
    /// # Errors
    /// If the range, the span, the overlap or the checkpoint or plan to resume is invalid.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        self.point().map(Checkpoint::of_range)
    }
}

impl<T> WindowPages<T> {
    /// Returns a checkpoint after the last delivered page, from which to [`resume`](Windows::resume). It can be taken
    /// at any time.
    ///
    /// # Errors
    /// If the range, the span, the overlap or the checkpoint or plan to resume is invalid.
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
