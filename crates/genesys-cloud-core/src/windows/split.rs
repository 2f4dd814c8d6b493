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
    /// Why a window has to be split, if it has.
    pub(super) fn split_reason(&self, at: usize, outcome: &Outcome<T>) -> Option<SplitReason> {
        let report = self.windows[at].list.report();
        match outcome {
            // Its first page counts more than the API lists.
            Outcome::Page(page) if report.pages == 1 => {
                let too_many = page.total()? > self.most_items?;
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

    /// Splits a window in halves. Returns what is to be delivered if that is not possible.
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
            // No other window can be read further than this one was.
            self.most_items = Some(self.most_items.map_or(read, |most| most.min(read)));
        }
        let split = if has_delivered && self.settings.options.dedupe_by.is_none() {
            Err(Unsplittable::Delivered)
        } else {
            plan.split(window, self.settings.minimum).map_err(Unsplittable::Unsplit)
        };
        if let Err(why) = split {
            let operation = list.request().operation();
            let error = |cause| {
                Error::window_too_large(
                    operation,
                    self.settings.explain_unsplit(interval, reason, why),
                    cause,
                )
                .advise(why.advice())
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
        self.judge_anew(at);
        self.windows.remove(at);
        self.shift_after(window);
        if reason == SplitReason::TooLong {
            self.split_longer_than(interval.length());
        }
        Ok(())
    }

    /// Notes in the verdict that a window is read again from its start. Items that were delivered are dropped if their
    /// ids are remembered; the others are delivered again.
    pub(super) fn judge_anew(&mut self, at: usize) {
        let Some(WindowReader { list, has_delivered: true, without_id, .. }) = self.windows.get(at)
        else {
            return;
        };
        // The ids that are remembered are those of the items delivered last: those of this window.
        let with_id = list.report().items.saturating_sub(*without_id);
        let items = with_id.saturating_sub(self.recent_ids.count()) + without_id;
        if items > 0 {
            self.report.judge(Verdict::Drifted(Reason::ReadAnew { items }));
        }
    }

    /// Splits all windows of at least this length that have not begun: they would be rejected as well.
    fn split_longer_than(&mut self, length: Duration) {
        let Some(plan) = &mut self.plan else { return };
        // One that had begun in an earlier run may have a job, which is read on.
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

    /// A window has become two: those after it move.
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
    /// Items of it have been delivered, and have no ids by which its halves could drop them.
    Delivered,
    Unsplit(Unsplit),
}

impl Unsplittable {
    const fn advice(self) -> &'static str {
        match self {
            Self::Delivered => {
                "choose a shorter `span`, or name the id of the items by `dedupe_by`"
            }
            Self::Unsplit(Unsplit::TooShort) => {
                "narrow the query, or allow shorter windows by `split_down_to`"
            }
            Self::Unsplit(Unsplit::TooMany) => "narrow the query, or read a shorter range",
        }
    }
}

impl Settings {
    /// Says why a window is too large and was not split.
    fn explain_unsplit(&self, window: Interval, reason: SplitReason, why: Unsplittable) -> String {
        let what = match reason {
            SplitReason::TooMany => "holds more than the API lists",
            SplitReason::TooLong => "is longer than the API accepts",
        };
        let but = match why {
            Unsplittable::Delivered => "some of its items had been delivered".to_owned(),
            Unsplittable::Unsplit(Unsplit::TooShort) => {
                format!("no window may be shorter than {}", in_words(self.minimum))
            }
            Unsplittable::Unsplit(Unsplit::TooMany) => {
                "the range has too many windows already".to_owned()
            }
        };
        format!("{window} {what}, and was not split: {but}")
    }
}
