//! Errors of settings, calls, logins and downloads.

use std::time::Duration;

use futures::executor::block_on;
use genesys_cloud_core::{
    Call, Client, Download, Error, Interval, Method, Operation, Region, Request,
};

use crate::server::{Answer, Server};
use crate::{Case, client, queues, serve};

async fn error_of(answer: fn() -> Answer) -> Error {
    let server = serve(answer).await;
    client(&server).build().expect("a client").execute(&queues()).await.expect_err("an error")
}

pub(crate) async fn cases() -> Vec<Case> {
    let mut cases = settings();
    cases.extend(network().await);
    cases.extend(statuses().await);
    cases.extend(logins().await);
    cases.extend(responses().await);
    cases.extend(downloads().await);
    cases
}

fn settings() -> Vec<Case> {
    let client = Client::builder().api_url("http://127.0.0.1:1").access_token("an-access-token");
    let client: Client = client.build().expect("a client");
    let nothing = Client::builder().build().map(|_: Client| ()).expect_err("no settings");
    let builder = Client::builder().region("eu-wst-1").api_url("http://gw.example.com/?key=secret");
    let builder = builder.access_token("a b").user_agent("a\nb").max_requests_per_second(-1.0);
    let invalid = builder.build().map(|_: Client| ()).expect_err("invalid settings");
    let mut too_long = queues();
    too_long.set_query("id", "x".repeat(20_000));
    let mut header = queues();
    header.set_header("Authorization", "Basic secret");
    let mut body = queues();
    body.set_body(&[f64::NAN]);
    let path = Request::new(Operation::new("getQueue", Method::Get, "/queues/{queueId}"));
    let invalid_request = |request: &Request| request.target().expect_err("invalid");
    vec![
        ("no settings", nothing),
        ("invalid settings", invalid),
        ("unknown region", "eu-wst-1".parse::<Region>().expect_err("no region")),
        ("invalid interval", "2026-05-01/soon".parse::<Interval>().expect_err("no interval")),
        ("path parameter not set", invalid_request(&path)),
        ("reserved header", invalid_request(&header)),
        ("number that JSON cannot represent", invalid_request(&body)),
        ("URL too long", invalid_request(&too_long)),
        (
            "no runtime",
            std::thread::spawn(move || {
                block_on(client.execute(&queues())).expect_err("no runtime")
            })
            .join()
            .expect("no panic"),
        ),
    ]
}

async fn network() -> Vec<Case> {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", port.local_addr().expect("an address"));
    drop(port);
    let builder = Client::builder().api_url(url).access_token("an-access-token").max_retries(0);
    let nowhere: Client = builder.build().expect("a client");
    let stalling = serve(|| Answer::new(200, "").stalling_at(1)).await;
    let timeout = Duration::from_millis(50);
    let stalling = client(&stalling).timeout(timeout).build().expect("a client");
    vec![
        ("no server", nowhere.execute(&queues()).await.expect_err("no server")),
        ("timeout", stalling.execute(&queues()).await.expect_err("a timeout")),
        ("truncated response", error_of(|| Answer::new(200, "part").closing_at(100)).await),
    ]
}

async fn statuses() -> Vec<Case> {
    let unavailable = serve(|| Answer::new(503, "")).await;
    let unavailable = client(&unavailable).build().expect("a client");
    let mut create =
        Request::new(Operation::new("postRoutingQueues", Method::Post, "/api/v2/routing/queues"));
    create.set_body("a queue");
    let limited = || Answer::json(429, "{}").header("retry-after", "3600");
    let limited = serve(limited).await;
    let limited = client(&limited).max_rate_limit_wait(Duration::from_secs(180));
    let limited = limited.build().expect("a client");
    vec![
        (
            "bad request",
            error_of(|| {
                let body =
                    r#"{"message":"The name is too long.","code":"bad.request","contextId":"abc"}"#;
                Answer::json(400, body)
            })
            .await,
        ),
        ("token rejected", error_of(|| Answer::json(401, "{}")).await),
        (
            "missing permission",
            error_of(|| Answer::json(403, r#"{"message":"Missing routing:queue:view"}"#)).await,
        ),
        ("blocked by a gateway", error_of(|| Answer::new(403, "<html>Forbidden</html>")).await),
        ("not found", error_of(|| Answer::json(404, r#"{"code":"not.found"}"#)).await),
        ("conflict", error_of(|| Answer::json(409, r#"{"message":"version 3 is newer"}"#)).await),
        ("URL rejected by the server", error_of(|| Answer::new(414, "")).await),
        ("headers rejected by the server", error_of(|| Answer::new(431, "")).await),
        (
            "redirect",
            error_of(|| Answer::new(302, "").header("location", "https://a.example")).await,
        ),
        ("rate limit", error_of(|| Answer::json(429, "{}").header("retry-after", "42")).await),
        ("rate limit, long pause", limited.execute(&queues()).await.expect_err("a limit")),
        ("rate limit, not sent", {
            let error = limited.execute(&queues()).await.expect_err("a limit");
            assert_eq!(error.attempts(), 0);
            error
        }),
        ("server error", error_of(|| Answer::new(502, "<h1>Bad Gateway</h1>")).await),
        ("unknown outcome", unavailable.execute(&create).await.expect_err("unavailable")),
    ]
}

async fn logins() -> Vec<Case> {
    async fn login(answer: fn() -> Answer) -> Error {
        let server = serve(answer).await;
        let builder = Client::builder().api_url(server.url()).login_url(server.url());
        let builder = builder.credentials("the-client-id", "the-client-secret").max_retries(0);
        let client: Client = builder.max_rate_limit_wait(Duration::ZERO).build().expect("a client");
        client.execute(&queues()).await.expect_err("no login")
    }
    let server = Server::start(|request| match request.is_login() {
        true => Answer::token("a-token", 300),
        false => Answer::json(401, "{}"),
    })
    .await;
    let builder = Client::builder().api_url(server.url()).login_url(server.url());
    let twice = builder.credentials("the-client-id", "the-client-secret");
    let twice: Client = twice.max_retries(0).build().expect("a client");
    let provider = || async { Err::<_, Box<dyn std::error::Error + Send + Sync>>("sealed".into()) };
    let provider = client(&server).token_provider(provider).build().expect("a client");
    let no_auth = client(&server).no_auth().build().expect("a client");
    vec![
        ("login rejected", login(|| Answer::json(400, r#"{"error":"invalid_client"}"#)).await),
        ("login rate limit", login(|| Answer::json(429, "{}")).await),
        ("not a login host", login(|| Answer::new(200, "<html>")).await),
        ("no token in the response", login(|| Answer::json(200, "{}")).await),
        ("two tokens rejected", twice.execute(&queues()).await.expect_err("rejected")),
        ("token provider", provider.execute(&queues()).await.expect_err("no token")),
        ("no authentication", no_auth.execute(&queues()).await.expect_err("rejected")),
    ]
}

async fn responses() -> Vec<Case> {
    let server = serve(|| Answer::json(200, r#"{"name":"a"}"#)).await;
    let plain = client(&server).build().expect("a client");
    let small = client(&server).max_body(5).build().expect("a client");
    let operation = queues().operation().clone();
    let number = Call::<i64>::new(&plain, operation.clone()).await.expect_err("not a number");
    let html = serve(|| Answer::new(200, "<html>")).await;
    let html = client(&html).build().expect("a client");
    let html = html.execute(&queues()).await.expect("HTML").json::<i64>().expect_err("not JSON");
    vec![
        ("response too large", small.execute(&queues()).await.expect_err("too large")),
        ("response of another type", number),
        ("response is not JSON", html),
    ]
}

async fn downloads() -> Vec<Case> {
    async fn download(answer: fn() -> Answer) -> Error {
        let server = serve(answer).await;
        // Another host than the API's, so that the file is fetched without a token.
        let url = format!("{}/f.csv?signature=secret", server.url());
        let other = Client::builder().api_url("http://[::1]:1").access_token("an-access-token");
        let other: Client = other.build().expect("a client");
        let mut download = Download::new(&other, &url).expect("a URL");
        loop {
            match download.try_next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("no error"),
                Err(error) => return error,
            }
        }
    }
    let plain = Client::builder().api_url("https://api.example").access_token("an-access-token");
    let plain: Client = plain.build().expect("a client");
    let rejected = |url: &str| Download::new(&plain, url).map(drop).expect_err("rejected");
    vec![
        ("file over plain HTTP", rejected("http://files.example/f?signature=secret")),
        ("invalid URL of a file", rejected("f.csv")),
        ("expired URL of a file", download(|| Answer::new(403, "")).await),
        ("unsupported encoding", {
            download(|| Answer::new(200, "a").header("content-encoding", "br")).await
        }),
        ("broken encoding", {
            download(|| Answer::new(200, "not gzip").header("content-encoding", "gzip")).await
        }),
    ]
}
