//! Requests for pages in flight.

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

/// Maximum number of pages requested ahead, whatever page count a response states.
const MOST_AHEAD: usize = 256;

/// Maximum size in bytes of the pages requested ahead, estimated by the last page.
const MOST_BYTES_AHEAD: usize = 16 << 20;

type Fetched = Result<Option<RawResponse>, Error>;

/// Calls for the due page and those after it, in order and without gaps. They stay here until they end, even if the
/// future that waits for them is dropped.
#[derive(Default)]
pub(super) struct FetchQueue {
    calls: VecDeque<Queued>,
    /// Retries of the due page because its response could not be used.
    pub(super) retries: u32,
    /// Size of the last page in bytes.
    page_bytes: usize,
    /// Bytes received in all.
    pub(super) bytes: u64,
}

/// The call for one page.
pub(super) struct Fetch {
    pub(super) position: Position,
    pub(super) call: PageCall,
    /// Whether the page is dropped if it is larger than `max_page_bytes`.
    pub(super) is_bounded: bool,
}

struct Queued {
    position: Position,
    /// `None` if its runtime has shut down.
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

    /// Number of pages that may be requested ahead.
    pub(super) fn room(&self) -> usize {
        (MOST_BYTES_AHEAD / self.page_bytes.max(1)).min(MOST_AHEAD)
    }

    /// Records a page that has arrived.
    pub(super) fn note_page(&mut self, page: &RawResponse) {
        self.page_bytes = page.body().len();
        self.bytes += self.page_bytes as u64;
    }

    /// Queues a call as the first. In a task, it makes progress without being polled.
    pub(super) fn push_front(&mut self, fetch: Fetch, in_task: bool) {
        self.calls.push_front(Queued::new(fetch, in_task));
    }

    /// Queues a call as the last, in a task.
    pub(super) fn push_back(&mut self, fetch: Fetch) {
        self.calls.push_back(Queued::new(fetch, true));
    }

    /// Polls for the result of the first call, and whether it was bounded. `None` if its runtime has shut down.
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
        // Without a runtime, the call itself returns an error.
        let call = match Handle::try_current() {
            Ok(runtime) if in_task => Task(runtime.spawn(call.in_current_span())).boxed(),
            _ => call.map(Some).boxed(),
        };
        Self { position, call, is_bounded }
    }
}

/// A call that runs as a task and is aborted on drop.
struct Task(JoinHandle<Fetched>);

impl Future for Task {
    type Output = Option<Fetched>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(fetched) => Poll::Ready(Some(fetched)),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Its runtime has shut down.
            Err(_) => Poll::Ready(None),
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
