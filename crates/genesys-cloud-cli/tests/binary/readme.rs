//! The shell scripts of the README, run by bash as they are, also while things go wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use genesys_cloud_mock::{Call, CannedResponse, Fault, JobPace, MockOrg};
use tempfile::{TempDir, tempdir};
use tokio::process::Command;

use crate::{keys, read};

const QUEUES: &str = "getRoutingQueues";
const MEMBERS: &str = "getRoutingQueueMembers";
const DETAILS: &str = "postAnalyticsConversationsDetailsJobs";

fn readme() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    read(path).replace("\r\n", "\n")
}

/// The scripts of the README that run this program, without what builds it.
fn scripts() -> Vec<String> {
    let text = readme();
    let blocks =
        text.split("```sh\n").skip(1).filter_map(|it| it.split_once("\n```")).map(|it| it.0);
    let without_cargo = |block: &str| {
        let lines = block.lines().filter(|line| !line.starts_with("cargo "));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    blocks.map(without_cargo).filter(|script| script.contains("genesys-cloud ")).collect()
}

/// What each of them has in it, by which it is found.
const PARTS: [&str; 5] = ["--org mock", "s3://", "until genesys-cloud", "while read", "days ago"];

#[test]
fn each_script_has_a_test() {
    for script in scripts() {
        let parts = PARTS.iter().filter(|part| script.contains(**part)).count();
        assert_eq!(parts, 1, "no test of this file runs it, or two do:\n{script}");
    }
}

/// A folder to run scripts in, where `sleep` takes no time.
struct Place {
    folder: TempDir,
    bin: TempDir,
}

impl Place {
    fn new() -> Self {
        let this = Self { folder: tempdir().unwrap(), bin: tempdir().unwrap() };
        this.program(
            "genesys-cloud",
            &format!("exec {} \"$@\"", env!("CARGO_BIN_EXE_genesys-cloud")),
        );
        this.program("sleep", "echo \"$1\" >> slept");
        this
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.bin.path().join(name);
        std::fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Has the first run of the program be killed once this file is there.
    fn kills_the_first_run(&self, state: &str) {
        let program = env!("CARGO_BIN_EXE_genesys-cloud");
        self.program(
            "genesys-cloud",
            &format!(
                "if [ -e killed ]; then exec {program} \"$@\"; fi\n{program} \"$@\" & pid=$!\n\
                 until [ -e {state} ]; do kill -0 $pid || exit; done\n\
                 touch killed; kill -KILL $pid; wait $pid"
            ),
        );
    }

    /// How the script ends that has this part in it, and what it says on standard error.
    async fn run(
        &self,
        part: &str,
        org: Option<&MockOrg>,
        environment: &[(&str, String)],
    ) -> (Option<i32>, String, String) {
        let script = scripts().into_iter().find(|it| it.contains(part)).unwrap();
        let rest = std::env::var("PATH").unwrap();
        let mut command = Command::new("bash");
        command
            .args(["-c", &script])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{}:{rest}", self.bin.path().display()))
            .env("GENESYS_CLOUD_STATE_DIR", self.path("state"))
            .envs(environment.iter().map(|(name, value)| (name, value)));
        if let Some(org) = org {
            command
                .env("GENESYS_CLOUD_API_URL", org.url())
                .env("GENESYS_CLOUD_LOGIN_URL", org.url())
                .env("GENESYS_CLOUD_CLIENT_ID", org.client_id())
                .env("GENESYS_CLOUD_CLIENT_SECRET", org.client_secret());
        }
        let ended = command.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ended.status.code(), text(ended.stdout), text(ended.stderr))
    }

    fn slept(&self) -> usize {
        let slept = self.path("slept");
        if slept.exists() { read(slept).lines().count() } else { 0 }
    }
}

#[tokio::test]
async fn the_first_example_gives_what_the_readme_says() {
    let place = Place::new();
    let (code, out, told) = place.run("--org mock", None, &[]).await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(out.lines().count(), 4, "{out}");
    let readme = readme();
    for line in out.lines().map(str::trim_end) {
        assert!(readme.contains(line), "{line}");
    }
}

/// An error of the server for so many requests of a list.
struct Storm(&'static str, Arc<AtomicU64>);

impl Fault for Storm {
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        let is_meant = call.operation.id == self.0;
        let left = |left: u64| left.checked_sub(1);
        let is_due =
            is_meant && self.1.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok();
        is_due.then(|| CannedResponse::error(503, "service.unavailable", "Busy"))
    }
}

#[tokio::test]
async fn the_loop_goes_on_after_what_passes_and_ends_with_the_code_of_anything_else() {
    let part = "until genesys-cloud";
    // The client itself repeats a call five times.
    let left = Arc::new(AtomicU64::new(7));
    let storm = Storm(QUEUES, left.clone());
    let org = MockOrg::builder().list(QUEUES, 150).fault(storm).start().await.unwrap();
    let truth = org.expected(QUEUES).unwrap().records;
    let place = Place::new();
    let (code, _, told) = place.run(part, Some(&org), &[]).await;
    assert_eq!((code, place.slept()), (Some(0), 1), "{told}");
    assert_eq!(keys(&read(place.path("queues.jsonl"))), truth);

    org.respond_next(QUEUES, CannedResponse::error(400, "bad.request", "No such parameter"))
        .unwrap();
    let place = Place::new();
    let (code, _, told) = place.run(part, Some(&org), &[]).await;
    assert_eq!((code, place.slept()), (Some(7), 0), "{told}");
    assert!(!place.path("queues.jsonl").exists());

    let place = Place::new();
    let wrong = [("GENESYS_CLOUD_CLIENT_SECRET", "wrong".to_owned())];
    org.revoke_tokens();
    let script = place.run(part, None, &wrong).await;
    assert_eq!((script.0, place.slept()), (Some(6), 0), "{}", script.2);
}

#[tokio::test]
async fn the_loop_goes_on_after_a_kill() {
    let latency = Duration::from_millis(20);
    let org = MockOrg::builder().list(QUEUES, 4_000).latency(latency).start().await.unwrap();
    let place = Place::new();
    place.kills_the_first_run(".genesys-cloud/queues.jsonl.state.json");
    let (code, _, told) = place.run("until genesys-cloud", Some(&org), &[]).await;
    assert_eq!((code, place.slept()), (Some(0), 1), "{told}");
    assert!(place.path("killed").exists() && told.contains("resumes after"), "{told}");
    assert_eq!(keys(&read(place.path("queues.jsonl"))), org.expected(QUEUES).unwrap().records);
}

#[tokio::test]
async fn the_list_of_lists_ends_with_the_code_of_what_failed_and_goes_on_there() {
    let part = "while read";
    let org = MockOrg::builder().list(QUEUES, 4).list(MEMBERS, 3).start().await.unwrap();
    let place = Place::new();
    org.respond_next(QUEUES, CannedResponse::error(403, "missing.permissions", "No")).unwrap();
    let (code, _, told) = place.run(part, Some(&org), &[]).await;
    assert_eq!((code, org.requests_for(MEMBERS).len()), (Some(7), 0), "{told}");

    // Of the second queue.
    org.reset();
    org.respond_next(MEMBERS, CannedResponse::rate_limited(100_000)).unwrap();
    let (code, _, told) = place.run(part, Some(&org), &[]).await;
    assert_eq!((code, org.requests_for(MEMBERS).len()), (Some(8), 1), "{told}");
    let written = |folder: &Path| {
        let files = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        files.filter(|it| it.extension().is_some_and(|end| end == "jsonl")).count()
    };
    assert_eq!(written(&place.path("members")), 0);
    org.reset();
    let (code, _, told) = place.run(part, Some(&org), &[]).await;
    assert_eq!((code, written(&place.path("members"))), (Some(0), 4), "{told}");
    // What is there is left.
    let before = org.requests_for(MEMBERS).len();
    let (code, _, told) = place.run(part, Some(&org), &[]).await;
    assert_eq!((code, org.requests_for(MEMBERS).len()), (Some(0), before), "{told}");
}

#[tokio::test]
async fn each_night_finishes_what_a_killed_one_left() {
    let results = "getAnalyticsConversationsDetailsJobResults";
    let org = MockOrg::builder().list(results, 20).start().await.unwrap();
    org.job_pace(DETAILS, JobPace::Polls(1)).unwrap();
    let place = Place::new();
    place.kills_the_first_run("conversations/.genesys-cloud/*.state.json");
    let (code, _, told) = place.run("days ago", Some(&org), &[]).await;
    assert_eq!(code, Some(137), "{told}");
    let (code, _, told) = place.run("days ago", Some(&org), &[]).await;
    assert_eq!(code, Some(0), "{told}");
    let files = std::fs::read_dir(place.path("conversations")).unwrap();
    let days: Vec<_> = files.map(|it| it.unwrap().path()).filter(|it| it.is_file()).collect();
    assert_eq!(days.len(), 3, "{days:?}");
    for day in days {
        assert_eq!(read(day).lines().count(), 20);
    }
    // The job of the killed night was waited for, and not submitted again.
    assert_eq!(org.requests_for(DETAILS).len(), 3);
    org.respond_next(DETAILS, CannedResponse::error(403, "missing.permissions", "No")).unwrap();
    std::fs::remove_dir_all(place.path("conversations")).unwrap();
    let (code, _, told) = place.run("days ago", Some(&org), &[]).await;
    assert_eq!(code, Some(7), "{told}");
}

#[cfg(all(feature = "buckets", feature = "parquet"))]
#[tokio::test]
async fn the_export_to_a_bucket_ends_with_its_code() {
    let org = MockOrg::start().await.unwrap();
    let s3 = crate::s3::S3::start().await;
    let place = Place::new();
    s3.refuse(|method, _| method == hyper::Method::POST);
    let (code, _, told) = place.run("s3://", Some(&org), &s3.environment()).await;
    assert_eq!(code, Some(11), "{told}");
    s3.refuse_nothing();
    // The bucket of the test has another name.
    assert!(told.contains("s3://"), "{told}");
}
