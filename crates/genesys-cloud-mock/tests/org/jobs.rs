//! Jobs over the wire, as seen by a client that knows one job spec.

use std::time::Duration;

use bytes::Bytes;
use genesys_cloud_mock::{CannedResponse, Expected, JobEnd, JobPace, JobScenario, MockOrg};
use http::{Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::client::{Client, ClientResponse};

const DETAILS: &str = "postAnalyticsConversationsDetailsJobs";
const DETAILS_PATH: &str = "/api/v2/analytics/conversations/details/jobs";
const AUDITS: &str = "postAuditsQuery";
const EXPORT: &str = "postFlowsDatatableExportJobs";
const EXPORT_PATH: &str = "/api/v2/flows/datatables/t/export/jobs";

async fn org_and_client() -> (MockOrg, Client) {
    let org = MockOrg::start().await.expect("an org");
    let client = Client::of(&org).await;
    (org, client)
}

async fn submit(client: &mut Client, path: &str, id: &str) -> String {
    let response = client.post(path, &json!({})).await;
    assert!(matches!(response.status, 200..=202), "{response:?}");
    response.json().pointer(id).and_then(Value::as_str).expect("an id").to_owned()
}

async fn state(client: &mut Client, path: &str) -> Value {
    let status = client.get(path).await.json();
    status.get("state").or(status.get("status")).cloned().unwrap_or_default()
}

/// Fetches a file without a token, optionally from an offset.
async fn fetch(org: &MockOrg, link: &str, from: Option<usize>) -> Option<ClientResponse> {
    let path = link.strip_prefix(&org.files_url()).expect("a file of the org");
    let mut files = Client::of_files(org).await;
    let range = from.map(|from| format!("bytes={from}-"));
    files.try_get(path, range.as_deref()).await
}

#[tokio::test]
async fn a_job_passes_through_the_states_of_the_document() {
    let (org, mut client) = org_and_client().await;
    org.job_scenario(DETAILS, JobScenario::Slow).expect("it applies");
    org.job_pace(DETAILS, JobPace::Polls(4)).expect("jobs");
    org.set_job_records(DETAILS, 7).expect("a list");
    let id = submit(&mut client, DETAILS_PATH, "/jobId").await;
    let (status, results) =
        (format!("{DETAILS_PATH}/{id}"), format!("{DETAILS_PATH}/{id}/results"));
    assert_eq!(client.get(&results).await.status, 400);
    let mut states = Vec::new();
    for _ in 0..5 {
        states.push(state(&mut client, &status).await);
    }
    assert_eq!(states, ["QUEUED", "QUEUED", "PENDING", "PENDING", "FULFILLED"]);
    let page = client.get(&format!("{results}?pageSize=5")).await.json();
    let cursor = page["cursor"].as_str().expect("a cursor");
    let rest = client.get(&format!("{results}?pageSize=5&cursor={cursor}")).await.json();
    let pages = [&page["conversations"], &rest["conversations"]];
    let items = pages.into_iter().flat_map(|it| it.as_array().expect("items"));
    let keys: Vec<_> = items.map(Expected::key).collect();
    assert_eq!(keys, org.expected_job(DETAILS).expect("jobs").records);
}

#[tokio::test(start_paused = true)]
async fn a_job_runs_and_expires_on_the_tokio_clock() {
    let lifetime = Duration::from_secs(3_600);
    let org = MockOrg::builder().job_lifetime(lifetime).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    org.job_pace(DETAILS, JobPace::Time(Duration::from_secs(60))).expect("jobs");
    let path = format!("{DETAILS_PATH}/{}", submit(&mut client, DETAILS_PATH, "/jobId").await);
    assert_eq!(state(&mut client, &path).await, "QUEUED");
    tokio::time::advance(Duration::from_secs(40)).await;
    assert_eq!(state(&mut client, &path).await, "PENDING");
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(state(&mut client, &path).await, "FULFILLED");
    assert_eq!(client.get(&format!("{path}/results")).await.status, 200);
    let before = client.get(&path).await.header("date").to_owned();
    tokio::time::advance(lifetime).await;
    assert_eq!(state(&mut client, &path).await, "EXPIRED");
    assert_eq!(client.get(&format!("{path}/results")).await.status, 404);
    assert_ne!(client.get(&path).await.header("date"), before);
}

#[tokio::test]
async fn a_job_is_cancelled_by_the_client_or_by_others() {
    let (org, mut client) = org_and_client().await;
    org.job_scenario(DETAILS, JobScenario::Slow).expect("it applies");
    let path = format!("{DETAILS_PATH}/{}", submit(&mut client, DETAILS_PATH, "/jobId").await);
    assert!(client.send("DELETE", &path, Bytes::new()).await.status < 300);
    assert_eq!(state(&mut client, &path).await, "CANCELLED");
    assert_eq!(client.get(&format!("{path}/results")).await.status, 400);

    org.job_scenario(AUDITS, JobScenario::CancelledElsewhere).expect("it applies");
    let id = submit(&mut client, "/api/v2/audits/query", "/id").await;
    let path = format!("/api/v2/audits/query/{id}");
    assert_eq!(state(&mut client, &path).await, "Queued");
    assert_eq!(state(&mut client, &path).await, "Cancelled");
    assert_eq!(org.expected_job(AUDITS).expect("jobs").end, JobEnd::Cancelled);
}

#[tokio::test]
async fn failures_while_polling_look_like_those_of_the_service() {
    let (org, mut client) = org_and_client().await;
    org.job_scenario(DETAILS, JobScenario::TransientErrors).expect("it applies");
    let path = format!("{DETAILS_PATH}/{}", submit(&mut client, DETAILS_PATH, "/jobId").await);
    assert_eq!(client.get(&path).await.status, 503);
    let limited = client.get(&path).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "1"));
    assert_eq!(state(&mut client, &path).await, "PENDING");
    assert_eq!(state(&mut client, &path).await, "FULFILLED");

    org.job_scenario(DETAILS, JobScenario::FailsWithMessage).expect("it applies");
    let path = format!("{DETAILS_PATH}/{}", submit(&mut client, DETAILS_PATH, "/jobId").await);
    client.get(&path).await;
    let status = client.get(&path).await.json();
    let message = org.expected_job(DETAILS).expect("jobs").message.expect("a message");
    assert_eq!((&status["state"], &status["errorMessage"]), (&json!("FAILED"), &json!(message)));
}

#[tokio::test]
async fn a_repeated_submit_returns_202_until_the_job_is_done() {
    let (org, mut client) = org_and_client().await;
    org.job_scenario("getConversationRecordings", JobScenario::Slow).expect("it applies");
    let path = "/api/v2/conversations/c/recordings";
    for status in [202, 202, 202, 200, 200] {
        assert_eq!(client.get(path).await.status, status);
    }
    assert_eq!(client.get("/api/v2/conversations/d/recordings").await.status, 202);
}

#[tokio::test]
async fn a_job_waits_for_the_client_where_the_service_does() {
    let (org, mut client) = org_and_client().await;
    let path = "/api/v2/recording/jobs";
    let id = submit(&mut client, path, "/id").await;
    let path = format!("{path}/{id}");
    assert_eq!(state(&mut client, &path).await, "READY");
    assert_eq!(state(&mut client, &path).await, "READY");
    client.send("PUT", &path, r#"{"state":"PROCESSING"}"#.into()).await;
    assert_eq!(state(&mut client, &path).await, "FULFILLED");
    let expected = org.expected_job("postRecordingJobs").expect("jobs");
    assert_eq!(expected.awaiting_input.as_deref(), Some("READY"));

    let path = "/api/v2/flows/datatables/t/import/jobs";
    let response = client.post(path, &json!({})).await.json();
    let upload = response["uploadURI"].as_str().expect("a URL").to_owned();
    let path = format!("{path}/{}", response["id"].as_str().expect("an id"));
    assert_eq!(state(&mut client, &path).await, "WaitingForUpload");
    let mut files = Client::of_files(&org).await;
    let upload = upload.strip_prefix(&org.files_url()).expect("a path").to_owned();
    assert_eq!(files.send("PUT", &upload, "a,b".into()).await.status, 200);
    assert_eq!(state(&mut client, &path).await, "Succeeded");
}

#[tokio::test]
async fn file_downloads_refuse_tokens_and_resume() {
    let (org, mut client) = org_and_client().await;
    org.job_scenario(EXPORT, JobScenario::DroppedDownload).expect("it applies");
    org.set_job_records(EXPORT, 100).expect("jobs");
    let path = format!("{EXPORT_PATH}/{}", submit(&mut client, EXPORT_PATH, "/id").await);
    client.get(&path).await;
    let link = client.get(&path).await.json()["downloadURI"].as_str().expect("a URL").to_owned();
    assert_ne!(org.files_url(), org.url());

    let file = link.strip_prefix(&org.files_url()).expect("a path");
    let mut files = Client::of_files(&org).await;
    let with_token = Request::get(file).header(header::AUTHORIZATION, "Bearer secret");
    let response = files.send_request(with_token.body(Full::default()).expect("a request")).await;
    assert_eq!(response.status, 400);
    assert!(org.downloads()[0].bearer);
    let unsigned = file.split('?').next().expect("a path");
    assert_eq!(files.get(unsigned).await.status, 403);

    let expected = org.expected_job(EXPORT).expect("jobs");
    let whole = &expected.files[0];
    assert!(fetch(&org, &link, None).await.is_none(), "the first try is cut");
    let response = fetch(&org, &link, Some(10)).await.expect("a response");
    assert_eq!((response.status, &response.bytes), (206, &whole.slice(10..)));
    let range = format!("bytes 10-{}/{}", whole.len() - 1, whole.len());
    assert_eq!(response.header("content-range"), range);
    assert_eq!(response.header("content-length"), (whole.len() - 10).to_string());
    let response = fetch(&org, &link, None).await.expect("a response");
    assert_eq!(
        (response.status, &response.bytes, response.header("content-type")),
        (200, whole, "text/csv")
    );
    assert!(response.header("etag").starts_with('"'));
    assert_eq!(fetch(&org, &link, Some(whole.len())).await.expect("a response").status, 416);
    assert_eq!(expected.records.len(), 100);
}

#[tokio::test]
async fn links_may_expire_or_point_to_another_host() {
    let (org, mut client) = org_and_client().await;
    org.job_scenario(EXPORT, JobScenario::ExpiredLink).expect("it applies");
    let path = format!("{EXPORT_PATH}/{}", submit(&mut client, EXPORT_PATH, "/id").await);
    client.get(&path).await;
    for status in [403, 200] {
        let link =
            client.get(&path).await.json()["downloadURI"].as_str().expect("a URL").to_owned();
        assert_eq!(fetch(&org, &link, None).await.expect("a response").status, status);
    }
    org.job_scenario(EXPORT, JobScenario::ForeignLink).expect("it applies");
    let path = format!("{EXPORT_PATH}/{}", submit(&mut client, EXPORT_PATH, "/id").await);
    client.get(&path).await;
    let status = client.get(&path).await.json();
    assert!(
        status["downloadURI"].as_str().expect("a URL").starts_with("http://files.example.invalid/")
    );
    assert_eq!(org.expected_job(EXPORT).expect("jobs").end, JobEnd::Undeliverable);
}

#[tokio::test]
async fn a_page_of_audits_may_be_a_redirect_with_a_body() {
    let (org, mut client) = org_and_client().await;
    org.job_scenario(AUDITS, JobScenario::RedirectWithBody).expect("it applies");
    let id = submit(&mut client, "/api/v2/audits/query", "/id").await;
    let path = format!("/api/v2/audits/query/{id}");
    client.get(&path).await;
    assert_eq!(state(&mut client, &path).await, "Succeeded");
    let response = client.get(&format!("{path}/results?pageSize=10")).await;
    let body = response.json();
    assert_eq!((response.status, &body["id"]), (302, &json!(id)));
    assert!(body["cursor"].is_string() && body.get("entities").is_none());
    assert_eq!(body["downloadUrl"], response.header("location"));
    let link = body["downloadUrl"].as_str().expect("a URL");
    let file = fetch(&org, link, None).await.expect("a file").json();
    assert_eq!(file["entities"].as_array().expect("items").len(), 10);
    let response = client.get(&format!("{path}/results?pageSize=10&allowRedirect=false")).await;
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn only_the_org_of_the_submit_knows_a_job() {
    let (_there, mut there) = org_and_client().await;
    let here = MockOrg::builder().seed(2).start().await.expect("an org");
    let mut client = Client::of(&here).await;
    let id = submit(&mut there, DETAILS_PATH, "/jobId").await;
    let other = submit(&mut client, "/api/v2/analytics/users/details/jobs", "/jobId").await;
    assert_eq!(there.get(&format!("{DETAILS_PATH}/{id}")).await.status, 200);
    for id in [id.as_str(), other.as_str(), "made-up"] {
        let path = format!("{DETAILS_PATH}/{id}");
        let results = format!("{path}/results");
        for (method, path) in [("GET", &path), ("GET", &results), ("DELETE", &path)] {
            let response = client.send(method, path, Bytes::new()).await;
            assert_eq!(
                (response.status, &response.json()["code"]),
                (404, &json!("not.found")),
                "{path}"
            );
        }
    }
    // // A test may override this, for one response or for all results.
    let status = "getAnalyticsConversationsDetailsJob";
    here.respond_next(status, CannedResponse::json(200, &json!({ "state": "FULFILLED" })))
        .expect("an operation");
    assert_eq!(state(&mut client, &format!("{DETAILS_PATH}/{id}")).await, "FULFILLED");
    here.set_list("getAnalyticsConversationsDetailsJobResults", 3).expect("a list");
    assert_eq!(client.get(&format!("{DETAILS_PATH}/{id}/results")).await.status, 200);
    assert_eq!(client.get(&format!("{DETAILS_PATH}/{id}")).await.status, 404);
}

#[tokio::test]
async fn listed_ids_and_ids_of_the_client_need_no_submit() {
    let (_org, mut client) = org_and_client().await;
    let list = client.get("/api/v2/gdpr/requests").await.json();
    let id = list["entities"][0]["id"].as_str().expect("an id");
    for path in [
        format!("/api/v2/gdpr/requests/{id}"),
        "/api/v2/languageunderstanding/miners/m".to_owned(),
        "/api/v2/outbound/contactlists/c/export".to_owned(),
    ] {
        assert_eq!(client.get(&path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn rejects_job_settings_for_other_operations() {
    let org = MockOrg::start().await.expect("an org");
    assert_eq!(org.job_operations().len(), 199);
    org.expected_job("getRoutingQueues").expect_err("no jobs");
    org.job_scenario("getNothing", JobScenario::Quick).expect_err("no operation");
    let error = org.job_scenario(DETAILS, JobScenario::Download).expect_err("no files");
    assert_eq!(
        error.to_string(),
        format!("jobs of {DETAILS} do not support the scenario Download")
    );
    org.job_scenario(DETAILS, JobScenario::FailsWithMessage).expect("it applies");
    org.reset();
    assert_eq!(org.expected_job(DETAILS).expect("jobs").end, JobEnd::Succeeded);
}
