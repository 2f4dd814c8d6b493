use genesys_cloud_mock::MockOrg;
use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn every_response_has_a_correlation_id_and_rate_limit_headers() {
    let org = MockOrg::builder().calls_per_minute(180).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let first = client.get("/api/v2/users/me").await;
    let second = client.get("/api/v2/users/me?expand=presence").await;
    assert_eq!(second.header("inin-ratelimit-count"), "2");
    assert_eq!(second.header("inin-ratelimit-allowed"), "180");
    assert!(second.header("inin-ratelimit-reset").parse::<u64>().is_ok_and(|it| it <= 60));
    assert_ne!(first.header("inin-correlation-id"), second.header("inin-correlation-id"));
}

#[tokio::test(start_paused = true)]
async fn refuses_calls_beyond_the_rate_limit() {
    let org = MockOrg::builder().calls_per_minute(2).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    assert_eq!(client.get("/api/v2/users/me").await.status, 200);
    assert_eq!(client.get("/api/v2/users/me").await.status, 200);
    let response = client.get("/api/v2/users/me").await;
    assert_eq!((response.status, response.header("retry-after")), (429, "60"));
    assert_eq!(response.json()["code"], "too.many.requests.retry.after");

    let mut other = Client::of(&org).await;
    assert_eq!(other.get("/api/v2/users/me").await.status, 200);
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    assert_eq!(client.get("/api/v2/users/me").await.status, 200);
}

#[tokio::test]
async fn an_error_has_the_format_of_the_service() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let response = client.get("/api/v2/nothing").await;
    let body = json!({
        "message": "The requested resource was not found.",
        "code": "not.found",
        "status": 404,
        "contextId": response.header("inin-correlation-id"),
        "details": [],
        "errors": [],
    });
    assert_eq!((response.status, response.json()), (404, body));
    assert_eq!(client.send("DELETE", "/api/v2/users", "".into()).await.status, 405);
}

#[tokio::test]
async fn refuses_a_call_without_a_valid_token() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    client.token = None;
    let response = client.get("/api/v2/users/me").await;
    assert_eq!(
        (response.status, &response.json()["code"]),
        (401, &"authentication.required".into())
    );
    client.token = Some("made up".to_owned());
    assert_eq!(client.get("/api/v2/users/me").await.json()["code"], "bad.credentials");
}

#[tokio::test]
async fn refuses_parameters_that_do_not_parse() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    for query in ["pageNumber=0", "pageSize=0", "pageSize=-1"] {
        let response = client.get(&format!("/api/v2/routing/queues?{query}")).await;
        assert_eq!(
            (response.status, &response.json()["code"]),
            (400, &"bad.request".into()),
            "{query}"
        );
    }
    for query in ["pageSize=abc", "pageNumber=2147483648", "pageNumber=", "hasPeer=maybe"] {
        let response = client.get(&format!("/api/v2/routing/queues?{query}")).await;
        assert_eq!(
            (response.status, &response.json()["code"]),
            (400, &"invalid.value".into()),
            "{query}"
        );
    }
    let query = "sortOrder=sideways&unheard=of";
    assert_eq!(client.get(&format!("/api/v2/routing/queues?{query}")).await.status, 200);
}

#[tokio::test]
async fn refuses_requests_without_required_parameters() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let response = client.get("/api/v2/authorization/divisionspermitted/me").await;
    assert_eq!(
        (response.status, &response.json()["details"][0]["fieldName"]),
        (400, &"permission".into())
    );

    let response = client.send("POST", "/api/v2/routing/queues", "".into()).await;
    assert_eq!(response.json()["details"][0]["fieldName"], "body");
    let response = client.send("POST", "/api/v2/routing/queues", "{".into()).await;
    assert_eq!((response.status, &response.json()["code"]), (400, &"bad.request".into()));
    let form = http::Request::post("/api/v2/routing/queues")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {}", org.access_token()))
        .header("content-type", "text/plain")
        .body(http_body_util::Full::new("{}".into()))
        .expect("a request");
    assert_eq!(client.send_request(form).await.status, 415);
}
