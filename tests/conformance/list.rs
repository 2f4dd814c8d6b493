//! A list of any operation, read item by item, whatever its type.

use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt as _};
use genesys_cloud::{Client, Error, Paginator, Report};
use genesys_cloud_mock::Expected;
use serde::Serialize;

/// A search of `{"pageNumber":1,"pageSize":10}` as the API takes it: compressed, and in base64.
pub(crate) const SEARCH: &str = "H4sIAAAAAAACA6tWKkhMT/UrzU1KLVKyMtQBc4Mzq1KBHINaAEDkRzseAAAA";

/// One operation that lists.
pub(crate) struct List {
    pub(crate) operation: &'static str,
    /// Makes the call that the bindings have for it.
    pub(crate) open: fn(&Client) -> Box<dyn Read>,
}

/// The list while it is being read.
pub(crate) trait Read: Send {
    fn page_size(self: Box<Self>, items: u64) -> Box<dyn Read>;

    fn prefetch(self: Box<Self>, pages: usize) -> Box<dyn Read>;

    /// The key of the next item.
    fn next(&mut self) -> BoxFuture<'_, Option<Result<String, Error>>>;

    fn report(&self) -> Report;

    /// How far it was read, as it is kept.
    fn checkpoint(&self) -> String;

    /// Goes on from what was kept.
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
