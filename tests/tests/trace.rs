//! Trace events. The only test in its process: tracing decides for all threads whether there is a subscriber,
//! and a test without one could decide for the other.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use futures::TryStreamExt as _;
use genesys_cloud::Client;
use genesys_cloud::types::{Queue, UpdateUser};
use genesys_cloud_mock::{CannedResponse, MockOrg};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const QUEUES: &str = "getRoutingQueues";

#[tokio::test]
async fn traces_have_no_secrets_or_personal_data() {
    let trace = Trace::default();
    let _guard = tracing::subscriber::set_default(trace.clone());
    let org = MockOrg::builder().list(QUEUES, 60).start().await.expect("an org");
    let client: Client = Client::builder()
        .api_url(org.url())
        .login_url(org.url())
        .credentials(org.client_id(), org.client_secret())
        .build()
        .expect("a client");

    let title = UpdateUser { title: Some("Lead".to_owned()), ..Default::default() };
    client.users().patch_user("jane@example.com", title).await.expect("a response");
    let queues = client.routing().queues().name("Support*").paginate().page_size(5);
    let queues: Vec<Queue> = queues.try_collect().await.expect("all queues");
    assert_eq!(queues.len(), 15);
    // One refusal that a new login fixes, and one that persists.
    org.revoke_tokens();
    client.routing().queue("q").send().await.expect("a response");
    for _ in 0..2 {
        let refusal = CannedResponse::error(401, "bad.credentials", "Jane Roe may not");
        org.respond_next(QUEUES, refusal).expect("an operation");
    }
    client.routing().queues().send().await.expect_err("refused");

    let trace = trace.text();
    for line in [
        "operation=\"patchUser\"\nmethod=\"PATCH\"\npath=\"/api/v2/users/{userId}\"\n",
        "operation=\"getRoutingQueues\"\npage=3\nitems=5\ntotal=15\n",
        "attempts=2\n",
        "status=200\n",
        "status=401\n",
        "correlation_id=",
        "elapsed_ms=",
    ] {
        assert!(trace.contains(line), "{line} not in {trace}");
    }
    for secret in [org.client_secret().as_str(), "mock-token", "Basic "] {
        assert!(!trace.contains(secret), "{secret} in {trace}");
    }
    for personal in ["Lead", "Support", "jane@", "Jane"] {
        assert!(!trace.contains(personal), "{personal} in {trace}");
    }
}

/// Collects the fields of everything traced on this thread, at every level.
#[derive(Clone, Default)]
struct Trace(Arc<Mutex<String>>);

impl Trace {
    fn text(&self) -> String {
        self.0.lock().expect("no panic while tracing").clone()
    }

    fn keep(&self, record: impl FnOnce(&mut dyn Visit)) {
        struct Fields<'a>(&'a mut String);

        impl Visit for Fields<'_> {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                writeln!(self.0, "{field}={value:?}").expect("memory");
            }
        }

        record(&mut Fields(&mut self.0.lock().expect("no panic while tracing")));
    }
}

impl Subscriber for Trace {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.keep(|fields| span.record(fields));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.keep(|fields| values.record(fields));
    }

    fn event(&self, event: &Event<'_>) {
        self.keep(|fields| event.record(fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
