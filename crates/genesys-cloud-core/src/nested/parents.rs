//! The sources of parents: a list, a range, a tree, or the caller.

use std::task::{Context, Poll, ready};
use std::vec;

use chrono::{DateTime, Utc};

use super::point::ParentsPoint;
use super::report::NestedReport;
use super::stream::{Nested, NestedItem};
use crate::error::Error;
use crate::paging::{Paginator, Verdict};
use crate::saved_job::SavedJob;
use crate::windows::{Windows, WindowsFrom};

/// A list of parents, read one by one.
pub(super) trait Parents<P>: Send {
    /// Waits until a parent can be taken. False at the end.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>>;

    /// Takes the next parent.
    fn take(&mut self) -> Option<P>;

    /// Returns the place before the next parent.
    fn point(&self) -> Result<ParentsPoint, Error>;

    /// Returns an earlier place, updated with the jobs that were submitted since.
    fn with_jobs(&self, earlier: ParentsPoint) -> Result<ParentsPoint, Error> {
        Ok(earlier)
    }

    /// Resumes at a place that was saved at this time. If it is `None` or of another kind of source, the next poll
    /// fails.
    fn resume(&mut self, point: Option<ParentsPoint>, saved: DateTime<Utc>);

    fn report(&self) -> ParentsReport;

    /// Returns the submitted jobs that are still needed.
    fn jobs(&self) -> Vec<SavedJob>;
}

/// Counts and the verdict of the outer list.
pub(super) struct ParentsReport {
    /// Those of its calls and, if it is a tree itself, of the parents that were refused.
    pub(super) counts: NestedReport,
    pub(super) verdict: Verdict,
}

impl<P: Send> Parents<P> for Paginator<P> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        ready!(self.poll_item_ready(cx))?;
        Poll::Ready(Ok(self.items_ready() > 0))
    }

    fn take(&mut self) -> Option<P> {
        self.take_item()
    }

    fn point(&self) -> Result<ParentsPoint, Error> {
        Ok(ParentsPoint::List(Box::new(Self::point(self))))
    }

    fn with_jobs(&self, earlier: ParentsPoint) -> Result<ParentsPoint, Error> {
        let ParentsPoint::List(mut point) = earlier else { return Ok(earlier) };
        if let Some(job) = self.saved_job()
            && point.has_no_other_job(&job)
        {
            point.job = Some(job);
        }
        Ok(ParentsPoint::List(point))
    }

    fn resume(&mut self, point: Option<ParentsPoint>, saved: DateTime<Utc>) {
        let point = match point {
            Some(ParentsPoint::List(point)) => Some(*point),
            _ => None,
        };
        self.start_at(point, saved);
    }

    fn report(&self) -> ParentsReport {
        let report = Self::report(self);
        let (pages, requests) = (report.pages, report.requests);
        let (retries, waited) = (report.retries, report.waited);
        let counts = NestedReport { pages, requests, retries, waited, ..NestedReport::default() };
        ParentsReport { counts, verdict: report.verdict() }
    }

    fn jobs(&self) -> Vec<SavedJob> {
        self.saved_job().into_iter().collect()
    }
}

impl<P: Send> Parents<P> for Windows<P> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.poll_item_ready(cx)
    }

    fn take(&mut self) -> Option<P> {
        self.take_item()
    }

    fn point(&self) -> Result<ParentsPoint, Error> {
        Ok(ParentsPoint::Range(Box::new(Self::point(self)?)))
    }

    fn with_jobs(&self, earlier: ParentsPoint) -> Result<ParentsPoint, Error> {
        let ParentsPoint::Range(point) = &earlier else { return Ok(earlier) };
        Ok(ParentsPoint::Range(Box::new(Self::with_jobs(self, point)?)))
    }

    fn resume(&mut self, point: Option<ParentsPoint>, _: DateTime<Utc>) {
        let point = match point {
            Some(ParentsPoint::Range(point)) => Some(point),
            _ => None,
        };
        self.start_at(WindowsFrom::saved(point));
    }

    fn report(&self) -> ParentsReport {
        let report = Self::report(self);
        let (pages, requests) = (report.pages, report.requests);
        let (retries, waited) = (report.retries, report.waited);
        let counts = NestedReport { pages, requests, retries, waited, ..NestedReport::default() };
        ParentsReport { counts, verdict: report.verdict() }
    }

    fn jobs(&self) -> Vec<SavedJob> {
        self.saved_jobs()
    }
}

/// Each item of a tree can be the parent of another list.
impl<P, C> Parents<NestedItem<P, C>> for Nested<P, C>
where
    P: Send + Sync + 'static,
    C: Send + 'static,
{
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.poll_item_ready(cx)
    }

    fn take(&mut self) -> Option<NestedItem<P, C>> {
        self.take_item()
    }

    fn point(&self) -> Result<ParentsPoint, Error> {
        Ok(ParentsPoint::Tree(Box::new(Self::point(self)?)))
    }

    fn resume(&mut self, point: Option<ParentsPoint>, saved: DateTime<Utc>) {
        let point = match point {
            Some(ParentsPoint::Tree(point)) => Some(*point),
            _ => None,
        };
        self.start_at(point, saved);
    }

    fn report(&self) -> ParentsReport {
        let counts = Self::report(self);
        ParentsReport { verdict: counts.verdict(), counts }
    }

    fn jobs(&self) -> Vec<SavedJob> {
        Self::saved_jobs(self)
    }
}

/// Parents from the caller, such as ids from a file.
pub(super) struct Given<P> {
    rest: vec::IntoIter<P>,
    /// How many have been taken.
    taken: u64,
    /// Whether it was to resume from a checkpoint of another kind of list.
    is_mismatched: bool,
}

impl<P> Given<P> {
    pub(super) fn new(parents: Vec<P>) -> Self {
        Self { rest: parents.into_iter(), taken: 0, is_mismatched: false }
    }
}

impl<P: Send> Parents<P> for Given<P> {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        Poll::Ready(match self.is_mismatched {
            true => Err(Error::checkpoint_of_another_list()),
            false => Ok(self.rest.len() > 0),
        })
    }

    fn take(&mut self) -> Option<P> {
        let next = self.rest.next();
        self.taken += u64::from(next.is_some());
        next
    }

    fn point(&self) -> Result<ParentsPoint, Error> {
        Ok(ParentsPoint::Given(self.taken))
    }

    fn resume(&mut self, point: Option<ParentsPoint>, _: DateTime<Utc>) {
        let Some(ParentsPoint::Given(taken)) = point else {
            self.is_mismatched = true;
            return;
        };
        let skipped = usize::try_from(taken).unwrap_or(usize::MAX);
        self.rest.by_ref().take(skipped).for_each(drop);
        self.taken = taken;
    }

    fn report(&self) -> ParentsReport {
        ParentsReport { counts: NestedReport::default(), verdict: Verdict::Complete }
    }

    fn jobs(&self) -> Vec<SavedJob> {
        Vec::new()
    }
}
