//! Exports read back by programs of others: Parquet by pyarrow and duckdb, tables by psql.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use genesys_cloud_mock::{MockOrg, OrgTimeline};
use serde_json::Value;
use tempfile::tempdir;

use crate::postgres::{Database, assert_same};
use crate::servers::{Postgres, installed, skipped};
use crate::{read, run};

const QUEUES: &str = "getRoutingQueues";
const DETAILS: &str = "postAnalyticsConversationsDetailsJobs";
const MEMBERS: &str = "getRoutingQueueMembers";

/// The Python of the environment that `.ci/run` creates. `None`, with a message, if it lacks the readers.
pub(crate) fn python() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let python = target.join("python/bin/python");
    let has_readers = Command::new(&python).args(["-c", "import duckdb, pyarrow, pytz"]).output();
    if has_readers.is_ok_and(|it| it.status.success()) {
        return Some(python);
    }
    skipped("pyarrow or duckdb");
    None
}

/// Compares a Parquet file with JSON lines of the same export, and returns what each reader compared.
pub(crate) fn compare(
    python: &Path,
    folder: &Path,
    (parquet, jsonl): (&str, &str),
    keys: &str,
) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_back.py");
    let compared = Command::new(python)
        .arg(script)
        .args([parquet, jsonl, keys])
        .current_dir(folder)
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&compared.stderr);
    assert!(compared.status.success(), "{parquet}: {err}");
    serde_json::from_slice(&compared.stdout).unwrap()
}

/// An org that changes over time, but whose clock stands still.
async fn org() -> MockOrg {
    let timeline = OrgTimeline::new("2026-05-03T00:00:00Z").events_per_day(200);
    let org = MockOrg::builder().timeline(timeline).list(QUEUES, 12).list(MEMBERS, 30);
    org.start().await.unwrap()
}

#[tokio::test]
async fn pyarrow_and_duckdb_read_what_json_lines_have() {
    let Some(python) = python() else { return };
    let org = org().await;
    let folder = tempdir().unwrap();
    let day = ["--interval", "2026-05-01/2026-05-02"];
    let conversations = org.expected_events_at(DETAILS, day[1], &org.now()).unwrap().len() as u64;
    for (name, export, keys, rows) in [
        ("q", &["routing.queues"][..], "id", 12),
        ("u", &["users.users", "--param", "state=any"], "id", 100),
        ("m", &["routing.queue_members", "--for-each", QUEUES], "queueId,id", 360),
        (
            "c",
            &[&["analytics.conversations_details_jobs"], &day[..]].concat(),
            "conversationId",
            conversations,
        ),
    ] {
        let (parquet, jsonl) = (format!("{name}.parquet"), format!("{name}.jsonl"));
        for out in [&parquet, &jsonl] {
            let export = [&["export"], export, &["--out", out, "--row-group", "50"]].concat();
            let export = if out == &jsonl { &export[..export.len() - 2] } else { &export };
            run(Some(&org), folder.path(), export).await.done();
        }
        let compared = compare(&python, folder.path(), (&parquet, &jsonl), keys);
        for reader in ["pyarrow", "duckdb"] {
            let count = |of: &str| compared[reader][of].as_u64().unwrap();
            assert_eq!(count("rows"), rows, "{name} {compared}");
            assert!(count("values") > 5 * rows, "{name} {compared}");
            assert!(count("nested") > rows / 2 && count("times") > 0, "{name} {compared}");
        }
    }
}

#[tokio::test]
async fn the_comparison_finds_every_kind_of_difference() {
    let Some(python) = python() else { return };
    let org = org().await;
    let folder = tempdir().unwrap();
    for out in ["q.parquet", "q.jsonl"] {
        run(Some(&org), folder.path(), &["export", QUEUES, "--out", out]).await.done();
    }
    let jsonl = read(folder.path().join("q.jsonl"));
    let lines: Vec<&str> = jsonl.lines().collect();
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    let edited = |name: &str, value: Value| {
        let mut record = first.clone();
        record[name] = value;
        [&[record.to_string().as_str()], &lines[1..]].concat().join("\n")
    };
    let mut inner = first["division"].clone();
    inner["name"] = "other".into();
    for (what, text) in [
        ("a missing row", lines[1..].join("\n")),
        ("another order", [&lines[1..], &lines[..1]].concat().join("\n")),
        ("a key", edited("id", "other".into())),
        ("a text", edited("name", "other".into())),
        ("a number", edited("memberCount", 1_000_001.into())),
        ("a nested value", edited("division", inner)),
        ("a time", edited("dateCreated", "2001-01-01T00:00:00Z".into())),
        ("a missing value", edited("name", Value::Null)),
        ("an unknown field", edited("unknown", 1.into())),
    ] {
        std::fs::write(folder.path().join("edited.jsonl"), text).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_back.py");
        let compared = Command::new(&python)
            .arg(script)
            .args(["q.parquet", "edited.jsonl", "id"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&compared.stderr);
        assert!(!compared.status.success() && err.contains("instead of"), "{what}: {err}");
    }
}

#[tokio::test]
async fn psql_reads_what_json_lines_have() {
    let Some(psql) = installed("psql", "psql") else { return };
    let Some(database) = Database::new("read_back").await else { return };
    let org = org().await;
    let folder = tempdir().unwrap();
    let url = database.url_with_password();
    for (table, export, keys) in [
        ("routing_queues", &["routing.queues"][..], &[("id", "id")][..]),
        (
            "routing_queue_members",
            &["routing.queue_members", "--for-each", QUEUES],
            &[("queueId", "queue_id"), ("id", "id")],
        ),
    ] {
        let export = [&["export"], export].concat();
        let jsonl = [&export[..], &["--out", "truth.jsonl"]].concat();
        run(Some(&org), folder.path(), &jsonl).await.done();
        let to_table = [&export[..], &["--out", &url, "--create-table"]].concat();
        run(Some(&org), folder.path(), &to_table).await.done();
        let rows = Command::new(&psql)
            .env("PGPASSWORD", Postgres::PASSWORD)
            .env("PGTZ", "UTC")
            .args(["--no-psqlrc", "--tuples-only", "--no-align", "--dbname", &database.url()])
            .args(["--command", &format!("SELECT to_json(t) FROM {table} t")])
            .output()
            .unwrap();
        assert!(rows.status.success(), "{}", String::from_utf8_lossy(&rows.stderr));
        let by_key = |text: &str, key: &dyn Fn(&Value) -> String| {
            let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let rows: Vec<Value> = rows.collect();
            let keyed: BTreeMap<String, Value> =
                rows.iter().map(|row| (key(row), row.clone())).collect();
            assert_eq!(keyed.len(), rows.len(), "each key occurs once");
            keyed
        };
        let joined = |row: &Value, names: Vec<&str>| {
            names.iter().map(|name| row[name].to_string()).collect::<Vec<_>>().join("/")
        };
        let text = String::from_utf8(rows.stdout).unwrap();
        let found = by_key(&text, &|row| joined(row, keys.iter().map(|it| it.1).collect()));
        let truth = read(folder.path().join("truth.jsonl"));
        let truth = by_key(&truth, &|row| joined(row, keys.iter().map(|it| it.0).collect()));
        assert_same(&found, &truth);
    }
}
