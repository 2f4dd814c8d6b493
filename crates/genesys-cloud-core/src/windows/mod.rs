//! Long time ranges, read in windows that the API accepts.
//!
//! [`plan`] cuts a range into windows and tracks which have been read. [`reader`] reads each window with a paginator
//! ([`window_reader`]) and delivers the pages in order ([`current_page`]), without duplicates
//! ([`dedupe`](crate::dedupe)). [`split`] splits windows that are too large ([`split_errors`](crate::split_errors)),
//! [`limits`] ends a range early, and [`resume`] continues from a [`checkpoint_state`]. [`stream`] and [`pages`] are
//! public.

mod checkpoint_state;
mod current_page;
mod limits;
mod pages;
mod plan;
mod reader;
mod report;
mod resume;
mod settings;
mod split;
mod stream;
mod window_reader;

pub use checkpoint_state::WindowsFrom;
pub use pages::WindowPages;
pub use plan::{Plan, Window, WindowState};
pub use report::WindowsReport;
pub use stream::Windows;

pub(crate) use checkpoint_state::{RangeForm, RangePoint};
