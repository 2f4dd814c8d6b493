//! Exports without an interruption.

use std::io::Read as _;

use genesys_cloud_mock::{MockOrg, Scenario, Timeline};
use serde_json::Value;
use tempfile::tempdir;

use crate::{keys, read, report, run};

#[tokio::test]
async fn publishes_a_complete_list() {
    let org = MockOrg::builder().list("getRoutingQueues", 1_234).start().await.unwrap();
    let folder = tempdir().unwrap();
    let done =
        run(Some(&org), folder.path(), &["export", "routing.queues", "--out", "q.jsonl"]).await;
    assert_eq!(done.done(), "");
    assert!(done.err.contains("complete: 1,234 records in 3 pages"), "{}", done.err);
    assert_eq!(
        keys(&read(folder.path().join("q.jsonl"))),
        org.expected("getRoutingQueues").unwrap().records
    );
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, [".genesys-cloud", "q.jsonl"]);
    let report = report(&folder.path().join("q.jsonl"));
    assert_eq!(report["verdict"], "complete");
    assert_eq!((report["records"].as_u64(), report["pages"].as_u64()), (Some(1_234), Some(3)));
}

#[tokio::test]
async fn writes_the_report_to_its_location() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let names = |folder: &std::path::Path| {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let export = ["export", "routing.queues", "--out", "q.jsonl", "--report"];
    let none = run(Some(&org), folder.path(), &[&export[..], &["none"]].concat()).await;
    none.done();
    assert!(none.err.ends_with("\nq.jsonl\n"), "{}", none.err);
    assert_eq!(names(folder.path()), ["q.jsonl"]);
    let there = run(Some(&org), folder.path(), &[&export[..], &["r.json"]].concat()).await;
    there.done();
    assert!(there.err.ends_with("\nq.jsonl, report in r.json\n"), "{}", there.err);
    // The log of runs stays beside the output.
    assert_eq!(names(folder.path()), [".genesys-cloud", "q.jsonl", "r.json"]);
    let report: Value = serde_json::from_str(&read(folder.path().join("r.json"))).unwrap();
    assert_eq!(report["records"], 100);
    // Also with standard output.
    let stream = ["export", "routing.queues", "--limit", "3", "--report", "r.json"];
    run(Some(&org), folder.path(), &stream).await.done();
    let report: Value = serde_json::from_str(&read(folder.path().join("r.json"))).unwrap();
    assert_eq!(report["records"], 3);
    // The output is reported even if the report can't be written.
    let nowhere = run(Some(&org), folder.path(), &[&export[..], &["none/r.json"]].concat()).await;
    assert_eq!(nowhere.code, Some(11), "{}", nowhere.err);
    assert!(nowhere.err.starts_with("complete: 100 records"), "{}", nowhere.err);
    assert!(nowhere.err.contains("error: can't write the report none/r.json"), "{}", nowhere.err);
}

#[tokio::test]
async fn detects_files_of_an_earlier_release() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["q.jsonl.part", "q.jsonl.state.json", "q.jsonl.report.json"] {
        std::fs::write(path(name), "{}").unwrap();
    }
    let export = ["export", "routing.queues", "--out", "q.jsonl"];
    for more in [&[][..], &["--resume"]] {
        let refused = run(Some(&org), folder.path(), &[&export[..], more].concat()).await;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("q.jsonl.state.json is the state of an earlier release"));
        assert!(!refused.err.contains("--re"), "{}", refused.err);
    }
    assert_eq!(org.request_count(), 0);
    std::fs::remove_file(path("q.jsonl.state.json")).unwrap();
    let done = run(Some(&org), folder.path(), &export).await;
    done.done();
    for name in ["q.jsonl.part", "q.jsonl.report.json"] {
        let note = format!("note: {name} is a leftover of an earlier release; remove it");
        assert!(done.err.contains(&note), "{}", done.err);
        assert_eq!(read(path(name)), "{}");
    }
}

#[tokio::test]
async fn every_name_and_every_format_give_the_same_records() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let truth = org.expected("getRoutingQueues").unwrap().records;
    for name in ["routing.queues", "getRoutingQueues", "GET /api/v2/routing/queues"] {
        let done =
            run(Some(&org), folder.path(), &["export", name, "--batch", "7", "--quiet"]).await;
        assert_eq!(keys(done.done()), truth, "{name}");
        assert_eq!(done.err, "");
    }
    let gzip = ["export", "routing.queues", "--out", "q.jsonl.gz", "--batch", "30"];
    run(Some(&org), folder.path(), &gzip).await.done();
    let bytes = std::fs::read(folder.path().join("q.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(keys(&text), truth);
    let fields = ["export", "routing.queues", "--fields", "id,division.name", "-f", "csv"];
    let done = run(Some(&org), folder.path(), &fields).await;
    let mut rows = done.done().split_terminator("\r\n");
    assert_eq!(rows.next(), Some("id,division.name"));
    let ids: Vec<&str> = rows.map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(ids, truth);
}

#[tokio::test]
async fn a_list_cut_by_the_limit_is_complete() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let arguments = ["export", "routing.queues", "--limit", "42", "--out", "q.jsonl"];
    let done = run(Some(&org), folder.path(), &arguments).await;
    assert!(done.err.contains("the item limit was reached"), "{}", done.err);
    assert_eq!(done.done().len(), 0);
    assert_eq!(read(folder.path().join("q.jsonl")).lines().count(), 42);
}

#[tokio::test]
async fn parameters_and_a_body_reach_the_api() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let arguments =
        ["export", "users.users", "-p", "expand=skills,team", "-p", "state=active", "--limit", "1"];
    run(Some(&org), folder.path(), &arguments).await.done();
    let query = &org.requests_for("getUsers")[0].query;
    assert!(query.contains("expand=skills&expand=team&state=active"), "{query}");
    std::fs::write(folder.path().join("b.json"), r#"{"filters":[{"name":"x"}]}"#).unwrap();
    let arguments =
        ["export", "postTaskmanagementWorkitemsQuery", "--body", "b.json", "--limit", "1"];
    run(Some(&org), folder.path(), &arguments).await.done();
    let requests = org.requests_for("postTaskmanagementWorkitemsQuery");
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(body["filters"][0]["name"], "x");
}

#[tokio::test]
async fn submits_a_job_and_reads_its_results() {
    let results = "getAnalyticsConversationsDetailsJobResults";
    let org = MockOrg::builder().list(results, 250).start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), r#"{"interval":"2024-05-01/2024-06-01"}"#)
        .unwrap();
    let submit = "analytics.conversations_details_jobs";
    let arguments = ["export", submit, "--body", "b.json", "--out", "c.jsonl"];
    let done = run(Some(&org), folder.path(), &arguments).await;
    done.done();
    let truth = org.expected_job("postAnalyticsConversationsDetailsJobs").unwrap();
    assert_eq!(keys(&read(folder.path().join("c.jsonl"))), truth.records);
    assert_eq!(org.requests_for("postAnalyticsConversationsDetailsJobs").len(), 1);
    // A job is removed once its results are read.
    let jobs = run(Some(&org), folder.path(), &["jobs"]).await;
    assert_eq!(jobs.done(), "");
    assert_eq!(jobs.err, "no saved jobs\n");
    let report = report(&folder.path().join("c.jsonl"));
    assert!(done.err.contains(&format!(" page, {} calls, ", report["calls"])), "{}", done.err);
}

#[tokio::test]
async fn does_not_publish_an_incomplete_list() {
    let org = MockOrg::start().await.unwrap();
    org.scenario("getRoutingQueues", Scenario::RecordAdded).unwrap();
    let folder = tempdir().unwrap();
    let arguments = ["export", "routing.queues", "--page-size", "10", "--out", "q.jsonl"];
    let ended = run(Some(&org), folder.path(), &arguments).await;
    assert_eq!(ended.code, Some(4), "{}", ended.err);
    assert!(ended.err.contains("drifted: "), "{}", ended.err);
    assert!(ended.err.contains("--resume --accept drifted"), "{}", ended.err);
    assert!(!folder.path().join("q.jsonl").exists());
    let out = folder.path().join("q.jsonl");
    assert_eq!(report(&out)["whole"], false);
    // The result is accepted without reading it again.
    let requests = org.request_count();
    let accepted = [&arguments[..], &["--resume", "--accept", "drifted"]].concat();
    run(Some(&org), folder.path(), &accepted).await.done();
    assert_eq!(org.requests_for("getRoutingQueues").len() as u64, requests - 1, "no page again");
    assert_eq!(
        read(out).lines().count(),
        report(&folder.path().join("q.jsonl"))["records"].as_u64().unwrap() as usize
    );
}

#[tokio::test]
async fn reads_a_range_in_windows() {
    let submit = "postAnalyticsConversationsDetailsQuery";
    let org = MockOrg::builder().list(submit, 300).start().await.unwrap();
    let timeline = Timeline::new("2024-05-01T00:00Z", "2024-05-31T00:00Z");
    org.timeline(submit, timeline).unwrap();
    let folder = tempdir().unwrap();
    let arguments = [
        "export",
        submit,
        "--interval",
        "2024-05-01/2024-05-31",
        "--window",
        "7d",
        "--out",
        "c.jsonl",
    ];
    let done = run(Some(&org), folder.path(), &arguments).await;
    done.done();
    let mut found = keys(&read(folder.path().join("c.jsonl")));
    let mut truth = org.expected(submit).unwrap().records;
    found.sort();
    truth.sort();
    assert_eq!(found, truth);
    assert_eq!(report(&folder.path().join("c.jsonl"))["windows"], 5);
}

#[tokio::test]
async fn waits_for_data_or_reports_unknown() {
    let submit = "postAnalyticsConversationsDetailsJobs";
    let org = MockOrg::builder().data_available_until("2024-05-10T06:00Z").start().await.unwrap();
    org.timeline(submit, Timeline::new("2024-05-01T00:00Z", "2024-05-31T00:00Z")).unwrap();
    org.set_job_records(submit, 60).unwrap();
    let folder = tempdir().unwrap();
    let export = ["export", submit, "--window", "10d", "--out", "c.jsonl", "--interval"];
    let with = |more: &[&'static str]| [&export[..], more].concat();
    let arguments = with(&["2024-05-01/2024-05-21"]);
    let done = run(Some(&org), folder.path(), &arguments).await;
    assert_eq!(done.code, Some(5), "{}", done.err);
    assert!(done.err.contains("available only up to 2024-05-10T06:00:00Z"), "{}", done.err);
    let summary = report(&folder.path().join("c.jsonl"));
    assert_eq!(summary["available_until"], "2024-05-10T06:00:00Z", "{summary}");
    assert_eq!(summary["verdict"], "unknown");

    // No job is submitted for the second window.
    let submits = org.requests_for(submit).len();
    let wait = ["2024-05-01/2024-05-21", "--wait-for-data", "0s", "--restart"];
    let done = run(Some(&org), folder.path(), &with(&wait)).await;
    assert_eq!(done.code, Some(12), "{}", done.err);
    assert!(done.err.contains("the interval ends at 2024-05-11T00:00:00Z"), "{}", done.err);
    assert_eq!(org.requests_for(submit).len(), submits);
    org.set_data_available_until("2024-05-21").unwrap();
    let wait = ["2024-05-01/2024-05-21", "--wait-for-data", "2h", "--resume"];
    let done = run(Some(&org), folder.path(), &with(&wait)).await;
    done.done();
    let mut found = keys(&read(folder.path().join("c.jsonl")));
    let mut truth = org.expected_within(submit, "2024-05-01/2024-05-21").unwrap();
    found.sort();
    truth.sort();
    assert_eq!(found, truth);

    let queues = ["export", "routing.queues", "--wait-for-data", "1h"];
    let done = run(Some(&org), folder.path(), &queues).await;
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("does not report when the data of getRoutingQueues"));
}

#[tokio::test]
async fn uses_the_known_window_and_id_of_the_operation() {
    // The maximum interval is 14 days, and the records have a known ID.
    let submit = "postAuditsQueryRealtime";
    let org = MockOrg::builder().list(submit, 200).start().await.unwrap();
    org.timeline(submit, Timeline::new("2024-05-01T00:00Z", "2024-06-01T00:00Z")).unwrap();
    let folder = tempdir().unwrap();
    let interval = "2024-05-01/2024-06-01";
    let arguments = ["export", submit, "--interval", interval, "--overlap", "2d", "--out"];
    let once = [&arguments[..], &["once.jsonl"]].concat();
    run(Some(&org), folder.path(), &once).await.done();
    let mut found = keys(&read(folder.path().join("once.jsonl")));
    let mut truth = org.expected(submit).unwrap().records;
    found.sort();
    truth.sort();
    assert_eq!(found, truth);
    let summary = report(&folder.path().join("once.jsonl"));
    assert_eq!(summary["windows"], 3, "{summary}");
    assert!(summary["duplicates"].as_u64().unwrap() > 0, "the overlaps hold some");
    let first: Value = serde_json::from_slice(&org.requests_for(submit)[0].body).unwrap();
    assert_eq!(first["interval"], "2024-05-01T00:00:00Z/2024-05-15T00:00:00Z");

    let twice = [&arguments[..], &["twice.jsonl", "--keep-duplicates"]].concat();
    run(Some(&org), folder.path(), &twice).await.done();
    assert!(read(folder.path().join("twice.jsonl")).lines().count() > truth.len());
}

#[tokio::test]
async fn sets_an_interval_in_the_query() {
    let entry = genesys_cloud_catalogue::Catalogue::embedded()
        .operations()
        .find(|it| {
            let tag = genesys_cloud_core::specs::interval(it).unwrap();
            tag.is_some_and(|tag| !tag.place.is_in_body())
        })
        .unwrap();
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let params: Vec<String> = entry
        .parameters
        .iter()
        .filter(|it| it.required && it.name != "interval")
        .map(|it| format!("--param={}=a", it.name))
        .collect();
    let mut arguments = vec!["export", &entry.id, "--interval", "2024-05-01/2024-05-02"];
    arguments.extend(params.iter().map(String::as_str));
    run(Some(&org), folder.path(), &arguments).await.done();
    let query = &org.requests_for(&entry.id)[0].query;
    assert!(query.contains("interval=2024-05-01T00%3A00%3A00Z%2F2024-05-02"), "{query}");
}

#[tokio::test]
async fn events_are_json_one_per_line() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let arguments =
        ["export", "routing.queues", "--log", "json", "--out", "q.jsonl", "--batch", "50"];
    let done = run(Some(&org), folder.path(), &arguments).await;
    done.done();
    let events: Vec<Value> =
        done.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let named = |name: &str| events.iter().filter(|it| it["event"] == name).count();
    assert_eq!((named("begin"), named("saved"), named("end")), (1, 2, 1), "{}", done.err);
    assert_eq!(events.last().unwrap()["records"], 100);
}
