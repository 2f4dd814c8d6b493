//! Only a complete or accepted list replaces an earlier output.

use std::path::{Path, PathBuf};

use genesys_cloud_mock::{CannedResponse, MockOrg};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::{Outcome, run_in};

const QUEUES: &str = "getRoutingQueues";

/// An output, and how to export to it.
pub(crate) struct Output {
    pub(crate) url: String,
    pub(crate) options: Vec<&'static str>,
    pub(crate) environment: Vec<(&'static str, String)>,
    folder: PathBuf,
}

impl Output {
    pub(crate) fn new(url: &str, folder: &Path) -> Self {
        let (options, environment) = (Vec::new(), Vec::new());
        Self { url: url.to_owned(), options, environment, folder: folder.to_owned() }
    }

    async fn export(&self, org: &MockOrg, operation: &str, more: &[&str]) -> Outcome {
        let usual = ["export", operation, "--out", &self.url, "--prefetch", "0"];
        let arguments = [&usual[..], &self.options, more].concat();
        run_in(&self.environment, Some(org), &self.folder, &arguments).await
    }
}

fn page(entities: &Value, total: u64) -> CannedResponse {
    let page = json!({
        "entities": entities, "pageSize": 100, "pageNumber": 1, "pageCount": 1, "total": total,
    });
    CannedResponse::json(200, &page)
}

/// Checks that only a complete list changes the output. `look` returns its content.
pub(crate) async fn stays_until_a_list_is_complete<Now: Future<Output = Vec<u8>>>(
    output: &Output,
    look: impl Fn() -> Now,
) {
    let org = MockOrg::builder().list(QUEUES, 30).start().await.unwrap();
    output.export(&org, QUEUES, &["--restart"]).await.done();
    let earlier = look().await;
    assert!(!earlier.is_empty());
    let one = json!([{ "id": "a" }]);
    let refused = json!({ "message": "No", "code": "bad.request", "status": 400 });
    for (what, reply, code) in [
        ("an error", CannedResponse::error(403, "missing.permissions", "No"), 7),
        ("a count that differs", page(&one, 5), 5),
        ("an array", CannedResponse::json(200, &json!([])), 1),
        ("an error with status 200", CannedResponse::json(200, &refused), 1),
    ] {
        for _ in 0..10 {
            org.respond_next(QUEUES, reply.clone()).unwrap();
        }
        let failed = output.export(&org, QUEUES, &["--restart"]).await;
        assert_eq!(failed.code, Some(code), "{what}: {}", failed.err);
        assert!(look().await == earlier, "{what}");
        org.reset();
    }
    // An accepted list replaces it.
    org.respond_next(QUEUES, page(&one, 5)).unwrap();
    output.export(&org, QUEUES, &["--restart", "--accept", "unknown"]).await.done();
    assert!(look().await != earlier);
}

#[tokio::test]
async fn a_file_stays_after_a_persistent_error() {
    let org = MockOrg::builder().list(QUEUES, 30).start().await.unwrap();
    let folder = tempdir().unwrap();
    let output = Output::new("q.jsonl", folder.path());
    output.export(&org, QUEUES, &[]).await.done();
    let earlier = crate::read(folder.path().join("q.jsonl"));
    // The client retries, but not forever.
    let error = json!({ "errorMessage": "Task timed out after 30.00 seconds" });
    for _ in 0..10 {
        org.respond_next(QUEUES, CannedResponse::json(200, &error)).unwrap();
    }
    let failed = output.export(&org, QUEUES, &[]).await;
    assert_eq!(failed.code, Some(8), "{}", failed.err);
    assert!(failed.err.contains("is not a page"), "{}", failed.err);
    assert_eq!(crate::read(folder.path().join("q.jsonl")), earlier);
}

#[tokio::test]
async fn a_file_stays_until_a_list_is_complete() {
    for name in [
        "q.jsonl",
        "q.csv",
        "q.jsonl.gz",
        #[cfg(feature = "parquet")]
        "q.parquet",
    ] {
        let folder = tempdir().unwrap();
        let path = folder.path().join(name);
        let mut output = Output::new(name, folder.path());
        output.options = vec!["--fields", "id"];
        stays_until_a_list_is_complete(&output, async || std::fs::read(&path).unwrap()).await;
    }
}

#[cfg(feature = "buckets")]
#[tokio::test]
async fn an_object_stays_until_a_list_is_complete() {
    let s3 = crate::s3::S3::start().await;
    let folder = tempdir().unwrap();
    let mut output = Output::new("s3://bucket/q.jsonl", folder.path());
    output.environment = s3.environment();
    stays_until_a_list_is_complete(&output, async || s3.object("q.jsonl").unwrap()).await;
    assert_eq!(s3.uploads(), 0);
}

#[tokio::test]
async fn a_job_without_results_is_a_complete_empty_list() {
    let submit = "postAnalyticsConversationsDetailsJobs";
    let results = "getAnalyticsConversationsDetailsJobResults";
    let org = MockOrg::builder().list(results, 0).start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    std::fs::write(folder.path().join("c.csv"), "of yesterday").unwrap();
    let output = Output::new("c.csv", folder.path());
    let options = ["--body", "b.json", "--fields", "conversationId"];
    let done = output.export(&org, submit, &options).await;
    done.done();
    assert!(done.err.contains("complete: 0 records"), "{}", done.err);
    assert_eq!(crate::read(folder.path().join("c.csv")), "conversationId\r\n");
    // A job whose results can't be read has no complete list.
    std::fs::write(folder.path().join("c.csv"), "of yesterday").unwrap();
    org.respond_next(results, CannedResponse::error(403, "missing.permissions", "No")).unwrap();
    assert_eq!(output.export(&org, submit, &options).await.code, Some(7));
    assert_eq!(crate::read(folder.path().join("c.csv")), "of yesterday");
}
