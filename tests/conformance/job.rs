//! A job of any operation, for any type of results.

use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt as _};
use genesys_cloud::endpoint::JobSpec;
use genesys_cloud::{
    Client, Download, Error, Job, JobStatus, Pages, Paginator, Report, SavedJob, Statuses,
    Submitting,
};
use genesys_cloud_mock::Expected;
use serde::Serialize;
use serde_json::Value;

/// A job with any type of results, or the error of its submit.
pub(crate) type AnyJob = Result<Box<dyn Handle>, Error>;

/// An operation that submits jobs, with its generated calls.
pub(crate) struct Submit {
    pub(crate) operation: &'static str,
    pub(crate) submit: fn(&Client) -> BoxFuture<'static, AnyJob>,
    pub(crate) paginate: fn(&Client) -> Box<dyn Read>,
    pub(crate) load: fn(&Client, SavedJob) -> AnyJob,
}

/// The kind of the results (`items` or `bytes`), the operation, its group, the type of its call, and the call.
macro_rules! submit {
    ($form:ident $operation:literal $group:ident $call:ident $method:ident($($argument:expr),*)) => {
        Submit {
            operation: $operation,
            submit: |client| {
                use crate::job::{$form as key, submitted};
                submitted(client.$group().$method($($argument),*).submit(), key)
            },
            paginate: |client| {
                use crate::job::{$form as key, read};
                read(client.$group().$method($($argument),*).paginate(), key)
            },
            load: |client, saved| {
                use crate::job::{$form as key, handle};
                Ok(handle(genesys_cloud::$group::$call::load(client, saved)?, key))
            },
        }
    };
}
pub(crate) use submit;

/// The results while they are being read.
pub(crate) trait Read: Send {
    fn page_size(self: Box<Self>, items: u64) -> Box<dyn Read>;

    /// Returns the key of the next item; of bytes, one character per byte.
    fn next(&mut self) -> BoxFuture<'_, Option<Result<String, Error>>>;

    fn report(&self) -> Report;

    /// Reads page by page, for any type of items.
    fn pages(self: Box<Self>) -> Pages<Value>;
}

/// A submitted job.
pub(crate) trait Handle: Send {
    fn id(&self) -> Option<&str>;

    fn spec(&self) -> &JobSpec;

    fn poll(&mut self) -> BoxFuture<'_, Result<JobStatus, Error>>;

    fn wait(&mut self) -> BoxFuture<'_, Result<JobStatus, Error>>;

    fn statuses(&mut self) -> Statuses<'_>;

    /// Returns the results, with these query parameters.
    fn results(&self, parameters: &[&'static str]) -> Box<dyn Read>;

    fn downloads(&mut self) -> BoxFuture<'_, Result<Vec<Download>, Error>>;

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>>;

    fn save(&self) -> SavedJob;
}

/// A value with a function that returns the keys of its items.
struct Keyed<W, T> {
    inner: W,
    key: fn(T) -> String,
}

impl<T: Send + 'static> Read for Keyed<Paginator<T>, T> {
    fn page_size(self: Box<Self>, items: u64) -> Box<dyn Read> {
        Box::new(Self { inner: self.inner.page_size(items as usize), key: self.key })
    }

    fn next(&mut self) -> BoxFuture<'_, Option<Result<String, Error>>> {
        let key = self.key;
        StreamExt::next(&mut self.inner).map(move |item| item.map(|item| item.map(key))).boxed()
    }

    fn report(&self) -> Report {
        self.inner.report()
    }

    fn pages(self: Box<Self>) -> Pages<Value> {
        self.inner.items_as().pages()
    }
}

impl<T: Send + 'static> Handle for Keyed<Job<T>, T> {
    fn id(&self) -> Option<&str> {
        self.inner.id()
    }

    fn spec(&self) -> &JobSpec {
        self.inner.spec()
    }

    fn poll(&mut self) -> BoxFuture<'_, Result<JobStatus, Error>> {
        self.inner.poll().boxed()
    }

    fn wait(&mut self) -> BoxFuture<'_, Result<JobStatus, Error>> {
        self.inner.wait().boxed()
    }

    fn statuses(&mut self) -> Statuses<'_> {
        self.inner.statuses()
    }

    fn results(&self, parameters: &[&'static str]) -> Box<dyn Read> {
        let results = self.inner.results_with(|request| {
            for name in parameters {
                request.add_query(*name, "a");
            }
        });
        Box::new(Keyed { inner: results, key: self.key })
    }

    fn downloads(&mut self) -> BoxFuture<'_, Result<Vec<Download>, Error>> {
        self.inner.downloads().boxed()
    }

    fn cancel(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.cancel().boxed()
    }

    fn save(&self) -> SavedJob {
        self.inner.save()
    }
}

/// The key of a record.
pub(crate) fn items<T: Serialize>(item: T) -> String {
    Expected::key(&serde_json::to_value(item).unwrap_or_default())
}

/// A chunk of a file, with one character per byte.
pub(crate) fn bytes<T: AsRef<[u8]>>(part: T) -> String {
    part.as_ref().iter().copied().map(char::from).collect()
}

pub(crate) fn read<T>(results: Paginator<T>, key: fn(T) -> String) -> Box<dyn Read>
where
    T: Send + 'static,
{
    Box::new(Keyed { inner: results, key })
}

pub(crate) fn handle<T>(job: Job<T>, key: fn(T) -> String) -> Box<dyn Handle>
where
    T: Send + 'static,
{
    Box::new(Keyed { inner: job, key })
}

pub(crate) fn submitted<T>(
    job: Submitting<T>,
    key: fn(T) -> String,
) -> BoxFuture<'static, Result<Box<dyn Handle>, Error>>
where
    T: Send + 'static,
{
    job.map(move |job| job.map(|job| handle(job, key))).boxed()
}
