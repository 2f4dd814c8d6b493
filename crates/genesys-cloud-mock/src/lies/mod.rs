//! Lies: responses that claim to be what was requested and are not.

mod active;
mod effect;
mod lie;
mod list_traits;
mod org;
mod table;

pub(crate) use active::{Lies, Sent};
pub(crate) use effect::{Effect, NULL_INDEX, html};
pub use lie::{ExpectedOutcome, Lie, Trigger};
pub(crate) use lie::{ListLie, ResponseKind};
