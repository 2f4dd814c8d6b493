//! A list as its caller sees it.

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
#[must_use = "a paginator does nothing until items are asked for"]
pub struct Paginator<T> {
    fetcher: PageFetcher,
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

/// Nothing is pinned.
impl<T> Unpin for Paginator<T> {}

impl<T> Paginator<T> {
    /// The items that a request of any operation lists, such as one that the bindings do not know.
    ///
    /// The list begins at the page that is set on the request, if one is.
    pub fn from_request(client: &impl AsRef<Client>, request: Request, spec: ListSpec) -> Self
    where
        T: DeserializeOwned + 'static,
    {
        Self::reading(client.as_ref().clone(), request, spec, read::serde)
    }

    /// The same, where a function of your own finds the items and what leads on in each response: for
    /// responses that the paths of a [`ListSpec`] can't describe, such as a token in a header, a flag that
    /// there is more, or a body that is not JSON.
    ///
    /// The spec still says how the list moves ([`Scheme`](crate::Scheme)), where the number or token
    /// of a page goes, and how large pages may be; its path to the items is not used. All guards hold,
    /// but of pages alone: one is the same as another where the whole body is, and items that come
    /// twice are not noticed. The extractor sees responses of status 2xx other than 202 and 204, and may
    /// see a page again. A 204 is an error, unless the spec allows it ([`ListSpec::with_no_content`]).
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

    /// The items that a call of generated code lists, read the way the API writes them.
    pub(crate) fn from_call<O>(call: Call<O>, spec: ListSpec) -> Self
    where
        T: Wire,
    {
        let (client, request) = call.into_parts();
        Self::reading(client, request, spec, read::wire)
    }

    /// The items that a request lists, read in this way.
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

    /// The items of the pages that a source has.
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

    /// Takes over all options that are set in `options`.
    pub fn with_options(mut self, options: &ReadOptions) -> Self {
        self.fetcher.options.override_with(options);
        self
    }

    read_option_setters!();

    fn options_mut(&mut self) -> &mut ReadOptions {
        &mut self.fetcher.options
    }

    /// The job whose results these are, once it has been submitted.
    pub(crate) fn saved_job(&self) -> Option<SavedJob> {
        self.fetcher.source().saved_job()
    }

    /// Reads the items as another type, such as one of your own with the fields that you need, or
    /// [`Box<RawValue>`](serde_json::value::RawValue) for their text. The list starts over, and its
    /// items are read from where its [`ListSpec`] has them.
    pub fn items_as<U: DeserializeOwned + 'static>(self) -> Paginator<U> {
        let items = Paginator::new(self.fetcher.restarted(), Read::Paths(read::serde));
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
        let report = self.fetcher.report();
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
    /// See [`over`](Paginator::from_request).
    pub fn raw(client: &impl AsRef<Client>, request: Request, spec: ListSpec) -> Self {
        Self::reading(client.as_ref().clone(), request, spec, raw)
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
        self.fetcher.request()
    }

    /// Whether the API reports how far the data of the list is available.
    pub(crate) fn reports_availability(&self) -> bool {
        self.fetcher.source().reports_availability()
    }

    /// How many items the API lets be read, where it is known.
    pub(crate) fn cap_in_items(&self) -> Option<u64> {
        self.fetcher.cap_in_items()
    }

    /// How many items have been read, handed out or not.
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
