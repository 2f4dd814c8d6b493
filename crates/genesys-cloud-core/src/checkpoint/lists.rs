//! The checkpoint methods of lists and ranges.

use super::Checkpoint;
use crate::error::Error;
use crate::nested::Nested;
use crate::paging::{Batches, Pages, Paginator};
use crate::windows::{WindowPages, Windows, WindowsFrom};

impl<T> Paginator<T> {
    /// Resumes at the next item after a checkpoint of the same call.
    ///
    /// If a page was partly yielded, it is read again with the same page size, and the yielded items are skipped;
    /// the same applies to a result file. If items have moved meanwhile, as happens in lists with page numbers, the
    /// list continues after the last item yielded, and the verdict is [`Drifted`](crate::Verdict::Drifted). If the
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

    /// Returns a checkpoint after the last yielded item, from which to [`resume`](Self::resume). It can be taken at
    /// any time, including after an error and at the end.
    ///
    /// This makes no call and copies no items. Within a page, it scans the text of the page once.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of_list(self.point())
    }
}

impl<T> Pages<T> {
    /// Returns a checkpoint after the last yielded page. See [`Paginator::checkpoint`].
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of_list(self.point())
    }
}

impl<T> Batches<T> {
    /// Returns a checkpoint after the last yielded batch. See [`Paginator::checkpoint`].
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of_list(self.point())
    }
}

impl<T> Windows<T> {
    /// Returns a checkpoint after the last yielded item, from which to [`resume`](Windows::resume). It can be taken
    /// at any time.
    ///
    /// # Errors
    /// If the range, the span, the overlap or the checkpoint or plan to resume is invalid.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        self.point().map(Checkpoint::of_range)
    }
}

impl<T> WindowPages<T> {
    /// Returns a checkpoint after the last yielded page, from which to [`resume`](Windows::resume). It can be taken
    /// at any time.
    ///
    /// # Errors
    /// If the range, the span, the overlap or the checkpoint or plan to resume is invalid.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        self.point().map(Checkpoint::of_range)
    }
}

impl<P, C> Nested<P, C> {
    /// Resumes at the next item after a checkpoint of the same outer list and the same lists.
    ///
    /// The outer list resumes at the first parent whose list had not ended, and each started list resumes at its own
    /// place. If a parent whose list was partly read is no longer listed, the verdict is
    /// [`Drifted`](crate::Verdict::Drifted).
    ///
    /// # Errors
    /// The first poll fails before anything is sent if the checkpoint is of another outer list
    /// ([`ErrorKind::CheckpointMismatch`](crate::ErrorKind::CheckpointMismatch)). A later poll fails in the same way if
    /// the list of a parent has other parameters.
    pub fn resume(mut self, checkpoint: &Checkpoint) -> Self {
        self.start_at(checkpoint.tree().cloned(), checkpoint.made());
        self
    }

    /// Returns a checkpoint after the last yielded item, from which to [`resume`](Self::resume). It can be taken at any
    /// time.
    ///
    /// # Errors
    /// If the parents are those of a [`Windows`] whose range, span, overlap, checkpoint or plan to resume is invalid.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        self.point().map(Checkpoint::of_tree)
    }
}

impl From<&Checkpoint> for WindowsFrom {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self::saved(checkpoint.range().cloned().map(Box::new))
    }
}
