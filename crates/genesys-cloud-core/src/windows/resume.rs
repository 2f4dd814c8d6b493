//! Where a range starts, and how far it has been read.

use std::time::Duration;

use super::current_page::CurrentPage;
use super::plan::{Plan, WindowState};
use super::point::{Origin, RangePoint, WindowPoint};
use super::reader::RangeReader;
use super::settings::Settings;
use crate::error::Error;
use crate::saved_job::SavedJob;

impl<T> RangeReader<T> {
    /// The windows and their states; before the first page, those that it will start with.
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
                return Err(mismatch("it is of one list, and not of a range of time"));
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

    /// An earlier place, with the jobs that were submitted since.
    pub(super) fn knowing(&self, earlier: &RangePoint) -> Result<RangePoint, Error> {
        Ok(earlier.knowing(&self.point()?, |window| self.list(window).point_after(0)))
    }

    /// How far the items have been delivered.
    pub(super) fn point(&self) -> Result<RangePoint, Error> {
        if let (None, Some(Origin::Point(Some(point)))) = (&self.plan, &self.settings.resumed) {
            return Ok((**point).clone());
        }
        let plan = self.plan()?;
        let mut report = self.report;
        let mut lists = self.resumed.clone();
        for (at, reader) in self.windows.iter().enumerate() {
            let page = self.current.as_ref().filter(|_| at == 0);
            let list = reader.list.point_after(page.map_or(0, CurrentPage::place));
            let without_id = reader.without_id - page.map_or(0, CurrentPage::rest_without_id);
            lists.insert(reader.window, WindowPoint { list, without_id });
        }
        let rest = self.current.as_ref().map_or(&[][..], CurrentPage::rest);
        if let Some(page) = &self.current {
            // These are counted again when the page is read again.
            report.without_id -= page.rest_without_id();
            report.duplicates -= match &page.new {
                Some(_) => (page.items - page.place() - rest.len()) as u64,
                None => 0,
            };
        }
        let (known, forgotten) =
            self.recent_ids.for_checkpoint(rest.iter().filter_map(|(_, id)| *id));
        // A checkpoint has milliseconds, and derives the others.
        report.waited =
            Duration::from_millis(u64::try_from(report.waited.as_millis()).unwrap_or(0));
        (report.windows, report.windows_done, report.ids_forgotten) = (0, 0, 0);
        Ok(RangePoint { plan, lists, known, forgotten, most: self.most_items, report })
    }

    /// Restores what an earlier run had read.
    pub(super) fn restore(&mut self) {
        if let Some(Origin::Point(Some(point))) = self.settings.resumed.take() {
            let RangePoint { lists, known, forgotten, most, report, .. } = *point;
            self.recent_ids.resume(&known, forgotten);
            (self.resumed, self.most_items, self.report) = (lists, most, report);
        }
    }
}
