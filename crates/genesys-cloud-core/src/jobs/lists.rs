//! The results of a job as a list.

use serde::de::DeserializeOwned;

use super::source::JobSource;
use super::spec::JobSpec;
use crate::client::Client;
use crate::paging::{Paginator, RawItem, ReadPage, read_json, read_raw};
use crate::request::Request;

impl<T> Paginator<T> {
    /// Submits a job through a request of any operation, such as one that the bindings do not know, waits
    /// until it is done, and reads its results.
    ///
    /// The job is submitted when the first item is requested. After an error it is continued, and submitted again only
    /// if the submit itself failed. It is waited for as [`Job::wait`](crate::Job::wait) does. If each job gives one page
    /// of the list, as many jobs are run as there are pages. Dropping the paginator leaves the job alone.
    pub fn from_job(client: &impl AsRef<Client>, request: Request, family: JobSpec) -> Self
    where
        T: DeserializeOwned + 'static,
    {
        Self::of_job(JobSource::new(client.as_ref().clone(), request, family), read_json)
    }

    /// The results of a job.
    pub(crate) fn of_job(source: JobSource, read: ReadPage<T>) -> Self {
        let (client, request) = (source.client().clone(), source.request().clone());
        let listing = source.listing();
        Self::from_source(client, Box::new(source), request, &listing, read)
    }
}

impl Paginator<RawItem> {
    /// The results of a job, as the text that the API sent. See [`from_job`](Paginator::from_job).
    pub fn raw_from_job(client: &impl AsRef<Client>, request: Request, family: JobSpec) -> Self {
        Self::of_job(JobSource::new(client.as_ref().clone(), request, family), read_raw)
    }
}
