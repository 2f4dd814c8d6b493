//! `--download`: the files that records refer to.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

use genesys_cloud_mock::{Call, CannedResponse, Fault, MockOrg, OrgTimeline};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::tempdir;
use tokio::net::TcpListener;

use crate::resume::to_the_end;
use crate::{read, run};

const RECORDINGS: &str = "getConversationRecordings";

/// Answers the list of recordings, and serves a file of the API itself.
struct Recordings(Vec<Value>);

impl Fault for Recordings {
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        match call.operation.id.as_str() {
            RECORDINGS => Some(CannedResponse::json(200, &json!(self.0))),
            "getDownload" => {
                let body = b"RIFF of the API".to_vec().into();
                let file = CannedResponse { status: 200, headers: Vec::new(), body };
                Some(file.header("content-type", "audio/wav"))
            }
            _ => None,
        }
    }
}

async fn org(recordings: Vec<Value>) -> MockOrg {
    MockOrg::builder().fault(Recordings(recordings)).start().await.unwrap()
}

/// A server of files, which other hosts than the API have.
struct Files {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Files {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (served, base) = (requests.clone(), url.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (served, base) = (served.clone(), base.clone());
                let respond = service_fn(move |request: Request<Incoming>| {
                    assert!(!request.headers().contains_key(AUTHORIZATION), "{request:?}");
                    served.lock().unwrap().push(request.uri().path().to_owned());
                    let response = respond(request.uri().path(), &base);
                    async move { Ok::<_, Infallible>(response) }
                });
                let io = TokioIo::new(stream);
                let connection = http1::Builder::new().serve_connection(io, respond);
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// A recording whose file is at this path.
    fn recording(&self, id: &str, path: &str) -> Value {
        recording(id, &format!("{}{path}?X-Amz-Signature=SECRET", self.url))
    }
}

fn respond(path: &str, base: &str) -> Response<Full<Bytes>> {
    let response = Response::builder();
    match path {
        "/gone" => response.status(404).body(Full::default()),
        "/expired" => response.status(403).body(Full::default()),
        "/redirect" => {
            response.status(302).header(LOCATION, format!("{base}/ok")).body(Full::default())
        }
        "/huge" => response.body(vec![0; (1 << 20) + 1].into()),
        path => response.header(CONTENT_TYPE, "audio/wav").body(path.to_owned().into()),
    }
    .unwrap()
}

fn recording(id: &str, url: &str) -> Value {
    json!({ "id": id, "conversationId": "c-1", "mediaUris": { "S": { "mediaUri": url } } })
}

fn export<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let words = ["export", RECORDINGS, "-p", "conversationId=c-1", "--download", "mediaUri"];
    [&words[..], &["--to", "media", "--out", "r.jsonl"], more].concat()
}

/// The lines of the manifest.
fn manifest(folder: &Path) -> Vec<Value> {
    let text = read(folder.join("media/manifest.jsonl"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The names of the files in a folder, except the manifest.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("media")).unwrap().map(Result::unwrap);
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "manifest.jsonl")
        .collect();
    names.sort();
    names
}

fn report(folder: &Path) -> Value {
    crate::report(&folder.join("r.jsonl"))
}

#[tokio::test]
async fn fetches_each_file_once_and_names_it_by_key() {
    let files = Files::start().await;
    let ids = ["r-1", "r-2", "r-3"];
    let of = |id: &&str| files.recording(id, &format!("/{id}"));
    let org = org(ids.iter().map(of).collect()).await;
    let folder = tempdir().unwrap();
    let done = run(Some(&org), folder.path(), &export(&[])).await;
    done.done();
    assert!(done.err.contains("files: 3 fetched (12 bytes), 0 already present, 0 failed"));
    for id in ids {
        let file = format!("media/{id}.mediaUris.S.mediaUri.wav");
        assert_eq!(read(folder.path().join(file)), format!("/{id}"));
    }
    let lines = manifest(folder.path());
    assert_eq!(lines.len(), 3);
    let line = lines.iter().find(|line| line["key"]["id"] == "r-1").unwrap();
    assert_eq!((&line["status"], &line["bytes"]), (&"done".into(), &4.into()));
    assert_eq!(line["url"], format!("{}/r-1", files.url));
    assert_eq!(line["file"], "r-1.mediaUris.S.mediaUri.wav");
    // Of "/r-1".
    assert_eq!(line["sha256"], "660de76bd1b694f2476c3d5c3d232148105fd99aecea2cf12c7e28f09847c522",);
    assert!(!read(folder.path().join("media/manifest.jsonl")).contains("SECRET"));
    files.requests();
    // Another run fetches what is missing, and what was damaged.
    std::fs::remove_file(folder.path().join("media/r-2.mediaUris.S.mediaUri.wav")).unwrap();
    std::fs::write(folder.path().join("media/r-3.mediaUris.S.mediaUri.wav"), "/").unwrap();
    let again = run(Some(&org), folder.path(), &export(&[])).await;
    again.done();
    let mut fetched = files.requests();
    fetched.sort();
    assert_eq!(fetched, ["/r-2", "/r-3"]);
    assert_eq!(report(folder.path())["downloads"]["present"], 1);
    assert_eq!(read(folder.path().join("media/r-3.mediaUris.S.mediaUri.wav")), "/r-3");
}

#[tokio::test]
async fn sends_the_token_to_the_api_only() {
    let files = Files::start().await;
    let mut recordings = vec![files.recording("r-1", "/a"), json!({})];
    // The URL of the org is known once it runs.
    recordings[1] = recording("r-2", "/api/v2/downloads/d-1");
    let org = org(recordings).await;
    let folder = tempdir().unwrap();
    run(Some(&org), folder.path(), &export(&[])).await.done();
    let file = read(folder.path().join("media/r-2.mediaUris.S.mediaUri.wav"));
    assert_eq!(file, "RIFF of the API");
    let request = &org.requests_for("getDownload")[0];
    assert!(request.bearer);
    // The server of files panics on a token.
    assert_eq!(files.requests(), ["/a"]);
}

#[tokio::test]
async fn hostile_urls_and_keys_stay_outside() {
    let files = Files::start().await;
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hostile = [
        recording("a", "file:///etc/passwd"),
        recording("b", "ftp://127.0.0.1/a"),
        recording("c", "http://example.com/a"),
        recording("d", &format!("http://me:SECRET@{}/a", port.local_addr().unwrap())),
        recording("e", "//example.com/a"),
        recording("f", "/api/v2/../../etc"),
        recording("g", "not a URL"),
        files.recording("h", "/redirect"),
        files.recording("i", "/expired"),
        files.recording("j", "/gone"),
        files.recording("k", "/huge"),
        json!({ "id": "l", "mediaUris": { "S": { "mediaUri": 5 } } }),
        json!({ "id": null, "mediaUris": { "S": { "mediaUri": format!("{}/x", files.url) } } }),
    ];
    let odd = ["../../escaped", "..", "/etc/passwd", "a\u{0}b", "a\nb", "C:\\x", "-rf", ".hidden"];
    let odd = odd.iter().map(|id| files.recording(id, "/odd"));
    let org = org(hostile.iter().cloned().chain(odd.clone()).collect()).await;
    let folder = tempdir().unwrap();
    let failed = run(Some(&org), folder.path(), &export(&["--max-file-size", "1"])).await;
    assert_eq!(failed.code, Some(3), "{}", failed.err);
    assert!(!failed.err.contains("SECRET"), "{}", failed.err);
    let found = report(folder.path());
    assert_eq!(found["downloads"]["failed"], hostile.len());
    assert_eq!(found["downloads"]["fetched"], odd.len());
    // The list itself is complete, so its records are published.
    assert_eq!((&found["verdict"], &found["whole"]), (&"complete".into(), &true.into()));
    assert_eq!(read(folder.path().join("r.jsonl")).lines().count(), hostile.len() + odd.len());
    let names = names(folder.path());
    assert_eq!(names.len(), odd.len(), "{names:?}");
    assert!(names.iter().all(|name| !name.starts_with(['.', '-'])), "{names:?}");
    let outside: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !["media", "r.jsonl", ".genesys-cloud", "state"].contains(&&**name))
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
    let text = read(folder.path().join("media/manifest.jsonl"));
    assert!(!text.contains("SECRET"), "{text}");
    let error = |id: &str| {
        let lines = manifest(folder.path());
        let line = lines.iter().find(|line| line["key"]["id"] == id).unwrap();
        line["error"].as_str().unwrap().to_owned()
    };
    for (id, why) in [
        ("a", "it is not https"),
        ("c", "it is not https"),
        ("d", "user name or password"),
        ("h", "redirects of files are not followed"),
        ("i", "may have expired"),
        ("k", "larger than --max-file-size, 1 MiB"),
        ("l", "not a text"),
    ] {
        assert!(error(id).contains(why), "{id}: {}", error(id));
    }
    assert!(!files.requests().contains(&"/ok".to_owned()));
    // Accepted, the same result is a success.
    let accepted = export(&["--max-file-size", "1", "--accept", "truncated"]);
    run(Some(&org), folder.path(), &accepted).await.done();
}

#[tokio::test]
async fn has_each_file_once_after_random_kills() {
    let files = Files::start().await;
    let of = |number: u32| files.recording(&format!("r-{number}"), &format!("/{number}"));
    let org = org((0..60).map(of).collect()).await;
    let folder = tempdir().unwrap();
    let words = export(&["--batch", "3", "--concurrency", "2", "--resume"]);
    let kills = to_the_end(&org, folder.path(), &words, 9).await;
    assert!(kills > 1, "{kills} kills");
    assert_eq!(names(folder.path()).len(), 60);
    assert_eq!(read(folder.path().join("r.jsonl")).lines().count(), 60);
    for line in manifest(folder.path()) {
        let file = folder.path().join("media").join(line["file"].as_str().unwrap());
        let number = line["key"]["id"].as_str().unwrap().trim_start_matches("r-").to_owned();
        assert_eq!(read(file), format!("/{number}"));
    }
    // A committed batch has its files, and a kill repeats at most what was in flight.
    let fetched = files.requests().len() as u32;
    assert!(fetched <= 60 + 3 * kills, "{fetched} requests, {kills} kills");
    let left = folder.path().join("media/.genesys-cloud");
    assert_eq!(std::fs::read_dir(left).unwrap().count(), 0);
}

#[tokio::test]
async fn a_failed_file_is_fetched_by_the_next_run() {
    let files = Files::start().await;
    let recordings = |path: &str| vec![files.recording("r-1", "/1"), files.recording("r-2", path)];
    let folder = tempdir().unwrap();
    let expired = org(recordings("/expired")).await;
    let failed = run(Some(&expired), folder.path(), &export(&[])).await;
    assert_eq!(failed.code, Some(3), "{}", failed.err);
    assert!(failed.err.contains("fetches the missing files"), "{}", failed.err);
    // The next response of the API has a new URL.
    let renewed = org(recordings("/2")).await;
    run(Some(&renewed), folder.path(), &export(&[])).await.done();
    assert_eq!(names(folder.path()).len(), 2);
    let lines = manifest(folder.path());
    let count = |status: &str| lines.iter().filter(|line| line["status"] == status).count();
    assert_eq!((lines.len(), count("done"), count("failed")), (3, 2, 1));
}

#[tokio::test]
async fn two_files_with_one_name_are_a_failure() {
    let files = Files::start().await;
    let org = org(vec![files.recording("r-1", "/1"), files.recording("r-2", "/2")]).await;
    let folder = tempdir().unwrap();
    let words = export(&["--download-key", "conversationId"]);
    let failed = run(Some(&org), folder.path(), &words).await;
    assert_eq!(failed.code, Some(3), "{}", failed.err);
    let lines = manifest(folder.path());
    let error = lines.iter().find_map(|line| line["error"].as_str()).unwrap();
    assert!(error.contains("choose more fields with --download-key"), "{error}");
    let words = export(&["--download-key", "conversationId,id"]);
    run(Some(&org), folder.path(), &words).await.done();
    let names = names(folder.path());
    assert!(names.contains(&"c-1.r-2.mediaUris.S.mediaUri.wav".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_damaged_manifest_and_a_locked_folder_are_refused() {
    let files = Files::start().await;
    let org = org(vec![files.recording("r-1", "/1")]).await;
    let folder = tempdir().unwrap();
    std::fs::create_dir(folder.path().join("media")).unwrap();
    let path = folder.path().join("media/manifest.jsonl");
    std::fs::write(&path, "{\"key\":5}\n").unwrap();
    let refused = run(Some(&org), folder.path(), &export(&[])).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("line 1 is damaged"), "{}", refused.err);
    assert_eq!(read(&path), "{\"key\":5}\n");
    // A line that was being written when the process was killed is no damage.
    std::fs::write(&path, "{\"key\":").unwrap();
    let lock = std::fs::File::options().append(true).open(&path).unwrap();
    lock.lock().unwrap();
    let refused = run(Some(&org), folder.path(), &export(&[])).await;
    assert_eq!(refused.code, Some(9), "{}", refused.err);
    drop(lock);
    run(Some(&org), folder.path(), &export(&[])).await.done();
    assert_eq!(manifest(folder.path()).len(), 1);
    assert!(files.requests() == ["/1"] && org.requests_for(RECORDINGS).len() == 1);
}

#[tokio::test]
async fn recordings_of_an_org_are_whole_audio_files() {
    const DETAILS: &str = "postAnalyticsConversationsDetailsQuery";
    let timeline = OrgTimeline::new("2026-05-01T00:00Z").events_per_day(20);
    let org = MockOrg::builder().seed(7).timeline(timeline).start().await.unwrap();
    org.advance(std::time::Duration::from_secs(86_400));
    let folder = tempdir().unwrap();
    // All recordings of the conversations of a day, in one command.
    let mut words = vec!["export", RECORDINGS, "--for-each", DETAILS];
    words.extend(["--interval", "2026-05-01/P1D", "--bind", "conversationId=conversationId"]);
    words.extend(["--download", "mediaUri", "--to", "media", "--out", "r.jsonl"]);
    run(Some(&org), folder.path(), &words).await.done();
    let mut uris = 0;
    for line in read(folder.path().join("r.jsonl")).lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        for (name, media) in record["mediaUris"].as_object().into_iter().flatten() {
            if media["mediaUri"].as_str().is_none_or(str::is_empty) {
                continue;
            }
            uris += 1;
            let start = format!("{}.", record["parentConversationId"].as_str().unwrap());
            let end = format!("{}.mediaUris.{name}.mediaUri", record["id"].as_str().unwrap());
            let lines = manifest(folder.path());
            let is_it = |line: &&Value| line["name"] == format!("{start}{end}");
            let line = lines.iter().find(is_it).unwrap();
            let file = folder.path().join("media").join(line["file"].as_str().unwrap());
            let bytes = std::fs::read(file).unwrap();
            assert_eq!(&bytes[..4], b"RIFF");
            if let Some(stated) = record["outputSizeInBytes"].as_u64() {
                assert_eq!(bytes.len() as u64, stated);
            }
        }
    }
    assert!(uris > 10, "{uris}");
    assert_eq!(names(folder.path()).len(), uris);
    assert_eq!(org.logins(), 1);
}

#[cfg(feature = "buckets")]
#[tokio::test]
async fn a_bucket_has_the_files_and_the_manifest() {
    use crate::run_in;
    use crate::s3::S3;

    let files = Files::start().await;
    let org = org(vec![files.recording("r-1", "/1"), files.recording("r-2", "/expired")]).await;
    let s3 = S3::start().await;
    let folder = tempdir().unwrap();
    let mut words = export(&[]);
    words[7] = "s3://bucket/media";
    let failed = run_in(&s3.environment(), Some(&org), folder.path(), &words).await;
    assert_eq!(failed.code, Some(3), "{}", failed.err);
    assert_eq!(s3.object("media/r-1.mediaUris.S.mediaUri.wav").unwrap(), b"/1");
    assert!(s3.object("media/manifest/00000001.jsonl").is_some());
    files.requests();
    let again = run_in(&s3.environment(), Some(&org), folder.path(), &words).await;
    assert_eq!(again.code, Some(3), "{}", again.err);
    assert_eq!(files.requests(), ["/expired"]);
    assert!(s3.object("media/manifest/00000002.jsonl").is_some());
    assert_eq!(s3.keys().len(), 3, "{:?}", s3.keys());
}
