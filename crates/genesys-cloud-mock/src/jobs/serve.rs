//! Answers the operations of jobs.

use std::sync::Arc;

use bytes::Bytes;
use http::header::LOCATION;
use serde_json::{Value, json};

use super::edit::Reply;
use super::family::{Family, IdPlace, Part, Told};
use super::files::File;
use super::results::{Links, Place, write_one};
use super::run::{Run, Standing};
use super::scenario::JobScenario;
use crate::api::{AnswerBody, Endpoint};
use crate::lies::{Deed, Site};
use crate::query::Query;
use crate::reply::CannedReply;
use crate::service::{Asked, Outcome, Service};
use crate::timestamp::Timestamp;

/// The field with the URL for an upload.
const UPLOADS: [&str; 4] = ["uploadUrl", "uploadURI", "presignedUrl", "url"];

/// The operation that redirects from the address of a download to its file.
const DOWNLOAD: &str = "/api/v2/downloads/{downloadId}";

impl Service {
    /// Answers an operation on a job; `None` if the request is not about one.
    pub(crate) fn job(&self, asked: &Asked<'_>) -> Option<Outcome> {
        let endpoint = asked.endpoint;
        let families = self.jobs().families();
        let known = self.known_run(asked);
        // The operation that continues a job may itself submit one, if there is none.
        let lets_go_on = matches!(known, Some((_, Part::Release)));
        if let Some(family) = families.of_submit(endpoint.place).filter(|_| !lets_go_on) {
            return Some(match family.repeats() {
                true => self.repeat(asked, family),
                false => {
                    let outcome = self.submit(asked, family).unwrap_or_else(Outcome::from);
                    self.lie_of_job(family.submit, Site::Submit, outcome)
                }
            });
        }
        if endpoint.operation.path == DOWNLOAD {
            return self.download(asked).map(Outcome::from);
        }
        if let Some(family) = families.of_list(endpoint.place) {
            return Some(self.list_jobs(asked, family));
        }
        let Some((run, part)) = known else {
            return self.is_unknown(asked).then(|| CannedReply::not_found().into());
        };
        Some(match part {
            Part::Status => {
                let outcome = self.status(asked, &run);
                let site = Site::Status { is_first: run.is_new() };
                self.lie_of_job(run.family.submit, site, outcome)
            }
            Part::Results => self.results(asked, &run),
            Part::Release => {
                run.release();
                let answer = self.plain_answer(asked);
                self.tell(answer, endpoint, &run, run.poll().ok(), None)
            }
            Part::Cancel => {
                run.cancel();
                if run.family.states.cancelled.is_none() {
                    self.jobs().forget(&run.id);
                }
                self.plain_answer(asked)
            }
        })
    }

    /// The job of a request, and the role of the operation in it.
    fn known_run(&self, asked: &Asked<'_>) -> Option<(Arc<Run>, Part)> {
        let mut keys: Vec<&str> = asked.path_values.iter().map(AsRef::as_ref).collect();
        keys.push(&asked.request.path);
        let mut runs = keys.into_iter().filter_map(|key| self.jobs().run(key));
        runs.find_map(|run| run.family.part(asked.endpoint.place).map(|part| (run, part)))
    }

    /// Whether a request is about a job unknown to this org.
    fn is_unknown(&self, asked: &Asked<'_>) -> bool {
        let endpoint = asked.endpoint;
        let is_listed = || asked.path_values.last().is_some_and(|id| self.lists_record(id));
        self.jobs().families().is_by_id(endpoint.place)
            && !self.lists().is_set_up(endpoint)
            && !is_listed()
    }

    fn submit(&self, asked: &Asked<'_>, family: &'static Family) -> Result<Outcome, CannedReply> {
        let plain = self.plain_answer(asked);
        if plain.reply.status >= 300 {
            return Ok(plain);
        }
        let id = match family.id {
            IdPlace::Path => asked.path_values.last().map(|id| id.to_string()).unwrap_or_default(),
            _ => self.jobs().new_id(),
        };
        self.lists().submit(
            asked.endpoint,
            family.listed_by(self.api()),
            asked.request,
            id.clone(),
            self.available().until(),
        )?;
        self.available().note(&id, self.now());
        let key = match family.id {
            IdPlace::Nowhere => asked.request.path.clone(),
            _ => id.clone(),
        };
        let run = self.jobs().start(key, family, id);
        let at_once = run.plan.scenario == JobScenario::InlineAtOnce;
        // A list that is both the response and the result stays a list, unless a test has planned the job.
        let is_list = matches!(asked.endpoint.answer().body, AnswerBody::Listing(_));
        let place = (!is_list || run.plan.is_set).then_some(&family.output.in_submit);
        let mut outcome = self.tell(plain, asked.endpoint, &run, Some(run.first()), place);
        let has_status = |status| {
            asked.endpoint.operation.replies.iter().any(|reply| reply.status == Some(status))
        };
        match at_once {
            true => {
                outcome.reply.status = 200;
                if family.id == IdPlace::Field("job.id") {
                    outcome.reply = without(outcome.reply, "job");
                }
            }
            false if place.is_some() && has_status(202) => outcome.reply.status = 202,
            false => {}
        }
        if family.id == IdPlace::Location {
            let path = family
                .status
                .map_or("", |status| self.api().endpoint(status).operation.path.as_str());
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let location = format!("{parent}/{}", run.id);
            outcome.reply = outcome.reply.header(LOCATION.as_str(), &location);
        }
        Ok(outcome)
    }

    /// A submit that is repeated until the job is done.
    fn repeat(&self, asked: &Asked<'_>, family: &'static Family) -> Outcome {
        let key = &asked.request.path;
        let run = self.jobs().run(key).filter(|run| run.family.submit == family.submit);
        let run =
            run.unwrap_or_else(|| self.jobs().start(key.clone(), family, self.jobs().new_id()));
        let outcome = match run.poll() {
            Err(refusal) => refusal.into(),
            Ok(standing @ Standing::Ended(_)) => {
                let (answer, place) = (self.plain_answer(asked), &family.output.in_status);
                // Otherwise the response is a record without any state of a job.
                match place.links {
                    Some(_) => self.tell(answer, asked.endpoint, &run, Some(standing), Some(place)),
                    None => answer,
                }
            }
            Ok(_) => CannedReply::empty(202).into(),
        };
        let site = Site::Status { is_first: run.is_new() };
        self.lie_of_job(family.submit, site, outcome)
    }

    fn status(&self, asked: &Asked<'_>, run: &Arc<Run>) -> Outcome {
        let standing = match run.poll() {
            Ok(standing) => standing,
            Err(refusal) => return refusal.into(),
        };
        let answer = self.plain_answer(asked);
        let place = &run.family.output.in_status;
        let mut outcome = self.tell(answer, asked.endpoint, run, Some(standing), Some(place));
        let mut replies = asked.endpoint.operation.replies.iter();
        if outcome.reply.status < 300 {
            let is_pending = !matches!(standing, Standing::Ended(_));
            let is_202 = is_pending && replies.any(|reply| reply.status == Some(202));
            outcome.reply.status = if is_202 { 202 } else { 200 };
        }
        outcome
    }

    /// A list of jobs, with the submitted ones first.
    fn list_jobs(&self, asked: &Asked<'_>, family: &'static Family) -> Outcome {
        let mut outcome = self.plain_answer(asked);
        let mut site = Site::Status { is_first: true };
        let is_first =
            Query::new(&asked.request.query).get("pageNumber").is_none_or(|it| it == "1");
        let (Told::InList(path), true) = (&family.told, is_first && outcome.reply.status < 300)
        else {
            return outcome;
        };
        let Ok(mut body) = serde_json::from_slice::<Value>(&outcome.reply.body) else {
            return outcome;
        };
        for run in self.jobs().runs_of(family) {
            let standing = match run.poll() {
                Ok(standing) => standing,
                Err(refusal) => return refusal.into(),
            };
            site = Site::Status { is_first: run.is_new() };
            let submit = self.api().endpoint(family.submit);
            let Some(schema) = submit.schema() else { continue };
            let element = body["entities"].get(0).cloned().unwrap_or_else(|| json!({}));
            let mut reply = Reply { body: element, schema };
            reply.set("id", run.id.as_str());
            reply.tell(standing, &family.states, Some(path));
            self.place(&mut reply, &run, standing, &family.output.in_status);
            if let Some(elements) = body["entities"].as_array_mut() {
                elements.insert(0, reply.body);
            }
        }
        outcome.reply.body = body.to_string().into();
        self.lie_of_job(family.submit, site, outcome)
    }

    fn results(&self, asked: &Asked<'_>, run: &Arc<Run>) -> Outcome {
        if let Err(refusal) = run.results() {
            return refusal.into();
        }
        let answer = asked.endpoint.answer();
        if let AnswerBody::Record(shape) = &answer.body {
            let list = self.lists().list(asked.endpoint);
            let record = write_one(shape, list, &asked.request.path);
            return CannedReply::raw_json(answer.status, record).into();
        }
        let outcome = self.plain_answer(asked);
        let refused = Query::new(&asked.request.query).get("allowRedirect");
        let redirects = run.plan.scenario == JobScenario::RedirectWithBody
            && refused.as_deref() != Some("false");
        match redirects && outcome.reply.status < 300 {
            true => self.redirect(outcome, run),
            false => outcome,
        }
    }

    /// Moves the items of a page into a file, and redirects to it.
    fn redirect(&self, outcome: Outcome, run: &Run) -> Outcome {
        let Ok(Value::Object(mut page)) = serde_json::from_slice(&outcome.reply.body) else {
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
        let reply = CannedReply::json(302, &Value::Object(page)).header(LOCATION.as_str(), &link);
        Outcome { reply, ..outcome }
    }

    /// Redirects from the address of a download to the file.
    fn download(&self, asked: &Asked<'_>) -> Option<CannedReply> {
        let name = asked.path_values.last()?;
        let file = self.jobs().store.file(&format!("results/{name}"))?;
        let link = self.jobs().store.link(&file);
        let stays = Query::new(&asked.request.query).get("issueRedirect");
        Some(match stays.as_deref() {
            Some("false") => CannedReply::json(200, &json!({ "url": link })),
            _ => CannedReply::empty(302).header(LOCATION.as_str(), &link),
        })
    }

    /// Writes the status of a job into a response.
    fn tell(
        &self,
        outcome: Outcome,
        endpoint: &'static Endpoint,
        run: &Arc<Run>,
        standing: Option<Standing>,
        place: Option<&Place>,
    ) -> Outcome {
        let (Some(schema), Some(standing)) = (endpoint.schema(), standing) else { return outcome };
        let Ok(body) = serde_json::from_slice::<Value>(&outcome.reply.body) else { return outcome };
        if outcome.reply.status >= 300 {
            return outcome;
        }
        let family = run.family;
        let mut reply = Reply { body, schema };
        reply.tell(standing, &family.states, family.state_path());
        self.identify(&mut reply, endpoint, run);
        if let Some(place) = place {
            self.place(&mut reply, run, standing, place);
        }
        self.date(&mut reply, run, standing);
        let is_upload = reply.has("headers") || reply.has("uploadHeaders");
        for name in UPLOADS.into_iter().filter(|_| is_upload) {
            if reply.has(name) {
                reply.set(name, self.jobs().store.upload_link(run));
            }
        }
        let body = reply.body.to_string().into();
        Outcome { reply: CannedReply { body, ..outcome.reply }, ..outcome }
    }

    /// Writes the id where this response has it.
    fn identify(&self, reply: &mut Reply, endpoint: &Endpoint, run: &Run) {
        if endpoint.place == run.family.submit {
            if let IdPlace::Field(path) = run.family.id {
                reply.set(path, run.id.as_str());
            }
        } else if run.family.told == Told::Field("diagnostics") {
            reply.set_known("commandCorrelationId", run.id.as_str());
        } else if run.family.id != IdPlace::Nowhere {
            let is_nested = reply.has("job.id");
            reply.set_known(if is_nested { "job.id" } else { "id" }, run.id.as_str());
        }
    }

    /// Writes the results of a job that is done, and removes them otherwise.
    fn place(&self, reply: &mut Reply, run: &Run, standing: Standing, place: &Place) {
        let is_done = matches!(standing, Standing::Ended(end) if end.is_done());
        let family = run.family;
        let listed_by = family.listed_by(self.api()).map(|endpoint| endpoint.place);
        let list = self.lists().list(self.api().endpoint(family.submit));
        let in_file = self.jobs().is_in_file(family, &run.plan);
        if let Some(inline) = &place.inline {
            let at_once = run.plan.scenario == JobScenario::InlineAtOnce;
            match is_done && !in_file {
                // The response is already a page of the list.
                true if listed_by.is_some() && family.results.is_none() && !at_once => {}
                true => {
                    let results = inline.content.write(list, 0..run.plan.count());
                    reply.set(&inline.path, results);
                }
                false => reply.remove(&inline.path),
            }
        }
        if let Told::Field(name) = family.told
            && !is_done
        {
            reply.remove(name);
        }
        // A URL field that these jobs do not use.
        let is_inline = place.inline.as_ref().is_some_and(|inline| !inline.path.is_empty());
        if place.links.is_none() && is_inline && reply.has("downloadUrl") {
            reply.remove("downloadUrl");
        }
        if let Some(links) = place.links {
            let files = if is_done && in_file { self.jobs().files(run, list) } else { &[] };
            self.link(reply, links, files);
        }
        if is_done && (place.inline.is_some() || place.links.is_some()) {
            self.lie_of_results(reply, run, place);
        }
    }

    /// Removes the results or changes their links, if that is the lie.
    fn lie_of_results(&self, reply: &mut Reply, run: &Run, place: &Place) {
        let deed = self.lies().draw(run.family.submit, Site::Results);
        let links = place.links.map(|links| links.field);
        match (deed, links) {
            (Some(Deed::NoResults), _) => {
                let inline = place.inline.as_ref().map(|inline| inline.path.as_str());
                inline.into_iter().chain(links).for_each(|path| reply.remove(path));
            }
            (Some(Deed::Links(change)), Some(field)) => {
                if let Some(links) = reply.body.get_mut(field) {
                    change(links, self.jobs().store.base());
                }
            }
            _ => {}
        }
    }

    fn link(&self, reply: &mut Reply, links: Links, files: &[Arc<File>]) {
        let link = |file: &Arc<File>| self.jobs().store.link(file);
        // Deprecated where there is a list of URLs.
        for name in ["downloadUrl", "resultsUrl"] {
            if links.is_list && reply.has(name) {
                reply.remove(name);
            }
        }
        match files {
            [] => reply.remove(links.field),
            _ if links.is_list => reply.set(links.field, files.iter().map(link).collect::<Value>()),
            [file, ..] if links.is_entity => {
                let id = file.name().trim_start_matches("results/");
                reply.set(
                    links.field,
                    json!({ "id": id, "selfUri": DOWNLOAD.replace("{downloadId}", id) }),
                );
            }
            [file, ..] => reply.set(links.field, link(file)),
        }
    }

    fn date(&self, reply: &mut Reply, run: &Run, standing: Standing) {
        let is_done = matches!(standing, Standing::Ended(_));
        let skew = self.faults().clock_skew();
        reply.set_known("expirationDate", run.expires().shifted(skew).text());
        reply.set_known("submissionDate", run.at.shifted(skew).text());
        if let Told::Since(name) = run.family.told {
            // Before the job is done, the time is that of an earlier one.
            let at = if is_done { self.now() } else { Timestamp::made_up(0, false) };
            reply.set_known(name, at.text());
        }
    }
}

/// Returns a response without one of its fields.
fn without(mut reply: CannedReply, field: &str) -> CannedReply {
    if let Ok(Value::Object(mut fields)) = serde_json::from_slice(&reply.body) {
        fields.remove(field);
        reply.body = Value::Object(fields).to_string().into();
    }
    reply
}
