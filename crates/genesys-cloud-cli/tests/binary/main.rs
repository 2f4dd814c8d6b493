//! Runs the binary against a fake org.

#![allow(clippy::unwrap_used)]

mod added_fields;
mod bindings;
#[cfg(feature = "buckets")]
mod buckets;
#[cfg(unix)]
mod child_tables;
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
mod child_tables_postgres;
mod commands;
#[cfg(unix)]
mod completions;
mod downloads;
mod earlier;
mod export;
mod files;
mod folders;
#[cfg(unix)]
mod guide;
mod hostile;
mod jobs;
mod lake;
#[cfg(all(
    unix,
    feature = "buckets",
    feature = "parquet",
    feature = "postgres",
    feature = "redis"
))]
mod messages;
mod night;
#[cfg(unix)]
mod pipes;
mod plan;
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
mod postgres;
#[cfg(unix)]
mod profiles;
mod ranges;
#[cfg(all(unix, feature = "parquet", feature = "postgres", feature = "redis"))]
mod read_back;
mod recipes;
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
mod redis;
mod refusals;
mod resume;
mod run_log;
#[cfg(feature = "buckets")]
mod s3;
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
mod servers;
mod states;
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
mod sync;
#[cfg(feature = "parquet")]
mod tables;
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
mod tables_over_time;
mod tags;
mod timeline;
mod trees;
// Some tests need features.
#[cfg_attr(not(all(feature = "buckets", feature = "parquet")), allow(dead_code, unused_imports))]
mod values;
#[cfg(target_os = "linux")]
mod wide;

use std::path::Path;
use std::process::Stdio;

use genesys_cloud_mock::{Expected, MockOrg};
use serde_json::Value;
use tokio::process::Command;

/// The program, with only the variables that select this org.
fn program(org: Option<&MockOrg>, state: &Path) -> Command {
    program_by(&[], org, state)
}

/// The program, run by another one.
fn program_by(before: &[&str], org: Option<&MockOrg>, state: &Path) -> Command {
    let mut words = before.iter().copied().chain([env!("CARGO_BIN_EXE_genesys-cloud")]);
    let mut command = Command::new(words.next().unwrap_or_default());
    command
        .args(words)
        .env_clear()
        .env("GENESYS_CLOUD_STATE_DIR", state)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(org) = org {
        command
            .env("GENESYS_CLOUD_API_URL", org.url())
            .env("GENESYS_CLOUD_LOGIN_URL", org.url())
            .env("GENESYS_CLOUD_CLIENT_ID", org.client_id())
            .env("GENESYS_CLOUD_CLIENT_SECRET", org.client_secret());
    }
    command
}

/// An org whose queues take at least a second to read, in pages of 25.
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
async fn slow() -> MockOrg {
    let latency = std::time::Duration::from_millis(10);
    MockOrg::builder().list("getRoutingQueues", 2_500).latency(latency).start().await.unwrap()
}

/// The result of a run.
struct Outcome {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs the program in a folder.
async fn run(org: Option<&MockOrg>, folder: &Path, arguments: &[&str]) -> Outcome {
    run_in(&[], org, folder, arguments).await
}

/// Runs the program in a folder, with additional variables.
async fn run_in(
    environment: &[(&str, String)],
    org: Option<&MockOrg>,
    folder: &Path,
    arguments: &[&str],
) -> Outcome {
    let output = program(org, &folder.join("state"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .args(arguments)
        .current_dir(folder)
        .output()
        .await
        .unwrap();
    Outcome {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Outcome {
    /// Checks that the run succeeded, and returns standard output.
    fn done(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.err);
        &self.out
    }
}

/// The keys of records in JSON lines.
fn keys(text: &str) -> Vec<String> {
    text.lines().map(|line| Expected::key(&serde_json::from_str::<Value>(line).unwrap())).collect()
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

fn report(out: &Path) -> Value {
    serde_json::from_str(&read(aside(out, ".report.json"))).unwrap()
}

/// A file in the hidden folder beside an output, by its suffix.
fn aside(out: &Path, end: &str) -> std::path::PathBuf {
    let name = out.file_name().unwrap().to_str().unwrap();
    out.with_file_name(".genesys-cloud").join(format!("{name}{end}"))
}

/// Runs an export against a server that accepts the connection but never responds, sends SIGTERM, and returns standard
/// error. Checks that the export ends with code 130 and without a call.
#[cfg(unix)]
#[cfg_attr(
    not(any(feature = "buckets", feature = "postgres", feature = "redis")),
    allow(dead_code)
)]
async fn signalled_while_waiting(
    silent: &tokio::net::TcpListener,
    environment: &[(&str, String)],
    options: &[&str],
) -> String {
    const QUEUES: &str = "getRoutingQueues";
    let org = MockOrg::builder().list(QUEUES, 30).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let child = program(Some(&org), &folder.path().join("state"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .args(["export", QUEUES])
        .args(options)
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program is connected, and waits for the first byte.
    let _connection = silent.accept().await.unwrap();
    let id = child.id().unwrap().to_string();
    let kill = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert_eq!(org.requests_for(QUEUES).len(), 0);
    err
}
