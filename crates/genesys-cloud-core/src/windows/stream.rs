//! The face of a range of time that is read in pieces.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::vec;

use futures::stream::{FusedStream, Stream};
use serde::de::DeserializeOwned;

use super::plan::Plan;
use super::point::{RangePoint, WindowsFrom};
use super::report::WindowsReport;
use super::run::{Make, Run, Settings};
use crate::error::Error;
use crate::interval::Interval;
use crate::jobs::{DataWait, JobSettings};
use crate::paging::{OnStale, Page, Paginator};
use crate::request::Request;
use crate::saved_job::SavedJob;
use crate::schedule::Schedule;

/// How long a piece is unless it is said: what most operations take.
const SPAN: Duration = Duration::from_hours(31 * 24);

/// How short a piece may get unless it is said.
const MINIMUM: Duration = Duration::from_mins(1);

/// What a long range of time holds, as a stream of its items, read in pieces that the API allows.
///
/// Each piece is a list of its own, or a job, of the same call with another interval. Items come in the order
/// of the pieces. Nothing is sent before the first item is asked for; settings are made before that. Dropping it
/// leaves jobs alone that were submitted.
///
/// # Pieces that are too large
/// A piece is split in halves, which are read in its place, where
/// - the API refuses it, with a status of 400 or a job that failed, in a text that is known: that it holds
///   too many results ("Pagination may not exceed 100000 results"), or that the interval is longer than so
///   many days, when all pieces of its length are split;
/// - [`split_when`](Self::split_when) says so;
/// - its first page counts more items than the operation is known to list, or than the API gave of another
///   piece before it refused; or its list ends where the operation is known to list no more.
///
/// The halves meet a whole number of days after its start, or else of hours or minutes.
///
/// Where items of it have been handed out by then, its halves hold them again: that takes
/// [`dedupe_by`](Self::dedupe_by), and is an error without. If there were more of them than ids are remembered, or
/// some have no id, those are delivered twice, and the verdict is [`Drifted`](crate::Verdict::Drifted). The same holds
/// where the job of a piece is run again. A piece that is
/// [too short](Self::split_down_to) to be split is an error too ([`Error::is_piece_too_large`]).
///
/// # What a record is counted to
/// Each piece begins where the one before it ends, and does not hold its end. What a query takes for being in an
/// interval is up to the service: that of the details of conversations gives those that began on a day which it
/// touches, jobs give those that were active in it. So one conversation is in several pieces, and is left out by its
/// id after the first. What is summed up, such as an aggregate, is a sum for each piece: choose a
/// [`span`](Self::span) that its granularity divides. The order that a call asks for holds within a piece, and so
/// does a limit in its body.
///
/// Data of the last hours or days may not be complete yet. For the jobs of conversation and user details, the API
/// reports the date up to which it is: [`WindowsReport::available_until`] has it, a piece that ends later makes the
/// verdict [`Unknown`](crate::Verdict::Unknown), and [`wait_for_data`](Self::wait_for_data) waits. For other
/// operations, read the last days again later.
///
/// # Errors
/// As with a [`Paginator`], the stream can be used on after an error: the next poll asks for the same page
/// of the same piece, or runs its job again if it failed. Errors come in the order of the pieces too.
///
/// # How far it has come
/// [`report`](Self::report) tells what was read, and whether that is all. [`plan`](Self::plan) tells which
/// pieces are done, and can be kept to read the others in another process. Records near the edges of what was
/// begun come again then, since it holds no ids. A [`checkpoint`](Self::checkpoint) goes on with the item that
/// comes next.
///
/// ```no_run
/// # async fn example(client: genesys_cloud_core::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use chrono::{TimeDelta, Utc};
/// use genesys_cloud_core::{
///     Listing, Method, Operation, Paginator, Place, Request, Scheme, Windows,
/// };
/// use serde_json::Value;
///
/// let operation = Operation::new("postEvents", Method::Post, "/api/v2/events/query");
/// let listing = Listing::new(Scheme::BodyPageNumber, "entities");
/// let now = Utc::now();
/// let mut events = Windows::<Value>::new(now - TimeDelta::days(365)..now, move |piece| {
///     let mut request = Request::new(operation.clone());
///     request.set_body_field("/interval", piece.to_string());
///     Paginator::over(&client, request, listing.clone())
/// })
/// .dedupe_by("id");
/// while let Some(event) = events.try_next().await? {
///     println!("{}", event["id"]);
/// }
/// println!("{}", events.report().verdict());
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is read until items are asked for"]
pub struct Windows<T> {
    run: Run<T>,
    /// The page whose items are being handed out, without them.
    page: Option<Page<T>>,
    items: vec::IntoIter<T>,
}

/// Nothing is pinned.
impl<T> Unpin for Windows<T> {}

impl<T> Windows<T> {
    /// What a range holds, through a list of your own for each of its pieces: for calls that the bindings
    /// do not know, or that take a range in another form than an interval, such as two dates.
    ///
    /// The function must make the same list for the same interval. It is called for the whole range too, of
    /// which nothing is then read.
    pub fn new<F>(range: impl Into<Interval>, list: F) -> Self
    where
        F: Fn(Interval) -> Paginator<T> + Send + 'static,
    {
        Self::over(range.into(), Box::new(list), None, None)
    }

    /// The same for generated code, with what is known of the operation.
    pub(crate) fn over(
        range: Interval,
        make: Make<T>,
        span: Option<Duration>,
        id: Option<&str>,
    ) -> Self {
        let settings = Settings {
            range,
            span: span.unwrap_or(SPAN),
            overlap: Duration::ZERO,
            minimum: MINIMUM,
            concurrency: 1,
            page_size: None,
            max_page_bytes: None,
            prefetch: 0,
            id: id.map(str::to_owned),
            remember: None,
            split_when: None,
            keep: None,
            on_stale: OnStale::Fail,
            job: JobSettings::default(),
            resumed: None,
        };
        Self { run: Run::new(make, settings), page: None, items: Vec::new().into_iter() }
    }

    /// Makes each piece so long, but for the last, which may be shorter. Unless set: the longest interval that
    /// the operation is known to take, or else 31 days.
    pub fn span(mut self, span: Duration) -> Self {
        self.run.settings.span = span;
        self
    }

    /// Has each piece begin so much before the end of the one before it, within its span: for records that
    /// the API may count to either. What comes twice then is left out by [`dedupe_by`](Self::dedupe_by) alone.
    /// It must be shorter than the span. The halves of a piece that is split share no more than half of the first
    /// one. None unless set.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.run.settings.overlap = overlap;
        self
    }

    /// Splits no piece into ones that are shorter than this. One minute unless set, and never less than a
    /// millisecond.
    pub fn split_down_to(mut self, minimum: Duration) -> Self {
        self.run.settings.minimum = minimum;
        self
    }

    /// Splits a piece on errors that this says true of as well.
    pub fn split_when(mut self, is_too_large: impl Fn(&Error) -> bool + Send + 'static) -> Self {
        self.run.settings.split_when = Some(Box::new(is_too_large));
        self
    }

    /// Leaves out items whose id has come before: names joined by dots, such as `conversationId`. Of those that
    /// come twice, the first is handed out.
    ///
    /// Records that go on for some time are in each piece that they touch, so that they come twice even
    /// without an overlap. Name no id where each piece has its own part of a record, such as what a user did in
    /// its time: parts would be lost. Unless set: as it is known of the operation, which usually is not at all.
    pub fn dedupe_by(mut self, path: impl Into<String>) -> Self {
        self.run.settings.id = Some(path.into());
        self
    }

    /// Hands out every item that comes, even where the operation is known to repeat some.
    pub fn keep_duplicates(mut self) -> Self {
        self.run.settings.id = None;
        self
    }

    /// Remembers the ids of at least so many items, those that were handed out last, and of twice as many at
    /// most. Each takes about 40 bytes. 500,000 unless set; [`WindowsReport::ids_forgotten`] tells of more.
    pub fn remember(mut self, ids: usize) -> Self {
        self.run.settings.remember = Some(ids);
        self
    }

    /// Reads up to so many pieces at a time. One unless set.
    ///
    /// Items come in the same order as without. While a piece waits for those before it, its job runs, and
    /// its first page is held, with those that [`prefetch`](Self::prefetch) allows.
    pub fn concurrency(mut self, pieces: usize) -> Self {
        self.run.settings.concurrency = pieces;
        self
    }

    /// Asks for pages of so many items: see [`Paginator::page_size`].
    pub fn page_size(mut self, items: u64) -> Self {
        self.run.settings.page_size = Some(items);
        self
    }

    /// Reads what a page above this size in bytes holds in smaller pages: see [`Paginator::max_page_bytes`].
    pub fn max_page_bytes(mut self, bytes: usize) -> Self {
        self.run.settings.max_page_bytes = Some(bytes);
        self
    }

    /// Asks for up to so many pages of each piece before they are due: see [`Paginator::prefetch`].
    pub fn prefetch(mut self, pages: usize) -> Self {
        self.run.settings.prefetch = pages;
        self
    }

    /// Of a range of jobs: how long the job of each piece is waited for: see [`Paginator::job_deadline`].
    pub fn job_deadline(mut self, deadline: Duration) -> Self {
        self.run.settings.job.deadline = Some(deadline);
        self
    }

    /// Of a range of jobs: when they are asked how they stand.
    pub fn job_schedule(mut self, schedule: Schedule) -> Self {
        self.run.settings.job.schedule = Some(schedule);
        self
    }

    /// For a range of jobs over data that becomes available with a delay: waits for the data of each piece before its
    /// job is submitted; see [`Paginator::wait_for_data`]. The limit is for all pieces together, and starts when the
    /// first of them has to wait.
    ///
    /// If the API does not report how far the data is available, the range is refused
    /// ([`Error::is_invalid_request`]).
    pub fn wait_for_data(mut self, deadline: Duration) -> Self {
        self.run.settings.job.data = Some(DataWait::new(deadline));
        self
    }

    /// Of a range of jobs: changes the requests that list their results: see [`Paginator::results_with`].
    pub fn results_with(mut self, change: impl Fn(&mut Request) + Send + Sync + 'static) -> Self {
        self.run.settings.job.results = Some(Arc::new(change));
        self
    }

    /// Continues with a checkpoint or a plan of the same call and range.
    ///
    /// From a [`Checkpoint`](crate::Checkpoint) it continues with the next item, as `Paginator::resume` does in a list.
    /// Items that came before are recognized if they are among those that were delivered last: see
    /// [`remember_in_checkpoint`](Self::remember_in_checkpoint). From a [`Plan`], the pieces are read that are not done,
    /// those that had begun from their beginning.
    ///
    /// One of another call or range is rejected before anything is sent: a plan with
    /// [`Error::is_invalid_request`], a checkpoint with [`Error::is_checkpoint_mismatch`], which names what
    /// differs.
    pub fn resume(mut self, from: impl Into<WindowsFrom>) -> Self {
        self.run.settings.resumed = Some(from.into().0);
        self
    }

    /// The jobs that were submitted for the pieces that are being read.
    pub(crate) fn saved_jobs(&self) -> Vec<SavedJob> {
        self.run.jobs()
    }

    /// An earlier place, which knows the jobs that were submitted since.
    pub(crate) fn knowing(&self, earlier: &RangePoint) -> Result<RangePoint, Error> {
        self.run.knowing(earlier)
    }

    pub(crate) fn start_at(&mut self, from: WindowsFrom) {
        self.run.settings.resumed = Some(from.0);
    }

    /// Says what is done where the API no longer knows the place in a piece, or its job, that a checkpoint leads
    /// to: see [`Paginator::on_stale`].
    pub fn on_stale(mut self, then: OnStale) -> Self {
        self.run.settings.on_stale = then;
        self
    }

    /// Takes the ids of so many items into a checkpoint, those that were handed out last, as hashes of 64 bits:
    /// 16 bytes of text each. 10,000 unless set.
    ///
    /// Where items are left out by their id, one that comes again after the checkpoint was gone on with is left
    /// out if it is among those; [`WindowsReport::ids_forgotten`] tells how many are not.
    pub fn remember_in_checkpoint(mut self, ids: usize) -> Self {
        self.run.settings.keep = Some(ids);
        self
    }

    /// Reads the items as another type: see [`Paginator::items_as`]. The range starts over.
    pub fn items_as<U: DeserializeOwned + 'static>(self) -> Windows<U>
    where
        T: 'static,
    {
        let Run { make, settings, .. } = self.run;
        let make: Make<U> = Box::new(move |piece| make(piece).items_as());
        Windows { run: Run::new(make, settings), page: None, items: Vec::new().into_iter() }
    }

    /// The same as a stream of pages, which have the items that are new. Of a page whose items have been taken
    /// in part, the rest comes first.
    pub fn pages(mut self) -> WindowPages<T> {
        let mut rest = self.page.take().filter(|_| self.items.len() > 0);
        if let Some(page) = &mut rest {
            page.put_back(std::mem::replace(&mut self.items, Vec::new().into_iter()));
        }
        WindowPages { run: self.run, rest }
    }

    /// The next item. `None` at the end.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        futures::StreamExt::next(self).await
    }

    /// The next item, or `None` at the end.
    ///
    /// # Errors
    /// When the next page can't be had. The next call asks for it again.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.next().await.transpose()
    }

    /// What has been read so far, over all pieces.
    pub fn report(&self) -> WindowsReport {
        self.run.report()
    }

    /// How far the items have been delivered.
    pub(crate) fn point(&self) -> Result<RangePoint, Error> {
        self.run.point()
    }

    /// Which pieces the range has, and which of them are done. A piece is done once the item after its last one
    /// has been asked for. Before the first item, those that it will begin with.
    ///
    /// # Errors
    /// When the range, the span, the overlap, or the plan to go on with are not right
    /// ([`Error::is_invalid_request`]).
    pub fn plan(&self) -> Result<Plan, Error> {
        self.run.plan()
    }
}

impl<T> Stream for Windows<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.items.next() {
                this.run.handed_out(1);
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(this.run.poll_page(cx, true)) {
                Some(Ok(mut page)) => {
                    this.items = page.take_items().into_iter();
                    this.page = Some(page);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let at_hand = self.items.len();
        (at_hand, self.run.has_ended().then_some(at_hand))
    }
}

impl<T> FusedStream for Windows<T> {
    fn is_terminated(&self) -> bool {
        self.items.len() == 0 && self.run.has_ended()
    }
}

impl<T> fmt::Debug for Windows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("Windows", &self.run, f)
    }
}

/// What a long range of time holds as a stream of pages; from [`Windows::pages`].
///
/// After an error it can be used on, as [`Windows`] can.
#[must_use = "a stream does nothing until it is polled"]
pub struct WindowPages<T> {
    run: Run<T>,
    /// What was left of the page whose items were being handed out.
    rest: Option<Page<T>>,
}

impl<T> WindowPages<T> {
    /// The next page. `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Page<T>, Error>> {
        futures::StreamExt::next(self).await
    }

    /// The next page, or `None` at the end.
    ///
    /// # Errors
    /// When the next page can't be had. The next call asks for it again.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        self.next().await.transpose()
    }

    /// What has been read so far, over all pieces.
    pub fn report(&self) -> WindowsReport {
        self.run.report()
    }

    /// How far the items have been delivered.
    pub(crate) fn point(&self) -> Result<RangePoint, Error> {
        self.run.point()
    }

    /// Which pieces the range has, and which of them are done: see [`Windows::plan`].
    ///
    /// # Errors
    /// As there.
    pub fn plan(&self) -> Result<Plan, Error> {
        self.run.plan()
    }
}

impl<T> Unpin for WindowPages<T> {}

impl<T> Stream for WindowPages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let page = match self.rest.take() {
            Some(rest) => Some(Ok(rest)),
            None => ready!(self.run.poll_page(cx, false)),
        };
        if let Some(Ok(page)) = &page {
            self.run.handed_out(page.items().len());
        }
        Poll::Ready(page)
    }
}

impl<T> FusedStream for WindowPages<T> {
    fn is_terminated(&self) -> bool {
        self.rest.is_none() && self.run.has_ended()
    }
}

impl<T> fmt::Debug for WindowPages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("WindowPages", &self.run, f)
    }
}

fn debug<T>(name: &str, run: &Run<T>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_struct(name)
        .field("range", &format_args!("{}", run.settings.range))
        .field("report", &run.report())
        .finish_non_exhaustive()
}
