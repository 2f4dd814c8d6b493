//! Exports the conversations of a week through a job, to a file that has each of them once, however often the
//! program is stopped.
//!
//! `cargo run --example conversations --features analytics,test-util`

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::types::AsyncConversationQuery;
use genesys_cloud::{Client, FileStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A fake org on this machine; `Client::from_env()` connects to a real one.
    let org = MockOrg::start().await?;
    let client = Client::of(&org);
    let folder = std::env::temp_dir().join("genesys-cloud-example");
    std::fs::create_dir_all(&folder)?;

    let query = AsyncConversationQuery {
        interval: Some("2026-05-01T00:00:00Z/2026-05-08T00:00:00Z".to_owned()),
        ..Default::default()
    };
    let conversations = client.analytics().conversations_details_jobs(query).paginate();
    let store = FileStore::new(folder.join("checkpoints"));
    let mut batches = conversations.checkpointed(store, "conversations", 50);

    // The file is cut at the last commit: what was written after it comes again.
    let path = folder.join("conversations.txt");
    let mut file = File::options().create(true).truncate(false).write(true).open(&path)?;
    let committed = match batches.load().await? {
        Some(saved) => saved.note().unwrap_or("0").parse()?,
        None => 0,
    };
    file.set_len(committed)?;
    file.seek(SeekFrom::End(0))?;

    while let Some(batch) = batches.try_next().await? {
        for conversation in batch.items() {
            writeln!(file, "{}", conversation.conversation_id.as_deref().unwrap_or_default())?;
        }
        file.sync_data()?;
        let length = file.stream_position()?;
        println!("{} conversations, {length} bytes in all", batch.items().len());
        batch.commit_with(length.to_string()).await?;
    }
    // The next run exports anew.
    batches.clear().await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
