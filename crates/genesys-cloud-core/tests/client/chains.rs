//! The messages of errors, and the chains of their sources.

use genesys_cloud_core::{Client, Download, Error, ErrorKind, StoreError};

use crate::server::{Answer, Server};
use crate::{logging_in, queues, with_token};

/// Formats the chain as `anyhow` does with `{:#}`.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

/// A client whose API does not exist, and its host.
async fn nowhere() -> (Client, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let builder = Client::builder().api_url(format!("http://{host}"));
    let client = builder.access_token("token").max_retries(0).build();
    (client.expect("a client"), host)
}

#[tokio::test]
async fn a_chain_repeats_nothing() {
    const CALL: &str = "GET /api/v2/routing/queues (getRoutingQueues) failed";
    let (client, host) = nowhere().await;
    let refused = client.execute(&queues()).await.expect_err("no server");

    let server = Server::start(|_| Answer::new(200, "partial").closing_at(100)).await;
    let client = with_token(&server).build().expect("a client");
    let broken = client.execute(&queues()).await.expect_err("cut off");

    let server = Server::start(|_| {
        Answer::json(404, r#"{"message":"No such queue.","code":"not.found","contextId":"abc"}"#)
    })
    .await;
    let client = with_token(&server).build().expect("a client");
    let missing = client.execute(&queues()).await.expect_err("no queue");

    let server = Server::start(|_| Answer::json(400, r#"{"error":"invalid_client"}"#)).await;
    let login = server.url().trim_start_matches("http://").to_owned();
    let client = logging_in(&server).build().expect("a client");
    let login_refused = client.execute(&queues()).await.expect_err("no login");

    let server = Server::start(|_| Answer::new(403, "")).await;
    let file = format!("{}/f?signature=secret", server.url().replace("127.0.0.1", "localhost"));
    let client = with_token(&server).build().expect("a client");
    let mut download = Download::new(&client, &file).expect("a URL");
    let file_refused = download.try_next().await.expect_err("no file");
    let files = file.split('/').nth(2).expect("a host");
    let unsafe_url = Download::new(&client, "http://files.example.com/f").expect_err("no https");

    let provider = || async { Err::<_, Box<dyn std::error::Error + Send + Sync>>("sealed".into()) };
    let client = with_token(&server).token_provider(provider).build().expect("a client");
    let provider = client.execute(&queues()).await.expect_err("no token");

    for (error, kind, own, cause, advice) in [
        (
            refused,
            ErrorKind::Connect,
            format!("{CALL}: could not connect to {host}"),
            ": Connection refused (os error 111)",
            "; check the network, the proxy, and the region or URL of the client",
        ),
        (
            broken,
            ErrorKind::Interrupted,
            format!("{CALL}: the response (200 OK) was cut off"),
            ": end of file before message length reached",
            "",
        ),
        (
            missing,
            ErrorKind::NotFound,
            format!("{CALL}: answered 404 Not Found (not.found): No such queue"),
            "",
            " (correlation id abc)",
        ),
        (
            login_refused,
            ErrorKind::Authentication,
            format!("{CALL}: login at {login}: answered 400 Bad Request (invalid_client)"),
            "",
            "; check the client id (GENESYS_CLOUD_CLIENT_ID) and secret (GENESYS_CLOUD_CLIENT_SECRET), that the OAuth \
             client has the grant type Client Credentials, and that its organization is in this region",
        ),
        (
            file_refused,
            ErrorKind::Download,
            format!(
                "GET http://{files}/.. (download) failed: the file at {files} is unavailable: its server answered \
                 403 Forbidden"
            ),
            "",
            "; its URL may have expired: get a new one from the job",
        ),
        (
            unsafe_url,
            ErrorKind::Download,
            "the URL of the file was rejected: it is not https".to_owned(),
            "",
            "",
        ),
        (
            provider,
            ErrorKind::Authentication,
            format!("{CALL}: the token provider failed"),
            ": sealed",
            "",
        ),
        (
            StoreError::new("disk full").into(),
            ErrorKind::CheckpointStore,
            "the checkpoint store failed".to_owned(),
            ": disk full",
            "",
        ),
    ] {
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.to_string(), format!("{own}{advice}"));
        assert_eq!(chain(&error), format!("{own}{advice}{cause}"));
        assert_eq!(format!("{error:#}"), format!("{own}{cause}{advice}"));
    }
}

#[tokio::test]
async fn the_source_is_the_error_of_the_operating_system() {
    let (client, _) = nowhere().await;
    let error = client.execute(&queues()).await.expect_err("no server");
    let source = std::error::Error::source(&error).expect("a source");
    let source = source.downcast_ref::<std::io::Error>().expect("an I/O error");
    assert_eq!(source.kind(), std::io::ErrorKind::ConnectionRefused);
}
