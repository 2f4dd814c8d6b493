//! Requests the pages of a list and decides what follows from each: the part of a paginator that does not depend on the
//! item type.
//!
//! A page goes from here up to the paginator and back. The paginator polls for the response
//! ([`poll_page`](PageFetcher::poll_page)), decodes the items, whose type only it knows, and passes the page info back
//! ([`accept_page`](PageFetcher::accept_page)). The fetcher then decides which items are new and which page is due
//! next. This code is thus compiled once instead of once per item type; the price is the round trip.
//!
//! [`PageSource`] hides where pages come from. [`step`](super::step::step) decides which page follows, and [`Resume`]
//! how a list resumes at a checkpoint; both are pure.

mod accept;
mod checkpoint;
mod page_size;
mod queue;
mod reread;
mod resume;

use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use chrono::Utc;
use tracing::Span;

use self::queue::{Fetch, FetchQueue};
use super::cursor::Cursor;
use super::cursor_state::{CursorState, Position};
use super::list_spec::ListSpec;
use super::progress::{Counted, Progress};
use super::report::Report;
use super::request_fingerprint::RequestFingerprint;
use super::resume::Resume;
use super::scheme::Advance;
use super::selection::Overlap;
use super::source::{Opened, PageSource, TakenBack};
use super::step::End;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::operation::Operation;
use crate::options::ReadOptions;
use crate::request::Request;
use crate::response::RawResponse;
use crate::spans;

/// Requests the pages of one list.
pub(super) struct PageFetcher {
    client: Client,
    source: Box<dyn PageSource>,
    /// Cloned for each page.
    request: Request,
    pub(super) options: ReadOptions,
    cursor: Cursor,
    /// Whether the page size has been decided. A different one would shift items between pages.
    is_page_size_settled: bool,
    queue: FetchQueue,
    progress: Progress,
    phase: Phase,
    last: Last,
    rereads: Rereads,
    resume: Resume,
    /// What is listed, once needed.
    identity: OnceLock<Arc<RequestFingerprint>>,
    /// The span of the list, from the first poll on.
    span: Option<Span>,
}

/// Whether further pages are read.
enum Phase {
    Reading,
    /// The page accepted last cannot be followed by another. The error comes after its items.
    Stuck(Error),
    Ended(End),
}

/// The page accepted last.
#[expect(clippy::large_enum_variant, reason = "there is one for each list, written for each page")]
enum Last {
    /// No page has been accepted.
    None,
    /// The cursor state when the page was due. The cursor has moved on.
    Passed(CursorState),
    /// The cursor has not moved since the page was due. `before` are the counts before the page.
    Unmoved { before: Counted },
}

/// Pages that are read again in the same run.
#[derive(Default)]
struct Rereads {
    /// The items that the due page had when it was accepted before, and the cursor state at which the list went back.
    overlap: Option<(Overlap, CursorState)>,
    /// The overlap of the page accepted last, if it was read again.
    overlapped: Option<Overlap>,
    /// The page at which the list last went back, and the total that it stated.
    went_back_at: (u64, u64),
    /// How often the API has changed the page size.
    resized: u32,
}

impl PageFetcher {
    pub(super) fn new(
        client: Client,
        source: Box<dyn PageSource>,
        mut request: Request,
        spec: &ListSpec,
    ) -> Self {
        let progress = Progress {
            asked_until: source.asked_until(),
            reports_availability: source.reports_availability(),
            ..Progress::default()
        };
        Self {
            cursor: Cursor::start(&mut request, spec, client.api_url()),
            client,
            source,
            request,
            options: ReadOptions::new(),
            is_page_size_settled: false,
            queue: FetchQueue::default(),
            progress,
            phase: Phase::Reading,
            last: Last::None,
            rereads: Rereads::default(),
            resume: Resume::Idle,
            identity: OnceLock::new(),
            span: None,
        }
    }

    /// Restarts the list with the same settings. A submitted job is not submitted again.
    pub(super) fn restarted(mut self) -> Self {
        self.source.reopen();
        Self {
            options: self.options,
            resume: self.resume.reset(),
            ..Self::new(self.client, self.source, self.request, &self.cursor.spec)
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn source(&self) -> &dyn PageSource {
        &*self.source
    }

    /// The caller's request, or for a finished job the request that lists its results.
    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    pub(super) fn operation(&self) -> &Operation {
        self.request.operation()
    }

    pub(super) fn spec(&self) -> &ListSpec {
        &self.cursor.spec
    }

    /// The cap of the list in items, if known.
    pub(super) fn cap_in_items(&self) -> Option<u64> {
        self.cursor.cap_in_items()
    }

    /// The number of the page that is due.
    pub(super) fn page_number(&self) -> u64 {
        self.cursor.page_number()
    }

    /// Whether the due page is requested by a token or link of an earlier page.
    pub(super) fn is_led_by_token(&self) -> bool {
        matches!(self.cursor.due(), Position::Token(_) | Position::Link(_))
    }

    /// The field with the URL of the file that holds the items, if they are not in the page itself.
    pub(super) fn file_field(&self, response: &RawResponse) -> Option<&str> {
        self.source.file_field(response)
    }

    /// The report on what has been read so far.
    pub(super) fn report(&self) -> Report {
        self.progress.report(&self.cursor.at, self.end())
    }

    /// Number of items that the caller has received.
    pub(super) const fn delivered(&self) -> u64 {
        self.progress.delivered
    }

    /// Number of items accepted, delivered or not.
    pub(super) const fn items_read(&self) -> u64 {
        self.progress.read
    }

    /// Counts items that the caller has received.
    pub(super) const fn count_delivered(&mut self, items: usize) {
        self.progress.delivered += items as u64;
    }

    /// Why the list has ended, once it has.
    pub(super) const fn end(&self) -> Option<End> {
        match self.phase {
            Phase::Ended(end) => Some(end),
            Phase::Reading | Phase::Stuck(_) => None,
        }
    }

    /// Polls for the response with the due page. `None` at the end of the list.
    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<RawResponse, Error>>> {
        let operation = self.request.operation();
        let span = self.span.get_or_insert_with(|| spans::list(operation)).clone();
        let _entered = span.enter();
        let page = loop {
            match self.poll_due(cx) {
                Poll::Ready(Some(Err(error))) => {
                    if let Some(error) = self.unless_stale(error) {
                        break Poll::Ready(Some(Err(error)));
                    }
                }
                page => break page,
            }
        };
        self.count_calls();
        if let Poll::Ready(Some(Err(error))) = &page {
            spans::failed(&span, error);
        }
        page
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<RawResponse, Error>>> {
        if let Err(error) = self.check_resume() {
            return Poll::Ready(Some(Err(error)));
        }
        self.end_at_bound();
        match &mut self.phase {
            Phase::Reading => {}
            Phase::Ended(_) => return Poll::Ready(None),
            stuck @ Phase::Stuck(_) => {
                let ended = Phase::Ended(End::Contradiction);
                let Phase::Stuck(error) = std::mem::replace(stuck, ended) else {
                    return Poll::Ready(None);
                };
                return Poll::Ready(Some(Err(error)));
            }
        }
        match ready!(self.poll_ready(cx)) {
            Ok(()) => self.poll_fetch(cx),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    /// Waits until the page that is due can be requested.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // Before a job is submitted, not when it is done.
        self.check_page_size(self.options.page_size)?;
        if let Some(opened) = ready!(self.source.poll_open(cx, &self.options.job))? {
            self.list(opened);
        }
        self.enter_place()?;
        self.settle_page_size()?;
        Poll::Ready(Ok(()))
    }

    /// Starts reading the list that the source opened.
    fn list(&mut self, opened: Opened) {
        let Opened { mut request, spec, sequence, is_partial, has_no_results } = opened;
        self.cursor.set_out(&mut request, &spec, self.client.api_url());
        self.cursor.sequence = sequence;
        self.request = request;
        self.progress.partial |= is_partial;
        self.progress.lists.other += u64::from(has_no_results);
    }

    /// Gets the page that is due.
    fn poll_fetch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<RawResponse, Error>>> {
        loop {
            if !self.queue.is_first(self.cursor.due()) {
                let due = self.fetch(self.cursor.due().clone());
                self.queue.push_front(due, self.prefetch() > 0 && self.can_run_ahead());
            }
            let Some((fetched, is_bounded)) = ready!(self.queue.poll_first(cx)) else {
                // Its runtime has shut down, and could take another task down too.
                let due = self.fetch(self.cursor.due().clone());
                self.queue.push_front(due, false);
                continue;
            };
            let response = match fetched {
                Ok(Some(response)) => self.checked(response),
                Ok(None) => {
                    self.progress.moved |= self.resume.end_of_sequence();
                    self.phase = Phase::Ended(End::NoNextPage);
                    return Poll::Ready(None);
                }
                Err(error) if is_bounded && error.kind() == ErrorKind::TooLarge => {
                    self.ask_for_less();
                    continue;
                }
                Err(error) => Err(error),
            };
            match response {
                // A source may refuse a response before the page is read.
                Err(error) => {
                    if let Some(error) = self.repeat(error) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                Ok(mut page) => {
                    self.queue.note_page(&page);
                    if !self.resume.skip_bytes(&mut page.body) {
                        continue;
                    }
                    // Others can arrive while this page is being decoded.
                    self.fetch_ahead(1);
                    return Poll::Ready(Some(Ok(page)));
                }
            }
        }
    }

    /// The call for a page.
    fn fetch(&mut self, position: Position) -> Fetch {
        self.progress.began.get_or_insert_with(Utc::now);
        let request = self.request_for(&position);
        let is_bounded = request.max_body().is_some();
        Fetch { position, call: self.source.fetch(request), is_bounded }
    }

    /// Takes back a page that could not be used because of `error`. If a retry may help, the page is requested again,
    /// within the retry limits. Otherwise returns the error; the next poll then gets the same page or requests it
    /// again.
    pub(super) fn take_back(&mut self, page: &RawResponse, error: Error) -> Option<Error> {
        match self.source.take_back(page) {
            TakenBack::Repeat => return self.repeat(error),
            TakenBack::Reopened => self.resume.reopen(),
            TakenBack::Kept => {}
        }
        Some(error)
    }

    /// Requests the page again because its response could not be used. Returns the error if a retry cannot help or is
    /// not safe.
    fn repeat(&mut self, error: Error) -> Option<Error> {
        let may_pass = error.is_passing() && !error.is_spent() && !error.is_outcome_unknown();
        if !may_pass || !self.operation().is_repeatable() {
            self.queue.retries = 0;
            return Some(error);
        }
        let position = self.cursor.due().clone();
        let request = self.request_for(&position);
        let is_bounded = request.max_body().is_some();
        match self.source.fetch_again(request, self.queue.retries, error) {
            Ok(call) => {
                self.queue.retries += 1;
                self.queue.push_front(Fetch { position, call, is_bounded }, false);
                None
            }
            Err(error) => {
                self.queue.retries = 0;
                Some(error)
            }
        }
    }

    /// Refuses a successful response that cannot be a page.
    fn checked(&self, response: RawResponse) -> Result<RawResponse, Error> {
        if self.source.may_be_page(&response) {
            return Ok(response);
        }
        let due = self.page_number();
        match response.status() {
            202 => {
                let why = format!("page {due} is not ready: the API answered 202");
                let error = Error::paging(&response, why);
                Err(match (self.spec().jobs(), response.location_path()) {
                    (Some(path), _) => error.advise(format!("run it as a job: POST {path}")),
                    (None, Some(path)) => error.advise(format!("follow its job: GET {path}")),
                    (None, None) => error.advise("request it again later"),
                })
            }
            status => {
                let why = format!("the API answered {status} instead of page {due}");
                Err(Error::paging(&response, why))
            }
        }
    }

    fn prefetch(&self) -> usize {
        self.options.prefetch.unwrap_or(0)
    }

    /// Whether pages may be requested before they are due.
    const fn can_run_ahead(&self) -> bool {
        self.cursor.sequence.is_none()
    }

    /// Requests pages before they are due, as many as are allowed and known to be needed. The first `ready` pages from
    /// the due one on have already arrived.
    fn fetch_ahead(&mut self, ready: usize) {
        if !matches!(self.phase, Phase::Reading) {
            self.queue.clear();
            return;
        }
        if !self.can_run_ahead() {
            return;
        }
        let in_limit = self.options.limit.map(|limit| {
            let left = limit.saturating_sub(self.progress.read);
            left.div_ceil(self.cursor.items_per_page())
        });
        let pages = self.cursor.at.counted.pages;
        let in_pages = self.options.max_pages.map(|most| most.saturating_sub(pages));
        let wanted = in_limit.into_iter().chain(in_pages).min().unwrap_or(u64::MAX);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).saturating_sub(ready);
        let wanted = wanted.min(self.prefetch().min(self.queue.room()));
        let queued = self.queue.len();
        let positions: Vec<Position> =
            self.cursor.ahead().skip(ready + queued).take(wanted.saturating_sub(queued)).collect();
        for position in positions {
            let ahead = self.fetch(position);
            self.queue.push_back(ahead);
        }
    }

    /// Adds up the calls of the source, including those for a job.
    fn count_calls(&mut self) {
        self.progress.calls.add(self.source.take_calls());
        self.progress.available_until =
            self.progress.available_until.or(self.source.available_until());
    }

    /// Ends the list at the caller's limits.
    fn end_at_bound(&mut self) {
        if self.end().is_some() {
            return;
        }
        let (read, pages) = (self.progress.read, self.cursor.at.counted.pages);
        if self.options.limit.is_some_and(|limit| read >= limit) {
            self.phase = Phase::Ended(End::Limit);
        } else if self.options.max_pages.is_some_and(|most| pages >= most) {
            self.phase = Phase::Ended(End::MaxPages);
        }
    }

    /// Ends a list whose page cannot be the one that was due.
    fn end_in_contradiction(&mut self) {
        self.phase = Phase::Ended(End::Contradiction);
        self.queue.clear();
    }

    /// Whether pages have numbers.
    fn is_numbered(&self) -> bool {
        matches!(self.cursor.advances_by(), Advance::Numbers { .. })
    }
}
