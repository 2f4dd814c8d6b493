//! From a request to the reply: the one path that every call takes, whatever it returns.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tracing::Instrument as _;
use url::Url;

use crate::auth::{Auth, Token};
use crate::base_url::BaseUrl;
use crate::client::{CallEnded, Hooks, Learned};
use crate::error::Error;
use crate::http_client::{Connections, HttpClient};
use crate::operation::{Method, Operation};
use crate::rate_limit::{Closure, Permit, RateLimiter, Refused};
use crate::request::Request;
use crate::response::{CallStats, RawResponse, ResponseHead};
use crate::retry::{Attempts, LONGEST_CLOSURE, Next, Retries};
use crate::wait::WaitReason;
use crate::{runtime, spans};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// JSON wherever there is a choice; a few operations have none, and answer with text alone.
const ACCEPTED: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.1");

/// What answers the requests of a client in place of the API, in unit tests.
#[cfg(feature = "test-util")]
pub(crate) type Responder = Arc<dyn Fn(&Request) -> Result<RawResponse, Error> + Send + Sync>;

/// What all clones of a client share.
pub(crate) struct Pipeline {
    pub(crate) http_client: HttpClient,
    /// For files at hosts that are not the API's. They are sent no token.
    pub(crate) files: Connections,
    pub(crate) api: BaseUrl,
    pub(crate) auth: Auth,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) retries: Arc<Retries>,
    pub(crate) hooks: Hooks,
    pub(crate) max_page_items: usize,
    /// What the API said about the token, after `Client::identify`.
    pub(crate) learned: OnceCell<Learned>,
    #[cfg(feature = "test-util")]
    pub(crate) responder: Option<Responder>,
}

impl Pipeline {
    /// Sends a request and gives the reply if the operation accepts its status.
    pub(crate) async fn execute(&self, request: &Request) -> Result<RawResponse, Error> {
        #[cfg(feature = "test-util")]
        if let Some(responder) = &self.responder {
            return responder(request);
        }
        let retries = &self.retries;
        let attempts = retries.begin(request.operation().is_repeatable());
        self.call(request, attempts, None, CallStats::default()).await
    }

    /// Sends a request again after a successful but unusable reply, or returns `error` if it must not be sent again.
    /// The result adds to the attempts and waits of `so_far`.
    pub(crate) async fn execute_again(
        &self,
        request: &Request,
        repeated: u32,
        error: Error,
        so_far: CallStats,
    ) -> Result<RawResponse, Error> {
        #[cfg(feature = "test-util")]
        if self.responder.is_some() {
            return Err(error.spent());
        }
        let is_repeatable = request.operation().is_repeatable();
        let mut attempts = self.retries.begin_again(is_repeatable, repeated);
        match attempts.after_unusable(&error) {
            Next::Again(after) => self.call(request, attempts, Some((after, error)), so_far).await,
            Next::GiveUp(reason) => Err(failed(reason.advise(error).spent())),
        }
    }

    /// Waits before a call is made again whose successful reply could not be used, unless this error stands.
    pub(crate) async fn wait_to_repeat(
        &self,
        operation: &Operation,
        repeated: u32,
        error: Error,
    ) -> Result<(), Error> {
        runtime::current(Some(operation))?;
        let mut attempts = self.retries.begin_again(operation.is_repeatable(), repeated);
        match attempts.after_unusable(&error) {
            Next::Again(after) => {
                self.rate_limiter.pause(operation, WaitReason::Retry, after).await;
                attempts.begun();
                Ok(())
            }
            Next::GiveUp(reason) => Err(failed(reason.advise(error).spent())),
        }
    }

    /// `again` is the wait before the first attempt, and the error that made it necessary.
    async fn call(
        &self,
        request: &Request,
        attempts: Attempts<'_>,
        again: Option<(Duration, Error)>,
        mut course: CallStats,
    ) -> Result<RawResponse, Error> {
        let operation = request.operation();
        runtime::current(Some(operation))?;
        let span = spans::call(operation);
        let started = Instant::now();
        let outcome = async {
            let target = request.target()?;
            let url = self.api.join(&target);
            let url = url.map_err(|why| Error::invalid_request(operation, why))?;
            if let Some((after, error)) = again {
                tracing::info!(
                    after_ms = after.as_millis() as u64,
                    status = error.status(),
                    error = %error.kind(),
                    "the reply could not be used; trying again"
                );
                let pause = self.rate_limiter.pause(operation, WaitReason::Retry, after);
                waiting(&mut course, pause).await;
            }
            self.send(request, &url, attempts, &mut course).await
        };
        let outcome = outcome.instrument(span.clone()).await;
        let outcome = match outcome {
            Ok(mut reply) => {
                reply.head.course = course;
                Ok(reply)
            }
            Err(error) => Err(error.after(course).redacted(self.http_client.secrets())),
        };
        span.record("attempts", course.attempts);
        span.record("waited_ms", course.waited.as_millis() as u64);
        let (status, correlation_id) = match &outcome {
            Ok(reply) => (Some(reply.status()), reply.correlation_id()),
            Err(error) => (error.status(), error.correlation_id()),
        };
        let is_seen = !span.is_disabled() || self.hooks.has_on_call() || outcome.is_err();
        let correlation_id = correlation_id.filter(|_| is_seen);
        let correlation_id = correlation_id.map(|id| self.http_client.secrets().redact(id));
        let correlation_id = correlation_id.as_deref();
        let duration = started.elapsed();
        span.record("status", status);
        span.record("correlation_id", correlation_id);
        span.record("elapsed_ms", duration.as_millis() as u64);
        match &outcome {
            Ok(_) => tracing::debug!(parent: &span, "call ended"),
            Err(error) => {
                spans::failed(&span, error);
                let (kind, attempts) = (error.kind(), course.attempts);
                tracing::warn!(
                    parent: &span,
                    operation = operation.id(), error = %kind, status, correlation_id, attempts,
                    "call failed"
                );
            }
        }
        self.hooks.call(&CallEnded {
            operation: operation.id(),
            method: operation.method(),
            template: operation.template(),
            status,
            attempts: course.attempts,
            duration,
            waited: course.waited,
            error: outcome.as_ref().err().map(Error::kind),
            correlation_id,
        });
        outcome
    }

    /// The attempts of one call. Each waits for its turn, so that a repetition is within the budget as
    /// well; none holds a place while it waits for something else.
    async fn send(
        &self,
        request: &Request,
        url: &Url,
        mut attempts: Attempts<'_>,
        course: &mut CallStats,
    ) -> Result<RawResponse, Error> {
        let operation = request.operation();
        let on_call = |error: Error| error.on(operation);
        let ticket = self.rate_limiter.begin();
        let mut renewed = false;
        // Before the queue, so that all who wait for the same login share it, and its failure.
        self.auth.token().await.map_err(on_call)?;
        loop {
            let permit = match waiting(course, self.rate_limiter.turn(ticket, operation)).await {
                Ok(permit) => permit,
                Err(Refused { error, remaining }) => {
                    attempts.limited();
                    return Err(on_call(self.retries.held_back(&error, remaining)));
                }
            };
            // Once more: a token may end while its call waits.
            let token = self.auth.token().await.map_err(on_call)?;
            course.attempts += 1;
            attempts.begun();
            let (head, error) = match self.attempt(request, url, &token, course.attempts).await {
                Ok(reply) if operation.accepts(reply.status()) => {
                    permit.answered(token.serial(), &reply.head);
                    attempts.answered();
                    self.auth.accepted(operation);
                    return Ok(reply);
                }
                Ok(reply) => (Some(reply.head.clone()), Error::refused(&reply)),
                Err(error) => (None, error),
            };
            if error.status() == Some(401) && head.is_some() {
                self.settle(permit, &token, head.as_ref(), &error, None);
                attempts.answered();
                // Nothing was done for a request that was refused, so it can be repeated whatever it is.
                if renewed {
                    self.auth.refused_again(operation);
                } else if self.auth.renew(&token, operation).await.map_err(on_call)? {
                    renewed = true;
                    tracing::info!(attempt = course.attempts, "token refused; trying again");
                    continue;
                }
                return Err(error.advise(self.auth.advice()));
            }
            let next = attempts.after(&error);
            let after = match next {
                Next::Again(after) => Some(after),
                Next::GiveUp(_) => None,
            };
            self.settle(permit, &token, head.as_ref(), &error, after);
            match next {
                Next::Again(after) => {
                    tracing::info!(
                        attempt = course.attempts,
                        status = error.status(),
                        after_ms = after.as_millis() as u64,
                        error = %error.kind(),
                        "failed; trying again"
                    );
                    // For a rate limit, the budget waits: it has been told, and there are others.
                    if !error.is_rate_limited() {
                        let pause = self.rate_limiter.pause(operation, WaitReason::Retry, after);
                        waiting(course, pause).await;
                    }
                }
                Next::GiveUp(reason) => return Err(reason.advise(error)),
            }
        }
    }

    /// Sends the request once. `url` was joined to the URL of the API, and so checked against it.
    async fn attempt(
        &self,
        request: &Request,
        url: &Url,
        token: &Token,
        number: u32,
    ) -> Result<RawResponse, Error> {
        let operation = request.operation();
        // Within the span of the request, so that a hook can pass its context on.
        let sent = async {
            let headers = self.headers(request, token, number);
            let outgoing =
                self.http_client.request(operation.method(), url.clone())?.headers(headers);
            let outgoing = match request.body() {
                Some(body) => outgoing.body(body.clone()),
                None => outgoing,
            };
            self.http_client.send(operation, outgoing, request.max_body()).await
        };
        spans::request(operation, url, number - 1, sent).await
    }

    /// The headers of an attempt.
    fn headers(&self, request: &Request, token: &Token, number: u32) -> HeaderMap {
        let operation = request.operation();
        let mut headers = request.headers().clone();
        headers.entry(ACCEPT).or_insert(ACCEPTED);
        self.hooks.request(operation, number, &mut headers);
        headers.extend(token.authorization().map(|token| (AUTHORIZATION, token)));
        if request.body().is_some() {
            headers.entry(CONTENT_TYPE).or_insert(JSON);
        } else if matches!(operation.method(), Method::Patch | Method::Post | Method::Put) {
            // Gateways may refuse a method that is to have a body and tells no length of it.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        headers
    }

    /// Tells the budget what came of a request that failed. `pause` is the wait before it is sent again.
    fn settle(
        &self,
        permit: Permit<'_>,
        token: &Token,
        head: Option<&ResponseHead>,
        error: &Error,
        pause: Option<Duration>,
    ) {
        match head {
            Some(head) if error.is_rate_limited() => {
                let limit = error.body().and_then(|body| body.limit.as_ref());
                let serial = token.serial();
                if self.retries.closes(error) {
                    let patience = self.retries.patience();
                    let closure = Closure { error: Arc::new(error.share()), patience };
                    let pause = error.retry_after().map(|wait| wait.min(LONGEST_CLOSURE));
                    permit.limited(serial, head, limit, pause, Some(&closure));
                } else {
                    permit.limited(serial, head, limit, pause.or(error.retry_after()), None);
                }
            }
            Some(head) => permit.answered(token.serial(), head),
            // Dropped, it counts as one that may have been seen.
            None => drop(permit),
        }
    }
}

/// Traces that a call failed for good though the API answered: its reply could not be used.
pub(crate) fn failed(error: Error) -> Error {
    let (operation, attempts) = (error.operation(), error.attempts());
    tracing::warn!(operation, error = %error.kind(), status = error.status(), attempts, "call failed");
    error
}

/// Counts the time that something takes as time that the call waited.
async fn waiting<T>(course: &mut CallStats, wait: impl Future<Output = T>) -> T {
    let since = Instant::now();
    let result = wait.await;
    course.waited += since.elapsed();
    result
}
