//! Long ranges of time, read in windows that the API accepts.
//!
//! [`plan`] cuts a range into windows and tracks which have been read. [`reader`] reads each window with a paginator
//! ([`window_reader`]) and delivers their pages in order ([`current_page`]), without items that came before
//! ([`dedupe`](crate::dedupe)). [`split`] splits windows that are too large ([`split_errors`](crate::split_errors)),
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
mod split;
mod stream;
mod window_reader;

pub use pages::WindowPages;
pub use plan::{Plan, Window, WindowState};
pub use point::WindowsFrom;
pub use report::WindowsReport;
pub use stream::Windows;

pub(crate) use point::{RangeForm, RangePoint};
