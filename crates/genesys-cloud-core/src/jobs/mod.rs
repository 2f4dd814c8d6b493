//! Work that the API does in its own time: submitted, asked how it stands, its results read.
//!
//! [`family`] is the data that steers this; [`run`] submits a job and polls it by a [`schedule`];
//! [`status`] tells what a reply says of it, and [`end`] how waiting for it ended; [`job`] is the face of one job,
//! [`saved`] what is kept of it; [`open`] makes a list of its results, for the paginator to read, and
//! [`file`](mod@file) reads those that come in files; in [`pages`], each page is a job. [`settings`] is what a
//! caller says of a job before there is one, and [`available`] waits for the data that it searches.

mod available;
mod cancel;
mod end;
mod family;
mod file;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod items;
mod job;
mod macros;
mod open;
mod pages;
mod run;
mod saved;
mod settings;
mod status;
mod tally;

pub use family::{
    Availability, DoneWhen, Family, FileForm, JobCall, JobId, JobState, Results, ResultsAt,
};
pub use job::{Job, Statuses, Submitting};
pub use status::JobStatus;

pub(crate) use available::DataWait;
pub(crate) use open::{Caller, Feed, Opened, Opening};
pub(crate) use settings::JobSettings;
