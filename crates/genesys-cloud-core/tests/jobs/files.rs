//! Results in files: credentials, resumed transfers, malformed files.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt as _;
use genesys_cloud_core::{Download, Error, ErrorKind, Reason, Verdict};
use tokio::io::AsyncReadExt as _;

use crate::server::{Answer, Received, Server};
use crate::{all, asked, json, script, things};

/// An API whose jobs have their results in files at these URLs.
async fn api(urls: &[String]) -> Server {
    let urls = urls.iter().map(|url| format!("{url:?}")).collect::<Vec<_>>().join(",");
    Server::start(move |request| match request.target.as_str() {
        "/inline" => json(r#"{"job":{"id":"j1"}}"#),
        "/inline/j1" => {
            json(&format!(r#"{{"job":{{"status":"Complete"}},"downloadUrls":[{urls}]}}"#))
        }
        "/lists/l1/export" if request.method == "POST" => {
            json("{}").header("date", "Fri, 01 May 2026 10:00:00 GMT")
        }
        "/lists/l1/export" => {
            json(&format!(r#"{{"exportTimestamp":"2026-05-01T10:00:01Z","uri":{urls}}}"#))
        }
        "/api/v2/downloads/7?a=b" => Answer::new(307, "").header("location", "/api/v2/downloads/8"),
        "/api/v2/downloads/8" => Answer::new(200, r#"{"data":[{"id":"a"}]}"#),
        other => panic!("{other}"),
    })
    .await
}

/// A file server that answers with these responses.
async fn file(answers: Vec<Answer>) -> (Server, String) {
    let server = script(answers).await;
    let url = format!("{}/f?X-Amz-Signature=hunter2", server.url());
    (server, url)
}

fn data(count: usize) -> String {
    let items: Vec<String> = (1..=count).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    format!(r#"{{"name":"x","data":[{}],"more":{{"data":[0]}}}}"#, items.join(","))
}

fn numbers(count: usize) -> Vec<String> {
    (1..=count).map(|id| id.to_string()).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).expect("a Vec");
    gzip.finish().expect("a Vec")
}

async fn download(api: &Server) -> Result<Download, Error> {
    let mut job = things(api).inline().submit().await.expect("a job");
    job.downloads().await.map(|mut downloads| downloads.remove(0))
}

async fn text(download: &mut Download) -> Result<String, Error> {
    let mut text = Vec::new();
    while let Some(bytes) = download.try_next().await? {
        text.extend_from_slice(&bytes);
    }
    Ok(String::from_utf8(text).expect("text"))
}

/// A partial response from this byte on.
fn part(file: &str, from: usize) -> Answer {
    let answer = match from {
        0 => Answer::new(200, file),
        _ => Answer::new(206, &file[from..])
            .header("content-range", format!("bytes {from}-{}/{}", file.len() - 1, file.len())),
    };
    answer.header("etag", "\"v1\"")
}

/// The first bytes of a file, after which the connection is closed.
fn cut(file: &str, at: usize) -> Answer {
    Answer::new(200, &file[..at]).closing_at(file.len()).header("etag", "\"v1\"")
}

fn no_token(request: &Received) {
    for name in ["authorization", "cookie"] {
        assert_eq!(request.header(name), None);
    }
}

#[tokio::test(start_paused = true)]
async fn fetches_files_without_the_token() {
    let (first, first_url) = file(vec![Answer::new(200, data(250))]).await;
    let (second, second_url) = file(vec![Answer::new(200, gzip(&data(3)))]).await;
    let api = api(&[first_url, second_url]).await;
    let mut results = things(&api).inline().paginate();
    let expected: Vec<String> = numbers(250).into_iter().chain(numbers(3)).collect();
    assert_eq!(all(&mut results).await, expected);
    assert_eq!(results.report().items, 253);
    assert_eq!(results.report().verdict(), Verdict::Complete);
    for server in [&first, &second] {
        server.received().iter().for_each(no_token);
        assert_eq!(asked(server), ["GET /f?X-Amz-Signature=hunter2"]);
    }
    assert!(api.received().iter().all(|request| request.header("authorization").is_some()));
}

#[tokio::test(start_paused = true)]
async fn reads_no_more_of_a_file_than_needed() {
    let body = data(100_000);
    let (_files, url) = file(vec![Answer::new(200, body)]).await;
    let api = api(&[url]).await;
    let mut results = things(&api).inline().paginate().limit(150);
    assert_eq!(all(&mut results).await, numbers(150));
}

#[tokio::test(start_paused = true)]
async fn resumes_an_interrupted_transfer() {
    let body = data(500);
    let (files, url) = file(vec![
        Answer::new(503, ""),
        cut(&body, 1000),
        Answer::new(429, "").header("retry-after", "3"),
        part(&body, 1000),
    ])
    .await;
    let api = api(&[url]).await;
    assert_eq!(all(&mut things(&api).inline().paginate()).await, numbers(500));
    let received = files.received();
    assert_eq!(received.len(), 4);
    for request in &received[2..] {
        no_token(request);
        assert_eq!(request.header("range"), Some("bytes=1000-"));
        assert_eq!(request.header("if-range"), Some("\"v1\""));
        assert_eq!(request.header("accept-encoding"), Some("identity"));
    }
}

/// A request for the rest would be rejected.
#[tokio::test(start_paused = true)]
async fn a_transfer_interrupted_after_the_last_byte_is_complete() {
    let body = data(500);
    let rest = part(&body, 5000).in_chunks(false);
    let (files, url) = file(vec![cut(&body, 5000), rest, Answer::new(416, "")]).await;
    let api = api(&[url]).await;
    let mut download = download(&api).await.expect("a file");
    assert_eq!(text(&mut download).await.expect("the file"), body);
    assert_eq!(files.received().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn skips_the_received_bytes_if_the_server_ignores_the_range() {
    let body = data(500);
    let (_files, url) = file(vec![cut(&body, 1000), part(&body, 0)]).await;
    let api = api(&[url]).await;
    let mut download = download(&api).await.expect("a file");
    assert_eq!(text(&mut download).await.expect("the file"), body);
    assert_eq!(download.length(), Some(body.len() as u64));
    assert_eq!(download.received(), body.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn rejects_a_rest_of_another_file_or_range() {
    let body = data(500);
    for answer in [
        // Another version of the file.
        Answer::new(200, body.clone()).header("etag", "\"v2\""),
        Answer::new(200, body.clone()),
        Answer::new(206, &body[1000..])
            .header("content-range", format!("bytes 1000-{}/{}", body.len() - 1, body.len()))
            .header("etag", "\"v2\""),
        // Another range.
        Answer::new(206, &body[999..])
            .header("content-range", format!("bytes 999-{}/{}", body.len() - 1, body.len())),
        // Another length.
        Answer::new(206, &body[1000..])
            .header("content-range", format!("bytes 1000-{}/{}", body.len() - 1, body.len() + 5)),
        // No range header.
        Answer::new(206, &body[1000..]),
    ] {
        let (_files, url) = file(vec![cut(&body, 1000), answer]).await;
        let api = api(&[url]).await;
        let mut download = download(&api).await.expect("a file");
        let error = text(&mut download).await.expect_err("another file");
        assert_eq!(error.kind(), ErrorKind::Download, "{error:?}");
        assert!(error.to_string().contains("changed during the download"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_file_is_not_complete() {
    let body = data(500);
    // Without a validator such as an ETag.
    let (_files, url) = file(vec![Answer::new(200, &body[..1000]).closing_at(body.len())]).await;
    let lonely = api(&[url]).await;
    let mut download = download(&lonely).await.expect("a file");
    let error = text(&mut download).await.expect_err("half a file");
    assert_eq!(error.kind(), ErrorKind::Download, "{error:?}");

    let (files, url) = file((0..6).map(|_| cut(&body, 0)).collect()).await;
    let api = api(&[url]).await;
    let mut results = things(&api).inline().paginate();
    let error = results.try_next().await.expect_err("no file");
    assert!(error.is_transport(), "{error:?}");
    assert!(error.to_string().contains("cut off after 0"), "{error}");
    assert_eq!(files.received().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn continues_a_file_after_an_error() {
    let body = data(500);
    let mut answers = vec![cut(&body, 5000)];
    answers.extend((0..4).map(|_| Answer::new(500, "")));
    answers.push(part(&body, 5000));
    let (_files, url) = file(answers).await;
    let api = api(&[url]).await;
    let mut results = things(&api).inline().paginate();
    let (mut found, mut errors) = (Vec::new(), 0);
    while let Some(result) = results.next().await {
        match result {
            Ok(thing) => found.push(thing),
            Err(error) => {
                assert_eq!(error.status(), Some(500));
                errors += 1;
            }
        }
    }
    assert_eq!((crate::ids(found), errors), (numbers(500), 1));
}

#[tokio::test(start_paused = true)]
async fn an_expired_url_is_an_error_without_the_url() {
    let (_files, url) = file(vec![Answer::new(403, "<Error>hunter2</Error>")]).await;
    let api = api(&[url]).await;
    let mut download = download(&api).await.expect("a file");
    let error = download.try_next().await.expect_err("a refusal");
    assert!(error.kind() == ErrorKind::Download && error.status() == Some(403));
    assert!(error.to_string().contains("its URL may have expired"), "{error}");
    assert!(!format!("{error:?}{download:?}").contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn follows_no_redirects_and_no_disallowed_urls() {
    let (_files, url) =
        file(vec![Answer::new(302, "").header("location", "http://127.0.0.1:1/")]).await;
    let redirecting = api(&[url]).await;
    let mut download = download(&redirecting).await.expect("a file");
    let error = download.try_next().await.expect_err("a redirect");
    assert!(error.kind() == ErrorKind::Download && error.status() == Some(302), "{error:?}");

    for url in ["http://files.example/f?sig=hunter2", "ftp://f.example/hunter2", "hunter2"] {
        let api = api(&[url.to_owned()]).await;
        let mut results = things(&api).inline().paginate();
        let error = results.try_next().await.expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Download);
        assert!(error.to_string().contains("the URL of the file was rejected"), "{error}");
        assert!(!format!("{error:?}{results:?}").contains("hunter2"));
    }
}

#[tokio::test(start_paused = true)]
async fn sends_the_token_for_a_file_of_the_api() {
    let api = api(&["/api/v2/downloads/7?a=b".to_owned()]).await;
    assert_eq!(all(&mut things(&api).inline().paginate()).await, ["a"]);
    let requests = api.received();
    let requests = requests.iter().filter(|request| request.target.starts_with("/api"));
    assert!(requests.into_iter().all(|request| request.header("authorization").is_some()));
}

#[tokio::test(start_paused = true)]
async fn rejects_malformed_files() {
    let broken = gzip(&data(3));
    for (body, why) in [
        (b"{\"data\":[{\"id\":\"1\"},{\"id\":".to_vec(), "ends in the middle"),
        (b"<html>".to_vec(), "is an HTML page instead of data"),
        (b"not found".to_vec(), "has no list where the items should be"),
        (b"{\"data\":7}".to_vec(), "has no list where the items should be"),
        (b"null".to_vec(), "has no list where the items should be"),
        (b"{}".to_vec(), "has no list where the items should be"),
        (b"{\"data\":null}".to_vec(), "has no list where the items should be"),
        (
            b"{\"message\":\"boom\",\"status\":500}".to_vec(),
            "has no list where the items should be",
        ),
        (broken[..broken.len() - 4].to_vec(), "ends in the middle"),
        ([&broken[..12], b"xxxxxxxxxxxxxxxxxxxx"].concat(), "begins like gzip, but is not gzip"),
    ] {
        let (_files, url) = file(vec![Answer::new(200, body)]).await;
        let api = api(&[url]).await;
        let mut results = things(&api).inline().paginate();
        let error = loop {
            match results.next().await.expect("an error") {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Download, "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(results.next().await.expect("an error").is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_can_not_be_decoded_is_an_error() {
    let body = r#"{"data":[{"id":"1"},7]}"#;
    let (_files, url) = file(vec![Answer::new(200, body)]).await;
    let api = api(&[url]).await;
    let mut results = things(&api).inline().paginate();
    for _ in 0..2 {
        let error = results.try_next().await.expect_err("a malformed item");
        assert_eq!(error.kind(), ErrorKind::Decode, "{error:?}");
    }
    assert_eq!(results.report().verdict(), Verdict::Unknown(Reason::Unfinished));
}

#[tokio::test(start_paused = true)]
async fn returns_other_files_as_bytes() {
    let body = "id,name\n1,a\n";
    let (_files, url) = file(vec![cut(body, 4), part(body, 4), part(body, 0)]).await;
    let api = api(&[url]).await;
    let mut bytes = things(&api).export("l1").paginate();
    let mut text = Vec::new();
    while let Some(part) = bytes.try_next().await.expect("bytes") {
        text.extend_from_slice(&part);
    }
    assert_eq!(text, body.as_bytes());

    let mut job = things(&api).export("l1").submit().await.expect("a job");
    let mut download = job.downloads().await.expect("files").remove(0);
    let mut read = String::new();
    download.read_to_string(&mut read).await.expect("text");
    assert_eq!(read, body);
}

#[tokio::test(start_paused = true)]
async fn finds_the_url_in_any_response() {
    let (files, url) = file(vec![Answer::new(200, "text")]).await;
    let api = api(&[]).await;
    let mut download = Download::new(&crate::client(&api), &url).expect("a file");
    assert_eq!(text(&mut download).await.expect("the file"), "text");
    files.received().iter().for_each(no_token);
    let error = Download::new(&crate::client(&api), "http://f.example/hunter2").expect_err("http");
    assert_eq!(error.to_string(), "the URL of the file was rejected: it is not https");
}

#[tokio::test(start_paused = true)]
async fn renews_an_expired_url() {
    let body = data(500);
    let expired = || Answer::new(403, "");
    let first = vec![cut(&body, 5000), expired(), part(&body, 5000), expired(), expired()];
    let (files, url) = file(first).await;
    let api = api(&[url.clone(), url]).await;
    let mut results = things(&api).inline().paginate();
    let mut found = Vec::new();
    let error = loop {
        match results.next().await.expect("a thing") {
            Ok(thing) => found.push(thing),
            Err(error) => break error,
        }
    };
    assert_eq!(crate::ids(found), numbers(500));
    // A rejected new URL is an error.
    assert_eq!(error.status(), Some(403));
    assert_eq!(files.received()[2].header("range"), Some("bytes=5000-"));
    let polls = asked(&api).iter().filter(|line| *line == "GET /inline/j1").count();
    assert_eq!(polls, 3);
}

#[tokio::test(start_paused = true)]
async fn retries_to_renew_a_url_in_the_next_poll() {
    let (_files, url) =
        file(vec![Answer::new(403, ""), Answer::new(403, ""), part(&data(2), 0)]).await;
    let done = || json(&format!(r#"{{"job":{{"status":"Complete"}},"downloadUrls":[{url:?}]}}"#));
    let refused = Answer::new(403, r#"{"code":"not.allowed","message":"Not now"}"#);
    let submitted = json(r#"{"job":{"id":"j1"}}"#);
    let api = script(vec![submitted, done(), refused, done()]).await;
    let mut results = things(&api).inline().paginate();
    let error = results.next().await.expect("an error").expect_err("it can't be asked");
    assert!(error.to_string().contains("Not now"), "{error}");
    assert_eq!(all(&mut results).await, numbers(2));
}

#[tokio::test(start_paused = true)]
async fn requests_urls_when_they_are_needed() {
    let (_files, url) = file(vec![Answer::new(200, data(2)), Answer::new(200, data(2))]).await;
    let api = api(&[url]).await;
    let mut job = things(&api).inline().submit().await.expect("a job");
    job.wait().await.expect("a status");
    assert_eq!(all(&mut job.results()).await, numbers(2));
    assert_eq!(job.downloads().await.expect("files").len(), 1);
    assert_eq!(
        asked(&api),
        ["POST /inline", "GET /inline/j1", "GET /inline/j1", "GET /inline/j1",]
    );
}

/// An API whose job lists these files, one list for each poll.
async fn api_with(lists: Vec<Vec<String>>) -> Server {
    let mut lists = lists.into_iter();
    Server::start(move |request| match request.target.as_str() {
        "/inline" => json(r#"{"job":{"id":"j1"}}"#),
        _ => {
            let urls = serde_json::to_string(&lists.next().expect("no further call"));
            let urls = urls.expect("JSON");
            json(&format!(r#"{{"job":{{"status":"Complete"}},"downloadUrls":{urls}}}"#))
        }
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn rejects_renewed_urls_in_another_order() {
    let files = Server::start(|request| match request.target.as_str() {
        "/a?sig=1" => Answer::new(200, r#"{"data":[{"id":"a"}]}"#),
        "/b?sig=2" => Answer::new(200, r#"{"data":[{"id":"b"}]}"#),
        _ => Answer::new(403, ""),
    })
    .await;
    let url = |path: &str| format!("{}{path}", files.url());
    let first = vec![url("/a?sig=1"), url("/b?sig=1")];
    // In the same order it continues, with any query.
    let same = vec![url("/a?sig=2"), url("/b?sig=2")];
    let same = api_with(vec![first.clone(), same]).await;
    assert_eq!(all(&mut things(&same).inline().paginate()).await, ["a", "b"]);

    let other = vec![url("/b?sig=2"), url("/a?sig=1")];
    let other = api_with(vec![first, other]).await;
    let mut results = things(&other).inline().paginate();
    assert_eq!(results.try_next().await.expect("a thing").expect("one").id.as_deref(), Some("a"));
    let error = results.try_next().await.expect_err("a file that is not known again");
    assert_eq!(error.status(), Some(403));
    let text = error.to_string();
    assert!(text.contains("its URL was renewed without success"), "{text}");
    assert!(!text.contains("sig"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_file_without_a_list_is_not_empty() {
    for (body, why) in [
        ("", "is empty"),
        ("not found", "has no list where the items should be"),
        (r#"{"data":none}"#, "has no list where the items should be"),
    ] {
        let (_files, url) = file(vec![Answer::new(200, body)]).await;
        let api = api(&[url]).await;
        let error = things(&api).inline().paginate().try_next().await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Download, "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// A few kilobytes of gzip can be megabytes, with more items than fit in a page.
#[tokio::test(start_paused = true)]
async fn pages_of_gzip_are_bounded() {
    let count = 300_000;
    let body = format!(r#"{{"data":[{}{{}}]}}"#, "{},".repeat(count - 1));
    let body = gzip(&body);
    assert!(body.len() < 16_000, "{}", body.len());
    let (_files, url) = file(vec![Answer::new(200, body)]).await;
    let api = api(&[url]).await;
    let mut pages = things(&api).inline().paginate().pages();
    let (mut items, mut largest) = (0, 0);
    while let Some(page) = pages.try_next().await.expect("a page") {
        let count = page.into_iter().count();
        items += count;
        largest = largest.max(count);
    }
    assert_eq!(items, count);
    assert!(largest <= 2_000, "{largest}");
}

#[tokio::test(start_paused = true)]
async fn a_partial_response_without_a_total_length_is_not_the_end() {
    let body = data(500);
    let chunk =
        |to: usize, ends| Answer::new(200, &body[..to]).in_chunks(ends).header("etag", "\"v1\"");
    let unbounded = Answer::new(206, &body[1000..2000])
        .header("content-range", "bytes 1000-1999/*")
        .header("etag", "\"v1\"");
    // The first response has no length either.
    let (_files, url) = file(vec![chunk(1000, false), unbounded]).await;
    let lonely = api(&[url]).await;
    let mut part = download(&lonely).await.expect("a file");
    let error = text(&mut part).await.expect_err("a part");
    assert_eq!(error.kind(), ErrorKind::Download, "{error:?}");

    // It has become shorter.
    let mut answers = vec![chunk(1000, false)];
    answers.extend((0..4).map(|_| chunk(500, true)));
    let (_files, url) = file(answers).await;
    let shorter = api(&[url]).await;
    let mut part = download(&shorter).await.expect("a file");
    let error = text(&mut part).await.expect_err("less than before");
    assert!(error.is_transport(), "{error:?}");

    let (_files, url) = file(vec![chunk(1000, false), chunk(body.len(), true)]).await;
    let whole = api(&[url]).await;
    let mut whole = download(&whole).await.expect("a file");
    assert_eq!(text(&mut whole).await.expect("the file"), body);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_ready_is_not_empty() {
    let server = script([Answer::new(202, ""), Answer::new(200, "text")]).await;
    let mut download = Download::new(&crate::client(&server), "/f").expect("a file");
    assert_eq!(text(&mut download).await.expect("the file"), "text");
    let server = Server::start(|_| Answer::new(202, "")).await;
    let mut download = Download::new(&crate::client(&server), "/f").expect("a file");
    let error = download.try_next().await.expect_err("no file");
    assert!(error.kind() == ErrorKind::Download && error.status() == Some(202), "{error:?}");
    assert!(error.to_string().contains("it is not ready"), "{error}");
}

async fn bytes_of(download: &mut Download) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(part) = download.try_next().await? {
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

#[tokio::test(start_paused = true)]
async fn decodes_the_content_encoding_of_files() {
    let body = gzip("id\n1\n");
    let encoded = || Answer::new(200, body.clone()).header("content-encoding", "gzip");
    let plain = b"id\n1\n".to_vec();
    for (answer, name, bytes, encoding) in [
        (encoded(), "f.csv", &plain, None),
        (encoded().header("content-type", "text/csv"), "f", &plain, None),
        (encoded(), "f.csv.gz", &body, Some("gzip")),
        (encoded().header("content-type", "application/gzip"), "f", &body, Some("gzip")),
        // Without a content encoding.
        (Answer::new(200, body.clone()), "f.csv", &body, None),
    ] {
        let server = script([answer]).await;
        let url = format!("{}/{name}?X-Amz-Signature=hunter2", server.url());
        let api = api(&[]).await;
        let mut download = Download::new(&crate::client(&api), &url).expect("a file");
        assert_eq!(&bytes_of(&mut download).await.expect("bytes"), bytes, "{name}");
        assert_eq!(
            (download.content_encoding(), download.received()),
            (encoding, bytes.len() as u64)
        );
        let length = (encoding.is_some() || bytes == &body).then_some(body.len() as u64);
        assert_eq!(download.length(), length, "{name}");
        assert_eq!(server.received()[0].header("accept-encoding"), Some("identity"));
    }
}

#[tokio::test(start_paused = true)]
async fn resumes_an_encoded_transfer_at_the_encoded_byte() {
    let text: String = (0..20_000).map(|n| format!("{n},")).collect();
    let body = gzip(&text);
    let encoded =
        |answer: Answer| answer.header("content-encoding", "gzip").header("etag", "\"v1\"");
    let (first, second) = (1_000, 30_000);
    let rest = |from: usize, to: usize| {
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        let answer = Answer::new(206, &body[from..to]).header("content-range", range);
        encoded(if to < body.len() { answer.closing_at(body.len() - from) } else { answer })
    };
    let (files, url) = file(vec![
        encoded(Answer::new(200, &body[..first]).closing_at(body.len())),
        rest(first, second),
        rest(second, body.len()),
    ])
    .await;
    let api = api(&[url]).await;
    let mut download = download(&api).await.expect("a file");
    assert_eq!(self::text(&mut download).await.expect("the file"), text);
    let ranges: Vec<_> =
        files.received().iter().map(|it| it.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, [None, Some(format!("bytes={first}-")), Some(format!("bytes={second}-"))]);
}

#[tokio::test(start_paused = true)]
async fn rejects_a_wrong_content_encoding() {
    let body = gzip("id\n1\n");
    for (answer, why) in [
        (Answer::new(200, "id\n1\n").header("content-encoding", "gzip"), "is not valid gzip"),
        (Answer::new(200, &body[..9]).header("content-encoding", "gzip"), "is not valid gzip"),
        (Answer::new(200, "id\n").header("content-encoding", "deflate"), "is not valid deflate"),
        (
            Answer::new(200, "id\n").header("content-encoding", "br"),
            "has an unsupported encoding (br)",
        ),
    ] {
        let (_files, url) = file(vec![answer]).await;
        let api = api(&[url]).await;
        let mut download = download(&api).await.expect("a file");
        let error = bytes_of(&mut download).await.expect_err(why);
        assert!(error.kind() == ErrorKind::Download && error.to_string().contains(why), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn rejects_html_instead_of_data() {
    let typed = || Answer::new(200, "log in").header("content-type", "text/html; charset=utf-8");
    // A gateway's page may be temporary.
    let (files, url) = file(vec![typed(), Answer::new(200, data(2))]).await;
    assert_eq!(all(&mut things(&api(&[url]).await).inline().paginate()).await, numbers(2));
    assert_eq!(files.received().len(), 2);

    const PAGE: &str = "\n<!DOCTYPE html><html><body>Log in</body></html>";
    for answer in [typed as fn() -> Answer, || Answer::new(200, PAGE)] {
        let server = Server::start(move |_| answer()).await;
        let api = api(&[format!("{}/f", server.url())]).await;
        let mut download = download(&api).await.expect("a file");
        for _ in 0..2 {
            let error = download.try_next().await.expect_err("no data");
            assert_eq!(error.kind(), ErrorKind::Download, "{error}");
            assert!(error.to_string().contains("is an HTML page"), "{error}");
        }
        // Also for files returned as bytes.
        let exporting = self::api(&[format!("{}/f.csv", server.url())]).await;
        let mut export = things(&exporting).export("l1").paginate();
        assert_eq!(export.try_next().await.expect_err("no CSV").kind(), ErrorKind::Download);
        // The file extension alone is enough.
        let url = |name| format!("{}/{name}", server.url());
        let named = |name| Download::new(&crate::client(&server), &url(name)).expect("a file");
        assert_eq!(
            bytes_of(&mut named("f.csv")).await.expect_err("no CSV").kind(),
            ErrorKind::Download
        );
    }
}

#[tokio::test(start_paused = true)]
async fn downloads_html_that_is_declared_as_html() {
    let (_files, url) =
        file(vec![Answer::new(200, "<html>").header("content-type", "text/html")]).await;
    let api = api(&[]).await;
    let mut download = Download::new(&crate::client(&api), &url).expect("a file");
    assert_eq!(text(&mut download).await.expect("a page"), "<html>");
}

#[tokio::test(start_paused = true)]
async fn retries_transient_errors_of_a_file_server() {
    for (status, requests, is_transient) in [
        (408, 5, true),
        (429, 5, true),
        (500, 5, true),
        (503, 5, true),
        (403, 1, false),
        (410, 1, false),
    ] {
        let server = Server::start(move |_| Answer::new(status, "")).await;
        let api = api(&[format!("{}/f", server.url())]).await;
        let error = download(&api).await.expect("a file").try_next().await.expect_err("no file");
        assert_eq!((error.status(), error.is_transient()), (Some(status), is_transient));
        assert_eq!(
            (error.kind() == ErrorKind::Download, server.received().len()),
            (true, requests),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn rejects_a_list_with_malformed_urls() {
    for (urls, why) in [
        (r#"["https://a.example/f",null]"#, "downloadUrls[1] is null"),
        (r#"["","https://a.example/f"]"#, "downloadUrls[0] is empty"),
        ("[{}]", "downloadUrls[0] is not a string"),
        ("[7]", "downloadUrls[0] is not a string"),
        ("\" \"", "downloadUrls is empty"),
    ] {
        let server = Server::start(move |request| match request.method.as_str() {
            "POST" => json(r#"{"job":{"id":"j1"}}"#),
            _ => json(&format!(r#"{{"job":{{"status":"Complete"}},"downloadUrls":{urls}}}"#)),
        })
        .await;
        let mut results = things(&server).inline().paginate();
        let error = results.try_next().await.expect_err(urls);
        assert!(error.kind() == ErrorKind::Paging && error.to_string().contains(why), "{error}");
        let mut job = things(&server).inline().submit().await.expect("a job");
        let error = job.downloads().await.expect_err(urls);
        assert!(error.to_string().contains(why) && !error.to_string().contains("a.example"));
    }
}

#[tokio::test(start_paused = true)]
async fn requests_urls_of_the_apps_host_at_the_api_with_the_token() {
    let (files, url) = file(vec![Answer::new(200, data(2)), Answer::new(200, data(3))]).await;
    let server = Server::start(move |request| match request.target.as_str() {
        "/inline" => json(r#"{"job":{"id":"j1"}}"#),
        "/inline/j1" => json(
            r#"{"job":{"status":"Complete"},"downloadUrls":[
                "https://apps.mypurecloud.com/platform/api/v2/downloads/7?a=b",
                "https://apps.mypurecloud.com/platform/api/v2/downloads/8"]}"#,
        ),
        "/api/v2/downloads/7?a=b" => Answer::new(302, "").header("location", url.clone()),
        // Without a redirect, the response has the URL.
        "/api/v2/downloads/8" => json(&format!(r#"{{"url":"{url}"}}"#)),
        other => panic!("{other}"),
    })
    .await;
    assert_eq!(all(&mut things(&server).inline().paginate()).await, ["1", "2", "1", "2", "3"]);
    let downloads = server.received().into_iter().filter(|it| it.target.starts_with("/api"));
    let tokens: Vec<_> =
        downloads.map(|it| it.header("authorization").map(str::to_owned)).collect();
    assert_eq!(tokens, [Some("Bearer a-token".to_owned()), Some("Bearer a-token".to_owned())]);
    files.received().iter().for_each(no_token);
}

#[tokio::test(start_paused = true)]
async fn rejected_credentials_are_an_authentication_error() {
    let server = Server::start(|request| match request.target.as_str() {
        "/inline" => json(r#"{"job":{"id":"j1"}}"#),
        "/inline/j1" => json(r#"{"job":{"status":"Complete"},"downloadUrls":["/f"]}"#),
        _ => Answer::json(401, "{}"),
    })
    .await;
    let error = things(&server).inline().paginate().try_next().await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error:?}");
    assert!(!error.to_string().contains("without success"), "{error}");
    // A new URL would be rejected as well.
    assert_eq!(asked(&server), ["POST /inline", "GET /inline/j1", "GET /f"]);
}
