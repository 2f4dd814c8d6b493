//! A list of any operation, read item by item, for any type of item.

use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt as _};
use genesys_cloud::{Client, Error, Paginator, Report};
use genesys_cloud_mock::Expected;
use serde::Serialize;

/// A search of `{"pageNumber":1,"pageSize":10}` as the API takes it: gzip in base64.
pub(crate) const SEARCH: &str = "H4sIAAAAAAACA6tWKkhMT/UrzU1KLVKyMtQBc4Mzq1KBHINaAEDkRzseAAAA";

/// An operation that lists.
pub(crate) struct List {
    pub(crate) operation: &'static str,
    /// Opens the list by its generated call.
    pub(crate) open: fn(&Client) -> Box<dyn Read>,
}

/// A list while it is being read.
pub(crate) trait Read: Send {
    fn page_size(self: Box<Self>, items: u64) -> Box<dyn Read>;

    fn prefetch(self: Box<Self>, pages: usize) -> Box<dyn Read>;

    /// Returns the key of the next item.
    fn next(&mut self) -> BoxFuture<'_, Option<Result<String, Error>>>;

    fn report(&self) -> Report;

    /// Returns a checkpoint, serialized.
    fn checkpoint(&self) -> String;

    /// Resumes from a serialized checkpoint.
    fn resume(self: Box<Self>, saved: &str) -> Box<dyn Read>;
}

pub(crate) fn open<T: Serialize + Send + 'static>(paginator: Paginator<T>) -> Box<dyn Read> {
    Box::new(paginator)
}

impl<T: Serialize + Send + 'static> Read for Paginator<T> {
    fn page_size(self: Box<Self>, items: u64) -> Box<dyn Read> {
        Box::new(Paginator::page_size(*self, items as usize))
    }

    fn prefetch(self: Box<Self>, pages: usize) -> Box<dyn Read> {
        Box::new(Paginator::prefetch(*self, pages))
    }

    fn next(&mut self) -> BoxFuture<'_, Option<Result<String, Error>>> {
        let key = |item: T| Expected::key(&serde_json::to_value(item).unwrap_or_default());
        StreamExt::next(self).map(move |item| item.map(|item| item.map(key))).boxed()
    }

    fn report(&self) -> Report {
        Paginator::report(self)
    }

    fn checkpoint(&self) -> String {
        serde_json::to_string(&Paginator::checkpoint(self)).unwrap_or_default()
    }

    fn resume(self: Box<Self>, saved: &str) -> Box<dyn Read> {
        let checkpoint = serde_json::from_str(saved).expect("a checkpoint");
        Box::new(Paginator::resume(*self, &checkpoint))
    }
}
