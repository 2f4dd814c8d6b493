//! Lists of lists: one list for each record of an outer list, called its parent. Together they are a tree.
//!
//! [`parents`] abstracts over the source of the parents. [`reader`] reads several of their lists at a time and yields
//! the items parent by parent, or as they arrive. [`point`] is a place in the tree to resume from. [`report`] has the
//! counts and the verdict of the tree. [`stream`] is public.

mod parents;
mod point;
mod reader;
mod report;
mod stream;

pub use report::{NestedReport, SkippedParent};
pub use stream::{IntoPaginator, Nested, NestedItem, OnRefused};

pub(crate) use point::{TreeForm, TreePoint};
