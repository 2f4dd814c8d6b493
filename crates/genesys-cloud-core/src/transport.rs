//! From a request to the reply: the one path that every call takes, whatever it returns.

use std::time::Duration;

use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use url::Url;

use crate::auth::{Auth, Token};
use crate::base_url::BaseUrl;
use crate::error::Error;
use crate::exchange::{Exchange, Files};
use crate::operation::Method;
use crate::reply::RawReply;
use crate::request::Request;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// JSON wherever there is a choice; a few operations have none, and answer with text alone.
const ACCEPTED: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.1");

/// What all clones of a client share.
pub(crate) struct Transport {
    pub(crate) exchange: Exchange,
    /// For files at hosts that are not the API's.
    pub(crate) files: Files,
    pub(crate) api: BaseUrl,
    pub(crate) auth: Auth,
    pub(crate) timeout: Duration,
}

impl Transport {
    /// Sends a request and gives the reply if the operation accepts its status.
    pub(crate) async fn execute(&self, request: &Request) -> Result<RawReply, Error> {
        let operation = request.operation();
        // The path is the template: ids, query and headers can be personal data.
        let span = tracing::info_span!(
            "call",
            operation = operation.id(),
            method = operation.method().as_str(),
            path = operation.path(),
            attempts = Empty,
            status = Empty,
            correlation_id = Empty,
            elapsed_ms = Empty,
        );
        let started = Instant::now();
        let outcome = async {
            let target = request.target()?;
            let url = self.api.join(&target);
            let url = url.map_err(|why| Error::invalid_request(operation, why))?;
            let sent = tokio::time::timeout(self.timeout, self.send(request, &url, &span)).await;
            sent.unwrap_or_else(|_| Err(Error::deadline(operation, self.timeout)))
        };
        let outcome = outcome.instrument(span.clone()).await;
        let (status, correlation_id) = match &outcome {
            Ok(reply) => (Some(reply.status()), reply.correlation_id()),
            Err(error) => (error.status(), error.correlation_id()),
        };
        span.record("status", status);
        span.record("correlation_id", correlation_id);
        span.record("elapsed_ms", started.elapsed().as_millis() as u64);
        tracing::debug!(parent: &span, ok = outcome.is_ok(), "call ended");
        outcome
    }

    /// The attempts of one call. What waits before an attempt or decides on another belongs here.
    async fn send(&self, request: &Request, url: &Url, span: &Span) -> Result<RawReply, Error> {
        let operation = request.operation();
        let on_call = |error: Error| error.on(operation);
        let mut token = self.auth.token().await.map_err(on_call)?;
        span.record("attempts", 1);
        let mut reply = self.attempt(request, url, &token).await?;
        // Nothing was done for a request that was refused, so it can be repeated whatever it is.
        if reply.status() == 401
            && let Some(renewed) = self.auth.instead_of(&token).await.map_err(on_call)?
        {
            token = renewed;
            span.record("attempts", 2);
            reply = self.attempt(request, url, &token).await?;
        }
        if !operation.accepts(reply.status()) {
            token.blank_in(&mut reply);
        }
        let refused_token = reply.status() == 401;
        reply
            .accepted()
            .map_err(|error| if refused_token { error.advise(self.auth.advice()) } else { error })
    }

    /// Sends the request once. `url` was joined to the URL of the API, and so checked against it.
    async fn attempt(
        &self,
        request: &Request,
        url: &Url,
        token: &Token,
    ) -> Result<RawReply, Error> {
        let operation = request.operation();
        let mut headers = request.headers().clone();
        headers.entry(ACCEPT).or_insert(ACCEPTED);
        headers.insert(AUTHORIZATION, token.authorization());
        if request.body().is_some() {
            headers.entry(CONTENT_TYPE).or_insert(JSON);
        } else if matches!(operation.method(), Method::Patch | Method::Post | Method::Put) {
            // Gateways may refuse a method that is to have a body and tells no length of it.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut outgoing = self.exchange.request(operation.method(), url.clone()).headers(headers);
        if let Some(body) = request.body() {
            outgoing = outgoing.body(body.clone());
        }
        self.exchange.send(operation, outgoing).await
    }
}
