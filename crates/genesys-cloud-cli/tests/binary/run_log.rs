//! The log of the runs that wrote to an output, and the command `runs`.

use std::path::Path;

use genesys_cloud_mock::{CannedResponse, MockOrg};
use serde_json::Value;
use tempfile::tempdir;

use crate::resume::killed;
#[cfg(feature = "buckets")]
use crate::run_in;
use crate::{Outcome, report, run};

const QUEUES: &str = "getRoutingQueues";

/// The reports that `runs --json` prints.
fn reports(listed: &Outcome) -> Vec<Value> {
    listed.done().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn listed(folder: &Path, options: &[&str]) -> Vec<Value> {
    let words = [&["runs", "--out", "q.jsonl", "--json"], options].concat();
    reports(&run(None, folder, &words).await)
}

fn exits(runs: &[Value]) -> Vec<Option<&str>> {
    runs.iter().map(|run| run["exit"].as_str()).collect()
}

#[tokio::test]
async fn keeps_the_report_of_every_run_of_a_file() {
    let org = MockOrg::builder().list(QUEUES, 200).start().await.unwrap();
    let folder = tempdir().unwrap();
    let none = run(None, folder.path(), &["runs", "--out", "q.jsonl"]).await;
    assert_eq!((none.done(), none.err.trim()), ("", "no runs of an export to q.jsonl"));
    let export = ["export", QUEUES, "--out", "q.jsonl"];
    run(Some(&org), folder.path(), &export).await.done();
    let first = report(&folder.path().join("q.jsonl"));
    let refused = CannedResponse::error(403, "missing.permissions", "Not you");
    org.respond_next(QUEUES, refused).unwrap();
    assert_eq!(run(Some(&org), folder.path(), &export).await.code, Some(7));
    let batches = [&export[..], &["--batch", "10", "--page-size", "25"]].concat();
    assert!(killed(&org, folder.path(), &batches, "saved", 1).await);
    let resume = [&export[..], &["--resume"]].concat();
    run(Some(&org), folder.path(), &resume).await.done();
    // Not a run of this output.
    run(Some(&org), folder.path(), &["export", QUEUES, "--out", "other.jsonl"]).await.done();
    let silent = [&export[..], &["--report", "none"]].concat();
    run(Some(&org), folder.path(), &silent).await.done();

    let runs = listed(folder.path(), &[]).await;
    assert_eq!(exits(&runs), [Some("complete"), None, Some("refused"), Some("complete")]);
    // The latest first. A resumed export is one export in two runs.
    let started: Vec<&str> = runs.iter().map(|run| run["started"].as_str().unwrap()).collect();
    assert!(started.is_sorted_by(|one, next| one > next), "{started:?}");
    assert_eq!(runs[0]["run"], runs[1]["run"]);
    assert_eq!(runs[0]["resumed"].as_array().unwrap().len(), 1);
    let mut oldest = runs[3].clone();
    let id = oldest.as_object_mut().unwrap().remove("id").unwrap();
    assert_eq!(oldest, first);
    assert_eq!(listed(folder.path(), &["--limit", "2"]).await, runs[..2]);
    let names = std::fs::read_dir(folder.path().join(".genesys-cloud/q.jsonl.runs")).unwrap();
    let names: Vec<String> =
        names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 4);
    assert!(names.iter().all(|name| name.len() == 33), "{names:?}");
    assert!(names.contains(&format!("{}.json", id.as_str().unwrap())), "{names:?}");

    let table = run(None, folder.path(), &["runs", "--out", "q.jsonl"]).await;
    let rows: Vec<&str> = table.done().lines().collect();
    assert!(rows[0].starts_with("started  ") && rows[0].ends_with("  run"), "{}", rows[0]);
    let ends: Vec<bool> = ["  complete ", "  unfinished ", "  refused ", "  complete "]
        .iter()
        .zip(&rows[1..])
        .map(|(end, row)| row.contains(end) && row.contains("routing.queues"))
        .collect();
    assert_eq!(ends, [true; 4], "{}", table.out);
}

#[tokio::test]
async fn lists_an_entry_that_is_not_a_report() {
    let org = MockOrg::builder().list(QUEUES, 3).start().await.unwrap();
    let folder = tempdir().unwrap();
    run(Some(&org), folder.path(), &["export", QUEUES, "--out", "q.jsonl"]).await.done();
    let entries = folder.path().join(".genesys-cloud/q.jsonl.runs");
    for (name, text) in [
        ("20240501T000000000Z-00000001.json", "damaged"),
        ("20240501T000000000Z-00000002.json", "[]"),
        ("20240501T000000000Z-00000003.json", "{\"exit\": \"\\u001b[2J\", \"records\": \"x\"}"),
    ] {
        std::fs::write(entries.join(name), text).unwrap();
    }
    let table = run(None, folder.path(), &["runs", "--out", "q.jsonl"]).await;
    let rows: Vec<&str> = table.done().lines().collect();
    assert_eq!(rows.len(), 5, "{}", table.out);
    assert!(rows[2].contains("\\u001b[2J") && !table.out.contains('\u{1b}'), "{}", rows[2]);
    assert!(rows[3].contains("unreadable") && rows[4].contains("unreadable"), "{}", table.out);
    let runs = listed(folder.path(), &[]).await;
    assert_eq!(runs[3]["id"], "20240501T000000000Z-00000001");
}

#[tokio::test]
async fn logs_the_run_of_a_job_whose_results_are_files() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let job = "postOutboundContactlistExport";
    let export = ["export", job, "-p", "contactListId=a", "--out", "c.csv"];
    run(Some(&org), folder.path(), &export).await.done();
    let runs = reports(&run(None, folder.path(), &["runs", "--out", "c.csv", "--json"]).await);
    assert_eq!((exits(&runs), &runs[0]["operation"]), (vec![Some("complete")], &job.into()));
}

#[cfg(feature = "buckets")]
#[tokio::test]
async fn keeps_the_report_of_every_run_of_an_object() {
    let s3 = crate::s3::S3::start().await;
    let org = MockOrg::builder().list(QUEUES, 20).start().await.unwrap();
    let folder = tempdir().unwrap();
    let url = "s3://bucket/a/q.jsonl";
    let export = ["export", QUEUES, "--out", url];
    let runs = ["runs", "--out", url, "--json"];
    let environment = s3.environment();
    assert_eq!(run_in(&environment, None, folder.path(), &runs).await.done(), "");
    for code in [0, 7, 0, 0] {
        if code == 7 {
            let refused = CannedResponse::error(403, "missing.permissions", "Not you");
            org.respond_next(QUEUES, refused).unwrap();
        }
        let done = run_in(&environment, Some(&org), folder.path(), &export).await;
        assert_eq!(done.code, Some(code), "{}", done.err);
    }
    let listed = reports(&run_in(&environment, None, folder.path(), &runs).await);
    let complete = Some("complete");
    assert_eq!(exits(&listed), [complete, complete, Some("refused"), complete]);
    let limited = [&runs[..], &["--limit", "1"]].concat();
    let limited = reports(&run_in(&environment, None, folder.path(), &limited).await);
    assert_eq!(limited, listed[..1]);
    // The log must be writable before anything is read.
    let calls = org.requests_for(QUEUES).len();
    s3.refuse(|method, target| method.as_str() == "PUT" && target.contains(".runs/"));
    let refused = run_in(&environment, Some(&org), folder.path(), &export).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    assert!(refused.err.contains("can't write s3://bucket/a/.genesys-cloud/q.jsonl.runs/"));
    assert_eq!((org.requests_for(QUEUES).len(), s3.uploads()), (calls, 0));
}
