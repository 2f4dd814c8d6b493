//! How a list continues from a place at which it was left: a state machine.
//!
//! ```text
//! Given ─ check ─▶ Checked ─ enter ─▶ Entered ─┬─ page ─▶ Idle
//!   │                 ▲  └── reopen ──────┘    ├─ look back ─▶ LookingBack ─ page ─▶ Idle
//!   │                 │                        └─ page of another size ─▶ Realigned ─ page, or lost ─▶ Idle
//!   └──── stale ──────┴── stale ─▶ Restarted ─ enter ─▶ Skipping ─ page ─▶ Idle
//! ```
//!
//! A page that was delivered in part is requested again, and its first items are skipped. A list that is read anew skips
//! what was delivered, however many pages it comes in. `Idle` may become `Realigned` too: the API can change the size
//! of pages in the middle of a list.
//!
//! The transitions are pure. What they mean for the cursor and the source is in
//! [`fetcher`](super::fetcher).

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::checkpoint_state::ListPoint;
use super::cursor_state::CursorState;
use super::item_hashes::{Alignment, realign};
use super::scheme::SequenceUnit;

/// Where a list stands between a checkpoint and the page that continues it.
#[derive(Clone, Debug)]
pub(super) enum Resume {
    /// The list is read from page to page.
    Idle,
    /// What was given is not a place in a list, for this reason.
    Refused(&'static str),
    /// A place was given, and nothing has been done.
    Given(Box<ResumePoint>),
    /// The place is of the same call, and its counts are taken over.
    Checked(Box<ResumePoint>),
    /// The page that holds the place is due, or the beginning of what a source gives in sequence.
    Entered(Box<ResumePoint>, Skip),
    /// An earlier page is due, because the list has become shorter. `resized`: as in `Realigned`.
    LookingBack { place: Box<ResumePoint>, skip: Skip, resized: Option<Box<CursorState>> },
    /// The page that holds the last item read is due, in pages of another size. `resized`: where the list stood when the
    /// size changed, to be read on from if that item is not found.
    Realigned { place: Box<ResumePoint>, skip: Skip, resized: Box<CursorState> },
    /// The list begins anew, because the API no longer knows the place. Nothing has been requested.
    Restarted(Box<ResumePoint>),
    /// Pages come whose items were delivered before.
    Skipping(Box<ResumePoint>, Skip),
}

/// A place to continue from.
#[derive(Clone, Debug)]
pub(super) struct ResumePoint {
    pub(super) point: ListPoint,
    /// When it was saved. `None` for a piece of a range.
    pub(super) saved: Option<DateTime<Utc>>,
}

/// What is left out of what comes, because it was delivered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skip {
    /// The first items of the next page.
    OfPage(u64),
    /// Items, however many pages they come in.
    Items(u64),
    /// Bytes, however many items they come in.
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
    /// At the beginning, in the source's own sequence.
    InSequence,
    /// At the beginning, since the place is gone.
    Anew,
}

impl Resume {
    /// A place was given, or a checkpoint without one.
    pub(super) fn given(point: Option<ListPoint>, saved: Option<DateTime<Utc>>) -> Self {
        match point {
            Some(point) => Self::Given(Box::new(ResumePoint { point, saved })),
            None => Self::Refused("it is of a range of time"),
        }
    }

    /// The same before anything was done, for a list that is set up anew.
    pub(super) fn anew(self) -> Self {
        match self {
            Self::Idle | Self::Refused(_) => self,
            Self::Given(place)
            | Self::Checked(place)
            | Self::Restarted(place)
            | Self::Entered(place, _)
            | Self::Skipping(place, _)
            | Self::LookingBack { place, .. }
            | Self::Realigned { place, .. } => Self::Given(place),
        }
    }

    /// The place that the list has not been joined at yet.
    pub(super) fn place(&self) -> Option<&ResumePoint> {
        match self {
            Self::Idle | Self::Refused(_) => None,
            Self::Given(place)
            | Self::Checked(place)
            | Self::Restarted(place)
            | Self::Entered(place, _)
            | Self::Skipping(place, _)
            | Self::LookingBack { place, .. }
            | Self::Realigned { place, .. } => Some(place),
        }
    }

    pub(super) fn point(&self) -> Option<&ListPoint> {
        self.place().map(|place| &place.point)
    }

    /// Whether pages are due that are not those which the checkpoint names.
    pub(super) const fn reads_elsewhere(&self) -> bool {
        matches!(self, Self::LookingBack { .. } | Self::Realigned { .. })
    }

    /// How many items of the page that is due were delivered, where its number says so.
    pub(super) const fn skip_of_page(&self) -> Option<u64> {
        match self {
            Self::Entered(_, Skip::OfPage(skip))
            | Self::LookingBack { skip: Skip::OfPage(skip), .. }
            | Self::Realigned { skip: Skip::OfPage(skip), .. } => Some(*skip),
            _ => None,
        }
    }

    /// The place was found to be of the same call.
    pub(super) fn check(&mut self) {
        *self = match std::mem::replace(self, Self::Idle) {
            Self::Given(place) => Self::Checked(place),
            other => other,
        };
    }

    /// The API no longer knows the place: the list is read from its beginning.
    pub(super) fn restart(&mut self) {
        *self = match std::mem::replace(self, Self::Idle).anew() {
            Self::Given(place) => Self::Restarted(place),
            other => other,
        };
    }

    /// What the source lists is opened once more: the place is entered again, if nothing has come of it.
    pub(super) fn reopen(&mut self) {
        *self = match std::mem::replace(self, Self::Idle) {
            Self::Entered(place, _) => Self::Checked(place),
            other => other,
        };
    }

    /// The source is open, and gives its pages in sequence, counted in this unit, or by their positions. `None` where
    /// there is no place to enter.
    pub(super) fn enter(&mut self, sequence: Option<SequenceUnit>) -> Option<Entry> {
        let (place, is_anew) = match std::mem::replace(self, Self::Idle) {
            Self::Checked(place) => (place, false),
            Self::Restarted(place) => (place, true),
            other => {
                *self = other;
                return None;
            }
        };
        let point = &place.point;
        let skip = match sequence {
            Some(SequenceUnit::Bytes) => Skip::Bytes(point.offset),
            _ if is_anew => Skip::Items(point.delivered()),
            Some(SequenceUnit::Items) => Skip::Items(point.offset),
            None => Skip::OfPage(point.offset),
        };
        let entry = match sequence {
            _ if is_anew => Entry::Anew,
            Some(_) => Entry::InSequence,
            None => Entry::AtPlace,
        };
        *self = if is_anew { Self::Skipping(place, skip) } else { Self::Entered(place, skip) };
        Some(entry)
    }

    /// The last items are not on this page, since the list has become shorter: the one before is due, of which so
    /// many items are skipped.
    pub(super) fn look_back(&mut self, skip: u64) {
        let skip = Skip::OfPage(skip);
        *self = match std::mem::replace(self, Self::Idle) {
            Self::Entered(place, _) => Self::LookingBack { place, skip, resized: None },
            Self::LookingBack { place, resized, .. } => Self::LookingBack { place, skip, resized },
            Self::Realigned { place, resized, .. } => {
                Self::LookingBack { place, skip, resized: Some(resized) }
            }
            other => other,
        };
    }

    /// The size of pages has changed: the page of the new size is due that holds the point.
    pub(super) fn realign(&mut self, point: ListPoint, resized: CursorState) {
        let skip = Skip::OfPage(point.offset);
        let place = Box::new(ResumePoint { point, saved: None });
        *self = Self::Realigned { place, skip, resized: Box::new(resized) };
    }

    /// Whether the page of the new size is due, or one before it.
    pub(super) const fn is_resized(&self) -> bool {
        matches!(self, Self::Realigned { .. } | Self::LookingBack { resized: Some(_), .. })
    }

    /// The last item is not on that page. Gives where the list is read on from.
    pub(super) fn lose_place(&mut self) -> Option<CursorState> {
        match std::mem::replace(self, Self::Idle) {
            Self::Realigned { resized, .. } | Self::LookingBack { resized: Some(resized), .. } => {
                Some(*resized)
            }
            other => {
                *self = other;
                None
            }
        }
    }

    /// Skips so many items of the page that is due.
    pub(super) fn set_skip_of_page(&mut self, items: u64) {
        if let Self::Entered(_, Skip::OfPage(skip))
        | Self::LookingBack { skip: Skip::OfPage(skip), .. }
        | Self::Realigned { skip: Skip::OfPage(skip), .. } = self
        {
            *skip = items;
        }
    }

    /// The page that is due comes as several smaller ones.
    pub(super) fn skip_over_pages(&mut self) {
        if let Self::Entered(_, skip @ Skip::OfPage(_)) = self {
            *skip = Skip::Items(skip.left());
        }
    }

    /// The place of a page of another size, which holds the same item.
    pub(super) fn move_to(&mut self, at: CursorState, skip: u64) {
        if let Self::Entered(place, Skip::OfPage(left)) = self {
            let granted = at.grid;
            (place.point.at, place.point.offset, *left) = (at, skip, skip);
            place.point.progress.page_size_granted = granted;
        }
    }

    /// Leaves out what was delivered of bytes that came. Whether any are left.
    pub(super) fn skip_bytes(&mut self, body: &mut Bytes) -> bool {
        let (place, left) = match std::mem::replace(self, Self::Idle) {
            Self::Entered(place, Skip::Bytes(left)) | Self::Skipping(place, Skip::Bytes(left)) => {
                (place, left)
            }
            other => {
                *self = other;
                return true;
            }
        };
        let length = body.len() as u64;
        let skipped = left.min(length);
        *self = Self::Skipping(place, Skip::Bytes(left - skipped));
        *body = body.slice(usize::try_from(skipped).unwrap_or(0)..);
        left == 0 || left < length
    }

    /// A page of so many items came. Tells which of them are left out. `hashes` gives those of its items, if each has
    /// one, and `fingerprint` that of the page.
    pub(super) fn accept<'a>(
        &mut self,
        items: usize,
        hashes: impl FnOnce() -> Option<&'a [u64]>,
        fingerprint: impl FnOnce() -> u64,
    ) -> Accepted {
        let (place, skip) = match std::mem::replace(self, Self::Idle) {
            Self::Entered(place, skip)
            | Self::Skipping(place, skip)
            | Self::LookingBack { place, skip, .. }
            | Self::Realigned { place, skip, .. } => (place, skip),
            // No page comes before the place has been entered.
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
                *self = Self::Skipping(place, Skip::Items((left - items) as u64));
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
                // Of a list that is read anew, nothing tells that its order is the same.
                let moved = left > items || is_other || (left > 0 && point.page.is_none());
                Alignment { from: left.min(items), repeated: 0, moved }
            }
        };
        Accepted { joined, was_counted }
    }

    /// The list has ended. Whether it did before the place was reached.
    pub(super) fn end(&mut self) -> bool {
        self.place().is_some() && {
            *self = Self::Idle;
            true
        }
    }

    /// The source has no further page. Whether something was still to be skipped.
    pub(super) fn end_of_sequence(&mut self) -> bool {
        let left = match self {
            Self::Entered(_, skip) | Self::Skipping(_, skip) => skip.left(),
            _ => 0,
        };
        self.end();
        left > 0
    }
}

/// What is delivered of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) joined: Alignment,
    /// Whether all of its items were delivered, and the page counted, by an earlier run.
    pub(super) was_counted: bool,
}

#[cfg(test)]
mod tests;
