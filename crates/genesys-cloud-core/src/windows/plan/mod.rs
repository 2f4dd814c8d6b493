//! How a range of time is read: in which pieces, and how far it has come. No calls are made here.

mod saved;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{SubsecRound as _, TimeDelta};

use super::interval::{Interval, in_words};

/// More pieces than this are a mistake: each costs a call at least.
const MOST_PIECES: u128 = 100_000;

/// How a range of time is read in pieces, and which of them have been: from
/// [`Windows::plan`](crate::Windows::plan).
///
/// It can be written and read with serde, to go on in another process, with all that is left
/// ([`Windows::resume`](crate::Windows::resume)) or with one piece alone ([`only`](Self::only)). It holds no
/// records, and of the query a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The operationId of the call, and a hash of all that it asks for.
    pub(super) operation: String,
    pub(super) fingerprint: u64,
    range: Interval,
    overlap: Duration,
    pieces: Vec<Piece>,
}

/// A part of a range of time that is read as a list of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    interval: Interval,
    state: PieceState,
}

/// How far the reading of a piece has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PieceState {
    /// It has not begun.
    Todo,
    /// It has begun. One that stays so was not read as a whole.
    Running,
    /// All of its items have been handed out.
    Done,
}

impl Piece {
    /// The time that it covers, the overlap included.
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// How far its reading has come.
    pub const fn state(&self) -> PieceState {
        self.state
    }
}

impl Plan {
    /// Cuts a range into pieces of this length, the last one may be shorter, each of which begins so much
    /// before the end of the one before it. What is wrong is told in words.
    pub(super) fn new(range: Interval, span: Duration, overlap: Duration) -> Result<Self, String> {
        let (start, end) = (range.start(), range.end());
        if end < start {
            return Err(format!("the range {range} ends before it begins"));
        }
        let step = span.as_millis().saturating_sub(overlap.as_millis());
        if step == 0 {
            let (span, overlap) = (in_words(span), in_words(overlap));
            return Err(format!("the span ({span}) must be longer than the overlap ({overlap})"));
        }
        if range.length().as_millis() / step >= MOST_PIECES {
            let span = in_words(span);
            return Err(format!("{range} has more than {MOST_PIECES} pieces of {span}"));
        }
        let (span, overlap_by) = (delta(span), delta(overlap));
        let mut pieces: Vec<Piece> = Vec::new();
        let mut from = start;
        while pieces.last().map_or(start, |last| last.interval.end()) < end {
            let to = from.checked_add_signed(span).unwrap_or(end).min(end);
            pieces.push(Piece::todo(Interval::new(from, to)));
            from = to.checked_sub_signed(overlap_by).unwrap_or(start);
        }
        Ok(Self { operation: String::new(), fingerprint: 0, range, overlap, pieces })
    }

    /// The range that is read.
    pub const fn range(&self) -> Interval {
        self.range
    }

    /// The operationId of the operation that reads it.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Its pieces, in order of time.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether all of its pieces are done.
    pub fn is_done(&self) -> bool {
        self.pieces.iter().all(|piece| piece.state == PieceState::Done)
    }

    /// The same with one of its [`pieces`](Self::pieces) alone, to be read whatever has been read of it. With
    /// none, if there is no such piece.
    #[must_use]
    pub fn only(&self, piece: usize) -> Self {
        let piece = self.pieces.get(piece).map(|piece| Piece::todo(piece.interval));
        Self { pieces: piece.into_iter().collect(), ..self.clone() }
    }

    /// How many pieces are done.
    pub(super) fn done(&self) -> u64 {
        self.pieces.iter().filter(|piece| piece.state == PieceState::Done).count() as u64
    }

    /// Forgets what was begun and not ended.
    pub(super) fn reset(&mut self) {
        for piece in &mut self.pieces {
            if piece.state == PieceState::Running {
                piece.state = PieceState::Todo;
            }
        }
    }

    /// The piece to be read next, if one is.
    pub(super) fn next(&self) -> Option<usize> {
        self.pieces.iter().position(|piece| piece.state == PieceState::Todo)
    }

    pub(super) fn set(&mut self, piece: usize, state: PieceState) {
        if let Some(piece) = self.pieces.get_mut(piece) {
            piece.state = state;
        }
    }

    /// Puts the two halves of a piece in its place, none of which is shorter than this. `None` where it is
    /// too short for that.
    pub(super) fn split(&mut self, piece: usize, minimum: Duration) -> Option<()> {
        let halves = halves(self.pieces.get(piece)?.interval, self.overlap, minimum)?;
        self.pieces.splice(piece..=piece, halves.map(Piece::todo));
        Some(())
    }

    /// Splits all pieces of this length or more that have not begun, but for some, if the plan does not get too
    /// long by that. Gives where those stood.
    pub(super) fn split_all(
        &mut self,
        length: Duration,
        minimum: Duration,
        but: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let mut split = Vec::new();
        if 2 * self.pieces.len() as u128 > MOST_PIECES {
            return split;
        }
        let mut pieces = Vec::with_capacity(2 * self.pieces.len());
        for (at, piece) in self.pieces.iter().enumerate() {
            let is_todo = piece.state == PieceState::Todo && !but(at);
            let is_long = is_todo && piece.interval.length() >= length;
            match is_long.then(|| halves(piece.interval, self.overlap, minimum)).flatten() {
                Some(halves) => {
                    split.push(at);
                    pieces.extend(halves.map(Piece::todo));
                }
                None => pieces.push(*piece),
            }
        }
        self.pieces = pieces;
        split
    }
}

impl Piece {
    const fn todo(interval: Interval) -> Self {
        Self { interval, state: PieceState::Todo }
    }
}

/// The two halves of an interval, none of which is shorter than this. They overlap, but so little that each is
/// shorter than the whole.
///
/// The second begins whole days after the first, or else hours or minutes: what is summed up by the day or the
/// hour would be cut in two otherwise.
fn halves(whole: Interval, overlap: Duration, minimum: Duration) -> Option<[Interval; 2]> {
    let (start, end) = (whole.start(), whole.end());
    let minimum = delta(minimum.max(Duration::from_millis(1)));
    let half = (end - start).num_milliseconds() / 2;
    let up_to = |unit: i64| start + TimeDelta::milliseconds(half - half % unit);
    let [minutes, exactly] = [up_to(60_000), up_to(1)];
    // Some services take whole seconds alone.
    let middle = [up_to(86_400_000), up_to(3_600_000), minutes, exactly.trunc_subsecs(0), exactly]
        .into_iter()
        .find(|middle| *middle - start >= minimum && end - *middle >= minimum)?;
    let overlap = delta(overlap).min((middle - start) / 2);
    Some([Interval::new(start, middle), Interval::new(middle - overlap, end)])
}

/// In whole milliseconds.
fn delta(duration: Duration) -> TimeDelta {
    let millis = i64::try_from(duration.as_millis()).ok();
    millis.and_then(TimeDelta::try_milliseconds).unwrap_or(TimeDelta::MAX)
}
