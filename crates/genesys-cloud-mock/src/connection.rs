use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// What happens to a connection, beneath HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionFault {
    /// It is reset once the request has arrived, without a reply.
    CutBeforeReply,
    /// It ends when half of the body has been sent; the headers promise all of it.
    CutInBody,
}

/// The body of a reply, or as much of it as gets through.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    rest: Option<Bytes>,
    promised: u64,
    cut: Option<Cut>,
}

/// How far a body that is cut has come.
#[derive(Debug)]
enum Cut {
    /// What was sent must leave before the connection ends.
    Sending,
    Due,
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
        Self { promised: bytes.len() as u64, rest: Some(bytes), cut: None }
    }

    pub(crate) fn cut(self) -> Self {
        let half = self.promised as usize / 2;
        self.cut_after(half)
    }

    /// As much of the body as goes into so many bytes.
    pub(crate) fn cut_after(self, bytes: usize) -> Self {
        let rest = self.rest.map(|rest| rest.slice(..bytes.min(rest.len())));
        Self { rest, promised: self.promised, cut: Some(Cut::Sending) }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Hangup;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Hangup>>> {
        if let Some(bytes) = self.rest.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.cut {
            None => Poll::Ready(None),
            Some(Cut::Sending) => {
                self.cut = Some(Cut::Due);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Cut::Due) => Poll::Ready(Some(Err(Hangup::Close))),
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
