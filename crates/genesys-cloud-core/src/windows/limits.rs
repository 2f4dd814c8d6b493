//! Ends a range early, when a limit of items or pages is reached.

use super::reader::RangeReader;
use super::window_reader::{Outcome, WindowReader};
use crate::options::ReadOptions;
use crate::paging::Reason;

impl<T> RangeReader<T> {
    /// Ends the range if a limit has been reached. A range that ends there anyway is complete, not stopped.
    pub(super) fn check_limits(&mut self) {
        if self.plan.is_none() || self.has_ended() {
            return;
        }
        let ReadOptions { limit, max_pages, .. } = self.settings.options;
        // A page counts when all of its items have been delivered.
        let in_page = self.current.as_ref().is_some_and(|page| !page.is_delivered());
        let reason = if limit.is_some_and(|limit| self.report.items >= limit) {
            Reason::Limit
        } else if !in_page && max_pages.is_some_and(|pages| self.pages_delivered() >= pages) {
            Reason::MaxPages
        } else {
            return;
        };
        if !in_page {
            self.finish_page();
            while self.windows.front().is_some_and(WindowReader::is_at_end) {
                self.close_first();
            }
        }
        let is_end =
            self.windows.is_empty() && self.plan.as_ref().is_some_and(|it| it.next().is_none());
        self.report.ended = is_end;
        self.stopped = Some(reason).filter(|_| !is_end);
    }

    /// How many pages have been delivered, including those of windows that were split later.
    fn pages_delivered(&self) -> u64 {
        let lists = self.windows.iter().map(|window| {
            let is_waiting = matches!(window.outcome, Some(Outcome::Page(_)));
            window.list.report().pages - u64::from(is_waiting)
        });
        let points = self.resumed.values().map(|point| point.list.report().pages);
        self.report.pages + lists.chain(points).sum::<u64>()
    }
}
