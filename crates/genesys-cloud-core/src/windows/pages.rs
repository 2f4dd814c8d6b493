//! A time range as a stream of pages.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::TryStreamExt;
use futures::stream::{FusedStream, Stream};

use super::checkpoint_state::RangePoint;
use super::plan::Plan;
use super::reader::RangeReader;
use super::report::WindowsReport;
use crate::error::Error;
use crate::paging::Page;

/// A stream of the pages of a long time range, from [`Windows::pages`](crate::Windows::pages).
///
/// Like [`Windows`](crate::Windows), it can be polled again after an error.
#[must_use = "a stream does nothing until it is polled"]
pub struct WindowPages<T> {
    reader: RangeReader<T>,
    /// The rest of the page that was partly yielded as items.
    rest: Option<Page<T>>,
}

impl<T> WindowPages<T> {
    pub(super) fn new(reader: RangeReader<T>, rest: Option<Page<T>>) -> Self {
        Self { reader, rest }
    }

    /// Returns the next page, or `None` at the end.
    ///
    /// # Errors
    /// If the next page can't be read. The next call requests it again.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// Returns counts and the verdict so far, over all windows.
    pub fn report(&self) -> WindowsReport {
        self.reader.report()
    }

    /// The position after the last yielded item.
    pub(crate) fn point(&self) -> Result<RangePoint, Error> {
        self.reader.point()
    }

    /// Returns the windows and their states; see [`Windows::plan`](crate::Windows::plan).
    ///
    /// # Errors
    /// If the range, the span, the overlap or the plan to resume is invalid
    /// ([`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest)).
    pub fn plan(&self) -> Result<Plan, Error> {
        self.reader.plan()
    }
}

impl<T> Unpin for WindowPages<T> {}

impl<T> Stream for WindowPages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let page = match self.rest.take() {
            Some(rest) => Some(Ok(rest)),
            None => ready!(self.reader.poll_page(cx, false)),
        };
        if let Some(Ok(page)) = &page {
            self.reader.delivered(page.items().len());
        }
        Poll::Ready(page)
    }
}

impl<T> FusedStream for WindowPages<T> {
    fn is_terminated(&self) -> bool {
        self.rest.is_none() && self.reader.has_ended()
    }
}

impl<T> fmt::Debug for WindowPages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reader.debug("WindowPages", f)
    }
}
