//! Calls for pages.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::error::Error;
use crate::paging::cursor_state::Position;
use crate::paging::source::PageCall;
use crate::response::RawResponse;

/// The most pages that are requested ahead, whatever count of pages a response states.
const MOST_AHEAD: usize = 256;

/// How many bytes the pages requested ahead may have, by the size of the last one.
const MOST_BYTES_AHEAD: usize = 16 << 20;

type Fetched = Result<Option<RawResponse>, Error>;

/// Calls for the page that is due and for those after it, in order, none left out. They stay here until they end,
/// whoever stops waiting for them.
#[derive(Default)]
pub(super) struct FetchQueue {
    calls: VecDeque<Queued>,
    /// How often the page that is due was requested again because its response could not be used.
    pub(super) retries: u32,
    /// How many bytes the last page had.
    page_bytes: usize,
    /// How many bytes have come in all.
    pub(super) bytes: u64,
}

/// The call for one page.
pub(super) struct Fetch {
    pub(super) position: Position,
    pub(super) call: PageCall,
    /// Whether the page is dropped where it is larger than `max_page_bytes`.
    pub(super) is_bounded: bool,
}

struct Queued {
    position: Position,
    /// `None` if the runtime that it ran in is gone.
    call: BoxFuture<'static, Option<Fetched>>,
    is_bounded: bool,
}

impl FetchQueue {
    /// Whether the first call is for this page.
    pub(super) fn is_first(&self, due: &Position) -> bool {
        self.calls.front().is_some_and(|queued| queued.position == *due)
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn clear(&mut self) {
        self.calls.clear();
    }

    /// How many pages may be requested ahead.
    pub(super) fn room(&self) -> usize {
        (MOST_BYTES_AHEAD / self.page_bytes.max(1)).min(MOST_AHEAD)
    }

    /// A page has come.
    pub(super) fn note_page(&mut self, page: &RawResponse) {
        self.page_bytes = page.body().len();
        self.bytes += self.page_bytes as u64;
    }

    /// Has a call made next. In a task it goes on while nobody polls.
    pub(super) fn push_front(&mut self, fetch: Fetch, in_task: bool) {
        self.calls.push_front(Queued::new(fetch, in_task));
    }

    /// Has a call made after those that are queued, in a task.
    pub(super) fn push_back(&mut self, fetch: Fetch) {
        self.calls.push_back(Queued::new(fetch, true));
    }

    /// What the first call gave, and whether it was bounded. `None` if its runtime is gone.
    pub(super) fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Fetched, bool)>> {
        let Some(first) = self.calls.front_mut() else { return Poll::Ready(None) };
        let fetched = ready!(first.call.as_mut().poll(cx));
        let is_bounded = first.is_bounded;
        self.calls.pop_front();
        Poll::Ready(fetched.map(|fetched| (fetched, is_bounded)))
    }
}

impl Queued {
    fn new(fetch: Fetch, in_task: bool) -> Self {
        let Fetch { position, call, is_bounded } = fetch;
        // Without a runtime the call itself is an error.
        let call = match Handle::try_current() {
            Ok(runtime) if in_task => Task(runtime.spawn(call.in_current_span())).boxed(),
            _ => call.map(Some).boxed(),
        };
        Self { position, call, is_bounded }
    }
}

/// A call that runs as a task, and no longer than it is wanted.
struct Task(JoinHandle<Fetched>);

impl Future for Task {
    type Output = Option<Fetched>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(fetched) => Poll::Ready(Some(fetched)),
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
