//! Long ranges of time, read in pieces that the API allows.
//!
//! [`plan`] cuts a range into pieces and tracks which have been read. [`run`] reads each piece with a paginator,
//! splits those that are too large ([`split_errors`](crate::split_errors)), and drops items that came before
//! ([`dedupe`](crate::dedupe)). [`stream`] is the public stream.

mod plan;
mod point;
mod report;
mod run;
mod stream;

pub use plan::{Piece, PieceState, Plan};
pub use point::WindowsFrom;
pub use report::WindowsReport;
pub use stream::{WindowPages, Windows};

pub(crate) use point::{RangeForm, RangePoint};
