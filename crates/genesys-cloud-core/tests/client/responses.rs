//! Requests as sent, and responses as decoded.

use std::rc::Rc;

use genesys_cloud_core::{
    Call, Client, ClientBuilder, Decode, DecodeError, Download, ErrorKind, Method, Operation,
    RawResponse, Request, Response,
};

use crate::server::{Answer, Server};
use crate::{queues, with_token};

/// `{"ok":true}`
const GZIPPED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 202, 207, 86, 178, 42, 41, 42, 77, 173, 5, 0, 144,
    95, 212, 167, 11, 0, 0, 0,
];

const POST: Operation =
    Operation::from_static("postThings", Method::Post, "/api/v2/things/{thingId}");

/// The result of an operation. Deliberately not `Send`.
#[derive(Debug)]
struct Ok(Rc<bool>);

impl Decode for Ok {
    fn decode(response: &RawResponse) -> Result<Self, DecodeError> {
        let json: serde_json::Value = serde_json::from_slice(response.body())?;
        json["ok"].as_bool().map(|ok| Self(Rc::new(ok))).ok_or_else(|| DecodeError::new("no `ok`"))
    }
}

#[tokio::test]
async fn a_call_is_sent_with_its_settings() {
    let server = Server::start(|_| Answer::json(200, r#"{"ok":true}"#)).await;
    let client = with_token(&server).user_agent("nightly/1.2").build().expect("a client");
    let mut call = Call::<Ok>::new(&client, POST);
    call.request_mut().set_path("thingId", "a/b %c").set_body(&serde_json::json!({"manager": "x"}));
    let response = call.header("x-a", "b").query("q", "1&2=3").set_null("/manager").await;

    assert!(*response.expect("a response").into_value().0);
    let received = &server.received()[0];
    assert_eq!(received.method, "POST");
    assert_eq!(received.target, "/api/v2/things/a%2Fb%20%25c?q=1%262%3D3");
    assert_eq!(received.body, r#"{"manager":null}"#);
    assert_eq!(received.header("x-a"), Some("b"));
    assert_eq!(received.header("accept"), Some("application/json, */*;q=0.1"));
    assert_eq!(received.header("accept-encoding"), Some("gzip"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    let user_agent = concat!("genesys-cloud-rust/", env!("CARGO_PKG_VERSION"), " nightly/1.2");
    assert_eq!(received.header("user-agent"), Some(user_agent));
}

#[tokio::test]
async fn a_post_without_body_has_a_length() {
    let server = Server::start(|_| Answer::new(204, "")).await;
    let client = with_token(&server).build().expect("a client");
    let mut request = Request::new(POST);
    request.set_path("thingId", "1");
    client.execute(&request).await.expect("a response");
    let received = &server.received()[0];
    assert_eq!(received.header("content-length"), Some("0"));
    assert_eq!(received.header("content-type"), None);
}

#[tokio::test]
async fn headers_of_the_request_override_defaults() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    let client = with_token(&server).build().expect("a client");
    let mut request = queues();
    request.set_header("accept", "text/csv").set_header("content-type", "text/plain").set_body("");
    client.execute(&request).await.expect("a response");
    let received = &server.received()[0];
    assert_eq!(received.header("accept"), Some("text/csv"));
    assert_eq!(received.header("content-type"), Some("text/plain"));
}

#[tokio::test]
async fn the_path_prefix_of_a_gateway_is_kept() {
    let server = Server::start(|_| Answer::new(200, "")).await;
    let url = format!("{}/genesys/", server.url());
    let client = Client::builder().api_url(url).access_token("token").build().expect("a client");
    assert_eq!(client.api_url(), format!("{}/genesys", server.url()));
    client.execute(&queues()).await.expect("a response");
    assert_eq!(server.received()[0].target, "/genesys/api/v2/routing/queues");
}

#[tokio::test]
async fn a_response_has_status_headers_and_correlation_id() {
    let server = Server::start(|_| {
        Answer::json(202, r#"{"ok":true}"#)
            .header("inin-correlation-id", "abc")
            .header("inin-ratelimit-count", "7")
            .header("set-cookie", "session=secret")
    })
    .await;
    let client = with_token(&server).build().expect("a client");
    let response: Response<Ok> = Call::new(&client, Operation::from_static("get", Method::Get, "/"))
        .send()
        .await
        .expect("an undocumented 2xx is a success");
    assert_eq!((response.status(), response.correlation_id()), (202, Some("abc")));
    assert_eq!(response.headers()["inin-ratelimit-count"], "7");
    assert!(*response.value().0);
    assert!(!format!("{response:?}").contains("session"), "{response:?}");
    let response = response.map(|ok| *ok.0);
    assert_eq!((response.status(), response.into_value()), (202, true));
}

#[tokio::test]
async fn a_raw_response_can_be_read_in_several_ways() {
    let server = Server::start(|_| Answer::json(200, r#"{"ok":true}"#)).await;
    let client = with_token(&server).build().expect("a client");
    let response =
        Call::<RawResponse>::new(&client, Operation::from_static("get", Method::Get, "/")).await;
    let response = response.expect("a response").into_value();
    assert_eq!((response.status(), response.content_type()), (200, Some("application/json")));
    assert_eq!((response.text().as_ref(), response.body().len()), (r#"{"ok":true}"#, 11));
    assert_eq!(response.json::<serde_json::Value>().expect("JSON")["ok"], true);
    let server = Server::start(|_| Answer::json(200, "\u{feff}{\"ok\":true}")).await;
    let client = with_token(&server).build().expect("a client");
    let response = client.execute(&queues()).await.expect("a response");
    assert_eq!(response.json::<serde_json::Value>().expect("JSON")["ok"], true);
    assert!(!format!("{response:?}").contains("true"), "bodies are not shown: {response:?}");
}

#[tokio::test]
async fn bytes_are_unchanged_in_both_directions() {
    const BYTES: &[u8] = b"\xef\xbb\xbf{\"n\": 1.50}\xff\x00";
    let server = Server::start(|_| {
        Answer::new(200, BYTES).header("content-type", "application/octet-stream")
    })
    .await;
    let client = with_token(&server).build().expect("a client");
    let mut call =
        Call::<bytes::Bytes>::new(&client, Operation::from_static("put", Method::Put, "/"));
    call.request_mut().set_body_bytes(&b"{\"n\": 1.50} "[..], "application/octet-stream");
    assert_eq!(&**call.await.expect("a response").value(), BYTES);
    let received = &server.received()[0];
    assert_eq!(received.body, "{\"n\": 1.50} ");
    assert_eq!(received.header("content-type"), Some("application/octet-stream"));
}

#[tokio::test]
async fn an_operation_without_a_result_accepts_any_body() {
    let server = Server::start(|_| Answer::new(204, "")).await;
    let client = with_token(&server).build().expect("a client");
    let call = Call::<()>::new(&client, Operation::from_static("delete", Method::Delete, "/"));
    assert_eq!(call.clone().await.expect("a response").status(), 204);
    assert_eq!(call.send().await.expect("a response").status(), 204);
    assert_eq!(server.received()[1].method, "DELETE");
}

#[tokio::test]
async fn an_accepted_status_is_a_success() {
    let server = Server::start(|_| Answer::new(304, "")).await;
    let client = with_token(&server).build().expect("a client");
    let operation = Operation::from_static("get", Method::Get, "/");
    let conditional = operation.clone().also_accepting(&[304]);
    assert_eq!(Call::<()>::new(&client, conditional).await.expect("a response").status(), 304);
    assert!(Call::<()>::new(&client, operation).await.is_err());
}

#[tokio::test]
async fn a_decoding_error_does_not_quote_the_body() {
    for (body, expected) in [
        (r#"{"name":"Jane Doe"}"#, "no `ok`"),
        (r#"{"name":"Jane Doe"#, "EOF while parsing a string at line 1 column 17"),
        ("<html>Jane Doe</html>", "expected value at line 1 column 1"),
        ("", "EOF while parsing a value at line 1 column 0"),
    ] {
        let server =
            Server::start(move |_| Answer::json(200, body).header("inin-correlation-id", "abc"))
                .await;
        let client = with_token(&server).build().expect("a client");
        let error =
            Call::<Ok>::new(&client, Operation::from_static("getOk", Method::Get, "/ok")).await;
        let error = error.expect_err("not an Ok");
        assert!(error.kind() == ErrorKind::Decode && !error.is_transport());
        assert_eq!((error.status(), error.correlation_id()), (Some(200), Some("abc")));
        let length = body.len();
        assert_eq!(
            error.to_string(),
            format!(
                "GET /ok (getOk) failed: the response (200 OK, application/json, {length} bytes) could not \
                 be decoded: {expected}; `Client::execute` returns the raw response (correlation id abc)"
            )
        );
        assert!(!format!("{error:?}").contains("Jane"));
    }
}

#[tokio::test]
async fn a_type_error_does_not_quote_the_value() {
    let server = Server::start(|_| Answer::json(200, r#""Jane \", expected Doe""#)).await;
    let client = with_token(&server).build().expect("a client");
    let response = client.execute(&queues()).await.expect("a response");
    let error = response.json::<u32>().expect_err("not a number");
    assert_eq!(error.kind(), ErrorKind::Decode);
    let expected = "could not be decoded: invalid type: string …, expected u32 at line 1 column 23";
    assert!(error.to_string().contains(expected), "{error}");
    assert!(!format!("{error:?}").contains("Jane"));
}

#[tokio::test]
async fn a_gzipped_response_is_decompressed() {
    let server =
        Server::start(|_| Answer::new(200, GZIPPED).header("content-encoding", "gzip")).await;
    let client = with_token(&server).build().expect("a client");
    let response = client.execute(&queues()).await.expect("a response");
    assert_eq!(response.text(), r#"{"ok":true}"#);
}

#[tokio::test]
async fn a_body_may_have_exactly_the_maximum_size() {
    let in_many_pieces = vec![b' '; 1 << 20];
    for (encoding, body, length) in [
        ("identity", br#"{"ok":true}"#.to_vec(), 11),
        ("identity", in_many_pieces, 1 << 20),
        ("gzip", GZIPPED.to_vec(), 11),
    ] {
        let answer = move || Answer::new(200, body.clone()).header("content-encoding", encoding);
        let server = Server::start(move |_| answer()).await;
        let client = with_token(&server).max_body(length).build().expect("a client");
        let response = client.execute(&queues()).await.expect("a response");
        assert_eq!(response.body().len(), length);

        let client = with_token(&server).max_body(length - 1).build().expect("a client");
        let error = client.execute(&queues()).await.expect_err("too large");
        assert!(error.kind() == ErrorKind::TooLarge && !error.is_transport());
        assert_eq!(error.status(), Some(200));
        assert!(
            error.to_string().contains(&format!("exceeds {} bytes", length - 1)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn truncated_gzip_is_an_error() {
    let server =
        Server::start(|_| Answer::new(200, &GZIPPED[..20]).header("content-encoding", "gzip"))
            .await;
    let client = with_token(&server).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("half a body");
    assert!(error.is_transport(), "{error}");
}

/// A proxy that refuses all tunnels.
async fn proxy() -> (Server, String) {
    let proxy = Server::start(|request| match request.method.as_str() {
        "CONNECT" => Answer::new(502, ""),
        _ => Answer::new(200, ""),
    })
    .await;
    let url = proxy.url().replace("http://", "http://user:hunter2@");
    (proxy, url)
}

#[tokio::test]
async fn a_proxy_gets_only_tunnels_and_its_password_is_not_shown() {
    let (proxy, url) = proxy().await;
    let builder = Client::builder().access_token("token").proxy(&url).region("mypurecloud.ie");
    let shown = format!("{builder:?}");
    let client = builder.max_retries(0).build().expect("a client");
    let error = client.execute(&queues()).await.expect_err("the proxy refuses");
    assert_eq!(error.kind(), ErrorKind::Connect);
    let received = &proxy.received()[0];
    assert_eq!(
        (received.method.as_str(), received.target.as_str()),
        ("CONNECT", "api.mypurecloud.ie:443")
    );
    assert_eq!(received.header("proxy-authorization"), Some("Basic dXNlcjpodW50ZXIy"));
    assert_eq!(received.header("authorization"), None);
    for shown in [shown, format!("{client:?}"), format!("{error:?}"), format!("{error}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[tokio::test]
async fn plain_http_bypasses_proxies_whatever_else_the_client_calls() {
    let server = Server::start(|request| match request.is_login() {
        true => Answer::token("the-token", 86_400),
        false => Answer::new(200, "a,b\n"),
    })
    .await;
    let (proxy, url) = proxy().await;
    let local = server.url();
    let far = "https://gw.example.invalid";
    let builder = |api: &str, login: &str| {
        let builder = Client::builder().api_url(api).login_url(login).proxy(&url).max_retries(0);
        builder.credentials("the-client-id", "hunter2-the-client-secret")
    };
    // With one or both hosts on this machine.
    let client = builder(local, local).build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    assert_eq!((server.received().len(), proxy.received().len()), (2, 0));
    let file = Download::new(&client, &format!("{local}/f.csv")).expect("a file").try_next().await;
    assert_eq!(file.expect("a file").as_deref(), Some(&b"a,b\n"[..]));
    assert_eq!((server.received().len(), proxy.received().len()), (3, 0));
    let client = builder(far, local).build().expect("a client");
    client.execute(&queues()).await.expect_err("the proxy refuses");
    assert_eq!((server.received().len(), proxy.received().len()), (4, 1));
    let client = builder(local, far).build().expect("a client");
    client.execute(&queues()).await.expect_err("the proxy refuses");
    assert_eq!((server.received().len(), proxy.received().len()), (4, 2));
    // With a local API, files on other hosts still go through the proxy.
    let client = Client::builder().api_url(local).access_token("the-token").proxy(&url);
    let client = client.build().expect("a client");
    client.execute(&queues()).await.expect("a response");
    tokio::time::pause();
    let mut file = Download::new(&client, "https://files.example.invalid/f.csv?sig=x");
    file.as_mut().expect("a file").try_next().await.expect_err("the proxy refuses");
    let received = proxy.received();
    assert!(received.len() > 2 && received.iter().all(|request| request.method == "CONNECT"));
    assert_eq!(received.last().expect("one").target, "files.example.invalid:443");
    assert!(received.iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test]
async fn the_builder_builds_clients_of_other_crates() {
    struct Facade(Client);
    impl From<Client> for Facade {
        fn from(client: Client) -> Self {
            Self(client)
        }
    }
    let builder = ClientBuilder::<Facade>::new().region("eu_west_1").access_token("token");
    assert_eq!(builder.build().expect("a client").0.api_url(), "https://api.mypurecloud.ie");
}

#[test]
fn calls_can_be_spawned_whatever_they_return() {
    fn can_be_spawned<T: Send + 'static>(_: &T) {}
    let client = Client::builder().region("mypurecloud.ie").access_token("token").build();
    let call = Call::<Ok>::new(
        &client.expect("a client"),
        Operation::from_static("get", Method::Get, "/"),
    );
    can_be_spawned(&call);
    can_be_spawned(&call.send());
}
