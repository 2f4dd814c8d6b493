use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// The number of chunks of a slow body, and the pause between them.
const CHUNKS: usize = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// What happens to the connection of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionFault {
    /// It is reset after the request has arrived, without a response.
    CutBeforeResponse,
    /// It is closed after half of the body; `content-length` states the full length.
    CutInBody,
    /// It is reset after half of the body.
    ResetInBody,
    /// The body arrives in four chunks, one second apart on the Tokio clock.
    SlowBody,
    /// Half of the body arrives, and then nothing more.
    StalledBody,
}

/// The body of a response, or the part of it that is sent.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    rest: Option<Bytes>,
    promised: u64,
    delivery: Delivery,
}

/// How a body is sent.
#[derive(Debug)]
enum Delivery {
    Whole,
    /// The connection ends once the bytes are flushed.
    Cut {
        hangup: Hangup,
        is_due: bool,
    },
    Stalled,
    Slow {
        chunk: usize,
        pause: Option<Pin<Box<Sleep>>>,
    },
    /// The same chunk repeatedly, up to the stated length.
    Repeated {
        chunk: Bytes,
        left: u64,
    },
}

/// How the org closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// After all bytes have been sent.
    Close,
    /// Immediately, with a reset.
    Reset,
}

impl Hangup {
    /// Extracts the hangup from a connection error.
    pub(crate) fn of(error: &hyper::Error) -> Option<Self> {
        std::error::Error::source(error)?.downcast_ref().copied()
    }
}

impl ResponseBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { promised: bytes.len() as u64, rest: Some(bytes), delivery: Delivery::Whole }
    }

    /// Creates a body of any length that keeps only one chunk in memory.
    pub(crate) fn repeated(start: Bytes, chunk: Bytes, times: u64) -> Self {
        let left = times * chunk.len() as u64;
        let promised = start.len() as u64 + left;
        Self { rest: Some(start), promised, delivery: Delivery::Repeated { chunk, left } }
    }

    /// Returns the body as the fault sends it.
    pub(crate) fn with(self, fault: ConnectionFault) -> Self {
        let half = self.promised as usize / 2;
        match fault {
            ConnectionFault::CutBeforeResponse => self,
            ConnectionFault::CutInBody => self.cut_after(half),
            ConnectionFault::ResetInBody => self.up_to(half, Delivery::cut(Hangup::Reset)),
            ConnectionFault::StalledBody => self.up_to(half, Delivery::Stalled),
            ConnectionFault::SlowBody => {
                let chunk = self.promised as usize / CHUNKS + 1;
                Self { delivery: Delivery::Slow { chunk, pause: None }, ..self }
            }
        }
    }

    /// Returns the first bytes of the body, after which the connection closes.
    pub(crate) fn cut_after(self, bytes: usize) -> Self {
        self.up_to(bytes, Delivery::cut(Hangup::Close))
    }

    fn up_to(self, bytes: usize, delivery: Delivery) -> Self {
        let rest = self.rest.map(|rest| rest.slice(..bytes.min(rest.len())));
        Self { rest, promised: self.promised, delivery }
    }

    /// Returns the next chunk of a slow body.
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Delivery::Slow { chunk, pause } = &mut self.delivery else { return Poll::Ready(None) };
        let Some(rest) = self.rest.as_mut().filter(|rest| !rest.is_empty()) else {
            return Poll::Ready(None);
        };
        if let Some(pause) = pause {
            ready!(pause.as_mut().poll(context));
        }
        *pause = Some(Box::pin(sleep(PAUSE)));
        Poll::Ready(Some(rest.split_to(rest.len().min(*chunk))))
    }
}

impl Delivery {
    fn cut(hangup: Hangup) -> Self {
        Self::Cut { hangup, is_due: false }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Hangup;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Hangup>>> {
        let this = &mut *self;
        if let Delivery::Slow { .. } = this.delivery {
            let chunk = ready!(this.poll_chunk(context));
            return Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))));
        }
        if let Some(bytes) = this.rest.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut this.delivery {
            Delivery::Whole | Delivery::Slow { .. } => Poll::Ready(None),
            Delivery::Cut { is_due, .. } if !*is_due => {
                *is_due = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Delivery::Cut { hangup, .. } => Poll::Ready(Some(Err(*hangup))),
            // The client gives up.
            Delivery::Stalled => Poll::Pending,
            Delivery::Repeated { left: 0, .. } => Poll::Ready(None),
            Delivery::Repeated { chunk, left } => {
                *left -= (chunk.len() as u64).min(*left);
                Poll::Ready(Some(Ok(Frame::data(chunk.clone()))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}

impl std::fmt::Display for Hangup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the mock org cut the connection")
    }
}

impl std::error::Error for Hangup {}
