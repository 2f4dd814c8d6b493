use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// In so many pieces a slow body comes, with pauses of this length between them.
const PIECES: usize = 4;
const PAUSE: Duration = Duration::from_secs(1);

/// What happens to a connection, beneath HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionFault {
    /// It is reset once the request has arrived, without a reply.
    CutBeforeReply,
    /// It ends when half of the body has been sent; the headers promise all of it.
    CutInBody,
    /// The same, but it is reset.
    ResetInBody,
    /// The body comes in four pieces, with a second between them by the clock of tokio.
    SlowBody,
    /// Half of the body comes, and then nothing.
    StalledBody,
}

/// The body of a reply, or as much of it as gets through.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    rest: Option<Bytes>,
    promised: u64,
    course: Course,
}

/// How a body goes over the wire.
#[derive(Debug)]
enum Course {
    Whole,
    /// What was sent must leave before the connection ends.
    Cut {
        hangup: Hangup,
        is_due: bool,
    },
    Stalled,
    Slow {
        piece: usize,
        pause: Option<Pin<Box<Sleep>>>,
    },
    /// The same piece again and again, until as much has come as was promised.
    Repeated {
        piece: Bytes,
        left: u64,
    },
}

/// Ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// When all that was sent has arrived.
    Close,
    /// At once.
    Reset,
}

impl Hangup {
    /// The hangup behind an error of the connection, if it was one.
    pub(crate) fn of(error: &hyper::Error) -> Option<Self> {
        std::error::Error::source(error)?.downcast_ref().copied()
    }
}

impl ReplyBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { promised: bytes.len() as u64, rest: Some(bytes), course: Course::Whole }
    }

    /// A body of any length, of which one piece is held.
    pub(crate) fn repeated(start: Bytes, piece: Bytes, times: u64) -> Self {
        let left = times * piece.len() as u64;
        let promised = start.len() as u64 + left;
        Self { rest: Some(start), promised, course: Course::Repeated { piece, left } }
    }

    /// The same body, as a fault lets it through.
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

    /// As much of the body as goes into so many bytes.
    pub(crate) fn cut_after(self, bytes: usize) -> Self {
        self.up_to(bytes, Course::cut(Hangup::Close))
    }

    fn up_to(self, bytes: usize, course: Course) -> Self {
        let rest = self.rest.map(|rest| rest.slice(..bytes.min(rest.len())));
        Self { rest, promised: self.promised, course }
    }

    /// The next piece of a slow body.
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
            // Whoever waits for more hangs up.
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
