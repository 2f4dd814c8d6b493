//! Interrupted and killed exports, and their resume.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use genesys_cloud_mock::{Call, CannedResponse, Fault, JobPace, MockOrg, Timeline};
use serde_json::Value;
use tempfile::tempdir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::{keys, program, read, report, run};

/// Runs the program and kills it at the n-th event with this name. Returns whether it was killed before its end.
pub(crate) async fn killed(
    org: &MockOrg,
    folder: &Path,
    arguments: &[&str],
    event: &str,
    after: u64,
) -> bool {
    killed_in(&[], org, folder, arguments, event, after).await
}

/// The same, with additional variables.
pub(crate) async fn killed_in(
    environment: &[(&str, String)],
    org: &MockOrg,
    folder: &Path,
    arguments: &[&str],
    event: &str,
    after: u64,
) -> bool {
    let mut child = program(Some(org), &folder.join("state"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .args(arguments)
        .args(["--log", "json"])
        .current_dir(folder)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = 0;
    while let Some(line) = err.next_line().await.unwrap() {
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_ne!(line["event"], "error", "{line}");
        if line["event"] == event {
            seen += 1;
            if seen == after {
                child.kill().await.unwrap();
                return true;
            }
        }
    }
    assert!(child.wait().await.unwrap().success());
    false
}

/// Runs and kills the program repeatedly until it ends. Returns the number of kills.
pub(crate) async fn to_the_end(org: &MockOrg, folder: &Path, arguments: &[&str], seed: u64) -> u32 {
    to_the_end_in(&[], org, folder, arguments, seed).await
}

/// The same, with additional variables.
pub(crate) async fn to_the_end_in(
    environment: &[(&str, String)],
    org: &MockOrg,
    folder: &Path,
    arguments: &[&str],
    seed: u64,
) -> u32 {
    let mut chance = seed;
    for kills in 0..1_000 {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // Progress is saved less often if saving is slow, so the first kill comes early.
        let after = if kills == 0 { 1 } else { 1 + (chance >> 33) % 7 };
        if !killed_in(environment, org, folder, arguments, "saved", after).await {
            return kills;
        }
    }
    panic!("it never ends");
}

#[tokio::test]
async fn has_each_record_once_after_random_kills() {
    for (operation, out) in [
        ("getRoutingQueues", "q.jsonl"),
        ("getRoutingQueues", "q.jsonl.gz"),
        ("getUsersQuery", "u.jsonl"),
        ("postTaskmanagementWorkitemsQuery", "w.jsonl"),
    ] {
        let org = MockOrg::builder().list(operation, 250).start().await.unwrap();
        let folder = tempdir().unwrap();
        std::fs::write(folder.path().join("b.json"), "{}").unwrap();
        let mut arguments = vec![
            "export",
            operation,
            "--out",
            out,
            "--batch",
            "13",
            "--page-size",
            "25",
            "--resume",
        ];
        if operation.starts_with("post") {
            arguments.extend(["--body", "b.json"]);
        }
        let kills = to_the_end(&org, folder.path(), &arguments, 7).await;
        assert!(kills > 0, "{operation}: {kills} kills");
        let bytes = std::fs::read(folder.path().join(out)).unwrap();
        let text = match out.ends_with("gz") {
            false => String::from_utf8(bytes).unwrap(),
            true => {
                let mut text = String::new();
                let mut reader = flate2::read::MultiGzDecoder::new(&bytes[..]);
                std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
                text
            }
        };
        assert_eq!(keys(&text), org.expected(operation).unwrap().records, "{operation} {out}");
        let report = report(&folder.path().join(out));
        assert_eq!(
            (&report["verdict"], report["records"].as_u64()),
            (&"complete".into(), Some(250))
        );
    }
}

#[tokio::test]
async fn a_killed_range_has_each_record_once() {
    let query = "postAnalyticsConversationsDetailsQuery";
    let org = MockOrg::builder().list(query, 200).start().await.unwrap();
    // Some records are in two windows.
    let timeline = Timeline::new("2024-05-01T00:00Z", "2024-05-31T00:00Z");
    org.timeline(query, timeline.record_duration(Duration::from_secs(20_000))).unwrap();
    let folder = tempdir().unwrap();
    let range =
        ["--interval", "2024-05-01/2024-06-01", "--window", "5d", "--unique", "conversationId"];
    let output = ["export", query, "--out", "c.jsonl", "--batch", "11", "--resume"];
    let arguments = [&output[..], &range].concat();
    assert!(to_the_end(&org, folder.path(), &arguments, 11).await > 1);
    let mut found = keys(&read(folder.path().join("c.jsonl")));
    let mut truth = org.expected(query).unwrap().records;
    found.sort();
    truth.sort();
    assert_eq!(found, truth);
}

#[tokio::test]
async fn a_range_of_concurrent_jobs_has_each_record_once() {
    let submit = "postAnalyticsConversationsDetailsJobs";
    let results = "getAnalyticsConversationsDetailsJobResults";
    let org = MockOrg::builder().list(results, 200).start().await.unwrap();
    let timeline = Timeline::new("2024-05-01T00:00Z", "2024-05-31T00:00Z");
    org.timeline(submit, timeline.record_duration(Duration::from_secs(20_000))).unwrap();
    org.job_pace(submit, JobPace::Polls(0)).unwrap();
    let folder = tempdir().unwrap();
    let arguments = [
        "export",
        submit,
        "--out",
        "c.jsonl",
        "--batch",
        "11",
        "--resume",
        "--interval",
        "2024-05-01/2024-06-01",
        "--window",
        "5d",
        "--unique",
        "conversationId",
        "--concurrency",
        "3",
    ];
    let kills = to_the_end(&org, folder.path(), &arguments, 5).await;
    assert!(kills > 0, "{kills} kills");
    let mut found = keys(&read(folder.path().join("c.jsonl")));
    let mut truth = org.expected_within(submit, "2024-05-01T00:00Z/2024-06-01T00:00Z").unwrap();
    found.sort();
    truth.sort();
    assert_eq!(found, truth);
    assert_eq!(report(&folder.path().join("c.jsonl"))["windows"], 7);
    // A kill loses only jobs submitted since the last save.
    let submits = org.requests_for(submit).len() as u32;
    assert!(submits <= 7 + 3 * kills, "{submits} jobs for 7 windows, {kills} kills");
    assert_eq!(run(Some(&org), folder.path(), &["jobs"]).await.done(), "");
}

#[tokio::test]
async fn a_killed_table_has_one_header() {
    let org = MockOrg::builder().list("getRoutingQueues", 300).start().await.unwrap();
    let folder = tempdir().unwrap();
    let arguments = [
        "export",
        "routing.queues",
        "--out",
        "q.csv",
        "--fields",
        "id,name",
        "--batch",
        "10",
        "--resume",
    ];
    assert!(to_the_end(&org, folder.path(), &arguments, 3).await > 1);
    let text = read(folder.path().join("q.csv"));
    let ids: Vec<&str> = text.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(ids, org.expected("getRoutingQueues").unwrap().records);
}

#[tokio::test]
async fn a_resume_does_not_submit_the_job_again() {
    let submit = "postAnalyticsConversationsDetailsJobs";
    let results = "getAnalyticsConversationsDetailsJobResults";
    let org = MockOrg::builder().list(results, 400).start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let arguments =
        ["export", submit, "--body", "b.json", "--out", "c.jsonl", "--batch", "50", "--resume"];
    // Once while the job runs, once while its results are read.
    org.job_pace(submit, JobPace::Polls(2)).unwrap();
    assert!(killed(&org, folder.path(), &arguments, "job", 1).await);
    let jobs = run(Some(&org), folder.path(), &["jobs", "list"]).await;
    assert!(jobs.done().contains(submit), "{}", jobs.out);
    assert!(killed(&org, folder.path(), &arguments, "saved", 2).await);
    assert!(!killed(&org, folder.path(), &arguments, "saved", 1_000).await);
    assert_eq!(org.requests_for(submit).len(), 1);
    assert_eq!(
        keys(&read(folder.path().join("c.jsonl"))),
        org.expected_job(submit).unwrap().records
    );
}

/// A range of several windows, and its output.
const MONTHS: [&str; 4] = ["--interval", "2024-04-01/2024-06-30", "--window", "30d"];

#[tokio::test]
async fn keeps_jobs_of_a_range_while_they_are_needed() {
    let submit = "postAnalyticsConversationsDetailsJobs";
    let results = "getAnalyticsConversationsDetailsJobResults";
    let org = MockOrg::builder().list(results, 400).start().await.unwrap();
    let timeline = Timeline::new("2024-04-01T00:00Z", "2024-06-30T00:00Z");
    org.timeline(submit, timeline).unwrap();
    org.job_pace(submit, JobPace::Polls(3)).unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let output = ["export", submit, "--body", "b.json", "--out", "c.jsonl", "--batch", "500"];
    let arguments = [&output[..], &MONTHS, &["--resume"]].concat();
    let listed = async || {
        let jobs = run(Some(&org), folder.path(), &["jobs", "list"]).await;
        jobs.done().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    // Batches are larger than a window: records are written when the second job is submitted.
    assert!(killed(&org, folder.path(), &arguments, "job", 2).await);
    assert_eq!(org.requests_for(submit).len(), 2);
    let second = listed().await;
    assert_eq!(second.len(), 1, "the first one has been read: {second:?}");
    assert!(read(folder.path().join(".genesys-cloud/c.jsonl.part")).lines().count() > 100);

    // No run waits for this job any more.
    let restart = [&output[..], &MONTHS, &["--restart"]].concat();
    assert!(killed(&org, folder.path(), &restart, "job", 1).await);
    let id = second[0].split_whitespace().next().unwrap();
    let cancelled = org.requests_for("deleteAnalyticsConversationsDetailsJob");
    assert_eq!(cancelled.len(), 1);
    assert!(cancelled[0].path.ends_with(id), "{}", cancelled[0].path);
    assert_eq!(org.requests_for(submit).len(), 3);
    let third = listed().await;
    assert!(third.len() == 1 && third != second, "{third:?}");

    run(Some(&org), folder.path(), &arguments).await.done();
    assert_eq!(org.requests_for(submit).len(), 5);
    assert!(listed().await.is_empty());
    let truth = org.expected_within(submit, "2024-04-01T00:00Z/2024-06-30T00:00Z").unwrap();
    assert_eq!(keys(&read(folder.path().join("c.jsonl"))), truth);
}

/// Refuses the second page while turned on.
struct SecondPage(Arc<AtomicBool>);

impl Fault for SecondPage {
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        let is_second = call.request.query.contains("pageNumber=2");
        (is_second && self.0.load(Ordering::Relaxed))
            .then(|| CannedResponse::error(403, "missing.permissions", "No"))
    }
}

#[tokio::test]
async fn an_error_saves_progress_and_shows_how_to_resume() {
    let operation = "getRoutingQueues";
    let refuses = Arc::new(AtomicBool::new(true));
    let fault = SecondPage(refuses.clone());
    let org = MockOrg::builder().list(operation, 500).fault(fault).start().await.unwrap();
    let folder = tempdir().unwrap();
    let export = ["export", "routing.queues", "--out", "q.jsonl", "--page-size", "100"];
    let export = [&export[..], &["--prefetch", "0"]].concat();
    let refused = run(Some(&org), folder.path(), &export).await;
    assert_eq!(refused.code, Some(7), "{}", refused.err);
    let command =
        "genesys-cloud export routing.queues --out q.jsonl --page-size 100 --prefetch 0 --resume";
    for part in ["getRoutingQueues requires the permission", "correlation id", command] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    let summary = report(&folder.path().join("q.jsonl"));
    assert_eq!((&summary["exit"], &summary["resume"]), (&"refused".into(), &command.into()));
    assert_eq!(read(folder.path().join(".genesys-cloud/q.jsonl.part")).lines().count(), 100);

    org.reset();
    refuses.store(false, Ordering::Relaxed);
    run(Some(&org), folder.path(), &[&export[..], &["--resume"]].concat()).await.done();
    assert_eq!(
        keys(&read(folder.path().join("q.jsonl"))),
        org.expected(operation).unwrap().records
    );
    // The first page is read again to verify that the second one still follows it.
    assert_eq!(org.requests_for(operation).len(), 5);
}

#[tokio::test]
async fn does_not_overwrite_an_interrupted_export_without_restart() {
    let org = MockOrg::builder().list("getRoutingQueues", 200).start().await.unwrap();
    let folder = tempdir().unwrap();
    let export = ["export", "routing.queues", "--out", "q.jsonl", "--batch", "10"];
    assert!(killed(&org, folder.path(), &export, "saved", 3).await);
    let refused = run(Some(&org), folder.path(), &export).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("--resume continues it"), "{}", refused.err);

    for (changed, why) in [
        (&["-p", "name=Support*"][..], "the query parameter `name` was not set"),
        (&["--fields", "id"], "a different --format, --fields, --with or --results-param"),
    ] {
        let arguments = [&export[..], &["--resume"], changed].concat();
        let refused = run(Some(&org), folder.path(), &arguments).await;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains(why), "{}", refused.err);
        assert!(refused.err.contains("--restart"), "{}", refused.err);
        assert!(!refused.err.contains("resuming after"), "{}", refused.err);
    }
    let other = ["export", "users.users", "--out", "q.jsonl", "--resume"];
    let refused = run(Some(&org), folder.path(), &other).await;
    assert!(refused.err.contains("is of getRoutingQueues, not of getUsers"), "{}", refused.err);

    let state = folder.path().join(".genesys-cloud/q.jsonl.state.json");
    let later = read(&state).replacen("\"version\":4", "\"version\":7", 1);
    std::fs::write(&state, later).unwrap();
    let resume = [&export[..], &["--resume"]].concat();
    let refused = run(Some(&org), folder.path(), &resume).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("another release (version 7)"), "{}", refused.err);
    std::fs::write(&state, "{").unwrap();
    assert_eq!(run(Some(&org), folder.path(), &resume).await.code, Some(2));

    let restart = [&export[..], &["--restart"]].concat();
    run(Some(&org), folder.path(), &restart).await.done();
    assert_eq!(
        keys(&read(folder.path().join("q.jsonl"))),
        org.expected("getRoutingQueues").unwrap().records
    );
}

#[tokio::test]
async fn an_attempt_that_read_nothing_does_not_block_the_next_run() {
    let org = MockOrg::builder().list("getRoutingQueues", 50).start().await.unwrap();
    let folder = tempdir().unwrap();
    let export = ["export", "routing.queues", "--out", "q.csv", "--fields", "id"];
    let wrong = program(Some(&org), &folder.path().join("state"))
        .args(export)
        .env("GENESYS_CLOUD_CLIENT_SECRET", "wrong")
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    assert_eq!(wrong.status.code(), Some(6));
    run(Some(&org), folder.path(), &export).await.done();
    assert_eq!(read(folder.path().join("q.csv")).lines().count(), 51);
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_saves_progress_and_shows_how_to_resume() {
    for signal in ["-INT", "-TERM"] {
        interrupted_by(signal).await;
    }
}

#[cfg(unix)]
async fn interrupted_by(signal: &str) {
    let org = MockOrg::builder()
        .list("getRoutingQueues", 100_000)
        .latency(Duration::from_millis(2))
        .start()
        .await
        .unwrap();
    let folder = tempdir().unwrap();
    let arguments =
        ["export", "routing.queues", "--out", "q.jsonl", "--page-size", "25", "--batch", "50"];
    let mut child = program(Some(&org), &folder.path().join("state"))
        .args(arguments)
        .args(["--log", "json"])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut events, mut sent) = (Vec::new(), false);
    while let Some(line) = err.next_line().await.unwrap() {
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["event"] == "saved" && !std::mem::replace(&mut sent, true) {
            // A second export to the same file changes nothing.
            let second = [&arguments[..], &["--restart"]].concat();
            let second = run(Some(&org), folder.path(), &second).await;
            assert_eq!(second.code, Some(9), "{}", second.err);
            assert!(second.err.contains("another export is writing to"), "{}", second.err);
            assert!(folder.path().join(".genesys-cloud/q.jsonl.state.json").exists());

            let id = child.id().unwrap().to_string();
            let kill = tokio::process::Command::new("kill").args([signal, &id]).status().await;
            assert!(kill.unwrap().success());
        }
        events.push(line);
    }
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    let advice = events.last().unwrap();
    assert!(advice["command"].as_str().unwrap().ends_with(" --resume"), "{advice}");
    let report = report(&folder.path().join("q.jsonl"));
    let records = report["records"].as_u64().unwrap();
    assert_eq!(report["exit"], "interrupted");
    let part = read(folder.path().join(".genesys-cloud/q.jsonl.part"));
    assert_eq!(part.lines().count() as u64, records);
    let truth = org.expected("getRoutingQueues").unwrap().records;
    assert_eq!(keys(&part)[..], truth[..records as usize]);
}
