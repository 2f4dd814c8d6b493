//! Fault plans.

use std::time::Duration;

use bytes::Bytes;
use genesys_cloud_mock::{FaultKind, FaultPlan, MockOrg, RateLimit, RateLimitHeaders, Scenario};
use http::header::AUTHORIZATION;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::client::{Client, ClientResponse};

const PATH: &str = "/api/v2/routing/queues?pageSize=10";
const TOKENS: &str = "getExternalcontactsScanContacts";

/// Returns the response to the one request that fails, or `None` if it is incomplete.
async fn reply_with(kind: FaultKind) -> Option<ClientResponse> {
    let org =
        MockOrg::builder().faults(FaultPlan::new().at(1, kind)).start().await.expect("an org");
    let response = Client::of(&org).await.try_send("GET", PATH, Bytes::new()).await;
    assert_eq!((org.injected().count(kind), org.injected().total()), (1, 1));
    // The next request succeeds.
    assert_eq!(Client::of(&org).await.get(PATH).await.json()["pageNumber"], 1);
    assert_eq!(org.injected().total(), 1);
    response
}

#[tokio::test]
async fn faults_replace_the_response() {
    for (kind, status, code) in [
        (FaultKind::RateLimited, 429, "too.many.requests.retry.after"),
        (FaultKind::RateLimitedWithoutDelay, 429, "too.many.requests"),
        (FaultKind::RateLimitedUntil, 429, "too.many.requests"),
        (FaultKind::InternalError, 500, "internal.server.error"),
        (FaultKind::DatabaseBusy, 500, "architect.database.throughput.exceeded"),
        (FaultKind::ServiceUnavailable, 503, "service.unavailable"),
        (FaultKind::GatewayTimeout, 504, "request.timeout"),
        (FaultKind::Unauthorized, 401, "bad.credentials"),
    ] {
        let response = reply_with(kind).await.expect("a response");
        assert_eq!((response.status, &response.json()["code"]), (status, &code.into()), "{kind:?}");
        let has_delay = matches!(kind, FaultKind::RateLimited | FaultKind::RateLimitedUntil);
        assert_eq!(response.headers.contains_key("retry-after"), has_delay, "{kind:?}");
    }
    for (kind, status) in [(FaultKind::BadGateway, 502), (FaultKind::HtmlPage, 200)] {
        let response = reply_with(kind).await.expect("a response");
        assert_eq!((response.status, response.header("content-type")), (status, "text/html"));
        assert!(response.bytes.starts_with(b"<!DOCTYPE html>"));
    }
}

#[tokio::test]
async fn faults_corrupt_the_response() {
    let response = reply_with(FaultKind::MalformedJson).await.expect("a response");
    assert_eq!(response.header("content-type"), "application/json");
    serde_json::from_slice::<Value>(&response.bytes).expect_err("no JSON");

    let response = reply_with(FaultKind::WrongContentType).await.expect("a response");
    assert_eq!(
        (response.header("content-type"), &response.json()["pageNumber"]),
        ("text/html", &1.into())
    );

    let response = reply_with(FaultKind::TruncatedGzip).await.expect("a response");
    assert_eq!(response.header("content-encoding"), "gzip");
    assert!(response.bytes.starts_with(&[0x1f, 0x8b]));

    let response = reply_with(FaultKind::DeepNesting).await.expect("a response");
    let text = String::from_utf8(response.bytes.to_vec()).expect("text");
    assert!(text.contains(&format!(r#""entities":[{}"#, "[".repeat(100_000))));

    for kind in [
        FaultKind::ResetBeforeResponse,
        FaultKind::CutInBody,
        FaultKind::ResetInBody,
        // More than this client accepts.
        FaultKind::HugeHeaders,
    ] {
        assert!(reply_with(kind).await.is_none(), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_are_slow_or_stall() {
    let start = tokio::time::Instant::now();
    let response = reply_with(FaultKind::SlowBody).await.expect("a response");
    assert_eq!(response.json()["pageNumber"], 1);
    assert!(start.elapsed() >= Duration::from_secs(3));

    let stalled = reply_with(FaultKind::StalledBody);
    tokio::time::timeout(Duration::from_secs(3_600), stalled).await.expect_err("it stalls");
}

#[tokio::test]
async fn bodies_of_a_gigabyte_are_sent_in_chunks() {
    let plan = FaultPlan::new().at(1, FaultKind::HugeBody).at(2, FaultKind::GzipBomb);
    let org = MockOrg::builder().faults(plan).start().await.expect("an org");
    for (length, read_at_least) in
        [((1_u64 << 30)..(2 << 30), 100_000), ((1 << 19)..(4 << 20), 1_000)]
    {
        let mut client = Client::of(&org).await;
        let request = http::Request::get(PATH)
            .header("host", "localhost")
            .header(AUTHORIZATION, format!("Bearer {}", org.access_token()));
        let request = request.body(Default::default()).expect("a request");
        let response = client.open(request).await;
        let promised = response.headers()["content-length"].to_str().expect("text");
        assert!(length.contains(&promised.parse().expect("a number")), "{promised}");
        let mut body = response.into_body();
        let mut received = 0;
        while received < read_at_least {
            let frame = body.frame().await.expect("more").expect("a frame");
            received += frame.into_data().expect("data").len();
        }
    }
}

#[tokio::test]
async fn page_tokens_are_refused_once_or_expire() {
    let org = MockOrg::start().await.expect("an org");
    org.scenario(TOKENS, Scenario::ManyPages).expect("a list");
    let mut client = Client::of(&org).await;
    let path = "/api/v2/externalcontacts/scan/contacts";
    let next = client.get(path).await.json()["cursors"]["after"].clone();
    let next = format!("{path}?cursor={}", next.as_str().expect("a token"));

    org.inject(FaultPlan::new().rate(FaultKind::PageTokenRefused, 1.0).max_faults(1));
    // This request has no token.
    assert_eq!(client.get(path).await.status, 200);
    assert_eq!(client.get(&next).await.status, 400);
    assert_eq!(client.get(&next).await.status, 200);

    org.inject(FaultPlan::new().at(1, FaultKind::PageTokensExpired));
    assert_eq!(client.get(&next).await.status, 400);
    assert_eq!(client.get(&next).await.status, 400);
    assert_eq!(org.injected().to_string(), "1 PageTokensExpired");
    assert_eq!(client.get(path).await.status, 200);
}

#[tokio::test]
async fn records_are_inserted_and_deleted_at_the_start() {
    let org = MockOrg::builder().list("getRoutingQueues", 25).start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let plan = FaultPlan::new()
        .at(2, FaultKind::RecordInserted)
        .at(3, FaultKind::RecordInserted)
        .at(4, FaultKind::RecordDeleted)
        .at(5, FaultKind::RecordDeleted)
        .at(6, FaultKind::RecordDeleted);
    org.inject(plan);
    let mut ids = Vec::new();
    for _ in 0..6 {
        let page = client.get(PATH).await.json();
        let list: Vec<Value> = page["entities"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| it["id"].clone())
            .collect();
        ids.push((page["total"].as_u64().expect("a count"), list));
    }
    let totals: Vec<u64> = ids.iter().map(|(total, _)| *total).collect();
    assert_eq!(totals, [25, 26, 27, 26, 25, 24]);
    let (first, one, two) = (&ids[0].1, &ids[1].1, &ids[2].1);
    assert_eq!((&one[1..], &two[2..]), (&first[..9], &first[..8]));
    assert_ne!(one[0], two[0]);
    assert_eq!((&ids[3].1, &ids[4].1), (one, first));
    assert_eq!(ids[5].1[..9], first[1..]);
    assert_eq!(org.expected("getRoutingQueues").expect("a list").records[0], first[1]);
}

#[tokio::test]
async fn clock_skew_affects_dates() {
    let org = MockOrg::start().await.expect("an org");
    let date = |response: ClientResponse| response.header("date").to_owned();
    let mut client = Client::of(&org).await;
    let now = date(client.get(PATH).await);
    org.inject(FaultPlan::new().clock_skew(-40 * 365 * 86_400));
    let then = date(client.get(PATH).await);
    let year = |date: &str| date.split(' ').nth(3).expect("a year").parse::<u32>().expect("a year");
    assert!((39..=41).contains(&(year(&now) - year(&then))), "{now}, {then}");
    assert_eq!(org.injected().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn enforces_limits_by_window_and_by_bucket() {
    let minute = Duration::from_secs(60);
    // The number of consecutive successful calls, at once and after each pause.
    let passed = async |limit: RateLimit, pauses: &[u64]| {
        let org = MockOrg::builder().rate_limit(limit).start().await.expect("an org");
        let mut client = Client::of(&org).await;
        let mut passed = vec![];
        let mut refused = 0;
        for pause in [0].iter().chain(pauses) {
            tokio::time::advance(Duration::from_secs(*pause)).await;
            let mut count = 0;
            while client.get("/api/v2/users/me").await.status == 200 {
                count += 1;
            }
            refused += 1;
            passed.push(count);
        }
        assert_eq!((org.injected().limited, org.injected().required_retries()), (refused, refused));
        passed
    };
    let window = RateLimit::window(12, minute);
    assert_eq!(passed(window, &[5, 56, 30]).await, [12, 0, 12, 0]);
    let bucket = RateLimit::bucket(12, minute);
    assert_eq!(passed(bucket, &[5, 10, 120]).await, [12, 1, 2, 12]);
    // When the first half of the window is over, others have used half of it.
    assert_eq!(passed(window.others(12), &[61, 30, 31]).await, [12, 12, 0, 12]);
    assert_eq!(passed(bucket.others(6), &[20]).await, [12, 2]);
}

#[tokio::test]
async fn reports_limits_in_the_chosen_headers() {
    let limit = RateLimit::window(3, Duration::from_secs(60));
    for (headers, names) in [
        (RateLimitHeaders::Inin, Some(["inin-ratelimit-count", "inin-ratelimit-allowed"])),
        (RateLimitHeaders::Gateway, Some(["x-ratelimit-remaining", "x-ratelimit-limit"])),
        (RateLimitHeaders::None, None),
    ] {
        let org = MockOrg::builder().rate_limit(limit.headers(headers)).start().await;
        let org = org.expect("an org");
        let response = Client::of(&org).await.get(PATH).await;
        let limits: Vec<_> =
            response.headers.keys().filter(|name| name.as_str().contains("ratelimit")).collect();
        assert_eq!(limits.len(), if names.is_some() { 3 } else { 0 }, "{headers:?}");
        if let Some([first, allowed]) = names {
            let left_or_used = if headers == RateLimitHeaders::Inin { "1" } else { "2" };
            assert_eq!((response.header(first), response.header(allowed)), (left_or_used, "3"));
        }
    }
}
