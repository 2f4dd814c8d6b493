//! From a job to the list of its results: what has to happen before the first page can be asked for.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::available::{DataDate, wait_for_data};
use super::end::GONE;
use super::family::{DoneWhen, Family, FileForm, Results, ResultsAt};
use super::file::Files;
use super::pages::PageJobs;
use super::run::Run;
use super::status::JobStatus;
use super::tally::Tally;
use crate::client::Client;
use crate::error::Error;
use crate::json_path::JsonText;
use crate::options::JobOptions;
use crate::paging::{Calls, Listing, Scheme};
use crate::reply::RawReply;
use crate::request::Request;
use crate::saved_job::SavedJob;

/// Makes the call for a page, in the place of sending its request.
pub(crate) type Caller =
    Arc<dyn Fn(Request) -> BoxFuture<'static, Result<RawReply, Error>> + Send + Sync>;

/// Pages that are not asked for one by one. After an error the next poll goes on.
pub(crate) type Feed = BoxStream<'static, Result<RawReply, Error>>;

/// Where the results of a job are, now that it is done.
pub(crate) struct Opened {
    pub(crate) request: Request,
    pub(crate) listing: Listing,
    pub(crate) caller: Option<Caller>,
    pub(crate) feed: Option<Feed>,
    /// The field with the URL of a file, in a redirect that stands for a page.
    pub(crate) redirects: Option<String>,
    /// Whether some of the job's work failed.
    pub(crate) partial: bool,
    /// Whether what feeds it are bytes, cut anywhere.
    pub(crate) is_raw: bool,
    /// Whether the job is done and its status has no results where the family has them. The document says that they
    /// may be left out, so that this may mean none; but they may also have another name.
    pub(crate) has_no_results: bool,
}

/// A job on its way to its results: submitted if it is not yet, then waited for.
///
/// After an error it goes on from where it was: what was submitted is not submitted again.
pub(crate) struct Opening {
    client: Client,
    request: Request,
    family: Family,
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
    /// Whether each page is to be a job of its own.
    is_job_per_page: bool,
    /// The job as it is kept to be gone on with, once it has been submitted.
    saved: Saved,
    /// Whether it is the results of a job that was submitted by a call of its own.
    is_handle: bool,
    /// What counts all calls that are made for it.
    tally: Tally,
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

/// Gives the job back, so that it can be gone on with.
type Running = BoxFuture<'static, (Option<Run>, Result<Opened, Error>)>;

impl Opening {
    /// Of a job that is not submitted yet.
    pub(crate) fn new(client: Client, request: Request, family: Family) -> Self {
        let is_job_per_page = family.is_job_per_page();
        let (run, change, running, saved) = (None, None, None, Saved::default());
        Self {
            client,
            request: request.once(),
            family,
            run,
            change,
            running,
            data: None,
            has_data: false,
            date: DataDate::default(),
            lost: None,
            is_unreadable: false,
            is_job_per_page,
            saved,
            is_handle: false,
            tally: Tally::default(),
        }
    }

    /// Of one that is.
    pub(super) fn of(mut run: Run, change: impl FnOnce(&mut Request)) -> Self {
        let listed_by = match run.family.results() {
            Results::List(call, _) => Some(run.ask(call)),
            Results::Status(_) => run.family.status().map(|call| run.ask(call)),
            Results::Reply(_) | Results::Nothing => None,
        };
        let change = listed_by.map(|mut request| {
            change(&mut request);
            request
        });
        let (client, request) = (run.client.clone(), run.request.clone());
        let family = run.family.clone();
        let has_links = |status| links(&family, status).is_ok_and(|links| !links.is_empty());
        if run.last.as_ref().is_some_and(has_links) {
            run.forget_links();
        }
        let saved = Saved(Arc::new(Mutex::new(Some(SavedJob::of(&run)))));
        // What the handle has called for was not called for these.
        let tally = Tally::default();
        run.tally = tally.clone();
        let (run, running, is_job_per_page) = (Some(run), None, false);
        Self {
            client,
            request,
            family,
            run,
            change,
            running,
            data: None,
            has_data: false,
            date: DataDate::default(),
            lost: None,
            is_unreadable: false,
            is_job_per_page,
            saved,
            is_handle: true,
            tally,
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Whether the API has or may have a job that can't be resumed, because its id is unknown and its results, if any
    /// came, can't be read.
    pub(crate) const fn is_lost(&self) -> bool {
        self.lost.is_some() || self.is_unreadable
    }

    pub(crate) const fn family(&self) -> &Family {
        &self.family
    }

    pub(crate) const fn is_job_per_page(&self) -> bool {
        self.is_job_per_page
    }

    /// The job as it is kept to be gone on with, once it has been submitted.
    pub(crate) fn saved(&self) -> Option<SavedJob> {
        self.saved.lock().clone()
    }

    /// The calls that have been made for it since this was asked last, for pages too.
    pub(crate) fn calls(&self) -> Calls {
        self.tally.take()
    }

    /// The id of the job, where it was submitted by a call of its own.
    pub(crate) fn handle(&self) -> Option<String> {
        self.saved()
            .filter(|_| self.is_handle)
            .map(|saved| saved.id().unwrap_or_default().to_owned())
    }

    /// What tells the results from others: the submit, or, of a job that was submitted by a call of its own,
    /// what lists them.
    pub(crate) fn subject(&self, options: &JobOptions) -> Request {
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

    /// Goes on with a job that was submitted before. Tells why that can't be done.
    pub(crate) fn resume(&mut self, saved: &SavedJob) -> Result<(), String> {
        if self.is_handle {
            let is_same = self.saved().is_some_and(|own| own.id() == saved.id());
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
        let mut run = Run::known(client, family, request, id, submitted, expires);
        run.asked_until = asked_until;
        run.tally = self.tally.clone();
        self.run = Some(run);
        *self.saved.lock() = Some(saved.clone());
        Ok(())
    }

    /// Sets out to have the job say again where its results are, as those that it gave in its own reply could
    /// not be read. `false` where what it said stands: elsewhere results are asked for by calls of their own,
    /// and a job without an id can't be asked.
    pub(crate) fn ask_again(&mut self) -> bool {
        let Some(run) = &mut self.run else { return false };
        if !matches!(run.family.results(), Results::Reply(_)) {
            return false;
        }
        if run.forget() {
            return true;
        }
        self.is_unreadable = !self.request.operation().is_repeatable();
        !self.is_unreadable && self.restart()
    }

    /// Sets out to submit the job anew. `false` where it is not known how it was submitted, or whether.
    pub(crate) fn restart(&mut self) -> bool {
        // A job that may exist is not submitted again automatically.
        let may_be = !self.is_handle && self.lost.is_none();
        if may_be {
            (self.run, self.running, self.is_unreadable) = (None, None, false);
            *self.saved.lock() = None;
        }
        may_be
    }

    /// How the results will be listed, as far as that is known before there are any.
    pub(crate) fn listing(&self) -> Listing {
        match self.family.results() {
            Results::List(_, listing) | Results::Status(listing) => listing.clone(),
            Results::Reply(_) | Results::Nothing => one_reply("[]"),
        }
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
            let (request, tally) = (self.request.clone(), self.tally.clone());
            let (wait, date) = (wait.clone(), self.date.clone());
            async move {
                let until = wait_for_data(&client, &family, &request, &tally, &wait).await?;
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

    /// The date up to which its data is available, for results that do not have it.
    pub(crate) fn available_until(&self) -> Option<DateTime<Utc>> {
        self.date.get()
    }

    /// The end of the interval that the job searches, if its data becomes available with a delay.
    pub(crate) fn asked_until(&self) -> Option<DateTime<Utc>> {
        // A run has the submit without its body.
        match &self.run {
            Some(run) => run.asked_until,
            None => self.family.asked_until(&self.request),
        }
    }

    pub(crate) fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        options: &JobOptions,
    ) -> Poll<Result<Opened, Error>> {
        ready!(self.poll_data(cx, options))?;
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
                let (saved, tally) = (self.saved.clone(), self.tally.clone());
                let (options, date) = (options.clone(), self.date.clone());
                let submission = async move {
                    match run {
                        Some(run) => Ok(run),
                        None => Run::submit(client, request, family, tally).await,
                    }
                };
                none.insert(Box::pin(open(submission, change, saved, options, date)))
            }
        };
        let Poll::Ready((run, opened)) = Pin::new(running).poll(cx) else { return Poll::Pending };
        self.running = None;
        if let (None, Err(error)) = (&run, &opened)
            && error.is_outcome_unknown()
        {
            self.lost = Some(error.share());
        }
        self.run = run;
        Poll::Ready(opened)
    }

    /// The pages are asked for by the submit. Each is a job that is submitted when the page is due.
    fn job_per_page(&self, options: &JobOptions) -> Opened {
        let (client, family) = (self.client.clone(), self.family.clone());
        let jobs = Arc::new(PageJobs::new(self.tally.clone(), options.clone()));
        let caller: Caller = Arc::new(move |request| {
            let (client, family, jobs) = (client.clone(), family.clone(), jobs.clone());
            async move { jobs.page(client, request, family).await }.boxed()
        });
        Opened {
            request: self.request.clone(),
            listing: self.listing(),
            caller: Some(caller),
            feed: None,
            redirects: None,
            partial: false,
            is_raw: false,
            has_no_results: false,
        }
    }
}

async fn open(
    submission: impl Future<Output = Result<Run, Error>>,
    change: Option<Request>,
    saved: Saved,
    options: JobOptions,
    date: DataDate,
) -> (Option<Run>, Result<Opened, Error>) {
    let note = |run: &Run| {
        *saved.lock() = Some(SavedJob::of(run));
    };
    let mut run = match submission.await {
        Ok(run) => run,
        Err(error) => return (None, Err(error)),
    };
    run.apply(&options);
    note(&run);
    let mut repeated = 0;
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
                let again = run.client.wait_to_repeat(run.operation(), repeated, error).await;
                repeated += 1;
                if let Err(error) = again {
                    break Err(error);
                }
            }
            opened => break opened,
        }
    };
    if opened.is_ok() {
        run.client.usable_after(repeated);
    }
    (Some(run), opened)
}

/// Where the results of a job are that is done.
fn opened(
    run: &Run,
    status: JobStatus,
    change: Option<Request>,
    options: &JobOptions,
    date: DataDate,
) -> Result<Opened, Error> {
    run.check_expiry(&status)?;
    let family = &run.family;
    let mut opened = Opened {
        request: Request::new(run.operation().clone()),
        listing: one_reply("[]"),
        caller: None,
        feed: None,
        redirects: None,
        partial: status.state() == super::JobState::PartlySucceeded,
        is_raw: false,
        has_no_results: false,
    };
    match family.results() {
        Results::List(call, listing) => {
            let mut request = options.changed(change.unwrap_or_else(|| run.ask(call)));
            // A page without items may come as one.
            if family.redirects().is_some() {
                request.accept_redirects();
            }
            opened.request = request;
            opened.redirects = family.redirects().map(str::to_owned);
            // The page was named by the submit: there is no way to another one.
            opened.listing = match listing.scheme() {
                Scheme::JobSelectsPage => {
                    Listing::new(Scheme::UnpagedWithEnvelope, listing.items().to_owned())
                }
                _ => listing.clone(),
            };
            let one = listing.is_one_reply().then(|| listing.items().to_owned());
            let run = Arc::new(run.clone());
            opened.caller = Some(Arc::new(move |request| {
                let (run, one, date) = (run.clone(), one.clone(), date.clone());
                async move {
                    let reply = page(&run, &request).await?;
                    date.learn(&run, &reply).await;
                    match one {
                        Some(path) => with_list(ready(reply, Some(&path))?, &path),
                        None => ready(reply, None),
                    }
                }
                .boxed()
            }));
        }
        Results::Status(listing) => {
            let status = family.status().map(|call| run.ask(call));
            let request = change.or(status).unwrap_or_else(|| run.request.clone());
            opened.request = options.changed(request);
            opened.listing = listing.clone();
        }
        Results::Reply(_) => match found(family, &status)? {
            Some(Found::Files(links, form)) => {
                opened.is_raw = form == FileForm::Bytes;
                opened.feed = Some(Files::new(run.clone(), links, form).feed());
            }
            Some(Found::Items(path)) => {
                let reply = with_list(status.reply().clone(), path)?;
                opened.listing = one_reply(path);
                opened.caller = Some(Arc::new(move |_| {
                    let reply = reply.clone();
                    async move { Ok(reply) }.boxed()
                }));
            }
            None => {
                opened.feed = Some(Box::pin(futures::stream::empty()));
                opened.has_no_results = !places(family).is_empty();
            }
        },
        Results::Nothing => opened.feed = Some(Box::pin(futures::stream::empty())),
    }
    Ok(opened)
}

/// A page of the results of a job that is done. If there are none any more, they have expired.
pub(super) async fn page(run: &Run, request: &Request) -> Result<RawReply, Error> {
    run.execute(request).await.map_err(|error| match error.is_refused_by(&GONE) {
        true => run.gone(request.operation()).caused_by(error),
        false => error,
    })
}

/// A page of results, unless it is a 202 that says that there are none yet: without anything at the path of the
/// items, or, where pages are many, in any case.
pub(super) fn ready(reply: RawReply, path: Option<&str>) -> Result<RawReply, Error> {
    let has_items = |path| JsonText::of(&reply).is_ok_and(|fields| fields.json(path).is_some());
    if reply.status() != 202 || path.is_some_and(has_items) {
        return Ok(reply);
    }
    let why = "the results are not ready, though the job is done: the API answered 202".to_owned();
    Err(Error::paging(&reply, why).advise("read on in a while: the job is not submitted again"))
}

fn one_reply(path: &str) -> Listing {
    Listing::new(Scheme::UnpagedOtherArray, path.to_owned())
}

/// A reply whose result, if it is one object, is a list of it: results are lists.
fn with_list(mut reply: RawReply, path: &str) -> Result<RawReply, Error> {
    let fields = JsonText::of(&reply).map_err(|error| Error::decode(&reply, &error))?;
    let one = fields.json(path).filter(|result| result.trim_ascii_start().starts_with('{'));
    if let Some(one) = one {
        let mut body = format!("[{one}]");
        for name in path.rsplit('.').filter(|name| *name != "[]") {
            body = format!("{{{}:{body}}}", serde_json::Value::from(name));
        }
        reply.body = body.into();
    }
    Ok(reply)
}

fn places(family: &Family) -> &[ResultsAt] {
    match family.results() {
        Results::Reply(places) => places,
        Results::List(..) | Results::Status(_) | Results::Nothing => &[],
    }
}

/// Where the status has the results.
enum Found<'a> {
    /// In itself, at this path.
    Items(&'a str),
    /// In files at these URLs.
    Files(Vec<String>, FileForm),
}

/// The first place of the family at which the status has something, or else the first where it has a list
/// without items: large results are in files, beside such a list.
///
/// If the family can have its results in files, a finished status must have a list or a file: if it has neither, that is
/// an error. If the results are always in the status, a missing list may be an empty one, because the field that says
/// that the job is done shows that the reply is a status; but the verdict is `Unknown`.
fn found<'a>(family: &'a Family, status: &JobStatus) -> Result<Option<Found<'a>>, Error> {
    let reply = status.reply();
    let fields = JsonText::of(reply).map_err(|error| Error::decode(reply, &error))?;
    let mut empty = None;
    for place in places(family) {
        match place {
            ResultsAt::Items(path) => {
                let all = fields.all(path);
                // Without a state in the reply, nothing else shows that it is not an error.
                let is_bare = path == "[]" && *family.done_when() == DoneWhen::Not202;
                if is_bare && fields.is_no_item() {
                    return Err(without_results(reply, places(family)));
                }
                let has_items = |text: &&str| {
                    JsonText::text_of(text).elements().is_none_or(|elements| !elements.is_empty())
                };
                if all.iter().any(has_items) {
                    return Ok(Some(Found::Items(path)));
                }
                if !all.is_empty() {
                    empty = empty.or(Some(Found::Items(path)));
                }
            }
            ResultsAt::Files(path, form) => {
                let links = fields.strict_texts(path).map_err(|why| {
                    Error::not_a_page(reply, format!("the URL of a results file is missing: {why}"))
                })?;
                match links {
                    Some(links) if !links.is_empty() => {
                        return Ok(Some(Found::Files(links, form.clone())));
                    }
                    Some(links) => empty = empty.or(Some(Found::Files(links, form.clone()))),
                    None => {}
                }
            }
        }
    }
    let may_be_absent = *family.done_when() != DoneWhen::Not202
        && places(family).iter().all(|place| matches!(place, ResultsAt::Items(_)));
    if empty.is_none() && !may_be_absent && !places(family).is_empty() {
        return Err(without_results(reply, places(family)));
    }
    Ok(empty)
}

fn without_results(reply: &RawReply, places: &[ResultsAt]) -> Error {
    let names = places.iter().map(|place| match place {
        ResultsAt::Items(path) if path == "[]" => "results".to_owned(),
        ResultsAt::Items(path) | ResultsAt::Files(path, _) => format!("`{path}`"),
    });
    let names = names.collect::<Vec<_>>().join(" nor ");
    let what = if places.len() > 1 { "neither" } else { "no" };
    let why = format!("the job is done, but its status has {what} {names}");
    Error::not_a_page(reply, why)
}

/// The URLs of the files with the results; none, if that is not where they are.
pub(super) fn links(family: &Family, status: &JobStatus) -> Result<Vec<String>, Error> {
    Ok(match found(family, status)? {
        Some(Found::Files(links, _)) => links,
        Some(Found::Items(_)) | None => Vec::new(),
    })
}
