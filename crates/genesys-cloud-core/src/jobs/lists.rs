//! The results of a job as a list.

use serde::de::DeserializeOwned;

use super::source::JobSource;
use super::spec::JobSpec;
use crate::client::Client;
use crate::paging::{Paginator, RawItem, ReadPage, read_json, read_raw};
use crate::request::Request;

impl<T> Paginator<T> {
    /// Submits a job with a request of any operation, including ones that the bindings lack, waits until it is done,
    /// and reads its results.
    ///
    /// The job is submitted at the first poll. After an error the next poll continues; it submits again
    /// only if the submit itself failed. It waits like [`Job::wait`](crate::Job::wait). If each job returns one page of
    /// the list, it submits a job for each page. Dropping the paginator leaves the job running; to cancel it, use
    /// [`Job`](crate::Job) and its [`cancel_on_drop`](crate::Job::cancel_on_drop).
    pub fn from_job(client: &impl AsRef<Client>, request: Request, spec: JobSpec) -> Self
    where
        T: DeserializeOwned + 'static,
    {
        Self::of_job(JobSource::new(client.as_ref().clone(), request, spec), read_json)
    }

    /// The results of a job.
    pub(crate) fn of_job(source: JobSource, read: ReadPage<T>) -> Self {
        let (client, request) = (source.client().clone(), source.request().clone());
        let list_spec = source.list_spec();
        Self::from_source(client, Box::new(source), request, &list_spec, read)
    }
}

impl Paginator<RawItem> {
    /// Reads the results of a job as raw JSON text. See [`from_job`](Paginator::from_job).
    pub fn raw_from_job(client: &impl AsRef<Client>, request: Request, spec: JobSpec) -> Self {
        Self::of_job(JobSource::new(client.as_ref().clone(), request, spec), read_raw)
    }
}
