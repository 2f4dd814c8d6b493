//! A list of lists as a stream of items.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::stream::{FusedStream, Stream};

use super::parents::{Given, Parents};
use super::point::TreePoint;
use super::reader::{Settings, TreeReader};
use super::report::NestedReport;
use crate::error::Error;
use crate::list::{List, Paged};
use crate::paging::{Paginator, Verdict};
use crate::saved_job::SavedJob;
use crate::windows::Windows;

/// A stream of the items of many lists: one list for each record of another list, such as the members of each queue.
///
/// [`Paginator::nest`] and [`Windows::nest`] create it; [`Nested::of`] takes parents from the caller. A *parent* is a
/// record of the outer list. Each item is yielded with its parent, because the items often do not name it.
///
/// Up to [`concurrency`](Self::concurrency) lists are read at a time, within the rate limit of the client. Items are
/// yielded parent by parent, in the order of the outer list, or with [`unordered`](Self::unordered) as they arrive. One
/// page is held in memory for each list that is being read.
///
/// # Parents that are refused
/// A parent can be deleted after the outer list has returned it. If the API answers 404 or 410 for its list, the parent
/// is skipped and [reported](NestedReport::skipped), and the verdict is [`Drifted`](crate::Verdict::Drifted); see
/// [`on_not_found`](Self::on_not_found). If the API answers 403, the stream yields the error; see
/// [`on_forbidden`](Self::on_forbidden).
///
/// # Errors
/// Like a [`Paginator`], the stream can be polled again after an error: it requests the same page of the same list. In
/// order, an error is yielded after the items of the previous parents.
///
/// ```no_run
/// # async fn example(
/// #     queues: genesys_cloud_core::Paginator<serde_json::Value>,
/// #     members_of: impl Fn(&serde_json::Value) -> genesys_cloud_core::Paginator<serde_json::Value> + Send + 'static,
/// # ) -> Result<(), genesys_cloud_core::Error> {
/// let mut members = queues.nest(members_of).concurrency(4);
/// while let Some(member) = members.try_next().await? {
///     println!("{} {}", member.parent["id"], member.item["id"]);
/// }
/// println!("{}", members.report().verdict());
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct Nested<P, C> {
    reader: TreeReader<P, C>,
    /// The index of the open list with the next item, if known.
    ready: Option<usize>,
}

/// Nothing is pinned.
impl<P, C> Unpin for Nested<P, C> {}

/// An item of a [`Nested`] stream, with its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NestedItem<P, C> {
    /// The record of the outer list, shared by all items of its list.
    pub parent: Arc<P>,
    /// The item.
    pub item: C,
}

/// What to do if the API refuses the list of a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnRefused {
    /// Skip the parent. The [report](NestedReport::skipped) names it, and the verdict is not
    /// [`Complete`](crate::Verdict::Complete).
    Skip,
    /// Yield the error. The next poll tries the same parent again.
    Fail,
}

/// A [`Paginator`], or a call that has one ([`Paged`]). The function passed to [`Paginator::nest`] returns either.
pub trait IntoPaginator {
    /// The type of the items.
    type Item;

    /// Returns the paginator. Sends nothing.
    fn into_paginator(self) -> Paginator<Self::Item>;
}

impl<T> IntoPaginator for Paginator<T> {
    type Item = T;

    fn into_paginator(self) -> Self {
        self
    }
}

impl<C: Paged> IntoPaginator for C {
    type Item = C::Item;

    fn into_paginator(self) -> Paginator<C::Item> {
        self.paginate()
    }
}

impl<P: Send + Sync + 'static, C: Send + 'static> Nested<P, C> {
    /// Reads a list for each of these parents, such as ids from a file.
    ///
    /// The function returns the list of a parent. It must return the same list for the same parent.
    pub fn of<L, F>(parents: impl IntoIterator<Item = P>, list: F) -> Self
    where
        L: IntoPaginator<Item = C>,
        F: Fn(&P) -> L + Send + 'static,
    {
        let parents = Given::new(parents.into_iter().collect());
        Self::new(Box::new(parents), move |parent| list(parent).into_paginator())
    }

    fn new(
        parents: Box<dyn Parents<P>>,
        list: impl Fn(&P) -> Paginator<C> + Send + 'static,
    ) -> Self {
        Self { reader: TreeReader::new(parents, Box::new(list)), ready: None }
    }

    /// Reads another list for each item of this one. See [`Paginator::nest`].
    pub fn nest<L, F>(self, list: F) -> Nested<NestedItem<P, C>, L::Item>
    where
        L: IntoPaginator,
        L::Item: Send + 'static,
        C: Sync,
        F: Fn(&NestedItem<P, C>) -> L + Send + 'static,
    {
        Nested::new(Box::new(self), move |parent| list(parent).into_paginator())
    }
}

impl<P, C> Nested<P, C> {
    fn settings(&mut self) -> &mut Settings {
        &mut self.reader.settings
    }

    /// Sets how many lists are read at a time. Default: 8.
    pub fn concurrency(mut self, lists: usize) -> Self {
        self.settings().concurrency = lists.max(1);
        self
    }

    /// Yields items as they arrive instead of parent by parent, so that a parent with many pages does not delay the
    /// others.
    pub fn unordered(mut self) -> Self {
        self.settings().is_ordered = false;
        self
    }

    /// Stops after this many items, of all lists together. The verdict is then
    /// [`Truncated`](crate::Verdict::Truncated).
    pub fn limit(mut self, items: usize) -> Self {
        self.settings().limit = Some(items as u64);
        self
    }

    /// Sets what to do with a parent for which the API answers 404 or 410. Default: [`OnRefused::Skip`].
    pub fn on_not_found(mut self, then: OnRefused) -> Self {
        self.settings().on_not_found = then;
        self
    }

    /// Sets what to do with a parent for which the API answers 403. Default: [`OnRefused::Fail`].
    pub fn on_forbidden(mut self, then: OnRefused) -> Self {
        self.settings().on_forbidden = then;
        self
    }

    /// Calls a function when the list of a parent has ended and all its items were yielded, with the verdict of that
    /// list. A parent that is skipped counts as [`Drifted`](crate::Verdict::Drifted) if the API answered 404 or 410, and
    /// as [`Truncated`](crate::Verdict::Truncated) if it answered 403.
    pub fn on_list_end(mut self, ended: impl Fn(&P, Verdict) + Send + 'static) -> Self {
        self.reader.on_list_end = Some(Box::new(ended));
        self
    }

    /// Returns the next item with its parent, or `None` at the end.
    ///
    /// # Errors
    /// If the next page can't be read. The next call requests it again.
    pub async fn try_next(&mut self) -> Result<Option<NestedItem<P, C>>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// Returns counts and the verdict so far, for the outer list and all lists of its records.
    pub fn report(&self) -> NestedReport {
        self.reader.report()
    }

    /// Waits until an item can be taken. False at the end.
    pub(super) fn poll_item_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.ready = ready!(self.reader.poll_ready(cx))?;
        Poll::Ready(Ok(self.ready.is_some()))
    }

    pub(super) fn take_item(&mut self) -> Option<NestedItem<P, C>> {
        self.ready.take().and_then(|at| self.reader.take(at))
    }

    pub(crate) fn start_at(&mut self, point: Option<TreePoint>, saved: DateTime<Utc>) {
        self.reader.resume(point, saved);
    }

    /// Returns the place after the last yielded item.
    pub(crate) fn point(&self) -> Result<TreePoint, Error> {
        self.reader.point()
    }

    /// Returns an earlier place, updated with the jobs that were submitted since.
    pub(crate) fn knowing(&self, earlier: &TreePoint) -> Result<TreePoint, Error> {
        self.reader.knowing(earlier)
    }

    pub(crate) fn saved_jobs(&self) -> Vec<SavedJob> {
        self.reader.jobs()
    }
}

impl<P: Send + Sync + 'static> Paginator<P> {
    /// Reads another list for each item of this one, such as the members of each queue. See [`Nested`].
    ///
    /// The function returns the list of an item, or a call that returns it. It must return the same list for the same
    /// item. If this list can yield an item twice, as a list with page numbers does when it changes while it is read,
    /// set [`dedupe_by`](Self::dedupe_by).
    pub fn nest<L, F>(self, list: F) -> Nested<P, L::Item>
    where
        L: IntoPaginator,
        L::Item: Send + 'static,
        F: Fn(&P) -> L + Send + 'static,
    {
        Nested::new(Box::new(self), move |parent| list(parent).into_paginator())
    }
}

impl<P: Send + Sync + 'static> Windows<P> {
    /// Reads another list for each item of this range, such as the recordings of each conversation. See
    /// [`Paginator::nest`].
    pub fn nest<L, F>(self, list: F) -> Nested<P, L::Item>
    where
        L: IntoPaginator,
        L::Item: Send + 'static,
        F: Fn(&P) -> L + Send + 'static,
    {
        Nested::new(Box::new(self), move |parent| list(parent).into_paginator())
    }
}

impl<P, C> Stream for Nested<P, C> {
    type Item = Result<NestedItem<P, C>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.reader.poll_next(cx)
    }
}

impl<P, C> FusedStream for Nested<P, C> {
    fn is_terminated(&self) -> bool {
        self.reader.has_ended()
    }
}

impl<P, C> fmt::Debug for Nested<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nested").field("report", &self.report()).finish_non_exhaustive()
    }
}

impl<P, C> List for Nested<P, C> {
    fn verdict(&self) -> Verdict {
        self.report().verdict()
    }

    fn items_read(&self) -> u64 {
        self.report().items
    }
}
