//! Splits windows that the API does not return as a whole.

use std::time::Duration;

use super::plan::Unsplit;
use super::reader::RangeReader;
use super::settings::Settings;
use super::window_reader::{Outcome, WindowReader};
use crate::error::Error;
use crate::interval::{Interval, in_words};
use crate::paging::{End, Reason, Verdict};
use crate::split_errors::SplitReason;

impl<T> RangeReader<T> {
    /// Why a window must be split, or `None`.
    pub(super) fn split_reason(&self, at: usize, outcome: &Outcome<T>) -> Option<SplitReason> {
        let report = self.windows[at].list.report();
        match outcome {
            // The total of the first page is more than the API lists.
            Outcome::Page(page) if report.pages == 1 => {
                let too_many = page.total()? > self.max_items?;
                too_many.then_some(SplitReason::TooMany)
            }
            Outcome::Page(_) | Outcome::TooEarly => None,
            Outcome::Error(error) => SplitReason::of(error).or_else(|| {
                let split_when = self.settings.split_when.as_ref()?;
                split_when(error).then_some(SplitReason::TooMany)
            }),
            Outcome::End => (report.end == Some(End::Cap)).then_some(SplitReason::TooMany),
        }
    }

    /// Splits a window into halves. If that is not possible, returns the outcome to deliver instead.
    pub(super) fn split(
        &mut self,
        at: usize,
        reason: SplitReason,
        outcome: Outcome<T>,
    ) -> Result<(), Outcome<T>> {
        let Some(plan) = &mut self.plan else { return Err(outcome) };
        let WindowReader { window, interval, ref list, has_delivered, .. } = self.windows[at];
        if let (Outcome::Error(error), read @ 1..) = (&outcome, list.items_read())
            && SplitReason::of(error) == Some(SplitReason::TooMany)
        {
            // The API won't list more of any other window.
            self.max_items = Some(self.max_items.map_or(read, |items| items.min(read)));
        }
        let split = if has_delivered && self.settings.options.dedupe_by.is_none() {
            Err(Unsplittable::Delivered)
        } else {
            plan.split(window, self.settings.minimum).map_err(Unsplittable::Unsplit)
        };
        if let Err(why) = split {
            let operation = list.request().operation();
            let error = |cause| {
                let message = self.settings.explain_unsplit(interval, reason, why);
                Error::window_too_large(operation, message, cause).advise(why.advice())
            };
            return Err(match outcome {
                // It can be read up to where the API stops.
                Outcome::Page(page) => Outcome::Page(page),
                Outcome::Error(cause) => Outcome::Error(error(Some(cause))),
                Outcome::End | Outcome::TooEarly => Outcome::Error(error(None)),
            });
        }
        let operation = list.request().operation().id();
        tracing::info!(operation, window = %interval, ?reason, "window split");
        self.report.splits += 1;
        self.report.add(&list.report());
        self.note_restart(at);
        self.windows.remove(at);
        self.shift_after(window);
        if reason == SplitReason::TooLong {
            self.split_longer_than(interval.length());
        }
        Ok(())
    }

    /// Makes the verdict `Drifted` if restarting a window delivers items twice: those without an id, and those whose
    /// ids are no longer remembered.
    pub(super) fn note_restart(&mut self, at: usize) {
        let Some(WindowReader { list, has_delivered: true, without_id, .. }) = self.windows.get(at)
        else {
            return;
        };
        // The remembered ids are those of the last items delivered, which are of this window.
        let with_id = list.report().items.saturating_sub(*without_id);
        let items = with_id.saturating_sub(self.recent_ids.count()) + without_id;
        if items > 0 {
            self.report.judge(Verdict::Drifted(Reason::ReadAgain { items }));
        }
    }

    /// Splits all `Todo` windows of at least this length: the API would reject them as well.
    fn split_longer_than(&mut self, length: Duration) {
        let Some(plan) = &mut self.plan else { return };
        // A window started in an earlier run may have a job, whose results can still be read.
        let points = std::mem::take(&mut self.resumed);
        let split =
            plan.split_all(length, self.settings.minimum, |window| points.contains_key(&window));
        self.report.splits += split.len() as u64;
        let before = |window: usize| split.partition_point(|at| *at < window);
        self.resumed = points.into_iter().map(|(at, point)| (at + before(at), point)).collect();
        for reader in &mut self.windows {
            reader.window += before(reader.window);
        }
    }

    /// Adjusts the indices after a window was split in two.
    fn shift_after(&mut self, split: usize) {
        let points = std::mem::take(&mut self.resumed).into_iter();
        self.resumed = points.map(|(at, point)| (at + usize::from(at > split), point)).collect();
        for reader in &mut self.windows {
            if reader.window > split {
                reader.window += 1;
            }
        }
    }
}

/// Why a window is not split.
#[derive(Clone, Copy)]
enum Unsplittable {
    /// Some of its items have been delivered, and without ids its halves could not drop them.
    Delivered,
    Unsplit(Unsplit),
}

impl Unsplittable {
    const fn advice(self) -> &'static str {
        match self {
            Self::Delivered => {
                "choose a shorter `span`, or name the id of the items with `dedupe_by`"
            }
            Self::Unsplit(Unsplit::TooShort) => {
                "narrow the query, or allow shorter windows with `split_down_to`"
            }
            Self::Unsplit(Unsplit::TooMany) => "narrow the query, or read a shorter range",
        }
    }
}

impl Settings {
    /// Says why a window is too large, and why it was not split.
    fn explain_unsplit(&self, window: Interval, reason: SplitReason, why: Unsplittable) -> String {
        let what = match reason {
            SplitReason::TooMany => "has more items than the API lists",
            SplitReason::TooLong => "is longer than the API accepts",
        };
        let but = match why {
            Unsplittable::Delivered => "some of its items were already delivered".to_owned(),
            Unsplittable::Unsplit(Unsplit::TooShort) => {
                format!("no window may be shorter than {}", in_words(self.minimum))
            }
            Unsplittable::Unsplit(Unsplit::TooMany) => {
                "the range already has too many windows".to_owned()
            }
        };
        format!("{window} {what}, and was not split: {but}")
    }
}
