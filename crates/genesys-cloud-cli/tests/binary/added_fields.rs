//! Exports with fields that the export adds to each record.

use std::collections::BTreeSet;

use genesys_cloud_mock::MockOrg;
use serde_json::Value;
use tempfile::tempdir;

use crate::resume::{killed, to_the_end};
use crate::{keys, read, report, run};

const QUEUES: &str = "getRoutingQueues";
const MEMBERS: &str = "getRoutingQueueMembers";
const ALL: &str = "_loaded_at,_run_id,_source,_raw";

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn each_record_gets_the_fields_of_the_export_last() {
    let org = MockOrg::builder().list(QUEUES, 30).start().await.unwrap();
    let folder = tempdir().unwrap();
    let plain = run(Some(&org), folder.path(), &["export", QUEUES]).await;
    let export =
        ["export", QUEUES, "--out", "q.jsonl", "--with", "_raw,_loaded_at,_run_id,_source"];
    run(Some(&org), folder.path(), &export).await.done();
    let report = report(&folder.path().join("q.jsonl"));
    let fields = format!(
        r#""_loaded_at":{},"_run_id":{},"_source":"getRoutingQueues""#,
        report["began"], report["run"]
    );
    let wanted = plain.done().lines().map(|record| {
        let before = record.strip_suffix('}').unwrap();
        format!("{before},{fields},\"_raw\":{record}}}\n")
    });
    assert_eq!(read(folder.path().join("q.jsonl")), wanted.collect::<String>());
}

#[tokio::test]
async fn tables_have_the_added_fields_where_they_are_selected_or_last() {
    let org = MockOrg::builder().list(QUEUES, 3).start().await.unwrap();
    let folder = tempdir().unwrap();
    for (fields, header) in [("id,name", "id,name,_run_id,_raw"), ("_run_id,id", "_run_id,id,_raw")]
    {
        let export =
            ["export", QUEUES, "--out", "q.csv", "--fields", fields, "--with", "_run_id,_raw"];
        run(Some(&org), folder.path(), &export).await.done();
        let text = read(folder.path().join("q.csv"));
        assert_eq!(text.lines().next(), Some(header));
        assert!(text.lines().skip(1).all(|line| line.ends_with("}\"")), "{text}");
    }
    let export = ["export", QUEUES, "--out", "q.csv", "--with", "_source"];
    run(Some(&org), folder.path(), &export).await.done();
    let text = read(folder.path().join("q.csv"));
    assert!(text.lines().next().unwrap().ends_with(",_source"), "{text}");
    assert!(text.lines().skip(1).all(|line| line.ends_with(",getRoutingQueues")), "{text}");
}

#[tokio::test]
async fn records_of_parents_get_keys_first_and_the_fields_of_the_export_last() {
    let org = MockOrg::builder().list(QUEUES, 3).list(MEMBERS, 4).start().await.unwrap();
    let folder = tempdir().unwrap();
    let tree = ["export", MEMBERS, "--for-each", QUEUES, "--with", "_source,_raw"];
    let exported = run(Some(&org), folder.path(), &tree).await;
    let found = records(exported.done());
    assert_eq!(found.len(), 12);
    for (record, line) in found.iter().zip(exported.out.lines()) {
        assert!(line.starts_with("{\"queueId\":"), "{line}");
        assert!(line.ends_with("}}"), "{line}");
        assert_eq!(
            (&record["_source"], &record["_raw"]["queueId"]),
            (&MEMBERS.into(), &Value::Null)
        );
        assert_eq!(record["_raw"]["id"], record["id"]);
    }
}

#[tokio::test]
async fn the_added_fields_do_not_depend_on_kills() {
    let org = MockOrg::builder().list(QUEUES, 200).start().await.unwrap();
    let folder = tempdir().unwrap();
    let truth = keys(run(Some(&org), folder.path(), &["export", QUEUES]).await.done());
    let options = ["--batch", "11", "--page-size", "25", "--with", ALL, "--resume"];
    let export = [&["export", QUEUES, "--out", "q.jsonl"][..], &options].concat();
    assert!(to_the_end(&org, folder.path(), &export, 4).await > 0);
    let text = read(folder.path().join("q.jsonl"));
    assert_eq!(keys(&text), truth);
    let of_export = records(&text);
    let of_export: BTreeSet<String> = of_export
        .iter()
        .map(|it| format!("{} {} {}", it["_loaded_at"], it["_run_id"], it["_source"]))
        .collect();
    let report = report(&folder.path().join("q.jsonl"));
    let wanted = format!("{} {} \"getRoutingQueues\"", report["began"], report["run"]);
    assert_eq!(of_export, BTreeSet::from([wanted]));

    // An export resumes only with the same fields.
    assert!(killed(&org, folder.path(), &export, "saved", 1).await);
    let other = ["export", QUEUES, "--out", "q.jsonl", "--with", "_run_id", "--resume"];
    let refused = run(Some(&org), folder.path(), &other).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("different --format, --fields, --with or"), "{}", refused.err);
}
