mod records;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};

use crate::api::{Api, Endpoint, SuccessBody};
use crate::availability::{Availability, backdate, is_dated};
use crate::cache::Cache;
use crate::check::check;
use crate::clock::Clock;
use crate::connection::{ConnectionFault, ResponseBody};
use crate::error::Error;
use crate::faults::{FaultPlan, Faults, HugeBody};
use crate::history::{History, OrgTimeline};
use crate::identity::{Id, Identity};
use crate::jobs::Jobs;
use crate::journal::{Journal, RecordedRequest};
use crate::lies::{Effect, Lies, ResponseKind, Sent};
use crate::limit::{LimitStatus, Limiter, RateLimit};
use crate::listing::Listing;
use crate::lists::{ListRequest, Lists, Served, ServedPage};
use crate::login::{Login, bearer};
use crate::query::Query;
use crate::response::CannedResponse;
use crate::rng::mix;
use crate::routes::Route;
use crate::scheme::Scheme;
use crate::script::{Call, Fault, PageOverride, Script, Substitute};

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
    /// The changes of the org over time, if it changes.
    pub(crate) timeline: Option<OrgTimeline>,
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
    availability: Availability,
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
pub(crate) struct ServiceResponse {
    pub(crate) response: CannedResponse,
    pub(crate) correlation_id: Id,
    pub(crate) limit_status: Option<LimitStatus>,
    pub(crate) connection: Option<ConnectionFault>,
    pub(crate) huge_body: Option<HugeBody>,
}

/// A response, and what happens to its connection.
pub(crate) struct Outcome {
    pub(crate) response: CannedResponse,
    pub(crate) connection: Option<ConnectionFault>,
    /// Replaces the body of the response.
    pub(crate) huge_body: Option<HugeBody>,
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

impl From<CannedResponse> for Outcome {
    fn from(response: CannedResponse) -> Self {
        Self { response, connection: None, huge_body: None, page: None, sent: None }
    }
}

/// A request for an operation.
pub(crate) struct RoutedRequest<'a> {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) path_values: Vec<Cow<'a, str>>,
    pub(crate) request: &'a RecordedRequest,
}

impl Service {
    pub(crate) fn new(settings: Settings) -> Self {
        let api = Api::embedded();
        let seed = settings.seed;
        let clock = match &settings.timeline {
            Some(timeline) => Clock::start_at(timeline.first_time(), timeline.seconds_per_second()),
            None => Clock::start(),
        };
        let lies = Arc::new(Lies::default());
        let cache = Cache::new(settings.page_cache);
        let history = settings.timeline.clone();
        let history = history.map(|it| Arc::new(History::new(it, seed, clock.clone())));
        let lists = Lists::new(seed, settings.default_count, cache, Arc::clone(&lies), history);
        let availability = Availability::default();
        if let Some(timeline) = &settings.timeline {
            availability.set_delay(timeline.delay());
        }
        let known = |endpoint| Identity::new(lists.list(endpoint), 0).list();
        Self {
            api,
            known_lists: api.endpoints().iter().map(known).collect(),
            lists,
            jobs: Jobs::new(api, seed, settings.job_lifetime, clock.clone(), Arc::clone(&lies)),
            lies,
            availability,
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

    pub(crate) fn availability(&self) -> &Availability {
        &self.availability
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

    /// The changes of the org, if it changes over time.
    pub(crate) fn history(&self) -> Option<&Arc<History>> {
        self.lists.history()
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

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
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
    ) -> (Response<ResponseBody>, Option<ConnectionFault>) {
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
    pub(crate) async fn respond(&self, head: &Parts, body: Bytes) -> ServiceResponse {
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

        let (outcome, limit_status) = match route {
            _ if path == LOGIN => (self.log_in_by_plan(|| self.log_in(head, &request.body)), None),
            Route::Operation { index, path_values } => {
                let endpoint = self.api.endpoint(index);
                self.respond_to_call(
                    head,
                    &RoutedRequest { endpoint, path_values, request: &request },
                )
            }
            Route::OtherMethod => {
                let message = "HTTP 405 Method Not Allowed";
                (CannedResponse::error(405, "method.not.allowed", message).into(), None)
            }
            Route::Unknown => (CannedResponse::not_found().into(), None),
        };
        let Outcome { response, connection, huge_body, sent, .. } = outcome;
        if let Some(sent) = sent.and_then(|sent| sent.over(connection)) {
            self.lies.note(sent);
        }
        let response = response.with_context(&correlation_id.to_string());
        ServiceResponse { response, correlation_id, limit_status, connection, huge_body }
    }

    fn log_in(&self, head: &Parts, body: &[u8]) -> CannedResponse {
        match head.method {
            Method::POST => {
                let skew = self.faults().clock_skew();
                self.login().answer(&head.headers, body, skew)
            }
            _ => CannedResponse::empty(405),
        }
    }

    fn respond_to_call(
        &self,
        head: &Parts,
        routed: &RoutedRequest<'_>,
    ) -> (Outcome, Option<LimitStatus>) {
        match self.admit(head) {
            Ok(limit_status) => (self.respond_by_plan(routed, limit_status), Some(limit_status)),
            Err(refusal) => (refusal.into(), None),
        }
    }

    /// Counts the call if its token is valid.
    fn admit(&self, head: &Parts) -> Result<LimitStatus, CannedResponse> {
        let Some(token) = bearer(&head.headers) else {
            self.faults().note_unauthorized();
            let message = "No authentication bearer token specified in authorization header.";
            return Err(CannedResponse::error(401, "authentication.required", message));
        };
        if !self.login().accepts(token) {
            self.faults().note_unauthorized();
            return Err(CannedResponse::unauthorized());
        }
        Ok(self.limit().count(token))
    }

    pub(crate) fn respond_to_admitted(
        &self,
        routed: &RoutedRequest<'_>,
        limit_status: LimitStatus,
    ) -> Outcome {
        let operation = routed.endpoint.operation;
        let call = Call { operation, request: routed.request };
        let scripted = self.script().next_connection_fault(&operation.id);
        let faults = &self.settings.faults;
        let connection = scripted.or_else(|| faults.iter().find_map(|it| it.connection(&call)));
        let outcome = self.respond_over_connection(routed, limit_status, &call);
        Outcome { connection: connection.or(outcome.connection), ..outcome }
    }

    fn respond_over_connection(
        &self,
        routed: &RoutedRequest<'_>,
        limit_status: LimitStatus,
        call: &Call<'_>,
    ) -> Outcome {
        let operation = routed.endpoint.operation;
        let scripted = self.script().next_response(&operation.id);
        let faults = &self.settings.faults;
        if let Some(response) = scripted.or_else(|| faults.iter().find_map(|it| it.before(call))) {
            return response.into();
        }
        if let Some(seconds) = limit_status.retry_after {
            return CannedResponse::rate_limited(seconds).into();
        }
        let outcome = match check(operation, &routed.path_values, routed.request) {
            Ok(()) => self.answer(routed),
            Err(refusal) => refusal.into(),
        };
        let response = match routed.endpoint.success_response().has_media {
            true => self.jobs.store.link_media(outcome.response),
            false => outcome.response,
        };
        let response = faults.iter().fold(response, |response, fault| fault.after(call, response));
        Outcome { response, ..outcome }
    }

    fn answer(&self, routed: &RoutedRequest<'_>) -> Outcome {
        if let Some(response) = self.stored(routed) {
            return response.into();
        }
        let mut outcome = self.job(routed).unwrap_or_else(|| self.plain_response(routed));
        // Last, so that nothing is added to a lie.
        match outcome.page.take() {
            Some(page) => self.apply_page_lie(page, outcome),
            None => outcome,
        }
    }

    /// The response of an operation apart from jobs.
    pub(crate) fn plain_response(&self, routed: &RoutedRequest<'_>) -> Outcome {
        let answer = routed.endpoint.success_response();
        match &answer.body {
            SuccessBody::Empty => CannedResponse::empty(answer.status).into(),
            SuccessBody::Listing(listing) => self.page(routed, answer.status, listing),
            SuccessBody::Record(shape) => {
                let record = self.add_identity(routed, self.record(routed, shape));
                let response = CannedResponse::raw_json(answer.status, record);
                let schema = routed.endpoint.schema();
                let response = self.availability.add_date(response, schema, None, self.now());
                match is_dated(schema) && self.lies.has_backdated() {
                    true => backdate(response, true).into(),
                    false => response.into(),
                }
            }
        }
    }

    /// The requested page, or its override.
    fn page(&self, routed: &RoutedRequest<'_>, status: u16, listing: &'static Listing) -> Outcome {
        let number = Query::new(&routed.request.query).get("pageNumber");
        let number = number.and_then(|number| number.parse().ok()).unwrap_or(1);
        let substitute = self.script().page(&routed.endpoint.operation.id, number);
        let served = |number| {
            self.lists.serve(ListRequest {
                endpoint: routed.endpoint,
                listing,
                path_values: &routed.path_values,
                request: routed.request,
                number,
            })
        };
        let served = match substitute.map(|it| it.0) {
            None => served(None),
            Some(Substitute::SameAs(other)) => served(Some(other)),
            Some(Substitute::Json(body)) => return CannedResponse::json(status, &body).into(),
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
        let (schema, job) = (routed.endpoint.schema(), routed.path_values.last());
        let response = CannedResponse::raw_json(status, body);
        let response =
            self.availability.add_date(response, schema, job.map(AsRef::as_ref), self.now());
        let response = self.apply_date_lie(response, routed.endpoint);
        let list = routed.endpoint.index;
        let page = page.map(|page| ListPage { list, listing, page });
        Outcome { connection, page, ..response.into() }
    }

    /// Changes the date of data availability in the results of a job, if that is the lie.
    fn apply_date_lie(&self, response: CannedResponse, listed_by: &Endpoint) -> CannedResponse {
        let job_specs = self.api.job_specs().all();
        let spec = job_specs.iter().find(|spec| spec.results == Some(listed_by.index));
        let Some(spec) = spec.filter(|_| is_dated(listed_by.schema())) else { return response };
        match self.lies.next_effect(spec.submit, ResponseKind::Results) {
            Some(Effect::Backdate { in_results }) => backdate(response, *in_results),
            _ => response,
        }
    }

    /// The page, or the lie in its place.
    fn apply_page_lie(&self, page: ListPage, outcome: Outcome) -> Outcome {
        let ListPage { list, listing, page: ServedPage { ordinal, links, records } } = page;
        let sent = Sent { list, records };
        let Some(effect) = self.lies.next_effect(list, ResponseKind::Page { ordinal, links })
        else {
            return Outcome { sent: Some(sent), ..outcome };
        };
        Outcome {
            response: effect.change(outcome.response, listing.path()),
            connection: effect.connection().or(outcome.connection),
            sent: sent.with(effect),
            ..outcome
        }
    }

    /// The response about a job, or the lie in its place.
    pub(crate) fn apply_job_lie(
        &self,
        submit: usize,
        response_kind: ResponseKind,
        outcome: Outcome,
    ) -> Outcome {
        match self.lies.next_effect(submit, response_kind) {
            Some(effect) => Outcome {
                response: effect.change(outcome.response, &[]),
                connection: effect.connection().or(outcome.connection),
                ..outcome
            },
            None => outcome,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The state stays valid if a test panics while it holds the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
