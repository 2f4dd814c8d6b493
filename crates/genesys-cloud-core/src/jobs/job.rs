//! The public handle of a job.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, Stream};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use super::availability::wait_for_data;
use super::cancel::CancelOnDrop;
use super::errors::Timeout;
use super::poller::Poller;
use super::results::links;
use super::source::JobSource;
use super::spec::{JobSpec, JobState};
use super::status::JobStatus;
use crate::call_counter::CallCounter;
use crate::client::Client;
use crate::download::Download;
use crate::error::Error;
use crate::operation::Operation;
use crate::options::DataWait;
use crate::paging::{Paginator, ReadPage, read_bytes, read_json, read_wire};
use crate::request::Request;
use crate::saved_job::SavedJob;
use crate::schedule::Schedule;
use crate::spans;
use crate::wire::Wire;

/// An asynchronous job of the API, whose results are a list of `T`.
///
/// Dropping it leaves the job running, unless [`cancel_on_drop`](Self::cancel_on_drop) is set.
///
/// ```no_run
/// # async fn example(client: genesys_cloud_core::Client, submit: genesys_cloud_core::Request,
/// #     spec: genesys_cloud_core::JobSpec) -> Result<(), Box<dyn std::error::Error>> {
/// use genesys_cloud_core::Job;
/// use serde_json::Value;
///
/// let operation = submit.operation().clone();
/// let job = Job::<Value>::submit(&client, submit, spec.clone()).await?;
/// let saved = serde_json::to_string(&job.save())?;
///
/// // Later, possibly in another process:
/// let mut job = Job::<Value>::load(&client, operation, spec, serde_json::from_str(&saved)?)?;
/// job.wait().await?;
/// let mut results = job.results();
/// while let Some(result) = results.try_next().await? {
///     println!("{result}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Job<T> {
    poller: Poller,
    read: ReadPage<T>,
}

impl<T> Job<T> {
    /// Submits a job with a request of any operation, including ones that the bindings lack.
    ///
    /// Nothing is sent before the future is awaited.
    pub fn submit(client: &impl AsRef<Client>, request: Request, spec: JobSpec) -> Submitting<T>
    where
        T: DeserializeOwned + 'static,
    {
        Submitting::new(client.as_ref().clone(), request, spec, read_json)
    }

    /// Loads a job that was submitted by this operation and [saved](Self::save). Sends nothing.
    ///
    /// # Errors
    /// [`ErrorKind::JobMismatch`](crate::ErrorKind::JobMismatch) if it was submitted by another operation, with another
    /// job spec, or in another organization than the client's as far as both are known; see
    /// [`Client::identify`](crate::Client::identify).
    pub fn load(
        client: &impl AsRef<Client>,
        operation: Operation,
        spec: JobSpec,
        saved: SavedJob,
    ) -> Result<Self, Error>
    where
        T: DeserializeOwned + 'static,
    {
        Ok(Self::new(saved.poller(client.as_ref(), operation, spec)?, read_json))
    }

    /// Like [`load`](Self::load), for generated types.
    pub(crate) fn load_wire(
        client: &Client,
        operation: Operation,
        spec: JobSpec,
        saved: SavedJob,
    ) -> Result<Self, Error>
    where
        T: Wire,
    {
        Ok(Self::new(saved.poller(client, operation, spec)?, read_wire))
    }

    fn new(poller: Poller, read: ReadPage<T>) -> Self {
        Self { poller, read }
    }

    /// Returns the id. `None` if it needs none: its results were in the response to the submit, or the path of the
    /// submit identifies the job.
    pub fn id(&self) -> Option<&str> {
        self.poller.id.as_deref()
    }

    /// Returns the spec that describes jobs of its kind.
    pub fn spec(&self) -> &JobSpec {
        &self.poller.spec
    }

    /// Returns when it was submitted, by the server's clock.
    pub fn submitted(&self) -> DateTime<Utc> {
        self.poller.submitted
    }

    /// Returns the last status, if there is one.
    pub fn status(&self) -> Option<&JobStatus> {
        self.poller.last.as_ref()
    }

    /// Returns when the job and its results are deleted, by the server's clock: the last `expirationDate` of a
    /// status, or else the known [lifetime](JobSpec::lifetime) counted from the submit. `None` if neither is known;
    /// some statuses have the date only when the job is done.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        self.poller.expires()
    }

    /// Sets the longest time to wait, for each [`wait`](Self::wait), [`statuses`](Self::statuses) and
    /// [`downloads`](Self::downloads), and for [`results`](Self::results) before the first page. Default: one hour.
    ///
    /// The last poll is made shortly before the deadline (two seconds, or a tenth of the time if that is less), and the
    /// wait ends with its response. A poll that is still waiting at the deadline, for its response or for the rate
    /// limit, is abandoned.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.poller.deadline = deadline;
        self
    }

    /// Sets how often the job is polled.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.poller.reschedule(schedule);
        self
    }

    /// Cancels the job when this handle and all lists of its [`results`](Self::results) have been dropped, unless the
    /// job is known to have ended. The cancel is a task on the Tokio runtime that nothing waits for, so a program
    /// that ends right away may not send it.
    ///
    /// Some jobs can't be cancelled: see [`JobSpec::cancel`]. For them this only logs a warning.
    ///
    /// Only a `Job` has this option. A list that submits its own job (`paginate` on the submit,
    /// [`Paginator::from_job`], [`Windows`](crate::Windows)) never cancels it: such a job can be resumed from a
    /// [`Checkpoint`](crate::Checkpoint).
    #[must_use]
    pub fn cancel_on_drop(mut self) -> Self {
        if self.poller.spec.cancel().is_none() {
            let family = self.poller.spec.name();
            tracing::warn!(family, "jobs of this kind can't be cancelled, nor on drop");
        } else if self.poller.cancel_on_drop.is_none() {
            self.poller.cancel_on_drop = Some(Arc::new(CancelOnDrop::new(&self.poller)));
        }
        self
    }

    /// Polls the job once, immediately. A failed job is a status, not an error.
    ///
    /// # Errors
    /// If the call fails, or the API has no operation for the status
    /// ([`ErrorKind::JobNotPollable`](crate::ErrorKind::JobNotPollable)).
    pub async fn poll(&mut self) -> Result<JobStatus, Error> {
        self.poller.poll().await
    }

    /// Waits until the job is done, and returns its last status. It can be called again after any error.
    ///
    /// Polls that fail with a transient error (no connection, a rate limit, a 5xx) are repeated, and so is a 404 in the
    /// first 30 seconds after the submit. The first poll after a submit is made after the first pause of the
    /// [`schedule`](Self::schedule). A `Retry-After` is respected; if it ends after the deadline, the wait fails at
    /// once.
    ///
    /// Dropping the future, as a timeout does, is safe: the job can be waited for again.
    ///
    /// # Errors
    /// - The job ended without a result ([`Error::is_job_without_result`]). The error has the API's message.
    /// - The [`deadline`](Self::deadline) passed ([`ErrorKind::JobUnfinished`](crate::ErrorKind::JobUnfinished)), or
    ///   the job is waiting for input ([`ErrorKind::JobAwaitingInput`](crate::ErrorKind::JobAwaitingInput)). It still
    ///   exists.
    /// - A poll failed with an error that is not transient, or the API has no operation for the status
    ///   ([`ErrorKind::JobNotPollable`](crate::ErrorKind::JobNotPollable)).
    pub async fn wait(&mut self) -> Result<JobStatus, Error> {
        let span = spans::job(self.poller.operation());
        let ended = self.poller.wait().instrument(span.clone()).await;
        ended.inspect_err(|error| spans::failed(&span, error))
    }

    /// Returns a stream of statuses. It polls like [`wait`](Self::wait), yields each status right away, and ends
    /// after the final one.
    ///
    /// A failed job is a status, not an error. The stream ends with an error at the [`deadline`](Self::deadline), or
    /// if a poll fails with an error that is not transient.
    pub fn statuses(&mut self) -> Statuses<'_> {
        let until = self.poller.until();
        let ended = self.poller.last.clone().filter(JobStatus::is_final);
        if let Some(last) = ended {
            return Statuses(Box::pin(stream::iter([Ok(last)])));
        }
        let statuses = stream::unfold(Some((&mut self.poller, false)), move |state| async move {
            let (poller, is_over) = state?;
            if is_over {
                return Some((Err(poller.unfinished(Timeout::Deadline, None)), None));
            }
            let status = poller.next_status(until).await;
            let continues = status.as_ref().is_ok_and(|status| !status.is_final());
            let is_over = until.is_last();
            Some((status, continues.then_some((poller, is_over))))
        });
        Statuses(Box::pin(statuses))
    }

    /// Returns the results as a list, wherever the API puts them. The list waits for the job first.
    ///
    /// Each call reads the results from the start. If the submit selects one page of a longer list, this is only that
    /// page; `paginate` on the submit reads all pages, with a job for each. Files without records are returned as
    /// chunks of bytes.
    pub fn results(&self) -> Paginator<T> {
        self.results_with(|_| ())
    }

    /// Like [`results`](Self::results), but changes the request that lists them, for parameters such as `expand`. Has
    /// no effect if no operation lists the results.
    pub fn results_with(&self, change: impl FnOnce(&mut Request)) -> Paginator<T> {
        Paginator::of_job(JobSource::of(self.poller.clone(), change), self.read)
    }

    /// Waits for the job, and returns the files of its results for download. Empty if an operation lists the results,
    /// or if they are in the status.
    ///
    /// ```no_run
    /// # async fn example(mut job: genesys_cloud_core::Job<bytes::Bytes>) -> Result<(), Box<dyn std::error::Error>> {
    /// for (number, mut download) in job.downloads().await?.into_iter().enumerate() {
    ///     let mut file = tokio::fs::File::create(format!("results-{number}")).await?;
    ///     tokio::io::copy(&mut download, &mut file).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Each call polls the job if possible, because the URLs of files expire within minutes.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait); [`ErrorKind::JobExpired`](crate::ErrorKind::JobExpired) if the results have been
    /// deleted; [`ErrorKind::Download`](crate::ErrorKind::Download) if a URL is not allowed.
    pub async fn downloads(&mut self) -> Result<Vec<Download>, Error> {
        self.poller.forget_links();
        let status = self.poller.wait().await?;
        self.poller.check_expiry(&status)?;
        let operation = self.poller.operation();
        let links = links(&self.poller.spec, &status)?;
        links.iter().map(|link| Download::open(&self.poller.client, operation, link)).collect()
    }

    /// Cancels the job. It can keep running for a while: [`wait`](Self::wait) returns
    /// [`ErrorKind::JobCancelled`](crate::ErrorKind::JobCancelled) when it has stopped, unless it finished first.
    ///
    /// Sends nothing if the job is known to have ended, because the API might delete its results. If the API rejects
    /// the cancel (status 400, 404, 409 or 410), the job is polled once: a job that has ended is not an error.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) if such jobs can't be cancelled; nothing is
    ///   sent.
    /// - [`ErrorKind::JobNotPollable`](crate::ErrorKind::JobNotPollable) if the job has no id.
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if the API does not know the job, or any other error of
    ///   the call.
    pub async fn cancel(&mut self) -> Result<(), Error> {
        self.poller.cancel().await?;
        if let Some(cancel) = &self.poller.cancel_on_drop {
            cancel.disarm();
        }
        Ok(())
    }

    /// Returns the data to [`load`](Self::load) the job later or elsewhere. It does not include settings such as the
    /// [`deadline`](Self::deadline), nor results that were in the response to the submit.
    pub fn save(&self) -> SavedJob {
        SavedJob::of(&self.poller)
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("family", &self.poller.spec.name())
            .field("id", &self.poller.id)
            .field("state", &self.status().map(JobStatus::state).unwrap_or(JobState::Pending))
            .field("expires", &self.expires())
            .finish_non_exhaustive()
    }
}

impl Job<Bytes> {
    /// Like [`load`](Self::load), for results in files that are returned as bytes.
    pub(crate) fn load_bytes(
        client: &Client,
        operation: Operation,
        spec: JobSpec,
        saved: SavedJob,
    ) -> Result<Self, Error> {
        Ok(Self::new(saved.poller(client, operation, spec)?, read_bytes))
    }
}

/// A stream of the statuses of a job, from [`Job::statuses`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Statuses<'a>(BoxStream<'a, Result<JobStatus, Error>>);

impl Statuses<'_> {
    /// Returns the next status, or `None` after the final one.
    ///
    /// # Errors
    /// If the deadline passes, or a poll fails.
    pub async fn try_next(&mut self) -> Result<Option<JobStatus>, Error> {
        TryStreamExt::try_next(self).await
    }
}

impl Stream for Statuses<'_> {
    type Item = Result<JobStatus, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Statuses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statuses").finish_non_exhaustive()
    }
}

/// A future that submits a [`Job`]. If it is dropped after it was polled, it is unknown whether the API has the job.
///
/// # Errors
/// If the call fails, or its response can't be read or has no job id
/// ([`ErrorKind::Decode`](crate::ErrorKind::Decode)). If the API may have the job nevertheless, the message says so,
/// and nothing is sent twice.
#[must_use = "a job is not submitted until this is awaited"]
pub struct Submitting<T> {
    client: Client,
    request: Request,
    spec: JobSpec,
    data: Option<DataWait>,
    // Not generic, so that little is compiled for each operation.
    submission: Option<BoxFuture<'static, Result<Poller, Error>>>,
    read: ReadPage<T>,
}

impl<T> Submitting<T> {
    pub(crate) fn new(client: Client, request: Request, spec: JobSpec, read: ReadPage<T>) -> Self {
        Self { client, request, spec, data: None, submission: None, read }
    }

    /// Waits until the data of the whole interval is available before submitting, at most for `deadline`. For jobs over
    /// data that becomes available with a delay.
    ///
    /// If the data is not available in time, nothing is submitted and the error is
    /// [`ErrorKind::DataUnavailable`](crate::ErrorKind::DataUnavailable). If the API does not report how far the data
    /// is available, or the request has no interval, the error is
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest).
    pub fn wait_for_data(mut self, deadline: Duration) -> Self {
        self.data = Some(DataWait::new(deadline));
        self
    }

    fn submit(&self) -> BoxFuture<'static, Result<Poller, Error>> {
        let (client, request) = (self.client.clone(), self.request.clone());
        let (spec, data, calls) = (self.spec.clone(), self.data.clone(), CallCounter::default());
        Box::pin(async move {
            if let Some(wait) = data {
                wait_for_data(&client, &spec, &request, &calls, &wait).await?;
            }
            Poller::submit(client, request, spec, calls).await
        })
    }
}

impl<T> Future for Submitting<T> {
    type Output = Result<Job<T>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut submission = self.submission.take().unwrap_or_else(|| self.submit());
        let poller = submission.as_mut().poll(cx);
        self.submission = Some(submission);
        Poll::Ready(ready!(poller).map(|poller| Job::new(poller, self.read)))
    }
}

impl<T> fmt::Debug for Submitting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submitting").finish_non_exhaustive()
    }
}
