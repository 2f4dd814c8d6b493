//! Long ranges of time, read in slices that the API accepts.
//!
//! [`plan`] cuts a range into slices and tracks which have been read. [`reader`] reads each slice with a paginator
//! ([`slice_reader`]) and delivers their pages in order ([`current_page`]), without items that came before
//! ([`dedupe`](crate::dedupe)). [`split`] splits slices that are too large ([`split_errors`](crate::split_errors)),
//! [`limits`] ends a range early, and [`resume`] continues from a [`point`]. [`stream`] and [`pages`] are public.

mod current_page;
mod limits;
mod pages;
mod plan;
mod point;
mod reader;
mod report;
mod resume;
mod settings;
mod slice_reader;
mod split;
mod stream;

pub use pages::WindowPages;
pub use plan::{Plan, Slice, SliceState};
pub use point::WindowsFrom;
pub use report::WindowsReport;
pub use stream::Windows;

pub(crate) use point::{RangeForm, RangePoint};
