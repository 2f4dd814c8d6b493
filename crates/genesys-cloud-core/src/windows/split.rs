//! Splits slices that the API does not return as a whole.

use std::time::Duration;

use super::plan::Unsplit;
use super::reader::RangeReader;
use super::settings::Settings;
use super::slice_reader::{Outcome, SliceReader};
use crate::error::Error;
use crate::interval::{Interval, in_words};
use crate::paging::{End, Reason, Verdict};
use crate::split_errors::SplitReason;

impl<T> RangeReader<T> {
    /// Why a slice has to be split, if it has.
    pub(super) fn split_reason(&self, at: usize, outcome: &Outcome<T>) -> Option<SplitReason> {
        let report = self.slices[at].list.report();
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

    /// Splits a slice in halves. Returns what is to be delivered if that is not possible.
    pub(super) fn split(
        &mut self,
        at: usize,
        reason: SplitReason,
        outcome: Outcome<T>,
    ) -> Result<(), Outcome<T>> {
        let Some(plan) = &mut self.plan else { return Err(outcome) };
        let SliceReader { slice, interval, ref list, has_delivered, .. } = self.slices[at];
        if let (Outcome::Error(error), read @ 1..) = (&outcome, list.items_read())
            && SplitReason::of(error) == Some(SplitReason::TooMany)
        {
            // No other slice can be read further than this one was.
            self.most_items = Some(self.most_items.map_or(read, |most| most.min(read)));
        }
        let split = if has_delivered && self.settings.options.dedupe_by.is_none() {
            Err(Unsplittable::Delivered)
        } else {
            plan.split(slice, self.settings.minimum).map_err(Unsplittable::Unsplit)
        };
        if let Err(why) = split {
            let operation = list.request().operation();
            let error = |cause| {
                Error::slice(operation, self.settings.explain_unsplit(interval, reason, why), cause)
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
        tracing::info!(operation, slice = %interval, ?reason, "slice split");
        self.report.splits += 1;
        self.report.add(&list.report());
        self.judge_anew(at);
        self.slices.remove(at);
        self.shift_after(slice);
        if reason == SplitReason::TooLong {
            self.split_longer_than(interval.length());
        }
        Ok(())
    }

    /// Notes in the verdict that a slice is read again from its start. Items that were delivered are dropped if their
    /// ids are remembered; the others are delivered again.
    pub(super) fn judge_anew(&mut self, at: usize) {
        let Some(SliceReader { list, has_delivered: true, without_id, .. }) = self.slices.get(at)
        else {
            return;
        };
        // The ids that are remembered are those of the items delivered last: those of this slice.
        let with_id = list.report().items.saturating_sub(*without_id);
        let items = with_id.saturating_sub(self.recent_ids.count()) + without_id;
        if items > 0 {
            self.report.judge(Verdict::Drifted(Reason::ReadAnew { items }));
        }
    }

    /// Splits all slices of at least this length that have not begun: they would be rejected as well.
    fn split_longer_than(&mut self, length: Duration) {
        let Some(plan) = &mut self.plan else { return };
        // One that had begun in an earlier run may have a job, which is read on.
        let points = std::mem::take(&mut self.resumed);
        let split =
            plan.split_all(length, self.settings.minimum, |slice| points.contains_key(&slice));
        self.report.splits += split.len() as u64;
        let before = |slice: usize| split.partition_point(|at| *at < slice);
        self.resumed = points.into_iter().map(|(at, point)| (at + before(at), point)).collect();
        for reader in &mut self.slices {
            reader.slice += before(reader.slice);
        }
    }

    /// A slice has become two: those after it move.
    fn shift_after(&mut self, split: usize) {
        let points = std::mem::take(&mut self.resumed).into_iter();
        self.resumed = points.map(|(at, point)| (at + usize::from(at > split), point)).collect();
        for reader in &mut self.slices {
            if reader.slice > split {
                reader.slice += 1;
            }
        }
    }
}

/// Why a slice is not split.
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
                "narrow the query, or allow shorter slices by `split_down_to`"
            }
            Self::Unsplit(Unsplit::TooMany) => "narrow the query, or read a shorter range",
        }
    }
}

impl Settings {
    /// Says why a slice is too large and was not split.
    fn explain_unsplit(&self, slice: Interval, reason: SplitReason, why: Unsplittable) -> String {
        let what = match reason {
            SplitReason::TooMany => "holds more than the API lists",
            SplitReason::TooLong => "is longer than the API accepts",
        };
        let but = match why {
            Unsplittable::Delivered => "some of its items had been delivered".to_owned(),
            Unsplittable::Unsplit(Unsplit::TooShort) => {
                format!("no slice may be shorter than {}", in_words(self.minimum))
            }
            Unsplittable::Unsplit(Unsplit::TooMany) => {
                "the range has too many slices already".to_owned()
            }
        };
        format!("{slice} {what}, and was not split: {but}")
    }
}
