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

/// A call for a page. `None` if the source has no further pages.
pub(crate) type PageCall = BoxFuture<'static, Result<Option<RawResponse>, Error>>;

/// The source of the pages of a list: responses to a request, results of a job, or files.
///
/// A source only gets pages; the page fetcher decides which page is due and whether another one follows. The defaults
/// of the methods suit a source that needs no preparation.
pub(crate) trait PageSource: Send {
    /// Prepares the pages, such as by waiting for a job. Returns what is listed once that becomes known, and `None`
    /// while it is unchanged. After an error, the next call continues.
    fn poll_open(
        &mut self,
        _: &mut Context<'_>,
        _: &JobOptions,
    ) -> Poll<Result<Option<Opened>, Error>> {
        Poll::Ready(Ok(None))
    }

    /// Gets the page for a request, or the next page of a source that delivers pages in sequence.
    fn fetch(&mut self, request: Request) -> PageCall;

    /// Retries after a response that could not be used because of `error`, after this many earlier retries. Returns the
    /// error if the fetcher must not retry.
    fn fetch_again(
        &mut self,
        request: Request,
        retries: u32,
        error: Error,
    ) -> Result<PageCall, Error>;

    /// Whether a response may be a page, judged by its status.
    fn may_be_page(&self, response: &RawResponse) -> bool {
        matches!(response.status(), 200..300) && response.status() != 202
    }

    /// The field with the URL of a file with the items, if this response is a redirect to one.
    fn file_field(&self, _: &RawResponse) -> Option<&str> {
        None
    }

    /// Takes back a page whose body could not be decoded.
    fn take_back(&mut self, _: &RawResponse) -> TakenBack {
        TakenBack::Repeat
    }

    /// Starts the list over because the API no longer has what the source refers to. Returns `false` if it cannot.
    fn restart(&mut self) -> bool {
        true
    }

    /// Prepares to open again, for a list that is set up again. A submitted job is not submitted again.
    fn reopen(&mut self) {}

    /// Whether the page size may change between pages.
    fn can_resize(&self) -> bool {
        true
    }

    /// The fingerprint of the list, given the request and spec that it began with.
    fn identity(
        &self,
        request: &Request,
        spec: &ListSpec,
        options: &JobOptions,
    ) -> RequestFingerprint;

    /// The calls made since this was last called.
    fn take_calls(&self) -> Calls;

    /// Time up to which the data of the list is complete, if its pages do not state it.
    fn available_until(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// The end of the requested interval, if its data becomes available with a delay.
    fn asked_until(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// Whether the API has an operation that reports how far the data of the list is available.
    fn reports_availability(&self) -> bool {
        false
    }

    /// The job that produces the list, for a checkpoint, once it has been submitted.
    fn saved_job(&self) -> Option<SavedJob> {
        None
    }

    /// Whether a job was submitted whose id is unknown.
    fn is_lost(&self) -> bool {
        false
    }

    /// Continues with the job of an earlier run. The error says why that is not possible.
    fn resume(&mut self, _: &SavedJob) -> Result<(), String> {
        Ok(())
    }
}

/// What a source lists.
pub(crate) struct Opened {
    /// Cloned for each page.
    pub(crate) request: Request,
    pub(crate) spec: ListSpec,
    /// Set if the source delivers pages in its own sequence and decides when there are no more.
    pub(crate) sequence: Option<SequenceUnit>,
    /// Whether the job failed in part.
    pub(crate) is_partial: bool,
    /// Whether the job is done and its status lacks the results. According to the API document they may be left out, so
    /// there may be none; but they may also have another name.
    pub(crate) has_no_results: bool,
}

/// What happens to a page that could not be decoded.
pub(crate) enum TakenBack {
    /// It may be requested again.
    Repeat,
    /// The next poll returns the same page.
    Kept,
    /// The next poll opens the source again.
    Reopened,
}

/// Pages that are responses to the caller's request.
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

/// The locations of the page number, token and page size in a request.
pub(crate) fn places(spec: &ListSpec) -> Vec<&ParamLocation> {
    let size = spec.page_size().map(PageSize::place);
    spec.token_in().iter().chain(size).collect()
}
