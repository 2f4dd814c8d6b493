//! One page of a list.

use std::fmt;
use std::vec;

use http::HeaderMap;

use crate::client::Client;
use crate::download::Download;
use crate::error::Error;
use crate::operation::Operation;
use crate::response::ResponseHead;

/// One page of a list, with the status and headers of its response.
#[derive(Clone)]
pub struct Page<T> {
    pub(super) items: Vec<T>,
    /// The ids of the items, if needed.
    pub(super) ids: Vec<Option<u128>>,
    pub(super) number: u64,
    pub(super) page_count: Option<u64>,
    pub(super) total: Option<u64>,
    pub(super) page_size: Option<u64>,
    pub(super) head: ResponseHead,
    /// The file with its items, and the operation that returned its URL.
    pub(super) file: Option<(Operation, FileOfPage)>,
}

/// A file with the items of a page. Its URL is a secret.
#[derive(Clone)]
pub(super) struct FileOfPage {
    pub(super) client: Client,
    pub(super) url: String,
}

#[cfg(feature = "test-util")]
impl<T> Page<T> {
    /// Creates the first page of a list, for unit tests.
    ///
    /// ```
    /// use genesys_cloud_core::Page;
    ///
    /// let page = Page::from_items(["Ada", "Alan"]).with_total(12);
    /// assert_eq!((page.items(), page.number(), page.total()), (&["Ada", "Alan"][..], 1, Some(12)));
    /// ```
    pub fn from_items(items: impl IntoIterator<Item = T>) -> Self {
        let items: Vec<T> = items.into_iter().collect();
        Self {
            ids: vec![None; items.len()],
            items,
            number: 1,
            page_count: None,
            total: None,
            page_size: None,
            head: ResponseHead::new(http::StatusCode::OK, HeaderMap::new()),
            file: None,
        }
    }

    /// Sets the page number, from 1.
    #[must_use]
    pub fn with_number(self, number: u64) -> Self {
        Self { number, ..self }
    }

    /// Sets the total number of items of the list.
    #[must_use]
    pub fn with_total(self, items: u64) -> Self {
        Self { total: Some(items), ..self }
    }
}

impl<T> Page<T> {
    /// Returns the items. The page that ends a list may be empty.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Returns the items by value.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// Opens the file with the items, if the API redirected to one instead of returning them. The file may have a
    /// different format.
    ///
    /// # Errors
    /// If the URL must not be fetched ([`ErrorKind::Download`](crate::ErrorKind::Download)).
    pub fn download(&self) -> Option<Result<Download, Error>> {
        let (operation, file) = self.file.as_ref()?;
        Some(Download::open(&file.client, operation, &file.url))
    }

    /// Returns the page number, from 1: its own, or else its position in reading order.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the number of pages of the list as stated by the response. It may be wrong.
    pub fn page_count(&self) -> Option<u64> {
        self.page_count
    }

    /// Returns the total number of items as stated by the response. It may be wrong.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Returns the page size as stated by the response.
    pub fn page_size(&self) -> Option<u64> {
        self.page_size
    }

    /// Returns the HTTP status, such as 200.
    pub fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// Returns the headers of the response.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Returns the id of the call in the logs of Genesys, from `ININ-Correlation-Id`.
    pub fn correlation_id(&self) -> Option<&str> {
        self.head.correlation_id()
    }
}

impl<T> Page<T> {
    /// Keeps the items for whose ids `keep` returns true.
    pub(crate) fn retain_by_id(&mut self, mut keep: impl FnMut(Option<u128>) -> bool) {
        let mut ids = std::mem::take(&mut self.ids).into_iter();
        self.items.retain(|_| keep(ids.next().flatten()));
    }

    /// Keeps the first items, at most this many.
    pub(crate) fn truncate(&mut self, items: u64) {
        self.items.truncate(usize::try_from(items).unwrap_or(usize::MAX));
    }

    pub(crate) fn take_items(&mut self) -> Vec<T> {
        std::mem::take(&mut self.items)
    }

    pub(crate) fn put_back(&mut self, items: impl IntoIterator<Item = T>) {
        self.items = items.into_iter().collect();
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

/// Shows only the number of items: they may be many, and contain personal data.
impl<T> fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("number", &self.number)
            .field("items", &self.items.len())
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
