//! Exports to a folder, which has one file per window.

use std::path::Path;
use std::time::Duration;

use genesys_cloud_mock::{CannedResponse, Expected, JobScenario, MockOrg, OrgTimeline, Timeline};
use serde_json::Value;
use tempfile::tempdir;

use crate::resume::{killed, to_the_end};
use crate::{keys, read, run};

const QUERY: &str = "postAnalyticsConversationsDetailsQuery";
const JOBS: &str = "postAnalyticsConversationsDetailsJobs";
const DAYS: [&str; 4] = ["2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04"];

/// An org with conversations in May 2024. Some are in two days.
async fn org(operation: &str, records: u64) -> MockOrg {
    let org = MockOrg::start().await.unwrap();
    match operation {
        JOBS => {
            org.set_job_records(operation, records).unwrap();
            org.job_scenario(operation, JobScenario::Quick).unwrap();
        }
        _ => org.set_list(operation, records).unwrap(),
    }
    let timeline = Timeline::new("2024-05-01T00:00Z", "2024-05-05T00:00Z");
    org.timeline(operation, timeline.record_duration(Duration::from_secs(3_000))).unwrap();
    org
}

fn file(folder: &Path, day: &str) -> std::path::PathBuf {
    folder.join(format!("lake/conversation_day={day}/part-0.jsonl"))
}

fn truth(org: &MockOrg, operation: &str, day: usize) -> Vec<String> {
    let end = ["2024-05-02", "2024-05-03", "2024-05-04", "2024-05-05"][day];
    let interval = format!("{}T00:00Z/{end}T00:00Z", DAYS[day]);
    sorted(org.expected_within(operation, &interval).unwrap())
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys
}

fn folder_report(folder: &Path) -> Value {
    serde_json::from_str(&read(folder.join("lake/.genesys-cloud/windows.report.json"))).unwrap()
}

/// The files of a folder and of its folders, by path. Hidden ones have a dot.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(at) = left.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => left.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().display().to_string()),
            }
        }
    }
    sorted(found)
}

/// The words of an export of these days as JSON lines.
fn export<'a>(operation: &'a str, interval: &'a str) -> Vec<&'a str> {
    vec![
        "export",
        operation,
        "--interval",
        interval,
        "--out",
        "lake/",
        "--format",
        "jsonl",
        "--page-size",
        "25",
    ]
}

/// How often the intervals of days were asked for.
fn asked(org: &MockOrg, operation: &str, day: &str) -> usize {
    let requests = org.requests_for(operation);
    let of_day = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).unwrap();
        body["interval"].as_str().unwrap().starts_with(day)
    };
    requests.iter().filter(|request| of_day(&request.body)).count()
}

#[tokio::test]
async fn a_folder_has_one_file_per_window() {
    for operation in [QUERY, JOBS] {
        let org = org(operation, 300).await;
        for concurrency in if operation == JOBS { &["3"][..] } else { &["1", "3"] } {
            let folder = tempdir().unwrap();
            let mut words = export(operation, "2024-05-01/2024-05-05");
            words.extend(["--concurrency", concurrency]);
            let exported = run(Some(&org), folder.path(), &words).await;
            exported.done();
            let mut written = 0;
            for (at, day) in DAYS.iter().enumerate() {
                let found = keys(&read(file(folder.path(), day)));
                written += found.len();
                assert_eq!(sorted(found), truth(&org, operation, at), "{day}");
            }
            let report = folder_report(folder.path());
            assert_eq!(report["records"], written);
            assert_eq!((&report["windows"], &report["whole"]), (&4.into(), &true.into()));
            assert_eq!(report["parts"].as_array().unwrap().len(), 4);
            assert_eq!(org.logins(), 1);
            // Neither a state nor a partial file is left.
            let left = files(&folder.path().join("lake"));
            let is_other =
                |path: &&String| !path.ends_with("part-0.jsonl") && !path.contains(".runs/");
            let left: Vec<_> = left.iter().filter(is_other).collect();
            assert_eq!(left, [".genesys-cloud/windows.lock", ".genesys-cloud/windows.report.json"]);
            // The folder logs one run, not one per window.
            let runs = ["runs", "--out", "lake/", "--json"];
            let runs = run(None, folder.path(), &runs).await;
            let mut logged: Value = serde_json::from_str(runs.done()).unwrap();
            logged.as_object_mut().unwrap().remove("id");
            assert_eq!(logged, report);
            org.reset();
        }
    }
}

#[cfg(feature = "parquet")]
#[tokio::test]
async fn a_folder_has_parquet_by_default_and_a_file_for_an_empty_window() {
    let org = org(QUERY, 40).await;
    let folder = tempdir().unwrap();
    let words = ["export", QUERY, "--interval", "2024-05-04/2024-05-06", "--out", "lake/"];
    run(Some(&org), folder.path(), &words).await.done();
    for (day, records) in [("2024-05-04", 10), ("2024-05-05", 0)] {
        let path = folder.path().join(format!("lake/conversation_day={day}/part-0.parquet"));
        let reader =
            parquet::file::reader::SerializedFileReader::new(std::fs::File::open(path).unwrap());
        let reader: parquet::file::reader::SerializedFileReader<_> = reader.unwrap();
        let rows = parquet::file::reader::FileReader::metadata(&reader).file_metadata().num_rows();
        // One conversation of the day before is still active.
        assert!((records..=records + 1).contains(&rows), "{day}: {rows}");
    }
}

#[tokio::test]
async fn has_each_record_once_after_random_kills() {
    for (operation, concurrency, seed) in [(QUERY, "1", 3), (QUERY, "3", 4), (JOBS, "2", 5)] {
        let org = org(operation, 600).await;
        let folder = tempdir().unwrap();
        let mut words = export(operation, "2024-05-01/2024-05-05");
        words.extend(["--concurrency", concurrency, "--batch", "10", "--resume"]);
        let kills = to_the_end(&org, folder.path(), &words, seed).await;
        assert!(kills > 1, "{kills} kills");
        for (at, day) in DAYS.iter().enumerate() {
            let found = keys(&read(file(folder.path(), day)));
            assert_eq!(sorted(found), truth(&org, operation, at), "{operation} {day}");
        }
        let report = folder_report(folder.path());
        assert_eq!(report["verdict"], "complete");
        assert_eq!(report["resumed"].as_array().unwrap().len() as u32, kills.min(100));
    }
}

#[tokio::test]
async fn a_kill_loses_no_complete_window() {
    let org = org(QUERY, 300).await;
    let folder = tempdir().unwrap();
    let words = export(QUERY, "2024-05-01/2024-05-05");
    assert!(killed(&org, folder.path(), &words, "window", 3).await);
    let done = read(file(folder.path(), DAYS[0]));
    org.reset();
    // Another export does not overwrite the state of this one.
    let refused = run(Some(&org), folder.path(), &words).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("--resume continues it"), "{}", refused.err);
    let other = export(QUERY, "2024-05-01/2024-05-04");
    let refused = run(Some(&org), folder.path(), &[&other[..], &["--resume"]].concat()).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    let resumed = run(Some(&org), folder.path(), &[&words[..], &["--resume"]].concat()).await;
    resumed.done();
    assert_eq!((asked(&org, QUERY, DAYS[0]), asked(&org, QUERY, DAYS[1])), (0, 0));
    assert!(asked(&org, QUERY, DAYS[3]) > 0);
    assert_eq!(read(file(folder.path(), DAYS[0])), done);
    for (at, day) in DAYS.iter().enumerate() {
        assert_eq!(sorted(keys(&read(file(folder.path(), day)))), truth(&org, QUERY, at));
    }
}

#[tokio::test]
async fn a_rerun_replaces_the_files_of_its_windows_only() {
    let org = org(QUERY, 200).await;
    let folder = tempdir().unwrap();
    let all = export(QUERY, "2024-05-01/2024-05-05");
    run(Some(&org), folder.path(), &all).await.done();
    let before: Vec<String> = DAYS.iter().map(|day| read(file(folder.path(), day))).collect();
    org.set_list(QUERY, 240).unwrap();
    let two = export(QUERY, "2024-05-02/2024-05-04");
    run(Some(&org), folder.path(), &two).await.done();
    for (at, day) in DAYS.iter().enumerate() {
        let now = read(file(folder.path(), day));
        match at {
            1 | 2 => assert_eq!(sorted(keys(&now)), truth(&org, QUERY, at)),
            _ => assert_eq!(now, before[at]),
        }
    }
    assert_ne!(read(file(folder.path(), DAYS[1])), before[1]);
}

#[tokio::test]
async fn a_failed_window_keeps_its_earlier_file() {
    let org = org(QUERY, 200).await;
    let folder = tempdir().unwrap();
    let words = export(QUERY, "2024-05-01/2024-05-05");
    run(Some(&org), folder.path(), &words).await.done();
    let before = read(file(folder.path(), DAYS[0]));
    org.set_list(QUERY, 240).unwrap();
    org.reset();
    org.respond_next(QUERY, CannedResponse::error(400, "bad.request", "not today")).unwrap();
    let failed = run(Some(&org), folder.path(), &words).await;
    assert_eq!(failed.code, Some(7), "{}", failed.err);
    assert!(
        failed.err.contains("the window that failed is conversation_day=2024-05-01"),
        "{}",
        failed.err
    );
    assert!(failed.err.contains("--resume"), "{}", failed.err);
    assert_eq!(read(file(folder.path(), DAYS[0])), before);
    assert_eq!(folder_report(folder.path())["whole"], false);
    // No other window was started.
    assert_eq!(asked(&org, QUERY, DAYS[1]), 0);
    run(Some(&org), folder.path(), &[&words[..], &["--resume"]].concat()).await.done();
    for (at, day) in DAYS.iter().enumerate() {
        assert_eq!(sorted(keys(&read(file(folder.path(), day)))), truth(&org, QUERY, at));
    }
}

#[tokio::test]
async fn a_window_whose_data_is_late_has_no_file_until_it_is_complete() {
    const DAY: Duration = Duration::from_secs(86_400);
    let timeline = OrgTimeline::new("2026-05-01T00:00Z").events_per_day(30);
    let org = MockOrg::builder().seed(7).timeline(timeline).start().await.unwrap();
    org.advance(3 * DAY);
    let folder = tempdir().unwrap();
    let words = export(JOBS, "2026-05-01/2026-05-04");
    let incomplete = run(Some(&org), folder.path(), &words).await;
    assert_eq!(incomplete.code, Some(5), "{}", incomplete.err);
    assert!(file(folder.path(), "2026-05-01").exists());
    assert!(!file(folder.path(), "2026-05-03").exists());
    let report = folder_report(folder.path());
    assert_eq!((&report["verdict"], &report["whole"]), (&"unknown".into(), &false.into()));
    org.advance(3 * DAY);
    run(Some(&org), folder.path(), &[&words[..], &["--resume"]].concat()).await.done();
    let expected = org.expected_events_at(JOBS, "2026-05-03T00:00Z/2026-05-04T00:00Z", &org.now());
    let expected = expected.unwrap().iter().map(Expected::key).collect();
    assert_eq!(sorted(keys(&read(file(folder.path(), "2026-05-03")))), sorted(expected));
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_stops_all_windows_and_their_progress_is_kept() {
    use std::process::Stdio;

    use tokio::io::{AsyncBufReadExt as _, BufReader};

    let org = org(QUERY, 2_000).await;
    let folder = tempdir().unwrap();
    let mut words = export(QUERY, "2024-05-01/2024-05-05");
    words.extend(["--concurrency", "2", "--batch", "25"]);
    let mut child = crate::program(Some(&org), &folder.path().join("state"))
        .args(&words)
        .args(["--log", "json"])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().unwrap().to_string();
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut saved = 0;
    while let Some(line) = err.next_line().await.unwrap() {
        saved += u32::from(line.contains("\"event\":\"saved\""));
        if saved == 3 {
            saved += 1;
            let kill = tokio::process::Command::new("kill").args(["-TERM", &id]).status().await;
            assert!(kill.unwrap().success());
        }
    }
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    words.push("--resume");
    run(Some(&org), folder.path(), &words).await.done();
    for (at, day) in DAYS.iter().enumerate() {
        assert_eq!(sorted(keys(&read(file(folder.path(), day)))), truth(&org, QUERY, at));
    }
}

#[tokio::test]
async fn a_restart_reads_started_windows_from_their_beginning() {
    let org = org(QUERY, 400).await;
    let folder = tempdir().unwrap();
    let mut words = export(QUERY, "2024-05-01/2024-05-03");
    words.extend(["--batch", "10"]);
    assert!(killed(&org, folder.path(), &words, "saved", 3).await);
    // Records change: the rest of the old list and the new one must not be mixed.
    org.set_list(QUERY, 600).unwrap();
    words.push("--restart");
    run(Some(&org), folder.path(), &words).await.done();
    for (at, day) in DAYS[..2].iter().enumerate() {
        assert_eq!(sorted(keys(&read(file(folder.path(), day)))), truth(&org, QUERY, at));
    }
    let left = files(&folder.path().join("lake"));
    assert!(left.iter().all(|path| !path.contains("state") && !path.contains(".part")), "{left:?}");
}

#[tokio::test]
async fn a_list_of_lists_has_a_file_per_window_of_its_parents() {
    let org = org(QUERY, 12).await;
    let folder = tempdir().unwrap();
    let mut words = vec!["export", "getConversationRecordings", "--for-each", QUERY];
    words.extend([
        "--bind",
        "conversationId=conversationId",
        "--interval",
        "2024-05-01/2024-05-03",
    ]);
    words.extend(["--out", "lake/", "--format", "jsonl", "--partition", "day"]);
    run(Some(&org), folder.path(), &words).await.done();
    for (at, day) in DAYS[..2].iter().enumerate() {
        let text = read(folder.path().join(format!("lake/day={day}/part-0.jsonl")));
        let parents = text.lines().map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["parentConversationId"].as_str().unwrap().to_owned()
        });
        let mut parents: Vec<String> = parents.collect();
        parents.dedup();
        assert_eq!(parents.len(), truth(&org, QUERY, at).len(), "{day}");
    }
}

#[tokio::test]
async fn a_second_export_to_the_same_folder_is_refused() {
    let org = org(QUERY, 40).await;
    let folder = tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("lake/.genesys-cloud")).unwrap();
    let lock = std::fs::File::create(folder.path().join("lake/.genesys-cloud/windows.lock"));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    let words = export(QUERY, "2024-05-01/2024-05-03");
    let refused = run(Some(&org), folder.path(), &words).await;
    assert_eq!(refused.code, Some(9), "{}", refused.err);
    assert!(refused.err.contains("another export is writing"), "{}", refused.err);
    assert_eq!(org.request_count(), 0);
    drop(lock);
    run(Some(&org), folder.path(), &words).await.done();
}

#[tokio::test]
async fn a_window_with_a_file_of_another_format_is_refused() {
    let org = org(QUERY, 40).await;
    let folder = tempdir().unwrap();
    let words = export(QUERY, "2024-05-01/2024-05-03");
    run(Some(&org), folder.path(), &words).await.done();
    org.reset();
    let mut other = words.clone();
    other[7] = "csv";
    let refused = run(Some(&org), folder.path(), &other).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("conversation_day=2024-05-01/part-0.jsonl"), "{}", refused.err);
    assert_eq!(org.requests_for(QUERY).len(), 0);
}

#[cfg(feature = "buckets")]
#[tokio::test]
async fn a_folder_in_a_bucket_has_one_object_per_window() {
    use crate::resume::{killed_in, to_the_end_in};
    use crate::run_in;
    use crate::s3::S3;

    let org = org(QUERY, 300).await;
    let s3 = S3::start().await;
    let environment = s3.environment();
    let folder = tempdir().unwrap();
    let mut words = export(QUERY, "2024-05-01/2024-05-05");
    words[5] = "s3://bucket/lake/";
    words.extend(["--batch", "20", "--resume"]);
    assert!(killed_in(&environment, &org, folder.path(), &words, "window", 2).await);
    to_the_end_in(&environment, &org, folder.path(), &words, 5).await;
    for (at, day) in DAYS.iter().enumerate() {
        let object = s3.object(&format!("lake/conversation_day={day}/part-0.jsonl")).unwrap();
        let found = keys(std::str::from_utf8(&object).unwrap());
        assert_eq!(sorted(found), truth(&org, QUERY, at), "{day}");
    }
    assert_eq!(s3.uploads(), 0);
    assert_eq!(s3.keys().len(), 5, "{:?}", s3.keys());
    assert!(s3.object("lake/.genesys-cloud/windows.report.json").is_some());
    // Without conditions on other objects, a rerun replaces one window.
    org.set_list(QUERY, 400).unwrap();
    let mut one = export(QUERY, "2024-05-02/2024-05-03");
    one[5] = "s3://bucket/lake/";
    run_in(&environment, Some(&org), folder.path(), &one).await.done();
    let object = s3.object("lake/conversation_day=2024-05-02/part-0.jsonl").unwrap();
    assert_eq!(sorted(keys(std::str::from_utf8(&object).unwrap())), truth(&org, QUERY, 1));
}
