//! The stream: reads pages and yields their items.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::stream::{FusedStream, Stream};

use super::Paginator;
use super::place::LastPage;
use crate::dedupe::{RecentIds, item_ids};
use crate::error::Error;
use crate::json_path::JsonText;
use crate::paging::cursor_state::PageInfo;
use crate::paging::item_hashes::PageText;
use crate::paging::page::{FileOfPage, Page};
use crate::response::{DecodeError, Problem, RawResponse};

impl<T> Paginator<T> {
    /// Polls for the next page. `with_items`: fails if the items are in a file.
    pub(crate) fn poll_next_page(
        &mut self,
        cx: &mut Context<'_>,
        with_items: bool,
    ) -> Poll<Option<Result<Page<T>, Error>>> {
        if with_items { self.poll_page_with_items(cx) } else { self.poll_page(cx) }
    }

    /// Polls for the next page, with at most as many items as the limit still allows.
    pub(in crate::paging) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Page<T>, Error>>> {
        loop {
            let Some(response) = ready!(self.fetcher.poll_page(cx)) else {
                return Poll::Ready(None);
            };
            if let Some(page) = response.and_then(|response| self.take_page(response)).transpose() {
                return Poll::Ready(Some(page));
            }
        }
    }

    /// Polls for the next page, and fails if its items are in a file.
    fn poll_page_with_items(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Page<T>, Error>>> {
        loop {
            let Some(response) = ready!(self.fetcher.poll_page(cx)) else {
                return Poll::Ready(None);
            };
            let page = response.and_then(|response| {
                if self.fetcher.file_field(&response).is_some() {
                    return Err(self.items_in_file(&response));
                }
                self.take_page(response)
            });
            if let Some(page) = page.transpose() {
                return Poll::Ready(Some(page));
            }
        }
    }

    fn items_in_file(&self, response: &RawResponse) -> Error {
        let number = self.fetcher.page_number();
        let why = format!("the items of page {number} are in a file, in a different format");
        Error::paging(response, why)
            .advise("read the list with `pages`, and the file with `Page::download`")
    }

    /// The page in a response. `None` if another page must be read first.
    fn take_page(&mut self, response: RawResponse) -> Result<Option<Page<T>>, Error> {
        let number = self.fetcher.page_number();
        let read =
            self.read.page(&response, self.fetcher.spec(), self.fetcher.client().max_page_items());
        let undecoded = |error: DecodeError| match error.problem() {
            Problem::NotAPage => {
                Error::not_a_page(&response, format!("page {number} is not a page: {error}"))
            }
            _ => Error::decode(&response, &error.on_page(number)),
        };
        let (items, info) = match read {
            Ok(_) if response.status() == 204 && self.fetcher.is_led_by_token() => {
                let why = format!("page {number}, requested by a token, has no content (204)");
                let error = Error::not_a_page(&response, why);
                return self.fetcher.take_back(&response, error).map_or(Ok(None), Err);
            }
            Ok(read) => read,
            // A page whose items are in a file may have nothing else.
            Err(error)
                if error.problem() == Problem::NotAPage
                    && self.fetcher.file_field(&response).is_some() =>
            {
                (Vec::new(), PageInfo::default())
            }
            Err(error) => {
                let error = undecoded(error);
                return self.fetcher.take_back(&response, error).map_or(Ok(None), Err);
            }
        };
        let file = match self.fetcher.file_field(&response) {
            Some(path) if items.is_empty() => {
                let url = JsonText::of(&response).map_err(undecoded)?.text(path);
                let url = url.or_else(|| response.head.location().map(str::to_owned));
                let none = || {
                    let status = response.status();
                    let why = format!("page {number} ({status}) has no items and names no file");
                    Error::paging(&response, why)
                };
                Some(url.ok_or_else(none)?)
            }
            _ => None,
        };
        let mut info = info.without_zeros();
        info.is_in_file = file.is_some();
        let file = file.map(|url| FileOfPage { client: self.fetcher.client().clone(), url });
        let (page_count, total, page_size) = (info.page_count, info.total, info.page_size);
        let dedupe_by = self.fetcher.options.dedupe_by.as_deref();
        let id = self.id.as_deref().or(dedupe_by);
        let ids =
            id.map(|path| item_ids(&response, self.fetcher.spec().items(), path, items.len()));
        if dedupe_by.is_some() && self.known.is_none() {
            let mut known = RecentIds::new(&self.fetcher.options);
            known.resume(self.fetcher.resumed_ids(), 0);
            self.known = Some(known);
        }
        // If no item has an id, duplicates are found as without `dedupe_by`.
        let has_ids = |ids: &&Vec<Option<u128>>| ids.iter().any(Option::is_some);
        let seen = self.known.as_ref().zip(ids.as_ref().filter(has_ids));
        let seen = seen.map(|(known, ids)| known.duplicates(ids));
        let text = PageText::new(response.body.clone());
        let before = self.last.text.as_deref();
        let Some(selection) = self.fetcher.accept_page(&response, info, &text, before, seen)?
        else {
            return Ok(None);
        };
        let items = selection.take(items);
        let ids = ids.map(|ids| selection.take(ids)).unwrap_or_default();
        if let Some(known) = &mut self.known {
            for id in ids.iter().flatten() {
                known.note(*id);
            }
        }
        let before = self.fetcher.delivered();
        let known_ids = if self.known.is_some() { ids.clone() } else { Vec::new() };
        let text = text.for_checkpoint(self.fetcher.spec().items());
        self.last = LastPage { text: Some(Arc::new(text)), selection, ids: known_ids, before };
        let operation = response.operation;
        let file = file.map(|file| (operation, file));
        Ok(Some(Page {
            items,
            ids,
            number,
            page_count,
            total,
            page_size,
            head: response.head,
            file,
        }))
    }

    /// Waits until an item is ready or the list has ended.
    pub(crate) fn poll_item_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.items.len() == 0 {
            let Some(page) = ready!(self.poll_page_with_items(cx)) else { break };
            let mut page = page?;
            self.items = std::mem::take(&mut page.items).into_iter();
            self.page = Some(page);
        }
        Poll::Ready(Ok(()))
    }

    pub(crate) fn take_item(&mut self) -> Option<T> {
        let item = self.items.next()?;
        self.count_yielded(1);
        Some(item)
    }

    /// Counts items as yielded.
    pub(crate) fn count_yielded(&mut self, items: usize) {
        self.fetcher.count_delivered(items);
    }

    pub(in crate::paging) fn has_ended(&self) -> bool {
        self.items.len() == 0 && self.fetcher.end().is_some()
    }

    /// Number of items that can be yielded without another page.
    pub(crate) fn items_ready(&self) -> usize {
        self.items.len()
    }
}

impl<T> Stream for Paginator<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.poll_item_ready(cx)) {
            Ok(()) => Poll::Ready(self.take_item().map(Ok)),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ready = self.items.len();
        // Errors are stream items too, so there is no upper bound before the end.
        (ready, self.fetcher.end().map(|_| ready))
    }
}

impl<T> FusedStream for Paginator<T> {
    fn is_terminated(&self) -> bool {
        self.has_ended()
    }
}
