//! Values in each output: unchanged, or changed with a note.

use std::path::Path;

use genesys_cloud_mock::{Call, CannedResponse, Fault, MockOrg};
use serde_json::Value;
use tempfile::tempdir;

use crate::{aside, read, report, run};
#[cfg(all(feature = "buckets", feature = "parquet"))]
use crate::{program, run_in};

const QUEUES: &str = "getRoutingQueues";

fn reply(body: impl Into<String>, content_type: &str) -> CannedResponse {
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    CannedResponse { status: 200, headers, body: body.into().into() }
}

/// Makes the org respond with a page of these records, unchanged.
fn page(org: &MockOrg, records: &[&str]) {
    let (all, total) = (records.join(","), records.len());
    let body = format!(
        "\u{feff}{{\"x\":1,\"entities\":[{all}],\"pageNumber\":1,\"pageCount\":1,\"total\":{total}}}"
    );
    org.respond_next(QUEUES, reply(body, "application/json")).unwrap();
}

/// A fault that puts a string for a number into every third queue.
pub(crate) struct Odd;

/// Whether this record is affected.
pub(crate) fn is_odd(id: &str) -> bool {
    id.bytes().map(u32::from).sum::<u32>().is_multiple_of(3)
}

impl Fault for Odd {
    fn after(&self, call: &Call<'_>, reply: CannedResponse) -> CannedResponse {
        if call.operation.id != QUEUES {
            return reply;
        }
        let mut body: Value = serde_json::from_slice(&reply.body).unwrap();
        for record in body["entities"].as_array_mut().unwrap() {
            if is_odd(record["id"].as_str().unwrap()) {
                record["memberCount"] = "many".into();
            }
        }
        CannedResponse { body: body.to_string().into(), ..reply }
    }
}

/// The IDs of the records in a rejects file, and its lines.
pub(crate) fn rejected(path: &Path) -> (Vec<String>, Vec<Value>) {
    let text = read(path);
    let lines: Vec<Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    (lines.iter().map(|it| it["record"]["id"].as_str().unwrap().to_owned()).collect(), lines)
}

#[tokio::test]
async fn a_call_sends_and_prints_values_unchanged() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let operation = "postAnalyticsConversationsDetailsQuery";
    let body =
        r#"{ "n": 31.245270191439438, "id": 12345678901234567890, "x": 1.50, "x": "\ud83d" }"#;
    std::fs::write(folder.path().join("b.json"), body).unwrap();
    let call = ["call", operation, "--body", "b.json", "--unchecked"];
    for (answer, content_type, printed) in [
        (
            body,
            "application/json",
            "{\n  \"n\": 31.245270191439438,\n  \"id\": 12345678901234567890,\n  \"x\": 1.50,\n  \"x\": \"\\ud83d\"\n}\n",
        ),
        (body, "application/octet-stream", body),
        ("id;n\r\n1;2\r\n", "text/csv", "id;n\r\n1;2\r\n"),
        ("7.0", "application/json; charset=utf-8", "7.0\n"),
        ("no JSON", "application/json", "no JSON"),
    ] {
        org.respond_next(operation, reply(answer, content_type)).unwrap();
        let done = run(Some(&org), folder.path(), &call).await;
        assert_eq!(done.done(), printed, "{content_type}");
        assert_eq!(org.requests_for(operation).pop().unwrap().body, body.as_bytes());
    }
}

#[tokio::test]
async fn json_lines_have_the_values_of_the_api() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let records = [
        r#"{"id":"1","name":"x\ud83d y\u0000","memberCount":25.0,"n":31.245270191439438,"n":1.50}"#,
        r#"{"id":"2","\ude00":{"deep":12345678901234567890.10},"dateCreated":1714566600000.0}"#,
    ];
    page(&org, &records);
    let done = run(Some(&org), folder.path(), &["export", QUEUES]).await;
    assert_eq!(done.done(), format!("{}\n", records.join("\n")));
    page(&org, &records);
    let fields = ["export", QUEUES, "--fields", "name,memberCount", "--unchecked"];
    let done = run(Some(&org), folder.path(), &fields).await;
    assert_eq!(done.done(), "{\"name\":\"x\\ud83d y\\u0000\",\"memberCount\":25.0}\n{}\n");
}

#[tokio::test]
async fn tables_normalize_values_and_report_changes() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let records = [
        r#"{"id":"1","name":"x\ud83d y\u0000","memberCount":25.0,"dateCreated":"2024-05-01 12:30"}"#,
        r#"{"id":"2","name":"","memberCount":"1e3","dateCreated":1714566600000.0,"\ude00":1}"#,
        r#"{"id":"3","name":null,"memberCount":9007199254740993.0}"#,
    ];
    page(&org, &records);
    let fields =
        ["export", QUEUES, "--fields", "id,name,memberCount,dateCreated", "--out", "q.csv"];
    let done = run(Some(&org), folder.path(), &fields).await;
    done.done();
    let expected = "id,name,memberCount,dateCreated\r\n\
        1,x\u{fffd} y\u{fffd},25,2024-05-01T12:30:00.000Z\r\n\
        2,\"\",1000,2024-05-01T12:30:00.000Z\r\n\
        3,,9007199254740993,\r\n";
    assert_eq!(read(folder.path().join("q.csv")), expected);
    assert!(done.err.contains("1 value with invalid characters"), "{}", done.err);
    let notes = report(&folder.path().join("q.csv"))["notes"].to_string();
    assert!(notes.contains("(name 1)"), "{notes}");
    page(&org, &records);
    let one = ["export", QUEUES, "--fields", "name", "--out", "names.csv"];
    run(Some(&org), folder.path(), &one).await.done();
    let expected = "name\r\nx\u{fffd} y\u{fffd}\r\n\"\"\r\nNULL\r\n";
    assert_eq!(read(folder.path().join("names.csv")), expected);
}

#[tokio::test]
async fn validates_the_options_for_invalid_values() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    for (options, why) in [
        (&["--rejects", "r.jsonl"][..], "needs `--on-bad-value null` or `skip`"),
        (&["--on-bad-value", "skip"], "add `--rejects rejects.jsonl`"),
        (
            &["--on-bad-value", "skip", "--out", "q.csv", "--rejects", "q.csv"],
            "q.csv is the output",
        ),
        (&["--on-bad-value", "null", "--out", "q.csv", "--rejects", "."], ". is a folder"),
    ] {
        let arguments = [&["export", QUEUES], options].concat();
        let refused = run(Some(&org), folder.path(), &arguments).await;
        assert_eq!(refused.code, Some(2), "{options:?}: {}", refused.err);
        assert!(refused.err.contains(why), "{options:?}: {}", refused.err);
    }
    assert_eq!(org.request_count(), 0);
}

#[cfg(feature = "parquet")]
#[tokio::test]
async fn rejects_each_invalid_record_once_across_kills() {
    use crate::resume::to_the_end_in;
    use crate::tables::{ids, rows};

    let org = MockOrg::builder().list(QUEUES, 250).fault(Odd).start().await.unwrap();
    let folder = tempdir().unwrap();
    let all = org.expected(QUEUES).unwrap().records;
    let (odd, good): (Vec<String>, Vec<String>) = all.iter().cloned().partition(|id| is_odd(id));
    assert!(odd.len() > 20 && good.len() > 20);

    let plain = ["export", QUEUES, "--out", "q.parquet"];
    let refused = run(Some(&org), folder.path(), &plain).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    assert!(refused.err.contains("--on-bad-value null or skip"), "{}", refused.err);

    for (what, written) in [("skip", &good), ("null", &all)] {
        let out = folder.path().join(format!("{what}.parquet"));
        let arguments = [
            "export",
            QUEUES,
            "--out",
            out.to_str().unwrap(),
            "--batch",
            "7",
            "--page-size",
            "25",
            "--row-group",
            "10",
            "--resume",
            "--on-bad-value",
            what,
        ];
        let kills = to_the_end_in(&[], &org, folder.path(), &arguments, 5).await;
        assert!(kills > 0, "{kills} kills");
        let table = rows(std::fs::read(&out).unwrap());
        assert_eq!(ids(&table), *written, "{what}");
        let odd_rows =
            table.iter().filter(|row| is_odd(row["id"].as_str().unwrap().trim_matches('"')));
        assert!(odd_rows.clone().all(|row| row["memberCount"] == "null"), "{what}");
        let path = aside(&out, ".rejects.jsonl");
        let (found, lines) = rejected(&path);
        assert_eq!(found, odd, "{what}: each of them once");
        for (name, value) in [("operation", QUEUES), ("action", what), ("field", "memberCount")] {
            assert!(lines.iter().all(|line| line[name] == value), "{name}");
        }
        assert!(lines[0]["reason"].as_str().unwrap().contains("a string"), "{}", lines[0]);
        let report = report(&out);
        assert_eq!(report["verdict"], "complete");
        assert_eq!(report["records"], 250);
        let count = |is: bool| if is { odd.len() } else { 0 };
        assert_eq!(report["rejects"]["skipped"], count(what == "skip"));
        assert_eq!(report["rejects"]["nulled"], count(what == "null"));
        assert_eq!(report["rejects"]["file"], path.to_str().unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(!aside(&out, ".rejects.jsonl.part").exists());
    }

    // An export that failed at a record resumes without it: the list is complete, the output is not.
    let skip =
        [&plain[..], &["--restart", "--on-bad-value", "skip", "--rejects", "r.jsonl"]].concat();
    let done = run(Some(&org), folder.path(), &skip).await;
    done.done();
    let first = format!("complete, but {} records skipped: 250 records", odd.len());
    assert!(done.err.contains(&first), "{}", done.err);
    assert!(done.err.contains("see r.jsonl"), "{}", done.err);
    assert_eq!(rejected(&folder.path().join("r.jsonl")).0, odd);
    // Without invalid records, the file is empty.
    let org = MockOrg::builder().list(QUEUES, 10).start().await.unwrap();
    run(Some(&org), folder.path(), &skip).await.done();
    assert_eq!(read(folder.path().join("r.jsonl")), "");
}

#[cfg(all(feature = "buckets", feature = "parquet"))]
#[tokio::test]
async fn rejects_invalid_records_for_objects_and_streams() {
    use crate::s3::S3;
    use crate::tables::{ids, rows};

    let org = MockOrg::builder().list(QUEUES, 100).fault(Odd).start().await.unwrap();
    let folder = tempdir().unwrap();
    let all = org.expected(QUEUES).unwrap().records;
    let (odd, good): (Vec<String>, Vec<String>) = all.iter().cloned().partition(|id| is_odd(id));
    let s3 = S3::start().await;
    let options = ["--on-bad-value", "skip", "--rejects", "r.jsonl"];
    let to_bucket = [&["export", QUEUES, "--out", "s3://bucket/q.parquet"], &options[..]].concat();
    run_in(&s3.environment(), Some(&org), folder.path(), &to_bucket).await.done();
    assert_eq!(ids(&rows(s3.object("q.parquet").unwrap())), good);
    assert_eq!(rejected(&folder.path().join("r.jsonl")).0, odd);

    let to_stream = [&["export", QUEUES, "--format", "parquet"], &options[..]].concat();
    let output = program(Some(&org), &folder.path().join("state"))
        .args(to_stream)
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    assert!(output.status.success());
    assert_eq!(ids(&rows(output.stdout)), good);
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains(&format!("{} records rejected: ", odd.len())), "{err}");
    assert_eq!(rejected(&folder.path().join("r.jsonl")).0, odd);
}
