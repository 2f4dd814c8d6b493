//! Scheduled exports: `--resume-or-restart` after a killed run.

use genesys_cloud_mock::{CannedResponse, JobScenario, MockOrg};
use tempfile::tempdir;

use crate::resume::killed;
use crate::{keys, read, report, run};

const QUEUES: &str = "getRoutingQueues";
const DETAILS: &str = "postAnalyticsConversationsDetailsJobs";

const EXPORT: [&str; 7] =
    ["export", QUEUES, "--out", "q.jsonl", "--batch", "10", "--resume-or-restart"];

#[tokio::test]
async fn resumes_a_killed_run_with_the_same_parameters_or_starts_over() {
    let org = MockOrg::builder().list(QUEUES, 300).start().await.unwrap();
    let truth = org.expected(QUEUES).unwrap().records;
    let (all, with): (Vec<String>, _) =
        (truth.clone(), |more: &[&'static str]| [&EXPORT[..], more].concat());
    for (next, records, says) in [
        (with(&[]), 300, "resuming after"),
        (with(&["--max-age", "1h"]), 300, "resuming after"),
        // Older than --max-age.
        (with(&["--max-age", "0s"]), 300, "starting over: the interrupted export started"),
        // Other parameters, fields and operations.
        (with(&["-p", "sortOrder=asc"]), 300, "starting over: "),
        (
            with(&["--fields", "id"]),
            300,
            "has a different --format, --fields, --with or --results-param",
        ),
        (with(&["--limit", "5"]), 5, "are already written, more than --limit 5"),
        (
            [&["export", "getUsers"], &EXPORT[2..]].concat(),
            100,
            "is of getRoutingQueues, not of getUsers",
        ),
    ] {
        let folder = tempdir().unwrap();
        assert!(killed(&org, folder.path(), &EXPORT, "saved", 3).await);
        let done = run(Some(&org), folder.path(), &next).await;
        done.done();
        assert!(done.err.contains(says), "{next:?}: {}", done.err);
        let starts_over = done.err.contains("starting over: ");
        assert_eq!(starts_over, !says.starts_with("resuming"), "{next:?}: {}", done.err);
        assert_eq!(done.err.matches("complete: ").count() as u64 + u64::from(records == 5), 1);
        let found = read(folder.path().join("q.jsonl"));
        assert_eq!(found.lines().count(), records, "{next:?}");
        if records == 300 && !found.contains("{\"id\":\"") {
            assert_eq!(keys(&found), all);
        }
        let summary = report(&folder.path().join("q.jsonl"));
        assert_eq!(summary["resumed"].as_array().unwrap().is_empty(), starts_over, "{next:?}");
        org.reset();
    }
}

#[tokio::test]
async fn starts_and_resumes_like_any_export() {
    let org = MockOrg::builder().list(QUEUES, 50).start().await.unwrap();
    let folder = tempdir().unwrap();
    run(Some(&org), folder.path(), &EXPORT).await.done();
    // An unreadable state, and records that do not match the state.
    for meddle in ["state.json", "part"] {
        let stopped = &[&EXPORT[..], &["--prefetch", "0", "--page-size", "25"]].concat();
        org.reset();
        assert!(killed(&org, folder.path(), stopped, "saved", 2).await);
        let path = folder.path().join(".genesys-cloud").join(format!("q.jsonl.{meddle}"));
        std::fs::write(path, "x").unwrap();
        let done = run(Some(&org), folder.path(), stopped).await;
        done.done();
        assert!(done.err.contains("starting over: "), "{}", done.err);
        assert_eq!(
            keys(&read(folder.path().join("q.jsonl"))),
            org.expected(QUEUES).unwrap().records
        );
    }
    // The error advises running the same command again.
    org.reset();
    org.respond_next(QUEUES, CannedResponse::error(403, "missing.permissions", "No")).unwrap();
    let refused = run(Some(&org), folder.path(), &EXPORT).await;
    assert_eq!(refused.code, Some(7), "{}", refused.err);
    assert!(!refused.err.contains("--resume "), "{}", refused.err);
}

#[tokio::test]
async fn submits_a_failed_job_again() {
    let org = MockOrg::start().await.unwrap();
    let knowledge = "postKnowledgeKnowledgebaseExportJobs";
    for (submit, out, more) in [
        (DETAILS, "c.jsonl", &["--body", "b.json"][..]),
        (knowledge, "k.json", &["--body", "b.json", "-p", "knowledgeBaseId=k"]),
    ] {
        let folder = tempdir().unwrap();
        std::fs::write(folder.path().join("b.json"), "{}").unwrap();
        let export = [&["export", submit, "--out", out, "--resume-or-restart"][..], more].concat();
        org.job_scenario(submit, JobScenario::FailsWithMessage).unwrap();
        let failed = run(Some(&org), folder.path(), &export).await;
        assert_eq!(failed.code, Some(10), "{submit}: {}", failed.err);
        assert!(failed.err.contains("--resume-or-restart"), "{}", failed.err);
        assert!(!failed.err.contains("--restart\n"), "{}", failed.err);
        org.job_scenario(submit, JobScenario::Quick).unwrap();
        let done = run(Some(&org), folder.path(), &export).await;
        done.done();
        assert!(done.err.contains("starting over: "), "{submit}: {}", done.err);
        assert_eq!(org.requests_for(submit).len(), 2, "{submit}");
    }
}
