//! The public face of a tree of lists.

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
use crate::list::Paged;
use crate::paging::Paginator;
use crate::saved_job::SavedJob;
use crate::windows::Windows;

/// A list read once for each record of another list, as a stream of its items: from [`Paginator::nest`],
/// [`Windows::nest`], or [`Nested::of`] for parents of your own.
///
/// Up to [`concurrency`](Self::concurrency) lists are read at a time, within the rate limit that all clones of the client
/// share. Items come parent by parent, in the order of the list of parents; [`unordered`](Self::unordered) yields them as
/// they arrive. Memory holds one page for each list that is being read.
///
/// Each item has its parent. A list of members seldom says whose members they are.
///
/// # Parents that are refused
/// A parent may disappear between the list of parents and its own list. By default a parent for which the API answers 404
/// or 410 is skipped, counted and [named](NestedReport::skipped), and the verdict is
/// [`Drifted`](crate::Verdict::Drifted). A 403 ends the stream with an error. [`on_not_found`](Self::on_not_found) and
/// [`on_forbidden`](Self::on_forbidden) change that.
///
/// # Errors
/// After an error the stream can be used: the next poll requests the same page again, and nothing is lost. In order, an
/// error comes after the items of the parents before it.
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
#[must_use = "nothing is read until items are asked for"]
pub struct Nested<P, C> {
    reader: TreeReader<P, C>,
    /// Which of the open lists has the next item, if that is known.
    ready: Option<usize>,
}

/// Nothing is pinned.
impl<P, C> Unpin for Nested<P, C> {}

/// An item of a nested list, with the parent whose list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NestedItem<P, C> {
    /// The record of the outer list. All items of a parent share it.
    pub parent: Arc<P>,
    /// The item of its list.
    pub item: C,
}

/// What happens if the API refuses the list of a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnRefused {
    /// The parent is skipped, counted and named. The verdict says so.
    Skip,
    /// The stream yields the error. The next poll tries the same parent again.
    Fail,
}

/// A list that can be read by a [`Paginator`]: a paginator, or a call that has one.
pub trait IntoPaginator {
    /// The type of the items.
    type Item;

    /// The paginator. Nothing is sent.
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
    /// Reads a list for each of these parents, such as ids from a file. The function makes the list of a parent; it must
    /// make the same for the same parent.
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

    /// Reads a further list for each item of this one.
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

    /// Reads up to this many lists at a time. Default: 8.
    pub fn concurrency(mut self, lists: usize) -> Self {
        self.settings().concurrency = lists.max(1);
        self
    }

    /// Yields items as they arrive, instead of parent by parent. A parent with many pages does not hold up the others.
    pub fn unordered(mut self) -> Self {
        self.settings().is_ordered = false;
        self
    }

    /// Ends after this many items. The verdict then is [`Truncated`](crate::Verdict::Truncated).
    pub fn limit(mut self, items: usize) -> Self {
        self.settings().limit = Some(items as u64);
        self
    }

    /// What happens to a parent for which the API answers 404 or 410. Default: [`OnRefused::Skip`].
    pub fn on_not_found(mut self, then: OnRefused) -> Self {
        self.settings().on_not_found = then;
        self
    }

    /// What happens to a parent for which the API answers 403. Default: [`OnRefused::Fail`].
    pub fn on_forbidden(mut self, then: OnRefused) -> Self {
        self.settings().on_forbidden = then;
        self
    }

    /// The next item with its parent, or `None` at the end.
    ///
    /// # Errors
    /// When the next page can't be read. The next call requests it again.
    pub async fn try_next(&mut self) -> Result<Option<NestedItem<P, C>>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// What has been read so far, of the parents and of their lists.
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

    /// How far the items have been delivered.
    pub(crate) fn point(&self) -> Result<TreePoint, Error> {
        self.reader.point()
    }

    /// An earlier place, which knows the jobs that were submitted since.
    pub(crate) fn knowing(&self, earlier: &TreePoint) -> Result<TreePoint, Error> {
        self.reader.knowing(earlier)
    }

    pub(crate) fn saved_jobs(&self) -> Vec<SavedJob> {
        self.reader.jobs()
    }
}

impl<P: Send + Sync + 'static> Paginator<P> {
    /// Reads another list for each item of this one, such as the members of each queue. The function makes the list of
    /// an item, or the call that returns it, and must make the same for the same item. See [`Nested`].
    ///
    /// If items of this list can come twice, as in lists by page number that change while they are read, set
    /// [`dedupe_by`](Self::dedupe_by).
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
    /// Reads another list for each item of this range, such as the recordings of each conversation: see
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
