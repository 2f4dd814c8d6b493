//! Streams of pages and batches instead of items.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::TryStreamExt;
use futures::stream::{FusedStream, Stream};

use super::checkpoint_state::ListPoint;
use super::page::Page;
use super::paginator::{Mark, Paginator};
use super::report::Report;
use crate::error::Error;

/// A stream of the pages of a list, created by [`Paginator::pages`].
///
/// Remains usable after an error, like the paginator.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<T> {
    paginator: Paginator<T>,
    /// The rest of the page from which the paginator was yielding items.
    rest: Option<Page<T>>,
}

impl<T> Pages<T> {
    pub(super) fn new(paginator: Paginator<T>, rest: Option<Page<T>>) -> Self {
        Self { paginator, rest }
    }

    /// Returns the next page, or `None` at the end.
    ///
    /// # Errors
    /// If the page can't be read. The next call requests it again.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// Returns the report on what has been read so far.
    pub fn report(&self) -> Report {
        self.paginator.report()
    }

    /// The place up to which items were yielded.
    pub(crate) fn point(&self) -> ListPoint {
        self.paginator.point()
    }
}

impl<T> Unpin for Pages<T> {}

impl<T> Stream for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let page = match self.rest.take() {
            Some(rest) => Some(Ok(rest)),
            None => ready!(self.paginator.poll_page(cx)),
        };
        if let Some(Ok(page)) = &page {
            self.paginator.count_yielded(page.items().len());
        }
        Poll::Ready(page)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ready = usize::from(self.rest.is_some());
        (ready, self.paginator.has_ended().then_some(ready))
    }
}

impl<T> FusedStream for Pages<T> {
    fn is_terminated(&self) -> bool {
        self.rest.is_none() && self.paginator.has_ended()
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pages").field(&self.paginator).finish()
    }
}

/// A stream of batches of items, created by [`Paginator::batches`].
///
/// Every batch except the last has the requested number of items, unless an error follows it. Remains usable after an
/// error, like the paginator.
#[must_use = "a stream does nothing until it is polled"]
pub struct Batches<T> {
    items: Paginator<T>,
    size: usize,
    batch: Vec<T>,
    /// The place before the batch, if it begins in an earlier page than the current one.
    begun: Option<Mark>,
    /// The error that cut the batch short. It is returned after the batch.
    error: Option<Error>,
}

impl<T> Batches<T> {
    pub(super) fn new(items: Paginator<T>, size: usize) -> Self {
        Self { items, size: size.max(1), batch: Vec::new(), begun: None, error: None }
    }

    /// Returns the next batch, which is not empty, or `None` at the end.
    ///
    /// # Errors
    /// If a page can't be read. The next call requests it again.
    pub async fn try_next(&mut self) -> Result<Option<Vec<T>>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// Returns the report on what has been read so far.
    pub fn report(&self) -> Report {
        self.items.report()
    }

    /// The place at the end of the last batch.
    pub(crate) fn point(&self) -> ListPoint {
        match &self.begun {
            Some(begun) => begun.point(),
            None => self.items.mark(self.batch.len()).point(),
        }
    }
}

impl<T> Unpin for Batches<T> {}

impl<T> Stream for Batches<T> {
    type Item = Result<Vec<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(error) = this.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        while this.batch.len() < this.size {
            if !this.batch.is_empty() && this.begun.is_none() && this.items.items_ready() == 0 {
                this.begun = Some(this.items.mark(this.batch.len()));
            }
            match ready!(Pin::new(&mut this.items).poll_next(cx)) {
                Some(Ok(item)) => this.batch.push(item),
                Some(Err(error)) if this.batch.is_empty() => return Poll::Ready(Some(Err(error))),
                Some(Err(error)) => {
                    this.error = Some(error);
                    break;
                }
                None if this.batch.is_empty() => return Poll::Ready(None),
                None => break,
            }
        }
        this.begun = None;
        Poll::Ready(Some(Ok(std::mem::take(&mut this.batch))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let items = self.batch.len() + self.items.items_ready();
        let ready = items.div_ceil(self.size) + usize::from(self.error.is_some());
        (ready, self.items.has_ended().then_some(ready))
    }
}

impl<T> FusedStream for Batches<T> {
    fn is_terminated(&self) -> bool {
        self.batch.is_empty() && self.error.is_none() && self.items.has_ended()
    }
}

impl<T> fmt::Debug for Batches<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches")
            .field("items", &self.items)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
