use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::request::Parts;
use serde_json::{Map, Value};

use crate::api::{AnswerBody, Api, Endpoint};
use crate::chance::{hash, mix};
use crate::check::check;
use crate::error::Error;
use crate::identity::{Id, Identity};
use crate::journal::{Journal, RecordedRequest};
use crate::limit::{RateLimit, Standing};
use crate::listing::{Listing, Page};
use crate::login::{Login, bearer};
use crate::name::NameFilter;
use crate::query::Query;
use crate::reply::CannedReply;
use crate::routes::Route;
use crate::scheme::Scheme;
use crate::script::{Call, Fault, PageOverride, Script, Substitute};
use crate::shape::{Shape, Subject};

const LOGIN: &str = "/oauth/token";

/// How many records a list has that is not paged and that no one gave a size.
const SHORT_LIST: u64 = 3;

/// What an org is like from the start.
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) default_count: u64,
    pub(crate) latency: Duration,
    pub(crate) token_lifetime: Duration,
    pub(crate) calls_per_minute: u64,
    pub(crate) faults: Vec<Arc<dyn Fault>>,
}

/// The state of an org, and what it answers. It knows nothing of connections.
pub(crate) struct Service {
    api: &'static Api,
    settings: Settings,
    /// The sizes of lists, by operationId.
    sizes: RwLock<HashMap<&'static str, u64>>,
    /// The lists of this org, as they stand in the ids of their records.
    lists: HashSet<u64>,
    login: Mutex<Login>,
    limit: Mutex<RateLimit>,
    script: Mutex<Script>,
    journal: Mutex<Journal>,
    correlations: AtomicU64,
    creations: AtomicU64,
}

/// A reply, and what the headers say that every reply of the API bears.
pub(crate) struct Answered {
    pub(crate) reply: CannedReply,
    pub(crate) correlation_id: Id,
    pub(crate) standing: Option<Standing>,
}

/// A request that leads to an operation.
struct Asked<'a> {
    endpoint: &'static Endpoint,
    path_values: Vec<Cow<'a, str>>,
    request: &'a RecordedRequest,
}

impl Service {
    pub(crate) fn new(settings: Settings) -> Self {
        let api = Api::embedded();
        let seed = settings.seed;
        Self {
            api,
            sizes: RwLock::default(),
            lists: api
                .endpoints()
                .iter()
                .map(|it| Identity::new(list(seed, it), 0).list())
                .collect(),
            login: Mutex::new(Login::new(seed, settings.token_lifetime)),
            limit: Mutex::new(RateLimit::new(settings.calls_per_minute)),
            script: Mutex::default(),
            journal: Mutex::default(),
            correlations: AtomicU64::new(0),
            creations: AtomicU64::new(0),
            settings,
        }
    }

    pub(crate) fn endpoint(&self, name: &str) -> Result<&'static Endpoint, Error> {
        self.api.find(name).ok_or_else(|| Error::unknown_operation(name))
    }

    pub(crate) fn login(&self) -> MutexGuard<'_, Login> {
        lock(&self.login)
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        lock(&self.script)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }

    pub(crate) fn set_size(&self, name: &str, size: u64) -> Result<(), Error> {
        let endpoint = self.endpoint(name)?;
        if !matches!(endpoint.answer().body, AnswerBody::Listing(_)) {
            return Err(Error::not_a_list(&endpoint.operation.id));
        }
        let mut sizes = self.sizes.write().unwrap_or_else(PoisonError::into_inner);
        sizes.insert(&endpoint.operation.id, size);
        Ok(())
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
        Ok(())
    }

    /// Answers a request and keeps it in the journal.
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

        let (reply, standing) = match route {
            _ if path == LOGIN => (self.log_in(head, &request.body), None),
            Route::Operation { index, path_values } => {
                let endpoint = self.api.endpoint(index);
                self.respond_to_call(head, &Asked { endpoint, path_values, request: &request })
            }
            Route::OtherMethod => {
                let message = "HTTP 405 Method Not Allowed";
                (CannedReply::error(405, "method.not.allowed", message), None)
            }
            Route::Unknown => {
                let message = "The requested resource was not found.";
                (CannedReply::error(404, "not.found", message), None)
            }
        };
        let reply = reply.with_context(&correlation_id.to_string());
        Answered { reply, correlation_id, standing }
    }

    fn log_in(&self, head: &Parts, body: &[u8]) -> CannedReply {
        match head.method {
            Method::POST => self.login().answer(&head.headers, body),
            _ => CannedReply::empty(405),
        }
    }

    fn respond_to_call(&self, head: &Parts, asked: &Asked<'_>) -> (CannedReply, Option<Standing>) {
        match self.admit(head) {
            Ok(standing) => (self.respond_to_admitted(asked, standing), Some(standing)),
            Err(refusal) => (refusal, None),
        }
    }

    /// Counts the call, if its token is good.
    fn admit(&self, head: &Parts) -> Result<Standing, CannedReply> {
        let Some(token) = bearer(&head.headers) else {
            let message = "No authentication bearer token specified in authorization header.";
            return Err(CannedReply::error(401, "authentication.required", message));
        };
        if !self.login().accepts(token) {
            return Err(CannedReply::unauthorized());
        }
        Ok(lock(&self.limit).count(token))
    }

    fn respond_to_admitted(&self, asked: &Asked<'_>, standing: Standing) -> CannedReply {
        let operation = asked.endpoint.operation;
        let call = Call { operation, request: asked.request };
        let scripted = self.script().next_reply(&operation.id);
        let faults = &self.settings.faults;
        if let Some(reply) = scripted.or_else(|| faults.iter().find_map(|it| it.before(&call))) {
            return reply;
        }
        if standing.is_exceeded() {
            return CannedReply::rate_limited(standing.reset);
        }
        let reply = match check(operation, &asked.path_values, asked.request) {
            Ok(()) => self.answer(asked),
            Err(refusal) => refusal,
        };
        faults.iter().fold(reply, |reply, fault| fault.after(&call, reply))
    }

    fn answer(&self, asked: &Asked<'_>) -> CannedReply {
        let answer = asked.endpoint.answer();
        match (&answer.body, asked.endpoint.scheme) {
            (AnswerBody::Empty, _) => CannedReply::empty(answer.status),
            (AnswerBody::Listing(listing), Some(Scheme::PageNumber)) => {
                self.numbered_page(asked, answer.status, listing)
            }
            (AnswerBody::Listing(listing), _) => {
                CannedReply::raw_json(answer.status, self.whole_list(asked, listing))
            }
            (AnswerBody::Record(shape), _) => {
                CannedReply::raw_json(answer.status, self.record(asked, shape))
            }
        }
    }

    /// The page a request asks for, or what a test put in its place.
    fn numbered_page(&self, asked: &Asked<'_>, status: u16, listing: &Listing) -> CannedReply {
        let query = Query::new(&asked.request.query);
        let number = query.get("pageNumber").and_then(|it| it.parse().ok()).unwrap_or(1);
        let substitute = self.script().page(&asked.endpoint.operation.id, number);
        let page = |number| self.write_numbered_page(asked, listing, number);
        match substitute.map(|it| it.0) {
            None => CannedReply::raw_json(status, page(number)),
            Some(Substitute::SameAs(other)) => CannedReply::raw_json(status, page(other)),
            Some(Substitute::Json(body)) => CannedReply::json(status, &body),
            Some(Substitute::Edit(change)) => {
                let mut body = serde_json::from_slice(&page(number)).unwrap_or_default();
                change(&mut body);
                CannedReply::json(status, &body)
            }
        }
    }

    fn write_numbered_page(&self, asked: &Asked<'_>, listing: &Listing, number: u64) -> Vec<u8> {
        let query = Query::new(&asked.request.query);
        let (default_size, largest) = asked.endpoint.page_sizes();
        let wanted = query.get("pageSize").and_then(|size| size.parse().ok());
        let size = wanted.unwrap_or(default_size).clamp(1, largest);

        let takes_name = asked.endpoint.operation.parameter("name").is_some();
        let filter = query.get("name").filter(|_| takes_name).map(|it| NameFilter::new(&it));
        let skip = number.saturating_sub(1).saturating_mul(size);
        let (indexes, total) =
            listing.select(self.size(asked.endpoint), filter.as_ref(), skip, size);

        let path = &asked.request.path;
        let uri = |number| format!("{path}?{}", query.at_page(number, size));
        let page = Page { number, size, total, indexes: &indexes };
        listing.write(list(self.settings.seed, asked.endpoint), path, &page, uri)
    }

    fn whole_list(&self, asked: &Asked<'_>, listing: &Listing) -> Vec<u8> {
        let total = self.size(asked.endpoint);
        let indexes: Vec<u64> = (0..total).collect();
        let path = &asked.request.path;
        let page = Page { number: 1, size: total.max(1), total, indexes: &indexes };
        listing.write(list(self.settings.seed, asked.endpoint), path, &page, |_| path.clone())
    }

    fn size(&self, endpoint: &Endpoint) -> u64 {
        let default = match endpoint.scheme {
            Some(_) => self.settings.default_count,
            None => SHORT_LIST,
        };
        let sizes = self.sizes.read().unwrap_or_else(PoisonError::into_inner);
        sizes.get(endpoint.operation.id.as_str()).copied().unwrap_or(default)
    }

    /// A record by its id, or a new one; with what the request says of it.
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
        let (seed, number) = match Identity::of(&id) {
            Some(known) if self.lists.contains(&known.list()) => (known.seed(), known.index()),
            _ => (mix(self.settings.seed ^ hash(&id)), hash(&id) % 10_000),
        };
        let mut record = Vec::new();
        // The id of a path may be any text; within the quotes of JSON it has to be escaped.
        let quoted = Value::from(id).to_string();
        let id = &quoted.as_bytes()[1..quoted.len() - 1];
        shape.write(&mut record, Subject { id, number, seed, list_path });
        echo(record, &asked.request.body, shape)
    }
}

/// What makes the ids of one operation's records, in one org, differ from all others.
fn list(seed: u64, endpoint: &Endpoint) -> u64 {
    mix(seed ^ endpoint.salt)
}

/// Puts the fields of a request into the record it makes or changes.
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
    // A test that panicked while it looked at the org doesn't harm what is inside.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
