//! Sends calls: token, rate limiter, attempts, retries, tracing and hooks. All calls take this path.

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
use crate::rate_limit::{FailFast, Permit, RateLimiter, Refused};
use crate::request::Request;
use crate::response::{CallStats, RawResponse, ResponseHead};
use crate::retry::{Attempts, MAX_PAUSE, Next, Retries};
use crate::wait::WaitReason;
use crate::{runtime, spans};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Some operations return only text, so other types are accepted with low priority.
const ACCEPTED: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.1");

/// Answers requests instead of the API, in unit tests.
#[cfg(feature = "test-util")]
pub(crate) type Responder = Arc<dyn Fn(&Request) -> Result<RawResponse, Error> + Send + Sync>;

/// The state shared by all clones of a client.
pub(crate) struct Pipeline {
    pub(crate) http_client: HttpClient,
    /// Connections for files on other hosts. They never carry a token.
    pub(crate) files: Connections,
    pub(crate) api: BaseUrl,
    pub(crate) auth: Auth,
    pub(crate) rate_limiter: RateLimiter,
    pub(crate) retries: Arc<Retries>,
    pub(crate) hooks: Hooks,
    pub(crate) max_page_items: usize,
    /// The token's identity, once `Client::identify` has requested it.
    pub(crate) learned: OnceCell<Learned>,
    #[cfg(feature = "test-util")]
    pub(crate) responder: Option<Responder>,
}

impl Pipeline {
    /// Sends a request and returns the response if the operation accepts its status.
    pub(crate) async fn execute(&self, request: &Request) -> Result<RawResponse, Error> {
        #[cfg(feature = "test-util")]
        if let Some(responder) = &self.responder {
            return responder(request);
        }
        let retries = &self.retries;
        let attempts = retries.begin(request.operation().is_repeatable());
        self.call(request, attempts, None, CallStats::default()).await
    }

    /// Sends a request again after a successful but unusable response, or returns `error` if it must not be retried.
    /// Attempts and waits are added to those of `so_far`.
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

    /// Waits before a retry after a successful but unusable response, or returns `error` if it must not be retried.
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

    /// `again` is the wait before the first attempt, and the error that caused it.
    async fn call(
        &self,
        request: &Request,
        attempts: Attempts<'_>,
        again: Option<(Duration, Error)>,
        mut stats: CallStats,
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
                    "unusable response; retrying"
                );
                let pause = self.rate_limiter.pause(operation, WaitReason::Retry, after);
                waiting(&mut stats, pause).await;
            }
            self.send(request, &url, attempts, &mut stats).await
        };
        let outcome = outcome.instrument(span.clone()).await;
        let outcome = match outcome {
            Ok(mut response) => {
                response.head.stats = stats;
                Ok(response)
            }
            Err(error) => Err(error.after(stats).redacted(self.http_client.secrets())),
        };
        span.record("attempts", stats.attempts);
        span.record("waited_ms", stats.waited.as_millis() as u64);
        let (status, correlation_id) = match &outcome {
            Ok(response) => (Some(response.status()), response.correlation_id()),
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
                let (kind, attempts) = (error.kind(), stats.attempts);
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
            attempts: stats.attempts,
            duration,
            waited: stats.waited,
            error: outcome.as_ref().err().map(Error::kind),
            correlation_id,
        });
        outcome
    }

    /// Makes the attempts of one call. Each attempt, including retries, waits for its turn in the rate limiter. None
    /// holds a permit while it waits for something else.
    async fn send(
        &self,
        request: &Request,
        url: &Url,
        mut attempts: Attempts<'_>,
        stats: &mut CallStats,
    ) -> Result<RawResponse, Error> {
        let operation = request.operation();
        let on_call = |error: Error| error.on(operation);
        let ticket = self.rate_limiter.begin();
        let mut renewed = false;
        // Log in before queueing, so that all calls waiting for the login share it and its failure.
        self.auth.token().await.map_err(on_call)?;
        loop {
            let permit = match waiting(stats, self.rate_limiter.turn(ticket, operation)).await {
                Ok(permit) => permit,
                Err(Refused { error, remaining }) => {
                    attempts.limited();
                    return Err(on_call(self.retries.held_back(&error, remaining)));
                }
            };
            // Again, because the token may expire while the call waits.
            let token = self.auth.token().await.map_err(on_call)?;
            stats.attempts += 1;
            attempts.begun();
            let (head, error) = match self.attempt(request, url, &token, stats.attempts).await {
                Ok(response) if operation.accepts(response.status()) => {
                    permit.answered(token.serial(), &response.head);
                    attempts.answered();
                    self.auth.accepted(operation);
                    return Ok(response);
                }
                Ok(response) => (Some(response.head.clone()), Error::refused(&response)),
                Err(error) => (None, error),
            };
            if error.status() == Some(401) && head.is_some() {
                self.settle(permit, &token, head.as_ref(), &error, None);
                attempts.answered();
                // A rejected request had no effect, so even a call that is not repeatable is retried.
                if renewed {
                    self.auth.refused_again(operation);
                } else if self.auth.renew(&token, operation).await.map_err(on_call)? {
                    renewed = true;
                    tracing::info!(attempt = stats.attempts, "token rejected; retrying");
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
                        attempt = stats.attempts,
                        status = error.status(),
                        after_ms = after.as_millis() as u64,
                        error = %error.kind(),
                        "attempt failed; retrying"
                    );
                    // For a rate limit, the limiter waits, since the pause applies to other calls too.
                    if !error.is_rate_limited() {
                        let pause = self.rate_limiter.pause(operation, WaitReason::Retry, after);
                        waiting(stats, pause).await;
                    }
                }
                Next::GiveUp(reason) => return Err(reason.advise(error)),
            }
        }
    }

    /// Sends the request once. `url` was joined to the API's base URL, which validates it.
    async fn attempt(
        &self,
        request: &Request,
        url: &Url,
        token: &Token,
        number: u32,
    ) -> Result<RawResponse, Error> {
        let operation = request.operation();
        // Inside the span of the request, so that a hook can propagate its context.
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

    /// Returns the headers of an attempt.
    fn headers(&self, request: &Request, token: &Token, number: u32) -> HeaderMap {
        let operation = request.operation();
        let mut headers = request.headers().clone();
        headers.entry(ACCEPT).or_insert(ACCEPTED);
        self.hooks.request(operation, number, &mut headers);
        headers.extend(token.authorization().map(|token| (AUTHORIZATION, token)));
        if request.body().is_some() {
            headers.entry(CONTENT_TYPE).or_insert(JSON);
        } else if matches!(operation.method(), Method::Patch | Method::Post | Method::Put) {
            // Gateways may reject these methods without a body length.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        headers
    }

    /// Reports a failed attempt to the rate limiter. `pause` is the wait before the retry.
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
                if self.retries.fails_fast(error) {
                    let max_wait = self.retries.max_wait();
                    let fail_fast = FailFast { error: Arc::new(error.share()), max_wait };
                    let pause = error.retry_after().map(|wait| wait.min(MAX_PAUSE));
                    permit.limited(serial, head, limit, pause, Some(&fail_fast));
                } else {
                    permit.limited(serial, head, limit, pause.or(error.retry_after()), None);
                }
            }
            Some(head) => permit.answered(token.serial(), head),
            // A dropped permit counts as a request that the API may have seen.
            None => drop(permit),
        }
    }
}

/// Logs the final failure of a call whose successful response was unusable.
pub(crate) fn failed(error: Error) -> Error {
    let (operation, attempts) = (error.operation(), error.attempts());
    tracing::warn!(operation, error = %error.kind(), status = error.status(), attempts, "call failed");
    error
}

/// Adds the time of `wait` to the waits of a call.
async fn waiting<T>(stats: &mut CallStats, wait: impl Future<Output = T>) -> T {
    let since = Instant::now();
    let result = wait.await;
    stats.waited += since.elapsed();
    result
}
