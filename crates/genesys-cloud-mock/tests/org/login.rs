use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use genesys_cloud_mock::MockOrg;
use http::{Request, header};
use http_body_util::Full;

use crate::client::{Client, ClientResponse};

const FORM: &str = "grant_type=client_credentials";

async fn log_in(client: &mut Client, id: &str, secret: &str, form: &'static str) -> ClientResponse {
    let credentials = BASE64_STANDARD.encode(format!("{id}:{secret}"));
    let request = Request::post("/oauth/token")
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, format!("Basic {credentials}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(form)))
        .expect("a request");
    client.send_request(request).await
}

#[tokio::test]
async fn a_client_logs_in_and_calls_with_the_token() {
    let lifetime = Duration::from_secs(600);
    let org = MockOrg::builder().token_lifetime(lifetime).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let response = log_in(&mut client, &org.client_id(), &org.client_secret(), FORM).await;
    assert_eq!(response.status, 200);
    let login = response.json();
    assert_eq!((&login["token_type"], &login["expires_in"]), (&"bearer".into(), &600.into()));
    client.token = login["access_token"].as_str().map(str::to_owned);
    assert_eq!(client.get("/api/v2/users/me").await.status, 200);
    assert_eq!(org.logins(), 1);
}

#[tokio::test]
async fn refuses_wrong_credentials_like_the_service() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let response = log_in(&mut client, &org.client_id(), "wrong", FORM).await;
    let refusal = serde_json::json!({
        "error": "invalid_client",
        "description": "authentication failed",
        "error_description": "authentication failed",
    });
    assert_eq!((response.status, response.json()), (400, refusal));
    let response = log_in(&mut client, "someone", &org.client_secret(), FORM).await;
    assert_eq!(response.json()["error_description"], "client not found");
    let form = "grant_type=password";
    let response = log_in(&mut client, &org.client_id(), &org.client_secret(), form).await;
    assert_eq!(response.json()["error"], "unsupported_grant_type");
    assert_eq!(org.logins(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_expires_after_its_lifetime() {
    let lifetime = Duration::from_secs(300);
    let org = MockOrg::builder().token_lifetime(lifetime).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    tokio::time::advance(Duration::from_secs(299)).await;
    assert_eq!(client.get("/api/v2/users/me").await.status, 200);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(client.get("/api/v2/users/me").await.status, 401);
}

#[tokio::test]
async fn refuses_revoked_tokens_and_accepts_new_ones() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    org.revoke_tokens();
    let response = client.get("/api/v2/users/me").await;
    assert_eq!((response.status, &response.json()["code"]), (401, &"bad.credentials".into()));
    client.token = Some(org.access_token());
    assert_eq!(client.get("/api/v2/users/me").await.status, 200);
}
