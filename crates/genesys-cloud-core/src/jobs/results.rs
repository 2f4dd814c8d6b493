//! Where the results of a job are that is done.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::Mutex;

use super::JobState;
use super::available::DataDate;
use super::end::GONE;
use super::file::Files;
use super::run::Run;
use super::spec::{Completion, FileForm, JobSpec, ResultLocation, Results};
use super::status::JobStatus;
use crate::error::Error;
use crate::json_path::JsonText;
use crate::options::JobOptions;
use crate::paging::{ListSpec, Opened, Scheme, SequenceUnit};
use crate::request::Request;
use crate::response::RawResponse;

/// Makes the call for a page, in the place of sending its request.
pub(super) type Caller =
    Arc<dyn Fn(Request) -> BoxFuture<'static, Result<RawResponse, Error>> + Send + Sync>;

/// Pages that are read one after the other. After an error the next poll continues.
pub(super) type FilePages = BoxStream<'static, Result<RawResponse, Error>>;

/// Where the pages of results come from.
pub(super) enum ResultPages {
    /// From the operation that has the results in its reply, as any list.
    Requested,
    /// From calls for the job. `redirects`: the field with the URL of a file, in a redirect in the place of a page.
    Called { call: Caller, redirects: Option<String> },
    /// From files, one page after the other. `kept`: a page that could not be read. It does not come again.
    InSequence { files: Arc<Mutex<FilePages>>, kept: Option<Box<RawResponse>> },
}

impl ResultPages {
    fn in_sequence(files: FilePages) -> Self {
        Self::InSequence { files: Arc::new(Mutex::new(files)), kept: None }
    }
}

/// Where the results of a job are that is done.
pub(super) fn opened(
    run: &Run,
    status: JobStatus,
    change: Option<Request>,
    options: &JobOptions,
    date: DataDate,
) -> Result<(Opened, ResultPages), Error> {
    run.check_expiry(&status)?;
    let family = &run.family;
    let mut opened = Opened {
        request: Request::new(run.operation().clone()),
        spec: one_reply("[]"),
        sequence: None,
        is_partial: status.state() == JobState::PartlySucceeded,
        has_no_results: false,
    };
    let pages = match family.results() {
        Results::List(call, listing) => {
            let mut request = options.changed(change.unwrap_or_else(|| run.ask(call)));
            // A page without items may come as one.
            if family.redirects().is_some() {
                request.accept_redirects();
            }
            opened.request = request;
            // The page was named by the submit: there is no way to another one.
            opened.spec = match listing.scheme() {
                Scheme::JobSelectsPage => {
                    ListSpec::new(Scheme::UnpagedWithEnvelope, listing.items().to_owned())
                }
                _ => listing.clone(),
            };
            let one = listing.is_one_reply().then(|| listing.items().to_owned());
            let redirects = family.redirects().map(str::to_owned);
            ResultPages::Called { call: listed(run, one, date), redirects }
        }
        Results::Status(listing) => {
            let status = family.status().map(|call| run.ask(call));
            let request = change.or(status).unwrap_or_else(|| run.request.clone());
            opened.request = options.changed(request);
            opened.spec = listing.clone();
            ResultPages::Requested
        }
        Results::Response(_) => match found(family, &status)? {
            Some(Found::Files(links, form)) => {
                opened.sequence = Some(match form {
                    FileForm::Bytes => SequenceUnit::Bytes,
                    FileForm::Json(_) => SequenceUnit::Items,
                });
                ResultPages::in_sequence(Files::new(run.clone(), links, form).pages())
            }
            Some(Found::Items(path)) => {
                let reply = with_list(status.reply().clone(), path)?;
                opened.spec = one_reply(path);
                let call = move |_| {
                    let reply = reply.clone();
                    async move { Ok(reply) }.boxed()
                };
                ResultPages::Called { call: Arc::new(call), redirects: None }
            }
            None => {
                opened.has_no_results = !places(family).is_empty();
                no_pages(&mut opened)
            }
        },
        Results::Nothing => no_pages(&mut opened),
    };
    Ok((opened, pages))
}

fn no_pages(opened: &mut Opened) -> ResultPages {
    opened.sequence = Some(SequenceUnit::Items);
    ResultPages::in_sequence(Box::pin(futures::stream::empty()))
}

/// Calls the operation that lists the results. `one`: the path of the items, if one reply has all of them.
fn listed(run: &Run, one: Option<String>, date: DataDate) -> Caller {
    let run = Arc::new(run.clone());
    Arc::new(move |request| {
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
    })
}

/// A page of the results of a job that is done. If there are none any more, they have expired.
pub(super) async fn page(run: &Run, request: &Request) -> Result<RawResponse, Error> {
    run.execute(request).await.map_err(|error| match error.is_refused_by(&GONE) {
        true => run.gone(request.operation()).caused_by(error),
        false => error,
    })
}

/// A page of results, unless it is a 202 that says that there are none yet: without anything at the path of the
/// items, or, where pages are many, in any case.
pub(super) fn ready(reply: RawResponse, path: Option<&str>) -> Result<RawResponse, Error> {
    let has_items = |path| JsonText::of(&reply).is_ok_and(|fields| fields.json(path).is_some());
    if reply.status() != 202 || path.is_some_and(has_items) {
        return Ok(reply);
    }
    let why = "the results are not ready, though the job is done: the API answered 202".to_owned();
    Err(Error::paging(&reply, why).advise("read on in a while: the job is not submitted again"))
}

pub(super) fn one_reply(path: &str) -> ListSpec {
    ListSpec::new(Scheme::UnpagedOtherArray, path.to_owned())
}

/// A reply whose result, if it is one object, is a list of it: results are lists.
fn with_list(mut reply: RawResponse, path: &str) -> Result<RawResponse, Error> {
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

fn places(family: &JobSpec) -> &[ResultLocation] {
    match family.results() {
        Results::Response(places) => places,
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
fn found<'a>(family: &'a JobSpec, status: &JobStatus) -> Result<Option<Found<'a>>, Error> {
    let reply = status.reply();
    let fields = JsonText::of(reply).map_err(|error| Error::decode(reply, &error))?;
    let mut empty = None;
    for place in places(family) {
        match place {
            ResultLocation::Items(path) => {
                let all = fields.all(path);
                // Without a state in the reply, nothing else shows that it is not an error.
                let is_bare = path == "[]" && *family.done_when() == Completion::Not202;
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
            ResultLocation::Files(path, form) => {
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
    let may_be_absent = *family.done_when() != Completion::Not202
        && places(family).iter().all(|place| matches!(place, ResultLocation::Items(_)));
    if empty.is_none() && !may_be_absent && !places(family).is_empty() {
        return Err(without_results(reply, places(family)));
    }
    Ok(empty)
}

fn without_results(reply: &RawResponse, places: &[ResultLocation]) -> Error {
    let names = places.iter().map(|place| match place {
        ResultLocation::Items(path) if path == "[]" => "results".to_owned(),
        ResultLocation::Items(path) | ResultLocation::Files(path, _) => format!("`{path}`"),
    });
    let names = names.collect::<Vec<_>>().join(" nor ");
    let what = if places.len() > 1 { "neither" } else { "no" };
    let why = format!("the job is done, but its status has {what} {names}");
    Error::not_a_page(reply, why)
}

/// The URLs of the files with the results; none, if that is not where they are.
pub(super) fn links(family: &JobSpec, status: &JobStatus) -> Result<Vec<String>, Error> {
    Ok(match found(family, status)? {
        Some(Found::Files(links, _)) => links,
        Some(Found::Items(_)) | None => Vec::new(),
    })
}
