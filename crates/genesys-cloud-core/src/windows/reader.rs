//! Reads the windows of a range, each with a paginator, and delivers their pages in order.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::task::{Context, Poll};

use super::checkpoint_state::WindowPoint;
use super::current_page::CurrentPage;
use super::plan::{Plan, WindowState};
use super::report::WindowsReport;
use super::settings::{MakeList, Settings};
use super::window_reader::{Outcome, WindowReader};
use crate::dedupe::RecentIds;
use crate::error::Error;
use crate::interval::Interval;
use crate::paging::{Page, Paginator, Reason, Verdict};

/// Reads a range. Further methods are in [`split`](super::split), [`resume`](super::resume),
/// [`limits`](super::limits) and [`current_page`](super::current_page).
pub(super) struct RangeReader<T> {
    pub(super) make_list: MakeList<T>,
    pub(super) settings: Settings,
    /// `None` until the first page is requested.
    pub(super) plan: Option<Plan>,
    pub(super) recent_ids: RecentIds,
    /// The limit that was reached before the end of the range.
    pub(super) stopped: Option<Reason>,
    /// The open windows, in order. Items are delivered from the first one.
    pub(super) windows: VecDeque<WindowReader<T>>,
    /// The most items that the API lists of a window, if known.
    pub(super) max_items: Option<u64>,
    /// Covers the closed windows.
    pub(super) report: WindowsReport,
    /// The page of the first window whose items are being delivered.
    pub(super) current: Option<CurrentPage>,
    /// The positions of windows that were started in an earlier run and are not open yet.
    pub(super) resumed: BTreeMap<usize, WindowPoint>,
}

impl<T> RangeReader<T> {
    pub(super) fn new(make_list: MakeList<T>, settings: Settings) -> Self {
        Self {
            recent_ids: RecentIds::new(&settings.options),
            make_list,
            settings,
            plan: None,
            stopped: None,
            windows: VecDeque::new(),
            max_items: None,
            report: WindowsReport::default(),
            current: None,
            resumed: BTreeMap::new(),
        }
    }

    /// Counts and the verdict so far, including the open windows.
    pub(super) fn report(&self) -> WindowsReport {
        let mut report = self.report;
        let lists = self.windows.iter().map(|reader| reader.list.report());
        for list in lists.chain(self.resumed.values().map(|point| point.list.report())) {
            report.add(&list);
            report.add_data(&list);
        }
        if let Some(plan) = &self.plan {
            (report.windows, report.windows_done) =
                (plan.windows().len() as u64, plan.windows_done());
        }
        report.ids_forgotten = self.recent_ids.forgotten;
        report.stopped = self.stopped;
        report
    }

    /// The list of an interval.
    pub(super) fn list(&self, interval: Interval) -> Paginator<T> {
        let options = &self.settings.options;
        let list = (self.make_list)(interval).with_options(&options.for_window());
        list.with_ids(options.dedupe_by.as_deref())
    }

    /// The next page, without duplicates. With `with_items`, a page whose items are in a file is an error.
    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
        with_items: bool,
    ) -> Poll<Option<Result<Page<T>, Error>>> {
        if self.plan.is_none() {
            match self.plan() {
                Ok(plan) => self.plan = Some(plan),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            self.recent_ids = RecentIds::new(&self.settings.options);
            self.restore();
        }
        self.check_limits();
        if self.has_ended() {
            return Poll::Ready(None);
        }
        self.finish_page();
        loop {
            self.open_windows();
            if self.windows.is_empty() {
                self.report.ended = true;
                return Poll::Ready(None);
            }
            if self.poll_windows(cx, with_items) {
                continue;
            }
            let Some(first) = self.windows.front_mut() else { continue };
            match first.outcome.take() {
                None | Some(Outcome::TooEarly) => return Poll::Pending,
                Some(Outcome::Page(page)) => {
                    first.has_delivered |= !page.items().is_empty();
                    return Poll::Ready(Some(Ok(self.deliver(*page))));
                }
                Some(Outcome::Error(error)) => {
                    // Not if the outcome of the submit is unknown: the job may be running.
                    if error.is_job_without_result()
                        && (!first.has_delivered || self.settings.options.dedupe_by.is_some())
                    {
                        // The next poll submits another job, which is safe: it only reads.
                        let interval = first.interval;
                        let restarted = self.list(interval);
                        self.note_restart(0);
                        if let Some(first) = self.windows.front_mut() {
                            self.report.add(&first.list.report());
                            (first.list, first.without_id) = (restarted, 0);
                        }
                    }
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Outcome::End) => self.close_first(),
            }
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.report.ended || self.stopped.is_some()
    }

    /// Opens windows in order, up to the allowed concurrency.
    fn open_windows(&mut self) {
        while self.windows.len() < self.settings.concurrency.max(1) {
            let Some(plan) = &mut self.plan else { return };
            let Some(window) = plan.next() else { return };
            plan.set(window, WindowState::Running);
            let interval = plan.windows()[window].interval();
            let mut list = self.list(interval);
            let (mut has_delivered, mut without_id) = (false, 0);
            if let Some(point) = self.resumed.remove(&window) {
                has_delivered = point.list.delivered() > 0;
                without_id = point.without_id;
                list = list.resume_at(point.list);
            }
            if let Some(cap) = list.cap_in_items() {
                self.max_items = Some(self.max_items.map_or(cap, |items| items.min(cap)));
            }
            let reader =
                WindowReader { window, interval, list, outcome: None, has_delivered, without_id };
            let at = self.windows.partition_point(|other| other.window < window);
            self.windows.insert(at, reader);
        }
    }

    /// Polls the open windows that have no outcome yet. Returns whether one was split.
    fn poll_windows(&mut self, cx: &mut Context<'_>, with_items: bool) -> bool {
        for at in 0..self.windows.len() {
            let reader = &mut self.windows[at];
            let is_first = at == 0;
            if is_first && matches!(reader.outcome, Some(Outcome::TooEarly)) {
                reader.outcome = None;
            }
            if reader.outcome.is_some() {
                continue;
            }
            let Poll::Ready(outcome) = reader.poll(cx, with_items, is_first) else { continue };
            let outcome = match self.split_reason(at, &outcome) {
                Some(reason) => match self.split(at, reason, outcome) {
                    Ok(()) => return true,
                    Err(outcome) => outcome,
                },
                None => outcome,
            };
            self.windows[at].outcome = Some(outcome);
        }
        false
    }

    pub(super) fn close_first(&mut self) {
        let Some(first) = self.windows.pop_front() else { return };
        let report = first.list.report();
        self.report.add(&report);
        self.report.add_data(&report);
        self.report.judge(report.verdict());
        if let (Some(plan), false) =
            (&mut self.plan, matches!(report.verdict(), Verdict::Truncated(_)))
        {
            plan.set(first.window, WindowState::Done);
        }
    }

    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("range", &format_args!("{}", self.settings.range))
            .field("report", &self.report())
            .finish_non_exhaustive()
    }
}
