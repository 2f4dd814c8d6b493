//! Downloads the recordings of conversations to a folder.
//!
//! `cargo run -p genesys-cloud --example recordings -- FOLDER CONVERSATION_ID..`

#![allow(clippy::print_stdout)]

#[path = "support/recordings.rs"]
mod fake;
mod support;

use std::error::Error;
use std::path::{Path, PathBuf};

use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::types::{
    BatchDownloadJobResult, BatchDownloadJobSubmission, BatchDownloadRequest,
};
use genesys_cloud::{Client, Download};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

/// Downloads one recording. The file gets its name when it is complete.
async fn save(
    client: &Client,
    recording: &BatchDownloadJobResult,
    folder: &Path,
) -> Result<u64, Box<dyn Error>> {
    let url = recording.result_url.as_deref().ok_or("a recording without a URL")?;
    let id = recording.recording_id.as_deref().ok_or("a recording without an id")?;
    // An id names a file here.
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(format!("{id:?} is not the id of a recording").into());
    }
    let extension = match recording.content_type.as_deref() {
        Some("audio/wav") => "wav",
        Some("audio/mpeg") => "mp3",
        _ => "bin",
    };
    // Resumes an interrupted transfer, and never sends the token to another host.
    let mut download = Download::new(client, url)?;
    let part = folder.join(format!("{id}.part"));
    let mut file = File::create(&part).await?;
    let bytes = tokio::io::copy(&mut download, &mut file).await?;
    file.flush().await?;
    file.sync_all().await?;
    tokio::fs::rename(part, folder.join(format!("{id}.{extension}"))).await?;
    Ok(bytes)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, fake) = support::connect(MockOrg::builder().fault(fake::Recordings)).await?;
    let mut arguments = std::env::args().skip(1);
    let folder =
        arguments.next().map_or_else(|| std::env::temp_dir().join("recordings"), PathBuf::from);
    let ids: Vec<String> = match (arguments.collect::<Vec<_>>(), &fake) {
        (ids, _) if !ids.is_empty() => ids,
        (_, Some(_)) => vec!["c-1".to_owned(), "c-2".to_owned()],
        (_, None) => return Err("usage: recordings FOLDER CONVERSATION_ID..".into()),
    };
    std::fs::create_dir_all(&folder)?;

    // A job takes up to 100 requests; one without a recording id asks for all recordings of the conversation.
    for ids in ids.chunks(100) {
        let request = |id: &String| BatchDownloadRequest {
            conversation_id: Some(id.clone()),
            ..Default::default()
        };
        let submission = BatchDownloadJobSubmission {
            batch_download_request_list: Some(ids.iter().map(request).collect()),
            ..Default::default()
        };
        let mut recordings = client.recording().post_batchrequests(submission).paginate();
        while let Some(recording) = recordings.try_next().await? {
            let conversation = recording.conversation_id.as_deref().unwrap_or_default();
            match recording.error_msg.as_deref() {
                Some(message) => eprintln!("conversation {conversation}: {message}"),
                None => {
                    let bytes = save(&client, &recording, &folder).await?;
                    println!("conversation {conversation}: {bytes} bytes");
                }
            }
        }
    }
    Ok(())
}
