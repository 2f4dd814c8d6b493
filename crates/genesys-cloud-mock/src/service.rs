use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use serde_json::{Map, Value};

use crate::api::{AnswerBody, Api, Endpoint};
use crate::available::{Available, antedate, is_dated};
use crate::cache::Cache;
use crate::check::check;
use crate::clock::Clock;
use crate::connection::{ConnectionFault, ReplyBody};
use crate::error::Error;
use crate::faults::{FaultPlan, Faults, Flood};
use crate::identity::{Id, Identity};
use crate::jobs::Jobs;
use crate::journal::{Journal, RecordedRequest};
use crate::lies::{Deed, Lies, Sent, Site};
use crate::limit::{Limiter, RateLimit, Standing};
use crate::listing::Listing;
use crate::lists::{Asked as ListAsked, Lists, Served, ServedPage};
use crate::login::{Login, bearer};
use crate::query::Query;
use crate::reply::CannedReply;
use crate::rng::{hash, mix};
use crate::routes::Route;
use crate::scheme::Scheme;
use crate::script::{Call, Fault, PageOverride, Script, Substitute};
use crate::shape::{Shape, Subject};

const LOGIN: &str = "/oauth/token";

/// The initial settings of an org.
pub(crate) struct Settings {
    pub(crate) seed: u64,
    /// The id of the organization, if not derived from the seed.
    pub(crate) organization: Option<String>,
    pub(crate) default_count: u64,
    pub(crate) latency: Duration,
    pub(crate) token_lifetime: Duration,
    pub(crate) job_lifetime: Duration,
    pub(crate) rate_limit: RateLimit,
    pub(crate) faults: Vec<Arc<dyn Fault>>,
    pub(crate) plan: FaultPlan,
    /// Capacity of the page cache, in bytes.
    pub(crate) page_cache: usize,
}

/// The state of an org, and its responses. Independent of connections.
pub(crate) struct Service {
    api: &'static Api,
    settings: Settings,
    lists: Lists,
    jobs: Jobs,
    lies: Arc<Lies>,
    available: Available,
    clock: Clock,
    /// The lists of this org, as encoded in the ids of their records.
    known_lists: HashSet<u64>,
    login: Mutex<Login>,
    limit: Mutex<Limiter>,
    faults: Mutex<Faults>,
    script: Mutex<Script>,
    journal: Mutex<Journal>,
    downloads: Mutex<Journal>,
    correlations: AtomicU64,
    creations: AtomicU64,
}

/// A response, and the values of the headers that every API response has.
pub(crate) struct Answered {
    pub(crate) reply: CannedReply,
    pub(crate) correlation_id: Id,
    pub(crate) standing: Option<Standing>,
    pub(crate) connection: Option<ConnectionFault>,
    pub(crate) flood: Option<Flood>,
}

/// A response, and what happens to its connection.
pub(crate) struct Outcome {
    pub(crate) reply: CannedReply,
    pub(crate) connection: Option<ConnectionFault>,
    /// Replaces the body of the response.
    pub(crate) flood: Option<Flood>,
    /// The page that the response is, before any lie.
    pub(crate) page: Option<ListPage>,
    /// The records in the response.
    pub(crate) sent: Option<Sent>,
}

/// A page of a list.
pub(crate) struct ListPage {
    /// The index of the list in the table of endpoints.
    list: usize,
    listing: &'static Listing,
    page: ServedPage,
}

impl From<CannedReply> for Outcome {
    fn from(reply: CannedReply) -> Self {
        Self { reply, connection: None, flood: None, page: None, sent: None }
    }
}

/// A request for an operation.
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) path_values: Vec<Cow<'a, str>>,
    pub(crate) request: &'a RecordedRequest,
}

impl Service {
    pub(crate) fn new(settings: Settings) -> Self {
        let api = Api::embedded();
        let seed = settings.seed;
        let clock = Clock::start();
        let lies = Arc::new(Lies::default());
        let cache = Cache::new(settings.page_cache);
        let lists = Lists::new(seed, settings.default_count, cache, Arc::clone(&lies));
        let known = |endpoint| Identity::new(lists.list(endpoint), 0).list();
        Self {
            api,
            known_lists: api.endpoints().iter().map(known).collect(),
            lists,
            jobs: Jobs::new(api, seed, settings.job_lifetime, clock, Arc::clone(&lies)),
            lies,
            available: Available::default(),
            clock,
            login: Mutex::new(Login::new(seed, settings.token_lifetime)),
            limit: Mutex::new(Limiter::new(settings.rate_limit)),
            faults: Mutex::new(Faults::new(settings.plan.clone())),
            script: Mutex::default(),
            journal: Mutex::default(),
            downloads: Mutex::default(),
            correlations: AtomicU64::new(0),
            creations: AtomicU64::new(0),
            settings,
        }
    }

    pub(crate) fn endpoint(&self, name: &str) -> Result<&'static Endpoint, Error> {
        self.api.find(name).ok_or_else(|| Error::unknown_operation(name))
    }

    pub(crate) fn available(&self) -> &Available {
        &self.available
    }

    pub(crate) fn login(&self) -> MutexGuard<'_, Login> {
        lock(&self.login)
    }

    pub(crate) fn limit(&self) -> MutexGuard<'_, Limiter> {
        lock(&self.limit)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        lock(&self.script)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }

    pub(crate) fn lists(&self) -> &Lists {
        &self.lists
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    pub(crate) fn lies(&self) -> &Lies {
        &self.lies
    }

    pub(crate) fn api(&self) -> &'static Api {
        self.api
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// The requests for files.
    pub(crate) fn downloads(&self) -> MutexGuard<'_, Journal> {
        lock(&self.downloads)
    }

    /// Answers and records a request for a file.
    pub(crate) fn respond_with_file(
        &self,
        head: &Parts,
        body: Bytes,
    ) -> (Response<ReplyBody>, Option<ConnectionFault>) {
        self.downloads().record(RecordedRequest::new(head, body));
        self.send_file_by_plan(|| self.jobs.store.respond(head))
    }

    pub(crate) fn override_page(
        &self,
        name: &str,
        number: u64,
        page: PageOverride,
    ) -> Result<(), Error> {
        let endpoint = self.endpoint(name)?;
        if endpoint.scheme != Some(Scheme::PageNumber) {
            return Err(Error::other_scheme(&endpoint.operation.id, Scheme::PageNumber));
        }
        self.script().set_page(&endpoint.operation.id, number, page);
        self.lists.set_up(endpoint);
        Ok(())
    }

    /// Answers and records a request.
    pub(crate) async fn respond(&self, head: &Parts, body: Bytes) -> Answered {
        let mut request = RecordedRequest::new(head, body);
        let correlation = self.correlations.fetch_add(1, Ordering::Relaxed);
        let correlation_id = Id::random(mix(self.settings.seed) ^ correlation);
        let path = request.path.clone();
        let route = self.api.route(&request.method, &path);
        if let Route::Operation { index, .. } = route {
            request.operation = Some(self.api.endpoint(index).operation.id.clone());
        }
        self.journal().record(request.clone());
        if !self.settings.latency.is_zero() {
            tokio::time::sleep(self.settings.latency).await;
        }

        let (outcome, standing) = match route {
            _ if path == LOGIN => (self.log_in_by_plan(|| self.log_in(head, &request.body)), None),
            Route::Operation { index, path_values } => {
                let endpoint = self.api.endpoint(index);
                self.respond_to_call(head, &Asked { endpoint, path_values, request: &request })
            }
            Route::OtherMethod => {
                let message = "HTTP 405 Method Not Allowed";
                (CannedReply::error(405, "method.not.allowed", message).into(), None)
            }
            Route::Unknown => (CannedReply::not_found().into(), None),
        };
        let Outcome { reply, connection, flood, sent, .. } = outcome;
        if let Some(sent) = sent.and_then(|sent| sent.over(connection)) {
            self.lies.note(sent);
        }
        let reply = reply.with_context(&correlation_id.to_string());
        Answered { reply, correlation_id, standing, connection, flood }
    }

    fn log_in(&self, head: &Parts, body: &[u8]) -> CannedReply {
        match head.method {
            Method::POST => {
                let skew = self.faults().clock_skew();
                self.login().answer(&head.headers, body, skew)
            }
            _ => CannedReply::empty(405),
        }
    }

    fn respond_to_call(&self, head: &Parts, asked: &Asked<'_>) -> (Outcome, Option<Standing>) {
        match self.admit(head) {
            Ok(standing) => (self.respond_by_plan(asked, standing), Some(standing)),
            Err(refusal) => (refusal.into(), None),
        }
    }

    /// Counts the call if its token is valid.
    fn admit(&self, head: &Parts) -> Result<Standing, CannedReply> {
        let Some(token) = bearer(&head.headers) else {
            self.faults().note_unauthorized();
            let message = "No authentication bearer token specified in authorization header.";
            return Err(CannedReply::error(401, "authentication.required", message));
        };
        if !self.login().accepts(token) {
            self.faults().note_unauthorized();
            return Err(CannedReply::unauthorized());
        }
        Ok(self.limit().count(token))
    }

    pub(crate) fn respond_to_admitted(&self, asked: &Asked<'_>, standing: Standing) -> Outcome {
        let operation = asked.endpoint.operation;
        let call = Call { operation, request: asked.request };
        let scripted = self.script().next_connection_fault(&operation.id);
        let faults = &self.settings.faults;
        let connection = scripted.or_else(|| faults.iter().find_map(|it| it.connection(&call)));
        let outcome = self.respond_over_connection(asked, standing, &call);
        Outcome { connection: connection.or(outcome.connection), ..outcome }
    }

    fn respond_over_connection(
        &self,
        asked: &Asked<'_>,
        standing: Standing,
        call: &Call<'_>,
    ) -> Outcome {
        let operation = asked.endpoint.operation;
        let scripted = self.script().next_reply(&operation.id);
        let faults = &self.settings.faults;
        if let Some(reply) = scripted.or_else(|| faults.iter().find_map(|it| it.before(call))) {
            return reply.into();
        }
        if let Some(seconds) = standing.retry_after {
            return CannedReply::rate_limited(seconds).into();
        }
        let outcome = match check(operation, &asked.path_values, asked.request) {
            Ok(()) => self.answer(asked),
            Err(refusal) => refusal.into(),
        };
        let reply = faults.iter().fold(outcome.reply, |reply, fault| fault.after(call, reply));
        Outcome { reply, ..outcome }
    }

    fn answer(&self, asked: &Asked<'_>) -> Outcome {
        let mut outcome = self.job(asked).unwrap_or_else(|| self.plain_answer(asked));
        // Last, so that nothing is added to a lie.
        match outcome.page.take() {
            Some(page) => self.lie_on_page(page, outcome),
            None => outcome,
        }
    }

    /// The response of an operation apart from jobs.
    pub(crate) fn plain_answer(&self, asked: &Asked<'_>) -> Outcome {
        let answer = asked.endpoint.answer();
        match &answer.body {
            AnswerBody::Empty => CannedReply::empty(answer.status).into(),
            AnswerBody::Listing(listing) => self.page(asked, answer.status, listing),
            AnswerBody::Record(shape) => {
                let record = self.say_who(asked, self.record(asked, shape));
                let reply = CannedReply::raw_json(answer.status, record);
                let schema = asked.endpoint.schema();
                let reply = self.available.tell(reply, schema, None, self.now());
                match is_dated(schema) && self.lies.has_antedated() {
                    true => antedate(reply, true).into(),
                    false => reply.into(),
                }
            }
        }
    }

    /// The requested page, or its override.
    fn page(&self, asked: &Asked<'_>, status: u16, listing: &'static Listing) -> Outcome {
        let number = Query::new(&asked.request.query).get("pageNumber");
        let number = number.and_then(|number| number.parse().ok()).unwrap_or(1);
        let substitute = self.script().page(&asked.endpoint.operation.id, number);
        let served = |number| {
            self.lists.serve(ListAsked {
                endpoint: asked.endpoint,
                listing,
                path_values: &asked.path_values,
                request: asked.request,
                number,
            })
        };
        let served = match substitute.map(|it| it.0) {
            None => served(None),
            Some(Substitute::SameAs(other)) => served(Some(other)),
            Some(Substitute::Json(body)) => return CannedReply::json(status, &body).into(),
            Some(Substitute::Edit(change)) => served(None).map(|served| {
                let mut body = serde_json::from_slice(&served.body).unwrap_or_default();
                change(&mut body);
                Served { body: body.to_string().into(), ..served }
            }),
        };
        let Served { body, connection, page } = match served {
            Ok(served) => served,
            Err(refusal) => return refusal.into(),
        };
        let (schema, job) = (asked.endpoint.schema(), asked.path_values.last());
        let reply = CannedReply::raw_json(status, body);
        let reply = self.available.tell(reply, schema, job.map(AsRef::as_ref), self.now());
        let reply = self.lie_of_date(reply, asked.endpoint);
        let list = asked.endpoint.place;
        let page = page.map(|page| ListPage { list, listing, page });
        Outcome { connection, page, ..reply.into() }
    }

    /// Changes the date of data availability in the results of a job, if that is the lie.
    fn lie_of_date(&self, reply: CannedReply, listed_by: &Endpoint) -> CannedReply {
        let families = self.api.families().all();
        let family = families.iter().find(|family| family.results == Some(listed_by.place));
        let Some(family) = family.filter(|_| is_dated(listed_by.schema())) else { return reply };
        match self.lies.draw(family.submit, Site::Results) {
            Some(Deed::Antedate { in_results }) => antedate(reply, *in_results),
            _ => reply,
        }
    }

    /// The page, or the lie in its place.
    fn lie_on_page(&self, page: ListPage, outcome: Outcome) -> Outcome {
        let ListPage { list, listing, page: ServedPage { ordinal, links, records } } = page;
        let sent = Sent { list, records };
        let Some(deed) = self.lies.draw(list, Site::Page { ordinal, links }) else {
            return Outcome { sent: Some(sent), ..outcome };
        };
        Outcome {
            reply: deed.change(outcome.reply, listing.path()),
            connection: deed.connection().or(outcome.connection),
            sent: sent.with(deed),
            ..outcome
        }
    }

    /// The response about a job, or the lie in its place.
    pub(crate) fn lie_of_job(&self, submit: usize, site: Site, outcome: Outcome) -> Outcome {
        match self.lies.draw(submit, site) {
            Some(deed) => Outcome {
                reply: deed.change(outcome.reply, &[]),
                connection: deed.connection().or(outcome.connection),
                ..outcome
            },
            None => outcome,
        }
    }

    /// Decodes the id of a record, if it belongs to a list of this org.
    fn listed(&self, id: &str) -> Option<Identity> {
        Identity::of(id).filter(|known| self.known_lists.contains(&known.list()))
    }

    /// Whether a list of this org has a record with this id.
    pub(crate) fn lists_record(&self, id: &str) -> bool {
        self.listed(id).is_some()
    }

    /// The id of the organization.
    pub(crate) fn organization(&self) -> String {
        let made_up = || Id::random(mix(self.settings.seed ^ hash("organization"))).to_string();
        self.settings.organization.clone().unwrap_or_else(made_up)
    }

    /// Adds the ids of this org to the records that identify a token.
    fn say_who(&self, asked: &Asked<'_>, record: Vec<u8>) -> Vec<u8> {
        let ids: &[(&str, String)] = match asked.endpoint.operation.id.as_str() {
            "getTokensMe" => &[
                ("/organization/id", self.organization()),
                ("/OAuthClient/id", self.login().client_id().to_owned()),
            ],
            "getOrganizationsMe" => &[("/id", self.organization())],
            _ => return record,
        };
        let mut record: Value = serde_json::from_slice(&record).unwrap_or_default();
        for (pointer, id) in ids {
            if let Some(place) = record.pointer_mut(pointer) {
                *place = id.as_str().into();
            }
        }
        record.to_string().into_bytes()
    }

    /// A record by its id, or a new one, with the fields of the request.
    fn record(&self, asked: &Asked<'_>, shape: &Shape) -> Vec<u8> {
        let operation = asked.endpoint.operation;
        let path = &asked.request.path;
        let named = asked.path_values.last().filter(|_| operation.path.ends_with('}'));
        let (list_path, id) = match named {
            Some(id) => (path.rsplit_once('/').map(|(list, _)| list), id.clone().into_owned()),
            None => {
                let creation = match operation.method.as_str() {
                    "POST" => self.creations.fetch_add(1, Ordering::Relaxed),
                    _ => 0,
                };
                let number = self.settings.seed ^ hash(path) ^ mix(creation);
                (Some(path.as_str()), Id::random(number).to_string())
            }
        };
        let (seed, number) = match self.listed(&id) {
            Some(known) => (known.seed(), known.index()),
            None => (mix(self.settings.seed ^ hash(&id)), hash(&id) % 10_000),
        };
        let mut record = Vec::new();
        // The id in a path may be any string, so it needs escaping in JSON.
        let quoted = Value::from(id).to_string();
        let id = &quoted.as_bytes()[1..quoted.len() - 1];
        shape.write(&mut record, Subject { id, number, seed, list_path });
        echo(record, &asked.request.body, shape)
    }
}

/// Copies the fields of a request into the record that it creates or changes.
fn echo(record: Vec<u8>, request: &[u8], shape: &Shape) -> Vec<u8> {
    let Ok(given) = serde_json::from_slice::<Map<String, Value>>(request) else {
        return record;
    };
    let Ok(mut made) = serde_json::from_slice::<Map<String, Value>>(&record) else {
        return record;
    };
    let known = given.into_iter().filter(|(name, _)| {
        shape.field(name).is_some() && !matches!(name.as_str(), "id" | "selfUri")
    });
    made.extend(known);
    Value::Object(made).to_string().into_bytes()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The state stays valid if a test panics while it holds the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
