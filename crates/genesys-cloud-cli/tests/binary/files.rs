//! Jobs whose results are files, and parameters of result lists.

use std::process::Stdio;

use genesys_cloud_mock::{CannedResponse, MockOrg};
use serde_json::{Value, json};
use tempfile::tempdir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::{report, run};

const SUBMIT: &str = "postOutboundContactlistExport";

#[tokio::test]
async fn writes_a_result_file_unchanged() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let export = ["export", SUBMIT, "-p", "contactListId=a", "--out", "c.csv"];
    let done = run(Some(&org), folder.path(), &export).await;
    assert_eq!(done.done(), "");
    assert!(done.err.contains("complete: 1 file"), "{}", done.err);
    let written = std::fs::read(folder.path().join("c.csv")).unwrap();
    assert_eq!(org.expected_job(SUBMIT).unwrap().files[0][..], written[..]);
    let report = report(&folder.path().join("c.csv"));
    assert_eq!(report["files"], json!([{ "path": "c.csv", "bytes": written.len() }]));
    let mut left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [".genesys-cloud", "c.csv"]);
    assert_eq!(run(Some(&org), folder.path(), &["jobs"]).await.done(), "", "no job is kept");
}

#[tokio::test]
async fn resumes_a_job_with_files() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let status = "getOutboundContactlistExport";
    org.respond_next(status, CannedResponse::error(403, "missing.permissions", "Not you")).unwrap();
    let export = ["export", SUBMIT, "-p", "contactListId=a", "--out", "c.csv"];
    let refused = run(Some(&org), folder.path(), &export).await;
    assert_eq!(refused.code, Some(7), "{}", refused.err);
    assert!(refused.err.contains("--out c.csv --resume"), "{}", refused.err);
    assert!(!folder.path().join("c.csv").exists());
    let summary = report(&folder.path().join("c.csv"));
    assert_eq!(summary["verdict"], "unknown", "{summary}");
    assert_eq!((&summary["exit"], &summary["files"]), (&json!("refused"), &json!([])), "{summary}");
    assert!(summary["resume"].as_str().unwrap().ends_with("--out c.csv --resume"), "{summary}");
    for (more, part) in [
        (&export[..], "--resume continues it"),
        (
            &["export", SUBMIT, "-p", "contactListId=b", "--out", "c.csv", "--resume"],
            "the interrupted export has different parameters",
        ),
    ] {
        let refused = run(Some(&org), folder.path(), more).await;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains(part), "{}", refused.err);
    }
    let resume = [&export[..], &["--resume"]].concat();
    run(Some(&org), folder.path(), &resume).await.done();
    assert!(folder.path().join("c.csv").exists());
    assert_eq!(org.requests_for(SUBMIT).len(), 1, "it is not submitted again");
}

#[tokio::test]
async fn files_have_a_state_and_a_report() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let status = "getOutboundContactlistExport";
    org.respond_next(status, CannedResponse::error(403, "missing.permissions", "Not you")).unwrap();
    let export = ["export", SUBMIT, "-p", "contactListId=a", "--out", "c.csv"];
    let places = ["--state", "s.json", "--report", "r.json", "--log", "json"];
    let export = [&export[..], &places].concat();
    assert_eq!(run(Some(&org), folder.path(), &export).await.code, Some(7));
    assert!(folder.path().join("s.json").exists());
    let of = |name: &str| serde_json::from_str::<Value>(&crate::read(folder.path().join(name)));
    assert_eq!(of("r.json").unwrap()["verdict"], "unknown");
    let resumed = run(Some(&org), folder.path(), &[&export[..], &["--resume"]].concat()).await;
    resumed.done();
    let events: Vec<Value> =
        resumed.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&Value> = events.iter().map(|it| &it["event"]).collect();
    assert_eq!(names, ["resume", "end"], "{}", resumed.err);
    assert!(!folder.path().join("s.json").exists());
    let report = of("r.json").unwrap();
    assert_eq!((&report["verdict"], &report["out"]), (&json!("complete"), &json!("c.csv")));
    assert_eq!(org.requests_for(SUBMIT).len(), 1, "it is not submitted again");
}

/// Otherwise the next run would submit another job.
#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_waits_for_the_id_of_the_job() {
    let latency = std::time::Duration::from_millis(300);
    let org = MockOrg::builder().latency(latency).start().await.unwrap();
    let folder = tempdir().unwrap();
    let export = ["export", SUBMIT, "-p", "contactListId=a", "--out", "c.csv", "--log", "json"];
    let mut child = crate::program(Some(&org), &folder.path().join("state"))
        .args(export)
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut events = Vec::new();
    while let Some(line) = err.next_line().await.unwrap() {
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["event"] == "begin" {
            let id = child.id().unwrap().to_string();
            let kill = tokio::process::Command::new("kill").args(["-INT", &id]).status().await;
            assert!(kill.unwrap().success());
        }
        events.push(event);
    }
    assert_eq!(child.wait().await.unwrap().code(), Some(130), "{events:?}");
    assert!(events.iter().any(|it| it["event"] == "job"), "{events:?}");
    assert!(folder.path().join(".genesys-cloud/c.csv.state.json").exists());
    run(Some(&org), folder.path(), &[&export[..], &["--resume"]].concat()).await.done();
    assert_eq!(org.requests_for(SUBMIT).len(), 1, "it is not submitted again");
}

#[tokio::test]
async fn cancels_a_discarded_job() {
    let submit = "postKnowledgeKnowledgebaseExportJobs";
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let status = "getKnowledgeKnowledgebaseExportJob";
    org.respond_next(status, CannedResponse::error(403, "missing.permissions", "Not you")).unwrap();
    let base = ["-p", "knowledgeBaseId=k", "--body", "b.json", "--out", "k.json"];
    let export = [&["export", submit][..], &base].concat();
    assert_eq!(run(Some(&org), folder.path(), &export).await.code, Some(7));
    let listed = run(Some(&org), folder.path(), &["jobs"]).await;
    let id = listed.done().split_whitespace().next().unwrap();
    run(Some(&org), folder.path(), &[&export[..], &["--restart"]].concat()).await.done();
    let cancelled = org.requests_for("deleteKnowledgeKnowledgebaseExportJob");
    assert_eq!(cancelled.len(), 1);
    assert!(cancelled[0].path.ends_with(id), "{}", cancelled[0].path);
    assert_eq!(run(Some(&org), folder.path(), &["jobs"]).await.done(), "", "no job is kept");
}

#[tokio::test]
async fn an_earlier_file_stays_until_the_new_one_is_complete() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let path = folder.path().join("c.csv");
    std::fs::write(&path, "of yesterday").unwrap();
    let export = ["export", SUBMIT, "-p", "contactListId=a", "--out", "c.csv"];
    let failed = CannedResponse::error(500, "internal.error", "No");
    org.respond_next(SUBMIT, failed).unwrap();
    let refused = run(Some(&org), folder.path(), &export).await;
    assert_eq!(refused.code, Some(8), "{}", refused.err);
    assert_eq!(crate::read(&path), "of yesterday");
    run(Some(&org), folder.path(), &export).await.done();
    let written = std::fs::read(&path).unwrap();
    assert_eq!(org.expected_job(SUBMIT).unwrap().files[0][..], written[..]);
}

#[tokio::test]
async fn restart_recovers_from_a_job_without_files() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    std::fs::write(folder.path().join("g.json"), "of yesterday").unwrap();
    let reply = json!({ "status": "COMPLETED", "resultsUrls": [] });
    org.respond_next("getGdprRequest", CannedResponse::json(200, &reply)).unwrap();
    let export = ["export", "postGdprRequests", "--body", "b.json", "--out", "g.json"];
    let refused = run(Some(&org), folder.path(), &export).await;
    assert_eq!(refused.code, Some(10), "{}", refused.err);
    assert!(refused.err.contains("has no result files"), "{}", refused.err);
    assert!(refused.err.contains("to start over: genesys-cloud export"), "{}", refused.err);
    assert_eq!(crate::read(folder.path().join("g.json")), "of yesterday");
    let file = format!("{}/api/v2/routing/queues/one", org.url());
    let reply = json!({ "status": "COMPLETED", "resultsUrls": [file] });
    org.respond_next("getGdprRequest", CannedResponse::json(200, &reply)).unwrap();
    run(Some(&org), folder.path(), &[&export[..], &["--restart"]].concat()).await.done();
    assert!(crate::read(folder.path().join("g.json")).contains("\"one\""));
}

#[tokio::test]
async fn a_job_of_files_that_is_too_old_is_not_resumed() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let status = "getOutboundContactlistExport";
    org.respond_next(status, CannedResponse::error(403, "missing.permissions", "Not you")).unwrap();
    let export = ["export", SUBMIT, "-p", "contactListId=a", "--out", "c.csv"];
    assert_eq!(run(Some(&org), folder.path(), &export).await.code, Some(7));
    let resume = [&export[..], &["--resume", "--max-age"]].concat();
    let requests = org.request_count();
    let old = run(Some(&org), folder.path(), &[&resume[..], &["0s"]].concat()).await;
    assert_eq!(old.code, Some(2), "{}", old.err);
    assert!(old.err.contains("--max-age is 0s"), "{}", old.err);
    let state = folder.path().join(".genesys-cloud/c.csv.state.json");
    let saved = crate::read(&state);
    std::fs::write(&state, saved.replace("\"asked\":\"", "\"asked\":\"0")).unwrap();
    let edited = run(Some(&org), folder.path(), &[&resume[..], &["6h"]].concat()).await;
    assert_eq!(edited.code, Some(2), "{}", edited.err);
    assert!(edited.err.contains("wrong checksum"), "{}", edited.err);
    assert_eq!(org.request_count(), requests);
    std::fs::write(&state, saved).unwrap();
    run(Some(&org), folder.path(), &[&resume[..], &["6h"]].concat()).await.done();
    let report = report(&folder.path().join("c.csv"));
    assert_eq!(report["resumed"].as_array().unwrap().len(), 1, "{report}");
}

#[tokio::test]
async fn numbers_several_files() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let file = |id: &str| format!("{}/api/v2/routing/queues/{id}", org.url());
    let reply = json!({ "status": "COMPLETED", "resultsUrls": [file("one"), file("two")] });
    org.respond_next("getGdprRequest", CannedResponse::json(200, &reply)).unwrap();
    let export = ["export", "postGdprRequests", "--body", "b.json", "--out", "g.json"];
    let done = run(Some(&org), folder.path(), &export).await;
    done.done();
    assert!(done.err.contains("g-1.json\ng-2.json"), "{}", done.err);
    assert!(crate::read(folder.path().join("g-1.json")).contains("\"one\""));
    assert!(crate::read(folder.path().join("g-2.json")).contains("\"two\""));
    assert!(!folder.path().join(".genesys-cloud/g.json.part").exists());
}

#[tokio::test]
async fn passes_parameters_to_the_result_list() {
    let submit = "postWorkforcemanagementBusinessunitWeekSchedulesGenerate";
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let export = [
        "export",
        submit,
        "-p",
        "businessUnitId=a",
        "-p",
        "weekId=2024-05-06",
        "--body",
        "b.json",
        "--quiet",
    ];
    let refused = run(Some(&org), folder.path(), &export).await;
    assert_eq!(refused.code, Some(2));
    for part in ["--results-param managementUnitIds=..", "--results-param expand=headcountForecast"]
    {
        assert!(refused.err.contains(part), "{}", refused.err);
    }
    assert_eq!(org.request_count(), 0);
    let params = ["--results-param=managementUnitIds=x", "--results-param=expand=agentSchedules"];
    let more = [&params[..], &["--results-param", "managementUnitIds=y"]].concat();
    run(Some(&org), folder.path(), &[&export[..], &more].concat()).await.done();
    let results = org.requests_for("getWorkforcemanagementBusinessunitSchedulingRunResult");
    let query = &results[0].query;
    assert_eq!(query, "managementUnitIds=x&expand=agentSchedules&managementUnitIds=y");
}
