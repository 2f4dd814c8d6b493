//! Kills an export at random moments until it is complete: its output has each record exactly once.
//!
//! Each export is a separate process: this test again, with other environment variables.

#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use genesys_cloud::types::AsyncConversationQuery;
use genesys_cloud::{Client, FileStore, Paginator};
use genesys_cloud_mock::{Expected, JobPace, MockOrg};
use serde_json::Value;

const SEED: u64 = 20_261_123;

/// The minimum number of kills.
const KILLS: u32 = 200;

/// The exports: by page number, by token, and by job.
const EXPORTS: [(&str, &str); 3] = [
    ("queues", "getRoutingQueues"),
    ("contacts", "getExternalcontactsScanContacts"),
    ("conversations", "postAnalyticsConversationsDetailsJobs"),
];

/// Reproducible random numbers (Marsaglia's xorshift).
struct Rng(u64);

impl Rng {
    /// Returns a number below `most`.
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most.max(1)
    }
}

/// Lists an operation as JSON.
fn list(client: &Client, export: &str) -> Paginator<Value> {
    match export {
        "queues" => client.routing().queues().paginate().items_as(),
        "contacts" => client.external_contacts().scan_contacts().paginate().items_as(),
        _ => {
            let query = AsyncConversationQuery {
                interval: Some("2026-05-01T00:00:00Z/2026-05-02T00:00:00Z".to_owned()),
                ..Default::default()
            };
            client.analytics().conversations_details_jobs(query).paginate().items_as()
        }
    }
}

/// One run of an export, which is killed or completes.
async fn export(url: &str, token: &str, directory: &Path, export: &str) -> Result<()> {
    let client = Client::builder().api_url(url).access_token(token).build()?;
    let path = directory.join(export);
    let mut output =
        std::fs::File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    let store = FileStore::new(directory.join("checkpoints"));
    let mut batches = list(&client, export).page_size(25).checkpointed(store, export, 7);
    // Data that was written but not committed is written again.
    let note = batches.load().await?.and_then(|saved| saved.note().map(str::to_owned));
    let mut length: u64 = note.map_or(Ok(0), |note| note.parse())?;
    output.set_len(length)?;
    output.seek(SeekFrom::Start(length))?;
    while let Some(batch) = batches.try_next().await? {
        for record in batch.items() {
            let line = format!("{}\n", Expected::key(record));
            // Unbuffered and in two parts, so that a kill may leave half a line.
            let (first, second) = line.split_at(line.len() / 2);
            output.write_all(first.as_bytes())?;
            output.write_all(second.as_bytes())?;
            length += line.len() as u64;
        }
        batch.commit_with(length.to_string()).await?;
    }
    Ok(())
}

/// The child process. Does nothing without its variables.
#[test]
fn child() -> Result<()> {
    let var = |name: &str| std::env::var(format!("GENESYS_KILL_TEST_{name}"));
    let (Ok(url), Ok(token), Ok(directory), Ok(name)) =
        (var("URL"), var("TOKEN"), var("DIRECTORY"), var("EXPORT"))
    else {
        return Ok(());
    };
    let mut stdout = std::io::stdout();
    stdout.write_all(b"\nbegun\n")?;
    stdout.flush()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(export(&url, &token, Path::new(&directory), &name))
}

fn start(org: &MockOrg, token: &str, directory: &Path, export: &str) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["child", "--exact", "--nocapture", "--test-threads=1"]);
    for (name, value) in [
        ("URL", org.url().as_str()),
        ("TOKEN", token),
        ("DIRECTORY", directory.to_str().context("a path")?),
        ("EXPORT", export),
    ] {
        command.env(format!("GENESYS_KILL_TEST_{name}"), value);
    }
    Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

/// Waits until the export has begun.
fn wait_for_start(child: &mut Child) -> Result<()> {
    let stdout = BufReader::new(child.stdout.as_mut().context("a pipe")?);
    for line in stdout.lines() {
        if line? == "begun" {
            return Ok(());
        }
    }
    anyhow::bail!("the export did not begin")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_export_has_each_record_once() -> Result<()> {
    let builder = MockOrg::builder();
    let org = builder.list(EXPORTS[0].1, 1000).list(EXPORTS[1].1, 1000).start().await?;
    org.job_pace(EXPORTS[2].1, JobPace::Polls(1))?;
    let token = org.access_token();
    let mut rng = Rng(SEED);
    let (mut kills, mut rounds, mut done) = (0_u32, 0_u32, 0_u32);
    // The typical duration of a run after its first line.
    let mut usual = Duration::from_millis(20);
    while kills < KILLS {
        let (export, operation) = EXPORTS[rounds as usize % EXPORTS.len()];
        rounds += 1;
        let directory = tempfile::tempdir()?;
        loop {
            let mut child = start(&org, &token, directory.path(), export)?;
            // Most are killed while exporting, some before.
            if rng.below(10) > 0 {
                wait_for_start(&mut child)?;
            }
            let wait = Duration::from_micros(rng.below(2 * usual.as_micros() as u64));
            let until = Instant::now() + wait;
            let mut status = child.try_wait()?;
            while status.is_none() && Instant::now() < until {
                std::thread::yield_now();
                status = child.try_wait()?;
            }
            let Some(status) = status else {
                child.kill()?;
                child.wait()?;
                kills += 1;
                usual += usual / 50;
                continue;
            };
            let mut errors = String::new();
            child.stderr.take().context("a pipe")?.read_to_string(&mut errors)?;
            anyhow::ensure!(status.success(), "{export} failed: {errors}");
            usual = usual.mul_f64(0.5).max(Duration::from_millis(5));
            break;
        }
        let output = std::fs::read_to_string(directory.path().join(export))?;
        let found: Vec<&str> = output.lines().collect();
        let expected = match export {
            "conversations" => org.expected_job(operation)?.records,
            _ => org.expected(operation)?.records,
        };
        anyhow::ensure!(
            found == expected,
            "{export}: {} lines of {}, seed {SEED}, {kills} kills",
            found.len(),
            expected.len()
        );
        done += 1;
    }
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{kills} kills, {done} exports complete, seed {SEED}")?;
    Ok(())
}
