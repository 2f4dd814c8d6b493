//! The shell samples of the guide and the README: their output is the one shown. Scripts also run while requests fail
//! and runs are killed.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use genesys_cloud_mock::{Call, CannedResponse, Fault, JobPace, MockOrg};
use tempfile::{TempDir, tempdir};
use tokio::process::Command;

use crate::{keys, read};

#[allow(dead_code)]
mod markdown {
    include!("../../../../tests/guide/src/markdown.rs");
}
mod output {
    include!("../../../../tests/guide/src/output.rs");
}

use markdown::{Block, blocks};

const QUEUES: &str = "getRoutingQueues";
const DETAILS: &str = "postAnalyticsConversationsDetailsJobs";

/// The README and the chapters of the guide, by name.
fn documents() -> BTreeMap<String, Vec<Block>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let chapters = std::fs::read_dir(root.join("guide/src")).unwrap();
    let chapters = chapters.map(|entry| entry.unwrap().path());
    let paths = chapters.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths
        .chain([root.join("README.md")])
        .map(|path| (name(&path), blocks(&read(&path).replace("\r\n", "\n"))))
        .collect()
}

/// Runs shell samples in a folder, with the command and a `sleep` that takes no time on the path.
struct Shell {
    folder: TempDir,
    bin: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Shell {
    fn new(org: Option<&MockOrg>) -> Self {
        let mut this =
            Self { folder: tempdir().unwrap(), bin: tempdir().unwrap(), environment: Vec::new() };
        this.program(
            "genesys-cloud",
            &format!("exec {} \"$@\"", env!("CARGO_BIN_EXE_genesys-cloud")),
        );
        this.program("sleep", "echo \"$1\" >> slept");
        if let Some(org) = org {
            this.environment.extend([
                ("GENESYS_CLOUD_API_URL", org.url()),
                ("GENESYS_CLOUD_LOGIN_URL", org.url()),
                ("GENESYS_CLOUD_CLIENT_ID", org.client_id()),
                ("GENESYS_CLOUD_CLIENT_SECRET", org.client_secret()),
            ]);
        }
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.bin.path().join(name);
        std::fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Signals the first run of the command once this file has content.
    fn interrupts_the_first_run(&self, signal: &str, state: &str) {
        let program = env!("CARGO_BIN_EXE_genesys-cloud");
        self.program(
            "genesys-cloud",
            &format!(
                "if [ -e interrupted ]; then exec {program} \"$@\"; fi\n{program} \"$@\" & pid=$!\n\
                 until [ -s {state} ]; do kill -0 $pid || exit; done\n\
                 touch interrupted; kill -{signal} $pid; wait $pid"
            ),
        );
    }

    /// Returns the exit code and both outputs as a terminal shows them.
    async fn run(&self, script: &str) -> (Option<i32>, String) {
        let rest = std::env::var("PATH").unwrap();
        let output = Command::new("bash")
            .args(["-c", &format!("exec 2>&1\n{script}")])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{}:{rest}", self.bin.path().display()))
            .env("GENESYS_CLOUD_STATE_DIR", self.path("state"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    fn slept(&self) -> usize {
        let slept = self.path("slept");
        if slept.exists() { read(slept).lines().count() } else { 0 }
    }
}

/// A command of a session, and the output that is shown for it.
struct Step {
    command: String,
    shown: String,
}

/// Splits a session at its prompts. A command continues after a backslash.
fn steps(session: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut continues = false;
    for line in session.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), shown: String::new() });
            continues = command.ends_with('\\');
        } else if let Some(step) = steps.last_mut() {
            let text = if continues { &mut step.command } else { &mut step.shown };
            text.push('\n');
            text.push_str(line);
            continues &= line.ends_with('\\');
        }
    }
    steps
}

/// Servers that sessions use, by the address that the guide shows.
struct Servers {
    #[cfg(all(feature = "postgres", feature = "redis"))]
    postgres: Option<Arc<crate::servers::Postgres>>,
    #[cfg(all(feature = "postgres", feature = "redis"))]
    redis: Option<crate::servers::Redis>,
    #[cfg(feature = "buckets")]
    s3: crate::s3::S3,
}

impl Servers {
    async fn start() -> Self {
        Self {
            #[cfg(all(feature = "postgres", feature = "redis"))]
            postgres: crate::servers::Postgres::start().map(Arc::new),
            #[cfg(all(feature = "postgres", feature = "redis"))]
            redis: crate::servers::Redis::start(None),
            #[cfg(feature = "buckets")]
            s3: crate::s3::S3::start().await,
        }
    }

    /// The environment that a session needs. `None` if a server it needs is not installed.
    fn environment(&self, session: &str) -> Option<Vec<(&'static str, String)>> {
        let mut environment = Vec::new();
        if session.contains("postgres://") {
            #[cfg(all(feature = "postgres", feature = "redis"))]
            self.postgres.as_ref()?;
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).find(|folder| folder.join("psql").is_file())?;
            #[cfg(not(all(feature = "postgres", feature = "redis")))]
            return None;
            #[cfg(all(feature = "postgres", feature = "redis"))]
            environment.push(("PGPASSWORD", crate::servers::Postgres::PASSWORD.to_owned()));
        }
        if session.contains("redis://") {
            #[cfg(all(feature = "postgres", feature = "redis"))]
            self.redis.as_ref()?;
            #[cfg(not(all(feature = "postgres", feature = "redis")))]
            return None;
        }
        if session.contains("s3://") {
            #[cfg(feature = "buckets")]
            environment.extend(self.s3.environment());
            #[cfg(not(feature = "buckets"))]
            return None;
        }
        Some(environment)
    }

    /// The addresses that the guide shows, and the real ones.
    fn addresses(&self) -> Vec<(&'static str, String)> {
        let mut addresses = Vec::new();
        #[cfg(all(feature = "postgres", feature = "redis"))]
        {
            let postgres = self.postgres.as_ref().map(|it| it.url());
            addresses.extend(postgres.map(|it| ("postgres://me@db.example.com/crm", it)));
            let redis = self.redis.as_ref().map(|it| it.url());
            addresses.extend(redis.map(|it| ("redis://cache.example.com/0", it)));
        }
        addresses
    }
}

async fn org_for(blocks: &[&Block]) -> MockOrg {
    let mut org = MockOrg::builder().default_count(100);
    for (operation, count) in blocks.iter().flat_map(|block| block.lists()) {
        org = match operation {
            "calls" => org.calls_per_minute(count),
            list => org.list(list, count),
        };
    }
    org.start().await.unwrap()
}

/// The sessions of a chapter share a folder, so that one can continue the work of another. Set `SHOW_OUTPUT` to print
/// all real outputs.
#[tokio::test]
async fn sessions_print_what_the_guide_shows() {
    let servers = Servers::start().await;
    let (mut count, mut failures) = (0, Vec::new());
    for (name, blocks) in documents() {
        let sessions: Vec<&Block> =
            blocks.iter().filter(|block| block.language() == "console").collect();
        let org = org_for(&sessions).await;
        let mut shell = Shell::new(Some(&org));
        let environment = shell.environment.clone();
        for block in sessions {
            let Some(more) = servers.environment(&block.text) else { continue };
            shell.environment = environment.iter().cloned().chain(more).collect();
            if let Some((_, state)) = block.settings.split_once("interrupt ") {
                shell.interrupts_the_first_run("INT", state.trim());
            }
            let mut last_code = 0;
            for step in steps(&block.text) {
                let mut command = step.command.clone();
                let addresses = servers.addresses();
                for (shown, real) in &addresses {
                    command = command.replace(shown, real);
                }
                let (code, mut out) = shell.run(&format!("(exit {last_code})\n{command}")).await;
                for (shown, real) in &addresses {
                    out = out.replace(real, shown);
                }
                out = without_progress(
                    &out.replace(shell.folder.path().to_str().unwrap(), "/home/me"),
                );
                last_code = code.unwrap_or(128);
                count += 1;
                let is_same = match block.settings.contains("varies") {
                    true => output::matches(&digits(&step.shown), &digits(&out)),
                    false => output::matches(&step.shown, &out),
                };
                if !is_same || std::env::var_os("SHOW_OUTPUT").is_some() {
                    let place = format!("{name}.md:{}", block.line);
                    failures.push(format!("{place}\n$ {}\n{out}", step.command));
                }
            }
        }
    }
    assert!(failures.is_empty(), "the output differs:\n{}", failures.join("\n"));
    assert!(count >= 30, "{count} commands");
}

/// Drops progress lines, which are printed on a slow machine only.
fn without_progress(text: &str) -> String {
    let is_progress = |line: &&str| match line.split_once(", ") {
        Some((operation, rest)) => {
            !operation.contains(' ') && rest.contains(" records") && rest.contains(" calls left")
        }
        None => false,
    };
    text.lines().filter(|line| !is_progress(line)).map(|line| format!("{line}\n")).collect()
}

/// Replaces numbers, for a session whose counts differ from run to run.
fn digits(text: &str) -> String {
    let mut form = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' | ',' | '.' if form.ends_with('#') => {}
            '0'..='9' => form.push('#'),
            other => form.push(other),
        }
    }
    ["record", "page", "call"].iter().fold(form, |form, it| form.replace(&format!("{it}s"), it))
}

#[test]
fn output_is_compared_by_line_with_patterns() {
    let real = "a 1\nb\nc\ncomplete: 3 records in 1 page, 0.4 s\napi  http://127.0.0.1:4711\n";
    let shown = "a 1\n...\ncomplete: 3 records in 1 page, 12.0 s\napi  http://127.0.0.1:80\n";
    assert!(output::matches(shown, real));
    assert!(!output::matches(&shown.replace("3 records", "4 records"), real));
    assert!(!output::matches(&shown.replace("...\n", ""), real));
    assert!(!output::matches("a 1", real));
}

#[test]
fn progress_is_dropped() {
    let progress = "users.users, 4,737 of 6,000 records, 10 pages, 89 of 100 calls left\n";
    let rest =
        "complete: 6,000 records in 12 pages, 14 calls, 12.7 s\nrate limit  9 of 10 calls left\n";
    assert_eq!(without_progress(&format!("{progress}{rest}")), rest);
}

#[test]
fn a_session_is_split_at_its_prompts() {
    let steps = steps("$ first \\\n    --more\nits output\n$ second\n");
    let texts: Vec<_> = steps.iter().map(|it| (it.command.as_str(), it.shown.trim())).collect();
    assert_eq!(texts, [("first \\\n    --more", "its output"), ("second", "")]);
}

/// The scripts that run the command, without the lines that build it.
fn scripts() -> Vec<(String, Block)> {
    let named = documents()
        .into_iter()
        .flat_map(|(name, blocks)| blocks.into_iter().map(move |block| (name.clone(), block)));
    let without_cargo = |(name, mut block): (String, Block)| {
        let lines = block.text.lines().filter(|line| !line.starts_with("cargo "));
        block.text = lines.map(|line| format!("{line}\n")).collect();
        (name, block)
    };
    named
        .filter(|(_, block)| block.language() == "sh")
        .map(without_cargo)
        .filter(|(_, block)| block.text.contains("genesys-cloud "))
        .collect()
}

/// A part of each script that has its own test below.
const PARTS: [&str; 3] = ["$(date +%F).parquet", "until genesys-cloud", "days ago"];

/// Returns the script with this part.
fn script(part: &str) -> String {
    scripts().into_iter().find(|(_, block)| block.text.contains(part)).unwrap().1.text
}

#[tokio::test]
async fn scripts_succeed() {
    let servers = Servers::start().await;
    for part in PARTS {
        script(part);
    }
    for (name, block) in scripts() {
        if PARTS.iter().any(|part| block.text.contains(part)) {
            continue;
        }
        let Some(more) = servers.environment(&block.text) else { continue };
        let org = org_for(&[&block]).await;
        let mut shell = Shell::new(Some(&org));
        shell.environment.extend(more);
        let mut text = block.text.clone();
        for (shown, real) in servers.addresses() {
            text = text.replace(shown, &real);
        }
        let (code, out) = shell.run(&format!("set -e\n{text}")).await;
        assert_eq!(code, Some(0), "{name}.md:{}: {out}", block.line);
    }
}

/// A number of 503 replies to an operation.
struct Outage(&'static str, Arc<AtomicU64>);

impl Fault for Outage {
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        let is_meant = call.operation.id == self.0;
        let left = |left: u64| left.checked_sub(1);
        let is_due =
            is_meant && self.1.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok();
        is_due.then(|| CannedResponse::error(503, "service.unavailable", "Busy"))
    }
}

#[tokio::test]
async fn the_loop_repeats_what_may_pass_and_returns_any_other_code() {
    let script = script("until genesys-cloud");
    // The client makes six attempts of a call, so the first run fails.
    let outage = Outage(QUEUES, Arc::new(AtomicU64::new(7)));
    let org = MockOrg::builder().list(QUEUES, 150).fault(outage).start().await.unwrap();
    let expected = org.expected(QUEUES).unwrap().records;
    let shell = Shell::new(Some(&org));
    let (code, out) = shell.run(&script).await;
    assert_eq!((code, shell.slept()), (Some(0), 1), "{out}");
    assert_eq!(keys(&read(shell.path("queues.jsonl"))), expected);

    org.respond_next(QUEUES, CannedResponse::error(400, "bad.request", "No such parameter"))
        .unwrap();
    let shell = Shell::new(Some(&org));
    let (code, out) = shell.run(&script).await;
    assert_eq!((code, shell.slept()), (Some(7), 0), "{out}");
    assert!(!shell.path("queues.jsonl").exists());

    let mut shell = Shell::new(None);
    shell.environment.push(("GENESYS_CLOUD_CLIENT_SECRET", "wrong".to_owned()));
    let (code, out) = shell.run(&script).await;
    assert_eq!((code, shell.slept()), (Some(6), 0), "{out}");
}

#[tokio::test]
async fn the_loop_resumes_after_a_kill() {
    let latency = Duration::from_millis(20);
    let org = MockOrg::builder().list(QUEUES, 4_000).latency(latency).start().await.unwrap();
    let shell = Shell::new(Some(&org));
    shell.interrupts_the_first_run("KILL", ".genesys-cloud/queues.jsonl.state.json");
    let (code, out) = shell.run(&script("until genesys-cloud")).await;
    assert_eq!((code, shell.slept()), (Some(0), 1), "{out}");
    assert!(shell.path("interrupted").exists() && out.contains("resuming after"), "{out}");
    assert_eq!(keys(&read(shell.path("queues.jsonl"))), org.expected(QUEUES).unwrap().records);
}

#[tokio::test]
async fn each_night_finishes_an_earlier_one_that_was_killed() {
    let script = script("days ago");
    let results = "getAnalyticsConversationsDetailsJobResults";
    let org = MockOrg::builder().list(results, 20).start().await.unwrap();
    org.job_pace(DETAILS, JobPace::Polls(1)).unwrap();
    let shell = Shell::new(Some(&org));
    shell.interrupts_the_first_run("KILL", "conversations/.genesys-cloud/*.state.json");
    let (code, out) = shell.run(&script).await;
    assert_eq!(code, Some(137), "{out}");
    let (code, out) = shell.run(&script).await;
    assert_eq!(code, Some(0), "{out}");
    let files = std::fs::read_dir(shell.path("conversations")).unwrap();
    let days: Vec<_> = files.map(|it| it.unwrap().path()).filter(|it| it.is_file()).collect();
    assert_eq!(days.len(), 3, "{days:?}");
    for day in days {
        assert_eq!(read(day).lines().count(), 20);
    }
    // The second night waited for the job of the first instead of submitting another.
    assert_eq!(org.requests_for(DETAILS).len(), 3);
    org.respond_next(DETAILS, CannedResponse::error(403, "missing.permissions", "No")).unwrap();
    std::fs::remove_dir_all(shell.path("conversations")).unwrap();
    let (code, out) = shell.run(&script).await;
    assert_eq!(code, Some(7), "{out}");
}

#[cfg(all(feature = "buckets", feature = "parquet"))]
#[tokio::test]
async fn the_nightly_export_writes_an_object_or_returns_the_code() {
    let org = MockOrg::start().await.unwrap();
    let s3 = crate::s3::S3::start().await;
    let mut shell = Shell::new(Some(&org));
    shell.environment.extend(s3.environment());
    let script = script("$(date +%F).parquet");
    s3.refuse(|method, _| method == hyper::Method::POST);
    let (code, out) = shell.run(&script).await;
    assert_eq!(code, Some(11), "{out}");
    assert!(out.contains("s3://"), "{out}");
    s3.refuse_nothing();
    let (code, out) = shell.run(&script).await;
    assert_eq!(code, Some(0), "{out}");
    assert!(s3.keys().iter().any(|key| key.ends_with(".parquet")), "{:?}", s3.keys());
}
