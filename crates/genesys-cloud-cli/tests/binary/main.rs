//! The binary against a fake org, as a user runs it.

#![allow(clippy::unwrap_used)]

mod bindings;
#[cfg(feature = "buckets")]
mod buckets;
mod commands;
mod earlier;
mod export;
mod files;
#[cfg(unix)]
mod guide;
mod hostile;
mod jobs;
mod night;
#[cfg(unix)]
mod pipes;
mod plan;
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
mod postgres;
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
mod redis;
mod refusals;
mod resume;
#[cfg(feature = "buckets")]
mod s3;
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
mod servers;
mod states;
#[cfg(feature = "parquet")]
mod tables;
mod tags;
// Some tests take features.
#[cfg_attr(not(all(feature = "buckets", feature = "parquet")), allow(dead_code, unused_imports))]
mod values;
#[cfg(target_os = "linux")]
mod wide;

use std::path::Path;
use std::process::Stdio;

use genesys_cloud_mock::{Expected, MockOrg};
use serde_json::Value;
use tokio::process::Command;

/// The program with an environment that holds nothing but the way to this org.
fn program(org: Option<&MockOrg>, state: &Path) -> Command {
    program_by(&[], org, state)
}

/// The same, run by another program.
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

/// An org with so many queues that reading them takes a second at least, by pages of 25.
#[cfg(all(unix, feature = "postgres", feature = "redis"))]
async fn slow() -> MockOrg {
    let latency = std::time::Duration::from_millis(10);
    MockOrg::builder().list("getRoutingQueues", 2_500).latency(latency).start().await.unwrap()
}

/// What a run has come to.
struct Outcome {
    code: Option<i32>,
    out: String,
    told: String,
}

/// Runs it in a folder.
async fn run(org: Option<&MockOrg>, folder: &Path, arguments: &[&str]) -> Outcome {
    run_in(&[], org, folder, arguments).await
}

/// Runs it in a folder, with more in the environment.
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
        told: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Outcome {
    /// The output, once it is known that all went well.
    fn done(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}", self.told);
        &self.out
    }
}

/// The keys of the records in lines of JSON.
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

/// What belongs to an output and is not data, by the end of its name.
fn aside(out: &Path, end: &str) -> std::path::PathBuf {
    let name = out.file_name().unwrap().to_str().unwrap();
    out.with_file_name(".genesys-cloud").join(format!("{name}{end}"))
}
