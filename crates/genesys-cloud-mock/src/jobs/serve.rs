//! Answers the operations of jobs.

use std::sync::Arc;

use bytes::Bytes;
use http::header::LOCATION;
use serde_json::{Value, json};

use super::files::File;
use super::response::JobResponse;
use super::results::{Links, ResultLocation, write_one};
use super::run::{JobStatus, Run};
use super::scenario::JobScenario;
use super::spec::{Completion, IdLocation, JobSpec, Role};
use crate::api::{Endpoint, SuccessBody};
use crate::lies::{Effect, ResponseKind};
use crate::query::Query;
use crate::response::CannedResponse;
use crate::service::{Outcome, RoutedRequest, Service};
use crate::timestamp::Timestamp;

/// The field with the URL for an upload.
const UPLOADS: [&str; 4] = ["uploadUrl", "uploadURI", "presignedUrl", "url"];

/// The operation that redirects from the address of a download to its file.
const DOWNLOAD: &str = "/api/v2/downloads/{downloadId}";

impl Service {
    /// Answers an operation on a job; `None` if the request is not about one.
    pub(crate) fn job(&self, routed: &RoutedRequest<'_>) -> Option<Outcome> {
        let endpoint = routed.endpoint;
        let job_specs = self.jobs().job_specs();
        let known = self.known_run(routed);
        // The operation that continues a job may itself submit one, if there is none.
        let lets_go_on = matches!(known, Some((_, Role::Release)));
        if let Some(spec) = job_specs.of_submit(endpoint.index).filter(|_| !lets_go_on) {
            return Some(match spec.repeats() {
                true => self.repeat(routed, spec),
                false => {
                    let outcome = self.submit(routed, spec).unwrap_or_else(Outcome::from);
                    self.apply_job_lie(spec.submit, ResponseKind::Submit, outcome)
                }
            });
        }
        if endpoint.operation.path == DOWNLOAD {
            return self.download(routed).map(Outcome::from);
        }
        if let Some(spec) = job_specs.of_list(endpoint.index) {
            return Some(self.list_jobs(routed, spec));
        }
        let Some((run, role)) = known else {
            return self.is_unknown(routed).then(|| CannedResponse::not_found().into());
        };
        Some(match role {
            Role::Status => {
                let outcome = self.status(routed, &run);
                let response_kind = ResponseKind::Status { is_first: run.is_new() };
                self.apply_job_lie(run.spec.submit, response_kind, outcome)
            }
            Role::Results => self.results(routed, &run),
            Role::Release => {
                run.release();
                let answer = self.plain_response(routed);
                self.write_status(answer, endpoint, &run, run.poll().ok(), None)
            }
            Role::Cancel => {
                run.cancel();
                if run.spec.states.cancelled.is_none() {
                    self.jobs().forget(&run.id);
                }
                self.plain_response(routed)
            }
        })
    }

    /// The job of a request, and the role of the operation in it.
    fn known_run(&self, routed: &RoutedRequest<'_>) -> Option<(Arc<Run>, Role)> {
        let mut keys: Vec<&str> = routed.path_values.iter().map(AsRef::as_ref).collect();
        keys.push(&routed.request.path);
        let mut runs = keys.into_iter().filter_map(|key| self.jobs().run(key));
        runs.find_map(|run| run.spec.role(routed.endpoint.index).map(|role| (run, role)))
    }

    /// Whether a request is about a job unknown to this org.
    fn is_unknown(&self, routed: &RoutedRequest<'_>) -> bool {
        let endpoint = routed.endpoint;
        let is_listed = || routed.path_values.last().is_some_and(|id| self.lists_record(id));
        self.jobs().job_specs().is_by_id(endpoint.index)
            && !self.lists().is_set_up(endpoint)
            && !is_listed()
    }

    fn submit(
        &self,
        routed: &RoutedRequest<'_>,
        spec: &'static JobSpec,
    ) -> Result<Outcome, CannedResponse> {
        let plain = self.plain_response(routed);
        if plain.response.status >= 300 {
            return Ok(plain);
        }
        let id = match spec.id {
            IdLocation::Path => {
                routed.path_values.last().map(|id| id.to_string()).unwrap_or_default()
            }
            _ => self.jobs().new_id(),
        };
        self.lists().submit(
            routed.endpoint,
            spec.listed_by(self.api()),
            routed.request,
            id.clone(),
            self.availability().until(self.now()),
        )?;
        self.availability().note(&id, self.now());
        let key = match spec.id {
            IdLocation::Nowhere => routed.request.path.clone(),
            _ => id.clone(),
        };
        let run = self.jobs().start(key, spec, id);
        let is_immediate = run.plan.scenario == JobScenario::InlineAtOnce;
        // A list that is both the response and the result stays a list, unless a test has planned the job.
        let is_list = matches!(routed.endpoint.success_response().body, SuccessBody::Listing(_));
        let location = (!is_list || run.plan.is_set).then_some(&spec.output.in_submit);
        let mut outcome =
            self.write_status(plain, routed.endpoint, &run, Some(run.first()), location);
        let has_status = |status| {
            routed.endpoint.operation.replies.iter().any(|response| response.status == Some(status))
        };
        match is_immediate {
            true => {
                outcome.response.status = 200;
                if spec.id == IdLocation::Field("job.id") {
                    outcome.response = without(outcome.response, "job");
                }
            }
            false if location.is_some() && has_status(202) => outcome.response.status = 202,
            false => {}
        }
        if spec.id == IdLocation::Location {
            let path = spec
                .status
                .map_or("", |status| self.api().endpoint(status).operation.path.as_str());
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let url = format!("{parent}/{}", run.id);
            outcome.response = outcome.response.header(LOCATION.as_str(), &url);
        }
        Ok(outcome)
    }

    /// A submit that is repeated until the job is done.
    fn repeat(&self, routed: &RoutedRequest<'_>, spec: &'static JobSpec) -> Outcome {
        let key = &routed.request.path;
        let run = self.jobs().run(key).filter(|run| run.spec.submit == spec.submit);
        let run = run.unwrap_or_else(|| self.jobs().start(key.clone(), spec, self.jobs().new_id()));
        let outcome = match run.poll() {
            Err(refusal) => refusal.into(),
            Ok(job_status @ JobStatus::Ended(_)) => {
                let (answer, location) = (self.plain_response(routed), &spec.output.in_status);
                // Otherwise the response is a record without any state of a job.
                match location.links {
                    Some(_) => self.write_status(
                        answer,
                        routed.endpoint,
                        &run,
                        Some(job_status),
                        Some(location),
                    ),
                    None => answer,
                }
            }
            Ok(_) => CannedResponse::empty(202).into(),
        };
        let response_kind = ResponseKind::Status { is_first: run.is_new() };
        self.apply_job_lie(spec.submit, response_kind, outcome)
    }

    fn status(&self, routed: &RoutedRequest<'_>, run: &Arc<Run>) -> Outcome {
        let job_status = match run.poll() {
            Ok(job_status) => job_status,
            Err(refusal) => return refusal.into(),
        };
        let answer = self.plain_response(routed);
        let location = &run.spec.output.in_status;
        let mut outcome =
            self.write_status(answer, routed.endpoint, run, Some(job_status), Some(location));
        let mut replies = routed.endpoint.operation.replies.iter();
        if outcome.response.status < 300 {
            let is_pending = !matches!(job_status, JobStatus::Ended(_));
            let is_202 = is_pending && replies.any(|response| response.status == Some(202));
            outcome.response.status = if is_202 { 202 } else { 200 };
        }
        outcome
    }

    /// A list of jobs, with the submitted ones first.
    fn list_jobs(&self, routed: &RoutedRequest<'_>, spec: &'static JobSpec) -> Outcome {
        let mut outcome = self.plain_response(routed);
        let mut response_kind = ResponseKind::Status { is_first: true };
        let is_first =
            Query::new(&routed.request.query).get("pageNumber").is_none_or(|it| it == "1");
        let (Completion::InList(path), true) =
            (&spec.completion, is_first && outcome.response.status < 300)
        else {
            return outcome;
        };
        let Ok(mut body) = serde_json::from_slice::<Value>(&outcome.response.body) else {
            return outcome;
        };
        for run in self.jobs().runs_of(spec) {
            let job_status = match run.poll() {
                Ok(job_status) => job_status,
                Err(refusal) => return refusal.into(),
            };
            response_kind = ResponseKind::Status { is_first: run.is_new() };
            let submit = self.api().endpoint(spec.submit);
            let Some(schema) = submit.schema() else { continue };
            let element = body["entities"].get(0).cloned().unwrap_or_else(|| json!({}));
            let mut response = JobResponse { body: element, schema };
            response.set("id", run.id.as_str());
            response.set_status(job_status, &spec.states, Some(path));
            self.write_results(&mut response, &run, job_status, &spec.output.in_status);
            if let Some(elements) = body["entities"].as_array_mut() {
                elements.insert(0, response.body);
            }
        }
        outcome.response.body = body.to_string().into();
        self.apply_job_lie(spec.submit, response_kind, outcome)
    }

    fn results(&self, routed: &RoutedRequest<'_>, run: &Arc<Run>) -> Outcome {
        if let Err(refusal) = run.results() {
            return refusal.into();
        }
        let answer = routed.endpoint.success_response();
        if let SuccessBody::Record(shape) = &answer.body {
            let list = self.lists().list(routed.endpoint);
            let record = write_one(shape, list, &routed.request.path);
            return CannedResponse::raw_json(answer.status, record).into();
        }
        let outcome = self.plain_response(routed);
        let refused = Query::new(&routed.request.query).get("allowRedirect");
        let redirects = run.plan.scenario == JobScenario::RedirectWithBody
            && refused.as_deref() != Some("false");
        match redirects && outcome.response.status < 300 {
            true => self.redirect(outcome, run),
            false => outcome,
        }
    }

    /// Moves the items of a page into a file, and redirects to it.
    fn redirect(&self, outcome: Outcome, run: &Run) -> Outcome {
        let Ok(Value::Object(mut page)) = serde_json::from_slice(&outcome.response.body) else {
            return outcome;
        };
        let items = page.remove("entities").unwrap_or_default();
        let body: Bytes = json!({ "entities": items }).to_string().into();
        let cursor = page.get("cursor").and_then(Value::as_str).unwrap_or("last");
        let name = format!("results/{}-before-{cursor}", run.id);
        let file = File::new(name, (body, "application/json"), run);
        let link = self.jobs().store.link(&self.jobs().store.add(file));
        page.insert("id".to_owned(), run.id.as_str().into());
        page.insert("downloadUrl".to_owned(), link.as_str().into());
        let response =
            CannedResponse::json(302, &Value::Object(page)).header(LOCATION.as_str(), &link);
        Outcome { response, ..outcome }
    }

    /// Redirects from the address of a download to the file.
    fn download(&self, routed: &RoutedRequest<'_>) -> Option<CannedResponse> {
        let name = routed.path_values.last()?;
        let file = self.jobs().store.file(&format!("results/{name}"))?;
        let link = self.jobs().store.link(&file);
        let stays = Query::new(&routed.request.query).get("issueRedirect");
        Some(match stays.as_deref() {
            Some("false") => CannedResponse::json(200, &json!({ "url": link })),
            _ => CannedResponse::empty(302).header(LOCATION.as_str(), &link),
        })
    }

    /// Writes the status of a job into a response.
    fn write_status(
        &self,
        outcome: Outcome,
        endpoint: &'static Endpoint,
        run: &Arc<Run>,
        job_status: Option<JobStatus>,
        location: Option<&ResultLocation>,
    ) -> Outcome {
        let (Some(schema), Some(job_status)) = (endpoint.schema(), job_status) else {
            return outcome;
        };
        let Ok(body) = serde_json::from_slice::<Value>(&outcome.response.body) else {
            return outcome;
        };
        if outcome.response.status >= 300 {
            return outcome;
        }
        let spec = run.spec;
        let mut response = JobResponse { body, schema };
        response.set_status(job_status, &spec.states, spec.state_path());
        self.identify(&mut response, endpoint, run);
        if let Some(location) = location {
            self.write_results(&mut response, run, job_status, location);
        }
        self.date(&mut response, run, job_status);
        let is_upload = response.has("headers") || response.has("uploadHeaders");
        for name in UPLOADS.into_iter().filter(|_| is_upload) {
            if response.has(name) {
                response.set(name, self.jobs().store.upload_link(run));
            }
        }
        let body = response.body.to_string().into();
        Outcome { response: CannedResponse { body, ..outcome.response }, ..outcome }
    }

    /// Writes the id where this response has it.
    fn identify(&self, response: &mut JobResponse, endpoint: &Endpoint, run: &Run) {
        if endpoint.index == run.spec.submit {
            if let IdLocation::Field(path) = run.spec.id {
                response.set(path, run.id.as_str());
            }
        } else if run.spec.completion == Completion::Field("diagnostics") {
            response.set_known("commandCorrelationId", run.id.as_str());
        } else if run.spec.id != IdLocation::Nowhere {
            let is_nested = response.has("job.id");
            response.set_known(if is_nested { "job.id" } else { "id" }, run.id.as_str());
        }
    }

    /// Writes the results of a job that is done, and removes them otherwise.
    fn write_results(
        &self,
        response: &mut JobResponse,
        run: &Run,
        job_status: JobStatus,
        location: &ResultLocation,
    ) {
        let is_done = matches!(job_status, JobStatus::Ended(end) if end.is_done());
        let spec = run.spec;
        let listed_by = spec.listed_by(self.api()).map(|endpoint| endpoint.index);
        let list = self.lists().list(self.api().endpoint(spec.submit));
        let in_file = self.jobs().is_in_file(spec, &run.plan);
        if let Some(inline) = &location.inline {
            let is_immediate = run.plan.scenario == JobScenario::InlineAtOnce;
            match is_done && !in_file {
                // The response is already a page of the list.
                true if listed_by.is_some() && spec.results.is_none() && !is_immediate => {}
                true => {
                    let results = inline.content.write(list, 0..run.plan.count());
                    response.set(&inline.path, results);
                }
                false => response.remove(&inline.path),
            }
        }
        if let Completion::Field(name) = spec.completion
            && !is_done
        {
            response.remove(name);
        }
        // A URL field that these jobs do not use.
        let is_inline = location.inline.as_ref().is_some_and(|inline| !inline.path.is_empty());
        if location.links.is_none() && is_inline && response.has("downloadUrl") {
            response.remove("downloadUrl");
        }
        if let Some(links) = location.links {
            let files = if is_done && in_file { self.jobs().files(run, list) } else { &[] };
            self.link(response, links, files);
        }
        if is_done && (location.inline.is_some() || location.links.is_some()) {
            self.apply_results_lie(response, run, location);
        }
    }

    /// Removes the results or changes their links, if that is the lie.
    fn apply_results_lie(&self, response: &mut JobResponse, run: &Run, location: &ResultLocation) {
        let effect = self.lies().next_effect(run.spec.submit, ResponseKind::Results);
        let links = location.links.map(|links| links.field);
        match (effect, links) {
            (Some(Effect::NoResults), _) => {
                let inline = location.inline.as_ref().map(|inline| inline.path.as_str());
                inline.into_iter().chain(links).for_each(|path| response.remove(path));
            }
            (Some(Effect::Links(change)), Some(field)) => {
                if let Some(links) = response.body.get_mut(field) {
                    change(links, self.jobs().store.base());
                }
            }
            _ => {}
        }
    }

    fn link(&self, response: &mut JobResponse, links: Links, files: &[Arc<File>]) {
        let link = |file: &Arc<File>| self.jobs().store.link(file);
        // Deprecated where there is a list of URLs.
        for name in ["downloadUrl", "resultsUrl"] {
            if links.is_list && response.has(name) {
                response.remove(name);
            }
        }
        match files {
            [] => response.remove(links.field),
            _ if links.is_list => {
                response.set(links.field, files.iter().map(link).collect::<Value>())
            }
            [file, ..] if links.is_entity => {
                let id = file.name().trim_start_matches("results/");
                response.set(
                    links.field,
                    json!({ "id": id, "selfUri": DOWNLOAD.replace("{downloadId}", id) }),
                );
            }
            [file, ..] => response.set(links.field, link(file)),
        }
    }

    fn date(&self, response: &mut JobResponse, run: &Run, job_status: JobStatus) {
        let is_done = matches!(job_status, JobStatus::Ended(_));
        let skew = self.faults().clock_skew();
        response.set_known("expirationDate", run.expires().shifted(skew).text());
        response.set_known("submissionDate", run.at.shifted(skew).text());
        if let Completion::Since(name) = run.spec.completion {
            // Before the job is done, the time is that of an earlier one.
            let at = if is_done { self.now() } else { Timestamp::generated(0, false) };
            response.set_known(name, at.text());
        }
    }
}

/// Returns a response without one of its fields.
fn without(mut response: CannedResponse, field: &str) -> CannedResponse {
    if let Ok(Value::Object(mut fields)) = serde_json::from_slice(&response.body) {
        fields.remove(field);
        response.body = Value::Object(fields).to_string().into();
    }
    response
}
