//! The results of a job as a page source: submits the job unless it was submitted, waits for it, and fetches the pages
//! of its results.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use chrono::{DateTime, Utc};
use futures::future::{self, BoxFuture};
use futures::{FutureExt as _, StreamExt as _, TryFutureExt as _};

use super::availability::{DataDate, wait_for_data};
use super::page_jobs::PageJobs;
use super::poller::Poller;
use super::results::{ResultPages, links, opened, single_response};
use super::spec::{JobSpec, Results};
use crate::call_counter::{CallCounter, Calls};
use crate::client::Client;
use crate::error::Error;
use crate::options::JobOptions;
use crate::paging::{
    ListSpec, Opened, PageCall, PageSource, RequestFingerprint, TakenBack, places,
};
use crate::request::Request;
use crate::response::RawResponse;
use crate::saved_job::SavedJob;

/// The results of a job.
///
/// After an error it continues: a submitted job is not submitted again.
pub(crate) struct JobSource {
    client: Client,
    /// The submit.
    request: Request,
    spec: JobSpec,
    poller: Option<Poller>,
    /// The request that lists the results, with the changes of the caller.
    change: Option<Request>,
    running: Option<Running>,
    /// Waits for the data that the job searches, before submitting it.
    data: Option<BoxFuture<'static, Result<(), Error>>>,
    /// Whether the data is available.
    has_data: bool,
    /// The time up to which it is available, for results that lack it.
    date: DataDate,
    /// Why the job is lost, although the API has it or may have it.
    lost: Option<Error>,
    /// Whether results that came in the response to the submit could not be read.
    is_unreadable: bool,
    /// Whether each page is a job.
    is_job_per_page: bool,
    /// The submitted job, for checkpoints.
    saved: Saved,
    /// Whether it was submitted as a [`Job`](crate::Job).
    is_handle: bool,
    /// Counts the calls made for it.
    calls: CallCounter,
    /// The source of its pages, when it is done.
    pages: Option<ResultPages>,
}

/// The saved form of the job, shared with the future that submits and awaits it.
#[derive(Clone, Default)]
struct Saved(Arc<Mutex<Option<SavedJob>>>);

impl Saved {
    /// A poisoned lock is usable: the value is only replaced as a whole.
    fn lock(&self) -> MutexGuard<'_, Option<SavedJob>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the poller, so that the job can be continued.
type Running = BoxFuture<'static, (Option<Poller>, Result<(Opened, ResultPages), Error>)>;

impl JobSource {
    /// The results of a job to be submitted.
    pub(crate) fn new(client: Client, request: Request, spec: JobSpec) -> Self {
        Self {
            client,
            request: request.once(),
            is_job_per_page: spec.is_job_per_page(),
            spec,
            poller: None,
            change: None,
            running: None,
            data: None,
            has_data: false,
            date: DataDate::default(),
            lost: None,
            is_unreadable: false,
            saved: Saved::default(),
            is_handle: false,
            calls: CallCounter::default(),
            pages: None,
        }
    }

    /// The results of a submitted job.
    pub(super) fn of(mut poller: Poller, change: impl FnOnce(&mut Request)) -> Self {
        let listed_by = match poller.spec.results() {
            Results::List(call, _) => Some(poller.ask(call)),
            Results::Status(_) => poller.spec.status().map(|call| poller.ask(call)),
            Results::Response(_) | Results::Nothing => None,
        };
        let change = listed_by.map(|mut request| {
            change(&mut request);
            request
        });
        let has_links = |status| links(&poller.spec, status).is_ok_and(|links| !links.is_empty());
        if poller.last.as_ref().is_some_and(has_links) {
            poller.forget_links();
        }
        let saved = Saved(Arc::new(Mutex::new(Some(SavedJob::of(&poller)))));
        // The calls of the handle are not counted in the report of the results.
        let calls = CallCounter::default();
        poller.calls = calls.clone();
        Self {
            poller: Some(poller.clone()),
            change,
            is_job_per_page: false,
            saved,
            is_handle: true,
            calls,
            request: poller.request.clone(),
            ..Self::new(poller.client, poller.request, poller.spec)
        }
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    pub(super) const fn request(&self) -> &Request {
        &self.request
    }

    /// How the results will be listed, as far as known before the job is done.
    pub(super) fn list_spec(&self) -> ListSpec {
        match self.spec.results() {
            Results::List(_, list_spec) | Results::Status(list_spec) => list_spec.clone(),
            Results::Response(_) | Results::Nothing => single_response("[]"),
        }
    }

    /// The id of the job, if it was submitted as a [`Job`](crate::Job).
    fn handle(&self) -> Option<String> {
        self.saved_job()
            .filter(|_| self.is_handle)
            .map(|saved| saved.id().unwrap_or_default().to_owned())
    }

    /// The request that identifies the results for checkpoints: the submit or, for a [`Job`](crate::Job), the request
    /// that lists them.
    fn identifying_request(&self, options: &JobOptions) -> Request {
        // The parameters of the results identify them too.
        options.changed(match (&self.change, self.is_handle) {
            (Some(request), _) => request.clone(),
            (None, false) => self.request.clone(),
            (None, true) => {
                let mut request = Request::new(self.request.operation().clone());
                for (name, value) in self.request.path_values() {
                    request.set_path(name.to_owned(), value);
                }
                request
            }
        })
    }

    /// Prepares to poll again, because the results in the last status could not be read. Returns false if that would
    /// not help: results elsewhere are requested by other calls, and a job without an id can't be polled.
    fn repoll(&mut self) -> bool {
        let Some(poller) = &mut self.poller else { return false };
        if !matches!(poller.spec.results(), Results::Response(_)) {
            return false;
        }
        if poller.forget() {
            return true;
        }
        self.is_unreadable = !self.request.operation().is_repeatable();
        !self.is_unreadable && self.restart()
    }

    /// Waits for the data that the job searches, if the options ask for it and the job is not submitted yet.
    fn poll_data(&mut self, cx: &mut Context<'_>, options: &JobOptions) -> Poll<Result<(), Error>> {
        let Some(wait) = options.data.as_ref().filter(|_| !self.has_data) else {
            return Poll::Ready(Ok(()));
        };
        if self.poller.is_some() || self.running.is_some() {
            return Poll::Ready(Ok(()));
        }
        let data = self.data.get_or_insert_with(|| {
            let (client, spec) = (self.client.clone(), self.spec.clone());
            let (request, calls) = (self.request.clone(), self.calls.clone());
            let (wait, date) = (wait.clone(), self.date.clone());
            async move {
                let until = wait_for_data(&client, &spec, &request, &calls, &wait).await?;
                date.note(until);
                Ok(())
            }
            .boxed()
        });
        let result = ready!(data.as_mut().poll(cx));
        self.data = None;
        self.has_data = result.is_ok();
        Poll::Ready(result)
    }

    /// Each page is a job that is submitted when the page is due.
    fn job_per_page(&self, options: &JobOptions) -> (Opened, ResultPages) {
        let (client, spec) = (self.client.clone(), self.spec.clone());
        let jobs = Arc::new(PageJobs::new(self.calls.clone(), options.clone()));
        let call = move |request| {
            let (client, spec, jobs) = (client.clone(), spec.clone(), jobs.clone());
            async move { jobs.page(client, request, spec).await }.boxed()
        };
        let opened = Opened {
            request: self.request.clone(),
            spec: self.list_spec(),
            sequence: None,
            is_partial: false,
            has_no_results: false,
        };
        (opened, ResultPages::Called { call: Arc::new(call), redirects: None })
    }

    fn poll_results(
        &mut self,
        cx: &mut Context<'_>,
        options: &JobOptions,
    ) -> Poll<Result<(Opened, ResultPages), Error>> {
        if self.is_job_per_page {
            return Poll::Ready(Ok(self.job_per_page(options)));
        }
        if let Some(lost) = &self.lost {
            return Poll::Ready(Err(lost.share()));
        }
        let running = match &mut self.running {
            Some(running) => running,
            none => {
                let poller = self.poller.take();
                let (client, request) = (self.client.clone(), self.request.clone());
                let (spec, change) = (self.spec.clone(), self.change.clone());
                let (saved, calls) = (self.saved.clone(), self.calls.clone());
                let (options, date) = (options.clone(), self.date.clone());
                let submission = async move {
                    match poller {
                        Some(poller) => Ok(poller),
                        None => Poller::submit(client, request, spec, calls).await,
                    }
                };
                none.insert(Box::pin(open(submission, change, saved, options, date)))
            }
        };
        let (poller, results) = ready!(Pin::new(running).poll(cx));
        self.running = None;
        if let (None, Err(error)) = (&poller, &results)
            && error.is_outcome_unknown()
        {
            self.lost = Some(error.share());
        }
        self.poller = poller;
        Poll::Ready(results)
    }
}

impl PageSource for JobSource {
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        options: &JobOptions,
    ) -> Poll<Result<Option<Opened>, Error>> {
        if self.pages.is_some() {
            return Poll::Ready(Ok(None));
        }
        ready!(self.poll_data(cx, options))?;
        let (opened, pages) = ready!(self.poll_results(cx, options))?;
        self.pages = Some(pages);
        Poll::Ready(Ok(Some(opened)))
    }

    fn fetch(&mut self, request: Request) -> PageCall {
        match &mut self.pages {
            Some(ResultPages::Called { call, .. }) => call(request).map_ok(Some).boxed(),
            Some(ResultPages::InSequence { files, kept }) => match kept.take() {
                Some(page) => future::ready(Ok(Some(*page))).boxed(),
                None => {
                    let files = files.clone();
                    async move { files.lock().await.next().await.transpose() }.boxed()
                }
            },
            Some(ResultPages::Requested) | None => self.calls.fetch(self.client.clone(), request),
        }
    }

    fn fetch_again(
        &mut self,
        request: Request,
        retries: u32,
        error: Error,
    ) -> Result<PageCall, Error> {
        let client = self.client.clone();
        match &self.pages {
            Some(ResultPages::Called { call, .. }) => {
                let call = call.clone();
                let again = async move {
                    client.wait_to_repeat(request.operation(), retries, error).await?;
                    call(request).await.map(Some)
                };
                Ok(again.boxed())
            }
            // The next fetch continues where it failed.
            Some(ResultPages::InSequence { .. }) => Err(error),
            Some(ResultPages::Requested) | None => {
                Ok(self.calls.fetch_again(client, request, retries, error))
            }
        }
    }

    fn may_be_page(&self, response: &RawResponse) -> bool {
        match &self.pages {
            // The results of a finished job can still have the status 202.
            Some(ResultPages::Called { redirects, .. }) => {
                matches!(response.status(), 200..300)
                    || (matches!(response.status(), 300..400) && redirects.is_some())
            }
            Some(ResultPages::InSequence { .. }) => true,
            Some(ResultPages::Requested) | None => {
                matches!(response.status(), 200..300) && response.status() != 202
            }
        }
    }

    fn file_field(&self, response: &RawResponse) -> Option<&str> {
        match &self.pages {
            Some(ResultPages::Called { redirects, .. }) => {
                redirects.as_deref().filter(|_| matches!(response.status(), 300..400))
            }
            _ => None,
        }
    }

    fn take_back(&mut self, page: &RawResponse) -> TakenBack {
        if let Some(ResultPages::InSequence { kept, .. }) = &mut self.pages {
            // It can't be fetched again.
            *kept = Some(Box::new(page.clone()));
            return TakenBack::Kept;
        }
        if self.repoll() {
            self.pages = None;
            return TakenBack::Reopened;
        }
        TakenBack::Repeat
    }

    /// Prepares to submit the job again. Returns false if it is unknown how it was submitted, or whether it was.
    fn restart(&mut self) -> bool {
        // A job that may exist is not submitted again automatically.
        let can_restart = !self.is_handle && self.lost.is_none();
        if can_restart {
            (self.poller, self.running, self.pages) = (None, None, None);
            self.is_unreadable = false;
            *self.saved.lock() = None;
        }
        can_restart
    }

    fn reopen(&mut self) {
        self.pages = None;
    }

    fn can_resize(&self) -> bool {
        !self.is_job_per_page
    }

    fn identity(&self, _: &Request, _: &ListSpec, options: &JobOptions) -> RequestFingerprint {
        let (request, list_spec) = (self.identifying_request(options), self.list_spec());
        let without = if self.is_job_per_page { places(&list_spec) } else { Vec::new() };
        let subject =
            RequestFingerprint::new(&request, self.client.identity(), &list_spec, &without);
        let subject = subject.with("the family of the job", self.spec.name());
        match self.handle() {
            Some(id) => subject.with("the job", &id),
            None => subject,
        }
    }

    fn take_calls(&self) -> Calls {
        self.calls.take()
    }

    fn available_until(&self) -> Option<DateTime<Utc>> {
        self.date.get()
    }

    fn asked_until(&self) -> Option<DateTime<Utc>> {
        // The poller has the submit without its body.
        match &self.poller {
            Some(poller) => poller.asked_until,
            None => self.spec.asked_until(&self.request),
        }
    }

    fn reports_availability(&self) -> bool {
        self.spec.availability().is_some()
    }

    fn saved_job(&self) -> Option<SavedJob> {
        self.saved.lock().clone()
    }

    /// Whether the API has, or may have, a job that can't be resumed: its id is unknown, and its results, if any
    /// arrived, can't be read.
    fn is_lost(&self) -> bool {
        self.lost.is_some() || self.is_unreadable
    }

    fn resume(&mut self, saved: &SavedJob) -> Result<(), String> {
        if self.is_handle {
            let is_same = self.saved_job().is_some_and(|own| own.id() == saved.id());
            return if is_same { Ok(()) } else { Err("it is of another job".to_owned()) };
        }
        if saved.operation() != self.request.operation().id() || saved.family() != self.spec.name()
        {
            let (operation, family) = (saved.operation(), saved.family());
            return Err(format!("its job is of {operation} (family {family})"));
        }
        if let Some(difference) = saved.difference(&self.client) {
            return Err(format!("its job belongs to another organization: {difference}"));
        }
        let (client, spec, request) =
            (self.client.clone(), self.spec.clone(), self.request.clone());
        let id = saved.id().map(str::to_owned);
        let (submitted, expires) = (saved.submitted(), saved.expires());
        let asked_until = spec.asked_until(&request);
        let mut poller = Poller::for_submitted(client, spec, request, id, submitted, expires);
        poller.asked_until = asked_until;
        poller.calls = self.calls.clone();
        self.poller = Some(poller);
        *self.saved.lock() = Some(saved.clone());
        Ok(())
    }
}

async fn open(
    submission: impl Future<Output = Result<Poller, Error>>,
    change: Option<Request>,
    saved: Saved,
    options: JobOptions,
    date: DataDate,
) -> (Option<Poller>, Result<(Opened, ResultPages), Error>) {
    let note = |poller: &Poller| {
        *saved.lock() = Some(SavedJob::of(poller));
    };
    let mut poller = match submission.await {
        Ok(poller) => poller,
        Err(error) => return (None, Err(error)),
    };
    poller.apply(&options);
    note(&poller);
    let mut retries = 0;
    let opened = loop {
        let status = poller.wait().await;
        // The expiry is known only now.
        note(&poller);
        let opened = match status {
            Ok(status) => opened(&poller, status, change.clone(), &options, date.clone()),
            Err(error) => Err(error),
        };
        match opened {
            // The last status was unusable: poll again, now or in the next call.
            Err(error) if error.is_passing() && poller.forget() => {
                let again = poller.client.wait_to_repeat(poller.operation(), retries, error).await;
                retries += 1;
                if let Err(error) = again {
                    break Err(error);
                }
            }
            opened => break opened,
        }
    };
    if opened.is_ok() {
        poller.client.usable_after(retries);
    }
    (Some(poller), opened)
}
