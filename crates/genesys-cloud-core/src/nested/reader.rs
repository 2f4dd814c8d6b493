//! Reads the lists of parents, several at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use chrono::{DateTime, Utc};

use super::parents::Parents;
use super::point::{OpenPoint, ParentsPoint, TreePoint};
use super::report::NestedReport;
use super::stream::{NestedItem, OnRefused};
use crate::digest::Digest;
use crate::error::Error;
use crate::operation::Operation;
use crate::paging::{Paginator, Reason, RequestFingerprint, Verdict};
use crate::request::Request;
use crate::saved_job::SavedJob;

/// Maximum number of lists kept from the first one that has not ended, if items are unordered.
const MAX_OPEN: usize = 1_000;

/// Returns the list of a parent.
pub(super) type MakeList<P, C> = Box<dyn Fn(&P) -> Paginator<C> + Send>;

/// Is called when the list of a parent has ended.
pub(super) type OnListEnd<P> = Box<dyn Fn(&P, Verdict) + Send>;

pub(super) struct Settings {
    pub(super) concurrency: usize,
    pub(super) is_ordered: bool,
    pub(super) limit: Option<u64>,
    pub(super) on_not_found: OnRefused,
    pub(super) on_forbidden: OnRefused,
}

/// Reads a tree. The lists in `open` are in the order of their parents; the first one has not ended.
pub(super) struct TreeReader<P, C> {
    parents: Box<dyn Parents<P>>,
    make_list: MakeList<P, C>,
    pub(super) settings: Settings,
    pub(super) on_list_end: Option<OnListEnd<P>>,
    open: VecDeque<Open<P, C>>,
    have_parents_ended: bool,
    /// Yielded once the lists of the parents before it have ended.
    parents_error: Option<Error>,
    /// Items yielded, of all lists.
    delivered: u64,
    /// Counts of the lists that have ended.
    report: NestedReport,
    /// The lists that an earlier run had opened, with the fingerprint of their request, until they are opened again.
    /// Parents with the same list, such as a record that is listed twice, open it in this order.
    resumed: Vec<(u64, OpenPoint)>,
    /// When the checkpoint of that run was made.
    saved: DateTime<Utc>,
    /// The path of the list that failed last.
    failed: Option<String>,
    /// The operation whose place can't be resumed from, and why.
    mismatch: Option<(Operation, String)>,
}

/// The list of a parent.
struct Open<P, C> {
    /// The place before the parent.
    before: ParentsPoint,
    key: u64,
    /// `None` once it has ended and all its items were yielded.
    active: Option<Active<P, C>>,
}

struct Active<P, C> {
    parent: Arc<P>,
    list: Paginator<C>,
    outcome: Option<Result<(), Error>>,
}

impl<P, C> Active<P, C> {
    /// Whether an item, the end or an error is known.
    fn is_ready(&self) -> bool {
        self.outcome.is_some()
    }
}

impl<P, C> TreeReader<P, C> {
    pub(super) fn new(parents: Box<dyn Parents<P>>, make_list: MakeList<P, C>) -> Self {
        Self {
            parents,
            make_list,
            settings: Settings {
                concurrency: 8,
                is_ordered: true,
                limit: None,
                on_not_found: OnRefused::Skip,
                on_forbidden: OnRefused::Fail,
            },
            on_list_end: None,
            open: VecDeque::new(),
            have_parents_ended: false,
            parents_error: None,
            delivered: 0,
            report: NestedReport::default(),
            resumed: Vec::new(),
            saved: Utc::now(),
            failed: None,
            mismatch: None,
        }
    }

    pub(super) fn report(&self) -> NestedReport {
        let mut report = self.report.clone();
        for active in self.open.iter().filter_map(|open| open.active.as_ref()) {
            report.parents += 1;
            report.add(&active.list.report());
        }
        for (_, point) in &self.resumed {
            if let OpenPoint::At(point) = point {
                report.add(&point.report());
            }
        }
        report.add_parents(self.parents.report().counts);
        report.items = self.delivered;
        if self.failed.is_some() {
            report.failed.clone_from(&self.failed);
        }
        report
    }

    pub(super) fn has_ended(&self) -> bool {
        self.report.ended || self.report.stopped.is_some()
    }

    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<NestedItem<P, C>, Error>>> {
        match ready!(self.poll_ready(cx)) {
            Ok(Some(at)) => Poll::Ready(self.take(at).map(Ok)),
            Ok(None) => Poll::Ready(None),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    /// Waits until an open list has an item, and returns the index of the list. `None` at the end.
    pub(super) fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<usize>, Error>> {
        loop {
            if let Some((operation, why)) = &self.mismatch {
                return Poll::Ready(Err(Error::checkpoint_mismatch(operation, why)));
            }
            if self.settings.limit.is_some_and(|limit| self.delivered >= limit) {
                self.report.stopped = Some(Reason::Limit);
            }
            if self.has_ended() {
                return Poll::Ready(Ok(None));
            }
            self.open_lists(cx);
            self.poll_lists(cx);
            if self.open.is_empty() {
                if let Some(error) = self.parents_error.take() {
                    return Poll::Ready(Err(error));
                }
                if self.have_parents_ended && self.mismatch.is_none() {
                    self.end();
                    continue;
                }
            }
            let Some(at) = self.first_ready() else {
                match &self.mismatch {
                    Some(_) => continue,
                    None => return Poll::Pending,
                }
            };
            let Some(active) = self.open[at].active.as_mut() else { continue };
            match active.outcome.take() {
                Some(Err(error)) => match self.refusal(at, &error) {
                    Some(status) => self.skip(at, status),
                    None => {
                        let active = self.open[at].active.as_ref();
                        self.failed = active.map(|active| path(active.list.request()));
                        return Poll::Ready(Err(error));
                    }
                },
                _ if active.list.items_ready() > 0 => {
                    active.outcome = Some(Ok(()));
                    return Poll::Ready(Ok(Some(at)));
                }
                _ => self.close(at),
            }
        }
    }

    /// Takes the next item of the list at this index.
    pub(super) fn take(&mut self, at: usize) -> Option<NestedItem<P, C>> {
        let active = self.open.get_mut(at)?.active.as_mut()?;
        let item = active.list.take_item()?;
        if active.list.items_ready() == 0 {
            active.outcome = None;
        }
        self.delivered += 1;
        Some(NestedItem { parent: Arc::clone(&active.parent), item })
    }

    fn first_ready(&self) -> Option<usize> {
        let considered = if self.settings.is_ordered { 1 } else { self.open.len() };
        let is_ready = |open: &Open<P, C>| open.active.as_ref().is_some_and(Active::is_ready);
        self.open.iter().take(considered).position(is_ready)
    }

    /// Opens the lists of the next parents, as far as the concurrency allows.
    fn open_lists(&mut self, cx: &mut Context<'_>) {
        let mut active = self.open.iter().filter(|open| open.active.is_some()).count();
        while active < self.settings.concurrency
            && self.open.len() < MAX_OPEN
            && !self.have_parents_ended
            && self.parents_error.is_none()
            && self.mismatch.is_none()
        {
            let next = match self.parents.poll_ready(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(true)) => self.parents.point().map(Some),
                Poll::Ready(Ok(false)) => Ok(None),
                Poll::Ready(Err(error)) => Err(error),
            };
            match next {
                Ok(Some(before)) => {
                    if let Some(parent) = self.parents.take() {
                        active += usize::from(self.open_list(parent, before));
                    }
                }
                Ok(None) => self.have_parents_ended = true,
                Err(error) => self.parents_error = Some(error),
            }
        }
    }

    /// Opens the list of a parent, at its place in an earlier run if it had one. Returns false if it had ended.
    fn open_list(&mut self, parent: P, before: ParentsPoint) -> bool {
        let mut list = (self.make_list)(&parent);
        let subject = list.subject();
        let key = key(&subject);
        let resumed = self.resumed.iter().position(|(of, _)| *of == key);
        match resumed.map(|at| self.resumed.remove(at).1) {
            Some(OpenPoint::Done(_)) => {
                self.open.push_back(Open { before, key, active: None });
                self.drop_done();
                return false;
            }
            Some(OpenPoint::At(point)) => list.start_at(Some(*point), self.saved),
            None => {
                let changed = self.resumed.iter().find_map(|(_, point)| match point {
                    OpenPoint::At(point) if is_of_same_path(&point.subject, &subject) => {
                        point.subject.difference(&subject)
                    }
                    _ => None,
                });
                if let Some(difference) = changed {
                    self.mismatch = Some((list.request().operation().clone(), difference));
                }
            }
        }
        let active = Some(Active { parent: Arc::new(parent), list, outcome: None });
        self.open.push_back(Open { before, key, active });
        true
    }

    /// Polls all open lists for which no item, end or error is known.
    fn poll_lists(&mut self, cx: &mut Context<'_>) {
        for active in self.open.iter_mut().filter_map(|open| open.active.as_mut()) {
            if !active.is_ready()
                && let Poll::Ready(outcome) = active.list.poll_item_ready(cx)
            {
                active.outcome = Some(outcome);
            }
        }
    }

    /// Returns the status with which the API refused the first page of a list, if its parent is to be skipped.
    fn refusal(&self, at: usize, error: &Error) -> Option<u16> {
        let list = &self.open[at].active.as_ref()?.list;
        let status = error.status().filter(|_| list.report().pages == 0)?;
        let then = match status {
            404 | 410 => self.settings.on_not_found,
            403 if error.kind() == crate::ErrorKind::Forbidden => self.settings.on_forbidden,
            _ => return None,
        };
        (then == OnRefused::Skip).then_some(status)
    }

    fn skip(&mut self, at: usize, status: u16) {
        let Some(active) = self.open[at].active.take() else { return };
        self.report.parents += 1;
        self.report.add(&active.list.report());
        self.report.skip(path(active.list.request()), status);
        if let Some(ended) = &self.on_list_end {
            ended(&active.parent, skipped(status));
        }
        self.drop_done();
    }

    /// Closes a list that has ended.
    fn close(&mut self, at: usize) {
        let Some(active) = self.open[at].active.take() else { return };
        let report = active.list.report();
        self.report.parents += 1;
        self.report.parents_done += 1;
        self.report.items += report.items;
        self.report.add(&report);
        self.report.judge(report.verdict());
        if let Some(ended) = &self.on_list_end {
            ended(&active.parent, report.verdict());
        }
        self.drop_done();
    }

    fn drop_done(&mut self) {
        while self.open.front().is_some_and(|open| open.active.is_none()) {
            self.open.pop_front();
        }
    }

    /// Ends the tree, after all lists have ended.
    fn end(&mut self) {
        // The outer list no longer has the parents of these, so the rest of their items is not read.
        for (_, point) in std::mem::take(&mut self.resumed) {
            let OpenPoint::At(point) = point else { continue };
            let report = point.report();
            self.report.items += report.items;
            self.report.add(&report);
            if report.items > 0 {
                self.report.judge(Verdict::Drifted(Reason::Moved));
            }
        }
        let outer = self.parents.report().verdict;
        self.report.judge(outer);
        self.report.outer = Some(outer);
        self.report.ended = true;
    }

    /// Resumes at a place that was saved at this time. If it is `None`, the checkpoint is not of a tree, and the next
    /// poll fails.
    pub(super) fn resume(&mut self, point: Option<TreePoint>, saved: DateTime<Utc>) {
        self.saved = saved;
        let Some(point) = point else { return self.parents.resume(None, saved) };
        self.delivered = point.items();
        let TreePoint { parents, lists, report } = point;
        self.parents.resume(Some(parents), saved);
        self.report = report;
        self.resumed = lists.into_iter().map(|list| (list.key(), list)).collect();
    }

    /// Returns the place after the last yielded item.
    pub(super) fn point(&self) -> Result<TreePoint, Error> {
        let parents = match self.open.front() {
            Some(first) => self.parents.with_jobs(first.before.clone())?,
            None => self.parents.point()?,
        };
        let open = self.open.iter().map(|open| match &open.active {
            Some(active) => OpenPoint::At(Box::new(active.list.point())),
            None => OpenPoint::Done(open.key),
        });
        let lists = open.chain(self.resumed.iter().map(|(_, point)| point.clone())).collect();
        Ok(TreePoint { parents, lists, report: self.report.clone() })
    }

    /// Returns an earlier place in this tree, updated with the jobs that were submitted since.
    pub(super) fn knowing(&self, earlier: &TreePoint) -> Result<TreePoint, Error> {
        let mut point = earlier.clone();
        point.parents = self.parents.with_jobs(point.parents)?;
        for open in &self.open {
            let Some(active) = &open.active else { continue };
            let Some(job) = active.list.saved_job() else { continue };
            let mut same = point.lists.iter_mut().filter(|list| list.key() == open.key).peekable();
            let is_known = same.peek().is_some();
            // Of parents with the same list, the first that does not have this or another job.
            let without = same.find_map(|list| match list {
                OpenPoint::At(point) => point.has_no_other_job(&job).then_some(point),
                OpenPoint::Done(_) => None,
            });
            match without {
                Some(point) => point.job = Some(job),
                None if is_known => {}
                None => {
                    // Opened since: its start, with its job.
                    let mut fresh = (self.make_list)(&active.parent).point();
                    fresh.job = Some(job);
                    point.lists.push(OpenPoint::At(Box::new(fresh)));
                }
            }
        }
        Ok(point)
    }

    pub(super) fn jobs(&self) -> Vec<SavedJob> {
        let active = self.open.iter().filter_map(|open| open.active.as_ref());
        let lists = active.filter_map(|active| active.list.saved_job());
        self.parents.jobs().into_iter().chain(lists).collect()
    }
}

/// Returns the verdict on the list of a skipped parent.
fn skipped(status: u16) -> Verdict {
    match status {
        403 => Verdict::Truncated(Reason::ParentsForbidden { parents: 1 }),
        _ => Verdict::Drifted(Reason::ParentsNotFound { parents: 1 }),
    }
}

/// Returns the path of a request, with its values.
fn path(request: &Request) -> String {
    let template = request.operation().path().to_owned();
    let fill =
        |path: String, (name, value): (&str, &str)| path.replace(&format!("{{{name}}}"), value);
    request.path_values().fold(template, fill)
}

/// Returns a hash of the fingerprint of a request, which identifies a list within a tree.
pub(super) fn key(subject: &RequestFingerprint) -> u64 {
    let mut digest = Digest::new();
    digest.bytes(subject.operation.as_bytes());
    for (name, hash) in &subject.parts {
        digest.bytes(name.as_bytes());
        digest.word(*hash);
    }
    digest.finish()
}

/// Returns whether two requests have the same path and path values, and so are for the same parent.
fn is_of_same_path(one: &RequestFingerprint, other: &RequestFingerprint) -> bool {
    let path = |of: &RequestFingerprint| -> Vec<(String, u64)> {
        let parts = of.parts.iter().filter(|(name, _)| name.starts_with("the path parameter"));
        parts.map(|(name, hash)| (name.clone(), *hash)).collect()
    };
    one.operation == other.operation && !path(one).is_empty() && path(one) == path(other)
}
