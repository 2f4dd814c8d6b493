//! Jobs that fail: the advice of the error works.

use std::time::Duration;

use genesys_cloud_mock::{ConnectionFault, JobPace, JobScenario, MockOrg, Timeline};
use serde_json::Value;
use tempfile::tempdir;

#[cfg(feature = "parquet")]
use crate::resume::killed;
use crate::{keys, read, report, run};

const DETAILS: &str = "postAnalyticsConversationsDetailsJobs";

/// A notification reports the end of this job, unless the submit returns the results.
pub(crate) const ENDS_BY_NOTIFICATION: &str =
    "postWorkforcemanagementManagementunitAgentschedulesSearch";

/// The arguments of the advised command.
fn advised(err: &str) -> Vec<String> {
    let line = err.lines().find_map(|line| line.split_once("genesys-cloud export "));
    shlex::split(line.unwrap_or_else(|| panic!("{err}")).1).unwrap()
}

#[tokio::test]
async fn submits_a_failed_job_again() {
    let org = MockOrg::start().await.unwrap();
    for scenario in [JobScenario::FailsWithMessage, JobScenario::CancelledElsewhere] {
        let folder = tempdir().unwrap();
        std::fs::write(folder.path().join("b.json"), "{}").unwrap();
        let out = folder.path().join("c.jsonl");
        let export = ["export", DETAILS, "--body", "b.json", "--out", "c.jsonl"];
        org.job_scenario(DETAILS, scenario).unwrap();
        let failed = run(Some(&org), folder.path(), &export).await;
        assert_eq!(failed.code, Some(10), "{}", failed.err);
        assert!(!failed.err.contains("--resume"), "{}", failed.err);
        assert_eq!(report(&out)["resume"], Value::Null);
        let command = advised(&failed.err);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        assert_eq!(command.last(), Some(&"--restart"), "{}", failed.err);
        org.job_scenario(DETAILS, JobScenario::Quick).unwrap();
        run(Some(&org), folder.path(), &[&["export"], &command[..]].concat()).await.done();
        assert_eq!(keys(&read(out)), org.expected_job(DETAILS).unwrap().records);
        assert_eq!(run(Some(&org), folder.path(), &["jobs"]).await.done(), "", "none is kept");
    }
}

#[tokio::test]
async fn submits_a_failed_job_with_files_again() {
    let submit = "postKnowledgeKnowledgebaseExportJobs";
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let export =
        ["export", submit, "-p", "knowledgeBaseId=k", "--body", "b.json", "--out", "k.json"];
    org.job_scenario(submit, JobScenario::FailsWithMessage).unwrap();
    let failed = run(Some(&org), folder.path(), &export).await;
    assert_eq!(failed.code, Some(10), "{}", failed.err);
    let command = advised(&failed.err);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    assert_eq!(command.last(), Some(&"--restart"), "{}", failed.err);
    org.job_scenario(submit, JobScenario::Quick).unwrap();
    run(Some(&org), folder.path(), &[&["export"], &command[..]].concat()).await.done();
}

/// Earlier windows are not read again.
#[tokio::test]
async fn a_range_resumes_with_another_job_for_the_window() {
    let results = "getAnalyticsConversationsDetailsJobResults";
    for concurrency in ["1", "2"] {
        let org = MockOrg::builder().list(results, 100).start().await.unwrap();
        org.timeline(DETAILS, Timeline::new("2024-05-01T00:00Z", "2024-05-31T00:00Z")).unwrap();
        let folder = tempdir().unwrap();
        let out = folder.path().join("c.jsonl");
        let export = ["export", DETAILS, "--out", "c.jsonl", "--window", "10d"];
        let range = ["--interval", "2024-05-01/2024-05-31", "--concurrency", concurrency];
        org.job_scenario(DETAILS, JobScenario::FailsWithMessage).unwrap();
        let failed = run(Some(&org), folder.path(), &[&export[..], &range].concat()).await;
        assert_eq!(failed.code, Some(10), "{}", failed.err);
        let command = advised(&failed.err);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        assert!(command.contains(&"--resume"), "{}", failed.err);
        org.job_scenario(DETAILS, JobScenario::Quick).unwrap();
        let resume = [&["export"], &command[..]].concat();
        let mut done = run(Some(&org), folder.path(), &resume).await;
        if concurrency != "1" && done.code == Some(10) {
            // The job of the second window has failed, too.
            done = run(Some(&org), folder.path(), &resume).await;
        }
        done.done();
        let truth = org.expected_within(DETAILS, "2024-05-01T00:00Z/2024-05-31T00:00Z").unwrap();
        assert_eq!(keys(&read(out)), truth);
    }
}

#[tokio::test]
async fn a_job_that_can_not_be_polled_does_not_block_the_next_run() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let unit = ["-p", "managementUnitId=a", "--body", "b.json", "--out", "s.jsonl"];
    let export = [&["export", ENDS_BY_NOTIFICATION][..], &unit].concat();
    for _ in 0..2 {
        let failed = run(Some(&org), folder.path(), &export).await;
        assert_eq!(failed.code, Some(10), "{}", failed.err);
        assert!(failed.err.contains("only by notification"), "{}", failed.err);
        for option in ["--resume", "--restart"] {
            assert!(!failed.err.contains(option), "{}", failed.err);
        }
        assert_eq!(report(&folder.path().join("s.jsonl"))["resume"], Value::Null);
        assert!(!folder.path().join(".genesys-cloud/s.jsonl.state.json").exists());
        assert_eq!(run(Some(&org), folder.path(), &["jobs"]).await.done(), "", "none is kept");
    }
    org.job_scenario(ENDS_BY_NOTIFICATION, JobScenario::InlineAtOnce).unwrap();
    run(Some(&org), folder.path(), &export).await.done();
}

#[tokio::test]
async fn a_wait_prints_each_state_once() {
    let org = MockOrg::start().await.unwrap();
    org.job_pace(DETAILS, JobPace::Time(Duration::from_hours(1))).unwrap();
    let folder = tempdir().unwrap();
    let export = ["export", DETAILS, "--interval", "2024-05-01/2024-05-02", "--out", "c.jsonl"];
    assert!(crate::resume::killed(&org, folder.path(), &export, "job", 1).await);
    let listed = run(Some(&org), folder.path(), &["jobs"]).await;
    let id = listed.done().split_whitespace().next().unwrap().to_owned();
    for state in ["QUEUED", "PENDING", "PENDING", "FAILED"] {
        let reply = serde_json::json!({ "state": state, "errorMessage": "too large" });
        let reply = genesys_cloud_mock::CannedResponse::json(200, &reply);
        org.respond_next("getAnalyticsConversationsDetailsJob", reply).unwrap();
    }
    let waited = run(Some(&org), folder.path(), &["jobs", "wait", &id, "--log", "json"]).await;
    assert_eq!(waited.code, Some(10), "{}", waited.err);
    let events: Vec<Value> =
        waited.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let states: Vec<&Value> =
        events.iter().filter(|it| it["event"] == "status").map(|it| &it["state"]).collect();
    assert_eq!(states, ["QUEUED", "PENDING"], "{}", waited.err);
    let text = events.last().unwrap()["text"].as_str().unwrap();
    assert!(text.contains("failed (FAILED): too large"), "{text}");
    let forgotten = run(Some(&org), folder.path(), &["jobs", "forget", &id]).await;
    forgotten.done();
    assert_eq!(forgotten.err, "forgotten\n");
    let again = run(Some(&org), folder.path(), &["jobs", "forget", &id]).await;
    assert_eq!(again.code, Some(2), "{}", again.err);
}

#[tokio::test]
async fn a_submit_with_an_unknown_outcome_is_not_retried() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let export = ["export", DETAILS, "--body", "b.json", "--out", "c.jsonl"];
    org.cut_next(DETAILS, ConnectionFault::CutBeforeResponse).unwrap();
    let lost = run(Some(&org), folder.path(), &export).await;
    // A loop that retries after exit codes 8 or 9 would submit it twice.
    assert_eq!(lost.code, Some(1), "{}", lost.err);
    assert_eq!(org.requests_for(DETAILS).len(), 1);
    assert!(!lost.err.contains("--resume"), "{}", lost.err);
}

/// The ID of a job is saved even if the output rarely commits.
#[cfg(feature = "parquet")]
#[tokio::test]
async fn saves_each_job_once_it_is_submitted() {
    let results = "getAnalyticsConversationsDetailsJobResults";
    let org = MockOrg::builder().list(results, 100).start().await.unwrap();
    let timeline = Timeline::new("2024-04-01T00:00Z", "2024-06-30T00:00Z");
    org.timeline(DETAILS, timeline).unwrap();
    org.job_pace(DETAILS, JobPace::Polls(2)).unwrap();
    let folder = tempdir().unwrap();
    let range = ["--interval", "2024-04-01/2024-06-30", "--window", "30d"];
    let output = ["--fields", "conversationId", "--out", "c.parquet", "--resume"];
    let export = [&["export", DETAILS][..], &range, &output].concat();
    // No row group is full yet.
    for job in 1..=3 {
        assert!(killed(&org, folder.path(), &export, "job", 1).await);
        assert_eq!(org.requests_for(DETAILS).len(), job);
        let state = read(folder.path().join(".genesys-cloud/c.parquet.state.json"));
        let listed = run(Some(&org), folder.path(), &["jobs"]).await;
        for line in listed.done().lines() {
            let id = line.split_whitespace().next().unwrap();
            assert!(state.contains(id), "{id}: {state}");
        }
    }
    run(Some(&org), folder.path(), &export).await.done();
    assert_eq!(org.requests_for(DETAILS).len(), 3, "none was submitted again");
    let rows = crate::tables::rows(std::fs::read(folder.path().join("c.parquet")).unwrap());
    assert_eq!(rows.len(), 100);
}
