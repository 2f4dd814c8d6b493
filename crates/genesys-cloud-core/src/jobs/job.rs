//! The face of one job.

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

use super::available::wait_for_data;
use super::cancel::CancelOnDrop;
use super::end::Late;
use super::results::links;
use super::run::Run;
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

/// A job that the API works on, and whose results are a list of `T`.
///
/// Dropping it leaves the job alone; see [`cancel_on_drop`](Self::cancel_on_drop).
///
/// ```no_run
/// # async fn example(client: genesys_cloud_core::Client, submit: genesys_cloud_core::Request,
/// #     family: genesys_cloud_core::JobSpec) -> Result<(), Box<dyn std::error::Error>> {
/// use genesys_cloud_core::Job;
/// use serde_json::Value;
///
/// let operation = submit.operation().clone();
/// let job = Job::<Value>::submit(&client, submit, family.clone()).await?;
/// let saved = serde_json::to_string(&job.save())?;
///
/// // Later, perhaps in another process.
/// let mut job = Job::<Value>::load(&client, operation, family, serde_json::from_str(&saved)?)?;
/// job.wait().await?;
/// let mut results = job.results();
/// while let Some(result) = results.try_next().await? {
///     println!("{result}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Job<T> {
    run: Run,
    read: ReadPage<T>,
}

impl<T> Job<T> {
    /// Submits a job through a request of any operation, such as one that the bindings do not know.
    ///
    /// The future does nothing until it is awaited.
    pub fn submit(client: &impl AsRef<Client>, request: Request, family: JobSpec) -> Submitting<T>
    where
        T: DeserializeOwned + 'static,
    {
        Submitting::new(client.as_ref().clone(), request, family, read_json)
    }

    /// A job that was [saved](Self::save), submitted by this operation. Nothing is sent.
    ///
    /// # Errors
    /// When what was saved is of another operation or family, or was submitted in another organization than that
    /// of the client ([`ErrorKind::JobMismatch`](crate::ErrorKind::JobMismatch)), as far as both are known: see
    /// [`Client::identify`](crate::Client::identify).
    pub fn load(
        client: &impl AsRef<Client>,
        operation: Operation,
        family: JobSpec,
        saved: SavedJob,
    ) -> Result<Self, Error>
    where
        T: DeserializeOwned + 'static,
    {
        Ok(Self::new(saved.run(client.as_ref(), operation, family)?, read_json))
    }

    /// The same for generated code.
    pub(crate) fn from_static(
        client: &Client,
        operation: Operation,
        family: JobSpec,
        saved: SavedJob,
    ) -> Result<Self, Error>
    where
        T: Wire,
    {
        Ok(Self::new(saved.run(client, operation, family)?, read_wire))
    }

    fn new(run: Run, read: ReadPage<T>) -> Self {
        Self { run, read }
    }

    /// The id that the API gave it. `None` where it needs none: its results came at once, or there is one
    /// job for what the path of the submit names.
    pub fn id(&self) -> Option<&str> {
        self.run.id.as_deref()
    }

    /// How jobs of its kind run.
    pub fn family(&self) -> &JobSpec {
        &self.run.family
    }

    /// When it was submitted, by the server's clock.
    pub fn submitted(&self) -> DateTime<Utc> {
        self.run.submitted
    }

    /// How it stood when it was last asked.
    pub fn status(&self) -> Option<&JobStatus> {
        self.run.last.as_ref()
    }

    /// When it and its results are deleted, by the server's clock: the `expirationDate` that the API told last,
    /// or else so long after the submit as its kind is known to be kept. `None` where nothing is known; it may
    /// be told only once the job is done.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        self.run.expires()
    }

    /// How long [`wait`](Self::wait) waits at most, and all that waits through it: [`statuses`](Self::statuses),
    /// [`downloads`](Self::downloads), and the lists of its [`results`](Self::results) before their first page.
    /// One hour unless set; each call of them has as much.
    ///
    /// The job is asked the last time shortly before (two seconds, or a tenth of this if that is less), and the
    /// wait ends with the answer. A call that has none at the deadline, or waits for the rate limit, is given up.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.run.deadline = deadline;
        self
    }

    /// How often it is asked how it stands.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.run.reschedule(schedule);
        self
    }

    /// Cancels the job if it is not known to have ended when this is dropped, and so are the lists of its
    /// [`results`](Self::results). It takes a Tokio runtime to do so, and nobody waits for it: in a program that
    /// ends at once it may not come to it.
    ///
    /// A job of a kind that can't be cancelled runs on: [`family`](Self::family) tells, by
    /// [`JobSpec::cancel`].
    #[must_use]
    pub fn cancel_on_drop(mut self) -> Self {
        if self.run.family.cancel().is_none() {
            let family = self.run.family.name();
            tracing::warn!(family, "jobs of this kind can't be cancelled, nor on drop");
        } else if self.run.cancel_on_drop.is_none() {
            self.run.cancel_on_drop = Some(Arc::new(CancelOnDrop::new(&self.run)));
        }
        self
    }

    /// Asks once how it stands, at once.
    ///
    /// # Errors
    /// When the call fails, or the API offers none ([`ErrorKind::JobNotPollable`](crate::ErrorKind::JobNotPollable)).
    /// A job that failed is a status.
    pub async fn poll(&mut self) -> Result<JobStatus, Error> {
        self.run.poll().await
    }

    /// Waits until it is done, and gives its last status. It can be called again after any error.
    ///
    /// Calls that fail in a way that may pass (no connection, a rate limit, a 5xx) are made again, and so is one
    /// that is answered with 404 in the first 30 seconds after the submit. The first call of a job that was just
    /// submitted is made after the first pause of its [`schedule`](Self::schedule). A `Retry-After` is kept to;
    /// where it leads past the deadline, the wait ends at once.
    ///
    /// Dropping the future is safe, as a timeout of your own does it: the job can be waited for again.
    ///
    /// # Errors
    /// Three kinds, told apart:
    /// - the API says that it came to no result ([`Error::is_job_without_result`]), with its message;
    /// - it was waited for as long as the [`deadline`](Self::deadline) allows
    ///   ([`ErrorKind::JobUnfinished`](crate::ErrorKind::JobUnfinished)), or waits for something to be done
    ///   ([`ErrorKind::JobAwaitingInput`](crate::ErrorKind::JobAwaitingInput)): it is still there;
    /// - anything else: a call failed, in a way that won't pass by itself, or the API offers none
    ///   ([`ErrorKind::JobNotPollable`](crate::ErrorKind::JobNotPollable)).
    pub async fn wait(&mut self) -> Result<JobStatus, Error> {
        let span = spans::job(self.run.operation());
        let ended = self.run.wait().instrument(span.clone()).await;
        ended.inspect_err(|error| spans::failed(&span, error))
    }

    /// How it stands, as a stream: it is asked as [`wait`](Self::wait) does, each status is handed out
    /// before the next pause, and the last one is the one that is final.
    ///
    /// A job that failed is a status, not an error. The stream ends with an error at the
    /// [`deadline`](Self::deadline), or if a call fails in a way that won't pass.
    pub fn statuses(&mut self) -> Statuses<'_> {
        let until = self.run.until();
        let ended = self.run.last.clone().filter(JobStatus::is_final);
        if let Some(last) = ended {
            return Statuses(Box::pin(stream::iter([Ok(last)])));
        }
        let statuses = stream::unfold(Some((&mut self.run, false)), move |state| async move {
            let (run, is_over) = state?;
            if is_over {
                return Some((Err(run.unfinished(Late::Time, None)), None));
            }
            let status = run.next_status(until).await;
            let goes_on = status.as_ref().is_ok_and(|status| !status.is_final());
            // What was asked shortly before the deadline is the last.
            let is_over = until.is_last();
            Some((status, goes_on.then_some((run, is_over))))
        });
        Statuses(Box::pin(statuses))
    }

    /// Its results, page by page, whatever they come in. What is not done yet is waited for first.
    ///
    /// Each call reads them anew. Where the submit chooses a page of a longer list, it is that page alone;
    /// `paginate` on the submit reads all pages, with a job for each. Results in files that hold no records are
    /// handed out as bytes, in pieces of any length.
    pub fn results(&self) -> Paginator<T> {
        self.results_with(|_| ())
    }

    /// The same, where the request that lists the results is to be changed, for parameters such as
    /// `expand`. Of results that no operation lists, nothing is changed.
    pub fn results_with(&self, change: impl FnOnce(&mut Request)) -> Paginator<T> {
        Paginator::of_job(JobSource::of(self.run.clone(), change), self.read)
    }

    /// The files that hold its results, to be downloaded as they are. What is not done yet is waited for
    /// first. There are none where an operation lists the results, or where the status has them.
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
    /// The job is asked how it stands each time, if it can be: the URLs of files expire within minutes.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait), when the results have been deleted
    /// ([`ErrorKind::JobExpired`](crate::ErrorKind::JobExpired)), and when a URL is not one that may be fetched
    /// ([`ErrorKind::Download`](crate::ErrorKind::Download)).
    pub async fn downloads(&mut self) -> Result<Vec<Download>, Error> {
        self.run.forget_links();
        let status = self.run.wait().await?;
        self.run.check_expiry(&status)?;
        let operation = self.run.operation();
        let links = links(&self.run.family, &status)?;
        links.iter().map(|link| Download::open(&self.run.client, operation, link)).collect()
    }

    /// Asks the API to cancel it. It may run on for a while: [`wait`](Self::wait) tells when it has ended, by
    /// [`ErrorKind::JobCancelled`](crate::ErrorKind::JobCancelled), unless it was done before.
    ///
    /// A job that has ended needs no cancel. Nothing is sent if that is known already: the API might delete its
    /// results. Where the API refuses (status 400, 404, 409 or 410), it is asked once how the job stands.
    ///
    /// # Errors
    /// When jobs of its kind can't be cancelled ([`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest);
    /// nothing is sent then), it has no id to be cancelled by
    /// ([`ErrorKind::JobNotPollable`](crate::ErrorKind::JobNotPollable)), or the call fails: with
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where the API does not know it, or no longer.
    pub async fn cancel(&mut self) -> Result<(), Error> {
        self.run.cancel().await?;
        if let Some(cancel) = &self.run.cancel_on_drop {
            cancel.leave();
        }
        Ok(())
    }

    /// What is to be kept to go on with it later, or elsewhere: see [`load`](Self::load). Settings such as the
    /// [`deadline`](Self::deadline) are not, nor results that came with the reply to the submit.
    pub fn save(&self) -> SavedJob {
        SavedJob::of(&self.run)
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("family", &self.run.family.name())
            .field("id", &self.run.id)
            .field("state", &self.status().map(JobStatus::state).unwrap_or(JobState::Pending))
            .field("expires", &self.expires())
            .finish_non_exhaustive()
    }
}

impl Job<Bytes> {
    /// The same for generated code, of a job whose results are files, handed out as they are.
    pub(crate) fn for_bytes(
        client: &Client,
        operation: Operation,
        family: JobSpec,
        saved: SavedJob,
    ) -> Result<Self, Error> {
        Ok(Self::new(saved.run(client, operation, family)?, read_bytes))
    }
}

/// How a job stands, as a stream; from [`Job::statuses`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Statuses<'a>(BoxStream<'a, Result<JobStatus, Error>>);

impl Statuses<'_> {
    /// The next status, or `None` after the final one.
    ///
    /// # Errors
    /// When the job was waited for as long as allowed, or a call fails.
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

/// A job on its way to the API: a future of the [`Job`]. If it is dropped once polled, whether the API has
/// the job is unknown.
///
/// # Errors
/// When the call fails, or its reply can't be read or names no job ([`ErrorKind::Decode`](crate::ErrorKind::Decode)).
/// Where the API may have the job nevertheless, the text says so, and nothing is sent twice.
#[must_use = "a job is not submitted until this is awaited"]
pub struct Submitting<T> {
    client: Client,
    request: Request,
    family: JobSpec,
    data: Option<DataWait>,
    // Not generic: little is compiled for each operation.
    submission: Option<BoxFuture<'static, Result<Run, Error>>>,
    read: ReadPage<T>,
}

impl<T> Submitting<T> {
    pub(crate) fn new(
        client: Client,
        request: Request,
        family: JobSpec,
        read: ReadPage<T>,
    ) -> Self {
        Self { client, request, family, data: None, submission: None, read }
    }

    /// For a job over data that becomes available with a delay: waits until the data of the whole interval is
    /// available, at most this long, before the job is submitted.
    ///
    /// If the data is not available in time, nothing is submitted and the error is
    /// [`ErrorKind::DataUnavailable`](crate::ErrorKind::DataUnavailable). A job whose API does not report how far the
    /// data is available, or without an interval, is refused
    /// ([`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest)).
    pub fn wait_for_data(mut self, deadline: Duration) -> Self {
        self.data = Some(DataWait::new(deadline));
        self
    }

    fn submit(&self) -> BoxFuture<'static, Result<Run, Error>> {
        let (client, request) = (self.client.clone(), self.request.clone());
        let (family, data, calls) =
            (self.family.clone(), self.data.clone(), CallCounter::default());
        Box::pin(async move {
            if let Some(wait) = data {
                wait_for_data(&client, &family, &request, &calls, &wait).await?;
            }
            Run::submit(client, request, family, calls).await
        })
    }
}

impl<T> Future for Submitting<T> {
    type Output = Result<Job<T>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut submission = self.submission.take().unwrap_or_else(|| self.submit());
        let run = submission.as_mut().poll(cx);
        self.submission = Some(submission);
        Poll::Ready(ready!(run).map(|run| Job::new(run, self.read)))
    }
}

impl<T> fmt::Debug for Submitting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submitting").finish_non_exhaustive()
    }
}
