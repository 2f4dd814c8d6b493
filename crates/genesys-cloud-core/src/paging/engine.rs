//! All of a paginator that does not depend on the type of the items: asks for pages, in time, and decides
//! what follows from each.

mod resume;
mod settle;
mod smaller;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use chrono::Utc;
use futures::future::{BoxFuture, FutureExt as _};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tracing::{Instrument as _, Span};

use self::resume::Resumption;
use super::listing::Listing;
use super::picked::Overlap;
use super::progress::{Counted, Progress};
use super::report::Report;
use super::standing::{Position, Standing};
use super::step::End;
use super::subject::Subject;
use super::walk::{Walk, set_number, value_on};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::jobs::{Caller, Feed, Opened, Opening};
use crate::operation::Operation;
use crate::options::ReadOptions;
use crate::reply::RawReply;
use crate::request::Request;
use crate::spans;

/// The most pages that are asked for ahead, whatever count of pages a reply states.
const MOST_AHEAD: usize = 256;

/// How many bytes the pages asked for ahead may have, by the size of the last one.
const MOST_BYTES_AHEAD: usize = 16 << 20;

pub(super) struct Engine {
    client: Client,
    /// As the caller made it; each page is asked for by a copy.
    request: Request,
    /// The job whose results these are.
    job: Option<Job>,
    pub(super) options: ReadOptions,
    walk: Walk,
    /// How many bytes the page that was read last had.
    page_bytes: usize,
    /// Calls for the page that is due and for those after it, in order, none left out. They stay here
    /// until they end, whoever stops waiting for them.
    calls: VecDeque<Asked>,
    /// What is to be told once the page that was read last has been handed out.
    stuck: Option<Error>,
    pub(super) progress: Progress,
    /// Why no further page is read, once none is.
    pub(super) end: Option<End>,
    /// The page that was read last.
    last: Last,
    /// Why the page that is due is read again, and where the list stood when that was found.
    overlap: Option<(Overlap, Standing)>,
    /// The same of the page that was read last, if that was read again.
    overlapped: Option<Overlap>,
    /// At which page that was found last, and what it counted.
    went_back_at: (u64, u64),
    /// How often the API has changed the size of pages.
    resized: u32,
    /// How often the page that is due was sent again because its reply could not be used.
    unusable: u32,
    /// Whether the size of pages has been settled: another one would shift items from one to another.
    is_page_size_settled: bool,
    /// How many bytes have come without being asked for page by page.
    fed: u64,
    /// Where to go on, until it is known what comes after.
    resumption: Option<Box<Resumption>>,
    /// Why there is no way on from the checkpoint that was given.
    refused: Option<&'static str>,
    /// What is listed, once it has been asked for.
    subject: OnceLock<Arc<Subject>>,
    /// The span of the list, once it has been polled.
    span: Option<Span>,
}

/// The page that was read last.
#[expect(clippy::large_enum_variant, reason = "there is one for each list, written for each page")]
enum Last {
    /// There is none yet.
    None,
    /// The list stood here when it was due, and has moved on.
    Passed(Standing),
    /// The list stands where it did when it was due, and has counted it: before it, it had counted so much.
    Unmoved { before: Counted },
}

/// A job whose results are listed.
struct Job {
    opening: Opening,
    is_open: bool,
    caller: Option<Caller>,
    feed: Option<Feed>,
    /// A page of the feed that could not be read: it does not come again.
    unread: Option<RawReply>,
    /// The field with the URL of a file, in a redirect that stands for a page.
    redirects: Option<String>,
    /// Whether what feeds the list are bytes, cut anywhere.
    is_raw: bool,
}

/// The call for one page.
struct Asked {
    position: Position,
    /// `None` if the runtime that it ran in is gone.
    call: BoxFuture<'static, Option<Result<RawReply, Error>>>,
    /// Whether the page was asked for before, and its reply could not be used.
    is_again: bool,
    /// Whether the page is dropped where it is larger than `max_page_bytes`.
    is_bounded: bool,
}

impl Engine {
    pub(super) fn new(client: Client, mut request: Request, listing: Listing) -> Self {
        Self {
            walk: Walk::start(&mut request, &listing, client.api_url()),
            client,
            request,
            job: None,
            options: ReadOptions::new(),
            span: None,
            page_bytes: 0,
            calls: VecDeque::new(),
            stuck: None,
            progress: Progress::default(),
            end: None,
            last: Last::None,
            overlap: None,
            overlapped: None,
            went_back_at: (0, 0),
            resized: 0,
            unusable: 0,
            is_page_size_settled: false,
            fed: 0,
            resumption: None,
            refused: None,
            subject: OnceLock::new(),
        }
    }

    /// The results of a job.
    pub(super) fn of_job(opening: Opening) -> Self {
        let (client, request) = (opening.client().clone(), opening.request().clone());
        let listing = opening.listing();
        let job = Job {
            opening,
            is_open: false,
            caller: None,
            feed: None,
            unread: None,
            redirects: None,
            is_raw: false,
        };
        let asked_until = job.opening.asked_until();
        let mut this = Self { job: Some(job), ..Self::new(client, request, listing) };
        this.progress.asked_until = asked_until;
        this
    }

    /// The same list with the same settings, from its beginning. A job that was submitted is not submitted
    /// again.
    pub(super) fn restarted(self) -> Self {
        let anew = match self.job {
            Some(job) => Self::of_job(job.opening),
            None => Self::new(self.client, self.request, self.walk.listing),
        };
        Self {
            options: self.options,
            resumption: self.resumption.map(|resumption| Box::new(resumption.anew())),
            refused: self.refused,
            ..anew
        }
    }

    /// Has the job done, if this is the list of its results, and sets out to read them.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(job) = self.job.as_mut().filter(|job| !job.is_open) else {
            return Poll::Ready(Ok(()));
        };
        let Opened {
            mut request,
            listing,
            caller,
            feed,
            redirects,
            partial,
            is_raw,
            has_no_results,
        } = match ready!(job.opening.poll_open(cx, &self.options.job)) {
            Ok(opened) => opened,
            Err(error) => return Poll::Ready(Err(error)),
        };
        self.walk.set_out(&mut request, &listing, self.client.api_url());
        self.request = request;
        (job.caller, job.feed, job.redirects) = (caller, feed, redirects);
        (job.is_open, job.is_raw) = (true, is_raw);
        self.progress.partial |= partial;
        self.progress.lists.other += u64::from(has_no_results);
        Poll::Ready(Ok(()))
    }

    /// Whether pages come without being asked for one by one.
    fn is_fed(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.feed.is_some())
    }

    fn is_fed_bytes(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.feed.is_some() && job.is_raw)
    }

    /// Where the file with the items of a page is, if it is not a page that holds them.
    pub(super) fn redirects(&self, reply: &RawReply) -> Option<&str> {
        let redirects = self.job.as_ref()?.redirects.as_deref();
        redirects.filter(|_| (300..400).contains(&reply.status()))
    }

    /// Takes back a page that could not be used, as this error says. Where the next reply may be fine, the page is
    /// asked for again, within the limits of all retries; the error comes back where it is not. It then is the
    /// next page again, or is asked for again by the next poll.
    pub(super) fn take_back(&mut self, page: RawReply, error: Error) -> Option<Error> {
        if let Some(job) = &mut self.job {
            if job.feed.is_some() {
                job.unread = Some(page);
                return Some(error);
            }
            if job.opening.ask_again() {
                (job.is_open, job.caller) = (false, None);
                self.enter_again();
                return Some(error);
            }
        }
        self.repeat(error)
    }

    /// Has the page requested again whose reply could not be used, as this error says. Gives the error back where
    /// that may not help, or may do something twice.
    fn repeat(&mut self, error: Error) -> Option<Error> {
        let may_pass = error.is_passing() && !error.is_spent() && !error.is_outcome_unknown();
        if !may_pass || !self.operation().is_repeatable() {
            self.unusable = 0;
            return Some(error);
        }
        let position = self.walk.due().clone();
        let request = self.request_for(&position);
        let is_bounded = request.max_body().is_some();
        let (client, caller, repeated) =
            (self.client.clone(), self.caller().cloned(), self.unusable);
        let call = async move {
            match caller {
                None => client.execute_again(&request, repeated, error).await,
                Some(caller) => {
                    client.wait_to_repeat(request.operation(), repeated, error).await?;
                    caller(request).await
                }
            }
        };
        self.unusable += 1;
        let call = call.map(Some).boxed();
        self.calls.push_front(Asked { position, call, is_again: true, is_bounded });
        None
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// As the caller made it, or, of a job that is done, what lists its results.
    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    /// How many items the API lets be read, where it is known.
    pub(super) fn cap_in_items(&self) -> Option<u64> {
        self.walk.cap_in_items()
    }

    pub(super) fn operation(&self) -> &Operation {
        self.request.operation()
    }

    pub(super) fn listing(&self) -> &Listing {
        &self.walk.listing
    }

    /// What has been read so far.
    pub(super) fn report(&self) -> Report {
        self.progress.report(&self.walk.at, self.end)
    }

    /// The number of the page that is due.
    pub(super) fn page_number(&self) -> u64 {
        self.walk.page_number()
    }

    /// Whether the page that is due is asked for by what another page said.
    pub(super) fn is_led_by_token(&self) -> bool {
        matches!(self.walk.due(), Position::Token(_) | Position::Link(_))
    }

    /// The reply that holds the page which is due. `None` when no further page is.
    pub(super) fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<RawReply, Error>>> {
        let operation = self.request.operation();
        let span = self.span.get_or_insert_with(|| spans::list(operation)).clone();
        let _entered = span.enter();
        let reply = self.poll_not_stale(cx);
        self.count_calls_of_job();
        if let Poll::Ready(Some(Err(error))) = &reply {
            spans::failed(&span, error);
        }
        reply
    }

    fn poll_not_stale(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<RawReply, Error>>> {
        loop {
            match ready!(self.poll_due(cx)) {
                Some(Err(error)) => {
                    if let Some(error) = self.unless_stale(error) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                reply => return Poll::Ready(reply),
            }
        }
    }

    /// Takes in what the calls of the job have cost: its submit, those that asked how it stands, and those for
    /// pages that its results have a caller for.
    fn count_calls_of_job(&mut self) {
        let Some(job) = &self.job else { return };
        self.progress.calls.add(job.opening.calls());
        if self.progress.available_until.is_none() {
            self.progress.available_until = job.opening.available_until();
        }
    }

    /// Makes the call for a page and counts it, if it is no plain one.
    fn caller(&self) -> Option<&Caller> {
        self.job.as_ref().and_then(|job| job.caller.as_ref())
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<RawReply, Error>>> {
        if let Err(error) = self.check_resumption() {
            return Poll::Ready(Some(Err(error)));
        }
        if self.end.is_none() {
            self.end = self.bound_reached();
        }
        if self.end.is_some() {
            return Poll::Ready(None);
        }
        if let Some(error) = self.stuck.take() {
            self.end = Some(End::Contradiction);
            return Poll::Ready(Some(Err(error)));
        }
        // Before a job is submitted, not when its results are there.
        if let Err(error) = self.check_page_size(self.options.page_size) {
            return Poll::Ready(Some(Err(error)));
        }
        if let Err(error) = ready!(self.poll_open(cx)) {
            return Poll::Ready(Some(Err(error)));
        }
        if let Err(error) = self.enter_resumption() {
            return Poll::Ready(Some(Err(error)));
        }
        while let Some(Job { feed: Some(feed), unread, .. }) = &mut self.job {
            if let Some(page) = unread.take() {
                return Poll::Ready(Some(Ok(page)));
            }
            match ready!(feed.as_mut().poll_next(cx)) {
                Some(Ok(page)) => {
                    if let Some(page) = self.without_known_bytes(page) {
                        return Poll::Ready(Some(Ok(page)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    self.end_of_feed();
                    self.end = Some(End::NoNextPage);
                    return Poll::Ready(None);
                }
            }
        }
        if let Err(error) = self.settle_page_size() {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            if self.calls.front().is_none_or(|asked| asked.position != *self.walk.due()) {
                let due = self.ask(self.walk.due().clone(), self.options.prefetch.unwrap_or(0) > 0);
                self.calls.push_front(due);
            }
            let Some(asked) = self.calls.front_mut() else { continue };
            let reply = ready!(asked.call.as_mut().poll(cx));
            let Some(asked) = self.calls.pop_front() else { continue };
            if let Some(reply) = reply {
                if self.caller().is_none() {
                    let (attempts, waited) = match &reply {
                        Ok(reply) => (reply.attempts(), reply.waited()),
                        Err(error) => (error.attempts(), error.waited()),
                    };
                    // One that is made because a reply could not be used is a repetition as a whole.
                    let first = u32::from(!asked.is_again);
                    let calls = &mut self.progress.calls;
                    calls.repeated += u64::from(attempts.saturating_sub(first));
                    calls.waited += waited;
                }
                if asked.is_bounded
                    && reply.as_ref().is_err_and(|error| error.kind() == ErrorKind::TooLarge)
                {
                    self.ask_for_less();
                    continue;
                }
                let page = match reply.and_then(|reply| self.holding_page(reply)) {
                    // What lists the results of a job looks at each reply before the page is read.
                    Err(error) => match self.repeat(error) {
                        Some(error) => Err(error),
                        None => continue,
                    },
                    page => page,
                };
                if let Ok(page) = &page {
                    self.page_bytes = page.body().len();
                    // To read a page takes time in which others can come.
                    self.ask_ahead(1);
                }
                return Poll::Ready(Some(page));
            }
            // Another task could be cancelled as this one was.
            let due = self.ask(self.walk.due().clone(), false);
            self.calls.push_front(due);
        }
    }

    /// Asks for a page; in a task, so that it comes while nobody polls, or else as it is polled for.
    fn ask(&mut self, position: Position, in_task: bool) -> Asked {
        self.progress.calls.requests += u64::from(self.caller().is_none());
        self.progress.began.get_or_insert_with(Utc::now);
        let request = self.request_for(&position);
        let is_bounded = request.max_body().is_some();
        let client = self.client.clone();
        let call = match self.caller() {
            Some(caller) => caller(request),
            None => async move { client.execute(&request).await }.boxed(),
        };
        // Without a runtime the call itself is an error.
        let call = match Handle::try_current() {
            Ok(runtime) if in_task => Task(runtime.spawn(call.in_current_span())).boxed(),
            _ => call.map(Some).boxed(),
        };
        Asked { position, call, is_again: false, is_bounded }
    }

    fn request_for(&self, position: &Position) -> Request {
        let mut request = self.request.clone();
        if let (Some(page_size), Some(asked)) = (self.listing().page_size(), self.walk.at.page_size)
        {
            set_number(&mut request, page_size.place(), asked, page_size.is_text());
        }
        self.walk.write(position, &mut request);
        if let Some(bytes) =
            self.options.max_page_bytes.filter(|_| self.smaller_size(position).is_some())
        {
            request.set_max_body(bytes);
        }
        request
    }

    /// Refuses a page size that the operation does not take.
    fn check_page_size(&self, items: Option<u64>) -> Result<(), Error> {
        let refusal = self.listing().page_size().zip(items).filter(|_| !self.is_page_size_settled);
        match refusal.and_then(|(page_size, items)| page_size.refusal(items)) {
            None => Ok(()),
            Some((why, advice)) => {
                Err(Error::invalid_request(self.request.operation(), why).advise(advice))
            }
        }
    }

    /// Decides how many items to ask for. Once for all pages: another size would shift items from one page to another.
    fn settle_page_size(&mut self) -> Result<(), Error> {
        if self.is_page_size_settled {
            return Ok(());
        }
        let Some(page_size) = self.listing().page_size() else { return Ok(()) };
        let on_request = match value_on(&self.request, page_size.place()).map(|it| it.parse()) {
            // No number: it stays, for the API to say what is wrong with it.
            Some(Err(_)) if self.options.page_size.is_none() => {
                self.is_page_size_settled = true;
                return Ok(());
            }
            Some(Ok(items)) => Some(items),
            _ => None,
        };
        let wanted = self.options.page_size.or(on_request);
        self.check_page_size(wanted)?;
        let usual = || match (page_size.usual(), page_size.maximum()) {
            (Some(usual), Some(maximum)) => usual.min(maximum),
            (usual, maximum) => {
                usual.or(maximum).unwrap_or(self.listing().scheme().usual_page_size())
            }
        };
        let wanted = wanted.unwrap_or_else(usual);
        let allowed = self.walk.page_size_up_to_cap(wanted);
        let limit = self.options.limit.filter(|_| self.walk.starts_alike_in_any_size());
        // What is too small is refused: a limit below it costs a few items that are not returned.
        let least = page_size.minimum().unwrap_or(1).max(1);
        let asked = allowed.min(limit.unwrap_or(allowed)).max(least);
        self.progress.page_size_clamped_from = Some(wanted).filter(|wanted| *wanted > allowed);
        self.walk.set_page_size(Some(asked));
        self.is_page_size_settled = true;
        Ok(())
    }

    /// A reply that is no error may still hold no page.
    fn holding_page(&self, reply: RawReply) -> Result<RawReply, Error> {
        let due = self.page_number();
        let is_from_job = self.caller().is_some();
        match reply.status() {
            // A job that is done may still be told of by a 202.
            202 if is_from_job => Ok(reply),
            300..400 if self.redirects(&reply).is_some() => Ok(reply),
            202 => {
                let why = format!("page {due} is not ready: the API answered 202");
                let error = Error::paging(&reply, why);
                Err(match (self.listing().jobs(), reply.location_path()) {
                    (Some(path), _) => error.advise(format!("run it as a job: POST {path}")),
                    (None, Some(path)) => error.advise(format!("follow its job: GET {path}")),
                    (None, None) => error.advise("ask for it again later"),
                })
            }
            200..300 => Ok(reply),
            status => {
                let why = format!("the API answered {status} in place of page {due}");
                Err(Error::paging(&reply, why))
            }
        }
    }

    /// Asks for pages before they are due, as many as are allowed and known to be wanted. Those from the one
    /// that is due on may be at hand already.
    fn ask_ahead(&mut self, at_hand: usize) {
        if self.is_fed() {
            return;
        }
        if self.end.is_some() || self.stuck.is_some() {
            self.calls.clear();
            return;
        }
        let in_limit = self.options.limit.map(|limit| {
            let left = limit.saturating_sub(self.progress.read);
            left.div_ceil(self.walk.items_per_page())
        });
        let in_pages =
            self.options.max_pages.map(|pages| pages.saturating_sub(self.walk.at.counted.pages));
        let wanted = in_limit.into_iter().chain(in_pages).min().unwrap_or(u64::MAX);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).saturating_sub(at_hand);
        let most = (MOST_BYTES_AHEAD / self.page_bytes.max(1)).min(MOST_AHEAD);
        let wanted = wanted.min(self.options.prefetch.unwrap_or(0).min(most));
        let positions: Vec<Position> = self
            .walk
            .ahead()
            .skip(at_hand + self.calls.len())
            .take(wanted.saturating_sub(self.calls.len()))
            .collect();
        for position in positions {
            let asked = self.ask(position, true);
            self.calls.push_back(asked);
        }
    }

    fn bound_reached(&self) -> Option<End> {
        if self.options.limit.is_some_and(|limit| self.progress.read >= limit) {
            Some(End::Limit)
        } else if self.options.max_pages.is_some_and(|pages| self.walk.at.counted.pages >= pages) {
            Some(End::MaxPages)
        } else {
            None
        }
    }
}

/// A call that runs as a task, and no longer than it is wanted.
struct Task(JoinHandle<Result<RawReply, Error>>);

impl Future for Task {
    type Output = Option<Result<RawReply, Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(reply) => Poll::Ready(Some(reply)),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime that it ran in is gone.
            Err(_) => Poll::Ready(None),
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
