//! A time range as a stream of items.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::vec;

use futures::TryStreamExt;
use futures::stream::{FusedStream, Stream};
use serde::de::DeserializeOwned;

use super::checkpoint_state::{RangePoint, WindowsFrom};
use super::pages::WindowPages;
use super::plan::Plan;
use super::reader::RangeReader;
use super::report::WindowsReport;
use super::settings::{MakeList, Settings};
use crate::error::Error;
use crate::interval::Interval;
use crate::options::{ReadOptions, read_option_setters};
use crate::paging::{Page, Paginator};
use crate::saved_job::SavedJob;

/// The default length of a window, which most operations accept.
const DEFAULT_SPAN: Duration = Duration::from_hours(31 * 24);

/// The default for the shortest window that a split makes.
const DEFAULT_MINIMUM: Duration = Duration::from_mins(1);

/// A stream of the items of a long time range, read in windows that the API accepts.
///
/// Each window is a list, or a job, of the same call with another interval. Items are yielded in the order of the
/// windows. Nothing is sent before the first poll; set options before that. Dropping the stream leaves
/// submitted jobs running; to cancel them, use [`Job`](crate::Job) and its
/// [`cancel_on_drop`](crate::Job::cancel_on_drop).
///
/// # Windows that are too large
/// A window is split into halves if
/// - the API rejects it, with status 400 or a failed job, and a known message: too many results ("Pagination may not
///   exceed 100000 results"), or an interval that is too long. In the second case, all windows of that length are
///   split;
/// - [`split_when`](Self::split_when) returns true for the error;
/// - the total on its first page is more than the operation is known to list, or more than the API listed of another
///   window before rejecting it;
/// - its list ends at the cap that is known of the operation.
///
/// The second half begins a whole number of days after the first, or else of hours or minutes.
///
/// If the window had yielded items, its halves contain them again. [`dedupe_by`](Self::dedupe_by) drops them; without
/// it, the split is an error. Items without an id, or whose ids are no longer remembered, are yielded twice, and the
/// verdict is [`Drifted`](crate::Verdict::Drifted). The same applies if the job of a window is run again. It is also an
/// error if a window is [too short](Self::split_down_to) to split
/// ([`ErrorKind::WindowTooLarge`](crate::ErrorKind::WindowTooLarge)).
///
/// # Which window a record is in
/// Windows are half-open: each begins where the previous one ends, unless there is an [`overlap`](Self::overlap). Which
/// records an interval has is up to the service: the conversation details query returns those that began on a day of
/// the interval, jobs return those that were active in it. A conversation can therefore be in several windows; after
/// the first, it is dropped by its id. Aggregates are computed for each window: choose a [`span`](Self::span) that is
/// a multiple of the granularity. A sort order or a limit in the request applies to each window.
///
/// Data of the last hours or days may be incomplete. For the jobs of conversation and user details, the API reports
/// up to which time it is complete: see [`WindowsReport::available_until`]. A window that ends later makes the
/// verdict [`Unknown`](crate::Verdict::Unknown); [`wait_for_data`](Self::wait_for_data) waits for the data. For other
/// operations, read the last days again later.
///
/// # Errors
/// Like a [`Paginator`], the stream can be polled again after an error: it requests the same page of the same window,
/// or runs its job again if that failed. Errors are returned in the order of the windows too.
///
/// # Progress
/// [`report`](Self::report) returns counts and the verdict. [`checkpoint`](Self::checkpoint) returns a position from
/// which to resume at the next item. [`plan`](Self::plan) returns the windows and their states; save it to read the
/// rest in another process. It has no ids: after a resume, a window that was partly read starts over, and a record
/// that is also in a finished window is yielded again.
///
/// ```no_run
/// # async fn example(client: genesys_cloud_core::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use chrono::{TimeDelta, Utc};
/// use genesys_cloud_core::{
///     ListSpec, Method, Operation, Paginator, ParamLocation, Request, Scheme, Windows,
/// };
/// use serde_json::Value;
///
/// let operation = Operation::new("postEvents", Method::Post, "/api/v2/events/query");
/// let spec = ListSpec::new(Scheme::BodyPageNumber, "entities");
/// let now = Utc::now();
/// let mut events = Windows::<Value>::new(now - TimeDelta::days(365)..now, move |window| {
///     let mut request = Request::new(operation.clone());
///     request.set_body_field("/interval", window.to_string());
///     Paginator::from_request(&client, request, spec.clone())
/// })
/// .dedupe_by("id");
/// while let Some(event) = events.try_next().await? {
///     println!("{}", event["id"]);
/// }
/// println!("{}", events.report().verdict());
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct Windows<T> {
    reader: RangeReader<T>,
    /// The page whose items are being yielded. They are in `items`.
    page: Option<Page<T>>,
    items: vec::IntoIter<T>,
}

/// Nothing is pinned.
impl<T> Unpin for Windows<T> {}

impl<T> Windows<T> {
    /// Reads a range with a custom list for each window: for calls that the bindings lack, or that take the range as
    /// two dates instead of an interval.
    ///
    /// The function must return the same list for the same interval. It is also called for the whole range, without
    /// reading that list.
    pub fn new<F>(range: impl Into<Interval>, list: F) -> Self
    where
        F: Fn(Interval) -> Paginator<T> + Send + 'static,
    {
        Self::with_defaults(range.into(), Box::new(list), None, None)
    }

    /// Like [`new`](Self::new), with the longest span and the id that are known of the operation.
    pub(crate) fn with_defaults(
        range: Interval,
        make: MakeList<T>,
        span: Option<Duration>,
        id: Option<&str>,
    ) -> Self {
        let mut options = ReadOptions::new();
        options.dedupe_by = id.map(str::to_owned);
        let settings = Settings {
            range,
            span: span.unwrap_or(DEFAULT_SPAN),
            overlap: Duration::ZERO,
            minimum: DEFAULT_MINIMUM,
            concurrency: 1,
            options,
            split_when: None,
            resumed: None,
        };
        Self { reader: RangeReader::new(make, settings), page: None, items: Vec::new().into_iter() }
    }

    /// Applies all options that are set in `options`. [`limit`](Self::limit) and [`max_pages`](Self::max_pages) apply
    /// to the whole range, the others to each window.
    pub fn with_options(mut self, options: &ReadOptions) -> Self {
        self.reader.settings.options.override_with(options);
        self
    }

    read_option_setters!();

    fn options_mut(&mut self) -> &mut ReadOptions {
        &mut self.reader.settings.options
    }

    /// Sets the length of a window; the last one may be shorter. Default: the longest interval that the operation is
    /// known to accept, or else 31 days.
    pub fn span(mut self, span: Duration) -> Self {
        self.reader.settings.span = span;
        self
    }

    /// Sets the overlap between windows, for records near a boundary: each window begins this long before the end of
    /// the previous one, which counts towards its span. Records in the overlap are yielded twice without
    /// [`dedupe_by`](Self::dedupe_by). Must be shorter than the span. The halves of a split window overlap by at most
    /// half of the first one. Default: none.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.reader.settings.overlap = overlap;
        self
    }

    /// Sets the shortest window that a split makes. Default: one minute. Never less than a millisecond.
    pub fn split_down_to(mut self, minimum: Duration) -> Self {
        self.reader.settings.minimum = minimum;
        self
    }

    /// Also splits a window on errors for which the function returns true.
    pub fn split_when(mut self, is_too_large: impl Fn(&Error) -> bool + Send + 'static) -> Self {
        self.reader.settings.split_when = Some(Box::new(is_too_large));
        self
    }

    /// Yields every item, even if the operation has a known id by which duplicates are dropped.
    pub fn keep_duplicates(mut self) -> Self {
        self.reader.settings.options.dedupe_by = None;
        self
    }

    /// Sets how many windows are read at a time. Default: one.
    ///
    /// The order of the items does not change. While a window waits for the previous ones, its job runs, and its first
    /// page is held in memory, together with the pages that [`prefetch`](Self::prefetch) allows.
    pub fn concurrency(mut self, windows: usize) -> Self {
        self.reader.settings.concurrency = windows;
        self
    }

    /// Resumes from a checkpoint or a plan of the same call and range.
    ///
    /// A [`Checkpoint`](crate::Checkpoint) resumes at the next item, like [`Paginator::resume`]. Duplicates of earlier
    /// items are recognized among the last ones yielded; see
    /// [`remember_in_checkpoint`](Self::remember_in_checkpoint). A [`Plan`] resumes with the windows that are not
    /// done; a window that was partly read starts over.
    ///
    /// # Errors
    /// The first poll fails before anything is sent if `from` is of another call or range: for a plan with
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest), for a checkpoint with
    /// [`ErrorKind::CheckpointMismatch`](crate::ErrorKind::CheckpointMismatch). The message names what differs.
    pub fn resume(mut self, from: impl Into<WindowsFrom>) -> Self {
        self.reader.settings.resumed = Some(from.into().0);
        self
    }

    /// The jobs of the windows that are being read.
    pub(crate) fn saved_jobs(&self) -> Vec<SavedJob> {
        self.reader.jobs()
    }

    /// An earlier position, updated with the jobs submitted since.
    pub(crate) fn with_jobs(&self, earlier: &RangePoint) -> Result<RangePoint, Error> {
        self.reader.with_jobs(earlier)
    }

    pub(crate) fn start_at(&mut self, from: WindowsFrom) {
        self.reader.settings.resumed = Some(from.0);
    }

    /// Reads the items as another type; see [`Paginator::items_as`]. The range starts over.
    pub fn items_as<U: DeserializeOwned + 'static>(self) -> Windows<U>
    where
        T: 'static,
    {
        let RangeReader { make_list, settings, .. } = self.reader;
        let make: MakeList<U> = Box::new(move |window| make_list(window).items_as());
        Windows {
            reader: RangeReader::new(make, settings),
            page: None,
            items: Vec::new().into_iter(),
        }
    }

    /// Returns a stream of pages instead of items, without duplicates. If a page was partly yielded, the rest of it
    /// is the first page.
    pub fn pages(mut self) -> WindowPages<T> {
        let mut rest = self.page.take().filter(|_| self.items.len() > 0);
        if let Some(page) = &mut rest {
            page.put_back(std::mem::replace(&mut self.items, Vec::new().into_iter()));
        }
        WindowPages::new(self.reader, rest)
    }

    /// Returns the next item, or `None` at the end.
    ///
    /// # Errors
    /// If the next page can't be read. The next call requests it again.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
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

    /// Returns the windows and their states; before the first item, those that it will start with. A window is done
    /// when the item after its last one has been requested.
    ///
    /// # Errors
    /// If the range, the span, the overlap or the plan to resume is invalid
    /// ([`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest)).
    pub fn plan(&self) -> Result<Plan, Error> {
        self.reader.plan()
    }
}

/// What reading item by item needs.
impl<T> Windows<T> {
    /// Waits until an item can be taken. False at the end.
    pub(crate) fn poll_item_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        while self.items.len() == 0 {
            let Some(page) = ready!(self.reader.poll_page(cx, true)) else {
                return Poll::Ready(Ok(false));
            };
            let mut page = page?;
            self.items = page.take_items().into_iter();
            self.page = Some(page);
        }
        Poll::Ready(Ok(true))
    }

    pub(crate) fn take_item(&mut self) -> Option<T> {
        let item = self.items.next()?;
        self.reader.delivered(1);
        Some(item)
    }
}

impl<T> Stream for Windows<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.poll_item_ready(cx)) {
            Ok(true) => Poll::Ready(self.take_item().map(Ok)),
            Ok(false) => Poll::Ready(None),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ready = self.items.len();
        (ready, self.reader.has_ended().then_some(ready))
    }
}

impl<T> FusedStream for Windows<T> {
    fn is_terminated(&self) -> bool {
        self.items.len() == 0 && self.reader.has_ended()
    }
}

impl<T> fmt::Debug for Windows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reader.debug("Windows", f)
    }
}
