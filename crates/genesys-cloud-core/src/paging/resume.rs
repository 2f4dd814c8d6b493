//! How a list resumes at a checkpoint: a state machine.
//!
//! ```text
//! Given ─ check ─▶ Checked ─ enter ─▶ Entered ─┬─ page ─▶ Idle
//!   │                 ▲  └── reopen ──────┘    ├─ look back ─▶ LookingBack ─ page ─▶ Idle
//!   │                 │                        └─ page of another size ─▶ Realigned ─ page, or lost ─▶ Idle
//!   └──── stale ──────┴── stale ─▶ Restarted ─ enter ─▶ Skipping ─ page ─▶ Idle
//! ```
//!
//! A page that was delivered in part is requested again, and its first items are skipped. A list that starts over skips
//! all delivered items, however many pages they come in. `Idle` may become `Realigned` too, since the API can change
//! the page size in the middle of a list.
//!
//! The transitions are pure. [`fetcher`](super::fetcher) applies them to the cursor and the source.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::checkpoint_state::ListPoint;
use super::cursor_state::CursorState;
use super::item_hashes::{Alignment, realign};
use super::scheme::SequenceUnit;

/// Where a list is between a checkpoint and the page that continues it.
#[derive(Clone, Debug)]
pub(super) enum Resume {
    /// The list is read from page to page.
    Idle,
    /// The checkpoint is not a place in a list, for this reason.
    Refused(&'static str),
    /// The list has not continued from the place yet.
    Pending(Box<ResumePoint>, Stage),
}

/// How far a list has come in resuming at a place.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// Nothing has been done.
    Given,
    /// The place belongs to this call, and its counts have been taken over.
    Checked,
    /// The page that contains the place is due, or the beginning of the source's own sequence.
    Entered(Skip),
    /// An earlier page is due, because the list has become shorter. `resized`: as in `Realigned`.
    LookingBack { skip: Skip, resized: Option<Box<CursorState>> },
    /// The page with the last item read is due, in pages of another size. `resized` is the cursor state at the change
    /// of size, to continue from if that item is not found.
    Realigned { skip: Skip, resized: Box<CursorState> },
    /// The list starts over because the API no longer knows the place. Nothing has been requested.
    Restarted,
    /// Pages with items that were delivered before are due.
    Skipping(Skip),
}

/// A place to resume at.
#[derive(Clone, Debug)]
pub(super) struct ResumePoint {
    pub(super) point: ListPoint,
    /// When it was saved. `None` for a window of a range.
    pub(super) saved: Option<DateTime<Utc>>,
}

/// What to skip because it was delivered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// The first items of the next page.
    OfPage(u64),
    /// Items, across pages.
    Items(u64),
    /// Bytes, across items.
    Bytes(u64),
}

impl Skip {
    const fn left(self) -> u64 {
        match self {
            Self::OfPage(left) | Self::Items(left) | Self::Bytes(left) => left,
        }
    }
}

/// How a list is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// At the page of the place.
    AtPlace,
    /// At the beginning of the source's own sequence.
    InSequence,
    /// At the beginning, since the place is gone.
    StartOver,
}

impl Resume {
    /// Starts from a place, or from a checkpoint that has none.
    pub(super) fn given(point: Option<ListPoint>, saved: Option<DateTime<Utc>>) -> Self {
        match point {
            Some(point) => Self::Pending(Box::new(ResumePoint { point, saved }), Stage::Given),
            None => Self::Refused("it is of a range of time"),
        }
    }

    /// Goes back to the first stage, for a list that is set up again.
    pub(super) fn reset(self) -> Self {
        match self {
            Self::Pending(place, _) => Self::Pending(place, Stage::Given),
            other => other,
        }
    }

    /// The place that the list has not continued from yet.
    pub(super) fn place(&self) -> Option<&ResumePoint> {
        match self {
            Self::Pending(place, _) => Some(place),
            Self::Idle | Self::Refused(_) => None,
        }
    }

    pub(super) fn point(&self) -> Option<&ListPoint> {
        self.place().map(|place| &place.point)
    }

    /// Whether a page other than that of the checkpoint is due.
    pub(super) const fn reads_elsewhere(&self) -> bool {
        matches!(self, Self::Pending(_, Stage::LookingBack { .. } | Stage::Realigned { .. }))
    }

    /// How many items of the due page were delivered, if it is known.
    pub(super) const fn skip_of_page(&self) -> Option<u64> {
        match self {
            Self::Pending(
                _,
                Stage::Entered(Skip::OfPage(skip))
                | Stage::LookingBack { skip: Skip::OfPage(skip), .. }
                | Stage::Realigned { skip: Skip::OfPage(skip), .. },
            ) => Some(*skip),
            _ => None,
        }
    }

    /// The place belongs to this call.
    pub(super) fn check(&mut self) {
        if let Self::Pending(_, stage @ Stage::Given) = self {
            *stage = Stage::Checked;
        }
    }

    /// The API no longer knows the place: the list starts over.
    pub(super) fn restart(&mut self) {
        if let Self::Pending(_, stage) = self {
            *stage = Stage::Restarted;
        }
    }

    /// The source is opened again: the place is entered again if no page of it has arrived.
    pub(super) fn reopen(&mut self) {
        if let Self::Pending(_, stage @ Stage::Entered(_)) = self {
            *stage = Stage::Checked;
        }
    }

    /// The source is open, and delivers pages in a sequence counted in this unit, or by position. Returns `None`
    /// without a place to enter.
    pub(super) fn enter(&mut self, sequence: Option<SequenceUnit>) -> Option<Entry> {
        let Self::Pending(place, stage) = self else { return None };
        let starts_over = match stage {
            Stage::Checked => false,
            Stage::Restarted => true,
            _ => return None,
        };
        let point = &place.point;
        let skip = match sequence {
            Some(SequenceUnit::Bytes) => Skip::Bytes(point.offset),
            _ if starts_over => Skip::Items(point.delivered()),
            Some(SequenceUnit::Items) => Skip::Items(point.offset),
            None => Skip::OfPage(point.offset),
        };
        *stage = if starts_over { Stage::Skipping(skip) } else { Stage::Entered(skip) };
        Some(match sequence {
            _ if starts_over => Entry::StartOver,
            Some(_) => Entry::InSequence,
            None => Entry::AtPlace,
        })
    }

    /// The last items are not on this page, since the list has become shorter: the page before it is due, of which this
    /// many items are skipped.
    pub(super) fn look_back(&mut self, skip: u64) {
        let Self::Pending(_, stage) = self else { return };
        let skip = Skip::OfPage(skip);
        *stage = match std::mem::replace(stage, Stage::Given) {
            Stage::Entered(_) => Stage::LookingBack { skip, resized: None },
            Stage::LookingBack { resized, .. } => Stage::LookingBack { skip, resized },
            Stage::Realigned { resized, .. } => Stage::LookingBack { skip, resized: Some(resized) },
            other => other,
        };
    }

    /// The page size has changed: the page of the new size that contains the point is due.
    pub(super) fn realign(&mut self, point: ListPoint, resized: CursorState) {
        let skip = Skip::OfPage(point.offset);
        let place = Box::new(ResumePoint { point, saved: None });
        *self = Self::Pending(place, Stage::Realigned { skip, resized: Box::new(resized) });
    }

    /// Whether a page of the new size is due, or an earlier one.
    pub(super) const fn is_resized(&self) -> bool {
        matches!(
            self,
            Self::Pending(_, Stage::Realigned { .. } | Stage::LookingBack { resized: Some(_), .. })
        )
    }

    /// The last item is not on the page of the new size. Returns the cursor state to continue from.
    pub(super) fn lose_place(&mut self) -> Option<CursorState> {
        match std::mem::replace(self, Self::Idle) {
            Self::Pending(
                _,
                Stage::Realigned { resized, .. }
                | Stage::LookingBack { resized: Some(resized), .. },
            ) => Some(*resized),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Changes how many items of the due page are skipped.
    pub(super) fn set_skip_of_page(&mut self, items: u64) {
        if let Self::Pending(
            _,
            Stage::Entered(Skip::OfPage(skip))
            | Stage::LookingBack { skip: Skip::OfPage(skip), .. }
            | Stage::Realigned { skip: Skip::OfPage(skip), .. },
        ) = self
        {
            *skip = items;
        }
    }

    /// The due page is split into smaller ones.
    pub(super) fn skip_over_pages(&mut self) {
        if let Self::Pending(_, Stage::Entered(skip @ Skip::OfPage(_))) = self {
            *skip = Skip::Items(skip.left());
        }
    }

    /// Moves the place to a page of another size that contains the same item.
    pub(super) fn move_to(&mut self, at: CursorState, skip: u64) {
        if let Self::Pending(place, Stage::Entered(Skip::OfPage(left))) = self {
            let granted = at.grid;
            (place.point.at, place.point.offset, *left) = (at, skip, skip);
            place.point.progress.page_size_granted = granted;
        }
    }

    /// Removes the bytes from a body that were delivered before. Returns whether any remain.
    pub(super) fn skip_bytes(&mut self, body: &mut Bytes) -> bool {
        let Self::Pending(_, stage) = self else { return true };
        let (Stage::Entered(Skip::Bytes(left)) | Stage::Skipping(Skip::Bytes(left))) = *stage
        else {
            return true;
        };
        let length = body.len() as u64;
        let skipped = left.min(length);
        *stage = Stage::Skipping(Skip::Bytes(left - skipped));
        *body = body.slice(usize::try_from(skipped).unwrap_or(0)..);
        left == 0 || left < length
    }

    /// Returns which items of a page are skipped. `hashes` returns the hash of each item, if all have one, and
    /// `fingerprint` that of the page.
    pub(super) fn accept<'a>(
        &mut self,
        items: usize,
        hashes: impl FnOnce() -> Option<&'a [u64]>,
        fingerprint: impl FnOnce() -> u64,
    ) -> Accepted {
        let (place, skip) = match std::mem::replace(self, Self::Idle) {
            Self::Pending(
                place,
                Stage::Entered(skip)
                | Stage::Skipping(skip)
                | Stage::LookingBack { skip, .. }
                | Stage::Realigned { skip, .. },
            ) => (place, skip),
            // No page arrives before the place has been entered.
            other => {
                *self = other;
                return Accepted::default();
            }
        };
        let left = usize::try_from(skip.left()).unwrap_or(usize::MAX);
        let was_counted = matches!(skip, Skip::Items(1..)) && left >= items;
        match skip {
            Skip::Bytes(_) => return Accepted::default(),
            Skip::Items(_) if left > items => {
                *self = Self::Pending(place, Stage::Skipping(Skip::Items((left - items) as u64)));
                let joined = Alignment { from: items, ..Alignment::default() };
                return Accepted { joined, was_counted };
            }
            Skip::Items(_) | Skip::OfPage(_) => {}
        }
        let point = &place.point;
        let joined = match hashes().filter(|hashes| hashes.len() == items) {
            Some(hashes) if !point.known.is_empty() || left == 0 => {
                realign(hashes, &point.known, left)
            }
            _ => {
                let is_other = point.page.is_some_and(|page| page != fingerprint());
                // Nothing shows that a list that started over still has the same order.
                let moved = left > items || is_other || (left > 0 && point.page.is_none());
                Alignment { from: left.min(items), repeated: 0, moved }
            }
        };
        Accepted { joined, was_counted }
    }

    /// The list has ended. Returns whether it ended before the place was reached.
    pub(super) fn end(&mut self) -> bool {
        self.place().is_some() && {
            *self = Self::Idle;
            true
        }
    }

    /// The source has no further page. Returns whether anything was still to be skipped.
    pub(super) fn end_of_sequence(&mut self) -> bool {
        let left = match self {
            Self::Pending(_, Stage::Entered(skip) | Stage::Skipping(skip)) => skip.left(),
            _ => 0,
        };
        self.end();
        left > 0
    }
}

/// Which items of a page are delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) joined: Alignment,
    /// Whether an earlier run delivered all of its items and counted the page.
    pub(super) was_counted: bool,
}

#[cfg(test)]
mod tests;
