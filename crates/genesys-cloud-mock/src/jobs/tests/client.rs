//! A client that knows how a job spec runs, but not how it fails.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::api::Api;
use crate::classify::ItemLocation;
use crate::jobs::response::FAILURE;
use crate::jobs::results::{FileFormat, ResultLocation};
use crate::jobs::spec::{Completion, IdLocation, JobSpec};
use crate::jobs::{JobEnd, JobScenario};
use crate::query::encode;
use crate::response::CannedResponse;
use crate::{Expected, MockOrg, Scheme};
use genesys_cloud_catalogue::{Catalogue, Kind, Location};

/// What a client read from a job.
#[derive(Debug, Default)]
pub(super) struct Got {
    pub(super) records: Vec<String>,
    pub(super) files: Vec<Bytes>,
    pub(super) message: Option<String>,
    pub(super) end: Option<JobEnd>,
    pub(super) refusals: usize,
}

pub(super) struct Client<'a> {
    pub(super) org: &'a MockOrg,
    pub(super) spec: &'static JobSpec,
    pub(super) token: String,
    pub(super) id: String,
    pub(super) scenario: JobScenario,
}

impl Client<'_> {
    fn api(&self) -> &'static Api {
        self.org.service().api()
    }

    async fn call(&self, endpoint: usize, query: &str, body: Value) -> CannedResponse {
        let operation = self.api().endpoint(endpoint).operation;
        let mut path = operation.path.clone();
        let mut parameters: Vec<_> = operation.parameters_in(Location::Path).collect();
        let last = parameters.pop();
        for parameter in parameters {
            path = path.replace(&format!("{{{}}}", parameter.name), &parameter.name);
        }
        if let Some(last) = last {
            let of_job = endpoint != self.spec.submit && !self.id.is_empty();
            let value = match last.kind {
                Kind::Integer => "1",
                _ if of_job && self.spec.id != IdLocation::Nowhere => self.id.as_str(),
                _ => &last.name,
            };
            path = path.replace(&format!("{{{}}}", last.name), value);
        }
        let required = operation.parameters_in(Location::Query).filter(|it| it.required);
        let required: Vec<_> = required.map(|it| format!("{}=1", it.name)).collect();
        let query = [required.join("&").as_str(), query].join("&");
        let body = if operation.body.is_some() { body.to_string() } else { String::new() };
        let request = http::Request::builder()
            .method(operation.method.as_str())
            .uri(format!("{path}?{}", query.trim_matches('&')))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json");
        let (head, ()) = request.body(()).expect("a request").into_parts();
        self.org.service().respond(&head, body.into()).await.response
    }

    /// Downloads a file, with resumes.
    async fn file(&self, link: &str) -> Result<Bytes, u16> {
        let Some(path) = link.strip_prefix(&self.org.files_url()) else { return Err(0) };
        let (mut file, mut tries) = (Vec::new(), 0);
        loop {
            tries += 1;
            if tries > 5 {
                return Err(1);
            }
            let request =
                http::Request::get(path).header("range", format!("bytes={}-", file.len()));
            let (head, ()) = request.body(()).expect("a request").into_parts();
            let (response, _) = self.org.service().respond_with_file(&head, Bytes::new());
            let status = response.status().as_u16();
            match status {
                200 => file.clear(),
                206 => {}
                other => return Err(other),
            }
            let mut body = response.into_body();
            let is_whole = loop {
                match body.frame().await {
                    None => break true,
                    Some(Ok(frame)) => file.extend_from_slice(&frame.into_data().expect("bytes")),
                    Some(Err(_)) => break false,
                }
            };
            if is_whole {
                return Ok(file.into());
            }
        }
    }

    /// Runs one job, or one per page.
    pub(super) async fn run(&mut self) -> Got {
        let submit = self.api().endpoint(self.spec.submit);
        let by_page = submit.scheme == Some(Scheme::JobSelectsPage);
        let mut all = self.run_one(1).await;
        for number in 2..=4 {
            if by_page && all.end.is_some_and(JobEnd::has_results) {
                let page = self.run_one(number).await;
                all.records.extend(page.records);
            }
        }
        all
    }

    async fn run_one(&mut self, number: u64) -> Got {
        let mut got = Got::default();
        let spec = self.spec;
        let submit = self.api().endpoint(spec.submit);
        let mut polled = if spec.completion == Completion::Accepted {
            self.wait(&mut got).await
        } else {
            let response = self
                .call(spec.submit, &format!("pageNumber={number}"), json!({ "pageNumber": number }))
                .await;
            assert!((200..300).contains(&response.status), "{response:?}");
            let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            match spec.id {
                // The response is a job or its results.
                IdLocation::Field("job.id") if self.scenario == JobScenario::InlineAtOnce => {}
                IdLocation::Field(path) => {
                    let id = body.pointer(&format!("/{}", path.replace('.', "/")));
                    self.id = id.and_then(Value::as_str).expect("an id").to_owned();
                }
                IdLocation::Path => {
                    let last = submit.operation.parameters_in(Location::Path).last();
                    self.id = last.expect("a parameter").name.clone();
                }
                IdLocation::Location => {
                    let (_, location) =
                        response.headers.iter().find(|it| it.0 == "location").expect("one");
                    self.id = location.rsplit('/').next().expect("an id").to_owned();
                }
                IdLocation::Nowhere => self.id.clear(),
            }
            if self.scenario == JobScenario::InlineAtOnce {
                got.end = Some(JobEnd::Succeeded);
                self.collect(&mut got, &body, &spec.output.in_submit).await;
                return got;
            }
            if !spec.is_pollable() {
                got.end = Some(JobEnd::NotificationOnly);
                return got;
            }
            self.wait(&mut got).await
        };
        if got.end.is_none() {
            got.end = Some(JobEnd::Succeeded);
        }
        if !got.end.is_some_and(JobEnd::has_results) {
            return got;
        }
        let listed_by = spec.listed_by(self.api()).map(|endpoint| endpoint.index);
        match (spec.results, listed_by) {
            (Some(results), None) => {
                let response = self.call(results, "", json!({})).await;
                if response.status == 404 {
                    got.end = Some(JobEnd::Expired);
                    return got;
                }
                assert_eq!(response.status, 200, "{response:?}");
                let result = serde_json::from_slice(&response.body).expect("JSON");
                got.records.push(Expected::key(&result));
            }
            (_, Some(listed_by))
                if spec.results.is_some() || spec.output.in_status.links.is_none() =>
            {
                self.pages(&mut got, listed_by).await;
            }
            _ => {
                self.collect(&mut got, &polled, &spec.output.in_status).await;
                if got.end == Some(JobEnd::Undeliverable) {
                    // A new link may work.
                    polled = self.wait(&mut got).await;
                    got.end = Some(JobEnd::Succeeded);
                    self.collect(&mut got, &polled, &spec.output.in_status).await;
                }
            }
        }
        got
    }

    /// Polls until the job is done; sets the end unless it succeeded.
    async fn wait(&self, got: &mut Got) -> Value {
        let spec = self.spec;
        let status = spec.status.expect("a status");
        for _ in 0..10 {
            let response = self.call(status, "", json!({})).await;
            if response.status >= 400 {
                got.refusals += 1;
                continue;
            }
            let mut body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            if let Completion::InList(_) = spec.completion {
                let jobs = body["entities"].as_array().expect("a list").iter();
                body =
                    jobs.into_iter().find(|it| it["id"] == self.id.as_str()).expect("it").clone();
            }
            let path = spec.state_path().map(|path| match path {
                "" => String::new(),
                path => format!("/{}", path.replace('.', "/")),
            });
            let state = path.and_then(|path| body.pointer(&path)?.as_str());
            let states = &spec.states;
            let is = |end: Option<&str>| end.is_some() && end == state;
            if states.awaiting_input.is_some() && is(states.awaiting_input) {
                let runs = self.org.service().jobs().runs_of(spec);
                runs.iter().for_each(|run| run.release());
                continue;
            }
            let end = match &spec.completion {
                Completion::Field(name) => body.get(*name).map(|_| JobEnd::Succeeded),
                Completion::Since(name) => {
                    let at = body[*name].as_str().expect("a time");
                    (at > "2026").then_some(JobEnd::Succeeded)
                }
                Completion::Accepted => (response.status == 200).then_some(JobEnd::Succeeded),
                _ if is(states.succeeded) => Some(JobEnd::Succeeded),
                _ if is(states.partly) => Some(JobEnd::PartlySucceeded),
                _ if is(states.failed) => Some(JobEnd::Failed),
                _ if is(states.cancelled) => Some(JobEnd::Cancelled),
                _ if is(states.expired) => Some(JobEnd::Expired),
                _ => None,
            };
            if let Some(end) = end {
                got.message = body.to_string().contains(FAILURE).then(|| FAILURE.to_owned());
                got.end = Some(end);
                return body;
            }
            assert!(!states.pending.is_empty() || states.succeeded.is_none() || state.is_some());
        }
        panic!("{} {:?} never ends", self.api().endpoint(spec.submit).operation.id, self.scenario);
    }

    /// Reads the results in a response, or in the files that it links to.
    async fn collect(&self, got: &mut Got, body: &Value, location: &ResultLocation) {
        let inline = location
            .inline
            .as_ref()
            .and_then(|inline| body.pointer(&format!("/{}", inline.path.replace('.', "/"))));
        if let Some(result) = inline {
            got.records.extend(keys(result));
            return;
        }
        let Some(field) = location.links.and_then(|links| body.get(links.field)) else { return };
        let links: Vec<String> = match field {
            Value::Array(links) => {
                links.iter().map(|it| it.as_str().expect("a URL").to_owned()).collect()
            }
            Value::Object(entity) => {
                let id = entity["id"].as_str().expect("an id");
                let download = self.api().find("GET /api/v2/downloads/{downloadId}").expect("one");
                let path = download.operation.path.replace("{downloadId}", id);
                let request = http::Request::get(path)
                    .header("authorization", format!("Bearer {}", self.token));
                let (head, ()) = request.body(()).expect("a request").into_parts();
                let response = self.org.service().respond(&head, Bytes::new()).await.response;
                assert_eq!(response.status, 302);
                vec![response.headers.iter().find(|it| it.0 == "location").expect("one").1.clone()]
            }
            link => vec![link.as_str().expect("a URL").to_owned()],
        };
        for link in links {
            let Ok(file) = self.file(&link).await else {
                got.end = Some(JobEnd::Undeliverable);
                return;
            };
            got.files.push(file.clone());
            match self.spec.output.format {
                FileFormat::Json => {
                    let mut text = String::new();
                    match file.starts_with(&[0x1f, 0x8b]) {
                        true => {
                            GzDecoder::new(&file[..]).read_to_string(&mut text).expect("gzip");
                        }
                        false => text.push_str(std::str::from_utf8(&file).expect("text")),
                    }
                    got.records.extend(keys(&serde_json::from_str(&text).expect("JSON")));
                }
                FileFormat::Csv => {
                    let text = std::str::from_utf8(&file).expect("text");
                    let ids = text.lines().skip(1).filter_map(|line| line.split(',').next());
                    got.records.extend(ids.map(str::to_owned));
                }
                FileFormat::Archive => {}
            }
        }
    }

    /// Reads all pages of the results.
    async fn pages(&self, got: &mut Got, listed_by: usize) {
        let catalogue = Catalogue::embedded();
        let schema = self.api().endpoint(listed_by).schema().expect("a response");
        let location = ItemLocation::of(catalogue, schema);
        let mut query = String::new();
        for number in 2..20 {
            let response = self.call(listed_by, &query, json!({})).await;
            if response.status == 404 {
                got.end = Some(JobEnd::Expired);
                return;
            }
            assert!(matches!(response.status, 200 | 302), "{response:?}");
            let page: Value = serde_json::from_slice(&response.body).expect("JSON");
            let items = match (response.status, location) {
                (302, _) => {
                    let file = self.file(page["downloadUrl"].as_str().expect("a URL")).await;
                    let file: Value = serde_json::from_slice(&file.expect("a file")).expect("JSON");
                    file["entities"].clone()
                }
                (_, Some(ItemLocation::Field(name, None))) => page[name].clone(),
                _ => page.clone(),
            };
            got.records.extend(items.as_array().expect("items").iter().map(Expected::key));
            if !self.api().endpoint(listed_by).scheme.is_some_and(Scheme::is_paged) {
                return;
            }
            let text = |path: &str| page.pointer(path).and_then(Value::as_str).map(encode);
            query = if let Some(cursor) = text("/cursor") {
                format!("cursor={cursor}")
            } else if let Some(after) = text("/cursors/after") {
                format!("after={after}")
            } else if let Some((_, next)) =
                page["nextUri"].as_str().and_then(|it| it.split_once('?'))
            {
                next.to_owned()
            } else if page["pageCount"].as_u64().is_some_and(|count| number <= count)
                && self.spec.results.is_none()
            {
                format!("pageNumber={number}")
            } else {
                return;
            };
        }
    }
}

/// The names of lists in results.
const LISTS: [&str; 9] = [
    "entities",
    "results",
    "data",
    "items",
    "trades",
    "weeks",
    "userResults",
    "planningGroupResults",
    "requirementResults",
];

/// Fields of a single result, whatever lists it has.
const ONE: [&str; 2] = ["id", "months"];

/// The keys of results: a list, an object with a list, or a single result.
fn keys(result: &Value) -> Vec<String> {
    let list = match result {
        Value::Array(items) => Some(items),
        Value::Object(fields) if ONE.iter().any(|name| fields.contains_key(*name)) => None,
        Value::Object(fields) => LISTS.into_iter().find_map(|name| fields.get(name)?.as_array()),
        _ => None,
    };
    list.map_or_else(
        || vec![Expected::key(result)],
        |items| items.iter().map(Expected::key).collect(),
    )
}
