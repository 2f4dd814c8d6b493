//! Lies: responses that claim to be what was requested and are not.

mod deed;
mod org;
mod row;
mod subject;
mod table;
mod telling;

pub(crate) use deed::{Deed, HOLE, html};
pub use row::{Due, Lie, Moment};
pub(crate) use row::{Lists as ListLie, Site};
pub(crate) use telling::{Lies, Sent};
