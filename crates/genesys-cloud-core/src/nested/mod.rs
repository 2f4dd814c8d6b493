//! Lists of lists: a list read once for each record of another.
//!
//! [`parents`] abstracts where the parents come from. [`reader`] reads a few of their lists at a time and yields the
//! items of one after the other, or as they come. [`point`] is a place in the tree to resume from, and [`report`] has
//! the counts and the verdict of the whole. [`stream`] is public.

mod parents;
mod point;
mod reader;
mod report;
mod stream;

pub use report::{NestedReport, SkippedParent};
pub use stream::{IntoPaginator, Nested, NestedItem, OnRefused};

pub(crate) use point::{TreeForm, TreePoint};
