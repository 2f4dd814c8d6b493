//! Where a range starts, and its current position.

use std::time::Duration;

use super::checkpoint_state::{Origin, RangePoint, WindowPoint};
use super::current_page::CurrentPage;
use super::plan::{Plan, WindowState};
use super::reader::RangeReader;
use super::settings::Settings;
use crate::error::Error;
use crate::saved_job::SavedJob;

impl<T> RangeReader<T> {
    /// The windows and their states. Before the first page, those to start with.
    pub(super) fn plan(&self) -> Result<Plan, Error> {
        if let Some(plan) = &self.plan {
            return Ok(plan.clone());
        }
        let whole = self.list(self.settings.range);
        let operation = whole.request().operation();
        let subject = whole.subject();
        let invalid = |why: String| Error::invalid_request(operation, why);
        let mismatch = |why: &str| Error::checkpoint_mismatch(operation, why);
        let has_date = whole.reports_availability();
        if self.settings.options.job.data.is_some() && !has_date {
            let why = "`wait_for_data` can't be used: the API does not report how far its data is available";
            return Err(invalid(why.to_owned()));
        }
        let mut plan = match &self.settings.resumed {
            Some(Origin::Point(None)) => {
                return Err(mismatch("it is of a single list, not of a time range"));
            }
            Some(Origin::Point(Some(point))) => {
                if let Some(difference) = point.plan.subject.difference(&subject) {
                    return Err(mismatch(&difference));
                }
                let (items, limit) = (point.items(), self.settings.options.limit);
                if let Some(limit) = limit.filter(|limit| *limit < items) {
                    let why = format!("{items} items were read, more than the limit of {limit}");
                    return Err(mismatch(&why));
                }
                let mut plan = point.plan.clone();
                // Windows that ended incomplete are not read again.
                point.lists.keys().for_each(|window| plan.set(*window, WindowState::Todo));
                plan.subject = subject;
                return Ok(plan);
            }
            Some(Origin::Plan(plan)) => {
                if let Some(difference) = plan.subject.difference(&subject) {
                    return Err(invalid(format!("the plan is of another call: {difference}")));
                }
                let mut plan = plan.clone();
                plan.subject = subject;
                plan
            }
            None => {
                let Settings { range, span, overlap, .. } = self.settings;
                Plan::new(subject, range, span, overlap).map_err(invalid)?
            }
        };
        plan.reset();
        Ok(plan)
    }

    /// The jobs of the windows that are being read.
    pub(super) fn jobs(&self) -> Vec<SavedJob> {
        let points = self.resumed.values().filter_map(|point| point.list.job.clone());
        self.windows.iter().filter_map(|reader| reader.list.saved_job()).chain(points).collect()
    }

    /// An earlier position, updated with the jobs submitted since.
    pub(super) fn with_jobs(&self, earlier: &RangePoint) -> Result<RangePoint, Error> {
        Ok(earlier.with_jobs_of(&self.point()?, |window| self.list(window).point_after(0)))
    }

    /// The position after the last delivered item.
    pub(super) fn point(&self) -> Result<RangePoint, Error> {
        if let (None, Some(Origin::Point(Some(point)))) = (&self.plan, &self.settings.resumed) {
            return Ok((**point).clone());
        }
        let plan = self.plan()?;
        let mut report = self.report;
        let mut lists = self.resumed.clone();
        for (at, reader) in self.windows.iter().enumerate() {
            let page = self.current.as_ref().filter(|_| at == 0);
            let list = reader.list.point_after(page.map_or(0, CurrentPage::position));
            let without_id = reader.without_id - page.map_or(0, CurrentPage::rest_without_id);
            lists.insert(reader.window, WindowPoint { list, without_id });
        }
        let rest = self.current.as_ref().map_or(&[][..], CurrentPage::rest);
        if let Some(page) = &self.current {
            // On resume the rest of the page is read and counted again.
            report.without_id -= page.rest_without_id();
            report.duplicates -= match &page.new {
                Some(_) => (page.items - page.position() - rest.len()) as u64,
                None => 0,
            };
        }
        let (recent_ids, ids_forgotten) =
            self.recent_ids.for_checkpoint(rest.iter().filter_map(|(_, id)| *id));
        // As it reads back from a checkpoint: in milliseconds, without the derived counts.
        report.waited =
            Duration::from_millis(u64::try_from(report.waited.as_millis()).unwrap_or(0));
        (report.windows, report.windows_done, report.ids_forgotten) = (0, 0, 0);
        let max_items = self.max_items;
        Ok(RangePoint { plan, lists, recent_ids, ids_forgotten, max_items, report })
    }

    /// Restores the state of the earlier run.
    pub(super) fn restore(&mut self) {
        if let Some(Origin::Point(Some(point))) = self.settings.resumed.take() {
            let RangePoint { lists, recent_ids, ids_forgotten, max_items, report, .. } = *point;
            self.recent_ids.resume(&recent_ids, ids_forgotten);
            (self.resumed, self.max_items, self.report) = (lists, max_items, report);
        }
    }
}
