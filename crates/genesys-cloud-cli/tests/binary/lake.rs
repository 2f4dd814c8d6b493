//! A folder that is exported every night while data arrives late: whatever is killed, each visible file is one that a whole
//! run has written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use genesys_cloud_mock::{MockOrg, OrgTimeline};
use serde_json::Value;
use tempfile::tempdir;

use crate::resume::killed;
use crate::{read, run};

const DETAILS: &str = "postAnalyticsConversationsDetailsQuery";
const DAYS: [(&str, &str); 3] = [
    ("2026-05-01", "2026-05-01T00:00Z/2026-05-02T00:00Z"),
    ("2026-05-02", "2026-05-02T00:00Z/2026-05-03T00:00Z"),
    ("2026-05-03", "2026-05-03T00:00Z/2026-05-04T00:00Z"),
];

const NIGHTLY: [&str; 14] = [
    "export",
    "analytics.conversations_details_query",
    "--interval",
    "2026-05-01/2026-05-04",
    "--window",
    "1d",
    "--concurrency",
    "2",
    "--out",
    "lake/",
    "--batch",
    "8",
    "--page-size",
    "20",
];

fn path(folder: &Path, day: &str, extension: &str) -> PathBuf {
    folder.join(format!("lake/conversation_day={day}/part-0.{extension}"))
}

fn texts(records: &[Value]) -> BTreeSet<String> {
    records.iter().map(Value::to_string).collect()
}

/// The conversations of each day, as far as they are known now.
fn truth(org: &MockOrg) -> [BTreeSet<String>; 3] {
    DAYS.map(|(_, interval)| texts(&org.expected_events_at(DETAILS, interval, &org.now()).unwrap()))
}

/// The conversations in the file of a day; none if there is no file.
fn written(folder: &Path, day: &str) -> Option<BTreeSet<String>> {
    let path = path(folder, day, "jsonl");
    let records = |text: String| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    path.exists().then(|| {
        let records = records(read(path));
        let set = texts(&records);
        assert_eq!(set.len(), records.len(), "{day}: each record once");
        set
    })
}

async fn org() -> MockOrg {
    let timeline = OrgTimeline::new("2026-05-01T00:00:00Z").events_per_day(60);
    let timeline = timeline.late_by(Duration::from_hours(24)).data_delay(Duration::from_mins(10));
    let org = MockOrg::builder().timeline(timeline).start().await.unwrap();
    org.advance(Duration::from_hours(74));
    org
}

#[tokio::test]
async fn each_file_is_whole_at_every_time() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let nightly = [&NIGHTLY[..], &["--format", "jsonl", "--resume"]].concat();
    let mut earlier: [Option<BTreeSet<String>>; 3] = [None, None, None];
    let (mut kills, mut chance) = (0, 17_u64);
    for night in 0..3 {
        let truth = truth(&org);
        assert!(truth.iter().all(|day| day.len() > 30));
        loop {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let after = 1 + (chance >> 33) % 5;
            let is_killed = killed(&org, folder.path(), &nightly, "saved", after).await;
            for (at, (day, _)) in DAYS.iter().enumerate() {
                let found = written(folder.path(), day);
                let is_whole = found == earlier[at] || found.as_ref() == Some(&truth[at]);
                assert!(is_whole, "night {night}, {day}: neither the earlier file nor the new one");
            }
            if !is_killed {
                break;
            }
            kills += 1;
        }
        for (at, (day, _)) in DAYS.iter().enumerate() {
            assert_eq!(written(folder.path(), day).as_ref(), Some(&truth[at]), "{day}");
        }
        let changed = earlier.iter().zip(&truth).any(|(old, new)| old.as_ref() != Some(new));
        assert!(changed || night > 1, "conversations arrive late");
        earlier = truth.map(Some);
        org.advance(Duration::from_hours(12));
    }
    assert!(kills > 2, "{kills} kills");
}

#[cfg(all(unix, feature = "parquet", feature = "postgres", feature = "redis"))]
#[tokio::test]
async fn duckdb_reads_the_folder_by_day() {
    let Some(python) = crate::read_back::python() else { return };
    let org = org().await;
    let folder = tempdir().unwrap();
    let parquet = [&NIGHTLY[..], &["--format", "parquet"]].concat();
    run(Some(&org), folder.path(), &parquet).await.done();
    let query = "import duckdb, json; print(json.dumps(duckdb.sql(\"SELECT conversation_day::VARCHAR, \
                 count(*), count(DISTINCT \\\"conversationId\\\") FROM read_parquet('lake/**/*.parquet', \
                 hive_partitioning = true) GROUP BY ALL ORDER BY ALL\").fetchall()))";
    let read = std::process::Command::new(python)
        .args(["-c", query])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let found: Vec<(String, usize, usize)> = serde_json::from_slice(&read.stdout).unwrap();
    let truth: Vec<(String, usize, usize)> = DAYS
        .iter()
        .zip(truth(&org))
        .map(|((day, _), records)| ((*day).to_owned(), records.len(), records.len()))
        .collect();
    assert_eq!(found, truth);
}
