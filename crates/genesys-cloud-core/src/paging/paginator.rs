//! The face of a list: has pages asked for and read, and hands out their items.

use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec;

use chrono::{DateTime, Utc};
use futures::stream::{FusedStream, Stream};
use serde::de::DeserializeOwned;

use super::adapters::{Batches, Pages};
use super::engine::Engine;
use super::extracted::Extracted;
use super::listing::Listing;
use super::marks::PageText;
use super::page::{FileOfPage, Page};
use super::picked::Picked;
use super::point::{Handed, ListPoint};
use super::raw::{RawItem, raw};
use super::read::{self, Read, ReadPage};
use super::report::Report;
#[cfg(feature = "test-util")]
use super::report::Verdict;
use super::standing::Facts;
use super::subject::Subject;
use crate::call::Call;
use crate::client::Client;
use crate::dedupe::{RecentIds, item_ids};
use crate::error::Error;
use crate::jobs::{Family, Opening};
use crate::json_path::JsonText;
use crate::options::{ReadOptions, read_option_setters};
use crate::reply::{DecodeError, Problem, RawReply};
use crate::request::Request;
use crate::saved_job::SavedJob;
use crate::wire::Wire;

/// A list of an operation as a stream of its items, read page by page as they are asked for.
///
/// Nothing is sent before the first item is asked for, and no more than one page is held in memory,
/// beside those that [`prefetch`](Self::prefetch) allows. It and [`page_size`](Self::page_size),
/// [`limit`](Self::limit) and [`max_pages`](Self::max_pages) are set before that. The future of
/// [`try_next`](Self::try_next), and the stream itself, can be dropped at any time.
///
/// A list ends by the rule of its [`Scheme`](crate::Scheme), never by a short page. That it has ended
/// does not mean that it was whole: [`report`](Self::report) tells ([`Report::verdict`]).
///
/// Where its count of items falls while a list is read by page number, the page before is read once more, for
/// records that have moved to it ([`Report::read_again`]).
///
/// # Errors
/// After an error the stream can be used on: the next poll asks for the same page again, and no item is
/// lost or comes twice. An error that won't pass, such as a missing permission, then comes again.
///
/// The list ends with the error ([`ErrorKind::Paging`](crate::ErrorKind::Paging)) where a page is not the one that
/// was due, but says that it is another, or holds the very items of one before; none of its items is handed out. So
/// it does after a page from which there is no way on: its token or link leads back to a page that was read before,
/// or to another host, or is none, or it is the last of 20 empty ones in a row.
///
/// ```no_run
/// # async fn example(client: genesys_cloud_core::Client) -> Result<(), genesys_cloud_core::Error> {
/// use genesys_cloud_core::{Listing, Method, Operation, PageSize, Paginator, Request, Scheme};
/// use serde_json::Value;
///
/// let operation = Operation::new("getRoutingQueues", Method::Get, "/api/v2/routing/queues");
/// let listing = Listing::new(Scheme::PageNumber, "entities")
///     .with_page_size(PageSize::integer("pageSize").at_most(500));
/// let mut queues = Paginator::<Value>::over(&client, Request::new(operation), listing);
/// while let Some(queue) = queues.try_next().await? {
///     println!("{}", queue["name"]);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a paginator does nothing until items are asked for"]
pub struct Paginator<T> {
    engine: Engine,
    read: Read<T>,
    /// The page whose items are being handed out, without them.
    page: Option<Page<T>>,
    items: vec::IntoIter<T>,
    /// The page that was read last.
    last: LastPage,
    /// The path of the id in an item, if the pages are to have the ids of their items.
    id: Option<String>,
    /// The ids that came before, from the first page on, if `dedupe_by` is set.
    known: Option<RecentIds>,
    /// What the verdict is to be, in unit tests.
    #[cfg(feature = "test-util")]
    verdict: Option<Verdict>,
}

/// The page that was read last, as far as a checkpoint needs it.
#[derive(Default)]
struct LastPage {
    text: Option<Arc<PageText>>,
    /// Which of its items are handed out.
    picked: Picked,
    /// The ids of those, where what comes twice is left out.
    ids: Vec<Option<u128>>,
    /// How many items of the list had been handed out before it.
    before: u64,
}

/// A place in a list, for a checkpoint if one is wanted.
pub(super) struct Mark {
    point: ListPoint,
    /// The path of the items of the page in which it is, how far that was handed out, and its text.
    items: Cow<'static, str>,
    handed: Handed,
    text: Option<Arc<PageText>>,
}

impl Mark {
    pub(super) fn point(&self) -> ListPoint {
        let mut point = self.point.clone();
        if let Some(text) = &self.text {
            point.know(text, &self.items, self.handed);
        }
        point
    }
}

/// Nothing is pinned.
impl<T> Unpin for Paginator<T> {}

impl<T> Paginator<T> {
    /// The items that a request of any operation lists, such as one that the bindings do not know.
    ///
    /// The list begins at the page that is set on the request, if one is.
    pub fn over(client: &impl AsRef<Client>, request: Request, listing: Listing) -> Self
    where
        T: DeserializeOwned + 'static,
    {
        Self::new(Engine::new(client.as_ref().clone(), request, listing), Read::Paths(read::serde))
    }

    /// The same, where a function of your own finds the items and what leads on in each reply: for
    /// replies that the paths of a [`Listing`] can't describe, such as a token in a header, a flag that
    /// there is more, or a body that is not JSON.
    ///
    /// The listing still says how the list moves ([`Scheme`](crate::Scheme)), where the number or token
    /// of a page goes, and how large pages may be; its path to the items is not used. All guards hold,
    /// but of pages alone: one is the same as another where the whole body is, and items that come
    /// twice are not noticed. The extractor sees replies of status 2xx other than 202 and 204, and may
    /// see a page again. A 204 is an error, unless the listing allows it ([`Listing::with_no_content`]).
    ///
    /// ```no_run
    /// # fn example(client: genesys_cloud_core::Client) -> genesys_cloud_core::Paginator<String> {
    /// use genesys_cloud_core::{
    ///     Extracted, Listing, Method, Operation, Paginator, Place, Request, Scheme,
    /// };
    /// use serde_json::Value;
    ///
    /// let operation = Operation::new("getNames", Method::Get, "/api/v2/names");
    /// let listing = Listing::new(Scheme::ContinuationToken, "names")
    ///     .with_token_in(Place::query("from"));
    /// // {"names": ["a", "b"], "more": true}: the next page begins after the last name.
    /// Paginator::with_extractor(&client, Request::new(operation), listing, |reply| {
    ///     let page: Value = serde_json::from_slice(reply.body())?;
    ///     let names: Vec<String> = serde_json::from_value(page["names"].clone())?;
    ///     let next = names.last().filter(|_| page["more"] == true).cloned();
    ///     Ok(Extracted::new(names).with_next(next))
    /// })
    /// # }
    /// ```
    pub fn with_extractor<F>(
        client: &impl AsRef<Client>,
        request: Request,
        listing: Listing,
        extract: F,
    ) -> Self
    where
        F: Fn(&RawReply) -> Result<Extracted<T>, DecodeError> + Send + 'static,
    {
        let engine = Engine::new(client.as_ref().clone(), request, listing);
        Self::new(engine, Read::Own(Box::new(extract)))
    }

    /// The items that a call of generated code lists, read the way the API writes them.
    pub(crate) fn known<O>(call: Call<O>, listing: Listing) -> Self
    where
        T: Wire,
    {
        let (client, request) = call.into_parts();
        Self::reading(client, request, listing, read::wire)
    }

    /// The items that a request lists, read in this way.
    pub(crate) fn reading(
        client: Client,
        request: Request,
        listing: Listing,
        read: ReadPage<T>,
    ) -> Self {
        Self::new(Engine::new(client, request, listing), Read::Paths(read))
    }

    /// Submits a job through a request of any operation, such as one that the bindings do not know, waits
    /// until it is done, and reads its results.
    ///
    /// The job is submitted when the first item is asked for. After an error it is gone on with, and
    /// submitted again only where the submit itself failed. It is waited for as [`Job::wait`](crate::Job::wait)
    /// does. Where a job gives one page of the list, as many jobs are run as there are pages. Dropping the
    /// paginator leaves the job alone.
    pub fn over_job(client: &impl AsRef<Client>, request: Request, family: Family) -> Self
    where
        T: DeserializeOwned + 'static,
    {
        Self::of_job(Opening::new(client.as_ref().clone(), request, family), read::serde)
    }

    /// The results of a job.
    pub(crate) fn of_job(opening: Opening, read: ReadPage<T>) -> Self {
        Self::new(Engine::of_job(opening), Read::Paths(read))
    }

    fn new(engine: Engine, read: Read<T>) -> Self {
        let items = Vec::new().into_iter();
        Self {
            engine,
            read,
            page: None,
            items,
            last: LastPage::default(),
            id: None,
            known: None,
            #[cfg(feature = "test-util")]
            verdict: None,
        }
    }

    /// Takes over all options that are set in `options`.
    pub fn with_options(mut self, options: &ReadOptions) -> Self {
        self.engine.options.override_with(options);
        self
    }

    read_option_setters!();

    fn options_mut(&mut self) -> &mut ReadOptions {
        &mut self.engine.options
    }

    /// Starts at a place that was saved at this time. `None`: what was saved is of a range of time.
    pub(crate) fn start_at(&mut self, point: Option<ListPoint>, saved: DateTime<Utc>) {
        self.engine.resume(point, Some(saved));
    }

    /// How far the items have been delivered.
    pub(crate) fn point(&self) -> ListPoint {
        self.mark(0).point()
    }

    /// The place before so many of the items that were handed out last, all of the page at hand.
    pub(super) fn mark(&self, back: usize) -> Mark {
        // Items that were left out of the page stand between those that were not.
        let items = self.engine.progress.delivered.saturating_sub(back as u64);
        self.mark_at(self.handed(items), items)
    }

    /// The place where the page at hand has been handed out so far, and so many items in all.
    fn mark_at(&self, handed: Handed, items: u64) -> Mark {
        let text = self.last.text.clone();
        let mut point = self.engine.point(handed, items, text.as_deref());
        if let Some(known) = &self.known {
            let handed_out = usize::try_from(items.saturating_sub(self.last.before));
            let ids = self.last.ids.iter().skip(handed_out.unwrap_or(usize::MAX));
            point.ids = known.for_checkpoint(ids.flatten().copied()).0;
        }
        Mark { point, items: self.engine.listing().items_path(), handed, text }
    }

    /// The job whose results these are, once it has been submitted.
    pub(crate) fn saved_job(&self) -> Option<SavedJob> {
        self.engine.saved_job()
    }

    /// How much of the current page has been yielded once this many items of the list have been.
    fn handed(&self, items: u64) -> Handed {
        let LastPage { picked, before, .. } = &self.last;
        let since = usize::try_from(items.saturating_sub(*before)).unwrap_or(usize::MAX);
        Handed { items: picked.done_with(since), of: picked.page() }
    }

    /// Reads the items as another type, such as one of your own with the fields that you need, or
    /// [`Box<RawValue>`](serde_json::value::RawValue) for their text. The list starts over, and its
    /// items are read from where its [`Listing`] has them.
    pub fn items_as<U: DeserializeOwned + 'static>(self) -> Paginator<U> {
        let items = Paginator::new(self.engine.restarted(), Read::Paths(read::serde));
        Paginator { id: self.id, ..items }
    }

    /// The list as a stream of pages. Of a page whose items have been taken in part, the rest comes
    /// first.
    pub fn pages(mut self) -> Pages<T> {
        let mut rest = self.page.take().filter(|_| self.items.len() > 0);
        if let Some(page) = &mut rest {
            page.items = std::mem::replace(&mut self.items, Vec::new().into_iter()).collect();
        }
        Pages::new(self, rest)
    }

    /// The list in batches of `items` items, whatever the size of its pages; the last one may hold less.
    ///
    /// An error comes after a batch of the items that were read before it, so that they are not lost with it.
    /// (`StreamExt::chunks` and `TryStreamExt::try_chunks` would hold results, or lose items with an error.)
    pub fn batches(self, items: usize) -> Batches<T> {
        Batches::new(self, items)
    }

    /// The next item, or `None` at the end.
    ///
    /// # Errors
    /// When the next page can't be had. The next call asks for it again.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        // An item is taken here, and not passed up from a poll to a poll, each of which would copy it.
        poll_fn(|cx| self.poll_at_hand(cx)).await?;
        Ok(self.take_item())
    }

    /// What has been read so far.
    pub fn report(&self) -> Report {
        let report = self.engine.report();
        #[cfg(feature = "test-util")]
        if let Some(verdict) = self.verdict.filter(|_| report.end.is_some()) {
            return report.with_verdict(verdict);
        }
        report
    }

    /// The same list with this verdict once it has been read to its end, for unit tests.
    ///
    /// ```
    /// use genesys_cloud_core::{Paginator, Reason, Verdict};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), genesys_cloud_core::Error> {
    /// let moved = Verdict::Drifted(Reason::Moved);
    /// let mut numbers = Paginator::from_items([1, 2]).with_verdict(moved);
    /// while numbers.try_next().await?.is_some() {}
    /// assert_eq!(numbers.report().verdict(), moved);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "test-util")]
    pub fn with_verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = Some(verdict);
        self
    }
}

impl Paginator<RawItem> {
    /// The items that a request of any operation lists, as the text that the API sent. A page is held in memory once.
    /// See [`over`](Paginator::over).
    pub fn raw(client: &impl AsRef<Client>, request: Request, listing: Listing) -> Self {
        Self::reading(client.as_ref().clone(), request, listing, raw)
    }

    /// The same for the results of a job. See [`over_job`](Paginator::over_job).
    pub fn raw_of_job(client: &impl AsRef<Client>, request: Request, family: Family) -> Self {
        Self::of_job(Opening::new(client.as_ref().clone(), request, family), raw)
    }
}

/// What the reading of a range in pieces needs.
impl<T> Paginator<T> {
    /// Has pages know the ids of their items, by the path of the id in an item.
    pub(crate) fn with_ids(mut self, path: Option<&str>) -> Self {
        self.id = path.map(str::to_owned);
        self
    }

    pub(crate) fn request(&self) -> &Request {
        self.engine.request()
    }

    /// How the job runs whose results these are.
    pub(crate) fn family(&self) -> Option<&Family> {
        self.engine.family()
    }

    /// How many items the API lets be read, where it is known.
    pub(crate) fn cap_in_items(&self) -> Option<u64> {
        self.engine.cap_in_items()
    }

    /// How many items have been read, handed out or not.
    pub(crate) fn items_read(&self) -> u64 {
        self.engine.progress.read
    }

    /// What is listed.
    pub(crate) fn subject(&self) -> Arc<Subject> {
        self.engine.subject()
    }

    /// Goes on from a place.
    pub(crate) fn resume_at(mut self, point: ListPoint) -> Self {
        self.engine.resume(Some(point), None);
        self
    }

    /// The place after so many of the items that have not been counted as handed out, all of the page at hand.
    pub(crate) fn point_after(&self, items: usize) -> ListPoint {
        let items = self.engine.progress.delivered + items as u64;
        self.mark_at(self.handed(items), items).point()
    }

    /// The next page. Where its items are in a file, that is an error if they are wanted.
    pub(crate) fn poll_next_page(
        &mut self,
        cx: &mut Context<'_>,
        with_items: bool,
    ) -> Poll<Option<Result<Page<T>, Error>>> {
        if with_items { self.poll_page_with_items(cx) } else { self.poll_page(cx) }
    }
}

impl<T> Paginator<T> {
    /// The next page, with no more items than the limit still allows.
    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Page<T>, Error>>> {
        loop {
            let Some(reply) = ready!(self.engine.poll_reply(cx)) else { return Poll::Ready(None) };
            if let Some(page) = reply.and_then(|reply| self.take_page(reply)).transpose() {
                return Poll::Ready(Some(page));
            }
        }
    }

    /// The same, where the items are to be handed out one by one: an error where they are not in the page.
    fn poll_page_with_items(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Page<T>, Error>>> {
        loop {
            let Some(reply) = ready!(self.engine.poll_reply(cx)) else { return Poll::Ready(None) };
            let page = reply.and_then(|reply| {
                if self.engine.redirects(&reply).is_some() {
                    return Err(self.stands_in_a_file(&reply));
                }
                self.take_page(reply)
            });
            if let Some(page) = page.transpose() {
                return Poll::Ready(Some(page));
            }
        }
    }

    fn stands_in_a_file(&self, reply: &RawReply) -> Error {
        let number = self.engine.page_number();
        let why = format!("the items of page {number} stand in a file, in a form of their own");
        Error::paging(reply, why)
            .advise("read the list by `pages`, and the file by `Page::download`")
    }

    /// The page that a reply holds. `None` where another one is to be read instead.
    fn take_page(&mut self, reply: RawReply) -> Result<Option<Page<T>>, Error> {
        let number = self.engine.page_number();
        let read =
            self.read.page(&reply, self.engine.listing(), self.engine.client().max_page_items());
        let undecoded = |error: DecodeError| match error.problem() {
            Problem::NotAPage => {
                Error::not_a_page(&reply, format!("page {number} is not a page: {error}"))
            }
            _ => Error::decode(&reply, &error.on_page(number)),
        };
        let (items, facts) = match read {
            Ok(_) if reply.status() == 204 && self.engine.is_led_by_token() => {
                let why = format!(
                    "page {number} has no content (204), although a token was given for it"
                );
                let error = Error::not_a_page(&reply, why);
                return self.engine.take_back(reply, error).map_or(Ok(None), Err);
            }
            Ok(read) => read,
            // The items of such a page are in a file, and it may have nothing else.
            Err(error)
                if error.problem() == Problem::NotAPage
                    && self.engine.redirects(&reply).is_some() =>
            {
                (Vec::new(), Facts::default())
            }
            Err(error) => {
                let error = undecoded(error);
                return self.engine.take_back(reply, error).map_or(Ok(None), Err);
            }
        };
        let file = match self.engine.redirects(&reply) {
            Some(path) if items.is_empty() => {
                let url = JsonText::of(&reply).map_err(undecoded)?.text(path);
                let url = url.or_else(|| reply.head.location().map(str::to_owned));
                let none = || {
                    let status = reply.status();
                    let why = format!("page {number} ({status}) has no items and names no file");
                    Error::paging(&reply, why)
                };
                Some(url.ok_or_else(none)?)
            }
            _ => None,
        };
        let mut facts = facts.without_zeros();
        facts.is_in_file = file.is_some();
        let file = file.map(|url| FileOfPage { client: self.engine.client().clone(), url });
        let (page_count, total, page_size) = (facts.page_count, facts.total, facts.page_size);
        let dedupe_by = self.engine.options.dedupe_by.as_deref();
        let id = self.id.as_deref().or(dedupe_by);
        let ids = id.map(|path| item_ids(&reply, self.engine.listing().items(), path, items.len()));
        if dedupe_by.is_some() && self.known.is_none() {
            let mut known = RecentIds::new(&self.engine.options);
            known.resume(self.engine.resumed_ids(), 0);
            self.known = Some(known);
        }
        // Where no item has an id, what comes twice is noticed as if none were asked for.
        let has_ids = |ids: &&Vec<Option<u128>>| ids.iter().any(Option::is_some);
        let has_come = self.known.as_ref().zip(ids.as_ref().filter(has_ids));
        let has_come = has_come.map(|(known, ids)| known.which(ids));
        let text = PageText::new(reply.body.clone());
        let before = self.last.text.as_deref();
        let Some(picked) = self.engine.settle(&reply, facts, &text, before, has_come)? else {
            return Ok(None);
        };
        let items = picked.take(items);
        let ids = ids.map(|ids| picked.take(ids)).unwrap_or_default();
        if let Some(known) = &mut self.known {
            for id in ids.iter().flatten() {
                known.note(*id);
            }
        }
        let before = self.engine.progress.delivered;
        let known_ids = if self.known.is_some() { ids.clone() } else { Vec::new() };
        let text = text.for_checkpoint(self.engine.listing().items());
        self.last = LastPage { text: Some(Arc::new(text)), picked, ids: known_ids, before };
        let operation = reply.operation;
        let file = file.map(|file| (operation, file));
        Ok(Some(Page { items, ids, number, page_count, total, page_size, head: reply.head, file }))
    }

    /// Waits until an item is at hand, or the list has ended.
    fn poll_at_hand(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.items.len() == 0 {
            let Some(page) = ready!(self.poll_page_with_items(cx)) else { break };
            let mut page = page?;
            self.items = std::mem::take(&mut page.items).into_iter();
            self.page = Some(page);
        }
        Poll::Ready(Ok(()))
    }

    fn take_item(&mut self) -> Option<T> {
        let item = self.items.next()?;
        self.handed_out(1);
        Some(item)
    }

    /// Counts items that are handed out.
    pub(crate) fn handed_out(&mut self, items: usize) {
        self.engine.progress.delivered += items as u64;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.items.len() == 0 && self.engine.end.is_some()
    }

    pub(super) fn items_at_hand(&self) -> usize {
        self.items.len()
    }
}

impl<T> Stream for Paginator<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.poll_at_hand(cx)) {
            Ok(()) => Poll::Ready(self.take_item().map(Ok)),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let at_hand = self.items.len();
        // Errors are items of a stream too, so that nothing bounds it before its end.
        (at_hand, self.engine.end.map(|_| at_hand))
    }
}

impl<T> FusedStream for Paginator<T> {
    fn is_terminated(&self) -> bool {
        self.has_ended()
    }
}

impl<T> fmt::Debug for Paginator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paginator")
            .field("operation", &self.engine.operation().id())
            .field("listing", self.engine.listing())
            .field("report", &self.report())
            .finish_non_exhaustive()
    }
}
