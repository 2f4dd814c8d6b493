//! Long ranges of time, read in pieces that the API allows.
//!
//! [`plan`] cuts a range and keeps which pieces have been read; [`refusal`] tells which replies mean that a
//! piece is too large; [`run`] reads the pieces, each by a paginator of its own, splits those that are too
//! large, and leaves out the records that [`known`] tells have come before; [`stream`] is the face.

mod interval;
mod known;
mod plan;
mod point;
mod refusal;
mod report;
mod run;
mod stream;

pub use interval::Interval;
pub(crate) use known::Known;
pub use plan::{Piece, PieceState, Plan};
pub use point::WindowsFrom;
pub use report::WindowsReport;
pub use stream::{WindowPages, Windows};

pub(crate) use point::{RangeForm, RangePoint};

/// Whether an error means that a shorter range of time has to be asked for.
pub(crate) fn is_too_large(error: &crate::Error) -> bool {
    refusal::Refusal::of(error).is_some()
}
