//! The token goes only to the configured host, and no secret is shown.

use std::fmt::{Debug, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::{StreamExt as _, TryStreamExt as _};
use genesys_cloud::Client;
use genesys_cloud::types::UpdateUser;
use genesys_cloud_mock::{CannedResponse, MockOrg, PageOverride};

use crate::{QUEUES, queues};

#[tokio::test]
async fn does_not_follow_redirects() {
    let elsewhere = MockOrg::start().await.expect("another org");
    for status in [301, 302, 303, 307, 308] {
        let (org, client) = queues(3).await;
        let redirect = CannedResponse::empty(status).header("Location", &elsewhere.url());
        org.respond_next(QUEUES, redirect).expect("an operation");
        let error = client.routing().queues().send().await.expect_err("a redirect");
        assert_eq!(error.status(), Some(status));
        assert!(error.to_string().contains("redirects are not followed"), "{error}");
        assert_eq!(org.requests_for(QUEUES).len(), 1);
    }
    assert_eq!(elsewhere.request_count(), 0);
}

#[tokio::test]
async fn rejects_a_next_link_to_another_host() {
    let elsewhere = MockOrg::start().await.expect("another org");
    let (org, client) = queues(60).await;
    let link = format!("{}/api/v2/routing/queues?pageNumber=2", elsewhere.url());
    let foreign = PageOverride::edit(move |page| page["nextUri"] = link.clone().into());
    org.override_page(QUEUES, 1, foreign).expect("a page");
    let read = client
        .routing()
        .queues()
        .paginate()
        .page_size(25)
        .try_fold(0, async |read, _| Ok(read + 1));
    assert_eq!(read.await.expect("all queues"), 60);
    assert_eq!(elsewhere.request_count(), 0);
}

#[tokio::test]
async fn no_secret_is_shown() {
    let (org, _) = queues(60).await;
    let mut shown = String::new();
    let mut show = |what: &dyn Debug| write!(shown, "{what:?} {what:#?} ").expect("memory");

    let builder = Client::builder()
        .api_url(org.url())
        .login_url(org.url())
        .credentials(org.client_id(), org.client_secret());
    show(&builder);
    let client: Client = builder.build().expect("a client");
    show(&client);
    show(&client.routing());
    let call = client
        .users()
        .patch_user("u", UpdateUser { title: Some("Lead".into()), ..Default::default() });
    show(&call.clone().send());
    show(&call.await.expect("a response"));
    let mut pages = client.routing().queues().name("Support*").paginate().page_size(25).pages();
    show(&pages);
    show(&pages.try_next().await.expect("a page"));
    // One error with the first token, one after the second and third were refused.
    org.respond_next(QUEUES, CannedResponse::error(500, "internal", "Oh")).expect("an operation");
    show(&client.routing().queues().send().await.expect_err("an error"));
    org.revoke_tokens();
    org.respond_next(QUEUES, CannedResponse::unauthorized()).expect("an operation");
    let refused = client.routing().queues().name("Jane Roe").send().await.expect_err("refused");
    show(&refused);
    show(&format_args!("{refused}"));

    assert!(shown.contains(&org.client_id()), "an id is not a secret");
    for secret in [org.client_secret().as_str(), "mock-secret", "mock-token", "Bearer m", "Basic "]
    {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// A string in the encodings in which a server may echo it.
fn encodings(text: &str) -> Vec<String> {
    let each = |encode: &dyn Fn(u8) -> String| text.bytes().map(encode).collect::<String>();
    vec![
        text.to_owned(),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("\\u{byte:04x}")),
        STANDARD.encode(text),
        STANDARD.encode(format!("id:{text}")),
        URL_SAFE_NO_PAD.encode(format!("{text}?")),
    ]
}

#[tokio::test]
async fn hides_credentials_that_the_api_echoes() {
    let (org, logging_in) = queues(3).await;
    let (token, secret) = (org.access_token(), org.client_secret());
    let with_token = Client::builder().api_url(org.url()).access_token(&*token).build();
    let with_token: Client = with_token.expect("a client");
    let mut shown = String::new();
    for (client, credential) in [(&logging_in, &secret), (&with_token, &token)] {
        for echo in encodings(credential) {
            let url = format!("https://u:pw-of-u@b.example/f?a={echo}&X-Amz-Signature=sig-of-f");
            let body = |message: &str| {
                serde_json::json!({
                    "message": message, "code": echo, "contextId": echo, "status": 400,
                    "errors": [{ "message": url }], "messageParams": { "sent": echo },
                })
            };
            for (status, message) in
                [(400, &echo), (403, &url), (404, &echo), (200, &echo), (302, &url)]
            {
                let response =
                    CannedResponse::json(status, &body(message)).header("Location", &url);
                org.respond_next(QUEUES, response).expect("an operation");
                let pages = client.routing().queues().paginate().pages();
                let error = pages.into_future().await.0.expect("a page").expect_err("an error");
                writeln!(shown, "{error} {error:?} {:?}", error.body()).expect("memory");
            }
        }
    }
    assert!(shown.contains("[redacted]"), "{shown}");
    assert!(!shown.contains("pw-of-u") && !shown.contains("sig-of-f"), "{shown}");
    for trace in [&token, &secret].into_iter().flat_map(|it| encodings(it)) {
        let trace = &trace[2..trace.len() - 3];
        assert!(!shown.contains(trace), "{trace} in {shown}");
    }
}
