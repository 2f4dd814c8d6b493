//! Recordings and transcripts.

use std::time::Duration;

use bytes::Bytes;
use genesys_cloud_mock::{MockOrg, OrgTimeline};
use serde_json::{Value, json};

use crate::client::{Client, ClientResponse};

const START: &str = "2026-05-01T00:00:00Z";

async fn org() -> (MockOrg, Client) {
    let timeline = OrgTimeline::new(START);
    let org = MockOrg::builder().seed(7).timeline(timeline).start().await.expect("an org");
    let client = Client::of(&org).await;
    (org, client)
}

/// The paths of the recordings of two conversations.
fn recordings(org: &MockOrg) -> [String; 2] {
    let query = "postAnalyticsConversationsDetailsQuery";
    let interval = "2026-04-30T00:00Z/2026-05-01T00:00Z";
    let conversations = org.expected_events_at(query, interval, START).expect("conversations");
    [&conversations[0], &conversations[1]].map(|conversation| {
        let id = conversation["conversationId"].as_str().expect("an id");
        format!("/api/v2/conversations/{id}/recordings")
    })
}

/// The URLs in the values of `mediaUris`.
fn media_uris(recording: &Value) -> Vec<&str> {
    let uris = recording["mediaUris"].as_object().into_iter().flatten();
    uris.filter_map(|(_, media)| media["mediaUri"].as_str()).collect()
}

async fn download(org: &MockOrg, url: &str) -> ClientResponse {
    let path = url.strip_prefix(&org.files_url()).unwrap_or_else(|| panic!("{url}"));
    Client::of_files(org).await.get(path).await
}

#[tokio::test]
async fn recordings_are_audio_files_of_the_stated_size() {
    let (org, mut client) = org().await;
    let mut files = Vec::new();
    for path in recordings(&org) {
        let listed = client.get(&path).await.json();
        let listed = listed.as_array().expect("a list");
        assert_eq!(org.expected_at(&path, START).expect("a list"), *listed);
        for recording in listed {
            assert!(path.contains(recording["conversationId"].as_str().expect("an id")));
            let one = format!("{path}/{}", recording["id"].as_str().expect("an id"));
            assert_eq!(&client.get(&one).await.json(), recording);
            for url in media_uris(recording) {
                let file = download(&org, url).await;
                assert_eq!((file.status, file.header("content-type")), (200, "audio/wav"));
                assert_eq!(file.header("content-length"), file.bytes.len().to_string());
                // Some records lack a field.
                let stated = recording["outputSizeInBytes"].as_u64();
                assert!(
                    stated.is_none_or(|stated| stated == file.bytes.len() as u64),
                    "{stated:?}"
                );
                assert_eq!(&file.bytes[..4], b"RIFF");
                files.push(file.bytes);
            }
        }
    }
    assert!(files.len() >= 4, "{}", files.len());
    files.sort_unstable();
    assert!(files.windows(2).all(|pair| pair[0] != pair[1]), "two recordings are the same");
}

#[tokio::test]
async fn a_media_url_takes_ranges_but_no_token_and_expires() {
    let (org, mut client) = org().await;
    let [path, _] = recordings(&org);
    let listed = client.get(&path).await.json();
    let url = media_uris(&listed[0])[0].to_owned();
    let path_of_file = url.strip_prefix(&org.files_url()).expect("the address of the files");
    let whole = download(&org, &url).await.bytes;

    let mut files = Client::of_files(&org).await;
    let part = files.try_get(path_of_file, Some("bytes=100-199")).await.expect("a response");
    assert_eq!((part.status, &part.bytes), (206, &whole.slice(100..200)));
    files.token = Some(org.access_token());
    assert_eq!(files.get(path_of_file).await.status, 400);
    files.token = None;
    let (file, _) = path_of_file.split_once('?').expect("a query");
    assert_eq!(files.get(file).await.status, 403);
    assert_eq!(files.get(&format!("{file}?X-Amz-Signature=0")).await.status, 403);

    org.advance(Duration::from_secs(901));
    let expired = files.get(path_of_file).await;
    assert_eq!(expired.status, 403);
    assert!(String::from_utf8_lossy(&expired.bytes).contains("Request has expired"));
    // Reading the recording again renews its URL.
    client.get(&path).await;
    assert_eq!(download(&org, &url).await.bytes, whole);
}

#[tokio::test]
async fn transcripts_are_json_files() {
    let (org, mut client) = org().await;
    let path = "/api/v2/speechandtextanalytics/conversations/c/communications/d/transcripturl";
    let url = client.get(path).await.json();
    let file = download(&org, url["url"].as_str().expect("a URL")).await;
    assert_eq!((file.status, file.header("content-type")), (200, "application/json"));
    let phrases = &file.json()["transcripts"][0]["phrases"];
    assert!(phrases.as_array().is_some_and(|phrases| phrases.len() >= 3), "{phrases}");
}

#[tokio::test]
async fn a_batch_of_recordings_is_downloaded_without_a_timeline_too() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let body = json!({ "batchDownloadRequestList": [{ "conversationId": "c" }] });
    let job = client.post("/api/v2/recording/batchrequests", &body).await.json();
    let path = format!("/api/v2/recording/batchrequests/{}", job["id"].as_str().expect("an id"));
    let mut results = Vec::new();
    for _ in 0..10 {
        let status = client.send("GET", &path, Bytes::new()).await.json();
        results = status["results"].as_array().cloned().unwrap_or_default();
        if !results.is_empty() {
            break;
        }
    }
    let keys: Vec<_> = results.iter().map(genesys_cloud_mock::Expected::key).collect();
    assert_eq!(keys, org.expected_job("postRecordingBatchrequests").expect("a job").records);
    for result in results {
        let file = download(&org, result["resultUrl"].as_str().expect("a URL")).await;
        assert_eq!(file.header("content-type"), result["contentType"]);
        assert_eq!(&file.bytes[8..12], b"WAVE");
    }
}
