//! Exports to buckets.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use genesys_cloud_mock::MockOrg;
use hyper::Method;
use serde_json::Value;
use tempfile::tempdir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::Notify;

use crate::resume::{killed_in, to_the_end_in};
use crate::s3::S3;
use crate::{keys, program, read, run, run_in, signalled_while_waiting};

const URL: &str = "s3://bucket/a/q.jsonl";
const OPERATION: &str = "getRoutingQueues";

/// Parts of 5 MiB; a thousand queues fill one part.
const EXPORT: [&str; 7] =
    ["export", "routing.queues", "--out", URL, "--part-size", "5", "--resume"];

async fn org(records: u64) -> MockOrg {
    MockOrg::builder().list(OPERATION, records).start().await.unwrap()
}

/// Exports the list to a file without an interruption.
async fn at_once(org: &MockOrg, folder: &Path, name: &str) -> Vec<u8> {
    let arguments = ["export", "routing.queues", "--out", name, "--batch", "50"];
    run(Some(org), folder, &arguments).await.done();
    std::fs::read(folder.join(name)).unwrap()
}

/// Runs the export and kills it at request `n` to the bucket. Returns whether it was killed before its end.
async fn killed_at_request(s3: &S3, org: &MockOrg, folder: &Path, n: u64) -> bool {
    let mut child = program(Some(org), &folder.join("state"))
        .envs(s3.environment())
        .args(EXPORT)
        .args(["--batch", "50", "--quiet"])
        .current_dir(folder)
        .spawn()
        .unwrap();
    let (reached, seen) = (Arc::new(Notify::new()), AtomicU64::new(0));
    let teller = reached.clone();
    s3.refuse(move |_, _| {
        if seen.fetch_add(1, Ordering::Relaxed) + 1 == n {
            teller.notify_one();
        }
        false
    });
    let ended = tokio::select! {
        ended = child.wait() => ended.unwrap(),
        () = reached.notified() => {
            child.kill().await.unwrap();
            return true;
        }
    };
    assert!(ended.success());
    false
}

#[tokio::test]
async fn has_each_record_once_after_random_kills() {
    let org = org(1_000).await;
    let folder = tempdir().unwrap();
    let once = at_once(&org, folder.path(), "q.jsonl").await;
    assert_eq!(keys(std::str::from_utf8(&once).unwrap()), org.expected(OPERATION).unwrap().records);
    let s3 = S3::start().await;
    let (mut chance, mut kills) = (7_u64, 0);
    while killed_at_request(&s3, &org, folder.path(), 1 + (chance >> 33) % 40).await {
        kills += 1;
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        assert!(s3.object("a/q.jsonl").is_none_or(|object| object == once), "it is not complete");
    }
    assert!(kills > 0, "{kills} kills");
    assert!(s3.object("a/q.jsonl").unwrap() == once, "they differ");
    assert_eq!(s3.keys(), ["a/.genesys-cloud/q.jsonl.report.json", "a/q.jsonl"]);
    let report: Value =
        serde_json::from_slice(&s3.object("a/.genesys-cloud/q.jsonl.report.json").unwrap())
            .unwrap();
    assert_eq!((&report["verdict"], report["records"].as_u64()), (&"complete".into(), Some(1_000)));
}

#[cfg(feature = "parquet")]
#[tokio::test]
async fn a_killed_table_is_complete_after_a_resume() {
    use crate::tables::{ids, rows};

    let org = org(16_000).await;
    let folder = tempdir().unwrap();
    let once = rows(at_once(&org, folder.path(), "q.parquet").await);
    assert_eq!(ids(&once), org.expected(OPERATION).unwrap().records);
    let s3 = S3::start().await;
    let arguments = [
        "export",
        "routing.queues",
        "--out",
        "s3://bucket/q.parquet",
        "--part-size",
        "5",
        "--batch",
        "400",
        "--row-group",
        "1000",
        "--resume",
    ];
    let mut kills = 0;
    while killed_in(&s3.environment(), &org, folder.path(), &arguments, "saved", 1).await {
        kills += 1;
        assert_eq!(
            s3.keys(),
            [".genesys-cloud/q.parquet.state.json"],
            "it does not exist before it is complete"
        );
        assert_eq!(s3.uploads(), 1);
    }
    assert!(kills > 0, "{kills} kills");
    assert!(rows(s3.object("q.parquet").unwrap()) == once, "they differ");
    assert_eq!(s3.keys(), [".genesys-cloud/q.parquet.report.json", "q.parquet"]);
    assert_eq!(s3.uploads(), 0);
}

#[tokio::test]
async fn uploads_small_lists_in_every_format() {
    let org = MockOrg::builder().list(OPERATION, 30).list("getUsers", 0).start().await.unwrap();
    let folder = tempdir().unwrap();
    let s3 = S3::start().await;
    s3.put("q.jsonl", b"of yesterday");
    for name in ["q.jsonl", "q.jsonl.gz", "q.csv", "q.csv.gz"] {
        let once = at_once(&org, folder.path(), name).await;
        let out = format!("s3://bucket/{name}");
        let arguments = ["export", "routing.queues", "--out", &out, "--batch", "50"];
        let done = run_in(&s3.environment(), Some(&org), folder.path(), &arguments).await;
        assert_eq!(done.done(), "");
        let err = format!("{out}, report in s3://bucket/.genesys-cloud/{name}.report.json");
        assert!(done.err.contains(&err), "{}", done.err);
        assert_eq!(s3.object(name), Some(once), "{name}");
    }
    let arguments = ["export", "users.users", "--out", "s3://bucket/none.jsonl"];
    run_in(&s3.environment(), Some(&org), folder.path(), &arguments).await.done();
    assert_eq!(s3.object("none.jsonl"), Some(Vec::new()));
    assert_eq!(s3.uploads(), 0);
}

#[tokio::test]
async fn reports_missing_permissions_before_reading() {
    let org = org(10).await;
    let folder = tempdir().unwrap();
    let s3 = S3::start().await;
    for is_refused in
        [|_: &Method, _: &str| true, |method: &Method, _: &str| method == Method::POST]
    {
        s3.refuse(is_refused);
        let refused = run_in(&s3.environment(), Some(&org), folder.path(), &EXPORT).await;
        assert_eq!(refused.code, Some(11), "{}", refused.err);
        for part in
            ["s3://bucket/a/", "access denied (AccessDenied)", "permission to list the bucket"]
        {
            assert!(refused.err.contains(part), "{part}: {}", refused.err);
        }
        assert!(!refused.err.contains("not-to-be-shown"), "{}", refused.err);
    }
    s3.refuse_nothing();
    let small = [&EXPORT[..4], &["--part-size", "4"]].concat();
    let refused = run_in(&s3.environment(), Some(&org), folder.path(), &small).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    let mut plain = s3.environment();
    plain.retain(|(name, _)| *name != "AWS_ALLOW_HTTP");
    let refused = run_in(&plain, Some(&org), folder.path(), &EXPORT).await;
    assert!(refused.err.contains("AWS_ENDPOINT is an http:// URL"), "{}", refused.err);
    let other = ["export", "routing.queues", "--out", "s3://other/q.jsonl"];
    let refused = run_in(&s3.environment(), Some(&org), folder.path(), &other).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    assert!(refused.err.contains("no such bucket"), "{}", refused.err);
    assert_eq!(org.requests_for(OPERATION).len(), 0);
    assert_eq!((s3.keys().len(), s3.uploads()), (0, 0));
}

#[tokio::test]
async fn resumes_after_a_refused_request() {
    let org = org(1_000).await;
    let folder = tempdir().unwrap();
    let once = at_once(&org, folder.path(), "q.jsonl").await;
    let s3 = S3::start().await;
    let arguments = [&EXPORT[..], &["--batch", "50"]].concat();
    // During the upload, at its completion, and when the state is removed.
    for (method, part) in
        [(Method::PUT, "partNumber=2"), (Method::POST, "uploadId"), (Method::DELETE, "state.json")]
    {
        s3.refuse(move |it, target| *it == method && target.contains(part));
        let refused = run_in(&s3.environment(), Some(&org), folder.path(), &arguments).await;
        assert_eq!(refused.code, Some(11), "{part}: {}", refused.err);
        assert!(refused.err.contains("AccessDenied"), "{part}: {}", refused.err);
    }
    s3.refuse_nothing();
    // The object is complete, but the state does not say so.
    let requests = org.requests_for(OPERATION).len();
    run_in(&s3.environment(), Some(&org), folder.path(), &arguments).await.done();
    assert_eq!(org.requests_for(OPERATION).len(), requests, "nothing was read again");
    assert!(s3.object("a/q.jsonl").unwrap() == once, "they differ");
    assert_eq!(s3.keys(), ["a/.genesys-cloud/q.jsonl.report.json", "a/q.jsonl"]);
}

#[tokio::test]
async fn reports_a_lost_upload_and_aborts_a_discarded_one() {
    let org = org(1_200).await;
    let folder = tempdir().unwrap();
    let s3 = S3::start().await;
    let (environment, folder) = (s3.environment(), folder.path());
    let arguments = [&EXPORT[..], &["--batch", "50"]].concat();
    assert!(killed_in(&environment, &org, folder, &arguments, "saved", 1).await);
    s3.forget_uploads();
    let refused = run_in(&environment, Some(&org), folder, &arguments).await;
    // A retry would fail the same way.
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("start over with --restart"), "{}", refused.err);
    assert_eq!(s3.object("a/q.jsonl"), None);

    let restart = [&EXPORT[..EXPORT.len() - 1], &["--batch", "50", "--restart"]].concat();
    assert!(killed_in(&environment, &org, folder, &restart, "saved", 1).await);
    assert_eq!(s3.uploads(), 1);
    run_in(&environment, Some(&org), folder, &restart).await.done();
    assert_eq!(s3.uploads(), 0);
    let text = String::from_utf8(s3.object("a/q.jsonl").unwrap()).unwrap();
    assert_eq!(keys(&text), org.expected(OPERATION).unwrap().records);
}

#[tokio::test]
async fn detects_another_export_to_the_same_object() {
    let org = org(3_000).await;
    let folder = tempdir().unwrap();
    let s3 = S3::start().await;
    let mut child = program(Some(&org), &folder.path().join("state"))
        .envs(s3.environment())
        .args(EXPORT)
        .args(["--batch", "50", "--log", "json"])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut error = Value::Null;
    while let Some(line) = err.next_line().await.unwrap() {
        let line: Value = serde_json::from_str(&line).unwrap();
        match line["event"].as_str() {
            Some("saved") => s3.put("a/.genesys-cloud/q.jsonl.state.json", b"of another one"),
            Some("error") => error = line,
            _ => {}
        }
    }
    assert_eq!(child.wait().await.unwrap().code(), Some(11));
    assert!(error.to_string().contains("changed by another export"), "{error}");
    assert_eq!(s3.object("a/.genesys-cloud/q.jsonl.state.json").unwrap(), b"of another one");
    assert_eq!(s3.object("a/q.jsonl"), None);
    assert_eq!(s3.uploads(), 0, "nobody will resume it");
}

#[tokio::test]
async fn rejects_an_edited_state_in_a_bucket() {
    let org = org(1_200).await;
    let folder = tempdir().unwrap();
    let s3 = S3::start().await;
    let (environment, folder) = (s3.environment(), folder.path());
    let arguments = [&EXPORT[..], &["--batch", "50"]].concat();
    assert!(killed_in(&environment, &org, folder, &arguments, "saved", 1).await);
    let state = "a/.genesys-cloud/q.jsonl.state.json";
    let saved = String::from_utf8(s3.object(state).unwrap()).unwrap();
    let requests = org.request_count();
    for edited in [
        saved.replace("\"rest\":\"", "\"rest\":\"AAAA"),
        saved.replace("\"parts\":[", "\"parts\":[\"x\","),
        saved[..saved.len() / 2].to_owned(),
        saved.clone() + &"x".repeat(10),
    ] {
        assert_ne!(edited, saved);
        s3.put(state, edited.as_bytes());
        let refused = run_in(&environment, Some(&org), folder, &arguments).await;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(
            refused.err.contains("s3://bucket/a/.genesys-cloud/q.jsonl.state.json: "),
            "{}",
            refused.err
        );
        assert_eq!(s3.object(state).unwrap(), edited.as_bytes());
    }
    assert_eq!((org.request_count(), s3.uploads()), (requests, 1));
    s3.put(state, saved.as_bytes());
    // Some servers reject parts of different sizes.
    let larger = [&arguments[..2], &["--out", "s3://bucket/a/q.jsonl", "--resume"]].concat();
    run_in(&environment, Some(&org), folder, &larger).await.done();
    let text = String::from_utf8(s3.object("a/q.jsonl").unwrap()).unwrap();
    assert_eq!(keys(&text), org.expected(OPERATION).unwrap().records);
    assert_eq!(s3.uploads(), 0);
}

#[tokio::test]
async fn keeps_the_state_at_another_location() {
    let org = org(1_200).await;
    let folder = tempdir().unwrap();
    let s3 = S3::start().await;
    let truth = org.expected(OPERATION).unwrap().records;
    // The state of a file in a bucket.
    let state = ["--state", "s3://bucket/states/q", "--batch", "20", "--resume"];
    let arguments = [&["export", "routing.queues", "--out", "q.jsonl"][..], &state].concat();
    let environment = s3.environment();
    assert!(to_the_end_in(&environment, &org, folder.path(), &arguments, 3).await > 0);
    assert_eq!(keys(&read(folder.path().join("q.jsonl"))), truth);
    assert!(s3.requests().iter().any(|it| it == "PUT /bucket/states/q"));
    assert_eq!(s3.keys().len(), 0);
    // The state of an object in a file.
    let state = ["--state", "state-of-q.json", "--batch", "50"];
    let arguments = [&EXPORT[..], &state].concat();
    assert!(killed_in(&environment, &org, folder.path(), &arguments, "saved", 1).await);
    assert!(folder.path().join("state-of-q.json").exists());
    assert_eq!(s3.keys().len(), 0);
    run_in(&environment, Some(&org), folder.path(), &arguments).await.done();
    let text = String::from_utf8(s3.object("a/q.jsonl").unwrap()).unwrap();
    assert_eq!(keys(&text), truth);
    assert!(!folder.path().join("state-of-q.json").exists());
}

/// Google Cloud Storage supports multipart uploads, and identifies versions by generation numbers.
#[tokio::test]
async fn exports_to_google_cloud_storage() {
    let org = org(2_000).await;
    let folder = tempdir().unwrap();
    let once = at_once(&org, folder.path(), "q.jsonl").await;
    let s3 = S3::start().await;
    let environment = s3.environment();
    let arguments =
        EXPORT.map(|it| if it.starts_with("s3:") { "gs://bucket/a/q.jsonl" } else { it });
    let arguments = [&arguments[..], &["--batch", "50"]].concat();
    assert!(killed_in(&environment, &org, folder.path(), &arguments, "saved", 1).await);
    let state = "a/.genesys-cloud/q.jsonl.state.json";
    assert_eq!((s3.keys(), s3.uploads()), (vec![state.to_owned()], 1));
    // An interrupted export is not overwritten, and the state is read with its current version.
    let refused = run_in(&environment, Some(&org), folder.path(), &arguments[..6]).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("--resume continues it"), "{}", refused.err);
    let kept = s3.object(state).unwrap();
    s3.put(state, &kept);
    run_in(&environment, Some(&org), folder.path(), &arguments).await.done();
    assert!(s3.object("a/q.jsonl").unwrap() == once, "they differ");
    assert_eq!(s3.keys(), ["a/.genesys-cloud/q.jsonl.report.json", "a/q.jsonl"]);
    let err = s3.requests();
    assert!(
        err.iter().any(|it| it.starts_with("PUT /bucket/a%2Fq%2Ejsonl?partNumber=1")),
        "{err:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_saves_an_unfinished_part() {
    let org = org(20_000).await;
    let folder = tempdir().unwrap();
    let s3 = S3::start().await;
    let arguments =
        ["export", "routing.queues", "--out", "s3://bucket/q.jsonl", "--resume", "--fields", "id"];
    let mut child = program(Some(&org), &folder.path().join("state"))
        .envs(s3.environment())
        .args(arguments)
        .args(["--log", "json", "--batch", "10"])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut end, mut sent) = (Value::Null, false);
    while let Some(line) = err.next_line().await.unwrap() {
        let line: Value = serde_json::from_str(&line).unwrap();
        let has_records = line["event"] == "progress" && line["records"].as_u64() > Some(0);
        if has_records && !std::mem::replace(&mut sent, true) {
            let id = child.id().unwrap().to_string();
            let kill = tokio::process::Command::new("kill").args(["-INT", &id]).status().await;
            assert!(kill.unwrap().success());
        }
        if line["event"] == "end" {
            end = line;
        }
    }
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    let records = end["records"].as_u64().unwrap();
    assert!(end["resume"].is_string(), "{end}");
    let limit = (records + 100).to_string();
    let arguments = [&arguments[..], &["--limit", &limit]].concat();
    let done = run_in(&s3.environment(), Some(&org), folder.path(), &arguments).await;
    done.done();
    let text = String::from_utf8(s3.object("q.jsonl").unwrap()).unwrap();
    let truth = org.expected(OPERATION).unwrap().records;
    assert_eq!(keys(&text)[..], truth[..keys(&text).len()]);
    assert!(keys(&text).len() as u64 > records);
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_wait_for_an_unresponsive_bucket() {
    let s3 = S3::start().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut environment = s3.environment();
    for (name, value) in &mut environment {
        if *name == "AWS_ENDPOINT" {
            *value = format!("http://{}", silent.local_addr().unwrap());
        }
    }
    let err = signalled_while_waiting(&silent, &environment, &["--out", URL]).await;
    assert!(err.contains("stopped while waiting for s3://bucket/a/"), "{err}");
}
