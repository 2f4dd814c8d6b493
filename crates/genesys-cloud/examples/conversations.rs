//! Exports three months of conversations to a file of JSON lines. After an interruption, the next run resumes, and
//! the file has each conversation once.
//!
//! `cargo run -p genesys-cloud --example conversations -- FOLDER 2026-01-01/2026-04-01`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use genesys_cloud::test_util::mock::{MockOrg, Timeline};
use genesys_cloud::types::AsyncConversationQuery;
use genesys_cloud::{FileStore, Interval};

const SUBMIT: &str = "postAnalyticsConversationsDetailsJobs";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, fake) = support::connect(MockOrg::builder()).await?;
    if let Some(org) = &fake {
        org.set_job_records(SUBMIT, 2_000)?;
        org.timeline(SUBMIT, Timeline::new("2026-01-01T00:00Z", "2026-04-01T00:00Z"))?;
    }
    let mut arguments = std::env::args().skip(1);
    let folder =
        arguments.next().map_or_else(|| std::env::temp_dir().join("export"), PathBuf::from);
    let range: Interval = arguments.next().as_deref().unwrap_or("2026-01-01/2026-04-01").parse()?;
    fs::create_dir_all(&folder)?;

    // One job per 31 days, two at a time.
    let query = AsyncConversationQuery::default();
    let job = client.analytics().conversations_details_jobs(query);
    let conversations = job.windows(range).concurrency(2);
    let store = FileStore::new(folder.join("checkpoints"));
    let mut batches = conversations.checkpointed(store, "conversations", 500);

    // The note of each checkpoint is the length of the file. What was written after it is delivered again.
    let path = folder.join("conversations.jsonl");
    let file = File::options().create(true).truncate(false).write(true).open(&path)?;
    let length = match batches.load().await? {
        Some(checkpoint) => checkpoint.note().unwrap_or("0").parse()?,
        None => 0,
    };
    file.set_len(length)?;
    let mut out = BufWriter::new(file);
    out.seek(SeekFrom::Start(length))?;

    while let Some(batch) = batches.try_next().await? {
        for conversation in batch.items() {
            serde_json::to_writer(&mut out, conversation)?;
            writeln!(out)?;
        }
        out.flush()?;
        out.get_ref().sync_data()?;
        let length = out.stream_position()?;
        batch.commit_with(length.to_string()).await?;
    }
    let report = batches.list().report();
    println!("{}: {} conversations in {}", report.verdict(), report.items, path.display());
    // The next run exports again.
    batches.clear().await?;
    Ok(())
}
