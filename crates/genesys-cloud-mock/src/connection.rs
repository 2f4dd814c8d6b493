use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// The number of chunks of a slow body, and the pause between them.
const PIECES: usize = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// What happens to the connection of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionFault {
    /// It is reset after the request has arrived, without a response.
    CutBeforeReply,
    /// It is closed after half of the body; `content-length` states the full length.
    CutInBody,
    /// It is reset after half of the body.
    ResetInBody,
    /// The body arrives in four chunks, one second apart on the tokio clock.
    SlowBody,
    /// Half of the body arrives, and then nothing more.
    StalledBody,
}

/// The body of a response, or the part of it that is sent.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    rest: Option<Bytes>,
    promised: u64,
    course: Course,
}

/// How a body is sent.
#[derive(Debug)]
enum Course {
    Whole,
    /// The connection ends once the bytes are flushed.
    Cut {
        hangup: Hangup,
        is_due: bool,
    },
    Stalled,
    Slow {
        piece: usize,
        pause: Option<Pin<Box<Sleep>>>,
    },
    /// The same chunk repeatedly, up to the stated length.
    Repeated {
        piece: Bytes,
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

impl ReplyBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { promised: bytes.len() as u64, rest: Some(bytes), course: Course::Whole }
    }

    /// Creates a body of any length that keeps only one chunk in memory.
    pub(crate) fn repeated(start: Bytes, piece: Bytes, times: u64) -> Self {
        let left = times * piece.len() as u64;
        let promised = start.len() as u64 + left;
        Self { rest: Some(start), promised, course: Course::Repeated { piece, left } }
    }

    /// Returns the body as the fault sends it.
    pub(crate) fn with(self, fault: ConnectionFault) -> Self {
        let half = self.promised as usize / 2;
        match fault {
            ConnectionFault::CutBeforeReply => self,
            ConnectionFault::CutInBody => self.cut_after(half),
            ConnectionFault::ResetInBody => self.up_to(half, Course::cut(Hangup::Reset)),
            ConnectionFault::StalledBody => self.up_to(half, Course::Stalled),
            ConnectionFault::SlowBody => {
                let piece = self.promised as usize / PIECES + 1;
                Self { course: Course::Slow { piece, pause: None }, ..self }
            }
        }
    }

    /// Returns the first bytes of the body, after which the connection closes.
    pub(crate) fn cut_after(self, bytes: usize) -> Self {
        self.up_to(bytes, Course::cut(Hangup::Close))
    }

    fn up_to(self, bytes: usize, course: Course) -> Self {
        let rest = self.rest.map(|rest| rest.slice(..bytes.min(rest.len())));
        Self { rest, promised: self.promised, course }
    }

    /// Returns the next chunk of a slow body.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Course::Slow { piece, pause } = &mut self.course else { return Poll::Ready(None) };
        let Some(rest) = self.rest.as_mut().filter(|rest| !rest.is_empty()) else {
            return Poll::Ready(None);
        };
        if let Some(pause) = pause {
            ready!(pause.as_mut().poll(context));
        }
        *pause = Some(Box::pin(sleep(PAUSE)));
        Poll::Ready(Some(rest.split_to(rest.len().min(*piece))))
    }
}

impl Course {
    fn cut(hangup: Hangup) -> Self {
        Self::Cut { hangup, is_due: false }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Hangup;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Hangup>>> {
        let this = &mut *self;
        if let Course::Slow { .. } = this.course {
            let piece = ready!(this.poll_piece(context));
            return Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))));
        }
        if let Some(bytes) = this.rest.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut this.course {
            Course::Whole | Course::Slow { .. } => Poll::Ready(None),
            Course::Cut { is_due, .. } if !*is_due => {
                *is_due = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Course::Cut { hangup, .. } => Poll::Ready(Some(Err(*hangup))),
            // The client gives up.
            Course::Stalled => Poll::Pending,
            Course::Repeated { left: 0, .. } => Poll::Ready(None),
            Course::Repeated { piece, left } => {
                *left -= (piece.len() as u64).min(*left);
                Poll::Ready(Some(Ok(Frame::data(piece.clone()))))
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
