//! Asynchronous jobs of the API: submitting, polling, reading results.
//!
//! [`spec`] describes a family of jobs. [`poller`] submits a job and polls it on a [`schedule`](crate::schedule).
//! [`status`] reads the status from a response, [`errors`] makes the errors of polling. [`job`] is the public handle,
//! [`saved`] saves and loads it. [`source`] is the page source of the results, which a paginator reads ([`lists`]);
//! [`results`] finds them in the last status; [`file`](mod@file) reads those in files, with [`item_scanner`]; in
//! [`page_jobs`], each page is a job. [`availability`] waits for the data that a job searches.

mod availability;
mod cancel;
mod errors;
mod file;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod item_scanner;
mod job;
mod lists;
mod macros;
mod page_jobs;
mod poller;
mod results;
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
