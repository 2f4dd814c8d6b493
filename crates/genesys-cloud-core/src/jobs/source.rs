//! The results of a job as a source of pages: submits the job if that has not been done, waits for it, and gets the pages
//! from where its results are.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use chrono::{DateTime, Utc};
use futures::future::{self, BoxFuture};
use futures::{FutureExt as _, StreamExt as _, TryFutureExt as _};

use super::available::{DataDate, wait_for_data};
use super::pages::PageJobs;
use super::results::{ResultPages, links, one_reply, opened};
use super::run::Run;
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
/// After an error it continues from where it was: what was submitted is not submitted again.
pub(crate) struct JobSource {
    client: Client,
    /// The submit.
    request: Request,
    family: JobSpec,
    run: Option<Run>,
    /// What the request that lists the results has beyond what the job needs.
    change: Option<Request>,
    running: Option<Running>,
    /// Waits for the data that the job searches, before it is submitted.
    data: Option<BoxFuture<'static, Result<(), Error>>>,
    /// Whether that is available.
    has_data: bool,
    /// The date up to which it is, for results that do not have it.
    date: DataDate,
    /// Why the job, which the API has or may have, is not known.
    lost: Option<Error>,
    /// Whether the results that came in the place of a job could not be read.
    is_unreadable: bool,
    /// Whether each page is to be a job.
    is_job_per_page: bool,
    /// The job for a checkpoint, once it has been submitted.
    saved: Saved,
    /// Whether it was submitted by a call for its handle.
    is_handle: bool,
    /// Counts all calls that are made for it.
    calls: CallCounter,
    /// Where its pages come from, once it is done.
    pages: Option<ResultPages>,
}

/// Where a job is noted while it is waited for.
#[derive(Clone, Default)]
struct Saved(Arc<Mutex<Option<SavedJob>>>);

impl Saved {
    /// A lock that a panic has left is as good as any: what it holds is replaced as a whole.
    fn lock(&self) -> MutexGuard<'_, Option<SavedJob>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the job back, so that it can be continued.
type Running = BoxFuture<'static, (Option<Run>, Result<(Opened, ResultPages), Error>)>;

impl JobSource {
    /// Of a job that is not submitted yet.
    pub(crate) fn new(client: Client, request: Request, family: JobSpec) -> Self {
        Self {
            client,
            request: request.once(),
            is_job_per_page: family.is_job_per_page(),
            family,
            run: None,
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

    /// Of one that is.
    pub(super) fn of(mut run: Run, change: impl FnOnce(&mut Request)) -> Self {
        let listed_by = match run.family.results() {
            Results::List(call, _) => Some(run.ask(call)),
            Results::Status(_) => run.family.status().map(|call| run.ask(call)),
            Results::Response(_) | Results::Nothing => None,
        };
        let change = listed_by.map(|mut request| {
            change(&mut request);
            request
        });
        let has_links = |status| links(&run.family, status).is_ok_and(|links| !links.is_empty());
        if run.last.as_ref().is_some_and(has_links) {
            run.forget_links();
        }
        let saved = Saved(Arc::new(Mutex::new(Some(SavedJob::of(&run)))));
        // The calls of the handle were not made for these.
        let calls = CallCounter::default();
        run.calls = calls.clone();
        Self {
            run: Some(run.clone()),
            change,
            is_job_per_page: false,
            saved,
            is_handle: true,
            calls,
            request: run.request.clone(),
            ..Self::new(run.client, run.request, run.family)
        }
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    pub(super) const fn request(&self) -> &Request {
        &self.request
    }

    /// How the results will be listed, as far as that is known before there are any.
    pub(super) fn listing(&self) -> ListSpec {
        match self.family.results() {
            Results::List(_, listing) | Results::Status(listing) => listing.clone(),
            Results::Response(_) | Results::Nothing => one_reply("[]"),
        }
    }

    /// The id of the job, if it was submitted by a call for its handle.
    fn handle(&self) -> Option<String> {
        self.saved_job()
            .filter(|_| self.is_handle)
            .map(|saved| saved.id().unwrap_or_default().to_owned())
    }

    /// What tells the results from others: the submit, or, of a job that was submitted by a call for its handle,
    /// what lists them.
    fn identifying_request(&self, options: &JobOptions) -> Request {
        // A parameter of the results tells them from others as well.
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

    /// Sets out to have the job say again where its results are, because those that it gave in its own reply could
    /// not be read. `false` where what it said stands: elsewhere results are requested by other calls, and a job
    /// without an id can't be polled.
    fn ask_again(&mut self) -> bool {
        let Some(run) = &mut self.run else { return false };
        if !matches!(run.family.results(), Results::Response(_)) {
            return false;
        }
        if run.forget() {
            return true;
        }
        self.is_unreadable = !self.request.operation().is_repeatable();
        !self.is_unreadable && self.restart()
    }

    /// Waits for the data that the job searches, if that is wanted and the job has not been submitted.
    fn poll_data(&mut self, cx: &mut Context<'_>, options: &JobOptions) -> Poll<Result<(), Error>> {
        let Some(wait) = options.data.as_ref().filter(|_| !self.has_data) else {
            return Poll::Ready(Ok(()));
        };
        if self.run.is_some() || self.running.is_some() {
            return Poll::Ready(Ok(()));
        }
        let data = self.data.get_or_insert_with(|| {
            let (client, family) = (self.client.clone(), self.family.clone());
            let (request, calls) = (self.request.clone(), self.calls.clone());
            let (wait, date) = (wait.clone(), self.date.clone());
            async move {
                let until = wait_for_data(&client, &family, &request, &calls, &wait).await?;
                date.note(until);
                Ok(())
            }
            .boxed()
        });
        let come = ready!(data.as_mut().poll(cx));
        self.data = None;
        self.has_data = come.is_ok();
        Poll::Ready(come)
    }

    /// The pages are requested by the submit. Each is a job that is submitted when the page is due.
    fn job_per_page(&self, options: &JobOptions) -> (Opened, ResultPages) {
        let (client, family) = (self.client.clone(), self.family.clone());
        let jobs = Arc::new(PageJobs::new(self.calls.clone(), options.clone()));
        let call = move |request| {
            let (client, family, jobs) = (client.clone(), family.clone(), jobs.clone());
            async move { jobs.page(client, request, family).await }.boxed()
        };
        let opened = Opened {
            request: self.request.clone(),
            spec: self.listing(),
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
                let run = self.run.take();
                let (client, request) = (self.client.clone(), self.request.clone());
                let (family, change) = (self.family.clone(), self.change.clone());
                let (saved, calls) = (self.saved.clone(), self.calls.clone());
                let (options, date) = (options.clone(), self.date.clone());
                let submission = async move {
                    match run {
                        Some(run) => Ok(run),
                        None => Run::submit(client, request, family, calls).await,
                    }
                };
                none.insert(Box::pin(open(submission, change, saved, options, date)))
            }
        };
        let (run, results) = ready!(Pin::new(running).poll(cx));
        self.running = None;
        if let (None, Err(error)) = (&run, &results)
            && error.is_outcome_unknown()
        {
            self.lost = Some(error.share());
        }
        self.run = run;
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
            // The next one continues where it failed.
            Some(ResultPages::InSequence { .. }) => Err(error),
            Some(ResultPages::Requested) | None => {
                Ok(self.calls.fetch_again(client, request, retries, error))
            }
        }
    }

    fn may_be_page(&self, reply: &RawResponse) -> bool {
        match &self.pages {
            // The results of a job that is done may still come with a 202.
            Some(ResultPages::Called { redirects, .. }) => {
                matches!(reply.status(), 200..300)
                    || (matches!(reply.status(), 300..400) && redirects.is_some())
            }
            Some(ResultPages::InSequence { .. }) => true,
            Some(ResultPages::Requested) | None => {
                matches!(reply.status(), 200..300) && reply.status() != 202
            }
        }
    }

    fn file_field(&self, reply: &RawResponse) -> Option<&str> {
        match &self.pages {
            Some(ResultPages::Called { redirects, .. }) => {
                redirects.as_deref().filter(|_| matches!(reply.status(), 300..400))
            }
            _ => None,
        }
    }

    fn take_back(&mut self, page: &RawResponse) -> TakenBack {
        if let Some(ResultPages::InSequence { kept, .. }) = &mut self.pages {
            // It does not come again.
            *kept = Some(Box::new(page.clone()));
            return TakenBack::Kept;
        }
        if self.ask_again() {
            self.pages = None;
            return TakenBack::Reopened;
        }
        TakenBack::Repeat
    }

    /// Sets out to submit the job anew. `false` where it is not known how it was submitted, or whether.
    fn restart(&mut self) -> bool {
        // A job that may exist is not submitted again automatically.
        let may_be = !self.is_handle && self.lost.is_none();
        if may_be {
            (self.run, self.running, self.pages) = (None, None, None);
            self.is_unreadable = false;
            *self.saved.lock() = None;
        }
        may_be
    }

    fn reopen(&mut self) {
        self.pages = None;
    }

    fn can_resize(&self) -> bool {
        !self.is_job_per_page
    }

    fn identity(&self, _: &Request, _: &ListSpec, options: &JobOptions) -> RequestFingerprint {
        let (request, listing) = (self.identifying_request(options), self.listing());
        let without = if self.is_job_per_page { places(&listing) } else { Vec::new() };
        let subject = RequestFingerprint::new(&request, self.client.identity(), &listing, &without);
        let subject = subject.with("the family of the job", self.family.name());
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
        // A run has the submit without its body.
        match &self.run {
            Some(run) => run.asked_until,
            None => self.family.asked_until(&self.request),
        }
    }

    fn reports_availability(&self) -> bool {
        self.family.availability().is_some()
    }

    fn saved_job(&self) -> Option<SavedJob> {
        self.saved.lock().clone()
    }

    /// The API has or may have a job that can't be resumed, because its id is unknown and its results, if any
    /// came, can't be read.
    fn is_lost(&self) -> bool {
        self.lost.is_some() || self.is_unreadable
    }

    fn resume(&mut self, saved: &SavedJob) -> Result<(), String> {
        if self.is_handle {
            let is_same = self.saved_job().is_some_and(|own| own.id() == saved.id());
            return if is_same { Ok(()) } else { Err("it is of another job".to_owned()) };
        }
        if saved.operation() != self.request.operation().id()
            || saved.family() != self.family.name()
        {
            let (operation, family) = (saved.operation(), saved.family());
            return Err(format!("its job is of {operation} (family {family})"));
        }
        if let Some(difference) = saved.difference(&self.client) {
            return Err(format!("its job belongs to another organization: {difference}"));
        }
        let (client, family, request) =
            (self.client.clone(), self.family.clone(), self.request.clone());
        let id = saved.id().map(str::to_owned);
        let (submitted, expires) = (saved.submitted(), saved.expires());
        let asked_until = family.asked_until(&request);
        let mut run = Run::from_static(client, family, request, id, submitted, expires);
        run.asked_until = asked_until;
        run.calls = self.calls.clone();
        self.run = Some(run);
        *self.saved.lock() = Some(saved.clone());
        Ok(())
    }
}

async fn open(
    submission: impl Future<Output = Result<Run, Error>>,
    change: Option<Request>,
    saved: Saved,
    options: JobOptions,
    date: DataDate,
) -> (Option<Run>, Result<(Opened, ResultPages), Error>) {
    let note = |run: &Run| {
        *saved.lock() = Some(SavedJob::of(run));
    };
    let mut run = match submission.await {
        Ok(run) => run,
        Err(error) => return (None, Err(error)),
    };
    run.apply(&options);
    note(&run);
    let mut retries = 0;
    let opened = loop {
        let status = run.wait().await;
        // Only now is it known when it expires.
        note(&run);
        let opened = match status {
            Ok(status) => opened(&run, status, change.clone(), &options, date.clone()),
            Err(error) => Err(error),
        };
        match opened {
            // The last status was unusable: ask for a new one, now or in the next poll.
            Err(error) if error.is_passing() && run.forget() => {
                let again = run.client.wait_to_repeat(run.operation(), retries, error).await;
                retries += 1;
                if let Err(error) = again {
                    break Err(error);
                }
            }
            opened => break opened,
        }
    };
    if opened.is_ok() {
        run.client.usable_after(retries);
    }
    (Some(run), opened)
}
