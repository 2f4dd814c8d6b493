//! Exports that run on a schedule: `--resume-or-restart` after a run that was killed.

use genesys_cloud_mock::{CannedResponse, JobScenario, MockOrg};
use tempfile::tempdir;

use crate::resume::killed;
use crate::{keys, read, report, run};

const QUEUES: &str = "getRoutingQueues";
const DETAILS: &str = "postAnalyticsConversationsDetailsJobs";

const EXPORT: [&str; 7] =
    ["export", QUEUES, "--out", "q.jsonl", "--batch", "10", "--resume-or-restart"];

#[tokio::test]
async fn a_killed_night_is_resumed_if_it_is_the_same_and_starts_over_if_not() {
    let org = MockOrg::builder().list(QUEUES, 300).start().await.unwrap();
    let truth = org.expected(QUEUES).unwrap().records;
    let (all, with): (Vec<String>, _) =
        (truth.clone(), |more: &[&'static str]| [&EXPORT[..], more].concat());
    for (next, records, says) in [
        (with(&[]), 300, "resumes after"),
        (with(&["--max-age", "1h"]), 300, "resumes after"),
        // Older than that.
        (with(&["--max-age", "0s"]), 300, "starting over: the interrupted export began"),
        // Other parameters, fields and operations: what was called a checkpoint of another call.
        (with(&["-p", "sortOrder=asc"]), 300, "starting over: "),
        (with(&["--fields", "id"]), 300, "has another format or other fields"),
        (with(&["--limit", "5"]), 5, "are written already, more than --limit 5"),
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
        assert!(done.told.contains(says), "{next:?}: {}", done.told);
        let starts_over = done.told.contains("starting over: ");
        assert_eq!(starts_over, !says.starts_with("resumes"), "{next:?}: {}", done.told);
        assert_eq!(done.told.matches("complete: ").count() as u64 + u64::from(records == 5), 1);
        let found = read(folder.path().join("q.jsonl"));
        assert_eq!(found.lines().count(), records, "{next:?}");
        if records == 300 && !found.contains("{\"id\":\"") {
            assert_eq!(keys(&found), all);
        }
        let told = report(&folder.path().join("q.jsonl"));
        assert_eq!(told["resumed"].as_array().unwrap().is_empty(), starts_over, "{next:?}");
        org.reset();
    }
}

#[tokio::test]
async fn it_begins_and_goes_on_like_any_other() {
    let org = MockOrg::builder().list(QUEUES, 50).start().await.unwrap();
    let folder = tempdir().unwrap();
    run(Some(&org), folder.path(), &EXPORT).await.done();
    // A state that nobody can read, and records that are not those of the state.
    for meddle in ["state.json", "part"] {
        let stopped = &[&EXPORT[..], &["--prefetch", "0", "--page-size", "25"]].concat();
        org.reset();
        assert!(killed(&org, folder.path(), stopped, "saved", 2).await);
        let path = folder.path().join(".genesys-cloud").join(format!("q.jsonl.{meddle}"));
        std::fs::write(path, "x").unwrap();
        let done = run(Some(&org), folder.path(), stopped).await;
        done.done();
        assert!(done.told.contains("starting over: "), "{}", done.told);
        assert_eq!(
            keys(&read(folder.path().join("q.jsonl"))),
            org.expected(QUEUES).unwrap().records
        );
    }
    // What fails says to run the same again.
    org.reset();
    org.respond_next(QUEUES, CannedResponse::error(403, "missing.permissions", "No")).unwrap();
    let refused = run(Some(&org), folder.path(), &EXPORT).await;
    assert_eq!(refused.code, Some(7), "{}", refused.told);
    assert!(!refused.told.contains("--resume "), "{}", refused.told);
}

#[tokio::test]
async fn a_job_that_came_to_nothing_is_submitted_anew() {
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
        assert_eq!(failed.code, Some(10), "{submit}: {}", failed.told);
        assert!(failed.told.contains("--resume-or-restart"), "{}", failed.told);
        assert!(!failed.told.contains("--restart\n"), "{}", failed.told);
        org.job_scenario(submit, JobScenario::Quick).unwrap();
        let done = run(Some(&org), folder.path(), &export).await;
        done.done();
        assert!(done.told.contains("starting over: "), "{submit}: {}", done.told);
        assert_eq!(org.requests_for(submit).len(), 2, "{submit}");
    }
}
