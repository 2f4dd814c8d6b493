//! Finds the results of a job that is done.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::Mutex;

use super::JobState;
use super::availability::DataDate;
use super::errors::GONE;
use super::file::Files;
use super::poller::Poller;
use super::spec::{Completion, FileForm, JobSpec, ResultLocation, Results};
use super::status::JobStatus;
use crate::error::Error;
use crate::json_path::JsonText;
use crate::options::JobOptions;
use crate::paging::{ListSpec, Opened, Scheme, SequenceUnit};
use crate::request::Request;
use crate::response::RawResponse;

/// Makes the call for a page instead of sending its request.
pub(super) type Caller =
    Arc<dyn Fn(Request) -> BoxFuture<'static, Result<RawResponse, Error>> + Send + Sync>;

/// Pages that are read one after the other. After an error the next poll continues.
pub(super) type FilePages = BoxStream<'static, Result<RawResponse, Error>>;

/// Where the pages of results come from.
pub(super) enum ResultPages {
    /// From the operation that lists the results, like any list.
    Requested,
    /// From calls for the job. `redirects` is the field with the URL of a file in a redirect that replaces a page.
    Called { call: Caller, redirects: Option<String> },
    /// From files, one page after the other. `kept` is a page that could not be read: it can't be fetched again.
    InSequence { files: Arc<Mutex<FilePages>>, kept: Option<Box<RawResponse>> },
}

impl ResultPages {
    fn in_sequence(files: FilePages) -> Self {
        Self::InSequence { files: Arc::new(Mutex::new(files)), kept: None }
    }
}

/// Finds the results of a job that is done.
pub(super) fn opened(
    poller: &Poller,
    status: JobStatus,
    change: Option<Request>,
    options: &JobOptions,
    date: DataDate,
) -> Result<(Opened, ResultPages), Error> {
    poller.check_expiry(&status)?;
    let spec = &poller.spec;
    let mut opened = Opened {
        request: Request::new(poller.operation().clone()),
        spec: single_response("[]"),
        sequence: None,
        is_partial: status.state() == JobState::PartlySucceeded,
        has_no_results: false,
    };
    let pages = match spec.results() {
        Results::List(call, list_spec) => {
            let mut request = options.changed(change.unwrap_or_else(|| poller.ask(call)));
            // A page can be a redirect without items.
            if spec.redirects().is_some() {
                request.accept_redirects();
            }
            opened.request = request;
            // The submit selected this page, so the list has no other.
            opened.spec = match list_spec.scheme() {
                Scheme::JobSelectsPage => {
                    ListSpec::new(Scheme::UnpagedWithEnvelope, list_spec.items().to_owned())
                }
                _ => list_spec.clone(),
            };
            let one = list_spec.is_single_response().then(|| list_spec.items().to_owned());
            let redirects = spec.redirects().map(str::to_owned);
            ResultPages::Called { call: listed(poller, one, date), redirects }
        }
        Results::Status(list_spec) => {
            let status = spec.status().map(|call| poller.ask(call));
            let request = change.or(status).unwrap_or_else(|| poller.request.clone());
            opened.request = options.changed(request);
            opened.spec = list_spec.clone();
            ResultPages::Requested
        }
        Results::Response(_) => match find_results(spec, &status)? {
            Some(Found::Files(links, form)) => {
                opened.sequence = Some(match form {
                    FileForm::Bytes => SequenceUnit::Bytes,
                    FileForm::Json(_) => SequenceUnit::Items,
                });
                ResultPages::in_sequence(Files::new(poller.clone(), links, form).pages())
            }
            Some(Found::Items(path)) => {
                let response = as_list(status.response().clone(), path)?;
                opened.spec = single_response(path);
                let call = move |_| {
                    let response = response.clone();
                    async move { Ok(response) }.boxed()
                };
                ResultPages::Called { call: Arc::new(call), redirects: None }
            }
            None => {
                opened.has_no_results = !locations(spec).is_empty();
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

/// Calls the operation that lists the results. `one` is the path of the items, if one response has all of them.
fn listed(poller: &Poller, one: Option<String>, date: DataDate) -> Caller {
    let poller = Arc::new(poller.clone());
    Arc::new(move |request| {
        let (poller, one, date) = (poller.clone(), one.clone(), date.clone());
        async move {
            let response = page(&poller, &request).await?;
            date.learn(&poller, &response).await;
            match one {
                Some(path) => as_list(ready(response, Some(&path))?, &path),
                None => ready(response, None),
            }
        }
        .boxed()
    })
}

/// Fetches a page of results. A 404 or 410 means that they have expired.
pub(super) async fn page(poller: &Poller, request: &Request) -> Result<RawResponse, Error> {
    poller.execute(request).await.map_err(|error| match error.is_refused_by(&GONE) {
        true => poller.gone(request.operation()).caused_by(error),
        false => error,
    })
}

/// Rejects a 202 without results: with nothing at the path of the items or, if the results have many pages, any 202.
pub(super) fn ready(response: RawResponse, path: Option<&str>) -> Result<RawResponse, Error> {
    let has_items = |path| JsonText::of(&response).is_ok_and(|fields| fields.json(path).is_some());
    if response.status() != 202 || path.is_some_and(has_items) {
        return Ok(response);
    }
    let why = "the job is done, but the API answered 202: the results are not ready".to_owned();
    Err(Error::paging(&response, why).advise("try again later: the job is not submitted again"))
}

pub(super) fn single_response(path: &str) -> ListSpec {
    ListSpec::new(Scheme::UnpagedOtherArray, path.to_owned())
}

/// Wraps a single result object in a list.
fn as_list(mut response: RawResponse, path: &str) -> Result<RawResponse, Error> {
    let fields = JsonText::of(&response).map_err(|error| Error::decode(&response, &error))?;
    let one = fields.json(path).filter(|result| result.trim_ascii_start().starts_with('{'));
    if let Some(one) = one {
        let mut body = format!("[{one}]");
        for name in path.rsplit('.').filter(|name| *name != "[]") {
            body = format!("{{{}:{body}}}", serde_json::Value::from(name));
        }
        response.body = body.into();
    }
    Ok(response)
}

fn locations(spec: &JobSpec) -> &[ResultLocation] {
    match spec.results() {
        Results::Response(locations) => locations,
        Results::List(..) | Results::Status(_) | Results::Nothing => &[],
    }
}

/// The results, as found in the status.
enum Found<'a> {
    /// In the status, at this path.
    Items(&'a str),
    /// In files at these URLs.
    Files(Vec<String>, FileForm),
}

/// Returns the first location of the spec at which the status has something, or else the first with an empty list:
/// large results are in files, next to an empty list.
///
/// If results can be in files, a finished status must have a list or a file; neither is an error. If the results are
/// always in the status, a missing list may be an empty one, because the field that says the job is done shows that the
/// response is a status; but the verdict is `Unknown`.
fn find_results<'a>(spec: &'a JobSpec, status: &JobStatus) -> Result<Option<Found<'a>>, Error> {
    let response = status.response();
    let fields = JsonText::of(response).map_err(|error| Error::decode(response, &error))?;
    let mut empty = None;
    for location in locations(spec) {
        match location {
            ResultLocation::Items(path) => {
                let all = fields.all(path);
                // Without a state, only the result shows that the response is not an error.
                let is_bare = path == "[]" && *spec.done_when() == Completion::Not202;
                if is_bare && fields.is_no_item() {
                    return Err(without_results(response, locations(spec)));
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
                    Error::not_a_page(
                        response,
                        format!("the URL of a results file is missing: {why}"),
                    )
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
    let may_be_absent = *spec.done_when() != Completion::Not202
        && locations(spec).iter().all(|location| matches!(location, ResultLocation::Items(_)));
    if empty.is_none() && !may_be_absent && !locations(spec).is_empty() {
        return Err(without_results(response, locations(spec)));
    }
    Ok(empty)
}

fn without_results(response: &RawResponse, locations: &[ResultLocation]) -> Error {
    let names = locations.iter().map(|location| match location {
        ResultLocation::Items(path) if path == "[]" => "results".to_owned(),
        ResultLocation::Items(path) | ResultLocation::Files(path, _) => format!("`{path}`"),
    });
    let names = names.collect::<Vec<_>>().join(" nor ");
    let what = if locations.len() > 1 { "neither" } else { "no" };
    let why = format!("the job is done, but its status has {what} {names}");
    Error::not_a_page(response, why)
}

/// The URLs of the files with the results. Empty if the results are not in files.
pub(super) fn links(spec: &JobSpec, status: &JobStatus) -> Result<Vec<String>, Error> {
    Ok(match find_results(spec, status)? {
        Some(Found::Files(links, _)) => links,
        Some(Found::Items(_)) | None => Vec::new(),
    })
}
