//! Where the pages of a list come from.

use std::task::{Context, Poll};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use super::list_spec::{ListSpec, PageSize, ParamLocation};
use super::request_fingerprint::RequestFingerprint;
use super::scheme::SequenceUnit;
use crate::call_counter::{CallCounter, Calls};
use crate::client::Client;
use crate::error::Error;
use crate::options::JobOptions;
use crate::request::Request;
use crate::response::RawResponse;
use crate::saved_job::SavedJob;

/// A call for a page. `None` where the source has no further one.
pub(crate) type PageCall = BoxFuture<'static, Result<Option<RawResponse>, Error>>;

/// The pages of a list: responses to a request, results of a job, or files.
///
/// The page fetcher decides which page is due, and from what it says whether another one follows; a source only gets
/// pages. Calls run until they end or are dropped, whoever waits for them, so that each may be the last thing that
/// is known of it. All methods but [`fetch`](Self::fetch), [`fetch_again`](Self::fetch_again) and
/// [`identity`](Self::identity) have an answer that fits a source which needs no preparation.
pub(crate) trait PageSource: Send {
    /// Prepares the pages, such as by waiting for a job. Gives what is listed when that has become known since it was
    /// asked last, and `None` where it is as before. After an error, the next call continues.
    fn poll_open(
        &mut self,
        _: &mut Context<'_>,
        _: &JobOptions,
    ) -> Poll<Result<Option<Opened>, Error>> {
        Poll::Ready(Ok(None))
    }

    /// Gets the page of a request, or, of a source that gives its pages in sequence, the next one.
    fn fetch(&mut self, request: Request) -> PageCall;

    /// The same where a response could not be used, as this error says, after so many repetitions. Gives the error back
    /// where repeating it is not for the fetcher.
    fn fetch_again(
        &mut self,
        request: Request,
        retries: u32,
        error: Error,
    ) -> Result<PageCall, Error>;

    /// Whether a response may hold a page, from its status alone.
    fn may_be_page(&self, response: &RawResponse) -> bool {
        matches!(response.status(), 200..300) && response.status() != 202
    }

    /// The field with the URL of a file that holds the items of a page, where this response is a redirect to one.
    fn file_field(&self, _: &RawResponse) -> Option<&str> {
        None
    }

    /// Takes back a page whose body could not be read.
    fn take_back(&mut self, _: &RawResponse) -> TakenBack {
        TakenBack::Repeat
    }

    /// Has the list read from its beginning, because what the source knew is gone. `false` where that can't be done.
    fn restart(&mut self) -> bool {
        true
    }

    /// Sets out to open once more, for a list that is set up anew. What was submitted is not submitted again.
    fn reopen(&mut self) {}

    /// Whether pages may be requested in another size than before.
    fn can_resize(&self) -> bool {
        true
    }

    /// What tells this list from others, given the request and spec that it began with.
    fn identity(
        &self,
        request: &Request,
        spec: &ListSpec,
        options: &JobOptions,
    ) -> RequestFingerprint;

    /// The calls that were made since this was asked last.
    fn take_calls(&self) -> Calls;

    /// Up to when the data of the list is complete, where its pages do not say it.
    fn available_until(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// The end of the interval that is listed, where its data becomes available with a delay.
    fn asked_until(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// Whether the API reports how far the data of the list is available.
    fn reports_availability(&self) -> bool {
        false
    }

    /// The job whose results these are, for a checkpoint, once it has been submitted.
    fn saved_job(&self) -> Option<SavedJob> {
        None
    }

    /// Whether a job was submitted whose id is unknown.
    fn is_lost(&self) -> bool {
        false
    }

    /// Continues with a job of an earlier run. Tells why that can't be done.
    fn resume(&mut self, _: &SavedJob) -> Result<(), String> {
        Ok(())
    }
}

/// What a source lists.
pub(crate) struct Opened {
    /// Each page is requested by a copy.
    pub(crate) request: Request,
    pub(crate) spec: ListSpec,
    /// Set where the source gives its pages in its own sequence and says when there are no more.
    pub(crate) sequence: Option<SequenceUnit>,
    /// Whether some of the work of a job failed.
    pub(crate) is_partial: bool,
    /// Whether the job is done and its status has no results where the family has them. The document says that they
    /// may be left out, so that this may mean none; but they may also have another name.
    pub(crate) has_no_results: bool,
}

/// What becomes of a page that could not be read.
pub(crate) enum TakenBack {
    /// It may be requested again.
    Repeat,
    /// The next poll gets the same page.
    Kept,
    /// What is listed is opened once more by the next poll.
    Reopened,
}

/// Pages that are responses to requests of the caller's.
pub(super) struct RequestSource {
    client: Client,
    calls: CallCounter,
}

impl RequestSource {
    pub(super) fn new(client: Client) -> Self {
        Self { client, calls: CallCounter::default() }
    }
}

impl PageSource for RequestSource {
    fn fetch(&mut self, request: Request) -> PageCall {
        self.calls.fetch(self.client.clone(), request)
    }

    fn fetch_again(
        &mut self,
        request: Request,
        retries: u32,
        error: Error,
    ) -> Result<PageCall, Error> {
        Ok(self.calls.fetch_again(self.client.clone(), request, retries, error))
    }

    fn identity(&self, request: &Request, spec: &ListSpec, _: &JobOptions) -> RequestFingerprint {
        RequestFingerprint::new(request, self.client.identity(), spec, &places(spec))
    }

    fn take_calls(&self) -> Calls {
        self.calls.take()
    }
}

/// Where a list has what leads from page to page.
pub(crate) fn places(spec: &ListSpec) -> Vec<&ParamLocation> {
    let size = spec.page_size().map(PageSize::place);
    spec.token_in().iter().chain(size).collect()
}
