//! The typed stream of the items of a list.

mod place;
mod stream;

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::vec;

use serde::de::DeserializeOwned;

use self::place::LastPage;
pub(super) use self::place::Mark;
use super::adapters::{Batches, Pages};
use super::extracted::ExtractedPage;
use super::fetcher::PageFetcher;
use super::list_spec::ListSpec;
use super::page::Page;
use super::raw::{RawItem, raw};
use super::read::{self, Read, ReadPage};
use super::report::Report;
#[cfg(feature = "test-util")]
use super::report::Verdict;
use super::request_fingerprint::RequestFingerprint;
use super::source::{PageSource, RequestSource};
use crate::call::Call;
use crate::client::Client;
use crate::dedupe::RecentIds;
use crate::error::Error;
use crate::options::{ReadOptions, read_option_setters};
use crate::request::Request;
use crate::response::{DecodeError, RawResponse};
use crate::saved_job::SavedJob;
use crate::wire::Wire;

/// A stream of the items of a list, read page by page on demand.
///
/// Nothing is sent before the first poll. At most one page is held in memory, plus those that
/// [`prefetch`](Self::prefetch) allows. Set options such as [`page_size`](Self::page_size), [`limit`](Self::limit) and
/// [`max_pages`](Self::max_pages) before the first poll. Dropping a future of [`try_next`](Self::try_next), or the
/// stream, is safe at any time.
///
/// A list ends by the rule of its [`Scheme`](crate::Scheme), never with a short page. A list that has ended may still
/// be incomplete: see [`Report::verdict`].
///
/// If the total falls while a list is read by page number, the previous page is read again for records that have moved
/// to it ([`Report::read_again`]).
///
/// # Errors
/// The stream remains usable after an error: the next poll requests the same page again, and no item is lost or
/// repeated. A permanent error, such as a missing permission, is returned again.
///
/// The list ends with an error ([`ErrorKind::Paging`](crate::ErrorKind::Paging)) if a page is not the one that was due:
/// it states another page number, or has the same items as an earlier page. None of its items are yielded. The list
/// also ends with an error, after the items of the page, if the next page cannot be requested: the token or link points
/// to a page that was already read or to another host, or is malformed, or 20 pages in a row were empty.
///
/// ```no_run
/// # async fn example(client: genesys_cloud_core::Client) -> Result<(), genesys_cloud_core::Error> {
/// use genesys_cloud_core::{ListSpec, Method, Operation, PageSize, Paginator, Request, Scheme};
/// use serde_json::Value;
///
/// let operation = Operation::new("getRoutingQueues", Method::Get, "/api/v2/routing/queues");
/// let spec = ListSpec::new(Scheme::PageNumber, "entities")
///     .with_page_size(PageSize::integer("pageSize").at_most(500));
/// let mut queues = Paginator::<Value>::from_request(&client, Request::new(operation), spec);
/// while let Some(queue) = queues.try_next().await? {
///     println!("{}", queue["name"]);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct Paginator<T> {
    fetcher: PageFetcher,
    read: Read<T>,
    /// The page whose items are being yielded, without them.
    page: Option<Page<T>>,
    items: vec::IntoIter<T>,
    /// The page read last.
    last: LastPage,
    /// The path of the id in an item, if pages need the ids of their items.
    id: Option<String>,
    /// The ids seen so far, from the first page on, if `dedupe_by` is set.
    known: Option<RecentIds>,
    /// The verdict set by a unit test.
    #[cfg(feature = "test-util")]
    verdict: Option<Verdict>,
}

/// No field is pinned.
impl<T> Unpin for Paginator<T> {}

impl<T> Paginator<T> {
    /// Lists the items of any request, such as one to an endpoint that the bindings do not know.
    ///
    /// The list begins at the page set on the request, if any.
    pub fn from_request(client: &impl AsRef<Client>, request: Request, spec: ListSpec) -> Self
    where
        T: DeserializeOwned + 'static,
    {
        Self::reading(client.as_ref().clone(), request, spec, read::serde)
    }

    /// Lists the items of any request, with a function that extracts the items and the next token from each response.
    ///
    /// Use it for responses that the paths of a [`ListSpec`] cannot describe, such as a token in a header, a flag that
    /// more pages exist, or a body that is not JSON.
    ///
    /// The spec still sets how the list pages ([`Scheme`](crate::Scheme)), where the request has the page number or
    /// token, and the page size; its path of the items is not used. The checks against repeated pages compare whole
    /// bodies, and duplicate items are not detected. The extractor is called for responses with a 2xx status other
    /// than 202 and 204, and may be called again for the same page. A 204 is an error unless the spec allows it
    /// ([`ListSpec::with_no_content`]).
    ///
    /// ```no_run
    /// # fn example(client: genesys_cloud_core::Client) -> genesys_cloud_core::Paginator<String> {
    /// use genesys_cloud_core::{
    ///     ExtractedPage, ListSpec, Method, Operation, Paginator, ParamLocation, Request, Scheme,
    /// };
    /// use serde_json::Value;
    ///
    /// let operation = Operation::new("getNames", Method::Get, "/api/v2/names");
    /// let spec = ListSpec::new(Scheme::ContinuationToken, "names")
    ///     .with_token_in(ParamLocation::query("from"));
    /// // {"names": ["a", "b"], "more": true}: the next page begins after the last name.
    /// Paginator::with_extractor(&client, Request::new(operation), spec, |response| {
    ///     let page: Value = serde_json::from_slice(response.body())?;
    ///     let names: Vec<String> = serde_json::from_value(page["names"].clone())?;
    ///     let next = names.last().filter(|_| page["more"] == true).cloned();
    ///     Ok(ExtractedPage::new(names).with_next(next))
    /// })
    /// # }
    /// ```
    pub fn with_extractor<F>(
        client: &impl AsRef<Client>,
        request: Request,
        spec: ListSpec,
        extract: F,
    ) -> Self
    where
        F: Fn(&RawResponse) -> Result<ExtractedPage<T>, DecodeError> + Send + 'static,
    {
        let read = Read::Own(Box::new(extract));
        Self::requesting(client.as_ref().clone(), request, spec, read)
    }

    /// Lists the items of a generated call, decoded as [`Wire`] types.
    pub(crate) fn from_call<O>(call: Call<O>, spec: ListSpec) -> Self
    where
        T: Wire,
    {
        let (client, request) = call.into_parts();
        Self::reading(client, request, spec, read::wire)
    }

    /// Lists the items of a request with this decoder.
    pub(crate) fn reading(
        client: Client,
        request: Request,
        spec: ListSpec,
        read: ReadPage<T>,
    ) -> Self {
        Self::requesting(client, request, spec, Read::Paths(read))
    }

    fn requesting(client: Client, request: Request, spec: ListSpec, read: Read<T>) -> Self {
        let source = Box::new(RequestSource::new(client.clone()));
        Self::new(PageFetcher::new(client, source, request, &spec), read)
    }

    /// Lists the items of the pages of a source.
    pub(crate) fn from_source(
        client: Client,
        source: Box<dyn PageSource>,
        request: Request,
        spec: &ListSpec,
        read: ReadPage<T>,
    ) -> Self {
        Self::new(PageFetcher::new(client, source, request, spec), Read::Paths(read))
    }

    fn new(fetcher: PageFetcher, read: Read<T>) -> Self {
        let items = Vec::new().into_iter();
        Self {
            fetcher,
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

    /// Applies all options that are set in `options`.
    pub fn with_options(mut self, options: &ReadOptions) -> Self {
        self.fetcher.options.override_with(options);
        self
    }

    read_option_setters!();

    fn options_mut(&mut self) -> &mut ReadOptions {
        &mut self.fetcher.options
    }

    /// The job that produces the list, once it has been submitted.
    pub(crate) fn saved_job(&self) -> Option<SavedJob> {
        self.fetcher.source().saved_job()
    }

    /// Decodes the items as another type, such as a struct with only the fields you need, or
    /// [`Box<RawValue>`](serde_json::value::RawValue) for their JSON text. The list starts over, and the items are
    /// those at the path of its [`ListSpec`].
    pub fn items_as<U: DeserializeOwned + 'static>(self) -> Paginator<U> {
        let items = Paginator::new(self.fetcher.restarted(), Read::Paths(read::serde));
        Paginator { id: self.id, ..items }
    }

    /// Converts to a stream of pages. If some items of a page were already taken, the first page has the rest of them.
    pub fn pages(mut self) -> Pages<T> {
        let mut rest = self.page.take().filter(|_| self.items.len() > 0);
        if let Some(page) = &mut rest {
            page.items = std::mem::replace(&mut self.items, Vec::new().into_iter()).collect();
        }
        Pages::new(self, rest)
    }

    /// Converts to a stream of batches of `items` items, independent of the page size. The last batch may be smaller.
    ///
    /// Items read before an error come as a batch before the error, so that none are lost. (`StreamExt::chunks`
    /// collects results, and `TryStreamExt::try_chunks` wraps the items in its error type.)
    pub fn batches(self, items: usize) -> Batches<T> {
        Batches::new(self, items)
    }

    /// Returns the next item, or `None` at the end.
    ///
    /// # Errors
    /// If the next page can't be read. The next call requests it again.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        // Taken here rather than returned through nested polls, each of which would copy it.
        poll_fn(|cx| self.poll_item_ready(cx)).await?;
        Ok(self.take_item())
    }

    /// Returns the report on what has been read so far.
    pub fn report(&self) -> Report {
        let report = self.fetcher.report();
        #[cfg(feature = "test-util")]
        if let Some(verdict) = self.verdict.filter(|_| report.end.is_some()) {
            return report.with_verdict(verdict);
        }
        report
    }

    /// Sets the verdict that the list has once it has been read to its end, for unit tests.
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
    /// Lists the items of any request as the JSON text that the API sent. A page is held in memory only once.
    /// See [`from_request`](Paginator::from_request).
    pub fn raw(client: &impl AsRef<Client>, request: Request, spec: ListSpec) -> Self {
        Self::reading(client.as_ref().clone(), request, spec, raw)
    }
}

/// For reading the windows of a range.
impl<T> Paginator<T> {
    /// Adds the ids of their items to pages, by the path of the id in an item.
    pub(crate) fn with_ids(mut self, path: Option<&str>) -> Self {
        self.id = path.map(str::to_owned);
        self
    }

    pub(crate) fn request(&self) -> &Request {
        self.fetcher.request()
    }

    /// Whether the API reports how far the data of the list is available.
    pub(crate) fn reports_availability(&self) -> bool {
        self.fetcher.source().reports_availability()
    }

    /// The cap of the list in items, if known.
    pub(crate) fn cap_in_items(&self) -> Option<u64> {
        self.fetcher.cap_in_items()
    }

    /// Number of items read, yielded or not.
    pub(crate) fn items_read(&self) -> u64 {
        self.fetcher.items_read()
    }

    /// What is listed.
    pub(crate) fn subject(&self) -> Arc<RequestFingerprint> {
        self.fetcher.identity()
    }
}

impl<T> fmt::Debug for Paginator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paginator")
            .field("operation", &self.fetcher.operation().id())
            .field("spec", self.fetcher.spec())
            .field("report", &self.report())
            .finish_non_exhaustive()
    }
}
