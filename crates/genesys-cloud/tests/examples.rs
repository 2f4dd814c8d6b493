//! Runs the examples against a fake org and compares what they print. `cargo test` builds them.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use genesys_cloud_mock::{Call, CannedResponse, Fault, MockOrg, Scenario, Timeline};
use serde_json::Value;
use tempfile::tempdir;

/// All examples with a test below. `unit_test` is built as its own tests, so it has no program here.
const EXAMPLES: [&str; 11] = [
    "audit",
    "blocking",
    "conversations",
    "custom_endpoint",
    "edit_user",
    "ndjson_server",
    "queue_members",
    "queues",
    "recordings",
    "retries",
    "users_to_postgres",
];

fn example(name: &str) -> Command {
    // Tests are in `target/<profile>/deps`, examples in `target/<profile>/examples`.
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().join("examples");
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is missing: run `cargo test` without `--test`",
        program.display()
    );
    let mut command = Command::new(program);
    let ours = std::env::vars_os()
        .filter(|(name, _)| name.to_string_lossy().starts_with("GENESYS_CLOUD_"));
    ours.for_each(|(name, _)| {
        command.env_remove(name);
    });
    command
}

/// The example as a program of this org, from its environment.
fn example_of(org: &MockOrg, name: &str) -> Command {
    let mut command = example(name);
    command
        .env("GENESYS_CLOUD_API_URL", org.url())
        .env("GENESYS_CLOUD_LOGIN_URL", org.url())
        .env("GENESYS_CLOUD_CLIENT_ID", org.client_id())
        .env("GENESYS_CLOUD_CLIENT_SECRET", org.client_secret());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn stdout(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{status}\n{}\n{}", text(&stdout), text(&stderr));
    text(&stdout)
}

#[test]
fn every_example_is_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let examples = files.filter(|path| path.extension().is_some_and(|it| it == "rs"));
    let names = examples.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let tested = EXAMPLES.into_iter().chain(["unit_test"]).map(str::to_owned);
    assert_eq!(names.collect::<BTreeSet<_>>(), tested.collect());
    let tests = include_str!("examples.rs");
    for name in EXAMPLES {
        assert!(tests.contains(&format!("example(\"{name}\")")), "{name} has no test");
    }
}

#[test]
fn lists_queues() {
    let out = stdout(&mut example("queues"));
    assert_eq!(out.lines().count(), 300);
    assert!(out.lines().all(|line| line.contains("\tSupport Queue ")), "{out}");
    assert!(stdout(example("queues").arg("Sales")).contains("\tSales Queue 0002\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_the_org_of_the_environment() {
    let org = MockOrg::builder().list("getRoutingQueues", 8).start().await.unwrap();
    assert_eq!(stdout(&mut example_of(&org, "queues")).lines().count(), 2);
    assert_eq!(org.logins(), 1);

    org.respond_next("getRoutingQueues", CannedResponse::error(403, "missing.permissions", "No"))
        .unwrap();
    let output = example_of(&org, "queues").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("getRoutingQueues"), "{}", text(&output.stderr));
}

#[test]
fn lists_the_members_of_all_queues() {
    let out = stdout(&mut example("queue_members"));
    assert_eq!(out.lines().count(), 31);
    assert!(out.lines().take(30).all(|line| line.contains("\t120 members\t")), "{out}");
    assert!(out.ends_with("3600 members of 30 queues\n"), "{out}");
}

/// Denies one request for results: the one with this number.
struct Denial(AtomicU64);

impl Fault for Denial {
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        let is_results = call.operation.id == "getAnalyticsConversationsDetailsJobResults";
        let is_due = is_results && self.0.fetch_sub(1, Ordering::Relaxed) == 1;
        is_due.then(|| CannedResponse::error(403, "missing.permissions", "No"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_each_conversation_once_across_an_interruption() {
    let submit = "postAnalyticsConversationsDetailsJobs";
    // The last of six pages, when the jobs of all three windows have been submitted.
    let denial = Denial(AtomicU64::new(6));
    let org = MockOrg::builder().fault(denial).start().await.unwrap();
    org.set_job_records(submit, 4_500).unwrap();
    org.timeline(submit, Timeline::new("2026-01-01T00:00Z", "2026-04-01T00:00Z")).unwrap();
    let folder = tempdir().unwrap();
    let run = || {
        let mut command = example_of(&org, "conversations");
        command.arg(folder.path()).arg("2026-01-01/2026-04-01").output().unwrap()
    };

    let first = run();
    assert_eq!(first.status.code(), Some(1), "{}", text(&first.stdout));
    let second = run();
    assert_eq!(second.status.code(), Some(0), "{}", text(&second.stderr));
    assert!(text(&second.stdout).starts_with("complete: "), "{}", text(&second.stdout));

    let file = fs::read_to_string(folder.path().join("conversations.jsonl")).unwrap();
    let id = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["conversationId"].as_str().unwrap().to_owned()
    };
    let ids: Vec<String> = file.lines().map(id).collect();
    assert_eq!(ids.len(), 4_500);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4_500);
    // The jobs of the first run were read, and not submitted again.
    assert_eq!(org.requests_for(submit).len(), 3);
}

#[test]
fn exports_conversations_of_the_fake_org() {
    let folder = tempdir().unwrap();
    // Each run starts a new org, so there is nothing to resume.
    for _ in 0..2 {
        let out = stdout(example("conversations").arg(folder.path()));
        assert!(out.starts_with("complete: 2000 conversations in "), "{out}");
    }
}

#[test]
fn prints_users_as_a_script_for_psql() {
    let out = stdout(&mut example("users_to_postgres"));
    assert!(out.starts_with("BEGIN;\n") && out.ends_with("\nCOMMIT;\n"), "{out}");
    let rows = out.lines().filter(|line| line.contains('\t'));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split('\t').collect()).collect();
    assert_eq!(rows.len(), 1_000);
    for row in rows {
        assert_eq!(row.len(), 5, "{row:?}");
        let skills = row[4].replace("\\\\", "\\");
        serde_json::from_str::<Value>(&skills).expect(&skills);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rolls_back_when_a_list_is_incomplete() {
    let org = MockOrg::builder().list("getUsers", 40).start().await.unwrap();
    org.scenario("getUsers", Scenario::TotalTooHigh).unwrap();
    let output = example_of(&org, "users_to_postgres").output().unwrap();
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(!out.contains("COMMIT;"), "{out}");
}

#[test]
fn prints_the_audit_trail() {
    let out = stdout(&mut example("audit"));
    let entries = out.lines().filter(|line| line.starts_with("20")).count();
    assert_eq!(out.lines().last(), Some(format!("complete: {entries} entries").as_str()), "{out}");
    assert!(entries > 0, "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_the_current_version_of_a_user() {
    let out = stdout(&mut example("edit_user"));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].ends_with(" is outdated; reading again"), "{out}");
    assert!(lines[1].starts_with("user a3b1c2d4 has version "), "{out}");

    let org = MockOrg::start().await.unwrap();
    stdout(example_of(&org, "edit_user").args(["u-1", "Team Lead"]));
    let [request] = org.requests_for("patchUser").try_into().unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["title"], "Team Lead");
    assert!(body["version"].is_i64(), "{body}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
}

#[test]
fn streams_ndjson() {
    let mut server = example("ndjson_server").stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let host = address.trim().strip_prefix("http://").and_then(|it| it.strip_suffix("/queues"));
    let host = host.unwrap();
    let get = |path: &str| {
        let mut connection = TcpStream::connect(host).unwrap();
        // HTTP 1.0 has no chunks.
        write!(connection, "GET {path} HTTP/1.0\r\nhost: {host}\r\n\r\n").unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    };
    let (head, body) = get("/queues");
    let missing = get("/nothing").0;
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(head.contains(" 200 ok\r\n") && head.contains("application/x-ndjson"), "{head}");
    assert_eq!(body.lines().count(), 2_000);
    for row in body.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        assert!(row["id"].is_string(), "{row}");
    }
    assert!(missing.contains(" 404 "), "{missing}");
}

#[test]
fn reads_an_endpoint_without_bindings() {
    let out = stdout(&mut example("custom_endpoint"));
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("complete: 250 stations in "), "{out}");
    assert!(lines[2].ends_with(" bytes of JSON"), "{out}");
}

#[test]
fn reads_without_an_async_runtime() {
    let out = stdout(&mut example("blocking"));
    assert!(out.starts_with("complete: 300 queues\nthe largest is \""), "{out}");
}

#[test]
fn logs_retries() {
    let out = stdout(&mut example("retries"));
    assert!(out.contains("attempt=1 status=503 "), "{out}");
    assert!(out.contains("attempt=2 status=429 "), "{out}");
    assert!(out.contains("complete: 900 queues, 2 retries\n"), "{out}");
    assert!(out.contains("one queue: 2 attempts, waited "), "{out}");
}

#[test]
fn downloads_recordings() {
    let folder = tempdir().unwrap();
    let out = stdout(example("recordings").arg(folder.path()));
    assert_eq!(out, "conversation c-1: 2004 bytes\nconversation c-2: 2004 bytes\n");
    let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let names: BTreeSet<String> = files.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(names, ["r-1.wav", "r-2.wav"].map(str::to_owned).into());
}
