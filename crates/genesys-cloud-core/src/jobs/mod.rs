//! Asynchronous jobs of the API: submitted, polled, their results read.
//!
//! [`family`] is the data that describes a kind of job. [`run`] submits a job and polls it by a
//! [`schedule`](crate::schedule). [`status`] reads a status from a reply, [`end`] makes the errors of a wait. [`job`] is
//! the public handle, [`saved`] saves and loads it. [`source`] is the results of a job as a source of
//! pages, which a paginator reads ([`lists`]); [`results`] finds them in the last status; [`file`](mod@file) reads those
//! that come in files; in [`pages`], each page is a job. [`available`] waits for the data that a job searches.

mod available;
mod cancel;
mod end;
mod file;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod items;
mod job;
mod lists;
mod macros;
mod pages;
mod results;
mod run;
mod saved;
mod source;
mod spec;
mod status;

pub use job::{Job, Statuses, Submitting};
pub use spec::{
    Availability, Completion, FileForm, JobId, JobOperation, JobSpec, JobState, ResultLocation,
    Results,
};
pub use status::JobStatus;

pub(crate) use source::JobSource;
