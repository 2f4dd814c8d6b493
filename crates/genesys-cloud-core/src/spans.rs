//! Spans and metrics by the OpenTelemetry conventions for HTTP clients
//! (<https://opentelemetry.io/docs/specs/semconv/http/>).
//!
//! A call is an internal span, and each of its requests a client span within it. `url.full`, which the conventions ask for,
//! is left out: query values and ids in paths can be personal data.

use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use url::Url;

use crate::error::Error;
use crate::operation::Operation;
use crate::response::RawResponse;

/// The span of a call: all of its attempts, and the waits between them.
pub(crate) fn call(operation: &Operation) -> Span {
    tracing::info_span!(
        "call",
        otel.name = operation.id(),
        otel.kind = "internal",
        otel.status_code = Empty,
        operation = operation.id(),
        method = operation.method().as_str(),
        path = operation.template(),
        attempts = Empty,
        waited_ms = Empty,
        status = Empty,
        correlation_id = Empty,
        elapsed_ms = Empty,
        "error.type" = Empty,
    )
}

/// The span of a list, with all of its calls. If its items are results of a job, it holds the job too.
pub(crate) fn list(operation: &Operation) -> Span {
    let id = operation.id();
    tracing::info_span!(
        "list",
        otel.name = %format_args!("list {id}"),
        otel.kind = "internal",
        otel.status_code = Empty,
        operation = id,
        "error.type" = Empty,
    )
}

/// The span of a job that is waited for.
pub(crate) fn job(operation: &Operation) -> Span {
    let id = operation.id();
    tracing::info_span!(
        "job",
        otel.name = %format_args!("wait for {id}"),
        otel.kind = "internal",
        otel.status_code = Empty,
        operation = id,
        "error.type" = Empty,
    )
}

/// Notes in the span of a call, a list or a job that it failed.
pub(crate) fn failed(span: &Span, error: &Error) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error.kind().as_str());
}

/// Sends one request of an operation within a client span, and records how it ended. `resends` counts the earlier
/// attempts of the call.
pub(crate) async fn request(
    operation: &Operation,
    url: &Url,
    resends: u32,
    sent: impl Future<Output = Result<RawResponse, Error>>,
) -> Result<RawResponse, Error> {
    let (method, template) = (operation.method().as_str(), operation.template());
    let span = tracing::info_span!(
        "request",
        otel.name = %format_args!("{method} {template}"),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = method,
        http.request.resend_count = Some(i64::from(resends)).filter(|resends| *resends > 0),
        http.response.status_code = Empty,
        server.address = url.host_str(),
        server.port = url.port_or_known_default().map(i64::from),
        url.scheme = url.scheme(),
        url.template = template,
        "error.type" = Empty,
    );
    recorded(span, (method, Some(template)), url, sent, RawResponse::status).await
}

/// Requests a file at another host in the same way. There is no template, and the URL may be a secret.
pub(crate) async fn file<T>(
    url: &Url,
    sent: impl Future<Output = Result<T, Error>>,
    status: impl Fn(&T) -> u16,
) -> Result<T, Error> {
    let span = tracing::info_span!(
        "request",
        otel.name = "GET",
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = "GET",
        http.response.status_code = Empty,
        server.address = url.host_str(),
        server.port = url.port_or_known_default().map(i64::from),
        url.scheme = url.scheme(),
        "error.type" = Empty,
    );
    recorded(span, ("GET", None), url, sent, status).await
}

#[cfg_attr(not(feature = "metrics"), allow(unused_variables, reason = "for metrics"))]
async fn recorded<T>(
    span: Span,
    target: (&str, Option<&str>),
    url: &Url,
    sent: impl Future<Output = Result<T, Error>>,
    status: impl Fn(&T) -> u16,
) -> Result<T, Error> {
    #[cfg(feature = "metrics")]
    let began = std::time::Instant::now();
    let outcome = sent.instrument(span.clone()).await;
    let status = match &outcome {
        Ok(reply) => Some(status(reply)),
        Err(error) => error.status(),
    };
    // OpenTelemetry has no unsigned numbers: they would become text.
    span.record("http.response.status_code", status.map(i64::from));
    // The type of an error reply is its status.
    let refused = status.filter(|status| *status >= 400).map(|status| status.to_string());
    let error = refused.as_deref().or(outcome.as_ref().err().map(|error| error.kind().as_str()));
    if let Some(error) = error {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", error);
    }
    #[cfg(feature = "metrics")]
    metric::record(target, url, status, error, began.elapsed());
    outcome
}

#[cfg(feature = "metrics")]
pub(crate) mod metric {
    use std::time::Duration;

    use metrics::{Label, Unit};
    use url::Url;

    const DURATION: &str = "http.client.request.duration";

    /// Gives the recorder of metrics the unit of what comes.
    pub(crate) fn describe() {
        let what = "Duration of HTTP requests to the API, to the login host and for files";
        metrics::describe_histogram!(DURATION, Unit::Seconds, what);
    }

    pub(super) fn record(
        (method, template): (&str, Option<&str>),
        url: &Url,
        status: Option<u16>,
        error: Option<&str>,
        duration: Duration,
    ) {
        let port = url.port_or_known_default().map(|port| port.to_string());
        let status = status.map(|status| status.to_string());
        let labels: Vec<Label> = [
            ("http.request.method", Some(method)),
            ("url.template", template),
            ("server.address", url.host_str()),
            ("server.port", port.as_deref()),
            ("http.response.status_code", status.as_deref()),
            ("error.type", error),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some(Label::new(name, value?.to_owned())))
        .collect();
        metrics::histogram!(DURATION, labels).record(duration.as_secs_f64());
    }
}
