//! Calls without a runtime.

use futures::executor::block_on;
use genesys_cloud_core::{
    Call, CheckpointStore as _, Client, Download, ErrorKind, FileStore, ListSpec, Method,
    Operation, Paginator, RawResponse, Scheme,
};
use serde_json::Value;

use crate::queues;

fn client() -> Client {
    let builder = Client::builder().api_url("http://127.0.0.1:1").access_token("token");
    builder.build().expect("a client needs no runtime")
}

fn things(client: &Client) -> Paginator<Value> {
    Paginator::from_request(client, queues(), ListSpec::new(Scheme::PageNumber, "entities"))
}

#[test]
fn without_a_runtime_calls_are_errors() {
    let client = client();
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = FileStore::new(directory.path());
    let call = Call::<RawResponse>::new(&client, Operation::from_static("get", Method::Get, "/"));
    let login = Client::builder().api_url("http://127.0.0.1:1").login_url("http://127.0.0.1:1");
    let login: Client = login.credentials("id", "secret").build().expect("a client");
    let mut download = Download::new(&client, "http://127.0.0.1:1/f").expect("a URL");
    let errors = [
        block_on(client.execute(&queues())).expect_err("no runtime"),
        block_on(login.execute(&queues())).expect_err("no runtime"),
        block_on(async { call.await }).expect_err("no runtime"),
        block_on(client.identify()).expect_err("no runtime"),
        block_on(things(&client).try_next()).expect_err("no runtime"),
        block_on(things(&client).prefetch(3).try_next()).expect_err("no runtime"),
        block_on(download.try_next()).expect_err("no runtime"),
        block_on(store.load("key")).expect_err("no runtime").into(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NoRuntime, "{error}");
        assert!(!error.is_transient() && error.attempts() == 0);
        assert!(
            error.to_string().contains("no Tokio runtime is running; await the call"),
            "{error}"
        );
    }
    let error = block_on(client.execute(&queues())).expect_err("no runtime");
    let start = "GET /api/v2/routing/queues (getRoutingQueues) was not sent: no Tokio runtime";
    assert!(error.to_string().starts_with(start), "{error}");
}
