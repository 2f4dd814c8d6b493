//! Spans as seen by OpenTelemetry, and metrics. The only test in its process, because tracing decides for all
//! threads whether there is a subscriber.

use std::collections::{BTreeMap, HashMap};

use futures::TryStreamExt as _;
use genesys_cloud::Client;
use genesys_cloud::types::Queue;
use genesys_cloud_mock::{CannedResponse, ConnectionFault, MockOrg};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use opentelemetry::trace::{SpanKind, Status, TracerProvider as _};
use opentelemetry::{SpanId, Value};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing_subscriber::layer::SubscriberExt as _;

const QUEUES: &str = "getRoutingQueues";

fn attribute<'a>(span: &'a SpanData, name: &str) -> Option<&'a Value> {
    let pair = span.attributes.iter().find(|pair| pair.key.as_str() == name)?;
    Some(&pair.value)
}

fn text(span: &SpanData, name: &str) -> String {
    attribute(span, name).map(ToString::to_string).unwrap_or_default()
}

/// How often each request ended in each way.
type Counts = BTreeMap<(String, Option<i64>, String), usize>;

fn spread(requests: &[(String, Option<i64>, String, String)]) -> Counts {
    let mut counts = Counts::new();
    for (name, status, error, _) in requests {
        *counts.entry((name.clone(), *status, error.clone())).or_default() += 1;
    }
    counts
}

/// The same from the histogram of durations.
fn durations(metrics: &Snapshotter) -> Counts {
    let mut counts = Counts::new();
    for (key, unit, _, value) in metrics.snapshot().into_vec() {
        let key = key.key();
        assert_eq!(key.name(), "http.client.request.duration");
        assert_eq!(unit, Some(metrics::Unit::Seconds));
        let label = |name: &str| {
            let label = key.labels().find(|label| label.key() == name);
            label.map(|label| label.value().to_owned()).unwrap_or_default()
        };
        assert_eq!(label("server.address"), "127.0.0.1");
        let name = format!("{} {}", label("http.request.method"), label("url.template"));
        let DebugValue::Histogram(seconds) = value else { panic!("{value:?} is not a histogram") };
        assert!(seconds.iter().all(|seconds| **seconds > 0.0 && **seconds < 60.0));
        let status = label("http.response.status_code").parse().ok();
        counts.insert((name, status, label("error.type")), seconds.len());
    }
    counts
}

/// The names of a span and its parents.
fn path<'a>(by_id: &HashMap<SpanId, &'a SpanData>, mut span: &'a SpanData) -> String {
    let mut names = vec![span.name.to_string()];
    while let Some(parent) = by_id.get(&span.parent_span_id) {
        assert_eq!(parent.span_kind, SpanKind::Internal, "{}", parent.name);
        names.push(parent.name.to_string());
        span = parent;
    }
    names.join(" < ")
}

#[tokio::test]
async fn requests_are_client_spans_per_the_conventions() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));

    let recorder = DebuggingRecorder::new();
    let metrics = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);

    let org = MockOrg::builder().list(QUEUES, 60).start().await.expect("an org");
    let url = org.url();
    let builder = Client::builder().api_url(&url).login_url(&url).max_retries(0);
    let client = builder.credentials(org.client_id(), org.client_secret());
    let client: Client = client.build().expect("a client");
    let queues = client.routing().queues().name("Support*").paginate().page_size(10);
    let queues: Vec<Queue> = queues.try_collect().await.expect("all queues");
    assert_eq!(queues.len(), 15);
    let refusal = CannedResponse::error(404, "not.found", "Jane Roe has no queue");
    org.respond_next("getRoutingQueue", refusal).expect("an operation");
    client.routing().queue("of-jane").send().await.expect_err("no queue");
    // A new login succeeds.
    org.revoke_tokens();
    client.routing().queue("of-jane").send().await.expect("a response");
    org.cut_next("getRoutingQueue", ConnectionFault::CutBeforeResponse).expect("an operation");
    client.routing().queue("of-jane").send().await.expect_err("no response");

    let spans = exporter.get_finished_spans().expect("spans");
    let port = url.rsplit(':').next().expect("a port").to_owned();
    let mut requests = Vec::new();
    for span in spans.iter().filter(|span| span.span_kind == SpanKind::Client) {
        let [method, template] = ["http.request.method", "url.template"].map(|it| text(span, it));
        assert_eq!(span.name, format!("{method} {template}"));
        assert_eq!(
            (text(span, "server.address"), text(span, "url.scheme")),
            ("127.0.0.1".into(), "http".into())
        );
        assert_eq!(
            attribute(span, "server.port"),
            Some(&Value::I64(port.parse().expect("a number")))
        );
        let status = match attribute(span, "http.response.status_code") {
            Some(Value::I64(status)) => Some(*status),
            None => None,
            other => panic!("{other:?} is not a number"),
        };
        let is_error = matches!(span.status, Status::Error { .. });
        let error = text(span, "error.type");
        assert_eq!(is_error, !error.is_empty(), "{span:?}");
        let resends = text(span, "http.request.resend_count");
        requests.push((span.name.to_string(), status, error, resends));
    }
    let [login, list, queue] =
        ["POST /oauth/token", "GET /api/v2/routing/queues", "GET /api/v2/routing/queues/{queueId}"];
    let expected = [
        (login, Some(200), "", ""),
        (list, Some(200), "", ""),
        (list, Some(200), "", ""),
        (queue, Some(404), "404", ""),
        (queue, Some(401), "401", ""),
        (login, Some(200), "", ""),
        (queue, Some(200), "", "1"),
        (queue, None, "interrupted", ""),
    ];
    let expected = expected.map(|(name, status, error, resends)| {
        (name.to_owned(), status, error.to_owned(), resends.to_owned())
    });
    assert_eq!(requests, expected);
    assert_eq!(durations(&metrics), spread(&requests));

    let by_id: HashMap<SpanId, &SpanData> =
        spans.iter().map(|span| (span.span_context.span_id(), span)).collect();
    let paths: Vec<String> = spans
        .iter()
        .filter(|it| it.span_kind == SpanKind::Client)
        .map(|it| path(&by_id, it))
        .collect();
    assert_eq!(paths[1], format!("{list} < {QUEUES} < list {QUEUES}"));
    assert_eq!(paths[2], paths[1]);
    assert_eq!(paths[3], format!("{queue} < getRoutingQueue"));
    // The failed calls report it as well.
    let failed = |span: &&SpanData| matches!(span.status, Status::Error { .. });
    let calls = spans.iter().filter(|span| span.name == "getRoutingQueue");
    let calls: Vec<String> = calls.filter(failed).map(|it| text(it, "error.type")).collect();
    assert_eq!(calls, ["not_found", "interrupted"]);

    let mut seen = 0;
    for span in &spans {
        let events = span.events.iter().flat_map(|event| &event.attributes);
        for pair in span.attributes.iter().chain(events) {
            seen += 1;
            let shown = format!("{} {}", pair.key, pair.value);
            for secret in ["mock-token", "Basic ", "Bearer", "Support", "of-jane", "Jane"] {
                assert!(!shown.contains(secret), "{secret} in {shown} of {}", span.name);
            }
        }
    }
    assert!(seen > 100, "{seen} attributes");
    let warned = spans.iter().flat_map(|span| span.events.iter());
    let warned = warned.filter(|event| event.name == "call failed").count();
    assert_eq!(warned, 2, "once for each call that failed");
}
