//! Where the parents of a tree come from.

use std::task::{Context, Poll};
use std::time::Duration;
use std::vec;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;

use super::point::ParentsPoint;
use super::stream::{Nested, NestedItem};
use crate::error::Error;
use crate::paging::{Paginator, Verdict};
use crate::saved_job::SavedJob;
use crate::windows::{Windows, WindowsFrom};

/// A list of parents, read one by one.
pub(super) trait Parents<P>: Send {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<P, Error>>>;

    /// The place before the next parent.
    fn point(&self) -> Result<ParentsPoint, Error>;

    /// Starts at a place that was saved at this time. False if it is a place in another kind of list.
    fn resume(&mut self, point: ParentsPoint, saved: DateTime<Utc>) -> bool;

    fn report(&self) -> ParentsReport;

    /// The jobs that were submitted and are still needed.
    fn jobs(&self) -> Vec<SavedJob>;
}

/// What the list of parents took, and whether it is whole.
pub(super) struct ParentsReport {
    pub(super) pages: u64,
    pub(super) requests: u64,
    pub(super) retries: u64,
    pub(super) waited: Duration,
    pub(super) verdict: Verdict,
}

impl<P: Send> Parents<P> for Paginator<P> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<P, Error>>> {
        self.poll_next_unpin(cx)
    }

    fn point(&self) -> Result<ParentsPoint, Error> {
        Ok(ParentsPoint::List(Box::new(Self::point(self))))
    }

    fn resume(&mut self, point: ParentsPoint, saved: DateTime<Utc>) -> bool {
        let ParentsPoint::List(point) = point else { return false };
        self.start_at(Some(*point), saved);
        true
    }

    fn report(&self) -> ParentsReport {
        let report = Self::report(self);
        ParentsReport {
            pages: report.pages,
            requests: report.requests,
            retries: report.repeated,
            waited: report.waited,
            verdict: report.verdict(),
        }
    }

    fn jobs(&self) -> Vec<SavedJob> {
        self.saved_job().into_iter().collect()
    }
}

impl<P: Send> Parents<P> for Windows<P> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<P, Error>>> {
        self.poll_next_unpin(cx)
    }

    fn point(&self) -> Result<ParentsPoint, Error> {
        Ok(ParentsPoint::Range(Box::new(Self::point(self)?)))
    }

    fn resume(&mut self, point: ParentsPoint, _: DateTime<Utc>) -> bool {
        let ParentsPoint::Range(point) = point else { return false };
        self.start_at(WindowsFrom::saved(Some(point)));
        true
    }

    fn report(&self) -> ParentsReport {
        let report = Self::report(self);
        ParentsReport {
            pages: report.pages,
            requests: report.requests,
            retries: report.repeated,
            waited: report.waited,
            verdict: report.verdict(),
        }
    }

    fn jobs(&self) -> Vec<SavedJob> {
        self.saved_jobs()
    }
}

/// Each item of a tree may be the parent of a further list.
impl<P, C> Parents<NestedItem<P, C>> for Nested<P, C>
where
    P: Send + Sync + 'static,
    C: Send + 'static,
{
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<NestedItem<P, C>, Error>>> {
        self.poll_next_unpin(cx)
    }

    fn point(&self) -> Result<ParentsPoint, Error> {
        Ok(ParentsPoint::Tree(Box::new(Self::point(self)?)))
    }

    fn resume(&mut self, point: ParentsPoint, saved: DateTime<Utc>) -> bool {
        let ParentsPoint::Tree(point) = point else { return false };
        self.start_at(Some(*point), saved);
        true
    }

    fn report(&self) -> ParentsReport {
        let report = Self::report(self);
        ParentsReport {
            pages: report.pages,
            requests: report.requests,
            retries: report.retries,
            waited: report.waited,
            verdict: report.verdict(),
        }
    }

    fn jobs(&self) -> Vec<SavedJob> {
        Self::saved_jobs(self)
    }
}

/// Parents of the caller, such as ids from a file.
pub(super) struct Given<P> {
    rest: vec::IntoIter<P>,
    /// How many have been taken.
    taken: u64,
}

impl<P> Given<P> {
    pub(super) fn new(parents: Vec<P>) -> Self {
        Self { rest: parents.into_iter(), taken: 0 }
    }
}

impl<P: Send> Parents<P> for Given<P> {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<P, Error>>> {
        let next = self.rest.next();
        self.taken += u64::from(next.is_some());
        Poll::Ready(next.map(Ok))
    }

    fn point(&self) -> Result<ParentsPoint, Error> {
        Ok(ParentsPoint::Given(self.taken))
    }

    fn resume(&mut self, point: ParentsPoint, _: DateTime<Utc>) -> bool {
        let ParentsPoint::Given(taken) = point else { return false };
        let skipped = usize::try_from(taken).unwrap_or(usize::MAX);
        self.rest.by_ref().take(skipped).for_each(drop);
        self.taken = taken;
        true
    }

    fn report(&self) -> ParentsReport {
        ParentsReport {
            pages: 0,
            requests: 0,
            retries: 0,
            waited: Duration::ZERO,
            verdict: Verdict::Complete,
        }
    }

    fn jobs(&self) -> Vec<SavedJob> {
        Vec::new()
    }
}
