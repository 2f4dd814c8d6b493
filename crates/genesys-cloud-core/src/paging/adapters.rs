//! The list in other portions than items: pages, and batches.

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

/// A list as a stream of its pages; from [`Paginator::pages`].
///
/// After an error it can be used on, as the paginator can.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<T> {
    paginator: Paginator<T>,
    /// What was left of the page that the paginator was handing out.
    rest: Option<Page<T>>,
}

impl<T> Pages<T> {
    pub(super) fn new(paginator: Paginator<T>, rest: Option<Page<T>>) -> Self {
        Self { paginator, rest }
    }

    /// The next page, or `None` at the end.
    ///
    /// # Errors
    /// When the next page can't be had. The next call asks for it again.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// What has been read so far.
    pub fn report(&self) -> Report {
        self.paginator.report()
    }

    /// How far the items have been delivered.
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
        let at_hand = usize::from(self.rest.is_some());
        (at_hand, self.paginator.has_ended().then_some(at_hand))
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

/// A list as a stream of batches; from [`Paginator::batches`].
///
/// Every batch but the last holds as many items as were asked for, unless an error follows it. After an
/// error it can be used on, as the paginator can.
#[must_use = "a stream does nothing until it is polled"]
pub struct Batches<T> {
    items: Paginator<T>,
    size: usize,
    batch: Vec<T>,
    /// How far the list had been handed out before the batch, if its first items are of another page than
    /// the one at hand.
    begun: Option<Mark>,
    /// What follows the batch that was cut short by it.
    error: Option<Error>,
}

impl<T> Batches<T> {
    pub(super) fn new(items: Paginator<T>, size: usize) -> Self {
        Self { items, size: size.max(1), batch: Vec::new(), begun: None, error: None }
    }

    /// The next batch, which is not empty, or `None` at the end.
    ///
    /// # Errors
    /// When the next page can't be had. The next call asks for it again.
    pub async fn try_next(&mut self) -> Result<Option<Vec<T>>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// What has been read so far.
    pub fn report(&self) -> Report {
        self.items.report()
    }

    /// How far the items have been delivered: up to the end of the last batch.
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
            if !this.batch.is_empty() && this.begun.is_none() && this.items.items_at_hand() == 0 {
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
        let items = self.batch.len() + self.items.items_at_hand();
        let at_hand = items.div_ceil(self.size) + usize::from(self.error.is_some());
        (at_hand, self.items.has_ended().then_some(at_hand))
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
