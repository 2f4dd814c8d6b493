//! Spans and metrics by the OpenTelemetry conventions for HTTP clients
//! (<https://opentelemetry.io/docs/specs/semconv/http/>).
//!
//! A call is an internal span, and each of its requests a client span inside it. The conventions ask for `url.full`, but
//! it is omitted: query values and ids in paths can be personal data.

use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use url::Url;

use crate::error::Error;
use crate::operation::Operation;
use crate::response::RawResponse;

/// Creates the span of a call, including its retries and waits.
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

macro_rules! operation_span {
    ($name:literal, $title:literal, $operation:expr) => {{
        let id = $operation.id();
        tracing::info_span!(
            $name,
            otel.name = %format_args!($title, id = id),
            otel.kind = "internal",
            otel.status_code = Empty,
            operation = id,
            "error.type" = Empty,
        )
    }};
}

/// Creates the span of a list, including all of its calls and the job that its items come from, if any.
pub(crate) fn list(operation: &Operation) -> Span {
    operation_span!("list", "list {id}", operation)
}

/// Creates the span of waiting for a job.
pub(crate) fn job(operation: &Operation) -> Span {
    operation_span!("job", "wait for {id}", operation)
}

/// Records the failure of a call, a list or a job in its span.
pub(crate) fn failed(span: &Span, error: &Error) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error.kind().as_str());
}

/// Sends one request of an operation in a client span, and records the outcome. `resends` is the number of earlier
/// attempts of the call.
pub(crate) async fn request(
    operation: &Operation,
    url: &Url,
    resends: u32,
    sent: impl Future<Output = Result<RawResponse, Error>>,
) -> Result<RawResponse, Error> {
    let target = (operation.method().as_str(), Some(operation.template()));
    recorded(target, resends, url, sent, RawResponse::status).await
}

/// Sends a request for a file on another host in a client span. It has no template, and the URL may be secret.
pub(crate) async fn file<T>(
    url: &Url,
    sent: impl Future<Output = Result<T, Error>>,
    status: impl Fn(&T) -> u16,
) -> Result<T, Error> {
    recorded(("GET", None), 0, url, sent, status).await
}

fn request_span((method, template): (&str, Option<&str>), resends: u32, url: &Url) -> Span {
    let separator = if template.is_some() { " " } else { "" };
    tracing::info_span!(
        "request",
        otel.name = %format_args!("{method}{separator}{}", template.unwrap_or_default()),
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
    )
}

async fn recorded<T>(
    target: (&str, Option<&str>),
    resends: u32,
    url: &Url,
    sent: impl Future<Output = Result<T, Error>>,
    status: impl Fn(&T) -> u16,
) -> Result<T, Error> {
    let span = request_span(target, resends, url);
    #[cfg(feature = "metrics")]
    let began = std::time::Instant::now();
    let outcome = sent.instrument(span.clone()).await;
    let status = match &outcome {
        Ok(response) => Some(status(response)),
        Err(error) => error.status(),
    };
    // OpenTelemetry has no unsigned integers: they would be exported as text.
    span.record("http.response.status_code", status.map(i64::from));
    // By convention, the type of an HTTP error is its status.
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

    /// Registers the unit and description of the metric.
    pub(crate) fn describe() {
        let description = "Duration of HTTP requests to the API, to the login host and for files";
        metrics::describe_histogram!(DURATION, Unit::Seconds, description);
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
