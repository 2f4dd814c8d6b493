//! From the wire to the stream: asks for a page, reads it, decides what follows, hands out its items.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures::future::BoxFuture;
use futures::stream::{FusedStream, Stream};
use http::HeaderMap;
use serde::de::DeserializeOwned;

use super::adapters::{Chunks, Pages};
use super::listing::Listing;
use super::read::{self, Read};
use super::step::{End, Facts, Step, Walk, step};
use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::reply::{DecodeError, Head, RawReply};
use crate::request::Request;
use crate::wire::Wire;

/// How many items a page is to hold where nobody has said, and the operation's maximum is not known.
const PAGE_SIZE: u64 = 100;

/// A list of an operation as a stream of its items, read page by page as they are asked for.
///
/// Nothing is sent before the first item is asked for, and no more than one page is held in memory.
/// [`page_size`](Self::page_size), [`limit`](Self::limit) and [`max_pages`](Self::max_pages) are set
/// before that. The future of [`next`](Self::next), and the stream itself, can be dropped at any time.
///
/// # Errors
/// After an error the stream can be used on: the next poll asks for the same page again, and no item is
/// lost or comes twice. An error that won't pass, such as a missing permission, then comes again.
///
/// The list ends with the error ([`Error::is_paging`]) where a page is not the one that was due, but
/// says that it is another, or holds the very items of the one before. None of its items is handed out.
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
}

/// Nothing is pinned.
impl<T> Unpin for Paginator<T> {}

impl<T> Paginator<T> {
    /// The items that a request of any operation lists, such as one that the bindings do not know.
    ///
    /// The list begins at the page that is set on the request, if one is.
    pub fn over(client: &Client, request: Request, listing: Listing) -> Self
    where
        T: DeserializeOwned,
    {
        Self::new(Engine::new(client.clone(), request, listing), read::serde)
    }

    /// The items that a call of generated code lists, read the way the API writes them.
    pub(crate) fn known<O>(call: Call<O>, listing: Listing) -> Self
    where
        T: Wire,
    {
        let (client, request) = call.into_parts();
        Self::new(Engine::new(client, request, listing), read::wire)
    }

    fn new(engine: Engine, read: Read<T>) -> Self {
        Self { engine, read, page: None, items: Vec::new().into_iter() }
    }

    /// Asks for pages of so many items, or of as many as the operation is known to allow. The API may
    /// grant less without a word; [`Report::page_size_granted`] tells.
    ///
    /// Unless set: what is set on the request, or else the most that the operation is known to allow, or
    /// else 100. Where the list is read from its beginning, never more than its [`limit`](Self::limit).
    pub fn page_size(mut self, items: u64) -> Self {
        self.engine.page_size = Some(items);
        self
    }

    /// Ends after so many items.
    pub fn limit(mut self, items: u64) -> Self {
        self.engine.limit = Some(items);
        self
    }

    /// Ends after so many pages.
    pub fn max_pages(mut self, pages: u64) -> Self {
        self.engine.max_pages = Some(pages);
        self
    }

    /// Reads the items as another type, such as one of your own with the fields that you need, or
    /// [`Box<RawValue>`](serde_json::value::RawValue) for their text. The list starts over.
    pub fn items_as<U: DeserializeOwned>(self) -> Paginator<U> {
        Paginator::new(self.engine.restarted(), read::serde)
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

    /// The list in batches of `size` items, whatever the size of its pages; the last one may hold less.
    ///
    /// An error comes after a batch of the items that were read before it, so that they are not lost with
    /// it. (This method has precedence over that of `StreamExt`, whose batches hold results.)
    pub fn chunks(self, size: usize) -> Chunks<T> {
        Chunks::new(self, size)
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

    /// What has been read so far.
    pub fn report(&self) -> &Report {
        &self.engine.report
    }
}

impl<T> Paginator<T> {
    /// The next page, with no more items than the limit still allows.
    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Page<T>, Error>>> {
        let Some(reply) = ready!(self.engine.poll_reply(cx)) else { return Poll::Ready(None) };
        Poll::Ready(Some(reply.and_then(|reply| self.take_page(reply))))
    }

    fn take_page(&mut self, reply: RawReply) -> Result<Page<T>, Error> {
        let number = self.engine.walk.page_number();
        let (mut items, facts) =
            (self.read)(&reply, self.engine.listing.items()).map_err(|error| {
                Error::decode(&reply, &DecodeError::new(format!("page {number}: {error}")))
            })?;
        let allowed = self.engine.settle(&reply, &facts)?;
        items.truncate(allowed);
        Ok(Page { items, number, facts, head: reply.head })
    }

    /// Counts items that are handed out.
    pub(super) fn handed_out(&mut self, items: usize) {
        self.engine.report.items += items as u64;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.items.len() == 0 && self.engine.report.end.is_some()
    }

    pub(super) fn items_at_hand(&self) -> usize {
        self.items.len()
    }
}

impl<T> Stream for Paginator<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.items.next() {
                self.handed_out(1);
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.poll_page(cx)) {
                Some(Ok(mut page)) => {
                    self.items = std::mem::take(&mut page.items).into_iter();
                    self.page = Some(page);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let at_hand = self.items.len();
        // Errors are items of a stream too, so that nothing bounds it before its end.
        (at_hand, self.engine.report.end.map(|_| at_hand))
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
            .field("operation", &self.engine.request.operation().id())
            .field("listing", &self.engine.listing)
            .field("report", &self.engine.report)
            .finish_non_exhaustive()
    }
}

/// All of a paginator that does not depend on the type of the items.
struct Engine {
    client: Client,
    /// As the caller made it; each page is asked for by a copy.
    request: Request,
    listing: Listing,
    page_size: Option<u64>,
    limit: Option<u64>,
    max_pages: Option<u64>,
    walk: Walk,
    /// The call for the page that is due. It stays here until it ends, whoever stops waiting for it.
    call: Option<BoxFuture<'static, Result<RawReply, Error>>>,
    /// How many items have been read, as far as the limit allows.
    read: u64,
    report: Report,
}

impl Engine {
    fn new(client: Client, mut request: Request, listing: Listing) -> Self {
        Self {
            walk: Walk::start(&mut request, listing.scheme()),
            client,
            request,
            listing,
            page_size: None,
            limit: None,
            max_pages: None,
            call: None,
            read: 0,
            report: Report::default(),
        }
    }

    /// The same list with the same settings, from its beginning.
    fn restarted(self) -> Self {
        Self {
            page_size: self.page_size,
            limit: self.limit,
            max_pages: self.max_pages,
            ..Self::new(self.client, self.request, self.listing)
        }
    }

    /// The reply that holds the page which is due. `None` when no further page is.
    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<RawReply, Error>>> {
        if self.report.end.is_none() {
            self.report.end = self.bound_reached();
        }
        if self.report.end.is_some() {
            return Poll::Ready(None);
        }
        let mut call = self.call.take().unwrap_or_else(|| self.ask());
        match call.as_mut().poll(cx) {
            Poll::Pending => {
                self.call = Some(call);
                Poll::Pending
            }
            Poll::Ready(reply) => {
                Poll::Ready(Some(reply.and_then(|reply| self.holding_page(reply))))
            }
        }
    }

    fn ask(&mut self) -> BoxFuture<'static, Result<RawReply, Error>> {
        if self.report.requests == 0 {
            // Once for all pages: another size would shift the items from one page to another.
            self.report.page_size_asked = self.page_size_to_ask();
        }
        self.report.requests += 1;
        let mut request = self.request.clone();
        if let (Some(page_size), Some(asked)) =
            (self.listing.page_size(), self.report.page_size_asked)
        {
            request.set_query(page_size.name().to_owned(), asked.to_string());
        }
        self.walk.due().write_to(&mut request);
        let client = self.client.clone();
        Box::pin(async move { client.execute(&request).await })
    }

    fn page_size_to_ask(&self) -> Option<u64> {
        let page_size = self.listing.page_size()?;
        let on_request = self.request.query(page_size.name()).map(str::parse);
        let wanted = match (self.page_size, on_request) {
            (Some(wanted), _) | (None, Some(Ok(wanted))) => wanted,
            (None, None) => page_size.maximum().unwrap_or(PAGE_SIZE),
            // No number: it stays, for the API to say what is wrong with it.
            (None, Some(Err(_))) => return None,
        };
        // With smaller pages, a page other than the first would begin at another item.
        let limit = self.limit.filter(|_| self.walk.page_number() == 1);
        let most = page_size.maximum().into_iter().chain(limit).min();
        Some(wanted.min(most.unwrap_or(wanted)).max(1))
    }

    /// A reply that is no error may still hold no page.
    fn holding_page(&self, reply: RawReply) -> Result<RawReply, Error> {
        let due = self.walk.due();
        match reply.status() {
            202 => Err(Error::paging(&reply, format!("{due} is not ready: the API answered 202"))
                .advise("ask for it again later")),
            200..300 => Ok(reply),
            status => {
                Err(Error::paging(&reply, format!("the API answered {status} in place of {due}")))
            }
        }
    }

    /// Decides what follows from a page, and how many of its items the limit allows.
    fn settle(&mut self, reply: &RawReply, page: &Facts) -> Result<usize, Error> {
        let operation = self.request.operation().id();
        let number = self.walk.page_number();
        let end = match step(&self.walk, page) {
            Step::Continue(walk) => {
                self.walk = walk;
                None
            }
            Step::Done(end) => Some(end),
            Step::Broken(why) => {
                self.report.end = Some(End::Contradiction);
                return Err(Error::paging(reply, why.to_string())
                    .advise("read the list anew: it may have changed meanwhile"));
            }
        };
        let left = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.read));
        let allowed = page.items.min(left);
        self.read += allowed;
        self.report.add(page);
        self.report.end = match end {
            _ if allowed < page.items => Some(End::Limit),
            end => end.or_else(|| self.bound_reached()),
        };
        let (items, total) = (page.items, page.total);
        tracing::debug!(operation, page = number, items, total, "page read");
        if self.report.end == Some(End::Shortfall) {
            let (read, total) = (self.read, self.report.last_total);
            tracing::warn!(operation, read, total, "the list ended before its count");
        }
        Ok(allowed as usize)
    }

    fn bound_reached(&self) -> Option<End> {
        if self.limit.is_some_and(|limit| self.read >= limit) {
            Some(End::Limit)
        } else if self.max_pages.is_some_and(|pages| self.report.pages >= pages) {
            Some(End::MaxPages)
        } else {
            None
        }
    }
}

/// What a paginator has read so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Pages that were read.
    pub pages: u64,
    /// Items that were handed out.
    pub items: u64,
    /// Calls that were made for pages, those that failed among them.
    pub requests: u64,
    /// How many items the list holds, as the first page that says so has it.
    pub first_total: Option<u64>,
    /// How many items the list holds, as the last page that says so has it.
    pub last_total: Option<u64>,
    /// The page size that was asked for, in items. `None` if it was left to the API.
    pub page_size_asked: Option<u64>,
    /// The page size that the API granted, in items, as the last page that says so has it.
    pub page_size_granted: Option<u64>,
    /// Why no further page is read. `None` while there may be more.
    pub end: Option<End>,
}

impl Report {
    fn add(&mut self, page: &Facts) {
        self.pages += 1;
        self.first_total = self.first_total.or(page.total);
        self.last_total = page.total.or(self.last_total);
        if page.items > 0 {
            self.page_size_granted = page.page_size.or(self.page_size_granted);
        }
    }
}

/// One page of a list, with the status and headers it came with.
#[derive(Clone)]
pub struct Page<T> {
    pub(super) items: Vec<T>,
    number: u64,
    facts: Facts,
    head: Head,
}

impl<T> Page<T> {
    /// The items. None in the page that shows that there are no more.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// The items.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// The number of the page, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many pages the list has, as the reply says. It may be wrong.
    pub fn page_count(&self) -> Option<u64> {
        self.facts.page_count
    }

    /// How many items the list holds, as the reply says. It may be wrong.
    pub fn total(&self) -> Option<u64> {
        self.facts.total
    }

    /// How many items a page holds at most, as the reply says.
    pub fn page_size(&self) -> Option<u64> {
        self.facts.page_size
    }

    /// The HTTP status, such as 200.
    pub fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// The headers of the reply.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The id under which Genesys finds the call in its logs, from `ININ-Correlation-Id`.
    pub fn correlation_id(&self) -> Option<&str> {
        self.head.correlation_id()
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

/// Leaves the items out: they are many, and may be personal data.
impl<T> fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("number", &self.number)
            .field("items", &self.items.len())
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
