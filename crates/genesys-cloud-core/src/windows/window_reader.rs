//! Reads one window.

use std::task::{Context, Poll};

use crate::error::{Error, ErrorKind};
use crate::interval::Interval;
use crate::paging::{End, Page, Paginator};

/// A window that is being read.
pub(super) struct WindowReader<T> {
    /// Its index in the plan.
    pub(super) window: usize,
    pub(super) interval: Interval,
    pub(super) list: Paginator<T>,
    /// What to deliver next, when this window is the first.
    pub(super) outcome: Option<Outcome<T>>,
    /// Whether it has delivered items.
    pub(super) has_delivered: bool,
    /// How many items without an id it has delivered.
    pub(super) without_id: u64,
}

/// The result of polling for a page.
pub(super) enum Outcome<T> {
    Page(Box<Page<T>>),
    Error(Error),
    /// The deadline for its job or its data passed before the window became the first. It is polled again then.
    TooEarly,
    End,
}

impl<T> WindowReader<T> {
    /// Polls for the next page.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        with_items: bool,
        is_first: bool,
    ) -> Poll<Outcome<T>> {
        self.list.poll_next_page(cx, with_items).map(|next| match next {
            Some(Ok(page)) => Outcome::Page(Box::new(page)),
            Some(Err(error))
                if !is_first
                    && matches!(
                        error.kind(),
                        ErrorKind::JobUnfinished | ErrorKind::DataUnavailable
                    ) =>
            {
                Outcome::TooEarly
            }
            Some(Err(error)) => Outcome::Error(error),
            None => Outcome::End,
        })
    }

    /// Whether all of it has been delivered, and it needs no split.
    pub(super) fn is_at_end(&self) -> bool {
        let end = self.list.report().end;
        matches!(self.outcome, None | Some(Outcome::End)) && end.is_some_and(|end| end != End::Cap)
    }
}
