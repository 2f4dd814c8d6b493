//! The face of a range of time that is read in windows.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::vec;

use futures::TryStreamExt;
use futures::stream::{FusedStream, Stream};
use serde::de::DeserializeOwned;

use super::pages::WindowPages;
use super::plan::Plan;
use super::point::{RangePoint, WindowsFrom};
use super::reader::RangeReader;
use super::report::WindowsReport;
use super::settings::{MakeList, Settings};
use crate::error::Error;
use crate::interval::Interval;
use crate::options::{ReadOptions, read_option_setters};
use crate::paging::{Page, Paginator};
use crate::saved_job::SavedJob;

/// The length of a window by default: what most operations accept.
const SPAN: Duration = Duration::from_hours(31 * 24);

/// The shortest window that a split makes by default.
const MINIMUM: Duration = Duration::from_mins(1);

/// A long range of time as a stream of its items, read in windows that the API accepts.
///
/// Each window is a list, or a job, of the same call with another interval. Items come in the order of the windows. Nothing
/// is sent before the first item is asked for; set options before that. Dropping the stream leaves submitted jobs alone.
///
/// # Windows that are too large
/// A window is split in halves if
/// - the API rejects it, with a status of 400 or a job that failed, and a known text: that it holds too many results
///   ("Pagination may not exceed 100000 results"), or that the interval is too long. In the second case all windows of
///   its length are split;
/// - [`split_when`](Self::split_when) returns true for the error;
/// - its first page counts more items than the operation is known to list, or than the API listed of another window
///   before it rejected it; or its list ends where the operation is known to list no more.
///
/// The second half begins a whole number of days after the first, or else of hours or minutes.
///
/// If items of the window had been delivered, its halves hold them again. They are dropped by
/// [`dedupe_by`](Self::dedupe_by); without it, the split is an error. If there were more of them than ids are remembered,
/// or some have no id, those are delivered twice, and the verdict is [`Drifted`](crate::Verdict::Drifted). The same holds
/// if the job of a window is run again. A window that is [too short](Self::split_down_to) to be split is an error too
/// ([`ErrorKind::WindowTooLarge`](crate::ErrorKind::WindowTooLarge)).
///
/// # Which window has a record
/// A window begins where the one before it ends, and does not include its end. Which records an interval has is up to the
/// service: the query of conversation details returns those that began on a day of the interval, jobs return those that
/// were active in it. So a conversation can be in several windows; it is dropped by its id after the first. Aggregates
/// are computed for each window: choose a [`span`](Self::span) that is a multiple of the granularity. The order that a
/// call asks for holds within a window, and so does a limit in its body.
///
/// Data of the last hours or days may be incomplete. For the jobs of conversation and user details, the API reports the
/// date up to which it is complete: [`WindowsReport::available_until`] has it, a window that ends later makes the verdict
/// [`Unknown`](crate::Verdict::Unknown), and [`wait_for_data`](Self::wait_for_data) waits. For other operations, read the
/// last days again later.
///
/// # Errors
/// As with a [`Paginator`], the stream can be used after an error: the next poll requests the same page of the same
/// window, or runs its job again if it failed. Errors come in the order of the windows too.
///
/// # Progress
/// [`report`](Self::report) has counts and the verdict. [`plan`](Self::plan) has the windows and which of them are done;
/// save it to read the others in another process. It has no ids, so records near the edges of windows that had begun come
/// again. A [`checkpoint`](Self::checkpoint) continues with the next item.
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
/// let listing = ListSpec::new(Scheme::BodyPageNumber, "entities");
/// let now = Utc::now();
/// let mut events = Windows::<Value>::new(now - TimeDelta::days(365)..now, move |window| {
///     let mut request = Request::new(operation.clone());
///     request.set_body_field("/interval", window.to_string());
///     Paginator::from_request(&client, request, listing.clone())
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
    reader: RangeReader<T>,
    /// The page whose items are being handed out, without them.
    page: Option<Page<T>>,
    items: vec::IntoIter<T>,
}

/// Nothing is pinned.
impl<T> Unpin for Windows<T> {}

impl<T> Windows<T> {
    /// Reads a range through a list of your own for each window: for calls that the bindings do not have, or that take a
    /// range in another form than an interval, such as two dates.
    ///
    /// The function must return the same list for the same interval. It is called for the whole range too; that list is
    /// not read.
    pub fn new<F>(range: impl Into<Interval>, list: F) -> Self
    where
        F: Fn(Interval) -> Paginator<T> + Send + 'static,
    {
        Self::over(range.into(), Box::new(list), None, None)
    }

    /// The same for generated code, with the facts of the operation.
    pub(crate) fn over(
        range: Interval,
        make: MakeList<T>,
        span: Option<Duration>,
        id: Option<&str>,
    ) -> Self {
        let mut options = ReadOptions::new();
        options.dedupe_by = id.map(str::to_owned);
        let settings = Settings {
            range,
            span: span.unwrap_or(SPAN),
            overlap: Duration::ZERO,
            minimum: MINIMUM,
            concurrency: 1,
            options,
            split_when: None,
            resumed: None,
        };
        Self { reader: RangeReader::new(make, settings), page: None, items: Vec::new().into_iter() }
    }

    /// Takes over all options that are set in `options`. [`limit`](Self::limit) and [`max_pages`](Self::max_pages) are
    /// over the whole range, the others hold for each window.
    pub fn with_options(mut self, options: &ReadOptions) -> Self {
        self.reader.settings.options.override_with(options);
        self
    }

    read_option_setters!();

    fn options_mut(&mut self) -> &mut ReadOptions {
        &mut self.reader.settings.options
    }

    /// The length of a window; the last one may be shorter. Default: the longest interval that the operation is known to
    /// accept, or else 31 days.
    pub fn span(mut self, span: Duration) -> Self {
        self.reader.settings.span = span;
        self
    }

    /// The overlap between windows, for records near a boundary: each window begins this long before the end of the one
    /// before it, within its span. Only [`dedupe_by`](Self::dedupe_by) drops what comes twice. It must be shorter than
    /// the span. The halves of a split window overlap by no more than half of the first one. Default: none.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.reader.settings.overlap = overlap;
        self
    }

    /// The shortest window that a split makes. Default: one minute. Never less than a millisecond.
    pub fn split_down_to(mut self, minimum: Duration) -> Self {
        self.reader.settings.minimum = minimum;
        self
    }

    /// Also splits a window on errors for which this returns true.
    pub fn split_when(mut self, is_too_large: impl Fn(&Error) -> bool + Send + 'static) -> Self {
        self.reader.settings.split_when = Some(Box::new(is_too_large));
        self
    }

    /// Delivers every item, even if the operation is known to repeat some.
    pub fn keep_duplicates(mut self) -> Self {
        self.reader.settings.options.dedupe_by = None;
        self
    }

    /// Reads up to this many windows at a time. Default: one.
    ///
    /// Items come in the same order as without. While a window waits for those before it, its job runs, and its first
    /// page is held in memory, with those that [`prefetch`](Self::prefetch) allows.
    pub fn concurrency(mut self, windows: usize) -> Self {
        self.reader.settings.concurrency = windows;
        self
    }

    /// Continues with a checkpoint or a plan of the same call and range.
    ///
    /// From a [`Checkpoint`](crate::Checkpoint) it continues with the next item, as `Paginator::resume` does in a list.
    /// Items that came before are recognized if they are among those that were delivered last: see
    /// [`remember_in_checkpoint`](Self::remember_in_checkpoint). From a [`Plan`], the windows are read that are not done,
    /// those that had begun from their beginning.
    ///
    /// One of another call or range is rejected before anything is sent: a plan with
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest), a checkpoint with
    /// [`ErrorKind::CheckpointMismatch`](crate::ErrorKind::CheckpointMismatch), which names what differs.
    pub fn resume(mut self, from: impl Into<WindowsFrom>) -> Self {
        self.reader.settings.resumed = Some(from.into().0);
        self
    }

    /// The jobs that were submitted for the windows that are being read.
    pub(crate) fn saved_jobs(&self) -> Vec<SavedJob> {
        self.reader.jobs()
    }

    /// An earlier place, which knows the jobs that were submitted since.
    pub(crate) fn knowing(&self, earlier: &RangePoint) -> Result<RangePoint, Error> {
        self.reader.knowing(earlier)
    }

    pub(crate) fn start_at(&mut self, from: WindowsFrom) {
        self.reader.settings.resumed = Some(from.0);
    }

    /// Reads the items as another type: see [`Paginator::items_as`]. The range starts over.
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

    /// The same as a stream of pages, which have the items that are new. Of a page whose items have been taken
    /// in part, the rest comes first.
    pub fn pages(mut self) -> WindowPages<T> {
        let mut rest = self.page.take().filter(|_| self.items.len() > 0);
        if let Some(page) = &mut rest {
            page.put_back(std::mem::replace(&mut self.items, Vec::new().into_iter()));
        }
        WindowPages::new(self.reader, rest)
    }

    /// The next item, or `None` at the end.
    ///
    /// # Errors
    /// When the next page can't be had. The next call asks for it again.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// What has been read so far, over all windows.
    pub fn report(&self) -> WindowsReport {
        self.reader.report()
    }

    /// How far the items have been delivered.
    pub(crate) fn point(&self) -> Result<RangePoint, Error> {
        self.reader.point()
    }

    /// Which windows the range has, and which of them are done. A window is done once the item after its last one
    /// has been asked for. Before the first item, those that it will begin with.
    ///
    /// # Errors
    /// When the range, the span, the overlap, or the plan to go on with are not right
    /// ([`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest)).
    pub fn plan(&self) -> Result<Plan, Error> {
        self.reader.plan()
    }
}

/// What reading item by item needs.
impl<T> Windows<T> {
    /// Waits until an item can be taken. False at the end.
    pub(crate) fn poll_at_hand(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
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
        match ready!(self.poll_at_hand(cx)) {
            Ok(true) => Poll::Ready(self.take_item().map(Ok)),
            Ok(false) => Poll::Ready(None),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let at_hand = self.items.len();
        (at_hand, self.reader.has_ended().then_some(at_hand))
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
